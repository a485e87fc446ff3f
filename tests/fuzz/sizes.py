"""The kind `sizes`: one program at thirty sizes in a row, under `GRAPHC_DEBUG=bounds`, each compared with the evaluator.

What the compile of one size leaves behind, a specialization and its guards, serves the next ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

import numpy as np

from graphc.ir.text import debug
from tests.fuzz.cases import TORCH, Case, case_of
from tests.fuzz.generate import generate
from tests.fuzz.kinds import Report
from tests.fuzz.modes import INTERNAL, error_text, on_torch
from tests.fuzz.program import Program
from tests.fuzz.traced import Traced

__all__ = ["SIZES", "check", "programs_of", "run"]

COUNT = 30
EDGES = (0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 250, 1000)
ELEMENTS = 20_000
"""Elements of a value at most."""
TORCH_EVERY = 10

SIZES = "sizes"


def run(seed: int, seconds: float, count: int | None = None) -> Report:
    """Check the programs of the seeds from `seed` on."""
    report, end = Report(SIZES, seed), time.monotonic() + seconds
    with debug.enabling("bounds"):
        while time.monotonic() < end and (count is None or report.cases < count):
            number = seed + report.cases
            what = "gradient" if number % 3 == 0 else "value"
            for text in check(number, what, report):
                report.fail(f"{what} of seed {number}: {text}")
                break
            report.cases += 1
    return report


def check(number: int, what: str, report: Report) -> Iterator[str]:
    """Yield how a program differs at a size, with the sizes before and its text."""
    before: list[dict[str, int]] = []
    for i, program in enumerate(programs_of(number)):
        if what == "gradient" and not program.floats:
            return
        case = case_of(program, what)
        before.append(program.sizes)
        message = difference(case, i % TORCH_EVERY == 0 and program.values != "special")
        report.checks += 1
        report.counts[what] += 1
        if message:
            yield f"at {before}: {message}\n{case.text}"


def difference(case: Case, foreign: bool) -> str | None:
    """Return how compiled code differs from the evaluator, or, where asked for, the evaluator from torch."""
    try:
        traced = Traced(case.names["run"], case.args)
    except Exception as error:
        return error_text(error) if isinstance(error, INTERNAL) else None
    try:
        message = traced.compiled(opt=0) if traced.graph.results else None
    except Exception as error:
        return error_text(error)
    wanted = on_torch(case) if message is None and foreign and TORCH is not None else None
    return message if wanted is None else traced.compare(wanted, foreign=True)


def programs_of(number: int) -> Iterator[Program]:
    """Yield a program at up to `COUNT` sizes: its own, then edges of vectors and blocks, and others; equal ones sometimes."""
    rng = Random(number)
    program = generate(number, length=rng.choice((3, 4, 5, 6, 8, 10, 12)))
    seen: list[dict[str, int]] = []
    for attempt in range(10 * COUNT):
        sizes = program.sizes if attempt == 0 else _drawn(rng, program)
        if len(seen) < COUNT and sizes not in seen and _fits(program, sizes):
            seen.append(sizes)
            yield program.at(sizes)


def _drawn(rng: Random, program: Program) -> dict[str, int]:
    sizes = {n: rng.choice(EDGES) if rng.random() < 0.6 else rng.randrange(1, 300) for n in program.sizes}
    if rng.random() < 0.3:  # most programs are quadratic in something
        sizes = {n: min(size, rng.randrange(1, 40)) for n, size in sizes.items()}
    if rng.random() < 0.15:
        sizes = dict.fromkeys(sizes, next(iter(sizes.values())))
    return sizes


def _fits(program: Program, sizes: dict[str, int]) -> bool:
    values = [*program.block.params, *(v for s in program.block.stmts for v in s.out)]
    extents = [v.extents(sizes) for v in values]
    return all(min(e, default=0) >= 0 and np.prod(e) <= ELEMENTS for e in extents)
