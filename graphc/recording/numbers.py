"""Python numbers that change: learning rates of a schedule, bias corrections, a step count.

Events are first keyed by the numbers among their arguments, as constants.  If another number occurs at the same position, the
event takes it as an input, and the structure stays the same from then on.  To find all changing numbers of an iteration at
once, the recording follows the events of the previous numbers, its `shadow`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.recording.recording import Recording
from graphc.recording.trie import Entry

__all__ = ["NUMBER", "arrays", "may_vary", "number_key", "varies"]

NUMBER = "number"
"""Replaces a number that is an input in a key."""

LARGEST = {float: 1e38, int: 2**31 - 1}
"""Numbers beyond this are constants, since they may overflow a dtype."""


def number_key(number: Any) -> tuple[type, Any]:
    """Return a key that distinguishes numbers by type and bits."""
    if isinstance(number, float):
        return (type(number), number if number and number == number else number.hex())
    return (type(number), number)


def may_vary(number: Any) -> bool:
    """Return whether a number may be an input: not 0 or 1, which bodies test for, and not one that a dtype may not hold."""
    if number == 0 or number == 1:
        return False
    largest = LARGEST[type(number)]
    return bool(-largest <= number <= largest)


def varies(recording: Recording, entry: Entry, key: Any, generic: Any) -> bool:
    """Return whether an unseen event differs only in its numbers from one that was seen after `entry`.

    `generic` is its key with `NUMBER` in their place.
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
