"""Generators of random numbers: each element is a function of the generator's key and its position.

A generator is a tensor of two integers, seed and offset; each draw reads it and advances the offset in place. A compiled
function that draws therefore has the key among its inputs and outputs, and each call draws new numbers. The numbers differ from
torch's.
"""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakSet

from graphc.dispatch.operation import op
from graphc.ir.core.build import constant, elementwise, iota, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.create.fill import check_device
from graphc.storage.compute import compute
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = ["Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@op("Key")
def _key(seed: int, offset: int) -> Node:
    return select(elementwise("eq", iota((2,), 0), 0), constant(seed, I64, (2,)), constant(offset, I64, (2,)))


@op("Key")
def _advanced(key: Node, count: int) -> Node:
    return key + select(elementwise("eq", iota((2,), 0), 1), constant(count, I64, (2,)), zeros_like(key))


generators: WeakSet[Storage] = WeakSet()
"""The storages of the states of all generators."""


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
        self.state: Tensor = _key(0, 0)
        compute([self.state._storage])
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

    def get_state(self) -> Tensor:
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

    Raises:
        TypeError, ValueError: if seed cannot be converted to an int.

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


def get_rng_state() -> Tensor:
    """Return a copy of the default generator's state, the int64 tensor [seed, offset] of shape (2,).

    Example:
        >>> _ = graphc.manual_seed(7)
        >>> graphc.get_rng_state()
        tensor([7, 0])
    """
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
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


def drawn(function: Any, generator: Generator | None, words: int, *arguments: Any) -> Tensor:
    """Call `function(key, *arguments)` with a generator's key, and advance the generator by `words` words."""
    source = default_generator if generator is None else generator
    result: Tensor = function(source.state, *arguments)
    source.advance(words)
    return result
