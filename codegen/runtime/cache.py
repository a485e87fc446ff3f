"""A cache whose bounds are a number of entries and their total cost in bytes; what was not used for longest is dropped."""

from __future__ import annotations

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
        self.lock = ForkLock()
        self._last_use, self._dropped = last_use, dropped
        self._entries: dict[K, tuple[V, int]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """Return what all values cost."""
        return sum([cost for _, cost in self._snapshot()])

    def values(self) -> list[V]:
        """Return all values, the oldest first."""
        with self.lock:
            return [value for value, _ in self._snapshot()]

    def get(self, key: K) -> V | None:
        """Return the value of a key, now the newest; None if there is none."""
        with self.lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._touch(key)
            return entry[0]

    def add(self, key: K, value: V, cost: int) -> V:
        """Return the value of a key, this one if there is none; it costs that many bytes."""
        with self.lock:
            known = self._entries.setdefault(key, (value, cost))[0]
            self._touch(key)
            self._shrink()
            return known

    def charge(self, key: K, value: V, cost: int) -> None:
        """Set what a value costs, if it is still the value of its key."""
        with self.lock:
            entry = self._entries.get(key)
            if entry is not None and entry[0] is value:
                self._entries[key] = (value, cost)
                self._touch(key)
                self._shrink()

    def pop(self, key: K) -> V | None:
        """Remove a key; return its value."""
        with self.lock:
            return self._entries.pop(key, (None, 0))[0]

    def clear(self) -> None:
        """Drop all values."""
        with self.lock:
            entries, self._entries = self._entries, {}
            for value, _ in entries.values():
                self._dropped(value)

    # A signal handler or finalizer, which the lock lets pass, may change the entries between any two calls.  A dict is copied
    # in one; an OrderedDict looks each key up meanwhile, which calls its `__eq__`.

    def _snapshot(self) -> list[tuple[V, int]]:
        return list(self._entries.values())

    def _touch(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._entries[key] = entry

    def _shrink(self) -> None:
        while True:
            entries = list(self._entries.items())
            if len(entries) < 2 or (len(entries) <= self.most and sum([cost for _, (_, cost) in entries]) <= self.most_bytes):
                return
            dropped = self._entries.pop(self._oldest(entries), None)
            if dropped is not None:
                self._dropped(dropped[0])

    def _oldest(self, entries: list[tuple[K, tuple[V, int]]]) -> K:
        """Return the key of the entry that was not used for longest; the last one counts as just used."""
        last_use = self._last_use
        return entries[0][0] if last_use is None else min(entries[:-1], key=lambda entry: last_use(entry[1][0]))[0]
