"""The NumPy semantics of primitives that have more than one way to be computed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphc.ir.core import semantics


@pytest.mark.parametrize("library", [True, False])
def test_erf_with_and_without_scipy(library: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not library:
        monkeypatch.setattr(semantics, "_special", lambda: None)
    x = np.array([0.0, -0.0, 1e-300, 0.3, -1.0, 2.4999, 2.5, 5.9, -7.0, np.inf, -np.inf, np.nan])
    np.testing.assert_allclose(semantics.erf(x), [math.erf(v) for v in x], rtol=1e-14)
    assert np.signbit(semantics.erf(x[1]))
    assert semantics.keep_dtype(semantics.erf)(x.astype(np.float32)).dtype == np.float32


def test_random_bits_of_several_chunks_are_those_of_one() -> None:
    key, size = np.array([7, 2**40]), 3 * semantics.CHUNK + 5
    bits = semantics.random_bits(key, (size,))
    at = np.array([0, semantics.CHUNK - 1, semantics.CHUNK, size - 1])
    np.testing.assert_array_equal(bits[at], [semantics.random_words(key[0], key[1] + i) for i in at])
    assert semantics.random_bits(key, (0, 3)).shape == (0, 3)
