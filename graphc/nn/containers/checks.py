"""Checks of indices and of the iterables that containers are filled with."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphc.nn.module import Module
from graphc.tensors.tensor import Tensor

__all__ = ["iterable", "pairs_of", "position_of"]


def position_of(index: Any, count: int) -> int:
    """Return an index counted from the front.  Raises IndexError, and TypeError for what is no integer."""
    position = operator.index(index)
    if not -count <= position < count:
        raise IndexError(f"index {position} is out of range")
    return position % count


def iterable(values: Any, where: str) -> Any:
    """Return values that are iterable and no tensor.  Raises TypeError for others."""
    if not isinstance(values, Iterable) or isinstance(values, Tensor):
        raise TypeError(f"{where} should be called with an iterable, but got {type(values).__name__}")
    return values


def pairs_of(values: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a mapping or of an iterable of pairs.  Raises TypeError, ValueError."""
    if isinstance(values, Mapping) or (isinstance(values, Module) and hasattr(values, "items")):
        yield from values.items()
        return
    for j, pair in enumerate(iterable(values, f"{where}.update")):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{where} update sequence element #{j} should be Iterable; is {type(pair).__name__}")
        items = tuple(pair)
        if len(items) != 2:
            raise ValueError(f"{where} update sequence element #{j} has length {len(items)}; 2 is required")
        yield items
