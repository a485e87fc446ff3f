"""Philox over Python's integers: the published words, and the same words from every arithmetic that is given to it."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.core.philox import WORD, philox
from graphc.ir.core.semantics import random_words


class Integers:
    """Words as integers without a bound, reduced where the result needs it."""

    def low(self, x: int) -> int:
        return x & WORD

    def high(self, x: int) -> int:
        return x % 2**64 >> 32

    def xor(self, x: int, y: int) -> int:
        return x ^ y

    def add(self, x: int, y: int) -> int:
        return x + y

    def mul(self, x: int, y: int) -> int:
        return x * y


KNOWN = [(0, 0, 0xFF1DAE59), (WORD, 2**64 - 1, 0x2C3F628B), (0x13198A2E, 0x85A308D3243F6A88, 0xDD7CE038)]
"""Key, counter and first word of philox2x32 with 10 rounds, from the known-answer tests (kat_vectors) of Random123."""


@pytest.mark.parametrize("key, counter, word", KNOWN)
def test_the_published_words(key: int, counter: int, word: int) -> None:
    assert philox(Integers(), key, counter) == word
    assert random_words(np.int64(key), np.array([counter], np.uint64).view(np.int64)).view(np.uint32).tolist() == [word]


def test_arrays_give_the_words_of_integers() -> None:
    random = np.random.default_rng(3)
    seeds, counters = (random.integers(-(2**63), 2**63, 300, dtype=np.int64) for _ in range(2))
    want = [philox(Integers(), int(s) % 2**64, int(c) % 2**64) for s, c in zip(seeds, counters, strict=True)]
    before = counters.copy()
    assert random_words(seeds, counters).view(np.uint32).tolist() == want and (counters == before).all()
    one = [philox(Integers(), 5, int(c) % 2**64) for c in counters]
    assert random_words(np.int64(5), counters).view(np.uint32).tolist() == one
