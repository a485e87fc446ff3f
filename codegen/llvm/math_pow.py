"""The power function: exp(y * log(x)) with the logarithm to some 65 bits, and C's special cases."""

from __future__ import annotations

import math

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.math_core import FORMATS, clamp, exp_clamped, expm1_reduced, polynomial, split_log, two_to
from graphc.codegen.llvm.values import Value

__all__ = ["pow"]

LOG = (0.6666666560332368, 0.40000345561657463, 0.2853660321793901, 0.23596330433815327)
"""(log((1+s)/(1-s)) - 2*s) / s^3 in s^2 for a result that will be rounded to float: relative error of log 2^-37.5."""

LOG_LONG = (
    0.39999999999999974, 0.2857142857144631, 0.2222222221724518, 0.18181818905937736, 0.15384554448430757,
    0.13336410332104418, 0.11672938194534899, 0.12004625650499605,
)  # fmt: skip
"""The same function less its constant 2/3, over s^2: relative error of log 2^-73."""

TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)

Pair = tuple[Value, Value]
"""An unevaluated sum, the second far below the first."""


def pow(f: Function, x: Value, y: Value) -> Value:
    """Return x to the power y as C defines it: 1**y = x**0 = 1 even for NaN, NaN for x < 0 and y no integer.

    float computes in double.
    """
    x, y = f.common(x, y)
    # powers at the limits are those of infinity, but 1**y stays finite
    limited = clamp(f, y, -1e30, 1e30)
    size = f.intrinsic("fabs", x)
    r = power_float(f, size, limited) if x.type == "float" else power_double(f, size, limited)
    return signs_and_units(f, x, y, r)


def signs_and_units(f: Function, x: Value, y: Value, r: Value) -> Value:
    """Return x**y given r = abs(x)**y."""
    is_integer = f.cmp("oeq", f.intrinsic("rint", y), y)
    half = f.mul(y, f.like(0.5, y))
    odd = f.and_(is_integer, f.cmp("one", f.intrinsic("rint", half), half))
    r = f.select(odd, f.intrinsic("copysign", r, x), r)
    below = f.and_(f.cmp("olt", x, f.like(0.0, x)), f.cmp("ogt", x, f.like(-math.inf, x)))
    fraction = f.xor(is_integer, f.like(True, is_integer))
    r = f.select(f.and_(below, fraction), f.like(math.nan, x), r)
    unit = f.or_(f.cmp("oeq", x, f.like(1.0, x)), f.cmp("oeq", y, f.like(0.0, y)))
    return f.select(unit, f.like(1.0, x), r)


def log_limits(f: Function, x: Value, y: Value) -> Value:
    """Return `y`, the logarithm of x >= 0, with those of 0, inf and NaN."""
    y = f.select(f.cmp("olt", x, f.like(math.inf, x)), y, x)
    return f.select(f.cmp("oeq", x, f.like(0.0, x)), f.like(-math.inf, x), y)


def power_float(f: Function, x: Value, y: Value) -> Value:
    """Return x**y for float x >= 0, computed in double, where every float is a normal number."""
    x, y = (f.convert("fpext", v, "double") for v in (x, y))
    k, m, _ = split_log(f, x, denormals=False)
    d = f.sub(m, f.like(1.0, m))
    s = f.fdiv(d, f.add(m, f.like(1.0, m)))
    z = f.mul(s, s)
    log = f.fma(f.mul(s, z), polynomial(f, z, LOG), f.add(s, s))
    log = log_limits(f, x, f.fma(k, f.like(math.log(2.0), k), log))
    p, n = expm1_reduced(f, clamp(f, f.mul(y, log), -120.0, 100.0))
    scale = two_to(f, n, "double")
    return f.convert("fptrunc", f.fma(scale, p, scale), "float")


def power_double(f: Function, x: Value, y: Value) -> Value:
    """Return x**y for double x >= 0."""
    log, log_low = log_pair(f, x)
    log = log_limits(f, x, log)
    head = f.mul(y, log)
    tail = f.fma(y, log_low, f.fma(y, log, f.neg(head)))
    limited = clamp(f, head, *FORMATS["double"].exp_range)
    tail = f.select(f.cmp("oeq", limited, head), tail, f.like(0.0, tail))
    return exp_clamped(f, limited, tail)


def log_pair(f: Function, x: Value) -> Pair:
    """Return the logarithm of a positive finite double to a relative error of about 2^-65.

    x = 2^k*m, s = (m-1)/(m+1), log x = k*ln2 + 2*s + s^3*(2/3 + s^2*Q(s^2)), in pairs (Dekker 1971) but for Q.
    """
    k, m, _ = split_log(f, x)
    s = quotient(f, m)
    z = multiply(f, s, s)
    p = f.mul(z[0], polynomial(f, z[0], LOG_LONG))
    two_thirds, rest = (f.like(c, p) for c in TWO_THIRDS)
    head, tail = fast_sum(f, two_thirds, p)
    cube = multiply(f, multiply(f, s, z), (head, f.add(tail, rest)))
    twice = f.add(s[0], s[0])
    head, tail = fast_sum(f, twice, cube[0])
    tail = f.add(tail, f.fma(s[1], f.like(2.0, m), cube[1]))
    ln2, ln2_low = FORMATS["double"].ln2_short
    head, error = fast_sum(f, f.mul(k, f.like(ln2, k)), head)
    return head, f.add(error, f.fma(k, f.like(ln2_low, k), tail))


def quotient(f: Function, m: Value) -> Pair:
    """Return (m-1)/(m+1) for sqrt(1/2) <= m < sqrt(2)."""
    one = f.like(1.0, m)
    top = f.sub(m, one)
    bottom, low = fast_sum(f, one, m)
    inverse = f.fdiv(one, bottom)
    s = f.mul(top, inverse)
    error = f.fma(f.neg(s), low, f.fma(f.neg(s), bottom, top))
    return s, f.mul(error, inverse)


def fast_sum(f: Function, x: Value, y: Value) -> Pair:
    """Return x + y and its rounding error, exact for abs(x) >= abs(y) or x = 0, and for x = 1, y < 2."""
    total = f.add(x, y)
    return total, f.add(f.sub(x, total), y)


def multiply(f: Function, x: Pair, y: Pair) -> Pair:
    """Return the product of two pairs to about 2^-104."""
    head = f.mul(x[0], y[0])
    tail = f.fma(x[0], y[0], f.neg(head))
    return head, f.fma(x[0], y[1], f.fma(x[1], y[0], tail))
