"""Stacks of layers, and the whole transformer."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from graphc.core.errors import located
from graphc.nn import init
from graphc.nn.containers import ModuleList
from graphc.nn.layers.normalization import LayerNorm
from graphc.nn.module import Module
from graphc.nn.transformer.layers import TransformerDecoderLayer, TransformerEncoderLayer
from graphc.ops.create.fill import full
from graphc.tensors.tensor import Tensor

__all__ = ["Transformer", "TransformerDecoder", "TransformerEncoder"]


class TransformerEncoder(Module):
    """Apply several copies of an encoder layer.

    Args:
        encoder_layer: the layer that is copied.
        num_layers: number of copies.
        norm: normalization of the result, or None.
        enable_nested_tensor: accepted as in torch and ignored.
        mask_check: accepted as in torch and ignored.

    Shapes:
        Those of the layer.

    Example:
        >>> layer = nn.TransformerEncoderLayer(4, 2, dim_feedforward=8)
        >>> nn.TransformerEncoder(layer, 2)(graphc.ones(3, 1, 4)).shape
        torch.Size([3, 1, 4])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Apply the layers.

        Args:
            src: tensor (S, N, E).
            mask: mask (S, S) of pairs.
            src_key_padding_mask: mask (N, S) of items.
            is_causal: says that mask is causal.

        Returns:
            Tensor of the shape of src.

        Raises:
            RuntimeError: if the shapes do not fit.
        """
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=bool(is_causal))
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """Apply several copies of a decoder layer.

    Args:
        decoder_layer: the layer that is copied.
        num_layers: number of copies.
        norm: normalization of the result, or None.

    Shapes:
        Those of the layer.

    Example:
        >>> layer = nn.TransformerDecoderLayer(4, 2, dim_feedforward=8)
        >>> nn.TransformerDecoder(layer, 2)(graphc.ones(3, 1, 4), graphc.ones(5, 1, 4)).shape
        torch.Size([3, 1, 4])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Apply the layers.

        Args:
            tgt: tensor (T, N, E).
            memory: tensor (S, N, E), the result of an encoder.
            tgt_mask: mask (T, T) of pairs.
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
        x = tgt
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, bool(tgt_is_causal), memory_is_causal)
        for layer in self.layers:
            x = layer(x, memory, *masks)
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """A transformer: an encoder of a source sequence, and a decoder that attends to its result.

    Source: Vaswani et al., "Attention is all you need" (2017).

    Args:
        d_model: extent E of an item.
        nhead: number of heads.
        num_encoder_layers: number of layers of the encoder.
        num_decoder_layers: number of layers of the decoder.
        dim_feedforward: extent between the two linear maps of a layer.
        dropout: probability with which elements are set to 0 in training.
        activation: "relu", "gelu" or a function, between the linear maps.
        custom_encoder: module instead of the encoder, or None.
        custom_decoder: module instead of the decoder, or None.
        layer_norm_eps: eps of the normalizations.
        batch_first: whether the batch is the first axis.
        norm_first: whether to normalize before each block instead of after its residual.
        bias: whether linear maps and normalizations have biases.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: floating-point dtype of the parameters, None for the default one.

    Shapes:
        Source: (S, N, E), target: (T, N, E), with batch_first (N, S, E) and (N, T, E), or without N. Output: that of
        the target.

    Raises:
        RuntimeError: if activation is another word.
        ValueError: if nhead does not divide d_model.

    Example:
        >>> model = nn.Transformer(4, 2, 1, 1, dim_feedforward=8)
        >>> model(graphc.ones(5, 1, 4), graphc.ones(3, 1, 4)).shape
        torch.Size([3, 1, 4])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu",
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias)

        encoder, decoder = custom_encoder, custom_decoder
        if encoder is None:
            encoder = TransformerEncoder(TransformerEncoderLayer(*options), num_encoder_layers, norm())
        if decoder is None:
            decoder = TransformerDecoder(TransformerDecoderLayer(*options), num_decoder_layers, norm())
        self.encoder, self.decoder = encoder, decoder
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        for parameter in self.parameters():
            if parameter.dim() > 1:
                init.xavier_uniform_(parameter)
        if dtype is not None:
            self.to(dtype)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Any:
        """Encode the source and decode the target.

        Args:
            src: tensor (S, N, E).
            tgt: tensor (T, N, E).
            src_mask: mask (S, S) of pairs.
            tgt_mask: mask (T, T) of pairs.
            memory_mask: mask (T, S) of pairs.
            src_key_padding_mask: mask (N, S) of items.
            tgt_key_padding_mask: mask (N, T) of items.
            memory_key_padding_mask: mask (N, S) of items of the memory.
            src_is_causal: says that src_mask is causal.
            tgt_is_causal: says that tgt_mask is causal.
            memory_is_causal: says that memory_mask is causal.

        Returns:
            Tensor of the shape of tgt.

        Raises:
            RuntimeError: if the shapes do not fit.
        """
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise located(RuntimeError("the feature number of src and tgt must be equal to d_model"))
        if src.dim() == 3 and src.shape[0 if self.batch_first else 1] != tgt.shape[0 if self.batch_first else 1]:
            raise located(RuntimeError("the batch number of src and tgt must be equal"))
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, tgt_is_causal, memory_is_causal)
        return self.decoder(tgt, memory, *masks)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the causal mask: minus infinity above the diagonal, else 0.

        Args:
            sz: extent of the mask.
            device: accepted as in torch; every tensor is on the CPU.
            dtype: dtype of the mask, None for the default one.

        Returns:
            Tensor (sz, sz).
        """
        return full((sz, sz), float("-inf"), dtype=dtype).triu(1)
