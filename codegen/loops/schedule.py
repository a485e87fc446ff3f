"""Decide how a kernel runs: the vectorized loop, its width, its remainder, and the values kept between passes.

Two shapes cover all kernels.  *Points side by side*: the lanes are neighbouring points of an outer loop, and every pass runs
for all of them at once (elementwise work; sums over rows).  *Row by row*: each pass vectorizes its own inner loop and reduces
its lanes at the end (softmax, layer_norm, sums along rows).
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from graphc.codegen.loops.accesses import with_accesses
from graphc.codegen.loops.accuracy import OUTER_SUM_BLOCK, SUM_BLOCK, must_be_wide
from graphc.codegen.loops.bounds_checks import is_bound_check
from graphc.codegen.loops.loop_ir import Instr, Kernel, Parallel, PassSchedule, Reduction, Schedule, Stage, needed
from graphc.codegen.loops.remainder import vectorized, weight
from graphc.ir.core.structural_key import SMALL

__all__ = ["schedule"]

SAVE = 8
"""A value of at least this weight is kept in a scratch row between stages rather than recomputed."""

LIGHT = 6
"""A body of at most this many instructions runs on several vectors at once, to hide latencies."""

LARGE = 64
"""The assumed size of an extent that is read at run time."""

WINDOW = 256
"""Instructions in a processor's reorder window: longer bodies do not overlap with the next iteration."""

WIDEST = 32
"""Lanes of the widest long, latency-bound body."""


CHUNK = 1_600_000
"""The work of a chunk of a parallel loop, in units of some 10 ps: waking a thread takes longer."""

ACCESS = 4
"""The work of a load or store of one element; instructions count by their weight."""


def schedule(kernel: Kernel, *, literal: bool, parallel: bool = False) -> Kernel:
    """Return the kernel with a schedule, its loops in the order in which they run.

    `literal` says that large extents are literals in the code; with `parallel`, threads share an outer loop if there may be
    enough work.
    """
    ordered = [_ordered(kernel, s) for s in kernel.stages]
    row_cost = sum(cost for _, cost in ordered)
    kernel = replace(kernel, stages=[s for s, _ in ordered])
    sides = [lo for lo in kernel.outer if lo in kernel.folded or not kernel.folded]
    points = [(sum(_pass_cost(kernel, s, lo) for s in kernel.stages), -lo) for lo in sides]
    best, loop = min(points, default=(0.0, 0))
    wide = frozenset(r for r in kernel.reductions if must_be_wide(kernel, r, literal))
    saved = _saved(kernel)
    if points and (best < row_cost or not any(s.inner for s in kernel.stages)):
        kernel = replace(kernel, outer=(*(lo for lo in kernel.outer if lo != -loop), -loop))
        plan = _points(kernel, wide, saved, literal)
    else:
        plan = _rows(kernel, wide, saved, literal)
    kernel = replace(kernel, schedule=plan)
    if parallel:
        kernel = replace(kernel, schedule=replace(plan, parallel=_shared_loop(kernel)))
    return with_accesses(kernel)


