"""The algebra of elementwise primitives.  docs/rules.md states the laws that every rule keeps.

Variables: x y z match any node, f g floats, n m integers, p q booleans, d e integers or booleans, c k constants.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np

from graphc.ir.core import build
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import is_constant
from graphc.ir.core.types import U8, DType
from graphc.ir.rewrite.engine import Rule, rule
from graphc.ir.rewrite.pattern import Var, op

__all__ = ["ALGEBRA"]

x, y, z = Var("x"), Var("y"), Var("z")
f, g = Var("f", ("float",)), Var("g", ("float",))
n, m = Var("n", ("int",)), Var("m", ("int",))
p, q = Var("p", ("bool",)), Var("q", ("bool",))
d, e = Var("d", ("int", "bool")), Var("e", ("int", "bool"))
c, k = Var("c", op="constant"), Var("k", op="constant")
iota = Var("i", ("int",), op="iota")

# -- conditions -----------------------------------------------------------------------------------------


def _lowest(dtype: DType) -> float | int:
    if dtype.is_float:
        return -inf
    return False if dtype.is_bool else int(np.iinfo(dtype.numpy).min)


def _highest(dtype: DType) -> float | int:
    if dtype.is_float:
        return inf
    return True if dtype.is_bool else int(np.iinfo(dtype.numpy).max)


def _is_lowest(x: Node, c: Node) -> bool:
    return bool(c.params["value"] == _lowest(c.dtype))


def _is_highest(x: Node, c: Node) -> bool:
    return bool(c.params["value"] == _highest(c.dtype))


def _is_power_of_two(x: Node, c: Node) -> bool:
    value: int = c.params["value"]
    return value > 0 and value & (value - 1) == 0


def _is_signed(x: Node) -> bool:
    return x.dtype is not U8  # U8 wraps when negated


def _holds(wide: DType, narrow: DType) -> bool:
    """Return whether each value of `narrow` is representable in `wide`."""
    if narrow.is_bool or narrow is wide:
        return True
    if wide.is_float:
        digits = narrow.bytes * 8 if narrow.is_int else np.finfo(narrow.numpy).nmant
        return bool(digits <= np.finfo(wide.numpy).nmant)
    return wide.is_int and narrow.is_int and _lowest(wide) <= _lowest(narrow) and _highest(wide) >= _highest(narrow)


# -- results that need parameters -----------------------------------------------------------------------


def _cast_to_itself(node: Node, x: Node) -> Node | None:
    """x if it already has the dtype."""
    return x if x.dtype is node.dtype else None


def _cast_of_cast(node: Node, x: Node) -> Node | None:
    """cast(x) if the inner cast is lossless, or the outer one loses the same information."""
    outer, inner = node.dtype, node.operands[0].dtype
    lossless = _holds(inner, x.dtype) and (_same_rounding(outer, inner, x.dtype) or _holds(outer, x.dtype))
    wraps_twice = x.dtype.is_int and inner.is_int and outer.is_int and outer.bytes <= inner.bytes
    return build.cast(x, outer) if lossless or wraps_twice else None


def _same_rounding(outer: DType, inner: DType, first: DType) -> bool:
    # converting an out-of-range number wraps from an integer but not from a float
    return not outer.is_int or (inner.is_int and not first.is_float)


def _the_operand(node: Node, x: Node) -> Node:
    """Its operand, which is already an integer."""
    return node.operands[0]


def _scaled_twice(node: Node, x: Node, c: Node) -> Node | None:
    """x * (c + c) if c + c is finite; no denormal is rounded on the way."""
    twice = 2 * c.params["value"]
    return x * twice if -inf < c.dtype.scalar(twice) < inf else None


def _as_shift(node: Node, x: Node, c: Node) -> Node:
    """x >> log2(c) if c is a power of two."""
    return build.elementwise("shift_right", x, c.params["value"].bit_length() - 1)


def _as_mask(node: Node, x: Node, c: Node) -> Node:
    """x & (c - 1) if c is a power of two."""
    mask: int = c.params["value"] - 1
    return x & mask


def _is_below(i: Node, bound: int) -> bool | None:
    """Return whether every index is below a bound (True) or none is (False); None if only some are."""
    last = i.shape[i.params["axis"]] - 1
    return False if bound <= 0 else True if last < bound else None


def _same_for_all(*, negated: bool = False, offset: int = 0) -> Callable[[Node, Node, Node], Node | None]:
    """Return the result function of a rule that compares an iota with a constant plus `offset`."""

    def result(node: Node, x: Node, y: Node) -> Node | None:
        """True or False if that is the answer for every index of the axis."""
        i, c = (y, x) if is_constant(x) else (x, y)
        known = _is_below(i, c.params["value"] + offset)
        return None if known is None else build.full_like(node, known is not negated)

    return result


def _elsewhere(differs: bool) -> Callable[[Node, Node, Node], Node | None]:
    def result(node: Node, i: Node, c: Node) -> Node | None:
        """True or False if the constant is no index of the axis."""
        return None if 0 <= c.params["value"] < i.shape[i.params["axis"]] else build.full_like(node, differs)

    return result


def _counts(i: Node, c: Node) -> bool:
    """Return whether the iota does not wrap."""
    return bool(i.shape[i.params["axis"]] <= int(np.iinfo(i.dtype.numpy).max))


# -- the rules ------------------------------------------------------------------------------------------

_SUMS = [
    rule("add-zero", n + 0, n),
    rule("add-minus-zero", f + -0.0, f),  # f + 0.0 is not f where f is -0.0
    rule("sub-zero", x - 0, x),
    rule("sub-self", n - n, 0),
    rule("zero-sub", 0 - n, -n),
    rule("minus-zero-sub", -0.0 - f, -f),
    rule("add-neg", x + -y, x - y),
    rule("sub-neg", x - -y, x + y),
    rule("neg-neg", op("neg", -x), x),
    rule("neg-sub", -(n - m), m - n),
    rule("sub-constant", n - c, n + -c),
    rule("add-constants", (n + c) + k, n + (c + k)),
    rule("add-scaled-twice", f * c + f * c, _scaled_twice, reassociates=True),
]

_PRODUCTS = [
    rule("mul-one", x * 1, x),
    rule("mul-minus-one", x * -1, -x),
    rule("mul-zero", n * 0, 0),
    rule("mul-constants", (n * c) * k, n * (c * k)),
    rule("mul-negs", -x * -y, x * y),
    rule("neg-mul-constant", -x * c, x * -c),
    rule("neg-of-mul-constant", -(x * c), x * -c),
    rule("mul-neg", f * -g, -(f * g)),  # outwards, where sums and other signs absorb it
    rule("div-one", f / 1, f),
    rule("div-minus-one", f / -1, -f),
    rule("div-negs", -f / -g, f / g),
    rule("neg-div-constant", -f / c, f / -c),
    rule("neg-of-div-constant", -(f / c), f / -c),
    rule("neg-div", -f / g, -(f / g)),
    rule("div-neg", f / -g, -(f / g)),
    rule("floordiv-one", n // 1, n),
    rule("floordiv-power-of-two", n // c, _as_shift, when=_is_power_of_two),
    rule("remainder-one", n % 1, 0),
    rule("remainder-power-of-two", n % c, _as_mask, when=_is_power_of_two),
    rule("pow-zero", f**0, 1),  # C's pow: also for NaN
    rule("pow-one", f**1, f),
    rule("one-pow", 1**f, 1),
    rule("pow-two", f**2, f * f, reassociates=True),
    rule("pow-minus-one", f**-1, 1 / f, reassociates=True),
]

_SIGNS = [
    rule("abs-abs", op("abs", op("abs", x)), op("abs", x)),
    rule("abs-neg", op("abs", -x), op("abs", x), when=_is_signed),
    rule("abs-square", op("abs", f * f), f * f),
    rule("sign-sign", op("sign", op("sign", x)), op("sign", x)),
]

_ROUNDINGS = ("floor", "ceil", "trunc", "round")

_ROUNDING = [
    rule("round-round", op("rounding", op("rounding", f, any_of=_ROUNDINGS), any_of=_ROUNDINGS), _the_operand),
    rule("round-cast", op("rounding", op("cast", d), any_of=_ROUNDINGS), _the_operand),
]

_BITS = [
    rule("not-not", ~~d, d),
    rule("and-zero", d & 0, 0),
    rule("and-ones", d & -1, d),
    rule("and-self", d & d, d),
    rule("and-not-self", d & ~d, 0),
    rule("and-and", d & (d & e), d & e),
    rule("and-or", d & (d | e), d),
    rule("or-zero", d | 0, d),
    rule("or-ones", d | -1, -1),
    rule("or-self", d | d, d),
    rule("or-not-self", d | ~d, -1),
    rule("or-or", d | (d | e), d | e),
    rule("or-and", d | (d & e), d),
    rule("xor-zero", d ^ 0, d),
    rule("xor-ones", d ^ -1, ~d),
    rule("xor-self", d ^ d, 0),
    rule("shift-left-zero", n << 0, n),
    rule("shift-right-zero", n >> 0, n),
    rule("zero-shift-left", 0 << n, 0),
]

_EXTREMA = [
    rule("maximum-self", op("maximum", x, x), x),
    rule("minimum-self", op("minimum", x, x), x),
    rule("maximum-lowest", op("maximum", x, c), x, when=_is_lowest),
    rule("minimum-highest", op("minimum", x, c), x, when=_is_highest),
    rule("maximum-highest", op("maximum", d, c), c, when=_is_highest),  # not for floats: NaN stays
    rule("minimum-lowest", op("minimum", d, c), c, when=_is_lowest),
]

_COMPARISONS = [
    rule("not-eq", ~op("eq", x, y), op("ne", x, y)),
    rule("not-ne", ~op("ne", x, y), op("eq", x, y)),
    rule("not-lt", ~(d < e), e <= d),  # not for floats: NaN
    rule("not-le", ~(d <= e), e < d),
    rule("eq-self", op("eq", d, d), True),
    rule("ne-self", op("ne", d, d), False),
    rule("le-self", d <= d, True),
    rule("lt-self", x < x, False),
    rule("eq-true", op("eq", p, True), p),
    rule("eq-false", op("eq", p, False), ~p),
    rule("ne-true", op("ne", p, True), ~p),
    rule("ne-false", op("ne", p, False), p),
    rule("cast-ne-zero", op("ne", op("cast", p), 0), p),
    rule("cast-eq-zero", op("eq", op("cast", p), 0), ~p),
    rule("cast-eq-one", op("eq", op("cast", p), 1), p),
    rule("iota-lt", iota < c, _same_for_all(), when=_counts),
    rule("iota-le", iota <= c, _same_for_all(offset=1), when=_counts),
    rule("lt-iota", op("lt", c, iota), _same_for_all(offset=1, negated=True), when=lambda c, i: _counts(i, c)),
    rule("le-iota", op("le", c, iota), _same_for_all(negated=True), when=lambda c, i: _counts(i, c)),
    rule("iota-eq", op("eq", iota, c), _elsewhere(False), when=_counts),
    rule("iota-ne", op("ne", iota, c), _elsewhere(True), when=_counts),
]

_SELECTS = [
    rule("select-true", op("select", True, x, y), x),
    rule("select-false", op("select", False, x, y), y),
    rule("select-same", op("select", p, x, x), x),
    rule("select-not", op("select", ~p, x, y), op("select", p, y, x)),
    rule("select-select-first", op("select", p, op("select", p, x, y), z), op("select", p, x, z)),
    rule("select-select-second", op("select", p, x, op("select", p, y, z)), op("select", p, x, z)),
    rule("select-bool", op("select", p, True, False), p),
    rule("select-not-bool", op("select", p, False, True), ~p),
    rule("select-and", op("select", p, q, False), p & q),
    rule("select-or", op("select", p, True, q), p | q),
]

_CASTS = [
    rule("cast-same", op("cast", x), _cast_to_itself),
    rule("cast-cast", op("cast", op("cast", x)), _cast_of_cast),
    rule("alias", op("alias", x), x),
    rule("derived", op("derived", x, y, z), x),
    rule("pinv", op("pinv", x, y), y),
    rule("stop-gradient", op("stop_gradient", x), x),
]

ALGEBRA: list[Rule] = [
    *_SUMS, *_PRODUCTS, *_SIGNS, *_ROUNDING, *_BITS, *_EXTREMA, *_COMPARISONS, *_SELECTS, *_CASTS,
]  # fmt: skip
"""All rules between elementwise primitives, in order of preference."""
