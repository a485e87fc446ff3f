"""What is true of this thread right now: whether gradients are recorded, and which trace is running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from weakref import WeakSet

from graphc.ir.core.graph import Node

__all__ = ["Recorder", "state"]


class Recorder(Protocol):
    """What tensors tell the trace that records them; the traces of compiled functions, batches and bodies implement it."""

    guards: list[tuple[Callable[[], Any], Any]]
    numbers: list[tuple[Callable[[], Any], Node]]
    grad: bool
    """Whether gradients were recorded where the trace began."""
    rebound: set[Any]
    """The storages that took a value of their own, by `x.data = y`."""

    def enter(self, storage: Any) -> None:
        """Put a storage from outside of the trace on a placeholder."""

    def knows(self, storage: Any) -> bool:
        """Tell whether a storage is from outside of the trace, or that of an argument."""

    def escaped(self, node: Node) -> Exception:
        """Return the error for a tensor of the trace that is used when it is over."""

    def recorded(self, where: str) -> None:
        """Note an operation recorded at a line of the user's."""

    def apply_function(self, call: Any) -> tuple[Any, bool]:
        """Run a call of a custom function; return its results, and whether a gradient through them is recorded here."""

    def reads_grad(self, tensor: Any) -> None:
        """Note that the function reads a `.grad`."""

    def writes_grad(self, tensor: Any) -> None:
        """Note that the function replaces a `.grad`."""

    def begins_backward(self, roots: Iterable[Node]) -> None:
        """Note the nodes from which the first gradient is taken."""


class _State(threading.local):
    """Thread-local: `grad` (recording), `inference`, `trace` (None outside compile), `compiling`, `dirty`.

    `dirty` holds the storages that were changed in place and not computed since.  They are the state of a
    program, so whatever is computed next computes them too: no chain of pending updates can pile up.
    """

    def __init__(self) -> None:
        self.grad = True
        self.inference = False
        self.anomaly = False
        self.trace: Recorder | None = None
        self.compiling = False
        self.dirty: WeakSet[Any] = WeakSet()


state = _State()
