"""The values of tensors as arrays, lists, Python numbers and text."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.core.dtypes import get_default_dtype
from graphc.core.printing import format_tensor
from graphc.recording.context import state
from graphc.tensors.base import methods_of_tensor
from graphc.tensors.writing import Writing

__all__ = ["Values"]


@methods_of_tensor
class Values(Writing):
    """Compute the values of a tensor and return them as an array, lists, a number or text."""

    __slots__ = ()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """Compute the values and return them as a NumPy array.

        Args:
            force: whether a tensor that requires a gradient is allowed.

        Returns:
            New array of the same shape and dtype; other than in torch, it does not share memory with the tensor.

        Raises:
            RuntimeError: if the tensor requires a gradient, unless `force`.

        Example:
            >>> graphc.tensor([1, 2]).numpy()
            array([1, 2])
        """
        if state.trace is not None:
            self._array()  # raises an error for unknown values before one for required gradients
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return np.array(self._array())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.numpy() if dtype is None else self.numpy().astype(dtype, copy=False)

    def tolist(self) -> Any:
        """Compute the values and return them as nested lists of Python numbers.

        Returns:
            List, nested as deep as there are axes; a number if there are none.

        Example:
            >>> graphc.tensor([[1, 2], [3, 4]]).tolist()
            [[1, 2], [3, 4]]
        """
        return self._array().tolist()

    def item(self) -> Any:
        """Compute the value of a tensor of one element and return it as a Python number.

        Returns:
            float, int or bool.

        Raises:
            RuntimeError: if the tensor has another number of elements than one.

        Example:
            >>> graphc.tensor([2.5]).item()
            2.5
        """
        if self._type.size != 1:
            raise RuntimeError(f"a Tensor with {self._type.size} elements cannot be converted to Scalar")
        return self._array().item()

    def __bool__(self) -> bool:
        if self._type.size != 1:
            many = "no values" if self._type.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {many} is ambiguous")
        return bool(self._array().item())

    def _scalar(self) -> Any:
        if self._type.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._array().item()

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        if self._type.size != 1 or self._type.dtype.is_float:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array().item())

    def __len__(self) -> int:
        if not self._type.shape:
            raise TypeError("len() of a 0-d tensor")
        return self._type.shape[0]

    __hash__ = object.__hash__  # by identity; one in Python would run for each view that a storage registers

    def _text(self, name: str = "tensor") -> str:
        suffixes = []
        fn = self.grad_fn
        if fn is not None:
            suffixes.append(f"grad_fn=<{fn.name()}>")
        elif self.requires_grad:
            suffixes.append("requires_grad=True")
        default = repr(get_default_dtype())
        return format_tensor(
            self._array(), dtype_name=repr(self.dtype), default_dtype_name=default, suffixes=suffixes, name=name
        )

    def __repr__(self) -> str:
        return self._text()
