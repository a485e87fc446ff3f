"""Fill weights, in place and without recording, with orthogonal or sparse matrices, or with the identity of convolutions."""

from __future__ import annotations

from math import ceil
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.ops.decompositions.orthogonal import qr
from graphc.ops.random.generator import Generator

__all__ = ["dirac_", "orthogonal_", "sparse_"]


@no_grad()  # type: ignore[untyped-decorator]
def dirac_(tensor: Any, groups: int = 1) -> Any:
    """Fill the weight of a convolution such that it returns its input, for as many channels as possible.

    Args:
        tensor: weight (O, C, L, …) with one to three axes of the kernel, written in place.
        groups: number of groups of channels, each of which keeps its input.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor has another number of axes, or groups does not divide O.

    Example:
        >>> nn.init.dirac_(graphc.empty(2, 2, 3))
        tensor([[[0., 1., 0.],
                 [0., 0., 0.]],
        <BLANKLINE>
                [[0., 0., 0.],
                 [0., 1., 0.]]])
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    outputs = tensor.shape[0] // groups
    middle = tuple(n // 2 for n in tensor.shape[2:])
    tensor.zero_()
    for group in range(groups):
        for channel in range(min(outputs, tensor.shape[1])):
            tensor[(group * outputs + channel, channel, *middle)] = 1
    return tensor


@no_grad()  # type: ignore[untyped-decorator]
def orthogonal_(tensor: Any, gain: float = 1, generator: Generator | None = None) -> Any:
    """Fill a tensor with a random matrix of orthonormal rows or columns, whichever are fewer.

    Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks" (2013).

    Args:
        tensor: floating-point tensor of at least two axes, all but the first of which count as one; written in place.
        gain: factor.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor has fewer than two axes.

    Example:
        >>> weight = nn.init.orthogonal_(graphc.empty(3, 2))
        >>> bool(graphc.allclose(weight.T @ weight, graphc.eye(2), atol=1e-6))
        True
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    rows = int(tensor.shape[0])
    matrix = tensor.detach().new_empty((rows, tensor.numel() // rows)).normal_(0, 1, generator=generator)
    wide = rows < matrix.shape[1]
    q, r = qr(matrix.t() if wide else matrix)
    q = q * r.diagonal().sign()
    return tensor.copy_((q.t() if wide else q).reshape(tuple(tensor.shape)) * gain)


@no_grad()  # type: ignore[untyped-decorator]
def sparse_(tensor: Any, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Any:
    """Fill a matrix with normal random numbers, and a part of each column with zeros.

    Source: Martens, "Deep learning via Hessian-free optimization" (2010).

    Args:
        tensor: floating-point matrix, written in place.
        sparsity: part of the elements of each column that become 0.
        std: standard deviation of the others.
        generator: source of the random numbers, None for the default one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor is not a matrix.

    Example:
        >>> (nn.init.sparse_(graphc.empty(4, 3), 0.5) == 0).sum(0)
        tensor([2, 2, 2])
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = (int(n) for n in tensor.shape)
    zeros = ceil(sparsity * rows)
    tensor.normal_(0, std, generator=generator)
    order = tensor.detach().new_empty((rows, columns)).uniform_(0, 1, generator=generator).argsort(0).argsort(0)
    return tensor.mul_((order >= zeros).to(tensor.dtype))
