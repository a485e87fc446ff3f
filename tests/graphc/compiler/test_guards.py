"""A compiled function never uses a Python value that has changed since it was traced."""

from __future__ import annotations

import copy
import enum
import math
import pickle
import random
import types
import warnings
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial, wraps
from typing import Any, ClassVar

import numpy as np
import pytest

import graphc as torch
from graphc import nn
from graphc.compiler.guards.equality import by_value, exact
from graphc.tensors.tensor import Tensor

X = np.arange(1.0, 4.0, dtype=np.float32)
K = 2.0
FLAG = True
TABLE: dict[str, Any] = {"w": 1.5, "deep": {"list": [1.0, (2.0, 3.0)]}}
WEIGHTS = np.array([1.0, 2.0, 3.0], np.float32)


def helper(x: Any) -> Any:
    return x * K


class Mode(enum.Enum):
    DOUBLE = 2
    TRIPLE = 3


MODE = Mode.DOUBLE


@dataclass
class Config:
    k: float = 2.0
    inner: Any = None
    scale: ClassVar[float] = 1.0

    @property
    def twice(self) -> float:
        return self.k * 2

    @cached_property
    def thrice(self) -> float:
        return 3.0


class Slotted:
    __slots__ = ("k",)

    def __init__(self, k: float) -> None:
        self.k = k


def plain(x: Any) -> Any:
    return x.detach().numpy() if isinstance(x, Tensor) else x


def check(f: Any, *changes: Any, x: Any = X, calls: int = 3) -> None:
    """Compare a compiled function with the function itself, on arrays and tensors, while Python values change."""
    for made in (lambda: x, lambda: torch.tensor(x)):
        compiled = torch.compile(f)
        for change in (lambda: None, *changes):
            change()
            for _ in range(calls):
                np.testing.assert_allclose(plain(compiled(made())), plain(f(made())), rtol=1e-6)


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


def put(name: str, value: Any) -> Any:
    return lambda: globals().__setitem__(name, value)


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


def test_arguments_are_told_apart_by_what_a_trace_sees():
    def f(x: Any, k: Any) -> Any:
        k = k[0] if isinstance(k, (tuple, list)) else k.get(0) if isinstance(k, dict) else k
        return torch.copysign(torch.ones(3, dtype=torch.float64), torch.as_tensor(x) * k)

    compiled = torch.compile(f)
    for k in (
        0.0,
        -0.0,
        (0.0,),
        (-0.0,),
        [-0.0],
        {0: -0.0},
        {0: 0.0},
        {0.0: -0.0},
        {False: 0.0},
        np.float32(-0.0),
        np.float32(0),
    ):
        assert np.array_equal(compiled(X, k), f(X, k)), k
        assert np.array_equal(compiled(X, k=k), f(X, k)), k
    g = lambda x, k: torch.as_tensor(x) * k + isinstance(k, bool)  # noqa: E731
    compiled = torch.compile(g)
    for k in (1, True, 1.0, 1, 2, False, 0, 0.0):
        found, wanted = compiled(np.arange(3), k), g(np.arange(3), k).numpy()
        assert found.dtype == wanted.dtype and np.array_equal(found, wanted)
    traces: list[int] = []
    h = torch.compile(lambda x, k: traces.append(1) or x * k)
    for _ in range(3):
        assert np.isnan(h(X, float("nan"))).all()
    assert len(traces) == 1
    keys = torch.compile(lambda d: next(iter(d.keys())) * d[1])
    assert type(keys({1: torch.ones(1)}).tolist()[0]) is float
    for d in ({1: 2}, {True: 2}, {1.0: 2}):
        assert type(torch.compile(lambda d: next(iter(d)))(d)) is type(next(iter(d)))
    f = torch.compile(lambda d: next(iter(d)))
    assert [type(f(d)) for d in ({1: 2}, {True: 2}, {1.0: 2})] == [int, bool, float]


