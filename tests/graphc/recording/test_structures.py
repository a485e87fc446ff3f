"""Structures of eager code: what is cached of them, and compilations in the background."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from math import inf
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.program import specialize
from graphc.codegen.runtime import engine, tiers
from graphc.recording import structures, trie
from graphc.recording.context import state
from graphc.recording.structures import Structure

pytestmark = pytest.mark.usefixtures("auto")

RUNS = 400
"""After so many runs on NumPy each of the structures below is compiled."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    state.recording.flush()
    monkeypatch.setattr(structures, "_seen", structures.new_cache())
    trie.new_root()
    state.recording.close()
    yield
    assert tiers.background.wait(60)
    state.recording.flush()
    trie.new_root()
    state.recording.close()


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each compilation be expected to take long."""
    monkeypatch.setattr(structures, "NOTICED", 0.0)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, long: None) -> Iterator[threading.Event]:
    """Hold compilations in the background back until the event is set."""
    go = threading.Event()
    real = structures.compile_graph

    def slowly(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread().name == "graphc-compiler":
            assert go.wait(60)
        return real(*args, **kwargs)

    monkeypatch.setattr(structures, "compile_graph", slowly)
    yield go
    go.set()
    assert tiers.background.wait(60)


X = np.random.default_rng(0).standard_normal((30, 40)).astype(np.float32)


def step(scale: float = 1.5) -> Any:
    x = torch.tensor(X)
    return ((x * scale + 1).tanh().square() * (x - 3)).sum(1).numpy()


def wanted(scale: float = 1.5) -> Any:
    return (np.square(np.tanh(X * scale + 1)) * (X - 3)).sum(1)


def test_no_call_waits_for_a_long_compilation(held: threading.Event) -> None:
    before = torch.eager_report()
    for _ in range(RUNS):
        np.testing.assert_allclose(step(), wanted(), rtol=1e-4, atol=1e-5)
    during = torch.eager_report()
    assert during.evaluations - before.evaluations == RUNS and during.compiles == before.compiles
    assert len(tiers.background.jobs) == 1
    held.set()
    assert tiers.background.wait(60)
    np.testing.assert_allclose(step(), wanted(), rtol=1e-4, atol=1e-5)
    after = torch.eager_report()
    assert after.evaluations == during.evaluations and after.compiles == before.compiles + 1


def test_a_mode_that_asks_for_machine_code_waits_for_it(held: threading.Event) -> None:
    torch.set_eager("compile")
    try:
        before = torch.eager_report()
        np.testing.assert_allclose(step(), wanted(), rtol=1e-4, atol=1e-5)
        after = torch.eager_report()
    finally:
        torch.set_eager("auto")
    assert after.compiles == before.compiles + 1 and after.evaluations == before.evaluations and not tiers.background.jobs


def test_compiled_functions_inside_are_waited_for(long: None) -> None:
    structure = Structure("key", 1e-4, 100)
    assert structure._takes_long()
    structure.spent = inf
    assert not structure._takes_long()


def test_short_compilations_and_long_evaluations_do_not_go_to_the_background() -> None:
    assert not Structure("key", 1e-4, 10)._takes_long()
    assert Structure("key", 1e-4, 1000)._takes_long()
    assert not Structure("key", 10.0, 1000)._takes_long()  # evaluating it once more takes longer


def test_an_error_in_the_background_leaves_the_structure_on_numpy(monkeypatch: pytest.MonkeyPatch, long: None) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)

    def fails(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no code today")

    monkeypatch.setattr(structures, "compile_graph", fails)
    for i in range(RUNS):
        np.testing.assert_allclose(step(), wanted(), rtol=1e-4, atol=1e-5)
        if i % 100 == 99:
            assert tiers.background.wait(60)
    assert [str(t.exc_value) for t in told] == ["no code today"]


def test_only_so_many_compilations_wait(monkeypatch: pytest.MonkeyPatch, held: threading.Event) -> None:
    monkeypatch.setattr(tiers, "MOST_JOBS", 2)
    functions = [lambda x: x.exp(), lambda x: x.sin(), lambda x: x.cos(), lambda x: x.tanh()]
    for _ in range(RUNS):
        for f in functions:
            (f(torch.tensor(X)) * 3 - torch.tensor(X)).sum(1).numpy()
    assert len(tiers.background.jobs) == 2
    held.set()
    assert tiers.background.wait(60)
    for _ in range(2):  # the others are submitted now
        for f in functions:
            (f(torch.tensor(X)) * 3 - torch.tensor(X)).sum(1).numpy()
        assert tiers.background.wait(60)
    assert sum(s.program is not None for s in structures._seen.values()) == 4


def test_what_is_dropped_meanwhile_gets_no_program(held: threading.Event) -> None:
    for _ in range(RUNS):
        step()
    (structure,) = structures._seen.values()
    structures.clear_cache()
    held.set()
    assert tiers.background.wait(60)
    assert structure.program is None and structure.native is None
    np.testing.assert_allclose(step(), wanted(), rtol=1e-4, atol=1e-5)


SCRIPT = """
import os, sys
import numpy as np
import graphc as torch
from graphc.codegen.runtime import tiers
from graphc.recording import structures
torch.set_eager("auto")
structures.NOTICED = 0.0
x = np.ones((30, 40), np.float32)
def step():
    y = torch.tensor(x)
    return ((y * 1.5 + 1).tanh().square() * (y - 3)).sum(1).numpy()
