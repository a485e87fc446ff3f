"""Dependence: which elements of inputs the derivative of each element of a result can see.

A loop and a table, as autodiff is: the loop walks the nodes, operands first, and the table says which elements of
its operands each element of a primitive's result is differentiably made of.  What chooses (an index, a condition)
is followed exactly where it is known before the program runs, else everything that it may choose counts.  No
element is said to be independent whose tangent could be anything but zero, so nothing leaks between elements that
share a direction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from graphc.ir.core.graph import PARAMETER, Node, Primitive, Region, TypeRuleError, toposort
from graphc.ir.core.ops import PRIMITIVES, REDUCTIONS
from graphc.ir.core.predicates import adds_updates, is_result
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.ir.sparse.sparsity import Sparsity, identity, nothing, of_pairs, stacked, union

__all__ = ["LOOP_RULES", "RULES", "UNROLL_BOUND", "Values", "dependence"]

UNROLL_BOUND = 50_000
"""A loop whose body chooses by values is followed step by step up to this many nodes; beyond, any choice counts."""

Parts = list["Sparsity | None"]
"""The patterns of a node's results; None depends on nothing.  That of what grows is the pattern of any of its items."""


def dependence(results: Sequence[Node], wrt: Sequence[Node], values: Values | None = None) -> list[Sparsity]:
    '''Return for each result the pattern of its Jacobian: its elements by those of the nodes of `wrt`, one after another.

    Elements are numbered in row-major order.  Nodes of `wrt` depend on themselves alone, whatever they are made of.
    `values` knows arrays beforehand.  Raises TypeRuleError for a primitive without a rule.

    >>> from graphc.ir.text.parser import parse
    >>> graph = parse("""graph f(%x: f32[4]) -> (f32[3]) {
    ...   %a: f32[3] = slice %x {start=[0], stop=[3], step=[1]}
    ...   %b: f32[3] = slice %x {start=[1], stop=[4], step=[1]}
    ...   %y: f32[3] = mul %a, %b
    ...   return %y
    ... }""")
    >>> (found,) = dependence(graph.results, graph.params)
    >>> print(found.toarray().astype(int))
    [[1 1 0 0]
     [0 1 1 0]
     [0 0 1 1]]
    '''
    sizes = [node.type.size for node in wrt]
    width = sum(sizes)
    given: dict[Node, Parts] = {}
    for node, size, offset in zip(wrt, sizes, accumulate(sizes, initial=0), strict=False):
        given[node] = [identity(size, width, offset) if node.dtype.is_float else None]
    found = _propagate(results, given, values or Values({}))
    return [_filled(part, node, width) for part, node in zip(found, results, strict=True)]


class Values:
    """What is known before the program runs: nodes made of constants alone, or of the arrays that are given."""

    def __init__(self, given: Mapping[Node, Any]) -> None:
        self.given = given
        self.read: set[Node] = set()
        self._arrays: dict[Node, Any] = {}
        self._fixed: dict[Node, bool] = {}

    def of(self, node: Node) -> Any:
        """Return the array of a node; None if it depends on the inputs."""
        if not self._is_fixed(node):
            return None
        if node not in self._arrays:
            (self._arrays[node],) = evaluate_nodes([node], self.given)
            self.read.update(n for n in toposort([node], self.given.__contains__) if n in self.given)
        return self._arrays[node]

    def of_choice(self, node: Node) -> Any:
        """Return the array of a node that may choose: of integers or truth values."""
        return None if node.dtype.is_float else self.of(node)

    def _is_fixed(self, node: Node) -> bool:
        for n in toposort([node], self._fixed.__contains__):
            if n not in self._fixed:
                self._fixed[n] = n in self.given or (
                    n.op is not PARAMETER and all(self._fixed.get(o, False) for o in n.operands)
                )
        return self._fixed[node]


def _propagate(results: Sequence[Node], given: Mapping[Node, Parts], values: Values) -> Parts:
    """Return the patterns of results, from those of some nodes."""
    known = dict(given)
    for node in toposort(results, known.__contains__):
        if node not in known:
            parts = _parts(node, known, values)
            if any(p is not None for p in parts):
                known[node] = parts
    return [known[r][0] if r in known else None for r in results]


