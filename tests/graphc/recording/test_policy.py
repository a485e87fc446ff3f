"""When eager code is compiled, and what is counted of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

import graphc as torch


@pytest.fixture(autouse=True)
def automatic() -> Iterator[None]:
    yield
    torch.set_eager("auto")


def step(extent: int) -> float:
    x = torch.arange(float(extent))
    return ((x * 2 + 1).tanh().square() * (x - 3)).sum().item()


def test_each_mode_computes_the_same_in_its_way() -> None:
    values = {}
    for mode, evaluates, compiles in (("compile", False, True), ("evaluate", True, False), ("auto", True, False)):
        torch.set_eager(mode)
        assert torch.get_eager() == mode
        before = torch.eager_report()
        values[mode] = step(1001 + 2 * len(values)), step(1001)
        after = torch.eager_report()
        assert isinstance(after, torch.EagerReport) and after.structures > before.structures
        assert (after.evaluations > before.evaluations) == evaluates
        assert (after.compiles > before.compiles) == compiles
    assert values["compile"][1] == pytest.approx(values["evaluate"][1]) == pytest.approx(values["auto"][1])


def test_what_was_compiled_is_used_again_after_evaluation() -> None:
    torch.set_eager("compile")
    wanted = step(77)
    torch.set_eager("evaluate")
    assert step(77) == pytest.approx(wanted)
    torch.set_eager("auto")
    before = torch.eager_report()
    assert step(77) == wanted
    after = torch.eager_report()
    assert (after.evaluations, after.compiles) == (before.evaluations, before.compiles)


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(ValueError, match="'auto', 'evaluate', 'compile', got 'fast'"):
        torch.set_eager("fast")


def test_an_environment_variable_sets_the_mode() -> None:
    code = "import graphc; print(graphc.get_eager())"
    for value in ("compile", "fast"):
        environment = {"GRAPHC_EAGER": value, "PYTHONPATH": "."}
        ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert ran.stdout == ("compile\n" if value == "compile" else "")
        assert ("got 'fast'" in ran.stderr) == (value == "fast")


def test_the_report_is_printed_when_the_process_ends() -> None:
    code = "import graphc; graphc.set_eager('compile'); [(graphc.ones(9) * 2 + 1).sum().item() for _ in range(5)]"
    environment = {"GRAPHC_DEBUG": "eager", "PYTHONPATH": "."}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "structures" in ran.stderr and "5 native calls" in ran.stderr and "1 compiles" in ran.stderr, ran.stderr