want = (np.square(np.tanh(x * 1.5 + 1)) * (x - 3)).sum(1)
while not tiers.background.jobs:
    np.testing.assert_allclose(step(), want, rtol=1e-4)
"""


def run(text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT + text],
        capture_output=True, text=True, timeout=120, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def test_the_process_may_end_meanwhile() -> None:
    assert run("print('done')") == "done\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_the_process_may_fork_meanwhile() -> None:
    text = """
child = os.fork()
np.testing.assert_allclose(step(), want, rtol=1e-4)
assert tiers.background.wait(60)
before = torch.eager_report()
np.testing.assert_allclose(step(), want, rtol=1e-4)
after = torch.eager_report()
assert after.compiles == 1 and after.evaluations == before.evaluations, after
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print("both")
"""
    assert run(text) == "both\n"


# -- what is cached -----------------------------------------------------------------------------------------------------


def different(number: int) -> None:
    """Compute and differentiate one of many structures."""
    functions = (torch.exp, torch.sin, torch.tanh, lambda x: x * x)
    x = torch.ones(4, 4, requires_grad=True)
    y = x
    for digit in range(6):
        y = functions[number // 4**digit % 4](y)
    y.sum().backward()


def test_what_is_cached_of_1000_structures_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structures, "MOST", 50)
    monkeypatch.setattr(structures, "_seen", structures.new_cache())
    monkeypatch.setattr(trie, "SEQUENCES", 50)
    monkeypatch.setattr(trie, "GROWTH", 200)
    trie.new_root()
    counts = []
    for number in range(1000):
        different(number)
        if number % 100 == 99:
            state.renew()
            counts.append((len(structures._seen), trie._entries, len(trie._all_entries())))
    assert {seen for seen, _, _ in counts} == {50}
    assert all(entries <= 50 * 10 + 200 + 20 for _, entries, _ in counts)
    assert all(abs(entries - reached) <= 1 for _, entries, reached in counts)


def test_what_is_cached_of_programs_is_bounded_by_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structures, "MOST_BYTES", 600_000)
    monkeypatch.setattr(structures, "_seen", structures.new_cache())
    monkeypatch.setattr(tiers, "CACHED_BYTES", 400_000)
    monkeypatch.setattr(tiers, "_code", tiers.new_cache())
    monkeypatch.setattr(specialize, "STRUCTURE_BYTES", 100_000)
    monkeypatch.setattr(specialize, "_structures", specialize.new_cache())
    torch.set_eager("compile")
    try:
        for number in range(12):
            different(number * 17)
    finally:
        torch.set_eager("auto")
    assert structures._seen.bytes <= 600_000 and tiers._code.bytes <= 400_000 and specialize._structures.bytes <= 100_000
    assert 0 < len(structures._seen) < 12 and 0 < len(tiers._code) < 12 and 0 < len(specialize._structures) < 12


def test_what_is_used_again_and_again_is_learned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structures, "MOST", 20)
    monkeypatch.setattr(structures, "_seen", structures.new_cache())
    monkeypatch.setattr(trie, "SEQUENCES", 20)
    monkeypatch.setattr(trie, "GROWTH", 50)
    trie.new_root()
    step()
    (structure,) = structures._seen.values()
    for number in range(200):
        different(number)
        np.testing.assert_allclose(step(), wanted(), rtol=1e-4, atol=1e-5)
    assert structure in structures._seen.values() and not structure.forgotten
    assert structure.spent > 150 * structure.cost or structure.program is not None


def test_a_structure_that_was_dropped_is_cached_again() -> None:
    step()
    structures.clear_cache()
    for _ in range(3):
        np.testing.assert_allclose(step(), wanted(), rtol=1e-4, atol=1e-5)
    (structure,) = structures._seen.values()
    assert not structure.forgotten and structure.spent == pytest.approx(3 * structure.cost)


def test_programs_share_a_target_machine() -> None:
    engine._machine.cache_clear()
    for i in range(3):
        engine.compile_text(f"define i64 @program() {{\n  ret i64 {i}\n}}\n", 1)
    assert engine._machine.cache_info().misses == 1
