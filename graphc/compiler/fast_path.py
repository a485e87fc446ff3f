"""Repeated calls of a compiled function: gather its state, make one native call, write the state back.

A `FastPath` serves calls of the signature of one seen before, and passes any other to the slow path in
`graphc.compiler.compiled`. Dtypes, shapes and strides of all arrays, state included, are compared by the native entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.compiler.results.protocol import Array, Result, guards_hold, value_of, write_grads, write_state
from graphc.compiler.results.shown import Arrangement
from graphc.compiler.signature import Call
from graphc.compiler.variant import CapturedStorage, OutsideTensor, Variant
from graphc.core import pytree
from graphc.core.pytree import TreeDef
from graphc.recording.context import state
from graphc.storage.sharing import own
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = ["MISFIT", "FastPath", "fast_path_of"]

MISFIT = object()
"""Returned by the native entry of a FastPath for arrays that do not fit."""


def _nested(entry: Callable[..., Any], build: Callable[[Sequence[Array]], Any], slow: Callable[..., Any]) -> Callable[..., Any]:
    """Return the call of a program that has no state, with its outputs rebuilt into a pytree."""

    def call(*args: Any, **kwargs: Any) -> Any:
        outputs: Any = MISFIT if kwargs else entry(*args)
        return slow(*args, **kwargs) if outputs is MISFIT else build(outputs)

    return call


# -- the call ---------------------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class FastPath:
    """A variant bound for calls with positional arrays, or tensors that require no gradient.

    `tensors` says which arguments are Tensors; `several` of them must be distinct.  `captures` are storages, or ways to find
    them, and whether they require a gradient.  `writes` pairs the number of one with that of an output (`rebound` are those
    whose old value stays with the tensors that share it), `grads` pairs a tensor whose gradient is written with a Result, or
    None to remove it.  Calls `slow` for a call that is unlike the one it was built from.
    """

    entry: Callable[..., Any]
    slow: Callable[..., Any]
    tensors: tuple[bool, ...]
    several: bool
    grad: bool
    guards: list[tuple[Callable[[], Any], Any]]
    outside: frozenset[Storage]
    grads_read: list[tuple[Tensor, bool]]
    captures: list[tuple[Storage | Callable[[], Storage | None], bool]]
    numbers: list[tuple[Callable[[], Any], np.dtype[Any]]]
    constants: list[Array]
    writes: list[tuple[int, int]]
    rebound: list[int]
    grads: list[tuple[Tensor, Result | None, int]]
    results: list[Result]
    arranged: Arrangement | None
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
            own(storages[number])
        if self.writes:
            write_state(storages, outputs, self.writes)
        if self.grads:
            write_grads(self.grads, outputs)
        values = [value_of(r, args, outputs, self.to_numpy) for r in self.results]
        return self.build(values if self.arranged is None else self.arranged(values, args))

    def _arguments(self, args: tuple[Any, ...]) -> list[Array] | None:
        """Return the arguments' arrays; None if one is not an array, or if a guard fails."""
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
        return arrays if guards_hold(self.guards, self.grads_read) else None

    def _state(self, args: tuple[Any, ...], arrays: list[Array]) -> list[Storage] | None:
        """Append the values of captured storages and return these; None if one has changed its kind."""
        storages: list[Storage] = []
        for capture, requires_grad in self.captures:
            if type(capture) is Storage:
                storage: Storage | None = capture
                node = capture._node
                value = capture.array() if node is None else node.value
            else:
                storage = capture if isinstance(capture, Storage) else capture()
                value = None if storage is None else storage.array()
            if value is None or storage is None or storage.requires_grad is not requires_grad:
                return None
            if capture is not storage and any(storage is x._storage for x in args if isinstance(x, Tensor)):
                return None
            storages.append(storage)
            arrays.append(value)
        return storages


def _value(x: Any) -> Array | None:
    """Return the array of a tensor that is just a known value, else None."""
    if not isinstance(x, Tensor) or x._view_steps or x._storage.requires_grad:
        return None
    storage = x._storage
    return storage.array() if type(storage) is Storage else None


