"""Tensors that a module trains."""

from __future__ import annotations

from typing import Any

from graphc.ops.creation import empty
from graphc.tensors.tensor import Tensor

__all__ = ["Buffer", "Parameter", "fresh"]


class Parameter(Tensor):
    """A leaf tensor that a module lists among its parameters; it shares the values of the tensor it is made of."""

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        """Return a parameter with the values of a tensor, None for an empty one."""
        source = empty(0) if data is None else data
        if not isinstance(source, Tensor):
            raise TypeError(f"cannot make a Parameter of {type(data).__name__}: expected a Tensor")
        made = cls._adopt(source.detach())
        return made.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{self._text()}"


def fresh(*sizes: int) -> Parameter:
    """Return a parameter of zeros on a storage of its own."""
    return Parameter._adopt(empty(*sizes)).requires_grad_()


def Buffer(data: Tensor, *, persistent: bool = True) -> Tensor:
    """Mark a tensor as a buffer: assigning it to a module registers it.  Not a parameter: it is not trained."""
    data.__dict__["_is_buffer"], data.__dict__["_persistent"] = True, persistent
    return data
