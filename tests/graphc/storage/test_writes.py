"""Every in-place method writes NumPy's value into the tensor itself, through a view into its base, and keeps the dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.ops.methods.in_place import INPLACE

X = np.array([[0.25, -0.5, 0.75], [-0.125, 0.625, 0.875]])
P = np.abs(X)
Y = np.array([[2.0, -1.5, 0.5], [0.25, 3.0, -2.0]])
N, J = np.array([[6, -3, 2], [1, 0, 5]]), np.array([[3, 2, 1], [7, 4, 2]])
B, C = X > 0, Y > 0
T = G.tensor


def index_copied() -> Any:
    want = X.copy()
    want[:, [2, 0]] = Y[:, :2]
    return want


def scattered(add: bool) -> Any:
    want = X.copy()
    for r, c in ((0, 1), (0, 2), (1, 0), (1, 2)):
        column = {(0, 1): 0, (0, 2): 1, (1, 0): 0, (1, 2): 1}[(r, c)]
        want[r, c] = Y[r, column] + (X[r, c] if add else 0)
    return want


def put(values: Any) -> Any:
    want = X.copy()
    want.flat[[1, -1]] = values
    return want


AT = np.array([[1, 2], [0, 2]])
erf = np.vectorize(math.erf)
CASES: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "abs": (X, (), P), "absolute": (X, (), P),
    "acos": (X, (), np.arccos(X)), "acosh": (1 + P, (), np.arccosh(1 + P)), "asin": (X, (), np.arcsin(X)),
    "asinh": (X, (), np.arcsinh(X)), "atan": (X, (), np.arctan(X)), "atanh": (X, (), np.arctanh(X)),
    "add": (X, (Y,), X + Y), "addcdiv": (X, (Y, P), X + Y / P), "addcmul": (X, (Y, P), X + Y * P),
    "atan2": (X, (Y,), np.arctan2(X, Y)),
    "bitwise_and": (N, (J,), N & J), "bitwise_or": (N, (J,), N | J), "bitwise_xor": (N, (J,), N ^ J),
    "bitwise_not": (N, (), ~N),
    "ceil": (Y * 0.6, (), np.ceil(Y * 0.6)), "floor": (Y * 0.6, (), np.floor(Y * 0.6)),
    "round": (Y * 0.6, (), np.round(Y * 0.6)), "trunc": (Y * 0.6, (), np.trunc(Y * 0.6)),
    "frac": (Y * 0.6, (), Y * 0.6 - np.trunc(Y * 0.6)),
    "clamp": (Y, (-1.0, 1.0), np.clip(Y, -1, 1)), "clip": (Y, (-1.0, 1.0), np.clip(Y, -1, 1)),
    "clamp_max": (Y, (0.5,), np.minimum(Y, 0.5)), "clamp_min": (Y, (0.5,), np.maximum(Y, 0.5)),
    "copysign": (X, (Y,), np.copysign(X, Y)), "cos": (X, (), np.cos(X)), "cosh": (X, (), np.cosh(X)),
    "digamma": (np.array([1.0, 2.0]), (), np.array([-0.5772156649015329, 0.42278433509846713])),
    "lgamma": (np.array([5.0, 0.5]), (), np.log([24.0, math.sqrt(math.pi)])),
    "cumprod": (Y, (1,), np.cumprod(Y, 1)), "cumsum": (Y, (0,), np.cumsum(Y, 0)),
    "div": (X, (Y,), X / Y), "divide": (X, (Y,), X / Y), "true_divide": (X, (Y,), X / Y),
    "eq": (N, (J,), (N == J).astype(np.int64)), "ne": (N, (J,), (N != J).astype(np.int64)),
    "ge": (N, (J,), (N >= J).astype(np.int64)), "gt": (N, (J,), (N > J).astype(np.int64)),
    "le": (N, (J,), (N <= J).astype(np.int64)), "lt": (N, (J,), (N < J).astype(np.int64)),
    "erf": (X, (), erf(X)), "exp": (X, (), np.exp(X)), "exp2": (X, (), np.exp2(X)), "expm1": (X, (), np.expm1(X)),
    "floor_divide": (Y, (0.4,), np.floor_divide(Y, 0.4)), "fmod": (Y, (0.4,), np.fmod(Y, 0.4)),
    "remainder": (Y, (0.4,), np.mod(Y, 0.4)), "hypot": (X, (Y,), np.hypot(X, Y)),
    "index_add": (X, (1, np.array([2, 2]), Y[:, :2]), X + np.stack([0 * X[:, 0], 0 * X[:, 0], Y[:, 0] + Y[:, 1]], 1)),
    "index_copy": (X, (1, np.array([2, 0]), Y[:, :2]), index_copied()),
    "index_fill": (X, (1, np.array([0, 2]), 7.0), np.stack([0 * X[:, 0] + 7, X[:, 1], 0 * X[:, 0] + 7], 1)),
    "index_put": (X, ((np.array([0, 1]), np.array([2, 0])), np.array([8.0, 9.0])),
                  np.array([[0.25, -0.5, 8.0], [9.0, 0.625, 0.875]])),
    "lerp": (X, (Y, 0.25), X + 0.25 * (Y - X)),
    "log": (P, (), np.log(P)), "log10": (P, (), np.log10(P)), "log1p": (P, (), np.log1p(P)), "log2": (P, (), np.log2(P)),
    "logical_and": (B, (C,), B & C), "logical_or": (B, (C,), B | C), "logical_xor": (B, (C,), B ^ C),
    "logical_not": (B, (), ~B), "logit": (P, (), np.log(P / (1 - P))),
    "masked_fill": (X, (C, 3.0), np.where(C, 3.0, X)),
    "mul": (X, (Y,), X * Y), "multiply": (X, (Y,), X * Y),
    "nan_to_num": (np.where(B, X, np.nan), (2.0,), np.where(B, X, 2.0)),
    "neg": (X, (), -X), "negative": (X, (), -X), "pow": (P, (3,), P**3), "reciprocal": (Y, (), 1 / Y),
    "relu": (X, (), np.maximum(X, 0)), "rsqrt": (P, (), 1 / np.sqrt(P)),
    "scatter": (X, (1, AT, Y[:, :2]), scattered(add=False)), "scatter_add": (X, (1, AT, Y[:, :2]), scattered(add=True)),
    "scatter_reduce": (X, (1, AT, Y[:, :2], "sum"), scattered(add=True)), "renorm": (X, (2, 0, 9.0), X),
    "masked_scatter": (X, (C, Y[C]), np.where(C, Y, X)), "put": (X, (np.array([1, -1]), Y[0, :2]), put(Y[0, :2])),
    "index_reduce": (X, (1, np.array([0]), Y[:, :1], "prod"), np.concatenate([X[:, :1] * Y[:, :1], X[:, 1:]], 1)),
    "addmm": (X[:, :2], (Y[:, :2], P[:, :2]), X[:, :2] + Y[:, :2] @ P[:, :2]),
    "addmv": (X[:, 0], (Y, P[0]), X[:, 0] + Y @ P[0]),
    "addr": (X, (Y[:, 0], P[0]), X + np.outer(Y[:, 0], P[0])),
    "baddbmm": (X[None], (Y[None, :, :2], P[None, :2, :]), (X + Y[:, :2] @ P[:2])[None]),
    "addbmm": (X, (np.stack([Y[:, :2]] * 2), np.stack([P[:2]] * 2)), X + 2 * (Y[:, :2] @ P[:2])),
    "arccos": (X, (), np.arccos(X)), "arcsin": (X, (), np.arcsin(X)), "arctan": (X, (), np.arctan(X)),
    "arctan2": (X, (Y,), np.arctan2(X, Y)), "arccosh": (1 + P, (), np.arccosh(1 + P)), "arcsinh": (X, (), np.arcsinh(X)),
    "arctanh": (X, (), np.arctanh(X)), "bitwise_left_shift": (N, (J,), N << J), "bitwise_right_shift": (N, (J,), N >> J),
    "deg2rad": (Y, (), np.deg2rad(Y)), "rad2deg": (Y, (), np.rad2deg(Y)), "float_power": (P, (2.5,), P**2.5),
    "greater": (N, (J,), (N > J).astype(np.int64)), "greater_equal": (N, (J,), (N >= J).astype(np.int64)),
    "less": (N, (J,), (N < J).astype(np.int64)), "less_equal": (N, (J,), (N <= J).astype(np.int64)),
    "not_equal": (N, (J,), (N != J).astype(np.int64)), "heaviside": (X, (Y,), np.heaviside(X, Y)), "sgn": (X, (), np.sign(X)),
    "sinc": (X, (), np.sinc(X)), "fix": (Y, (), np.trunc(Y)), "gcd": (N, (J,), np.gcd(N, J)), "lcm": (N, (J,), np.lcm(N, J)),
    "ldexp": (X, (J,), np.ldexp(X, J)), "nextafter": (X, (Y,), np.nextafter(X, Y)),
    "erfc": (X, (), 1 - erf(X)), "erfinv": (erf(X), (), X), "i0": (X, (), np.i0(X)),
    "polygamma": (1 + 0 * P, (1,), 0 * P + np.pi**2 / 6),
    "mvlgamma": (3 + 0 * P, (1,), 0 * P + math.log(2)), "igamma": (1 + 0 * P, (P,), 1 - np.exp(-P)),
    "igammac": (1 + 0 * P, (P,), np.exp(-P)),
    "sigmoid": (X, (), 1 / (1 + np.exp(-X))), "sign": (X, (), np.sign(X)), "sin": (X, (), np.sin(X)),
    "sinh": (X, (), np.sinh(X)), "sqrt": (P, (), np.sqrt(P)), "square": (X, (), X * X),
    "sub": (X, (Y,), X - Y), "subtract": (X, (Y,), X - Y), "tan": (X, (), np.tan(X)), "tanh": (X, (), np.tanh(X)),
    "tril": (X, (), np.tril(X)), "triu": (X, (), np.triu(X)), "xlogy": (X, (P,), X * np.log(P)),
}  # fmt: skip


def given(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(given(v) for v in value)
    return T(value) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("name", INPLACE)
def test_in_place(name: str) -> None:
    start, arguments, want = CASES[name]
    x = T(start)
    result = getattr(x, f"{name}_")(*map(given, arguments))
    assert result is x and x.dtype == T(start).dtype
    np.testing.assert_allclose(x.numpy(), want, rtol=1e-12)


@pytest.mark.parametrize("name", INPLACE)
def test_in_place_through_a_view(name: str) -> None:
    start, arguments, want = CASES[name]
    base = T(np.stack([start, start, start]))
    getattr(base[1], f"{name}_")(*map(given, arguments))
    np.testing.assert_allclose(base[1].numpy(), want, rtol=1e-12)
    np.testing.assert_array_equal(base[0].numpy(), start)
    np.testing.assert_array_equal(base[2].numpy(), start)


@pytest.mark.parametrize("name", INPLACE)
def test_in_place_in_compiled_functions(name: str) -> None:
    start, arguments, want = CASES[name]
    x = T(start)

    @G.compile
    def write(x: Any) -> None:
        getattr(x, f"{name}_")(*map(given, arguments))

    write(x)
    np.testing.assert_allclose(x.numpy(), want, rtol=1e-11)
