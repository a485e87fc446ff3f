"""Equality of Python values for guards: equal and of one type; -0.0 differs from 0.0, and NaN equals itself."""

from __future__ import annotations

import struct
from collections.abc import Hashable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["by_value", "exact"]

_NUMBERS = (bool, int, str, bytes, type(None), type(Ellipsis))


def by_value(x: Any) -> Hashable:
    """Return a key that two values share if a trace cannot distinguish them.  Raises TypeError for unhashable values.

    Floats are compared by their bits; tuples, sets, slices and frozen dataclasses by their parts.
    """
    kind = type(x)
    if kind in _NUMBERS:
        return (kind, x)
    if kind is float:
        return (kind, struct.pack("d", x))
    if kind is complex:
        return (kind, struct.pack("dd", x.real, x.imag))
    if isinstance(x, np.generic):
        return (kind, x.dtype, x.tobytes())
    if isinstance(x, tuple):
        return (kind, tuple([by_value(v) for v in x]))
    if isinstance(x, frozenset):
        return (kind, frozenset([by_value(v) for v in x]))
    if kind is slice:
        return (kind, by_value(x.start), by_value(x.stop), by_value(x.step))
    hash(x)
    if is_dataclass(x) and not isinstance(x, type):
        return (kind, tuple([by_value(getattr(x, f.name)) for f in fields(x)]), x)
    return (kind, x)


def exact(a: Any, b: Any) -> bool:
    """Return whether two values are the same object, or equal in everything that a trace can observe."""
    if a is b:
        return True
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is tuple or kind is list:
        if len(a) != len(b):
            return False
        for x, y in zip(a, b):  # noqa: B905, SIM110 (this runs at each call; a generator takes longer)
            if x is not y and not exact(x, y):
                return False
        return True
    if kind is float:
        return struct.pack("d", a) == struct.pack("d", b)
    if kind in _NUMBERS or kind is range:
        return bool(a == b)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and bool(a.tobytes() == b.tobytes())
    if kind in (complex, frozenset, slice) or isinstance(a, np.generic):
        return by_value(a) == by_value(b)
    return False
