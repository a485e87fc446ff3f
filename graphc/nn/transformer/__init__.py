"""Attention with its projections, and the layers of transformers."""

from graphc.nn.transformer.attention import MultiheadAttention
from graphc.nn.transformer.layers import TransformerDecoderLayer, TransformerEncoderLayer
from graphc.nn.transformer.stacks import Transformer, TransformerDecoder, TransformerEncoder

__all__ = [
    "MultiheadAttention", "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer",
]  # fmt: skip
