"""Random numbers: draws never overlap, states replay, moments and ranges are those of the distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.ir.core.semantics import random_words

DRAWS: dict[str, Callable[[int], Any]] = {
    "rand": lambda n: G.rand(n, dtype=G.float64),
    "randn": lambda n: G.randn(n, dtype=G.float64),
    "normal": lambda n: G.normal(0.0, 1.0, (n,), dtype=G.float64),
    "randint": lambda n: G.randint(0, 2**62, (n,)),
    "rand_like": lambda n: G.rand_like(G.zeros(n, dtype=G.float64)),
    "randn_like": lambda n: G.randn_like(G.zeros(n, dtype=G.float64)),
    "randint_like": lambda n: G.randint_like(G.zeros(n, dtype=G.int64), 2**62),
    "f32": lambda n: G.rand(n),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_do_not_overlap(name: str) -> None:
    G.manual_seed(11)
    compiled = G.compile(lambda n: DRAWS[name](n))
    drawn = [draw(n).tolist() for n in (1, 2, 3, 4, 5, 7, 8, 9) for draw in (DRAWS[name], compiled, DRAWS[name])]
    values = [x for piece in drawn for x in piece]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("name", DRAWS)
def test_states_replay(name: str) -> None:
    G.manual_seed(4)
    DRAWS[name](3).tolist()
    state = G.get_rng_state()
    first = DRAWS[name](6).tolist()
    G.set_rng_state(state)
    assert DRAWS[name](6).tolist() == first
    assert DRAWS[name](6).tolist() != first


def test_seeds() -> None:
    G.manual_seed(123)
    assert G.initial_seed() == 123 and G.random.default_generator is G.default_generator
    one, other = G.Generator().manual_seed(9), G.Generator().manual_seed(9)
    assert G.rand(5, generator=one).tolist() == G.rand(5, generator=other).tolist()
    assert G.seed() == G.initial_seed() != 123


def test_distributions() -> None:
    G.manual_seed(0)
    uniform, normal = G.rand(20000).numpy(), G.normal(2.0, 3.0, (20000,)).numpy()
    assert uniform.min() >= 0 and uniform.max() < 1 and abs(uniform.mean() - 0.5) < 0.01
    assert abs(normal.mean() - 2) < 0.08 and abs(normal.std() - 3) < 0.08
    whole = G.randint(-2, 3, (5000,)).numpy()
    assert set(whole.tolist()) == {-2, -1, 0, 1, 2}
    assert sorted(G.randperm(50).tolist()) == list(range(50))
    heads = G.bernoulli(G.full((10000,), 0.3)).numpy()
    assert set(heads.tolist()) == {0.0, 1.0} and abs(heads.mean() - 0.3) < 0.02
    kept = G.dropout(G.ones(10000), 0.25, True).numpy()
    assert set(np.unique(kept)) == {np.float32(0), np.float32(1 / 0.75)} and abs((kept == 0).mean() - 0.25) < 0.02


def words(seed: int, start: int, count: int) -> Any:
    """Return words of the stream of a seed, as unsigned numbers."""
    return random_words(seed, start + np.arange(count)).view(np.uint32).astype(np.uint64)


def test_each_draw_starts_behind_the_words_of_the_last() -> None:
    generator = G.Generator().manual_seed(9)
    start = 0
    for n in (1, 3, 4):
        drawn = G.rand(n, dtype=G.float64, generator=generator).numpy()
        high, low = np.split(words(9, start, 2 * n), 2)
        np.testing.assert_array_equal(drawn, ((high >> 6) * 2.0**27 + (low >> 5)) * 2.0**-53)
        start += 2 * n
        assert generator.get_state().tolist() == [9, start]
    coins = G.bernoulli(G.full((5,), 0.5, dtype=G.float64), generator=generator).numpy()
    np.testing.assert_array_equal(coins, (words(9, start, 5) >> 8) * 2.0**-24 < 0.5)
    assert generator.get_state().tolist() == [9, start + 5]
