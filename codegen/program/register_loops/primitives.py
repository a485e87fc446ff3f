"""Non-elementwise primitives in registers: (context, node, elements of its operands) -> elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import prod

import numpy as np

from graphc.codegen.linear_algebra.straight import STRAIGHT, elements_of
from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.scalar_ops import LLVM, OPS, compare
from graphc.codegen.llvm.values import Value
from graphc.codegen.nests.argsort import sort_key
from graphc.codegen.program.register_loops.context import Context
from graphc.codegen.program.register_loops.elementwise import CONTRACTED
from graphc.codegen.program.register_loops.lanes import REDUCTIONS, reduce_pairwise
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType

__all__ = ["WRITERS", "moved_elements"]

SEPARATE = 4
"""Products of a short vectorized sum that are rounded separately: one product and two sums end before three fused ones."""

Elements = list[Value]


def moved_elements(node: Node) -> list[int]:
    """Return, for each element of a movement's result, its index in the operand; one past the last is the fill value."""
    x = node.operands[0]
    numbers = np.arange(x.type.size).reshape(x.shape)
    assert node.op.reference is not None
    fill = [np.asarray(x.type.size)] * (len(node.operands) - 1)
    return [int(i) for i in node.op.reference(numbers, *fill, **node.params).ravel()]


def _constant(c: Context, node: Node, xs: list[Elements]) -> Elements:
    return [c.constants(node.params["value"], node.dtype)] * node.type.size


def _iota(c: Context, node: Node, xs: list[Elements]) -> Elements:
    lanes = c.lanes.lanes
    if lanes is not None and node in lanes.counters:
        numbers = [min(i, lanes.count - 1) for i in range(lanes.width)]
        return [c.f.lanes_const(numbers, LLVM[node.dtype.name])] * node.type.size
    assert node.op.reference is not None
    return [c.constants(i.item(), node.dtype) for i in node.op.reference(**node.params).ravel()]


def _concatenate(c: Context, node: Node, xs: list[Elements]) -> Elements:
    assert node.op.reference is not None
    starts = np.cumsum([0, *(len(x) for x in xs)])
    numbers = [np.arange(o.type.size).reshape(o.shape) + s for o, s in zip(node.operands, starts, strict=False)]
    elements = [v for x in xs for v in x]
    return [elements[int(i)] for i in node.op.reference(*numbers, **node.params).ravel()]


def _random_bits(c: Context, node: Node, xs: list[Elements]) -> Elements:
    f, (seed, start) = c.f, xs[0]
    i64 = node.operands[0].dtype
    return [OPS["random_bits"](f, i64, [seed, f.add(start, f.i64(i))]) for i in range(node.type.size)]


def _rows(node: Node, values: Elements, axes: Sequence[int]) -> Iterator[Elements]:
    """Yield, for each element of a reduction's result, the elements that it reduces, in order."""
    x = node.operands[0]
    numbers = np.arange(x.type.size).reshape(x.shape)
    kept = [a for a in range(x.type.rank) if a not in axes]
    count = int(np.prod([x.shape[a] for a in kept], dtype=int))
    for row in np.transpose(numbers, (*kept, *axes)).reshape(count, -1 if x.type.size else 0):
        yield [values[int(i)] for i in row]


def _reduce(c: Context, node: Node, xs: list[Elements]) -> Elements:
    f, dtype, name = c.f, node.dtype, node.op.name
    _, empty = REDUCTIONS[name]
    results = []
    for row in _rows(node, xs[0], node.params["axes"]):
        x = reduce_pairwise(f, dtype, name, row) if row else f.const(empty(dtype), LLVM[dtype.name])
        # a sum starts at +0, so it is never -0
        results.append(f.add(x, f.const(0.0, x.type)) if node.op.linear and dtype.is_float else x)
    return results


def _arg_extremum(c: Context, node: Node, xs: list[Elements], *, better_is: str) -> Elements:
    f, dtype = c.f, node.operands[0].dtype
    positions = []
    for row in _rows(node, xs[0], (node.params["axis"],)):
        best, position = row[0], f.i64(0)
        for i, x in enumerate(row[1:], 1):
            better = compare(f, better_is, dtype, x, best)
            if dtype.is_float:
                better = f.or_(better, f.and_(f.cmp("uno", x, x), f.cmp("ord", best, best)))
            best, position = f.select(better, x, best), f.select(better, f.i64(i), position)
        positions.append(position)
    return positions


