"""Signals that come while a native loop runs; each test has a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals are sent by a timer")

START = """
import signal, threading, time
import graphc
from graphc import compile, float64, scan, tensor, while_loop

def interrupted(call, handler=signal.default_int_handler, after=0.4):
    "Return how long a call ran after the signal, which must end it."
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, after)
    start = time.monotonic()
    try:
        call()
    except KeyboardInterrupt:
        return time.monotonic() - start - after
    raise AssertionError("the call ended")

def count(step, x, n):
    "Apply a step n times, endlessly if n is negative."
    return while_loop(lambda x, n: n != 0, lambda x, n: (step(x), n - 1), (x, tensor(n) if isinstance(n, int) else n))[0]

def half(x):
    return x * 0.5 + 1

one, many = tensor(1.0, dtype=float64), graphc.arange(1000.0)
never = tensor(-1)
"""

CALLS = {
    "registers": "f, x = lambda x, n: count(half, x, n), one",
    "memory": "f, x = lambda x, n: count(lambda x: graphc.sin(x), x, n), many",
    "an endless loop in a loop": "f, x = lambda x, n: scan(lambda c, _: (count(half, c, n), None), x, None, length=20)[0], one",
    "the same in memory": "f, x = lambda x, n: scan(lambda c, _: (count(half, c, n), None), x, None, length=20)[0], many",
    "a loop in an endless loop": "f, x = lambda x, n: count(lambda c: count(half, c, 7), x, n), one",
    "registers in memory": "f, x = lambda x, n: count(lambda c: c + count(half, c[0], 3000), x, n), many",
    "lanes": "f, x = lambda x, n: count(half, x, n), graphc.arange(8.0)",
    "vmap": "f, x = lambda x, n: graphc.vmap(lambda c: count(half, c, n))(x), graphc.arange(5.0)",
    "kept for a gradient": "f, x = graphc.func.grad(lambda x, n: count(lambda c: count(graphc.sin, c, 900), x, n)), one",
    "a branch": "f, x = lambda x, n: graphc.cond(n < 9, lambda x: count(half, x, n), lambda x: x, (x,)), one",
}


def run(*parts: str) -> None:
    """Run a program."""
    command = [sys.executable, "-c", "\n".join([START, *map(textwrap.dedent, parts)])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    # under GRAPHC_DEBUG=check the long loops say that they are not checked
    errors = [line for line in done.stderr.splitlines() if "is not checked: it takes" not in line]
    assert done.returncode == 0 and not errors, done.stderr


@pytest.mark.parametrize("name", CALLS)
def test_a_signal_ends_a_loop_and_the_function_is_callable_afterwards(name: str) -> None:
    """Ctrl-C is seen within a second, also twice; what is computed afterwards is right."""
    run(
        CALLS[name],
        """
        g = compile(f)
        before = g(x, tensor(3))
        for _ in range(2):
            late = interrupted(lambda: g(x, never))
            assert late < 1, late
        after = g(x, tensor(3))
        assert (before == after).all() and graphc.allclose(after, f(x, tensor(3)))
        """
    )


def test_sigint_by_its_default_handler_and_without_compile() -> None:
    """The signal of the terminal's Ctrl-C; and of a loop that is computed when its value is read."""
    run(
        """
        import os
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        g = compile(lambda x, n: count(half, x, n))
        for call in (lambda: g(one, never), lambda: float(count(half, one, -1)), lambda: print(count(half, many, -1))):
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            start = time.monotonic()
            try:
                call()
                raise AssertionError
            except KeyboardInterrupt:
                assert time.monotonic() - start < 10
            assert float(g(one, tensor(2))) == 1.75
        """
    )


def test_a_handler_that_returns_lets_the_loop_go_on() -> None:
    """Handlers run, several times, may call what is compiled, and change nothing of the loop."""
    run(
        """
        seen = []
        g = compile(lambda x, n: count(half, x, n))
        def handler(*_):
            seen.append(float(g(one, tensor(3))))
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
        last = float(g(tensor(5.0, dtype=float64), tensor(600_000_000)))
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert last == 2 and len(seen) > 1 and set(seen) == {1.875}, (last, seen)
        """
    )


def test_any_exception_of_a_handler_is_raised_by_the_call() -> None:
    """With its own traceback; state that the function writes keeps its value."""
    run(
        """
        state = tensor(1.0, dtype=float64)
        class Late(Exception): pass
        def handler(*_):
            raise Late("it takes too long")
        @compile
        def f(n):
            state.add_(1)
            state.copy_(count(half, state, n))
            return state * 2
        f(tensor(2))
        was = float(state)
        try:
            interrupted(lambda: f(never), handler)
        except Late as error:
            assert str(error) == "it takes too long"
        assert float(state) == was
        assert float(f(tensor(1))) == ((was + 1) * 0.5 + 1) * 2
        """
    )


def test_another_thread_goes_on_and_the_main_thread_is_interrupted() -> None:
    """Only the main thread handles signals; a thread in an endless loop neither stops that nor the end of the process."""
    run(
        """
        g = compile(lambda x, n: count(half, x, n))
        g(one, tensor(2)), g(many, tensor(2))
        for x in (one, many):
            threading.Thread(target=g, args=(x, never), daemon=True).start()
        late = interrupted(lambda: g(one, never))
        assert late < 2, late
        late = interrupted(lambda: time.sleep(60))
        assert late < 2, late
        assert float(g(one, tensor(2))) == 1.75
        import os; os._exit(0)
        """
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_process_is_interrupted_too() -> None:
    """The thread that forked is the child's main thread, whatever it was before."""
    run(
        """
        import os, warnings
        warnings.simplefilter("ignore")
        g = compile(lambda x, n: count(half, x, n))
        g(one, tensor(2))
        def fork():
            child = os.fork()
            if not child:
                signal.signal(signal.SIGALRM, signal.default_int_handler)
                late = interrupted(lambda: g(one, never))
                os._exit(0 if late < 2 else 1)
            found.append(os.waitpid(child, 0)[1])
        found = []
        fork()
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
        assert found == [0, 0], found
        """
    )


def test_where_native_code_reads_no_arrays() -> None:
    """The same by ctypes."""
    run(
        """
        from graphc.codegen.runtime import numpy_abi
        numpy_abi.supported = lambda: False
        g = compile(lambda x, n: count(half, x, n))
        assert float(g(one, tensor(2))) == 1.75
        late = interrupted(lambda: g(one, never))
        assert late < 1, late
        assert float(g(one, tensor(2))) == 1.75
        """
    )
