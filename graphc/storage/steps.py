"""The steps of views: movement, diagonals, windows, and parts at an index that is known only at run time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.build import broadcast, constant, gather, iota, pad, permute, reshape, scatter, select
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import Node, Primitive, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, I64
from graphc.storage.views import Shape, Step, Strides, ViewSteps, read, write

__all__ = ["At", "Diagonal", "Movement", "Window", "Windows", "chain"]


def _broadcast_strides(shape: Shape, strides: Strides, params: dict[str, Any]) -> Strides:
    at = dict(zip(params["axes"], strides, strict=True))
    return tuple(at.get(a, 0) for a in range(len(params["shape"])))


def _box_shape(shape: Shape, params: dict[str, Any]) -> Shape:
    box = zip(params["start"], params["stop"], params["step"], strict=True)
    return tuple(-(-(stop - start) // step) for start, stop, step in box)


SHAPES: dict[str, Callable[[Shape, dict[str, Any]], Shape]] = {
    "permute": lambda shape, params: tuple(shape[a] for a in params["axes"]),
    "slice": _box_shape,
}
"""The shape of a view whose parameters do not contain it."""

STRIDES: dict[str, Callable[[Shape, Strides, dict[str, Any]], Strides | None]] = {
    "reshape": lambda shape, strides, params: _reshaped(shape, strides, params["shape"]),
    "permute": lambda shape, strides, params: tuple(strides[a] for a in params["axes"]),
    "slice": lambda shape, strides, params: tuple(s * step for s, step in zip(strides, params["step"], strict=True)),
    "broadcast": _broadcast_strides,
}
"""The movement that torch has views of, with the strides of the view: a reshape has some where axes are dense."""

WRITES: dict[str, Callable[[dict[str, Any], Node, Node], Node]] = {
    "reshape": lambda params, whole, new: reshape(new, whole.shape),
    "permute": lambda params, whole, new: permute(new, np.argsort(params["axes"]).tolist()),
    "slice": lambda params, whole, new: _write_box(params, whole, new),
}
"""Movement that repeats no element, and the base after a view of it was replaced by `new`."""


@dataclass(frozen=True, eq=False)
class Movement(Step):
    """A movement primitive with its parameters."""

    op: Primitive
    params: dict[str, Any]

    @property
    def invertible(self) -> bool:  # type: ignore[override]
        """Whether no element is repeated."""
        return self.op.name in WRITES

    def read(self, x: Node) -> Node:
        """Apply the primitive."""
        return make(self.op, (x,), self.params)

    def show(self, array: Any) -> Any:
        """Apply the primitive to an array."""
        if self._box is not None:
            return array[self._box]
        assert self.op.reference is not None
        return np.asarray(self.op.reference(array, **self.params))

    @cached_property
    def _box(self) -> tuple[slice, ...] | None:
        """The slices of a box; None for other movement."""
        p = self.params
        return tuple(map(slice, p["start"], p["stop"], p["step"])) if "step" in p else None

    def write(self, whole: Node, new: Node) -> Node:
        """Undo a reshape or permute; put a box back."""
        result: Node = WRITES[self.op.name](self.params, whole, new)
        return result

    def shape(self, shape: Shape) -> Shape:
        """Return the shape given by the parameters, or the permuted extents, or those of a box."""
        of = SHAPES.get(self.op.name)
        result: Shape = self.params["shape"] if of is None else of(shape, self.params)
        return result

    def strides(self, shape: Shape, strides: Strides) -> Strides | None:
        """Permute, scale or repeat strides; reshape where axes are dense in one another."""
        result: Strides | None = STRIDES[self.op.name](shape, strides, self.params)
        return result


def _write_box(params: dict[str, Any], whole: Node, new: Node) -> Node:
    low, step = params["start"], params["step"]
    interior = [p - 1 if n else 0 for n, p in zip(new.shape, step, strict=True)]
    ends = [s + max(0, (n - 1) * p + 1) for s, n, p in zip(low, new.shape, step, strict=True)]
    high = [m - e for m, e in zip(whole.shape, ends, strict=True)]
    if 0 in new.shape:
        return whole
    if new.shape == whole.shape:
        return new
    inside = pad(constant(True, BOOL, new.shape), low, high, interior, fill=False)
    return select(inside, pad(new, low, high, interior, fill=whole.dtype.scalar(0)), whole)


def _reshaped(shape: Shape, strides: Strides, new: Shape) -> Strides | None:
    """Return the strides of another shape, with torch's strides for axes of extent 1; None if it takes a copy."""
    if prod(shape) == 0 or not shape:
        return strides if shape == new else dense_strides(new) if shape else (1,) * len(new)
    result: list[int] = []
    run, step = 1, strides[-1]
    rest = list(new)
    for axis in reversed(range(len(shape))):
        run *= shape[axis]
        if axis and (shape[axis - 1] == 1 or strides[axis - 1] == run * step):
            continue
        size = 1
        while rest and (size < run or rest[-1] == 1):
            result.append(size * step)
            size *= rest.pop()
        if size != run:
            return None
        run, step = 1, strides[axis - 1]
    return None if rest else tuple(reversed(result))


