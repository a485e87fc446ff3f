"""Sparsity rules: how elements of a result depend on elements of the operands, one per primitive without regions.

Data that select (an index, a condition) are followed exactly where they are known before the program runs; otherwise
everything that they may select counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from graphc.ir.core.graph import PARAMETER, Node, Primitive, toposort
from graphc.ir.core.ops import PRIMITIVES, REDUCTIONS
from graphc.ir.core.predicates import adds_updates
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.ir.sparse.sparsity import Sparsity, nothing, of_pairs, stacked, union

__all__ = ["RULES", "Parts", "Rule", "Values", "filled", "passes_on", "union_of"]

Parts = list["Sparsity | None"]
"""The patterns of a node's results; None is empty.  The pattern of a growing stack is that of any of its items."""


class Values:
    """The values known before the program runs: nodes computed from constants and given arrays alone."""

    def __init__(self, known: Mapping[Node, Any]) -> None:
        self.known = known
        self.read: set[Node] = set()
        self._arrays: dict[Node, Any] = {}
        self._fixed: dict[Node, bool] = {}

    def of(self, node: Node) -> Any:
        """Return the array of a node; None if it depends on the inputs."""
        if not self._is_fixed(node):
            return None
        if node not in self._arrays:
            (self._arrays[node],) = evaluate_nodes([node], self.known)
            self.read.update(n for n in toposort([node], self.known.__contains__) if n in self.known)
        return self._arrays[node]

    def of_choice(self, node: Node) -> Any:
        """Return the array of a node that may select: of integers or truth values."""
        return None if node.dtype.is_float else self.of(node)

    def _is_fixed(self, node: Node) -> bool:
        for n in toposort([node], self._fixed.__contains__):
            if n not in self._fixed:
                self._fixed[n] = n in self.known or (
                    n.op is not PARAMETER and all(self._fixed.get(o, False) for o in n.operands)
                )
        return self._fixed[node]


def filled(part: Sparsity | None, node: Node, width: int) -> Sparsity:
    """Return the pattern of a node; None becomes the empty pattern with `width` columns."""
    return nothing(node.type.size, width) if part is None else part


def union_of(parts: Sequence[Sparsity | None]) -> Sparsity | None:
    """Return the union of patterns; None if all are."""
    present = [p for p in parts if p is not None]
    return union(present) if present else None


Rule = Callable[[Node, Sequence["Sparsity | None"], Values], "Sparsity | None"]


def _elementwise(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    return union_of(operands)


def _select(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    chosen = values.of(node.operands[0])
    return union_of(operands[1:]) if chosen is None else _picked(node, operands, [chosen])


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
        return union_of([x, _mixed(updates, node.operands[1], node, node.operands[2].type.rank)])
    places = PRIMITIVES["gather"].reference
    assert places is not None
    targets = places(np.arange(node.type.size).reshape(node.shape), *indices).ravel()
    if adds_updates(node):
        return union_of([x, updates.gathered(targets, node.type.size)])
    return _replaced(x, updates, targets, node.type.size)


def _replaced(x: Sparsity | None, updates: Sparsity, targets: Any, count: int) -> Sparsity | None:
    """Return the pattern of rows of which some are replaced, each by the last update for it."""
    last = np.full(count, -1)
    last[targets] = np.arange(len(targets))
    stays = None if x is None else x.take(np.where(last < 0, np.arange(count), -1))
    return union_of([stays, updates.take(last)])


def _mixed(x: Sparsity, source: Node, target: Node, leading: int) -> Sparsity:
    """Return the pattern of a result in which any element along leading axes may be at any position."""
    rest = source.shape[leading:]
    each = np.arange(prod(rest))
    together = x.gathered(np.resize(each, source.type.size), len(each)) if len(each) else x
    return together.take(np.resize(each, target.type.size))


def _move(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    return _picked(node, operands)


def _picked(
    node: Node, operands: Sequence[Sparsity | None], before: Sequence[Any] = (), after: Sequence[Any] = ()
) -> Sparsity | None:
    """Return the pattern of a result whose elements are each an element of an operand or constant.

    The primitive itself moves the row numbers; `before` and `after` are arrays for the operands that select.
    """
    nodes = node.operands[len(before) : len(node.operands) - len(after)]
    parts = list(operands[len(before) :])
    numbers, offset = [], 0
    for part, operand in zip(parts, nodes, strict=True):
        size = operand.type.size
        numbered = np.full(size, -1) if part is None else np.arange(offset, offset + size)
        numbers.append(numbered.reshape(operand.shape))
        offset += 0 if part is None else size
    present = [p for p in parts if p is not None]
    if not present:
        return None
    assert node.op.reference is not None
    return stacked(present).take(np.asarray(node.op.reference(*before, *numbers, *after, **node.params)).ravel())


def _reduce(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    (x,) = operands
    return None if x is None else _reduced(x, node.operands[0].shape, node.params["axes"])


def _reduced(x: Sparsity, shape: tuple[int, ...], axes: Sequence[int]) -> Sparsity:
    """Return the pattern of a reduction over some axes."""
    reduced_shape = [1 if a in axes else n for a, n in enumerate(shape)]
    targets = np.broadcast_to(np.arange(prod(reduced_shape)).reshape(reduced_shape), shape).ravel()
    return x.gathered(targets, prod(reduced_shape))


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
        None if operands[0] is None else _reduced(operands[0], a.shape, (a.type.rank - 1,)).take(row),
        None if operands[1] is None else _reduced(operands[1], b.shape, (b.type.rank - 2,)).take(column),
    )
    return union_of(parts)


def _factorization(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    """Each element depends on all elements of its matrix."""
    x = operands[0]
    if x is None:
        return None
    shape = node.operands[0].shape
    count = prod(shape[:-2])
    matrix = np.repeat(np.arange(count), node.type.size // max(count, 1))
    return _reduced(x, shape, (len(shape) - 2, len(shape) - 1)).take(matrix)


def _solve(node: Node, operands: Sequence[Sparsity | None], values: Values) -> Sparsity | None:
    """Each element depends on all elements of its matrices, and on those of its column of the right sides."""
    places, (m, n) = np.arange(node.type.size), node.shape[-2:]
    rank, batch = node.type.rank, places // max(m * n, 1)
    *matrices, b = operands
    parts = [
        None if x is None else _reduced(x, o.shape, (rank - 2, rank - 1)).take(batch)
        for x, o in zip(matrices, node.operands, strict=False)
    ]
    column = None if b is None else _reduced(b, node.shape, (rank - 2,)).take(batch * n + places % max(n, 1))
    return union_of([*parts, column])


def passes_on(op: Primitive) -> bool:
    """Return whether a primitive's result depends differentiably on operands."""
    return op.kind == "region" or (op.differentiable and not op.flat)


RULES: dict[str, Rule] = {
    **{n: _elementwise for n, p in PRIMITIVES.items() if p.kind == "elementwise" and passes_on(p)},
    **{n: _move for n, p in PRIMITIVES.items() if p.kind == "movement"},
    **{n: _reduce for n in REDUCTIONS if passes_on(PRIMITIVES[n])},
    "select": _select,
    "concatenate": _move,
    "gather": _gather,
    "scatter": _scatter,
    "scatter_add": _scatter,
    "cumsum": _cumsum,
    "matmul": _matmul,
    "cholesky": _factorization,
    **dict.fromkeys(("lu", "qr", "eigh", "svd"), _factorization),
    "pinv": lambda node, operands, values: _factorization(node, operands[:1], values),
    "triangular_solve": _solve,
    "lu_solve": _solve,
}
"""For each primitive, the pattern of its result from those of its operands."""
