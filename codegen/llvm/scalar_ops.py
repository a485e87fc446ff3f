"""The LLVM IR of each scalar operation of a kernel body: one flat table, at any width."""

from __future__ import annotations

from collections.abc import Callable

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.math import MATH
from graphc.codegen.llvm.values import Value, llvm_type
from graphc.ir.core.philox import WORD, philox
from graphc.ir.core.types import BOOL, DType

__all__ = ["LLVM", "MEMORY", "OPS", "cast", "compare", "larger", "smaller"]

LLVM = {"f32": "float", "f64": "double", "i32": "i32", "i64": "i64", "u8": "i8", "bool": "i1"}
"""How values of a dtype are held in registers."""

MEMORY = {**LLVM, "bool": "i8"}
"""How values of a dtype are held in memory."""

Emit = Callable[[Function, DType, list[Value]], Value]


def _plain(name: str) -> Emit:
    return lambda f, dtype, xs: getattr(f, name)(*xs)


def _intrinsic(name: str) -> Emit:
    return lambda f, dtype, xs: f.intrinsic(name, *xs)


def _math(name: str) -> Emit:
    return lambda f, dtype, xs: MATH[name](f, *xs)


def _abs(f: Function, dtype: DType, xs: list[Value]) -> Value:
    (x,) = xs
    if dtype.is_float:
        return f.intrinsic("fabs", x)
    return x if dtype.name == "u8" else f.select(f.cmp("slt", x, f.like(0, x)), f.neg(x), x)


def _sign(f: Function, dtype: DType, xs: list[Value]) -> Value:
    (x,) = xs
    zero, one = f.like(0, x), f.like(1, x)
    if dtype.is_float:
        below = f.select(f.cmp("olt", x, zero), f.like(-1.0, x), zero)
        return f.select(f.cmp("ogt", x, zero), one, below)
    if dtype.name == "u8":
        return f.select(f.cmp("eq", x, zero), zero, one)
    return f.select(f.cmp("sgt", x, zero), one, f.select(f.cmp("slt", x, zero), f.like(-1, x), zero))


def _not(f: Function, dtype: DType, xs: list[Value]) -> Value:
    (x,) = xs
    return f.xor(x, f.like(1 if dtype.is_bool else -1, x))


def compare(f: Function, predicate: str, dtype: DType, x: Value, y: Value) -> Value:
    """Compare as NumPy does: `eq`, `ne`, `lt`, `le`, `gt`, `ge`; only `ne` is true for NaN."""
    if dtype.is_float:
        return f.cmp({"ne": "une"}.get(predicate, "o" + predicate), x, y)
    if predicate in ("eq", "ne"):
        return f.cmp(predicate, x, y)
    return f.cmp(("u" if dtype.name in ("u8", "bool") else "s") + predicate, x, y)


def _compare(predicate: str) -> Emit:
    return lambda f, dtype, xs: compare(f, predicate, dtype, *xs)


def larger(f: Function, dtype: DType, x: Value, y: Value) -> Value:
    """The larger of two values, NaN if either is."""
    return _extreme(f, "gt", dtype, x, y)


def smaller(f: Function, dtype: DType, x: Value, y: Value) -> Value:
    """The smaller of two values, NaN if either is."""
    return _extreme(f, "lt", dtype, x, y)


def _extreme(f: Function, predicate: str, dtype: DType, x: Value, y: Value) -> Value:
    better = f.select(compare(f, predicate, dtype, x, y), x, y)
    # an ordered comparison with NaN is false and selects y: right if y is NaN, and corrected if x is
    return f.select(f.cmp("uno", x, x), x, better) if dtype.is_float else better


def _floordiv(f: Function, dtype: DType, xs: list[Value]) -> Value:
    x, y = f.common(*xs)
    if dtype.is_float:
        return _float_floordiv(f, x, y)
    zero = f.like(0, x)
    nothing = f.cmp("eq", y, zero)
    if dtype.name == "u8":
        return f.select(nothing, zero, f.binary("udiv", x, f.select(nothing, f.like(1, y), y)))
    minus = f.cmp("eq", y, f.like(-1, y))  # the smallest integer divided by -1 would trap
    safe = f.select(f.or_(nothing, minus), f.like(1, y), y)
    q = f.binary("sdiv", x, safe)
    rest = f.sub(x, f.mul(q, safe))
    below = f.and_(f.cmp("ne", rest, zero), f.cmp("slt", f.xor(rest, safe), zero))
    q = f.select(below, f.sub(q, f.like(1, q)), q)
    return f.select(nothing, zero, f.select(minus, f.neg(x), q))


