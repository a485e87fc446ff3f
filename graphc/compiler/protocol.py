"""What every call of a compiled function does besides running its program: check guards, write state, return results.

A call through `Variant` and one through `FastPath` differ in how they find tensors; what they do with these stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from sys import getrefcount
from typing import Any

import numpy as np

from graphc.compiler.guards.equality import exact
from graphc.ir.core.graph import PARAMETER, Node, know
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.storage.storage import HELD_ONCE, Storage, valued
from graphc.tensors.tensor import Tensor

__all__ = ["Array", "Result", "guards_hold", "tensor_of", "value_of", "write_grads", "write_state"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Result:
    """Where a leaf of the function's result comes from.

    `kind` is "output" (of the program, by `number`), "parameter" (of the graph, by number), "argument" (the
    very object passed) or "constant" (`value`).  `fn` is the history of a differentiable result.
    """

    kind: str
    number: int = 0
    value: Any = None
    node: Node | None = None
    fn: GradFn | None = None


def guards_hold(guards: Iterable[tuple[Callable[[], Any], Any]], grads: Iterable[tuple[Tensor, bool]]) -> bool:
    """Tell whether Python values are what they were, and tensors have a `.grad` where they had one."""
    for getter, value in guards:
        if not exact(getter(), value):
            return False
    for tensor, was_none in grads:  # noqa: SIM110 (a generator takes longer than the loop)
        if (tensor._grad is None) is not was_none:
            return False
    return True


# -- results ------------------------------------------------------------------------------------------------------


def value_of(r: Result, args: Sequence[Any], outputs: Sequence[Array], to_numpy: bool) -> Any:
    """Return a result that is no parameter of the graph and has no history that is still in use."""
    if r.kind == "constant":
        return r.value
    if r.kind == "argument":
        return args[r.number]
    if to_numpy:
        return outputs[r.number]
    return tensor_of(r, outputs[r.number])


def tensor_of(r: Result, array: Array) -> Tensor:
    """Return a result as a tensor that has no history, or one that cannot be used again."""
    return _plain(r, array) if r.fn is None else _used_up(r, array)


def _plain(r: Result, array: Array) -> Tensor:
    """Return a result as a tensor without a history."""
    assert r.node is not None
    return Tensor._of(Storage(valued(array, r.node)))


def _used_up(r: Result, array: Array) -> Tensor:
    """Return a result whose history was freed by a backward pass inside the function."""
    assert r.fn is not None
    fn = GradFn(r.fn.name())
    fn.freed = fn.dead = True
    tensor = _plain(r, array)
    tensor._storage.requires_grad, tensor._storage.fn = True, fn
    return tensor


# -- state that nothing else refers to takes new values itself: no graph can have read the old ones ---------------


def write_state(storages: Sequence[Storage], arrays: Sequence[Array], writes: Iterable[tuple[int, int]]) -> None:
    """Put computed values into storages, whose histories stay; `writes` pairs numbers of storages with those of arrays."""
    for number, array in writes:
        storage = storages[number]
        if type(storage) is Storage and storage.node.op is PARAMETER and getrefcount(storage._node) <= HELD_ONCE:
            know(storage._node, arrays[array])
            storage.version += 1
            storage.pending = 0
        else:
            storage.put_value(valued(arrays[array], storage.node))
            state.dirty.discard(storage)


def write_grads(grads: Iterable[tuple[Tensor, Result | None, int]], arrays: Sequence[Array]) -> None:
    """Put computed gradients, arrays by number, into the `.grad` of tensors; None removes one."""
    storages: list[Storage] = []
    numbers: list[int] = []
    for tensor, r, number in grads:
        if r is None:
            tensor._grad = None
        elif getrefcount(tensor._grad) <= HELD_ONCE and _is_reusable(tensor._grad, r):
            storages.append(tensor._grad._storage)  # type: ignore[union-attr]
            numbers.append(number)
        else:
            tensor._grad = _plain(r, arrays[number])
    write_state(storages, arrays, enumerate(numbers))


def _is_reusable(grad: Tensor | None, r: Result) -> bool:
    """Tell whether a gradient that has no other reference is as a new one would be, but for its value."""
    if type(grad) is not Tensor or grad._view_steps or grad._hooks is not None or grad.__dict__:
        return False
    if getrefcount(grad._storage) > HELD_ONCE:
        return False
    storage = grad._storage
    assert r.node is not None
    return type(storage) is Storage and not storage.requires_grad and storage.node.types == r.node.types
