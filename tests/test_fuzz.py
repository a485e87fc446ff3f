"""The fuzzer itself: it repeats, its corpus of former failures passes, a wrong rule is caught and made small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graphc.ir import pipeline
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, parameter
from graphc.ir.core.types import F32, I64, TensorType
from graphc.ir.pipeline import Layouts, Pass
from graphc.ir.regions.substitution import substitute
from tests.fuzz import mutate, programs, state, transforms
from tests.fuzz.cases import Case, case_of
from tests.fuzz.dims import as_dim, ceil_div
from tests.fuzz.generate import generate
from tests.fuzz.minimize import statements
from tests.fuzz.modes import Checker
from tests.fuzz.noise import Reference
from tests.fuzz.program import source
from tests.fuzz.workers import run_watched

CORPUS = sorted(Path(__file__).with_name("fuzz").joinpath("corpus").glob("*.py"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda p: p.stem)
def test_corpus(path: Path) -> None:
    failures = Checker(always=True).case(Case(path.read_text()))
    assert not failures, "\n".join(f"{f.mode}: {f.message}" for f in failures)


@pytest.mark.parametrize("seed", range(40))
def test_sample(seed: int) -> None:
    failures = Checker().program(generate(seed))
    assert not failures, "\n".join(f"{f.case.text}\n{f.mode}: {f.message}" for f in failures)


def test_a_seed_is_a_program() -> None:
    for seed in range(20):
        assert source(generate(seed)) == source(generate(seed))
        first, second = case_of(generate(seed)), case_of(generate(seed))
        assert all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in zip(first.args, second.args, strict=True))


def without_flips(graph: Graph, layouts: Layouts) -> Graph:
    """A wrong pass: what is flipped stays as it is."""
    return graph.replace(substitute(graph.results, {n: n.operands[0] for n in graph.nodes() if n.op.name == "flip"}))


def test_a_wrong_pass_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = [Pass(p.stage, without_flips if p.stage == "hoisted" else p.run) for p in pipeline.PASSES]
    monkeypatch.setattr(pipeline, "PASSES", passes)
    checker = Checker(("static",), always=True)  # nothing of it is kept for other sizes
    found = next(f for seed in range(300) for f in checker.program(generate(seed), ("value",)))
    small = programs.smallest(found)
    assert small.case.program is not None
    assert statements(small.case.program.block) <= 2
    assert "flip" in small.case.text
    assert programs.parting(small).startswith("stage 'hoisted' computes other values")


def test_noise_forgives_rounding_and_nothing_else() -> None:
    x, y = (parameter(TensorType(F32, (4,)), name) for name in "xy")
    given = [np.float32([1, 1e6, -2, 0.3]), np.float32([2, 0.1, 2, 0.7])]
    found = Reference(Graph((x, y), (x + y, x + y - x)), given)
    total, rest = found.values
    assert found.difference(0, np.nextafter(total, np.float32(9e9))) is None
    assert found.difference(1, given[1]) is None  # what cancels may come back
    assert found.difference(0, total * np.float32(1.0001)) is not None
    assert found.difference(0, total.astype(np.float64)) == "float64[4], expected float32[4]"
    assert rest[1] != given[1][1]


def test_the_other_side_of_a_jump_is_left_out() -> None:
    x = parameter(TensorType(F32, (3,)), "x")
    found = Reference(
        Graph((x,), (build.apply("floor", build.apply("exp", build.apply("log", x))),)), [np.float32([2, 2.5, 3])]
    )
    assert found.difference(0, found.values[0] + np.float32([1, 0, 1])) is None
    assert found.difference(0, found.values[0] + np.float32([0, 1, 0])) is not None


def test_what_saturates_is_one_by_rounding() -> None:
    x = parameter(TensorType(F32, (2,)), "x")
    found = Reference(Graph((x,), (1.0 - build.apply("tanh", x),)), [np.float32([9, 0])])
    assert found.difference(0, np.float32([1e-7, 1])) is None
    assert found.difference(0, np.float32([0, 1 - 1e-5])) is not None


@pytest.mark.parametrize("text, value", [("2*n + 1", 15), ("m*n - 1", 20), ("0", 0)])
def test_extents_are_polynomials(text: str, value: int) -> None:
    m, n = as_dim("m"), as_dim("n")
    found = {"2*n + 1": n + n + 1, "m*n - 1": m * n - 1, "0": n - n}[text]
    assert str(found) == text and found.at({"m": 3, "n": 7}) == value


def test_a_step_leaves_the_rounded_up_part() -> None:
    half = ceil_div(as_dim("n") + 1, 2)
    assert [half.at({"n": n}) for n in (1, 2, 3)] == [1, 2, 2]
    assert ceil_div(as_dim(7), 3).constant == 3


def test_a_case_that_kills_its_process_is_a_failure_and_others_go_on(capfd: pytest.CaptureFixture[str]) -> None:
    report = run_watched("dying", 0, 60, 6, ())
    assert report.failures == ["dying, seed 2: killed its process by signal 11", "case 4"]
    assert (report.cases, report.checks) == (6, 5)  # that of the dead one is none
    assert "--- case 4" in capfd.readouterr().out


@pytest.mark.parametrize("read", [True, False])
def test_an_error_counts_where_a_result_depends_on_it(read: bool) -> None:
    """A pass may drop an index out of bounds that nothing reads, and no other."""
    x, i = parameter(TensorType(F32, (3,))), parameter(TensorType(I64, ()))
    element = build.gather(x, i)
    result = element * 2 if read else build.select(build.elementwise("lt", i, i), element, build.zeros_like(element))
    graph, arrays = Graph((x, i), (result,)), [np.arange(3, dtype=np.float32), np.array(3)]
    values = mutate._without_the_error(graph, arrays)
    assert isinstance(values, IndexError) if read else values == [np.float32(0)]


def test_functions_with_state_are_those_of_torch() -> None:
    pytest.importorskip("torch")
    report = state.run(0, 60, 40)
    assert report.failures == [] and report.cases == 40
    assert report.counts["compiled"] > 10


def test_nested_transforms_are_those_of_torch() -> None:
    pytest.importorskip("torch")
    report = transforms.run(0, 120, 150)
    assert report.failures == [] and report.cases == 150
    assert report.checks > 90 and len(report.counts) > 7


def test_decisions_are_refused_or_right() -> None:
    report = run_watched("decisions", 0, 600, 120, ())
    assert not report.failures, "\n".join(report.failures)
    assert {"a value", "not lawful", "not writable", "not promotable", "not vectorizable", "not stored", "not packable"} <= {
        *report.counts
    }


FORMER_LOOPS = [195349952]
"""Seeds of control-flow programs that failed: a guarded load all of whose conditions are uniform over the lanes."""


@pytest.mark.parametrize("seed", FORMER_LOOPS)
def test_former_failures_of_loops(seed: int) -> None:
    report = run_watched("loops", seed, 60, 1, ())
    assert report.failures == [] and report.cases == 1
