"""Scaled dot-product attention."""

from __future__ import annotations

from math import sqrt

from graphc.core.errors import located
from graphc.core.promotion import broadcast_shapes
from graphc.dispatch.operation import op
from graphc.ir.core.build import (
    apply,
    cast,
    constant,
    elementwise,
    expand_axes,
    full_like,
    iota,
    matmul,
    reduce,
    reshape,
    select,
    swap_last,
    zeros_like,
)
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, expand_to, torch_name
from graphc.ops.nn.dropout import dropout
from graphc.ops.nn.softmax import softmax_nodes
from graphc.tensors.tensor import Tensor

__all__ = ["scaled_dot_product_attention"]


MINUS_INFINITY = float("-inf")


def _grouped(key: Node, heads: int) -> Node:
    """Repeat each head of keys or values (axis -3) to get `heads` heads."""
    times = heads // key.shape[-3]
    lead = key.type.rank - 3
    wide = (*key.shape[: lead + 1], times, *key.shape[lead + 1 :])
    return reshape(expand_axes(key, wide, (lead + 1,)), (*key.shape[:lead], heads, *key.shape[-2:]))


@op("ScaledDotProductAttention")
def _weights(query: Node, key: Node, attn_mask: Node, is_causal: bool, scale: float) -> Node:
    """Return the softmax of scaled scores: the weight of each key for each query."""
    batch = broadcast_shapes([query.shape[:-2], key.shape[:-2]])
    q, k = (expand_to(x, batch + x.shape[-2:]) for x in (query * scale, key))
    scores = matmul(q, swap_last(k))
    if is_causal:
        rank = scores.type.rank
        visible = iota(scores.shape, rank - 1) <= iota(scores.shape, rank - 2)
        scores = select(visible, scores, full_like(scores, MINUS_INFINITY))
    if attn_mask is None:
        return softmax_nodes(scores, scores.type.rank - 1)
    scores = expand_to(scores, broadcast_shapes([scores.shape, attn_mask.shape]))
    return _masked_softmax(scores, expand_to(attn_mask, scores.shape))


def _masked_softmax(scores: Node, mask: Node) -> Node:
    """Return softmax under a bool mask, or with a float mask added; a row without a key gets zeros."""
    if mask.dtype.is_bool:
        scores = select(mask, scores, full_like(scores, MINUS_INFINITY))
    else:
        scores = scores + cast(mask, scores.dtype)
    axis = scores.type.rank - 1
    top = apply("stop_gradient", reduce("max", scores, (axis,)))
    blind = elementwise("eq", top, MINUS_INFINITY)
    e = elementwise("exp", scores - expand_axes(select(blind, zeros_like(top), top), scores.shape, (axis,)))
    total = reduce("sum", e, (axis,))
    total = select(blind, constant(1, total.dtype, total.shape), total)
    return e / expand_axes(total, scores.shape, (axis,))


@op("ScaledDotProductAttention")
def _attended(weights: Operand, value: Operand) -> Node:
    batch = broadcast_shapes([weights.shape[:-2], value.shape[:-2]])
    return matmul(*(expand_to(x, batch + x.shape[-2:]) for x in (weights, value)))


@op("RepeatInterleave")
def _group_heads(key: Operand, heads: int) -> Node:
    return _grouped(key, heads)


def _check_attention(query: Tensor, key: Tensor, value: Tensor, grouped: bool) -> None:
    """Raise RuntimeError for operands whose ranks, dtypes, E, S or, if grouped, heads do not fit."""
    operands = {"query": query, "key": key, "value": value}
    least = 3 if grouped else 2
    if any(len(x.shape) < least for x in operands.values()):
        got = " ".join(f"{name}.dim: {len(x.shape)}" for name, x in operands.items())
        raise located(RuntimeError(f"Expected query, key, and value to all be at least {least} dimensional, but got {got}"))
    if len({x.dtype.ir for x in operands.values()}) > 1:
        got = " ".join(f"{name}.dtype: {torch_name(x.dtype.ir, lower=True)}" for name, x in operands.items())
        raise located(RuntimeError(f"Expected query, key, and value to have the same dtype, but got {got}"))
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        got = ", ".join(f"{name} {list(x.shape)}" for name, x in operands.items())
        raise located(RuntimeError(f"expected query (…, L, E), key (…, S, E) and value (…, S, V), got {got}"))
    if grouped and any(not x.shape[-3] or query.shape[-3] % x.shape[-3] for x in (key, value)):
        raise located(RuntimeError("Number of heads in key and value must divide the number of heads in query"))


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(query @ key^T * scale + mask) @ value: each query's mean of the values, weighted by its keys.

    Source: Vaswani et al., "Attention is all you need" (2017).

    Args:
        query: floating-point tensor (…, L, E); leading axes are a batch, the last of them the heads.
        key: tensor (…, S, E); its batch broadcasts with that of query.
        value: tensor (…, S, V).
        attn_mask: tensor that broadcasts to (…, L, S): a bool one says which keys count, a floating-point one is added to the
            scaled scores. A query without a key gets zeros.
        dropout_p: probability with which weights are set to 0; callers pass 0 in evaluation.
        is_causal: whether query i sees only keys 0 to i; excludes attn_mask.
        scale: factor of the scores, None for 1 / sqrt(E).
        enable_gqa: whether each head of key and value (axis -3) serves several heads of query (grouped-query attention).

    Returns:
        Tensor (…, L, V) of query's dtype.

    Raises:
        RuntimeError: if attn_mask is given together with is_causal, the leading axes do not broadcast, E, S or the dtypes of
            the operands differ, or the heads of key and value do not divide those of query with enable_gqa.
        ValueError: if dropout_p is outside of [0, 1].

    Example:
        >>> q = graphc.zeros(1, 2, 4)
        >>> F.scaled_dot_product_attention(q, q, graphc.tensor([[[1.0], [3.0]]]), is_causal=True)
        tensor([[[1.],
                 [2.]]])
    """
    if is_causal and attn_mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    _check_attention(query, key, value, enable_gqa)
    if enable_gqa:
        key, value = (_group_heads(x, int(query.shape[-3])) for x in (key, value))
    factor = 1 / sqrt(max(query.shape[-1], 1)) if scale is None else scale
    weights = _weights(query, key, attn_mask, is_causal, factor)
    return _attended(dropout(weights, dropout_p), value)
