"""Changes of shape."""

from __future__ import annotations

from typing import Any

from graphc.nn.module import Module

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Join a range of axes to one.

    Args:
        start_dim: first axis of the range.
        end_dim: last axis of the range.

    Shapes:
        Input: any. Output: by default (N, product of the other extents).

    Example:
        >>> nn.Flatten()(graphc.ones(2, 3, 4)).shape
        torch.Size([2, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """Join the axes.

        Args:
            input: tensor.

        Returns:
            Tensor with fewer axes; it shares memory with input.
        """
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split an axis into several.

    Args:
        dim: axis to split.
        unflattened_size: extents of the new axes, whose product is that of the axis; one may be -1.

    Shapes:
        Input: any. Output: the extents of the input with that of dim replaced by unflattened_size.

    Example:
        >>> nn.Unflatten(1, (2, 3))(graphc.ones(5, 6)).shape
        torch.Size([5, 2, 3])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Any:
        """Split the axis.

        Args:
            input: tensor.

        Returns:
            Tensor with more axes; it shares memory with input.
        """
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Return the axis and the sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
