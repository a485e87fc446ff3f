"""Where tensors keep their values: the current node of each, replaced by what is written.

Under every tensor lies a storage; views share that of their base.  In-place operations put another node
there, so the graph itself stays functional, and whoever holds the old node still has the old value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from weakref import ref

from graphc.ir.core.build import apply
from graphc.ir.core.graph import PARAMETER, Node, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.interpret.evaluate import evaluate_nodes
from graphc.tensors import views
from graphc.tensors.context import state
from graphc.tensors.grad_fn import Barrier, GradFn
from graphc.tensors.lazy import realize
from graphc.tensors.views import Moves

__all__ = ["Shared", "Storage", "compute", "stopped", "unique", "valued"]


def valued(array: Any, node: Node) -> Node:
    """Return a fresh parameter with the type of `node` and a known value."""
    return parameter(node.types[0], node.name, where=node.where, value=array)


def stopped(node: Node) -> Node:
    """Return the node behind a stop_gradient."""
    return node if node.op.name in ("stop_gradient", "constant") else apply("stop_gradient", node)


def unique(node: Node) -> Node:
    """Return a node that nothing else is, with the value of `node`: a leaf to take gradients by."""
    if node.value is not None:
        return valued(node.value, node)
    return make(PRIMITIVES["alias"], (stopped(node),), unique=True, like=node)


class Storage:
    """A value that changes: its current `node`, how often it changed, and its history.

    `requires_grad` without `fn` is a leaf; then `node` is unique.  `trace` is the trace that the node belongs
    to, None in eager code.  `pending` bounds the length of the chain of operations not computed yet.
    """

    __slots__ = ("__weakref__", "fn", "node", "pending", "requires_grad", "trace", "version")

    def __init__(self, node: Node, requires_grad: bool = False, fn: GradFn | None = None, pending: int = 0) -> None:
        self.node = node
        self.requires_grad = requires_grad
        self.fn = fn
        self.pending = pending
        self.version = 0
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


def _same_history(fn: GradFn | None, old: Node, new: Node) -> tuple[Barrier, Node]:
    """Return a step through which the gradient by the new value goes to the old one, and the node for it."""
    leaf = make(PRIMITIVES["alias"], (stopped(new),), unique=True)
    name = fn.name() if fn is not None else ""
    return Barrier(name, (fn,), [leaf], [old], lambda cotangents: cotangents), leaf


class Shared(Storage):
    """The value of another storage, or of a view of it, without its history: what `detach` and `.data` give."""

    __slots__ = ("moves", "origin", "source")

    def __init__(self, source: Storage, path: Moves) -> None:
        self.source, self.moves = source, path
        self.origin: Node | None = None
        super().__init__(self._derive(source.current()))
        self.pending = source.pending

    def _derive(self, origin: Node) -> Node:
        self.origin = origin
        node = views.read(origin, self.moves)
        if origin.value is not None:
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
            self.node = unique(node) if self.requires_grad else node
            self.pending = self.source.pending
        return self.node

    def put(self, node: Node, requires_grad: bool, fn: GradFn | None, pending: int = 0) -> None:
        """Write a value with its history; the value alone goes to the source."""
        plain = stopped(node) if requires_grad else node
        self.source.put_value(views.write(self.source.current(), self.moves, plain), pending)
        self.origin = self.source.node
        super().put(node, requires_grad, fn, pending)

    def put_value(self, node: Node, pending: int = 0) -> None:
        """Write a value and leave both histories as they are."""
        self.source.put_value(views.write(self.source.current(), self.moves, node), pending)
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


def compute(storages: Iterable[Storage], nodes: Sequence[Node] = ()) -> None:
    """Compute the values of storages, of nodes, and of whatever was changed in place since the last time; not while tracing."""
    dirty = list(state.dirty)
    state.dirty.clear()
    wanted = [*dict.fromkeys([*storages, *dirty])]
    realize([*nodes, *(s.root.current() for s in wanted)])
    for storage in wanted:
        storage.settle()
