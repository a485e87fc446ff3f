"""The values of tensors: a storage holds the current one, and in-place operations replace it.

Every tensor reads a storage; views read that of their base.  A write replaces the storage's node, so the graph itself stays
functional, and references to the old node keep the old value.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any
from weakref import ref

from graphc.codegen.runtime.locks import ForkLock
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

__all__ = ["HELD_ONCE", "Storage", "stopped", "type_of", "unique", "valued"]


def valued(array: Any, node: Node) -> Node:
    """Return a fresh parameter with the type of `node` and a known value."""
    return parameter(node.types[0], node.name, where=node.where, value=array)


def type_of(storage: Storage) -> TensorType:
    """Return the type of a storage's value, without computing anything or creating a node."""
    if storage._node is not None:
        return storage._node.types[0]
    if storage.value is not None:
        return TensorType(of_numpy(storage.value.dtype).ir, storage.value.shape)
    if storage.recording is not None:
        return storage.recording.slot(storage.slot).node.types[0]  # type: ignore[no-any-return]
    return storage.make_node().types[0]


def stopped(node: Node) -> Node:
    """Return the node behind a stop_gradient; the node itself if no gradient flows through it anyway."""
    without = is_stopped(node) or is_literal(node) or not node.dtype.is_float
    return node if without else apply("stop_gradient", node)


def unique(node: Node) -> Node:
    """Return a distinct node with the value of `node`: a leaf to take gradients with respect to."""
    if node.value is not None:
        return valued(node.value, node)
    return make(PRIMITIVES["alias"], (stopped(node),), unique=True, like=node)


_making = ForkLock()
"""Held while a value gets its node: gradients go to the node of a leaf, so that there must be one."""


class _Holder:
    """Holds one object in a slot, as a tensor holds its storage and a storage its node."""

    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held


_holder = _Holder(object())
HELD_ONCE = getrefcount(_holder.held)
"""The result of getrefcount for an object that one slot holds and nothing else."""


