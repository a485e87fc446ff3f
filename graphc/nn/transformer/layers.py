"""The layers of transformers: attention and two linear maps, each with a residual and a normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nn import functional as F
from graphc.nn.layers.dropout import Dropout
from graphc.nn.layers.linear import Linear
from graphc.nn.layers.normalization import LayerNorm
from graphc.nn.module import Module
from graphc.nn.transformer.attention import MultiheadAttention
from graphc.tensors.tensor import Tensor

__all__ = ["TransformerDecoderLayer", "TransformerEncoderLayer"]


class _Layer(Module):
    """The parts that both kinds of layers have; `blocks` is the number of residual blocks."""

    blocks = 2

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(activation, str) and activation not in ("relu", "gelu"):
            raise RuntimeError(f"activation should be relu/gelu, not {activation}")
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, device=device)
        if self.blocks == 3:
            self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first)
        self.linear1 = Linear(d_model, dim_feedforward, bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        self.norm_first = norm_first
        for i in range(1, self.blocks + 1):
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias))
        for i in range(1, self.blocks + 1):
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation: Any = {"relu": F.relu, "gelu": F.gelu}[activation] if isinstance(activation, str) else activation
        if dtype is not None:
            self.to(dtype)

    def _residual(self, x: Tensor, number: int, block: Callable[[Tensor], Tensor]) -> Tensor:
        """Return x plus a block of it, normalized before or after."""
        norm, dropout = getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")
        if self.norm_first:
            return x + dropout(block(norm(x)))  # type: ignore[no-any-return]
        return norm(x + dropout(block(x)))  # type: ignore[no-any-return]

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))  # type: ignore[no-any-return]

    def _attend(self, x: Tensor, mask: Any, padding: Any, causal: bool) -> Tensor:
        options: Any = {"attn_mask": mask, "key_padding_mask": padding, "is_causal": causal, "need_weights": False}
        return self.self_attn(x, x, x, **options)[0]  # type: ignore[no-any-return]


class TransformerEncoderLayer(_Layer):
    """Apply self-attention, then two linear maps, each with a residual and a layer normalization.

    Source: Vaswani et al., "Attention is all you need" (2017).

    Args:
        d_model: extent E of an item.
        nhead: number of heads.
        dim_feedforward: extent between the two linear maps.
        dropout: probability with which elements are set to 0 in training.
        activation: "relu", "gelu" or a function, between the linear maps.
        layer_norm_eps: eps of the normalizations.
        batch_first: whether the batch is the first axis.
        norm_first: whether to normalize before each block instead of after its residual.
        bias: whether linear maps and normalizations have biases.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (S, N, E), with batch_first (N, S, E), or without N. Output: the same.

    Raises:
        RuntimeError: if activation is another word.
        ValueError: if nhead does not divide d_model.

    Example:
        >>> nn.TransformerEncoderLayer(4, 2, dim_feedforward=8)(graphc.ones(3, 1, 4)).shape
        torch.Size([3, 1, 4])
    """

    def forward(
        self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        """Apply the layer.

        Args:
            src: tensor (S, N, E).
            src_mask: mask (S, S) of pairs, as `nn.MultiheadAttention` takes it.
            src_key_padding_mask: mask (N, S) of items.
            is_causal: says that src_mask is causal.

        Returns:
            Tensor of the shape of src.

        Raises:
            RuntimeError: if the shapes do not fit.
        """
        x = self._residual(src, 1, lambda x: self._attend(x, src_mask, src_key_padding_mask, is_causal))
        return self._residual(x, 2, self._feed_forward)


class TransformerDecoderLayer(_Layer):
    """Apply self-attention, attention to a memory, then two linear maps, each with a residual and a layer normalization.

    Source: Vaswani et al., "Attention is all you need" (2017).

    Args:
        d_model: extent E of an item.
        nhead: number of heads.
        dim_feedforward: extent between the two linear maps.
        dropout: probability with which elements are set to 0 in training.
        activation: "relu", "gelu" or a function, between the linear maps.
        layer_norm_eps: eps of the normalizations.
        batch_first: whether the batch is the first axis.
        norm_first: whether to normalize before each block instead of after its residual.
        bias: whether linear maps and normalizations have biases.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Input: (T, N, E) and a memory (S, N, E), with batch_first (N, T, E), or without N. Output: that of the first.

    Raises:
        RuntimeError: if activation is another word.
        ValueError: if nhead does not divide d_model.

    Example:
        >>> nn.TransformerDecoderLayer(4, 2, dim_feedforward=8)(graphc.ones(3, 1, 4), graphc.ones(5, 1, 4)).shape
        torch.Size([3, 1, 4])
    """

    blocks = 3

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Apply the layer.

        Args:
            tgt: tensor (T, N, E).
            memory: tensor (S, N, E), the result of an encoder.
            tgt_mask: mask (T, T) of pairs, as `nn.MultiheadAttention` takes it.
            memory_mask: mask (T, S) of pairs.
            tgt_key_padding_mask: mask (N, T) of items.
            memory_key_padding_mask: mask (N, S) of items of the memory.
            tgt_is_causal: says that tgt_mask is causal.
            memory_is_causal: says that memory_mask is causal.

        Returns:
            Tensor of the shape of tgt.

        Raises:
            RuntimeError: if the shapes do not fit.
        """
        x = self._residual(tgt, 1, lambda x: self._attend(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal))
        options: Any = {"attn_mask": memory_mask, "key_padding_mask": memory_key_padding_mask, "is_causal": memory_is_causal}
        x = self._residual(x, 2, lambda x: self.multihead_attn(x, memory, memory, need_weights=False, **options)[0])
        return self._residual(x, 3, self._feed_forward)
