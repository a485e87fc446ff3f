"""Distances, similarities and normalized vectors."""

from __future__ import annotations

import numpy as np

from graphc.core.errors import located
from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import expand_axes, full_like, gather, reduce, select
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, all_axes, axes_of, axis_of, torch_name, unsqueeze_axis
from graphc.ops.reduce.norms import norm_nodes
from graphc.tensors.tensor import Tensor

__all__ = ["cdist", "cosine_similarity", "dist", "normalize", "pairwise_distance", "pdist", "renorm"]


@op("Normalize")
def normalize(input: Node, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Node:
    """Divide vectors by their p-norm, or by eps if that is larger.

    Args:
        input: floating-point tensor.
        p: order of the norm.
        dim: axis along which the vectors lie.
        eps: smallest divisor, which keeps zero vectors zero.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        IndexError: if dim is out of range.

    Example:
        >>> F.normalize(graphc.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    axes = axes_of((dim,), input.type.rank)
    length = norm_nodes(input, p, axes, False)
    length = select(length < eps, eps, length)
    return input / expand_axes(length, input.shape, axes)


@op("CosineSimilarity")
def cosine_similarity(x1: Node, x2: Node, dim: int = 1, eps: float = 1e-8) -> Node:
    """Return the cosine of the angle between vectors: x1 . x2 / (max(|x1|, eps) * max(|x2|, eps)).

    Args:
        x1: floating-point tensor.
        x2: tensor whose shape broadcasts with that of x1.
        dim: axis of the broadcast shape along which the vectors lie.
        eps: smallest length that is divided by; a shorter one counts as this constant, also in gradients.

    Returns:
        Tensor of the broadcast shape without the axis, of the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        IndexError: if dim is out of range.

    Example:
        >>> F.cosine_similarity(graphc.tensor([1.0, 0.0]), graphc.tensor([[1.0, 0.0], [0.0, 2.0]]))
        tensor([1., 0.])
    """
    a, b = promote(x1, x2)
    axes = axes_of((dim,), a.type.rank)
    lengths = [norm_nodes(x, 2, axes, False) for x in (a, b)]
    lengths = [expand_axes(select(n < eps, full_like(n, eps), n), a.shape, axes) for n in lengths]
    return reduce("sum", (a / lengths[0]) * (b / lengths[1]), axes)


@op("Cdist")
def cdist(x1: Node, x2: Node, p: float = 2.0) -> Node:
    """Return the p-norm of the difference of each row of x1 and each row of x2.

    Args:
        x1: tensor (…, M, K).
        x2: tensor (…, N, K); its leading axes broadcast with those of x1.
        p: order of the norm.

    Returns:
        Floating-point tensor (…, M, N).

    Raises:
        RuntimeError: if the shapes do not fit.

    Example:
        >>> graphc.cdist(graphc.tensor([[0.0, 0.0]]), graphc.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[5., 1.]])
    """
    for name, x in (("X1", x1), ("X2", x2)):
        if x.type.rank < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.type.rank}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    a, b = unsqueeze_axis(x1, x1.type.rank - 1), unsqueeze_axis(x2, x2.type.rank - 2)
    a, b = promote(a, b, float=True)
    return norm_nodes(a - b, p, (a.type.rank - 1,), False)


@op("Dist")
def dist(input: Node, other: Node, p: float = 2.0) -> Node:
    """Return the p-norm of input - other, over all elements.

    Args:
        input: floating-point tensor.
        other: tensor whose shape broadcasts with that of input.
        p: order of the norm.

    Returns:
        Tensor of shape () and of the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or neither tensor is floating point.

    Example:
        >>> graphc.dist(graphc.tensor([3.0, 4.0]), graphc.zeros(2))
        tensor(5.)
    """
    a, b = promote(input, other)
    if not a.dtype.is_float:
        raise RuntimeError(
            f"norm(): input dtype should be either floating point or complex. Got {torch_name(a.dtype)} instead."
        )
    return norm_nodes(a - b, p, all_axes(a), False)


@op("Pdist")
def _between(input: Node, p: float, first: Operand, second: Operand) -> Node:
    return norm_nodes(gather(input, first) - gather(input, second), p, (1,), False)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """Return the p-norm of the difference of each pair of rows, in the order of the upper triangle of their matrix.

    Args:
        input: floating-point tensor (N, M).
        p: order of the norm, not negative.

    Returns:
        Vector of N * (N - 1) / 2 elements.

    Raises:
        RuntimeError: if input is not a floating-point matrix, or p is negative.

    Example:
        >>> graphc.pdist(graphc.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
        tensor([5.0000, 1.0000, 4.2426])
    """
    if input.dim() != 2:
        raise located(RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D"))
    if not input.dtype.is_floating_point:
        raise located(RuntimeError(f"pdist only supports floating-point dtypes, got {input.dtype}"))
    if p < 0:
        raise located(RuntimeError(f"pdist only supports non-negative p values, got {p}"))
    first, second = np.triu_indices(input.shape[0], 1)
    return _between(input, float(p), first, second)


@op("Renorm")
def renorm(input: Node, p: float, dim: int, maxnorm: float) -> Node:
    """Scale down the slices along an axis whose p-norm is larger than maxnorm to that norm.

    As in torch the factor is maxnorm / (norm + 1e-7).

    Args:
        input: floating-point tensor of at least two axes.
        p: order of the norm, positive.
        dim: int, the axis whose slices are scaled.
        maxnorm: number, the largest norm.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if p is not positive, maxnorm is negative, or input has fewer than two axes or is not floating point.
        IndexError: if the axis is out of range.

    Example:
        >>> graphc.renorm(graphc.tensor([[3.0, 4.0], [0.0, 1.0]]), p=2, dim=0, maxnorm=2.5)
        tensor([[1.5000, 2.0000],
                [0.0000, 1.0000]])
    """
    if not p > 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported, got {p}")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.type.rank < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.type.rank} dimensions")
    axis = axis_of(dim, input.type.rank)
    if not input.dtype.is_float:
        raise RuntimeError(f"renorm: expected a floating point tensor. Got {torch_name(input.dtype)}")
    others = tuple(a for a in range(input.type.rank) if a != axis)
    length = norm_nodes(input, p, others, False)
    large = length > maxnorm
    factor = select(large, maxnorm / (select(large, length, 1) + 1e-7), 1)
    return input * expand_axes(factor, input.shape, others)


@op("PairwiseDistance")
def pairwise_distance(x1: Node, x2: Node, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Node:
    """Return the p-norm of x1 - x2 + eps over the last axis.

    Args:
        x1: tensor (…, D).
        x2: tensor whose shape broadcasts with that of x1.
        p: order of the norm.
        eps: number added to every difference, which keeps the gradient finite where x1 equals x2.
        keepdim: whether the last axis stays, with extent 1.

    Returns:
        Floating-point tensor of the broadcast shape without the last axis.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.pairwise_distance(graphc.tensor([[3.0, 4.0]]), graphc.tensor([[0.0, 0.0]]), eps=0.0)
        tensor([5.])
    """
    a, b = promote(x1, x2, float=True)
    return norm_nodes(a - b + eps, p, (a.type.rank - 1,), keepdim)
