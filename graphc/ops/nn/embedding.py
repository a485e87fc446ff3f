"""Embeddings: rows of a table."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import apply, cast, elementwise, expand_axes, gather, select
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64

__all__ = ["embedding"]


@op("Embedding")
def embedding(
    input: Node,
    weight: Node,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Node:
    """Return the rows of weight at the integers of input.

    Args:
        input: int32 or int64 tensor of any shape, its elements within [0, V).
        weight: table (V, D) of vectors.
        padding_idx: row that gets no gradient, counted from the end if negative.
        max_norm: not supported, None only.
        norm_type: ignored, as max_norm is None.
        scale_grad_by_freq: not supported, False only.
        sparse: ignored; gradients are dense.

    Returns:
        Tensor (…, D) with the leading shape of input and the dtype of weight.

    Raises:
        RuntimeError: if weight is not a matrix, input has another dtype, or max_norm or scale_grad_by_freq is given.
        ValueError: if padding_idx is outside of [-V, V).
        IndexError: if an element of input is out of range.

    Example:
        >>> F.embedding(graphc.tensor([2, 0]), graphc.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]))
        tensor([[4., 5.],
                [0., 1.]])
    """
    if weight.type.rank != 2:
        raise RuntimeError("'weight' must be 2-D")
    if input.dtype.name not in ("i32", "i64"):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the "
            f"following scalar types: Long, Int; but got {input.dtype}"
        )
    if max_norm is not None or scale_grad_by_freq:
        raise RuntimeError("embedding: max_norm and scale_grad_by_freq are not supported")
    index = cast(input, I64)
    rows = gather(weight, index)
    if padding_idx is None:
        return rows
    n = weight.shape[0]
    if not -n <= padding_idx < n:
        raise ValueError("Padding_idx must be within num_embeddings")
    padding = elementwise("eq", index, padding_idx % n)
    wide = expand_axes(padding, rows.shape, (rows.type.rank - 1,))
    return select(wide, apply("stop_gradient", rows), rows)
