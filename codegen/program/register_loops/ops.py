"""Write primitives that are not elementwise as straight-line code: (writer, node, elements of its operands) -> elements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod

import numpy as np

from graphc.codegen.llvm.builder import Function, Value
from graphc.codegen.llvm.scalar_ops import LLVM, OPS, compare
from graphc.codegen.program.register_loops.values import FOLDS, Holder, paired
from graphc.ir.core.cost import weight
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType

__all__ = ["CONTRACTED", "WRITERS", "early_products", "picks"]

CONTRACTED = {"add": "fadd contract", "sub": "fsub contract", "mul": "fmul contract"}
"""A product and the sum that takes it are rounded once: chains from iteration to iteration are what such loops wait for."""

SEPARATE = 4
"""In a short sum of products in lanes each is rounded by itself: a product and two sums are done before three of both."""

Elements = list[Value]


def early_products(nodes: Iterable[Node]) -> set[Node]:
    """Return the products that are rounded by themselves: of two that one sum takes, the one that is there first.

    The sum is one operation with the other, and waits for that alone; LLVM would take the one on the left.
    """
    ready: dict[Node, int] = {}
    found = set()
    for node in nodes:
        ready[node] = weight(node) + max((ready.get(o, 0) for o in node.operands), default=0)
        if node.op.name in ("add", "sub") and all(o.op.name == "mul" and o in ready for o in node.operands):
            found.add(min(node.operands, key=ready.__getitem__))
    return found


def picks(node: Node) -> list[int]:
    """Return, for each element of a movement's result, its number in the operand; one past the last is the fill."""
    x = node.operands[0]
    numbers = np.arange(x.type.size).reshape(x.shape)
    assert node.op.meaning is not None
    if node.op.name == "pad":
        return [int(i) for i in node.op.meaning(numbers, np.asarray(x.type.size), **node.params).ravel()]
    return [int(i) for i in node.op.meaning(numbers, **node.params).ravel()]


def _constant(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    return [w.constant(node.params["value"], node.dtype)] * node.type.size


def _iota(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    if w.lanes is not None and node in w.lanes.counters:
        lanes = [min(i, w.lanes.count - 1) for i in range(w.lanes.width)]
        return [w.f.lanes_const(lanes, LLVM[node.dtype.name])] * node.type.size
    assert node.op.meaning is not None
    return [w.constant(i.item(), node.dtype) for i in node.op.meaning(**node.params).ravel()]


def _concatenate(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    assert node.op.meaning is not None
    starts = np.cumsum([0, *(len(x) for x in xs)])
    numbers = [np.arange(o.type.size).reshape(o.shape) + s for o, s in zip(node.operands, starts, strict=False)]
    every = [v for x in xs for v in x]
    return [every[int(i)] for i in node.op.meaning(*numbers, **node.params).ravel()]


def _random_bits(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    f, (seed, start) = w.f, xs[0]
    i64 = node.operands[0].dtype
    return [OPS["random_bits"](f, i64, [seed, f.add(start, f.i64(i))]) for i in range(node.type.size)]


def _rows(node: Node, values: Elements, axes: Sequence[int]) -> Iterator[Elements]:
    """Yield, for each element of a reduction's result, what it is a reduction of, in order."""
    x = node.operands[0]
    numbers = np.arange(x.type.size).reshape(x.shape)
    kept = [a for a in range(x.type.rank) if a not in axes]
    count = int(np.prod([x.shape[a] for a in kept], dtype=int))
    for row in np.transpose(numbers, (*kept, *axes)).reshape(count, -1 if x.type.size else 0):
        yield [values[int(i)] for i in row]


def _reduce(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    f, dtype = w.f, node.dtype
    fold, empty = FOLDS[node.op.name]
    found = []
    for row in _rows(node, xs[0], node.params["axes"]):
        x = paired(f, dtype, fold, row) if row else f.const(empty(dtype), LLVM[dtype.name])
        # a sum starts at +0, so it is never -0
        found.append(f.add(x, f.const(0.0, x.type)) if node.op.name == "sum" and dtype.is_float else x)
    return found


def _arg(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    f, dtype = w.f, node.operands[0].dtype
    found = []
    for row in _rows(node, xs[0], (node.params["axis"],)):
        best, position = row[0], f.i64(0)
        for i, x in enumerate(row[1:], 1):
            better = compare(f, "gt" if node.op.name == "argmax" else "lt", dtype, x, best)
            if dtype.is_float:
                better = f.or_(better, f.and_(f.cmp("uno", x, x), f.cmp("ord", best, best)))
            best, position = f.select(better, x, best), f.select(better, f.i64(i), position)
        found.append(position)
    return found


def _cumsum(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    """Running sums; f32 sums are carried in f64, as the loop over memory carries them."""
    f, axis = w.f, node.params["axis"]
    numbers = np.moveaxis(np.arange(node.type.size).reshape(node.shape), axis, -1)
    found: dict[int, Value] = {}
    wide = node.dtype.name == "f32"
    for row in numbers.reshape(-1, node.shape[axis]) if node.type.size else ():
        total: Value | None = None
        for i in map(int, row):
            x = f.convert("fpext", xs[0][i], "double") if wide else xs[0][i]
            total = f.add(f.const(0, x.type), x) if total is None else f.add(total, x)
            found[i] = f.convert("fptrunc", total, "float") if wide else total
    return [found[i] for i in range(node.type.size)]


def _matmul(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    numbers = [np.arange(o.type.size).reshape(prod(o.shape[:-2]), *o.shape[-2:]) for o in node.operands]
    found = []
    for left, right in zip(*numbers, strict=True):
        for row in left:
            for column in right.T:
                products = [(xs[0][int(i)], xs[1][int(j)]) for i, j in zip(row, column, strict=True)]
                found.append(_dot(w, products, node.dtype))
    return found


def _dot(w: Holder, products: Sequence[Sequence[Value]], dtype: DType) -> Value:
    f, products = w.f, [w.common(p) for p in products]
    if not products:
        return f.const(0, LLVM[dtype.name])
    if products[0][0].lanes > 1 and len(products) > 1:  # few instructions: what counts is how long an iteration's chain is
        step = 1 if len(products) <= SEPARATE else 2
        parts = [_chain(f, products[i : i + step]) for i in range(0, len(products), step)]
        return paired(f, dtype, FOLDS["sum"][0], parts)
    return _chain(f, products)


def _chain(f: Function, products: Sequence[Sequence[Value]]) -> Value:
    (x, y), *rest = products
    total = f.binary(CONTRACTED["mul"], x, y) if x.is_float and not rest else f.mul(x, y)
    for x, y in rest:
        total = f.fma(x, y, total) if total.is_float else f.add(f.mul(x, y), total)
    return total


def _scatter(w: Holder, node: Node, xs: list[Elements]) -> Elements:
    return w.elements(w.put(node, w.spilled(xs[0], node.type), xs[1:]))


WRITERS: dict[str, Callable[[Holder, Node, list[Elements]], Elements]] = {
    "constant": _constant,
    "iota": _iota,
    "concatenate": _concatenate,
    "random_bits": _random_bits,
    **dict.fromkeys(FOLDS, _reduce),
    "argmax": _arg,
    "argmin": _arg,
    "cumsum": _cumsum,
    "matmul": _matmul,
    "scatter": _scatter,
    "scatter_add": _scatter,
}
