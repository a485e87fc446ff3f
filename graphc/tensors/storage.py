"""Where tensors keep their values: the current node of each, replaced by what is written.

Under every tensor lies a storage; views share that of their base.  In-place operations put another node
there, so the graph itself stays functional, and whoever holds the old node still has the old value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sys import getrefcount
from typing import Any
from weakref import WeakSet, ref

from graphc.ir.core.build import apply
from graphc.ir.core.graph import PARAMETER, Node, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_constant, is_stopped
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.tensors import views
from graphc.tensors.context import state
from graphc.tensors.grad_fn import GradFn, Replaced
from graphc.tensors.lazy import realize
from graphc.tensors.views import ViewSteps

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
        "aliases",
        "fn",
        "node",
        "origin",
        "pending",
        "requires_grad",
        "source",
        "trace",
        "version",
        "view_steps",
    )  # fmt: skip

    aliases: WeakSet[Any] | None
    source: Storage
    view_steps: ViewSteps
    origin: Node | None

    def __init__(self, node: Node, requires_grad: bool = False, fn: GradFn | None = None, pending: int = 0) -> None:
        self.node = node
        self.requires_grad = requires_grad
        self.fn = fn
        self.pending = pending
        self.version = 0
        self.aliases = None
        self.trace = state.trace
        if fn is not None and fn.owner is None:
            fn.owner = ref(self)

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
        node = self.node
        if node.value is None:
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
        super().__init__(self._derive(self.source.current()))
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

    def current(self) -> Node:
        """Return the node of the value at this moment, which may have been written through another tensor."""
        if self.requires_grad and state.trace is not None and self.trace is not state.trace:
            state.trace.enter(self)  # a leaf of its own: gradients are taken by its node, not by the source's
            self.origin = self.source.current()
        origin = self.source.current()
        if origin is not self.origin:
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
        if self.fn is not None:
            super().settle()
        self.origin = self.source.node if self.fn is not None else None

    @property
    def root(self) -> Storage:
        """The storage whose value has to be computed to know this one's."""
        return self if self.fn is not None else self.source.root


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
    dirty = list(state.dirty)
    state.dirty.clear()
    wanted = [*dict.fromkeys([*storages, *dirty])]
    try:
        realize([*nodes, *(s.root.current() for s in wanted)])
    except (IndexError, RuntimeError):
        if not dirty:
            raise
        wanted = list(storages)
        realize([*nodes, *(s.root.current() for s in wanted)])  # what failed may be a write that this does not read
        wanted += _computable(s for s in dirty if s not in wanted)
    for storage in wanted:
        storage.settle()


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
