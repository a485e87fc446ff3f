"""Write a graph as MLIR, in the core dialects func, arith, math, tensor, linalg and scf.

Every node becomes structured operations on tensors, mostly one `linalg.generic`; nothing is tiled, ordered or put
in memory: that is for who reads it.  `mlir-opt` bufferizes the text, IREE compiles it.  Facts that shaped it:
`tensor.gather` does not bufferize and IREE refuses `tensor.splat`, so a gather is a `linalg.generic` that extracts,
and a splat is a `linalg.fill`; `linalg.map` is written differently from version to version, so it does not occur.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from graphc.codegen.mlir_scalars import ELEMENT, SCALARS, Text, convert, number, scalar
from graphc.ir.graph import Graph, Node, Region
from graphc.ir.types import BOOL, I32, I64, DType, TensorType

__all__ = ["HOLES", "PREFIX", "SPELLING", "modules", "to_mlir"]

PREFIX = "graphc_"
"""Functions have it before their names: a bare `@select` or `@exp` meets the C library's when it is linked."""

HOLES = {
    "parameter": "it is an argument of the function, or a value from outside the fusion",
    "fusion": "its body is written in its place: MLIR fuses on its own",
    "result": "it is one of the values that its operand has written",
}
"""Primitives that have no spelling, and why."""


def to_mlir(graph: Graph, name: str = "main", *, writable_marks: bool = True) -> str:
    """Return an MLIR module with the function `@graphc_<name>` from the graph's parameters to its results.

    f32, f64, i32, i64 are themselves, u8 is i8, bool is i1.  `writable_marks` marks the arguments
    `{bufferization.writable = false}`, so that bufferization copies rather than overwrites the caller's arrays;
    without it the text has no attribute outside the core dialects.  Raises KeyError for a node without a spelling.
    """
    return modules({name: graph}, writable_marks=writable_marks)


def modules(graphs: Mapping[str, Graph], *, writable_marks: bool = True) -> str:
    """Return one MLIR module with a function for each graph, as `to_mlir` writes them."""
    lines = [line for name, graph in graphs.items() for line in _function(graph, name, writable_marks)]
    return "\n".join(["module {", *lines, "}", ""])


def _function(graph: Graph, name: str, writable_marks: bool) -> list[str]:
    t = Text()
    mark = " {bufferization.writable = false}" if writable_marks else ""
    arguments = {p: f"%arg{i}" for i, p in enumerate(graph.params)}
    signature = ", ".join(f"{value}: {_tensor(p.type)}{mark}" for p, value in arguments.items())
    types = ", ".join(_tensor(r.type) for r in graph.results)
    with t.block(f"func.func @{PREFIX}{name}({signature}) -> ({types}) {{", "}"):
        values = _region(t, graph, list(arguments.values()))
        t.line(f"return {', '.join(values)} : {types}" if values else "return")
    return t.lines


def _region(t: Text, region: Region, arguments: list[str]) -> list[str]:
    """Write the nodes of a region; return the values of its results."""
    values: dict[Node, list[str]] = {p: [a] for p, a in zip(region.params, arguments, strict=True)}
    for node in region.nodes():
        operands = [v for o in node.operands for v in values[o]]
        if node.op.name == "fusion":
            values[node] = _region(t, node.regions[0], operands)
        elif node.op.name == "result":
            values[node] = [operands[node.params["index"]]]
        else:
            values[node] = [SPELLING[node.op.name](t, node, operands)]
    return [values[r][0] for r in region.results]


# -- pieces of text -------------------------------------------------------------------------------------


class View(NamedTuple):
    """A tensor as `linalg.generic` reads or writes it: its axis i goes with the loop axes[i]."""

    value: str
    type: TensorType
    axes: tuple[int, ...]


def _whole(value: str, type: TensorType) -> View:
    return View(value, type, tuple(range(type.rank)))


def _tensor(type: TensorType) -> str:
    return f"tensor<{''.join(f'{n}x' for n in type.shape)}{ELEMENT[type.dtype]}>"


def _map(rank: int, axes: Sequence[int]) -> str:
    return f"affine_map<({', '.join(f'd{i}' for i in range(rank))}) -> ({', '.join(f'd{a}' for a in axes)})>"


def _ports(word: str, views: Sequence[View]) -> str:
    if not views:
        return ""
    return f" {word}({', '.join(v.value for v in views)} : {', '.join(_tensor(v.type) for v in views)})"


def _empty(t: Text, type: TensorType) -> str:
    return t.op(f"tensor.empty() : {_tensor(type)}")


def _fill(t: Text, value: str, type: TensorType) -> str:
    empty = _empty(t, type)
    return t.op(f"linalg.fill ins({value} : {ELEMENT[type.dtype]}) outs({empty} : {_tensor(type)}) -> {_tensor(type)}")


