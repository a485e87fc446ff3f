"""What reverse mode does at branches and loops: one rule for each, from a node with regions to another.

The adjoint of a branch is a branch between the adjoints of its arms.  The adjoint of a loop is a scan the other
way: it carries the cotangents of the carried values and the gradients of what came from outside, and reads the
carried values that a second, *taped* forward loop has stacked.  How often a `while` has run only its tape knows,
and the scan runs over that.  Bodies are differentiated by reverse mode itself, so these rules work on their own
output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.ir.core.build import constant, zeros_like
from graphc.ir.core.control_flow import RefusedError, applied, results_of, substitute
from graphc.ir.core.graph import PARAMETER, Node, Region, make, parameter, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_gather, is_while
from graphc.ir.core.types import BOOL, TensorType
from graphc.ir.transforms.vjp_rules import accumulated

__all__ = ["LOOP_VJP", "Gradients", "LoopRule"]

SMALL_TABLE = 16
"""A loop adds up the gradient of a table of at most so many elements as a whole, where its body gathers from it."""

Gradients = Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], "list[Node | None]"]
"""Reverse mode itself, handed to the rules: it stands above them."""

LoopRule = Callable[[Node, Sequence["Node | None"], Sequence[bool], Gradients], "list[Node | None]"]
"""rule(node, cotangents of its results, which operands want a gradient, gradients) -> gradients of the operands."""


def _filled(by: Sequence[Node], found: Sequence[Node | None]) -> list[Node]:
    return [zeros_like(node) if g is None else g for node, g in zip(by, found, strict=True)]


def _spread(wanted: Sequence[bool], found: Sequence[Node]) -> list[Node | None]:
    """Put found gradients at the operands that want one."""
    rest = iter(found)
    return [next(rest) if w else None for w in wanted]


def _cond(node: Node, cotangents: Sequence[Node | None], wanted: Sequence[bool], gradients: Gradients) -> list[Node | None]:
    given = [i for i, g in enumerate(cotangents) if g is not None]
    arms = []
    for region in node.regions:
        seeds = [parameter(region.results[i].type) for i in given]
        by = [p for p, w in zip(region.params, wanted[1:], strict=True) if w]
        found = gradients([region.results[i] for i in given], seeds, by)
        arms.append(Region((*region.params, *seeds), tuple(_filled(by, found))))
    operands = (*node.operands, *(g for g in cotangents if g is not None))
    return [None, *_spread(wanted[1:], results_of(make(PRIMITIVES["cond"], operands, {}, tuple(arms), like=node)))]


def _checkpoint(
    node: Node, cotangents: Sequence[Node | None], wanted: Sequence[bool], gradients: Gradients
) -> list[Node | None]:
    """Compute the region again where its gradient is: behind a barrier, or it would be one with the first computation."""
    (body,) = node.regions
    given = [i for i, g in enumerate(cotangents) if g is not None]
    seeds = [parameter(body.results[i].type) for i in given]
    by = [p for p, w in zip(body.params, wanted, strict=True) if w]
    found = _filled(by, gradients([body.results[i] for i in given], seeds, by))
    reached = set(toposort(found))
    operands = [*node.operands, *(g for g in cotangents if g is not None)]
    pairs = [(p, o) for p, o in zip((*body.params, *seeds), operands, strict=True) if p in reached]
    region = Region(tuple(p for p, _ in pairs), tuple(found))
    again = make(PRIMITIVES["checkpoint"], [o for _, o in pairs], {"barrier": True}, (region,), like=node)
    return _spread(wanted, results_of(again))


def _loop(node: Node, cotangents: Sequence[Node | None], wanted: Sequence[bool], gradients: Gradients) -> list[Node | None]:
    body = node.regions[-1]
    n, m = node.params["carried"], node.params.get("sequences", 0)
    carried, items, outside = body.params[:n], body.params[n : n + m], body.params[n + m :]
    stacked = [i for i in range(n, len(node.types)) if cotangents[i] is not None]
    flowing, seeds, found = _flowing(node, cotangents, stacked, wanted, gradients)
    reached = [w and p in found for p, w in zip(body.params, wanted, strict=True)]
    by_items = [p for p, r in zip(items, reached[n : n + m], strict=True) if r]
    by_outside = [p for p, r in zip(outside, reached[n + m :], strict=True) if r]
    to_carried = [found.get(carried[i], zeros_like(carried[i])) for i in flowing]
    to_items = [found[p] for p in by_items]
    sums = [parameter(p.type) for p in by_outside]
    to_outside = [accumulated([s, found[p]]) for s, p in zip(sums, by_outside, strict=True)]
    computed = (*to_carried, *to_outside, *to_items)
    picked = {p: parameter(p.type, p.name) for p in _picked(computed, body, n)}
    tape = _tape(node, list(picked))
    kept = (*carried, *picked.values())
    iterations = [parameter(TensorType(BOOL)) for _ in tape[len(kept) :]]
    region = Region(
        (*(seeds[i] for i in flowing), *sums, *items, *kept, *iterations, *(seeds[i] for i in stacked), *outside),
        tuple(substitute(computed, picked)),
    )
    start = [_or_zeros(cotangents[i], node, i) for i in flowing]
    operands = [
        *start,
        *(zeros_like(p) for p in by_outside),
        *node.operands[n : n + m],
        *tape,
        *(g for i in stacked if (g := cotangents[i]) is not None),
        *node.operands[n + m :],
    ]
    params = {
        "carried": len(flowing) + len(sums),
        "sequences": m + len(tape) + len(stacked),
        "length": node.params.get("length"),
        "reverse": not node.params.get("reverse", False),
    }
    results = results_of(make(PRIMITIVES["scan"], operands, params, (region,), like=node)) if region.results else []
    first = dict(zip(flowing, results, strict=False))
    last = len(flowing) + len(sums)
    return [
        *(first.get(i) if wanted[i] else None for i in range(n)),
        *_spread(reached[n : n + m], results[last:]),
        *_spread(reached[n + m :], results[len(flowing) : last]),
    ]


def _flowing(
    node: Node, cotangents: Sequence[Node | None], stacked: Sequence[int], wanted: Sequence[bool], gradients: Gradients
) -> tuple[list[int], dict[int, Node], dict[Node, Node]]:
    """Return which carried values have a cotangent in any iteration, one for each such result, gradients by parameters.

    What is carried to be compared only, such as the error of an iteration, has none: nothing is computed for it.
    """
    body, n = node.regions[-1], node.params["carried"]
    by = [p for i, p in enumerate(body.params) if p.dtype.is_float and (i < n or wanted[i])]
    flowing = [i for i in range(n) if body.params[i].dtype.is_float and cotangents[i] is not None]
    while True:
        seeds = {i: parameter(body.results[i].type) for i in (*flowing, *stacked)}
        raw = gradients([body.results[i] for i in seeds], list(seeds.values()), by)
        found = {p: g for p, g in zip(by, raw, strict=True) if g is not None}
        more = [i for i in range(n) if i not in flowing and body.params[i] in found]
        if not more:
            return flowing, seeds, found
        flowing = sorted((*flowing, *more))


def _or_zeros(cotangent: Node | None, node: Node, index: int) -> Node:
    return zeros_like(results_of(node)[index]) if cotangent is None else cotangent


def _picked(computed: Sequence[Node], body: Region, count: int) -> list[Node]:
    """Return what an adjoint body picks from large carried values: that is kept then, and not the values."""
    forward, varying = set(body.params), set(body.params[:count])
    found = []
    for node in toposort(computed):
        if node.op is PARAMETER or not forward.issuperset(node.operands):
            continue
        forward.add(node)
        if not varying.isdisjoint(node.operands):
            varying.add(node)
            whole = node.operands[0].types[0]
            if is_gather(node) and node.operands[0] in varying and node.type.size < whole.size > SMALL_TABLE:
                found.append(node)
    return found


def _tape(node: Node, picked: Sequence[Node]) -> list[Node]:
    """Return, stacked, what each carried value was before each iteration: results of the same loop with more results.

    `picked` are values that its body computes, stacked too.  One more of a `while` is its iterations themselves: so their
    number is known where nothing else is read.
    """
    body = node.regions[-1]
    iteration = [constant(True, BOOL)] if is_while(node) else []
    taped = Region(body.params, (*body.results, *body.params[: node.params["carried"]], *picked, *iteration))
    whole = make(node.op, node.operands, node.params, (*node.regions[:-1], taped), like=node)
    return results_of(whole)[len(node.types) :]


def _custom(node: Node, cotangents: Sequence[Node | None], wanted: Sequence[bool], gradients: Gradients) -> list[Node | None]:
    """Do what the first region does with the cotangents.  Raises RefusedError if there is no such region."""
    k, n, by = (node.params[key] for key in ("values", "inputs", "by"))
    found: list[Node | None] = [None] * len(node.operands)
    if not any(wanted[k : k + n]):
        return found
    if node.params["refusals"][0]:
        raise RefusedError(node.params["refusals"][0])
    if by:
        given = [_or_zeros(g, node, i) for i, g in enumerate(cotangents)]
        for i, gradient in zip(by, applied(node, node.regions[0], given), strict=True):
            found[k + i] = gradient if wanted[k + i] else None
    return found


LOOP_VJP: dict[str, LoopRule] = {
    "checkpoint": _checkpoint, "cond": _cond, "custom": _custom, "while": _loop, "scan": _loop
}  # fmt: skip
"""Primitives with regions -> their rule."""
