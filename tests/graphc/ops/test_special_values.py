"""Values and gradients of elementwise functions at special points: zeros, edges of domains, tiny and huge numbers, inf, NaN.

What is expected stands in special_values.json: torch's results, but where torch loses digits, underflows or overflows
early the exact ones, and "-" where none is asked for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.nn import functional as F

EXPECTED = json.loads((Path(__file__).parent / "special_values.json").read_text(encoding="utf-8"))
NAMES = list(dict.fromkeys(key.split()[0] for key in EXPECTED))
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-12}


def operands(two: bool, dtype: Any) -> list[Any]:
    """Return the points that the file is about: each value, or each against each."""
    info, huge = np.finfo(dtype), 1e30 if dtype is np.float32 else 1e200
    overflow, tiny = 89.0 if dtype is np.float32 else 710.0, float(info.smallest_subnormal)
    one = [0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0, 10.0, overflow, 1e-4, 1e-20, tiny, float(info.max), np.inf]
    pair = [0.0, 0.5, 1.0, 2.0, tiny, huge, np.inf]
    points = pair if two else one
    values = np.array([*points, *(-p for p in points), np.nan], dtype)
    return [v.ravel() for v in np.meshgrid(values, values, indexing="ij")] if two else [values]


def function(name: str) -> Any:
    if name == "clamp":
        return lambda x: G.clamp(x, -1, 2)
    if not name.startswith("F."):
        return getattr(G, name)
    loss = getattr(F, name[2:])
    return (lambda x, y: loss(x, y, reduction="none")) if "loss" in name or "logits" in name else loss


def expected(name: str, dtype: Any) -> list[Any]:
    rows = EXPECTED[f"{name} {dtype.__name__}"]
    return [None if r is None else r.split() for r in rows]


def everything(names: list[str], *xs: Any) -> list[Any]:
    """Return the values and gradients of all functions; None where there is no gradient."""
    found = []
    for name in names:
        y = function(name)(*xs)
        slopes = G.autograd.grad(y, xs, G.ones_like(y), allow_unused=True) if y.requires_grad else [None] * len(xs)
        found.append([y, *slopes])
    return found


def compare(name: str, dtype: Any, found: list[Any], places: slice | int = slice(None)) -> None:
    for kind, (got, row) in enumerate(zip(found, expected(name, dtype), strict=True)):
        if row is None or got is None:
            continue
        wanted = np.atleast_1d(np.array(row)[places])
        known = wanted != "-"
        want, have = wanted[known].astype(np.float64), np.atleast_1d(got.detach().numpy())[known]
        rtol = TOLERANCE[dtype] * (10 if kind else 1)
        atol = 8 * float(np.finfo(dtype).smallest_subnormal)
        message = f"{name} {dtype.__name__} {('value', 'd1', 'd2')[kind]}"
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(have, want.astype(dtype), rtol=rtol, atol=atol, err_msg=message)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("two", [False, True], ids=["one operand", "two operands"])
@pytest.mark.parametrize("mode", ["eager", "vectors", "scalars"])
def test_special_points(dtype: Any, two: bool, mode: str) -> None:
    names = [n for n in NAMES if (len(expected(n, dtype)) == 3) is two]
    arrays = operands(two, dtype)
    run = everything if mode == "eager" else G.compile(everything)
    if mode == "scalars":
        for i in range(0, len(arrays[0]), 7 if two else 1):
            found = run(names, *(G.tensor(a[i]).requires_grad_() for a in arrays))
            for name, results in zip(names, found, strict=True):
                compare(name, dtype, results, i)
        return
    found = run(names, *(G.tensor(a).requires_grad_() for a in arrays))
    for name, results in zip(names, found, strict=True):
        compare(name, dtype, results)


def test_derivatives_of_derivatives_at_special_points() -> None:
    x = G.tensor([0.0, 1e-3, 0.25], dtype=G.float64, requires_grad=True)
    for f, second in ((G.sinc, -np.pi**2 / 3), (G.cosh, 1.0), (G.sinh, 0.0), (G.asinh, 0.0), (G.atanh, 0.0), (G.acos, 0.0)):
        (slope,) = G.autograd.grad(f(x).sum(), x, create_graph=True)
        (bend,) = G.autograd.grad(slope.sum(), x)
        assert bend[0].item() == pytest.approx(second, abs=1e-12)


def test_forward_mode_takes_the_same_rules() -> None:
    for f in (G.sinc, G.acos, G.atanh, G.cosh, lambda x: G.atan2(x, x * 0 + 1), lambda x: G.clamp(x, -0.5, 0.5)):
        x = G.tensor([0.0, 0.5, -0.25], dtype=G.float64)
        _, forward = G.func.jvp(f, (x,), (G.ones_like(x),))
        assert G.allclose(forward, G.func.grad(lambda x, f=f: f(x).sum())(x))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_roots_of_minus_infinity_and_minus_zero_are_those_of_c(shape: tuple[int, ...], dtype: Any) -> None:
    for x, root in ((-np.inf, np.inf), (-0.0, 0.0), (np.inf, np.inf), (4.0, 2.0)):
        base, exponent = np.full(shape, x, dtype), np.full(shape, 0.5, dtype)
        for one in (exponent, np.broadcast_to(dtype(0.5), shape)):
            for f in (G.pow, G.compile(G.pow)):
                found = f(G.tensor(base), G.tensor(one)).numpy()
                np.testing.assert_array_equal(found, np.full(shape, root, dtype))
                assert not np.signbit(found).any()
