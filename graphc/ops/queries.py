"""Queries about objects, tensors and shapes."""

from __future__ import annotations

from graphc.core import promotion
from graphc.core.dtypes import Size, dtype
from graphc.core.errors import located
from graphc.tensors.tensor import Tensor

__all__ = [
    "broadcast_shapes", "can_cast", "is_complex", "is_conj", "is_inference", "is_neg", "is_nonzero", "is_same_size",
    "is_signed", "is_tensor", "numel",
]  # fmt: skip


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


def can_cast(from_: dtype, to: dtype) -> bool:
    """Return whether values of a dtype are converted to another one without asking: not from floats to integers, nor to bool.

    Args:
        from_: dtype.
        to: dtype.

    Returns:
        bool.

    Raises:
        TypeError: if an argument is not a dtype.

    Example:
        >>> graphc.can_cast(graphc.int64, graphc.float32), graphc.can_cast(graphc.float32, graphc.int64)
        (True, False)
    """
    order = ("bool", "int", "float")
    return order.index(from_.ir.kind) <= order.index(to.ir.kind)


def is_complex(input: Tensor) -> bool:
    """Return False: there are no complex dtypes.

    Args:
        input: tensor of any shape.

    Returns:
        bool.

    Example:
        >>> graphc.is_complex(graphc.ones(2))
        False
    """
    return input.is_complex()


def is_conj(input: Tensor) -> bool:
    """Return False: no tensor is conjugated lazily.

    Args:
        input: tensor of any shape.

    Returns:
        bool.

    Example:
        >>> graphc.is_conj(graphc.ones(2))
        False
    """
    return input.is_complex()


def is_neg(input: Tensor) -> bool:
    """Return False: no tensor is negated lazily.

    Args:
        input: tensor of any shape.

    Returns:
        bool.

    Example:
        >>> graphc.is_neg(graphc.ones(2))
        False
    """
    return input.is_complex()


def is_inference(input: Tensor) -> bool:
    """Return False: tensors of `graphc.inference_mode` can be used for gradients later.

    Args:
        input: tensor of any shape.

    Returns:
        bool.

    Example:
        >>> graphc.is_inference(graphc.ones(2))
        False
    """
    return input.is_complex()


def is_nonzero(input: Tensor) -> bool:
    """Return whether the only element of a tensor is not zero.

    Args:
        input: tensor of one element.

    Returns:
        bool.

    Raises:
        RuntimeError: if the tensor has no or several elements.

    Example:
        >>> graphc.is_nonzero(graphc.tensor([0.5]))
        True
    """
    if input.numel() != 1:
        many = "no values" if not input.numel() else "more than one value"
        raise located(RuntimeError(f"Boolean value of Tensor with {many} is ambiguous, got shape {list(input.shape)}"))
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape.

    Args:
        input: tensor.
        other: tensor.

    Returns:
        bool.

    Example:
        >>> graphc.is_same_size(graphc.ones(2, 3), graphc.zeros(2, 3))
        True
    """
    return input.shape == other.shape


def is_signed(input: Tensor) -> bool:
    """Return whether the dtype of a tensor has negative numbers.

    Args:
        input: tensor of any shape.

    Returns:
        bool: False for uint8 and bool.

    Example:
        >>> graphc.is_signed(graphc.tensor([1, 2]))
        True
    """
    return input.dtype.is_signed
