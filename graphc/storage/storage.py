"""Where tensors keep their values: the current node of each, replaced by what is written.

Under every tensor lies a storage; views share that of their base.  In-place operations put another node
there, so the graph itself stays functional, and whoever holds the old node still has the old value.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any
from weakref import WeakSet, ref

from graphc.core.dtypes import of_numpy
from graphc.ir.core.build import apply
from graphc.ir.core.graph import PARAMETER, Node, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_literal, is_stopped
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn, Replaced
from graphc.recording.trie import HISTORY
from graphc.storage.views import ViewSteps

__all__ = ["HELD_ONCE", "Storage", "same_history", "stopped", "type_of", "unique", "valued"]


def valued(array: Any, node: Node) -> Node:
    """Return a fresh parameter with the type of `node` and a known value."""
    return parameter(node.types[0], node.name, where=node.where, value=array)


def type_of(storage: Storage) -> TensorType:
    """Return the type of a storage's value; nothing is computed and no node is made."""
    if storage._node is not None:
        return storage._node.types[0]
    if storage.value is not None:
        return TensorType(of_numpy(storage.value.dtype).ir, storage.value.shape)
    if storage.recording is not None:
        return storage.recording.slot(storage.slot).node.types[0]  # type: ignore[no-any-return]
    return storage.node.types[0]


def stopped(node: Node) -> Node:
    """Return the node behind a stop_gradient; as it is if no gradient goes through it anyway."""
    without = is_stopped(node) or is_literal(node) or not node.dtype.is_float
    return node if without else apply("stop_gradient", node)


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
            self.fn, node = same_history(self.fn, old, node)
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
        return self, ()

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


def same_history(fn: GradFn | None, old: Node, new: Node) -> tuple[Replaced, Node]:
    """Return a step through which the gradient by the new value goes to the old one, and the node for it."""
    leaf = make(PRIMITIVES["alias"], (stopped(new),), unique=True)
    name = fn.name() if fn is not None else ""
    return Replaced(name, (fn,), [leaf], [old], lambda cotangents: cotangents), leaf