def _argsort(c: Context, node: Node, xs: list[Elements]) -> Elements:
    """Bubble sort, which is stable: exchange neighbours out of order, in as many rounds as there are elements."""
    f, x, descending = c.f, node.operands[0], node.params["descending"]
    numbers = np.moveaxis(np.arange(x.type.size).reshape(x.shape), node.params["axis"], -1)
    order: dict[int, Value] = {}
    for row in numbers.reshape(-1, node.shape[node.params["axis"]]) if x.type.size else ():
        keys = [sort_key(f, x.dtype, xs[0][int(i)], descending) for i in row]
        places = [f.i64(i) for i in range(len(row))]
        for iteration in range(len(row)):
            for a in range(iteration % 2, len(row) - 1, 2):
                b = a + 1
                swapped = f.cmp("sgt", keys[a], keys[b])
                for values in (keys, places):
                    values[a], values[b] = f.select(swapped, values[b], values[a]), f.select(swapped, values[a], values[b])
        order.update(zip(map(int, row), places, strict=True))
    return [order[i] for i in range(x.type.size)]


def _cumsum(c: Context, node: Node, xs: list[Elements]) -> Elements:
    """Running sums; f32 sums accumulate in f64, as in the loop over memory."""
    f, axis = c.f, node.params["axis"]
    numbers = np.moveaxis(np.arange(node.type.size).reshape(node.shape), axis, -1)
    sums: dict[int, Value] = {}
    wide = node.dtype.name == "f32"
    for row in numbers.reshape(-1, node.shape[axis]) if node.type.size else ():
        total: Value | None = None
        for i in map(int, row):
            x = f.convert("fpext", xs[0][i], "double") if wide else xs[0][i]
            total = f.add(f.const(0, x.type), x) if total is None else f.add(total, x)
            sums[i] = f.convert("fptrunc", total, "float") if wide else total
    return [sums[i] for i in range(node.type.size)]


def _matmul(c: Context, node: Node, xs: list[Elements]) -> Elements:
    numbers = [np.arange(o.type.size).reshape(prod(o.shape[:-2]), *o.shape[-2:]) for o in node.operands]
    results = []
    for left, right in zip(*numbers, strict=True):
        for row in left:
            for column in right.T:
                products = [(xs[0][int(i)], xs[1][int(j)]) for i, j in zip(row, column, strict=True)]
                results.append(_dot(c, products, node.dtype))
    return results


def _dot(c: Context, products: Sequence[Sequence[Value]], dtype: DType) -> Value:
    f, products = c.f, [c.lanes.common(p) for p in products]
    if not products:
        return f.const(0, LLVM[dtype.name])
    if products[0][0].lanes > 1 and len(products) > 1:  # vectors: the time of an iteration is the length of the chain
        step = 1 if len(products) <= SEPARATE else 2
        parts = [_chain(f, products[i : i + step]) for i in range(0, len(products), step)]
        return reduce_pairwise(f, dtype, "sum", parts)
    return _chain(f, products)


def _chain(f: Function, products: Sequence[Sequence[Value]]) -> Value:
    (x, y), *rest = products
    total = f.binary(CONTRACTED["mul"], x, y) if x.is_float and not rest else f.mul(x, y)
    for x, y in rest:
        total = f.fma(x, y, total) if total.is_float else f.add(f.mul(x, y), total)
    return total


def _scatter(c: Context, node: Node, xs: list[Elements]) -> Elements:
    return c.memory.elements(c.memory.scatter(node, c.memory.spilled(xs[0], node.type), xs[1:]))


def _matrices(c: Context, node: Node, xs: list[Elements]) -> Elements:
    return elements_of(c.f, node, xs)


def _permutation(c: Context, node: Node, xs: list[Elements]) -> Elements:
    f, count, rows = c.f, node.operands[0].shape[-1], node.shape[-1]
    result: Elements = []
    for b in range(prod(node.shape[:-1])):
        order = [f.i64(i) for i in range(rows)]
        for k in range(count):
            other = f.intrinsic("umin", xs[0][b * count + k], f.i64(rows - 1))
            first = order[k]
            for i in range(rows):
                here = f.cmp("eq", other, f.i64(i))
                order[k], order[i] = f.select(here, order[i], order[k]), f.select(here, first, order[i])
        result += order
    return result


WRITERS: dict[str, Callable[[Context, Node, list[Elements]], Elements]] = {
    "constant": _constant,
    "iota": _iota,
    "concatenate": _concatenate,
    "random_bits": _random_bits,
    **dict.fromkeys(REDUCTIONS, _reduce),
    "argmax": partial(_arg_extremum, better_is="gt"),
    "argmin": partial(_arg_extremum, better_is="lt"),
    "argsort": _argsort,
    "cumsum": _cumsum,
    **dict.fromkeys(STRAIGHT, _matrices),
    "permutation": _permutation,
    "matmul": _matmul,
    "scatter": _scatter,
    "scatter_add": _scatter,
}
