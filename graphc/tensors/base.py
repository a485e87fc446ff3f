"""The base class of the tensor: its slots, how it reads a storage through a view, and its history."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from graphc.ir.core.graph import Node
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import AccumulateGrad, GradFn
from graphc.recording.lazy import realize
from graphc.storage import views
from graphc.storage.compute import compute
from graphc.storage.storage import Storage
from graphc.storage.views import ViewSteps
from graphc.tensors.operations import Operations

__all__ = ["TITLES", "TensorBase", "methods_of_tensor"]

TITLES = {"f32": "Float", "f64": "Double", "i32": "Int", "i64": "Long", "u8": "Byte", "bool": "Bool"}
"""The names of dtypes in error texts."""

T = TypeVar("T", bound="TensorBase")
C = TypeVar("C", bound=type)


def methods_of_tensor(base: C) -> C:
    """Let the methods of a base class call themselves those of `Tensor`, as in the errors for wrong arguments."""
    for name, value in vars(base).items():
        if isinstance(value, FunctionType):
            value.__qualname__ = f"Tensor.{name}"
    return base


@methods_of_tensor
class TensorBase(Operations):
    """A storage read through a view: the implementation below the public methods of `Tensor`.

    The classes from here to `Tensor` are one class in several files: each extends the one before.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_base",
        "_grad",
        "_hooks",
        "_retains",
        "_storage",
        "_type",
        "_view_fn",
        "_view_steps",
        "_view_version",
        "_viewed",
    )

    _storage: Storage
    _base: TensorBase | None
    _view_steps: ViewSteps
    """The view steps from the storage to the values of this tensor; empty unless it is a view of `_base`."""
    _type: TensorType
    _grad: Any
    _hooks: dict[str, dict[int, Callable[..., Any]]] | None
    _retains: bool
    _view_fn: GradFn | tuple[str, TensorBase] | None
    """The grad_fn of this view; until it is created, its name and the operand."""
    _view_version: int
    _viewed: tuple[int, int, int] | None
    """For a view: the number of a recording, the version of the storage, and the slot of the view's value in it."""

    __array_priority__ = 1000

    @classmethod
    def _of(cls: type[T], storage: Storage) -> T:
        """Return a tensor that reads all of a storage."""
        self = object.__new__(cls)
        self._storage = storage
        self._base = self._grad = self._hooks = self._view_fn = None
        self._view_steps = ()
        self._type = storage.make_node().types[0]
        self._retains = False
        self._view_version = 0
        self._viewed = None
        return self

    @classmethod
    def _recorded(cls: type[T], storage: Storage, type: TensorType) -> T:
        """Return a tensor for the storage of a slot."""
        self = object.__new__(cls)
        self._storage, self._type = storage, type
        self._base = self._grad = self._hooks = self._view_fn = self._viewed = None
        self._view_steps = ()
        self._retains = False
        self._view_version = 0
        return self

    @classmethod
    def _adopt(cls: type[T], other: TensorBase) -> T:
        """Return a tensor of this class on the storage of `other`: how subclasses are constructed."""
        self = cls._of(other._storage)
        self._base, self._view_steps, self._type = other._base, other._view_steps, other._type
        self._view_fn, self._view_version = other._view_fn, other._view_version
        return self

    def _node(self) -> Node:
        """Return the node of the value for an operation that is recorded now: in a trace, the storage enters it."""
        node = self._storage.entered()
        return views.read(node, self._view_steps) if self._view_steps else node

    def _array(self) -> np.ndarray[Any, Any]:
        """Compute the values if necessary and return them, read-only."""
        storage, steps = self._storage, self._view_steps
        if storage.trace is None and (state.fast is not None or state.trace is None):
            value = storage.array()
            if value is not None and (not steps or views.is_static(steps)):
                return views.shown(value, steps) if steps else value  # type: ignore[no-any-return]
        node = storage.entered()
        if node.value is None:
            if storage.trace is None and state.trace is None:
                compute([storage])
            else:
                realize([node])
            node = storage.make_node()
        if not self._view_steps:
            return node.value  # type: ignore[no-any-return]
        if not views.is_static(self._view_steps):
            return realize([self._node()])[0]
        return views.shown(node.value, self._view_steps)  # type: ignore[no-any-return]

    def _edge(self) -> GradFn | None:
        """Return the grad_fn of this value; for a leaf, the one that accumulates its gradient."""
        storage = self._storage
        if not storage.requires_grad:
            return None
        if self._base is not None:
            return self._view_history()
        return storage.make_fn() if storage._fn is not None else AccumulateGrad(self, storage.entered())

    def _view_history(self) -> GradFn | None:
        assert self._base is not None
        if state.trace is not None and state.trace.knows(self._storage):
            return self._history_in_trace()
        if isinstance(self._view_fn, tuple):
            name, operand = self._view_fn
            edge = operand._edge() if self._view_version == self._storage.version else None
            self._view_fn = GradFn(name, (edge,), saves=False)
        if self._view_fn is None or self._view_version != self._storage.version:
            name = "AsStridedBackward0" if self._view_fn is None or self._view_version else self._view_fn.name()
            self._view_fn = GradFn(name, (self._base._edge(),), saves=False)
            self._view_version = self._storage.version
        return self._view_fn

    def _history_in_trace(self) -> GradFn:
        """Return the grad_fn of a view of external values: it is not kept, since its operand's ends with the trace."""
        assert self._base is not None
        fn = self._view_fn
        name = fn[0] if isinstance(fn, tuple) else "AsStridedBackward0" if fn is None else fn.name()
        return GradFn(name, (self._base._edge(),), saves=False)

    @property
    def _version(self) -> int:
        return self._storage.version

    def _place(self) -> tuple[Storage, ViewSteps]:
        source, path = self._storage.place
        return source, path + self._view_steps
