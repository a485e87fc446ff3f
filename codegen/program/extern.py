"""Extern kernels: matmuls, running sums, scatters and sorts.

Each function emits one kernel for a node whose operands have the given layouts and whose result is dense.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from graphc.codegen.gemm.blocking import PACKED, Blocking, Product, product_for, scratch_bytes
from graphc.codegen.gemm.driver import emit_matmul
from graphc.codegen.gemm.pack import emit_packing, packed_bytes
from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.scalar_ops import LLVM, MEMORY
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.lower import Operand
from graphc.codegen.nests.argsort import sort_bytes, write_order
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.graph import Node
from graphc.ir.core.structural_key import SMALL

__all__ = ["EXTERN", "emit_packed", "emit_product", "schedule_product", "suits"]


@contextmanager
def _loops(function: KernelFunction, shape: Sequence[int], tag: str) -> Iterator[list[Value]]:
    """Emit loops over a shape, outermost first, and yield their indices."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(function.f.loop(function.f.i64(0), function.integer(n, ("extent", (tag, a))), hint=tag)).index
            for a, n in enumerate(shape)
        ]


def _offset(function: KernelFunction, at: Sequence[Value], strides: Sequence[int], start: int, tag: str) -> Value:
    """Return `start + sum(at * strides)`."""
    f = function.f
    total = function.integer(start, ("start", tag))
    for a, (i, stride) in enumerate(zip(at, strides, strict=True)):
        total = f.add(total, f.mul(i, function.integer(stride, ("stride", (tag, a)))))
    return total


def _unit(strides: Sequence[int]) -> str:
    """Return which stride of a matrix is 1: that between columns (row-major), that between rows, or none."""
    if strides[1] == 1:
        return "col"
    return "row" if strides[0] == 1 else "none"


def emit_packed(module: Module, factor: Node, operand: Operand, blocking: Blocking, name: str) -> tuple[KernelFunction, int]:
    """Emit the packing of a matrix that is the right factor of several matmuls; return the kernel and its result's bytes."""
    function, (k, n) = KernelFunction(module, name, ["b", "out"]), factor.shape
    f, type = function.f, LLVM[factor.dtype.name]
    packing = emit_packing(module, blocking, _unit(operand.strides))
    source = f.element(function.buffers[0], function.integer(operand.offset, ("start", 0)), type)
    strides = [function.integer(s, ("matrix", i)) for i, s in enumerate(operand.strides)]
    sizes = [function.integer(s, ("size", i)) for i, s in enumerate((k, n))]
    f.call(packing, source, *strides, function.buffers[1], *sizes)
    f.ret()
    return function, packed_bytes(blocking, k, n)


def schedule_product(node: Node, operands: Sequence[Operand]) -> Product:
    """Decide how the products of a matmul run; its second factor may be packed, by the kernel of `emit_packed`."""
    a, b = operands
    packed, rows, columns = "packed" in node.params, *node.shape[-2:]
    b_unit = PACKED if packed else _unit(b.strides[-2:])
    return product_for(LLVM[node.dtype.name], _unit(a.strides[-2:]), b_unit, vectors=1 in (rows, columns) and not packed)


def suits(product: Product, operands: Sequence[Operand]) -> bool:
    """Return whether the factors have the unit strides that a product relies on."""
    pairs = zip((product.a_unit, product.b_unit), operands, strict=True)
    return all({"row": o.strides[-2], "col": o.strides[-1]}.get(unit, 1) == 1 for unit, o in pairs)


def emit_product(module: Module, node: Node, operands: Sequence[Operand], product: Product, name: str) -> KernelFunction:
    """Emit a batch of matmuls: loops over the leading axes around one blocked matmul."""
    a, b = operands
    function = KernelFunction(module, name, ["a", "b", "out"])
    f, type = function.f, LLVM[node.dtype.name]
    (m, k), n = node.operands[0].shape[-2:], node.shape[-1]
    matmul = emit_matmul(module, product)
    sizes = [function.integer(s, ("size", i)) for i, s in enumerate((m, n, k))]
    strides = [function.integer(s, ("matrix", i)) for i, s in enumerate((*a.strides[-2:], *b.strides[-2:], n))]
    dense = dense_strides(node.shape)
    with _loops(function, node.shape[:-2], "batch") as at:
        places = [
            f.element(base, _offset(function, at, s[:-2], start, tag), type)
            for base, s, start, tag in zip(
                function.buffers, (a.strides, b.strides, dense), (a.offset, b.offset, 0), ("a", "b", "out"), strict=True
            )
        ]
        f.call(matmul, *places, *sizes, *strides, function.scratch)
    f.ret()
    function.scratch_bytes = scratch_bytes(product.blocking)
    return function


def _without(values: Sequence[int], axis: int) -> list[int]:
    """Return the values of all axes but one."""
    return [v for a, v in enumerate(values) if a != axis]


