"""Philox-2x32-10, the counter-based generator behind `random_bits`, over any arithmetic of 64-bit words.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).

The reference semantics apply it to NumPy arrays, batching to nodes, code generation to LLVM and to MLIR values: all of them
draw the same words.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

__all__ = ["WORD", "Words", "philox"]

ROUNDS = 10
MULTIPLIER = 0xD256D193
KEY_STEP = 0x9E3779B9
"""Added to the key after each round: the golden ratio, as a fraction of 2^32."""

WORD = 0xFFFFFFFF
"""The mask of the low half of 64 bits."""

V = TypeVar("V")


class Words(Protocol[V]):
    """Arithmetic of unsigned 64-bit words, modulo 2^64.

    The first operand of `xor`, `add` and `mul` is not read again: the result may take its memory.
    """

    def low(self, x: V) -> V:
        """Return the low 32 bits."""

    def high(self, x: V) -> V:
        """Return the high 32 bits, shifted down."""

    def xor(self, x: V, y: V) -> V:
        """Return the bits that differ."""

    def add(self, x: V, y: int) -> V:
        """Return the sum with a constant."""

    def mul(self, x: V, y: int) -> V:
        """Return the product with a constant."""


def philox(words: Words[V], seed: V, counter: V) -> V:
    """Return the first 32-bit word for a seed and a counter."""
    low, high = words.low(counter), words.high(counter)
    key = words.xor(words.low(seed), words.high(seed))
    for _ in range(ROUNDS):
        product = words.mul(low, MULTIPLIER)
        low, high = words.xor(words.xor(words.high(product), key), high), words.low(product)
        key = words.low(words.add(key, KEY_STEP))
    return low
