"""Rewrite rules: what each one makes, that it changes no bit, that the pass ends and keeps what does not change."""

from __future__ import annotations

import doctest
import functools
import operator
import re
from collections.abc import Callable, Sequence
from math import inf, nan
from random import Random

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.build import (
    apply,
    broadcast,
    cast,
    concatenate,
    constant,
    elementwise,
    flip,
    full_like,
    iota,
    matmul,
    pad,
    permute,
    reduce,
    reshape,
    select,
    slice_,
    sum_,
)  # fmt: skip
from graphc.ir.core.graph import Graph, Node, Region, TypeRuleError, current, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, DTYPES, F32, F64, I32, I64, U8, DType, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.rewrite import simplify as simplify_module
from graphc.ir.rewrite.engine import RewriteLoopError, Rule, RuleSet, rewrite, rule
from graphc.ir.rewrite.pattern import Var, op
from graphc.ir.rewrite.simplify import RULES, simplify
from tests.paths import ROOT

Builder = Callable[..., Node]

# -- inputs with everything in them ---------------------------------------------------------------------

FLOATS = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-310, -1e-40, 1e300, -3e38]
INTS = [0, 1, -1, 2, -2, 3, 5, 7, -7, 100, 127, -128, 2**31 - 1, -(2**31)]
ROW = len(FLOATS)


