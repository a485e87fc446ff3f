"""Sine and cosine over the whole range of the type.

Ordinary arguments are reduced inline by a multiple of a quarter turn (Cody and Waite's three steps with fma).  If any lane is
huge, one internal function reduces those lanes again after Payne and Hanek (1983), lane by lane in integers; the branch costs
a vector without huge lanes two or three instructions.
"""

from __future__ import annotations

import math
from itertools import pairwise

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.math_core import FORMATS, polynomial
from graphc.codegen.llvm.values import Value

__all__ = ["cos", "sin", "sincos"]

TWO_OVER_PI = (
    0, 0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561, 0xB7246E3A424DD2E0,
    0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484, 0xE99C7026B45F7E41, 0x3991D639835339F4,
    0x9C845F8BBDF9283B, 0x1FF897FFDE05980F, 0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B, 0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB,
)  # fmt: skip
"""2/pi in words of 64 bits, the first one before the binary point: all that the largest double can meet."""

HALF_PI = (float.fromhex("0x1.921fb54442d18p+0"), float.fromhex("0x1.1a62633145c07p-54"))

STEPS = {
    "float": tuple(map(float.fromhex, ("0x1.921fb6p+0", "-0x1.777a5cp-25", "-0x1.ee59dap-50"))),
    "double": tuple(map(float.fromhex, ("0x1.921fb54442d18p+0", "0x1.1a62633145c07p-54", "-0x1.f1976b7ed8fbcp-110"))),
}
"""pi/2 as a sum of three, each a full significand."""

HUGE = {"float": 2.0**17, "double": 2.0**28}
"""From here on the inline reduction would lose bits."""

SIN = {
    "float": (-0.1666666716337204, 0.008333328180015087, -0.00019838943262584507, 2.714741185627645e-06),
    "double": (
        -0.16666666666666627, 0.008333333333321442, -0.00019841269829028846, 2.7557313421086495e-06,
        -2.505071556697104e-08, 1.5894319048574337e-10,
    ),
}  # fmt: skip
"""(sin r - r) / r^3 in r^2, relative error of sin 2^-36.9 and 2^-57.8."""

COS = {
    "float": (-0.5, 0.04166661202907562, -0.001388636650517583, 2.435373971820809e-05),
    "double": (
        -0.5, 0.04166666666666648, -0.0013888888888862415, 2.4801587284220236e-05, -2.7557313130300666e-07,
        2.087558162319964e-09, -1.1353162805184695e-11,
    ),
}  # fmt: skip
"""(cos r - 1) / r^2 in r^2, error of cos 2^-33.5 and 2^-64.6."""


def sin(f: Function, x: Value) -> Value:
    """Return the sine of `x` in radians; +-inf gives NaN, and the sign of a zero is kept."""
    return sine_of(f, x, *quarter(f, x))


def cos(f: Function, x: Value) -> Value:
    """Return the cosine of `x` in radians; +-inf gives NaN."""
    return cosine_of(f, *quarter(f, x))


def sincos(f: Function, x: Value) -> tuple[Value, Value]:
    """Return sine and cosine of `x`, equal to `sin` and `cos`, for little more than the cost of one."""
    parts = quarter(f, x)
    return sine_of(f, x, *parts), cosine_of(f, *parts)


def sine_of(f: Function, x: Value, sine: Value, cosine: Value, q: Value) -> Value:
    """Return the sine of `x` from the results of `quarter`: the cosine in odd quarters, negative in the second half-turn."""
    odd = f.shl(q, f.like(bits(q) - 1, q))
    return choose(f, odd, sine, cosine, f.xor(f.bitcast(x, q.type), half_turns(f, q)))


def cosine_of(f: Function, sine: Value, cosine: Value, q: Value) -> Value:
    """Return the cosine from the results of `quarter`: the sine in odd quarters, negative in the second and third."""
    odd = f.shl(q, f.like(bits(q) - 1, q))
    return choose(f, odd, cosine, sine, f.xor(odd, half_turns(f, q)))