class Storage:
    """A value that changes, with its version and its history.

    The value is a node (`_node`), or an array (`value`), or the slot `slot` of `recording`.  `make_node` returns it as a node
    and `array` as an array, which may end the recording; an operation in a trace gets it from `entered`.  The history `_fn` is
    HISTORY while it is only recorded; `make_fn` makes it.  A leaf is a storage that requires a gradient and has no history;
    its node is unique.

    `trace` is the trace that the node belongs to, None in eager code.  `pending` bounds the number of operations not computed
    yet.  `aliases` are the views of this storage and the storages that share its value; `source`, `view_steps`, `origin`
    and `leaf` belong to Shared ones.
    """

    __slots__ = (
        "__weakref__",
        "_fn",
        "_node",
        "aliases",
        "leaf",
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
    aliases: set[ref[Any]] | None
    recording: Any
    slot: int
    leaf: ref[Any] | None
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

    @classmethod
    def of_array(cls, value: Any) -> Storage:
        """Return the storage of a known value, without a node."""
        self = cls.recorded(None, -1, False, None)
        self.value = value
        return self

    def become(self, other: Storage) -> None:
        """Take the value of the slot of another, new storage, and its history if it has one."""
        recording, before = other.recording, self.slot if self.recording is other.recording else None
        old = self._fn
        if recording is not None and recording.entry is not None:  # no calls from here on: no signal handler comes in between
            if before is not None:
                recording.slots[before] = None
            recording.slots[other.slot] = self
            self._node = self.value = None
            self.recording, self.slot, self.requires_grad, self._fn = recording, other.slot, other.requires_grad, other._fn
            self.version += 1
            self.pending = 0
            if old is not None and old is not HISTORY:
                self._retain(old, None)
        elif other._fn is not None:
            self.put(other.make_node(), True, other.make_fn(), other.pending)
        else:
            self.requires_grad, self._fn = other.requires_grad, None
            self.set_node(other.make_node())
            self._changed(other.pending)

    def make_node(self) -> Node:
        """Return the node of the value, created now if the value was only recorded."""
        if self._node is None:
            self._end_recording()
        return self._node  # type: ignore[return-value]

    def make_fn(self) -> GradFn | None:
        """Return the grad_fn of the value, created now if it was only recorded; None for a leaf."""
        if self._fn is HISTORY:
            self._end_recording()
        return self._fn

    def node_in_trace(self) -> Node:
        """Return the node that this storage has in a trace which it entered."""
        assert self._node is not None, "a storage in a trace has a node"
        return self._node

    def set_node(self, node: Node) -> None:
        """Take the value of a node."""
        self._node, self.value, self.recording = node, None, None

    def _end_recording(self) -> None:
        recording = self.recording  # read first: another thread may end it at any moment
        if recording is not None and self.value is None:
            recording.flush()
        if recording is not None and self._fn is HISTORY:
            recording.materialize()
        with _making:
            if self._node is None:
                value = self.value
                self.set_node(parameter(TensorType(of_numpy(value.dtype).ir, value.shape), where="", value=value))

    def array(self) -> Any:
        """Return the value, computed now if it was only recorded; None if it is pending on nodes."""
        recording = self.recording  # read first: another thread may end it at any moment
        node, value = self._node, self.value
        if node is None and value is None:
            recording.flush()
            node, value = self._node, self.value
        return value if node is None else node.value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        recording, slot = self.recording, self.slot
        node, value = self._node, self.value
        if node is not None:
            return node.types[0].shape
        return value.shape if value is not None else recording.slot(slot).node.shape  # type: ignore[no-any-return]

    def enter(self) -> None:
        """Report the use of this storage to the running trace, if there is one: an external storage gets a placeholder.

        Raises TracingError for a storage of a trace that is over.
        """
        if self.trace is state.trace:
            return
        if state.trace is None:
            assert self.trace is not None
            raise self.trace.escaped(self.make_node())
        state.trace.enter(self)

    def entered(self) -> Node:
        """Return the node of the value for an operation that is recorded now: in a trace, the storage enters it."""
        self.enter()
        return self.make_node()

    def put(self, node: Node, requires_grad: bool, fn: GradFn | None, pending: int = 0) -> None:
        """Write a value with its history."""
        self.enter()
        self.set_node(node)
        old, self.requires_grad, self._fn = self._fn, requires_grad, fn
        if fn is not None:
            fn.owner = ref(self)
        if old is not None and old is not HISTORY:
            self._retain(old, node)
        self._changed(pending)

    def _retain(self, old: GradFn, node: Node | None) -> None:
        """Retain the gradient of the new value, that of `node`, if that of the value before was to be retained."""
        kept = old.metadata.pop("retains", None) if old.metadata else None
        fn = self.make_fn() if kept is not None else None
        if kept is not None and fn is not None:
            fn.metadata = {**(fn.metadata or {}), "retains": (kept[0], node or self.make_node())}

    def put_value(self, node: Node, pending: int = 0) -> None:
        """Write a value and keep the history: the effect of `x.data` and no_grad."""
        old = self.entered()
        if self.requires_grad:
            node = self._under_history(old, node)
        self.set_node(node)
        self._changed(pending)

    def _under_history(self, old: Node, new: Node) -> Node:
        """Return a node for a new value under the history of the old one: a leaf, or a node that passes gradients on."""
        fn = self.make_fn()
        if fn is None:
            return unique(new)
        leaf = make(PRIMITIVES["alias"], (stopped(new),), unique=True)
        self._fn = Replaced(fn.name(), (fn,), [leaf], [old], lambda cotangents: cotangents)
        self._fn.owner = ref(self)
        self._retain(fn, leaf)
        return leaf

    def _changed(self, pending: int) -> None:
        self.version += 1
        self.pending = pending
        if state.trace is None:
            state.dirty.add(self)
        else:
            state.trace.wrote(self)

    def shown_by(self, alias: Any) -> None:
        """Register a view of this storage, or a storage that shares its value."""
        aliases = self.aliases
        if aliases is None:
            aliases = self.aliases = set()
        aliases.add(ref(alias, aliases.discard))  # a WeakSet does this too, in ten times the time

    def shows_no_longer(self, alias: Any) -> None:
        """Forget a view of this storage, or a storage that shares its value."""
        if self.aliases is not None:
            self.aliases.discard(ref(alias))

    def live_aliases(self) -> list[Any]:
        """Return the views of this storage and the storages that share its value, without those no longer referenced.

        The copy is a list, since to make a tuple may begin a garbage collection, in which the set loses views.
        """
        return [alias for known in list(self.aliases or ()) if (alias := known()) is not None]

    def set_requires_grad(self, wanted: bool) -> None:
        """Make a value without operations behind it a leaf that requires a gradient, or undo that."""
        self.set_node(unique(self.entered()))
        self.requires_grad, self._fn = wanted, None

    @property
    def root(self) -> Storage:
        """The storage whose value has to be computed for this one's."""
        return self

    @property
    def place(self) -> tuple[Storage, ViewSteps]:
        """The storage that this one shares with, or itself, and the view steps from there."""
        return self, ()

    def settle(self) -> None:
        """Drop the node behind a known value through which no gradient will be taken."""
        node = self._node
        if node is None or node.value is None:
            return
        self.pending = 0
        fn = self.make_fn() if self.requires_grad else None
        keeps_history = fn is not None and not fn.dead
        if not keeps_history and node.op is not PARAMETER and node.op.kind != "leaf":
            self.set_node(valued(node.value, node))
