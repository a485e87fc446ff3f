"""Values of arguments that a trace can tell apart."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

import graphc as torch
from graphc import nn
from graphc.compiler.guards.equality import by_value, exact
from tests.graphc.compiler.guarded import Config, X


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
