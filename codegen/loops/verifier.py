"""Check that a kernel is one, and that its schedule is one of it.

- *shaped*: loops have extents, and are outer ones or a pass's; results are stored to buffers that are written.
- *typed*: dtypes are those that operations have on their operands.
- *scoped*: a pass computes with its own loops alone, and its reductions are over all of its inner loops.
- *ordered*: a reduction is read by later passes alone; one over outer loops, the innermost of these, by its store alone.
- *written*: each result is written at all points of its loops.
- *distinct*: no element is written twice.
- *scheduled*: the last outer loop is vectorized, or the last loop of each pass, and wide sums are in blocks of whole vectors.
- *vectorized*: lanes are a power of two that fits the memory behind a row; of several outer loops, reductions allow one.
- *covered*: whatever the extent, each iteration runs once, or, at overlapping ends, stores again what it has stored.
- *addressed*: lanes load and store consecutive elements, or one, or are marked; shuffles have a small constant stride.
- *saved*: what a pass loads from a scratch row, the first pass over the same loops that computes it has saved.
- *accurate*: a sum that is long, or may be at other sizes, has a wide total, and short blocks.
- *parallel*: iterations of a parallel loop depend on no other one, store to elements of their own, and fill whole vectors.

The first six are of the kernel, the others of its schedule; each check relies on those above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from graphc.codegen.loops.accesses import SHUFFLED, is_direct, is_shuffled, vector_accesses
from graphc.codegen.loops.accuracy import OUTER_SUM_BLOCK, SUM_BLOCK, is_literal, must_be_wide
from graphc.codegen.loops.bounds_checks import check_of, is_bound_check
from graphc.codegen.loops.loop_ir import (
    LONGEST_VECTOR,
    Instr,
    Kernel,
    Reduction,
    Stage,
    Store,
    Vector,
    is_loaded,
    needed,
)
from graphc.codegen.loops.parser import result_dtype
from graphc.codegen.loops.remainder import invariant
from graphc.ir.core.graph import TypeRuleError
from graphc.ir.core.structural_key import SMALL
from graphc.ir.core.types import BOOL, I64

__all__ = ["CHECKS", "KernelVerificationError", "scoped", "verify_kernel", "written"]


class KernelVerificationError(Exception):
    """A kernel breaks an invariant.  `rule` names it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


def verify_kernel(kernel: Kernel) -> None:
    """Raise KernelVerificationError if a scheduled kernel breaks an invariant."""
    for check in CHECKS:
        for complaint in check(kernel):
            raise KernelVerificationError(check.__name__, f"{complaint} ({kernel.name} is not {check.__name__})")


# -- the kernel -----------------------------------------------------------------------------------------


def shaped(kernel: Kernel) -> Iterator[str]:
    """Yield what is wrong with loops and buffers."""
    if any(type(n) is not int or n < 0 for n in kernel.dims):
        yield f"{kernel.dims} are no extents"
    for stage in kernel.stages:
        loops = (*kernel.outer, *stage.inner)
        if len({*loops}) < len(loops) or any(not 0 <= lo < len(kernel.dims) for lo in loops):
            yield f"{loops} are no loops, each once"
        if not stage.roots():
            yield "a pass does nothing"
    if len({b.name for b in kernel.buffers}) < len(kernel.buffers):
        yield "two buffers have one name"
    for s in _stores(kernel):
        if not kernel.buffers[s.buffer].written:
            yield f"{kernel.buffers[s.buffer].name} is stored to, but not written"
    for i in kernel.instructions:
        if i.op == "load" and kernel.buffers[i.attr[0]].written:
            yield f"{i.name} reads {kernel.buffers[i.attr[0]].name}, which is written"


def typed(kernel: Kernel) -> Iterator[str]:
    """Yield the instructions, reductions and stores of other dtypes than their operands allow."""
    for i in kernel.instructions:
        if any(v.dtype is not I64 for v, _ in i.index.values):
            yield f"{i.name} has an index that is no i64"
        if i.op == "load":
            fits = i.dtype is kernel.buffers[i.attr[0]].dtype and all(a.dtype is BOOL for a in i.args)
        elif i.op == "reduced":
            fits = i.dtype is (I64 if i.attr.position is not None else i.attr.dtype)
        else:
            fits = i.op in ("cast", "constant") or _has_result(i)
        if not fits:
            yield f"{i.name} is no {i.op} of {', '.join(f'{a.name}: {a.dtype}' for a in i.args)}"
    for r in kernel.reductions:
        if not _is_reduction(r):
            yield f"{r.name} is no {r.kind} of {r.value.dtype}"
    for s in _stores(kernel):
        if s.value.dtype is not kernel.buffers[s.buffer].dtype or any(v.dtype is not I64 for v, _ in s.index.values):
            yield f"{s.value.name} is no {kernel.buffers[s.buffer].dtype}, or stored at an index that is no i64"


