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
from graphc.codegen.loops.verifier import KernelVerificationError, verify_kernel
from graphc.codegen.program.program import run_alone
from graphc.ir.interpret.evaluate import evaluate
from tests.codegen.loops.kernels import PROGRAMS, changed_schedules
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

        with changed_schedules(change):
            got = run_alone(graph, args, dynamic=bool(trial % 2))
        assert not isinstance(got, Exception), got
        for a, b in zip(got, want, strict=True):
            scale = float(np.abs(b[np.isfinite(b)]).max(initial=1.0)) if b.dtype.kind == "f" else 0.0
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * scale, err_msg="\n".join(texts))
    assert counts["legal"] > TRIALS / 4 and len(counts) > 2, counts