def _start(t: Text, value: float | int | bool, type: TensorType, axes: tuple[int, ...]) -> View:
    """Write a tensor full of what a fold begins with."""
    return View(_fill(t, t.constant(value, type.dtype), type), type, axes)


def _generic(t: Text, rank: int, ins: Sequence[View], outs: Sequence[View], body: Callable[..., Sequence[str]]) -> list[str]:
    """Write a `linalg.generic` over `rank` loops; those that no output goes with are reductions.

    `body` gets the elements of `ins` and `outs` and returns the new elements of `outs`.
    """
    kept = {a for out in outs for a in out.axes}
    maps = ", ".join(_map(rank, v.axes) for v in (*ins, *outs))
    kinds = ", ".join('"parallel"' if a in kept else '"reduction"' for a in range(rank))
    types = ", ".join(_tensor(v.type) for v in outs)
    whole, elements = t.fresh(), [t.fresh() for _ in (*ins, *outs)]
    several = f":{len(outs)}" if len(outs) > 1 else ""
    head = f"{whole}{several} = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}}"
    with t.block(f"{head}{_ports('ins', ins)}{_ports('outs', outs)} {{", f"}} -> {f'({types})' if several else types}"):
        scalars = [ELEMENT[v.type.dtype] for v in (*ins, *outs)]
        t.line(f"^bb0({', '.join(f'{e}: {s}' for e, s in zip(elements, scalars, strict=True))}):", -1)
        results = body(*elements)
        t.line(f"linalg.yield {', '.join(results)} : {', '.join(scalars[len(ins) :])}")
    return [f"{whole}#{i}" for i in range(len(outs))] if several else [whole]


def _made(t: Text, type: TensorType, ins: Sequence[View], body: Callable[..., str]) -> str:
    """Write a `linalg.generic` that computes each element of a new tensor; `body` gets the elements of `ins`."""
    out = _whole(_empty(t, type), type)
    return _generic(t, type.rank, ins, [out], lambda *elements: [body(*elements[:-1])])[0]


def _indices(t: Text, axes: Sequence[int]) -> list[str]:
    return [t.op(f"linalg.index {a} : index") for a in axes]


def _extract(t: Text, x: str, type: TensorType, at: Sequence[str]) -> str:
    return t.op(f"tensor.extract {x}[{', '.join(at)}] : {_tensor(type)}")


class Block(NamedTuple):
    """A part of a tensor: its type, where it begins on each axis (numbers or values), and its steps, 1 if none are given."""

    type: TensorType
    at: Sequence[int | str]
    steps: Sequence[int] = ()

    def __str__(self) -> str:
        parts = (self.at, self.type.shape, self.steps or (1,) * len(self.at))
        return "".join(f"[{', '.join(map(str, part))}]" for part in parts)


def _insert(t: Text, value: str, block: Block, into: str, whole: TensorType) -> str:
    return t.op(f"tensor.insert_slice {value} into {into}{block} : {_tensor(block.type)} into {_tensor(whole)}")


def _cut(t: Text, block: Block, x: str, whole: TensorType) -> str:
    return t.op(f"tensor.extract_slice {x}{block} : {_tensor(whole)} to {_tensor(block.type)}")


def _loop(t: Text, count: int, inits: Sequence[View], body: Callable[..., Sequence[str]]) -> list[str]:
    """Write an `scf.for` from 0 to `count` that carries tensors; `body` gets the index and them, and returns the new ones."""
    first, last, step = t.index(0), t.index(count), t.index(1)
    whole, index, carried = t.fresh(), t.fresh(), [t.fresh() for _ in inits]
    types = ", ".join(_tensor(v.type) for v in inits)
    bound = ", ".join(f"{c} = {v.value}" for c, v in zip(carried, inits, strict=True))
    head = f"{whole}:{len(inits)} = scf.for {index} = {first} to {last} step {step} iter_args({bound}) -> ({types}) {{"
    with t.block(head, "}"):
        t.line(f"scf.yield {', '.join(body(index, *carried))} : {types}")
    return [f"{whole}#{i}" for i in range(len(inits))]


# -- spellings ------------------------------------------------------------------------------------------


def _elementwise(t: Text, node: Node, operands: list[str]) -> str:
    views = [_whole(v, o.type) for v, o in zip(operands, node.operands, strict=True)]
    write, dtype = SCALARS[node.op.name], node.operands[-1].dtype
    return _made(t, node.type, views, lambda *xs: write(t, dtype, list(xs)))


def _same(t: Text, node: Node, operands: list[str]) -> str:
    return operands[0]


def _cast(t: Text, node: Node, operands: list[str]) -> str:
    (x,) = node.operands
    return _made(t, node.type, [_whole(operands[0], x.type)], lambda e: convert(t, x.dtype, node.dtype, e))


