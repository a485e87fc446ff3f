"""Scans whose gradient stores few states: the loop is split into nested segments.

    scan of 1000 iterations   →   scan of 10 segments { scan of 10 segments { scan of 10 iterations } }

The gradient of a scan stores the carry of each iteration and recomputes everything else.  For the outermost loop above these
are 10 states; the gradient of each of its segments runs the next loop again and stores 10 states, and so on: 30 states instead
of 1000, for two more runs of the body.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from graphc.ir.core import build
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.core.signatures import Layout
from graphc.ir.regions.builders import scan

__all__ = ["kept_states", "scan_in_segments", "segment_lengths"]


def segment_lengths(length: int, budget: int | None) -> list[int]:
    """Return the lengths of the segments, outermost loop first, for which a gradient stores at most `budget` states.

    None stands for one level of segments, which stores about 2√length states.  Raises ValueError for a budget that no segments
    can meet.

    >>> segment_lengths(1000, 32), kept_states(1000, segment_lengths(1000, 32))
    ([100, 10], 30)
    >>> segment_lengths(1000, None), segment_lengths(20, 32)
    ([25], [])
    """
    if budget is None:
        return list(_split(length, 2)[1])
    least = length
    for levels in range(1, max(2, length.bit_length() + 1)):
        states, lengths = _split(length, levels)
        if states <= budget:
            return list(lengths)
        least = min(least, states)
    raise ValueError(f"expected a budget of at least {least} states for {length} steps, got {budget}")


def kept_states(length: int, lengths: Sequence[int]) -> int:
    """Return the most states that are stored at one time."""
    if not lengths:
        return length
    count, rest = divmod(length, lengths[0])
    return count + (rest > 0) + kept_states(lengths[0], lengths[1:])


@lru_cache(maxsize=4096)
def _split(length: int, levels: int) -> tuple[int, tuple[int, ...]]:
    """Return the number of stored states and the segment lengths for a number of levels; even segments are preferred."""
    if levels == 1 or length < 4:
        return length, ()
    ideal = length ** ((levels - 1) / levels)
    best: tuple[float, int, tuple[int, ...]] | None = None
    for size in range(max(2, int(ideal * 0.75)), int(ideal * 1.34) + 1):
        inner, lengths = _split(size, levels - 1)
        states = -(-length // size) + inner
        cost = states * (1.15 if length % size else 1.0)
        if best is None or cost < best[0]:
            best = cost, states, (size, *lengths)
    assert best is not None
    return best[1:]


def scan_in_segments(
    body: Region,
    carries: Sequence[Node],
    xs: Sequence[Node],
    length: int,
    lengths: Sequence[int],
    *,
    reverse: bool = False,
    outer: Collection[Node] | None = None,
) -> list[Node]:
    """Return what `builders.scan` returns, by nested loops over segments of these lengths, outermost first."""
    if not lengths:
        return scan(body, carries, xs, length, reverse=reverse, outer=outer)
    size, *inner = lengths
    layout, even_length = Layout(len(carries), len(xs)), length - length % size
    now, stacks = carries, []
    for start, stop in ((0, even_length), (even_length, length))[:: -1 if reverse else 1]:
        parts = [_part(x, start, stop) for x in xs]
        if stop - start == even_length and start == 0:
            results = _segments(body, now, parts, even_length // size, size, inner, reverse=reverse, outer=outer)
        elif start < stop:
            shorter = [k for k in inner if k < stop - start]
            results = scan_in_segments(body, now, parts, stop - start, shorter, reverse=reverse, outer=outer)
        else:
            continue
        now, stacked = layout.split_results(results)
        stacks.append(stacked)
    ordered = stacks[:: -1 if reverse else 1]
    return [*now, *(build.concatenate(parts, 0) for parts in zip(*ordered, strict=True))]


def _part(x: Node, start: int, stop: int) -> Node:
    return build.slice_(x, (start, *(0 for _ in x.shape[1:])), (stop, *x.shape[1:]))


def _segments(
    body: Region,
    carries: Sequence[Node],
    xs: Sequence[Node],
    count: int,
    size: int,
    inner: Sequence[int],
    *,
    reverse: bool,
    outer: Collection[Node] | None,
) -> list[Node]:
    """Scan over `count` segments of `size` iterations."""
    own = [parameter(c.type, c.name) for c in carries]
    chunks = [build.reshape(x, (count, size, *x.shape[1:])) for x in xs]
    items = [parameter(c.type.with_shape(c.shape[1:]), x.name) for c, x in zip(chunks, xs, strict=True)]
    results = scan_in_segments(body, own, items, size, inner, reverse=reverse, outer=outer)
    outputs = scan(Region((*own, *items), tuple(results)), carries, chunks, count, reverse=reverse, outer=outer)
    ends, stacks = Layout(len(carries), len(xs)).split_results(outputs)
    return [*ends, *(build.reshape(s, (count * size, *s.shape[2:])) for s in stacks)]