def bits(q: Value) -> int:
    """Return how many bits an integer has."""
    return int(q.type[1:])


def half_turns(f: Function, q: Value) -> Value:
    """Move bit 1 of `q` to the sign bit."""
    return f.shl(q, f.like(bits(q) - 2, q))


def choose(f: Function, odd: Value, at_even: Value, at_odd: Value, sign: Value) -> Value:
    """Return one of two values by the sign bit of `odd`, its sign changed by the sign bit of `sign`."""
    y = f.bitcast(f.select(f.cmp("slt", odd, f.like(0, odd)), at_odd, at_even), odd.type)
    return f.bitcast(f.xor(y, f.and_(sign, f.like(1 << (bits(odd) - 1), odd))), at_even.type)


def quarter(f: Function, x: Value) -> tuple[Value, Value, Value]:
    """Return sin r, cos r, q with abs(x) = r + q*pi/2, abs(r) <= pi/4 or barely above, q right in its lowest two bits."""
    r, q = reduce(f, f.intrinsic("fabs", x))
    z = f.mul(r, r)
    sine = f.fma(f.mul(r, z), polynomial(f, z, SIN[x.type]), r)
    cosine = f.fma(z, polynomial(f, z, COS[x.type]), f.like(1.0, z))
    return sine, cosine, q