def _constant(t: Text, node: Node, operands: list[str]) -> str:
    return t.op(f"arith.constant dense<{number(node.params['value'], node.dtype)}> : {_tensor(node.type)}")


def _iota(t: Text, node: Node, operands: list[str]) -> str:
    def body() -> str:
        (index,) = _indices(t, [node.params["axis"]])
        return convert(t, I64, node.dtype, t.op(f"arith.index_cast {index} : index to i64"))

    return _made(t, node.type, [], body)


LOW = 0xFFFFFFFF
"""The low word of two."""


def _random_bits(t: Text, node: Node, operands: list[str]) -> str:
    """Philox-2x32-10 in 64-bit words, as the primitive's meaning has it."""
    key = [_extract(t, operands[0], node.operands[0].type, [t.index(i)]) for i in (0, 1)]

    def i64(name: str, x: str, y: str | int) -> str:
        return t.op(f"arith.{name} {x}, {y if isinstance(y, str) else t.constant(y, I64)} : i64")

    def body() -> str:
        linear = t.constant(0, I64)
        for n, index in zip(node.shape, _indices(t, range(node.type.rank)), strict=True):
            linear = i64("addi", i64("muli", linear, n), t.op(f"arith.index_cast {index} : index to i64"))
        counter = i64("addi", key[1], linear)
        low, high = i64("andi", counter, LOW), i64("shrui", counter, 32)
        k = i64("andi", i64("xori", key[0], i64("shrui", key[0], 32)), LOW)
        for _ in range(10):
            product = i64("muli", low, 0xD256D193)
            low, high = i64("xori", i64("xori", i64("shrui", product, 32), k), high), i64("andi", product, LOW)
            k = i64("andi", i64("addi", k, 0x9E3779B9), LOW)
        return convert(t, I64, I32, low)

    return _made(t, node.type, [], body)


def _reshape(t: Text, node: Node, operands: list[str]) -> str:
    return _reshaped(t, operands[0], node.operands[0].type, node.type)


def _reshaped(t: Text, value: str, source: TensorType, target: TensorType) -> str:
    """Write a reshape by way of one axis."""
    flat = source.with_shape((source.size,))
    if source.rank != 1:
        value = _regroup(t, "collapse" if source.rank else "expand", value, source, flat)
    return value if target.rank == 1 else _regroup(t, "expand" if target.rank else "collapse", value, flat, target)


def _regroup(t: Text, word: str, value: str, source: TensorType, target: TensorType) -> str:
    """Write a reshape between a 1-d type and another one: all axes of either are one group, or there are none."""
    rank = max(source.rank, target.rank) if min(source.rank, target.rank) else 0
    groups = f"[[{', '.join(map(str, range(rank)))}]]" if rank else "[]"
    shape = f" output_shape {list(target.shape)}" if word == "expand" else ""
    return t.op(f"tensor.{word}_shape {value} {groups}{shape} : {_tensor(source)} into {_tensor(target)}")


def _permute(t: Text, node: Node, operands: list[str]) -> str:
    return _made(t, node.type, [View(operands[0], node.operands[0].type, _inverse(node.params["axes"]))], lambda e: e)


