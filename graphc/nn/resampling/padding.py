"""Padding as modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from graphc.nn import functional as F
from graphc.nn.module import Module

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "ReflectionPad1d",
    "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d",
    "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """Padding of the last axes by counts, a pair for each axis, the last one first."""

    mode: ClassVar[str] = "constant"
    axes: ClassVar[int] = 1

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding: tuple[Any, ...] = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * (2 * self.axes)

    def forward(self, input: Any) -> Any:
        """Pad.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype.

        Raises:
            RuntimeError: if the mode has not enough elements, or a negative extent would be left.
            NotImplementedError: if the rank of input does not fit the mode.
        """
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        """Return the counts."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """Padding with a number."""

    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Any) -> Any:
        """Pad.

        Args:
            input: tensor of the shape that the class describes.

        Returns:
            Tensor of input's dtype.

        Raises:
            RuntimeError: if a negative extent would be left.
        """
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """Return the counts and the number."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pad the last axis with a number.

    Args:
        padding: how many elements to add, an int or (left, right).
        value: the number.

    Shapes:
        Input: any of at least 1 axis. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ConstantPad1d((2, 1), 2.5)(graphc.tensor([[[1.0, 2.0, 3.0]]]))
        tensor([[[2.5000, 2.5000, 1.0000, 2.0000, 3.0000, 2.5000]]])
    """


class ConstantPad2d(_ConstantPad):
    """Pad the last two axes with a number.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom).
        value: the number.

    Shapes:
        Input: any of at least 2 axes. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ConstantPad2d(1, 2.5)(graphc.ones(1, 2, 3, 3)).shape
        torch.Size([1, 2, 5, 5])
    """

    axes = 2


class ConstantPad3d(_ConstantPad):
    """Pad the last three axes with a number.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom, front, back).
        value: the number.

    Shapes:
        Input: any of at least 3 axes. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ConstantPad3d(1, 2.5)(graphc.ones(1, 2, 3, 3, 3)).shape
        torch.Size([1, 2, 5, 5, 5])
    """

    axes = 3


class ZeroPad1d(_Pad):
    """Pad the last axis with zeros.

    Args:
        padding: how many elements to add, an int or (left, right).

    Shapes:
        Input: any of at least 1 axis. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ZeroPad1d((2, 1))(graphc.tensor([[[1.0, 2.0, 3.0]]]))
        tensor([[[0., 0., 1., 2., 3., 0.]]])
    """


class ZeroPad2d(_Pad):
    """Pad the last two axes with zeros.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom).

    Shapes:
        Input: any of at least 2 axes. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ZeroPad2d(1)(graphc.ones(1, 2, 3, 3)).shape
        torch.Size([1, 2, 5, 5])
    """

    axes = 2


class ZeroPad3d(_Pad):
    """Pad the last three axes with zeros.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom, front, back).

    Shapes:
        Input: any of at least 3 axes. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ZeroPad3d(1)(graphc.ones(1, 2, 3, 3, 3)).shape
        torch.Size([1, 2, 5, 5, 5])
    """

    axes = 3


class ReflectionPad1d(_Pad):
    """Pad the last axis with its elements, mirrored at the first and the last one.

    Args:
        padding: how many elements to add, an int or (left, right).

    Shapes:
        Input: (N, C, L), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ReflectionPad1d((2, 1))(graphc.tensor([[[1.0, 2.0, 3.0]]]))
        tensor([[[3., 2., 1., 2., 3., 2.]]])
    """

    mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pad the last two axes with its elements, mirrored at the first and the last one.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom).

    Shapes:
        Input: (N, C, H, W), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ReflectionPad2d(1)(graphc.ones(1, 2, 3, 3)).shape
        torch.Size([1, 2, 5, 5])
    """

    mode = "reflect"
    axes = 2


class ReflectionPad3d(_Pad):
    """Pad the last three axes with its elements, mirrored at the first and the last one.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom, front, back).

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ReflectionPad3d(1)(graphc.ones(1, 2, 3, 3, 3)).shape
        torch.Size([1, 2, 5, 5, 5])
    """

    mode = "reflect"
    axes = 3


class ReplicationPad1d(_Pad):
    """Pad the last axis with its first and last elements.

    Args:
        padding: how many elements to add, an int or (left, right).

    Shapes:
        Input: (N, C, L), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ReplicationPad1d((2, 1))(graphc.tensor([[[1.0, 2.0, 3.0]]]))
        tensor([[[1., 1., 1., 2., 3., 3.]]])
    """

    mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pad the last two axes with its first and last elements.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom).

    Shapes:
        Input: (N, C, H, W), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ReplicationPad2d(1)(graphc.ones(1, 2, 3, 3)).shape
        torch.Size([1, 2, 5, 5])
    """

    mode = "replicate"
    axes = 2


class ReplicationPad3d(_Pad):
    """Pad the last three axes with its first and last elements.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom, front, back).

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.ReplicationPad3d(1)(graphc.ones(1, 2, 3, 3, 3)).shape
        torch.Size([1, 2, 5, 5, 5])
    """

    mode = "replicate"
    axes = 3


class CircularPad1d(_Pad):
    """Pad the last axis with the elements from the other end.

    Args:
        padding: how many elements to add, an int or (left, right).

    Shapes:
        Input: (N, C, L), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.CircularPad1d((2, 1))(graphc.tensor([[[1.0, 2.0, 3.0]]]))
        tensor([[[2., 3., 1., 2., 3., 1.]]])
    """

    mode = "circular"


class CircularPad2d(_Pad):
    """Pad the last two axes with the elements from the other end.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom).

    Shapes:
        Input: (N, C, H, W), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.CircularPad2d(1)(graphc.ones(1, 2, 3, 3)).shape
        torch.Size([1, 2, 5, 5])
    """

    mode = "circular"
    axes = 2


class CircularPad3d(_Pad):
    """Pad the last three axes with the elements from the other end.

    Args:
        padding: how many elements to add, an int or (left, right, top, bottom, front, back).

    Shapes:
        Input: (N, C, D, H, W), or without N. Output: the last extents have grown by what padding says.

    Example:
        >>> nn.CircularPad3d(1)(graphc.ones(1, 2, 3, 3, 3)).shape
        torch.Size([1, 2, 5, 5, 5])
    """

    mode = "circular"
    axes = 3
