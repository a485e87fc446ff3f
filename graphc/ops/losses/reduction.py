"""Reduction of losses, and their weights."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.ir.core.build import cast, sum_
from graphc.ir.core.graph import Node
from graphc.ops.common import all_axes, expand_to
from graphc.ops.reduce.sums import mean_nodes

__all__ = []


def reduction_name(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """Return the reduction, from torch's older flags or the newer word.  Raises ValueError."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(loss: Node, reduction: str) -> Node:
    """Apply a reduction by name: "none", "mean" or "sum"; node level.  Raises ValueError."""
    reduction = reduction_name(reduction, None, None)
    if reduction == "none":
        return loss
    return mean_nodes(loss, all_axes(loss), False) if reduction == "mean" else sum_(loss, all_axes(loss))


def weighted(loss: Node, weight: Node | None) -> Node:
    """Multiply losses by weights that broadcast to them, in the dtype of the losses; node level."""
    return loss if weight is None else loss * expand_to(cast(weight, loss.dtype), loss.shape)


def weighted_differences(loss: Node, weight: Node | None, x: Node) -> tuple[Node, Node | None]:
    """Return losses of differences times weights of the shape of the input `x`, in the promoted dtype, and the weights.

    Raises ValueError for another shape.
    """
    if weight is None:
        return loss, None
    if weight.shape != x.shape:
        raise ValueError("Weights and input must have the same size.")
    loss, weight = promote(loss, weight)
    return loss * weight, weight


def reduced_by_weights(loss: Node, weight: Node | None, reduction: str) -> Node:
    """Reduce weighted losses; the mean is over the sum of the weights.  Raises ValueError."""
    if weight is None or reduction != "mean":
        return reduced(loss, reduction)
    return sum_(loss, all_axes(loss)) / sum_(weight, all_axes(weight))
