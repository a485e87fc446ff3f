"""Choices of categories, by their frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as G
from tests import parity


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_frequencies_of_categories(replacement: bool, compiled: bool) -> None:
    G.manual_seed(3)
    weights = G.tensor([1.0, 0.0, 6.0, 3.0]).expand(30000, 4)
    draw = (G.compile if compiled else (lambda f: f))(lambda w: G.multinomial(w, 2, replacement))
    first, second = draw(weights).numpy().T
    p = np.array([0.1, 0.0, 0.6, 0.3])
    later = p if replacement else sum(p[i] * np.where(np.arange(4) == i, 0, p) / (1 - p[i]) for i in range(4))
    for drawn, wanted in ((first, p), (second, later)):
        np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 30000, wanted, atol=0.012)
    assert replacement or (first != second).all()


def test_seeds_and_shapes() -> None:
    generator = G.Generator()
    one, two = (G.multinomial(G.ones(5), 3, generator=generator.manual_seed(1)) for _ in range(2))
    assert one.tolist() == two.tolist() and one.dtype is G.int64 and G.ones(2, 5).multinomial(4, True).shape == (2, 4)


def test_exponential_numbers() -> None:
    G.manual_seed(0)
    x = G.empty(20000, dtype=G.float64).exponential_(4.0).numpy()
    assert x.min() > 0 and abs(x.mean() - 0.25) < 0.006 and abs((x > 0.5).mean() - np.exp(-2)) < 0.01


@pytest.mark.parametrize("call", [
    lambda t: t.multinomial(t.ones(3), 4), lambda t: t.multinomial(t.ones(3), 0), lambda t: t.multinomial(t.ones(3).long(), 1),
    lambda t: t.multinomial(t.ones(1, 1, 3), 1), lambda t: t.ones(2).exponential_(0.0),
])  # fmt: skip
def test_errors_are_torchs(call: Any) -> None:
    parity.assert_same_error(call)


def test_weights_are_checked_when_the_choice_is_computed() -> None:
    for weights, rule in (([0.0, 0.0], "sum of probabilities <= 0"), ([float("nan"), 1.0], "element < 0")):
        with pytest.raises(RuntimeError, match=rule):
            G.multinomial(G.tensor(weights), 1, True).tolist()
    with pytest.raises(RuntimeError, match="not enough"):
        G.multinomial(G.tensor([1.0, 0.0]), 2).tolist()
