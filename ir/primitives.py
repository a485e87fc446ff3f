"""The closed set of primitives: one row each, with its shape rule, its NumPy meaning and a sentence.

Everything that users call is composed of these (softmax, layer_norm, cross_entropy … are ordinary
functions).  Operands of an elementwise primitive have one shape and, but for `select`, one dtype:
broadcasting and promotion are explicit nodes.  Axes are non-negative.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from graphc.ir.graph import PARAMETER, Node, Primitive, Region, TypeRuleError
from graphc.ir.types import BOOL, I32, I64, DType, TensorType

__all__ = ["PRIMITIVES", "REDUCTIONS", "erf_meaning", "is_elementwise"]

Operands = tuple[Node, ...]
Params = dict[str, Any]
Types = tuple[TensorType, ...]
Regions = tuple[Region, ...]

PRIMITIVES: dict[str, Primitive] = {}
REDUCTIONS = ("sum", "prod", "max", "min", "any", "all")


def is_elementwise(node: Node) -> bool:
    """Tell whether a node computes each element from the elements at the same place."""
    return node.op.kind == "elementwise"


def _row(
    name: str,
    kind: str,
    infer: Callable[[Operands, Params, Regions], Types],
    meaning: Callable[..., Any] | None,
    doc: str,
    *,
    commutative: bool = False,
) -> None:
    PRIMITIVES[name] = Primitive(name, kind, infer, meaning, doc, commutative)


def _require(holds: bool, rule: str, *got: object) -> None:
    if not holds:
        raise TypeRuleError(f"{rule}, got {', '.join(map(str, got))}")


PRIMITIVES["parameter"] = PARAMETER

# -- elementwise --------------------------------------------------------------------------------------


def _elementwise(name: str, arity: int, allowed: str, result: DType | None = None) -> Callable[[Operands, Params, Regions], Types]:
    kinds = allowed.split()

    def infer(operands: Operands, params: Params, regions: Regions) -> Types:
        _require(len(operands) == arity, f"{name} takes {arity} operands", len(operands))
        first = operands[0].type
        _require(all(o.type == first for o in operands), f"{name} needs operands of one type", *(o.type for o in operands))
        _require(first.dtype.kind in kinds, f"{name} is defined for {' and '.join(kinds)}", first)
        return (first if result is None else first.with_dtype(result),)

    return infer


def _numpy(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the operands' dtype, whatever NumPy would promote to."""

    def meaning(*xs: Any) -> Any:
        return np.asarray(function(*xs)).astype(xs[0].dtype, copy=False)

    return meaning


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def erf_meaning(x: Any) -> Any:
    """erf by its Maclaurin series below 2.5 and Lentz's continued fraction of erfc above, in f64.

    Source: Abramowitz and Stegun, 7.1.6 and 7.1.14.
    """
    x = np.asarray(x)
    wide = x.astype(np.float64)
    a = np.minimum(np.abs(wide), 6.5)
    small = np.minimum(a, 2.5)
    term = total = small
    for n in range(1, 60):
        term = term * (2 * small * small) / (2 * n + 1)
        total = total + term
    series = 2 / np.sqrt(np.pi) * np.exp(-small * small) * total
    big = np.maximum(a, 2.5)
    fraction = np.zeros_like(big)
    for n in range(60, 0, -1):
        fraction = (n / 2) / (big + fraction)
    tail = 1 - np.exp(-big * big) / np.sqrt(np.pi) / (big + fraction)
    return np.copysign(np.where(a < 2.5, series, tail), wide)


def _rsqrt(x: Any) -> Any:
    return np.asarray(1, x.dtype) / np.sqrt(x)


def _floordiv(x: Any, y: Any) -> Any:
    if x.dtype.kind == "f":
        return np.floor(x / y)  # torch's rule; NumPy's goes by the remainder
    return np.floor_divide(x, y)


