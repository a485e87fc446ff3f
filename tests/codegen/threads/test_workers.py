"""The pool of threads, on a loop that counts how often each element is reached."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

import graphc
from graphc.codegen.llvm.target import Target
from graphc.codegen.runtime.engine import MachineCode, compile_text, cross_assembly, started_threads
from graphc.codegen.threads import workers

TEXT = """
declare void @graphc_parallel(ptr, ptr, i64, i64, i64, i64)

define internal void @count(ptr %counts, ptr %scratch, i64 %begin, i64 %end) {
entry:
  %own = icmp ne ptr %scratch, null
  br i1 %own, label %touch, label %loop
touch:
  %last = getelementptr i8, ptr %scratch, i64 99999
  store i8 1, ptr %last, align 1
  br label %loop
loop:
  %i = phi i64 [ %begin, %entry ], [ %begin, %touch ], [ %next, %loop ]
  %place = getelementptr i64, ptr %counts, i64 %i
  %before = load i64, ptr %place, align 8
  %after = add i64 %before, 1
  store i64 %after, ptr %place, align 8
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %loop, label %done
done:
  ret void
}

define internal void @nested(ptr %counts, ptr %scratch, i64 %begin, i64 %end) {
  %place = getelementptr i64, ptr %counts, i64 %begin
  %size = sub i64 %end, %begin
  call void @graphc_parallel(ptr @count, ptr %place, i64 %size, i64 3, i64 100000, i64 0)
  ret void
}

define void @repeat(ptr %counts, i64 %extent, i64 %grain, i64 %times, i64 %threads) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @graphc_parallel(ptr @count, ptr %counts, i64 %extent, i64 %grain, i64 100000, i64 %threads)
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %times
  br i1 %more, label %loop, label %done
done:
  ret void
}

define void @around(ptr %counts, i64 %extent) {
  call void @graphc_parallel(ptr @nested, ptr %counts, i64 %extent, i64 100, i64 0, i64 0)
  ret void
}
"""

OWN = "import sys; sys.path.insert(0, '.')\nfrom tests.codegen.threads.test_workers import counts\nimport graphc\n"


@cache
def code() -> MachineCode:
    return compile_text(TEXT)


def function(name: str, numbers: int) -> Callable[..., None]:
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * numbers)
    return kind(code().address(name))


def counts(extent: int, grain: int, times: int, threads: int = 0) -> np.ndarray:
    result = np.zeros(extent, np.int64)
    function("repeat", 4)(result.ctypes.data, extent, grain, times, threads)
    return result


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_each_iteration_runs_once(threads: int) -> None:
    with graphc.threads(threads):
        for extent, grain in ((1, 1), (100, 7), (100, 100), (100, 99), (5000, 1), (70_000, 1000)):
            assert (counts(extent, grain, 3) == 3).all(), (extent, grain)
        assert started_threads() >= threads - 1


def test_many_short_loops_in_a_row() -> None:
    with graphc.threads(3):
        assert (counts(64, 4, 20_000) == 20_000).all()


def test_a_number_for_one_loop() -> None:
    with graphc.threads(1):
        assert (counts(1000, 10, 2, threads=5) == 2).all()
    assert started_threads() >= 4


def test_nested_loops_run_on_their_thread() -> None:
    result = np.zeros(10_000, np.int64)
    with graphc.threads(3):
        function("around", 1)(result.ctypes.data, len(result))
    assert (result == 1).all()


def test_sixteen_callers_at_once() -> None:
    results: list[bool] = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def call() -> None:
        results.extend(bool((counts(1000, 10, 200) == 200).all()) for _ in range(5))

    try:
        with graphc.threads(3):
            callers = [threading.Thread(target=call) for _ in range(16)]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
    finally:
        sys.setswitchinterval(interval)
    assert results == [True] * 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_has_workers_of_its_own() -> None:
    stop, busy = threading.Event(), threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            counts(10_000, 10, 20)
            busy.set()

    with graphc.threads(3):
        caller = threading.Thread(target=keep_busy)
        caller.start()
        busy.wait()
        for _ in range(20):  # some forks happen while the workers run a loop
            child = os.fork()
            if not child:
                before = started_threads()
                good = bool((counts(1000, 10, 50) == 50).all())
                os._exit(7 if good and before == 0 and started_threads() == 2 else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        stop.set()
        caller.join()


@pytest.mark.parametrize(
    "end",
    [
        "",
        "import os; os._exit(0)",
        "import threading; threading.Thread(target=lambda: counts(10**6, 1000, 10**6), daemon=True).start(); counts(10, 1, 9)",
    ],
)
def test_the_process_ends(end: str) -> None:
    text = f"{OWN}graphc.set_num_threads(3)\nassert (counts(1000, 10, 9) == 9).all()\n{end}\nprint('end', flush=True)\n"
    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stderr) == (0, "") and ("end" in run.stdout or "_exit" in end)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_take_no_signals() -> None:
    with graphc.threads(2):
        counts(1000, 10, 9)
    masks = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/status") as status:
            masks += [int(line.split()[1], 16) for line in status if line.startswith("SigBlk")]
    sigint = 1 << 1
    assert sum(bool(mask & sigint) for mask in masks) >= 1


@pytest.mark.parametrize(
    ("platform", "triple"),
    [("win32", "x86_64-pc-windows-msvc"), ("darwin", "arm64-apple-macosx14"), ("linux", "aarch64-unknown-linux-gnu")],
)
def test_other_systems_have_a_pool(platform: str, triple: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers.sys, "platform", platform)
    monkeypatch.setattr(workers, "host", lambda: Target(triple, "generic", ""))
    asm = cross_assembly(workers.workers_text(), triple)
    assert "graphc_parallel" in asm and ("CreateThread" in asm) == (platform == "win32")
    assert ("pthread_create" in asm) == (platform != "win32")
