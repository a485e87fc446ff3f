"""Random bits, and distributions computed from them, on nodes."""

from __future__ import annotations

from math import pi
from typing import Any

from graphc.ir.core.build import apply, cast, elementwise, slice_
from graphc.ir.core.build import reshape as reshape_node
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F32, F64, I32, DType

__all__ = []


def bits(key: Node, shape: tuple[int, ...]) -> Node:
    """Return 32 random bits per element, as i32; node level."""
    return apply("random_bits", key, shape=tuple(shape))  # of a Size, too


def two_words(key: Node, shape: tuple[int, ...]) -> tuple[Node, Node]:
    """Return two independent words per element."""
    both = bits(key, (2, *shape))
    return tuple(reshape_node(slice_(both, (i,) + (0,) * len(shape), (i + 1, *shape)), shape) for i in (0, 1))  # type: ignore[return-value]


def _top(word: Node, count: int) -> Node:
    """Return the highest bits of a word as a non-negative integer."""
    return elementwise("shift_right", word, 32 - count) & ((1 << count) - 1)


def uniform_nodes(key: Node, shape: tuple[int, ...], dtype: DType) -> Node:
    """Return numbers in [0, 1), uniform over the multiples of 2**-24 (f32) or 2**-53 (f64); node level."""
    if dtype is not F64:
        return cast(_top(bits(key, shape), 24), F32) * 2.0**-24
    high, low = two_words(key, shape)
    return (cast(_top(high, 26), F64) * 2.0**27 + cast(_top(low, 27), F64)) * 2.0**-53


def normal_nodes(key: Node, shape: tuple[int, ...], dtype: DType) -> Node:
    """Return standard normal numbers; node level.  Source: Box and Muller (1958)."""
    radius, angle = two_words(key, shape)
    u = (cast(radius & 0x7FFFFFFF, dtype) + 0.5) * 2.0**-31
    radians = cast(_top(angle, 24), dtype) * (2 * pi * 2.0**-24)
    return elementwise("sqrt", elementwise("log", u) * -2.0) * elementwise("cos", radians)


def below(word: Node, probability: Any) -> Node:
    """Return where a word, as a fraction of 2**32, is below a probability: a number, or a node of its shape."""
    if isinstance(probability, Node):
        return cast(_top(word, 24), probability.dtype) * 2.0**-24 < probability
    if probability >= 1:
        return elementwise("eq", word, word)
    return word < I32.scalar(round(probability * 2**32) - 2**31)
