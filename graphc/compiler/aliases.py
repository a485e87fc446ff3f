"""Arguments, state and gradients of a traced function that share their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.compiler.guards.watch import Watch
from graphc.compiler.signature import Call
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = ["AliasedError", "SharedGrads", "aliases", "reachable"]


class AliasedError(Exception):
    """Arguments, by number, that share their values with state, or with another argument that is written."""

    def __init__(self, numbers: set[int]) -> None:
        self.numbers = numbers


def reachable(call: Call, seen: Watch) -> frozenset[int]:
    """Return the arguments that share values with a tensor that the function can reach by names that are in its code."""
    roots = {x._storage.place[0] for x in seen.keep if isinstance(x, Tensor)}
    return frozenset(n for n, a in enumerate(call.arguments) if not a.is_numpy and a.root in roots)


def aliases(call: Call) -> frozenset[int]:
    """Return the arguments that share values with another tensor and may require a gradient."""
    groups: dict[Any, list[int]] = {}
    for number, argument in enumerate(call.arguments):
        if not argument.is_numpy:
            groups.setdefault(argument.root, []).append(number)
    aliased: set[int] = set()
    for numbers in groups.values():
        tensors = {id(call.arguments[n].passed) for n in numbers}
        if len(tensors) > 1 and any(call.arguments[n].requires_grad for n in numbers):
            aliased.update(numbers)
    return frozenset(aliased)


class SharedGrads:
    """Tells which gradients share values: with an earlier one, or with a storage that is found under another name."""

    def __init__(self, tensors: Sequence[Tensor], fixed: Sequence[Storage]) -> None:
        self.tensors = tensors
        self.fixed = {storage: -1 - i for i, storage in enumerate(fixed)}

    def __call__(self) -> tuple[int, ...]:
        return self.among([tensor._grad for tensor in self.tensors])

    def among(self, grads: Sequence[Tensor | None]) -> tuple[int, ...]:
        """Return, for each gradient, a number that others have too if they share values with it."""
        first = dict(self.fixed)
        return tuple([0 if g is None else first.setdefault(g._storage.place[0], i) for i, g in enumerate(grads)])
