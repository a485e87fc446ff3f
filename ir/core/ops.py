"""The closed set of primitives: one row each, with its shape rule, its NumPy meaning and a sentence.

Everything that users call is composed of these (softmax, layer_norm, cross_entropy … are ordinary
functions).  Operands of an elementwise primitive have one shape and, but for `select`, one dtype:
broadcasting and promotion are explicit nodes.  Axes are non-negative.  Of two equal zeros of different
sign, `maximum`, `minimum`, `max` and `min` may give either.
"""

from __future__ import annotations

import numpy as np

from graphc.ir.core import semantics, type_rules
from graphc.ir.core.graph import PARAMETER, Node, Primitive
from graphc.ir.core.semantics import Meaning
from graphc.ir.core.signatures import Rule
from graphc.ir.core.types import BOOL

__all__ = ["PRIMITIVES", "REDUCTIONS", "is_elementwise"]

PRIMITIVES: dict[str, Primitive] = {"parameter": PARAMETER}
"""Every primitive by its name."""

REDUCTIONS = ("sum", "prod", "max", "min", "any", "all")
"""The primitives that fold axes by one associative operation."""


def is_elementwise(node: Node) -> bool:
    """Tell whether a node computes each element from the elements at the same place."""
    return node.op.kind == "elementwise"


def _row(name: str, kind: str, infer: Rule, meaning: Meaning | None, doc: str, *, commutative: bool = False) -> None:
    PRIMITIVES[name] = Primitive(name, kind, infer, meaning, doc, commutative)


def _unary(name: str, kinds: str, meaning: Meaning, doc: str) -> None:
    _row(name, "elementwise", type_rules.elementwise(name, 1, tuple(kinds.split())), semantics.keep_dtype(meaning), doc)


def _binary(name: str, kinds: str, meaning: Meaning, doc: str, *, commutative: bool = False) -> None:
    rule = type_rules.elementwise(name, 2, tuple(kinds.split()))
    _row(name, "elementwise", rule, semantics.keep_dtype(meaning), doc, commutative=commutative)


def _comparison(name: str, meaning: Meaning, doc: str, *, commutative: bool = False) -> None:
    rule = type_rules.elementwise(name, 2, ("float", "int", "bool"), BOOL)
    _row(name, "elementwise", rule, meaning, doc, commutative=commutative)


def _reduction(name: str, kinds: str, meaning: Meaning, doc: str) -> None:
    _row(name, "reduce", type_rules.reduction(name, tuple(kinds.split())), semantics.reduction(meaning), doc)


def _same(x: object) -> object:
    return x


# elementwise, of one operand
_unary("neg", "float int", np.negative, "-x; wraps for the smallest integer.")
_unary("abs", "float int", np.abs, "|x|.")
_unary("sign", "float int", semantics.sign, "-1, 0 or 1 with the sign of x; NaN and -0 give 0.")
_unary("floor", "float", np.floor, "The largest integer not above x.")
_unary("ceil", "float", np.ceil, "The smallest integer not below x.")
_unary("trunc", "float", np.trunc, "x without its fraction.")
_unary("round", "float", np.rint, "The nearest integer, ties to even.")
_unary("sqrt", "float", np.sqrt, "The square root, correctly rounded; NaN below zero.")
_unary("rsqrt", "float", semantics.rsqrt, "1 / sqrt(x).")
_unary("exp", "float", np.exp, "e to the x.")
_unary("expm1", "float", np.expm1, "exp(x) - 1, exact near zero.")
_unary("log", "float", np.log, "The natural logarithm; -inf at 0, NaN below.")
_unary("log1p", "float", np.log1p, "log(1 + x), exact near zero.")
_unary("sin", "float", np.sin, "The sine of x radians.")
_unary("cos", "float", np.cos, "The cosine of x radians.")
_unary("atan", "float", np.arctan, "The arc tangent, in radians.")
_unary("tanh", "float", np.tanh, "The hyperbolic tangent.")
_unary("sigmoid", "float", semantics.sigmoid, "1 / (1 + exp(-x)), without overflow.")
_unary("erf", "float", semantics.erf, "The error function.")
_unary("not", "int bool", np.invert, "Every bit turned; logical not for bool.")
_unary("stop_gradient", "float int bool", _same, "x, through which no derivative flows.")
_unary("alias", "float int bool", _same, "x under another identity: what a gradient is taken by.")

# elementwise, of two operands
_binary("add", "float int", np.add, "x + y; integers wrap.", commutative=True)
_binary("sub", "float int", np.subtract, "x - y; integers wrap.")
_binary("mul", "float int", np.multiply, "x * y; integers wrap.", commutative=True)
_binary("div", "float", np.divide, "x / y as IEEE 754 has it.")
_binary(
    "floordiv",
    "float int",
    semantics.floordiv,
    "floor(x / y) of the exact quotient, of infinities NaN; an integer divided by 0 gives 0.",
)
_binary("remainder", "float int", semantics.remainder, "x - y*floor(x/y), with the sign of y; an integer by 0 gives 0.")
_binary("pow", "float", semantics.power, "x to the y, as C's pow.")
_binary("maximum", "float int bool", np.maximum, "The larger one; NaN if either is.", commutative=True)
_binary("minimum", "float int bool", np.minimum, "The smaller one; NaN if either is.", commutative=True)
_binary("and", "int bool", np.bitwise_and, "Bit by bit and.", commutative=True)
_binary("or", "int bool", np.bitwise_or, "Bit by bit or.", commutative=True)
_binary("xor", "int bool", np.bitwise_xor, "Bit by bit exclusive or.", commutative=True)
_binary("shift_left", "int", semantics.shift(np.left_shift), "x shifted left by y modulo its width.")
_binary("shift_right", "int", semantics.shift(np.right_shift), "x shifted right by y modulo its width, keeping the sign.")
_comparison("eq", np.equal, "x == y; false for NaN.", commutative=True)
_comparison("ne", np.not_equal, "x != y; true for NaN.", commutative=True)
_comparison("lt", np.less, "x < y; false for NaN.")
_comparison("le", np.less_equal, "x <= y; false for NaN.")
_row(
    "derived", "elementwise", type_rules.derived, lambda value, x, y, rule: value,
    "The first operand; its derivatives by the others are those of the rule.",
)  # fmt: skip
_row("select", "elementwise", type_rules.select, np.where, "x where the condition holds, else y.")
_row(
    "cast",
    "elementwise",
    type_rules.cast,
    semantics.cast,
    "x in another dtype: floats truncate towards zero, integers wrap, bool is x != 0.",
)

