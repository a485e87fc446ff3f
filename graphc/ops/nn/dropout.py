"""Dropout of elements and of channels."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ops.common import expand_to, torch_name
from graphc.ops.nn.windows import over_axes
from graphc.ops.random.bits import below, bits
from graphc.ops.random.generator import drawn
from graphc.tensors.tensor import Tensor

__all__ = ["dropout", "dropout1d", "dropout2d", "dropout3d"]


@op("NativeDropout")
def _dropout(input: Node, key: Node, p: float, shape: tuple[int, ...]) -> Node:
    keep = expand_to(below(bits(key, shape), 1 - p), input.shape)
    return select(keep, input * (1 / (1 - p) if p < 1 else 0.0), zeros_like(input))


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to 0 with probability p and multiply the others by 1 / (1 - p), in training.

    Source: Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from overfitting".

    Args:
        input: tensor of a float dtype.
        p: number in [0, 1], the probability that an element is dropped.
        training: whether to drop elements; if False, input is returned.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if p is not in [0, 1].
        RuntimeError: if elements are dropped and input is not floating-point.

    Example:
        >>> graphc.dropout(graphc.ones(3), p=0.5, training=False)
        tensor([1., 1., 1.])
        >>> graphc.dropout(graphc.ones(3), p=1.0)
        tensor([0., 0., 0.])
    """
    return _dropped(input, p, training, inplace, tuple(input.shape))


def _dropped(input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...]) -> Tensor:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    if not input.dtype.is_floating_point:
        kind = torch_name(input.dtype.ir)
        raise located(RuntimeError(f"result type Float can't be cast to the desired output type {kind}"))
    result = drawn(lambda key: _dropout(input, key, p, shape), None, prod(shape))
    return input._assign(result) if inplace else result


def _channel_dropout(axes: int, example: str) -> Callable[..., Tensor]:
    @over_axes(axes, "dropout", example)
    def channel_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        """Set whole channels to 0 with probability p in training, and scale the others by 1 / (1 - p).

        Source: Tompson et al., "Efficient object localization using convolutional networks" (2015).

        Args:
            input: floating-point tensor (N, C, {axes}); each of the N * C channels is drawn by itself.
            p: probability of a zero, in [0, 1].
            training: False returns input as it is.
            inplace: whether to write the result to input.

        Returns:
            Tensor of the shape and dtype of input.

        Raises:
            ValueError: if p is outside of [0, 1].
            RuntimeError: if elements are dropped and input is not floating-point.
        """
        return _dropped(input, p, training, inplace, tuple(input.shape[:2]) + (1,) * (input.ndim - 2))

    return channel_dropout


dropout1d = _channel_dropout(
    1,
    """
    >>> F.dropout1d(graphc.ones(2, 3, 4), p=1.0).sum()
    tensor(0.)
    """,
)
dropout2d = _channel_dropout(
    2,
    """
    >>> F.dropout2d(graphc.ones(2, 3, 4, 4), p=1.0).sum()
    tensor(0.)
    """,
)
dropout3d = _channel_dropout(
    3,
    """
    >>> F.dropout3d(graphc.ones(2, 3, 4, 4, 4), p=1.0).sum()
    tensor(0.)
    """,
)
