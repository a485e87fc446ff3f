"""Thread-local state: whether gradients are recorded, and which trace is running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Protocol
from weakref import ref

from graphc.ir.core.graph import Node

__all__ = ["Recorder", "state"]


class Recorder(Protocol):
    """The events that tensors report to a running trace; traces of compiled functions, batches and bodies implement it."""

    guards: list[tuple[Callable[[], Any], Any]]
    numbers: list[tuple[Callable[[], Any], Node]]
    grad: bool
    """Whether gradients were recorded where the trace began."""
    rebound: set[Any]
    """The storages that were given a value of their own by `x.data = y`."""

    def enter(self, storage: Any) -> None:
        """Replace the node of an external storage by a placeholder."""

    def knows(self, storage: Any) -> bool:
        """Return whether a storage is external to the trace, or that of an argument."""

    def escaped(self, node: Node) -> Exception:
        """Return the error for a tensor of the trace that is used after the trace."""

    def recorded(self, where: str) -> None:
        """Record an operation of a source line."""

    def wrote(self, storage: Any) -> None:
        """Record a write to a storage."""

    def apply_function(self, call: Any) -> tuple[Any, bool]:
        """Run a call of a custom function; return its results, and whether a gradient through them is recorded here."""

    def reads_grad(self, tensor: Any) -> None:
        """Record that the function reads a `.grad`."""

    def writes_grad(self, tensor: Any) -> None:
        """Record that the function replaces a `.grad`."""

    def begins_backward(self, roots: Iterable[Node]) -> None:
        """Record the nodes from which the first gradient is taken."""

    def takes_gradients(self, steps: Iterable[Any], targets: Iterable[Any]) -> None:
        """Record that gradients of a history are taken with respect to chosen tensors."""


class Dirty:
    """Storages that were changed in place, weakly referenced, in the order of their first change."""

    def __init__(self) -> None:
        self._refs: dict[int, ref[Any]] = {}

    def add(self, storage: Any) -> None:
        """Add a storage."""
        known = self._refs.get(id(storage))
        if known is None or known() is not storage:
            self._refs[id(storage)] = ref(storage)

    def discard(self, storage: Any) -> None:
        """Remove a storage."""
        self._refs.pop(id(storage), None)

    def take(self) -> list[Any]:
        """Return the storages that are still alive, and clear the set."""
        refs, self._refs = self._refs, {}
        return [storage for r in refs.values() if (storage := r()) is not None]


class _State(threading.local):
    """Thread-local state.

    `trace` is None outside of compile.  `dirty` holds the storages that were changed in place and not computed since: the next
    program computes them too, so no chain of pending updates piles up.  `recording` takes the operations that are pending in
    this thread; `fast` is the same while operations may be recorded as events, and None while a function is traced or
    transformed, or in anomaly mode.
    """

    new_recording: ClassVar[Callable[[], Any]] = lambda: None
    """Makes a recording; `graphc.recording.recording` says how."""

    def __init__(self) -> None:
        self._grad = True
        self.inference = False
        self._anomaly = False
        self._trace: Recorder | None = None
        self._transforms = 0
        self.compiling = False
        self.dirty = Dirty()
        self.recording: Any = None
        self.fast: Any = None
        self.renew()

    def renew(self, closed: Any = None) -> None:
        """Begin a new recording, unless another one than the closed one has begun."""
        own = self.__dict__  # of this thread: one look-up instead of one for each attribute
        if closed is not None and own["recording"] is not closed:
            return
        recording = _State.new_recording()
        if recording is not None:
            recording.grad = own["_grad"]
        own["recording"] = recording
        on_nodes = own["_trace"] is not None or own["_anomaly"] or own["_transforms"]
        own["fast"] = None if on_nodes else recording

    def _choose(self) -> None:
        on_nodes = self._trace is not None or self._anomaly or self._transforms
        self.fast = None if on_nodes else self.recording

    @property
    def grad(self) -> bool:
        """Whether gradients are recorded."""
        return self._grad

    @grad.setter
    def grad(self, mode: bool) -> None:
        self._grad = mode
        if self.recording is not None:
            self.recording.grad = mode

    @property
    def trace(self) -> Recorder | None:
        """The running trace, or None."""
        return self._trace

    @trace.setter
    def trace(self, trace: Recorder | None) -> None:
        self._trace = trace
        self._choose()

    @property
    def transforms(self) -> int:
        """The number of running function transforms, which push tangents through nodes."""
        return self._transforms

    @transforms.setter
    def transforms(self, count: int) -> None:
        self._transforms = count
        self._choose()

    @property
    def anomaly(self) -> bool:
        """Whether backward checks for NaN."""
        return self._anomaly

    @anomaly.setter
    def anomaly(self, mode: bool) -> None:
        self._anomaly = mode
        self._choose()


state = _State()
