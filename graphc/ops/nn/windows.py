"""Windows that slide over the last axes.

A window slides by strided slices of the padded input, one slice per element of the kernel: a convolution is a matmul over the
concatenated slices, a pooling a reduction over them, and the gradients follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from operator import index
from typing import Any, TypeVar

from graphc.ir.core.build import pad, slice_
from graphc.ir.core.graph import Node
from graphc.ops.templates import template

__all__ = []


Sizes = int | Sequence[int]

WORDS = {
    1: {"last": "the last axis", "axes": "L", "outs": "L_out", "kernel": "K", "ints": "an int"},
    2: {"last": "the last two axes", "axes": "H, W", "outs": "H_out, W_out", "kernel": "kH, kW"},
    3: {"last": "the last three axes", "axes": "D, H, W", "outs": "D_out, H_out, W_out", "kernel": "kD, kH, kW"},
}
"""Words for the docstrings of functions over a number of axes."""

F = TypeVar("F", bound=Callable[..., Any])


def over_axes(axes: int, stem: str, example: str) -> Callable[[F], F]:
    """Name a function of windows over the last axes, and fill in its docstring."""
    return template(f"{stem}{axes}d", example, **{"ints": "an int or one per axis", **WORDS[axes]}, stem=stem, dims=str(axes))


def each(size: Sizes, axes: int, name: str = "a size", least: int = 0) -> tuple[int, ...]:
    """Return one integer for each axis.  Raises TypeError for other types, RuntimeError for too many or too small numbers."""
    entries = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    for n in entries:
        if isinstance(n, (bool, float, str)) or not hasattr(n, "__index__"):
            raise TypeError(f"expected integers for {name}, got {size!r:.40}")
    sizes = tuple(index(n) for n in entries)
    sizes = sizes * axes if len(sizes) == 1 else sizes
    if len(sizes) != axes:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {axes} values, but got {name}={size}")
    if any(n < least for n in sizes):
        problem = f"negative {name}" if least == 0 else f"non-positive {name}"
        raise RuntimeError(f"{problem} is not supported, got {list(sizes)}")
    return sizes


def windows(
    x: Node, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], extents: Sequence[int]
) -> list[Node]:
    """Return, for each element of the kernel, the elements of all windows at it; the last axes have `extents`; node level."""
    lead = x.type.rank - len(kernel)
    slices = []
    for offset in product(*map(range, kernel)):
        start = [o * d for o, d in zip(offset, dilation, strict=True)]
        stop = [s + (n - 1) * p + 1 for s, n, p in zip(start, extents, stride, strict=True)]
        slices.append(slice_(x, [0] * lead + start, [*x.shape[:lead], *stop], [1] * lead + list(stride)))
    return slices


def padded(x: Node, low: Sequence[int], high: Sequence[int], interior: Sequence[int] | None = None, fill: float = 0.0) -> Node:
    """Pad the last axes; negative sizes crop; node level."""
    lead = [0] * (x.type.rank - len(low))
    inner = lead + list(interior if interior is not None else [0] * len(low))
    x = pad(x, [*lead, *(max(n, 0) for n in low)], [*lead, *(max(n, 0) for n in high)], inner, fill=fill)
    starts = [*lead, *(max(-n, 0) for n in low)]
    stops = [n - max(-h, 0) for n, h in zip(x.shape, [*lead, *high], strict=True)]
    return slice_(x, starts, stops)


@dataclass(frozen=True)
class PoolWindows:
    """The windows of a pooling: one entry for each of the last axes."""

    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    margin: tuple[int, ...]
    dilation: tuple[int, ...]
    extents: tuple[int, ...]

    @property
    def overhang(self) -> list[int]:
        """How far the windows reach beyond the padded end of each axis."""
        reach = zip(self.extents, self.stride, self.dilation, self.kernel, strict=True)
        ends = [(e - 1) * s + d * (k - 1) + 1 for e, s, d, k in reach]
        return [max(0, end - n - 2 * p) for end, n, p in zip(ends, self.sizes, self.margin, strict=True)]

    @property
    def after(self) -> list[int]:
        """How much to pad at the end of each axis."""
        return [p + o for p, o in zip(self.margin, self.overhang, strict=True)]

    def of(self, x: Node) -> list[Node]:
        """Return, for each element of the kernel, the elements of all windows of padded input at it; node level."""
        return windows(x, self.kernel, self.stride, self.dilation, self.extents)


def pool_windows(
    x: Node, axes: int, kernel_size: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes, up: bool
) -> PoolWindows:
    """Return the windows of a pooling of `x`; the stride is the kernel by default.  Raises RuntimeError, TypeError.

    With `up` a last window may reach beyond the padded end, if it starts before the end of the input.
    """
    if x.type.rank not in (axes + 1, axes + 2):
        raise RuntimeError(f"Expected {axes + 1}D or {axes + 2}D input to a pooling over {axes} axes, got {list(x.shape)}")
    kernel, margin = each(kernel_size, axes, "kernel_size", 1), each(padding, axes, "padding")
    steps = kernel if stride is None or stride in ((), []) else each(stride, axes, "stride", 1)
    _check_margin(margin, kernel)
    dilations, sizes = each(dilation, axes, "dilation", 1), x.shape[-axes:]
    extents = tuple(_pool_extent(*axis, up) for axis in zip(sizes, kernel, steps, margin, dilations, strict=True))
    if min(extents) < 1:
        raise RuntimeError(f"Given input size: ({'x'.join(map(str, sizes))}). Output size is too small")
    return PoolWindows(sizes, kernel, steps, margin, dilations, extents)


def _check_margin(margin: Sequence[int], kernel: Sequence[int]) -> None:
    if any(p > k // 2 for p, k in zip(margin, kernel, strict=True)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, "
            f"but got pad={margin[0]}, kernel_size={kernel[0]} and dilation=1"
        )


def _pool_extent(n: int, k: int, s: int, p: int, d: int, up: bool) -> int:
    last = n + 2 * p - d * (k - 1) - 1  # where the last window may start
    extent = (-(-last // s) if up else last // s) + 1
    return extent - 1 if up and (extent - 1) * s >= n + p else extent
