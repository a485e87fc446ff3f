"""Type rules and reference semantics of the primitives on dense matrices: factorizations, solutions, decompositions.

The last two axes of an operand are a matrix, the others a batch.  A factorization of several parts is one array, of which
operations take slices.  No primitive raises: a failed factorization has NaN or zeros on its diagonal, one that did not converge
is NaN, and operations check it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.ir.core.graph import Node, TypeRuleError, UndefinedDTypeError
from graphc.ir.core.signatures import Operands, Params, Regions, Types
from graphc.ir.core.types import I64

__all__ = [
    "cholesky", "cholesky_type", "eigh", "eigh_type", "lu", "lu_solve", "lu_solve_type", "lu_type", "permutation",
    "permutation_type", "pinv", "pinv_type", "qr", "qr_type", "sizes_of_qr", "sizes_of_svd", "svd", "svd_type",
    "triangular_solve", "triangular_solve_type",
]  # fmt: skip

MOST_ROWS = 1 << 24
"""The most rows of a matrix that `lu` takes: a float of 32 bits numbers no more."""


def _require(holds: bool, rule: str, *got: object) -> None:
    """Raise TypeRuleError with the rule and what came unless it holds."""
    if not holds:
        raise TypeRuleError(f"{rule}, got {', '.join(map(str, got))}")


def _matrices(name: str, *operands: Node, square: bool = False) -> None:
    """Raise TypeRuleError unless operands are float matrices of one dtype with equal leading axes, the first square."""
    for x in operands:
        if not x.dtype.is_float:
            raise UndefinedDTypeError(f"{name} is defined for float", x.type)
        _require(x.type.rank >= 2, f"{name} takes matrices", x.type)
    first = operands[0]
    _require(not square or first.shape[-2] == first.shape[-1], f"{name} takes square matrices", first.type)
    alike = all(x.dtype is first.dtype and x.shape[:-2] == first.shape[:-2] for x in operands)
    _require(alike, f"{name} takes matrices of one dtype with equal leading axes", *[x.type for x in operands])


# -- Cholesky ---------------------------------------------------------------------------------------------------------


def cholesky_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Square matrices."""
    _matrices("cholesky", operands[0], square=True)
    return operands[0].types


def cholesky(x: Any) -> Any:
    """Return the lower triangular L with L L^T = x, of which only the lower triangle is read.

    From the first pivot on that is not positive, the columns of L are NaN.
    """
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return _cholesky_by_columns(x)


def _cholesky_by_columns(x: Any) -> Any:
    rest = np.tril(x)
    for k in range(x.shape[-1]):
        pivot = rest[..., k, k]
        root = np.sqrt(np.where(pivot > 0, pivot, np.asarray(np.nan, x.dtype)))
        rest[..., k:, k] /= root[..., None]
        rest[..., k, k] = root
        column = rest[..., k + 1 :, k]
        rest[..., k + 1 :, k + 1 :] -= column[..., :, None] * column[..., None, :]
    return np.tril(rest)


# -- triangular systems -----------------------------------------------------------------------------------------------


def triangular_solve_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Square matrices, and right sides of as many rows."""
    a, b = operands
    _matrices("triangular_solve", a, b, square=True)
    _require(a.shape[-1] == b.shape[-2], "triangular_solve takes right sides of as many rows", a.type, b.type)
    return b.types


def triangular_solve(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """Return X with A X = b, where A is the upper or lower triangle of a, with ones on the diagonal if `unit`."""
    n = a.shape[-1]
    x = b.copy()
    for step in range(n):
        i = n - 1 - step if upper else step
        known = slice(i + 1, n) if upper else slice(0, i)
        row = a[..., i : i + 1, known]
        x[..., i : i + 1, :] -= np.matmul(row, x[..., known, :])
        if not unit:
            x[..., i, :] /= a[..., i, i, None]
    return x


# -- LU factorization -------------------------------------------------------------------------------------------------


def lu_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Matrices of any extents; the result has another row, for the pivots."""
    (a,) = operands
    _matrices("lu", a)
    _require(a.shape[-2] <= MOST_ROWS, "lu takes up to 2**24 rows", a.type)
    return (a.type.with_shape((*a.shape[:-2], a.shape[-2] + 1, a.shape[-1])),)