def _remainder(x: Any, y: Any) -> Any:
    if x.dtype.kind != "f":
        return np.remainder(x, y)
    rest = np.fmod(x, y)
    return np.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)


def _shift(function: Callable[..., Any]) -> Callable[..., Any]:
    def meaning(x: Any, y: Any) -> Any:
        return function(x, y & (x.dtype.itemsize * 8 - 1)).astype(x.dtype)

    return meaning


for _name, _allowed, _function, _doc in (
    ("neg", "float int", np.negative, "-x; wraps for the smallest integer."),
    ("abs", "float int", np.abs, "|x|."),
    ("sign", "float int", np.sign, "-1, 0 or 1 with the sign of x; NaN stays, -0 gives 0."),
    ("floor", "float", np.floor, "The largest integer not above x."),
    ("ceil", "float", np.ceil, "The smallest integer not below x."),
    ("trunc", "float", np.trunc, "x without its fraction."),
    ("round", "float", np.rint, "The nearest integer, ties to even."),
    ("sqrt", "float", np.sqrt, "The square root, correctly rounded; NaN below zero."),
    ("rsqrt", "float", _rsqrt, "1 / sqrt(x)."),
    ("exp", "float", np.exp, "e to the x."),
    ("expm1", "float", np.expm1, "exp(x) - 1, exact near zero."),
    ("log", "float", np.log, "The natural logarithm; -inf at 0, NaN below."),
    ("log1p", "float", np.log1p, "log(1 + x), exact near zero."),
    ("sin", "float", np.sin, "The sine of x radians."),
    ("cos", "float", np.cos, "The cosine of x radians."),
    ("atan", "float", np.arctan, "The arc tangent, in radians."),
    ("tanh", "float", np.tanh, "The hyperbolic tangent."),
    ("sigmoid", "float", _sigmoid, "1 / (1 + exp(-x)), without overflow."),
    ("erf", "float", erf_meaning, "The error function."),
    ("not", "int bool", np.invert, "Every bit turned; logical not for bool."),
    ("stop_gradient", "float int bool", lambda x: x, "x, through which no derivative flows."),
    ("alias", "float int bool", lambda x: x, "x under another identity: what a gradient is taken by."),
):
    _row(_name, "elementwise", _elementwise(_name, 1, _allowed), _numpy(_function), _doc)

for _name, _allowed, _function, _doc, _commutes in (
    ("add", "float int", np.add, "x + y; integers wrap.", True),
    ("sub", "float int", np.subtract, "x - y; integers wrap.", False),
    ("mul", "float int", np.multiply, "x * y; integers wrap.", True),
    ("div", "float", np.divide, "x / y as IEEE 754 has it.", False),
    ("floordiv", "float int", _floordiv, "floor(x / y); an integer divided by 0 gives 0.", False),
    ("remainder", "float int", _remainder, "x - y*floor(x/y), with the sign of y; an integer by 0 gives 0.", False),
    ("pow", "float", np.power, "x to the y, as C's pow.", False),
    ("maximum", "float int bool", np.maximum, "The larger one; NaN if either is.", True),
    ("minimum", "float int bool", np.minimum, "The smaller one; NaN if either is.", True),
    ("and", "int bool", np.bitwise_and, "Bit by bit and.", True),
    ("or", "int bool", np.bitwise_or, "Bit by bit or.", True),
    ("xor", "int bool", np.bitwise_xor, "Bit by bit exclusive or.", True),
    ("shift_left", "int", _shift(np.left_shift), "x shifted left by y modulo its width.", False),
    ("shift_right", "int", _shift(np.right_shift), "x shifted right by y modulo its width, keeping the sign.", False),
):
    _row(_name, "elementwise", _elementwise(_name, 2, _allowed), _numpy(_function), _doc, commutative=_commutes)

