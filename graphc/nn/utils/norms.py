"""Norms of weights: all axes but one are reduced, or a matrix's largest singular value is estimated."""

from __future__ import annotations

from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.nn.convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from graphc.ops.linear_algebra.matrices import dot, mv
from graphc.ops.reduce.distances import normalize
from graphc.tensors.tensor import Tensor

__all__ = ["as_matrix", "largest_singular_value", "norm_except", "output_axis", "power_iteration", "scaled"]


def norm_except(weight: Any, dim: int) -> Any:
    """Return the Euclidean norms over all axes but one, which are kept with size 1; of all elements, 0-d, if dim is -1."""
    if dim == -1:
        return weight.norm()
    axes = [i for i in range(weight.dim()) if i != dim % weight.dim()]
    return weight.norm(2, axes, keepdim=True) if axes else weight.abs()


def scaled(v: Any, g: Any, dim: int) -> Any:
    """Return v scaled so that its norms, of all axes but dim, are g; source: arXiv 1602.07868, equation 2."""
    return v * (g / norm_except(v, dim))


def output_axis(module: object, dim: int | None) -> int:
    """Return dim, or the axis of outputs of the module's weight if it is None."""
    if dim is not None:
        return dim
    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0


def as_matrix(weight: Any, dim: int) -> Any:
    """Return a weight as a matrix: an axis, then all others in order."""
    moved = weight if dim == 0 else weight.permute(dim, *(i for i in range(weight.dim()) if i != dim))
    return moved.reshape(moved.shape[0], -1)


@no_grad()  # type: ignore[untyped-decorator]
def power_iteration(matrix: Any, u: Tensor, v: Tensor, count: int, eps: float, left_first: bool) -> None:
    """Improve estimates of the first left and right singular vectors, in place; source: arXiv 1802.05957, algorithm 1."""
    for _ in range(count):
        if left_first:
            u.copy_(normalize(mv(matrix, v), dim=0, eps=eps))
        v.copy_(normalize(mv(matrix.t(), u), dim=0, eps=eps))
        if not left_first:
            u.copy_(normalize(mv(matrix, v), dim=0, eps=eps))


def largest_singular_value(matrix: Any, u: Tensor, v: Tensor) -> Any:
    """Return the estimate of the largest singular value, 0-d, that belongs to estimates of its singular vectors."""
    return dot(u.clone(), mv(matrix, v.clone()))
