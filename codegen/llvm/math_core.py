"""The basis of the math functions: bit layouts, polynomials, and the cores of exp and log.

Everything works at any number of lanes of `float` or `double`, without branches and without calls in the machine code.
Conversions between floats and integers go through the bits of a large constant: AVX2 has no instruction for 64-bit integers,
and NaN or values out of range give garbage bits instead of poison.

`f.fma` must be exact.  On a target without fused multiply-add LLVM turns it into a call of the C library's `fma`: correct, but
slow and an external symbol.

Polynomials were fitted with Remez's exchange at 200 bits, the error weighted to be relative to the function, and rounded to
the type; the error of each fit stands beside it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.values import Value

__all__ = [
    "FORMATS",
    "Format",
    "clamp",
    "exp_clamped",
    "expm1_near",
    "expm1_reduced",
    "exponent_of",
    "finish_log",
    "join_log",
    "log1p_tail",
    "polynomial",
    "polynomial_in_pairs",
    "scale",
    "split_log",
    "tanh_reduced",
    "two_to",
]


@dataclass(frozen=True)
class Format:
    """Constants of one floating-point type: its layout, its limits, its polynomials.

    Bit patterns are integers of type `bits`; `exp_range` holds the arguments beyond which exp is 0 or inf.
    """

    bits: str
    mantissa: int
    bias: int
    ln2: tuple[float, float]
    ln2_short: tuple[float, float]
    exp_range: tuple[float, float]
    exp: tuple[float, ...]
    tanh: tuple[float, ...]
    log: tuple[float, ...]

    @property
    def magic(self) -> float:
        """The number whose addition rounds to an integer and leaves it in the lowest bits."""
        return 1.5 * 2.0**self.mantissa

    @property
    def one(self) -> int:
        """The bits of 1.0."""
        return self.bias << self.mantissa

    @property
    def root_half(self) -> int:
        """The bits of sqrt(1/2): significands are taken from here to sqrt(2)."""
        pack = ("<f", "<i") if self.bits == "i32" else ("<d", "<q")
        return int(struct.unpack(pack[1], struct.pack(pack[0], math.sqrt(0.5)))[0])


FORMATS = {
    "float": Format(
        bits="i32",
        mantissa=23,
        bias=127,
        ln2=(float.fromhex("0x1.62e430p-1"), float.fromhex("-0x1.05c610p-29")),
        ln2_short=(float.fromhex("0x1.63p-1"), float.fromhex("-0x1.bd0106p-13")),
        exp_range=(-104.0, 89.0),
        # 2^-28 of exp; varied around Remez's solution for the least error after rounding
        exp=(0.4999999701976776, 0.16666483879089355, 0.04166713356971741, 0.008373538963496685, 0.001395341125316918),
        # 2^-32.5 relative to tanh
        tanh=(-0.33333322405815125, 0.1333114206790924, -0.052715055644512177),
        # 2^-30.3 relative to log1p
        log=(
            0.3333331346511841, -0.25000011920928955, 0.2000216692686081, -0.16667971014976501, 0.14218440651893616,
            -0.12405186891555786, 0.11896688491106033, -0.1168261244893074, 0.06735436618328094,
        ),
    ),
    "double": Format(
        bits="i64",
        mantissa=52,
        bias=1023,
        ln2=(float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56")),
        ln2_short=(float.fromhex("0x1.62e42fefa3800p-1"), float.fromhex("0x1.ef35793c76730p-45")),
        exp_range=(-746.0, 710.0),
        # 2^-61.6 relative to expm1
        exp=(
            0.5, 0.16666666666666677, 0.0416666666666665, 0.008333333333320682, 0.001388888888896379, 0.00019841269888844896,
            2.48015871750725e-05, 2.75572411920792e-06, 2.75573961062305e-07, 2.5110175848570147e-08, 2.0878644735372664e-09,
        ),
        # 2^-57.7 relative to tanh
        tanh=(
            -0.3333333333333243, 0.13333333332756495, -0.05396825273526215, 0.021869367257706093, -0.008857193893390423,
            0.0034434294126361783,
        ),
        # 2^-59.4 relative to log; in z = s*s, s = f/(2+f)
        log=(
            0.666666666666674, 0.39999999999378044, 0.285714287512856, 0.22222197589326748, 0.18183618877061536,
            0.15312572894030205, 0.14811508624101996,
        ),
    ),
}  # fmt: skip
"""The two formats by LLVM's name of the type.  ln2 is split with a full head, and with one short enough for exact k*ln2."""

