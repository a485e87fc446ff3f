"""Directions that compute all nonzeros of a sparse matrix, and the compiled program that takes the derivative along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.compiler.compiled import Compiled
from graphc.core import pytree
from graphc.dispatch.arguments import from_array
from graphc.func.derivative import Derivative, backward_derivative, forward_derivative
from graphc.func.directions import with_choices
from graphc.func.forward import jvp
from graphc.func.level import ArgNums
from graphc.func.sparse_pattern import Function, RecordedPattern, slices_of
from graphc.ir.core import build
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType
from graphc.ir.sparse.colouring import cheaper, symmetric
from graphc.ir.sparse.sparsity import Sparsity
from graphc.ir.transforms.vmap import batch
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = ["Plan", "wrong_rows"]


@dataclass(frozen=True, eq=False)
class _Directions:
    """The directions in which a derivative is taken, and where in it the entries of the matrix are.

    Entry k of the matrix is element `lines[k]` of the derivative in direction `groups[k]`.
    """

    mode: str
    colours: Any
    count: int
    groups: Any
    lines: Any


def _directions(pattern: Sparsity, mode: str | None) -> _Directions:
    if mode == "symmetric":
        colouring = symmetric(pattern)
        return _Directions(mode, colouring.colours, colouring.count, colouring.groups, colouring.rows)
    mode, colouring = cheaper(pattern, mode)
    along, across = (pattern.indices, pattern.rows) if mode == "forward" else (pattern.rows, pattern.indices)
    return _Directions(mode, colouring.colours, colouring.count, colouring.colours[along], across)


class Plan:
    """How the matrices are computed for one kind of arguments: their patterns, the directions, the compiled program."""

    def __init__(
        self, func: Function, argnums: ArgNums, recorded: RecordedPattern, pattern: Sparsity, mode: str | None
    ) -> None:
        self.func, self.argnums, self.recorded = func, argnums, recorded
        self.directions = _directions(pattern, mode)
        self.places = [_within(pattern, rows, columns) for rows, columns in recorded.blocks]
        self.blocks = [pattern.block(rows, columns) for rows, columns in recorded.blocks]
        self.filled = [i for i, block in enumerate(self.blocks) if block.nnz]
        self.program = Compiled(self._numbers)

    def data(self, args: Sequence[Any]) -> list[Any]:
        """Return the entries of each matrix."""
        values = self.program(*args) if self.filled else []
        arrays = dict(zip(self.filled, [x.numpy() if isinstance(x, Tensor) else x for x in values], strict=True))
        return [arrays[i] if i in arrays else np.zeros(0, self._dtype(i).numpy) for i in range(len(self.blocks))]

    def _dtype(self, block: int) -> DType:
        return self.recorded.dtypes[block // len(self.recorded.inputs)]

    def _numbers(self, *args: Any) -> tuple[Tensor, ...]:
        """Compute the derivative in all directions, and gather the entries of the matrices."""
        record = backward_derivative if self.directions.mode == "reverse" else forward_derivative
        d = record(self.func, args, self.argnums)
        sizes = self.recorded.inputs if self.directions.mode != "reverse" else self.recorded.outputs
        lines = self._sums(d, {s: self._basis(s, part) for s, part in zip(d.seeds, slices_of(sizes), strict=True)})
        tensors = []
        for i in self.filled:
            node = build.gather(lines, _constant(self.directions.groups[self.places[i]]), _constant(self._line(i)))
            tensors.append(Tensor._of(Storage(build.cast(node, self._dtype(i)))))
        return tuple(tensors)

    def _basis(self, seed: Node, part: slice) -> Node:
        """Return the directions of one seed: 1 at its elements of each colour."""
        colours = _constant(self.directions.colours[part])
        shape = (self.directions.count, seed.type.size)
        selected = build.elementwise("eq", build.iota(shape, 0), build.broadcast(colours, shape, (1,)))
        return build.reshape(build.cast(selected, seed.dtype), (shape[0], *seed.shape))

    def _sums(self, d: Derivative, basis: dict[Node, Node]) -> Node:
        """Return the derivative in all directions, each as one row."""
        count, like = self.directions.count, d.inputs if self.directions.mode == "reverse" else d.ends
        dtype = max((n.dtype for n in like if n.dtype.is_float), key=lambda t: t.bytes)
        batches = iter(batch([n for n in d.linear if n is not None], basis, count))
        rows = []
        for node, model in zip(d.linear, like, strict=True):
            size = model.type.size
            if node is None:
                rows.append(build.constant(0, dtype, (count, size)))
                continue
            value, batched = next(batches)
            value = with_choices(value, basis.values())
            flat = build.reshape(value, (count, size) if batched else (1, size))
            flat = flat if batched else build.broadcast(build.reshape(flat, (size,)), (count, size), (1,))
            rows.append(build.cast(flat, dtype))
        return build.concatenate(rows, 1)

    def _line(self, block: int) -> Any:
        return self.directions.lines[self.places[block]]


def _within(pattern: Sparsity, rows: slice, columns: slice) -> Any:
    """Return the numbers of the positions inside a block."""
    first, last = pattern.indptr[rows.start], pattern.indptr[rows.stop]
    part = pattern.indices[first:last]
    return first + np.flatnonzero((part >= columns.start) & (part < columns.stop))


def _constant(array: Any) -> Node:
    return from_array(np.ascontiguousarray(array, np.int64))


def wrong_rows(plan: Plan, args: Sequence[Any]) -> Any:
    """Return the rows in which the matrix times a random vector differs from the directional derivative."""
    recorded = plan.recorded
    inputs = slices_of(recorded.inputs)
    random = np.random.default_rng(0)
    vector = random.uniform(0.5, 1.5, sum(recorded.inputs)) * random.choice([-1.0, 1.0], sum(recorded.inputs))
    product = np.zeros(sum(recorded.outputs))
    bound = np.zeros_like(product)
    loosest = 0.0
    for block, (rows, columns), data in zip(plan.blocks, recorded.blocks, plan.data(args), strict=True):
        terms = data.astype(np.float64) * vector[columns][block.indices]
        product[rows] += np.bincount(block.rows, terms, block.shape[0])
        bound[rows] += np.bincount(block.rows, np.abs(terms), block.shape[0])
        loosest = max(loosest, float(np.finfo(data.dtype).eps))
    wanted = _along(plan, args, [vector[c] for c in inputs])
    off = np.abs(product - wanted) > np.sqrt(loosest) * (bound + np.abs(wanted))
    return np.flatnonzero(off & np.isfinite(product) & np.isfinite(wanted))


def _along(plan: Plan, args: Sequence[Any], vectors: Sequence[Any]) -> Any:
    """Return the derivative in one direction, all outputs concatenated."""
    numbers = (plan.argnums,) if isinstance(plan.argnums, int) else plan.argnums
    chosen = tuple(args[i] for i in numbers)
    leaves, tree = pytree.flatten(chosen)
    tensors = [x if isinstance(x, Tensor) else Tensor._of(Storage(from_array(x))) for x in leaves]
    tangents = [
        Tensor._of(Storage(from_array(v.reshape(x.shape).astype(x._type.dtype.numpy))))
        for v, x in zip(vectors, tensors, strict=True)
    ]
    rest = list(args)

    def moved(*new: Any) -> Any:
        for i, x in zip(numbers, new, strict=True):
            rest[i] = x
        return plan.func(*rest)

    _, derivative = jvp(moved, pytree.unflatten(tensors, tree), pytree.unflatten(tangents, tree))
    return np.concatenate([x.detach().numpy().ravel().astype(np.float64) for x in pytree.flatten(derivative)[0]])
