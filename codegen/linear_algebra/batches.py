"""The code around that for one matrix of a batch: the function, the loops over leading axes, the addresses of matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from graphc.codegen.gemm.blocking import Matrix
from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.lower import Operand
from graphc.codegen.nests.batches import loops_over, offset_at
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.graph import Node

__all__ = ["Batch", "each_matrix"]


class Batch(NamedTuple):
    """The code for one matrix of a batch: the function, the type of its elements, its operands and its result."""

    function: KernelFunction
    f: Function
    type: str
    operands: list[Matrix]
    out: Matrix
    """The result, where it is a matrix."""

    @property
    def start(self) -> Value:
        """The address of the result."""
        return self.out.base

    def extent(self, node: Node, axis: int) -> Value:
        """Return an extent of the result, with axes counted from the end."""
        return self.function.integer(node.shape[axis], ("matrix", axis))


@contextmanager
def each_matrix(module: Module, node: Node, operands: Sequence[Operand], name: str) -> Iterator[Batch]:
    """Emit a function with a loop over the batch; the block emits the code for one matrix."""
    batch = node.operands[0].shape[:-2]
    layouts = [*operands, Operand(dense_strides(node.shape))]
    function = KernelFunction(module, name, [*(f"x{i}" for i in range(len(operands))), "out"])
    f, type = function.f, LLVM[node.dtype.name]
    with loops_over(function, batch, "batch") as index:
        matrices = []
        for i, (buffer, x) in enumerate(zip(function.buffers, layouts, strict=True)):
            start = f.element(buffer, offset_at(function, index, x.strides[: len(batch)], x.offset, f"x{i}"), type)
            row, column = (function.integer(s, ("step", (i, a))) for a, s in enumerate((*x.strides[len(batch) :], 1)[:2]))
            matrices.append(Matrix(start, row, column))
        yield Batch(function, f, type, matrices[:-1], matrices[-1]._replace(col=f.i64(1)))
    f.ret()
