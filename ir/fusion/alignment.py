"""Match the loops of two groups: pair equal loops, and find the outer loops of the merged group."""

from __future__ import annotations

from collections.abc import Iterator

from graphc.ir.access.legality import Axes, Loop
from graphc.ir.fusion.iteration_domain import Group, Misaligned, by_number, loops_of

__all__ = ["common_outer", "pair_rest", "unify"]


def unify(first: Group, second: Group, axes: Axes, other_axes: Axes, match: dict[Loop, Loop]) -> None:
    """Match the loops of equal axes, splitting a loop where the other side is finer.  Raises Misaligned."""
    for a, b in zip(axes, other_axes, strict=True):
        left, right = list(a), list(b)
        while left and right:
            x, y = left.pop(), right.pop()
            if x.extent > y.extent and x.extent % y.extent == 0:
                outer, x = first.split(x, y.extent)
                left.append(outer)
            elif y.extent > x.extent and y.extent % x.extent == 0:
                outer, y = second.split(y, x.extent)
                right.append(outer)
            if x.extent != y.extent or match.get(y, x) is not x or (y not in match and x in match.values()):
                raise Misaligned
            match[y] = x
        if left or right:
            raise Misaligned


def pair_rest(first: Group, second: Group, match: dict[Loop, Loop]) -> None:
    """Match the loops of `second` that no common value matches with loops of `first` of equal extent, inner ones first."""
    taken = set(match.values())
    for loop in by_number(second.domain - set(match)):
        free = [f for f in by_number(first.domain - taken) if f.extent == loop.extent]
        inner = [f for f in free if first.outer is not None and f not in first.outer]
        if inner or free:
            match[loop] = (inner or free)[0]
            taken.add(match[loop])


def common_outer(first: Group, second: Group, match: dict[Loop, Loop]) -> frozenset[Loop] | bool | None:
    """Return the outer loops of the merged group; None if it has no reductions, False if it cannot be merged."""

    def renamed(loops: frozenset[Loop]) -> frozenset[Loop]:
        return frozenset(match.get(lo, lo) for lo in loops)

    space = renamed(second.domain)
    if first.outer is None and second.outer is None:
        return None if first.domain == space else False
    if first.outer is not None and second.outer is not None:
        outer = first.outer
        if outer != renamed(second.outer):
            return False
    else:
        outer = first.outer if first.outer is not None else renamed(second.outer or frozenset())
        if not (space if first.outer is not None else first.domain) >= outer:
            return False
    # without outer loops, one kernel holds only passes over the same inner loops
    if not outer and first.domain and space and first.domain != space:
        return False
    if first.outer_reductions and second.outer_reductions and first.folded != renamed(second.folded):
        return False
    if len(lasts := {*_last_loops(first, {}), *_last_loops(second, match)}) > len({reduced for reduced, _ in lasts}):
        return False
    along = {*_lies_outside(first, outer, {}), *_lies_outside(second, outer, match)}
    return False if len(along) > 1 else outer


def _last_loops(group: Group, match: dict[Loop, Loop]) -> Iterator[tuple[frozenset[Loop], Loop]]:
    """Yield for each reduction the loops it reduces, which identify its pass, and the loop along which it reads memory.

    Reductions of one pass that read along different loops would be vectorized differently, too.
    """
    for node in group.reduced.keys() - group.outer_reductions:
        last = next((axis[-1] for axis in reversed(group.operand_axes(node)) if axis), None)
        if last is not None:
            yield frozenset(match.get(lo, lo) for lo in loops_of(group.reduced[node])), match.get(last, last)


def _lies_outside(group: Group, outer: frozenset[Loop], match: dict[Loop, Loop]) -> Iterator[bool]:
    """Yield for each reduction whether the last axis of its operand is an outer loop.

    Row sums and outer-axis reductions are vectorized differently: in one kernel, one of the two would gather its elements.
    """
    for node in group.reduced.keys() - group.outer_reductions:
        last = next((axis[-1] for axis in reversed(group.operand_axes(node)) if axis), None)
        if last is not None:
            yield match.get(last, last) in outer
