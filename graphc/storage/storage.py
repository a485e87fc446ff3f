"""Where tensors keep their values: the current node of each, replaced by what is written.

Under every tensor lies a storage; views share that of their base.  In-place operations put another node
there, so the graph itself stays functional, and whoever holds the old node still has the old value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sys import getrefcount
from typing import Any
from weakref import WeakSet, ref

from graphc.core.dtypes import of_numpy
from graphc.ir.core.build import apply
from graphc.ir.core.graph import PARAMETER, Node, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_constant, is_stopped
from graphc.ir.core.types import TensorType
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn, Replaced
from graphc.recording.lazy import realize
from graphc.recording.trie import HISTORY
from graphc.storage import views
from graphc.storage.views import ViewSteps

__all__ = ["HELD_ONCE", "Places", "Shared", "Storage", "compute", "stopped", "unique", "valued"]


def valued(array: Any, node: Node) -> Node:
    """Return a fresh parameter with the type of `node` and a known value."""
    return parameter(node.types[0], node.name, where=node.where, value=array)


def stopped(node: Node) -> Node:
    """Return the node behind a stop_gradient."""
    return node if is_stopped(node) or is_constant(node) else apply("stop_gradient", node)


def unique(node: Node) -> Node:
    """Return a node that nothing else is, with the value of `node`: a leaf to take gradients by."""
    if node.value is not None:
        return valued(node.value, node)
    return make(PRIMITIVES["alias"], (stopped(node),), unique=True, like=node)


class _Holder:
    """Holds one object in a slot, as a tensor holds its storage and a storage its node."""

    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held


_holder = _Holder(object())
HELD_ONCE = getrefcount(_holder.held)
"""What getrefcount says of an object that one slot holds and nothing else."""


class Storage:
    """A value that changes: its current `node`, how often it changed, and its history.

    `requires_grad` without `fn` is a leaf; then `node` is unique.  `trace` is the trace that the node belongs
    to, None in eager code.  `pending` bounds the length of the chain of operations not computed yet.  `aliases` are
    the views of this storage and the storages that share its value; `source`, `view_steps` and `origin` are of Shared ones.
    """

    __slots__ = (
        "__weakref__",
        "_fn",
        "_node",
        "aliases",
        "origin",
        "pending",
        "recording",
        "requires_grad",
        "slot",
        "source",
        "trace",
        "value",
        "version",
        "view_steps",
    )  # fmt: skip

    _node: Node | None
    _fn: GradFn | None
    aliases: WeakSet[Any] | None
    recording: Any
    slot: int
    source: Storage
    value: Any
    view_steps: ViewSteps
    origin: Node | None

    def __init__(self, node: Node | None, requires_grad: bool = False, fn: GradFn | None = None, pending: int = 0) -> None:
        self._node = node
        self.value = self.recording = None
        self.slot = -1
        self.requires_grad = requires_grad
        self._fn = fn
        self.pending = pending
        self.version = 0
        self.aliases = None
        self.trace = state.trace
        if fn is not None and fn.owner is None:
            fn.owner = ref(self)

    @classmethod
    def recorded(cls, recording: Any, slot: int, requires_grad: bool, fn: GradFn | None) -> Storage:
        """Return the storage of a slot of a recording."""
        self = object.__new__(cls)
        self._node = self.value = self.aliases = self.trace = None
        self.recording, self.slot, self.requires_grad, self._fn = recording, slot, requires_grad, fn
        self.pending = self.version = 0
        return self

    def become(self, other: Storage) -> None:
        """Take the value of the slot of another storage, which is new, and its history if it has one."""
        recording, before = other.recording, self.slot if self.recording is other.recording else None
        if recording is not None and recording.entry is not None:  # no calls from here on: no signal handler comes in between
            if before is not None:
                recording.slots[before] = None
            recording.slots[other.slot] = self
            self._node = self.value = None
            self.recording, self.slot, self.requires_grad, self._fn = recording, other.slot, other.requires_grad, other._fn
            self.version += 1
            self.pending = 0
        elif other._fn is not None:
            self.put(other.node, True, other.fn, other.pending)
        else:
            self.requires_grad, self._fn = other.requires_grad, None
            self.node = other.node
            self._changed(other.pending)

    @property
    def node(self) -> Node:
        """The node of the value; one that was only recorded is made now."""
        if self._node is None:
            self._make_node()
        return self._node  # type: ignore[return-value]

    @node.setter
    def node(self, node: Node) -> None:
        self._node, self.value, self.recording = node, None, None

    @property
    def fn(self) -> GradFn | None:
        """The step of the history that made the value; None for a leaf."""
        if self._fn is HISTORY:
            self._make_node()
        return self._fn

    @fn.setter
    def fn(self, fn: GradFn | None) -> None:
        self._fn = fn

    def _make_node(self) -> None:
        recording = self.recording
        if recording is not None and self.value is None:
            recording.flush()
        if self._fn is HISTORY:
            recording.materialize()
        if self._node is None:
            value = self.value
            self.node = parameter(TensorType(of_numpy(value.dtype).ir, value.shape), where="", value=value)

    def array(self) -> Any:
        """Return the value if it is known, or only recorded; None if it is pending on nodes."""
        if self._node is not None:
            return self._node.value
        if self.value is None:
            self.recording.flush()
            return self.value if self._node is None else self._node.value
        return self.value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        if self._node is not None:
            return self._node.types[0].shape
        if self.value is not None:
            return self.value.shape  # type: ignore[no-any-return]
        return self.recording.known()[self.slot].node.shape  # type: ignore[no-any-return]

    def current(self) -> Node:
        """Return the node of the value at this moment."""
        if self.trace is not state.trace:
            _enter(self)
        return self.node

    def put(self, node: Node, requires_grad: bool, fn: GradFn | None, pending: int = 0) -> None:
        """Write a value with its history."""
        self.current()
        self.node, self.requires_grad, self.fn = node, requires_grad, fn
        if fn is not None:
            fn.owner = ref(self)
        self._changed(pending)

    def put_value(self, node: Node, pending: int = 0) -> None:
        """Write a value and leave the history as it is: what `x.data` and no_grad do."""
        old = self.current()
        if self.requires_grad and self.fn is None:
            node = unique(node)
        elif self.requires_grad:
            self.fn, node = _same_history(self.fn, old, node)
            self.fn.owner = ref(self)
        self.node = node
        self._changed(pending)

    def _changed(self, pending: int) -> None:
        self.version += 1
        self.pending = pending
        if state.trace is None:
            state.dirty.add(self)

    def shown_by(self, alias: Any) -> None:
        """Note a view of this storage, or a storage that shares its value."""
        if self.aliases is None:
            self.aliases = WeakSet()
        self.aliases.add(alias)

    def leave(self) -> None:
        """Take values of its own: views of this storage, and what shares with it, keep what they show."""
        aliases = [a for a in self.aliases or () if isinstance(a, Shared) or a._storage is self]
        self.aliases = None
        if not aliases:
            return
        edges = [a._base._edge() for a in aliases if not isinstance(a, Shared) and self.requires_grad]
        fn = GradFn("AliasBackward0", (edges[0],)) if edges else None
        left = Storage(self.current(), fn is not None, fn, self.pending)
        for alias in aliases:
            if isinstance(alias, Shared):
                alias.attach(left, alias.view_steps)
                alias.origin = left.node
            else:
                alias._storage, alias._base = left, alias._of(left)
                left.shown_by(alias)

    def rebind(self, node: Node, pending: int) -> None:
        """Take another value, in a trace, that nothing else shares: what `x.data = y` does."""
        assert state.trace is not None
        Storage.current(self)
        if isinstance(self, Shared):
            self.origin = self.source.current()
        Storage.put_value(self, node, pending)
        state.trace.rebound.add(self)

    def own(self) -> None:
        """Stop sharing: whatever is written here next is seen here alone."""
        self.leave()
        if isinstance(self, Shared):
            self.current()
            self.__class__ = Storage  # type: ignore[assignment]
            Places.changes += 1

    def share(self, source: Storage, path: ViewSteps) -> None:
        """Show the value of another storage from now on, under the history that this one has."""
        node, fn, version = self.current(), self.fn, self.version
        self.__class__ = Shared
        assert isinstance(self, Shared)
        self.attach(source, path)
        new = self._derive(self.source.current())
        if fn is not None and self.requires_grad:
            self.fn, new = _same_history(fn, node, new)
            self.fn.owner = ref(self)
        self.node = unique(new) if self.requires_grad and fn is None else new
        self.pending, self.version = source.pending, version + 1

    def set_requires_grad(self, wanted: bool) -> None:
        """Make a value without operations behind it a leaf that requires a gradient, or stop requiring it."""
        node = self.current()
        self.node = unique(node)
        self.requires_grad = wanted
        self.fn = None

    @property
    def root(self) -> Storage:
        """The storage whose value has to be computed to know this one's."""
        return self

    @property
    def place(self) -> tuple[Storage, ViewSteps]:
        """The storage that this one shares with, itself if with none, and the way from there."""
        return (self.source, self.view_steps) if isinstance(self, Shared) else (self, ())

    def settle(self) -> None:
        """Where the value is known and no gradient will be taken through it, forget how it was made."""
        node = self._node
        if node is None or node.value is None:
            return
        self.pending = 0
        keeps_history = self.requires_grad and self.fn is not None and not self.fn.dead
        if not keeps_history and node.op is not PARAMETER and node.op.kind != "leaf":
            self.node = valued(node.value, node)


