"""Record one run of a function: what it reads from outside, what it writes there, and its results.

While a trace runs, every storage that existed before stands on a placeholder: a parameter of the graph being
recorded.  When the trace ends, the storages get their nodes back; those that stood on another node by then
are outputs of the recorded program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from graphc.core.dtypes import as_dtype, get_default_dtype
from graphc.core.errors import LEADS_OUT, TracingError, add_location, user_location
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import DType, TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import CustomGradFn, GradFn
from graphc.storage.sharing import Places
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor
from graphc.tracing.unroll_warning import UNROLLED, depth, warn_of_loop

__all__ = ["Captured", "GradSlot", "Trace", "capture_number", "guard", "is_compiling", "no_way_out", "paused"]


@dataclass(eq=False)
class Captured:
    """A storage from outside: its placeholder, what it was before, and where to find it at each call.

    It is itself where it is found, but for the `.grad` of a tensor, which `found` finds.
    """

    placeholder: Node
    storage: Storage
    found: Callable[[], Storage | None] | None
    node: Node
    requires_grad: bool
    fn: GradFn | None
    version: int
    pending: int

    def source(self) -> Storage | None:
        """Return the storage to read at this moment; None if there is none."""
        return self.storage if self.found is None else self.found()


@dataclass(eq=False)
class GradSlot:
    """The `.grad` of a tensor from outside: what it was, and whether the function looked before it wrote."""

    tensor: Tensor
    original: Tensor | None
    looked: bool


class Trace:
    """What one run of a function has read, written and decided by."""

    def __init__(self) -> None:
        self.captures: dict[Storage, Captured] = {}
        self.grads: dict[Tensor, GradSlot] = {}
        self.sources: dict[Storage, Callable[[], Storage | None]] = {}
        self.placeholders: dict[Tensor, Tensor] = {}
        self.rebound: set[Storage] = set()
        self.sharing = Places()
        self.guards: list[tuple[Callable[[], Any], Any]] = []
        self.numbers: list[tuple[Callable[[], Any], Node]] = []
        self.forward: list[Node] | None = None
        self.lines: dict[str, int] = {}
        self.grad = state.grad
        self.depth = depth() - 2  # that of the frame that traces

    def recorded(self, where: str) -> None:
        """Count an operation of a line of the user's."""
        count = self.lines[where] = self.lines.get(where, 0) + 1
        if count == UNROLLED:
            warn_of_loop(self.depth)

    def apply_function(self, call: Any) -> tuple[Any, bool]:
        """Run a custom function; return its results, and whether a gradient through them is recorded here."""
        return call.run(), True

    def enter(self, storage: Storage) -> None:
        """Put a storage from outside on a placeholder."""
        if storage.trace is not None:
            raise storage.trace.escaped(storage.node)
        placeholder = parameter(storage.node.type, storage.node.name or f"state{len(self.captures)}")
        source = self.sources.get(storage)
        kept = Captured(
            placeholder, storage, source, storage.node, storage.requires_grad, storage.fn, storage.version, storage.pending
        )
        self.captures[storage] = kept
        if not self.sharing.known:
            self.guards.append((self.sharing, True))
        self.sharing.known[storage] = storage.place
        storage.node, storage.trace = placeholder, self
        if storage.fn is not None:
            storage.fn = CustomGradFn(storage.fn.name(), (), [placeholder], [placeholder], no_way_out)

    def leave(self) -> None:
        """Give every storage and `.grad` back what it had before."""
        for storage, kept in list(self.captures.items()):
            if storage.trace is self:
                storage.node, storage.requires_grad, storage.fn = kept.node, kept.requires_grad, kept.fn
                storage.version, storage.pending, storage.trace = kept.version, kept.pending, None
        for slot in self.grads.values():
            slot.tensor._grad = slot.original

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Run a block as if this trace had not begun: a signal handler that interrupts it."""
        inside = [(s, s.node, s.requires_grad, s.fn, s.version, s.pending, s.trace) for s in self.captures]
        grads = [(slot, slot.tensor._grad) for slot in self.grads.values()]
        inner, mode = state.trace, state.grad
        self.leave()
        state.trace, state.grad = None, self.grad
        try:
            yield
        finally:
            state.trace, state.grad = inner, mode
            for s, node, requires_grad, fn, version, pending, trace in inside:
                if trace is self:
                    kept = self.captures[s]
                    kept.node, kept.requires_grad, kept.fn = s.node, s.requires_grad, s.fn
                    kept.version, kept.pending, s.trace = s.version, s.pending, self
                    s.node, s.requires_grad, s.fn, s.version, s.pending = node, requires_grad, fn, version, pending
            for slot, grad in grads:
                slot.original, slot.tensor._grad = slot.tensor._grad, grad

    def escaped(self, node: Node) -> TracingError:
        """Return the error for a tensor of this trace that is used when it is over."""
        origin = f" made at {node.where}" if node.where else ""
        error = TracingError(
            f"expected a tensor with a value, got {node.type}{origin} while a function was traced for compiling. Tensors made "
            "inside a compiled function can leave it only as results, in .grad, or by in-place writes to tensors from outside."
        )
        add_location(error)
        return error

    def knows(self, storage: Storage) -> bool:
        """Tell whether a storage is from outside, or that of an argument."""
        return storage in self.captures or any(x._storage is storage for x in self.placeholders)

    def _is_outside(self, tensor: Tensor) -> bool:
        storage = tensor._storage
        return tensor in self.placeholders or storage.trace is not self or storage in self.captures

    def reads_grad(self, tensor: Tensor) -> None:
        """Note that the function looks at a `.grad`."""
        if tensor in self.grads or not self._is_outside(tensor):
            return
        original = tensor._grad
        self.grads[tensor] = GradSlot(tensor, original, True)
        if original is not None and tensor not in self.placeholders:
            self.sources[original._storage] = lambda: None if tensor._grad is None else tensor._grad._storage

    def writes_grad(self, tensor: Tensor) -> None:
        """Note that the function puts something into a `.grad`."""
        if tensor not in self.grads and self._is_outside(tensor):
            self.grads[tensor] = GradSlot(tensor, tensor._grad, False)

    def begins_backward(self, roots: Iterable[Node]) -> None:
        """Note what was recorded before the first gradient: the stage called `captured`."""
        if self.forward is None:
            self.forward = list(roots)


def no_way_out(cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
    """Refuse a gradient.  Raises TracingError."""
    raise TracingError(LEADS_OUT)


def is_compiling() -> bool:
    """Tell whether a function is being traced in this thread."""
    return state.trace is not None


def capture_number(getter: Callable[[], float], dtype: Any = None) -> Any:
    """Return a number that a compiled function fetches anew at each call; outside of one, just the number.

    While tracing it is a 0-d tensor of `dtype`, the default float dtype if None.
    """
    trace = state.trace
    if trace is None:
        return getter()
    ir: DType = (get_default_dtype() if dtype is None else as_dtype(dtype)).ir
    node = parameter(TensorType(ir), f"number{len(trace.numbers)}")
    node.where = user_location()
    trace.numbers.append((getter, node))
    return Tensor._of(Storage(node))


def guard(getter: Callable[[], Any]) -> Any:
    """Return `getter()`; a compiled function is traced again when that changes."""
    value = getter()
    if state.trace is not None:
        state.trace.guards.append((getter, value))
    return value


@contextmanager
def paused() -> Iterator[None]:
    """Run a block outside of the trace: what it makes is state from outside, as an optimizer's first moments are."""
    outer = state.trace
    state.trace = None
    try:
        yield
    finally:
        state.trace = outer
