"""Record one run of a function: the state it reads and writes, and its results.

While a trace runs, every storage that existed before it has a placeholder as its node: a parameter of the recorded graph.  When
the trace ends, the storages get their nodes back; those whose node had changed by then are outputs of the recorded program.
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
from graphc.recording.grad_fn import GradFn, OuterGradFn, TransformInput
from graphc.storage.sharing import Places, Shared
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor
from graphc.tracing.unroll_warning import UNROLLED, depth, warn_of_loop

__all__ = ["Captured", "GradSlot", "Trace", "capture_number", "guard", "is_compiling", "no_way_out", "paused"]


@dataclass(eq=False)
class Captured:
    """An external storage: its placeholder, its state before the trace, and how to find it at each call.

    It is found as itself, except for the storage of a `.grad`, which `lookup` looks up.
    """

    placeholder: Node
    storage: Storage
    lookup: Callable[[], Storage | None] | None
    node: Node
    requires_grad: bool
    fn: GradFn | None
    version: int
    pending: int

    def source(self) -> Storage | None:
        """Return the storage to read now; None if there is none."""
        return self.storage if self.lookup is None else self.lookup()


@dataclass(eq=False)
class GradSlot:
    """The `.grad` of an external tensor: its value before, and whether the function read it before writing."""

    tensor: Tensor
    original: Tensor | None
    looked: bool


class Trace:
    """The reads, writes and guards of one run of a function."""

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
        self.paths: list[tuple[list[Node], list[Tensor]]] = []
        """Placeholders where histories lead out, and the tensors with respect to which gradients of these were taken."""
        self.lines: dict[str, int] = {}
        self.grad = state.grad
        self.depth = depth() - 2  # the depth of the tracing frame

    def recorded(self, where: str) -> None:
        """Count an operation recorded from a source line."""
        count = self.lines[where] = self.lines.get(where, 0) + 1
        if count == UNROLLED:
            warn_of_loop(self.depth)

    def wrote(self, storage: Storage) -> None:
        """Do nothing: a write is seen by the node that the storage has at the end."""

    def apply_function(self, call: Any) -> tuple[Any, bool]:
        """Run a custom function; return its results, and whether a gradient through them is recorded here."""
        return call.run(), True

    def enter(self, storage: Storage) -> None:
        """Replace an external storage's node by a placeholder."""
        if storage.trace is not None:
            raise storage.trace.escaped(storage.make_node())
        node, fn = storage.make_node(), storage.make_fn()
        placeholder = parameter(node.type, node.name or f"state{len(self.captures)}")
        source = self.sources.get(storage)
        capture = Captured(placeholder, storage, source, node, storage.requires_grad, fn, storage.version, storage.pending)
        self.captures[storage] = capture
        if not self.sharing.known:
            self.guards.append((self.sharing, True))
        self.sharing.known[storage] = storage.place
        storage.set_node(placeholder)
        storage.trace = self
        if fn is not None:
            storage._fn = OuterGradFn(fn.name(), (), [placeholder], [placeholder], no_way_out)

    def leave(self) -> None:
        """Restore every storage and `.grad`."""
        for storage, capture in list(self.captures.items()):
            if storage.trace is self:
                storage.set_node(capture.node)
                storage.requires_grad, storage._fn = capture.requires_grad, capture.fn
                storage.version, storage.pending, storage.trace = capture.version, capture.pending, None
        for slot in self.grads.values():
            slot.tensor._grad = slot.original

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Suspend the trace for a block, such as an interrupting signal handler."""
        inside = [(s, s.node_in_trace(), s.requires_grad, s._fn, s.version, s.pending, s.trace) for s in self.captures]
        origins = [(s, s.origin) for s in self.captures if isinstance(s, Shared)]
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
                    capture = self.captures[s]
                    capture.node, capture.requires_grad, capture.fn = s.make_node(), s.requires_grad, s.make_fn()
                    capture.version, capture.pending, s.trace = s.version, s.pending, self
                    s.set_node(node)
                    s.requires_grad, s._fn, s.version, s.pending = requires_grad, fn, version, pending
            for s, origin in origins:
                s.origin = origin
            for slot, grad in grads:
                slot.original, slot.tensor._grad = slot.tensor._grad, grad

    def escaped(self, node: Node) -> TracingError:
        """Return the error for a tensor of this trace that is used after the trace."""
        origin = f" made at {node.where}" if node.where else ""
        error = TracingError(
            f"expected a tensor with a value, got {node.type}{origin} while a function was traced for compiling. Tensors made "
            "inside a compiled function can leave it as results, in .grad, by assignment, or by writes to tensors from outside."
        )
        add_location(error)
        return error

    def knows(self, storage: Storage) -> bool:
        """Return whether a storage is external, or that of an argument."""
        return storage in self.captures or any(x._storage is storage for x in self.placeholders)

    def _is_outside(self, tensor: Tensor) -> bool:
        storage = tensor._storage
        return tensor in self.placeholders or storage.trace is not self or storage in self.captures

    def reads_grad(self, tensor: Tensor) -> None:
        """Record that the function reads a `.grad`."""
        if tensor in self.grads or not self._is_outside(tensor):
            return
        original = tensor._grad
        self.grads[tensor] = GradSlot(tensor, original, True)
        if original is not None and tensor not in self.placeholders:
            self.sources[original._storage] = lambda: None if tensor._grad is None else tensor._grad._storage

    def writes_grad(self, tensor: Tensor) -> None:
        """Record that the function writes a `.grad`."""
        if tensor not in self.grads and self._is_outside(tensor):
            self.grads[tensor] = GradSlot(tensor, tensor._grad, False)

    def begins_backward(self, roots: Iterable[Node]) -> None:
        """Record the graph before the first gradient: the stage `captured`."""
        if self.forward is None:
            self.forward = list(roots)


    def takes_gradients(self, steps: Iterable[GradFn], targets: Iterable[Tensor]) -> None:
        """Record where the histories lead out, from where they might come back to the targets."""
        chosen = list(targets)
        own = {id(x._storage._fn) for x in chosen}
        ends = [s.node for s in steps if isinstance(s, TransformInput) and s.metadata and id(s) not in own]
        ends += [s.outputs[0] for s in steps if isinstance(s, OuterGradFn) and id(s) not in own]
        if ends:
            self.paths.append((ends, [x for x in chosen if self._is_outside(x)]))


def no_way_out(cotangents: Sequence[Node | None]) -> Sequence[Node | None]:
    """Refuse a gradient that would leave the compiled function.  Raises TracingError."""
    raise TracingError(LEADS_OUT)


def is_compiling() -> bool:
    """Return whether a function is being traced in this thread."""
    return state.trace is not None


def capture_number(getter: Callable[[], float], dtype: Any = None) -> Any:
    """Return a number that a compiled function fetches anew at each call; outside of a trace, the number itself.

    While tracing it is a 0-d tensor of `dtype`, by default the default float dtype.
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
    """Return `getter()`; a compiled function is traced again when that value changes."""
    value = getter()
    if state.trace is not None:
        state.trace.guards.append((getter, value))
    return value


@contextmanager
def paused() -> Iterator[None]:
    """Suspend the trace for a block: the tensors it creates are external state, such as an optimizer's first moments."""
    outer = state.trace
    state.trace = None
    try:
        yield
    finally:
        state.trace = outer