def test_values_of_arguments_by_parts():
    assert by_value((1, -0.0)) != by_value((1, 0.0)) and by_value(1) != by_value(True) and by_value(1.0) != by_value(1)
    assert by_value(math.nan) == by_value(float("nan")) and by_value(complex(0, -0.0)) != by_value(0j)
    assert by_value(slice(1)) != by_value(slice(1.0)) and by_value(frozenset([1])) != by_value(frozenset([True]))
    assert exact([1, (2.0,)], [1, (2.0,)]) and not exact([1], [True]) and not exact((0.0,), (-0.0,))


def test_objects_passed_as_arguments():
    c = Config()
    f = torch.compile(lambda x, c: x * c.k)
    for k in (1.0, 2.0, 2.0, 3.0):
        with warnings.catch_warnings():
            object.__setattr__(c, "k", k)
            c.__class__.__hash__ = object.__hash__  # type: ignore[method-assign]
            assert f(X, c).tolist() == (X * k).tolist()
    m = nn.Linear(3, 1)
    g = torch.compile(lambda m, x: m(x))
    for scale in (1.0, 2.0):
        m.weight.data.mul_(scale)
        assert np.allclose(g(m, X), m(torch.tensor(X)).detach().numpy())
    h = torch.compile(lambda x, s: x[s])
    assert h(X, slice(1, None)).tolist() == [2, 3] and h(X, slice(2)).tolist() == [1, 2]


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


# -- aliases ----------------------------------------------------------------------------------------------------


def twice(f: Any, made: Any) -> None:
    """Compare results, and what a function leaves in its state, of compiled and plain calls."""
    (a, args_a), (b, args_b) = made(), made()
    compiled, plain = torch.compile(f(a)), f(b)
    for pick in args_a:
        found, wanted = compiled(*pick(a)), plain(*args_b[args_a.index(pick)](b))
        assert found.tolist() == wanted.tolist()
        assert [x.tolist() for x in a] == [x.tolist() for x in b]


PICKS = [
    lambda s: (torch.ones(4), torch.ones(4)),
    lambda s: (s[0], torch.ones(4)),
    lambda s: (s[0], s[0]),
    lambda s: (torch.ones(4), s[1]),
    lambda s: (s[0].detach(), s[1]),
    lambda s: (s[2][0], s[2][1]),
    lambda s: (s[2][0], s[2][0]),
    lambda s: (s[0][:], s[2][1]),
    lambda s: (s[1], s[0].view(4)),
    lambda s: (torch.ones(4), torch.ones(4)),
]


@pytest.mark.parametrize("seed", range(12))
def test_arguments_that_share_storage_with_state_and_with_each_other(seed: int):
    def states() -> list[Tensor]:
        return [torch.arange(4.0), torch.arange(4.0) + 1, torch.ones(3, 4)]

    writes = random.Random(seed).sample(["state", "row", "first", "second", "none", "twice"], 3)

    def function(s: list[Tensor]) -> Any:
        def f(x: Tensor, y: Tensor) -> Tensor:
            out = x * 2 + y
            if "state" in writes:
                s[0].add_(1)
            if "row" in writes:
                s[2][1].mul_(3)
            if "first" in writes:
                x.add_(y)
            if "second" in writes:
                y[1:3].sub_(x[:2])
            if "twice" in writes:
                s[1].copy_(s[0] + x)
            return out + x * 3 + y * 5 + s[0] + s[1] + s[2].sum(0)

        return f

    for order in range(3):
        picks = PICKS[:]
        random.Random(seed * 10 + order).shuffle(picks)
        a, b = states(), states()
        compiled, plain = torch.compile(function(a)), function(b)
        for pick in picks:
            assert compiled(*pick(a)).tolist() == plain(*pick(b)).tolist()
            assert [x.tolist() for x in a] == [x.tolist() for x in b]


