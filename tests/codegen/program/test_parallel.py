"""Programs give the same bits with any number of threads."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
import graphc.nn.functional as F

RNG = np.random.default_rng(0)
LONG = RNG.standard_normal(1_000_003).astype(np.float32)
WIDE = RNG.standard_normal((1031, 1024)).astype(np.float32)
DOUBLE = RNG.standard_normal((517, 1021))
IMAGES = RNG.standard_normal((4, 8, 64, 64)).astype(np.float32)
NUMBERS = RNG.integers(0, 1000, (1000, 1001))

PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "elementwise": (lambda x: graphc.tanh(x * 2 + 1) * graphc.sigmoid(x), (LONG,)),
    "odd": (lambda x: (x[1:] - x[:-1]).exp(), (LONG,)),
    "softmax": (lambda x: graphc.softmax(x, 1), (WIDE,)),
    "norm": (lambda x: F.layer_norm(x, (1021,)), (DOUBLE,)),
    "rows": (lambda x: (x * x).exp().sum(1), (WIDE,)),
    "columns": (lambda x: (x * x).exp().sum(0), (WIDE,)),
    "both": (lambda x: (x.exp().sum(0), x.exp().sum(1)), (WIDE,)),
    "total": (lambda x: x.exp().sum(), (LONG,)),
    "transposed": (lambda x: x.T.exp() + 1, (WIDE,)),
    "padded": (lambda x: F.pad(x, (1, 1, 1, 1)).exp(), (WIDE,)),
    "padded line": (lambda x: F.pad(x, (1, 1)).exp(), (LONG,)),
    "argmax": (lambda x: x.exp().argmax(1), (WIDE,)),
    "gather": (lambda x, i: x.exp()[i.reshape(-1)] * 2, (WIDE[:, :3].copy(), NUMBERS)),
    "integers": (lambda x: (x * 7 % 13).sum(1), (NUMBERS,)),
    "convolution": (lambda x: F.conv2d(x, x[:, :, :3, :3], padding=1), (IMAGES,)),
    "pooling": (lambda x: F.max_pool2d(x.exp(), 2), (IMAGES,)),
    "product": (lambda a: a @ a.T, (WIDE,)),
    "loop": (lambda x: graphc.fori_loop(0, 5, lambda i, v: v * 0.5 + x.exp(), x), (LONG,)),
    "gradient": (graphc.func.grad(lambda x: (F.layer_norm(x, (1024,)).exp()).sum()), (WIDE,)),
}


def bits(results: Any) -> list[bytes]:
    return [r.tobytes() for r in (results if isinstance(results, tuple) else (results,))]


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("name", PROGRAMS)
def test_bits_do_not_depend_on_the_number_of_threads(name: str, dynamic: bool) -> None:
    f, args = PROGRAMS[name]
    compiled = graphc.compile(f, dynamic=dynamic)
    with graphc.threads(1):
        want = bits(compiled(*args))
    for threads in (2, 3, 7):
        with graphc.threads(threads):
            for _ in range(3):
                assert bits(compiled(*args)) == want, threads


def test_random_numbers() -> None:
    f = graphc.compile(lambda x: x + graphc.randn(1_000_003))
    results = []
    for threads in (1, 2, 3):
        with graphc.threads(threads):
            graphc.manual_seed(3)
            results.append(bits(f(LONG)))
    assert results[0] == results[1] == results[2]


def test_the_values_are_right() -> None:
    with graphc.threads(3):
        got = graphc.compile(lambda x: graphc.softmax(x, 1))(WIDE)
    e = np.exp(WIDE.astype(np.float64) - WIDE.max(1, keepdims=True))
    np.testing.assert_allclose(got, e / e.sum(1, keepdims=True), rtol=2e-6)


def test_a_number_of_threads_for_one_function() -> None:
    f, one = (graphc.compile(lambda x: x.exp() * 3, threads=n) for n in (3, 1))
    with graphc.threads(1):
        assert bits(f(LONG)) == bits(one(LONG)) == bits(graphc.compile(lambda x: x.exp() * 3)(LONG))


def test_other_sizes_share_the_code() -> None:
    f = graphc.compile(lambda x: x.exp() + x.sum(1, keepdim=True))
    with graphc.threads(3):
        for n in (1031, 513, 999, 700, 800):
            x = WIDE[:n]
            np.testing.assert_allclose(f(x), np.exp(x) + x.sum(1, keepdims=True), rtol=1e-4, atol=1e-4)


def test_an_index_out_of_range_is_an_error() -> None:
    bad = NUMBERS.copy()
    bad[-1, -1] = 10**6
    f = graphc.compile(PROGRAMS["gather"][0])
    with graphc.threads(3), pytest.raises(IndexError, match="index out of range"):
        f(WIDE[:, :3].copy(), bad)
    with graphc.threads(3):
        assert f(WIDE[:, :3].copy(), NUMBERS).shape == (1_001_000, 3)


def test_sixteen_callers_at_once() -> None:
    f = graphc.compile(lambda x: graphc.softmax(x, 1).exp())
    want, wrong = bits(f(WIDE)), []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def call() -> None:
        wrong.extend(1 for _ in range(10) if bits(f(WIDE)) != want)

    try:
        with graphc.threads(3):
            callers = [threading.Thread(target=call) for _ in range(16)]
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


OWN = """
import sys, numpy as np, graphc
graphc.set_num_threads(3)
x = np.random.default_rng(0).standard_normal((1031, 1024)).astype(np.float32)
f = graphc.compile(lambda x: (graphc.softmax(x, 1), x.exp().sum(0), x.T.exp()))
a, b, c = f(x)
assert np.allclose(b, np.exp(x).sum(0), rtol=1e-5) and np.allclose(c, np.exp(x.T), rtol=1e-5)
"""


@pytest.mark.parametrize("topic", ["bounds", "check"])
def test_checked_programs(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_DEBUG", topic)
    run = subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True, timeout=300)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupt_ends_a_loop() -> None:
    text = OWN + """
import os, signal, threading
loop = graphc.compile(lambda x: graphc.fori_loop(0, 10**7, lambda i, v: v * 0.5 + x.exp(), x))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for jobs in the background
threading.Timer(3.0, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    loop(x)
except KeyboardInterrupt:
    assert (f(x)[0] == a).all()
    print("interrupted")
"""
    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=100)
    assert (run.returncode, run.stdout, run.stderr) == (0, "interrupted\n", "")
