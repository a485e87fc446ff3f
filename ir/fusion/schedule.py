"""Write the iteration domain of a group as attributes of its fusion (ir/access/legality.py)."""

from __future__ import annotations

from graphc.ir.access.legality import Axes, Loop
from graphc.ir.core.graph import Node
from graphc.ir.fusion.iteration_domain import Group, fresh

__all__ = ["schedule"]


def _numbers(axes: Axes, loops: list[Loop]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(loops.index(lo) for lo in axis) for axis in axes)


def schedule(group: Group | None, members: list[Node], reduces: list[Node]) -> dict[str, object]:
    """Return the attributes of a fusion: loop extents, number of outer loops, and the loops of its results and reductions."""
    if group is None:
        axes = {members[0]: fresh(members[0].shape)}
        loops = [lo for axis in axes[members[0]] for lo in axis]
        outer = len(loops)
        reduced: dict[Node, Axes] = {}
    else:
        axes, reduced = group.axes, group.reduced
        outside = group.outer if group.outer is not None else group.domain
        seen: dict[Loop, None] = {}
        for node in [*reduces, *members]:
            source = group.operand_axes(node) if node in reduced else axes[node]
            seen.update(dict.fromkeys(lo for axis in source for lo in axis))
        # outer loops that outer reductions reduce come last
        loops = sorted(seen, key=lambda lo: 2 if lo not in outside else lo in group.folded)
        outer = sum(lo in outside for lo in loops)
    return {
        "dims": tuple(lo.extent for lo in loops),
        "outer": outer,
        "results": tuple(_numbers(axes[m], loops) for m in members),
        "reduces": tuple(_numbers(reduced[r], loops) for r in reduces),
    }
