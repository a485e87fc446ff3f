"""Emit the kernels of the primitives on dense matrices; the last two axes of an operand are a matrix, the others a batch.

The factorizations are the right-looking ones, without blocks: their inner loops run along rows, which are consecutive in the
result.  Source: G. Golub and C. Van Loan, "Matrix Computations", 4th edition, chapters 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen.gemm.blocking import Matrix, at
from graphc.codegen.linear_algebra.batches import Batch, each_matrix
from graphc.codegen.linear_algebra.orthogonal import emit_eigh, emit_pinv, emit_qr, emit_svd
from graphc.codegen.linear_algebra.rows import Span, add_multiple, address, copy, exchange, masked_store, part_load
from graphc.codegen.linear_algebra.straight import elements_of, is_short
from graphc.codegen.linear_algebra.substitution import Triangle, substitute
from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.lower import Operand
from graphc.codegen.nests.batches import loops_over, offset_at
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.graph import Node, make, parameter

__all__ = ["MATRIX_KERNELS"]


def _row(batch: Batch, x: Matrix, i: Value) -> Value:
    return at(batch.f, x.base, batch.type, (i, x.row))


# -- Cholesky ---------------------------------------------------------------------------------------------------------


def _cholesky(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit the factorization of the transposed matrix, whose rows are columns of the lower triangle, then transpose it."""
    with each_matrix(module, node, operands, name) as batch:
        f, type, n = batch.f, batch.type, batch.extent(node, -1)
        (x,), out = batch.operands, batch.out
        with f.loop(f.i64(0), n, hint="row") as row, f.loop(row.index, n) as column:
            f.store(f.load(address(f, x, type, column.index, row.index), type), address(f, out, type, row.index, column.index))
        with f.loop(f.i64(0), n, hint="pivot") as loop:
            _eliminate_symmetric(batch, loop.index, n)
        _transpose_upper(batch, n)
    return batch.function


def _eliminate_symmetric(batch: Batch, k: Value, n: Value) -> None:
    """Divide the row of a pivot by its root, and subtract its multiples from the upper triangle of the rows below."""
    f, type = batch.f, batch.type
    row, after = _row(batch, batch.out, k), f.add(k, f.i64(1))
    corner = f.element(row, k, type)
    pivot = f.load(corner, type)
    positive = f.cmp("ogt", pivot, f.const(0, type))
    root = f.select(positive, f.intrinsic("sqrt", pivot), f.const(float("nan"), type))
    f.store(root, corner)
    roots = f.splat(root, 8)

    def divide(j: Value, mask: Value | None) -> None:
        place = f.element(row, j, type)
        masked_store(f, f.fdiv(part_load(f, place, type, mask), roots), place, mask)

    Span(f, after, n).each(divide)
    with f.loop(after, n, hint="row") as loop:
        factor = f.neg(f.load(f.element(row, loop.index, type), type))
        add_multiple(f, type, Span(f, loop.index, n), _row(batch, batch.out, loop.index), factor, row)


def _transpose_upper(batch: Batch, n: Value) -> None:
    """Move the upper triangle to the lower one, and clear it."""
    f, type, out = batch.f, batch.type, batch.out
    with f.loop(f.i64(0), n, hint="row") as row, f.loop(f.i64(0), row.index) as column:
        above = address(f, out, type, column.index, row.index)
        f.store(f.load(above, type), address(f, out, type, row.index, column.index))
        f.store(f.const(0, type), above)


# -- LU factorization -------------------------------------------------------------------------------------------------


