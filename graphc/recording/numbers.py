"""Python numbers that change: learning rates of a schedule, corrections of a bias, a step's count.

An event is told apart by the numbers among its arguments, as constants.  Where another number comes at the same place, the
event takes it as an input: the structure stays the same from then on.  So that all numbers of an iteration which change
are found at once, the recording follows what was recorded with the numbers of before, its `shadow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.recording.recording import Recording
from graphc.recording.trie import Entry

__all__ = ["NUMBER", "arrays", "may_vary", "number_key", "varies"]

NUMBER = "number"
"""Stands in a key for a number that is an input."""

LARGEST = {float: 1e38, int: 2**31 - 1}
"""Numbers beyond are constants: whether a dtype holds them is checked."""


def number_key(number: Any) -> tuple[type, Any]:
    """Return what tells numbers apart by type and bits."""
    if isinstance(number, float):
        return (type(number), number if number and number == number else number.hex())
    return (type(number), number)


def may_vary(number: Any) -> bool:
    """Tell whether a number may be an input: not 0 nor 1, which bodies look for, and none that a dtype may be too small for."""
    return number not in (0, 1) and -LARGEST[type(number)] <= number <= LARGEST[type(number)]


def varies(recording: Recording, entry: Entry, key: Any, generic: Any) -> bool:
    """Tell whether the numbers of an event that has not been seen after `entry` are others than before.

    `generic` is its key with `NUMBER` for them.
    """
    before = recording.shadow or entry
    if generic in before.children:
        recording.shadow = before.children[generic]
        return True
    last = before.numbered.get(generic)
    same = None if before is entry else before.children.get(key)
    recording.shadow = last if same is None else same
    return last is not None and same is None


def arrays(entry: Entry, numbers: Sequence[Any]) -> list[Any]:
    """Return the numbers of an event as arrays."""
    return [np.array(n, p.types[0].dtype.numpy) for n, p in zip(numbers, entry.numbers, strict=True)]
