"""Lay out one arena for all intermediate values; values with disjoint live ranges share bytes."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ALIGN", "LiveRange", "plan"]

ALIGN = 64


@dataclass(eq=False)
class LiveRange:
    """Bytes that are live from one kernel call to another, both included."""

    bytes: int
    first: int
    last: int
    offset: int = 0


def plan(ranges: Sequence[LiveRange]) -> int:
    """Assign each live range the lowest free offset, largest ranges first; return the size of the arena.

    Two live ranges that share a call never share a byte.
    """
    placed: list[tuple[int, int, int, int]] = []
    """Offset, end, first and last call of the ranges placed so far, by offset."""
    for new in sorted(ranges, key=lambda i: -i.bytes):
        size, begin, until, at = _rounded(new.bytes), new.first, new.last, 0
        for offset, end, first, last in placed:
            if first <= until and begin <= last:
                if at + size <= offset:
                    break
                if at < end:
                    at = end
        new.offset = at
        insort(placed, (at, at + size, begin, until))
    return max((end for _, end, _, _ in placed), default=0)


def _rounded(n: int) -> int:
    return -(-n // ALIGN) * ALIGN
