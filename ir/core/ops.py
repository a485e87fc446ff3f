"""The closed set of primitives: one row each, with its type rule, NumPy semantics, traits, and one sentence.

All that users call is composed of these (softmax, layer_norm, cross_entropy … are ordinary functions).  Operands of an
elementwise primitive have one shape and, except for `select`, one dtype: broadcasting and promotion are explicit nodes.
Axes are non-negative.  The fields of a row are those of `Primitive` (ir/core/graph.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.core import matrices, semantics, type_rules
from graphc.ir.core.graph import PARAMETER, Primitive
from graphc.ir.core.semantics import Reference
from graphc.ir.core.signatures import (
    AXES,
    AXIS,
    AXIS_MAP,
    COUNT,
    COUNTS,
    DERIVATIVE,
    DTYPE,
    ELEMENTS,
    EXTENTS,
    FLAG,
    LANE_AXES,
    LANES,
    LENGTH,
    LISTS_OF_AXES,
    MARK,
    NUMBER,
    OPERAND,
    OPERANDS,
    SHAPE,
    SIZE,
    STEPS,
    STOPS,
    TEXT,
    TEXTS,
    WIDTHS,
    Attributes,
    Rule,
    Signature,
    checked,
    optional,
)
from graphc.ir.core.types import BOOL, DType

__all__ = ["PRIMITIVES", "REDUCTIONS"]

PRIMITIVES: dict[str, Primitive] = {"parameter": PARAMETER}
"""All primitives by name."""

FREE = ("movement", "leaf")
"""Kinds of primitives that compute nothing."""


def _row(
    name: str,
    kind: str,
    rule: Rule,
    reference: Reference | None,
    doc: str,
    operands: int | tuple[int, int | None],
    attributes: Attributes | None = None,
    regions: int | None = 0,
    **facts: Any,
) -> None:
    """Add a row: `operands` is their number, or a (least, most) pair with None for any; `facts` are other fields."""
    least, most = operands if isinstance(operands, tuple) else (operands, operands)
    infer = checked(name, Signature(least, most, regions, attributes, several=name == "result"), rule)
    facts = {"cost": int(kind not in FREE), "arity": least if least == most else None, **facts}
    PRIMITIVES[name] = Primitive(name, kind, infer, reference, doc, attributes or {}, **facts)


def _elementwise(
    name: str, arity: int, kinds: str, reference: Reference, doc: str, result: DType | None = None, **facts: Any
) -> None:
    """Add a row whose operands have one type; results that are not floats have no derivative."""
    facts = {"differentiable": result is None and "float" in kinds, **facts}
    rule = type_rules.elementwise(name, tuple(kinds.split()), result)
    _row(name, "elementwise", rule, reference if result else semantics.keep_dtype(reference), doc, arity, **facts)


def _unary(name: str, kinds: str, reference: Reference, doc: str, **facts: Any) -> None:
    _elementwise(name, 1, kinds, reference, doc, **facts)


def _function(name: str, cost: int, reference: Reference, doc: str, **facts: Any) -> None:
    """Add a row for a function of floats whose implementations differ in rounding."""
    _elementwise(name, 1, "float", reference, doc, cost=cost, rounding="approximate", **facts)


def _binary(name: str, kinds: str, reference: Reference, doc: str, **facts: Any) -> None:
    _elementwise(name, 2, kinds, reference, doc, **facts)


def _comparison(name: str, reference: Reference, doc: str, **facts: Any) -> None:
    _elementwise(name, 2, "float int bool", reference, doc, BOOL, **facts)


def _movement(name: str, rule: Rule, reference: Reference, doc: str, attributes: Attributes, *, view: bool = True) -> None:
    _row(name, "movement", rule, reference, doc, 1 if view else 2, attributes, linear=True, view=view)


def _reduction(name: str, kinds: str, reference: Reference, doc: str, **facts: Any) -> None:
    facts = {"differentiable": "float" in kinds, **facts}
    rule = type_rules.reduction(name, tuple(kinds.split()), needs_elements=not facts.get("zero_sign", True))
    _row(name, "reduce", rule, semantics.reduction(reference), doc, 1, {"axes": AXES}, **facts)


def _leaf(
    name: str, rule: Rule, reference: Reference, doc: str, attributes: Attributes, operands: int = 0, **facts: Any
) -> None:
    _row(name, "leaf", rule, reference, doc, operands, attributes, differentiable=False, **facts)


def _same(x: object) -> object:
    return x


# elementwise, unary
_unary("neg", "float int", np.negative, "-x; wraps for the smallest integer.", linear=True)
_unary("abs", "float int", np.abs, "|x|.")
_unary("sign", "float int", semantics.sign, "-1, 0 or 1 with the sign of x; NaN and -0 give 0.", flat=True)
_unary("floor", "float", np.floor, "The largest integer not above x.", flat=True)
_unary("ceil", "float", np.ceil, "The smallest integer not below x.", flat=True)
_unary("trunc", "float", np.trunc, "x without its fraction.", flat=True)
_unary("round", "float", np.rint, "The nearest integer, ties to even.", flat=True)
_function("sqrt", 4, np.sqrt, "The square root, correctly rounded; NaN below zero.")
_function("rsqrt", 6, semantics.rsqrt, "1 / sqrt(x).")
_function("exp", 16, np.exp, "e to the power x.")
_function("expm1", 20, np.expm1, "exp(x) - 1, accurate near zero.")
_function("log", 20, np.log, "The natural logarithm; -inf at 0, NaN below.")
_function("log1p", 22, np.log1p, "log(1 + x), accurate near zero.")
_function("sin", 40, np.sin, "The sine of x radians.", twin="cos")
_function("cos", 40, np.cos, "The cosine of x radians.", twin="sin")
_function("atan", 24, np.arctan, "The arc tangent, in radians.")
_function("tanh", 24, np.tanh, "The hyperbolic tangent.", saturates=True)
_function("sigmoid", 20, semantics.sigmoid, "1 / (1 + exp(-x)), without overflow.", saturates=True)
_function("erf", 30, semantics.erf, "The error function.", saturates=True)
_unary("not", "int bool", np.invert, "The bitwise complement; the logical one for bool.")
_unary("stop_gradient", "float int bool", _same, "x, through which no derivative flows.", differentiable=False)
_unary("alias", "float int bool", _same, "x as a distinct node, to differentiate with respect to.", has_identity=True)

# elementwise, binary
_binary("add", "float int", np.add, "x + y; integers wrap.", commutative=True, linear=True, rounding="exact")
_binary("sub", "float int", np.subtract, "x - y; integers wrap.", linear=True, rounding="exact")
_binary("mul", "float int", np.multiply, "x * y; integers wrap.", commutative=True, rounding="exact")
_binary("div", "float", np.divide, "x / y, as in IEEE 754.", cost=4, rounding="approximate")
_binary(
    "floordiv", "float int", semantics.floordiv,
    "The floor of the exact quotient x / y; NaN for infinite x; an integer divided by 0 gives 0.",
    cost=8, flat=True, rounding="exact",
)  # fmt: skip
_binary(
    "remainder", "float int", semantics.remainder, "x - y*floor(x/y), with the sign of y; an integer modulo 0 is 0.",
    cost=10, rounding="exact",
)  # fmt: skip
_binary("pow", "float", semantics.power, "x to the power y, as in C.", cost=60, rounding="approximate")
_EXTREMUM = {"commutative": True, "idempotent": True, "zero_sign": False}
_binary("maximum", "float int bool", np.maximum, "The larger operand; NaN if either is.", **_EXTREMUM)
_binary("minimum", "float int bool", np.minimum, "The smaller operand; NaN if either is.", **_EXTREMUM)
_binary("and", "int bool", np.bitwise_and, "Bitwise and.", commutative=True, idempotent=True)
_binary("or", "int bool", np.bitwise_or, "Bitwise or.", commutative=True, idempotent=True)
_binary("xor", "int bool", np.bitwise_xor, "Bitwise exclusive or.", commutative=True)
_binary("shift_left", "int", semantics.shift(np.left_shift), "x shifted left by y modulo its width.")
_binary("shift_right", "int", semantics.shift(np.right_shift), "x shifted right by y modulo its width, keeping the sign.")
_comparison("eq", np.equal, "x == y; false for NaN.", commutative=True)
_comparison("ne", np.not_equal, "x != y; true for NaN.", commutative=True)
_comparison("lt", np.less, "x < y; false for NaN.")
_comparison("le", np.less_equal, "x <= y; false for NaN.")

# elementwise, other signatures
_elementwise(
    "derived", 3, "float", lambda value, x, y, rule: value,
    "The first operand, with the rule's derivatives with respect to the others.", attributes={"rule": DERIVATIVE},
)  # fmt: skip
_row("select", "elementwise", type_rules.select, np.where, "x where the condition holds, else y.", 3, linear=True)
_row(
    "cast", "elementwise", type_rules.cast, semantics.cast,
    "x in another dtype: floats truncate towards zero, integers wrap, bool is x != 0.",
    1, {"dtype": DTYPE}, linear=True, rounding="exact",
)  # fmt: skip

# leaves
_leaf(
    "constant", type_rules.constant, semantics.constant, "One number in every element.",
    {"value": NUMBER, "dtype": DTYPE, "shape": SHAPE},
)  # fmt: skip
_leaf("iota", type_rules.iota, semantics.iota, "The index along an axis.", {"axis": AXIS, "dtype": DTYPE, "shape": SHAPE})
_leaf(
    "random_bits", type_rules.random_bits, semantics.random_bits,
    "32 random bits per element, a function of the key (seed, offset) alone.",
    {"shape": EXTENTS}, operands=1, cost=60, random=True, jumps=True,
)  # fmt: skip

# movement
_movement(
    "reshape", type_rules.reshape, lambda x, shape: x.reshape(shape), "The elements in row-major order under another shape.",
    {"shape": SHAPE},
)  # fmt: skip
_movement(
    "permute", type_rules.permute, lambda x, axes: np.transpose(x, axes), "Axis i of the result is axis axes[i] of x.",
    {"axes": AXIS_MAP},
)  # fmt: skip
_movement(
    "broadcast", type_rules.broadcast, semantics.broadcast, "x repeated along new axes; its own axis i becomes axis axes[i].",
    {"shape": SHAPE, "axes": AXIS_MAP},
)  # fmt: skip
_movement(
    "slice", type_rules.slice_, semantics.slice_, "x[start:stop:step] along each axis.",
    {"start": WIDTHS, "stop": STOPS, "step": STEPS},
)  # fmt: skip
_movement(
    "pad", type_rules.pad, semantics.pad,
    "x with `fill` before, after, and `interior` of it between elements, along each axis.",
    {"low": WIDTHS, "high": WIDTHS, "interior": WIDTHS}, view=False,
)  # fmt: skip
_movement("flip", type_rules.flip, lambda x, axes: np.flip(x, axes), "x reversed along the axes.", {"axes": AXES})
_row(
    "concatenate", "other", type_rules.concatenate, lambda *xs, axis: np.concatenate(xs, axis),
    "The operands one after another along an axis.", (1, None), {"axis": AXIS, "in_place": OPERANDS}, linear=True,
)  # fmt: skip

# reductions
_reduction("sum", "float int", np.sum, "The sum over axes, from +0, at least as accurate as pairwise summation.", linear=True)
_reduction("prod", "float int", np.prod, "The product over axes.")
_EITHER = {"idempotent": True, "zero_sign": False}
_reduction("max", "float int bool", np.max, "The largest element over axes; NaN if any is.", **_EITHER)
_reduction("min", "float int bool", np.min, "The smallest element over axes; NaN if any is.", **_EITHER)
_reduction("any", "bool", np.any, "Whether any element over axes is true.", idempotent=True)
_reduction("all", "bool", np.all, "Whether all elements over axes are true.", idempotent=True)
_row(
    "argmax", "reduce", type_rules.arg_reduction, lambda x, axis: np.asarray(np.argmax(x, axis)),
    "Index of the first largest element along an axis; of the first NaN if there is one.",
    1, {"axis": AXIS}, differentiable=False,
)  # fmt: skip
_row(
    "argmin", "reduce", type_rules.arg_reduction, lambda x, axis: np.asarray(np.argmin(x, axis)),
    "Index of the first smallest element along an axis; of the first NaN if there is one.",
    1, {"axis": AXIS}, differentiable=False,
)  # fmt: skip
_row(
    "argsort", "other", type_rules.argsort, semantics.argsort,
    "The indices that sort along an axis, stably; NaN sorts last in ascending order.",
    1, {"axis": AXIS, "descending": FLAG}, differentiable=False, cost=30,
)  # fmt: skip
_row(
    "cumsum", "other", type_rules.cumsum, semantics.cumsum, "Running sums along an axis.",
    1, {"axis": AXIS}, linear=True, rounding="once",
)  # fmt: skip

# indexing and products
_row(
    "gather", "other", type_rules.gather, semantics.gather,
    "x[i0, i1, …]: NumPy's advanced indexing of the leading axes; an index out of bounds is an error.",
    (2, None), {"check": optional(TEXT)}, linear=True, indices=1, may_fail=True, jumps=True, cost=8,
)  # fmt: skip
_row(
    "scatter_add", "other", type_rules.scatter_add, semantics.scatter_add,
    "A copy of x with x[i0, i1, …] += updates; updates of repeated indices all count.",
    (3, None), {"in_place": OPERAND}, linear=True, indices=2, may_fail=True,
)  # fmt: skip
_row(
    "scatter", "other", type_rules.scatter, semantics.scatter,
    "A copy of x with x[i0, i1, …] = updates; the last update of a repeated index counts.",
    (3, None), {"in_place": OPERAND}, linear=True, indices=2, may_fail=True,
)  # fmt: skip
_row(
    "matmul", "other", type_rules.matmul, np.matmul,
    "The matrix product over the last two axes; equal leading axes are a batch.", 2, {"packed": MARK},
)  # fmt: skip

# factorizations of matrices, and solutions by them
_row(
    "cholesky", "other", matrices.cholesky_type, matrices.cholesky,
    "The lower triangular L with L L^T = x; NaN from the first pivot on that is not positive.",
    1, cost=40, rounding="conditioned",
)  # fmt: skip
_row(
    "triangular_solve", "other", matrices.triangular_solve_type, matrices.triangular_solve,
    "X with A X = b, for the upper or lower triangle A of the first operand, with ones on its diagonal if `unit`.",
    2, {"upper": FLAG, "unit": FLAG}, cost=20, rounding="conditioned",
)  # fmt: skip
_row(
    "lu", "other", matrices.lu_type, matrices.lu,
    "L and U of P A = L U, by partial pivoting, in one matrix, and below it the row exchanged with each row.",
    1, cost=60, rounding="conditioned",
)  # fmt: skip
_row(
    "lu_solve", "other", matrices.lu_solve_type, matrices.lu_solve,
    "X with A X = b, or A^T X = b if `transposed`, by the factors of A, the second operand; a function of A and b.",
    3, {"transposed": FLAG}, cost=40, rounding="conditioned",
)  # fmt: skip
_row(
    "permutation", "other", matrices.permutation_type, matrices.permutation,
    "Where rows are from after exchanging row k with row x[k], for each k in turn.",
    1, {"rows": SIZE}, differentiable=False, cost=8,
)  # fmt: skip

# orthogonal decompositions
_row(
    "qr", "other", matrices.qr_type, matrices.qr,
    "Q, with orthonormal columns, square if `complete`, and upper triangular R of x = Q R, one after the other.",
    1, {"complete": FLAG}, cost=60, rounding="conditioned", external=True,
)  # fmt: skip
_row(
    "eigh", "other", matrices.eigh_type, matrices.eigh,
    "The eigenvectors of symmetric matrices as rows, and below them the eigenvalues, in ascending order.",
    1, cost=60, rounding="conditioned", external=True,
)  # fmt: skip
_row(
    "svd", "other", matrices.svd_type, matrices.svd,
    "U, the singular values in descending order, and V^T, one after the other; U and V are square if `full`.",
    1, {"full": FLAG}, cost=60, rounding="conditioned", external=True,
)  # fmt: skip
_row(
    "pinv", "other", matrices.pinv_type, matrices.pinv,
    "The second operand, which is the pseudoinverse of the first and has the derivatives of a function of it.",
    2, external=True,
)  # fmt: skip

_PLACEMENT: Attributes = {"registers": ELEMENTS, "lanes": LANES, "lane_axes": LANE_AXES}
"""The decisions on a loop."""

# regions: their derivatives and batching are in graphc.ir.transforms.*_control
_row(
    "fusion", "region", type_rules.call("fusion"), None, "The region applied to the operands, compiled as one kernel.",
    (0, None),
    {
        "dims": optional(EXTENTS), "outer": optional(COUNT),
        "results": optional(LISTS_OF_AXES), "reduces": optional(LISTS_OF_AXES),
    },
    regions=1, is_call=True,
)  # fmt: skip
_row(
    "checkpoint", "region", type_rules.call("checkpoint"), None,
    "The region applied to the operands; its gradient recomputes it, behind a `barrier`.",
    (0, None), {"barrier": FLAG}, regions=1, may_fail=True, is_call=True,
)  # fmt: skip
_row(
    "cond", "region", type_rules.cond, None,
    "The first region applied to the operands after the condition if it holds, else the second.",
    (1, None), {"registers": ELEMENTS}, regions=2, may_fail=True, is_call=True,
)  # fmt: skip
_row(
    "while", "region", type_rules.while_, None,
    "The second region applied to the carried values while the first returns true; its ys are stacked.",
    (0, None), {"carries": COUNT, **_PLACEMENT}, regions=2, may_fail=True, is_loop=True,
)  # fmt: skip
_row(
    "scan", "region", type_rules.scan, None,
    "The region applied to each item of the xs, from the first or from the last; its ys are stacked.",
    (0, None), {"carries": COUNT, "xs": COUNT, "length": LENGTH, "reverse": FLAG, **_PLACEMENT},
    regions=1, may_fail=True, is_loop=True, takes_growing=True,
)  # fmt: skip
_row(
    "custom", "region", type_rules.custom, None,
    "Its first operands, the `values`, computed from the `inputs`; its regions are the derivatives and batching rules.",
    (1, None),
    {"values": COUNT, "inputs": COUNT, "wrt": COUNTS, "varying": COUNTS, "refusals": TEXTS, "levels": COUNTS}, regions=None,
)  # fmt: skip
_row(
    "result", "leaf", type_rules.result, None, "One result of an operand that has several.", 1, {"index": COUNT},
    differentiable=False, takes_growing=True,
)  # fmt: skip

REDUCTIONS = tuple([p.name for p in PRIMITIVES.values() if p.kind == "reduce" and "axes" in p.attributes])
"""The primitives that reduce axes by an associative operation."""
