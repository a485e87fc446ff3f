"""Activations that write their result into the input, as in torch.nn.functional."""

from __future__ import annotations

from graphc.ops.nn.rectifiers import celu, elu, leaky_relu, relu, selu
from graphc.ops.nn.rectifiers import threshold as _threshold
from graphc.ops.nn.shrinkage import hardtanh
from graphc.tensors.tensor import Tensor

__all__ = ["celu_", "elu_", "hardtanh_", "leaky_relu_", "relu_", "selu_", "threshold_"]


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Write the result of `celu` into the input.

    Args:
        input: floating-point tensor of any shape.
        alpha: limit of the result for small inputs, negated.

    Returns:
        The input.

    Raises:
        RuntimeError: if input is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> F.celu_(graphc.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """
    return celu(input, alpha, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """Write the result of `elu` into the input.

    Args:
        input: floating-point tensor of any shape.
        alpha: limit of the result for small inputs, negated.

    Returns:
        The input.

    Raises:
        RuntimeError: if input is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> F.elu_(graphc.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """
    return elu(input, alpha, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Write the result of `hardtanh` into the input.

    Args:
        input: floating-point tensor of any shape.
        min_val: lower bound.
        max_val: upper bound.

    Returns:
        The input.

    Raises:
        RuntimeError: if input is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> F.hardtanh_(graphc.tensor([-1.0, 2.0]))
        tensor([-1.,  1.])
    """
    return hardtanh(input, min_val, max_val, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Write the result of `leaky_relu` into the input.

    Args:
        input: floating-point tensor of any shape.
        negative_slope: slope for negative inputs.

    Returns:
        The input.

    Raises:
        RuntimeError: if input is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> F.leaky_relu_(graphc.tensor([-1.0, 2.0]))
        tensor([-0.0100,  2.0000])
    """
    return leaky_relu(input, negative_slope, inplace=True)


def relu_(input: Tensor) -> Tensor:
    """Write the result of `relu` into the input.

    Args:
        input: floating-point tensor of any shape.

    Returns:
        The input.

    Raises:
        RuntimeError: if input is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> F.relu_(graphc.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return relu(input, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """Write the result of `selu` into the input.

    Args:
        input: floating-point tensor of any shape.

    Returns:
        The input.

    Raises:
        RuntimeError: if input is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> F.selu_(graphc.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])
    """
    return selu(input, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """Write the result of `threshold` into the input.

    Args:
        input: floating-point tensor of any shape.
        threshold: inputs up to this number are replaced.
        value: what replaces them.

    Returns:
        The input.

    Raises:
        RuntimeError: if input is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> F.threshold_(graphc.tensor([-1.0, 2.0]), 0.0, 7.0)
        tensor([7., 2.])
    """
    return _threshold(input, threshold, value, inplace=True)
