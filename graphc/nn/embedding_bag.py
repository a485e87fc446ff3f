"""Sums, means and maxima of bags of embeddings."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import located
from graphc.ops.create.ranges import arange
from graphc.ops.indexing.masks import where
from graphc.ops.indexing.searching import searchsorted
from graphc.ops.nn.embedding import embedding
from graphc.tensors.tensor import Tensor

__all__ = ["embedding_bag"]


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return the sum, mean or maximum of the rows of weight at the integers of each bag.

    Args:
        input: int32 or int64 tensor (B, L), a bag in each row; or a vector (N,) of all bags, one after another.
        weight: table (V, D) of vectors.
        offsets: for a vector, the position (B,) at which each bag begins, the first at 0; else None.
        max_norm: not supported, None only.
        norm_type: ignored, as max_norm is None.
        scale_grad_by_freq: not supported, False only.
        mode: "sum", "mean" or "max"; a bag without elements gives zeros.
        sparse: ignored except with "max", where torch refuses it; gradients are dense.
        per_sample_weights: factors of the rows, of the shape of input, with "sum" only; or None.
        include_last_offset: whether the last offset is the end of the last bag.
        padding_idx: integer that is left out of the bags, counted from the end if negative.

    Returns:
        Tensor (B, D) of the dtype of weight.

    Raises:
        ValueError: if shapes or mode do not fit.
        NotImplementedError: if per_sample_weights are given for another mode than "sum".
        RuntimeError: if max_norm or scale_grad_by_freq is given, or padding_idx is out of range.
        IndexError: if an element of input is out of range.

    Example:
        >>> weight = graphc.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
        >>> F.embedding_bag(graphc.tensor([0, 1, 2]), weight, graphc.tensor([0, 2]), mode="sum")
        tensor([[2., 4.],
                [4., 5.]])
    """
    _check(input, weight, offsets, per_sample_weights)
    if mode not in ("sum", "mean", "max"):
        raise located(ValueError("mode has to be one of sum, mean or max"))
    if mode == "max" and scale_grad_by_freq:
        raise located(ValueError("max mode does not support scaling the gradient by the frequency"))
    if mode == "max" and sparse:
        raise located(ValueError("max mode does not support sparse weights"))
    if max_norm is not None or scale_grad_by_freq:
        raise located(RuntimeError("embedding_bag: max_norm and scale_grad_by_freq are not supported"))
    if per_sample_weights is not None and mode != "sum":
        raise located(
            NotImplementedError(
                "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
                f"(got mode='{mode}')."
            )
        )
    size = int(weight.shape[0])
    if padding_idx is not None and not -size <= padding_idx < size:
        raise located(RuntimeError("padding_idx must be within the number of embeddings"))
    used = input == input if padding_idx is None else input != padding_idx % size
    rows: Any = embedding(input, weight)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    if offsets is None:
        return _of_rows(rows, used.unsqueeze(-1), mode)
    return _of_segments(rows, used.unsqueeze(-1), offsets[:-1] if include_last_offset else offsets, mode)


def _check(input: Tensor, weight: Tensor, offsets: Tensor | None, per_sample_weights: Tensor | None) -> None:
    """Raise ValueError if the shapes do not fit."""
    if per_sample_weights is not None and tuple(input.shape) != tuple(per_sample_weights.shape):
        raise located(
            ValueError(
                f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, "
                f"then it must have the same shape as the input ({input.shape})"
            )
        )
    if weight.dim() != 2:
        raise located(ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}"))
    if input.dim() not in (1, 2):
        raise located(ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}"))
    if input.dim() == 2 and offsets is not None:
        raise located(
            ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. "
                f"However, found offsets of type {type(offsets)}"
            )
        )
    if input.dim() == 1 and (offsets is None or offsets.dim() != 1):
        got = "" if offsets is not None else " but got None"
        raise located(ValueError(f"offsets has to be a 1D Tensor{got}"))


def _of_rows(rows: Any, used: Any, mode: str) -> Tensor:
    """Return the result for bags of equal sizes: rows (B, L, D), used (B, L, 1)."""
    if mode == "max":
        if not rows.shape[1]:
            empty: Tensor = rows.sum(1)
            return empty
        largest = where(used, rows, float("-inf")).max(1).values
        return where(used.any(1), largest, 0.0)
    total: Any = where(used, rows, 0.0).sum(1)
    result: Tensor = total if mode == "sum" else total / used.sum(1).clamp(min=1).to(rows.dtype)
    return result


def _of_segments(rows: Any, used: Any, offsets: Any, mode: str) -> Tensor:
    """Return the result for bags that follow each other: rows (N, D), used (N, 1), offsets (B,)."""
    count, bags = int(rows.shape[0]), int(offsets.shape[0])
    numbers = searchsorted(offsets, arange(count, dtype=offsets.dtype), right=True) - 1
    zeros = rows.new_zeros((bags, rows.shape[-1]))
    sizes = zeros[:, :1].index_add(0, numbers, used.to(rows.dtype))
    if mode == "max":
        low = zeros + float("-inf")
        places = numbers.unsqueeze(-1).expand(count, rows.shape[-1])
        largest = low.scatter_reduce(0, places, where(used, rows, float("-inf")), "amax")
        return where(sizes > 0, largest, 0.0)
    total = zeros.index_add(0, numbers, where(used, rows, 0.0))
    result: Tensor = total if mode == "sum" else total / sizes.clamp(min=1)
    return result
