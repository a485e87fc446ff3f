"""Reduction of losses, and their weights."""

from __future__ import annotations

from graphc.ir.core.build import sum_
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
    """Multiply losses by weights that broadcast to them; node level."""
    return loss if weight is None else loss * expand_to(weight, loss.shape)
