"""Storages that share the value of another one, and how sharing begins and ends."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

from graphc.core.errors import TracingError, located
from graphc.ir.core.graph import Node
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.recording.trie import HISTORY
from graphc.storage import views
from graphc.storage.storage import HELD_ONCE, Storage, stopped, unique, valued
from graphc.storage.views import ViewSteps

__all__ = ["Places", "Shared", "own", "rebind", "share", "share_equal", "stop_sharing"]


SHARED_DATA = (
    "expected a tensor whose values no other tensor shares, got one with views, or detached or .data tensors, that are in use: "
    "in a compiled function the assignment to .data would have to part them; assign outside of it, or write in place"
)


class Shared(Storage):
    """The value of another storage, or of a view of it, without its history: the result of `detach` and `.data`."""

    __slots__ = ()

    def __init__(self, source: Storage, path: ViewSteps) -> None:
        if state.trace is not None and isinstance(source, Shared):
            _depend_on_place(source)
        self.attach(source, path)
        Places.changes -= 1  # a new storage changes nothing
        lazy = self.source._node is None and state.trace is None
        super().__init__(None if lazy else self._derive(self.source.entered()))
        self.pending = source.pending

    def attach(self, source: Storage, path: ViewSteps) -> None:
        """Share with a storage, or with the one that it shares with."""
        while isinstance(source, Shared) and not source._is_rebound():
            source, path = source.source, source.view_steps + path
        self.source, self.view_steps, self.origin, self.leaf = source, path, None, None
        source.shown_by(self)
        Places.changes += 1

    def _is_rebound(self) -> bool:
        """Return whether a trace gave this storage a value of its own: it does not share until the trace ends."""
        return state.trace is not None and self in state.trace.rebound

    def _derive(self, origin: Node) -> Node:
        self.origin = origin
        node = views.read(origin, self.view_steps)
        if origin.value is not None and views.is_static(self.view_steps):
            return valued(evaluate_nodes([node], {origin: origin.value})[0], node)
        return stopped(node) if self.source.requires_grad else node

    def enter(self) -> None:
        """Report the use of the source to the running trace; a source that requires a gradient is a leaf there too."""
        if self._is_rebound():
            super().enter()
            return
        is_new_leaf = self.requires_grad and state.trace is not None and self.trace is not state.trace
        if is_new_leaf and self.trace is None and self._alone_outside():
            Storage.enter(self)
            return
        if state.trace is not None:  # after what may end the sharing
            _depend_on_place(self)
        if is_new_leaf:
            super().enter()  # gradients are taken with respect to its own node, not the source's
        self.source.enter()
        if is_new_leaf:
            self.origin = self.source.make_node()

    def make_node(self) -> Node:
        """Return the node of the value, created again if the source was written to."""
        if self._fn is HISTORY:
            self._end_recording()
        if self._is_rebound():
            return super().make_node()
        origin = self.source.make_node()
        if origin is not self.origin or self._node is None:
            before, node = self._node, self._derive(origin)
            if self.requires_grad:
                node = unique(node) if before is None else self._under_history(before, node)
            self.set_node(node)
            self.pending = self.source.pending
        return self._node  # type: ignore[return-value]

    def array(self) -> Any:
        """Return the value, computed now if it was only recorded; None if it is pending on nodes."""
        if self._is_rebound() or (self._fn is not None and self.source._node is self.origin):
            return super().array()
        value = self.source.array()
        return None if value is None or not views.is_static(self.view_steps) else views.shown(value, self.view_steps)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        if self._is_rebound():
            return self.node_in_trace().shape
        return views.shape_of(self.source.shape, self.view_steps)

    def alone(self) -> bool:
        """Stop sharing with a storage that nothing else uses; return whether that is so."""
        source = self.source
        if self.view_steps or getrefcount(source) > HELD_ONCE + 1 or source.requires_grad or source.trace is not None:
            return False
        if any(alias is not self for alias in source.live_aliases()):
            return False
        self.become_plain()
        return True

    def become_plain(self) -> None:
        """Keep the value without the source; views of this storage stay its views."""
        self.entered()
        self.source.shows_no_longer(self)
        self.__class__ = Storage  # type: ignore[assignment]
        Places.changes += 1

    def _alone_outside(self) -> bool:
        """Stop sharing, before this storage enters a trace, with a storage that nothing else uses: of `Parameter(zeros(2))`."""
        trace, state.trace = state.trace, None
        try:
            return self.alone()
        finally:
            state.trace = trace

    def put(self, node: Node, requires_grad: bool, fn: GradFn | None, pending: int = 0) -> None:
        """Write a value with its history; the value alone goes to the source."""
        if self._is_rebound():
            super().put(node, requires_grad, fn, pending)
            return
        plain = stopped(node) if requires_grad else node
        self.enter()
        if requires_grad and state.trace is not None:
            Storage.enter(self)  # its history is its own, also after the trace
        self._write_source(plain, pending)
        super().put(node, requires_grad, fn, pending)

    def put_value(self, node: Node, pending: int = 0) -> None:
        """Write a value and leave both histories as they are."""
        if self._is_rebound():
            super().put_value(node, pending)
            return
        self.enter()
        self._write_source(node, pending)
        super().put_value(node, pending)

    def _write_source(self, node: Node, pending: int) -> None:
        self.source.put_value(views.write(self.source.make_node(), self.view_steps, node), pending)
        self.origin = self.source.make_node()

    @property
    def place(self) -> tuple[Storage, ViewSteps]:
        """The storage that this one shares with, and the view steps from there."""
        return (self, ()) if self._is_rebound() else (self.source, self.view_steps)

    def settle(self) -> None:
        """Settle the source; then read from it again, unless a value with a history was written here."""
        self.source.settle()
        if self._fn is not None:
            super().settle()
        self.origin = self.source.make_node() if self._fn is not None else None

    @property
    def root(self) -> Storage:
        """The storage whose value has to be computed for this one's."""
        return self if self._fn is not None or self._is_rebound() else self.source.root


