"""The pending work of a thread: a position in the trie of structures, and the values and storages of its slots.

Recording an operation that was seen before creates no node: it is a look-up in the trie, and a storage with the number of a
slot.  Reading a value ends the recording: one program computes the slots that are still referenced.  If some of these have a
history, the closed recording stays alive with the values that gradients need; nodes and grad_fns are created from it when
anything but the ordinary backward needs them.

A recording is closed by clearing its entry, which any thread may do: an operation that is being recorded at that moment sees
that its entry is no longer current, and starts again.  The same holds for signal handlers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from sys import getrefcount
from typing import Any
from weakref import ref

from graphc.codegen.runtime.locks import ForkLock
from graphc.ir.core.graph import Node, make, parameter
from graphc.ir.core.types import TensorType
from graphc.recording import trie
from graphc.recording.context import state
from graphc.recording.grad_fn import AccumulateGrad, GradFn
from graphc.recording.lazy import Plan, make_plan
from graphc.recording.structures import clock, substitute
from graphc.recording.trie import HISTORY, INPUT, LEAF, PAST, PLANS, Entry, Slot

__all__ = ["HELD_BYTES", "PENDING_BOUND", "UNREAD", "Recording"]

PENDING_BOUND = 1000
"""The longest chain of operations before it is computed."""

HELD_BYTES = 1 << 28
"""The most bytes of external values that a recording holds before it is computed."""

UNREAD = (None,)
"""The storage of a slot that no tensor reads."""


class Recording:
    """Events since the last read.  `entry` is None once it is closed; `path` is then what was recorded."""

    __slots__ = (
        "__weakref__", "actual", "edges", "entry", "fns", "freed", "grad", "heavy", "held", "held_bytes", "infos", "inputs",
        "is_spent", "lock", "nodes", "numbers", "pasts", "path", "saved", "serial", "shadow", "slots", "storages", "tensors",
        "urgent",
    )  # fmt: skip

    def __init__(self) -> None:
        self.entry: Any = trie.root()
        self.path: Any = None
        self.lock = ForkLock()
        """Held while the recording is computed or made into nodes: two threads may look at once."""
        self.grad = True
        self.heavy = False
        """Whether it holds more bytes of external values than it should."""
        self.held_bytes = 0
        self.serial = next(clock)
        self.slots: list[Any] = []
        """The storage of each slot that has one and is not an external value."""
        self.inputs: dict[int, Any] = {}
        """The arrays of external values."""
        self.nodes: dict[int, Node] = {}
        """The nodes of external values."""
        self.numbers: list[Any] = []
        """The Python numbers that are inputs, as arrays."""
        self.shadow: Entry | None = None
        """The entry that the same events with the previous numbers led to, while changing numbers are searched for."""
        self.tensors: dict[int, Any] = {}
        """The leaves that require gradients."""
        self.edges: dict[int, Any] = {}
        """The history of external values: a grad_fn, or a closed recording with the slot in it."""
        self.storages: list[Any] = []
        """The storages of external values."""
        self.pasts: dict[Any, tuple[int, Any]] = {}
        """The slot, and the version it is of, of other storages from outside: constants, shared ones, those with a history."""
        self.infos: list[Slot] = []
        self.saved: dict[Node, Any] = {}
        self.held: dict[int, ref[Any]] = {}
        self.freed: frozenset[int] = frozenset()
        self.urgent = False
        """Whether it has calls of compiled functions: its program is compiled at the second occurrence."""
        self.is_spent = False
        """Whether no gradient can be taken from the values read last, so that none need to be saved."""
        self.actual: list[Node] | None = None
        self.fns: list[GradFn | None] = []

    # -- events ---------------------------------------------------------------------------------------------

    def known(self) -> list[Slot]:
        """Return the slots with their properties."""
        entry: Entry = self.entry or self.path
        infos = self.infos
        if len(infos) != entry.count:
            infos = self.infos = entry.path(infos[: entry.count])  # another list: a signal handler may come in between
        return infos

    def slot(self, number: int) -> Slot:
        """Return the properties of one slot."""
        entry: Entry = self.entry or self.path
        while entry.slot > number:
            assert entry.parent is not None
            entry = entry.parent
        return entry.slots[number - entry.slot]

    def event(
        self, key: tuple[Any, ...], learn: Callable[[list[Slot]], Slot], storage: Any = None, before: Any = None
    ) -> int:
        """Record an event with one slot; `learn` returns its entry the first time.  Return the slot, or -1 if it is closed.

        `before` is called with the number that the slot will have, perhaps more than once.
        """
        while (entry := self.entry) is not None:
            child = entry.children.get(key)
            known = child is not None
            if not known:
                self.follow(key)
            child = child or Entry(entry, (learn(self.known()),))
            if before is not None:
                before(child.slot)
            if self.advance(entry, child, (storage,)):
                if not known:
                    entry.children[key] = child
                return child.slot
        return -1

    def advance(self, entry: Entry, child: Entry, storages: Sequence[Any], numbers: Sequence[Any] = ()) -> bool:
        """Append an event, whose slots have these storages; return False if `entry` is no longer the last one.

        A signal handler or another thread may have come in between; none can in here, since nothing is called.
        """
        if self.entry is not entry:
            return False
        self.entry = child
        self.slots += storages
        self.numbers += numbers
        return True

    def flush_if_full(self) -> None:
        """Compute what is pending once it is a long chain, or holds many bytes."""
        if self.heavy or (self.entry is not None and self.entry.slot > PENDING_BOUND):
            self.flush()

    def follow(self, key: Any) -> None:
        """Follow an unseen event whose numbers do not change."""
        if self.shadow is not None:
            self.shadow = self.shadow.children.get(key)

    def external_value(self, kind: str, type: TensorType, array: Any, node: Node | None = None, source: Any = None) -> int:
        """Record the first use of an external value; `source` is the leaf, or where its history continues."""
        key = (kind, type.dtype, type.shape)
        self.held_bytes += array.nbytes
        self.heavy = self.held_bytes > HELD_BYTES
        while (entry := self.entry) is not None:
            child = entry.children.get(key)
            if child is None:
                self.follow(key)
                slot = Slot(kind, parameter(type, where=""), kind != INPUT, from_outside=True)
                child = entry.children.setdefault(key, Entry(entry, (slot,)))
            number: int = child.slot
            self.inputs[number] = array
            if node is not None or number in self.nodes:
                _set(self.nodes, number, node)
            if kind != INPUT or number in self.tensors or number in self.edges:
                _set(self.tensors, number, source if kind == LEAF else None)
                _set(self.edges, number, source if kind == PAST else None)
            if self.entry is entry:  # `advance`, inlined
                self.entry = child
                self.slots += UNREAD
                return number
        return -1

    def is_over(self, operands: Sequence[Any]) -> bool:
        """Return whether an unseen operation begins another piece of work, which may have been seen by itself.

        It does if nothing of this recording is used any more, or if a graph begins at a leaf that was written here: what
        follows an update of parameters is the same whatever the optimizer did before, as in its first steps.
        """
        return self._begins_at_written_leaf(operands) or self.is_idle(operands)

    def _begins_at_written_leaf(self, operands: Iterable[Any]) -> bool:
        if not self.grad:
            return False
        leaves = (s for x in operands if (s := x._storage).requires_grad and s.recording is self and s._fn is None)
        return any(not self.slot(s.slot).from_outside for s in leaves)

    def is_idle(self, operands: Iterable[Any]) -> bool:
        """Return whether it has events, but none of its slots is an operand or still referenced."""
        slots = self.slots
        own = [s for x in operands if (s := x._storage).recording is self and s.slot < len(slots)]
        if any(slots[s.slot] is s for s in own):
            return False
        counts = [getrefcount(s) for _, s in enumerate(slots) if s is not None]
        return bool(counts) and max(counts) <= UNHELD

    # -- the end --------------------------------------------------------------------------------------------

    def close(self) -> Entry | None:
        """Close the recording; return what was recorded."""
        entry: Entry | None = self.entry
        if entry is not None:
            self.path, self.entry, entry.used = entry, None, self.serial
            state.renew(self)
        path: Entry | None = self.path
        return path

    def flush(self) -> None:
        """Close the recording, and compute the referenced slots; if that fails, leave them pending on nodes."""
        with self.lock:
            self._flush()

    def _flush(self) -> None:
        path = self.close()
        slots = self.slots
        if path is None or not slots:
            return
        alive = [
            i for i, s in enumerate(slots) if s is not None and getrefcount(s) > UNHELD and s.recording is self and s.slot == i
        ]
        if alive:
            self._compute(path, tuple(alive), slots)
        self._drop()

    def _compute(self, path: Entry, alive: tuple[int, ...], slots: list[Any]) -> None:
        plan: Plan | None = path.plans.get(alive)
        if plan is None:
            if len(path.plans) >= PLANS:
                path.plans.clear()
            known = path.path(self.infos)
            plan = path.plans[alive] = make_plan(known, alive, used_up(known, self.freed), path.all_numbers())
        inputs, numbers = self.inputs, self.numbers
        try:
            arrays = [inputs[i] if i >= 0 else numbers[~i] for i in plan.inputs]
            structure = plan.structure
            structure.used, native = self.serial, structure.native
            values = plan.run(arrays) if native is None else native(*arrays)
        except (IndexError, RuntimeError, MemoryError):
            self.materialize()
            return
        if self.urgent:
            plan.structure.spent = inf
        for i, value in zip(alive, values):  # noqa: B905 - values that gradients need follow
            storage = slots[i]
            if storage.recording is self:
                storage.value = value
                if storage._fn is None:
                    storage.recording = None
        if plan.history:
            self.held = {i: ref(slots[i]) for i in plan.history if slots[i].recording is self}
            self.saved = {node: values[number] for node, number in plan.saved}
            self.is_spent = plan.is_spent

    def _drop(self) -> None:
        """Drop the storages, and the values unless a history needs them."""
        for storage in self.storages:
            if storage.recording is self and storage._fn is not HISTORY:
                storage.recording = None
        self.slots, self.storages, self.infos = [], [], []
        if self.pasts:
            self.pasts = {}
        if self.is_spent:
            self.inputs, self.saved, self.nodes, self.numbers = {}, {}, {}, []
        if not self.held or self.actual is not None:
            self.inputs, self.nodes, self.saved, self.tensors, self.edges, self.numbers = {}, {}, {}, {}, {}, []

    def use_up(self, used: frozenset[int]) -> None:
        """Mark slots as used by a backward that kept nothing; drop the values if no other backward is possible."""
        self.freed |= used
        if used_up(self.known(), self.freed).issuperset(self.held):
            self.inputs, self.saved, self.nodes, self.numbers = {}, {}, {}, []

    # -- as nodes -------------------------------------------------------------------------------------------

    def materialize(self) -> None:
        """Create nodes and grad_fns for what was recorded, and store them in the storages; closes the recording first."""
        self.close()
        for recording in sorted(self._and_older(), key=lambda r: r.serial):
            with recording.lock:
                recording._materialize()

    def _and_older(self) -> Iterable[Recording]:
        recordings, waiting = {self}, [self]
        while waiting:
            for edge in waiting.pop().edges.values():
                older = edge[0] if isinstance(edge, tuple) else self
                if older not in recordings and older.actual is None:
                    older.close()
                    recordings.add(older)
                    waiting.append(older)
        return recordings

    def _materialize(self) -> None:
        if self.actual is not None or self.path is None:
            return
        infos = self.path.path([])
        external = {info.node: self._external_node(i, info) for i, info in enumerate(infos) if info.from_outside}
        for node, array in zip(self.path.all_numbers(), self.numbers, strict=False):
            external[node] = parameter(node.types[0], where="", value=array)
        roots = [info.node for info in infos]
        for info in infos:
            if info.kind == LEAF and not info.from_outside:  # a write makes another leaf, whatever else has its value
                (value,) = substitute([info.node.operands[0]], external)
                external[info.node] = make(info.node.op, (value,), info.node.params, like=info.node, unique=True)
        nodes = substitute([*roots, *self.saved], external)
        for node, value in zip(nodes[len(roots) :], self.saved.values(), strict=True):
            node.value = value if node.value is None else node.value
        self.fns = self._history(infos, nodes)
        self.actual = actual = nodes[: len(roots)]
        for i, held in ({i: ref(s) for i, s in enumerate(self.slots) if s is not None} | self.held).items():
            storage = held()
            if storage is not None and storage.recording is self and storage.slot == i:
                if i in self.freed and infos[i].saves and storage.value is not None:
                    actual[i] = parameter(infos[i].node.types[0], where="", value=storage.value)
                self._put(storage, actual[i], self.fns[i])
        self.saved, self.inputs = {}, {}

    def _external_node(self, slot: int, info: Slot) -> Node:
        edge = self.edges.get(slot)
        if isinstance(edge, tuple):
            recording, number = edge
            node: Node = recording.actual[number]
            return node
        existing = self.nodes.get(slot)
        if existing is None and slot in self.tensors:
            storage, value = self.tensors[slot]._storage, self.inputs.get(slot)
            if value is not None and (storage.value if storage._node is None else storage._node.value) is value:
                return storage.make_node()  # type: ignore[no-any-return]
        if existing is None:
            existing = self.nodes[slot] = parameter(info.node.types[0], where="", value=self.inputs.get(slot))
        return existing

    def _history(self, infos: list[Slot], nodes: list[Node]) -> list[GradFn | None]:
        fns: list[GradFn | None] = []
        for i, info in enumerate(infos):
            if not info.requires:
                fns.append(None)
            elif info.kind == LEAF:
                fns.append(AccumulateGrad(self.tensors[i], nodes[i]) if i in self.tensors else None)
            elif info.kind == PAST:
                edge = self.edges.get(i)
                fns.append(edge[0].fns[edge[1]] if isinstance(edge, tuple) else edge)
            else:
                step = GradFn(info.name, tuple([None if e is None else fns[e] for e in info.edges]), saves=info.saves)
                step.freed = step.saves and i in self.freed
                step.dead = step.freed or step.leads_to_dead()
                fns.append(step)
        return fns

    def _put(self, storage: Any, node: Node, fn: GradFn | None) -> None:
        if node.value is None:
            node.value = storage.value
        pending = node.value is None
        storage.pending = len(self.slots) if pending else 0
        if storage._fn is HISTORY:
            assert fn is not None
            storage._fn = fn
            fn.owner = ref(storage)
        storage.set_node(node)
        if pending:
            state.dirty.add(storage)


def _set(table: dict[int, Any], slot: int, value: Any) -> None:
    """Set the value of a slot; None clears what an interrupted event has left."""
    if value is not None:
        table[slot] = value
    elif slot in table:
        del table[slot]


def used_up(known: list[Slot], freed: frozenset[int]) -> set[int]:
    """Return the slots from which no gradient can be taken any more."""
    dead: set[int] = set()
    for i, info in enumerate(known) if freed else ():
        edges = [e for e in info.edges if e is not None]
        if (i in freed and info.saves) or (edges and dead.issuperset(edges)):
            dead.add(i)
    return dead


UNHELD = next(n for n in [getrefcount(item) for _, item in enumerate([object()])])
"""The result of getrefcount for an object that only the list holds."""

type(state).new_recording = Recording
state.renew()
