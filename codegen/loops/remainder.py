"""Decide how to run the iterations of a vectorized loop that fill no vector, or whose bounds checks may fail.

    for i1 in 100: (vector 16, peel, along le3, across le5)
      load0 = in0[100*i0 + i1 - 101] if and6              # le5: 0 <= i0 - 1, le3: 0 <= i1 - 1

A bounds check is `along` the loop if it depends on its iteration, and `across` it if it is invariant in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphc.codegen.loops.accuracy import is_literal
from graphc.codegen.loops.bounds_checks import Check, check_of
from graphc.codegen.loops.loop_ir import Instr, Kernel, Stage, Vector, is_loaded, needed
from graphc.ir.core.cost import op_weight
from graphc.ir.core.structural_key import SMALL

__all__ = ["invariant", "vectorized", "weight"]

ONCE = 150
"""A body at least this heavy is emitted once, under a mask: its compile time counts more than the mask."""

TWICE = 64
"""The largest weight of a body that is duplicated for interior rows."""


def weight(i: Instr) -> int:
    """Estimate the instructions of one application."""
    return 0 if i.op in ("constant", "reduced", "size") else op_weight(i.op)


def vectorized(
    kernel: Kernel, number: int | None, lanes: int, saved: Mapping[Instr, int], *, blocked: bool, literal: bool
) -> Vector:
    """Return how the last inner loop of a pass, by its number, or the last outer loop around all passes is vectorized.

    A loop in blocks, whose interior would be cut by their ends, is not split.
    """
    stages = kernel.stages if number is None else [kernel.stages[number]]
    loop = kernel.outer[-1] if number is None else stages[0].inner[-1]
    extent = kernel.dims[loop]
    remainder = _remainder(stages, extent, lanes, is_literal(extent, literal))
    # overlapping vectors at the ends would add elements to outer reductions twice
    alone = number is not None and stages[0].outer_reductions
    if remainder == "mask" or lanes == 1 or extent <= SMALL or blocked or alone:
        return Vector(lanes, remainder)
    return Vector(lanes, remainder, *_checks(kernel, stages, loop, number, saved))


def _remainder(stages: Sequence[Stage], extent: int, lanes: int, known: bool) -> str:
    if known and not extent:
        return "empty"
    if lanes == 1 or (known and extent % lanes == 0):
        return "exact"
    if known and extent < lanes:
        return "single"
    heaviest = max(sum(map(weight, needed(s.roots()))) for s in stages)
    return "mask" if heaviest >= ONCE else "peel"


def _checks(
    kernel: Kernel, stages: Sequence[Stage], loop: int, number: int | None, saved: Mapping[Instr, int]
) -> tuple[tuple[Instr, ...], tuple[Instr, ...]]:
    """Return the bounds checks, along a loop and across it, at which it is split."""
    order = needed(v for s in stages for v in s.roots())
    checks = {i: check for i in order if (check := check_of(i)) is not None}
    along = tuple(i for i, check in checks.items() if check.loop == loop)
    if number is not None and any(r.position is not None for r in stages[0].reductions):
        along = ()  # the first of equal elements wins, so iterations must be in order
    across = {i: check for i, check in checks.items() if check.loop != loop}
    if across:
        known = invariant(kernel, number, saved)
        across = {i: check for i, check in across.items() if i in known}
    divided = across and _can_all_hold(kernel, across) and sum(map(weight, order)) <= TWICE
    return along, tuple(across) if divided else ()


def invariant(kernel: Kernel, number: int | None, saved: Mapping[Instr, int]) -> set[Instr]:
    """Return the values that are available before a vectorized loop begins."""
    if number is None:
        return {i for i in kernel.instructions if i.loops <= {*kernel.outer[:-1]}}
    stage = kernel.stages[number]
    before = {*kernel.outer, *stage.inner[:-1]}
    own = needed(stage.roots(), lambda i: is_loaded(kernel, number, i, saved))
    return {i for i in kernel.instructions if i.loops <= {*kernel.outer}} | {i for i in own if i.loops <= before}


def _can_all_hold(kernel: Kernel, checks: Mapping[Instr, Check]) -> bool:
    """Return whether some bounds checks all hold at one point: those of the pieces of a concatenation never do."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for check in checks.values():
        first[check.loop] = max(first.get(check.loop, 0), check.first)
        last[check.loop] = min([last.get(check.loop, kernel.dims[check.loop]), *([] if check.end is None else [check.end])])
    return all(first[loop] < last[loop] for loop in first)
