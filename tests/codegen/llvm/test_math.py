"""The math functions: accuracy over the whole range, special values, widths, and what machine code they become."""

from __future__ import annotations

import ctypes
import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.math import MATH, ULP
from graphc.codegen.llvm.target import host
from graphc.codegen.llvm.values import Value
from graphc.codegen.runtime.engine import MachineCode, compile_text

Array = np.ndarray[Any, Any]
TYPES: dict[str, tuple[str, Any, int]] = {"f32": ("float", np.float32, 16), "f64": ("double", np.float64, 8)}
UNARY = sorted(set(MATH) - {"pow"})
CASES = [(name, kind) for name in sorted(MATH) for kind in TYPES]
INF, NAN = math.inf, math.nan


def kernel_text(name: str, type: str, lanes: int) -> str:
    """Write a module whose one kernel applies a function to count elements (a multiple of lanes)."""
    module = Module()
    f = Function(module, "kernel", [("ptr", "a"), ("ptr", "b"), ("ptr", "out"), ("i64", "count")])
    a, b, out, count = f.args
    with f.loop(f.i64(0), count, lanes) as loop:
        values = [f.load(f.element(p, loop.index, type), type, lanes) for p in (a, b)]
        result = MATH[name](f, *values[: 2 if name == "pow" else 1])
        f.store(result, f.element(out, loop.index, type))
    f.ret()
    return str(module)


@functools.cache
def kernel(name: str, kind: str, lanes: int | None = None) -> tuple[MachineCode, Any]:
    type, _, wide = TYPES[kind]
    code = compile_text(kernel_text(name, type, lanes or wide))
    return code, ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)(code.address("kernel"))


def run(name: str, kind: str, *xs: Any, lanes: int | None = None) -> Array:
    """Apply a function to arrays of any length."""
    dtype = TYPES[kind][1]
    size = np.size(xs[0])
    padded = [np.concatenate([np.ravel(x), np.ones(-size % 16)]).astype(dtype) for x in xs]
    out = np.empty_like(padded[0])
    kernel(name, kind, lanes)[1](padded[0].ctypes.data, padded[-1].ctypes.data, out.ctypes.data, out.size)
    return out[:size]


# -- where to look ------------------------------------------------------------------------------------


