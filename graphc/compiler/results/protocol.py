"""The call protocol of compiled functions: check guards, write state, return results.

Calls through `Variant` and through `FastPath` find tensors in different ways; this module has what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from sys import getrefcount
from typing import Any

import numpy as np

from graphc.compiler.guards.equality import exact
from graphc.ir.core.graph import PARAMETER, Node, set_value
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.storage.storage import HELD_ONCE, Storage, valued
from graphc.tensors.tensor import Tensor

__all__ = ["Array", "Result", "guards_hold", "tensor_of", "value_of", "write_grads", "write_state"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Result:
    """The source of a leaf of the function's result.

    `kind` is "output" (of the program, by `number`), "parameter" (of the graph, by number), "argument" (the very object passed)
    or "constant" (`value`).  `fn` is the history of a differentiable result.
    """

    kind: str
    number: int = 0
    value: Any = None
    node: Node | None = None
    fn: GradFn | None = None

    @property
    def has_history(self) -> bool:
        """Whether gradients can be taken of the result."""
        return self.fn is not None and not self.fn.dead


def guards_hold(guards: Iterable[tuple[Callable[[], Any], Any]], grads: Iterable[tuple[Tensor, bool]]) -> bool:
    """Return whether guarded Python values are unchanged, and the same tensors have a `.grad`."""
    for getter, value in guards:
        now = getter()
        if now is not value and not exact(now, value):
            return False
    for tensor, was_none in grads:  # noqa: SIM110 (a generator takes longer than the loop)
        if (tensor._grad is None) is not was_none:
            return False
    return True


# -- results ------------------------------------------------------------------------------------------------------


def value_of(r: Result, args: Sequence[Any], outputs: Sequence[Array], to_numpy: bool) -> Any:
    """Return a result that is not a parameter of the graph and has no history that is still in use."""
    if r.kind == "constant":
        return r.value
    if r.kind == "argument":
        return args[r.number]
    if to_numpy:
        return outputs[r.number]
    return tensor_of(r, outputs[r.number])


def tensor_of(r: Result, array: Array) -> Tensor:
    """Return a result as a tensor without a history, or with a freed one."""
    return _plain(r, array) if r.fn is None else _used_up(r, array)


def _plain(r: Result, array: Array) -> Tensor:
    """Return a result as a tensor without a history."""
    assert r.node is not None
    return Tensor._recorded(Storage.of_array(array), r.node.types[0])


def _used_up(r: Result, array: Array) -> Tensor:
    """Return a result whose history was freed by a backward pass inside the function."""
    assert r.fn is not None
    fn = GradFn(r.fn.name(), saves=r.fn.saves)
    fn.freed = fn.dead = True
    tensor = _plain(r, array)
    tensor._storage.requires_grad, tensor._storage._fn = True, fn
    return tensor


# -- unshared state takes new values in place: no graph can have read the old ones --------------------------------


def write_state(storages: Sequence[Storage], arrays: Sequence[Array], writes: Iterable[tuple[int, int]]) -> None:
    """Store computed values in storages, which keep their histories; `writes` pairs numbers of storages and arrays."""
    for number, array in writes:
        storage = storages[number]
        node = storage._node if type(storage) is Storage else None
        if node is not None and node.op is PARAMETER and getrefcount(node) <= HELD_ONCE + 1:  # `node` is one more reference
            set_value(node, arrays[array])
            storage.version += 1
            storage.pending = 0
        elif type(storage) is Storage and node is None and storage.recording is None:
            storage.value = arrays[array]
            storage.version += 1
            storage.pending = 0
        else:
            storage.put_value(valued(arrays[array], storage.make_node()))
            state.dirty.discard(storage)


def write_grads(grads: Iterable[tuple[Tensor, Result | None, int]], arrays: Sequence[Array]) -> None:
    """Store computed gradients, arrays by number, in the `.grad` of tensors; None removes one."""
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
    """Return whether a gradient without other references equals a new one up to its value."""
    if type(grad) is not Tensor or grad._view_steps or grad._hooks is not None or grad.__dict__:
        return False
    if getrefcount(grad._storage) > HELD_ONCE:
        return False
    storage = grad._storage
    assert r.node is not None
    if type(storage) is not Storage or storage.requires_grad:
        return False
    value = storage.value
    if storage._node is None and value is not None:
        return value.shape == r.node.shape and value.dtype == r.node.dtype.numpy  # type: ignore[no-any-return]
    return storage.make_node().types == r.node.types