# -- from a variant to its fast path --------------------------------------------------------------------------------


def _misfit(*arrays: Any) -> Any:
    """Return the marker for arrays that do not fit, in place of a slow call."""
    return MISFIT


def fast_path_of(variant: Variant, call: Call, slow: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return a function for further calls with positional arguments like these, or None."""
    if not _is_described_by_arrays(variant, call):
        return None
    bindings = variant.watch.bindings
    if not _is_bare(variant) or not all(type(a.passed) is np.ndarray for a in call.arguments):
        return _bound(variant, call, slow)
    if _is_flat(variant.tree):
        return variant.program.entry(slow, single=variant.tree.kind is None, bindings=bindings)
    return _nested(variant.program.entry(_misfit, single=False, bindings=bindings), pytree.builder(variant.tree), slow)


def _is_described_by_arrays(variant: Variant, call: Call) -> bool:
    """Return whether arrays describe a call completely: writes and results are outputs, and nothing has a history."""
    tensors = [a.passed for a in call.arguments if not a.is_numpy]
    if len({id(x) for x in tensors}) < len(tensors) or any(a.requires_grad for a in call.arguments):
        return False
    if variant.state_like or variant.flags or variant.assigned:
        return False
    finders = [*(f for f, _ in variant.grads_read), *(f for f, _ in variant.grads), *(f for f, _ in variant.writes)]
    if not all(isinstance(f, (OutsideTensor, CapturedStorage)) for f in finders):
        return False
    state_results = [*(r for _, r in variant.writes), *(r for _, r in variant.grads if r is not None)]
    if not variant.graph.results or any(r.kind != "output" or r.fn is not None for r in state_results):
        return False
    return all(_is_described_by_array(r, variant, call.is_numpy) for r in variant.results)


def _is_described_by_array(r: Result, variant: Variant, to_numpy: bool) -> bool:
    if to_numpy:
        return r.kind != "parameter" and not (r.kind == "output" and r.number in variant.kept)
    return r.kind != "parameter" and (r.fn is None or r.fn.dead)


def _is_bare(variant: Variant) -> bool:
    """Return whether a call consists of the program alone: no state, and results that are its outputs, in order."""
    python = [variant.numbers, variant.guards, variant.watch.others]
    tensors = [variant.captures, variant.constants, variant.grads_read, variant.writes, variant.grads]
    in_order = [(r.kind, r.number) for r in variant.results] == [("output", i) for i in range(len(variant.graph.results))]
    return in_order and variant.arranged is None and not any(python) and not any(tensors)


def _is_flat(tree: TreeDef) -> bool:
    """Return whether the results are one value or a tuple of values, as the program returns them."""
    return tree.kind is None or (tree.kind is tuple and all(p.kind is None for p in tree.parts))


def _bound(variant: Variant, call: Call, slow: Callable[..., Any]) -> FastPath:
    return FastPath(
        entry=variant.program.entry(_misfit, single=False, bindings=variant.watch.bindings),
        slow=slow,
        tensors=tuple(not a.is_numpy for a in call.arguments),
        several=sum(not a.is_numpy for a in call.arguments) > 1,
        grad=state.grad,
        guards=[*variant.watch.others, *variant.guards],
        outside=variant.outside,
        grads_read=[(f.tensor, was_none) for f, was_none in variant.grads_read if isinstance(f, OutsideTensor)],
        captures=[(capture.lookup or capture.storage, capture.requires_grad) for capture in variant.captures],
        numbers=[(getter, node.dtype.numpy) for getter, node in variant.numbers],
        constants=[np.asarray(n.value, order="C") for n in variant.constants],
        writes=[(f.number, r.number) for f, r in variant.writes if isinstance(f, CapturedStorage)],
        rebound=[f.number for f, _ in variant.writes if isinstance(f, CapturedStorage) and f.rebinds],
        grads=[(f.tensor, r, r.number if r is not None else 0) for f, r in variant.grads if isinstance(f, OutsideTensor)],
        results=variant.results,
        arranged=variant.arranged,
        build=pytree.builder(variant.tree),
        to_numpy=call.is_numpy,
    )