def special(dtype: DType, shape: tuple[int, ...], position: int) -> np.ndarray:
    """Fill a shape so that the first two parameters of a grid of ROW * ROW elements meet in all pairs."""
    found = FLOATS if dtype.is_float else INTS
    with np.errstate(all="ignore"):
        values = np.array(found).astype(dtype.numpy)
    at = np.arange(int(np.prod(shape)))
    index = [at // ROW, at, at * 3 + at // ROW, at * 5 + 1][position % 4] % ROW
    if dtype.is_bool:
        index = (at >> position) % 2
    found_at: np.ndarray = values[index].reshape(shape)
    return found_at


GRID = f"[{ROW * ROW}]"
SHORT = {"f": f"f64{GRID}", "h": f"f32{GRID}", "n": f"i32{GRID}", "l": f"i64{GRID}", "u": f"u8{GRID}", "p": f"bool{GRID}"}


def tensor_type(text: str) -> TensorType:
    name, extents = re.fullmatch(r"(\w+)\[(.*)\]", SHORT.get(text, text)).groups()  # type: ignore[union-attr]
    return TensorType(DTYPES[name], tuple(int(n) for n in extents.split(",") if n))


def graph_of(types: str, builder: Builder) -> Graph:
    params = tuple(parameter(tensor_type(t), f"x{i}") for i, t in enumerate(types.split()))
    return Graph(params, (builder(*params),))


def inputs(graph: Graph) -> list[np.ndarray]:
    return [special(p.dtype, p.shape, i) for i, p in enumerate(graph.params)]


def assert_same_bits(a: np.ndarray, b: np.ndarray) -> None:
    assert a.dtype == b.dtype and a.shape == b.shape
    if a.dtype.kind != "f":
        np.testing.assert_array_equal(a, b)
        return
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    a, b = (np.where(np.isnan(v), 0, v) for v in (a, b))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


def assert_means_the_same(before: Graph, after: Graph, exact: bool) -> None:
    arrays = inputs(before)
    for a, b in zip(evaluate(before, arrays), evaluate(after, arrays), strict=True):
        if exact:
            assert_same_bits(a, b)
        else:
            last_bit = 2 * float(np.finfo(a.dtype).smallest_subnormal) if a.dtype.kind == "f" else 0
            np.testing.assert_allclose(a, b, rtol=1e-6 if a.dtype == np.float32 else 1e-14, atol=last_bit)


def cost(graph: Graph) -> int:
    """Count the elements that are computed: results of arithmetic, operands of reductions and products."""
    weights = {"elementwise": lambda n: n.type.size, "reduce": lambda n: n.operands[0].type.size}
    return sum(weights[n.op.kind](n) for n in graph.nodes() if n.op.kind in weights)


# -- one example for each rule ----------------------------------------------------------------------------


def const(x: Node, value: float) -> Node:
    return full_like(x, value)


def e(name: str) -> Builder:
    return lambda *xs: elementwise(name, *xs)


def raw(name: str, **params: object) -> Builder:
    """Apply a primitive though nothing changes: the builders would return the operand."""
    return lambda *xs: apply(name, *xs, **params)


def same(x: Node, *_: Node) -> Node:
    return x


V, W = "f64[6]", "f32[2,3]"
C = "f64[2,3,4]"
LOWEST = {I32: -(2**31), I64: -(2**63), U8: 0}
floor, absolute, sign, maximum, minimum = e("floor"), e("abs"), e("sign"), e("maximum"), e("minimum")
eq, ne, lt, le = e("eq"), e("ne"), e("lt"), e("le")

EXAMPLES: list[tuple[str, str, Builder, Builder]] = [
    # folding
    ("empty", "f64[0,3]", lambda x: elementwise("exp", x), lambda x: const(x, 0)),
    ("empty", "f64[2,3] f64[3,0]", build.matmul, lambda x, y: constant(0, F64, (2, 0))),
    ("fold", "f", lambda x: x * (constant(2, F64, x.shape) - 5), lambda x: x * -3.0),
    ("fold", "u", lambda x: x & elementwise("neg", const(x, 3)), lambda x: x & 253),
    ("fold", "f", lambda x: x * cast(constant(3, I32, x.shape), F64), lambda x: x * 3.0),
    ("move-constant", V, lambda x: x + reshape(constant(3, F64, (2, 3)), (6,)), lambda x: x + 3.0),
    ("join-constants", "f64[6]", lambda x: x + pad(constant(3, F64, (2,)), (1,), (3,), fill=3), lambda x: x + 3.0),
    ("join-constants", "f64[6]", lambda x: x + concatenate([constant(3, F64, (2,)), constant(3, F64, (4,))], 0),
     lambda x: x + 3.0),
    ("choose-constant", "f64[6]", lambda x: x + reduce("max", constant(3, F64, (6, 2)), (1,)), lambda x: x + 3.0),
    ("choose-constant", "bool[6]", lambda x: x ^ reduce("any", constant(True, BOOL, (6, 0)), (1,)), same),
    ("sum-constant", "f64[6]", lambda x: x + reduce("sum", constant(-1.5, F64, (6, 2)), (1,)), lambda x: x + -3.0),
    ("sum-constant", "u8[6]", lambda x: x ^ reduce("sum", constant(100, U8, (6, 3)), (1,)), lambda x: x ^ 44),
    ("prod-constant", "i32[6]", lambda x: x ^ reduce("prod", constant(-3, I32, (6, 3)), (1,)), lambda x: x ^ -27),
    # sums
    *(("add-zero", t, lambda n: n + 0, same) for t in "nlu"),
    *(("add-minus-zero", t, lambda f: -0.0 + f, same) for t in "fh"),
    *(("sub-zero", t, lambda x: x - 0, same) for t in "fhnu"),
    ("sub-self", "n", lambda n: n - n, lambda n: const(n, 0)),
    *(("zero-sub", t, lambda n: 0 - n, lambda n: -n) for t in "nu"),
    ("minus-zero-sub", "f", lambda f: -0.0 - f, lambda f: -f),
    *(("add-neg", f"{t} {t}", lambda x, y: -x + y, lambda x, y: y - x) for t in "fnu"),
    *(("sub-neg", f"{t} {t}", lambda x, y: x - -y, lambda x, y: x + y) for t in "fnu"),
    *(("neg-neg", t, lambda x: apply("neg", -x), same) for t in "fhnu"),
    ("neg-sub", "n n", lambda n, m: -(n - m), lambda n, m: m - n),
    ("sub-constant", "n", lambda n: n - 7, lambda n: n + -7),
    ("add-scaled-twice", "f", lambda x: x * 0.5 + x * 0.5, same),
    ("add-scaled-twice", "h", lambda x: x * 0.3 + x * 0.3, lambda x: x * (2 * F32.scalar(0.3))),
    ("add-constants", "n", lambda n: (n + 2**30) + 2**30, lambda n: n + -(2**31)),
    # products
    *(("mul-one", t, lambda x: 1 * x, same) for t in "fhnu"),
    *(("mul-minus-one", t, lambda x: x * -1, lambda x: -x) for t in "fhnu"),
    ("mul-zero", "n", lambda n: 0 * n, lambda n: const(n, 0)),
    ("mul-constants", "n", lambda n: (n * 3) * 2**30, lambda n: n * -(2**30)),
    *(("mul-negs", f"{t} {t}", lambda x, y: -x * -y, lambda x, y: x * y) for t in "fn"),
    *(("neg-mul-constant", t, lambda x: -x * 3, lambda x: x * -3) for t in "fn"),
    *(("neg-of-mul-constant", t, lambda x: -(x * 3), lambda x: x * -3) for t in "fn"),
    ("mul-neg", "f f", lambda x, y: x * -y, lambda x, y: -(x * y)),
    *(("div-one", t, lambda x: x / 1, same) for t in "fh"),
    ("div-minus-one", "f", lambda x: x / -1, lambda x: -x),
    ("div-negs", "f f", lambda x, y: -x / -y, lambda x, y: x / y),
    ("neg-div-constant", "f", lambda x: -x / 3, lambda x: x / -3.0),
    ("neg-of-div-constant", "f", lambda x: -(x / 3), lambda x: x / -3.0),
    ("neg-div", "f f", lambda x, y: -x / y, lambda x, y: -(x / y)),
    ("div-neg", "f f", lambda x, y: x / -y, lambda x, y: -(x / y)),
    *(("floordiv-one", t, lambda n: elementwise("floordiv", n, 1), same) for t in "nlu"),
    *(("floordiv-power-of-two", t, lambda n: elementwise("floordiv", n, 8),
     lambda n: elementwise("shift_right", n, 3)) for t in "nlu"),
    ("remainder-one", "n", lambda n: elementwise("remainder", n, 1), lambda n: const(n, 0)),
    *(("remainder-power-of-two", t, lambda n: elementwise("remainder", n, 8), lambda n: n & 7) for t in "nlu"),
    ("pow-zero", "f", lambda x: elementwise("pow", x, 0), lambda x: const(x, 1)),
    ("pow-one", "f", lambda x: elementwise("pow", x, 1), same),
    ("one-pow", "f", lambda x: elementwise("pow", 1, x), lambda x: const(x, 1)),
    ("pow-two", "f", lambda x: elementwise("pow", x, 2), lambda x: x * x),
    ("pow-minus-one", "f", lambda x: elementwise("pow", x, -1), lambda x: 1 / x),
    # signs and rounding
    ("abs-abs", "f", lambda x: absolute(absolute(x)), absolute),
    *(("abs-neg", t, lambda x: absolute(-x), absolute) for t in "fn"),
    ("abs-square", "f", lambda x: absolute(x * x), lambda x: x * x),
    *(("sign-sign", t, lambda x: sign(sign(x)), sign) for t in "fn"),
    ("round-round", "f", lambda x: elementwise("round", floor(x)), floor),
    *(("round-cast", t, lambda x: elementwise("trunc", cast(x, F32)), lambda x: cast(x, F32)) for t in "np"),
    # bits
    *(("not-not", t, lambda d: ~~d, same) for t in "np"),
    *(("and-zero", t, lambda d: d & 0, lambda d: const(d, 0)) for t in "np"),
    *(("and-ones", t, lambda d: d & const(d, -1), same) for t in "nup"),
    ("and-self", "n", lambda d: d & d, same),
    *(("and-not-self", t, lambda d: ~d & d, lambda d: const(d, 0)) for t in "np"),
    ("and-and", "n n", lambda d, c: (c & d) & d, lambda d, c: d & c),
    ("and-or", "n n", lambda d, c: (c | d) & d, same),
    *(("or-zero", t, lambda d: d | 0, same) for t in "np"),
    *(("or-ones", t, lambda d: d | const(d, -1), lambda d: const(d, -1)) for t in "nup"),
    ("or-self", "n", lambda d: d | d, same),
    *(("or-not-self", t, lambda d: ~d | d, lambda d: const(d, -1)) for t in "np"),
    ("or-or", "n n", lambda d, c: (c | d) | d, lambda d, c: d | c),
    ("or-and", "n n", lambda d, c: (c & d) | d, same),
    *(("xor-zero", t, lambda d: d ^ 0, same) for t in "np"),
    *(("xor-ones", t, lambda d: d ^ const(d, -1), lambda d: ~d) for t in "nup"),
    ("xor-self", "n", lambda d: d ^ d, lambda d: const(d, 0)),
    ("shift-left-zero", "n", lambda n: elementwise("shift_left", n, 0), same),
    ("shift-right-zero", "n", lambda n: elementwise("shift_right", n, 0), same),
    ("zero-shift-left", "n", lambda n: elementwise("shift_left", 0, n), lambda n: const(n, 0)),
    # extrema, comparisons
    *(("maximum-self", t, lambda x: maximum(x, x), same) for t in "fnp"),
    *(("minimum-self", t, lambda x: minimum(x, x), same) for t in "fnp"),
    *(("maximum-lowest", t, lambda x: maximum(LOWEST.get(x.dtype, -inf), x), same) for t in "fhnu"),
    *(("minimum-highest", t, lambda x: minimum(x, inf if x.dtype.is_float else 255), same) for t in "fhu"),
    ("maximum-highest", "u", lambda x: maximum(x, 255), lambda x: const(x, 255)),
    ("minimum-lowest", "u", lambda x: minimum(x, 0), lambda x: const(x, 0)),
    *(("not-eq", f"{t} {t}", lambda x, y: ~eq(x, y), ne) for t in "fnp"),
    *(("not-ne", f"{t} {t}", lambda x, y: ~ne(x, y), eq) for t in "fnp"),
    *(("not-lt", f"{t} {t}", lambda x, y: ~lt(x, y), lambda x, y: le(y, x)) for t in "np"),
    *(("not-le", f"{t} {t}", lambda x, y: ~le(x, y), lambda x, y: lt(y, x)) for t in "np"),
    ("eq-self", "n", lambda d: eq(d, d), lambda d: constant(True, BOOL, d.shape)),
    ("ne-self", "n", lambda d: ne(d, d), lambda d: constant(False, BOOL, d.shape)),
    ("le-self", "n", lambda d: le(d, d), lambda d: constant(True, BOOL, d.shape)),
    *(("lt-self", t, lambda x: lt(x, x), lambda d: constant(False, BOOL, d.shape)) for t in "fn"),
    ("eq-true", "p", lambda p: eq(p, True), same),
    ("eq-false", "p", lambda p: eq(False, p), lambda p: ~p),
    ("ne-true", "p", lambda p: ne(p, True), lambda p: ~p),
    ("ne-false", "p", lambda p: ne(p, False), same),
    ("cast-ne-zero", "p", lambda p: ne(cast(p, F32), 0), same),
    ("cast-eq-zero", "p", lambda p: eq(cast(p, I32), 0), lambda p: ~p),
    ("cast-eq-one", "p", lambda p: eq(cast(p, I32), 1), same),
    ("iota-lt", "bool[2,5]", lambda p: p & lt(iota((2, 5), 1), 5), same),
    ("iota-lt", "bool[2,5]", lambda p: p | lt(iota((2, 5), 1), 0), same),
    ("iota-le", "bool[2,5]", lambda p: p & le(iota((2, 5), 1), 4), same),
    ("iota-le", "bool[2,5]", lambda p: p | le(iota((2, 5), 1), -1), same),
    ("lt-iota", "bool[2,5]", lambda p: p & lt(-1, iota((2, 5), 1)), same),
    ("lt-iota", "bool[2,5]", lambda p: p | lt(4, iota((2, 5), 1)), same),
    ("le-iota", "bool[2,5]", lambda p: p & le(0, iota((2, 5), 1)), same),
    ("le-iota", "bool[2,5]", lambda p: p | le(5, iota((2, 5), 1)), same),
    ("iota-eq", "bool[2,5]", lambda p: p | eq(iota((2, 5), 1), 5), same),
    ("iota-ne", "bool[2,5]", lambda p: p & ne(-1, iota((2, 5), 1)), same),
    # selects, casts
    ("select-true", "f f", lambda x, y: select(constant(True, BOOL, x.shape), x, y), same),
    ("select-false", "f f", lambda x, y: select(constant(False, BOOL, x.shape), y, x), same),
    ("select-same", "f p", lambda x, p: select(p, x, x), same),
    ("select-not", "f f p", lambda x, y, p: select(~p, x, y), lambda x, y, p: select(p, y, x)),
    ("select-select-first", "f f h p", lambda x, y, z, p: select(p, select(p, x, y), x + y),
     lambda x, y, z, p: select(p, x, x + y)),
    ("select-select-second", "f f h p", lambda x, y, z, p: select(p, x, select(p, x + y, y)),
     lambda x, y, z, p: select(p, x, y)),
    ("select-bool", "p", lambda p: select(p, const(p, True), False), same),
    ("select-not-bool", "p", lambda p: select(p, const(p, False), True), lambda p: ~p),
    ("select-and", "p p", lambda p, q: select(p, q, False), lambda p, q: p & q),
    ("select-or", "p p", lambda p, q: select(p, True, q), lambda p, q: p | q),
    ("cast-same", "f", raw("cast", dtype=F64), same),
    ("cast-cast", "h", lambda x: cast(cast(x, F64), F32), same),
    *(("cast-cast", "n", lambda x, t=t: cast(cast(x, I64), t), lambda x, t=t: cast(x, t)) for t in (U8, F32, F64, BOOL)),
    ("cast-cast", "n", lambda x: cast(cast(x, F64), I64), lambda x: cast(x, I64)),
    ("cast-cast", "l", lambda x: cast(cast(x, I32), U8), lambda x: cast(x, U8)),
    ("cast-cast", "p", lambda x: cast(cast(x, F32), U8), lambda x: cast(x, U8)),
    ("alias", "f", raw("alias"), same),
    ("derived", "f f f", raw("derived", rule="hypot"), lambda x, y, z: x),
    ("stop-gradient", "f", raw("stop_gradient"), same),
    # movement
    ("reshape-same", V, raw("reshape", shape=(6,)), same),
    ("permute-same", W, raw("permute", axes=(0, 1)), same),
    ("broadcast-same", W, raw("broadcast", shape=(2, 3), axes=(0, 1)), same),
    ("slice-same", V, raw("slice", start=(0,), stop=(6,), step=(1,)), same),
    ("pad-same", V, lambda x: apply("pad", x, constant(1, F64), low=(0,), high=(0,), interior=(0,)), same),
    ("flip-single", "f64[3,1]", lambda x: flip(x, (0, 1)), lambda x: flip(x, (0,))),
    ("concatenate-empty", "f64[3] f64[0]", lambda x, y: concatenate([y, x, y], 0), same),
    ("cumsum-single", "f64[3,1]", lambda x: build.cumsum(x, 1), same),
    ("argmax-single", "f64[3,1]", raw("argmax", axis=1), lambda x: constant(0, I64, (3,))),
    ("argsort-single", "f64[3,1]", lambda x: build.argsort(x, 1), lambda x: constant(0, I64, (3, 1))),
    ("argmin-single", "f64[3,1]", raw("argmin", axis=1), lambda x: constant(0, I64, (3,))),
    ("reshape-reshape", C, lambda x: reshape(reshape(x, (6, 4)), (4, 6)), lambda x: reshape(x, (4, 6))),
    ("reshape-reshape", C, lambda x: reshape(reshape(x, (6, 4)), (2, 3, 4)), same),
    ("permute-permute", C, lambda x: permute(permute(x, (1, 2, 0)), (0, 2, 1)), lambda x: permute(x, (1, 0, 2))),
    ("broadcast-broadcast", V, lambda x: broadcast(broadcast(x, (2, 6), (1,)), (2, 3, 6), (0, 2)),
     lambda x: broadcast(x, (2, 3, 6), (2,))),
    ("flip-flip", C, lambda x: flip(flip(x, (0, 1)), (1, 2)), lambda x: flip(x, (0, 2))),
    ("slice-slice", "f64[30]", lambda x: slice_(slice_(x, (3,), (28,), (3,)), (1,), (8,), (2,)),
     lambda x: slice_(x, (6,), (25,), (6,))),
    ("pad-pad", V, lambda x: pad(pad(x, (1,), (2,), (3,)), (4,), (0,)), lambda x: pad(x, (5,), (2,), (3,))),
    ("concatenate-concatenate", "f64[2] f64[3]", lambda x, y: concatenate([x, concatenate([y, x], 0)], 0),
     lambda x, y: concatenate([x, y, x], 0)),
    ("concatenate-slices", "f64[9]", lambda x: concatenate([slice_(x, (0,), (4,)), slice_(x, (4,), (9,))], 0), same),
    ("concatenate-slices", "f64[4,5]", lambda x: concatenate([slice_(x, (0, i), (2, i + 1)) for i in range(4)], 1),
     lambda x: slice_(x, (0, 0), (2, 4))),
    ("slice-pad", V, lambda x: slice_(pad(x, (2,), (3,)), (2,), (8,)), same),
    ("slice-pad", V, lambda x: slice_(pad(x, (2,), (3,), (1,)), (4,), (13,), (4,)), lambda x: slice_(x, (1,), (6,), (2,))),
    ("slice-pad", V, lambda x: slice_(pad(x, (2,), (3,), fill=7), (0,), (2,)), lambda x: constant(7, F64, (2,))),
    ("slice-pad", W, lambda x: slice_(pad(x, (1, 2), (0, 3)), (0, 2), (3, 4)),
     lambda x: pad(slice_(x, (0, 0), (2, 2)), (1, 0), (0, 0))),
    ("slice-concatenate", "f64[4] f64[5]", lambda x, y: slice_(concatenate([y, x, y], 0), (5,), (9,)), same),
    ("slice-concatenate", "f64[4] f64[5]", lambda x, y: slice_(concatenate([y, x, y], 0), (6,), (12,), (2,)),
     lambda x, y: slice_(concatenate([x, y], 0), (1,), (6,), (2,))),
    ("add-part", "f64[2,20] f64[2,30]", lambda x, y: pad(y, (0, 20), (0, 0)) + pad(x, (0, 0), (0, 30)),
     lambda x, y: concatenate([x + 0.0, y + 0.0], 1)),
    ("add-part", "i32[3,9] i32[1,9] i32[2,9]",
     lambda x, y, z: pad(x, (3, 1), (3, 0)) + pad(y, (6, 1), (2, 0)) + pad(z, (1, 1), (6, 0)),
     lambda x, y, z: pad(concatenate([z, x, y], 0), (1, 1), (2, 0))),
    ("add-parts", "f32[9] f32[10] f32[11] f32[12]",
     lambda x, y, z, w: (pad(z, (19,), (12,)) + pad(x, (0,), (33,))) + (pad(w, (30,), (0,)) + pad(y, (9,), (23,))),
     lambda x, y, z, w: concatenate([x + 0.0, y + 0.0, z + 0.0, w + 0.0], 0)),
    ("add-part", "f32[9] f32[10] f32[11]", lambda x, y, z: pad(x, (0,), (21,)) + pad(y, (9,), (11,)) + pad(z, (19,), (0,)),
     lambda x, y, z: concatenate([x + 0.0, y + 0.0, z + 0.0], 0)),
    ("add-part", "f64[9] f64[9]", lambda x, y: pad(x, (0,), (9,)) + pad(y, (9,), (0,)) + pad(x * y, (6,), (3,)),
     lambda x, y: concatenate([x + 0.0, y + 0.0], 0) + pad(x * y, (6,), (3,))),
    ("add-part", "i64[4] i64[2] i64[1]", lambda x, y, z: x + pad(z, (3,), (0,)) + x * x + pad(y, (1,), (1,)),
     lambda x, y, z: x + x * x + pad(concatenate([y, z], 0), (1,), (0,))),
    ("add-parts", "i64[4] i64[2]", lambda x, y: (x + pad(y, (2,), (0,))) + (x * x + pad(y * y, (0,), (2,))),
     lambda x, y: x + x * x + concatenate([y * y, y], 0)),
    ("add-part", "f64[9] f64[9] f64[18]", lambda x, y, z: (pad(x, (0,), (9,)) + pad(y, (9,), (0,))) + -z,
     lambda x, y, z: concatenate([x + 0.0, y + 0.0], 0) - z),
    # repeats
    ("broadcast-single", "f64[2,3]", lambda x: broadcast(x, (2, 1, 3), (0, 2)), lambda x: reshape(x, (2, 1, 3))),
    ("broadcast-reshape", V, lambda x: broadcast(reshape(x, (6, 1)), (6, 4, 1), (0, 2)),
     lambda x: broadcast(x, (6, 4, 1), (0,))),
    ("permute-matmul", "f32[2,3] f32[3,5]", lambda x, y: permute(matmul(x, y), (1, 0)),
     lambda x, y: matmul(permute(y, (1, 0)), permute(x, (1, 0)))),
    ("permute-broadcast", W, lambda x: permute(broadcast(x, (2, 5, 3), (0, 2)), (2, 1, 0)),
     lambda x: broadcast(permute(x, (1, 0)), (3, 5, 2), (0, 2))),
    ("permute-broadcast", V, lambda x: permute(broadcast(x, (2, 6), (1,)), (1, 0)), lambda x: broadcast(x, (6, 2), (0,))),
    ("reshape-broadcast", V, lambda x: reshape(broadcast(x, (6, 2), (0,)), (1, 6, 1, 2)),
     lambda x: broadcast(x, (1, 6, 1, 2), (1,))),
    ("reshape-broadcast", "f64[1]", lambda x: reshape(broadcast(x, (6, 1), (1,)), (2, 3)),
     lambda x: broadcast(reshape(x, ()), (2, 3), ())),
    ("slice-broadcast", V, lambda x: slice_(broadcast(x, (4, 6), (1,)), (1, 2), (3, 6), (1, 2)),
     lambda x: broadcast(slice_(x, (2,), (6,), (2,)), (2, 2), (1,))),
    ("flip-broadcast", V, lambda x: flip(broadcast(x, (4, 6), (1,)), (0, 1)), lambda x: broadcast(flip(x, (0,)), (4, 6), (1,))),
    ("broadcast-iota", "i64[2,6]", lambda x: x + broadcast(iota((6,), 0), (2, 6), (1,)), lambda x: x + iota((2, 6), 1)),
    ("permute-iota", "i64[2,6]", lambda x: x + permute(iota((6, 2), 0), (1, 0)), lambda x: x + iota((2, 6), 1)),
    ("elementwise-broadcast", V, lambda x: elementwise("exp", broadcast(x, (4, 6), (1,))),
     lambda x: broadcast(elementwise("exp", x), (4, 6), (1,))),
    ("elementwise-broadcast", "f64[6] f64[]", lambda x, s: (broadcast(x, (4, 6), (1,)) + broadcast(s, (4, 6), ())) * 3,
     lambda x, s: broadcast((x + broadcast(s, (6,), ())) * 3, (4, 6), (1,))),
    ("elementwise-broadcast", V, lambda x: cast(broadcast(x, (4, 6), (1,)), F32),
     lambda x: broadcast(cast(x, F32), (4, 6), (1,))),
    ("elementwise-permute", W, lambda x: elementwise("exp", permute(x, (1, 0)) + 3.0),
     lambda x: permute(elementwise("exp", x + 3.0), (1, 0))),
    ("elementwise-permute", "f64[2,3,4] f64[4,3]", lambda x, y: permute(x, (2, 0, 1)) * broadcast(y, (4, 2, 3), (0, 2)),
     lambda x, y: permute(x * broadcast(permute(y, (1, 0)), (2, 3, 4), (1, 2)), (2, 0, 1))),
    # sums of products
    ("sum-product", "f64[9,10] f64[10,11]",
     lambda x, y: sum_(broadcast(x, (9, 10, 11), (0, 1)) * broadcast(y, (9, 10, 11), (1, 2)), (1,)), matmul),
    ("sum-one-term", "f64[5,4]",
     lambda x: sum_(select(eq(iota((3, 4, 5, 4), 1), iota((3, 4, 5, 4), 3)), broadcast(x, (3, 4, 5, 4), (2, 3)), 0), (3,)),
     lambda x: broadcast(permute(x + 0.0, (1, 0)), (3, 4, 5), (1, 2))),
    # reductions
    ("reduce-nothing", W, raw("sum", axes=()), same),
    ("sum-single", "f64[3,1]", lambda x: sum_(x, (1,)), lambda x: reshape(x, (3,)) + 0.0),
    ("sum-single", "i32[3,1]", lambda x: sum_(x, (1,)), lambda x: reshape(x, (3,))),
    *(("reduce-single", "f64[3,1]", lambda x, r=r: reduce(r, x, (1,)),
     lambda x: reshape(x, (3,))) for r in ("prod", "max", "min")),
    *((f"{r}-{r}", C, lambda x, r=r: reduce(r, reduce(r, x, (1,)), (1,)),
     lambda x, r=r: reduce(r, x, (1, 2))) for r in ("sum", "prod", "max", "min")),
    *((f"{r}-{r}", "bool[2,3,4]", lambda x, r=r: reduce(r, reduce(r, x, (2,)), (0,)),
     lambda x, r=r: reduce(r, x, (0, 2))) for r in ("any", "all")),
    ("sum-broadcast", W, lambda x: sum_(broadcast(x, (2, 5, 3), (0, 2)), (1, 2)), lambda x: sum_(x, (1,)) * 5 + 0.0),
    ("sum-broadcast", "u8[3]", lambda x: sum_(broadcast(x, (2, 200, 3), (2,)), (1,)),
     lambda x: broadcast(x * 200, (2, 3), (1,))),
    ("reduce-broadcast", W, lambda x: reduce("max", broadcast(x, (2, 5, 3), (0, 2)), (1, 2)), lambda x: reduce("max", x, (1,))),
    ("reduce-broadcast", "bool[3]", lambda x: reduce("any", broadcast(x, (2, 5, 3), (2,)), (1,)),
     lambda x: broadcast(x, (2, 3), (1,))),
    ("reduce-permute", C, lambda x: sum_(permute(x, (1, 2, 0)), (0, 2)), lambda x: sum_(x, (0, 1))),
    ("reduce-flip", C, lambda x: reduce("max", flip(x, (0, 1)), (1,)), lambda x: reduce("max", flip(x, (0,)), (1,))),
    ("reduce-reshape", C, lambda x: sum_(reshape(x, (24,)), (0,)), lambda x: sum_(x, (0, 1, 2))),
    ("sum-pad", C, lambda x: sum_(pad(x, (1, 0, 0), (0, 2, 0), (0, 0, 1)), (1, 2)), lambda x: pad(sum_(x, (1, 2)), (1,), (0,))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "types", "before", "after"), EXAMPLES, ids=[f"{i}-{x[0]}" for i, x in enumerate(EXAMPLES)])
def test_rule(name: str, types: str, before: Builder, after: Builder) -> None:
    graph = graph_of(types, before)
    expected = after(*graph.params)
    fired: list[Rule] = []
    simple = simplify(graph, lambda r, *_: fired.append(r))
    assert name in [r.name for r in fired]
    assert simple.results[0] is expected, (graph, simple)
    assert_means_the_same(graph, simple, not any(r.reassociates for r in fired))
    assert cost(simple) <= cost(graph)


@pytest.mark.parametrize(("shape", "left", "right", "summed"), [
    ((2, 11, 9, 10), (0, 2, 3), (0, 1, 3), (3,)),
    ((9, 10, 11, 3), (0, 1, 3), (1, 2, 3), (1, 3)),
    ((9, 2, 12, 5, 9), (0, 1, 4), (2, 3, 4), (4,)),
])  # fmt: skip
def test_sums_of_products_are_matrix_products(shape, left, right, summed) -> None:
    types = [f"f64[{','.join(str(shape[a]) for a in axes)}]" for axes in (left, right)]
    graph = graph_of(" ".join(types), lambda x, y: sum_(broadcast(x, shape, left) * broadcast(y, shape, right), summed))
    simple = simplify(graph)
    assert [n.op.name for n in simple.nodes() if n.op.kind != "movement"] == ["matmul"]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(p.shape) for p in graph.params]
    np.testing.assert_allclose(*(evaluate(g, arrays)[0] for g in (graph, simple)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("shape", "left", "right"), [
    ((9, 10, 11), (0, 1, 2), (1, 2)), ((9, 10, 2), (0, 1), (1, 2)), ((9, 8, 11), (0, 1), (1, 2)),
])  # fmt: skip
def test_other_sums_of_products_stay(shape, left, right) -> None:
    types = [f"f64[{','.join(str(shape[a]) for a in axes)}]" for axes in (left, right)]
    graph = graph_of(" ".join(types), lambda x, y: sum_(broadcast(x, shape, left) * broadcast(y, shape, right), (1,)))
    assert "matmul" not in [n.op.name for n in simplify(graph).nodes()]


def test_all_blocks_of_a_sum_are_joined_at_once() -> None:
    def blocks(x: Node) -> Node:
        pieces = [pad(slice_(x * x, (i,), (i + 1,)), (i,), (39 - i,)) for i in range(40)]
        return functools.reduce(operator.add, pieces)

    fired: list[str] = []
    graph = graph_of("f64[40]", blocks)
    simple = simplify(graph, lambda r, *_: fired.append(r.name))
    assert [name for name in fired if name.startswith("add-part")] == ["add-part"]
    assert_means_the_same(graph, simple, False)


def test_every_rule_has_an_example() -> None:
    assert {r.name for r in RULES.rules} == {x[0] for x in EXAMPLES}
    assert len({r.name for r in RULES.rules}) == len(RULES.rules)


def table_row(r: Rule) -> str:
    notes = [*(["rounding"] if r.reassociates else []), *(["only reader"] if r.single_use or r.tree else [])]
    text = str(r).replace("|", "\\|")
    return f"| {r.name} | `{text}` | {', '.join(notes)} |"


def test_every_rule_is_documented() -> None:
    text = (ROOT / "docs" / "rules.md").read_text()
    documented = [line for line in text.partition("## Rules")[2].splitlines() if line.startswith("| ")][1:]
    assert documented == [table_row(r) for r in RULES.rules]


# -- what must not be done ------------------------------------------------------------------------------


@pytest.mark.parametrize(("types", "builder"), [
    ("f", lambda x: x + 0.0), ("f", lambda x: x - -0.0), ("f", lambda x: x * 0), ("f", lambda x: x - x), ("f", lambda x: 0 - x),
    ("f", lambda x: x / x), ("f", lambda x: x / 3), ("f", lambda x: eq(x, x)), ("f", lambda x: ne(x, x)), ("f",
     lambda x: le(x, x)),
    ("f f", lambda x, y: ~lt(x, y)), ("f", lambda x: maximum(x, inf)), ("f", lambda x: maximum(x, 0)), ("f",
     lambda x: (x + 1) + 2),
    ("f", lambda x: (x * 3) * 5), ("f f", lambda x, y: -(x - y)), ("f", lambda x: elementwise("pow", x, 0.5)),
    ("n", lambda x: absolute(x * x)), ("n", lambda x: elementwise("floordiv", x, -8)), ("n", lambda x: cast(cast(x, F32), I32)),
    ("f", lambda x: cast(cast(x, F32), F64)), ("f", lambda x: cast(cast(x, I32), F64)), ("n", lambda x: cast(cast(x, U8), I32)),
    ("l", lambda x: cast(cast(x, I32), F64)), ("n", lambda x: cast(cast(x, F64), U8)), ("h", lambda x: cast(cast(x, F64), I32)),
    ("f32[2]", lambda x: x / 2.0**127), ("i64[5]", lambda x: eq(x, 5)), ("f64[2,3]",
     lambda x: reshape(permute(x, (1, 0)), (6,))),
    ("f64[6]", lambda x: slice_(pad(x, (2,), (3,)), (1,), (4,))), ("f64[6]",
     lambda x: pad(pad(x, (1,), (1,)), (0,), (0,), (1,))),
    ("f64[9]", lambda x: pad(x, (0,), (8,)) + pad(x, (8,), (0,))), ("f64[9]",
     lambda x: pad(x, (0,), (10,)) + pad(x, (10,), (0,))),
    ("f64[2,8]", lambda x: pad(x, (0, 0), (0, 8)) + pad(x, (0, 8), (0, 0))), ("f64[9]",
     lambda x: pad(x, (0,), (9,), fill=-0.0) + pad(x, (9,), (0,))),
    ("f64[9]", lambda x: pad(x, (0,), (9,), fill=1.0) + pad(x, (9,), (0,))), ("f64[9,9]",
     lambda x: pad(x, (0, 0), (9, 9)) + pad(x, (9, 9), (0, 0))),
    ("f64[9]", lambda x: pad(x, (0,), (9,), (1,)) + pad(x, (17,), (0,))), ("f64[9] f64[18]",
     lambda x, y: pad(x, (0,), (9,)) + pad(x, (9,), (0,)) * y),
    ("f64[6]", lambda x: pad(pad(x, (1,), (1,)), (1,), (1,), fill=2)), ("f64[2,3]",
     lambda x: sum_(pad(x, (0, 1), (0, 0), fill=1), (1,))),
    ("f64[2,3]", lambda x: reshape(broadcast(x, (2, 4, 3), (0, 2)), (8, 3))), ("bool[300]",
     lambda p: p & lt(iota((300,), 0, U8), 255)),
    ("f64[9]", lambda x: concatenate([slice_(x, (0,), (3,)), slice_(x, (4,), (9,))], 0)),
])  # fmt: skip
def test_what_is_not_exact_stays(types: str, builder: Builder) -> None:
    graph = graph_of(types, builder)
    assert simplify(graph) is graph


X, Y = Var("x"), Var("y")


def test_checker_catches_a_bad_rule() -> None:
    bad = RuleSet((rule("add-plus-zero", X + 0.0, X),))
    graph = graph_of("f", lambda x: x + 0.0)
    after = graph.replace(rewrite(graph.results, bad))
    assert after.results == graph.params
    with pytest.raises(AssertionError):
        assert_means_the_same(graph, after, exact=True)


# -- the machinery --------------------------------------------------------------------------------------


def test_rules_know_their_line() -> None:
    made = rule("here", X + 0, X)
    assert re.fullmatch(r"test_rules.py:\d+", made.where)
    assert all(re.fullmatch(r"\w+\.py:\d+", r.where) for r in RULES.rules)


def test_patterns_print_as_they_are_written() -> None:
    assert str(rule("r", op("select", ~X, X * -1, 2 / (X + Y)), Y)) == "select(~x, x * -1, 2 / (x + y)) → y"


def test_rule_that_changes_the_type_is_reported() -> None:
    bad = RuleSet((rule("wrong", op("cast", X), X),))
    graph = graph_of("f", lambda x: cast(x, F32))
    with pytest.raises(TypeRuleError, match=r"rule wrong \(test_rules.py:\d+\) must keep the type f32\[196\], got f64"):
        rewrite(graph.results, bad)


def test_rules_in_a_circle_are_reported() -> None:
    circle = RuleSet((rule("there", X + 1, X - 1), rule("back", X - 1, X + 1)))
    with pytest.raises(RewriteLoopError):
        rewrite(graph_of("f", lambda x: x + 1).results, circle)


def test_shared_reduction_is_not_done_twice() -> None:
    (x,) = graph_of(C, lambda x: x).params
    rows = sum_(x, (1,))
    both = Graph((x,), (rows, sum_(rows, (0, 1))))
    assert simplify(both) is both
    assert simplify(Graph((x,), both.results[1:])).results[0] is sum_(x, (0, 1, 2))


def test_unchanged_is_the_same_object() -> None:
    graph = graph_of("f f", lambda x, y: elementwise("exp", x) * y + 1)
    assert simplify(graph) is graph
    empty = Graph((), ())
    assert simplify(empty) is empty


def test_regions_are_simplified() -> None:
    def body(builder: Builder) -> Region:
        p = parameter(TensorType(F64, (4,)))
        return Region((p,), (builder(p),))

    (x,) = graph_of("f64[4]", lambda x: x).params
    (fused,) = build.fusion([x * 1], body(lambda p: p * 1 + p))
    (after,) = simplify(Graph((x,), (fused,))).results
    assert after.operands == (x,)
    assert after.regions[0].results[0] is after.regions[0].params[0] + after.regions[0].params[0]
    (plain,) = build.fusion([x], body(lambda p: p + p))
    graph = Graph((x,), (plain,))
    assert simplify(graph) is graph


def test_new_nodes_have_name_and_place() -> None:
    (x,) = graph_of("f", lambda x: x).params
    current.where = "user.py:3"
    y = elementwise("pow", x + 7.25, 2)
    current.where = "user.py:4"
    y.name = "square"
    (after,) = simplify(Graph((x,), (y,))).results
    current.where = ""
    assert (after.op.name, after.name, after.where) == ("mul", "square", "user.py:3")
    assert current.where == ""


def test_deep_chains_do_not_recurse() -> None:
    (x,) = graph_of("f64[2]", lambda x: x).params
    y = x
    for _ in range(10_000):
        y = (y + 1.5) * 1
    (after,) = simplify(Graph((x,), (y,))).results
    assert len(Graph((x,), (after,)).nodes()) == 10_001


Maker = Callable[[Random, Node, Sequence[Node]], Node]


def random_unary(random: Random, x: Node, _: Sequence[Node]) -> Node:
    names = {"float": "neg abs sign floor round alias", "int": "neg abs sign not", "bool": "not alias"}
    return apply(random.choice(names[x.dtype.kind].split()), x)


def random_binary(random: Random, x: Node, nodes: Sequence[Node]) -> Node:
    names = ["maximum", "minimum"]
    names += [] if x.dtype.is_float else ["and", "or", "xor"]
    names += [] if x.dtype.is_bool else ["add", "sub", "mul"]
    number = full_like(x, random.choice([-1, 0, 1, 2, -0.0 if x.dtype.is_float else 3]))
    pair = [x, random.choice([number, random.choice([n for n in nodes if n.type == x.type])])]
    random.shuffle(pair)
    return elementwise(random.choice(names), *pair)


def random_cast(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return apply("cast", x, dtype=random.choice([F64, F32] if x.dtype.is_float else [F64, F32, I32, I64, BOOL]))


def random_permute(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return permute(x, random.sample(range(x.type.rank), x.type.rank))


def random_broadcast(random: Random, x: Node, _: Sequence[Node]) -> Node:
    if x.type.rank > 3:
        return reshape(x, (x.type.size,))
    at = random.randint(0, x.type.rank)
    shape = [*x.shape[:at], random.choice([1, 2, 3]), *x.shape[at:]]
    return broadcast(x, shape, [a for a in range(x.type.rank + 1) if a != at])


def random_flip(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return flip(x, sorted(random.sample(range(x.type.rank), min(1, x.type.rank))))


def random_slice(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return slice_(x, [random.randint(0, max(0, n - 1)) for n in x.shape], x.shape, [random.randint(1, 2) for _ in x.shape])


def random_pad(random: Random, x: Node, _: Sequence[Node]) -> Node:
    if x.type.size > 500:
        return reshape(x, (x.type.size,))
    low, high, interior = ([random.randint(0, 1) for _ in x.shape] for _ in range(3))
    return pad(x, low, high, interior)


def random_reduce(random: Random, x: Node, _: Sequence[Node]) -> Node:
    if not x.type.rank or not x.type.size:
        return x
    names = {"float": ["max", "min"], "int": ["sum", "max", "min"], "bool": ["any", "all", "max"]}
    return reduce(random.choice(names[x.dtype.kind]), x, (random.randrange(x.type.rank),))


def random_squeeze(random: Random, x: Node, _: Sequence[Node]) -> Node:
    return reshape(x, [n for n in x.shape if n != 1])


MAKERS: list[Maker] = [
    random_unary, random_binary, random_binary, random_binary, random_cast, random_permute, random_broadcast, random_flip,
    random_slice, random_pad, random_reduce, random_squeeze,
]  # fmt: skip
STARTS = [TensorType(F64, (2, 3)), TensorType(I32, (3, 2)), TensorType(BOOL, (2,)), TensorType(F32, (0, 2))]


def random_graph(seed: int, size: int = 60) -> Graph:
    """Return a graph of exact primitives (no float sums), chains as well as shared nodes."""
    random = Random(seed)
    nodes = [parameter(t, f"x{i}") for i, t in enumerate(STARTS)]
    for _ in range(size):
        near = nodes[-12:] if random.random() < 0.7 else nodes
        nodes.append(random.choice(MAKERS)(random, random.choice(near), near))
    return Graph(tuple(nodes[: len(STARTS)]), tuple(nodes[-5:]))


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs(seed: int) -> None:
    graph = random_graph(seed)
    simple = simplify(graph)
    again: list[Rule] = []
    simplify(simple, lambda r, *_: again.append(r))
    assert not again or again[0].single_use or again[0].tree  # its other readers went away in the first pass
    assert cost(simple) <= cost(graph)
    arrays = inputs(graph)
    for a, b in zip(evaluate(graph, arrays), evaluate(simple, arrays), strict=True):
        np.testing.assert_array_equal(a, b)  # the sign of a zero that max and min choose is free


def test_rules_name_primitives_that_exist() -> None:
    for r in RULES.rules:
        assert set(r.pattern.names) <= set(PRIMITIVES)


def test_example_in_the_docstring() -> None:
    assert doctest.testmod(simplify_module) == (0, 4)


def test_unique_nodes_may_go_too() -> None:
    (x,) = graph_of("f", lambda x: x).params
    alias = make(PRIMITIVES["alias"], (x,), unique=True)
    assert simplify(Graph((x,), (alias * alias,))).results[0] is x * x
