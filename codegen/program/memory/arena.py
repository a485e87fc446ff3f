"""Lay out one arena for all intermediate values; values with disjoint live ranges share bytes."""

from __future__ import annotations

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
    placed: list[LiveRange] = []
    for new in sorted(ranges, key=lambda i: -i.bytes):
        new.offset = _lowest(new, [p for p in placed if p.first <= new.last and new.first <= p.last])
        placed.append(new)
    return max((p.offset + _rounded(p.bytes) for p in placed), default=0)


def _rounded(n: int) -> int:
    return -(-n // ALIGN) * ALIGN


def _lowest(new: LiveRange, others: Sequence[LiveRange]) -> int:
    """Return the lowest offset at which `new` overlaps none of the others."""
    at = 0
    for other in sorted(others, key=lambda i: i.offset):
        if at + _rounded(new.bytes) <= other.offset:
            break
        at = max(at, other.offset + _rounded(other.bytes))
    return at
