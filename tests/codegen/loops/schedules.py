"""Random changes of the schedules of kernels, legal and not."""

from __future__ import annotations

import random
from dataclasses import replace

from graphc.codegen.loops.accesses import vector_accesses, with_accesses
from graphc.codegen.loops.bounds_checks import check_of
from graphc.codegen.loops.loop_ir import Instr, Kernel, Parallel, PassSchedule, Schedule, Vector

__all__ = ["other_schedule"]

REMAINDERS = ("exact", "empty", "single", "peel", "mask")
BLOCKS = (0, 64, 256, 1024, 4096, 8192)


def other_vector(choose: random.Random, kernel: Kernel, vector: Vector | None) -> Vector:
    """Return a vector, in one way another one."""
    vector = vector or Vector(8, "peel")
    checks = [i for i in kernel.instructions if check_of(i) is not None]
    match choose.randrange(4):
        case 0:
            return replace(vector, lanes=choose.choice((1, 2, 4, 8, 16, 32, 64)))
        case 1:
            return replace(vector, remainder=choose.choice(REMAINDERS))
        case 2:
            return replace(vector, along=tuple(choose.sample(checks, choose.randint(0, len(checks)))))
        case _:
            return replace(vector, across=tuple(choose.sample(checks, choose.randint(0, len(checks)))))


def turned(choose: random.Random, kernel: Kernel) -> Kernel:
    """Return a kernel with lanes along other loops: points of an outer loop, or iterations of the last loop of each pass."""
    plan, lanes = kernel.plan, choose.choice((1, 4, 8))
    wide = [bool(plan.wide.intersection(s.reductions)) for s in kernel.stages]
    if plan.points is not None or not kernel.outer:
        vector = Vector(lanes, "exact" if lanes == 1 else "peel")
        passes = [PassSchedule(vector if s.inner else None, 1024 * w) for s, w in zip(kernel.stages, wide, strict=True)]
        return replace(kernel, schedule=replace(plan, points=None, passes=tuple(passes), block=256 if plan.block else 0))
    points = Vector(lanes, "exact" if lanes == 1 else "peel")
    passes = [PassSchedule(None, 128 * w) for w in wide]
    return replace(kernel, schedule=replace(plan, points=points, passes=tuple(passes), block=64 * lanes if plan.block else 0))


def marked(choose: random.Random, kernel: Kernel) -> Kernel:
    """Return a kernel of which one load or store of several lanes is done in another way."""
    marks = dict(kernel.plan.accesses)
    accesses = list(vector_accesses(kernel))
    if accesses:
        _, access, loop = choose.choice(accesses)
        marks.pop((access, loop), None)
        ways = ("gather", "scatter", "shuffle") if isinstance(access, Instr) else ("scatter", "gather")
        how = choose.choice((None, *ways))
        marks |= {} if how is None else {(access, loop): how}
    return replace(kernel, schedule=replace(kernel.plan, accesses=marks))


def other_schedule(choose: random.Random, kernel: Kernel) -> Kernel:
    """Return a kernel with a schedule that is in one way another one, legal or not."""
    if not choose.randrange(6):
        return marked(choose, kernel)
    return with_accesses(_other_loops(choose, kernel))


def _other_loops(choose: random.Random, kernel: Kernel) -> Kernel:
    plan, number = kernel.plan, choose.randrange(len(kernel.stages))
    passes, stages, own = list(plan.passes), list(kernel.stages), plan.passes[number]
    changed: Schedule = plan
    match choose.randrange(10):
        case 0:
            changed = replace(plan, points=other_vector(choose, kernel, plan.points))
        case 1 | 2:
            passes[number] = replace(own, vector=other_vector(choose, kernel, own.vector))
            changed = replace(plan, passes=tuple(passes))
        case 3:
            passes[number] = replace(own, block=choose.choice(BLOCKS))
            changed = replace(plan, passes=tuple(passes), block=choose.choice((plan.block, *BLOCKS)))
        case 4:
            return replace(kernel, outer=tuple(choose.sample(kernel.outer, len(kernel.outer))))
        case 5:
            inner = stages[number].inner
            stages[number] = replace(stages[number], inner=tuple(choose.sample(inner, len(inner))))
            return replace(kernel, stages=stages)
        case 6:
            rows = dict(choose.sample(list(plan.saved.items()), choose.randint(0, len(plan.saved))))
            rows[choose.choice(kernel.instructions)] = choose.randrange(len(kernel.stages))
            changed = replace(plan, saved=rows)
        case 7:
            wide = [r for r in kernel.reductions if r in plan.wide or choose.random() < 0.3]
            changed = replace(plan, wide=frozenset(wide), saved={})
        case 8:
            shared = Parallel(choose.randrange(len(kernel.dims)), choose.choice((1, 3, 8, 16, 64))) if kernel.dims else None
            changed = replace(plan, parallel=choose.choice((shared, shared, None)))
        case _:
            return turned(choose, kernel)
    return replace(kernel, schedule=changed)
