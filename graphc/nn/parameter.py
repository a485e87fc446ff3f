"""Tensors that a module trains."""

from __future__ import annotations

from typing import Any

from graphc.ops.create.fill import empty
from graphc.tensors.tensor import Tensor

__all__ = ["Buffer", "Parameter", "fresh"]


class Parameter(Tensor):
    """A leaf tensor that a module lists among its parameters when it is assigned to an attribute.

    Args:
        data: tensor whose values the parameter shares, None for an empty one.
        requires_grad: whether its gradient is computed.

    Shapes:
        The shape and dtype of data.

    Raises:
        TypeError: if data is not a tensor.

    Example:
        >>> nn.Parameter(graphc.tensor([1.0, 2.0]))
        Parameter containing:
        tensor([1., 2.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        """Return a parameter that shares the values of a tensor."""
        source = empty(0) if data is None else data
        if not isinstance(source, Tensor):
            raise TypeError(f"cannot make a Parameter of {type(data).__name__}: expected a Tensor")
        parameter = cls._adopt(source.detach())
        return parameter.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{self._text()}"


def fresh(*sizes: int) -> Parameter:
    """Return a parameter of zeros on its own storage."""
    return Parameter._adopt(empty(*sizes)).requires_grad_()


def Buffer(data: Tensor, *, persistent: bool = True) -> Tensor:
    """Mark a tensor as a buffer: assigning it to an attribute of a module registers it, as `Module.register_buffer` does.

    Args:
        data: tensor of any shape; it is returned itself, not a copy.
        persistent: whether the module's `state_dict` contains it.

    Returns:
        The tensor.

    Example:
        >>> module = nn.Module()
        >>> module.mean = nn.Buffer(graphc.zeros(2))
        >>> module.state_dict()
        OrderedDict([('mean', tensor([0., 0.]))])
    """
    data.__dict__["_is_buffer"], data.__dict__["_persistent"] = True, persistent
    return data
