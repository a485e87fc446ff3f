"""A cache whose bounds are a number of entries and their total cost in bytes; what was not used for longest is dropped."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from graphc.codegen.runtime.locks import ForkLock

__all__ = ["Cache"]

K = TypeVar("K")
V = TypeVar("V")


def _nothing(value: object) -> None:
    pass


class Cache(Generic[K, V]):
    """Values by key in the order of their use.  The newest value stays, whatever it costs.

    `last_use` returns when a value was last used, for values that are also used without a look-up: a number that rises.
    `dropped` is called with each value that is dropped.
    """

    def __init__(
        self,
        most: int,
        most_bytes: int,
        *,
        last_use: Callable[[V], int] | None = None,
        dropped: Callable[[V], None] = _nothing,
    ) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.bytes = 0
        self.lock = ForkLock()
        self._last_use, self._dropped = last_use, dropped
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def values(self) -> list[V]:
        """Return all values, the oldest first."""
        with self.lock:
            return [value for value, _ in self._entries.values()]

    def get(self, key: K) -> V | None:
        """Return the value of a key, now the newest; None if there is none."""
        with self.lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def add(self, key: K, value: V, cost: int) -> V:
        """Return the value of a key, this one if there is none; it costs that many bytes."""
        with self.lock:
            known = self.get(key)
            if known is not None:
                return known
            self._entries[key] = (value, cost)
            self.bytes += cost
            self._shrink()
            return value

    def charge(self, key: K, value: V, cost: int) -> None:
        """Set what a value costs, if it is still the value of its key."""
        with self.lock:
            entry = self._entries.get(key)
            if entry is not None and entry[0] is value:
                self._entries[key] = (value, cost)
                self.bytes += cost - entry[1]
                self._entries.move_to_end(key)
                self._shrink()

    def pop(self, key: K) -> V | None:
        """Remove a key; return its value."""
        with self.lock:
            value, cost = self._entries.pop(key, (None, 0))
            self.bytes -= cost
            return value

    def clear(self) -> None:
        """Drop all values."""
        with self.lock:
            entries, self._entries, self.bytes = self._entries, OrderedDict(), 0
            for value, _ in entries.values():
                self._dropped(value)

    def _shrink(self) -> None:
        while len(self._entries) > 1 and (len(self._entries) > self.most or self.bytes > self.most_bytes):
            value, cost = self._entries.pop(self._oldest())
            self.bytes -= cost
            self._dropped(value)

    def _oldest(self) -> K:
        last_use = self._last_use
        if last_use is None:
            return next(iter(self._entries))
        newest = next(reversed(self._entries))
        return min((key for key in self._entries if key is not newest), key=lambda key: last_use(self._entries[key][0]))
