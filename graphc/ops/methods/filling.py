"""Methods that overwrite all elements, with one value or with random numbers."""

from __future__ import annotations

from graphc.core.errors import located
from graphc.ops.create import fill
from graphc.ops.methods.conversion import in_dtype
from graphc.ops.random import distributions, floats, integers
from graphc.ops.random.generator import Generator
from graphc.tensors.tensor import Tensor

__all__ = ["bernoulli_", "exponential_", "fill_", "normal_", "random_", "uniform_", "zero_"]


def fill_(self: Tensor, value: Tensor | float) -> Tensor:
    """Write one number to all elements.

    Args:
        value: number or 0-d tensor; it is converted to this tensor's dtype.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if `value` is a tensor with axes, or this is a leaf that requires a gradient while gradients are
            recorded.
        TypeError: if `value` is no number.

    Example:
        >>> graphc.zeros(2).fill_(3)
        tensor([3., 3.])
    """
    if isinstance(value, Tensor):
        if value.ndim:
            raise located(
                RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
            )
        return self.copy_(value)
    return self._assign(fill.full_like(self, value), copies=True, overlapping=True)


def zero_(self: Tensor) -> Tensor:
    """Write zeros to all elements.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if this is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> graphc.ones(2).zero_()
        tensor([0., 0.])
    """
    return fill_(self, 0)


def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write random numbers, uniform in `[from_, to)`, to all elements.

    Args:
        from_: lower bound.
        to: upper bound, exclusive.
        generator: source of the random numbers; None is the default generator.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if `from_` is greater than `to`, or this tensor is not of floats.

    Example:
        >>> x = graphc.empty(3).uniform_(2, 4)
        >>> bool(((x >= 2) & (x < 4)).all())
        True
    """
    return self._assign(floats.uniform(tuple(self.shape), self.dtype.ir, from_, to, generator))


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write normally distributed random numbers to all elements.

    Args:
        mean: mean of the distribution.
        std: standard deviation.
        generator: source of the random numbers; None is the default generator.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if `std` is negative, or this tensor is not of floats.

    Example:
        >>> graphc.empty(3).normal_(1, 2).shape
        torch.Size([3])
    """
    return self._assign(floats.gaussian(tuple(self.shape), self.dtype.ir, mean, std, generator))


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write exponentially distributed random numbers to all elements.

    Args:
        lambd: the rate, a positive number.
        generator: `graphc.Generator`, the default one if None.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if lambd is not positive, this tensor is not floating-point, or it is a leaf that requires a gradient
            while gradients are recorded.

    Example:
        >>> bool((graphc.empty(3).exponential_() >= 0).all())
        True
    """
    if not lambd > 0:
        raise located(RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}"))
    return self._assign(distributions.standard_exponential(tuple(self.shape), self, generator) / lambd)


def bernoulli_(self: Tensor, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Write ones with probability `p`, and zeros elsewhere.

    Args:
        p: the probability, in [0, 1].
        generator: source of the random numbers; None is the default generator.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if `p` is no probability.

    Example:
        >>> graphc.empty(3).bernoulli_(1.0)
        tensor([1., 1., 1.])
    """
    if not 0 <= p <= 1:
        raise located(RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}"))
    values = integers.bernoulli(fill.full(tuple(self.shape), float(p)), generator=generator)
    return self._assign(in_dtype(values, self.dtype))


def random_(self: Tensor, from_: int = 0, to: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Write random integers, uniform in `[from_, to)`, to all elements.

    Args:
        from_: lower bound; alone, it is the upper bound and the lower one 0.
        to: upper bound, exclusive; 2**24 if neither is given.
        generator: source of the random numbers; None is the default generator.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if the range is empty, or not within that of the dtype.

    Example:
        >>> x = graphc.zeros(3, dtype=graphc.int64).random_(5, 7)
        >>> bool(((x == 5) | (x == 6)).all())
        True
    """
    low, high = (0, from_) if to is None and from_ else (from_, to if to is not None else 2**24)
    return self._assign(integers.randint(low, high, tuple(self.shape), generator=generator, dtype=self.dtype))
