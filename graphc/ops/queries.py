"""Queries about objects, tensors and shapes."""

from __future__ import annotations

from graphc.core import promotion
from graphc.core.dtypes import Size
from graphc.tensors.tensor import Tensor

__all__ = ["broadcast_shapes", "is_tensor", "numel"]


def is_tensor(obj: object) -> bool:
    """Return whether an object is a tensor.

    Args:
        obj: any object.

    Returns:
        bool.

    Example:
        >>> graphc.is_tensor(graphc.ones(2)), graphc.is_tensor(np.ones(2))
        (True, False)
    """
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> int:
    """Return the number of elements of a tensor.

    Args:
        input: tensor.

    Returns:
        int.

    Example:
        >>> graphc.numel(graphc.ones(2, 3))
        6
    """
    return input.numel()


def broadcast_shapes(*shapes: tuple[int, ...]) -> Size:
    """Return the shape to which shapes broadcast.

    Args:
        *shapes: sequences of ints.

    Returns:
        graphc.Size.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.broadcast_shapes((2, 1), (3,))
        torch.Size([2, 3])
    """
    return Size(promotion.broadcast_shapes([tuple(s) for s in shapes]))
