"""Extern kernels: running sums, scatters and sorts; those of matrices are in
`codegen/linear_algebra`, their products in `products.py`.

Each function emits one kernel for a node whose operands have the given layouts and whose result is dense.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from graphc.codegen.linear_algebra.kernels import MATRIX_KERNELS
from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.scalar_ops import LLVM, MEMORY
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.lower import Operand
from graphc.codegen.nests.argsort import sort_bytes, write_order
from graphc.codegen.nests.batches import loops_over, offset_at
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.graph import Node
from graphc.ir.core.structural_key import SMALL

__all__ = ["EXTERN"]


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
        base_x = f.element(function.buffers[0], offset_at(function, at, _without(x.strides, axis), x.offset, "x"), type)
        base_y = f.element(function.buffers[1], offset_at(function, at, _without(dense, axis), 0, "out"), type)
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

    with loops_over(function, outer, "outer") as at:
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
    with loops_over(function, many, "at") as at:
        offset, inside = f.i64(0), f.const(True, "i1")
        for i, index in enumerate(indices):
            where = f.load(
                f.element(function.buffers[1 + i], offset_at(function, at, index.strides, index.offset, f"index{i}"), "i64"),
                "i64",
            )
            inside = f.and_(inside, f.cmp("ult", where, function.integer(base.shape[i], ("bound", i))))
            offset = f.add(offset, f.mul(where, function.integer(dense[i], ("row", i))))
        with f.when(f.xor(inside, f.const(True, "i1"))):
            f.store(f.const(1, "i64"), function.status)
        rest = base.shape[k:]
        with f.when(inside), loops_over(function, rest[:-1], "rest") as inner:
            from_ = offset_at(function, [*at, *inner], updates.strides[: len(many) + len(inner)], updates.offset, "updates")
            to = f.add(offset, offset_at(function, inner, dense[k : k + len(inner)], 0, "out"))
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
    with loops_over(function, _without(shape, axis), "outer") as at:
        start = offset_at(function, at, _without(x.strides, axis), x.offset, "x")
        source = f.element(function.buffers[0], start, MEMORY[dtype.name])
        target = f.element(function.buffers[1], offset_at(function, at, _without(dense, axis), 0, "out"), "i64")
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
    **MATRIX_KERNELS,
}
"""The emitter of each extern kernel."""
