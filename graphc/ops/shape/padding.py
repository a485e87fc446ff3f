"""Padding with a constant."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.core.dtypes import exact_number
from graphc.dispatch.operation import op
from graphc.ir.core.build import pad, slice_
from graphc.ir.core.graph import Node

__all__ = ["constant_pad_nd"]


def padding_of(x: Node, padding: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the elements to add before and after each axis, from torch's list of pairs, last axis first."""
    if len(padding) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(padding) > 2 * x.type.rank:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(padding)} "
            f"and input of dimension {x.type.rank}"
        )
    rest = [0] * (x.type.rank - len(padding) // 2)
    return rest + list(padding[-2::-2]), rest + list(padding[:0:-2])


@op("ConstantPadNd", saves=False)
def constant_pad_nd(input: Node, pad: Sequence[int], value: float = 0) -> Node:
    """Pad a tensor with a constant at both ends of its axes.

    Args:
        input: tensor.
        pad: sequence of an even number of ints: how many elements to add before and after the last axis, then the one
            before it, and so on; negative numbers remove elements.
        value: number, the value of the new elements.

    Returns:
        Tensor of the dtype of input.

    Raises:
        RuntimeError: if the number of entries is odd or larger than twice the number of axes, more elements are removed
            than there are, or value does not fit the dtype.

    Example:
        >>> graphc.constant_pad_nd(graphc.tensor([1, 2]), (1, 2))
        tensor([0, 1, 2, 0, 0])
    """
    return _padded(input, *padding_of(input, pad), value)


def _padded(x: Node, low: list[int], high: list[int], value: float) -> Node:
    starts = [max(-n, 0) for n in low]
    stops = [n - max(-h, 0) for n, h in zip(x.shape, high, strict=True)]
    if any(start > stop for start, stop in zip(starts, stops, strict=True)):
        raise RuntimeError("narrow(): length must be non-negative.")
    return pad(slice_(x, starts, stops), [max(n, 0) for n in low], [max(n, 0) for n in high], fill=exact_number(value, x.dtype))
