"""Samples of images at the points of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from graphc.core.errors import located
from graphc.ops.create.fill import ones, zeros
from graphc.ops.create.ranges import linspace
from graphc.ops.elementwise.rounding import floor
from graphc.ops.elementwise.rounding import round as rounded
from graphc.ops.indexing.masks import where
from graphc.ops.shape.joining import stack
from graphc.tensors.tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]


def _inside(x: Tensor, low: float, high: float) -> Tensor:
    """Return coordinates cut to an interval; their gradient at its ends is 0."""
    return where(x <= low, low, where(x >= high, high, x))


def _reflected(x: Tensor, low: float, high: float) -> Tensor:
    """Return coordinates mirrored at both ends of an interval until they are inside."""
    span = high - low
    if span == 0:
        return x * 0
    far = (x - low).abs()
    rest = far.fmod(span)
    even = (far / span).floor().fmod(2) == 0
    return where(even, rest + low, high - rest)


def _in_range(x: Tensor, n: int, padding_mode: str, aligned: bool) -> Tensor:
    if padding_mode == "border":
        return _inside(x, 0, n - 1)
    if padding_mode == "reflection":
        low, high = (0.0, n - 1.0) if aligned else (-0.5, n - 0.5)
        return _inside(_reflected(x, low, high), 0, n - 1)
    return x


def _at(flat: Tensor, sizes: Sequence[int], places: Sequence[Tensor]) -> Tensor:
    """Return the elements (N, C, *) of images (N, C, elements) at whole coordinates (N, *); 0 where there is none."""
    index: Any = 0
    inside: Any = True
    for place, n in zip(places, sizes, strict=True):
        valid = (place >= 0) & (place <= n - 1)
        inside = valid & inside
        index = index * n + where(valid, place, 0.0).long()
    batch, channels = flat.shape[:2]
    index = where(inside, index, 0).reshape(batch, 1, -1).expand(batch, channels, -1)
    values = flat.gather(2, index).reshape(batch, channels, *places[0].shape[1:])
    return where(inside.unsqueeze(1), values, 0.0)


def _multilinear(flat: Tensor, sizes: Sequence[int], coordinates: Sequence[Tensor]) -> Tensor:
    total: Any = 0
    lows = [floor(c.detach()) for c in coordinates]
    for corner in product((0, 1), repeat=len(sizes)):
        places = [low + bit for low, bit in zip(lows, corner, strict=True)]
        weight: Any = 1
        for c, low, bit in zip(coordinates, lows, corner, strict=True):
            weight = weight * (c - low if bit else low + 1 - c)
        total = total + _at(flat, sizes, places) * weight.unsqueeze(1)
    return total  # type: ignore[no-any-return]


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Return the weights of the four neighbours at shares t of the way between the inner two."""
    a = -0.75

    def near(d: Tensor) -> Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _bicubic(flat: Tensor, sizes: Sequence[int], coordinates: Sequence[Tensor], padding_mode: str, aligned: bool) -> Tensor:
    lows = [floor(c.detach()) for c in coordinates]
    rows, columns = ([*_cubic_weights(c - low)] for c, low in zip(coordinates, lows, strict=True))
    total: Any = 0
    for i, row in enumerate(rows):
        y = _in_range(lows[0] + (i - 1), sizes[0], padding_mode, aligned)
        for j, column in enumerate(columns):
            x = _in_range(lows[1] + (j - 1), sizes[1], padding_mode, aligned)
            total = total + _at(flat, sizes, (y, x)) * (row * column).unsqueeze(1)
    return total  # type: ignore[no-any-return]


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    """Raise ValueError for another word, RuntimeError for shapes that do not fit."""
    if mode not in ("bilinear", "nearest", "bicubic"):
        got = f"expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        raise located(ValueError(f"nn.functional.grid_sample(): {got}"))
    if padding_mode not in ("zeros", "border", "reflection"):
        got = f"expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{padding_mode}'"
        raise located(ValueError(f"nn.functional.grid_sample(): {got}"))
    shapes = f"got input and grid of shapes {list(input.shape)} and {list(grid.shape)}"
    axes = input.dim() - 2
    if axes not in (2, 3) or grid.dim() != axes + 2 or grid.shape[-1] != axes or grid.shape[0] != input.shape[0]:
        rule = "expected an input (N, C, H, W) with a grid (N, *, *, 2), or (N, C, D, H, W) with (N, *, *, *, 3)"
        raise located(RuntimeError(f"grid_sampler(): {rule}, {shapes}"))
    if mode == "bicubic" and axes == 3:
        raise located(RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input"))
    if 0 in input.shape[2:]:
        raise located(RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, {shapes}"))
    if input.dtype is not grid.dtype:
        raise located(RuntimeError(f"grid_sampler(): expected one dtype, got {input.dtype} and {grid.dtype}"))


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Sample images at given points.

    The points are relative: -1 and 1 are the two ends of an axis. Source: Jaderberg et al., "Spatial transformer networks"
    (2015).

    Args:
        input: floating-point tensor (N, C, H, W) or (N, C, D, H, W).
        grid: tensor (N, H_out, W_out, 2) of points (x, y), or (N, D_out, H_out, W_out, 3) of points (x, y, z), of the same
            dtype.
        mode: "bilinear" (of all axes), "nearest" or, for images, "bicubic".
        padding_mode: values beyond the ends: "zeros", "border" (the nearest element) or "reflection".
        align_corners: whether -1 and 1 are the centers of the first and last elements, instead of their outer edges.

    Returns:
        Tensor (N, C, H_out, W_out) or (N, C, D_out, H_out, W_out) of input's dtype.

    Raises:
        ValueError: if mode or padding_mode is another word.
        RuntimeError: if the shapes or the dtypes do not fit, or input has an empty axis.

    Example:
        >>> image = graphc.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> F.grid_sample(image, graphc.tensor([[[[0.0, 0.0], [1.0, 1.0]]]]), align_corners=True)
        tensor([[[[2.5000, 4.0000]]]])
    """
    _check(input, grid, mode, padding_mode)
    sizes, aligned = input.shape[2:], bool(align_corners)
    coordinates = []
    for n, g in zip(sizes, reversed(grid.unbind(-1)), strict=True):
        coordinates.append((g + 1) / 2 * (n - 1) if aligned else ((g + 1) * n - 1) / 2)
    flat: Tensor = input.flatten(2)
    if mode == "bicubic":
        return _bicubic(flat, sizes, coordinates, padding_mode, aligned)
    points = [_in_range(c, n, padding_mode, aligned) for c, n in zip(coordinates, sizes, strict=True)]
    if mode == "nearest":
        nothing: Any = 0.0  # the gradient of the grid exists, and is zero
        for c in coordinates:
            nothing = nothing + where(c == c, c, 0.0).sign() * 0
        values = _at(flat, sizes, [rounded(c.detach()) for c in points])
        return values.add(nothing.unsqueeze(1))
    return _multilinear(flat, sizes, points)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """Return the grid that makes `grid_sample` transform images affinely.

    Args:
        theta: floating-point tensor (N, 2, 3), or (N, 3, 4) for volumes: a matrix and a translation each.
        size: shape of the result of `grid_sample`: (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether -1 and 1 are the centers of the first and last elements, instead of their outer edges.

    Returns:
        Tensor (N, H, W, 2) or (N, D, H, W, 3) of theta's dtype.

    Raises:
        ValueError: if theta is not floating-point or its shape does not fit size.
        NotImplementedError: if size has neither four nor five entries.

    Example:
        >>> F.affine_grid(graphc.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2), align_corners=True)
        tensor([[[[-0.5000,  0.0000],
                  [ 1.5000,  0.0000]]]])
    """
    if not theta.is_floating_point():
        raise located(ValueError(f"Expected theta to have floating point type, but got {theta.dtype}"))
    axes = len(size) - 2
    if axes not in (2, 3):
        got = "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively"
        raise located(NotImplementedError(f"{got}. Got size {list(size)}"))
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (axes, axes + 1):
        rule = f"Expected a batch of {axes}D affine matrices of shape Nx{axes}x{axes + 1}"
        raise located(ValueError(f"{rule} for size {list(size)}. Got {list(theta.shape)}."))
    if min(size) <= 0:
        raise located(ValueError(f"Expected non-zero, positive output size. Got {list(size)}"))
    extents = list(size[2:])
    base = []
    for a, n in enumerate(extents):
        ends = linspace(-1, 1, n, dtype=theta.dtype) if n > 1 else zeros(1, dtype=theta.dtype)
        if not align_corners:
            ends = ends * ((n - 1) / n)
        base.append(ends.reshape([n if b == a else 1 for b in range(axes)]).expand(*extents))
    points = stack([*reversed(base), ones(extents, dtype=theta.dtype)], -1)
    return (points.reshape(1, -1, axes + 1) @ theta.mT).reshape(theta.shape[0], *extents, axes)