def lu(a: Any) -> Any:
    """Return the factors of P A = L U, with rows exchanged so that each pivot is the largest of its column.

    L, without its diagonal of ones, and U share the first rows.  Element k of the last row is the row that was exchanged with
    row k; its rest is zeros.
    """
    *batch, m, n = a.shape
    out = np.zeros((*batch, m + 1, n), a.dtype)
    out[..., :m, :] = a
    rest = out[..., :m, :]
    for k in range(min(m, n)):
        sizes = np.abs(rest[..., k:, k])
        unknown = np.isnan(sizes)
        sizes[unknown] = -1
        sizes[..., 0] = np.where(unknown[..., 0], np.inf, sizes[..., 0])
        pivot = np.argmax(sizes, -1) + k
        out[..., m, k] = pivot
        _exchange(rest, k, pivot)
        corner = rest[..., k, k, None]
        rest[..., k + 1 :, k] /= np.where(corner == 0, np.asarray(1, a.dtype), corner)
        rest[..., k + 1 :, k + 1 :] -= rest[..., k + 1 :, k, None] * rest[..., k, None, k + 1 :]
    return out


def _exchange(x: Any, k: int, other: Any) -> None:
    """Exchange row k of each matrix of a batch with the row `other` of that matrix."""
    there = np.asarray(other)[..., None, None]
    row = np.take_along_axis(x, there, -2)
    np.put_along_axis(x, there, x[..., k : k + 1, :].copy(), -2)
    x[..., k : k + 1, :] = row


def lu_solve_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Square matrices, their factors, and right sides of as many rows."""
    a, factors, b = operands
    _matrices("lu_solve", a, factors, b, square=True)
    n = a.shape[-1]
    _require(factors.shape[-2] == n + 1 and factors.shape[-1] == n, "lu_solve takes the factors of lu", a.type, factors.type)
    _require(n == b.shape[-2], "lu_solve takes right sides of as many rows", a.type, b.type)
    return b.types


def lu_solve(a: Any, factors: Any, b: Any, transposed: bool) -> Any:
    """Return X with A X = b, or A^T X = b, by the factors of A; derivatives are those with respect to A and b."""
    n = a.shape[-1]
    rows = [_row_number(factors[..., n, k].astype(np.int64), n) for k in range(n)]
    factors, x = factors[..., :n, :], b.copy()
    if transposed:
        flipped = np.swapaxes(factors, -1, -2)
        x = triangular_solve(flipped, triangular_solve(flipped, x, False, False), True, True)
        for k in reversed(range(n)):
            _exchange(x, k, rows[k])
        return x
    for k in range(n):
        _exchange(x, k, rows[k])
    return triangular_solve(factors, triangular_solve(factors, x, False, True), True, False)


def _row_number(number: Any, n: int) -> Any:
    return np.where((number < 0) | (number >= n), n - 1, number)


def permutation_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Row numbers, i64, up to one for each row."""
    (pivots,) = operands
    fits = pivots.dtype is I64 and pivots.type.rank >= 1 and pivots.shape[-1] <= params["rows"]
    _require(fits, "permutation takes up to one i64 for each row", pivots.type, params["rows"])
    return (pivots.type.with_shape((*pivots.shape[:-1], params["rows"])),)


def permutation(pivots: Any, rows: int) -> Any:
    """Return where the rows of a matrix are from after exchanging row k with row pivots[k], for each k in turn.

    A number that is out of range stands for the last row.
    """
    order = np.broadcast_to(np.arange(rows), (*pivots.shape[:-1], rows)).copy()[..., None]
    for k in range(pivots.shape[-1]):
        _exchange(order, k, _row_number(pivots[..., k], rows))
    return order[..., 0]


