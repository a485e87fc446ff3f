"""The number of threads as users set it."""

from __future__ import annotations

import numpy as np
import pytest

import graphc


def test_set_and_get() -> None:
    before = graphc.get_num_threads()
    assert before >= 1
    try:
        graphc.set_num_threads(5)
        assert graphc.get_num_threads() == 5
    finally:
        graphc.set_num_threads(before)


def test_a_block_restores_the_number() -> None:
    before = graphc.get_num_threads()
    with pytest.raises(KeyError), graphc.threads(4):
        assert graphc.get_num_threads() == 4
        raise KeyError
    assert graphc.get_num_threads() == before


@pytest.mark.parametrize(
    ("number", "error", "text"),
    [
        (0, ValueError, "a number of threads is from 1 to 1024, got 0"),
        (1025, ValueError, "a number of threads is from 1 to 1024, got 1025"),
        (2.0, TypeError, "a number of threads is an int, got float"),
        (True, TypeError, "a number of threads is an int, got bool"),
    ],
)
def test_no_numbers_of_threads(number: int, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        graphc.set_num_threads(number)
    with pytest.raises(error, match=text), graphc.threads(number):
        pass
    with pytest.raises(error, match=text):
        graphc.compile(lambda x: x, threads=number)


def test_a_decorator_takes_it() -> None:
    @graphc.compile(threads=2)
    def f(x):
        return x.exp()

    np.testing.assert_allclose(f(np.zeros(300_000, np.float32)), 1.0)