def reduce(f: Function, x: Value) -> tuple[Value, Value]:
    """Return (r, q) of `quarter` for x >= 0; ends the current block of `f`."""
    form = FORMATS[x.type]
    t = f.fma(x, f.like(2 / math.pi, x), f.like(form.magic, x))
    n = f.sub(t, f.like(form.magic, x))
    r = x
    for step in STEPS[x.type]:
        r = f.fma(n, f.like(-step, x), r)
    q = f.bitcast(t, form.bits)
    huge = f.any(f.cmp("oge", x, f.like(HUGE[x.type], x)), 256 // bits(q), form.bits)
    return correct(f, huge, x, r, q)


def correct(f: Function, huge: Value, x: Value, r: Value, q: Value) -> tuple[Value, Value]:
    """Return `r` and `q`, replaced in huge lanes if `huge` (one i1) holds."""
    name = f.fresh("huge")
    slow, done, before = f"slow.{name}", f"reduced.{name}", f.label
    f.cond_br(huge, slow, done)
    f.start(slow)
    places = [f.alloca(v.type, v.lanes) for v in (x, r, q)]
    for value, address in zip((x, r, q), places, strict=True):
        f.store(value, address)
    function = reduction(f, x.type)
    f.call(function, *places, f.i64(x.lanes), attributes=" cold")
    late = [f.load(address, value.type, value.lanes) for value, address in zip((r, q), places[1:], strict=True)]
    f.br(done)
    f.start(done)
    merged = [f.phi(early, before, after, slow) for early, after in zip((r, q), late, strict=True)]
    return merged[0], merged[1]


def reduction(f: Function, type: str) -> str:
    """Define, once per module, the function that reduces the huge elements of an array; return its name.

    Its parameters: absolute values, the r and q to replace, and the number of elements.
    """
    name = f"graphc.reduce.{type}"
    g = f.module.once(name, [("ptr", "x"), ("ptr", "r"), ("ptr", "q"), ("i64", "count")])
    if g is None:
        return name
    xs, rs, qs, count = g.args
    bits = FORMATS[type].bits
    with g.loop(g.i64(0), count) as loop:
        x = g.load(g.element(xs, loop.index, type), type)
        huge = g.and_(g.cmp("oge", x, g.like(HUGE[type], x)), g.cmp("olt", x, g.like(math.inf, x)))
        with g.when(huge):
            r, q = payne_hanek(g, x if type == "double" else g.convert("fpext", x, "double"))
            g.store(r if type == "double" else g.convert("fptrunc", r, type), g.element(rs, loop.index, type))
            g.store(q if bits == "i64" else g.convert("trunc", q, bits), g.element(qs, loop.index, bits))
    g.ret()
    return name


def payne_hanek(f: Function, x: Value) -> tuple[Value, Value]:
    """Return (r, q): r in [-pi/4, pi/4] rounded once or twice and q mod 4 with x = r + q*pi/2 mod 2*pi.

    `x` is one finite double of at least 2^16.  x = M*2^e with an integer M; of 2/pi only the 192 bits from
    weight 2^(1-e) on matter: those above give whole turns, those below less than 2^-64 of the smallest r.
    """
    b = f.bitcast(x, "i64")
    exponent = f.lshr(b, f.i64(52))
    m = f.or_(f.and_(b, f.i64((1 << 52) - 1)), f.i64(1 << 52))
    high, middle, low = window(f, f.add(exponent, f.i64(64 - 2 - 1075)))
    wide = [f.convert("zext", v, "i128") for v in (m, middle, low)]
    below = f.inst(f"lshr i128 {f.mul(wide[0], wide[2]).name}, 64", "i128")
    top = f.inst(f"shl i128 {f.convert('zext', f.mul(m, high), 'i128').name}, 64", "i128")
    turns = f.add(f.add(top, f.mul(wide[0], wide[1])), below)
    upper = f.convert("trunc", f.inst(f"lshr i128 {turns.name}, 64", "i128"), "i64")
    q = f.lshr(f.add(upper, f.i64(1 << 61)), f.i64(62))
    return radians(f, f.inst(f"shl i128 {turns.name}, 2", "i128")), q


def window(f: Function, offset: Value) -> list[Value]:
    """Return three words of `TWO_OVER_PI`, highest first, that begin `offset` bits into it."""
    words = ", ".join(f"i64 {f.i64(w).name}" for w in TWO_OVER_PI)
    f.module.constant("graphc.two_over_pi", f"internal constant [{len(TWO_OVER_PI)} x i64] [{words}]")
    first = f.lshr(offset, f.i64(6))
    words_of_two_over_pi = Value("@graphc.two_over_pi", "ptr")
    parts = [f.load(f.element(words_of_two_over_pi, f.add(first, f.i64(i)), "i64"), "i64") for i in range(4)]
    shift = f.and_(offset, f.i64(63))
    return [f.intrinsic("fshl", a, b, shift) for a, b in pairwise(parts)]


def radians(f: Function, fraction: Value) -> Value:
    """Convert a signed fraction of a quarter turn, an i128 in units of 2^-128, to radians as a double.

    The fraction is not below 2^-63, so that its upper half is not 0.
    """
    negative = f.inst(f"icmp slt i128 {fraction.name}, 0", "i1")
    minus = f.inst(f"sub i128 0, {fraction.name}", "i128")
    size = f.select(negative, minus, fraction)
    upper = f.convert("trunc", f.inst(f"lshr i128 {size.name}, 64", "i128"), "i64")
    lower = f.convert("trunc", size, "i64")
    f.module.declare("llvm.ctlz.i64", "declare i64 @llvm.ctlz.i64(i64, i1)")
    zeros = f.inst(f"call i64 @llvm.ctlz.i64(i64 {upper.name}, i1 true)", "i64")
    upper = f.intrinsic("fshl", upper, lower, zeros)
    lower = f.shl(lower, zeros)
    head = f.convert("sitofp", f.lshr(upper, f.i64(11)), "double")
    rest = f.lshr(f.or_(f.shl(upper, f.i64(53)), f.lshr(lower, f.i64(11))), f.i64(1))
    tail = f.mul(f.convert("sitofp", rest, "double"), f.const(2.0**-63, "double"))
    pi = [f.const(p, "double") for p in HALF_PI]
    big = f.mul(head, pi[0])
    small = f.add(f.fma(head, pi[0], f.neg(big)), f.fma(head, pi[1], f.mul(tail, pi[0])))
    factor = f.bitcast(f.shl(f.sub(f.i64(1023 - 53), zeros), f.i64(52)), "double")
    r = f.mul(f.add(big, small), factor)
    return f.select(negative, f.neg(r), r)
