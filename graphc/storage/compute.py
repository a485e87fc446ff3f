"""Compute the values of storages, with those of all storages that were written in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphc.ir.core.graph import Node
from graphc.recording.context import state
from graphc.recording.lazy import realize
from graphc.storage.storage import Storage

__all__ = ["compute"]


def compute(storages: Iterable[Storage], nodes: Sequence[Node] = ()) -> None:
    """Compute the values of storages and nodes, and of storages changed in place since the last time; not while tracing."""
    state.recording.flush()
    dirty = state.dirty.take()
    wanted = [*dict.fromkeys([*storages, *dirty])]
    try:
        realize([*nodes, *_pending(wanted)])
    except (IndexError, RuntimeError):
        if not dirty:
            raise
        wanted = list(storages)
        realize([*nodes, *_pending(wanted)])  # the failed one may be a write that these do not read
        wanted += _computable(s for s in dirty if s not in wanted)
    for storage in wanted:
        storage.settle()


def _pending(storages: Iterable[Storage]) -> list[Node]:
    roots = [s.root for s in storages]
    return [r.make_node() for r in roots if r._node is not None or r.value is None]


def _computable(storages: Iterable[Storage]) -> list[Storage]:
    """Compute storages one by one and return those that succeed; the others raise when they are read."""
    computed = []
    for storage in storages:
        try:
            realize([storage.root.make_node()])
        except (IndexError, RuntimeError):
            continue
        computed.append(storage)
    return computed
