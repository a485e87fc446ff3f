"""Attention of several heads, with its projections."""

from __future__ import annotations

from math import sqrt
from typing import Any

from graphc.core.errors import located
from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.layers.linear import Linear
from graphc.nn.module import Module
from graphc.nn.parameter import fresh
from graphc.ops.create.fill import check_device, zeros
from graphc.ops.indexing.masks import where
from graphc.ops.shape.joining import cat
from graphc.tensors.tensor import Tensor

__all__ = ["MultiheadAttention", "added_mask"]


def added_mask(mask: Tensor | None, like: Tensor) -> Tensor | None:
    """Return a mask as numbers to add to scores: minus infinity where a bool mask is true.  Raises RuntimeError."""
    if mask is None or mask.is_floating_point():
        return mask
    if mask.dtype is not (mask != mask).dtype:
        raise located(RuntimeError(f"only bool and floating types of masks are supported, got {mask.dtype}"))
    zero = zeros((), dtype=like.dtype)
    return where(mask, zero + float("-inf"), zero)


class MultiheadAttention(Module):
    """Attend with several heads: project query, key and value, attend in each head, and project the joined results.

    Source: Vaswani et al., "Attention is all you need" (2017).

    Args:
        embed_dim: extent E of the query and of the result.
        num_heads: number of heads, which divides E.
        dropout: probability with which weights are set to 0 in training.
        bias: whether the projections have biases.
        add_bias_kv: whether a trained key and value is added to the sequence.
        add_zero_attn: whether a key and a value of zeros is added.
        kdim: extent of the key, None for E.
        vdim: extent of the value, None for E.
        batch_first: whether the batch is the first axis.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Query: (L, N, E), key: (S, N, kdim), value: (S, N, vdim), with batch_first (N, L, E) and so on, or without N. Output:
        the shape of the query, and the weights (N, L, S).

    Raises:
        ValueError: if a number is not positive, or num_heads does not divide embed_dim.

    Example:
        >>> attention = nn.MultiheadAttention(4, 2)
        >>> x = graphc.ones(3, 1, 4)
        >>> output, weights = attention(x, x, x)
        >>> output.shape, weights.shape
        (torch.Size([3, 1, 4]), torch.Size([1, 3, 3]))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if embed_dim <= 0 or num_heads <= 0:
            got = f"got embed_dim={embed_dim} and num_heads={num_heads} instead"
            raise ValueError(f"embed_dim and num_heads must be greater than 0, {got}")
        if embed_dim % num_heads:
            raise ValueError("embed_dim must be divisible by num_heads")
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.kdim, self.vdim = kdim or embed_dim, vdim or embed_dim
        self.head_dim, self.add_zero_attn = embed_dim // num_heads, add_zero_attn
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        same = self._qkv_same_embed_dim
        extents = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        for name, extent in extents.items():
            self.register_parameter(name, None if same else fresh(embed_dim, extent))
        self.register_parameter("in_proj_weight", fresh(3 * embed_dim, embed_dim) if same else None)
        self.register_parameter("in_proj_bias", fresh(3 * embed_dim) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias)
        self.register_parameter("bias_k", fresh(1, 1, embed_dim) if add_bias_kv else None)
        self.register_parameter("bias_v", fresh(1, 1, embed_dim) if add_bias_kv else None)
        self._reset_parameters()
        if dtype is not None:
            self.to(dtype)

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            query: tensor (L, N, E), with batch_first (N, L, E), or without N.
            key: tensor (S, N, kdim).
            value: tensor (S, N, vdim).
            key_padding_mask: bool tensor (N, S), True for keys to leave out, or numbers to add to their scores.
            need_weights: whether to return the weights too.
            attn_mask: bool tensor (L, S) or (N * num_heads, L, S), True for pairs to leave out, or numbers to add.
            average_attn_weights: whether the weights returned are the mean of those of the heads.
            is_causal: says that attn_mask is causal; it is given all the same.

        Returns:
            Pair of a tensor of the shape of the query, and the weights (N, L, S), (N, num_heads, L, S), or None.

        Raises:
            RuntimeError: if the shapes do not fit, or is_causal comes without a mask.
        """
        if is_causal and attn_mask is None:
            raise located(RuntimeError("Need attn_mask if specifying the is_causal hint."))
        batched = query.dim() == 3
        if query.dim() not in (2, 3) or key.dim() != query.dim() or value.dim() != query.dim():
            got = f"got query {list(query.shape)}, key {list(key.shape)} and value {list(value.shape)}"
            raise located(RuntimeError(f"expected query, key and value of two axes, or three with a batch, {got}"))
        if not batched:
            query, key, value = (x.unsqueeze(0) for x in (query, key, value))
            key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
        elif not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        q, k, v = self._projected(query, key, value)
        mask = self._mask(attn_mask, key_padding_mask, q, k.shape[1])
        output, weights = self._attended(q, k, v, mask, need_weights, average_attn_weights)
        if not batched:
            return output.squeeze(0), None if weights is None else weights.squeeze(0)
        return output if self.batch_first else output.transpose(0, 1), weights

    def _projected(self, query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
        weights: Any = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        if self._qkv_same_embed_dim:
            weights = self.in_proj_weight.chunk(3)
        biases: Any = (None,) * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        parts = zip((query, key, value), weights, biases, strict=True)
        q, k, v = (F.linear(x, w, b) for x, w, b in parts)
        if self.bias_k is not None and self.bias_v is not None:
            k, v = (cat([x, b.expand(len(x), 1, -1)], 1) for x, b in ((k, self.bias_k), (v, self.bias_v)))
        if self.add_zero_attn:
            k, v = (cat([x, zeros((len(x), 1, self.embed_dim), dtype=x.dtype)], 1) for x in (k, v))
        return [q, k, v]

    def _mask(self, attn_mask: Tensor | None, padding: Tensor | None, q: Tensor, count: int) -> Tensor | None:
        """Return what to add to the scores (N, heads, L, S).  Raises RuntimeError."""
        batch, length = q.shape[:2]
        total = added_mask(attn_mask, q)
        if total is not None:
            known = total.shape[-1]
            if total.dim() == 3:
                if total.shape[0] != batch * self.num_heads:
                    got = f"got {list(total.shape)} for {batch} batches of {self.num_heads} heads"
                    raise located(RuntimeError(f"The shape of the 3D attn_mask is not correct, {got}"))
                total = total.reshape(batch, self.num_heads, length, known)
            elif tuple(total.shape) != (length, known):
                raise located(
                    RuntimeError(f"The shape of the 2D attn_mask is {list(total.shape)}, but should be {[length, known]}")
                )
            total = F.pad(total, (0, count - known))
        extra = added_mask(padding, q)
        if extra is not None:
            extra = F.pad(extra, (0, count - extra.shape[-1])).reshape(batch, 1, 1, count)
        return extra if total is None else total if extra is None else total + extra

    def _attended(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, need_weights: bool, average: bool
    ) -> tuple[Tensor, Tensor | None]:
        heads: list[Any] = [x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2) for x in (q, k, v)]
        rate = self.dropout if self.training else 0.0
        weights = None
        if need_weights:
            scores = heads[0] * (1 / sqrt(self.head_dim)) @ heads[1].mT
            weights = F.dropout(F.softmax(scores if mask is None else scores + mask, -1), rate)
            joined = weights @ heads[2]
            weights = weights.mean(1) if average else weights
        else:
            joined = F.scaled_dot_product_attention(heads[0], heads[1], heads[2], mask, rate)
        return self.out_proj(joined.transpose(1, 2).flatten(-2)), weights
