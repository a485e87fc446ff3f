"""Layers: linear maps, embeddings, normalizations, dropout, changes of shape, distances."""

from graphc.nn.layers.channel_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from graphc.nn.layers.distance import CosineSimilarity, PairwiseDistance
from graphc.nn.layers.dropout import Dropout, Dropout1d, Dropout2d, Dropout3d
from graphc.nn.layers.embedding_bag import EmbeddingBag
from graphc.nn.layers.linear import Bilinear, Embedding, Identity, Linear
from graphc.nn.layers.normalization import GroupNorm, LayerNorm, RMSNorm
from graphc.nn.layers.response_norm import LocalResponseNorm
from graphc.nn.layers.shape import Flatten, Unflatten

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear", "CosineSimilarity", "Dropout", "Dropout1d", "Dropout2d",
    "Dropout3d", "Embedding", "EmbeddingBag", "Flatten", "GroupNorm", "Identity", "InstanceNorm1d", "InstanceNorm2d",
    "InstanceNorm3d", "LayerNorm", "Linear", "LocalResponseNorm", "PairwiseDistance", "RMSNorm", "Unflatten",
]  # fmt: skip
