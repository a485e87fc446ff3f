"""Interpolation: images and signals at another resolution."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import floor
from operator import index
from typing import Any

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.graph import Node
from graphc.ops.common import check_float
from graphc.ops.nn.average_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from graphc.ops.resampling.axis_sources import Axis, cubic, linear, nearest, smooth
from graphc.tensors.tensor import Tensor

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

Factors = float | Sequence[float] | None

RANKS = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}
"""The rank of the input of each mode that has one."""

SIMPLE = ("nearest", "nearest-exact", "area")
"""The modes that do not interpolate between elements."""


def _name(input: Any, size: Any, mode: str, *_: Any, **__: Any) -> str:
    words = {"nearest": f"Nearest{len(size)}D", "nearest-exact": f"NearestExact{len(size)}D", "linear": "Linear1D",
             "bilinear": "Bilinear2D", "trilinear": "Trilinear3D", "bicubic": "Bicubic2D"}  # fmt: skip
    return f"Upsample{words[mode]}"


@op(_name)
def _resampled(
    input: Node, size: Sequence[int], mode: str, factors: Sequence[float | None], aligned: bool, antialias: bool
) -> Node:
    check_float("upsample", input)
    if min((*size, *input.shape[1:])) <= 0:
        got = f"input (H: {list(input.shape[2:])}) output ({list(size)})"
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got {got}")
    x = input
    for a, (out, factor) in enumerate(zip(size, factors, strict=True), 2):
        axis = Axis(a, x.shape[a], out, factor, aligned)
        if mode in ("nearest", "nearest-exact"):
            x = nearest(x, axis, mode == "nearest-exact")
        elif antialias:
            x = smooth(x, axis, "cubic" if mode == "bicubic" else "linear")
        elif out == x.shape[a] and (aligned or factor in (None, 1)):
            continue
        else:
            x = cubic(x, axis) if mode == "bicubic" else linear(x, axis)
    return x


def _one_each(value: Any, axes: int, name: str, input: Tensor) -> list[Any]:
    """Return one entry for each axis.  Raises ValueError."""
    entries = list(value) if isinstance(value, (tuple, list)) else [value] * axes
    if len(entries) != axes:
        got = f"input of shape {list(input.shape)} and {name} {value}"
        raise located(ValueError(f"expected {name} to be a number or one for each of the {axes} spatial axes, got {got}"))
    return entries


def _integer(n: Any) -> int:
    if isinstance(n, (bool, float, str)) or not hasattr(n, "__index__"):
        raise located(TypeError(f"expected size to be one of int or a tuple of ints, got {n!r:.40}"))
    return index(n)


def _check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    """Raise NotImplementedError for another mode or a rank that does not fit, ValueError for options of other modes."""
    if mode in SIMPLE and align_corners is not None:
        modes = "linear | bilinear | bicubic | trilinear"
        raise located(ValueError(f"align_corners option can only be set with the interpolating modes: {modes}"))
    if antialias and not (mode in ("bilinear", "bicubic") and input.dim() == 4):
        raise located(ValueError("Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor"))
    if mode not in (*SIMPLE, *RANKS) or input.dim() not in ((3, 4, 5) if mode in SIMPLE else (RANKS[mode],)):
        got = f"{input.dim()}D input and mode {mode}"
        modes = "nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact"
        raise located(NotImplementedError(f"Input Error: 3D, 4D and 5D input is supported with the modes {modes}, got {got}"))


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: Factors = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resample the spatial axes of input to other extents.

    Source of the cubic: Keys, "Cubic convolution interpolation for digital image processing" (1981), with a = -0.75.

    Args:
        input: floating-point tensor (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: extents of the result, an int or one per spatial axis.
        scale_factor: extents of the result relative to those of input, rounded down; either this or size.
        mode: "nearest", "nearest-exact" (which rounds as image libraries do), "area" (means), "linear" (3 axes), "bilinear" or
            "bicubic" (4 axes), "trilinear" (5 axes).
        align_corners: whether the centers of the first and last elements coincide, instead of their outer edges; for modes
            that interpolate.
        recompute_scale_factor: whether the factor follows from the rounded extents, instead of being that given.
        antialias: whether "bilinear" and "bicubic" average what is finer than the result.

    Returns:
        Tensor of input's dtype and other spatial extents.

    Raises:
        ValueError: if not one of size and scale_factor is given, their numbers do not fit the axes, or align_corners or
            antialias does not go with the mode.
        NotImplementedError: if mode is another word or not one for the rank of input, or the dtype is not floating-point.
        RuntimeError: if an extent is not positive.
        TypeError: if size is not an integer.

    Example:
        >>> F.interpolate(graphc.tensor([[[1.0, 3.0]]]), scale_factor=2, mode="linear")
        tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    axes = input.dim() - 2
    _check_mode(input, mode, align_corners, False)
    if (size is None) == (scale_factor is None):
        both = "only one of size or scale_factor should be defined"
        raise located(ValueError("either size or scale_factor should be defined" if size is None else both))
    factors: list[Any] = [None] * axes
    if size is not None:
        if recompute_scale_factor:
            raise located(ValueError("recompute_scale_factor is not meaningful with an explicit size."))
        sizes = [_integer(n) for n in _one_each(size, axes, "size", input)]
    else:
        factors = [float(f) for f in _one_each(scale_factor, axes, "scale_factor", input)]
        sizes = [floor(n * f) for n, f in zip(input.shape[2:], factors, strict=True)]
    _check_mode(input, mode, align_corners, antialias)
    if mode == "area":
        function: Any = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[axes - 1]
        return function(input, tuple(sizes))  # type: ignore[no-any-return]
    factors = [None] * axes if recompute_scale_factor else factors
    return _resampled(input, tuple(sizes), mode, tuple(factors), bool(align_corners), antialias)


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: Factors = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Return `interpolate` with the same arguments, as older programs write it.

    Args:
        input: floating-point tensor (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: extents of the result, an int or one per spatial axis.
        scale_factor: extents of the result relative to those of input; either this or size.
        mode: a mode of `interpolate`.
        align_corners: whether the centers of the first and last elements coincide.

    Returns:
        Tensor of input's dtype and other spatial extents.

    Raises:
        ValueError, NotImplementedError, RuntimeError, TypeError: as `interpolate`.

    Example:
        >>> F.upsample(graphc.tensor([[[1.0, 3.0]]]), 4)
        tensor([[[1., 1., 3., 3.]]])
    """
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=3)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: int | Sequence[int] | None = None, scale_factor: Factors = None) -> Tensor:
    """Return `interpolate` in mode "nearest", as older programs write it.

    Args:
        input: floating-point tensor (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: extents of the result, an int or one per spatial axis.
        scale_factor: extents of the result relative to those of input; either this or size.

    Returns:
        Tensor of input's dtype and other spatial extents.

    Raises:
        ValueError, NotImplementedError, RuntimeError, TypeError: as `interpolate`.

    Example:
        >>> F.upsample_nearest(graphc.tensor([[[1.0, 3.0]]]), scale_factor=2)
        tensor([[[1., 1., 3., 3.]]])
    """
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: int | Sequence[int] | None = None, scale_factor: Factors = None) -> Tensor:
    """Return `interpolate` in mode "bilinear" with aligned corners, as older programs write it.

    Args:
        input: floating-point tensor (N, C, H, W).
        size: extents of the result, an int or one per spatial axis.
        scale_factor: extents of the result relative to those of input; either this or size.

    Returns:
        Tensor (N, C, H_out, W_out) of input's dtype.

    Raises:
        ValueError, NotImplementedError, RuntimeError, TypeError: as `interpolate`.

    Example:
        >>> F.upsample_bilinear(graphc.tensor([[[[1.0, 3.0]]]]), (1, 3))
        tensor([[[[1., 2., 3.]]]])
    """
    return interpolate(input, size, scale_factor, "bilinear", True)
