"""Windows that slide over the last axes.

A window slides by strided slices of the padded input, one slice for each place in the kernel: a convolution is
a product of matrices over the joined slices, a pooling a reduction over them, and gradients follow from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from operator import index
from typing import Any

from graphc.ir.core.build import pad, slice_
from graphc.ir.core.graph import Node

__all__ = []


Sizes = int | Sequence[int]


def each(size: Sizes, axes: int, name: str = "a size", least: int = 0) -> tuple[int, ...]:
    """Return one integer for each axis.  Raises TypeError for what is none, RuntimeError for too many or too small ones."""
    given = (size,) if isinstance(size, int) or not isinstance(size, (tuple, list)) else tuple(size)
    for n in given:
        if isinstance(n, (bool, float, str)) or not hasattr(n, "__index__"):
            raise TypeError(f"expected integers for {name}, got {size!r:.40}")
    found = tuple(index(n) for n in given)
    found = found * axes if len(found) == 1 else found
    if len(found) != axes:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {axes} values, but got {name}={size}")
    if any(n < least for n in found):
        what = f"negative {name}" if least == 0 else f"non-positive {name}"
        raise RuntimeError(f"{what} is not supported, got {list(found)}")
    return found


def windows(
    x: Node, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], extents: Sequence[int]
) -> list[Node]:
    """Return for each place in the kernel what all windows have there; the last axes have `extents`; node level."""
    lead = x.type.rank - len(kernel)
    found = []
    for offset in product(*map(range, kernel)):
        start = [o * d for o, d in zip(offset, dilation, strict=True)]
        stop = [s + (n - 1) * p + 1 for s, n, p in zip(start, extents, stride, strict=True)]
        found.append(slice_(x, [0] * lead + start, [*x.shape[:lead], *stop], [1] * lead + list(stride)))
    return found


def padded(x: Node, low: Sequence[int], high: Sequence[int], interior: Sequence[int] | None = None, fill: float = 0.0) -> Node:
    """Pad the last axes; negative sizes cut; node level."""
    lead = [0] * (x.type.rank - len(low))
    inner = lead + list(interior if interior is not None else [0] * len(low))
    x = pad(x, [*lead, *(max(n, 0) for n in low)], [*lead, *(max(n, 0) for n in high)], inner, fill=fill)
    starts = [*lead, *(max(-n, 0) for n in low)]
    stops = [n - max(-h, 0) for n, h in zip(x.shape, [*lead, *high], strict=True)]
    return slice_(x, starts, stops)


def pool_extents(
    sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], margin: Sequence[int], dilation: Sequence[int], up: bool
) -> list[int]:
    """Return the extents of a pooling; with `up` a last window may reach over the end, if it starts before it."""
    found = []
    for n, k, s, p, d in zip(sizes, kernel, stride, margin, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        extent = (-(-room // s) if up else room // s) + 1
        found.append(extent - 1 if up and (extent - 1) * s >= n + p else extent)
    if min(found) < 1:
        raise RuntimeError(f"Given input size: ({'x'.join(map(str, sizes))}). Output size is too small")
    return found


def overhang(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    margin: Sequence[int],
    dilation: Sequence[int],
    extents: Sequence[int],
) -> list[int]:
    """Return how far the windows reach over the padded end of each axis."""
    ends = [(e - 1) * s + d * (k - 1) + 1 for e, s, d, k in zip(extents, stride, dilation, kernel, strict=True)]
    return [max(0, end - n - 2 * p) for end, n, p in zip(ends, sizes, margin, strict=True)]


def _check_margin(margin: Sequence[int], kernel: Sequence[int]) -> None:
    if any(p > k // 2 for p, k in zip(margin, kernel, strict=True)):
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, "
            f"but got pad={margin[0]}, kernel_size={kernel[0]} and dilation=1"
        )


def pool_window(
    x: Node, axes: int, kernel_size: Sizes, stride: Any, padding: Sizes
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return kernel, stride (the kernel by default) and padding of a pooling for each axis.  Raises RuntimeError, TypeError."""
    if x.type.rank not in (axes + 1, axes + 2):
        raise RuntimeError(f"Expected {axes + 1}D or {axes + 2}D input to a pooling over {axes} axes, got {list(x.shape)}")
    kernel, margin = each(kernel_size, axes, "kernel_size", 1), each(padding, axes, "padding")
    steps = kernel if stride is None or stride in ((), []) else each(stride, axes, "stride", 1)
    _check_margin(margin, kernel)
    return kernel, steps, margin
