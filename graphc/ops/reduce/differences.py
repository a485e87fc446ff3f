"""Differences of neighbouring elements, gradients on grids, and the trapezoidal rule."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.core.errors import located
from graphc.core.promotion import promote, result_dtype
from graphc.dispatch.operation import op
from graphc.ir.core.build import broadcast, cast, concatenate, cumsum, reduce, reshape
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, axis_of, default_float
from graphc.ops.shape.joining import cat
from graphc.ops.shape.slices import narrow_axis
from graphc.tensors.tensor import Tensor

__all__ = ["cumulative_trapezoid", "diff", "gradient", "trapezoid", "trapz"]


def _steps(x: Node, axis: int) -> Node:
    """Return the differences of neighbours; of bools, where they differ."""
    n = x.shape[axis]
    later, earlier = narrow_axis(x, axis, min(1, n), n), narrow_axis(x, axis, 0, max(n - 1, 0))
    return later ^ earlier if x.dtype.is_bool else later - earlier


@op("Sub", saves=False)
def diff(input: Node, n: int = 1, dim: int = -1, prepend: Node | None = None, append: Node | None = None) -> Node:
    """Return the differences of neighbouring elements along an axis, n times.

    Args:
        input: tensor of at least one axis; of bools, the result says where neighbours differ.
        n: int, how often differences are taken.
        dim: int, the axis.
        prepend: tensor put before input along the axis; None for nothing.
        append: tensor put behind it.

    Returns:
        Tensor of the shape of input, with n elements less along the axis.

    Raises:
        RuntimeError: if input is 0-d, n is negative, or the shape of prepend or append does not fit.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.diff(graphc.tensor([1, 3, 2]))
        tensor([ 2, -1])
    """
    if input.type.rank == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    axis = axis_of(dim, input.type.rank)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    around = [x for x in (prepend, input, append) if x is not None]
    for x in around:
        if x.type.rank != input.type.rank:
            rule = "diff expects prepend or append to be the same dimension as input"
            raise RuntimeError(f"{rule}, got {x.type.rank} and {input.type.rank} dims")
    x = cat.nodes(around, axis) if len(around) > 1 else input
    for _ in range(min(n, x.shape[axis] + 1)):
        x = _steps(x, axis)
    return x


def _along(x: Node, shape: Sequence[int], axis: int) -> Node:
    """Broadcast a vector along one axis of a shape."""
    return broadcast(x, tuple(shape), (axis,))


def _slopes(x: Node, axis: int, spacing: Operand, edge_order: int) -> Node:
    """Return second-order differences inside and those of `edge_order` at the ends; spacing is a number or a vector."""
    n = x.shape[axis]
    if isinstance(spacing, Node):
        gaps = _steps(spacing, 0)
        gaps = _along(cast(gaps, x.dtype), [n - 1 if a == axis else m for a, m in enumerate(x.shape)], axis)
        slopes = _steps(x, axis) / gaps
        before, after = narrow_axis(gaps, axis, 0, n - 2), narrow_axis(gaps, axis, 1, n - 1)
        left, right = narrow_axis(slopes, axis, 0, n - 2), narrow_axis(slopes, axis, 1, n - 1)
        inside = (left * after + right * before) / (before + after)
        weight = [narrow_axis(gaps, axis, i, i + 1) for i in (0, min(1, n - 2), max(n - 3, 0), n - 2)]
    else:
        slopes = _steps(x, axis) / spacing
        left, right = narrow_axis(slopes, axis, 0, n - 2), narrow_axis(slopes, axis, 1, n - 1)
        inside = (narrow_axis(x, axis, 2, n) - narrow_axis(x, axis, 0, n - 2)) / (spacing * 2)
        weight = []
    first, last = narrow_axis(slopes, axis, 0, 1), narrow_axis(slopes, axis, n - 2, n - 1)
    if edge_order == 2:
        second, third = narrow_axis(slopes, axis, 1, 2), narrow_axis(slopes, axis, n - 3, n - 2)
        if weight:
            first = first + (first - second) * weight[0] / (weight[0] + weight[1])
            last = last + (last - third) * weight[3] / (weight[3] + weight[2])
        else:
            first, last = first + (first - second) * 0.5, last + (last - third) * 0.5
    return concatenate([first, inside, last], axis)


@op("Cat")
def _gradients(input: Node, axes: tuple[int, ...], spacing: Sequence[Operand], edge_order: int) -> tuple[Node, ...]:
    dtype = result_dtype([input, *(gap for gap in spacing if isinstance(gap, Node))])
    x = cast(input, dtype if dtype.is_float else default_float())
    return tuple(_slopes(x, axis, gap, edge_order) for axis, gap in zip(axes, spacing, strict=True))


def _spacings(spacing: object, count: int) -> list[Tensor | float]:
    """Return one number or vector for each axis.  Raises RuntimeError, TypeError."""
    if isinstance(spacing, Tensor):
        raise located(TypeError("gradient() expected spacing to be a number or a sequence of numbers or tensors, got a Tensor"))
    if isinstance(spacing, (int, float)):
        return [float(spacing)] * count
    if not isinstance(spacing, (tuple, list)) or not all(isinstance(s, (int, float, Tensor)) for s in spacing):
        raise located(TypeError(f"gradient() expected spacing to be numbers or tensors, got {spacing!r:.40}"))
    if len(spacing) != count:
        rule = "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to the number of axes"
        raise located(RuntimeError(f"{rule}, {count}, but got a list of length {len(spacing)}"))
    return [s if isinstance(s, Tensor) else float(s) for s in spacing]


def gradient(
    input: Tensor,
    *,
    spacing: float | Sequence[Tensor | float] = 1,
    dim: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """Estimate the derivatives of a function along axes from its values on a grid.

    Inside they are differences of second order, for any distances: Fornberg, Generation of finite difference formulas, 1988.

    Args:
        input: tensor, the values; integers are converted to the default float dtype.
        spacing: number, the distance of neighbouring points; or a sequence with a number, or a vector of coordinates, for each
            axis.
        dim: int or sequence of ints, the axes; None means all.
        edge_order: 1 or 2, the order at the ends of the axes.

    Returns:
        Tuple of one tensor of the shape of input for each axis.

    Raises:
        RuntimeError: if an axis has fewer than edge_order + 1 points or occurs twice, edge_order is neither 1 nor 2, or
            spacing does not fit.
        TypeError: if spacing is neither a number nor a sequence.
        IndexError: if an axis is out of range, or input has none.

    Example:
        >>> graphc.gradient(graphc.tensor([1.0, 4.0, 9.0, 16.0]))
        (tensor([3., 4., 6., 7.]),)
    """
    rank = input.dim()
    dims = range(rank) if dim is None else [dim] if isinstance(dim, int) else dim
    axes = tuple(axis_of(d, rank) for d in dims)
    if len(set(axes)) != len(axes):
        raise located(RuntimeError(f"dim {dims} appears multiple times in the list of dims"))
    if edge_order not in (1, 2):
        raise located(RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}"))
    spacings = _spacings(spacing, len(axes))
    for axis, gap in zip(axes, spacings, strict=True):
        if not rank:
            raise located(IndexError(f"Dimension specified as {axis} but tensor has no dimensions"))
        extent = input.shape[axis]
        if extent < edge_order + 1:
            raise located(RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1"))
        if isinstance(gap, Tensor) and tuple(gap.shape) != (extent,):
            rule = f"torch.gradient expected the coordinates of axis {axis} to have shape ({extent},)"
            raise located(RuntimeError(f"{rule}, got {tuple(gap.shape)}"))
    return tuple(_gradients(input, axes, tuple(spacings), edge_order))


def _strips(y: Node, x: Node | None, dx: float | None, axis: int) -> Node:
    """Return the areas between neighbouring points."""
    n = y.shape[axis]
    earlier, later = narrow_axis(y, axis, 0, max(n - 1, 0)), narrow_axis(y, axis, min(1, n), n)
    if x is None:
        both = earlier + later
        return (both if both.dtype.is_float else cast(both, default_float())) * ((1.0 if dx is None else float(dx)) / 2)
    if x.type.rank == 1:
        if x.shape[0] != n:
            raise RuntimeError(f"trapezoid: There must be one `x` value for each sample point, got {x.shape[0]} and {n}")
        x = reshape(x, [n if a == axis else 1 for a in range(y.type.rank)])
    missing = max(y.type.rank - x.type.rank, 0)
    lifted = reshape(x, (1,) * missing + x.shape)
    from_end = axis - y.type.rank
    gap = _steps(lifted, lifted.type.rank + from_end)
    gap, a, b = promote(gap, earlier, later, float=True)
    return gap * (a + b) * 0.5


def _rule(y: Node, x: Node | None, dx: float | None, dim: int) -> tuple[Node, int]:
    if x is not None and dx is not None:
        raise TypeError("trapezoid() takes x or dx, got both")
    axis = axis_of(dim, y.type.rank)
    if y.type.rank == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    strips = _strips(y, x, dx, axis)
    return strips, axis - y.type.rank + strips.type.rank


@op("Sum")
def trapezoid(y: Node, x: Node | None = None, *, dx: float | None = None, dim: int = -1) -> Node:
    """Integrate along an axis by the trapezoidal rule.

    Args:
        y: tensor of at least one axis, the values.
        x: tensor, the points: a vector along the axis, or of a shape that broadcasts with that of y; None: dx apart.
        dx: number, the distance of the points, 1 if None.
        dim: int, the axis.

    Returns:
        Tensor of the shape of y without the axis; integers give the default float dtype.

    Raises:
        TypeError: if both x and dx are given.
        RuntimeError: if the shape of x does not fit.
        IndexError: if y is 0-d, or the axis is out of range.

    Example:
        >>> graphc.trapezoid(graphc.tensor([1.0, 5.0, 10.0]))
        tensor(10.5000)
    """
    strips, axis = _rule(y, x, dx, dim)
    return reduce("sum", strips, (axis,))


@op("Cumsum")
def cumulative_trapezoid(y: Node, x: Node | None = None, *, dx: float | None = None, dim: int = -1) -> Node:
    """Integrate along an axis by the trapezoidal rule, from the first point up to each other one.

    Args:
        y: tensor of at least one axis, the values.
        x: tensor, the points: a vector along the axis, or of a shape that broadcasts with that of y; None: dx apart.
        dx: number, the distance of the points, 1 if None.
        dim: int, the axis.

    Returns:
        Tensor of the shape of y with one element less along the axis; integers give the default float dtype.

    Raises:
        TypeError: if both x and dx are given.
        RuntimeError: if the shape of x does not fit.
        IndexError: if y is 0-d, or the axis is out of range.

    Example:
        >>> graphc.cumulative_trapezoid(graphc.tensor([1.0, 5.0, 10.0]))
        tensor([ 3.0000, 10.5000])
    """
    strips, axis = _rule(y, x, dx, dim)
    return cumsum(strips, axis)


trapz = trapezoid
