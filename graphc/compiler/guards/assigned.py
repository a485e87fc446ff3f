"""Values that a compiled function assigns to attributes, globals and variables of closures: each call assigns them again.

After a trace its tensors are collected from the places where the watch found names, and what was there before is put back.
They are results of the program.  Where tensors were replaced, the function reads, at each call, what is there then.  Numbers,
strings and the like are assigned again where the function does not read what was there; else a change is a new trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import CellType
from typing import Any

from graphc.codegen.runtime.bindings import ABSENT, contents
from graphc.compiler.guards.search import ATOMS
from graphc.compiler.guards.watch import Watch
from graphc.core import pytree
from graphc.core.pytree import TreeDef
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import Captured

__all__ = ["Assigned", "Assignments", "Place", "TensorAt", "assign", "look_up"]


@dataclass(frozen=True)
class Place:
    """An entry of a dict, or the contents of a cell."""

    holder: Any
    key: Any = None

    def get(self) -> Any:
        """Return what is there now, ABSENT if nothing is."""
        if isinstance(self.holder, CellType):
            return contents(self.holder)
        return self.holder.get(self.key, ABSENT)

    def put(self, value: Any) -> None:
        """Put a value there; ABSENT removes what is there."""
        if isinstance(self.holder, CellType):
            if value is ABSENT:
                del self.holder.cell_contents
            else:
                self.holder.cell_contents = value
        elif value is ABSENT:
            self.holder.pop(self.key, None)
        else:
            self.holder[self.key] = value


@dataclass(frozen=True)
class TensorAt:
    """Finds a tensor of a value with a structure at a place, by its number."""

    place: Place
    tree: TreeDef
    number: int
    kind: Any

    def tensor(self) -> Tensor | None:
        """Return the tensor; None if there is none that shows its storage like the one that was traced."""
        leaves, tree = pytree.flatten(self.place.get())
        x = leaves[self.number] if tree == self.tree else None
        return x if type(x) is Tensor and _kind(x) == self.kind else None

    def __call__(self) -> Storage | None:
        """Return the storage that the tensor shows."""
        x = self.tensor()
        return None if x is None else x._place()[0]


def _kind(x: Tensor) -> Any:
    """Return how a tensor shows the storage of its values: the steps, and whether under its own history."""
    return x._place()[1], x._storage.place[0] is x._storage


@dataclass
class Assigned:
    """A place where a function put a value: its structure and leaves, and what was there before.

    `moved` finds the leaves, by number, that were in places before the call.
    """

    place: Place
    tree: TreeDef
    leaves: Sequence[Any]
    before: Any
    moved: dict[int, TensorAt] = field(default_factory=dict)

    def forget(self) -> None:
        """Drop the tensors of the trace, and those that were there before it."""
        self.leaves, self.before = (), None

    def value(self, leaves: Sequence[Any]) -> Any:
        """Return what is assigned, before anything is."""
        parts = [self.moved[i].tensor() if i in self.moved else x for i, x in enumerate(leaves)]
        return pytree.unflatten(parts, self.tree)

    def replaced(self) -> list[tuple[Tensor, TensorAt]]:
        """Return the tensors that were there, with how to find them at a call; none if there was anything else."""
        leaves, tree = pytree.flatten(self.before)
        if not all(type(x) is Tensor for x in leaves):
            return []
        return [(x, TensorAt(self.place, tree, i, _kind(x))) for i, x in enumerate(leaves)]


def assign(assigned: Sequence[Assigned], leaves: Sequence[Any]) -> None:
    """Assign values with these leaves, one after the other."""
    values, at = [], 0
    for one in assigned:
        values.append(one.value(leaves[at : (at := at + one.tree.size)]))
    for one, value in zip(assigned, values, strict=True):
        one.place.put(value)


def look_up(
    assigned: Sequence[Assigned], captures: Mapping[Storage, Captured], is_found: Callable[[Tensor], bool]
) -> tuple[dict[Tensor, TensorAt], set[tuple[int, Any]]]:
    """Let tensors that a function has replaced be found where they are, and return how, and these places.

    A tensor that is not found there alone stays what it is: the function is traced again when there is another.
    """
    places: set[tuple[int, Any]] = set()
    finders: dict[Tensor, TensorAt] = {}
    for one in assigned:
        replaced = one.replaced()
        captured = [captures.get(x._place()[0]) for x, _ in replaced]
        if not replaced or not all(is_found(x) for x, _ in replaced) or any(c and c.lookup for c in captured):
            continue
        for (tensor, finder), capture in zip(replaced, captured, strict=True):
            finders[tensor] = finder
            if capture is not None:
                capture.lookup = finder
        places.add((id(one.place.holder), one.place.key))
    for one in assigned:
        tensors = [(i, x) for i, x in enumerate(one.leaves) if isinstance(x, Tensor)]
        one.moved = {i: finders[x] for i, x in tensors if x in finders}
    return finders, places


class Assignments:
    """The places that a traced function can assign to, with what was there before."""

    def __init__(self, watch: Watch) -> None:
        held: dict[int, tuple[Any, set[Any] | None]] = {}
        for holder, keys in watch.holders:
            known = held.get(id(holder), (holder, set[Any]()))[1]
            held[id(holder)] = holder, None if keys is None or known is None else known | keys
        self._before = [(holder, keys, _entries(holder, keys)) for holder, keys in held.values()]
        self._watched, self._updated = watch.places(), watch.updated

    def take(self) -> list[Assigned]:
        """Return the places with other values than before, which are put back.

        They are those with tensors; of others those that nothing reads: what reads what it assigns is traced again.
        """
        taken = []
        for holder, keys, before in self._before:
            for key, value in _entries(holder, keys).items():
                old = before.get(key, ABSENT)
                if value is old:
                    continue
                leaves, tree = pytree.flatten(value)
                unread = (id(holder), key) not in self._watched and key not in self._updated
                if any(isinstance(x, Tensor) for x in leaves) or (unread and all(isinstance(x, ATOMS) for x in leaves)):
                    taken.append(Assigned(Place(holder, key), tree, leaves, old))
        for assigned in taken:
            assigned.place.put(assigned.before)
        return taken

    def only_here(self, tensor: Tensor) -> bool:
        """Return whether one place alone had a tensor that shows the storage of this one."""
        root, values = tensor._place()[0], dict(self._watched)
        values |= {(id(holder), key): value for holder, _, before in self._before for key, value in before.items()}
        values = {place: x for place, x in values.items() if isinstance(x, (Tensor, tuple)) or place not in self._watched}
        tensors = (x for value in values.values() for x in pytree.flatten(value)[0])
        return sum(isinstance(x, Tensor) and x._place()[0] is root for x in tensors) == 1


def _entries(holder: Any, keys: Set[Any] | None) -> dict[Any, Any]:
    """Return what a holder holds under these keys; None stands for all."""
    if isinstance(holder, dict):
        return dict(holder) if keys is None else {k: holder[k] for k in keys if k in holder}
    value = Place(holder).get()
    return {} if value is ABSENT else {None: value}