def _inverse(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(axes.index(i) for i in range(len(axes)))


def _broadcast(t: Text, node: Node, operands: list[str]) -> str:
    return _made(t, node.type, [View(operands[0], node.operands[0].type, node.params["axes"])], lambda e: e)


def _slice(t: Text, node: Node, operands: list[str]) -> str:
    return _cut(t, Block(node.type, node.params["start"], node.params["step"]), operands[0], node.operands[0].type)


def _pad(t: Text, node: Node, operands: list[str]) -> str:
    x, fill = node.operands
    around = _fill(t, _extract(t, operands[1], fill.type, []), node.type)
    if not x.type.size:
        return around
    block = Block(x.type, node.params["low"], [i + 1 for i in node.params["interior"]])
    return _insert(t, operands[0], block, around, node.type)


def _flip(t: Text, node: Node, operands: list[str]) -> str:
    def body() -> str:
        at = _indices(t, range(node.type.rank))
        for a in node.params["axes"]:
            at[a] = t.op(f"arith.subi {t.index(node.shape[a] - 1)}, {at[a]} : index")
        return _extract(t, operands[0], node.type, at)

    return _made(t, node.type, [], body)


def _concatenate(t: Text, node: Node, operands: list[str]) -> str:
    whole, at, axis = _empty(t, node.type), [0] * node.type.rank, node.params["axis"]
    for value, o in zip(operands, node.operands, strict=True):
        if o.type.size:
            whole = _insert(t, value, Block(o.type, at), whole, node.type)
        at[axis] += o.shape[axis]
    return whole


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
"""Reduction → the primitive that it repeats, and what it begins with."""


def _reduce(t: Text, node: Node, operands: list[str]) -> str:
    combine, start = FOLDS[node.op.name]
    x = node.operands[0].type
    kept = tuple(a for a in range(x.rank) if a not in node.params["axes"])
    init = _start(t, start(x.dtype), node.type, kept)
    return _generic(t, x.rank, [_whole(operands[0], x)], [init], lambda e, total: [scalar(combine, t, x.dtype, total, e)])[0]


def _arg(t: Text, node: Node, operands: list[str]) -> str:
    x, axis = node.operands[0].type, node.params["axis"]
    kept = tuple(a for a in range(x.rank) if a != axis)
    worst = _lowest(x.dtype) if node.op.name == "argmax" else _highest(x.dtype)
    starts = [_start(t, worst, node.type.with_dtype(x.dtype), kept), _start(t, 0, node.type, kept)]

    def body(e: str, best: str, where: str) -> list[str]:
        here = t.op(f"arith.index_cast {_indices(t, [axis])[0]} : index to i64")
        better = _beats(t, x.dtype, *((best, e) if node.op.name == "argmax" else (e, best)), e, best)
        return [scalar("select", t, x.dtype, better, e, best), scalar("select", t, I64, better, here, where)]

    return _generic(t, x.rank, [_whole(operands[0], x)], starts, body)[1]


def _beats(t: Text, dtype: DType, low: str, high: str, new: str, old: str) -> str:
    """Tell whether low < high, or only `new` is NaN."""
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
        row = _whole(_cut(t, block, operands[0], x), part)
        # Added in place: what a loop carries must stay in the memory it came in.
        (sums,) = _generic(t, x.rank, [row], [_whole(total, part)], lambda e, old: [scalar("add", t, x.dtype, old, e)])
        return [_insert(t, sums, block, out, x), sums]

    return _loop(t, x.shape[axis], [_whole(_empty(t, x), x), _start(t, 0, part, ())], body)[0]


def _sum_of(t: Text, type: TensorType, a: str, b: str) -> str:
    return _made(t, type, [_whole(a, type), _whole(b, type)], lambda x, y: scalar("add", t, type.dtype, x, y))


def _gather(t: Text, node: Node, operands: list[str]) -> str:
    x, indices = node.operands[0].type, node.operands[1:]
    rank = indices[0].type.rank

    def body(*found: str) -> str:
        at = [t.op(f"arith.index_cast {i} : i64 to index") for i in found]
        return _extract(t, operands[0], x, [*at, *_indices(t, range(rank, node.type.rank))])

    return _made(t, node.type, [_whole(v, i.type) for v, i in zip(operands[1:], indices, strict=True)], body)


def _scatter_add(t: Text, node: Node, operands: list[str]) -> str:
    """Write a loop over the updates, each the sum of a block of x: repeated indices add up in order."""
    x, updates, places = node.type, node.operands[1].type, node.operands[2].type
    axes = len(operands) - 2
    inner = x.shape[axes:]
    listed, flat = updates.with_shape((places.size, *inner)), places.with_shape((places.size,))
    one, part = x.with_shape((1, *inner)), x.with_shape((1,) * axes + inner)
    rows = _reshaped(t, operands[1], updates, listed)
    indices = [_reshaped(t, v, places, flat) for v in operands[2:]]

    def body(index: str, out: str) -> list[str]:
        found = [t.op(f"arith.index_cast {_extract(t, i, flat, [index])} : i64 to index") for i in indices]
        block, row = Block(part, [*found, *(0 for _ in inner)]), Block(one, [index, *(0 for _ in inner)])
        update = _reshaped(t, _cut(t, row, rows, listed), one, part)
        return [_insert(t, _sum_of(t, part, _cut(t, block, out, x), update), block, out, x)]

    return _loop(t, places.size, [_whole(operands[0], x)], body)[0]


def _matmul(t: Text, node: Node, operands: list[str]) -> str:
    (a, b), batch = (o.type for o in node.operands), tuple(range(node.type.rank - 2))
    m, n, k = len(batch), len(batch) + 1, len(batch) + 2
    views = [View(operands[0], a, (*batch, m, k)), View(operands[1], b, (*batch, k, n))]
    init = _start(t, 0, node.type, (*batch, m, n))

    def body(x: str, y: str, total: str) -> list[str]:
        return [scalar("add", t, node.dtype, total, scalar("mul", t, node.dtype, x, y))]

    return _generic(t, k + 1, views, [init], body)[0]


Spelling = Callable[[Text, Node, list[str]], str]

SPELLING: dict[str, Spelling] = {
    **dict.fromkeys(SCALARS, _elementwise),
    "stop_gradient": _same,
    "alias": _same,
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
    "argmax": _arg,
    "argmin": _arg,
    "cumsum": _cumsum,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "matmul": _matmul,
}
"""Primitive → what writes it, given the values of its operands, and returns its own."""
