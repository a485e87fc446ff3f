"""Plan where intermediate values live: offsets in one arena, shared by values that do not live at one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ALIGN", "Interval", "plan"]

ALIGN = 64


@dataclass(eq=False)
class Interval:
    """Some bytes that are needed from one step to another, both included."""

    bytes: int
    first: int
    last: int
    offset: int = 0


def plan(intervals: Sequence[Interval]) -> int:
    """Give each interval an offset, largest first and lowest place first; return the size of the arena.

    Two intervals that share a step never share a byte.
    """
    placed: list[Interval] = []
    for new in sorted(intervals, key=lambda i: -i.bytes):
        new.offset = _lowest(new, [p for p in placed if p.first <= new.last and new.first <= p.last])
        placed.append(new)
    return max((p.offset + _rounded(p.bytes) for p in placed), default=0)


def _rounded(n: int) -> int:
    return -(-n // ALIGN) * ALIGN


def _lowest(new: Interval, others: Sequence[Interval]) -> int:
    """Return the lowest offset at which `new` meets none of the others."""
    at = 0
    for other in sorted(others, key=lambda i: i.offset):
        if at + _rounded(new.bytes) <= other.offset:
            break
        at = max(at, other.offset + _rounded(other.bytes))
    return at