def _parts(node: Node, known: Mapping[Node, Parts], values: Values) -> Parts:
    name = node.op.name
    if is_result(node):
        whole = known.get(node.operands[0])
        return [None if whole is None else whole[node.params["index"]]]
    operands = [known[o][0] if o in known else None for o in node.operands]
    if not _passes_on(node.op) or all(o is None for o in operands):
        return [None] * len(node.types)
    if name in LOOP_RULES:
        return [
            p if t.dtype.is_float else None for p, t in zip(LOOP_RULES[name](node, operands, values), node.types, strict=True)
        ]
    if name not in RULES:
        raise TypeRuleError(f"{name} has no dependence rule")
    return [RULES[name](node, operands, values) if node.dtype.is_float else None]


def _filled(part: Sparsity | None, node: Node, width: int) -> Sparsity:
    return nothing(node.type.size, width) if part is None else part


def _union(parts: Sequence[Sparsity | None]) -> Sparsity | None:
    found = [p for p in parts if p is not None]
    return union(found) if found else None


# -- rules ----------------------------------------------------------------------------------------------------

Rule = Callable[[Node, Sequence["Sparsity | None"], Values], "Sparsity | None"]


def _elementwise(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    return _union(operands)


def _select(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    chosen = values.of(node.operands[0])
    return _union(operands[1:]) if chosen is None else _picked(node, operands, [chosen])


def _gather(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    x, *_ = operands
    indices = [values.of(i) for i in node.operands[1:]]
    if any(i is None for i in indices):
        return None if x is None else _mixed(x, node.operands[0], node, len(indices))
    return _picked(node, operands[:1], [], indices)


def _scatter(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    x, updates, *_ = operands
    if updates is None:
        return x
    indices = [values.of(i) for i in node.operands[2:]]
    if any(i is None for i in indices):
        return _union([x, _mixed(updates, node.operands[1], node, node.operands[2].type.rank)])
    places = PRIMITIVES["gather"].meaning
    assert places is not None
    targets = places(np.arange(node.type.size).reshape(node.shape), *indices).ravel()
    if adds_updates(node):
        return _union([x, updates.gathered(targets, node.type.size)])
    return _replaced(x, updates, targets, node.type.size)


def _replaced(x: Sparsity | None, updates: Sparsity, targets: Any, count: int) -> Sparsity | None:
    """Return the pattern of rows of which some are replaced, each by the last update for it."""
    last = np.full(count, -1)
    last[targets] = np.arange(len(targets))
    stays = None if x is None else x.take(np.where(last < 0, np.arange(count), -1))
    return _union([stays, updates.take(last)])


def _mixed(x: Sparsity, source: Node, target: Node, leading: int) -> Sparsity:
    """Return the pattern of a result in which any of the elements along leading axes may be at any place."""
    rest = source.shape[leading:]
    each = np.arange(prod(rest))
    together = x.gathered(np.resize(each, source.type.size), len(each)) if len(each) else x
    return together.take(np.resize(each, target.type.size))


def _move(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    return _picked(node, operands)


def _picked(
    node: Node, operands: Sequence[Sparsity | None], before: Sequence[Any] = (), after: Sequence[Any] = ()
) -> Sparsity | None:
    """Return the pattern of a result each element of which is an element of an operand or none.

    The primitive itself moves the numbers of the rows; `before` and `after` are arrays for operands that choose.
    """
    nodes = node.operands[len(before) : len(node.operands) - len(after)]
    parts = list(operands[len(before) :])
    numbers, offset = [], 0
    for part, operand in zip(parts, nodes, strict=True):
        size = operand.type.size
        numbered = np.full(size, -1) if part is None else np.arange(offset, offset + size)
        numbers.append(numbered.reshape(operand.shape))
        offset += 0 if part is None else size
    found = [p for p in parts if p is not None]
    if not found:
        return None
    assert node.op.meaning is not None
    return stacked(found).take(np.asarray(node.op.meaning(*before, *numbers, *after, **node.params)).ravel())


def _reduce(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    (x,) = operands
    return None if x is None else _folded(x, node.operands[0].shape, node.params["axes"])


def _folded(x: Sparsity, shape: tuple[int, ...], axes: Sequence[int]) -> Sparsity:
    """Return the pattern of what is made of all elements along some axes."""
    kept = [1 if a in axes else n for a, n in enumerate(shape)]
    targets = np.broadcast_to(np.arange(prod(kept)).reshape(kept), shape).ravel()
    return x.gathered(targets, prod(kept))


def _cumsum(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    (x,) = operands
    axis = node.params["axis"]
    lines = np.moveaxis(np.arange(node.type.size).reshape(node.shape), axis, -1)
    last, first = np.tril_indices(node.shape[axis])
    sums = of_pairs(lines[..., last].ravel(), lines[..., first].ravel(), (node.type.size, node.type.size))
    return None if x is None else sums.through(x)


def _matmul(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    a, b = node.operands
    *_, m, n = node.shape
    places = np.arange(node.type.size)
    row, column = places // n if n else places, places // (m * n) * n + places % n if m * n else places
    parts = (
        None if operands[0] is None else _folded(operands[0], a.shape, (a.type.rank - 1,)).take(row),
        None if operands[1] is None else _folded(operands[1], b.shape, (b.type.rank - 2,)).take(column),
    )
    return _union(parts)


def _passes_on(op: Primitive) -> bool:
    """Whether the result depends differentiably on operands."""
    return op.kind == "region" or (op.differentiable and not op.flat)


RULES: dict[str, Rule] = {
    **{n: _elementwise for n, p in PRIMITIVES.items() if p.kind == "elementwise" and _passes_on(p)},
    **{n: _move for n, p in PRIMITIVES.items() if p.kind == "movement"},
    **{n: _reduce for n in REDUCTIONS if _passes_on(PRIMITIVES[n])},
    "select": _select,
    "concatenate": _move,
    "gather": _gather,
    "scatter": _scatter,
    "scatter_add": _scatter,
    "cumsum": _cumsum,
    "matmul": _matmul,
}
"""For each primitive, the pattern of its result from those of its operands."""


# -- loops and branches -----------------------------------------------------------------------------------------

LoopRule = Callable[[Node, Sequence["Sparsity | None"], Values], Parts]


def _enter(region: Region, operands: Sequence[Sparsity | None], arrays: Sequence[Any]) -> tuple[Parts, Values]:
    """Return the patterns of a region's results, and what is known inside, for patterns and arrays of its parameters."""
    values = Values({p: a for p, a in zip(region.params, arrays, strict=True) if a is not None})
    given: dict[Node, Parts] = {p: [o] for p, o in zip(region.params, operands, strict=True) if o is not None}
    return _propagate(region.results, given, values), values


def _call(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Parts:
    return _enter(node.regions[0], operands, [values.of_choice(o) for o in node.operands])[0]


def _cond(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Parts:
    chosen = values.of(node.operands[0])
    arms = node.regions if chosen is None else [node.regions[0 if chosen else 1]]
    arrays = [values.of_choice(o) for o in node.operands[1:]]
    found = [_enter(arm, operands[1:], arrays)[0] for arm in arms]
    return [_union(parts) for parts in zip(*found, strict=True)]


def _scan(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Parts:
    (body,) = node.regions
    length = node.params["length"]
    if length is None:
        return _over_tapes(node, operands, values)
    steps = range(length)[::-1] if node.params["reverse"] else range(length)
    if _chooses(body) and length * len(body.nodes()) <= UNROLL_BOUND:
        return _followed(node, operands, values, steps)
    return _summed(node, operands, values, steps)


def _chooses(region: Region) -> bool:
    """Tell whether what a region's results are made of may depend on values."""
    return any(
        n.op.indices is not None or n.op.name in ("select", "cond", "while") or any(map(_chooses, n.regions))
        for n in region.nodes()
    )


def _followed(node: Node, operands: Sequence[Sparsity | None], values: Values, steps: Sequence[int]) -> Parts:
    """Follow a scan step by step, with the choices of each step that are known."""
    (body,) = node.regions
    n, m = node.params["carried"], node.params["sequences"]
    arrays = [values.of_choice(o) for o in node.operands]
    carried, held = list(operands[:n]), arrays[:n]
    items: list[Parts] = [[None] * len(steps) for _ in node.types[n:]]
    for i in steps:
        taken = [_item(p, t, i) for p, t in zip(operands[n : n + m], node.operands[n : n + m], strict=True)]
        chosen = [None if a is None else a[i] for a in arrays[n : n + m]]
        found, inside = _enter(body, [*carried, *taken, *operands[n + m :]], [*held, *chosen, *arrays[n + m :]])
        carried, held = found[:n], [inside.of_choice(r) for r in body.results[:n]]
        for stack, part in zip(items, found[n:], strict=True):
            stack[i] = part
    width = _width(operands)
    return [*carried, *(_restacked(s, r.type.size, width) for s, r in zip(items, body.results[n:], strict=True))]


def _item(sequence: Sparsity | None, node: Node, i: int) -> Sparsity | None:
    size = prod(node.shape[1:])
    return None if sequence is None else sequence.take(np.arange(i * size, (i + 1) * size))


def _restacked(parts: Parts, size: int, width: int) -> Sparsity | None:
    if all(p is None for p in parts):
        return None
    return stacked([nothing(size, width) if p is None else p for p in parts])


def _width(operands: Sequence[Sparsity | None]) -> int:
    return next(o.shape[1] for o in operands if o is not None)


class _Summary:
    """What one step of a body does, whatever the values: its results by what is carried, the items, and the rest."""

    def __init__(self, body: Region, counts: Sequence[int], arrays: Sequence[Any], width: int) -> None:
        sizes = [p.type.size for p in body.params]
        offsets = list(accumulate(sizes, initial=0))
        rows = [identity(size, offsets[-1], offset) for size, offset in zip(sizes, offsets, strict=False)]
        inner = [row if p.dtype.is_float else None for row, p in zip(rows, body.params, strict=True)]
        found = stacked([_filled(p, r, offsets[-1]) for p, r in zip(_enter(body, inner, arrays)[0], body.results, strict=True)])
        cuts = [offsets[c] for c in accumulate(counts, initial=0)]
        self.blocks = [found.block(slice(0, found.shape[0]), slice(a, b)) for a, b in pairwise(cuts)]
        self.width = width

    def part(self, group: int, operands: Sequence[Sparsity | None], nodes: Sequence[Node]) -> Sparsity:
        """Return what the results have from one group of operands."""
        block = self.blocks[group]
        if not block.nnz or all(o is None for o in operands):
            return nothing(block.shape[0], self.width)
        return block.through(stacked([_filled(o, p, self.width) for o, p in zip(operands, nodes, strict=True)]))


def _summed(node: Node, operands: Sequence[Sparsity | None], values: Values, steps: Sequence[int]) -> Parts:
    """Apply to each step of a scan what any step does."""
    (body,) = node.regions
    n, m = node.params["carried"], node.params["sequences"]
    groups = body.params[:n], body.params[n : n + m], body.params[n + m :]
    arrays = [*[None] * (n + m), *(values.of_choice(o) for o in node.operands[n + m :])]
    summary = _Summary(body, [len(g) for g in groups], arrays, _width(operands))
    outside = summary.part(2, operands[n + m :], groups[2])
    cuts = list(accumulate((r.type.size for r in body.results), initial=0))
    carried = [_filled(o, p, summary.width) for o, p in zip(operands[:n], groups[0], strict=True)]
    found: dict[int, Sparsity] = {}
    settled = all(o is None for o in operands[n : n + m])
    for i in steps:
        taken = [_item(p, t, i) for p, t in zip(operands[n : n + m], node.operands[n : n + m], strict=True)]
        found[i] = union([summary.part(0, carried, groups[0]), summary.part(1, taken, groups[1]), outside])
        after = [found[i].take(np.arange(a, b)) for a, b in pairwise(cuts[: n + 1])]
        if settled and all(a == b for a, b in zip(after, carried, strict=True)):
            found.update((j, found[i]) for j in steps if j not in found)
            break
        carried = after
    stacks = [
        _restacked([found[i].take(np.arange(a, b)) for i in range(len(steps))], b - a, summary.width)
        for a, b in pairwise(cuts[n:])
    ]
    return [*carried, *stacks]


def _while(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Parts:
    """Follow a loop as long as its test is known; then count as many further iterations as make a difference."""
    test, body = node.regions
    n = node.params["carried"]
    arrays = [values.of_choice(o) for o in node.operands]
    carried, held = list(operands[:n]), arrays[:n]
    stacks: Parts = [None] * len(node.types[n:])
    for _ in range(UNROLL_BOUND // max(1, len(body.nodes()))):
        inside = Values({p: a for p, a in zip(test.params, [*held, *arrays[n:]], strict=True) if a is not None})
        goes_on = inside.of(test.results[0])
        if goes_on is None:
            break
        if not goes_on:
            return [*carried, *stacks]
        found, inside = _enter(body, [*carried, *operands[n:]], [*held, *arrays[n:]])
        carried, held = found[:n], [inside.of_choice(r) for r in body.results[:n]]
        stacks = [_union(pair) for pair in zip(stacks, found[n:], strict=True)]
    after = _closed(body, [n, 0, len(operands) - n], [*carried, *operands[n:]], [*[None] * n, *arrays[n:]])
    return [*after[:n], *(_union(pair) for pair in zip(stacks, after[n:], strict=True))]


def _over_tapes(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Parts:
    """Run over what a loop has stacked without a known number of iterations: each item may be any."""
    n, m = node.params["carried"], node.params["sequences"]
    arrays = [*[None] * (n + m), *(values.of_choice(o) for o in node.operands[n + m :])]
    return _closed(node.regions[0], [n, m, len(operands) - n - m], operands, arrays)


def _closed(body: Region, counts: Sequence[int], operands: Sequence[Sparsity | None], arrays: Sequence[Any]) -> Parts:
    """Return what carried values can depend on after any number of iterations, and what items can in any iteration.

    An iteration adds nothing once it has added nothing: the least set that holds the start and is closed under the body.
    """
    n, m, _ = counts
    if all(o is None for o in operands):
        return [None] * len(body.results)
    summary = _Summary(body, counts, arrays, _width(operands))
    groups = body.params[:n], body.params[n : n + m], body.params[n + m :]
    fixed = union([summary.part(1, operands[n : n + m], groups[1]), summary.part(2, operands[n + m :], groups[2])])
    cuts = list(accumulate((r.type.size for r in body.results), initial=0))
    now = [_filled(o, p, summary.width) for o, p in zip(operands[:n], groups[0], strict=False)]
    while True:
        iteration = union([summary.part(0, now, groups[0]), fixed])
        found = [iteration.take(np.arange(a, b)) for a, b in pairwise(cuts)]
        after = [union(pair) for pair in zip(now, found[:n], strict=True)]
        if after == now:
            return [*now, *found[n:]]
        now = after


def _custom(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Parts:
    """Go by the rule for tangents: what a value depends on is what its tangent can see of those of the inputs."""
    k, n, by, moved = (node.params[key] for key in ("values", "inputs", "by", "moved"))
    found: Parts = [None] * k
    if moved:
        region = node.regions[bool(by)]
        given = [*operands[k : k + n], *[None] * (len(region.params) - n)]
        arrays = [*[None] * (k + n), *(values.of_choice(o) for o in node.operands[k + n :])]
        for i, part in zip(moved, _enter(region, given, arrays)[0], strict=True):
            found[i] = part
    return found


LOOP_RULES: dict[str, LoopRule] = {
    "fusion": _call, "checkpoint": _call, "cond": _cond, "custom": _custom, "while": _while, "scan": _scan
}  # fmt: skip
"""Primitives with regions -> the patterns of all their results."""