def _lu(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit Gaussian elimination with exchanges of rows."""
    rows, columns = node.operands[0].shape[-2:]
    with each_matrix(module, node, operands, name) as batch:
        f, type, out = batch.f, batch.type, batch.out
        m, n = batch.function.integer(rows, ("rows", 0)), batch.extent(node, -1)
        copy(f, type, batch.operands[0], out, m, n)
        pivots = _row(batch, out, m)
        f.clear(pivots, n, type)
        whole_rows = Span(f, f.i64(0), n)
        with f.loop(f.i64(0), batch.function.integer(min(rows, columns), ("pivots", 0)), hint="pivot") as loop:
            k = loop.index
            chosen = _largest(batch, k, m)
            f.store(f.convert("sitofp", chosen, type), f.element(pivots, k, type))
            with f.when(f.cmp("ne", chosen, k)):
                exchange(f, type, whole_rows, _row(batch, out, k), _row(batch, out, chosen))
            _eliminate(batch, k, m, n)
    return batch.function


def _largest(batch: Batch, k: Value, m: Value) -> Value:
    """Return the row, from k on, of the first largest magnitude in column k; k if that of its own is NaN."""
    f, type = batch.f, batch.type

    def magnitude(i: Value) -> Value:
        return f.intrinsic("fabs", f.load(address(f, batch.out, type, i, k), type))

    with f.loop(f.add(k, f.i64(1)), m, carry=[magnitude(k), k]) as loop:
        size = magnitude(loop.index)
        larger = f.cmp("ogt", size, loop.carry[0])
        loop.next([f.select(larger, size, loop.carry[0]), f.select(larger, loop.index, loop.carry[1])])
    return loop.results[1]


def _eliminate(batch: Batch, k: Value, m: Value, n: Value) -> None:
    """Subtract multiples of row k from the rows below; the factors take the place of the column."""
    f, type = batch.f, batch.type
    row, after = _row(batch, batch.out, k), f.add(k, f.i64(1))
    pivot = f.load(f.element(row, k, type), type)
    divisor = f.select(f.cmp("oeq", pivot, f.const(0, type)), f.const(1, type), pivot)
    span = Span(f, after, n)
    with f.loop(after, m, hint="row") as loop:
        below = _row(batch, batch.out, loop.index)
        place = f.element(below, k, type)
        factor = f.fdiv(f.load(place, type), divisor)
        f.store(factor, place)
        add_multiple(f, type, span, below, f.neg(factor), row)


# -- solutions --------------------------------------------------------------------------------------------------------


def _triangular_solve(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit one substitution in a copy of the right sides."""
    with each_matrix(module, node, operands, name) as batch:
        n, columns = (batch.extent(node, axis) for axis in (-2, -1))
        matrix, right = batch.operands
        copy(batch.f, batch.type, right, batch.out, n, columns)
        substitute(Triangle(batch.f, batch.type, matrix, n, **node.params), batch.out, columns)
    return batch.function


def _lu_solve(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit the exchanges of rows and two substitutions in a copy of the right sides."""
    with each_matrix(module, node, operands, name) as batch:
        f, type = batch.f, batch.type
        n, columns = (batch.extent(node, axis) for axis in (-2, -1))
        _, factors, right = batch.operands
        copy(f, type, right, batch.out, n, columns)
        if node.params["transposed"]:
            flipped = Matrix(factors.base, factors.col, factors.row)
            substitute(Triangle(f, type, flipped, n, upper=False, unit=False), batch.out, columns)
            substitute(Triangle(f, type, flipped, n, upper=True, unit=True), batch.out, columns)
            _exchange_rows(batch, factors, n, columns, backwards=True)
        else:
            _exchange_rows(batch, factors, n, columns)
            substitute(Triangle(f, type, factors, n, upper=False, unit=True), batch.out, columns)
            substitute(Triangle(f, type, factors, n, upper=True, unit=False), batch.out, columns)
    return batch.function


def _exchange_rows(batch: Batch, factors: Matrix, n: Value, columns: Value, *, backwards: bool = False) -> None:
    """Exchange each row of the right sides with the one that the last row of the factors names."""
    f, type = batch.f, batch.type
    pivots, last, span = _row(batch, factors, n), f.sub(n, f.i64(1)), Span(f, f.i64(0), columns)
    with f.loop(f.i64(0), n, hint="row") as loop:
        k = f.sub(last, loop.index) if backwards else loop.index
        number = f.load(at(f, pivots, type, (k, factors.col)), type)
        other = f.intrinsic("umin", f.freeze(f.convert("fptosi", number, "i64")), last)
        with f.when(f.cmp("ne", other, k)):
            exchange(f, type, span, _row(batch, batch.out, k), _row(batch, batch.out, other))


def _permutation(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
    """Emit the exchange of row numbers."""
    (x,), dense = operands, dense_strides(node.shape)
    function = KernelFunction(module, name, ["x", "out"])
    f = function.f
    rows, count = function.integer(node.shape[-1], ("rows", 0)), function.integer(node.operands[0].shape[-1], ("count", 0))
    last, stride = f.sub(rows, f.i64(1)), function.integer(x.strides[-1], ("step", 0))
    with loops_over(function, node.shape[:-1], "batch") as index:
        pivots = f.element(function.buffers[0], offset_at(function, index, x.strides[:-1], x.offset, "x"), "i64")
        out = f.element(function.buffers[1], offset_at(function, index, dense[:-1], 0, "out"), "i64")
        with f.loop(f.i64(0), rows) as loop:
            f.store(loop.index, f.element(out, loop.index, "i64"))
        with f.loop(f.i64(0), count) as loop:
            other = f.intrinsic("umin", f.load(at(f, pivots, "i64", (loop.index, stride)), "i64"), last)
            places = [f.element(out, i, "i64") for i in (loop.index, other)]
            one, two = (f.load(place, "i64") for place in places)
            f.store(two, places[0])
            f.store(one, places[1])
    f.ret()
    return function


def _unless_short(writer: Writer) -> Writer:
    """Return an emitter of straight-line code for short matrices, and of the loops of another for the rest."""

    def write(module: Module, node: Node, operands: Sequence[Operand], name: str) -> KernelFunction:
        if not is_short(node):
            return writer(module, node, operands, name)
        with each_matrix(module, node, operands, name) as batch:
            f, type = batch.f, batch.type
            xs = [
                [f.load(address(f, x, type, f.i64(i), f.i64(j)), type) for i in range(o.shape[-2]) for j in range(o.shape[-1])]
                for x, o in zip(batch.operands, node.operands, strict=True)
            ]
            one = make(node.op, [parameter(o.type.with_shape(o.shape[-2:])) for o in node.operands], node.params)
            for i, value in enumerate(elements_of(f, one, xs)):
                f.store(value, f.element(batch.out.base, f.i64(i), type))
        return batch.function

    return write


Writer = Callable[[Module, Node, Sequence[Operand], str], KernelFunction]

MATRIX_KERNELS: dict[str, Writer] = {
    "eigh": emit_eigh,
    "pinv": emit_pinv,
    "qr": emit_qr,
    "svd": emit_svd,
    "cholesky": _unless_short(_cholesky),
    "lu": _unless_short(_lu),
    "lu_solve": _unless_short(_lu_solve),
    "permutation": _permutation,
    "triangular_solve": _unless_short(_triangular_solve),
}
"""The emitter of the kernel of each primitive on matrices."""
