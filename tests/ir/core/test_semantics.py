"""The NumPy semantics of primitives that have more than one way to be computed."""

from __future__ import annotations

import math

import numpy as np

from graphc.ir.core import semantics


def test_erf_is_exact_to_the_last_bits() -> None:
    x = np.array([0.0, -0.0, 1e-300, 0.3, -1.0, 2.4999, 2.5, 5.9, -7.0, np.inf, -np.inf, np.nan])
    np.testing.assert_allclose(semantics.erf(x), [math.erf(v) for v in x], rtol=4e-16)
    assert np.signbit(semantics.erf(x[1]))
    dense = np.linspace(-7, 7, 2 * semantics.CHUNK + 3)
    np.testing.assert_allclose(semantics.erf(dense), np.vectorize(math.erf)(dense), rtol=4e-16)
    assert semantics.erf(np.zeros((0, 3))).shape == (0, 3)
    assert semantics.erf(np.float32(0.5)).shape == ()
    assert semantics.keep_dtype(semantics.erf)(x.astype(np.float32)).dtype == np.float32


def test_random_bits_of_several_chunks_are_those_of_one() -> None:
    key, size = np.array([7, 2**40]), 3 * semantics.CHUNK + 5
    bits = semantics.random_bits(key, (size,))
    at = np.array([0, semantics.CHUNK - 1, semantics.CHUNK, size - 1])
    np.testing.assert_array_equal(bits[at], [semantics.random_words(key[0], key[1] + i) for i in at])
    assert semantics.random_bits(key, (0, 3)).shape == (0, 3)