def _has_result(i: Instr) -> bool:
    args = tuple(a.dtype for a in i.args)
    wanted = {"bound": ((I64, I64), (I64, I64, BOOL)), "index_div": ((I64, I64),), "random_bits": ((I64, I64),)}.get(i.op)
    try:
        return i.dtype is result_dtype(i.op, args) and (wanted is None or args in wanted)
    except (KeyError, TypeRuleError, ValueError):
        return False


def _is_reduction(r: Reduction) -> bool:
    kinds = ("any", "all") if r.dtype is BOOL else ("sum", "prod", "max", "min")
    if r.kind in ("argmax", "argmin"):
        return r.position is not None and r.position.dtype is I64
    return r.position is None and r.dtype is r.value.dtype and r.kind in (*kinds, "max", "min")


def scoped(kernel: Kernel) -> Iterator[str]:
    """Yield what a pass computes with other loops than its own.

    A guard or an index in other loops would extend a reduction's domain to these (ir/access/legality.py).
    """
    outer = frozenset(kernel.outer)
    for stage in kernel.stages:
        loops = outer | {*stage.inner}
        for root in stage.roots():
            if not root.loops <= loops:
                yield f"{root.name} varies with loops outside of its pass"
        for r in stage.reductions:
            if {*r.inner} != {*stage.inner} or len(r.inner) != len(stage.inner):
                yield f"{r.name} folds other loops than those of its pass"


def ordered(kernel: Kernel) -> Iterator[str]:
    """Yield what is read before it is reduced, and reductions over outer loops that are not over the innermost of these."""
    done: set[Reduction] = set()
    for stage in kernel.stages:
        for i in needed(stage.roots()):
            if i.op == "reduced" and i.attr not in done:
                yield f"{i.attr.name} is read before it is known"
        done.update(stage.reductions)
    folded = kernel.folded
    if any(c.reduction.position is not None for c in kernel.outer_reductions):
        yield "a reduction over outer loops keeps no positions"
    if any(s.outer_reductions and not s.inner for s in kernel.stages):
        yield "a reduction over outer loops leaves no inner ones"
    if folded and {*kernel.outer[-len(folded) :]} != folded:
        yield f"reductions are over {sorted(folded)}, which are not the last of the outer loops {kernel.outer}"
    for c in kernel.outer_reductions:
        if {*c.reduction.inner} != folded or c.store.value.attr is not c.reduction:
            yield f"{c.reduction.name} is over other outer loops than the rest, or not what is stored"


def written(kernel: Kernel) -> Iterator[str]:
    """Yield results that are not written at each point of their loops."""
    outer = frozenset(kernel.outer)
    for stage in kernel.stages:
        stores = [(s, outer) for s in stage.stores]
        stores += [(c.store, outer.difference(c.reduction.inner)) for c in stage.outer_reductions]
        for s, around in stores:
            loops = around | {*stage.inner}
            idle = {lo for lo in loops if kernel.dims[lo] == 1}
            moved = {lo for lo, _ in s.index.loops}
            if moved | idle != loops | idle or s.index.values:
                yield f"{kernel.buffers[s.buffer].name} is not written once"


def distinct(kernel: Kernel) -> Iterator[str]:
    """Yield results of which two points write one element, and those that two stores write."""
    buffers: set[int] = set()
    for s in _stores(kernel):
        reach = 0
        moved = sorted((abs(c), kernel.dims[lo]) for lo, c in s.index.loops)
        for step, extent in moved:
            if step <= reach and all(n for _, n in moved):
                yield f"{kernel.buffers[s.buffer].name} has an element that is written twice"
            reach += step * (extent - 1)
        if s.buffer in buffers:
            yield f"{kernel.buffers[s.buffer].name} is written by two stores"
        buffers.add(s.buffer)


# -- the schedule ---------------------------------------------------------------------------------------


