"""What surrounds training, as torch.utils has it."""

from graphc.utils import checkpoint, data

__all__ = ["checkpoint", "data"]
