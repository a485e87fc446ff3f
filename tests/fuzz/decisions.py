"""Graphs with other decisions than the passes make, and kernels with other schedules: refused, or computed to equal values.

    python -m tests.fuzz --kind decisions --seed 0 --count 1000

The verifier must refuse whatever code generation cannot do, as it does no more than it is told.
"""

from __future__ import annotations

import random
import traceback
from functools import cache

import numpy as np

import graphc as torch
from graphc.codegen.loops.loop_ir import Kernel
from graphc.codegen.loops.parser import parse_kernel
from graphc.codegen.loops.printer import kernel_text
from graphc.codegen.loops.verifier import KernelVerificationError, verify_kernel
from graphc.codegen.program.program import run_alone
from graphc.ir.core.graph import Graph, TypeRuleError
from graphc.ir.pipeline import FINAL, optimize
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.ir.text.verifier import VerificationError, verify
from tests import decided
from tests.codegen.loops.kernels import changed_schedules
from tests.codegen.loops.schedules import other_schedule
from tests.fuzz.kinds import Report
from tests.fuzz.mutate import SECONDS, Outcome, TooLong, arrays_of, difference, evaluated, limit, may_run, run_cases
from tests.fuzz.mutations import corpus
from tests.fuzz.redecide import redecided
from tests.targets import TARGET

__all__ = ["checked", "run"]


@cache
def _compiled() -> list[tuple[Graph, Graph]]:
    """Return graphs as they are captured, and as code is generated from them."""
    texts = corpus()
    for program, types, _ in decided.PROGRAMS.values():
        texts = [*texts, torch.compile(program).lower(*[np.zeros(shape, dtype) for shape, dtype in types]).ir("captured")]
    graphs = [parse(text) for text in texts]
    return [(graph, optimize(graph, TARGET)[FINAL]) for graph in graphs]


def checked(seed: int) -> Outcome:
    """Return what comes of one graph with random decisions."""
    choose = random.Random(seed)
    graph, final = choose.choice(_compiled())
    changed = final
    try:
        for _ in range(choose.choice((0, 1, 1, 2, 3))):
            changed = redecided(choose, changed)
        text = to_text(changed)
        changed = parse(text)
        verify(changed, target=TARGET)
    except TypeRuleError:
        return "no attributes", ""
    except VerificationError as error:
        return f"not {error.rule}", ""
    if to_text(changed) != text:
        return "another text", text
    return _run(choose, graph, changed, seed)


def _run(choose: random.Random, graph: Graph, changed: Graph, seed: int) -> Outcome:
    """Compare what a graph computes with the values of the graph before all passes."""
    arrays, kernels = arrays_of(graph, seed), list[str]()

    def scheduled(kernel: Kernel) -> Kernel:
        for _ in range(choose.choice((0, 1, 3))):
            other = other_schedule(choose, kernel)
            try:
                verify_kernel(other)
            except KernelVerificationError:
                continue
            kernel = other
        kernels.append(kernel_text(kernel))
        return parse_kernel(kernels[-1])

    want = evaluated(graph, arrays) if may_run(graph) else TooLong()
    if isinstance(want, TooLong):
        return "not run", ""
    with changed_schedules(scheduled), limit(SECONDS):
        got = run_alone(changed, arrays, dynamic=choose.random() < 0.5)
    wrong = difference(graph, arrays, want, got)
    return ("another value", "\n".join([wrong, to_text(changed), *kernels])) if wrong else ("a value", "")


def run(seed: int, seconds: float, count: int | None) -> Report:
    """Check the decisions of `seed`, `seed + 1`, …"""
    return run_cases(Report("decisions", seed), _outcome, seconds, count)


def _outcome(number: int) -> Outcome:
    try:
        with np.errstate(all="ignore"):
            return checked(number)
    except (Exception, TooLong):
        return "an internal error", traceback.format_exc(limit=-6)
