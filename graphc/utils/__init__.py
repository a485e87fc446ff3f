"""What surrounds training, as torch.utils has it."""

from graphc.utils import data

__all__ = ["data"]