class Places:
    """The sharing of storages as a trace found it: a guard that is only evaluated after a storage began or ended to share."""

    changes = 0
    """How often a storage began or ended to share."""

    def __init__(self) -> None:
        self.known: dict[Storage, tuple[Storage, ViewSteps]] = {}
        self.seen = Places.changes
        self.holds = True

    def __call__(self) -> bool:
        if self.seen != Places.changes:
            self.seen = Places.changes
            self.holds = all(storage.place == place for storage, place in self.known.items())
        return self.holds


def _depend_on_place(storage: Shared) -> None:
    """Let the running trace depend on what an external storage shares with: it reads the value from there."""
    trace = state.trace
    assert trace is not None
    if storage.trace is not None or storage._is_rebound():
        return
    places = next((getter for getter, _ in trace.guards if isinstance(getter, Places)), None)
    if places is None:
        places = Places()
        trace.guards.append((places, True))
    places.known.setdefault(storage, storage.place)


def _sharing_with(storage: Storage) -> list[Any]:
    """Return the views of a storage, and the storages that share with it."""
    return [a for a in storage.live_aliases() if isinstance(a, Shared) or a._storage is storage]


def _leave(storage: Storage) -> None:
    """Give a storage values of its own: its views, and storages that share with it, keep their values."""
    aliases = _sharing_with(storage)
    storage.aliases = None
    if not aliases:
        return
    edges = [a._base._edge() for a in aliases if not isinstance(a, Shared) and storage.requires_grad]
    fn = GradFn("AliasBackward0", (edges[0],), saves=False) if edges else None
    left = Storage(storage.entered(), fn is not None, fn, storage.pending)
    for alias in aliases:
        if isinstance(alias, Shared):
            origin = alias.origin
            alias.attach(left, alias.view_steps)
            if origin is left.make_node():  # else it has not read the current value
                alias.origin = origin
        else:
            alias._storage, alias._base = left, alias._of(left)
            left.shown_by(alias)


def rebind(storage: Storage, node: Node, pending: int) -> None:
    """Give a storage, in a trace, a value that nothing else shares: the effect of `x.data = y`.

    Raises TracingError for an external storage that others share with: their values would have to be separated.
    """
    trace = state.trace
    assert trace is not None
    if storage.trace is trace and not trace.knows(storage):
        own(storage)
        storage.put_value(node, pending)
        return
    if _sharing_with(storage):
        raise located(TracingError(SHARED_DATA))
    Storage.enter(storage)
    trace.rebound.add(storage)
    Storage.put_value(storage, node, pending)


def own(storage: Storage) -> None:
    """Let a storage stop sharing: later writes to it affect it alone."""
    _leave(storage)
    stop_sharing(storage)


def stop_sharing(storage: Storage) -> None:
    """Let a storage stop sharing with its source; what shows this storage goes on to."""
    if isinstance(storage, Shared):
        storage.become_plain()


def share(storage: Storage, source: Storage, path: ViewSteps) -> None:
    """Let a storage share the value of `source`, under its own history."""
    node, version = storage.entered(), storage.version
    storage.__class__ = Shared
    assert isinstance(storage, Shared)
    storage.attach(source, path)
    new = storage._derive(storage.source.entered())
    storage.set_node(storage._under_history(node, new) if storage.requires_grad else new)
    storage.pending, storage.version = source.pending, version + 1


def share_equal(storage: Storage, source: Storage, path: ViewSteps) -> None:
    """Let a storage share the value of `source`, which is the value that it has: its node and its history stay."""
    storage.entered()
    storage.make_fn()
    storage.__class__ = Shared
    assert isinstance(storage, Shared)
    storage.attach(source, path)
    storage.origin = storage.source.entered()