def scheduled(kernel: Kernel) -> Iterator[str]:
    """Yield loops that are vectorized where they must not be, or not where they must, and blocks that fit no vectors."""
    plan = kernel.plan
    if len(plan.passes) != len(kernel.stages):
        yield f"{len(kernel.stages)} passes have {len(plan.passes)} schedules"
        return
    if plan.points is not None and not kernel.outer:
        yield "there is no outer loop to be vectorized"
    if bool(plan.block) != bool(kernel.outer_reductions):
        yield "the last outer loop is in blocks if, and only if, there are reductions over it"
    for stage, own in zip(kernel.stages, plan.passes, strict=True):
        if (own.vector is not None) != (plan.points is None and bool(stage.inner)):
            yield "lanes are points of the last outer loop, or iterations of the last loop of each pass"
        if bool(own.block) != bool(plan.wide.intersection(stage.reductions)):
            yield "a pass is in blocks if, and only if, it has wide sums"
    vectors = [(plan.points, plan.block)] * bool(kernel.outer) + [(own.vector, own.block) for own in plan.passes]
    for vector, block in vectors:
        if block < 0 or (vector is not None and (vector.lanes < 1 or block % vector.lanes)):
            yield f"blocks of {block} iterations are no whole vectors"


def vectorized(kernel: Kernel) -> Iterator[str]:
    """Yield vectors that are too long, or no power of two, and lanes along a loop that outer reductions do not fold."""
    plan = kernel.plan
    for vector, loop, stages in _vectors(kernel):
        values = needed((v for s in stages for v in s.roots()), is_bound_check)  # bounds are checked once a row
        longest = vector.lanes * max((i.dtype.bytes for i in values if loop in i.loops), default=1)
        if vector.lanes.bit_count() != 1 or longest > LONGEST_VECTOR:
            yield f"{vector.lanes} lanes of i{loop} are no power of two, or more than {LONGEST_VECTOR} bytes"
    if plan.points is not None and kernel.folded and kernel.outer[-1] not in kernel.folded:
        yield f"the points of i{kernel.outer[-1]} are lanes, and reductions are over other outer loops"


def covered(kernel: Kernel) -> Iterator[str]:
    """Yield remainders that leave out iterations, run some twice, or have no vector, and checks that are none of the loop."""
    plan = kernel.plan
    for vector, loop, stages in _vectors(kernel):
        extent, lanes = kernel.dims[loop], vector.lanes
        literal = is_literal(extent, plan.literal)
        fits = {
            "exact": lanes == 1 or (literal and extent % lanes == 0),
            "empty": literal and extent == 0,
            "single": literal and 0 < extent < lanes,
            "peel": lanes > 1,
            "mask": lanes > 1,
        }
        if not fits.get(vector.remainder, False):
            yield f"the remainder of i{loop} cannot be {vector.remainder}"
        elif vector.along or vector.across:
            yield from _split(kernel, vector, loop, stages)


def _split(kernel: Kernel, vector: Vector, loop: int, stages: list[Stage]) -> Iterator[str]:
    """Yield what is wrong with a loop that is split at bounds checks."""
    plan, points = kernel.plan, kernel.plan.points is vector
    number = None if points else kernel.stages.index(stages[0])
    if plan.block if number is None else plan.passes[number].block or stages[0].outer_reductions:
        yield f"i{loop} is split, and has blocks or reductions over outer loops"
    if vector.remainder == "mask" or vector.lanes == 1 or kernel.dims[loop] <= SMALL:
        yield f"i{loop} is split, and has no whole vectors"
    if vector.along and not points and any(r.position is not None for r in stages[0].reductions):
        yield f"i{loop} is split, and positions must come in order"
    everything = needed(v for s in stages for v in s.roots())
    known = invariant(kernel, number, plan.saved) if vector.across else set()
    for checks, here in ((vector.along, True), (vector.across, False)):
        for i in checks:
            check = check_of(i)
            if check is None or (check.loop == loop) != here or i not in everything or not (here or i in known):
                yield f"{i.name} is no bounds check {'along' if here else 'across'} i{loop}"