# leaves
_row("constant", "leaf", type_rules.constant, semantics.constant, "One number in every element.")
_row("iota", "leaf", type_rules.iota, semantics.iota, "The index along an axis.")
_row(
    "random_bits", "leaf", type_rules.random_bits, semantics.random_bits,
    "32 random bits an element, a function of the key (seed, offset) alone.",
)  # fmt: skip

# movement
_row(
    "reshape",
    "movement",
    type_rules.reshape,
    lambda x, shape: x.reshape(shape),
    "The elements in row-major order under another shape.",
)
_row(
    "permute",
    "movement",
    type_rules.permute,
    lambda x, axes: np.transpose(x, axes),
    "Axis i of the result is axis axes[i] of x.",
)
_row(
    "broadcast",
    "movement",
    type_rules.broadcast,
    semantics.broadcast,
    "x repeated along new axes; its own axis i becomes axis axes[i].",
)
_row("slice", "movement", type_rules.slice_, semantics.slice_, "x[start:stop:step] along each axis.")
_row(
    "pad", "movement", type_rules.pad, semantics.pad,
    "x with `fill` before, after, and `interior` of it between elements, along each axis.",
)  # fmt: skip
_row("flip", "movement", type_rules.flip, lambda x, axes: np.flip(x, axes), "x backwards along the axes.")
_row(
    "concatenate", "other", type_rules.concatenate, lambda *xs, axis: np.concatenate(xs, axis),
    "The operands one after another along an axis.",
)  # fmt: skip

# reductions
_reduction("sum", "float int", np.sum, "The sum over axes, from +0, at least as accurate as pairwise summation.")
_reduction("prod", "float int", np.prod, "The product over axes.")
_reduction("max", "float int bool", np.max, "The largest element over axes; NaN if any is.")
_reduction("min", "float int bool", np.min, "The smallest element over axes; NaN if any is.")
_reduction("any", "bool", np.any, "Whether any element over axes is true.")
_reduction("all", "bool", np.all, "Whether all elements over axes are true.")
_row(
    "argmax", "reduce", type_rules.arg_reduction, lambda x, axis: np.asarray(np.argmax(x, axis)),
    "Index of the first largest element along an axis; of the first NaN if there is one.",
)  # fmt: skip
_row(
    "argmin", "reduce", type_rules.arg_reduction, lambda x, axis: np.asarray(np.argmin(x, axis)),
    "Index of the first smallest element along an axis; of the first NaN if there is one.",
)  # fmt: skip
_row("cumsum", "other", type_rules.cumsum, semantics.cumsum, "Running sums along an axis.")

# indexing and products
_row(
    "gather", "other", type_rules.checked_gather, semantics.gather,
    "x[i0, i1, …]: NumPy's advanced indexing of the leading axes; an index out of bounds is an error.",
)  # fmt: skip
_row(
    "scatter_add", "other", type_rules.scatter_add, semantics.scatter_add,
    "A copy of x with x[i0, i1, …] += updates; repeated indices add up.",
)  # fmt: skip
_row(
    "scatter", "other", type_rules.scatter, semantics.scatter,
    "A copy of x with x[i0, i1, …] = updates; of repeated indices the last counts.",
)  # fmt: skip
_row(
    "matmul", "other", type_rules.matmul, np.matmul,
    "The matrix product over the last two axes; equal leading axes are a batch.",
)  # fmt: skip

# regions
_row(
    "fusion", "region", type_rules.call("fusion", type_rules.SCHEDULE), None,
    "The region applied to the operands, compiled as one kernel.",
)  # fmt: skip
_row(
    "checkpoint", "region", type_rules.call("checkpoint", {"barrier": "a flag"}), None,
    "The region applied to the operands; its gradient computes again what it reads, behind a `barrier`.",
)  # fmt: skip
_row(
    "cond",
    "region",
    type_rules.cond,
    None,
    "The first region applied to the operands after the condition if it holds, else the second.",
)
_row(
    "while",
    "region",
    type_rules.while_,
    None,
    "The second region applied to the carried values as long as the first holds of them; its items are stacked.",
)
_row(
    "scan", "region", type_rules.scan, None,
    "The region applied for each item of the sequences, from the first or from the last; its items are stacked.",
)  # fmt: skip
_row(
    "custom", "region", type_rules.custom, None,
    "Its first operands, the `values`, computed from the `inputs`; derivatives by these, and batches, are by its regions.",
)  # fmt: skip
_row("result", "leaf", type_rules.result, None, "One of the results of an operand that has several.")
