"""Reverse-mode rules for branches and loops: each maps a node with regions to another one.

The adjoint of a branch is a branch between the adjoints of its arms.  The adjoint of a loop is a reversed scan: it carries the
cotangents of the carried values and the gradients of the captures, and reads the residuals, the carried values that a copy of
the forward loop stacks.  Only these residuals record how often a `while` has run, and the scan runs over them.  Bodies are
differentiated by reverse mode itself, so the rules apply to their own output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from graphc.ir.core.build import constant, zeros_like
from graphc.ir.core.graph import PARAMETER, Node, Region, parameter, toposort
from graphc.ir.core.predicates import is_gather
from graphc.ir.core.types import BOOL, TensorType
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Binding, Carry, Loop
from graphc.ir.regions.substitution import RefusedError, substitute
from graphc.ir.transforms.vjp_rules import accumulated

__all__ = ["LOOP_VJP", "Gradients", "LoopRule"]

SMALL_TABLE = 16
"""A loop accumulates the gradient of a table of at most this many elements densely, where its body gathers from the table."""

Gradients = Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], "list[Node | None]"]
"""Reverse mode itself, an argument of the rules, since its module imports this one."""

LoopRule = Callable[[Node, Sequence["Node | None"], Sequence[bool], Gradients], "list[Node | None]"]
"""rule(node, cotangents of its results, which operands want a gradient, gradients) -> gradients of the operands."""


def _filled(params: Sequence[Node], grads: Sequence[Node | None]) -> list[Node]:
    return [zeros_like(node) if g is None else g for node, g in zip(params, grads, strict=True)]


def _scattered(wanted: Sequence[bool], grads: Sequence[Node]) -> list[Node | None]:
    """Place the gradients at the operands that want one."""
    rest = iter(grads)
    return [next(rest) if w else None for w in wanted]


def _cond(node: Node, cotangents: Sequence[Node | None], wanted: Sequence[bool], gradients: Gradients) -> list[Node | None]:
    call = Call.of(node)
    _, wanted = call.split(wanted)
    with_cotangent = [i for i, g in enumerate(cotangents) if g is not None]
    arms = []
    for region in call.arms:
        seeds = [parameter(region.results[i].type) for i in with_cotangent]
        params = [p for p, w in zip(region.params, wanted, strict=True) if w]
        grads = gradients([region.results[i] for i in with_cotangent], seeds, params)
        arms.append(Region((*region.params, *seeds), tuple(_filled(params, grads))))
    arguments = (*call.arguments, *(g for g in cotangents if g is not None))
    return [None, *_scattered(wanted, replace(call, arguments=arguments, arms=arms).results())]


def _checkpoint(
    node: Node, cotangents: Sequence[Node | None], wanted: Sequence[bool], gradients: Gradients
) -> list[Node | None]:
    """Recompute the region in its gradient, behind an optimization barrier that keeps it from merging with the original."""
    call = Call.of(node)
    body = call.body
    with_cotangent = [i for i, g in enumerate(cotangents) if g is not None]
    seeds = [parameter(body.results[i].type) for i in with_cotangent]
    params = [p for p, w in zip(body.params, wanted, strict=True) if w]
    grads = _filled(params, gradients([body.results[i] for i in with_cotangent], seeds, params))
    reached = set(toposort(grads))
    arguments = [*call.arguments, *(g for g in cotangents if g is not None)]
    pairs = [(p, x) for p, x in zip((*body.params, *seeds), arguments, strict=True) if p in reached]
    region = Region(tuple(p for p, _ in pairs), tuple(grads))
    again = replace(call, arguments=[x for _, x in pairs], arms=[region], attributes={"barrier": True})
    return _scattered(wanted, again.results())


def _loop(node: Node, cotangents: Sequence[Node | None], wanted: Sequence[bool], gradients: Gradients) -> list[Node | None]:
    """Return the gradients of a loop's operands: results of a reversed scan, which carries the sums over iterations."""
    loop = Loop.of(node)
    of_ends, of_stacks = loop.split_results(cotangents)
    stacks_with_cotangent = [(y, g) for y, g in zip(loop.ys, of_stacks, strict=True) if g is not None]
    flow = _flow(loop, of_ends, [y for y, _ in stacks_with_cotangent], wanted, gradients)
    reached = {b.param for b, w in zip(loop.bindings, wanted, strict=True) if w and b.param in flow.grads}
    last = dict(zip(loop.carries, of_ends, strict=True))
    carries = [
        Carry(_or_zeros(last[c], c.param), seed, next=_or_zeros(flow.grads.get(c.param), c.param))
        for c, seed in flow.carries.items()
    ]
    captures = [b.param for b in loop.captures if b.param in reached]
    carries += [_sum_over_iterations(p, flow.grads[p]) for p in captures]
    xs = [x.param for x in loop.xs if x.param in reached]
    ys = [flow.grads[p] for p in xs]
    adjoint = Loop(carries, captures=loop.captures, ys=ys, length=loop.length, reverse=not loop.reverse)
    if not adjoint.body.results:
        return [None] * len(wanted)
    picked = {p: parameter(p.type, p.name) for p in _picked(adjoint.body.results, loop)}
    adjoint = adjoint.with_results(substitute(adjoint.body.results, picked))
    cotangents_of_ys = [Binding(g, seed) for (_, g), seed in zip(stacks_with_cotangent, flow.ys, strict=True)]
    ends, stacks = replace(adjoint, xs=[*loop.xs, *_residuals(loop, picked), *cotangents_of_ys]).results(like=node)
    grads = dict(zip((*(c.param for c in flow.carries), *captures), ends, strict=True)) | dict(zip(xs, stacks, strict=True))
    return [grads.get(b.param) if w else None for b, w in zip(loop.bindings, wanted, strict=True)]


