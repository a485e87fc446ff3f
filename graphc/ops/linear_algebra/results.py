"""The named tuples that operations on matrices return, printed as torch prints them."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphc.tensors.tensor import Tensor

__all__ = [
    "CholeskyEx", "Eigh", "InvEx", "Lstsq", "LuFactor", "LuFactorEx", "LuParts", "OldSvd", "Qr", "Slogdet", "SolveEx", "Svd",
    "TriangularSolve", "UnpackedLu",
]  # fmt: skip


def _printed(name: str, result: Any) -> str:
    fields = ",\n".join(f"{field}={value!r}" for field, value in zip(result._fields, result, strict=True))
    return f"torch.return_types.{name}(\n{fields})"


class CholeskyEx(NamedTuple):
    """Lower or upper triangular factors, and for each the number of the first pivot that is not positive, or 0."""

    L: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_cholesky_ex", self)


class InvEx(NamedTuple):
    """Inverses, and for each the number of the first pivot that is zero, or 0."""

    inverse: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_inv_ex", self)


class SolveEx(NamedTuple):
    """Solutions, and for each the number of the first pivot that is zero, or 0."""

    result: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_solve_ex", self)


class LuFactor(NamedTuple):
    """Both factors in one matrix, and the row that was exchanged with each row, counted from 1."""

    LU: Tensor
    pivots: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_lu_factor", self)


class LuFactorEx(NamedTuple):
    """Both factors in one matrix, the rows exchanged, and the number of the first pivot that is zero, or 0."""

    LU: Tensor
    pivots: Tensor
    info: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_lu_factor_ex", self)


class LuParts(NamedTuple):
    """A permutation, a lower triangular and an upper triangular matrix."""

    P: Tensor
    L: Tensor
    U: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_lu", self)


class UnpackedLu(NamedTuple):
    """A permutation, a lower triangular and an upper triangular matrix."""

    P: Tensor
    L: Tensor
    U: Tensor

    def __repr__(self) -> str:
        return _printed("lu_unpack", self)


class Slogdet(NamedTuple):
    """The sign of a determinant, and the logarithm of its magnitude."""

    sign: Tensor
    logabsdet: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_slogdet", self)


class TriangularSolve(NamedTuple):
    """Solutions of triangular systems, and a copy of their matrices."""

    solution: Tensor
    cloned_coefficient: Tensor

    def __repr__(self) -> str:
        return _printed("triangular_solve", self)


class Qr(NamedTuple):
    """A matrix with orthonormal columns, and an upper triangular one."""

    Q: Tensor
    R: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_qr", self)


class Eigh(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_eigh", self)


class Svd(NamedTuple):
    """Left singular vectors as columns, singular values in descending order, right singular vectors as rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_svd", self)


class OldSvd(NamedTuple):
    """Left singular vectors as columns, singular values in descending order, right singular vectors as columns."""

    U: Tensor
    S: Tensor
    V: Tensor

    def __repr__(self) -> str:
        return _printed("svd", self)


class Lstsq(NamedTuple):
    """Solutions of least squares problems, squared residuals, ranks, and singular values."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor

    def __repr__(self) -> str:
        return _printed("linalg_lstsq", self)
