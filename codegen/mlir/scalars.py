"""The bodies of elementwise MLIR operations: one scalar function per elementwise primitive, in arith and math.

The semantics are the primitives' own: integers wrap, division by zero gives 0 instead of undefined behaviour, NaN and signed
zeros propagate as in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc.codegen.mlir.text import ELEMENT, Text
from graphc.ir.core.types import BOOL, I64, U8, DType

__all__ = ["SCALARS", "Scalar", "convert", "scalar"]

Scalar = Callable[[Text, DType, list[str]], str]
"""Emits the operations that compute one element from operands of a dtype; returns its value."""


def scalar(name: str, t: Text, dtype: DType, *xs: str) -> str:
    """Emit an elementwise primitive on scalars of a dtype."""
    return SCALARS[name](t, dtype, list(xs))


def convert(t: Text, source: DType, target: DType, x: str) -> str:
    """Convert a scalar: floats truncate towards zero, integers wrap, bool is x != 0."""
    if source is target:
        return x
    if target is BOOL:
        return scalar("ne", t, source, x, t.constant(0, source))
    if source.is_float and target is U8:
        return convert(t, I64, U8, convert(t, source, I64, x))
    return t.op(f"{_conversion(source, target)} {x} : {ELEMENT[source]} to {ELEMENT[target]}")


def _conversion(source: DType, target: DType) -> str:
    if source.is_float and target.is_float:
        return "arith.extf" if target.bytes > source.bytes else "arith.truncf"
    if source.is_float:
        return "arith.fptosi"
    if target.is_float:
        return "arith.uitofp" if _unsigned(source) else "arith.sitofp"
    if target.bytes < source.bytes:
        return "arith.trunci"
    return "arith.extui" if _unsigned(source) else "arith.extsi"


def _unsigned(dtype: DType) -> bool:
    return dtype in (U8, BOOL)


def _op(**spelled: str) -> Scalar:
    """Emit a primitive as one operation per dtype, or else per kind of dtypes."""

    def write(t: Text, dtype: DType, xs: list[str]) -> str:
        name = spelled.get(dtype.name) or spelled[dtype.kind]
        return t.op(f"{name} {', '.join(xs)} : {ELEMENT[dtype]}")

    return write


def _compare(ordered: str, signed: str, unsigned: str) -> Scalar:
    def write(t: Text, dtype: DType, xs: list[str]) -> str:
        name = f"arith.cmpf {ordered}" if dtype.is_float else f"arith.cmpi {unsigned if _unsigned(dtype) else signed}"
        return t.op(f"{name}, {', '.join(xs)} : {ELEMENT[dtype]}")

    return write


def _choose(t: Text, dtype: DType, cond: str, x: str, y: str) -> str:
    return t.op(f"arith.select {cond}, {x}, {y} : {ELEMENT[dtype]}")


def _neg(t: Text, dtype: DType, xs: list[str]) -> str:
    if dtype.is_float:
        return t.op(f"arith.negf {xs[0]} : {ELEMENT[dtype]}")
    return scalar("sub", t, dtype, t.constant(0, dtype), xs[0])


def _abs(t: Text, dtype: DType, xs: list[str]) -> str:
    return xs[0] if dtype is U8 else _op(float="math.absf", int="math.absi")(t, dtype, xs)


def _sign(t: Text, dtype: DType, xs: list[str]) -> str:
    (x,) = xs
    zero = t.constant(0, dtype)
    negative = _choose(t, dtype, scalar("lt", t, dtype, x, zero), t.constant(-1, dtype), zero)
    return _choose(t, dtype, scalar("lt", t, dtype, zero, x), t.constant(1, dtype), negative)


def _rsqrt(t: Text, dtype: DType, xs: list[str]) -> str:
    return scalar("div", t, dtype, t.constant(1, dtype), scalar("sqrt", t, dtype, *xs))


def _sigmoid(t: Text, dtype: DType, xs: list[str]) -> str:
    (x,) = xs
    one = t.constant(1, dtype)
    e = scalar("exp", t, dtype, scalar("neg", t, dtype, scalar("abs", t, dtype, x)))
    top = _choose(t, dtype, scalar("lt", t, dtype, x, t.constant(0, dtype)), e, one)
    return scalar("div", t, dtype, top, scalar("add", t, dtype, one, e))


def _not(t: Text, dtype: DType, xs: list[str]) -> str:
    ones = t.constant(True if dtype is BOOL else -1, dtype)
    return scalar("xor", t, dtype, xs[0], ones)


def _safe_divisor(t: Text, dtype: DType, y: str) -> tuple[str, str, str]:
    """Return y with 1 in place of divisors that are undefined behaviour, and whether y is 0 and whether it is -1."""
    zero = scalar("eq", t, dtype, y, t.constant(0, dtype))
    minus = t.constant(False, BOOL) if _unsigned(dtype) else scalar("eq", t, dtype, y, t.constant(-1, dtype))
    return _choose(t, dtype, scalar("or", t, BOOL, zero, minus), t.constant(1, dtype), y), zero, minus


def _rounds_down(t: Text, dtype: DType, rest: str, y: str) -> str:
    """Return whether the remainder has the wrong sign: then the quotient was rounded up."""
    zero = t.constant(0, dtype)
    signs = (scalar("lt", t, dtype, v, zero) for v in (rest, y))
    return scalar("and", t, BOOL, scalar("ne", t, dtype, rest, zero), scalar("xor", t, BOOL, *signs))


def _floordiv(t: Text, dtype: DType, xs: list[str]) -> str:
    x, y = xs
    if dtype.is_float:
        return _float_floordiv(t, dtype, x, y)
    safe, zero, minus = _safe_divisor(t, dtype, y)
    quotient = _op(int="arith.divsi", u8="arith.divui")(t, dtype, [x, safe])
    if not _unsigned(dtype):
        wrong = _rounds_down(t, dtype, _op(int="arith.remsi")(t, dtype, [x, safe]), safe)
        quotient = scalar("sub", t, dtype, quotient, convert(t, BOOL, dtype, wrong))
        quotient = _choose(t, dtype, minus, scalar("neg", t, dtype, x), quotient)
    return _choose(t, dtype, zero, t.constant(0, dtype), quotient)


def _float_floordiv(t: Text, dtype: DType, x: str, y: str) -> str:
    """Round (x - fmod(x, y)) / y to an integer, as `codegen/llvm/scalar_ops.py` does."""

    def do(name: str, *xs: str) -> str:
        return scalar(name, t, dtype, *xs)

    zero, one, half = (t.constant(v, dtype) for v in (0, 1, 0.5))
    rest = _op(float="arith.remf")(t, dtype, [x, y])
    q = do("div", do("sub", x, rest), y)
    q = _choose(t, dtype, _rounds_down(t, dtype, rest, y), do("sub", q, one), q)
    rounded = do("floor", q)
    rounded = _choose(t, dtype, do("lt", half, do("sub", q, rounded)), do("add", rounded, one), rounded)
    plain = do("div", x, y)
    signed = _op(float="math.copysign")(t, dtype, [zero, plain])
    rounded = _choose(t, dtype, do("eq", q, zero), signed, rounded)
    return _choose(t, dtype, do("eq", y, zero), plain, rounded)


def _remainder(t: Text, dtype: DType, xs: list[str]) -> str:
    x, y = xs
    if not dtype.is_float:
        y, _, _ = _safe_divisor(t, dtype, y)
    rest = _op(float="arith.remf", int="arith.remsi", u8="arith.remui")(t, dtype, [x, y])
    if _unsigned(dtype):
        return rest
    return _choose(t, dtype, _rounds_down(t, dtype, rest, y), scalar("add", t, dtype, rest, y), rest)


def _shift(**spelled: str) -> Scalar:
    def write(t: Text, dtype: DType, xs: list[str]) -> str:
        places = scalar("and", t, dtype, xs[1], t.constant(8 * dtype.bytes - 1, dtype))
        return _op(**spelled)(t, dtype, [xs[0], places])

    return write


SCALARS: dict[str, Scalar] = {
    "neg": _neg,
    "abs": _abs,
    "sign": _sign,
    "floor": _op(float="math.floor"),
    "ceil": _op(float="math.ceil"),
    "trunc": _op(float="math.trunc"),
    "round": _op(float="math.roundeven"),
    "sqrt": _op(float="math.sqrt"),
    "rsqrt": _rsqrt,
    "exp": _op(float="math.exp"),
    "expm1": _op(float="math.expm1"),
    "log": _op(float="math.log"),
    "log1p": _op(float="math.log1p"),
    "sin": _op(float="math.sin"),
    "cos": _op(float="math.cos"),
    "atan": _op(float="math.atan"),
    "tanh": _op(float="math.tanh"),
    "sigmoid": _sigmoid,
    "erf": _op(float="math.erf"),
    "not": _not,
    "add": _op(float="arith.addf", int="arith.addi"),
    "sub": _op(float="arith.subf", int="arith.subi"),
    "mul": _op(float="arith.mulf", int="arith.muli"),
    "div": _op(float="arith.divf"),
    "floordiv": _floordiv,
    "remainder": _remainder,
    "pow": _op(float="math.powf"),
    "maximum": _op(float="arith.maximumf", int="arith.maxsi", u8="arith.maxui", bool="arith.ori"),
    "minimum": _op(float="arith.minimumf", int="arith.minsi", u8="arith.minui", bool="arith.andi"),
    "and": _op(int="arith.andi", bool="arith.andi"),
    "or": _op(int="arith.ori", bool="arith.ori"),
    "xor": _op(int="arith.xori", bool="arith.xori"),
    "shift_left": _shift(int="arith.shli"),
    "shift_right": _shift(int="arith.shrsi", u8="arith.shrui"),
    "eq": _compare("oeq", "eq", "eq"),
    "ne": _compare("une", "ne", "ne"),
    "lt": _compare("olt", "slt", "ult"),
    "le": _compare("ole", "sle", "ule"),
    "select": lambda t, dtype, xs: _choose(t, dtype, *xs),
}
"""The emitter of each elementwise primitive; the dtype is the last operand's."""
