"""Repeated calls of a compiled function: gather its state, make one native call, write the state back.

A `FastPath` serves calls of the signature of one seen before, and passes any other to the slow path in
`graphc.compiler.api`. Dtypes, shapes and strides of all arrays, state included, are compared by the native entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import getrefcount
from typing import Any

import numpy as np

from graphc.compiler.guards.equality import exact
from graphc.ir.core.graph import PARAMETER, Node, know
from graphc.tensors.context import state
from graphc.tensors.grad_fn import GradFn
from graphc.tensors.storage import HELD_ONCE, Storage, valued
from graphc.tensors.tensor import Tensor

__all__ = ["MISFIT", "FastPath", "Result", "accumulate_grad", "nested", "overwrite", "plain", "used_up"]

Array = np.ndarray[Any, Any]

MISFIT = object()
"""What the native entry of a FastPath call returns for arrays that do not fit."""


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


def plain(r: Result, array: Array) -> Tensor:
    """Return a result as a tensor without a history."""
    assert r.node is not None
    return Tensor._of(Storage(valued(array, r.node)))


def used_up(r: Result, array: Array) -> Tensor:
    """Return a result whose history a backward inside the function has used up."""
    assert r.fn is not None
    fn = GradFn(r.fn.name())
    fn.freed = fn.dead = True
    tensor = plain(r, array)
    tensor._storage.requires_grad, tensor._storage.fn = True, fn
    return tensor


# -- state that nothing else holds takes new values itself: no graph can have read the old ones ---------------


def overwrite(storage: Storage, array: Array) -> None:
    """Put a computed value into a storage; its history stays."""
    if type(storage) is Storage and storage.node.op is PARAMETER and getrefcount(storage.node) <= HELD_ONCE:
        know(storage.node, array)
        storage.version += 1
        storage.pending = 0
        return
    storage.put_value(valued(array, storage.node))
    state.dirty.discard(storage)


def accumulate_grad(tensor: Tensor, r: Result, array: Array) -> None:
    """Put a computed gradient into `tensor.grad`, a tensor of its own."""
    if getrefcount(tensor._grad) <= HELD_ONCE and _is_reusable(tensor._grad, r):
        overwrite(tensor._grad._storage, array)  # type: ignore[union-attr]
    else:
        tensor._grad = plain(r, array)


def _is_reusable(grad: Tensor | None, r: Result) -> bool:
    """Tell whether a gradient that has no other reference is as a new one would be, but for its value."""
    if type(grad) is not Tensor or grad._view_steps or grad._hooks is not None or grad.__dict__:
        return False
    if getrefcount(grad._storage) > HELD_ONCE:
        return False
    storage = grad._storage
    assert r.node is not None
    return type(storage) is Storage and not storage.requires_grad and storage.node.types == r.node.types


def nested(entry: Callable[..., Any], build: Callable[[Sequence[Array]], Any], slow: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call of a program that is all there is to a function but for the nest its outputs are returned in."""

    def call(*args: Any, **kwargs: Any) -> Any:
        outputs: Any = MISFIT if kwargs else entry(*args)
        return slow(*args, **kwargs) if outputs is MISFIT else build(outputs)

    return call


# -- the call ---------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class FastPath:
    """A variant bound for calls with positional arrays, or tensors that require no gradient.

    `tensors` says which arguments are Tensors; `several` of them must be different ones.  `captures` are storages, or
    ways to find them, and whether they require a gradient; `writes` pairs the number of one with that of an output
    (`rebound` are those whose old value stays with what shares it), `deposits` a tensor whose gradient is written with a
    Result, or None to remove it.  Returns what `slow` returns for a call that is unlike the one it was made from.
    """

    entry: Callable[..., Any]
    slow: Callable[..., Any]
    tensors: tuple[bool, ...]
    several: bool
    grad: bool
    guards: list[tuple[Callable[[], Any], Any]]
    outside: frozenset[Storage]
    looked: list[tuple[Tensor, bool]]
    captures: list[tuple[Storage | Callable[[], Storage | None], bool]]
    numbers: list[tuple[Callable[[], Any], np.dtype[Any]]]
    constants: list[Array]
    writes: list[tuple[int, int]]
    rebound: list[int]
    deposits: list[tuple[Tensor, Result | None]]
    results: list[Result]
    build: Callable[[list[Any]], Any]
    to_numpy: bool

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return self.slow(*args, **kwargs)
        arrays = self._arguments(args)
        storages = self._state(args, arrays) if arrays is not None else None
        if arrays is None or storages is None:
            return self.slow(*args)
        for getter, dtype in self.numbers:
            arrays.append(np.asarray(getter(), dtype))
        outputs = self.entry(*arrays, *self.constants)
        if outputs is MISFIT:
            return self.slow(*args)
        for number in self.rebound:
            storages[number].own()
        for number, output in self.writes:
            storage = storages[number]
            if type(storage) is Storage and storage.node.op is PARAMETER and getrefcount(storage.node) <= HELD_ONCE:
                know(storage.node, outputs[output])  # what `overwrite` does, without a call
                storage.version += 1
                storage.pending = 0
            else:
                overwrite(storage, outputs[output])
        for tensor, r in self.deposits:
            if r is None:
                tensor._grad = None
            else:
                accumulate_grad(tensor, r, outputs[r.number])
        return self.build([self._result(r, args, outputs) for r in self.results])

    def _arguments(self, args: tuple[Any, ...]) -> list[Array] | None:
        """Return the arguments' arrays; None if one is no array, or if the function would do something else now."""
        if len(args) != len(self.tensors) or state.trace is not None or state.grad is not self.grad:
            return None
        arrays = list(args)
        for i, is_tensor in enumerate(self.tensors):
            if is_tensor:
                array = _value(args[i])
                if array is None or args[i]._storage in self.outside:
                    return None
                arrays[i] = array
        if self.several and len({id(array) for array in arrays}) < len(arrays):
            return None
        for getter, value in self.guards:
            if not exact(getter(), value):
                return None
        for tensor, was_none in self.looked:
            if (tensor._grad is None) is not was_none:
                return None
        return arrays

    def _state(self, args: tuple[Any, ...], arrays: list[Array]) -> list[Storage] | None:
        """Append the values of captured storages and return these; None if one is not as it was."""
        storages: list[Storage] = []
        for kept, requires_grad in self.captures:
            if type(kept) is Storage:
                storage: Storage | None = kept
                value = kept.node.value
            else:
                storage = kept if isinstance(kept, Storage) else kept()
                value = None if storage is None else storage.current().value
            if value is None or storage is None or storage.requires_grad is not requires_grad:
                return None
            if kept is not storage and any(storage is x._storage for x in args if isinstance(x, Tensor)):
                return None
            storages.append(storage)
            arrays.append(value)
        return storages

    def _result(self, r: Result, args: tuple[Any, ...], outputs: Sequence[Array]) -> Any:
        if r.kind == "constant":
            return r.value
        if r.kind == "argument":
            return args[r.number]
        if self.to_numpy:
            return outputs[r.number]
        return plain(r, outputs[r.number]) if r.fn is None else used_up(r, outputs[r.number])


def _value(x: Any) -> Array | None:
    """Return the array of a tensor that is a known value and nothing more."""
    if not isinstance(x, Tensor) or x._view_steps or x._storage.requires_grad:
        return None
    storage = x._storage
    return storage.node.value if type(storage) is Storage else None