def _float_floordiv(f: Function, x: Value, y: Value) -> Value:
    """Return the floor of x / y.

    In f32 the f64 quotient has the same floor unless it is beyond 2^29; up to 2^21 the float steps below give that floor too.
    """
    if x.type != "float":
        return _stepwise_floordiv(f, x, y)
    a, b = f.convert("fpext", x, "double"), f.convert("fpext", y, "double")
    q = f.fdiv(a, b)
    rounded = f.convert("fptrunc", f.intrinsic("floor", q), "float")
    return _usually(f, rounded, _is_beyond(f, q, b, 2.0**21), lambda: _stepwise_floordiv(f, x, y))


def _is_beyond(f: Function, q: Value, y: Value, bound: float) -> Value:
    """Return whether a quotient is NaN or at least a bound in magnitude, or its divisor infinite."""
    infinite = f.cmp("oeq", f.intrinsic("fabs", y), f.like(float("inf"), y))
    return f.or_(f.cmp("uge", f.intrinsic("fabs", q), f.like(bound, q)), infinite)


def _usually(f: Function, usual: Value, rare: Value, otherwise: Callable[[], Value]) -> Value:
    """Return `usual`, or the result of `otherwise` for all lanes if any of them is rare."""
    name = f.fresh("rare")
    before, done = f.label, f"done.{name}"
    f.cond_br(f.reduce("or", rare), name, done)
    f.start(name)
    other = otherwise()
    after = f.label
    f.br(done)
    f.start(done)
    return f.phi(usual, before, other, after)


def _stepwise_floordiv(f: Function, x: Value, y: Value) -> Value:
    """Round (x - fmod(x, y)) / y, an integer up to one rounding, to that integer.  Source: CPython's float_floor_div."""
    zero, one = f.like(0.0, x), f.like(1.0, x)
    rest = _fmod(f, x, y)
    q = f.fdiv(f.sub(x, rest), y)
    q = f.select(_is_astray(f, rest, y), f.sub(q, one), q)
    rounded = f.intrinsic("floor", q)
    rounded = f.select(f.cmp("ogt", f.sub(q, rounded), f.like(0.5, x)), f.add(rounded, one), rounded)
    plain = f.fdiv(x, y)
    rounded = f.select(f.cmp("oeq", q, zero), f.intrinsic("copysign", zero, plain), rounded)
    return f.select(f.cmp("oeq", y, zero), plain, rounded)


def _is_astray(f: Function, rest: Value, y: Value) -> Value:
    """Return whether a nonzero remainder has another sign than the divisor."""
    zero = f.like(0.0, rest)
    return f.and_(f.cmp("une", rest, zero), f.xor(f.cmp("olt", rest, zero), f.cmp("olt", y, zero)))


def _remainder(f: Function, dtype: DType, xs: list[Value]) -> Value:
    x, y = f.common(*xs)
    if not dtype.is_float:
        zero = f.like(0, x)
        return f.select(f.cmp("eq", y, zero), zero, f.sub(x, f.mul(_floordiv(f, dtype, [x, y]), y)))
    rest = _fmod(f, x, y)
    return f.select(_is_astray(f, rest, y), f.add(rest, y), rest)


def _fmod(f: Function, x: Value, y: Value) -> Value:
    """Return x - y*trunc(x/y), exactly.

    Each step subtracts y times the leading bits of the quotient with one fma, which has no rounding error, until every lane is
    below |y|.
    """
    if x.type == "float":
        return _fmod_f32(f, x, f.convert("fpext", x, "double"), f.convert("fpext", y, "double"))
    a, b = f.intrinsic("fabs", x), f.intrinsic("fabs", y)
    name = f.fresh("fmod")
    before = f.label
    f.br(name)
    f.start(name)
    where = len(f.lines)
    r = Value(f"%r.{name}", x.type, x.lanes)
    step = b
    for _ in range(2):  # quotients have up to 2098 bits
        overflow = f.cmp("oeq", f.intrinsic("fabs", f.fdiv(r, step)), f.like(float("inf"), b))
        step = f.select(overflow, f.mul(step, f.like(2.0**600, b)), step)
    rest = f.fma(f.neg(f.intrinsic("trunc", f.fdiv(r, step))), step, r)
    going = f.and_(f.cmp("oge", f.intrinsic("fabs", rest), b), f.cmp("ogt", b, f.like(0.0, b)))
    again = f.reduce("or", going)
    f.lines.insert(where, f"  {r.name} = phi {llvm_type(r.type, r.lanes)} [ {a.name}, %{before} ], [ {rest.name}, %{f.label} ]")
    f.cond_br(again, name, f"done.{name}")
    f.start(f"done.{name}")
    # a quotient that was rounded up leaves a negative remainder
    rest = f.select(f.cmp("olt", rest, f.like(0.0, rest)), f.add(rest, b), rest)
    rest = f.select(f.cmp("oeq", b, f.like(float("inf"), b)), f.select(f.cmp("olt", a, b), a, f.like(float("nan"), a)), rest)
    return f.intrinsic("copysign", rest, x)


