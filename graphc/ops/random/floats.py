"""Uniform and normal random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from graphc.core.dtypes import of_ir
from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType
from graphc.ops.common import DTypeLike, check_counts, default_float, dtype_or, flatten_sizes
from graphc.ops.create.fill import finished
from graphc.ops.create.options import Options
from graphc.ops.random.bits import normal_nodes, uniform_nodes
from graphc.ops.random.generator import Generator, drawn
from graphc.recording.context import state
from graphc.tensors.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["normal", "rand", "rand_like", "randn", "randn_like"]


@op("Uniform")
def _uniform(key: Node, shape: tuple[int, ...], dtype: DType, low: float, high: float) -> Node:
    u = uniform_nodes(key, shape, dtype)
    return u if (low, high) == (0, 1) else u * (high - low) + low


@op("Normal")
def _normal(key: Node, shape: tuple[int, ...], dtype: DType, mean: float, std: float) -> Node:
    z = normal_nodes(key, shape, dtype)
    return z if (mean, std) == (0, 1) else z * std + mean


def _float(dtype: DTypeLike) -> DType:
    chosen = dtype_or(dtype, default_float())
    if not chosen.is_float:
        raise RuntimeError(f"random numbers of this kind are floats, got dtype {of_ir(chosen)}")
    return chosen


def uniform(shape: tuple[int, ...], dtype: DType, low: float, high: float, generator: Generator | None) -> Tensor:
    """Return uniform numbers in [low, high).  Raises RuntimeError for an empty range or a negative extent."""
    check_counts(shape)
    if not low <= high:
        raise located(RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}"))
    return drawn(_uniform, generator, 2 * prod(shape), shape, dtype, low, high)


def gaussian(shape: tuple[int, ...], dtype: DType, mean: float, std: float, generator: Generator | None) -> Tensor:
    """Return normal numbers.  Raises RuntimeError for a negative deviation or extent."""
    check_counts(shape)
    if not std >= 0:
        raise located(RuntimeError(f"normal expects std >= 0.0, but found std {std:g}"))
    return drawn(_normal, generator, 2 * prod(shape), shape, dtype, mean, std)


def rand(
    *sizes: int | Sequence[int],
    size: Sequence[int] | None = None,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **keywords: Unpack[Options],
) -> Tensor:
    """Return random numbers, uniformly distributed in [0, 1).

    They are multiples of 2**-24 (float32) or 2**-53 (float64).

    Args:
        *sizes: the shape of the result, as ints or as one tuple of ints.
        size: the same as a keyword.
        generator: `graphc.Generator`, the default one if None.
        dtype: float dtype, the default one if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if a size is negative, dtype is not floating point, or the device is not the CPU.
        TypeError: if a size is not an integer, or a keyword is unknown.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> x = graphc.rand(2, 3)
        >>> x.shape, bool(((0 <= x) & (x < 1)).all())
        (torch.Size([2, 3]), True)
    """
    return finished(uniform(flatten_sizes(sizes, size), _float(dtype), 0, 1, generator), **keywords)


def randn(
    *sizes: int | Sequence[int],
    size: Sequence[int] | None = None,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **keywords: Unpack[Options],
) -> Tensor:
    """Return random numbers of the standard normal distribution.

    Source: Box and Muller (1958).

    Args:
        *sizes: the shape of the result, as ints or as one tuple of ints.
        size: the same as a keyword.
        generator: `graphc.Generator`, the default one if None.
        dtype: float dtype, the default one if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if a size is negative, dtype is not floating point, or the device is not the CPU.
        TypeError: if a size is not an integer, or a keyword is unknown.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> graphc.randn(2, 3).shape
        torch.Size([2, 3])
    """
    return finished(gaussian(flatten_sizes(sizes, size), _float(dtype), 0, 1, generator), **keywords)


def rand_like(
    input: Tensor, *, dtype: DTypeLike = None, generator: Generator | None = None, **keywords: Unpack[Options]
) -> Tensor:
    """Return random numbers, uniformly distributed in [0, 1), in the shape and dtype of input.

    Args:
        input: tensor that gives the shape and the dtype.
        dtype: float dtype, that of input if None.
        generator: `graphc.Generator`, the default one if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if the dtype is not floating point or the device is not the CPU.
        TypeError: if a keyword is unknown.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> graphc.rand_like(graphc.ones(2, 3)).shape
        torch.Size([2, 3])
    """
    return rand(tuple(input.shape), dtype=dtype or input.dtype, generator=generator, **keywords)


def randn_like(
    input: Tensor, *, dtype: DTypeLike = None, generator: Generator | None = None, **keywords: Unpack[Options]
) -> Tensor:
    """Return random numbers of the standard normal distribution in the shape and dtype of input.

    Args:
        input: tensor that gives the shape and the dtype.
        dtype: float dtype, that of input if None.
        generator: `graphc.Generator`, the default one if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if the dtype is not floating point or the device is not the CPU.
        TypeError: if a keyword is unknown.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> graphc.randn_like(graphc.ones(2, 3)).shape
        torch.Size([2, 3])
    """
    return randn(tuple(input.shape), dtype=dtype or input.dtype, generator=generator, **keywords)


@overload
def normal(
    mean: float,
    std: float,
    size: int | Sequence[int],
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **keywords: Unpack[Options],
) -> Tensor: ...
@overload
def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **keywords: Unpack[Options],
) -> Tensor: ...
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **keywords: Unpack[Options],
) -> Tensor:
    """Return random numbers of normal distributions with the given means and standard deviations.

    Args:
        mean: number, or tensor of means.
        std: number, or tensor of standard deviations; the shapes of the two broadcast.
        size: int or tuple of ints, the shape of the result where mean and std are numbers.
        generator: `graphc.Generator`, the default one if None.
        dtype: float dtype where size is given, the default one if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape `size`, or of the broadcast shape of mean and std.

    Raises:
        RuntimeError: if a standard deviation is negative (elements of a tensor are not checked while a function is traced),
            or dtype is not floating point.
        TypeError: if mean and std are numbers and size is None, or a keyword is unknown.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> graphc.normal(0.0, 1.0, (2, 3)).shape
        torch.Size([2, 3])
        >>> graphc.normal(graphc.zeros(4), graphc.ones(4)).shape
        torch.Size([4])
    """
    if not hasattr(std, "shape") and not std >= 0:
        raise located(RuntimeError(f"normal expects std >= 0.0, but found std {std:g}"))
    if hasattr(std, "shape") and state.trace is None and not (np.asarray(std.detach()) >= 0).all():
        raise located(RuntimeError("normal expects all elements of std >= 0.0"))
    if size is not None:
        return finished(gaussian(flatten_sizes((size,)), _float(dtype), mean, std, generator), **keywords)
    model = mean + std * 0 if hasattr(mean, "shape") else std
    return finished(randn_like(model, generator=generator) * std + mean, **keywords)
