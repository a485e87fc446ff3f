"""The fuzzer itself: that it repeats, finds what is wrong, and passes what is not."""

from tests.fuzz.generate import generate
from tests.fuzz.program import arrays, source


def test_a_seed_is_a_program() -> None:
    for seed in range(20):
        first, second = generate(seed), generate(seed)
        assert source(first) == source(second)
        assert all((x == y).all() or (x != x).any() for x, y in zip(arrays(first), arrays(second), strict=True))