def everywhere(kind: str, count: int, seed: int = 0) -> Array:
    """Return numbers of every magnitude and sign, dense where the functions change their method."""
    dtype = TYPES[kind][1]
    info = np.finfo(dtype)
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2 ** (8 * info.dtype.itemsize), count // 4, dtype=f"u{info.dtype.itemsize}").view(dtype)
    turning = (0.25, 0.5, 0.7071, 1, 1.414, 2, 4)
    near = np.concatenate([c + rng.normal(size=count // 100) * w for c in turning for w in (1e-6, 0.1)])
    iterations = rng.integers(0, 2**18, count // 8) * (math.pi / 4)
    edges = np.concatenate([np.linspace(e - 1.5, e + 1.5, count // 100) for e in (88.4, 104, 709.4, 745, 18, 37.4, 9, 19)])
    parts = [
        bits[np.isfinite(bits)],
        rng.uniform(-10, 10, count // 4),
        rng.uniform(-1, 1, count // 8),
        rng.uniform(-110, 110, count // 8),
        np.exp(rng.uniform(-12, 12, count // 8)) * rng.choice([-1, 1], count // 8),
        near,
        -near,
        iterations,
        edges,
        -edges,
        info.smallest_subnormal * rng.integers(1, 2**20, 50).astype(np.float64),
        [info.max, info.min, info.tiny, -info.tiny, info.smallest_subnormal, info.eps, -info.eps, 1, -1],
    ]
    whole: Array = np.concatenate([np.asarray(p, dtype=np.float64) for p in parts]).astype(dtype)
    return whole


def domain(name: str, x: Array) -> Array:
    """Return the points of `x` where a function has a finite value."""
    inside: Array = x[x > -1] if name == "log1p" else x
    return np.abs(x[x != 0]) if name in ("log", "log2", "sqrt", "rsqrt") else inside


def power_points(kind: str, count: int) -> tuple[Array, Array]:
    """Return bases and exponents whose powers fill the range of the type."""
    rng = np.random.default_rng(1)
    dtype = TYPES[kind][1]
    limit = 104.0 if kind == "f32" else 745.0
    common = [np.exp(rng.normal(size=count)), 1 + rng.normal(size=count) * 1e-3]
    x = np.abs(np.concatenate([everywhere(kind, count), *common])).astype(dtype)
    x = x[(x > 0) & (x != 1)]
    y = (rng.uniform(-limit, limit, x.size) / np.log(x.astype(np.float64))).astype(dtype)
    return x[np.isfinite(y)], y[np.isfinite(y)]


# -- references and errors ---------------------------------------------------------------------------------


def erf_double(x: Array) -> Array:
    return np.fromiter(map(math.erf, x), np.float64, x.size)


DOUBLE: dict[str, Callable[..., Array]] = {
    "atan": np.arctan, "cos": np.cos, "erf": erf_double, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log,
    "log1p": np.log1p, "log2": np.log2, "pow": np.power, "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": lambda x: np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x))), "sin": np.sin, "sqrt": np.sqrt, "tanh": np.tanh,
}  # fmt: skip

MANY_BITS: dict[str, Callable[..., Any]] = {
    "atan": mpmath.atan, "cos": mpmath.cos, "erf": mpmath.erf, "exp": mpmath.exp, "exp2": lambda x: mpmath.mpf(2) ** x,
    "expm1": mpmath.expm1, "log": mpmath.log, "log1p": mpmath.log1p, "log2": lambda x: mpmath.log(x) / mpmath.ln2,
    "pow": lambda x, y: mpmath.mpf(x) ** y, "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "sin": mpmath.sin, "sqrt": mpmath.sqrt, "tanh": mpmath.tanh,
}  # fmt: skip


def ulps_float(got: Array, want: Array) -> Array:
    """Return the error of floats in units of the last place of `want`, a finite double."""
    unit = np.exp2(np.maximum(np.frexp(want)[1] - 24, -149).astype(np.float64))
    errors: Array = np.abs(got.astype(np.float64) - want) / unit
    return errors


def ulp_double(got: float, want: Any) -> float:
    """Return the error of a double in units of the last place of `want`, a number of many bits."""
    unit = max(mpmath.frexp(want)[1] - 53, -1074)
    return float(abs(mpmath.mpf(got) - want) * mpmath.mpf(2) ** -unit)


def errors_float(name: str, xs: Sequence[Array]) -> Array:
    with np.errstate(all="ignore"):
        want = DOUBLE[name](*[x.astype(np.float64) for x in xs])
    got = run(name, "f32", *xs)
    over = np.abs(want) >= 2.0**128 * (1 - 2.0**-25)
    assert np.array_equal(got[over], np.sign(want[over]) * np.inf)
    assert np.all(np.isfinite(got[~over]))
    return ulps_float(got[~over], want[~over])


def errors_double(name: str, xs: Sequence[Array]) -> Array:
    got = run(name, "f64", *xs)
    result = []
    with mpmath.workprec(110):
        for y, *x in zip(got.tolist(), *[x.tolist() for x in xs], strict=True):
            want = MANY_BITS[name](*(mpmath.mpf(v) for v in x)) if not saturated(name, x[0]) else mpmath.sign(x[0])
            if abs(want) >= mpmath.mpf(2) ** 1024 * (1 - mpmath.mpf(2) ** -54):
                assert y == math.copysign(INF, want)
                continue
            result.append(ulp_double(y, want))
    return np.array(result)


def saturated(name: str, x: float) -> bool:
    return name in ("erf", "tanh") and abs(x) > 40


@pytest.mark.parametrize("name", sorted(MATH))
def test_float_accuracy(name: str) -> None:
    xs = power_points("f32", 40_000) if name == "pow" else (domain(name, everywhere("f32", 100_000)),)
    errors = errors_float(name, xs)
    assert errors.size > 50_000
    assert errors.max() <= ULP[name]["f32"]


@pytest.mark.parametrize("name", sorted(MATH))
def test_double_accuracy(name: str) -> None:
    xs = power_points("f64", 1000) if name == "pow" else (domain(name, everywhere("f64", 3000)),)
    errors = errors_double(name, xs)
    assert errors.size > 1500
    assert errors.max() <= ULP[name]["f64"]


HARDEST = {
    "exp": (5.199456691741943, -5.855902194976807),
    "log": (0.7005127668380737, 1.402078628540039),
    "sigmoid": (7.859904766082764, -16.640878677368164, -0.03204905241727829, -103.9),
    "tanh": (0.21850796043872833, 4.505942344665527, -9.01),
}
"""Floats around which dense searches found the largest errors, and where a term of the denominator gets lost."""


@pytest.mark.parametrize("name", HARDEST)
def test_float_accuracy_around_the_hardest_arguments(name: str) -> None:
    bits = np.array(HARDEST[name], np.float32).view(np.int32)[:, None] + np.arange(-20_000, 20_000, dtype=np.int32)
    assert errors_float(name, (bits.view(np.float32).ravel(),)).max() <= ULP[name]["f32"]


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_the_hardest_arguments_of_the_trigonometric_functions(name: str) -> None:
    nearly_multiples = [6381956970095103 * 2.0**797, 5319372648326541 * 2.0**255]
    doubles = np.array([*nearly_multiples, 2.0**1023, 1.7e308, 2.0**28, 1e22, 2.0**30 * math.pi])
    assert errors_double(name, (doubles,)).max() <= ULP[name]["f64"]
    floats = np.array([16367173 * 2.0**72, 8198363 * 2.0**50, 2.0**17, 3.4e38, 1e10, 131071.0, 2.0**17 * math.pi], np.float32)
    assert errors_float(name, (floats,)).max() <= ULP[name]["f32"]


# -- special values ----------------------------------------------------------------------------------------

ODD_AT_ZERO = ("atan", "erf", "expm1", "log1p", "sin", "tanh", "sqrt")
SPECIAL = {
    "atan": [(INF, math.pi / 2), (-INF, -math.pi / 2)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)],
    "erf": [(INF, 1.0), (-INF, -1.0)],
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e6, INF), (-1e6, 0.0)],
    "exp2": [(0.0, 1.0), (INF, INF), (-INF, 0.0), (-126.0, 2.0**-126), (-149.0, 2.0**-149), (127.0, 2.0**127), (1024.0, INF)],
    "expm1": [(INF, INF), (-INF, -1.0), (1e6, INF), (-1e6, -1.0)],
    "log": [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN), (-1e-40, NAN)],
    "log1p": [(-1.0, -INF), (INF, INF), (-2.0, NAN), (-INF, NAN)],
    "log2": [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (8.0, 3.0), (2.0**-140, -140.0)],
    "rsqrt": [(0.0, INF), (-0.0, -INF), (INF, 0.0), (-1.0, NAN), (4.0, 0.5)],
    "sigmoid": [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (-1e6, 0.0), (1e6, 1.0)],
    "sin": [(INF, NAN), (-INF, NAN)],
    "sqrt": [(INF, INF), (-1.0, NAN), (-INF, NAN), (9.0, 3.0)],
    "tanh": [(INF, 1.0), (-INF, -1.0), (50.0, 1.0), (-50.0, -1.0)],
}


def assert_same(got: Array, want: Any, dtype: Any) -> None:
    """Compare bit for bit, but take every NaN for the same."""
    expected = np.array(want).astype(dtype)
    numbers = ~np.isnan(expected)
    assert np.array_equal(np.isnan(got), ~numbers)
    assert np.array_equal(got[numbers], expected[numbers])
    assert np.array_equal(np.signbit(got[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", UNARY)
def test_special_values(name: str, kind: str) -> None:
    pairs = [*SPECIAL[name], (NAN, NAN)]
    if name in ODD_AT_ZERO:
        pairs += [(0.0, 0.0), (-0.0, -0.0)]
    x, want = np.array(pairs).T
    assert_same(run(name, kind, x), want, TYPES[kind][1])


@pytest.mark.parametrize("kind", TYPES)
def test_power_has_the_special_values_of_c(kind: str) -> None:
    dtype = TYPES[kind][1]
    info = np.finfo(dtype)
    values = [0.0, 1.0, 2.0, 0.5, 3.0, 4.0, 1.5, 1e-3, 33.0, 101.0, 1e10, info.max, info.tiny, info.smallest_subnormal, INF]
    values += [2.0**23 + 1, 2.0**24 + 2, 2.0**53, 1 + float(info.eps), 1 - float(info.eps)]
    both = np.array(values + [-v for v in values] + [NAN]).astype(dtype)
    x, y = (a.ravel() for a in np.meshgrid(both, both))
    got = run("pow", kind, x, y)
    with np.errstate(all="ignore"):
        want = np.power(x, y)
    exact = ~np.isfinite(want) | (want == 0) | (np.abs(want) == 1)
    assert_same(got[exact], want[exact], dtype)
    assert np.array_equal(np.signbit(got[~exact]), np.signbit(want[~exact]))
    np.testing.assert_allclose(got[~exact], want[~exact], rtol=4 * float(info.eps), atol=2 * float(info.smallest_subnormal))


def test_denormal_results_are_gradual() -> None:
    assert run("exp", "f32", [-100.0])[0] == np.float32(math.exp(-100.0)) > 0
    assert run("sigmoid", "f32", [-100.0])[0] == np.float32(math.exp(-100.0))
    assert run("exp", "f64", [-745.0])[0] == 5e-324
    assert run("pow", "f32", [2.0], [-149.0])[0] == np.float32(2.0**-149)
    assert run("pow", "f64", [2.0], [-1074.0])[0] == 5e-324


# -- widths and machine code --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_one_lane_computes_what_many_do(name: str, kind: str) -> None:
    special = np.array([0.0, -0.0, INF, -INF, NAN, 1.0, -1.0])
    x = np.concatenate([special, everywhere(kind, 2000)]).astype(TYPES[kind][1])
    y = x[::-1].copy()
    wide = run(name, kind, x, y)
    assert_same(run(name, kind, x, y, lanes=1), wide, TYPES[kind][1])


def hot_loop(assembly: str) -> list[str]:
    """Return the instructions of the kernel's own function."""
    body = assembly.split("kernel:", 1)[1].split(".Lfunc_end", 1)[0]
    return re.findall(r"^\t([a-z]\w*)\b", body, re.MULTILINE)


@pytest.mark.skipif(not (host().has("avx2") and host().has("fma")), reason="the names of instructions are x86-64's")
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_machine_code_is_vectors_without_calls(name: str, kind: str) -> None:
    assembly = kernel(name, kind)[0].asm()
    ops = hot_loop(assembly)
    called = re.findall(r"\t(?:callq?|jmp)\t\*?([a-z%][\w.]*)", assembly)
    # The address of the slow reduction may have been loaded into a register before the loop.
    allowed = rf"graphc\.reduce\.{TYPES[kind][0]}|%r\w+" if name in ("sin", "cos") else "none"
    assert all(re.fullmatch(allowed, c) for c in called)
    assert bool(called) == (name in ("sin", "cos"))
    assert "@GOT" not in assembly
    assert not [op for op in ops if re.match(r"v?(pextr|pinsr|cvtt?s[ds]2si|cvtsi2s|\w*(add|mul|sub|div|fmadd\d+)s[sd]$)", op)]


def test_functions_of_one_module_share_the_slow_reduction() -> None:
    module = Module()
    f = Function(module, "both", [("ptr", "x")])
    x: Value = f.load(f.args[0], "float", 16)
    f.store(MATH["sin"](f, MATH["cos"](f, x)), f.args[0])
    f.ret()
    x0 = np.linspace(-1e30, 1e30, 16).astype(np.float32)
    x1 = x0.copy()
    code = compile_text(str(module))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.address("both"))(x1.ctypes.data)
    assert str(module).count("define internal") == 1
    np.testing.assert_allclose(x1, np.sin(np.cos(x0.astype(np.float64))), rtol=1e-6)
