"""The Python values that a trace depends on: each change of one traces the function anew."""

from __future__ import annotations

import copy
import enum
import math
import types
from collections import OrderedDict, deque
from functools import lru_cache, partial, wraps
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import nn
from graphc.tensors.tensor import Tensor
from tests.graphc.compiler.guarded import TABLE, Config, X, plain

K = 2.0


FLAG = True


WEIGHTS = np.array([1.0, 2.0, 3.0], np.float32)


def helper(x: Any) -> Any:
    return x * K


class Mode(enum.Enum):
    DOUBLE = 2
    TRIPLE = 3


MODE = Mode.DOUBLE


class Slotted:
    __slots__ = ("k",)

    def __init__(self, k: float) -> None:
        self.k = k


def check(f: Any, *changes: Any, x: Any = X, calls: int = 3) -> None:
    """Compare a compiled function with the function itself, on arrays and tensors, while Python values change."""
    for made in (lambda: x, lambda: torch.tensor(x)):
        compiled = torch.compile(f)
        for change in (lambda: None, *changes):
            change()
            for _ in range(calls):
                np.testing.assert_allclose(plain(compiled(made())), plain(f(made())), rtol=1e-6)


def put(name: str, value: Any) -> Any:
    return lambda: globals().__setitem__(name, value)


@pytest.fixture(autouse=True)
def globals_of_before() -> Any:
    names = ("K", "FLAG", "MODE", "helper")
    kept = {n: globals()[n] for n in names}
    table = copy.deepcopy(TABLE)
    yield
    globals().update(kept)
    TABLE.clear()
    TABLE.update(table)
    Config.scale = 1.0


def test_globals_read_by_the_function_and_by_what_it_calls():
    check(lambda x: x * K, put("K", 3.0), put("K", -0.0), put("K", 0.0), put("K", 4), put("K", True), put("K", math.nan))
    check(lambda x: helper(x) + 1, put("K", 5.0), put("helper", lambda x: x - K), put("K", 6.0))
    check(lambda x: x + 1 if FLAG else x - 1, put("FLAG", False), put("FLAG", None), put("FLAG", "yes"))
    check(lambda x: x * MODE.value, put("MODE", Mode.TRIPLE))
    check(lambda x: (lambda y: y * K)(x), put("K", 7.0))
    check(lambda x: sum([x * K for _ in range(2)]), put("K", 8.0))


def test_nested_containers():
    f = lambda x: x * TABLE["w"] + TABLE["deep"]["list"][1][0] * len(TABLE["deep"]["list"])  # noqa: E731
    check(
        f,
        lambda: TABLE.update(w=2.5),
        lambda: TABLE["deep"]["list"].__setitem__(1, (5.0, 3.0)),
        lambda: TABLE["deep"]["list"].append(1),
        lambda: TABLE.update(deep={"list": [0.0, (4.0,)]}),
    )
    order = OrderedDict(a=1.0, b=2.0)
    check(lambda x: x * next(iter(order.values())), lambda: order.move_to_end("a"))
    plain = {"a": 1.0, "b": 2.0}
    check(lambda x: x * next(iter(plain.values())), lambda: plain.update(a=plain.pop("a")))
    numbers, queue, group = {1: 2.0, 2: 3.0}, deque([1.0, 2.0]), {1.0, 2.0}
    check(lambda x: x * numbers[1], lambda: numbers.update({1: 5.0}))
    check(lambda x: x * queue[0], lambda: queue.rotate(1))
    check(lambda x: x * sum(group), lambda: group.add(7.0))
    keyed = {(1, 2): 2.0}
    check(lambda x: x * keyed[1, 2], lambda: keyed.update({(1, 2): 5.0}))


def test_closures_that_are_rebound():
    k, factor = 2.0, [1.0]

    def inner(x: Any) -> Any:
        return x * k + factor[0]

    def rebind(value: Any) -> Any:
        def change() -> None:
            nonlocal k
            k = value

        return change

    check(inner, rebind(3.0), lambda: factor.__setitem__(0, 9.0), rebind(-1))
    check(lambda x: inner(x) * 2, rebind(5.0))


