"""Threads, forks and signal handlers that call compiled functions while others compile."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.runtime.locks import ForkLock
from graphc.ir.core.cached import cached_property

fork_only = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def run(code: str, timeout: float = 60.0) -> str:
    """Run a program of its own, and return what it prints."""
    program = "import os, signal, sys, threading, time\nimport numpy as np\nimport graphc as torch\n" + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def impatient() -> Any:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_sixteen_threads_compile_and_call_at_once(impatient: Any):
    shared = torch.compile(lambda x, k: (x * k).sin().sum())
    state = torch.ones(3)
    reads = torch.compile(lambda x: x * state)
    wrong: list[Any] = []

    def work(seed: int) -> None:
        try:
            for iteration in range(12):
                n, k = 2 + (seed * 7 + iteration) % 23, float(seed)
                x = np.arange(n, dtype=np.float64)
                own = torch.compile(lambda x, k=k: (x * k + 1).exp().mean())
                checks = [
                    (shared(x, k), np.sin(x * k).sum()),
                    (own(x / n), np.exp(x / n * k + 1).mean()),
                    (reads(np.float64([seed, n, 1])), [seed, n, 1]),
                    ((torch.tensor(x) * k).cos().sum().item(), np.cos(x * k).sum()),
                ]
                wrong.extend((seed, iteration, i) for i, (a, b) in enumerate(checks) if not np.allclose(a, b))
        except BaseException as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


@fork_only
def test_children_of_a_fork_compile_while_threads_of_the_parent_do():
    out = run("""
        sys.setswitchinterval(1e-6)
        stop = False
        g = torch.compile(lambda x: (x * 2).sin().sum())
        auto = torch.compile(lambda x: (x * 3).cos().sum(), opt="auto")

        def work(i):
            n = 0
            while not stop:
                n += 1
                k = float(n % 97 + i * 100)
                f = torch.compile(lambda x: (x * k).sin().sum() + n % 5)
                f(np.ones(8 + n % 40, np.float32))
                (torch.ones(30, 3) * k).exp().sum().item()
                g(np.ones(50000, np.float32)), auto(np.ones(60000 + n, np.float32))

        for i in range(6):
            threading.Thread(target=work, args=(i,), daemon=True).start()
        bad = []
        for r in range(12):
            pid = os.fork()
            if pid == 0:
                h = torch.compile(lambda x: x * float(r) + (x * r).cos())
                fine = abs(h(np.ones(5, np.float32))[0] - (r + np.cos(r))) < 1e-3
                g(np.ones(50000, np.float32)), (torch.ones(4) + r).exp().sum().item()
                inner = threading.Thread(target=lambda: h(np.ones(6, np.float32)))
                inner.start(), inner.join()
                os._exit(0 if fine else 3)
            end, status = time.time() + 20, None
            while status is None and time.time() < end:
                found, code = os.waitpid(pid, os.WNOHANG)
                status = code if found else None
                time.sleep(.002)
            if status != 0:
                bad.append((r, status))
                os.kill(pid, 9) if status is None else None
        print(bad)
        sys.stdout.flush()
        os._exit(0)
    """)
    assert out.strip() == "[]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs setitimer")
def test_a_signal_handler_calls_compiled_functions_at_any_moment():
    out = run("""
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        f = torch.compile(lambda x: (x * w).sum() * 2)
        wrong, calls = [], 0

        def handler(number, frame):
            global calls
            calls += 1
            if f(torch.ones(2)).item() != 6.0:
                wrong.append("handler")

        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, .02, .02)
        end, n = time.time() + 5, 0
        while time.time() < end and n < 60:
            n += 1
            k = float(n)
            g = torch.compile(lambda x: (x * w * k).sin().sum() + n)
            want = np.sin(np.array([1.0, 2.0]) * k).sum() + n
            if abs(g(torch.ones(2)).item() - want) > 1e-3:
                wrong.append(n)
            step = torch.compile(lambda x: torch.autograd.grad((x * w * k).sum(), w)[0])
            if step(torch.ones(2)).tolist() != [k, k]:
                wrong.append(("grad", n))
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(wrong, calls > 3, w.tolist(), w.grad)
    """)
    assert out.strip() == "[] True [1.0, 2.0] None"


def test_a_lock_is_taken_again_by_the_thread_that_holds_it():
    lock = ForkLock()
    with lock, lock:
        pass
    with lock:
        pass


@fork_only
def test_a_lock_that_another_thread_holds_is_free_in_a_child():
    out = run("""
        from graphc.codegen.runtime.locks import ForkLock
        lock, held, end = ForkLock(), threading.Event(), threading.Event()

        def hold():
            with lock:
                held.set()
                end.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        child = os.fork()
        if child == 0:
            with lock:
                os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        end.set()
        thread.join()
    """)
    assert out.strip() == "7"


def test_properties_are_computed_once():
    class Counted:
        calls = 0

        @cached_property
        def value(self) -> int:
            """A number."""
            self.calls += 1
            return self.calls

    c = Counted()
    assert (c.value, c.value, c.calls) == (1, 1, 1) and Counted.value.__doc__ == "A number."
