"""compile(f, opt=…): levels, and better code made in the background while quick code runs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.program.program import Program
from graphc.codegen.runtime import tiers
from graphc.ir.text import debug

rng = np.random.default_rng(0)


def rows(x: Any, w: Any) -> Any:
    return torch.softmax(x @ w, -1) * torch.sin(x).sum()


def expected(x: Any, w: Any) -> Any:
    e = np.exp(x @ w - (x @ w).max(1, keepdims=True))
    return e / e.sum(1, keepdims=True) * np.sin(x).sum()


def arguments(n: int) -> tuple[Any, Any]:
    return rng.standard_normal((n, 30)).astype(np.float32), rng.standard_normal((30, 40)).astype(np.float32)


def check(f: Any, given: tuple[Any, Any]) -> None:
    want = expected(*given)
    np.testing.assert_allclose(f(*given), want, rtol=1e-3, atol=1e-4 * float(np.abs(want).max()))


def program_of(f: Any, given: tuple[Any, Any]) -> Program:
    return f.lower(*given)._program  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep no code of other tests, and none of this one for others."""
    monkeypatch.setattr(tiers, "_code", tiers.new_cache())
    yield
    assert tiers.background.wait(60)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Hold the background back until the event is set."""
    go = threading.Event()
    compile_text = tiers.compile_text

    def slowly(text: str, level: int) -> Any:
        if threading.current_thread().name == "graphc-compiler":
            assert go.wait(60)
        return compile_text(text, level)

    monkeypatch.setattr(tiers, "compile_text", slowly)
    yield go
    go.set()
    assert tiers.background.wait(60)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_every_level_computes_the_same(level: int) -> None:
    f, given = torch.compile(rows, opt=level), arguments(50)
    check(f, given)
    assert program_of(f, given).code.level == level


@pytest.mark.parametrize("opt", [4, -1, "fast", None, True, 1.0])
def test_other_levels_are_refused(opt: Any) -> None:
    with pytest.raises(ValueError, match="compile takes opt=0, 1, 2, 3 or 'auto', got"):
        torch.compile(rows, opt=opt)


def test_no_call_waits_for_the_better_code(held: threading.Event) -> None:
    f, given = torch.compile(rows, opt="auto"), arguments(50)
    program = program_of(f, given)
    check(f, given)
    assert program.code.level == 0
    old, entry = program.address, program.entry(print, single=True)
    check(entry, given)
    held.set()
    assert tiers.background.wait(60)
    assert program.code.level == 1 and program.address != old
    check(f, given)
    check(entry, given)
    assert tiers.code_cache_size() == 1  # the quick code is no longer handed out


@pytest.mark.skipif(debug.enabled("check"), reason="calls that are checked have no native entry")
def test_native_entries_are_moved() -> None:
    f, given = torch.compile(rows, opt="auto"), arguments(60)
    program = program_of(f, given)
    assert tiers.background.wait(60) and program.code.level == 1
    entry = program.entry(print, single=True)
    addresses: list[int] = [entry.__self__[0]] if hasattr(entry, "__self__") else [entry.address]  # type: ignore[attr-defined]
    assert addresses == [program.address]


def test_other_sizes_start_with_the_better_code() -> None:
    f = torch.compile(rows, opt="auto")
    check(f, arguments(50))
    assert tiers.background.wait(60)
    for n in (60, 70):
        given = arguments(n)
        assert program_of(f, given).code.level == 1
        check(f, given)


def test_programs_with_little_work_stay_quick() -> None:
    f = torch.compile(lambda x: x * 2 + 1, opt="auto")
    x = np.arange(8, dtype=np.float32)
    np.testing.assert_array_equal(f(x), x * 2 + 1)
    assert not tiers.background.waiting and f.lower(x)._program.code.level == 0


def test_calls_from_many_threads_while_code_is_exchanged(held: threading.Event) -> None:
    f, given = torch.compile(rows, opt="auto"), arguments(50)
    check(f, given)
    stop, wrong = threading.Event(), []

    def calls() -> None:
        while not stop.is_set():
            try:
                check(f, given)
            except AssertionError as error:
                wrong.append(error)
                return

    threads = [threading.Thread(target=calls) for _ in range(4)]
    for t in threads:
        t.start()
    held.set()
    assert tiers.background.wait(60)
    stop.set()
    for t in threads:
        t.join()
    assert not wrong


def test_a_failure_in_the_background_leaves_the_quick_code(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_text = tiers.compile_text

    def fails(text: str, level: int) -> Any:
        if level == 1:
            raise RuntimeError("no better code today")
        return compile_text(text, level)

    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    monkeypatch.setattr(tiers, "compile_text", fails)
    f, given = torch.compile(rows, opt="auto"), arguments(50)
    check(f, given)
    assert tiers.background.wait(60)
    monkeypatch.setattr(tiers, "compile_text", compile_text)
    check(f, given)
    assert program_of(f, given).code.level == 0
    check(torch.compile(rows, opt="auto"), arguments(51))  # a new thread serves the next
    assert tiers.background.wait(60)
    assert [str(t.exc_value) for t in told] == ["no better code today"]


def test_a_program_that_died_needs_no_better_code(held: threading.Event) -> None:
    f = torch.compile(lambda x: torch.tanh(x).sum(), opt="auto")
    f(rng.standard_normal(20_000).astype(np.float32))
    g = torch.compile(lambda x: torch.exp(x).sum(), opt="auto")
    g(rng.standard_normal(20_000).astype(np.float32))
    del g
    held.set()
    assert tiers.background.wait(60)
    assert tiers.code_cache_size() <= 2


PROGRAM = """
import os, sys, threading
import numpy as np
import graphc as torch
from graphc.codegen.runtime import tiers
f = torch.compile(torch.func.grad(lambda w, x: torch.tanh(torch.tanh(x @ w) @ w).sum()), opt="auto")
w, x = np.ones((50, 50), np.float32), np.ones((60, 50), np.float32)
want = f(w, x)
"""


def run(text: str) -> str:
    """Run a script that uses a compiled function in a process of its own; return its output."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM + text],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_process_may_end_at_any_time() -> None:
    assert run("print('done')") == "done\n"  # the background has just begun


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_the_process_may_fork_at_any_time() -> None:
    text = """
child = os.fork()
np.testing.assert_allclose(f(w, x), want, rtol=1e-4)
g = torch.compile(lambda x: torch.exp(x).sum() * 1.5, opt="auto")
np.testing.assert_allclose(g(x), np.exp(x).sum() * 1.5, rtol=1e-4)
assert tiers.background.wait(60)
assert f.lower(w, x)._program.code.level == 1
np.testing.assert_allclose(f(w, x), want, rtol=1e-4)
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print("both")
else:
    sys.stdout.flush()
"""
    assert run(text) == "both\n"