@dataclass(frozen=True, eq=False)
class Diagonal(Step):
    """The diagonal of the plane of two axes, as the last axis."""

    offset: int
    rows: int
    columns: int

    def _extent(self, shape: Shape) -> int:
        below, above = max(-self.offset, 0), max(self.offset, 0)
        return max(0, min(shape[self.rows] - below, shape[self.columns] - above))

    def _steps(self, shape: Shape) -> ViewSteps:
        """Return the movement that reads the diagonal: every (columns + 1)-th element of the flattened plane."""
        order = (*(a for a in range(len(shape)) if a not in (self.rows, self.columns)), self.rows, self.columns)
        outer, (m, n) = tuple(shape[a] for a in order[:-2]), (shape[self.rows], shape[self.columns])
        start = max(-self.offset, 0) * n + max(self.offset, 0)
        stop = start + (self._extent(shape) - 1) * (n + 1) + 1
        zeros, ones = (0,) * len(outer), (1,) * len(outer)
        return (
            Movement(PRIMITIVES["permute"], {"axes": order}),
            Movement(PRIMITIVES["reshape"], {"shape": (*outer, m * n)}),
            Movement(PRIMITIVES["slice"], {"start": (*zeros, start), "stop": (*outer, stop), "step": (*ones, n + 1)}),
        )

    def read(self, x: Node) -> Node:
        """Return the diagonal."""
        if self._extent(x.shape) == 0:
            outer = (n for a, n in enumerate(x.shape) if a not in (self.rows, self.columns))
            return constant(0, x.dtype, (*outer, 0))
        return read(x, self._steps(x.shape))

    def write(self, whole: Node, new: Node) -> Node:
        """Put the diagonal back."""
        return whole if 0 in new.shape else write(whole, self._steps(whole.shape), new)

    def shape(self, shape: Shape) -> Shape:
        """Put the extent of the diagonal behind those of the other axes."""
        return (*(n for a, n in enumerate(shape) if a not in (self.rows, self.columns)), self._extent(shape))

    def strides(self, shape: Shape, strides: Strides) -> Strides:
        """Append the sum of the strides of both axes."""
        outer = (s for a, s in enumerate(strides) if a not in (self.rows, self.columns))
        return (*outer, strides[self.rows] + strides[self.columns])