def _enter(storage: Storage) -> None:
    if state.trace is not None:
        state.trace.enter(storage)
        return
    assert storage.trace is not None
    raise storage.trace.escaped(storage.node)


def _same_history(fn: GradFn | None, old: Node, new: Node) -> tuple[Replaced, Node]:
    """Return a step through which the gradient by the new value goes to the old one, and the node for it."""
    leaf = make(PRIMITIVES["alias"], (stopped(new),), unique=True)
    name = fn.name() if fn is not None else ""
    return Replaced(name, (fn,), [leaf], [old], lambda cotangents: cotangents), leaf


class Shared(Storage):
    """The value of another storage, or of a view of it, without its history: what `detach` and `.data` give."""

    __slots__ = ()

    def __init__(self, source: Storage, path: ViewSteps) -> None:
        self.attach(source, path)
        Places.changes -= 1  # nothing has changed: it is new
        lazy = self.source._node is None and state.trace is None
        super().__init__(None if lazy else self._derive(self.source.current()))
        self.pending = source.pending

    def attach(self, source: Storage, path: ViewSteps) -> None:
        """Share with a storage; with what that one shares with, if it does."""
        while isinstance(source, Shared):
            source, path = source.source, source.view_steps + path
        self.source, self.view_steps, self.origin = source, path, None
        source.shown_by(self)
        Places.changes += 1

    def _derive(self, origin: Node) -> Node:
        self.origin = origin
        node = views.read(origin, self.view_steps)
        if origin.value is not None and views.is_static(self.view_steps):
            return valued(evaluate_nodes([node], {origin: origin.value})[0], node)
        return stopped(node) if self.source.requires_grad else node

    def _make_node(self) -> None:
        if self._fn is HISTORY:
            super()._make_node()
        else:
            self.current()

    def array(self) -> Any:
        """Return the value if it is known, or only recorded; None if it is pending on nodes."""
        if self._fn is not None:
            return super().array()
        value = self.source.array()
        return None if value is None or not views.is_static(self.view_steps) else views.shown(value, self.view_steps)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return views.shape_of(self.source.shape, self.view_steps)

    def alone(self) -> bool:
        """Stop sharing with a storage that nothing else uses; tell whether that is so."""
        source = self.source
        if self.view_steps or getrefcount(source) > HELD_ONCE + 1 or source.requires_grad or source.trace is not None:
            return False
        if any(alias is not self for alias in source.aliases or ()):
            return False
        self.own()
        return True

    def current(self) -> Node:
        """Return the node of the value at this moment, which may have been written through another tensor."""
        if self.requires_grad and state.trace is not None and self.trace is not state.trace:
            state.trace.enter(self)  # a leaf of its own: gradients are taken by its node, not by the source's
            self.origin = self.source.current()
        origin = self.source.current()
        if origin is not self.origin or self._node is None:
            node = self._derive(origin)
            if self.requires_grad and self.fn is not None:
                self.fn, node = _same_history(self.fn, self.node, node)
                self.fn.owner = ref(self)
                self.node = node
            else:
                self.node = unique(node) if self.requires_grad else node
            self.pending = self.source.pending
        return self.node

    def put(self, node: Node, requires_grad: bool, fn: GradFn | None, pending: int = 0) -> None:
        """Write a value with its history; the value alone goes to the source."""
        plain = stopped(node) if requires_grad else node
        self.source.put_value(views.write(self.source.current(), self.view_steps, plain), pending)
        self.origin = self.source.node
        super().put(node, requires_grad, fn, pending)

    def put_value(self, node: Node, pending: int = 0) -> None:
        """Write a value and leave both histories as they are."""
        self.source.put_value(views.write(self.source.current(), self.view_steps, node), pending)
        self.origin = self.source.node
        super().put_value(node, pending)

    def settle(self) -> None:
        """Settle the source; then read from it anew, unless something with a history was written here."""
        self.source.settle()
        if self._fn is not None:
            super().settle()
        self.origin = self.source.node if self._fn is not None else None

    @property
    def root(self) -> Storage:
        """The storage whose value has to be computed to know this one's."""
        return self if self._fn is not None else self.source.root


class Places:
    """Which storages share with which, as a trace found it: a guard that asks only after any storage has changed that."""

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


def compute(storages: Iterable[Storage], nodes: Sequence[Node] = ()) -> None:
    """Compute the values of storages, of nodes, and of whatever was changed in place since the last time; not while tracing."""
    state.recording.flush()
    dirty = state.dirty.take()
    wanted = [*dict.fromkeys([*storages, *dirty])]
    try:
        realize([*nodes, *_pending(wanted)])
    except (IndexError, RuntimeError):
        if not dirty:
            raise
        wanted = list(storages)
        realize([*nodes, *_pending(wanted)])  # what failed may be a write that this does not read
        wanted += _computable(s for s in dirty if s not in wanted)
    for storage in wanted:
        storage.settle()


def _pending(storages: Iterable[Storage]) -> list[Node]:
    roots = [s.root for s in storages]
    return [r.current() for r in roots if r._node is not None or r.value is None]


def _computable(storages: Iterable[Storage]) -> list[Storage]:
    """Compute storages one by one and return those for which it went well; the others raise when they are looked at."""
    found = []
    for storage in storages:
        try:
            realize([storage.root.current()])
        except (IndexError, RuntimeError):
            continue
        found.append(storage)
    return found
