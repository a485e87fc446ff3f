"""Random numbers under torch's names: each element is a function of the generator's key and its position.

A generator is a tensor of two integers, seed and offset; each draw reads it and advances the offset in place. A
compiled function that draws therefore has the key among its inputs and outputs, and each call draws new numbers. The
numbers are not torch's.
"""

from __future__ import annotations

import os
from math import pi, prod
from typing import Any
from weakref import WeakSet

import numpy as np

from graphc.core.dtypes import iinfo, of_ir
from graphc.core.errors import located
from graphc.ir.core.build import apply, cast, constant, elementwise, iota, select, slice_, zeros_like
from graphc.ir.core.build import reshape as reshape_node
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F32, F64, I32, I64, DType
from graphc.ops.common import check_counts, default_float, dtype_or, expand_to, flatten_sizes, torch_name
from graphc.ops.creation import check_device, finished
from graphc.tensors.context import state
from graphc.tensors.dispatch import op
from graphc.tensors.storage import Storage

__all__ = [
    "Generator", "bernoulli", "default_generator", "dropout", "get_rng_state", "initial_seed", "manual_seed", "normal",
    "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "seed", "set_rng_state",
]  # fmt: skip


@op("Key")
def _key(seed: int, offset: int) -> Node:
    return select(elementwise("eq", iota((2,), 0), 0), constant(seed, I64, (2,)), constant(offset, I64, (2,)))


@op("Key")
def _advanced(key: Node, count: int) -> Node:
    return key + select(elementwise("eq", iota((2,), 0), 1), constant(count, I64, (2,)), zeros_like(key))


generators: WeakSet[Storage] = WeakSet()
"""Where the states of all generators are."""


class Generator:
    """Source of random numbers: a seed and an offset that each draw advances.

    Numbers are a function of seed, offset and position (Philox-2x32-10; Salmon et al., 2011), and are not those of torch.
    `state` is the int64 tensor [seed, offset].

    Args:
        device: "cpu", or None.

    Raises:
        RuntimeError: for another device.

    Example:
        >>> generator = graphc.Generator().manual_seed(1)
        >>> a = graphc.rand(2, generator=generator)
        >>> b = graphc.rand(2, generator=generator.manual_seed(1))
        >>> graphc.equal(a, b)
        True
    """

    def __init__(self, device: Any = "cpu") -> None:
        check_device(device)
        self.state = _key(0, 0)
        generators.add(self.state._storage)
        self._seed = 0

    def manual_seed(self, seed: int) -> Generator:
        """Set the seed, and the offset to 0.

        Args:
            seed: an int; it counts modulo 2**64.

        Returns:
            The generator.
        """
        self._seed = int(seed)
        self.state.copy_(_key(I64.scalar(self._seed), 0))
        return self

    def seed(self) -> int:
        """Set a seed from the operating system's entropy, and the offset to 0.

        Returns:
            The seed, a non-negative int.
        """
        self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)
        return self._seed

    def initial_seed(self) -> int:
        """Return the seed that was set last, an int."""
        return self._seed

    def get_state(self) -> Any:
        """Return a copy of the state, the int64 tensor [seed, offset]."""
        return self.state.clone()

    def set_state(self, new_state: Any) -> Generator:
        """Set the state, so that the same numbers follow as when it was copied.

        Args:
            new_state: int64 tensor of shape (2,), as `get_state` returns it.

        Returns:
            The generator.

        Raises:
            RuntimeError: if the shape does not fit.
        """
        self.state.copy_(new_state)
        return self

    def advance(self, count: int) -> None:
        """Skip random words, as if they had been drawn.

        Args:
            count: number of words.
        """
        self.state.copy_(_advanced(self.state, count))


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Set the seed of the default generator.

    Args:
        seed: an int; it counts modulo 2**64.

    Returns:
        The default generator.

    Example:
        >>> _ = graphc.manual_seed(0)
        >>> a = graphc.rand(3)
        >>> _ = graphc.manual_seed(0)
        >>> graphc.equal(a, graphc.rand(3))
        True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Set the seed of the default generator from the operating system's entropy.

    Returns:
        The seed, a non-negative int.

    Example:
        >>> graphc.seed() == graphc.initial_seed()
        True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed of the default generator, an int.

    Example:
        >>> _ = graphc.manual_seed(7)
        >>> graphc.initial_seed()
        7
    """
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """Return a copy of the default generator's state, the int64 tensor [seed, offset].

    Example:
        >>> _ = graphc.manual_seed(7)
        >>> graphc.get_rng_state()
        tensor([7, 0])
    """
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Set the state of the default generator, so that the same numbers follow as when it was copied.

    Args:
        new_state: int64 tensor of shape (2,), as `get_rng_state` returns it.

    Raises:
        RuntimeError: if the shape does not fit.

    Example:
        >>> before = graphc.get_rng_state()
        >>> a = graphc.rand(3)
        >>> graphc.set_rng_state(before)
        >>> graphc.equal(a, graphc.rand(3))
        True
    """
    default_generator.set_state(new_state)