def test_defaults_partials_decorators_and_redefined_code():
    def f(x: Any, k: float = 2.0, *, j: float = 1.0) -> Any:
        return x * k + j

    def g(x: Any, k: float = 7.0) -> Any:
        return x - k

    check(f, lambda: setattr(f, "__defaults__", (3.0,)), lambda: f.__kwdefaults__.update(j=5.0))
    check(lambda x: f(x), lambda: setattr(f, "__defaults__", (4.0,)), lambda: setattr(f, "__kwdefaults__", {"j": 6.0}))
    check(lambda x: g(x), lambda: setattr(g, "__code__", (lambda x, k: x + k).__code__))
    part = partial(f, k=2.5)
    check(lambda x: part(x), lambda: part.keywords.update(k=4.5))

    def decorated(h: Any) -> Any:
        @wraps(h)
        def wrapper(*args: Any) -> Any:
            return h(*args) * K

        return wrapper

    check(decorated(lambda x: x + K), put("K", 3.5))
    check(torch.no_grad()(lambda x: x + K), put("K", 4.5))
    check(lru_cache(lambda x: x) and (lambda x: x + K), put("K", 5.5))


def test_attributes_of_objects_classes_slots_and_modules():
    c, s, space = Config(), Slotted(2.0), types.SimpleNamespace(k=1.0)
    check(lambda x: x * c.k, lambda: setattr(c, "k", 3.0), lambda: c.__dict__.update(k=4.0))
    check(lambda x: x * c.twice, lambda: setattr(c, "k", 5.0))
    check(lambda x: x * c.scale, lambda: setattr(Config, "scale", 6.0), lambda: setattr(c, "scale", 7.0))
    check(lambda x: x * s.k, lambda: setattr(s, "k", 3.0))
    check(lambda x: x * space.k, lambda: setattr(space, "k", 3.0))
    c.inner = Config(k=1.0, inner=[Config(k=2.0)])
    check(
        lambda x: x * c.inner.inner[0].k,
        lambda: setattr(c.inner.inner[0], "k", 8.0),
        lambda: c.inner.inner.insert(0, Config(9.0)),
    )
    check(lambda x: x * getattr(c, "k"), lambda: setattr(c, "k", 9.0))  # noqa: B009
    name = "k"
    check(lambda x: x * vars(c)[name], lambda: setattr(c, "k", 10.0))
    check(lambda x: x * (2.0 if hasattr(space, "extra") else 3.0), lambda: setattr(space, "extra", 1))


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(2)])
        self.dropout = nn.Dropout(0.5)
        self.k, self.on, self.table = 2.0, True, {"act": torch.tanh}
        self.register_buffer("shift", torch.ones(3))

    def forward(self, x: Any) -> Any:
        x = torch.as_tensor(x)
        for layer in self.layers:
            x = self.table["act"](layer(x))
        x = self.dropout(x) if not self.training else x
        return x * self.k + self.shift if self.on else x

    def extra(self, x: Any) -> Any:
        return self(x) + self.k


@pytest.mark.parametrize("way", ["module", "method", "lambda", "forward"])
def test_modules(way: str):
    torch.manual_seed(0)
    m = Model()
    f = {"module": m, "method": m.extra, "lambda": lambda x: m(x) * 2, "forward": m.forward}[way]
    hooks: list[Any] = []
    check(
        f,
        lambda: setattr(m, "k", 10.0),
        lambda: setattr(m, "on", False),
        lambda: setattr(m, "on", True),
        m.eval,
        m.train,
        m.eval,
        lambda: setattr(m, "shift", torch.zeros(3)),
        lambda: m.table.update(act=torch.sin),
        lambda: setattr(m.layers[0], "weight", nn.Parameter(torch.ones(3, 3))),
        lambda: m.layers[1].weight.data.fill_(2.0),
        lambda: setattr(m.layers[1], "bias", None),
        lambda: m.layers.append(nn.Linear(3, 3)),
        lambda: hooks.append(m.layers[0].register_forward_hook(lambda module, args, out: out * K)),
        put("K", 11.0),
        lambda: hooks.pop().remove(),
        lambda: setattr(m, "dropout", nn.Identity()),
        lambda: setattr(m.layers[0], "forward", lambda x: x * 3),
    )


def test_layers_of_ours_read_their_options_anew():
    norm = nn.BatchNorm1d(3)
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    check(lambda x: norm.eval()(torch.as_tensor(x)), lambda: setattr(norm, "eps", 0.5), x=x)
    pool = nn.Sequential(nn.Linear(3, 3), nn.LeakyReLU(0.5))
    check(
        lambda x: pool(torch.as_tensor(x)),
        lambda: setattr(pool[1], "negative_slope", 0.25),
        lambda: setattr(pool, "1", nn.Tanh()),
        x=x,
    )


