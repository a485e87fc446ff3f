"""Emit matrix products: batches of them, of which threads share the parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from graphc.codegen.gemm.blocking import PACKED, Blocking, Product, product_for, scratch_bytes
from graphc.codegen.gemm.driver import emit_matmul
from graphc.codegen.gemm.pack import emit_packing, packed_bytes
from graphc.codegen.gemm.parts import Parts
from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.lower import Operand
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.graph import Node
from graphc.ir.core.structural_key import SMALL

__all__ = ["emit_packed", "emit_product", "schedule_product", "shared", "suits"]


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


def shared(product: Product, node: Node) -> Product:
    """Return the product with its parts shared by threads, if there may be several: a decision by classes of extents."""
    return replace(product, parallel=True) if any(n > SMALL for n in node.shape) else product


def emit_product(module: Module, node: Node, operands: Sequence[Operand], product: Product, name: str) -> KernelFunction:
    """Emit a batch of matmuls; threads share it, if the product is parallel."""
    return _Batch(module, node, operands, product, name).write()


class _Batch:
    """Emits a batch of products: a loop over all of them, or over their parts."""

    def __init__(self, module: Module, node: Node, operands: Sequence[Operand], product: Product, name: str) -> None:
        a, b = operands
        self.product, self.batch, self.type = product, node.shape[:-2], LLVM[node.dtype.name]
        self.function = KernelFunction(module, name, ["a", "b", "out"], parallel=product.parallel)
        self.f, self.matmul = self.function.f, emit_matmul(module, product)
        (self.m, self.k), self.n = node.operands[0].shape[-2:], node.shape[-1]
        self.sizes = [self.function.integer(s, ("size", i)) for i, s in enumerate((self.m, self.n, self.k))]
        strides = (*a.strides[-2:], *b.strides[-2:], self.n)
        self.strides = [self.function.integer(s, ("matrix", i)) for i, s in enumerate(strides)]
        dense = dense_strides(node.shape)
        self.layouts = (("a", a.strides, a.offset), ("b", b.strides, b.offset), ("out", dense, 0))

    def write(self) -> KernelFunction:
        """Emit the function."""
        f, count = self.f, self.function.integer(prod(self.batch), ("batch", 0), varies=prod(self.batch) > SMALL)
        if self.product.parallel:
            self.parts(count)
        else:
            with f.loop(f.i64(0), count, hint="batch") as at:
                f.call(self.matmul, *self.places(at.index), *self.sizes, *self.strides, self.function.scratch)
        f.ret()
        self.function.scratch_bytes = scratch_bytes(self.product.blocking)
        return self.function

    def places(self, number: Value) -> list[Value]:
        """Return the addresses of the matrices of a product of the batch, by its number."""
        f, function, index = self.f, self.function, dict[int, Value]()
        for axis in reversed(range(len(self.batch))):
            extent = function.integer(self.batch[axis], ("extent", ("batch", axis)))
            index[axis] = f.binary("urem", number, extent) if axis else number
            number = f.binary("udiv", number, extent) if axis else number
        result = []
        for base, (tag, strides, start) in zip(function.buffers, self.layouts, strict=True):
            at = function.integer(start, ("start", tag))
            for axis in range(len(self.batch)):
                stride = function.integer(strides[axis], ("stride", (tag, axis)))
                at = f.add(at, f.mul(index[axis], stride))
            result.append(f.element(base, at, self.type))
        return result

    def parts(self, batch: Value) -> None:
        """Emit the loop over a range of parts; the range of all is run as one part for each product, unless it is a gemv.

        A gemv sums in another order if a part of it is one element.
        """
        f, function, parts = self.f, self.function, Parts(self.product, self.m, self.n, self.k, prod(self.batch))
        function.range = (parts.count, ("parts", 0)), (parts.grain, ("grain", 0))
        total, _ = (function.integer(*number, varies=True) for number in function.range)
        names = {"rows": parts.rows, "columns": parts.columns, "down": parts.down, "across": parts.across}
        rows, columns, down, across = (function.integer(x, (name, 0), varies=True) for name, x in names.items())
        begin, end = function.part
        m, n, k = self.sizes
        if not self.product.vectors:
            one, whole = f.i64(1), f.and_(f.cmp("eq", begin, f.i64(0)), f.cmp("eq", end, total))
            rows, columns = f.select(whole, m, rows), f.select(whole, n, columns)
            down, across, end = f.select(whole, one, down), f.select(whole, one, across), f.select(whole, batch, end)
        with f.loop(begin, end, hint="part") as at:
            number, here = at.index, f.mul(down, across)
            part = f.binary("urem", number, here)
            i, j = f.mul(f.binary("udiv", part, across), rows), f.mul(f.binary("urem", part, across), columns)
            height, width = f.intrinsic("smin", rows, f.sub(m, i)), f.intrinsic("smin", columns, f.sub(n, j))
            a, b, c = self.places(f.binary("udiv", number, here))
            a_row, _, _, b_column, c_row = self.strides
            b_step = f.add(k, f.i64(1)) if self.product.b_unit == PACKED else b_column
            a, b = f.element(a, f.mul(i, a_row), self.type), f.element(b, f.mul(j, b_step), self.type)
            c = f.element(c, f.add(f.mul(i, c_row), j), self.type)
            f.call(self.matmul, a, b, c, height, width, k, *self.strides, function.scratch)
