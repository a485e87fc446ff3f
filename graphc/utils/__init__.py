"""Checkpointing and data loading, as in torch.utils, and serialization."""

from graphc.utils import checkpoint, data

__all__ = ["checkpoint", "data"]
