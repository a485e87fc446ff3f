"""Programs at other sizes: one machine code, no passes from the third size on, the same numbers as the evaluator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.codegen.llvm.builder import Module
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.codegen.program import specialize
from graphc.codegen.program.program import compile_graph
from graphc.codegen.program.specialize import counts
from graphc.codegen.runtime import tiers
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, parameter
from graphc.ir.core.structural_key import structure
from graphc.ir.core.types import F32, TensorType
from graphc.ir.interpret.evaluate import evaluate
from tests import graphs

F = torch.nn.functional


SIZES = (17, 64, 100, 1000, 33, 12, 999, 256)


rng = np.random.default_rng(0)


def r(*shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


WEIGHTS = [r(24, 40) / 5, r(40), r(40, 10) / 6, r(10)]


def mlp(weights: Any, x: Any, y: Any) -> Any:
    w1, b1, w2, b2 = weights
    return ((torch.tanh(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()


def classifier(weights: Any, x: Any, y: Any) -> Any:
    w1, b1, w2, b2 = weights
    return F.cross_entropy(torch.relu(x @ w1 + b1) @ w2 + b2, y)


def attention(q: Any, k: Any, v: Any) -> Any:
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1) @ v


def both_ways(x: Any) -> Any:
    y = torch.exp(torch.sin(x))
    return y.sum(1), y.sum(0)


def pulls(x: Any) -> Any:
    d = x[None] - x[:, None]
    square = (d * d).sum(-1) + 0.1
    return ((d / (square * torch.sqrt(square))[:, :, None]).sum(1) * x).sum()


def moved(x: Any) -> Any:
    def step(s: Any, _: Any) -> Any:
        x, v = s
        d = x[None] - x[:, None]
        v = v + 0.01 * (d / ((d * d).sum(-1) + 0.1)[:, :, None]).sum(1)
        return (x + 0.01 * v, v), None

    (x, v), _ = torch.scan(step, (x, x * 0.1), None, length=3)
    return (x * v).sum()


def norm(x: Any, w: Any, b: Any) -> Any:
    return (F.layer_norm(x, (x.shape[-1],), w, b) ** 2).sum()


def filtered(x: Any, w: Any) -> Any:
    def step(c: Any, a: Any) -> Any:
        c = torch.tanh(c @ w + a)
        return c, (c * c).sum()

    last, sums = torch.scan(step, torch.zeros(x.shape[1]), x)
    return last.sum() + sums.sum()


CASES: dict[str, tuple[Callable[..., Any], Callable[[int], tuple[Any, ...]]]] = {
    "elementwise": (lambda x: torch.tanh(x * 2 + 1) * torch.sigmoid(x), lambda n: (r(n),)),
    "rows": (lambda x, b: x * b + 1, lambda n: (r(n, 37), r(37))),
    "columns": (lambda x, b: x * b[:, None] + 1, lambda n: (r(n, 37), r(n))),
    "softmax of more rows": (lambda x: torch.softmax(x, -1), lambda n: (r(n, 64),)),
    "softmax of longer rows": (lambda x: torch.softmax(x, -1), lambda n: (r(50, n),)),
    "sums both ways": (lambda x: (x.sum(0), x.sum(1), x.mean()), lambda n: (r(n, 70),)),
    "costly sums both ways": (both_ways, lambda n: (r(n, 70),)),
    "sums both ways of longer rows": (lambda x: both_ways(x)[::-1], lambda n: (r(70, n),)),
    "gradient of pairs": (func.grad(pulls), lambda n: (r(n, 3),)),
    "gradient of points that move": (func.grad(moved), lambda n: (r(n, 2),)),
    "variance": (lambda x: x.var(0), lambda n: (r(n, 70),)),
    "argmax": (lambda x: x.argmax(1), lambda n: (r(n, 70),)),
    "three sizes": (lambda x: x.mean((0, 1)), lambda n: (r(n, n + 1, 12),)),
    "matmul": (lambda a, b: a @ b, lambda n: (r(n, 64), r(64, n + 3))),
    "long matmul": (lambda a, b: a.T @ b, lambda n: (r(n, 40), r(n, 30))),
    "batches": (lambda a, b: a @ b, lambda n: (r(n, 20, 30), r(n, 30, 25))),
    "attention gradient": (func.grad(lambda q, k, v: attention(q, k, v).sum(), (0, 1, 2)), lambda n: (r(4, n, 32),) * 3),
    "mlp gradient": (func.grad_and_value(mlp), lambda n: (WEIGHTS, r(n, 24), r(n, 10))),
    "classifier gradient": (func.grad_and_value(classifier), lambda n: (WEIGHTS, r(n, 24), rng.integers(0, 10, n))),
    "norm gradient": (func.grad(norm, (0, 1, 2)), lambda n: (r(n, 64), r(64), r(64))),
    "norm gradient, longer": (func.grad(norm, (0, 1, 2)), lambda n: (r(30, n), r(n), r(n))),
    "stencil gradient": (func.grad(lambda x: ((x[1:] - x[:-1]) ** 2).sum()), lambda n: (r(n, 20),)),
    "roll gradient": (func.grad(lambda x: (x - torch.roll(x, 1, 0)).abs().sum()), lambda n: (r(n, 20),)),
    "embedding gradient": (func.grad(lambda w, i: (w[i] ** 2).sum()), lambda n: (r(100, 16), rng.integers(0, 100, n))),
    "running sum": (lambda x: x.cumsum(0), lambda n: (r(n, 20),)),
    "joined": (lambda x, y: torch.cat([x.flip(0), y]) * 2, lambda n: (r(n, 20), r(n + 2, 20))),
    "longer scan gradient": (func.grad(filtered, (0, 1)), lambda n: (r(n, 20), r(20, 20) / 9)),
    "wider scan gradient": (func.grad(filtered, (0, 1)), lambda n: (r(30, n + 10), r(n + 10, n + 10) / n)),
    "scalar scan gradient": (
        func.grad(lambda x: torch.scan(lambda c, a: (torch.sin(c + a), c), x[0], x)[1].sum()),
        lambda n: (r(n + 10),),
    ),
    "loop gradient": (
        func.grad(lambda x: torch.fori_loop(0, 5, lambda i, c: torch.sin(c) * 1.1, x).sum()),
        lambda n: (r(n + 10),),
    ),
    "while": (
        lambda x: torch.while_loop(lambda c: c.sum() < 1e5, lambda c: c * 2.0, x.abs() + 1),
        lambda n: (r(n + 10),),
    ),
    "reshaped": (lambda x: torch.tanh(x.reshape(-1, x.shape[-1])).sum(0), lambda n: (r(n, 20, 16),)),
}


@pytest.mark.parametrize("name", CASES)
def test_other_sizes_need_no_compiler(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAPHC_DEBUG", raising=False)  # a checked program runs its chunks in turn, and has no call of the pool
    function, arguments = CASES[name]
    compiled = torch.compile(function)
    texts: list[str] = []
    monkeypatch.setattr(tiers, "_code", tiers.new_cache())
    compile_text = tiers.compile_text
    monkeypatch.setattr(tiers, "compile_text", lambda text, level: texts.append(text) or compile_text(text, level))
    monkeypatch.setattr(specialize, "_structures", specialize.new_cache())
    counts.clear()
    given = [arguments(n) for n in SIZES]
    got = [compiled(*x) for x in given]
    shared = ["@graphc_parallel(" in text for text in texts]  # one text for little work, one for several threads
    assert len(texts) == len(set(shared))
    assert counts["written"] == 1 and not counts["refused"]
    assert counts["recorded"] <= 3 and counts["replayed"] >= len(SIZES) - 4
    for x, results in zip(given, got, strict=True):
        for result, want in zip(_flat(results), _flat(function(*_tensors(x))), strict=True):
            size = max(1.0, float(np.abs(result).max()))
            np.testing.assert_allclose(result, np.asarray(want), rtol=2e-4, atol=2e-4 * size)


def _tensors(x: Any) -> Any:
    return type(x)(map(_tensors, x)) if isinstance(x, (tuple, list)) else torch.tensor(x)


def _flat(x: Any) -> list[Any]:
    return [y for z in x for y in _flat(z)] if isinstance(x, (tuple, list)) else [x]


def test_sizes_that_coincide_take_the_long_way() -> None:
    def f(x: Any, y: Any) -> Any:
        return (x.sum(0), y.sum(0), (x[:, None] * y[None]).sum())

    compiled = torch.compile(f)
    counts.clear()
    for n, m in ((20, 30), (21, 31), (40, 40), (50, 40), (40, 41), (16, 16)):
        x, y = r(n), r(m)
        got = compiled(x, y)
        np.testing.assert_allclose(got[2], x.sum() * y.sum(), rtol=1e-3, atol=1e-3)
    assert counts["written"] == 1 and not counts["refused"]


def test_small_sizes_have_code_of_their_own() -> None:
    f = torch.compile(lambda x: torch.softmax(x, 0).sum(1))
    for n in (20, 30, 40, 8, 7, 1, 9, 50, 2):
        x = r(n, 5)
        e = np.exp(x - x.max(0))
        np.testing.assert_allclose(f(x), (e / e.sum(0)).sum(1), rtol=1e-5)


def test_a_program_that_was_replayed_shows_its_own_stages() -> None:
    f = torch.compile(lambda x: torch.tanh(x).sum(0) * (1 / x.shape[0]))
    for n in (20, 30, 40):
        low = f.lower(r(n, 16))
        assert f"f32[{n},16]" in low.ir("captured") and f"f32[{n},16]" in low.ir("fused")
        assert low.cost().flops == n * 16 * 25 + 16 and f"in {n}" in low.ir("kernels")


def test_programs_of_arrays_that_are_not_row_major() -> None:
    x = parameter(TensorType(F32, (30, 40)), "x")
    for n in (30, 31, 32):
        x = parameter(TensorType(F32, (n, 40)), "x")
        graph = Graph((x,), (build.sum_(x * 3.0, (1,)),))
        data = r(40, n).T
        np.testing.assert_allclose(compile_graph(graph, [data.strides]).run([data])[0], 3 * data.sum(1), rtol=1e-4, atol=1e-4)


def test_without_dynamic_sizes_are_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    f = torch.compile(lambda x, w: torch.softmax(x @ w, -1) * 0.3, dynamic=False)
    monkeypatch.setattr(tiers, "_code", tiers.new_cache())  # not what other tests have filled
    for n in (19, 32, 1000):
        x, w = r(n, 24), r(24, 50)
        e = np.exp(x @ w - (x @ w).max(1, keepdims=True))
        np.testing.assert_allclose(f(x, w), 0.3 * e / e.sum(1, keepdims=True), rtol=1e-4)
        text = f.lower(x, w).llvm_ir(optimized=False)
        assert "load i64, ptr" not in text.split("@program(")[0].split("@k1_")[1]  # nothing from the table
    assert tiers.code_cache_size() == 3


@pytest.mark.parametrize("name", ["sums both ways", "mlp gradient", "norm gradient", "wider scan gradient", "joined"])
def test_without_dynamic_the_numbers_are_the_same(name: str) -> None:
    function, arguments = CASES[name]
    fixed, free = torch.compile(function, dynamic=False), torch.compile(function)
    for n in (17, 64):
        given = arguments(n)
        for got, want in zip(_flat(fixed(*given)), _flat(free(*given)), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(want).max())))


class _Resized(graphs.Maker):
    """The graph of a seed at other sizes: the extents above 8 are primes, so that the same choices can be made."""

    def __init__(self, seed: int, primes: tuple[int, ...]) -> None:
        super().__init__(seed)
        self.extents = (1, 2, 3, 4, 8, *primes)

    def slice(self, x: Any) -> Any:
        """Leave out a third at the front and a quarter at the back."""
        return build.slice_(x, [n // 3 for n in x.shape], [n - n // 4 for n in x.shape])


PRIMES = ((17, 19, 23, 29), (31, 37, 41, 43), (47, 53, 59, 61), (43, 41, 37, 31), (19, 17, 53, 47))


@pytest.mark.parametrize("first", range(0, 60, 6))
def test_random_graphs_at_other_sizes_compute_what_the_evaluator_does(first: int) -> None:
    counts.clear()
    for seed in range(first, first + 6):
        for primes in PRIMES:
            graph = _Resized(seed, primes).graph(size=10)
            arrays = graphs.arrays(graph, seed)
            for got, want in zip(compile_graph(graph).run(arrays), evaluate(graph, arrays), strict=True):
                scale = np.abs(want[np.isfinite(want)]).max(initial=1) if want.dtype.kind == "f" else 0
                np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-5 * scale)
    assert counts["replayed"]  # this is what it is about


@pytest.mark.parametrize("name", ["amax", "sum"])
@pytest.mark.parametrize(
    "first, second", [((10, 990), (400, 600)), ((400, 600), (10, 990)), ((0, 1000), (991, 9)), ((500, 500), (1, 999))]
)
def test_each_pass_over_a_row_has_bounds_of_its_own(name: str, first: tuple[int, int], second: tuple[int, int]) -> None:
    def f(x: Any, z: Any) -> Any:
        m = getattr(torch, name)(F.pad(x, (first[0], 0)), 1, keepdim=True)
        return getattr(torch, name)(F.pad(z, (second[0], 0)) - m, 1)

    x, z = r(50, first[1]), r(50, second[1])
    reduce = getattr(np, name)
    m = reduce(np.pad(x, ((0, 0), (first[0], 0))), 1, keepdims=True)
    want = reduce(np.pad(z, ((0, 0), (second[0], 0))) - m, 1)
    np.testing.assert_allclose(torch.compile(f)(x, z), want, rtol=1e-4, atol=1e-2)


def test_a_role_is_one_number() -> None:
    step = KernelFunction(Module(), "k", ["x"])
    assert step.integer(100, ("extent", 0)) == step.integer(100, ("extent", 0))
    for other in (101, 3):
        with pytest.raises(AssertionError, match="one role stands for two numbers in k"):
            step.integer(other, ("extent", 0))


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.5])
def test_an_extent_and_an_equal_constant_are_two_symbols(scale: float) -> None:
    """A mean divides by an extent: the float is equal to it, and no size."""
    compiled = torch.compile(lambda x: (x.mean(0) * (scale * x.shape[0]), torch.cat([x, x + float(x.shape[0])])))
    for n in (14, 20, 33, 14, 50, 100, 9):
        x = r(n, 5)
        got = compiled(x)
        np.testing.assert_allclose(got[0], x.sum(0) * scale, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(got[1], np.concatenate([x, x + n]), rtol=1e-5)


def test_the_types_of_numbers_belong_to_the_structure() -> None:
    x = parameter(TensorType(F32, (40,)), "x")
    graph = Graph((x,), (x * 40.0,))
    _, numbers = structure(graph, {x: (1,)})
    assert [type(n) for n in numbers] == [int, float, int]
    pattern, symbols = specialize._pattern(numbers, [n + 10 for n in numbers])
    assert pattern == [(0, None), (1, None), (0, None)] and symbols == [0, 1]
