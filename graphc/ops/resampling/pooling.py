"""Maxima over windows of other sizes, their inverse, and power means."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.core.errors import located
from graphc.ops.create.fill import zeros
from graphc.ops.create.ranges import arange
from graphc.ops.nn.average_pooling import avg_pool1d, avg_pool2d, avg_pool3d
from graphc.ops.nn.rectifiers import relu
from graphc.ops.nn.windows import Sizes, each, over_axes
from graphc.tensors.tensor import Tensor

__all__ = [
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_unpool1d",
    "max_unpool2d", "max_unpool3d",
]  # fmt: skip


def _places(n: int, out: int) -> Tensor:
    """Return the positions (out, most) of each window's elements along an axis; shorter windows repeat their last one."""
    i = arange(out)
    begin, end = i * n // out, ((i + 1) * n + out - 1) // out
    most = max((-(-(k + 1) * n // out) - k * n // out for k in range(out)), default=1)
    return (begin.unsqueeze(1) + arange(most)).minimum(end.unsqueeze(1) - 1)


def _windows(x: Tensor, sizes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return the elements of each window (*, sizes, elements) and their positions (sizes, elements) in row-major order."""
    axes, lead = len(sizes), x.dim() - len(sizes)
    positions: Any = None
    extents = x.shape[lead:]
    for a, (n, out) in enumerate(zip(extents, sizes, strict=True)):
        places, axis = _places(n, out), lead + 2 * a
        x = x.index_select(axis, places.flatten()).unflatten(axis, (out, places.shape[1]))
        positions = places if positions is None else (positions * n)[..., None, None] + places
    order = [2 * a for a in range(axes)] + [2 * a + 1 for a in range(axes)]
    x = x.permute(*range(lead), *(lead + a for a in order))
    return x.flatten(lead + axes), positions.permute(*order).flatten(axes)


def _adaptive_max_pooling(axes: int, example: str) -> Any:
    @over_axes(axes, "adaptive_max_pool", example)
    def adaptive_max_pool(
        input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Return maxima over windows chosen such that {last} of the result have the extents output_size.

        Window i of an axis of extent n begins at floor(i * n / out) and ends before ceil((i + 1) * n / out).

        Args:
            input: floating-point tensor (N, C, {axes}), or (C, {axes}) without a batch axis.
            output_size: extents of {last}, {ints}; None keeps an axis.
            return_indices: whether to return the positions of the maxima too.

        Returns:
            Tensor (N, C, {outs}) of input's dtype; with return_indices also an int64 tensor of that shape: positions in {last}
            of input, counted in row-major order.

        Raises:
            RuntimeError: if the rank or the number of sizes does not fit, a size is negative, or input has an empty axis.
            TypeError: if a size is not an integer.
        """
        entries = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * axes
        if input.dim() not in (axes + 1, axes + 2) or len(entries) != axes:
            got = f"got {output_size} for shape {list(input.shape)}"
            raise located(RuntimeError(f"expected {axes} output sizes for {axes + 1} or {axes + 2} axes, {got}"))
        extents = input.shape[-axes:]
        sizes = [n if out is None else each(out, 1, "output_size")[0] for n, out in zip(extents, entries, strict=True)]
        if 0 in input.shape[-axes - 1 :]:
            raise located(RuntimeError(f"adaptive_max_pool{axes}d(): Expected non-zero sizes, got {list(input.shape)}"))
        if 0 in sizes:
            empty = zeros((*input.shape[:-axes], *sizes), dtype=input.dtype)
            return (empty, empty.long()) if return_indices else empty
        elements, positions = _windows(input, sizes)
        values, chosen = elements.max(-1)
        if not return_indices:
            return values
        return values, positions.expand(elements.shape).gather(-1, chosen.unsqueeze(-1)).squeeze(-1)

    return adaptive_max_pool


adaptive_max_pool1d = _adaptive_max_pooling(
    1,
    """
    >>> F.adaptive_max_pool1d(graphc.tensor([[[1.0, 2.0, 5.0, 4.0, 3.0]]]), 2, return_indices=True)
    (tensor([[[5., 5.]]]), tensor([[[2, 2]]]))
    """,
)
adaptive_max_pool2d = _adaptive_max_pooling(
    2,
    """
    >>> F.adaptive_max_pool2d(graphc.arange(8.0).reshape(1, 1, 2, 4), (1, None))
    tensor([[[[4., 5., 6., 7.]]]])
    """,
)
adaptive_max_pool3d = _adaptive_max_pooling(
    3,
    """
    >>> F.adaptive_max_pool3d(graphc.ones(1, 2, 4, 4, 4), 3).shape
    torch.Size([1, 2, 3, 3, 3])
    """,
)

AVERAGES: tuple[Any, ...] = (avg_pool1d, avg_pool2d, avg_pool3d)


def _power_pooling(axes: int, example: str) -> Any:
    @over_axes(axes, "lp_pool", example)
    def lp_pool(
        input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> Tensor:
        """Return the power sum (sum of x^p)^(1/p) of each window over {last}.

        Args:
            input: floating-point tensor (N, C, {axes}), or (C, {axes}) without a batch axis.
            norm_type: exponent p; a window whose sum is not positive gives 0 in torch's way, and no NaN.
            kernel_size: extents of the window, {ints}.
            stride: step from window to window, {ints}; None means kernel_size.
            ceil_mode: whether a last window may reach over the end.

        Returns:
            Tensor (N, C, {outs}) of input's dtype.

        Raises:
            RuntimeError: if the rank does not fit, an output extent would be below 1, or a size is not positive.
            TypeError: if a size is not an integer.
        """
        means = AVERAGES[axes - 1](input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        return (means.sign() * relu(means.abs()) * prod(each(kernel_size, axes))).pow(1.0 / norm_type)  # type: ignore[no-any-return]

    return lp_pool


lp_pool1d = _power_pooling(
    1,
    """
    >>> F.lp_pool1d(graphc.tensor([[[3.0, 4.0, 0.0, 5.0]]]), 2, 2)
    tensor([[[5., 5.]]])
    """,
)
lp_pool2d = _power_pooling(
    2,
    """
    >>> F.lp_pool2d(graphc.tensor([[[[3.0, 4.0]]]]), 2, (1, 2))
    tensor([[[[5.]]]])
    """,
)
lp_pool3d = _power_pooling(
    3,
    """
    >>> F.lp_pool3d(graphc.ones(1, 1, 2, 2, 2), 1, 2)
    tensor([[[[[8.]]]]])
    """,
)


def _full_sizes(out: Sequence[int], kernel: Any, stride: Any, padding: Any, output_size: Any, axes: int) -> list[int]:
    """Return the extents of the result of an unpooling.  Raises ValueError."""
    own = [(n - 1) * s - 2 * p + k for n, s, p, k in zip(out, stride, padding, kernel, strict=True)]
    if output_size is None:
        return own
    sizes = list(output_size)[-axes:] if len(output_size) == len(out) + 2 else list(output_size)
    if len(sizes) != axes:
        got = f"output_size should be a sequence containing {axes} or {axes + 2} elements, but it has a length of"
        raise located(ValueError(f"{got} '{len(output_size)}'"))
    for n, size, s in zip(own, sizes, stride, strict=True):
        if not n - s < size < n + s:
            raise located(ValueError(f'invalid output_size "{sizes}" (expected between {n - s} and {n + s})'))
    return sizes


def _unpooling(axes: int, example: str) -> Any:
    @over_axes(axes, "max_unpool", example)
    def max_unpool(
        input: Tensor,
        indices: Tensor,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        output_size: Sequence[int] | None = None,
    ) -> Tensor:
        """Put maxima back to where they were, in zeros: the inverse of `max_pool{dims}d`, as far as there is one.

        Args:
            input: tensor (N, C, {axes}), or (C, {axes}) without a batch axis.
            indices: int64 tensor of the shape of input: positions in the result, as `max_pool{dims}d` returns them.
            kernel_size: extents of the window, {ints}.
            stride: step from window to window, {ints}; None means kernel_size.
            padding: what was padded before and after, {ints}.
            output_size: extents of the result, where more than one fits.

        Returns:
            Tensor (N, C, {outs}) of input's dtype.

        Raises:
            RuntimeError: if the shapes of input and indices differ, the rank does not fit, a size is not positive, or a
                position is outside of the result.
            ValueError: if output_size does not fit.
            TypeError: if a size is not an integer.
        """
        kernel, margin = each(kernel_size, axes, "kernel_size", 1), each(padding, axes, "padding")
        steps = kernel if stride is None else each(stride, axes, "stride", 1)
        if input.dim() not in (axes + 1, axes + 2) or input.shape != indices.shape:
            got = f"got {list(input.shape)} and {list(indices.shape)}"
            raise located(RuntimeError(f"expected input and indices of one shape of {axes + 1} or {axes + 2} axes, {got}"))
        sizes = _full_sizes(input.shape[-axes:], kernel, steps, margin, output_size, axes)
        lead = input.shape[:-axes]
        flat = zeros((*lead, prod(sizes)), dtype=input.dtype)
        return flat.scatter(-1, indices.flatten(len(lead)), input.flatten(len(lead))).reshape(*lead, *sizes)

    return max_unpool


max_unpool1d = _unpooling(
    1,
    """
    >>> F.max_unpool1d(graphc.tensor([[[5.0, 4.0]]]), graphc.tensor([[[1, 3]]]), 2)
    tensor([[[0., 5., 0., 4.]]])
    """,
)
max_unpool2d = _unpooling(
    2,
    """
    >>> F.max_unpool2d(graphc.tensor([[[[5.0]]]]), graphc.tensor([[[[3]]]]), 2)
    tensor([[[[0., 0.],
              [0., 5.]]]])
    """,
)
max_unpool3d = _unpooling(
    3,
    """
    >>> F.max_unpool3d(graphc.ones(1, 1, 1, 1, 1), graphc.zeros(1, 1, 1, 1, 1).long(), 2).sum()
    tensor(1.)
    """,
)
