"""Losses of several labels for each sample, and of distances that a function computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.core.errors import located
from graphc.ops.elementwise.bounds import clamp, minimum
from graphc.ops.indexing.masks import where
from graphc.ops.losses.margins import reduced_mean
from graphc.ops.reduce.distances import pairwise_distance
from graphc.tensors.tensor import Tensor

__all__ = ["multilabel_margin_loss", "triplet_margin_with_distance_loss"]


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of sum over labels i and other classes j of max(0, 1 - input[i] + input[j]) / C.

    Args:
        input: floating-point tensor (N, C) of scores, or a vector (C,).
        target: int64 tensor of the same shape: each row has the labels of a sample, which end before the first -1.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" a tensor (N,), 0-d for a vector.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not fit, or target is no int64 tensor.
        IndexError: if a label is out of range.

    Example:
        >>> F.multilabel_margin_loss(graphc.tensor([[0.1, 0.2, 0.4, 0.8]]), graphc.tensor([[3, 0, -1, 1]]))
        tensor(0.8500)
    """
    if input.dim() not in (1, 2) or tuple(target.shape) != tuple(input.shape):
        got = f"got {list(input.shape)} and {list(target.shape)}"
        raise located(RuntimeError(f"expected scores and labels of the same shape (N, C) or (C,), {got}"))
    if target.dtype.name != "int64":
        raise located(RuntimeError(f"expected scalar type Long but found {target.dtype}"))
    used = (target < 0).long().cumsum(-1) == 0
    labels = where(used, target, 0)
    is_label = (input.detach() * 0).long().scatter_add(-1, labels, used.long()) > 0
    scores = input.gather(-1, labels)
    terms = clamp(1 - scores.unsqueeze(-1) + input.unsqueeze(-2), min=0)
    counted = used.unsqueeze(-1) & ~is_label.unsqueeze(-2)
    loss = where(counted, terms, 0.0).sum((-2, -1)) / max(int(input.shape[-1]), 1)
    return reduced_mean(loss, reduction, size_average, reduce)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return the mean of max(0, d(anchor, positive) - d(anchor, negative) + margin) for a function d.

    Args:
        anchor: floating-point tensor of any shape that the function takes.
        positive: tensor of as many axes.
        negative: tensor of as many axes.
        distance_function: function of two tensors, None for `F.pairwise_distance`.
        margin: difference of the distances that is wanted, positive.
        swap: whether the distance of positive and negative counts instead of that of anchor and negative if it is smaller.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor, or with "none" what the function returns.

    Raises:
        ValueError: if reduction is another word, or margin is not positive.
        RuntimeError: if the numbers of axes differ.

    Example:
        >>> a, p, n = graphc.tensor([[0.0, 0.0]]), graphc.tensor([[0.0, 1.0]]), graphc.tensor([[3.0, 0.0]])
        >>> F.triplet_margin_with_distance_loss(a, p, n, distance_function=lambda x, y: (x - y).abs().sum(-1), margin=4.0)
        tensor(2.)
    """
    if reduction not in ("mean", "sum", "none"):
        raise located(ValueError(f"{reduction} is not a valid value for reduction"))
    if margin <= 0:
        raise located(ValueError(f"margin must be greater than 0, got {margin}"))
    ranks = anchor.dim(), positive.dim(), negative.dim()
    if len(set(ranks)) > 1:
        raise located(
            RuntimeError(
                "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
                f"anchor {ranks[0]}D, positive {ranks[1]}D, and negative {ranks[2]}D inputs"
            )
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced_mean(clamp(margin + near - far, min=0), reduction)