def _fmod_f32(f: Function, x: Value, a: Value, b: Value) -> Value:
    """Compute the remainder in one f64 step while the quotient is below 2^29: its integer part is not rounded up then."""
    q = f.fdiv(a, b)
    rest = f.fma(f.neg(f.intrinsic("trunc", q)), b, a)
    exact = _usually(f, rest, _is_beyond(f, q, b, 2.0**29), lambda: _fmod(f, a, b))
    return f.intrinsic("copysign", f.convert("fptrunc", exact, "float"), x)


def _shift(op: str) -> Emit:
    def emit(f: Function, dtype: DType, xs: list[Value]) -> Value:
        x, y = f.common(*xs)
        return f.binary("lshr" if op == "ashr" and dtype.name == "u8" else op, x, f.and_(y, f.like(dtype.bytes * 8 - 1, y)))

    return emit


class _ValueWords:
    """Words as LLVM values of any vector width."""

    def __init__(self, f: Function) -> None:
        self.f = f

    def low(self, x: Value) -> Value:
        return self.f.and_(x, self.f.like(WORD, x))

    def high(self, x: Value) -> Value:
        return self.f.lshr(x, self.f.like(32, x))

    def xor(self, x: Value, y: Value) -> Value:
        return self.f.xor(x, y)

    def add(self, x: Value, y: int) -> Value:
        return self.f.add(x, self.f.like(y, x))

    def mul(self, x: Value, y: int) -> Value:
        return self.f.mul(x, self.f.like(y, x))


def _random_bits(f: Function, dtype: DType, xs: list[Value]) -> Value:
    """The words of a seed and counters: see ir/core/philox.py."""
    seed, counter = xs
    return f.convert("trunc", philox(_ValueWords(f), seed, counter), "i32")


def cast(f: Function, x: Value, source: DType, target: DType) -> Value:
    """Convert between dtypes as the `cast` primitive says."""
    if source is target:
        return x
    to = LLVM[target.name]
    if target is BOOL:
        return f.cmp("une" if source.is_float else "ne", x, f.like(0, x))
    if source.is_float and target.is_float:
        return f.convert("fpext" if target.bytes > source.bytes else "fptrunc", x, to)
    if source.is_float:
        wide = f.freeze(f.convert("fptosi", x, "i32" if target.name == "u8" else to))
        return f.convert("trunc", wide, to) if target.name == "u8" else wide
    unsigned = source.name in ("u8", "bool")
    if target.is_float:
        return f.convert("uitofp" if unsigned else "sitofp", x, to)
    if target.bytes > source.bytes or source is BOOL:
        return f.convert("zext" if unsigned else "sext", x, to)
    return f.convert("trunc", x, to) if target.bytes < source.bytes else x


OPS: dict[str, Emit] = {
    "neg": _plain("neg"),
    "abs": _abs,
    "sign": _sign,
    "floor": _intrinsic("floor"),
    "ceil": _intrinsic("ceil"),
    "trunc": _intrinsic("trunc"),
    "round": _intrinsic("roundeven"),
    "sqrt": _math("sqrt"),
    "rsqrt": _math("rsqrt"),
    "exp": _math("exp"),
    "expm1": _math("expm1"),
    "log": _math("log"),
    "log1p": _math("log1p"),
    "sin": _math("sin"),
    "cos": _math("cos"),
    "atan": _math("atan"),
    "tanh": _math("tanh"),
    "sigmoid": _math("sigmoid"),
    "erf": _math("erf"),
    "not": _not,
    "stop_gradient": lambda f, dtype, xs: xs[0],
    "alias": lambda f, dtype, xs: xs[0],
    "derived": lambda f, dtype, xs: xs[0],
    "add": _plain("add"),
    "sub": _plain("sub"),
    "mul": _plain("mul"),
    "div": _plain("fdiv"),
    "floordiv": _floordiv,
    "remainder": _remainder,
    "pow": _math("pow"),
    "maximum": lambda f, dtype, xs: larger(f, dtype, *xs),
    "minimum": lambda f, dtype, xs: smaller(f, dtype, *xs),
    "and": _plain("and_"),
    "or": _plain("or_"),
    "xor": _plain("xor"),
    "shift_left": _shift("shl"),
    "shift_right": _shift("ashr"),
    "eq": _compare("eq"),
    "ne": _compare("ne"),
    "lt": _compare("lt"),
    "le": _compare("le"),
    "select": lambda f, dtype, xs: f.select(*xs),
    "random_bits": _random_bits,
    "index_div": lambda f, dtype, xs: f.binary("udiv", *xs),
}
"""The emitter of each operation.  The dtype is that of the first operand (for `select`, of the second)."""