for _name, _function, _doc, _commutes in (
    ("eq", np.equal, "x == y; false for NaN.", True),
    ("ne", np.not_equal, "x != y; true for NaN.", True),
    ("lt", np.less, "x < y; false for NaN.", False),
    ("le", np.less_equal, "x <= y; false for NaN.", False),
):
    _row(_name, "elementwise", _elementwise(_name, 2, "float int bool", BOOL), _function, _doc, commutative=_commutes)


def _infer_select(operands: Operands, params: Params, regions: Regions) -> Types:
    _require(len(operands) == 3, "select takes 3 operands", len(operands))
    cond, x, y = (o.type for o in operands)
    _require(cond == x.with_dtype(BOOL) and x == y, "select needs a bool condition and two operands of its shape", cond, x, y)
    return (x,)


_row("select", "elementwise", _infer_select, np.where, "x where the condition holds, else y.")


def _infer_cast(operands: Operands, params: Params, regions: Regions) -> Types:
    return (operands[0].type.with_dtype(params["dtype"]),)


def _cast(x: Any, dtype: DType) -> Any:
    return x.astype(dtype.numpy)


_row("cast", "elementwise", _infer_cast, _cast, "x in another dtype: floats truncate towards zero, integers wrap, bool is x != 0.")

# -- leaves ---------------------------------------------------------------------------------------------


def _infer_leaf(operands: Operands, params: Params, regions: Regions) -> Types:
    return (TensorType(params["dtype"], params["shape"]),)


def _constant(value: Any, dtype: DType, shape: tuple[int, ...]) -> Any:
    return np.full(shape, value, dtype.numpy)


def _iota(axis: int, dtype: DType, shape: tuple[int, ...]) -> Any:
    along = np.arange(shape[axis]).astype(dtype.numpy).reshape([-1 if d == axis else 1 for d in range(len(shape))])
    return np.broadcast_to(along, shape)


def _infer_iota(operands: Operands, params: Params, regions: Regions) -> Types:
    _require(0 <= params["axis"] < len(params["shape"]), "iota needs an axis of its shape", params["axis"], params["shape"])
    return _infer_leaf(operands, params, regions)


_row("constant", "leaf", _infer_leaf, _constant, "One number in every element.")
_row("iota", "leaf", _infer_iota, _iota, "The index along an axis.")


def _infer_bits(operands: Operands, params: Params, regions: Regions) -> Types:
    _require(len(operands) == 1 and operands[0].type == TensorType(I64, (2,)), "random_bits takes one key, i64[2]", *(o.type for o in operands))
    return (TensorType(I32, params["shape"]),)


def _random_bits(key: Any, shape: tuple[int, ...]) -> Any:
    """Philox-2x32-10 at counter (key[1] + linear index), keyed by key[0]; the first word.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
    """
    with np.errstate(over="ignore"):
        counter = np.arange(prod(shape), dtype=np.uint64) + np.uint64(int(key[1]) & (2**64 - 1))
        low, high = counter & np.uint64(0xFFFFFFFF), counter >> np.uint64(32)
        k = np.uint64(int(key[0]) & 0xFFFFFFFF) ^ np.uint64((int(key[0]) >> 32) & 0xFFFFFFFF)
        for _ in range(10):
            product = low * np.uint64(0xD256D193)
            low, high = (product >> np.uint64(32)) ^ k ^ high, product & np.uint64(0xFFFFFFFF)
            k = (k + np.uint64(0x9E3779B9)) & np.uint64(0xFFFFFFFF)
    return low.astype(np.uint32).view(np.int32).reshape(shape)


_row("random_bits", "leaf", _infer_bits, _random_bits, "32 random bits an element, a function of the key (seed, offset) alone.")

# -- movement -------------------------------------------------------------------------------------------


def _infer_reshape(operands: Operands, params: Params, regions: Regions) -> Types:
    (x,) = operands
    _require(prod(params["shape"]) == x.type.size, "reshape keeps the number of elements", x.type, params["shape"])
    return (x.type.with_shape(params["shape"]),)