def _cumsum(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit running sums along the axis for each point of the other axes; f32 sums accumulate in f64."""
    (x,) = operands
    axis, shape, dense = node.params["axis"], node.shape, dense_strides(node.shape)
    function = KernelFunction(module, name, ["x", "out"])
    f, type = function.f, LLVM[node.dtype.name]
    wide = "double" if node.dtype.is_float else type

    others = _without(shape, axis)
    lanes = 8 if others and axis != len(shape) - 1 and x.strides[-1] == 1 else 1
    outer = others[:-1] if lanes > 1 else others

    def run(at: list[Value], width: int) -> None:
        base_x = f.element(function.buffers[0], _offset(function, at, _without(x.strides, axis), x.offset, "x"), type)
        base_y = f.element(function.buffers[1], _offset(function, at, _without(dense, axis), 0, "out"), type)
        start = [f.const(0, wide, width)]
        with f.loop(f.i64(0), function.integer(shape[axis], ("along", 0)), carry=start) as loop:
            from_, to = (
                f.element(b, f.mul(loop.index, function.integer(s[axis], ("step", tag))), type)
                for b, s, tag in ((base_x, x.strides, "x"), (base_y, dense, "out"))
            )
            value = f.load(from_, type, width)
            total = f.add(loop.carry[0], f.convert("fpext", value, "double") if wide != type else value)
            f.store(f.convert("fptrunc", total, type) if wide != type else total, to)
            loop.next([total])

    with _loops(function, outer, "outer") as at:
        if lanes == 1:
            run(at, 1)
        else:
            n = others[-1]
            vector_part = function.integer(n // lanes * lanes, ("whole", 0), varies=n > SMALL)
            with f.loop(f.i64(0), vector_part, lanes) as loop:
                run([*at, loop.index], lanes)
            with f.loop(vector_part, function.integer(n, ("last", 0))) as loop:
                run([*at, loop.index], 1)
    f.ret()
    return function


def _scatter(module: Module, node: Node, operands: Sequence[Operand], name: str, *, adds: bool) -> KernelFunction:
    """Emit the replacement or addition of rows at indices, in order; the result already holds a copy of the first operand."""
    _, updates, *indices = operands
    base, dense = node.operands[0], dense_strides(node.shape)
    k, many = len(indices), node.operands[2].shape
    function = KernelFunction(module, name, ["updates", *(f"index{i}" for i in range(k)), "out"])
    f, type = function.f, MEMORY[node.dtype.name]
    with _loops(function, many, "at") as at:
        offset, inside = f.i64(0), f.const(True, "i1")
        for i, index in enumerate(indices):
            where = f.load(
                f.element(function.buffers[1 + i], _offset(function, at, index.strides, index.offset, f"index{i}"), "i64"),
                "i64",
            )
            inside = f.and_(inside, f.cmp("ult", where, function.integer(base.shape[i], ("bound", i))))
            offset = f.add(offset, f.mul(where, function.integer(dense[i], ("row", i))))
        with f.when(f.xor(inside, f.const(True, "i1"))):
            f.store(f.const(1, "i64"), function.status)
        rest = base.shape[k:]
        with f.when(inside), _loops(function, rest[:-1], "rest") as inner:
            from_ = _offset(function, [*at, *inner], updates.strides[: len(many) + len(inner)], updates.offset, "updates")
            to = f.add(offset, _offset(function, inner, dense[k : k + len(inner)], 0, "out"))
            source, target = f.element(function.buffers[0], from_, type), f.element(function.buffers[-1], to, type)
            stride = updates.strides[-1] if rest else 1
            _put_row(function, source, target, rest[-1] if rest else 1, stride, type, add=adds)
    f.ret()
    return function


def _put_row(function: KernelFunction, source: Value, target: Value, n: int, stride: int, type: str, *, add: bool) -> None:
    f = function.f
    lanes = 8 if stride == 1 and n > SMALL else 1
    vector_part = function.integer(n // lanes * lanes, ("rowwhole", 0), varies=n > SMALL)

    def put(i: Value, width: int) -> None:
        x = f.load(f.element(source, f.mul(i, function.integer(stride, ("rowstride", 0))), type), type, width)
        to = f.element(target, i, type)
        f.store(f.add(f.load(to, type, width), x) if add else x, to)

    with f.loop(f.i64(0), vector_part, lanes) as loop:
        put(loop.index, lanes)
    if lanes > 1:
        with f.loop(vector_part, function.integer(n, ("rowlast", 0))) as loop:
            put(loop.index, 1)


def _argsort(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit the sort of each row along the axis."""
    (x,) = operands
    axis, shape, dense, dtype = node.params["axis"], node.shape, dense_strides(node.shape), node.operands[0].dtype
    function = KernelFunction(module, name, ["x", "out"])
    f = function.f

    count = function.integer(shape[axis], ("along", 0))
    strides = [function.integer(s[axis], ("step", tag)) for s, tag in ((x.strides, "x"), (dense, "out"))]
    with _loops(function, _without(shape, axis), "outer") as at:
        start = _offset(function, at, _without(x.strides, axis), x.offset, "x")
        source = f.element(function.buffers[0], start, MEMORY[dtype.name])
        target = f.element(function.buffers[1], _offset(function, at, _without(dense, axis), 0, "out"), "i64")
        write_order(function, dtype, count, source, target, strides, node.params["descending"])
    f.ret()
    function.scratch_bytes = sort_bytes(dtype, shape[axis])
    return function


Writer = Callable[[Module, Node, Sequence[Operand], str], KernelFunction]

EXTERN: dict[str, Writer] = {
    "argsort": _argsort,
    "cumsum": _cumsum,
    "scatter": partial(_scatter, adds=False),
    "scatter_add": partial(_scatter, adds=True),
}
"""The emitter of each extern kernel but the matmul."""
