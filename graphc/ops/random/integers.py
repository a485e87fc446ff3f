"""Random integers, permutations and bools."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from graphc.core.dtypes import iinfo, of_ir
from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, elementwise
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64, DType
from graphc.ops.common import DTypeLike, check_counts, dtype_or, flatten_sizes, torch_name
from graphc.ops.create.fill import finished
from graphc.ops.create.options import Options, RandomOptions
from graphc.ops.random.bits import below, bits, two_words
from graphc.ops.random.generator import Generator, drawn
from graphc.recording.context import state
from graphc.tensors.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["bernoulli", "randint", "randint_like", "randperm"]


@op("Randint")
def _integers(key: Node, shape: tuple[int, ...], low: int, high: int, dtype: DType) -> Node:
    """Scale 31 bits to the range; a range above 2**31 takes 62 bits modulo its size."""
    if high - low <= 1 << 31:
        scaled = cast(bits(key, shape) & 0x7FFFFFFF, I64) * (high - low)
        return cast(elementwise("shift_right", scaled, 31) + low, dtype)
    first, second = (cast(w & 0x7FFFFFFF, I64) for w in two_words(key, shape))
    return cast(elementwise("remainder", first * (1 << 31) + second, high - low) + low, dtype)


@op("Bernoulli")
def _bernoulli(key: Node, p: Node) -> Node:
    return cast(below(bits(key, p.shape), p), p.dtype)


@overload
def randint(
    low: int,
    high: Sequence[int],
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **keywords: Unpack[Options],
) -> Tensor: ...
@overload
def randint(
    low: int,
    high: int | None = None,
    size: int | Sequence[int] = ...,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **keywords: Unpack[Options],
) -> Tensor: ...
def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **keywords: Unpack[Options],
) -> Tensor:
    """Return random integers, uniformly distributed in [low, high): `randint(high, size)` or `randint(low, high, size)`.

    Args:
        low: int, the smallest integer, included; 0 if only high and size are given.
        high: int, the end of the range, excluded.
        size: int or tuple of ints, the shape of the result.
        generator: `graphc.Generator`, the default one if None.
        dtype: dtype of the result, int64 if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape `size`.

    Raises:
        RuntimeError: if a size is negative, the range is empty or does not fit dtype, or the device is not the CPU.
        TypeError: if a size is not an integer, or a keyword is unknown.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> x = graphc.randint(10, (100,))
        >>> x.dtype, bool(((0 <= x) & (x < 10)).all())
        (torch.int64, True)
    """
    if size is None:
        low, high, size = 0, low, high
    low, high = (0, low) if high is None else (low, high)
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    shape, chosen = flatten_sizes((size,)), dtype_or(dtype, I64)
    check_counts(shape)
    _check_range(low, high, chosen)
    return finished(drawn(_integers, generator, 2 * prod(shape), shape, int(low), int(high), chosen), **keywords)


def _check_range(low: int, high: int, dtype: DType) -> None:
    if not dtype.is_int:
        return
    limits = iinfo(of_ir(dtype))
    for bound, name in ((low, "from"), (high - 1, "to - 1")):
        if not limits.min <= bound <= limits.max:
            raise located(RuntimeError(f"{name} is out of bounds for {torch_name(dtype, lower=True)}, got {bound}"))


def randint_like(
    input: Tensor, low: int, high: int | None = None, *, dtype: DTypeLike = None, **keywords: Unpack[RandomOptions]
) -> Tensor:
    """Return random integers, uniformly distributed in [low, high), in the shape and dtype of input.

    Args:
        input: tensor that gives the shape and the dtype.
        low: int, the smallest integer, included; where high is None, it is high, and low is 0.
        high: int, the end of the range, excluded.
        dtype: dtype of the result, that of input if None.
        **keywords: generator, requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of the shape of input.

    Raises:
        RuntimeError: if the range is empty or does not fit the dtype, or the device is not the CPU.
        TypeError: if a keyword is unknown.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> x = graphc.randint_like(graphc.ones(2, 3), 5, 7)
        >>> x.shape, bool(((5 <= x) & (x < 7)).all())
        (torch.Size([2, 3]), True)
    """
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, tuple(input.shape), dtype=dtype or input.dtype, **keywords)


def randperm(n: int, *, generator: Generator | None = None, dtype: DTypeLike = None, **keywords: Unpack[Options]) -> Tensor:
    """Return a random permutation of the integers 0 to n - 1.

    It sorts random keys by their values, so that it cannot be traced by `graphc.compile`.

    Args:
        n: int, the number of elements.
        generator: `graphc.Generator`, the default one if None.
        dtype: dtype of the result, int64 if None.
        **keywords: requires_grad and device; layout, pin_memory and memory_format are accepted and ignored.

    Returns:
        Tensor of shape (n,).

    Raises:
        RuntimeError: if n is negative or the device is not the CPU.
        TypeError: if a keyword is unknown.
        TracingError: if a function is being traced.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> graphc.randperm(5).sort().values
        tensor([0, 1, 2, 3, 4])
    """
    keys = np.asarray(randint(1 << 62, (n,), generator=generator))
    return finished(_ordered(np.argsort(keys, kind="stable"), dtype_or(dtype, I64)), **keywords)


@op("Randperm")
def _ordered(order: Node, dtype: DType) -> Node:
    return cast(order, dtype)


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Return 1 with the probability that the element of input gives, and 0 otherwise.

    Args:
        input: tensor of a float dtype, of probabilities in [0, 1].
        generator: `graphc.Generator`, the default one if None.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        NotImplementedError: if input is not floating point.
        RuntimeError: if an element is not in [0, 1] (not checked while a function is traced).

    Example:
        >>> graphc.bernoulli(graphc.tensor([0.0, 1.0]))
        tensor([0., 1.])
    """
    if not input.dtype.is_floating_point:
        raise located(NotImplementedError(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{torch_name(input.dtype.ir)}'"))
    chances = np.asarray(input.detach()) if state.trace is None else np.zeros(1)
    if not ((chances >= 0) & (chances <= 1)).all():
        raise located(RuntimeError("bernoulli expects all probabilities to be in [0, 1]"))
    return drawn(_bernoulli, generator, prod(input.shape), input)