LOG2E = 1.4426950408889634


def polynomial(f: Function, x: Value, coefficients: Sequence[float]) -> Value:
    """Evaluate a polynomial, lowest coefficient first, by Horner's scheme: one fma per degree."""
    total = f.like(coefficients[-1], x)
    for c in reversed(coefficients[:-1]):
        total = f.fma(total, x, f.like(c, x))
    return total


def polynomial_in_pairs(f: Function, x: Value, square: Value, coefficients: Sequence[float]) -> Value:
    """Evaluate a polynomial, lowest coefficient first, by Horner's scheme in x^2: half the latency for one more register."""
    pairs = [coefficients[i : i + 2] for i in range(0, len(coefficients), 2)]
    first, *rest = [polynomial(f, x, pair) for pair in reversed(pairs)]
    for pair in rest:
        first = f.fma(first, square, pair)
    return first


def clamp(f: Function, x: Value, low: float | None, high: float | None) -> Value:
    """Clamp `x` to [low, high]; NaN stays NaN, and None is no limit."""
    if high is not None:
        x = f.select(f.cmp("olt", f.like(high, x), x), f.like(high, x), x)
    if low is not None:
        x = f.select(f.cmp("ogt", f.like(low, x), x), f.like(low, x), x)
    return x


def exponent_of(f: Function, x: Value, offset: int | None = None, *, scale: float = 1.0) -> tuple[Value, Value]:
    """Return n = rint(scale*x*log2(e)) as a float and n + offset as an integer right only in its lowest 13 bits.

    `offset` is the exponent's bias if left out: it stands in the large constant, so it costs nothing.  NaN gives any integer.
    """
    form = FORMATS[x.type]
    magic = f.like(form.magic + (form.bias if offset is None else offset), x)
    t = f.fma(x, f.like(scale * LOG2E, x), magic)
    return f.sub(t, magic), f.bitcast(t, form.bits)


def expm1_near(f: Function, r: Value) -> Value:
    """Return exp(r) - 1 = r + r^2*q(r) for abs(r) <= ln2/2."""
    square = f.mul(r, r)
    return f.fma(square, polynomial_in_pairs(f, r, square, FORMATS[r.type].exp), r)


def expm1_reduced(f: Function, x: Value, low: Value | None = None, *, offset: int | None = None) -> tuple[Value, Value]:
    """Return (p, k) with exp(x + low) = 2^k * (1 + p) and |p| < 0.42; k + offset, as `exponent_of` has it.

    `x` is NaN or within the range of exp; `low` is a correction far below `x`.  k = rint(x*log2(e));
    r = x - k*ln2 in two steps, the first exact (Cody and Waite 1980); p = expm1(r).
    """
    ln2, ln2_low = (f.like(-c, x) for c in FORMATS[x.type].ln2)
    n, k = exponent_of(f, x, offset)
    head = f.fma(n, ln2, x)
    r = f.fma(n, ln2_low, head) if low is None else f.add(head, f.fma(n, ln2_low, low))
    return expm1_near(f, r), k


def tanh_reduced(f: Function, x: Value) -> tuple[Value, Value]:
    """Return (t, s) with t = tanh(x - k*ln2/2), s = 2^k, k = rint(2*x*log2(e)), for `x` NaN or no more than 20 from 0.

    The low part of ln2 matters in double only.
    """
    form = FORMATS[x.type]
    n, k = exponent_of(f, x, scale=2.0)
    u = f.fma(n, f.like(-0.5 * form.ln2[0], x), x)
    if x.type == "double":
        u = f.fma(n, f.like(-0.5 * form.ln2[1], x), u)
    square = f.mul(u, u)
    return f.fma(f.mul(square, u), polynomial(f, square, form.tanh), u), two_to(f, k, x.type)


def two_to(f: Function, k: Value, type: str) -> Value:
    """Return 2^(k - bias) for a `k` in whose lowest bits the exponent of a normal number stands, bias included."""
    return f.bitcast(f.shl(k, f.like(FORMATS[type].mantissa, k)), type)


