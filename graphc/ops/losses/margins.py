"""Losses of margins and of embeddings."""

from __future__ import annotations

from math import log, pi
from typing import Any

from graphc.core.errors import located
from graphc.ops.indexing.masks import where
from graphc.ops.losses.reduction import reduction_name
from graphc.ops.nn.sigmoidal import logsigmoid
from graphc.ops.reduce.distances import pairwise_distance
from graphc.tensors.tensor import Tensor

__all__ = [
    "cosine_embedding_loss", "gaussian_nll_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "multilabel_soft_margin_loss", "reduced_mean", "triplet_margin_loss",
]  # fmt: skip


def reduced_mean(loss: Any, reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> Tensor:
    """Return losses reduced by name.  Raises ValueError."""
    name = reduction_name(reduction, size_average, reduce)
    result: Tensor = loss if name == "none" else loss.mean() if name == "mean" else loss.sum()
    return result


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of max(0, -target * (input1 - input2) + margin).

    Args:
        input1: floating-point tensor of scores.
        input2: tensor of scores of the same rank.
        target: tensor of 1, where input1 should be the larger one, and -1.
        margin: difference that is wanted.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the ranks differ or the shapes do not broadcast.

    Example:
        >>> F.margin_ranking_loss(graphc.tensor([1.0, 2.0]), graphc.tensor([2.0, 1.0]), graphc.tensor([1.0, 1.0]))
        tensor(0.5000)
    """
    if not input1.dim() == input2.dim() == target.dim():
        got = f"{list(input1.shape)}, {list(input2.shape)} and {list(target.shape)}"
        raise located(RuntimeError(f"margin_ranking_loss : All input tensors should have same dimension but got sizes: {got}"))
    return reduced_mean((-target * (input1 - input2) + margin).clamp(min=0), reduction, size_average, reduce)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of input where target is 1, and of max(0, margin - input) where it is -1.

    Args:
        input: floating-point tensor of distances.
        target: tensor of 1 and -1 whose shape broadcasts with that of input.
        margin: distance that is wanted for -1.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.hinge_embedding_loss(graphc.tensor([0.5, 0.25]), graphc.tensor([1.0, -1.0]))
        tensor(0.6250)
    """
    apart = where(target != 1, (margin - input).clamp(min=0), 0.0)
    return reduced_mean(apart + where(target != -1, input, 0.0), reduction, size_average, reduce)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of 1 - cos where target is 1, and of max(0, cos - margin) where it is -1.

    cos is the cosine of the angle between the rows of both inputs.

    Args:
        input1: floating-point tensor (N, D), or a vector (D,).
        input2: tensor of the same shape.
        target: tensor (N,) of 1 and -1, or 0-d.
        margin: cosine that is wanted for -1.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" a tensor (N,).

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not fit.

    Example:
        >>> x = graphc.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> F.cosine_embedding_loss(x, x, graphc.tensor([1.0, -1.0]), reduction="none")
        tensor([0., 1.])
    """
    if target.dim() not in (0, 1) or input1.dim() != target.dim() + 1 or input2.dim() != target.dim() + 1:
        got = f"{list(input1.shape)}, {list(input2.shape)} and target {list(target.shape)}"
        raise located(RuntimeError(f"expected inputs of one axis more than a 0-d or 1-d target, got {got}"))
    eps = 1e-12  # as torch: within the roots
    product = (input1 * input2).sum(-1)
    cosine = product / (((input1 * input1).sum(-1) + eps) * ((input2 * input2).sum(-1) + eps)).sqrt()
    loss = where(target == 1, 1 - cosine, 0.0) + where(target == -1, (cosine - margin).clamp(min=0), 0.0)
    return reduced_mean(loss, reduction, size_average, reduce)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of max(0, d(anchor, positive) - d(anchor, negative) + margin).

    Source: Balntas et al., "Learning local feature descriptors with triplets" (2016).

    Args:
        anchor: floating-point tensor (N, D), or a vector (D,).
        positive: tensor that should be near, of the same shape.
        negative: tensor that should be far, of the same shape.
        margin: difference of the distances that is wanted.
        p: order of the norm of the distances.
        eps: added to the differences.
        swap: whether the distance of positive and negative counts if it is smaller than that of anchor and negative.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" a tensor (N,).

    Raises:
        ValueError: if reduction is another word, or margin is not positive.
        RuntimeError: if the ranks differ or the shapes do not broadcast.

    Example:
        >>> F.triplet_margin_loss(graphc.zeros(1, 2), graphc.zeros(1, 2), graphc.tensor([[0.3, 0.4]]))
        tensor(0.5000)
    """
    if margin <= 0:
        raise located(ValueError(f"margin must be greater than 0, got {margin}"))
    if not anchor.dim() == positive.dim() == negative.dim():
        got = f"{anchor.dim()}D, {positive.dim()}D and {negative.dim()}D"
        raise located(RuntimeError(f"The anchor, positive, and negative tensors are expected to have the same rank, got {got}"))
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return reduced_mean((margin + near - far).clamp(min=0), reduction, size_average, reduce)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of sum over j of max(0, margin - input[target] + input[j])^p / C, for all j but the target.

    Args:
        input: floating-point tensor (N, C) of scores, or a vector (C,).
        target: int64 tensor (N,) of classes, or 0-d.
        p: the power, 1 or 2.
        margin: difference of scores that is wanted.
        weight: factors of the classes (C,), or None.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" a tensor (N,).

    Raises:
        ValueError: if reduction is another word, p is neither 1 nor 2, or weight has another shape.
        RuntimeError: if the shapes do not fit.
        IndexError: if a class is out of range.

    Example:
        >>> F.multi_margin_loss(graphc.tensor([[0.1, 0.2, 0.4]]), graphc.tensor([2]))
        tensor(0.5000)
    """
    if p not in (1, 2):
        raise located(ValueError("only p == 1 and p == 2 supported"))
    if weight is not None and weight.dim() != 1:
        raise located(ValueError("weight must be one-dimensional"))
    if input.dim() not in (1, 2) or target.dim() != input.dim() - 1:
        got = f"got {list(input.shape)} and {list(target.shape)}"
        raise located(RuntimeError(f"expected scores (N, C) and classes (N,), or (C,) and (), {got}"))
    own = input.gather(-1, target.unsqueeze(-1))
    terms = (margin - own + input).clamp(min=0)
    terms = terms if p == 1 else terms * terms
    if weight is not None:
        terms = terms * weight.index_select(0, target.reshape(-1)).reshape(own.shape)
    rest = where(_is_class(input, target), 0.0, terms)
    return reduced_mean(rest.sum(-1) / input.shape[-1], reduction, size_average, reduce)


def _is_class(input: Tensor, target: Tensor) -> Tensor:
    """Return where the score of each row's class stands."""
    hit: Tensor = (input.detach() * 0).long().scatter(-1, target.unsqueeze(-1), 1) == 1
    return hit


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean binary cross-entropy of logits over the classes of each row.

    Args:
        input: floating-point tensor (N, C) of logits.
        target: tensor of 0 and 1 of the same shape.
        weight: factors of the classes (C,), or None.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" a tensor (N,).

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.multilabel_soft_margin_loss(graphc.zeros(1, 2), graphc.tensor([[0.0, 1.0]]))
        tensor(0.6931)
    """
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    loss = loss if weight is None else loss * weight
    return reduced_mean(loss.sum(-1) / input.shape[-1], reduction, size_average, reduce)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Return the mean of (log(var) + (input - target)^2 / var) / 2, the negative log-likelihood of normal distributions.

    Args:
        input: floating-point tensor of means.
        target: tensor of values whose shape broadcasts with that of input.
        var: variances: a tensor of the shape of input, of it without the last axis or with one of extent 1, or a number.
        full: whether to add log(2 pi) / 2.
        eps: least variance; smaller ones count as eps, and have its gradient.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word, or var has another shape or is negative.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.gaussian_nll_loss(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]), graphc.tensor([1.0, 1.0]))
        tensor(1.)
    """
    name = reduction_name(reduction, None, None)
    size: Any = input * 0 + var if not isinstance(var, Tensor) else var
    if not isinstance(var, Tensor) and var < 0:
        raise located(ValueError("var has negative entry/entries"))
    if size.shape != input.shape:
        if input.shape[:-1] == size.shape:
            size = size.unsqueeze(-1)
        elif input.shape[:-1] != size.shape[:-1] or size.shape[-1] != 1:
            raise located(ValueError(f"var is of incorrect size: {list(size.shape)} for an input {list(input.shape)}"))
    size = size + (size.detach().clamp(min=eps) - size.detach())
    loss = 0.5 * (size.log() + (input - target) ** 2 / size)
    return reduced_mean(loss + 0.5 * log(2 * pi) if full else loss, name)