# -- distributions, on nodes ----------------------------------------------------------------------------


def bits(key: Node, shape: tuple[int, ...]) -> Node:
    """Return 32 random bits an element, as i32; node level."""
    return apply("random_bits", key, shape=shape)


def _words(key: Node, shape: tuple[int, ...]) -> tuple[Node, Node]:
    """Return two independent words an element."""
    both = bits(key, (2, *shape))
    return tuple(reshape_node(slice_(both, (i,) + (0,) * len(shape), (i + 1, *shape)), shape) for i in (0, 1))  # type: ignore[return-value]


def _top(word: Node, count: int) -> Node:
    """Return the highest bits of a word as a non-negative integer."""
    return elementwise("shift_right", word, 32 - count) & ((1 << count) - 1)


def uniform_nodes(key: Node, shape: tuple[int, ...], dtype: DType) -> Node:
    """Return numbers in [0, 1), all multiples of 2**-24 (f32) or 2**-53 (f64) alike; node level."""
    if dtype is not F64:
        return cast(_top(bits(key, shape), 24), F32) * 2.0**-24
    high, low = _words(key, shape)
    return (cast(_top(high, 26), F64) * 2.0**27 + cast(_top(low, 27), F64)) * 2.0**-53


def normal_nodes(key: Node, shape: tuple[int, ...], dtype: DType) -> Node:
    """Return standard normal numbers; node level.  Source: Box and Muller (1958)."""
    radius, angle = _words(key, shape)
    u = (cast(radius & 0x7FFFFFFF, dtype) + 0.5) * 2.0**-31
    turn = cast(_top(angle, 24), dtype) * (2 * pi * 2.0**-24)
    return elementwise("sqrt", elementwise("log", u) * -2.0) * elementwise("cos", turn)


@op("Uniform")
def _uniform(key: Node, shape: tuple[int, ...], dtype: DType, low: float, high: float) -> Node:
    u = uniform_nodes(key, shape, dtype)
    return u if (low, high) == (0, 1) else u * (high - low) + low


@op("Normal")
def _normal(key: Node, shape: tuple[int, ...], dtype: DType, mean: float, std: float) -> Node:
    z = normal_nodes(key, shape, dtype)
    return z if (mean, std) == (0, 1) else z * std + mean


@op("Randint")
def _integers(key: Node, shape: tuple[int, ...], low: int, high: int, dtype: DType) -> Node:
    """Scale 31 bits to the range; a range above 2**31 takes 62 bits modulo it."""
    if high - low <= 1 << 31:
        scaled = cast(bits(key, shape) & 0x7FFFFFFF, I64) * (high - low)
        return cast(elementwise("shift_right", scaled, 31) + low, dtype)
    first, second = (cast(w & 0x7FFFFFFF, I64) for w in _words(key, shape))
    return cast(elementwise("remainder", first * (1 << 31) + second, high - low) + low, dtype)


def _below(word: Node, probability: Any) -> Node:
    """Return where a word, as a fraction of 2**32, is below a probability: a number, or a node of its shape."""
    if isinstance(probability, Node):
        return cast(_top(word, 24), probability.dtype) * 2.0**-24 < probability
    if probability >= 1:
        return elementwise("eq", word, word)
    return word < I32.scalar(round(probability * 2**32) - 2**31)


@op("Bernoulli")
def _bernoulli(key: Node, p: Node) -> Node:
    return cast(_below(bits(key, p.shape), p), p.dtype)


@op("NativeDropout")
def _dropout(input: Node, key: Node, p: float, shape: tuple[int, ...]) -> Node:
    keep = expand_to(_below(bits(key, shape), 1 - p), input.shape)
    return select(keep, input * (1 / (1 - p) if p < 1 else 0.0), zeros_like(input))