def _shared_loop(kernel: Kernel) -> Parallel | None:
    """Return the outermost loop that is long, or the longest if none is: which one depends on classes of extents only.

    The grain depends on the work of an iteration, and never on the number of threads.
    """
    points = kernel.plan.points
    loops = [lo for lo in kernel.outer if kernel.dims[lo] > 1]
    if points is not None and points.along:  # the interior of a row and its ends are one loop
        loops = [lo for lo in loops if lo != kernel.outer[-1]]
    if kernel.outer_reductions or not loops:
        return None
    loop = max(loops, key=lambda lo: (_class_of(kernel.dims[lo]), -kernel.outer.index(lo)))
    if all(_class_of(n) < LARGE for n in kernel.dims) or (kernel.plan.literal and _work(kernel) < 2 * CHUNK):
        return None
    rest = prod(kernel.dims[lo] for lo in kernel.outer if lo != loop)
    each = rest * sum(prod(kernel.dims[lo] for lo in s.inner) * _stage_work(s) for s in kernel.stages)
    lanes = points.lanes if points is not None and loop == kernel.outer[-1] else 1
    grain = -(-CHUNK // (each + 1))
    return Parallel(loop, -(-grain // lanes) * lanes)


def _work(kernel: Kernel) -> int:
    around = prod(kernel.dims[lo] for lo in kernel.outer)
    return around * sum(prod(kernel.dims[lo] for lo in s.inner) * _stage_work(s) for s in kernel.stages)


def _stage_work(stage: Stage) -> int:
    """Estimate the work of a pass at one point."""
    body = needed(stage.roots())
    return sum(map(weight, body)) + ACCESS * (sum(i.op == "load" for i in body) + len(stage.stores))


def _points(kernel: Kernel, wide: frozenset[Reduction], saved: dict[Instr, int], literal: bool) -> Schedule:
    """Return the schedule that vectorizes the last outer loop."""
    loop, downward = kernel.outer[-1], bool(kernel.outer_reductions)
    lanes = min(_lanes(kernel, s, loop, rows=False) for s in kernel.stages)
    vector = vectorized(kernel, None, lanes, saved, blocked=downward, literal=literal)
    passes = tuple(PassSchedule(None, OUTER_SUM_BLOCK if wide.intersection(s.reductions) else 0) for s in kernel.stages)
    block = OUTER_SUM_BLOCK * lanes if downward else 0
    return Schedule(vector, passes, block, saved, wide, literal)


def _rows(kernel: Kernel, wide: frozenset[Reduction], saved: dict[Instr, int], literal: bool) -> Schedule:
    """Return the schedule in which each pass vectorizes its last inner loop."""
    passes = []
    for number, s in enumerate(kernel.stages):
        block = SUM_BLOCK if wide.intersection(s.reductions) else 0
        vector = None
        if s.inner:
            lanes = _lanes(kernel, s, s.inner[-1], rows=True)
            vector = vectorized(kernel, number, lanes, saved, blocked=block > 0, literal=literal)
        passes.append(PassSchedule(vector, block))
    return Schedule(None, tuple(passes), OUTER_SUM_BLOCK if kernel.outer_reductions else 0, saved, wide, literal)


def _accesses(stage: Stage, loop: int) -> list[tuple[int, bool, bool]]:
    """Return each access of a pass: its stride along a loop, whether it is irregular, and whether inner loops move it."""
    inner = set(stage.inner)
    accesses = []
    for i in needed(stage.roots()):
        if i.op == "load":
            index = i.attr[1]
            irregular = any(loop in v.loops for v, _ in index.values)
            accesses.append((index.coefficient(loop), irregular, not inner.isdisjoint(i.loops)))
    moved = [not inner.isdisjoint(lo for lo, _ in s.index.loops) for s in stage.stores]
    return accesses + [(s.index.coefficient(loop), False, m) for s, m in zip(stage.stores, moved, strict=True)]


def _pass_cost(kernel: Kernel, stage: Stage, loop: int) -> float:
    """Estimate the memory instructions of a pass, per outer point, when vectorized along a loop."""
    trips = prod(_class_of(kernel.dims[lo]) for lo in stage.inner)
    cost = 0.0
    for stride, irregular, moves in _accesses(stage, loop):
        each = 8 if irregular or stride not in (0, 1) else 1 if stride else 0.3
        cost += each * trips if moves else each
    return cost / max(1, min(_class_of(kernel.dims[loop]), 16))  # lanes beyond the extent are idle


def _class_of(extent: int) -> int:
    """Return one number for all extents above SMALL: decisions based on it hold for every size, as the code does."""
    return extent if extent <= SMALL else LARGE


def _scalar_cost(stage: Stage) -> float:
    return sum(i.op == "load" for i in needed(stage.roots())) + len(stage.stores)


def _ordered(kernel: Kernel, stage: Stage) -> tuple[Stage, float]:
    """Return a pass with the loop last that vectorizes best, and its cost."""
    if not stage.inner:
        return stage, _scalar_cost(stage)
    cost, best = min((_pass_cost(kernel, stage, lo), -lo) for lo in stage.inner)
    return replace(stage, inner=(*(lo for lo in stage.inner if lo != -best), -best)), cost


def _lanes(kernel: Kernel, stage: Stage, loop: int, *, rows: bool) -> int:
    body = [i for i in needed(stage.roots()) if loop in i.loops]
    values = needed(stage.roots(), is_bound_check)  # bounds are checked once per row
    widest = max((i.dtype.bytes for i in values if loop in i.loops), default=4)
    lanes = 8 if widest == 8 else 16
    extent = kernel.dims[loop]
    if extent <= SMALL:
        return min(lanes, 1 << max(extent - 1, 0).bit_length())
    regular = all(not bad and stride in (0, 1) for stride, bad, _ in _accesses(stage, loop))
    heavy = sum(map(weight, body))
    if heavy > LIGHT:
        return _wider(body, heavy, widest, lanes)
    if not regular:
        return lanes
    if rows and stage.reductions and not stage.stores:
        return lanes * 4  # several accumulators hide the latency of an addition
    if stage.reductions and not heavy:
        return lanes * 8  # wide rows: fewer pages are touched per column
    return lanes * 2


def _wider(body: list[Instr], heavy: int, widest: int, lanes: int) -> int:
    """Return more lanes for a long body that is one dependency chain, so that several vectors overlap their latencies."""
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
        heavy = weight(i)
        own = 4 * heavy if heavy <= 1 else 1.8 * heavy  # a heavy operation is not one chain
        done[i] = own + max((done.get(o, 0.0) for o in i.operands), default=0.0)
    return max(done.values(), default=0.0)


def _saved(kernel: Kernel) -> dict[Instr, int]:
    """Choose the values that later passes load from a scratch row instead of recomputing them, and the pass of each."""
    saved: dict[Instr, int] = {}
    computed: dict[Instr, int] = {}
    for number, stage in enumerate(kernel.stages):
        inner, seen = set(stage.inner), set[Instr]()
        stack = stage.roots()
        while stack:
            i = stack.pop()
            if i in seen or i in saved:
                continue
            seen.add(i)
            first = computed.get(i)
            known = first is not None and kernel.stages[first].inner == stage.inner
            if known and i.loops & inner and _subtree_weight(i) >= SAVE:
                saved[i] = computed[i]
                continue
            stack.extend(i.operands)
        for i in seen:
            computed.setdefault(i, number)
    return saved


def _subtree_weight(root: Instr) -> int:
    return sum(map(weight, needed([root])))
