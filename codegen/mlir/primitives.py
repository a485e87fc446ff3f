"""Primitives in MLIR's core dialects: (text, node, values of its operands) -> value of its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from graphc.codegen.mlir.scalars import SCALARS, convert, scalar
from graphc.codegen.mlir.text import (
    Block,
    Text,
    View,
    cut,
    empty,
    extract,
    fill,
    full_view,
    generic,
    insert,
    loop,
    loop_indices,
    map_elements,
    number,
    start,
    tensor,
)
from graphc.ir.core.graph import Node
from graphc.ir.core.philox import WORD, philox
from graphc.ir.core.predicates import coefficients
from graphc.ir.core.types import BOOL, I32, I64, DType, TensorType

__all__ = ["SPELLING", "reshaped"]


def _elementwise(t: Text, node: Node, operands: list[str]) -> str:
    views = [full_view(v, o.type) for v, o in zip(operands, node.operands, strict=True)]
    write, dtype = SCALARS[node.op.name], node.operands[-1].dtype
    numbers = [t.constant(value, dtype) for value in coefficients(node)]
    return map_elements(t, node.type, views, lambda *xs: write(t, dtype, [*xs, *numbers]))


def _same(t: Text, node: Node, operands: list[str]) -> str:
    return operands[0]


def _cast(t: Text, node: Node, operands: list[str]) -> str:
    (x,) = node.operands
    return map_elements(t, node.type, [full_view(operands[0], x.type)], lambda e: convert(t, x.dtype, node.dtype, e))


def _constant(t: Text, node: Node, operands: list[str]) -> str:
    return t.op(f"arith.constant dense<{number(node.params['value'], node.dtype)}> : {tensor(node.type)}")


def _iota(t: Text, node: Node, operands: list[str]) -> str:
    def body() -> str:
        (index,) = loop_indices(t, [node.params["axis"]])
        return convert(t, I64, node.dtype, t.op(f"arith.index_cast {index} : index to i64"))

    return map_elements(t, node.type, [], body)


class _TextWords:
    """Words as MLIR values of type i64."""

    def __init__(self, t: Text) -> None:
        self.t = t

    def op(self, name: str, x: str, y: str | int) -> str:
        """Emit an operation on i64; its second operand may be a constant."""
        return self.t.op(f"arith.{name} {x}, {y if isinstance(y, str) else self.t.constant(y, I64)} : i64")

    def low(self, x: str) -> str:
        return self.op("andi", x, WORD)

    def high(self, x: str) -> str:
        return self.op("shrui", x, 32)

    def xor(self, x: str, y: str) -> str:
        return self.op("xori", x, y)

    def add(self, x: str, y: str | int) -> str:
        return self.op("addi", x, y)

    def mul(self, x: str, y: str | int) -> str:
        return self.op("muli", x, y)


def _random_bits(t: Text, node: Node, operands: list[str]) -> str:
    """The words of a seed and counters: see ir/core/philox.py."""
    seed, start = (extract(t, operands[0], node.operands[0].type, [t.index(i)]) for i in (0, 1))
    words = _TextWords(t)

    def body() -> str:
        linear = t.constant(0, I64)
        for n, index in zip(node.shape, loop_indices(t, range(node.type.rank)), strict=True):
            linear = words.add(words.mul(linear, n), t.op(f"arith.index_cast {index} : index to i64"))
        return convert(t, I64, I32, philox(words, seed, words.add(start, linear)))

    return map_elements(t, node.type, [], body)


def _reshape(t: Text, node: Node, operands: list[str]) -> str:
    return reshaped(t, operands[0], node.operands[0].type, node.type)


def reshaped(t: Text, value: str, source: TensorType, target: TensorType) -> str:
    """Emit a reshape through a 1-d tensor."""
    flat = source.with_shape((source.size,))
    if source.rank != 1:
        value = _regroup(t, "collapse" if source.rank else "expand", value, source, flat)
    return value if target.rank == 1 else _regroup(t, "expand" if target.rank else "collapse", value, flat, target)


def _regroup(t: Text, word: str, value: str, source: TensorType, target: TensorType) -> str:
    """Emit a reshape between a 1-d type and another one: all axes of either are one group, or there are none."""
    rank = max(source.rank, target.rank) if min(source.rank, target.rank) else 0
    groups = f"[[{', '.join(map(str, range(rank)))}]]" if rank else "[]"
    shape = f" output_shape {list(target.shape)}" if word == "expand" else ""
    return t.op(f"tensor.{word}_shape {value} {groups}{shape} : {tensor(source)} into {tensor(target)}")


def _permute(t: Text, node: Node, operands: list[str]) -> str:
    return map_elements(t, node.type, [View(operands[0], node.operands[0].type, _inverse(node.params["axes"]))], lambda e: e)


def _inverse(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(axes.index(i) for i in range(len(axes)))


def _broadcast(t: Text, node: Node, operands: list[str]) -> str:
    return map_elements(t, node.type, [View(operands[0], node.operands[0].type, node.params["axes"])], lambda e: e)


def _slice(t: Text, node: Node, operands: list[str]) -> str:
    return cut(t, Block(node.type, node.params["start"], node.params["step"]), operands[0], node.operands[0].type)


def _pad(t: Text, node: Node, operands: list[str]) -> str:
    x, value = node.operands
    around = fill(t, extract(t, operands[1], value.type, []), node.type)
    if not x.type.size:
        return around
    block = Block(x.type, node.params["low"], [i + 1 for i in node.params["interior"]])
    return insert(t, operands[0], block, around, node.type)


def _flip(t: Text, node: Node, operands: list[str]) -> str:
    def body() -> str:
        at = loop_indices(t, range(node.type.rank))
        for a in node.params["axes"]:
            at[a] = t.op(f"arith.subi {t.index(node.shape[a] - 1)}, {at[a]} : index")
        return extract(t, operands[0], node.type, at)

    return map_elements(t, node.type, [], body)


def _concatenate(t: Text, node: Node, operands: list[str]) -> str:
    result, at, axis = empty(t, node.type), [0] * node.type.rank, node.params["axis"]
    for value, o in zip(operands, node.operands, strict=True):
        if o.type.size:
            result = insert(t, value, Block(o.type, at), result, node.type)
        at[axis] += o.shape[axis]
    return result


def _lowest(dtype: DType) -> float | int | bool:
    return -np.inf if dtype.is_float else dtype is not BOOL and int(np.iinfo(dtype.numpy).min)


def _highest(dtype: DType) -> float | int | bool:
    return np.inf if dtype.is_float else dtype is BOOL or int(np.iinfo(dtype.numpy).max)


FOLDS: dict[str, tuple[str, Callable[[DType], float | int | bool]]] = {
    "sum": ("add", lambda dtype: 0),
    "prod": ("mul", lambda dtype: 1),
    "max": ("maximum", _lowest),
    "min": ("minimum", _highest),
    "any": ("or", lambda dtype: False),
    "all": ("and", lambda dtype: True),
}
"""For each reduction, the primitive it repeats and its initial value."""


def _reduce(t: Text, node: Node, operands: list[str]) -> str:
    combine, first = FOLDS[node.op.name]
    x = node.operands[0].type
    kept = tuple(a for a in range(x.rank) if a not in node.params["axes"])
    init = start(t, first(x.dtype), node.type, kept)
    return generic(t, x.rank, [full_view(operands[0], x)], [init], lambda e, total: [scalar(combine, t, x.dtype, total, e)])[0]


def _arg(t: Text, node: Node, operands: list[str], *, largest: bool) -> str:
    x, axis = node.operands[0].type, node.params["axis"]
    kept = tuple(a for a in range(x.rank) if a != axis)
    worst = _lowest(x.dtype) if largest else _highest(x.dtype)
    starts = [start(t, worst, node.type.with_dtype(x.dtype), kept), start(t, 0, node.type, kept)]

    def body(e: str, best: str, where: str) -> list[str]:
        here = t.op(f"arith.index_cast {loop_indices(t, [axis])[0]} : index to i64")
        better = _beats(t, x.dtype, *((best, e) if largest else (e, best)), e, best)
        return [scalar("select", t, x.dtype, better, e, best), scalar("select", t, I64, better, here, where)]

    return generic(t, x.rank, [full_view(operands[0], x)], starts, body)[1]


def _beats(t: Text, dtype: DType, low: str, high: str, new: str, old: str) -> str:
    """Return whether low < high, or only `new` is NaN."""
    less = scalar("lt", t, dtype, low, high)
    if not dtype.is_float:
        return less
    appears = scalar("and", t, BOOL, scalar("ne", t, dtype, new, new), scalar("eq", t, dtype, old, old))
    return scalar("or", t, BOOL, less, appears)


def _cumsum(t: Text, node: Node, operands: list[str]) -> str:
    x, axis = node.type, node.params["axis"]
    part = x.with_shape((*x.shape[:axis], 1, *x.shape[axis + 1 :]))

    def body(index: str, out: str, total: str) -> list[str]:
        block = Block(part, [index if a == axis else 0 for a in range(x.rank)])
        row = full_view(cut(t, block, operands[0], x), part)
        # added in place: a carried tensor must stay in the buffer it came in
        (sums,) = generic(t, x.rank, [row], [full_view(total, part)], lambda e, old: [scalar("add", t, x.dtype, old, e)])
        return [insert(t, sums, block, out, x), sums]

    return loop(t, x.shape[axis], [full_view(empty(t, x), x), start(t, 0, part, ())], body)[0]


def _sum_of(t: Text, type: TensorType, a: str, b: str) -> str:
    return map_elements(t, type, [full_view(a, type), full_view(b, type)], lambda x, y: scalar("add", t, type.dtype, x, y))


def _gather(t: Text, node: Node, operands: list[str]) -> str:
    x, indices = node.operands[0].type, node.operands[1:]
    rank = indices[0].type.rank

    def body(*indices_and_old: str) -> str:
        at = [t.op(f"arith.index_cast {i} : i64 to index") for i in indices_and_old]
        return extract(t, operands[0], x, [*at, *loop_indices(t, range(rank, node.type.rank))])

    return map_elements(t, node.type, [full_view(v, i.type) for v, i in zip(operands[1:], indices, strict=True)], body)


def _scatter(t: Text, node: Node, operands: list[str], *, adds: bool) -> str:
    """Emit a loop over the updates in order; each replaces, or is added to, a block of x."""
    x, updates, places = node.type, node.operands[1].type, node.operands[2].type
    axes = len(operands) - 2
    inner = x.shape[axes:]
    listed, flat = updates.with_shape((places.size, *inner)), places.with_shape((places.size,))
    one, part = x.with_shape((1, *inner)), x.with_shape((1,) * axes + inner)
    rows = reshaped(t, operands[1], updates, listed)
    indices = [reshaped(t, v, places, flat) for v in operands[2:]]

    def body(index: str, out: str) -> list[str]:
        at = [t.op(f"arith.index_cast {extract(t, i, flat, [index])} : i64 to index") for i in indices]
        block, row = Block(part, [*at, *(0 for _ in inner)]), Block(one, [index, *(0 for _ in inner)])
        update = reshaped(t, cut(t, row, rows, listed), one, part)
        new = _sum_of(t, part, cut(t, block, out, x), update) if adds else update
        return [insert(t, new, block, out, x)]

    return loop(t, places.size, [full_view(operands[0], x)], body)[0]


def _matmul(t: Text, node: Node, operands: list[str]) -> str:
    (a, b), batch = (o.type for o in node.operands), tuple(range(node.type.rank - 2))
    m, n, k = len(batch), len(batch) + 1, len(batch) + 2
    views = [View(operands[0], a, (*batch, m, k)), View(operands[1], b, (*batch, k, n))]
    init = start(t, 0, node.type, (*batch, m, n))

    def body(x: str, y: str, total: str) -> list[str]:
        return [scalar("add", t, node.dtype, total, scalar("mul", t, node.dtype, x, y))]

    return generic(t, k + 1, views, [init], body)[0]


Spelling = Callable[[Text, Node, list[str]], str]

SPELLING: dict[str, Spelling] = {
    **dict.fromkeys(SCALARS, _elementwise),
    "stop_gradient": _same,
    "alias": _same,
    "derived": _same,
    "cast": _cast,
    "constant": _constant,
    "iota": _iota,
    "random_bits": _random_bits,
    "reshape": _reshape,
    "permute": _permute,
    "broadcast": _broadcast,
    "slice": _slice,
    "pad": _pad,
    "flip": _flip,
    "concatenate": _concatenate,
    **dict.fromkeys(FOLDS, _reduce),
    "argmax": partial(_arg, largest=True),
    "argmin": partial(_arg, largest=False),
    "cumsum": _cumsum,
    "gather": _gather,
    "scatter": partial(_scatter, adds=False),
    "scatter_add": partial(_scatter, adds=True),
    "matmul": _matmul,
}
"""The emitter of each primitive, from the values of its operands to its own."""
