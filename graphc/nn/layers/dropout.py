"""Dropout of elements and of channels."""

from __future__ import annotations

from typing import Any

from graphc.nn import functional as F
from graphc.nn.module import Module

__all__ = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d"]


class Dropout(Module):
    """Set elements to 0 with probability p in training, and scale the others by 1 / (1 - p).

    In evaluation it returns the input. Source: Srivastava et al., "Dropout" (2014).

    Args:
        p: probability of a zero, in [0, 1].
        inplace: whether to write the result to the input.

    Shapes:
        Input: any. Output: the same.

    Raises:
        ValueError: if p is out of range.

    Example:
        >>> nn.Dropout(0.3).eval()(graphc.ones(3)), nn.Dropout(1.0)(graphc.ones(3))
        (tensor([1., 1., 1.]), tensor([0., 0., 0.]))
    """

    function = staticmethod(F.dropout)

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        """Drop in training; return input in evaluation.

        Args:
            input: floating-point tensor.

        Returns:
            Tensor of the shape and dtype of input.
        """
        return self.function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    In evaluation it returns the input. Source: Tompson et al., "Efficient object localization using convolutional networks"
    (2015).

    Args:
        p: probability of a zero, in [0, 1].
        inplace: whether to write the result to the input.

    Shapes:
        Input: (N, C, L). Output: the same.

    Raises:
        ValueError: if p is out of range.

    Example:
        >>> nn.Dropout1d(1.0)(graphc.ones(2, 3, 4)).sum()
        tensor(0.)
    """

    function = staticmethod(F.dropout1d)


class Dropout2d(Dropout):
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    In evaluation it returns the input. Source: Tompson et al., "Efficient object localization using convolutional networks"
    (2015).

    Args:
        p: probability of a zero, in [0, 1].
        inplace: whether to write the result to the input.

    Shapes:
        Input: (N, C, H, W). Output: the same.

    Raises:
        ValueError: if p is out of range.

    Example:
        >>> nn.Dropout2d(1.0)(graphc.ones(2, 3, 4, 4)).sum()
        tensor(0.)
    """

    function = staticmethod(F.dropout2d)


class Dropout3d(Dropout):
    """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

    In evaluation it returns the input. Source: Tompson et al., "Efficient object localization using convolutional networks"
    (2015).

    Args:
        p: probability of a zero, in [0, 1].
        inplace: whether to write the result to the input.

    Shapes:
        Input: (N, C, D, H, W). Output: the same.

    Raises:
        ValueError: if p is out of range.

    Example:
        >>> nn.Dropout3d(1.0)(graphc.ones(2, 3, 4, 4, 4)).sum()
        tensor(0.)
    """

    function = staticmethod(F.dropout3d)