# -- orthogonal decompositions ------------------------------------------------------------------------------------------


def _nonempty(name: str, x: Node, *, square: bool = False) -> tuple[int, int]:
    _matrices(name, x, square=square)
    m, n = x.shape[-2:]
    _require(m > 0 and n > 0, f"{name} takes matrices with elements", x.type)
    return m, n


def _joined(parts: Sequence[Any], x: Any) -> Any:
    batch = x.shape[:-2]
    rows = [np.reshape(p, (*batch, int(np.prod(p.shape[len(batch) :])))) for p in parts]
    return np.concatenate(rows, -1).astype(x.dtype, copy=False)


def sizes_of_qr(m: int, n: int, complete: bool) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the shapes of Q and R."""
    k = m if complete else min(m, n)
    return (m, k), (k, n)


def qr_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Matrices; the result is a vector for each."""
    (x,) = operands
    m, n = _nonempty("qr", x)
    k = sizes_of_qr(m, n, params["complete"])[0][1]
    return (x.type.with_shape((*x.shape[:-2], m * k + k * n)),)


def qr(x: Any, complete: bool) -> Any:
    """Return Q with orthonormal columns and the upper triangular R of x = Q R, one after the other."""
    return _joined(np.linalg.qr(x, "complete" if complete else "reduced"), x)


def eigh_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Square matrices; the result has another row, for the eigenvalues."""
    (x,) = operands
    n, _ = _nonempty("eigh", x, square=True)
    return (x.type.with_shape((*x.shape[:-2], n + 1, n)),)


def eigh(x: Any) -> Any:
    """Return the eigenvectors of symmetric matrices as rows, and below them the eigenvalues, in ascending order.

    Only the lower triangle is read.
    """
    n = x.shape[-1]
    shape = (*x.shape[:-2], n + 1, n)
    try:
        values, vectors = np.linalg.eigh(np.swapaxes(x, -1, -2), "U")  # as compiled code calls LAPACK: the signs are the same
    except np.linalg.LinAlgError:
        return np.full(shape, np.nan, x.dtype)
    return np.concatenate([np.swapaxes(vectors, -1, -2), values[..., None, :]], -2).astype(x.dtype, copy=False)


def sizes_of_svd(m: int, n: int, full: bool) -> tuple[int, int, int]:
    """Return the number of singular values, of the columns of U, and of the rows of V^T."""
    k = min(m, n)
    return (k, m, n) if full else (k, k, k)


def svd_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Matrices; the result is a vector for each."""
    (x,) = operands
    m, n = _nonempty("svd", x)
    k, p, q = sizes_of_svd(m, n, params["full"])
    return (x.type.with_shape((*x.shape[:-2], m * p + k + q * n)),)


def svd(x: Any, full: bool) -> Any:
    """Return U, the singular values in descending order, and V^T of x = U diag(S) V^T, one after the other."""
    m, n = x.shape[-2:]
    k, p, q = sizes_of_svd(m, n, full)
    try:
        v, s, u = np.linalg.svd(np.swapaxes(x, -1, -2), full)  # as compiled code calls LAPACK: the signs are the same
    except np.linalg.LinAlgError:
        return np.full((*x.shape[:-2], m * p + k + q * n), np.nan, x.dtype)
    return _joined([np.swapaxes(u, -1, -2), s, np.swapaxes(v, -1, -2)], x)


def pinv_type(operands: Operands, params: Params, regions: Regions) -> Types:
    """Matrices, and matrices of their transposed shape."""
    x, value = operands
    _matrices("pinv", x, value)
    _require(value.shape[-2:] == x.shape[:-3:-1], "pinv takes matrices of the transposed shape", x.type, value.type)
    return value.types


def pinv(x: Any, value: Any) -> Any:
    """Return the second operand, the pseudoinverse of the first, of which it is a function."""
    return value