def _sum_over_iterations(param: Node, gradient: Node) -> Carry:
    """Return what a loop carries to add up the gradient of a capture."""
    total = parameter(param.type)
    return Carry(zeros_like(param), total, next=accumulated([total, gradient]))


class _Flow(NamedTuple):
    """The parts of an adjoint body: cotangents of some carries and ys, as parameters, and the gradient of each parameter."""

    carries: dict[Carry, Node]
    ys: list[Node]
    grads: dict[Node, Node]


def _flow(
    loop: Loop, of_ends: Sequence[Node | None], ys: Sequence[Node], wanted: Sequence[bool], gradients: Gradients
) -> _Flow:
    """Differentiate the body of a loop with respect to the carries that ever have a cotangent, and the wanted operands.

    A value that is carried only for a comparison, such as the error of an iteration, has no cotangent and costs nothing.
    """
    active = [b.param for b, w in zip(loop.bindings, wanted, strict=True) if w or isinstance(b, Carry)]
    wrt = [p for p in active if p.dtype.is_float]
    flowing = [c for c, g in zip(loop.carries, of_ends, strict=True) if g is not None and c.param.dtype.is_float]
    while True:
        outputs = [*(c.next for c in flowing), *ys]
        carries = {c: parameter(c.next.type) for c in flowing}
        own = [parameter(y.type) for y in ys]
        raw = gradients(outputs, [*carries.values(), *own], wrt)
        grads = {p: g for p, g in zip(wrt, raw, strict=True) if g is not None}
        more = [c for c in loop.carries if c in carries or c.param in grads]
        if len(more) == len(flowing):
            return _Flow(carries, own, grads)
        flowing = more


def _or_zeros(cotangent: Node | None, like: Node) -> Node:
    return zeros_like(like) if cotangent is None else cotangent


def _picked(computed: Sequence[Node], loop: Loop) -> list[Node]:
    """Return what an adjoint body reads of large carried values by index: these parts are stored instead of the values."""
    forward, varying = set(loop.body.params), {c.param for c in loop.carries}
    picked = []
    for node in toposort(computed):
        if node.op is PARAMETER or not forward.issuperset(node.operands):
            continue
        forward.add(node)
        if not varying.isdisjoint(node.operands):
            varying.add(node)
            type = node.operands[0].types[0]
            if is_gather(node) and node.operands[0] in varying and node.type.size < type.size > SMALL_TABLE:
                picked.append(node)
    return picked


def _residuals(loop: Loop, picked: Mapping[Node, Node]) -> list[Binding]:
    """Return the stacked carried values before each iteration, and the parts read by index, with their parameters.

    They are results of the same loop with more ys.  A `while` also stacks one value that grows, so that the number of
    iterations is known where nothing else is read.
    """
    values = {**{c.param: c.param for c in loop.carries}, **picked}
    if loop.condition is not None:
        values[constant(True, BOOL)] = parameter(TensorType(BOOL))
    _, stacks = replace(loop, ys=(*loop.ys, *values)).results()
    return [Binding(stack, param) for stack, param in zip(stacks[len(loop.ys) :], values.values(), strict=True)]


def _custom(node: Node, cotangents: Sequence[Node | None], wanted: Sequence[bool], gradients: Gradients) -> list[Node | None]:
    """Apply the cotangent rule.  Raises RefusedError if there is an error text instead of a rule."""
    rule = Custom.of(node)
    values, inputs, captures = rule.split(wanted)
    if not any(inputs):
        return [None] * len(wanted)
    if rule.refusals[0]:
        raise RefusedError(rule.refusals[0])
    grads: dict[int, Node] = {}
    if rule.backward is not None:
        region, numbers = rule.backward
        value_cotangents = [_or_zeros(g, value) for g, value in zip(cotangents, rule.values, strict=True)]
        grads = dict(zip(numbers, rule.derivatives(region, value_cotangents), strict=True))
    of_inputs = [grads.get(i) if w else None for i, w in enumerate(inputs)]
    return [*(None for _ in values), *of_inputs, *(None for _ in captures)]


LOOP_VJP: dict[str, LoopRule] = {
    "checkpoint": _checkpoint, "cond": _cond, "custom": _custom, "while": _loop, "scan": _loop
}  # fmt: skip
"""The rule of each primitive with regions."""