# -- for users ------------------------------------------------------------------------------------------


def drawn(function: Any, generator: Generator | None, words: int, *arguments: Any) -> Any:
    """Call `function(key, *arguments)` with a generator's key, and move the generator on behind `words` words."""
    source = default_generator if generator is None else generator
    result = function(source.state, *arguments)
    source.advance(words)
    return result


def _float(dtype: Any) -> DType:
    chosen = dtype_or(dtype, default_float())
    if not chosen.is_float:
        raise RuntimeError(f"random numbers of this kind are floats, got dtype {of_ir(chosen)}")
    return chosen


def uniform(shape: tuple[int, ...], dtype: DType, low: float, high: float, generator: Generator | None) -> Any:
    """Return uniform numbers in [low, high).  Raises RuntimeError for an empty range or a negative extent."""
    check_counts(shape)
    if not low <= high:
        raise located(RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}"))
    return drawn(_uniform, generator, 2 * prod(shape), shape, dtype, low, high)


def gaussian(shape: tuple[int, ...], dtype: DType, mean: float, std: float, generator: Generator | None) -> Any:
    """Return normal numbers.  Raises RuntimeError for a negative deviation or extent."""
    check_counts(shape)
    if not std >= 0:
        raise located(RuntimeError(f"normal expects std >= 0.0, but found std {std:g}"))
    return drawn(_normal, generator, 2 * prod(shape), shape, dtype, mean, std)


def rand(*size: Any, generator: Generator | None = None, dtype: Any = None, **keywords: Any) -> Any:
    """Return random numbers, uniformly distributed in [0, 1).

    They are multiples of 2**-24 (float32) or 2**-53 (float64).

    Args:
        *size: the shape of the result, as ints or as one tuple of ints; `size=` is accepted as a keyword.
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
    return finished(uniform(flatten_sizes(size, keywords.pop("size", None)), _float(dtype), 0, 1, generator), **keywords)


def randn(*size: Any, generator: Generator | None = None, dtype: Any = None, **keywords: Any) -> Any:
    """Return random numbers of the standard normal distribution.

    Source: Box and Muller (1958).

    Args:
        *size: the shape of the result, as ints or as one tuple of ints; `size=` is accepted as a keyword.
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
    return finished(gaussian(flatten_sizes(size, keywords.pop("size", None)), _float(dtype), 0, 1, generator), **keywords)


def rand_like(input: Any, *, dtype: Any = None, generator: Generator | None = None, **keywords: Any) -> Any:
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


def randn_like(input: Any, *, dtype: Any = None, generator: Generator | None = None, **keywords: Any) -> Any:
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


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: Any = None, **keywords: Any
) -> Any:
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


def randint_like(input: Any, low: int, high: Any = None, *, dtype: Any = None, **keywords: Any) -> Any:
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


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, **keywords: Any) -> Any:
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
def _ordered(places: Node, dtype: DType) -> Node:
    return cast(places, dtype)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None, **keywords: Any
) -> Any:
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


def bernoulli(input: Any, *, generator: Generator | None = None) -> Any:
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


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
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


def _dropped(input: Any, p: float, training: bool, inplace: bool, shape: tuple[int, ...]) -> Any:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0:
        return input
    if not input.dtype.is_floating_point:
        kind = torch_name(input.dtype.ir)
        raise located(RuntimeError(f"result type Float can't be cast to the desired output type {kind}"))
    found = drawn(lambda key: _dropout(input, key, p, shape), None, prod(shape))
    return input._assign(found) if inplace else found


def channel_dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Set each channel (axis 1) to 0 with probability p and multiply the others by 1 / (1 - p), in training.

    Source: Tompson et al. (2015), "Efficient object localization using convolutional networks".

    Args:
        input: tensor of shape `(N, C, *)` of a float dtype.
        p: number in [0, 1], the probability that a channel is dropped.
        training: whether to drop channels; if False, input is returned.
        inplace: whether to write the result to input.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        ValueError: if p is not in [0, 1].
        RuntimeError: if elements are dropped and input is not floating-point.
    """
    return _dropped(input, p, training, inplace, tuple(input.shape[:2]) + (1,) * (len(input.shape) - 2))