def scale(f: Function, p: Value, k: Value, x: Value) -> Value:
    """Return 2^(k - 2*bias) * (1 + p), gradual into denormals and up to inf, for `x` of the exponent's sign.

    2^(k - 2*bias) itself may be no normal number: for x < 0 it is taken 2^64 times too large, else too small.
    """
    form = FORMATS[p.type]
    bits = f.bitcast(x, form.bits)
    negative = f.cmp("slt", bits, f.like(0, bits))
    last = f.select(negative, f.like(2.0**-64, p), f.like(2.0**64, p))
    shifted = f.shl(k, f.like(form.mantissa, k))
    first = f.bitcast(f.sub(shifted, f.bitcast(last, form.bits)), p.type)
    return f.mul(f.fma(first, p, first), last)


def exp_clamped(f: Function, x: Value, low: Value | None = None) -> Value:
    """Return exp(x + low) for an `x` that is NaN or within `exp_range`; denormal results are gradual."""
    p, k = expm1_reduced(f, x, low, offset=2 * FORMATS[x.type].bias)
    return scale(f, p, k, x)


def split_log(f: Function, x: Value, *, denormals: bool = True) -> tuple[Value, Value, Value]:
    """Return (k, m, e) with x = 2^k * m, sqrt(1/2) <= m < sqrt(2): k as a float, e its biased integer unshifted.

    Holds for positive finite `x`; anything else gives arbitrary numbers.  `denormals=False` leaves out their scaling.
    """
    form = FORMATS[x.type]
    two = 2.0**form.mantissa
    bias = f.like(two + form.bias, x)
    if denormals:
        tiny = f.cmp("olt", x, f.like(2.0 ** (1 - form.bias), x))
        x = f.select(tiny, f.mul(x, f.like(two, x)), x)
        bias = f.select(tiny, f.like(two + form.bias + form.mantissa, x), bias)
    b = f.bitcast(x, form.bits)
    b = f.add(b, f.like(form.one - form.root_half, b))
    k = f.lshr(b, f.like(form.mantissa, b))
    k = f.or_(k, f.like((form.bias + form.mantissa) << form.mantissa, b))
    m = f.add(f.and_(b, f.like((1 << form.mantissa) - 1, b)), f.like(form.root_half, b))
    return f.sub(f.bitcast(k, x.type), bias), f.bitcast(m, x.type), b


def log1p_tail(f: Function, x: Value, low: Value) -> Value:
    """Return log(1+x) - x + low for sqrt(1/2)-1 <= x <= sqrt(2)-1 and a far smaller `low`.

    float: -x^2/2 + x^3*P(x).  double: -x^2/2 + s*(x^2/2 + R(s^2)), s = x/(2+x), after fdlibm; the division costs
    less than twelve further coefficients.
    """
    form = FORMATS[x.type]
    minus_half = f.mul(x, f.like(-0.5, x))
    if x.type == "float":
        square = f.mul(x, x)
        return f.fma(x, minus_half, f.fma(f.mul(square, x), polynomial_in_pairs(f, x, square, form.log), low))
    s = f.fdiv(x, f.add(x, f.like(2.0, x)))
    z = f.mul(s, s)
    inner = f.sub(f.mul(z, polynomial(f, z, form.log)), f.mul(x, minus_half))
    return f.fma(x, minus_half, f.fma(s, inner, low))


def join_log(f: Function, k: Value, x: Value) -> Value:
    """Return k*ln2 + log(1+x), k an integer, with the rounding error of the leading sum carried along."""
    head, tail = FORMATS[x.type].ln2_short
    big = f.mul(k, f.like(head, k))
    total = f.add(big, x)
    error = f.add(f.sub(big, total), x)
    return f.add(total, log1p_tail(f, x, f.fma(k, f.like(tail, k), error)))


def finish_log(f: Function, x: Value, y: Value) -> Value:
    """Return `y`, the logarithm of `x`, with its special values: 0 -> -inf, negative -> NaN, inf -> inf, NaN -> NaN."""
    y = f.select(f.cmp("olt", x, f.like(math.inf, x)), y, x)
    y = f.select(f.cmp("oeq", x, f.like(0.0, x)), f.like(-math.inf, x), y)
    return f.select(f.cmp("olt", x, f.like(0.0, x)), f.like(math.nan, x), y)
