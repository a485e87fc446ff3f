"""Normal distributions of vectors, as in torch.distributions."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi
from typing import Any, ClassVar

from graphc.core.errors import located
from graphc.core.promotion import broadcast_shapes
from graphc.distributions import constraints
from graphc.distributions.distribution import Distribution
from graphc.ops.create.ranges import eye
from graphc.ops.linear_algebra.cholesky import cholesky_inverse
from graphc.ops.linear_algebra.factorizations import cholesky
from graphc.ops.linear_algebra.solutions import solve_triangular
from graphc.ops.random.floats import randn

__all__ = ["LowRankMultivariateNormal", "MultivariateNormal"]


def _square_of(factor: Any, x: Any) -> Any:
    """Return x^T (L L^T)^-1 x for lower triangular factors L and vectors x."""
    return solve_triangular(factor, x[..., None], upper=False)[..., 0].pow(2).sum(-1)


def _log_diagonal(factor: Any) -> Any:
    return factor.diagonal(0, -2, -1).log().sum(-1)


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise located(ValueError(rule))


class MultivariateNormal(Distribution):
    """Normal distribution of vectors, by one of three descriptions of its covariance.

    Args:
        loc: mean, a tensor of shape (..., n).
        covariance_matrix: positive definite matrices of shape (..., n, n).
        precision_matrix: their inverses.
        scale_tril: their lower Cholesky factors, with a positive diagonal; no factorization is needed then.
        validate_args: whether parameters and samples are checked.

    Raises:
        ValueError: if not exactly one of the three is given, or shapes do not fit.

    Example:
        >>> normal = graphc.distributions.MultivariateNormal(graphc.zeros(2), graphc.eye(2))
        >>> normal.log_prob(graphc.zeros(2))
        tensor(-1.8379)
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        _require(loc.dim() >= 1, "loc must be at least one-dimensional.")
        matrices = {
            "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril,
        }  # fmt: skip
        chosen = {name: x for name, x in matrices.items() if x is not None}
        _require(len(chosen) == 1, "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = chosen.items()
        _require(matrix.dim() >= 2, f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch = broadcast_shapes([matrix.shape[:-2], loc.shape[:-1]])
        self.loc = loc.expand(*batch, loc.shape[-1])
        self.__dict__[name] = matrix.expand(*batch, *matrix.shape[-2:])
        super().__init__(batch, loc.shape[-1:], validate_args)
        factor = matrix
        if name != "scale_tril":
            factor = cholesky(matrix) if name == "covariance_matrix" else _factor_of_inverse(matrix)
        self._factor = factor.expand(*batch, *matrix.shape[-2:])

    @property
    def scale_tril(self) -> Any:
        """Return the lower Cholesky factor of the covariance."""
        return self._factor

    @property
    def covariance_matrix(self) -> Any:
        """Return the covariance."""
        known = self.__dict__.get("covariance_matrix")
        return self._factor @ self._factor.mT if known is None else known

    @property
    def precision_matrix(self) -> Any:
        """Return the inverse of the covariance."""
        known = self.__dict__.get("precision_matrix")
        return cholesky_inverse(self._factor) if known is None else known

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.loc

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self.loc

    @property
    def variance(self) -> Any:
        """Return the variance of each element."""
        return self._factor.pow(2).sum(-1)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        noise = randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + (self._factor @ noise[..., None])[..., 0]

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        square = _square_of(self._factor, value - self.loc)
        return -0.5 * (self._event_shape[0] * log(2 * pi) + square) - _log_diagonal(self._factor)

    def entropy(self) -> Any:
        """Return the entropy."""
        return 0.5 * self._event_shape[0] * (1 + log(2 * pi)) + _log_diagonal(self._factor)


def _factor_of_inverse(precision: Any) -> Any:
    """Return the lower Cholesky factors of the inverses of matrices, without inverting them."""
    upper = cholesky(precision.flip((-2, -1))).flip((-2, -1)).mT
    return solve_triangular(upper, eye(precision.shape[-1], dtype=precision.dtype), upper=False)


class LowRankMultivariateNormal(Distribution):
    """Normal distribution of vectors with the covariance W W^T + diag(D), for a narrow matrix W.

    Densities and samples cost as much as a factorization of a matrix of the rank of W.

    Args:
        loc: mean, a tensor of shape (..., n).
        cov_factor: W, of shape (..., n, rank).
        cov_diag: D, positive, of shape (..., n).
        validate_args: whether parameters and samples are checked.

    Raises:
        ValueError: if shapes do not fit.

    Example:
        >>> factor, diagonal = graphc.ones(2, 1), graphc.ones(2)
        >>> normal = graphc.distributions.LowRankMultivariateNormal(graphc.zeros(2), factor, diagonal)
        >>> normal.covariance_matrix
        tensor([[2., 1.],
                [1., 2.]])
    """

    arg_constraints: ClassVar[Any] = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        _require(loc.dim() >= 1, "loc must be at least one-dimensional.")
        n = loc.shape[-1]
        _require(
            cov_factor.dim() >= 2, "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
        )
        _require(cov_factor.shape[-2] == n, f"cov_factor must be a batch of matrices with shape {n} x m")
        _require(cov_diag.shape[-1:] == (n,), f"cov_diag must be a batch of vectors with shape ({n},)")
        try:
            batch = broadcast_shapes([loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]])
        except RuntimeError:
            shapes = f"{tuple(loc.shape)}, cov_factor {tuple(cov_factor.shape)}, cov_diag {tuple(cov_diag.shape)}"
            raise located(ValueError(f"Incompatible batch shapes: loc {shapes}")) from None
        self.loc, self.cov_diag = loc.expand(*batch, n), cov_diag.expand(*batch, n)
        self.cov_factor = cov_factor.expand(*batch, *cov_factor.shape[-2:])
        super().__init__(batch, (n,), validate_args)
        rank = cov_factor.shape[-1]
        weighted = self.cov_factor.mT / self.cov_diag[..., None, :]
        self._capacitance = cholesky(weighted @ self.cov_factor + eye(rank, dtype=loc.dtype))

    @property
    def mean(self) -> Any:
        """Return the mean."""
        return self.loc

    @property
    def mode(self) -> Any:
        """Return the most probable value."""
        return self.loc

    @property
    def variance(self) -> Any:
        """Return the variance of each element."""
        return self.cov_factor.pow(2).sum(-1) + self.cov_diag

    @property
    def covariance_matrix(self) -> Any:
        """Return the covariance."""
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @property
    def scale_tril(self) -> Any:
        """Return the lower Cholesky factor of the covariance."""
        return cholesky(self.covariance_matrix)

    @property
    def precision_matrix(self) -> Any:
        """Return the inverse of the covariance."""
        part = solve_triangular(self._capacitance, self.cov_factor.mT / self.cov_diag[..., None, :], upper=False)
        return self.cov_diag.reciprocal().diag_embed() - part.mT @ part

    def rsample(self, sample_shape: Sequence[int] = ()) -> Any:
        """Draw differentiable samples."""
        shape = self._extended_shape(sample_shape)
        narrow = randn((*shape[:-1], self.cov_factor.shape[-1]), dtype=self.loc.dtype)
        along = (self.cov_factor @ narrow[..., None])[..., 0]
        return self.loc + along + self.cov_diag.sqrt() * randn(shape, dtype=self.loc.dtype)

    def _half_log_determinant(self) -> Any:
        return _log_diagonal(self._capacitance) + 0.5 * self.cov_diag.log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        """Return the logarithm of the density."""
        self._validate_sample(value)
        x = value - self.loc
        weighted = x / self.cov_diag
        inner = (self.cov_factor.mT @ weighted[..., None])[..., 0]
        square = (x * weighted).sum(-1) - _square_of(self._capacitance, inner)
        return -0.5 * (self._event_shape[0] * log(2 * pi) + square) - self._half_log_determinant()

    def entropy(self) -> Any:
        """Return the entropy."""
        return 0.5 * self._event_shape[0] * (1 + log(2 * pi)) + self._half_log_determinant()
