"""What is true of this thread right now: whether gradients are recorded, and which trace is running."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from graphc.tensors.storage import Storage
    from graphc.tracing.trace import Trace

__all__ = ["state"]


class _State(threading.local):
    """Thread-local: `grad` (recording), `inference`, `trace` (None outside compile), `dirty`.

    `dirty` holds the storages that were changed in place and not computed since.  They are the state of a
    program, so whatever is computed next computes them too: no chain of pending updates can pile up.
    """

    def __init__(self) -> None:
        self.grad = True
        self.inference = False
        self.anomaly = False
        self.trace: Trace | None = None
        self.dirty: WeakSet[Storage] = WeakSet()


state = _State()
