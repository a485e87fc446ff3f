"""Decide how a kernel runs: which loop is vectorized, how wide, and what is kept between passes.

Two shapes cover all kernels.  *Points side by side*: the lanes are neighbouring points of an outer loop, and
every pass runs for all of them at once (elementwise work; sums over rows).  *Row by row*: each pass
vectorizes its own inner loop and folds its lanes at the end (softmax, layer_norm, sums along rows).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from graphc.codegen.loops.loop_ir import Instr, Kernel, Stage, is_bound_check, needed
from graphc.ir.core.cost import op_weight
from graphc.ir.core.structural_key import SMALL

__all__ = ["Schedule", "schedule", "weight_of"]

SAVE = 8
"""A value of at least this weight is kept in a scratch row between stages rather than computed twice."""

LIGHT = 6
"""A body of at most this many instructions is run at several vectors at once, to hide latencies."""

LARGE = 64
"""What an extent that is read at run time counts for."""


ONCE = 150
"""A body at least this heavy is written once, under a mask: its compile time counts more than the mask."""

WINDOW = 256
"""Instructions that a processor looks ahead: what is longer does not overlap with the next iteration of its loop."""

WIDEST = 32
"""Lanes of the widest body that is long and waits for itself."""


@dataclass
class Schedule:
    """What `schedule` decided beyond the kernel itself."""

    saved: dict[Instr, int] = field(default_factory=dict)
    """Values kept in scratch rows, and their number."""
    stage_lanes: list[int] = field(default_factory=list)
    """Lanes of each stage."""
    once: list[bool] = field(default_factory=list)
    """Whether a stage's body is written once, not apart for whole vectors and for the rest."""


def schedule(kernel: Kernel) -> Schedule:
    """Set `kernel.vector`, `kernel.lanes`, the order of its loops and its scratch size; return the rest."""
    plan = Schedule()
    row_cost = sum(_order_inner(kernel, s) if s.inner else _scalar_cost(s) for s in kernel.stages)
    sides = [lo for lo in kernel.outer if lo in kernel.folded or not kernel.folded]
    points = [(sum(_pass_cost(kernel, s, lo) for s in kernel.stages), -lo) for lo in sides]
    best, loop = min(points, default=(0.0, 0))
    if points and (best < row_cost or not any(s.inner for s in kernel.stages)):
        kernel.vector = -loop
        kernel.outer = (*(lo for lo in kernel.outer if lo != kernel.vector), kernel.vector)
        kernel.lanes = min(_lanes(kernel, s, kernel.vector) for s in kernel.stages)
        plan.stage_lanes = [kernel.lanes] * len(kernel.stages)
    else:
        kernel.vector = None
        plan.stage_lanes = [_lanes(kernel, s, s.inner[-1]) if s.inner else 1 for s in kernel.stages]
        kernel.lanes = max(plan.stage_lanes, default=1)
    plan.once = [sum(map(weight_of, needed(s.roots()))) >= ONCE for s in kernel.stages]
    _save(kernel, plan)
    kernel.saved = frozenset(plan.saved)
    return plan


def weight_of(instr: Instr) -> int:
    """Return roughly the instructions that one application takes."""
    return 0 if instr.op in ("constant", "reduced", "size") else op_weight(instr.op)


def _accesses(stage: Stage, loop: int) -> list[tuple[int, bool, bool]]:
    """Return, for each access of a pass, its stride along a loop, if it is irregular there, and if inner loops move it."""
    inner = set(stage.inner)
    found = []
    for i in needed(stage.roots()):
        if i.op == "load":
            index = i.attr[1]
            irregular = any(loop in v.loops for v, _ in index.values)
            found.append((index.coefficient(loop), irregular, not inner.isdisjoint(i.loops)))
    moved = [not inner.isdisjoint(lo for lo, _ in s.index.loops) for s in stage.stores]
    return found + [(s.index.coefficient(loop), False, m) for s, m in zip(stage.stores, moved, strict=True)]


def _pass_cost(kernel: Kernel, stage: Stage, loop: int) -> float:
    """Estimate the memory instructions of a pass, for each outer point, if lanes run along a loop."""
    trips = prod(_class_of(kernel.dims[lo]) for lo in stage.inner)
    cost = 0.0
    for stride, irregular, moves in _accesses(stage, loop):
        each = 8 if irregular or stride not in (0, 1) else 1 if stride else 0.3
        cost += each * trips if moves else each
    return cost / max(1, min(_class_of(kernel.dims[loop]), 16))  # lanes beyond the extent are idle


def _class_of(extent: int) -> int:
    """Return a number for all extents above SMALL: what is decided by it holds for every size, as the code does."""
    return extent if extent <= SMALL else LARGE


def _scalar_cost(stage: Stage) -> float:
    return sum(i.op == "load" for i in needed(stage.roots())) + len(stage.stores)


def _order_inner(kernel: Kernel, stage: Stage) -> float:
    """Put the loop that vectorizes best last and return its cost."""
    cost, best = min((_pass_cost(kernel, stage, lo), -lo) for lo in stage.inner)
    stage.inner = (*(lo for lo in stage.inner if lo != -best), -best)
    return cost


def _lanes(kernel: Kernel, stage: Stage, loop: int) -> int:
    body = [i for i in needed(stage.roots()) if loop in i.loops]
    values = needed(stage.roots(), is_bound_check)  # bounds are checked once a row
    widest = max((i.dtype.bytes for i in values if loop in i.loops), default=4)
    lanes = 8 if widest == 8 else 16
    extent = kernel.dims[loop]
    if extent <= SMALL:
        return min(lanes, 1 << max(extent - 1, 0).bit_length())
    regular = all(not bad and stride in (0, 1) for stride, bad, _ in _accesses(stage, loop))
    heavy = sum(map(weight_of, body))
    if heavy > LIGHT:
        return _wider(body, heavy, widest, lanes)
    if not regular:
        return lanes
    if kernel.vector is None and stage.reductions and not stage.stores:
        return lanes * 4  # several accumulators hide the latency of an addition
    if stage.reductions and not heavy:
        return lanes * 8  # wide rows: fewer pages are touched for each column
    return lanes * 2


def _wider(body: list[Instr], heavy: int, widest: int, lanes: int) -> int:
    """Return more lanes for a long body that is a chain: several vectors then wait for their operands at one time."""
    wait = _latency(body)
    while lanes < WIDEST:
        work = heavy * lanes * widest / 32
        if work < WINDOW or wait < 1.3 * work / 3:
            break
        lanes *= 2
    return lanes


def _latency(body: list[Instr]) -> float:
    """Estimate the cycles from the first operand of a body to its last result."""
    done: dict[Instr, float] = {}
    for i in body:
        heavy = weight_of(i)
        own = 4 * heavy if heavy <= 1 else 1.8 * heavy  # a heavy operation is not one chain
        done[i] = own + max((done.get(o, 0.0) for o in i.operands()), default=0.0)
    return max(done.values(), default=0.0)


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
