"""How many random words a program draws, read off its graph."""

from __future__ import annotations

import pytest

from graphc.ir.core.build import concatenate, constant
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.core.types import BOOL, I64, TensorType
from graphc.ir.interpret.rng_offsets import drawn_words
from graphc.ir.regions.builders import cond, scan, while_loop

KEY = TensorType(I64, (2,))


def advanced(key: Node, words: int) -> Node:
    """Return a state, seed and offset, after some draws."""
    return key + concatenate([constant(0, I64, (1,)), constant(words, I64, (1,))], 0)


def body(words: int) -> Region:
    key = parameter(KEY)
    return Region((key,), (advanced(key, words),))


def test_draws_add_up() -> None:
    key = parameter(KEY)
    assert drawn_words(advanced(advanced(key, 3), 4), key) == 7
    assert drawn_words(key, key) == 0 and drawn_words(parameter(KEY), key) == 0


def test_loops_and_branches_that_draw_equally_much_are_counted() -> None:
    key, flag = parameter(KEY), parameter(TensorType(BOOL))
    (after,) = scan(body(5), [key], [], 6)
    assert drawn_words(after, key) == 30
    (chosen,) = cond(flag, body(2), body(2), [key])
    assert drawn_words(chosen, key) == 2


def test_what_depends_on_data_is_unknown() -> None:
    key, flag = parameter(KEY), parameter(TensorType(BOOL))
    (chosen,) = cond(flag, body(2), body(3), [key])
    assert drawn_words(chosen, key) is None
    state = parameter(KEY)
    test = Region((state,), (flag,))
    (after,) = while_loop(test, body(1), [key])
    assert drawn_words(after, key) is None


@pytest.mark.parametrize("words", [0, 1, 2**40])
def test_any_number_of_words(words: int) -> None:
    key = parameter(KEY)
    assert drawn_words(advanced(key, words), key) == words