def test_arrays_of_numpy_outside():
    w = WEIGHTS.copy()
    c = Config(inner=w)
    check(lambda x: x * torch.as_tensor(w) if isinstance(x, Tensor) else x * torch.tensor(w), lambda: w.__setitem__(0, 9.0))
    check(lambda x: x * float(w[1]), lambda: w.__setitem__(1, 9.0), lambda: w.fill(-0.0))
    check(lambda x: x * float(c.inner.sum()), lambda: w.__setitem__(2, 9.0), lambda: setattr(c, "inner", np.ones(2)))


def test_the_default_dtype_and_the_mode():
    f = torch.compile(lambda x: x + torch.tensor(0.1))
    g = torch.compile(lambda x: x * (2.0 if torch.is_grad_enabled() else 3.0))
    ints = np.arange(3)
    for _ in range(2):
        assert f(ints).dtype == np.float32
        torch.set_default_dtype(torch.float64)
        try:
            assert f(ints).dtype == np.float64
        finally:
            torch.set_default_dtype(torch.float32)
    for _ in range(3):
        assert g(X).tolist() == (X * 2).tolist()
        with torch.no_grad():
            assert g(X).tolist() == (X * 3).tolist() and g(torch.tensor(X)).tolist() == (X * 3).tolist()


def scaled(p: Any) -> None:
    p.grad.mul_(4)


def test_hooks_of_tensors_outside() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    @torch.compile
    def both() -> Any:
        x.grad = None
        x.square().sum().backward()
        assert x.grad is not None
        return x.grad.clone(), torch.autograd.grad((x * 3).sum(), x)[0]

    def found() -> list[Any]:
        return [g.tolist() for g in both()]

    for _ in range(2):
        assert found() == [[2.0, 4.0], [3.0, 3.0]]
    first = x.register_hook(lambda g: g * 10)
    assert found() == [[20.0, 40.0], [30.0, 30.0]]
    after = x.register_post_accumulate_grad_hook(scaled)
    assert found() == [[80.0, 160.0], [30.0, 30.0]]
    first.remove()
    assert found() == [[8.0, 16.0], [3.0, 3.0]]
    after.remove()
    assert found() == [[2.0, 4.0], [3.0, 3.0]]


def test_hooks_of_arguments() -> None:
    factor = 5.0

    @torch.compile
    def both(x: Any) -> Any:
        x.square().sum().backward()
        return torch.autograd.grad((x * 3).sum(), x)[0]

    def found(*hooks: Any, after: Any = None) -> list[Any]:
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        for hook in hooks:
            x.register_hook(hook)
        if after is not None:
            x.register_post_accumulate_grad_hook(after)
        gradient = both(x)
        assert x.grad is not None
        return [x.grad.tolist(), gradient.tolist()]

    def by_factor(g: Any) -> Any:
        return g * factor

    assert found() == [[2.0, 4.0], [3.0, 3.0]]
    assert found(by_factor) == [[10.0, 20.0], [15.0, 15.0]]
    factor = 7.0
    assert found(by_factor) == [[14.0, 28.0], [21.0, 21.0]]
    assert found(by_factor, lambda g: g + 1) == [[15.0, 29.0], [22.0, 22.0]]
    assert found(after=scaled) == [[8.0, 16.0], [3.0, 3.0]]
    assert found() == [[2.0, 4.0], [3.0, 3.0]]


def test_flags_of_tensors_that_are_only_looked_at() -> None:
    p = torch.tensor([1.0, 2.0], requires_grad=True)

    @torch.compile
    def penalty(x: Any) -> Any:
        total = x.sum()
        if p.requires_grad:
            total = total + p.square().sum()
        return total if p.is_leaf else total + 100

    x = torch.ones(2)
    for frozen in (True, False, True, False):
        p.requires_grad_(not frozen)
        assert penalty(x).item() == (2 if frozen else 7)
    p = p * 2
    assert penalty(x).item() == 122


def test_buffers_added_to_a_plain_module() -> None:
    m = nn.Module()

    @torch.compile
    def shifted(x: Any) -> Any:
        return x + m.shift if hasattr(m, "shift") else x

    x = torch.ones(2)
    assert shifted(x).tolist() == [1.0, 1.0]
    m.register_buffer("shift", torch.ones(2))
    assert shifted(x).tolist() == [2.0, 2.0]
    del m.shift
    assert shifted(x).tolist() == [1.0, 1.0]
