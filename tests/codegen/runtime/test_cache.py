"""Caches with bounds on the number and the cost of their entries."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from codegen.runtime.cache import Cache


def filled(most: int, most_bytes: int, costs: list[int], **kwargs: object) -> Cache[int, str]:
    cache: Cache[int, str] = Cache(most, most_bytes, **kwargs)  # type: ignore[arg-type]
    for key, cost in enumerate(costs):
        cache.add(key, f"value {key}", cost)
    return cache


def keys(cache: Cache[int, str]) -> list[int]:
    return [int(value.split()[1]) for value in cache.values()]


def test_the_least_recently_used_are_dropped_beyond_a_number() -> None:
    dropped: list[str] = []
    cache = filled(3, 100, [1, 1, 1], dropped=dropped.append)
    assert cache.get(0) == "value 0"
    cache.add(3, "value 3", 1)
    assert keys(cache) == [2, 0, 3] and dropped == ["value 1"] and cache.get(1) is None


def test_the_least_recently_used_are_dropped_beyond_their_cost() -> None:
    assert keys(filled(100, 10, [4, 4, 4])) == [1, 2]
    assert keys(filled(100, 10, [1] * 5 + [8])) == [3, 4, 5]


def test_the_newest_stays_whatever_it_costs() -> None:
    cache = filled(100, 10, [4, 50])
    assert keys(cache) == [1] and cache.bytes == 50


def test_a_cost_may_change() -> None:
    cache = filled(100, 10, [3, 3, 3])
    cache.charge(0, cache.values()[0], 5)
    assert keys(cache) == [2, 0] and cache.bytes == 8
    cache.charge(0, "another", 1)
    cache.charge(7, "missing", 1)
    assert cache.bytes == 8


def test_a_known_value_is_not_replaced() -> None:
    cache = filled(100, 10, [3])
    assert cache.add(0, "another", 9) == "value 0" and cache.bytes == 3
    assert cache.pop(0) == "value 0" and cache.pop(0) is None and cache.bytes == 0 == len(cache)


def test_values_that_were_used_without_a_look_up_stay() -> None:
    times = {f"value {key}": key for key in range(9)} | {"value 0": 100}
    cache = filled(3, 100, [1] * 4, last_use=times.__getitem__)
    assert keys(cache) == [0, 2, 3]
    times["value 2"] = 101
    for key in (4, 5):
        cache.add(key, f"value {key}", 1)
    assert keys(cache) == [0, 2, 5]
    times["value 6"] = -1  # a new value stays, whatever the clock says
    cache.add(6, "value 6", 1)
    assert keys(cache) == [0, 2, 6]


def test_clear_drops_all() -> None:
    dropped: list[str] = []
    cache = filled(9, 100, [1, 2, 3], dropped=dropped.append)
    cache.clear()
    assert len(dropped) == 3 and len(cache) == 0 == cache.bytes


def test_what_runs_in_between_may_change_the_cache() -> None:
    """A signal handler or a finalizer runs in the thread that holds the lock."""
    run: list[Callable[[], object]] = []

    def last_use(value: str) -> int:
        if run:
            run.pop()()
        return len(value)

    cache: Cache[int, str] = Cache(3, 100, last_use=last_use)
    for number in range(40):
        run += [partial(cache.add, 100 + number, "xx", 1), partial(cache.pop, number - 1)]
        cache.charge(number, cache.add(number, f"{number}", 1), 2)
    assert len(cache) <= 3 and cache.get(39) == "39"
    assert cache.bytes == sum(1 if value == "xx" else 2 for value in cache.values())
