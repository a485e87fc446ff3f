"""Emit the kernels of orthogonal decompositions, which call LAPACK, and of the pseudoinverse.

LAPACK's matrices have consecutive columns, so a matrix with consecutive rows is a transposed one to it: A^T = L Q is the QR
decomposition of A, and the parts of A^T = V S U^T are in place as those of A.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen.gemm.blocking import Matrix
from graphc.codegen.linear_algebra.batches import Batch, each_matrix
from graphc.codegen.linear_algebra.lapack import Routine
from graphc.codegen.linear_algebra.rows import address, copy
from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.values import BYTES, Value
from graphc.codegen.loops.lower import Operand
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.ir.core.graph import Node
from graphc.ir.core.matrices import sizes_of_qr, sizes_of_svd

__all__ = ["emit_eigh", "emit_pinv", "emit_qr", "emit_svd"]

PANEL = 32
"""Columns that a blocked routine treats together: the factor of its memory."""


def _fill_unless(batch: Batch, succeeded: Value, start: Value, count: Value) -> None:
    """Fill a result with NaN unless the routine succeeded."""
    f = batch.f
    with f.when(f.xor(succeeded, f.const(True, "i1"))), f.loop(f.i64(0), count) as loop:
        f.store(f.const(float("nan"), batch.type), f.element(start, loop.index, batch.type))


def _scratch(batch: Batch, *counts: int) -> list[Value]:
    """Return the addresses of arrays of the element type in scratch memory."""
    f, function = batch.f, batch.function
    places, start = [], 0
    for i, count in enumerate(counts):
        place = f.element(function.scratch, function.integer(start, ("scratch", i)), batch.type)
        size = function.integer(count * BYTES[batch.type], ("scratch bytes", i))
        places.append(f.bounded(place, lambda size=size: (0, size), "scratch memory"))  # type: ignore[misc]
        start += count
    function.scratch_bytes = start * BYTES[batch.type]
    return places


def emit_qr(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit the LQ decomposition of the transposed matrix."""
    rows, columns = node.operands[0].shape[-2:]
    (_, width), (height, _) = sizes_of_qr(rows, columns, node.params["complete"])
    stride, pivots = max(columns, width), min(rows, columns)
    with each_matrix(module, node, operands, name) as batch:
        f, type, integer = batch.f, batch.type, batch.function.integer
        m, n, k, h = (integer(x, (tag, 0)) for x, tag in ((rows, "m"), (columns, "n"), (width, "k"), (height, "h")))
        ld, count = integer(stride, ("ld", 0)), integer(pivots, ("pivots", 0))
        work_size = PANEL * max(rows, columns)
        data, tau, work = _scratch(batch, rows * stride, pivots, work_size)
        a, length = Matrix(data, ld, f.i64(1)), integer(work_size, ("work", 0))
        copy(f, type, batch.operands[0], a, m, n)
        Routine(f, type, "gelqf").number(n).number(m).array(data).number(ld).array(tau).array(work).number(length).call()
        r = Matrix(f.element(batch.start, integer(rows * width, ("q", 0)), type), n, f.i64(1))
        with f.loop(f.i64(0), h, hint="row") as row, f.loop(f.i64(0), n) as column:
            i, j = row.index, column.index
            value = f.load(address(f, a, type, i, j), type)
            f.store(f.select(f.cmp("sle", i, j), value, f.const(0, type)), address(f, r, type, i, j))
        routine = Routine(f, type, "orglq").number(k).number(m).number(count)
        routine.array(data).number(ld).array(tau).array(work).number(length).call()
        copy(f, type, a, Matrix(batch.start, k, f.i64(1)), m, k)
    return batch.function


def emit_eigh(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit the decomposition of a matrix whose upper triangle, to LAPACK, is the lower one."""
    size = node.shape[-1]
    with each_matrix(module, node, operands, name) as batch:
        f, type, integer = batch.f, batch.type, batch.function.integer
        n = integer(size, ("n", 0))
        work_size, integers = 1 + 6 * size + 2 * size * size, 3 + 5 * size
        work, whole = _scratch(batch, work_size, integers)
        copy(f, type, batch.operands[0], batch.out, n, n)
        values = f.element(batch.start, integer(size * size, ("values", 0)), type)
        routine = Routine(f, type, "syevd").letter("V").letter("U").number(n).array(batch.start).number(n).array(values)
        routine.array(work).number(integer(work_size, ("work", 0))).array(whole).number(integer(integers, ("integers", 0)))
        _fill_unless(batch, routine.call(), batch.start, integer(size * size + size, ("all", 0)))
    return batch.function


def emit_svd(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit the decomposition of the transposed matrix, whose left singular vectors are the right ones."""
    rows, columns = node.operands[0].shape[-2:]
    k, p, q = sizes_of_svd(rows, columns, node.params["full"])
    with each_matrix(module, node, operands, name) as batch:
        f, type, integer = batch.f, batch.type, batch.function.integer
        m, n, width = (integer(x, (tag, 0)) for x, tag in ((rows, "m"), (columns, "n"), (p, "p")))
        work_size, integers = 4 * k * k + 7 * k + (2 * PANEL + 4) * (rows + columns), 8 * k
        data, work, whole = _scratch(batch, rows * columns, work_size, integers)
        copy(f, type, batch.operands[0], Matrix(data, n, f.i64(1)), m, n)
        values = f.element(batch.start, integer(rows * p, ("values", 0)), type)
        right = f.element(values, integer(k, ("k", 0)), type)
        routine = Routine(f, type, "gesdd").letter("A" if node.params["full"] else "S").number(n).number(m)
        routine.array(data).number(n).array(values).array(right).number(n).array(batch.start).number(width)
        routine.array(work).number(integer(work_size, ("work", 0))).array(whole)
        _fill_unless(batch, routine.call(), batch.start, integer(rows * p + k + q * columns, ("all", 0)))
    return batch.function


def emit_pinv(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit a copy of the second operand; programs that ran through the passes have none."""
    with each_matrix(module, node, operands, name) as batch:
        copy(batch.f, LLVM[node.dtype.name], batch.operands[1], batch.out, *(batch.extent(node, a) for a in (-2, -1)))
    return batch.function
