"""Tensors that a module trains."""

from __future__ import annotations

from typing import Any

from graphc.core.dtypes import as_dtype
from graphc.ops.create.fill import empty
from graphc.tensors.tensor import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "fresh", "is_lazy"]


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


class _Uninitialized(Tensor):
    """A tensor whose shape is not known yet; only its dtype is."""

    _becomes: type[Tensor]

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give the tensor a shape; its class changes to that of an ordinary one, its values are unspecified.

        Args:
            shape: sequence of extents.
            device: accepted as in torch; every tensor is on the CPU.
            dtype: the dtype, None for the present one.
        """
        self.data = empty(tuple(shape), device=device, dtype=self.dtype if dtype is None else dtype)
        self.__class__ = self._becomes  # type: ignore[assignment]

    @property
    def shape(self) -> Any:
        """Raise RuntimeError: it is not known yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` "
            "when trying to load an uninitialized parameter into an initialized one. Call `forward` to initialize the "
            "parameters before accessing their attributes."
        )

    def numel(self) -> Any:
        """Raise RuntimeError: the shape is not known yet."""
        return self.shape

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape a lazy module finds out in its first call.

    Args:
        requires_grad: whether its gradient is computed.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: its dtype, None for the default one.

    Shapes:
        Unknown until `materialize`.

    Example:
        >>> parameter = nn.UninitializedParameter()
        >>> parameter
        <UninitializedParameter>
        >>> parameter.materialize((2, 3))
        >>> parameter.shape
        torch.Size([2, 3])
    """

    _becomes = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        """Return a parameter without a shape."""
        return cls._adopt(empty(0, device=device, dtype=dtype)).requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        memo[id(self)] = twin = type(self)(self.requires_grad, None, self.dtype)
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuilt, (type(self), self.dtype.name, self.requires_grad)


class UninitializedBuffer(_Uninitialized):
    """A buffer whose shape a lazy module finds out in its first call.

    Args:
        requires_grad: whether its gradient is computed.
        device: accepted as in torch; every tensor is on the CPU.
        dtype: its dtype, None for the default one.
        persistent: whether the module's `state_dict` contains it.

    Shapes:
        Unknown until `materialize`.

    Example:
        >>> buffer = nn.UninitializedBuffer()
        >>> buffer.materialize((2, 3))
        >>> buffer.shape
        torch.Size([2, 3])
    """

    _becomes = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> UninitializedBuffer:
        """Return a buffer without a shape."""
        buffer = cls._adopt(empty(0, device=device, dtype=dtype)).requires_grad_(requires_grad)
        buffer.__dict__["_is_buffer"], buffer.__dict__["_persistent"] = True, persistent
        return buffer

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        memo[id(self)] = twin = type(self)(self.requires_grad, None, self.dtype, self.__dict__["_persistent"])
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuilt, (type(self), self.dtype.name, self.requires_grad, self.__dict__["_persistent"])


def _rebuilt(kind: Any, dtype: str, requires_grad: bool, *persistent: bool) -> Any:
    """Return the tensor without a shape that a pickle contains."""
    return kind(requires_grad, None, as_dtype(dtype), *persistent)


def is_lazy(param: object) -> bool:
    """Return whether a tensor has no shape yet."""
    return isinstance(param, _Uninitialized)
