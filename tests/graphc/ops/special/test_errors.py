"""Special functions at points of all their branches: values and derivatives are those of mpmath.

values.json has, for each function, points with the value and the derivative, computed with 50 digits.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity

EXPECTED = json.loads((Path(__file__).parent / "values.json").read_text(encoding="utf-8"))
WAVES = ("bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai", "spherical_bessel_j0")
INF, NAN = math.inf, math.nan


def function(name: str) -> Any:
    """Return the function of a row: a number at the end of its name is its first argument."""
    stem = name.rstrip("0123456789.") if name.startswith(("poly", "zeta", "gammainc")) else name
    first = name[len(stem) :]
    found = getattr(G.special, stem)
    return (lambda x: found(int(first) if stem == "polygamma" else float(first), x)) if first else found


def assert_near(actual: Any, wanted: Any, tolerance: float, absolute: float) -> None:
    np.testing.assert_allclose(np.asarray(actual.detach()), wanted, rtol=tolerance, atol=absolute)


@pytest.mark.parametrize("mode", ["eager", "compiled"])
@pytest.mark.parametrize("name", EXPECTED)
def test_values_and_slopes(name: str, mode: str) -> None:
    points, values, slopes = np.array(EXPECTED[name]).T
    f = function(name)
    slope = lambda x: G.func.grad(lambda x: f(x).sum())(x)  # noqa: E731
    run, slope = (G.compile(f), G.compile(slope)) if mode == "compiled" else (f, slope)
    absolute = 4e-15 if name in WAVES else 0
    assert_near(run(G.tensor(points)), values, 1e-13 if name.startswith(("gammainc", "airy")) else 4e-15, absolute)
    assert_near(slope(G.tensor(points)), slopes, 4e-13, 4e-15)
    single = points.astype(np.float32)
    few = np.abs(single - points) <= 0  # points that are float32 numbers
    with np.errstate(over="ignore", under="ignore"):
        known = few & (np.abs(values) < 3e38) & (np.abs(values) > 1e-37)
    assert_near(run(G.tensor(single))[G.tensor(known)], values[known].astype(np.float32), 2e-7, absolute)


def test_edges() -> None:
    def at(f: Any, *points: float) -> list[float]:
        return f(G.tensor(points, dtype=G.float64)).tolist()

    s = G.special
    assert at(s.erfc, INF, -INF, 40.0) == [0, 2, 0] and at(s.erfcx, INF, -INF, -27.0) == [0, INF, INF]
    assert at(s.erfinv, 1.0, -1.0, 0.0) == [INF, -INF, 0] and at(s.ndtri, 0.0, 1.0, 0.5) == [-INF, INF, 0]
    assert at(s.ndtr, INF, -INF) == [1, 0] and at(s.log_ndtr, INF, -INF) == [0, -INF]
    assert at(s.bessel_j0, 0.0, INF) == [1, 0] and at(s.bessel_y1, 0.0, INF) == [-INF, 0]
    assert at(s.i0, 0.0, -INF, 714.0) == [1, INF, INF] and at(s.i1, -INF) == [-INF] and at(s.i1e, 0.0, INF) == [0, 0]
    assert at(s.modified_bessel_i0, 1.0) == at(s.i0, 1.0) and at(s.modified_bessel_i1, 1.0) == at(s.i1, 1.0)
    assert at(s.modified_bessel_k1, 0.0, INF) == [INF, 0] and at(s.scaled_modified_bessel_k0, 0.0) == [INF]
    assert at(s.entr, 0.0, INF) == [0, -INF] and at(s.entr, -1.0) == [-INF]
    assert at(lambda x: s.zeta(x, 1), 1.0) == [INF] and at(lambda q: s.zeta(2, q), 0.0, -3.0) == [INF, INF]
    undefined = [
        (s.erfinv, 1.5),
        (s.ndtri, -0.1),
        (s.bessel_y0, -1.0),
        (s.modified_bessel_k0, -1.0),
        (lambda x: s.zeta(x, 1), 0.5),
    ]
    assert all(math.isnan(at(f, x)[0]) for f, x in undefined)
    for name in EXPECTED:
        assert math.isnan(at(function(name), NAN)[0])


def test_torch_agrees_and_second_derivatives() -> None:
    x = np.random.default_rng(0).uniform(0.1, 0.9, (2, 5))
    for name in ("erfc", "erfcx", "erfinv", "ndtr", "ndtri", "log_ndtr", "i0", "i0e", "i1", "i1e", "entr"):
        parity.assert_same(lambda t, n=name: lambda x: getattr(t.special, n)(x), x)
        parity.assert_same(lambda t, n=name: lambda x: getattr(t.special, n)(x), x.astype(np.float32), rtol=1e-5)
        parity.assert_same(lambda t, n=name: lambda x: getattr(t.special, n)(x), np.array([0, 1]), rtol=1e-6)
        parity.assert_second(lambda x, n=name: getattr(G.special, n)(x), x)
    for name in ("erfc", "erfinv", "i0"):
        parity.assert_same(lambda t, n=name: lambda x: getattr(t, n)(x) + getattr(x, n)(), x)
    for name in ("bessel_j1", "bessel_y0", "modified_bessel_k1", "scaled_modified_bessel_k0", "airy_ai", "spherical_bessel_j0"):
        parity.assert_second(lambda x, n=name: getattr(G.special, n)(x), x)
    assert G.func.vmap(G.func.grad(G.special.erfinv))(G.tensor([0.0])).item() == pytest.approx(math.sqrt(math.pi) / 2)


def test_two_arguments() -> None:
    rng = np.random.default_rng(1)
    a, x = rng.uniform(0.1, 20, (3, 1)), rng.uniform(0.1, 20, 4)
    for name in ("gammainc", "gammaincc", "zeta"):
        parity.assert_same(lambda t, n=name: lambda a, x: getattr(t.special, n)(a.detach() + 1, x), a, x, rtol=1e-8)
    parity.assert_second(lambda x: (G.igamma(2.5, x), G.igammac(2.5, x), G.special.zeta(2.5, x), x.polygamma(2)), x / 10)
    assert G.func.grad(lambda a: G.special.gammainc(a, 1.0))(G.tensor(2.0)).isnan()
    edges = np.array([0.0, 1, 1, 0, -1, 1, INF, INF, 1, NAN, 3]), np.array([0.0, 0, INF, 1, 1, -1, 1, INF, 1, 1, 0])
    parity.assert_same(lambda t: lambda a, x: (t.igamma(a.detach(), x.detach()), t.igammac(a.detach(), x.detach())), *edges)
    grid = np.array([[p, q] for p in (0.0, 1, -2, INF, NAN) for q in (-1.0, 0, 0.5, -2, INF, NAN)])
    parity.assert_same(lambda t: lambda a, x: t.special.xlog1py(a, x), grid[:, 0], grid[:, 1])
    large = G.special.gammainc(1e6, G.tensor([997000.0, 1e6, 992000.0], dtype=G.float64))
    np.testing.assert_allclose(large.numpy(), [0.0013381041673135997, 0.5001329807608725, 5.24012281543083e-16], rtol=2e-14)


@pytest.mark.parametrize("p", [1, 2, 4])
def test_multivariate_gamma(p: int) -> None:
    x = np.random.default_rng(2).uniform(2, 9, 5)
    parity.assert_same(lambda t: lambda x: (t.mvlgamma(x, p), t.special.multigammaln(x, p), x.polygamma(0)), x)
    parity.assert_same_error(lambda t: t.mvlgamma(t.ones(2), 0))
    parity.assert_same_error(lambda t: t.polygamma(-1, t.ones(2)))
