"""Results of compiled functions that share values: views of arguments, of state and of other results, as without `compile`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.compiler.guards.assigned import TensorAt
from graphc.recording.grad_fn import GradFn
from graphc.storage import views
from graphc.storage.sharing import Shared, share_equal
from graphc.storage.storage import Storage
from graphc.storage.views import ViewSteps
from graphc.tensors.tensor import Tensor

__all__ = [
    "ArgumentSource", "Arrangement", "GradSource", "OutsideSource", "PlaceSource", "ResultSource", "Shown", "Source",
    "WrittenAlias", "arrangement",
]  # fmt: skip

Source = Callable[[Sequence[Any], Sequence[Any]], Tensor | Storage]
"""Finds what is shown, among the values that a call computed and its arguments."""


@dataclass(frozen=True)
class Shown:
    """A result that shows values along view steps: without history if `detached`, else as the view `name` of a tensor."""

    source: Source
    steps: ViewSteps
    name: str
    detached: bool

    def __call__(self, values: Sequence[Any], args: Sequence[Any]) -> Tensor:
        """Return the result of a call; `values` are those that it computed, `args` the tensors that were passed."""
        source = self.source(values, args)
        if self.detached:
            return Tensor._of(Shared(*_shared_place(source, self.steps)))
        assert isinstance(source, Tensor)
        return source._view_along(self.steps, self.name) if self.steps else source


@dataclass(frozen=True)
class WrittenAlias:
    """A value, by its number, that shares with another tensor and has a history of its own: it was detached, then written."""

    number: int
    source: Source
    steps: ViewSteps

    def join(self, values: Sequence[Any], args: Sequence[Any]) -> None:
        """Let the value of a call share with its source."""
        share_equal(values[self.number]._storage, *_shared_place(self.source(values, args), self.steps))


@dataclass(frozen=True)
class Arrangement:
    """The leaves of a function's result: each the number of a value, or what it shows; and the values that share.

    `retaining` are the results, by position, that retain their gradients, `graded` those that have one: these gradients are
    the last entries of `leaves`.
    """

    leaves: tuple[int | Shown, ...]
    written: tuple[WrittenAlias, ...] = ()
    retaining: tuple[int, ...] = ()
    graded: tuple[int, ...] = ()

    def __call__(self, values: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """Return the leaves of a call."""
        for alias in self.written:
            alias.join(values, args)
        leaves = [values[x] if isinstance(x, int) else x(values, args) for x in self.leaves]
        for i in self.retaining:
            leaves[i].retain_grad()
        for i in reversed(self.graded):
            leaves[i]._grad = leaves.pop()
        return leaves


def _shared_place(source: Tensor | Storage, steps: ViewSteps) -> tuple[Storage, ViewSteps]:
    """Return the storage, and the steps from there, of what a source shows along steps."""
    storage, before = source._place() if isinstance(source, Tensor) else (source, ())
    return storage, before + steps


def arrangement(
    leaves: Sequence[Any], is_known: Callable[[Any], bool], sources: Mapping[Storage, Source]
) -> tuple[list[Any], Arrangement | None]:
    """Return the leaves of a trace that have to be computed, and how all are arranged; None if they are the same.

    `is_known` tells whether a leaf is an argument or an external tensor; `sources` has the storages of arguments, gradients and
    external tensors.
    """
    new = [i for i, x in enumerate(leaves) if type(x) is Tensor and not is_known(x)]
    retaining, graded = ([i for i in new if leaves[i]._retains], [i for i in new if leaves[i]._grad is not None])
    leaves = [*leaves, *(leaves[i]._grad for i in graded)]
    places = {i: place for i, x in enumerate(leaves) if not is_known(x) and (place := _place(x)) is not None}
    uses: dict[Storage, list[int]] = {}
    for i, place in places.items():
        uses.setdefault(place.storage, []).append(i)
    written = [s for s in uses if s.place[0] is not s and views.is_static(s.place[1])]
    readers = Counter([place.storage for place in places.values()] + [s.place[0] for s in written])
    values: list[Any] = []
    arranged: dict[int, int | Shown] = {}
    known = dict(sources)

    def computed(x: Any) -> int:
        values.append(x)
        return len(values) - 1

    def is_shared(storage: Storage) -> bool:
        return readers[storage] > 1 or storage in sources

    for i, x in enumerate(leaves):
        if i not in places or not is_shared(places[i].storage):
            arranged[i] = computed(x)
    for storage in readers:
        if not is_shared(storage):
            continue
        positions = uses.get(storage, [])
        if storage not in known:
            known[storage] = ResultSource(computed(_base(storage, [leaves[i] for i in positions])))
        source = known[storage]
        for i in positions:
            place = places[i]
            view_of = source
            if isinstance(source, OutsideSource) and not place.detached:
                view_of = OutsideSource(leaves[i] if leaves[i]._base is None else leaves[i]._base)
            arranged[i] = Shown(view_of, place.steps, _name(leaves[i]), place.detached)
    aliases = []
    for alias in written:
        (root, steps), value = alias.place, known.get(alias)
        if root not in known or alias in sources:
            continue
        if isinstance(value, ResultSource):
            aliases.append(WrittenAlias(value.number, known[root], steps))
        else:  # one result alone reads it
            (i,) = uses[alias]
            number = arranged[i]
            assert isinstance(number, int)
            aliases.append(WrittenAlias(number, known[root], steps + places[i].steps))
    if not (aliases or retaining or graded or any(isinstance(x, Shown) for x in arranged.values())):
        return list(leaves), None
    everything = tuple(arranged[i] for i in range(len(leaves)))
    return values, Arrangement(everything, tuple(aliases), tuple(retaining), tuple(graded))


@dataclass(frozen=True)
class ArgumentSource:
    """Finds an argument."""

    number: int

    def __call__(self, values: Sequence[Any], args: Sequence[Any]) -> Tensor:
        return args[self.number]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ResultSource:
    """Finds a value that the call computed."""

    number: int

    def __call__(self, values: Sequence[Any], args: Sequence[Any]) -> Tensor:
        return values[self.number]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class OutsideSource:
    """Finds an external tensor, or an external storage."""

    held: Any

    def __call__(self, values: Sequence[Any], args: Sequence[Any]) -> Tensor | Storage:
        return self.held  # type: ignore[no-any-return]


@dataclass(frozen=True)
class GradSource:
    """Finds the gradient of a tensor, as it is after the call."""

    tensor: Source

    def __call__(self, values: Sequence[Any], args: Sequence[Any]) -> Tensor:
        tensor = self.tensor(values, args)
        assert isinstance(tensor, Tensor)
        assert tensor._grad is not None, "a guard checks that there is a gradient"
        return tensor._grad


@dataclass(frozen=True)
class PlaceSource:
    """Finds a tensor where it was at the beginning of the call."""

    finder: TensorAt

    def __call__(self, values: Sequence[Any], args: Sequence[Any]) -> Tensor:
        tensor = self.finder.tensor()
        assert tensor is not None, "a guard checks that there is one"
        return tensor


@dataclass(frozen=True)
class _Place:
    storage: Storage
    steps: ViewSteps
    detached: bool


def _place(x: Any) -> _Place | None:
    """Return what a tensor shows, its own storage if that has a history; None for elements that depend on values."""
    if type(x) is not Tensor:
        return None
    storage = x._storage
    source, steps = (storage, x._view_steps) if storage.requires_grad else x._place()
    return _Place(source, steps, source is not storage) if views.is_static(steps) else None


def _base(storage: Storage, tensors: Sequence[Tensor]) -> Tensor:
    """Return a tensor that reads all of a storage: one of those that show it, if there is one."""
    whole = next((x for x in tensors if x._storage is storage and x._base is None), None)
    base = whole if whole is not None else next((x._base for x in tensors if x._storage is storage), None)
    return base if isinstance(base, Tensor) else Tensor._of(storage)


def _name(x: Tensor) -> str:
    """Return the name of a view's grad_fn."""
    fn = x._view_fn
    if isinstance(fn, tuple):
        return fn[0]
    return fn.name() if isinstance(fn, GradFn) else "AliasBackward0"