@dataclass(frozen=True, eq=False)
class Windows(Step):
    """All windows of `size` elements, `step` apart, along an axis; the window is the last axis."""

    axis: int
    size: int
    step: int
    invertible = False

    def read(self, x: Node) -> Node:
        """Gather the windows."""
        windows = (x.shape[self.axis] - self.size) // self.step + 1
        index = iota((windows, self.size), 0) * self.step + iota((windows, self.size), 1)
        gathered = gather(_front(x, self.axis), index)
        rest = list(range(2, gathered.type.rank))
        return permute(gathered, [*rest[: self.axis], 0, *rest[self.axis :], 1])

    def shape(self, shape: Shape) -> Shape:
        """Put the number of windows at the axis, and their extent at the end."""
        count = (shape[self.axis] - self.size) // self.step + 1
        return (*shape[: self.axis], count, *shape[self.axis + 1 :], self.size)

    def strides(self, shape: Shape, strides: Strides) -> Strides:
        """Scale the stride of the axis, and append an axis with its stride."""
        return (*(s * self.step if a == self.axis else s for a, s in enumerate(strides)), strides[self.axis])


@dataclass(frozen=True, eq=False)
class At(Step):
    """The slice at an index of an axis, without the axis; the index is a nonnegative 0-d node."""

    axis: int
    index: Node
    static = False

    def read(self, x: Node) -> Node:
        """Gather the part."""
        return gather(_front(x, self.axis), self.index)

    def write(self, whole: Node, new: Node) -> Node:
        """Scatter the part."""
        return _back(scatter(_front(whole, self.axis), new, self.index), self.axis)

    def shape(self, shape: Shape) -> Shape:
        """Remove the axis."""
        return (*shape[: self.axis], *shape[self.axis + 1 :])

    def strides(self, shape: Shape, strides: Strides) -> Strides:
        """Remove the axis."""
        return (*strides[: self.axis], *strides[self.axis + 1 :])


@dataclass(frozen=True, eq=False)
class Window(Step):
    """`length` elements along an axis from the index of a 0-d node, counted from the front."""

    axis: int
    start: Node
    length: int
    static = False

    def _places(self) -> Node:
        return broadcast(self.start, (self.length,), ()) + iota((self.length,), 0)

    def read(self, x: Node) -> Node:
        """Gather the elements."""
        return _back(gather(_front(x, self.axis), self._places()), self.axis)

    def write(self, whole: Node, new: Node) -> Node:
        """Scatter the elements."""
        return _back(scatter(_front(whole, self.axis), _front(new, self.axis), self._places()), self.axis)

    def shape(self, shape: Shape) -> Shape:
        """Set the extent of the axis to the length."""
        return (*shape[: self.axis], self.length, *shape[self.axis + 1 :])

    def strides(self, shape: Shape, strides: Strides) -> Strides:
        """Return the strides unchanged."""
        return strides


@dataclass(frozen=True, eq=False)
class Strided(Step):
    """The elements of the row-major order at `start` and multiples of strides from there."""

    size: Shape
    stride: Strides
    start: int
    invertible = False

    def read(self, x: Node) -> Node:
        """Gather the elements."""
        place = constant(self.start, I64, self.size)
        for axis, step in enumerate(self.stride):
            place = place + iota(self.size, axis) * step
        return gather(reshape(x, (x.type.size,)), place)

    def shape(self, shape: Shape) -> Shape:
        """Return the size."""
        return self.size

    def strides(self, shape: Shape, strides: Strides) -> Strides | None:
        """Return the strides in elements of dense memory; None if the elements do not lie densely."""
        flat = _reshaped(shape, strides, (prod(shape),))
        return None if flat is None else tuple(s * flat[0] for s in self.stride)


def _front(x: Node, axis: int) -> Node:
    return permute(x, (axis, *(a for a in range(x.type.rank) if a != axis)))


def _back(x: Node, axis: int) -> Node:
    return permute(x, (*range(1, axis + 1), 0, *range(axis + 1, x.type.rank)))


def chain(result: Node, base: Node) -> ViewSteps | None:
    """Return the steps from `base` to `result`; None if it is computed in another way."""
    steps: list[Step] = []
    while result is not base:
        if result.op.name not in STRIDES:
            return None
        steps.append(Movement(result.op, result.params))
        result = result.operands[0]
    return tuple(reversed(steps))
