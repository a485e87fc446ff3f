"""Decide how a kernel runs: which loop is vectorized, how wide, and what is kept between passes.

Two shapes cover all kernels.  *Points side by side*: the lanes are neighbouring points of an outer loop, and
every pass runs for all of them at once (elementwise work; sums over rows).  *Row by row*: each pass
vectorizes its own inner loop and folds its lanes at the end (softmax, layer_norm, sums along rows).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from graphc.codegen.kernel import Instr, Kernel, Stage, needed
from graphc.codegen.lower import SAVE, weight_of
from graphc.codegen.step import SMALL

__all__ = ["Schedule", "schedule"]

LIGHT = 6
"""A body of at most this many instructions is run at several vectors at once, to hide latencies."""


@dataclass
class Schedule:
    """What `schedule` decided beyond the kernel itself."""

    saved: dict[Instr, int] = field(default_factory=dict)
    """Values kept in scratch rows, and their number."""
    stage_lanes: list[int] = field(default_factory=list)
    """Lanes of each stage."""


def schedule(kernel: Kernel) -> Schedule:
    """Set `kernel.vector`, `kernel.lanes`, the order of its loops and its scratch size; return the rest."""
    plan = Schedule()
    rows = any(s.inner for s in kernel.stages)
    best_outer = min(((_cost(kernel, lo, kernel.stages), -lo) for lo in kernel.outer), default=None)
    row_cost = sum(_order_inner(kernel, s) for s in kernel.stages if s.inner)
    if best_outer is not None and (not rows or best_outer[0] < row_cost):
        kernel.vector = -best_outer[1]
        kernel.outer = (*(lo for lo in kernel.outer if lo != kernel.vector), kernel.vector)
        kernel.lanes = min(_lanes(kernel, s, kernel.vector) for s in kernel.stages)
        plan.stage_lanes = [kernel.lanes] * len(kernel.stages)
    else:
        kernel.vector = None
        plan.stage_lanes = [_lanes(kernel, s, s.inner[-1]) if s.inner else 1 for s in kernel.stages]
        kernel.lanes = max(plan.stage_lanes, default=1)
    _save(kernel, plan)
    return plan


def _accesses(stages: Iterable[Stage], loop: int) -> list[tuple[int, bool]]:
    """Return, for each access, its stride along a loop and whether it is irregular there."""
    found = []
    for stage in stages:
        for i in needed(stage.roots()):
            if i.op == "load":
                index = i.attr[1]
                found.append((index.coefficient(loop), any(loop in v.loops for v, _ in index.values)))
        found += [(s.index.coefficient(loop), False) for s in stage.stores]
    return found


def _cost(kernel: Kernel, loop: int, stages: list[Stage]) -> float:
    cost = 0.0
    for stride, irregular in _accesses(stages, loop):
        cost += 8 if irregular or stride not in (0, 1) else 1 if stride else 0.3
    extent = kernel.dims[loop]
    return cost * (16 / extent if 0 < extent < 16 else 1)  # lanes beyond the extent are idle


def _order_inner(kernel: Kernel, stage: Stage) -> float:
    """Put the loop that vectorizes best last and return its cost."""
    cost, best = min((_cost(kernel, lo, [stage]), -lo) for lo in stage.inner)
    stage.inner = (*(lo for lo in stage.inner if lo != -best), -best)
    return cost


def _lanes(kernel: Kernel, stage: Stage, loop: int) -> int:
    body = [i for i in needed(stage.roots()) if loop in i.loops]
    widest = max((i.dtype.bytes for i in body), default=4)
    lanes = 8 if widest == 8 else 16
    extent = kernel.dims[loop]
    if extent <= SMALL:
        return min(lanes, 1 << max(extent - 1, 0).bit_length())
    regular = all(not bad and stride in (0, 1) for stride, bad in _accesses([stage], loop))
    if regular and sum(map(weight_of, body)) <= LIGHT:
        # several accumulators hide the latency of an addition; streams gain less
        return lanes * (4 if stage.reductions and kernel.vector is None and not stage.stores else 2)
    return lanes


def _save(kernel: Kernel, plan: Schedule) -> None:
    """Choose the values that a later pass takes from a scratch row instead of computing them again."""
    computed: dict[Instr, tuple[int, ...]] = {}
    for stage in kernel.stages:
        seen: set[Instr] = set()
        stack = stage.roots()
        while stack:
            i = stack.pop()
            if i in seen or i in plan.saved:
                continue
            seen.add(i)
            if computed.get(i) == stage.inner and i.loops & set(stage.inner) and _subtree_weight(i) >= SAVE:
                plan.saved[i] = len(plan.saved)
                continue
            stack.extend(i.operands())
        for i in seen:
            computed.setdefault(i, stage.inner)


def _subtree_weight(root: Instr) -> int:
    return sum(weight_of(i) for i in needed([root]))
