"""Where the elements of a resampled axis come from: positions and weights, computed from the index along the axis."""

from __future__ import annotations

from dataclasses import dataclass

from graphc.ir.core.build import cast, elementwise, expand_axes, iota, matmul, permute, reshape, select, sum_
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F32, F64, I64, DType
from graphc.ops.common import expand_to
from graphc.ops.indexing.gather import take_axis
from graphc.ops.shape.slices import narrow_axis

__all__ = ["Axis", "cubic", "linear", "nearest", "smooth"]


@dataclass(frozen=True)
class Axis:
    """An axis to resample: its number, both extents, the factor that was asked for, and whether the ends are aligned."""

    axis: int
    size: int
    out: int
    factor: float | None
    aligned: bool

    @property
    def step(self) -> float:
        """Return how far apart neighbours of the result are in the input."""
        if self.aligned:
            return (self.size - 1) / (self.out - 1) if self.out > 1 else 0.0
        return 1 / self.factor if self.factor else self.size / self.out

    def positions(self, dtype: DType) -> Node:
        """Return where each element of the result lies in the input."""
        i = iota((self.out,), 0, dtype)
        return i * self.step if self.aligned else (i + 0.5) * self.step - 0.5


def _within(index: Node, n: int) -> Node:
    return elementwise("minimum", elementwise("maximum", index, 0), n - 1)


def nearest(x: Node, axis: Axis, exact: bool) -> Node:
    """Return the elements at floor(i * step), or floor((i + 1/2) * step), of an axis, computed in float32 as in torch."""
    n, out = axis.size, axis.out
    kept = not exact and x.type.rank == 4 and out in (n, 2 * n)  # torch heeds no factor then, but only in images
    if (axis.factor is None or kept) and out % n == 0:
        wide = expand_axes(x, (*x.shape[: axis.axis + 1], out // n, *x.shape[axis.axis + 1 :]), (axis.axis + 1,))
        return reshape(wide, (*x.shape[: axis.axis], out, *x.shape[axis.axis + 1 :]))
    if axis.factor is None and n % out == 0 and not exact:
        return narrow_axis(x, axis.axis, 0, n, n // out)
    i = iota((out,), 0, F32)
    index = cast(elementwise("floor", (i + 0.5 if exact else i) * axis.step), I64)
    return take_axis(x, axis.axis, _within(index, n))


def _along(weights: Node, x: Node, axis: int) -> Node:
    """Return a vector of weights in the dtype and rank of `x`, along an axis."""
    shape = tuple(n if a == axis else 1 for a, n in enumerate(x.shape))
    return expand_to(reshape(cast(weights, x.dtype), shape), x.shape)


def linear(x: Node, axis: Axis) -> Node:
    """Interpolate linearly between the two neighbours; as in torch, an axis that keeps its extent is not moved by a factor."""
    if axis.out == axis.size:
        return x
    positions = elementwise("maximum", axis.positions(F32 if x.dtype is F32 else F64), 0)
    low = _within(cast(elementwise("floor", positions), I64), axis.size)
    high = _within(low + 1, axis.size)
    share = elementwise("minimum", positions - cast(low, positions.dtype), 1)
    first, second = (take_axis(x, axis.axis, index) for index in (low, high))
    return first * _along(1 - share, first, axis.axis) + second * _along(share, second, axis.axis)


def cubic_weight(distance: Node, a: float) -> Node:
    """Return Keys' cubic convolution kernel with parameter `a` at distances."""
    d = elementwise("abs", distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    return select(d < 1, near, select(d < 2, far, far * 0))


def cubic(x: Node, axis: Axis) -> Node:
    """Interpolate by the cubic through four neighbours; those beyond the ends are the ends."""
    positions = axis.positions(F32 if x.dtype is F32 else F64)
    base = elementwise("floor", positions)
    share, total = positions - base, None
    for offset in (-1, 0, 1, 2):
        part = take_axis(x, axis.axis, _within(cast(base, I64) + offset, axis.size))
        term = part * _along(cubic_weight(share - offset, -0.75), part, axis.axis)
        total = term if total is None else total + term
    assert total is not None
    return total


def smooth(x: Node, axis: Axis, kind: str) -> Node:
    """Resample with a kernel that is as wide as the step, so that finer detail than the result's is averaged."""
    if axis.out == axis.size:
        return x
    n, scale = axis.size, axis.step
    reach = {"linear": 1.0, "cubic": 2.0}[kind] * max(scale, 1.0)
    center = (iota((axis.out, n), 0, F64) + 0.5) * scale
    source = iota((axis.out, n), 1, F64)
    first = elementwise("maximum", elementwise("trunc", center - reach + 0.5), 0)
    last = elementwise("minimum", elementwise("trunc", center + reach + 0.5), n)
    distance = (source - center + 0.5) / max(scale, 1.0)
    triangle = elementwise("maximum", 1 - elementwise("abs", distance), 0)
    weights = triangle if kind == "linear" else cubic_weight(distance, -0.5)
    weights = select((source >= first) & (source < last), weights, 0)
    weights = cast(weights / expand_axes(sum_(weights, (1,)), weights.shape, (1,)), x.dtype)
    order = [a for a in range(x.type.rank) if a != axis.axis] + [axis.axis]
    flat = permute(x, order)
    product = matmul(reshape(flat, (flat.type.size // n, n)), permute(weights, (1, 0)))
    result = reshape(product, (*flat.shape[:-1], axis.out))
    return permute(result, [order.index(a) for a in range(x.type.rank)])
