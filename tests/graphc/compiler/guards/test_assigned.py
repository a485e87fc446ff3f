"""Tensors and other values that a compiled function assigns: attributes, globals, variables of closures, entries of dicts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import graphc as G


def numbers(x: Any) -> Any:
    if isinstance(x, G.Tensor):
        return np.asarray(x.tolist(), np.float64), x.requires_grad
    if isinstance(x, (tuple, list)):
        return [numbers(v) for v in x]
    return {k: numbers(v) for k, v in x.items()} if isinstance(x, dict) else x


def same(a: Any, b: Any) -> bool:
    """Return whether numbers agree up to rounding, and all else exactly."""
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-5)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    return type(a) is type(b) and a == b


def given(i: int) -> Any:
    return G.tensor(np.random.default_rng(i).uniform(-1, 1, (2, 3)).astype(np.float32))


class Layer(G.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("h", G.zeros(2, 3))
        self.w = G.nn.Parameter(G.tensor([1.0, 2.0, 3.0]))
        self.state: Any = None
        self.count = G.zeros(())


class Rolled(Layer):
    def forward(self, x: Any) -> Any:
        self.count = self.count + 1
        self.h = self.h.roll(1, 0)
        self.h[0] = (x * self.w).detach().mean(0)
        return (self.h * self.w).sum() * self.count


class Recurrent(Layer):
    def forward(self, x: Any) -> Any:
        if self.state is None:
            self.state = (G.zeros(2, 3), G.zeros(2))
        h = (x * self.w + self.state[0].detach()).tanh()
        self.state = (h, h.sum(1).detach() + self.state[1])
        return h


class Averaged(Layer):
    def forward(self, x: Any) -> Any:
        if self.training:
            self.h = 0.9 * self.h + 0.1 * x.detach()
        return x - self.h


class Kept(Layer):
    def forward(self, x: Any) -> Any:
        self.kept, self.shape = (x * self.w).tanh(), (*x.shape, "seen")
        return self.kept.sum()


LAYERS: list[type[Layer]] = [Rolled, Recurrent, Averaged, Kept]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda c: c.__name__)
def test_attributes_of_modules(layer: type[Layer]) -> None:
    def found(run: Callable[..., Any]) -> list[Any]:
        m = layer()
        f = run(m)
        seen = []
        for i in range(6):
            m.train(i % 3 != 2)
            old = m.h
            x = given(i) if i < 4 else given(i)[:1].expand(2, 3).clone()
            y = f(x)
            if y.requires_grad:
                kept = getattr(m, "kept", None)
                (y.sum() if kept is None else y + (kept**2).sum()).backward()
            values = (y, m.h, old, m.w.grad, m.state, m.count, getattr(m, "kept", None), getattr(m, "shape", None))
            seen.append(numbers([*values, m.state_dict()]))
            with G.no_grad():
                y *= 0.5
                if i == 3:
                    m.h.add_(1.0)
                    m.state = None
        return seen

    assert same(found(G.compile), found(lambda f: f))


def swapped(s: Any, x: Any) -> Any:
    s.a, s.b = s.b, s.a
    return s.a * 1 + x


def shifted(s: Any, x: Any) -> Any:
    s.a, s.b = s.b, s.b * 0.5 + x
    return s.a


def reset(s: Any, x: Any) -> Any:
    s.a = s.a + x
    s.b = s.b * 2 + s.a
    return (s.a * s.b).sum()


def written_after(s: Any, x: Any) -> Any:
    s.a = s.a + x
    s.a.mul_(2)
    return s.a[1:]


def view_of_what_was_there(s: Any, x: Any) -> Any:
    old = s.a
    s.a = s.a * 0.5 + x
    return old[1:], old


def in_a_dict(s: Any, x: Any) -> Any:
    s.d["h"] = s.d["h"] * 0.5 + x
    return s.d["h"].sum()


def gradients_kept(s: Any, x: Any) -> Any:
    p = s.p
    (p * x).exp().sum().backward()
    s.a, s.b = p.grad.clone(), p.grad
    p.grad = None
    return s.a * 1


def argument_kept(s: Any, x: Any) -> Any:
    s.a, before = x, s.a
    return before * 1


BODIES = [swapped, shifted, reset, written_after, view_of_what_was_there, in_a_dict, gradients_kept, argument_kept]


@pytest.mark.parametrize("kind", ["plain", "aliases", "state passed", "alias made between"])
@pytest.mark.parametrize("body", BODIES, ids=lambda f: f.__name__)
def test_attributes_of_objects(body: Callable[[Any, Any], Any], kind: str) -> None:
    def found(run: Callable[..., Any]) -> list[Any]:
        s = SimpleNamespace(a=given(10), b=given(11), d={"h": given(12)}, p=G.nn.Parameter(given(13)))
        if kind == "aliases":
            s.b = s.a
        f = run(lambda x: body(s, x))
        seen = []
        for i in range(6):
            x = s.b.detach() if kind == "state passed" and i % 2 else given(i)
            if kind == "alias made between" and i == 3:
                s.b = s.a.detach()
            results = f(x)
            results = results if isinstance(results, tuple) else (results,)
            with G.no_grad():
                for r in results:
                    if r.ndim:
                        r[0] += 0.25
            seen.append(numbers([results, s.a, s.b, s.d, x]))
        return seen

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # entries of dicts change
        assert same(found(G.compile), found(lambda f: f))


def test_variables_of_closures() -> None:
    def found(run: Callable[..., Any]) -> list[Any]:
        h = G.zeros(2, 3)

        def f(x: Any) -> Any:
            nonlocal h
            h = h * 0.5 + x
            return h.sum()

        g = run(f)
        seen = []
        for i in range(4):
            seen.append(numbers([g(given(i)), h]))
            if i == 1:
                h = G.ones(2, 3)
        return seen

    assert same(found(G.compile), found(lambda f: f))


def test_one_trace_serves_all_calls() -> None:
    for layer in (Rolled, Averaged, Kept):
        m = layer()
        f = G.compile(m.forward)
        for i in range(5):
            f(given(i))
        ((variants,),) = [f._compiled_variants.values()]
        assert len(variants) == 1, layer


def test_what_a_function_assigned_before_it_raised_is_undone() -> None:
    s = SimpleNamespace(a=G.tensor([1.0]))

    @G.compile
    def f(x: Any, fails: bool) -> Any:
        s.a = s.a + x
        if fails:
            raise ValueError("as asked")
        return s.a * 1

    assert f(G.tensor([2.0]), False).tolist() == [3.0]
    with pytest.raises(ValueError, match="as asked"):
        f(G.tensor([2.0]), True)
    assert s.a.tolist() == [3.0]
    assert f(G.tensor([2.0]), False).tolist() == [5.0]


def test_calls_with_arrays_assign_tensors() -> None:
    s = SimpleNamespace(a=G.tensor([1.0, 2.0]))

    @G.compile
    def f(x: Any) -> Any:
        s.a, s.last = s.a + x, s.a
        return s.a * 2

    for i in range(3):
        assert f(np.ones(2, np.float32)).tolist() == [2.0 * (2 + i), 2.0 * (3 + i)]
        assert isinstance(s.a, G.Tensor) and s.a.tolist() == [2.0 + i, 3.0 + i]
        assert isinstance(s.last, G.Tensor) and s.last.tolist() == [1.0 + i, 2.0 + i]