def test_gradients_of_arguments_that_are_state():
    def step(w: Tensor) -> Any:
        def f(x: Tensor) -> Tensor:
            loss = (w * x).sum()
            loss.backward()
            return loss.detach()

        return f

    a, b = (torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    compiled, plain = torch.compile(step(a)), step(b)
    for pick in (lambda w: torch.ones(2), lambda w: w, lambda w: torch.ones(2), lambda w: w):
        assert compiled(pick(a)).tolist() == plain(pick(b)).tolist()
        assert a.grad.tolist() == b.grad.tolist()
    with pytest.raises(torch.TracingError, match="leads into the history of a tensor made outside"):
        compiled(a * 2)
    g = torch.compile(lambda x, y: torch.autograd.grad((x * y).sum(), x)[0])
    assert g(a, a).tolist() == [2, 4] and g(a, a.detach()).tolist() == [1, 2] and g(a, torch.ones(2)).tolist() == [1, 1]


# -- what cannot be guarded ---------------------------------------------------------------------------------------


def test_counters_and_logs_are_no_reason_to_trace_again():
    n, log, seen = 0, [], {"calls": 0}

    def f(x: Any) -> Any:
        nonlocal n
        n += 1
        log.append(1)
        seen["calls"] += 1
        return x * 2

    compiled = torch.compile(f)
    for _ in range(4):
        compiled(X)
    assert n == len(log) == seen["calls"] == 1


def test_a_number_that_the_function_changes_and_reads_is_right_and_said():
    class Stepper:
        def __init__(self) -> None:
            self.t = 0

        def step(self, x: Any) -> Any:
            self.t += 1
            return x * self.t

    a, b = Stepper(), Stepper()
    compiled = torch.compile(a.step)
    with pytest.warns(UserWarning, match="changes Python values that it reads"):
        for _ in range(6):
            assert compiled(X).tolist() == b.step(X).tolist()
    assert a.t == b.t == 6


@pytest.mark.parametrize("draw", [random.random, np.random.rand, lambda: float(np.random.standard_normal())])
def test_random_numbers_of_python_and_numpy_are_drawn_anew(draw: Any):
    compiled = torch.compile(lambda x: x * draw())
    with pytest.warns(UserWarning, match="draws random numbers"):
        found = {tuple(compiled(X).tolist()) for _ in range(5)}
    assert len(found) == 5
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled = torch.compile(lambda x: x * rng.random())
        assert len({tuple(compiled(X).tolist()) for _ in range(5)}) == 5


def test_a_cache_that_fills_at_the_first_call_settles():
    class Lazy:
        cache: Any = None
        traces: ClassVar[list[int]] = []

        def __call__(self, x: Any) -> Any:
            self.traces.append(1)
            if self.cache is None:
                self.cache = 3.0
            return x * self.cache

    f = torch.compile(Lazy())
    for _ in range(5):
        assert f(X).tolist() == (X * 3).tolist()
    assert len(Lazy.traces) == 2


# -- copies -------------------------------------------------------------------------------------------------------


@torch.compile
def known(x: Any) -> Any:
    """Doubles."""
    return x * 2


class Holder:
    k = 3.0

    @torch.compile
    def method(self, x: Any) -> Any:
        return x * self.k


def plain_function(x: Any) -> Any:
    return x + 1


def test_copies_and_pickles():
    assert copy.deepcopy(known)(X).tolist() == copy.copy(known)(X).tolist() == (X * 2).tolist()
    assert pickle.loads(pickle.dumps(known)) is known
    assert pickle.loads(pickle.dumps(Holder.method)) is Holder.method
    other = pickle.loads(pickle.dumps(torch.compile(plain_function, dynamic=False)))
    assert other(X).tolist() == (X + 1).tolist() and other._options.dynamic is False
    model = torch.compile(nn.Linear(3, 1))
    twin, loaded = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
    model.weight.data.zero_()
    assert twin.weight.abs().sum() > 0 and loaded.weight.abs().sum() > 0 and model(X).tolist() == model.bias.tolist()
    h = Holder()
    assert h.method(X).tolist() == (X * 3).tolist()
    h.k = 4.0
    assert h.method(X).tolist() == (X * 4).tolist() and copy.deepcopy(h).method(X).tolist() == (X * 4).tolist()
    h.step = torch.compile(h.method)  # type: ignore[attr-defined]
    twin = copy.deepcopy(h)
    twin.k = 5.0
    assert twin.step(X).tolist() == (X * 5).tolist() and h.step(X).tolist() == (X * 4).tolist()  # type: ignore[attr-defined]


@dataclass
class Ignored:
    k: float = field(default=1.0)
