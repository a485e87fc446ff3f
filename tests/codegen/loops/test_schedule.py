"""Kernels compute the same by every schedule that the verifier accepts: random changes of schedules, run natively."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

import graphc
from graphc.codegen.loops.loop_ir import Kernel
from graphc.codegen.loops.parser import parse_kernel
from graphc.codegen.loops.printer import kernel_text
from graphc.codegen.loops.schedule import CHUNK, schedule
from graphc.codegen.loops.verifier import KernelVerificationError, verify_kernel
from graphc.codegen.program.program import run_alone
from graphc.ir.interpret.evaluate import evaluate
from tests.codegen.loops.kernels import PROGRAMS, changed_schedules, kernels_of
from tests.codegen.loops.schedules import other_schedule

TRIALS = 12


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in ("random", "empty")])
def test_every_legal_schedule_computes_the_same(name: str) -> None:
    f, args = PROGRAMS[name]
    graph = graphc.compile(f).lower(*args)._program.graph
    want = evaluate(graph, args)
    counts: Counter[str] = Counter()
    for trial in range(TRIALS):
        choose, texts = random.Random(f"{name} {trial}"), []

        def change(kernel: Kernel, choose: random.Random = choose, texts: list[str] = texts) -> Kernel:
            for _ in range(6):
                other = other_schedule(choose, kernel)
                try:
                    verify_kernel(other)
                except KernelVerificationError as error:
                    counts[error.rule] += 1
                else:
                    counts["legal"] += other.schedule != kernel.schedule
                    kernel = other
            texts.append(kernel_text(kernel))
            return parse_kernel(texts[-1])

        with changed_schedules(change), graphc.threads(3):
            got = run_alone(graph, args, dynamic=bool(trial % 2))
        assert not isinstance(got, Exception), got
        for a, b in zip(got, want, strict=True):
            scale = float(np.abs(b[np.isfinite(b)]).max(initial=1.0)) if b.dtype.kind == "f" else 0.0
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * scale, err_msg="\n".join(texts))
    assert counts["legal"] > TRIALS / 4 and len(counts) > 2, counts


# -- loops that threads share ----------------------------------------------------------------------


def shared(text: str, *, literal: bool = False) -> Kernel:
    return schedule(parse_kernel(text), literal=literal, parallel=True)


TEXT = """\
kernel k(in0: f32, out out0: f32) outer=2
  for i0 in 500:
    for i1 in 30000: (vector 16, peel)
      load0 = in0[30000*i0 + i1]
      exp1 = exp load0
      out0[30000*i0 + i1] = exp1
"""


def test_the_outermost_long_loop_is_shared() -> None:
    kernel = shared(TEXT)
    parallel = kernel.plan.parallel
    assert parallel is not None and parallel.loop == 0 and parallel.grain >= 1
    assert f"for i0 in 500: (parallel {parallel.grain})" in kernel_text(kernel)
    assert kernel_text(parse_kernel(kernel_text(kernel))) == kernel_text(kernel)
    verify_kernel(kernel)


def test_a_short_loop_around_it_is_not() -> None:
    kernel = shared(TEXT.replace("500", "3"))
    parallel = kernel.plan.parallel
    assert parallel is not None and parallel.loop == 1 and kernel.plan.points is not None
    assert parallel.grain % kernel.plan.points.lanes == 0


def test_chunks_of_heavy_iterations_are_short() -> None:
    light, heavy = (shared(TEXT.replace("30000", n)).plan.parallel for n in ("300", "3000"))
    assert light is not None and heavy is not None and 9 * heavy.grain < light.grain + 9 < 11 * heavy.grain
    assert light.grain * 300 <= CHUNK


def test_little_work_is_not_shared() -> None:
    assert shared(TEXT.replace("30000", "7").replace("500", "8")).plan.parallel is None
    assert shared(TEXT.replace("30000", "30"), literal=True).plan.parallel is None
    assert schedule(parse_kernel(TEXT), literal=False).plan.parallel is None


@pytest.mark.parametrize("name", PROGRAMS)
def test_shared_loops_are_legal(name: str) -> None:
    for kernel in kernels_of(name):
        again = schedule(kernel, literal=False, parallel=True)
        verify_kernel(again)
        assert again.plan.parallel is None or not again.outer_reductions


def test_the_program_decides() -> None:
    x = np.ones(3_000_000, np.float32)
    f = graphc.compile(lambda x: x.exp() * 2)
    texts = [f.lower(y)._program.kernel_text() for y in (x, x[:1000])]
    assert ["(parallel " in text for text in texts] == [True, False]