def saved(kernel: Kernel) -> Iterator[str]:
    """Yield values in scratch rows that their pass does not compute, or that an earlier pass over these loops needs."""
    rows = kernel.plan.saved
    reads = [{*needed(s.roots())} if rows and s.inner else set() for s in kernel.stages]
    homes = {*rows.values()} & {*range(len(kernel.stages))}
    computed = {home: {*needed(kernel.stages[home].roots(), partial(_loads, kernel, home))} for home in homes}
    for i, home in rows.items():
        if not 0 <= home < len(kernel.stages) or not kernel.stages[home].inner:
            yield f"{i.name} is saved by no pass with loops"
            return
        users = [n for n, s in enumerate(kernel.stages) if s.inner == kernel.stages[home].inner and i in reads[n]]
        if not users or users[0] != home or i.op in ("constant", "size", "reduced"):
            yield f"{i.name} is not first computed by the pass that saves it"
        elif i not in computed[home]:
            yield f"{i.name} is not computed by the pass that saves it"


def addressed(kernel: Kernel) -> Iterator[str]:
    """Yield accesses whose lanes are spread, and not marked so, and marks that do not fit."""
    marks = dict(kernel.plan.accesses)
    passes = list(vector_accesses(kernel))
    for number, access, loop in passes:
        how = marks.get((access, loop))
        name = access.name if isinstance(access, Instr) else kernel.buffers[access.buffer].name
        if how is None and not is_direct(kernel, number, access, loop):
            yield f"the lanes of {name} along i{loop} are not consecutive elements"
        elif how == "shuffle" and not is_shuffled(kernel, number, access, loop):
            yield f"{name} cannot be shuffled: its stride along i{loop} is not one of {SHUFFLED}, or not constant"
        elif how is not None and (how == "scatter") != isinstance(access, Store):
            yield f"{name} is no {how}"
    if marks.keys() - {(access, loop) for _, access, loop in passes}:
        yield "an access is marked in a pass that has one lane, or does not have it"


def accurate(kernel: Kernel) -> Iterator[str]:
    """Yield sums that may be long and are not wide, or in blocks that are too long."""
    plan = kernel.plan
    for r in kernel.reductions:
        if r in plan.wide and not (r.kind == "sum" and r.dtype.is_float):
            yield f"{r.name} is wide, and no sum of floats"
        if r not in plan.wide and must_be_wide(kernel, r, plan.literal):
            yield f"{r.name} may be a long sum, and is not wide"
    most = SUM_BLOCK if plan.points is None else OUTER_SUM_BLOCK
    if any(own.block > most for own in plan.passes):
        yield f"a block of a sum is more than {most} iterations"
    if plan.block > OUTER_SUM_BLOCK * (1 if plan.points is None else plan.points.lanes):
        yield f"a block of sums over outer loops is more than {OUTER_SUM_BLOCK} iterations for each lane"


def parallel(kernel: Kernel) -> Iterator[str]:
    """Yield what keeps threads from sharing a loop."""
    shared, points = kernel.plan.parallel, kernel.plan.points
    if shared is None:
        return
    loop = shared.loop
    if loop not in kernel.outer or kernel.outer_reductions:
        yield f"i{loop} is parallel, and no outer loop of independent iterations"
    if shared.grain < 1:
        yield f"i{loop} is parallel in chunks of {shared.grain} iterations"
    if points is not None and loop == kernel.outer[-1] and (shared.grain % points.lanes or points.along):
        yield f"i{loop} is parallel, and its chunks are no whole vectors"
    for s in _stores(kernel):
        if kernel.dims[loop] > 1 and not s.index.coefficient(loop):
            yield f"{kernel.buffers[s.buffer].name} is stored to by all iterations of the parallel loop i{loop}"


def _loads(kernel: Kernel, number: int, i: Instr) -> bool:
    return is_loaded(kernel, number, i, kernel.plan.saved)


Rule = Callable[[Kernel], Iterator[str]]

CHECKS: tuple[Rule, ...] = (
    shaped, typed, scoped, ordered, written, distinct, scheduled, vectorized, covered, saved, addressed, accurate, parallel
)  # fmt: skip
"""The invariants in the order in which they are checked."""


def _vectors(kernel: Kernel) -> Iterator[tuple[Vector, int, list[Stage]]]:
    """Yield the vectorized loops, and the passes in each."""
    if kernel.plan.points is not None:
        yield kernel.plan.points, kernel.outer[-1], kernel.stages
    for stage, own in zip(kernel.stages, kernel.plan.passes, strict=True):
        if own.vector is not None:
            yield own.vector, stage.inner[-1], [stage]


def _stores(kernel: Kernel) -> list[Store]:
    return [s for stage in kernel.stages for s in stage.stores] + [c.store for c in kernel.outer_reductions]
