"""Results of compiled functions that share values: views of arguments, of state and of other results, as without `compile`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.recording.grad_fn import GradFn
from graphc.storage import views
from graphc.storage.sharing import Shared
from graphc.storage.storage import Storage
from graphc.storage.views import ViewSteps
from graphc.tensors.tensor import Tensor

__all__ = ["ArgumentSource", "Arrangement", "GradSource", "OutsideSource", "ResultSource", "Shown", "Source", "arrangement"]

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
            storage, before = source._storage.place if isinstance(source, Tensor) else (source, ())
            inner = source._view_steps if isinstance(source, Tensor) else ()
            shared = Shared(storage, before + inner + self.steps)
            return Tensor._of(shared)
        assert isinstance(source, Tensor)
        return source._view_along(self.steps, self.name) if self.steps else source


@dataclass(frozen=True)
class Arrangement:
    """The leaves of a function's result: each the number of a value, or what it shows."""

    leaves: tuple[int | Shown, ...]

    def __call__(self, values: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        """Return the leaves of a call."""
        return [values[x] if isinstance(x, int) else x(values, args) for x in self.leaves]


def arrangement(
    leaves: Sequence[Any], is_known: Callable[[Any], bool], sources: Mapping[Storage, Source]
) -> tuple[list[Any], Arrangement | None]:
    """Return the leaves of a trace that have to be computed, and how all are arranged; None if they are the same.

    `is_known` tells whether a leaf is an argument or an external tensor; `sources` has the storages of arguments, gradients and
    external tensors.
    """
    places = {i: place for i, x in enumerate(leaves) if not is_known(x) and (place := _place(x)) is not None}
    uses: dict[Storage, list[int]] = {}
    for i, place in places.items():
        uses.setdefault(place.storage, []).append(i)
    values: list[Any] = []
    arranged: dict[int, int | Shown] = {}

    def computed(x: Any) -> int:
        values.append(x)
        return len(values) - 1

    for i, x in enumerate(leaves):
        if i not in places or (len(uses[places[i].storage]) == 1 and places[i].storage not in sources):
            arranged[i] = computed(x)
    for storage, positions in uses.items():
        remaining = [i for i in positions if i not in arranged]
        if not remaining:
            continue
        source = sources.get(storage) or ResultSource(computed(_base(storage, [leaves[i] for i in remaining])))
        for i in remaining:
            place = places[i]
            view_of = source
            if isinstance(source, OutsideSource) and not place.detached:
                view_of = OutsideSource(leaves[i] if leaves[i]._base is None else leaves[i]._base)
            arranged[i] = Shown(view_of, place.steps, _name(leaves[i]), place.detached)
    if not any(isinstance(x, Shown) for x in arranged.values()):
        return list(leaves), None
    return values, Arrangement(tuple(arranged[i] for i in range(len(leaves))))


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
class _Place:
    storage: Storage
    steps: ViewSteps
    detached: bool


def _place(x: Any) -> _Place | None:
    """Return what a tensor shows; None for a history of its own, or for elements that depend on values."""
    if type(x) is not Tensor:
        return None
    storage = x._storage
    source, steps = x._place()
    if not views.is_static(steps) or (source is not storage and storage.requires_grad):
        return None
    return _Place(source, steps, source is not storage)


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
