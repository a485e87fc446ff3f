"""The base class of all layers and models."""

from graphc.nn.module.members import clear_grad
from graphc.nn.module.module import Module
from graphc.nn.module.state import IncompatibleKeys

__all__ = ["IncompatibleKeys", "Module", "clear_grad"]
