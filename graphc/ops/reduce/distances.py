"""Distances, similarities and normalized vectors."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import expand_axes, full_like, reduce, select
from graphc.ir.core.graph import Node
from graphc.ops.common import axes_of, unsqueeze_axis
from graphc.ops.reduce.norms import norm_nodes

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


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
        eps: smallest length that is divided by.

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
