"""Math functions as inlined LLVM IR for `float` and `double`, at any number of lanes.

Every function takes the `Function` that is being written and a value, and returns a value of the same
type and lanes.  They cover the whole range: denormals in and out, signed zeros, infinities, NaN.  None
calls a library; only sin and cos branch, for huge arguments (`math_trig`).  `ULP` states how far off
each may be, in units in the last place of the exact result, and the tests hold it to that.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.math_core import (
    FORMATS,
    clamp,
    exp_clamped,
    expm1_near,
    expm1_reduced,
    exponent_of,
    finish_log,
    join_log,
    log1p_tail,
    polynomial,
    polynomial_in_pairs,
    scale,
    split_log,
    tanh_reduced,
    two_to,
)
from graphc.codegen.llvm.math_pow import pow
from graphc.codegen.llvm.math_trig import cos, sin
from graphc.codegen.llvm.values import Value

__all__ = [
    "MATH",
    "ULP",
    "atan",
    "cos",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "pow",
    "rsqrt",
    "sigmoid",
    "sin",
    "sqrt",
    "tanh",
]

ATAN = {
    "float": (
        -0.33333298563957214, 0.19998547434806824, -0.14264240860939026, 0.10952179878950119, -0.08403434604406357,
        0.05795735865831375, -0.031177636235952377, 0.010914504528045654, -0.0017936014337465167,
    ),
    "double": (
        -0.3333333333333186, 0.19999999999755044, -0.1428571427133567, 0.11111110678762742, -0.09090901235499962,
        0.07692212930746052, -0.06665860359630771, 0.058773077325082745, -0.05239232787122295, 0.04673948819755006,
        -0.04092636137804174, 0.034067770133501735, -0.02582673717244597, 0.016977970917399346, -0.009184507133427845,
        0.003855945024340437, -0.0011640601395030285, 0.00022301965519822863, -2.0258255638495566e-05,
    ),
}  # fmt: skip
"""(atan z - z) / z^3 in z^2 on [0, 1], relative error of atan 2^-28.5 and 2^-55."""

ERF_SWITCH = 0.921875
ERF_CENTRE = 0.4375
ERF = {
    "float": (
        -0.016649536788463593, -0.2912161350250244, 0.08292117714881897, -0.019175972789525986, 0.003660129150375724,
        -0.000594555283896625, 8.370106661459431e-05,
    ),
    "double": (
        -0.01664953745787181, -0.29121613263426094, 0.08292117223750499, -0.019176262073886046, 0.0036603171721647262,
        -0.0005913539304933522, 8.262038446985434e-05, -1.0156564402948381e-05, 1.113935261074865e-06,
        -1.1023798252146344e-07, 9.970763450865069e-09, -8.329303751638036e-10,
    ),
}  # fmt: skip
"""erf(x)/x - 1 in x^2 - `ERF_CENTRE` for x up to `ERF_SWITCH`, relative error of erf 2^-31.2 and 2^-59.7."""

LOG_ERFC = {
    "float": (
        -0.0002099812845699489, -1.127615213394165, -0.6372863054275513, -0.10383842140436172, 0.022181149572134018,
        -0.003031534142792225, 0.0001947273121913895,
    ),
    "double": (
        -8.930823238575213e-08, -1.1283782255608321, -0.6366243440368963, -0.10275911703552235, 0.019101709491622737,
        0.0002460582224333386, -0.0017306003609487875, 0.0006077659679002723, -2.1844261683586363e-05,
        -8.295509581200749e-05, 5.054292739912488e-05, -1.8431493642396335e-05, 4.8549583482342895e-06,
        -9.63897554408701e-07, 1.4425544995513686e-07, -1.5861182378004302e-08, 1.212211700545482e-09,
        -5.758781991633283e-11, 1.280931550720713e-12,
    ),
}  # fmt: skip
"""log(erfc(x)) from `ERF_SWITCH` to 4 and 6, error of erfc 2^-29.3 and 2^-58.6."""

# Arguments beyond which the result has rounded to its limit.
ERF_END = {"float": 4.0, "double": 6.0}
TANH_END = {"float": 10.0, "double": 20.0}
SIGMOID_END = {"float": 20.0, "double": 40.0}
EXPM1_RANGE = {"float": (-18.0, 89.0), "double": (-38.0, 710.0)}
EXP2_RANGE = {"float": (-151.0, 129.0), "double": (-1076.0, 1025.0)}


def exp(f: Function, x: Value) -> Value:
    """Return e to the power x, gradually into denormals.  Method: `expm1_reduced`."""
    return exp_clamped(f, clamp(f, x, *FORMATS[x.type].exp_range))


def exp2(f: Function, x: Value) -> Value:
    """Return 2 to the power x, exact for integers."""
    form = FORMATS[x.type]
    x = clamp(f, x, *EXP2_RANGE[x.type])
    magic = f.like(form.magic + 2 * form.bias, x)
    t = f.add(x, magic)
    r = f.mul(f.sub(x, f.sub(t, magic)), f.like(math.log(2.0), x))
    return scale(f, expm1_near(f, r), f.bitcast(t, form.bits), x)


def expm1(f: Function, x: Value) -> Value:
    """Return exp(x) - 1, accurate near 0.  Method: 2^k*p + (2^k - 1), in halves so that 2^128 does not occur."""
    p, k = expm1_reduced(f, clamp(f, x, *EXPM1_RANGE[x.type]), offset=FORMATS[x.type].bias - 1)
    half = two_to(f, k, x.type)
    y = f.fma(half, p, f.sub(half, f.like(0.5, half)))
    return keep_tiny(f, x, f.add(y, y))


def keep_tiny(f: Function, x: Value, y: Value) -> Value:
    """Return `y`, or `x` where it is so small that f(x) = x + O(x^2) rounds to it: zeros keep their sign."""
    tiny = 2.0 ** (-FORMATS[x.type].mantissa - 2)
    return f.select(f.cmp("olt", f.intrinsic("fabs", x), f.like(tiny, x)), x, y)


def log(f: Function, x: Value) -> Value:
    """Return the natural logarithm; 0 gives -inf and negative numbers NaN.  Method: `join_log`."""
    k, m, _ = split_log(f, x)
    return finish_log(f, x, join_log(f, k, f.sub(m, f.like(1.0, m))))


def log2(f: Function, x: Value) -> Value:
    """Return the logarithm to base 2, exact for powers of 2; 0 gives -inf and negative numbers NaN."""
    k, m, _ = split_log(f, x)
    r = f.sub(m, f.like(1.0, m))
    y = f.fma(f.add(r, log1p_tail(f, r, f.like(0.0, r))), f.like(1 / math.log(2.0), x), k)
    return finish_log(f, x, y)


def log1p(f: Function, x: Value) -> Value:
    """Return log(1 + x), accurate near 0; -1 gives -inf and less NaN.

    2^k*m = 1 + x gives k; the rest comes from `x` itself: 2^-k*x + (2^-k - 1), rounded once.  Four times 2^-k
    is used, because 2^-128 is denormal.
    """
    form = FORMATS[x.type]
    u = f.add(f.like(1.0, x), x)
    k, _, biased = split_log(f, u, denormals=False)
    exponent = f.and_(biased, f.like(-1 << form.mantissa, biased))
    factor = f.bitcast(f.sub(f.like(2 * form.one + (2 << form.mantissa), exponent), exponent), x.type)
    quarter = f.like(0.25, x)
    r = f.fma(f.mul(x, quarter), factor, f.fma(factor, quarter, f.like(-1.0, x)))
    return keep_tiny(f, x, finish_log(f, u, join_log(f, k, r)))


def tanh(f: Function, x: Value) -> Value:
    """Return the hyperbolic tangent by its addition theorem: (a - t*b)/(b - t*a), a = 1 - s, b = 1 + s.

    -abs(x) = k*ln2/2 + u, s = 2^k, t = tanh(u); a/b is the tangent of -k*ln2/2.  The denominator is summed up
    as the numerator plus 2*s*(1 + t), so that near 1 their rounding errors cancel.
    """
    size = clamp(f, f.neg(f.intrinsic("fabs", x)), -TANH_END[x.type], None)
    t, s = tanh_reduced(f, size)
    one, twice = f.like(1.0, x), f.add(s, s)
    top = f.fma(f.neg(t), f.add(one, s), f.sub(one, s))
    return with_sign(f, f.fdiv(top, f.add(top, f.fma(t, twice, twice))), x)


def with_sign(f: Function, y: Value, x: Value) -> Value:
    """Return `y`, whose sign bit is clear, with the sign of `x`: one instruction less than copysign."""
    bits = f.bitcast(x, FORMATS[x.type].bits)
    sign = f.and_(bits, f.bitcast(f.like(-0.0, x), bits.type))
    return f.bitcast(f.or_(f.bitcast(y, bits.type), sign), x.type)


def sigmoid(f: Function, x: Value) -> Value:
    """Return c/(c + c*exp(-x)), c = 2^-64 (double: 2^-512).

    `c` keeps the denominator normal where the result is denormal, so that the division rounds it correctly.  In double the
    rounding error of c + s, s = c*2^k, is carried along, to meet the bound that float meets without it.
    """
    form = FORMATS[x.type]
    scaled = form.bias // 2 + 1
    p, k = expm1_reduced(f, f.neg(clamp(f, x, form.exp_range[0], SIGMOID_END[x.type])), offset=form.bias - scaled)
    s, c = two_to(f, k, x.type), f.like(2.0**-scaled, x)
    if x.type == "float":
        return f.fdiv(c, f.add(s, f.fma(s, p, c)))
    total = f.add(s, c)
    error = f.sub(c, f.sub(total, s))
    return f.fdiv(c, f.add(total, f.fma(s, p, error)))


def erf(f: Function, x: Value) -> Value:
    """Return the error function: near 0 by a polynomial in x^2, else 1 - exp(log erfc(x)); both are computed.

    The exponential of a polynomial is N. Juffa's way in `erff`.  The near polynomial is centred, since its
    coefficients alternate.
    """
    u = f.fma(x, x, f.like(-ERF_CENTRE, x))
    near = f.fma(x, polynomial(f, u, ERF[x.type]), x)
    size = f.intrinsic("fabs", x)
    p, k = erfc_reduced(f, clamp(f, size, None, ERF_END[x.type]))
    s = two_to(f, k, x.type)
    one = f.like(1.0, x)
    far = f.fma(f.neg(s), p, f.sub(one, s))
    return f.select(f.cmp("olt", size, f.like(ERF_SWITCH, x)), near, f.intrinsic("copysign", far, x))


def erfc_reduced(f: Function, x: Value) -> tuple[Value, Value]:
    """Return (p, k) with erfc(x) = 2^k * (1 + p), for x from `ERF_SWITCH` to `ERF_END` and NaN.

    log erfc(x) = c0 + c1*x + x^2*Q(x) is rounded only for k; from its parts k*ln2 is subtracted, largest first.
    """
    form = FORMATS[x.type]
    c0, c1, *rest = LOG_ERFC[x.type]
    square = f.mul(x, x)
    slope = polynomial_in_pairs(f, x, square, rest)
    n, k = exponent_of(f, f.fma(square, slope, f.fma(x, f.like(c1, x), f.like(c0, x))))
    head = f.fma(x, f.like(c1, x), f.mul(n, f.like(-form.ln2_short[0], x)))
    low = f.fma(n, f.like(-form.ln2_short[1], x), f.like(c0, x))
    return expm1_near(f, f.add(f.fma(square, slope, head), low)), k


def atan(f: Function, x: Value) -> Value:
    """Return the arc tangent, above 1 as pi/2 - atan(1/x); one polynomial in z^2 on [0, 1]."""
    size = f.intrinsic("fabs", x)
    above = f.cmp("ogt", size, f.like(1.0, x))
    z = f.select(above, f.fdiv(f.like(1.0, x), size), size)
    square = f.mul(z, z)
    y = f.fma(f.mul(square, z), polynomial(f, square, ATAN[x.type]), z)
    y = f.select(above, f.sub(f.like(math.pi / 2, x), y), y)
    return f.intrinsic("copysign", y, x)


def sqrt(f: Function, x: Value) -> Value:
    """Return the square root, correctly rounded."""
    return f.intrinsic("sqrt", x)


def rsqrt(f: Function, x: Value) -> Value:
    """Return 1/sqrt(x) by an exact division; -0 gives -inf, as 1/sqrt(x) does."""
    return f.fdiv(f.like(1.0, x), sqrt(f, x))


MATH: dict[str, Callable[..., Value]] = {
    "atan": atan,
    "cos": cos,
    "erf": erf,
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "log2": log2,
    "pow": pow,
    "rsqrt": rsqrt,
    "sigmoid": sigmoid,
    "sin": sin,
    "sqrt": sqrt,
    "tanh": tanh,
}
"""Every function by name; pow takes two values, the others one."""

ULP: dict[str, dict[str, float]] = {
    "atan": {"f32": 2.0, "f64": 2.0},
    "cos": {"f32": 1.54, "f64": 1.69},
    "erf": {"f32": 0.99, "f64": 0.84},
    "exp": {"f32": 1.04, "f64": 0.98},
    "exp2": {"f32": 1.1, "f64": 1.1},
    "expm1": {"f32": 2.0, "f64": 2.0},
    "log": {"f32": 0.76, "f64": 0.74},
    "log1p": {"f32": 1.5, "f64": 1.5},
    "log2": {"f32": 2.0, "f64": 2.0},
    "pow": {"f32": 0.6, "f64": 1.1},
    "rsqrt": {"f32": 1.5, "f64": 1.5},
    "sigmoid": {"f32": 2.0, "f64": 1.93},
    "sin": {"f32": 1.54, "f64": 1.69},
    "sqrt": {"f32": 0.5, "f64": 0.5},
    "tanh": {"f32": 2.46, "f64": 2.7},
}
"""The largest error of each function in units in the last place of the exact result, denormal results included."""
