"""Shapes, strides and sizes of tensors."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphc.core.dtypes import Size, dtype, of_ir
from graphc.core.errors import located
from graphc.storage import views
from graphc.tensors.base import TensorBase, methods_of_tensor
from graphc.tensors.devices import CPU, device

__all__ = ["Geometry"]


@methods_of_tensor
class Geometry(TensorBase):
    """Shape, dtype, strides and device of a tensor."""

    __slots__ = ()

    @property
    def shape(self) -> Size:
        """The sizes of the axes, a `graphc.Size`."""
        return Size(self._type.shape)

    @property
    def dtype(self) -> dtype:
        """The dtype of the elements."""
        return of_ir(self._type.dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._type.shape)

    def dim(self) -> int:
        """Return the number of axes.

        Returns:
            int.

        Example:
            >>> graphc.zeros(2, 3).dim()
            2
        """
        return len(self._type.shape)

    def size(self, dim: int | None = None) -> Any:
        """Return the sizes of all axes, or the size of one.

        Args:
            dim: the axis, negative numbers counting from the last; None for all.

        Returns:
            `graphc.Size`, or an int.

        Raises:
            IndexError: if there is no such axis.

        Example:
            >>> graphc.zeros(2, 3).size(), graphc.zeros(2, 3).size(-1)
            (torch.Size([2, 3]), 3)
        """
        if dim is None:
            return self.shape
        return self._type.shape[self._axis(dim)]

    def _axis(self, dim: int) -> int:
        """Check an axis.  Raises IndexError."""
        if not self.ndim:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        if not -self.ndim <= dim < self.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-self.ndim}, {self.ndim - 1}], but got {dim})"
            )
        return dim

    def numel(self) -> int:
        """Return the number of elements.

        Returns:
            int.

        Example:
            >>> graphc.zeros(2, 3).numel()
            6
        """
        return self._type.size

    nelement = numel

    def element_size(self) -> int:
        """Return the size of an element in bytes.

        Returns:
            int.

        Example:
            >>> graphc.zeros(2, 3).element_size()
            4
        """
        return self._type.dtype.bytes

    @property
    def itemsize(self) -> int:
        """The size of an element in bytes."""
        return self._type.dtype.bytes

    @property
    def nbytes(self) -> int:
        """The size of all elements in bytes."""
        return self._type.bytes

    def stride(self, dim: int | None = None) -> Any:
        """Return the strides: the distance, in elements, from one element to the next along each axis, or along one.

        Args:
            dim: the axis, negative numbers counting from the last; None for all.

        Returns:
            Tuple of ints, or an int.

        Raises:
            IndexError: if there is no such axis.

        Example:
            >>> graphc.zeros(2, 3).stride(), graphc.zeros(2, 3).t().stride(), graphc.zeros(2, 3).stride(0)
            ((3, 1), (1, 3), 3)
        """
        source, path = self._place()
        strides = views.strides(source.shape, path)
        assert strides is not None, "a view has strides"
        return strides if dim is None else strides[self._axis(dim)]

    def storage_offset(self) -> int:
        """Return the place of the first element in the memory of the tensor, in elements.

        Returns:
            int.

        Raises:
            RuntimeError: if it depends on the value of a tensor.

        Example:
            >>> graphc.zeros(2, 3)[1].storage_offset()
            3
        """
        source, path = self._place()
        if not path:
            return 0
        if not views.is_static(path):
            raise located(RuntimeError("the storage offset of this view depends on the value of a tensor"))
        places = views.shown(np.arange(prod(source.shape)).reshape(source.shape), path)
        return int(places.reshape(-1)[0]) if places.size else 0

    def is_contiguous(self) -> bool:
        """Return whether the strides are those of row-major order.

        Returns:
            bool.

        Example:
            >>> graphc.zeros(2, 3).is_contiguous(), graphc.zeros(2, 3).t().is_contiguous()
            (True, False)
        """
        dense = views.strides(self._type.shape, ())
        pairs = zip(self.shape, self.stride(), dense or (), strict=True)
        return 0 in self.shape or all(n == 1 or have == want for n, have, want in pairs)

    @property
    def device(self) -> device:
        """The device, always the CPU."""
        return CPU