def _infer_permute(operands: Operands, params: Params, regions: Regions) -> Types:
    (x,) = operands
    _require(sorted(params["axes"]) == list(range(x.type.rank)), "permute needs each axis once", params["axes"], x.type)
    return (x.type.with_shape(tuple(x.shape[a] for a in params["axes"])),)


def _infer_broadcast(operands: Operands, params: Params, regions: Regions) -> Types:
    (x,) = operands
    shape, axes = params["shape"], params["axes"]
    fits = len(axes) == x.type.rank and all(0 <= a < len(shape) for a in axes) and list(axes) == sorted(set(axes))
    _require(fits and all(shape[a] == n for a, n in zip(axes, x.shape, strict=True)),
             "broadcast puts each operand axis at an equal axis of the result", x.type, shape, axes)
    return (x.type.with_shape(shape),)


def _broadcast(x: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    inner = [1] * len(shape)
    for a, n in zip(axes, x.shape, strict=True):
        inner[a] = n
    return np.broadcast_to(x.reshape(inner), shape)


def _infer_slice(operands: Operands, params: Params, regions: Regions) -> Types:
    (x,) = operands
    start, stop, step = params["start"], params["stop"], params["step"]
    _require(len(start) == len(stop) == len(step) == x.type.rank, "slice needs start, stop and step for each axis", x.type)
    for a, n in enumerate(x.shape):
        _require(0 <= start[a] <= stop[a] <= n and step[a] >= 1, "slice stays within its operand", x.type, start, stop, step)
    return (x.type.with_shape(tuple(-(-(e - s) // p) for s, e, p in zip(start, stop, step, strict=True))),)


def _slice(x: Any, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]) -> Any:
    return x[tuple(slice(s, e, p) for s, e, p in zip(start, stop, step, strict=True))]


def _infer_pad(operands: Operands, params: Params, regions: Regions) -> Types:
    x, fill = operands
    low, high, interior = params["low"], params["high"], params["interior"]
    _require(len(low) == len(high) == len(interior) == x.type.rank, "pad needs low, high and interior for each axis", x.type)
    _require(fill.type == TensorType(x.dtype), "pad needs a 0-d fill of its operand's dtype", x.type, fill.type)
    _require(min((*low, *high, *interior), default=0) >= 0, "pad is not negative", low, high, interior)
    return (x.type.with_shape(tuple(lo + max(0, n + (n - 1) * i) + hi for n, lo, hi, i in zip(x.shape, low, high, interior, strict=True))),)


def _pad(x: Any, fill: Any, low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...]) -> Any:
    shape = tuple(lo + max(0, n + (n - 1) * i) + hi for n, lo, hi, i in zip(x.shape, low, high, interior, strict=True))
    out = np.full(shape, fill, x.dtype)
    out[tuple(slice(lo, lo + (n - 1) * (i + 1) + 1 if n else lo, i + 1) for n, lo, i in zip(x.shape, low, interior, strict=True))] = x
    return out


def _infer_flip(operands: Operands, params: Params, regions: Regions) -> Types:
    (x,) = operands
    _require(all(0 <= a < x.type.rank for a in params["axes"]), "flip needs axes of its operand", params["axes"], x.type)
    return (x.type,)


def _infer_concatenate(operands: Operands, params: Params, regions: Regions) -> Types:
    _require(bool(operands), "concatenate needs an operand")
    axis, first = params["axis"], operands[0].type
    _require(0 <= axis < first.rank, "concatenate needs an axis of its operands", axis, first)
    for o in operands:
        alike = o.dtype is first.dtype and o.shape[:axis] == first.shape[:axis] and o.shape[axis + 1 :] == first.shape[axis + 1 :]
        _require(alike, f"concatenate needs operands that agree but along axis {axis}", *(o.type for o in operands))
    return (first.with_shape((*first.shape[:axis], sum(o.shape[axis] for o in operands), *first.shape[axis + 1 :])),)


_row("reshape", "movement", _infer_reshape, lambda x, shape: x.reshape(shape), "The same elements in row-major order under another shape.")
_row("permute", "movement", _infer_permute, lambda x, axes: np.transpose(x, axes), "Axis i of the result is axis axes[i] of x.")
_row("broadcast", "movement", _infer_broadcast, _broadcast, "x repeated along new axes; its own axis i becomes axis axes[i].")
_row("slice", "movement", _infer_slice, _slice, "x[start:stop:step] along each axis.")
_row("pad", "movement", _infer_pad, _pad, "x with `fill` before, after, and `interior` of it between elements, along each axis.")
_row("flip", "movement", _infer_flip, lambda x, axes: np.flip(x, axes), "x backwards along the axes.")
_row("concatenate", "other", _infer_concatenate, lambda *xs, axis: np.concatenate(xs, axis), "The operands one after another along an axis.")

# -- reductions -----------------------------------------------------------------------------------------


def _infer_reduce(name: str, allowed: str) -> Callable[[Operands, Params, Regions], Types]:
    def infer(operands: Operands, params: Params, regions: Regions) -> Types:
        (x,) = operands
        axes = params["axes"]
        _require(x.dtype.kind in allowed.split(), f"{name} is defined for {allowed}", x.type)
        _require(list(axes) == sorted(set(axes)) and all(0 <= a < x.type.rank for a in axes), f"{name} needs ascending axes of its operand", axes, x.type)
        if name in ("max", "min"):
            _require(all(x.shape[a] for a in axes), f"{name} of no elements is not defined", x.type, axes)
        return (x.type.with_shape(tuple(n for a, n in enumerate(x.shape) if a not in axes)),)

    return infer


def _reduce(function: Callable[..., Any]) -> Callable[..., Any]:
    def meaning(x: Any, axes: tuple[int, ...]) -> Any:
        if not axes:
            return x
        if function in (np.sum, np.prod):
            wide = np.float64 if x.dtype == np.float32 else x.dtype
            return np.asarray(function(x, axis=axes, dtype=wide)).astype(x.dtype)
        return np.asarray(function(x, axis=axes))

    return meaning


for _name, _allowed, _function, _doc in (
    ("sum", "float int", np.sum, "The sum over axes, at least as accurate as pairwise summation."),
    ("prod", "float int", np.prod, "The product over axes."),
    ("max", "float int bool", np.max, "The largest element over axes; NaN if any is."),
    ("min", "float int bool", np.min, "The smallest element over axes; NaN if any is."),
    ("any", "bool", np.any, "Whether any element over axes is true."),
    ("all", "bool", np.all, "Whether all elements over axes are true."),
):
    _row(_name, "reduce", _infer_reduce(_name, _allowed), _reduce(_function), _doc)


def _infer_arg(operands: Operands, params: Params, regions: Regions) -> Types:
    (x,) = operands
    axis = params["axis"]
    _require(0 <= axis < x.type.rank and x.shape[axis] > 0, "argmax and argmin need a non-empty axis", axis, x.type)
    return (TensorType(I64, x.shape[:axis] + x.shape[axis + 1 :]),)


_row("argmax", "reduce", _infer_arg, lambda x, axis: np.asarray(np.argmax(x, axis)), "Index of the first largest element along an axis; of the first NaN if there is one.")
_row("argmin", "reduce", _infer_arg, lambda x, axis: np.asarray(np.argmin(x, axis)), "Index of the first smallest element along an axis; of the first NaN if there is one.")


def _infer_cumsum(operands: Operands, params: Params, regions: Regions) -> Types:
    (x,) = operands
    _require(not x.dtype.is_bool and 0 <= params["axis"] < x.type.rank, "cumsum needs an axis of a float or int operand", params["axis"], x.type)
    return (x.type,)


def _cumsum(x: Any, axis: int) -> Any:
    wide = np.float64 if x.dtype == np.float32 else x.dtype
    return np.cumsum(x, axis, dtype=wide).astype(x.dtype)


_row("cumsum", "other", _infer_cumsum, _cumsum, "Running sums along an axis.")

# -- indexing, products ---------------------------------------------------------------------------------


def _check_indices(rule: str, x: Node, indices: Operands) -> None:
    _require(1 <= len(indices) <= x.type.rank, f"{rule} takes from one index up to one for each axis", x.type, len(indices))
    _require(all(i.dtype is I64 and i.shape == indices[0].shape for i in indices), f"{rule} needs i64 indices of one shape", *(i.type for i in indices))


def _infer_gather(operands: Operands, params: Params, regions: Regions) -> Types:
    x, *rest = operands
    indices = tuple(rest)
    _check_indices("gather", x, indices)
    return (x.type.with_shape(indices[0].shape + x.shape[len(indices) :]),)


def _in_bounds(shape: tuple[int, ...], indices: tuple[Any, ...]) -> None:
    for axis, index in enumerate(indices):
        bad = (index < 0) | (index >= shape[axis])
        if bad.any():
            raise IndexError(f"index {int(index[bad][0])} is out of bounds for dimension {axis} with size {shape[axis]}")


def _gather(x: Any, *indices: Any) -> Any:
    _in_bounds(x.shape, indices)
    return x[indices]


def _infer_scatter(operands: Operands, params: Params, regions: Regions) -> Types:
    x, updates, *rest = operands
    indices = tuple(rest)
    _check_indices("scatter_add", x, indices)
    want = x.type.with_shape(indices[0].shape + x.shape[len(indices) :])
    _require(updates.type == want and not x.dtype.is_bool, "scatter_add needs updates of the gathered type", updates.type, want)
    return (x.type,)


def _scatter_add(x: Any, updates: Any, *indices: Any) -> Any:
    _in_bounds(x.shape, indices)
    out = x.copy()
    np.add.at(out, indices, updates)
    return out


def _infer_matmul(operands: Operands, params: Params, regions: Regions) -> Types:
    _require(len(operands) == 2, "matmul takes 2 operands", len(operands))
    a, b = (o.type for o in operands)
    fits = a.dtype is b.dtype and a.rank == b.rank >= 2 and a.shape[:-2] == b.shape[:-2] and a.shape[-1] == b.shape[-2]
    _require(fits and not a.dtype.is_bool, "matmul needs [...,m,k] and [...,k,n] of one dtype with equal leading axes", a, b)
    return (a.with_shape((*a.shape[:-1], b.shape[-1])),)


_row("gather", "other", _infer_gather, _gather, "x[i0, i1, …]: NumPy's advanced indexing of the leading axes; indices are in bounds.")
_row("scatter_add", "other", _infer_scatter, _scatter_add, "A copy of x with x[i0, i1, …] += updates; repeated indices add up.")
_row("matmul", "other", _infer_matmul, np.matmul, "The matrix product over the last two axes; equal leading axes are a batch.")

# -- regions ------------------------------------------------------------------------------------------


def _infer_fusion(operands: Operands, params: Params, regions: Regions) -> Types:
    (body,) = regions
    _require([o.type for o in operands] == [p.type for p in body.params], "fusion binds each operand to a parameter of its type")
    return tuple(r.type for r in body.results)


def _infer_result(operands: Operands, params: Params, regions: Regions) -> Types:
    (x,) = operands
    _require(0 <= params["index"] < len(x.types), "result needs an index into its operand's results", params["index"], len(x.types))
    return (x.types[params["index"]],)


_row("fusion", "region", _infer_fusion, None, "The region applied to the operands, compiled as one kernel.")
_row("result", "leaf", _infer_result, None, "One of the results of an operand that has several.")
