"""Arguments of operations: tensors replaced by nodes, and keywords under NumPy's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from graphc.core.dtypes import of_numpy
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import TensorType
from graphc.recording.recording import Recording
from graphc.storage.operands import slot_of
from graphc.tensors.tensor import Tensor

__all__ = [
    "Interrupted", "Lowering", "Operands", "Placeholders", "Slots", "body_names", "from_array", "numpy_names", "tensors_in",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")

NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}
"""Keywords that torch also accepts under NumPy's names."""


def body_names(function: Callable[..., Any]) -> dict[str, str]:
    """Translate keywords from NumPy's names to those of the function."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {theirs: ours for theirs, ours in NUMPY_NAMES.items() if ours in names}


def numpy_names(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function accept `axis` for `dim`, and `keepdims` for `keepdim`, as every operation does."""
    others = body_names(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for word in others if kwargs else ():
            if word in kwargs:
                kwargs[others[word]] = kwargs.pop(word)
        return function(*args, **kwargs)

    return call


def from_array(array: np.ndarray[Any, Any], *, copy: bool = True) -> Node:
    """Return a parameter node whose value is the array.  Raises TypeError for dtypes that tensors do not support.

    Without a copy the array must not be written to any more, since its readers are computed later.
    """
    dtype = of_numpy(array.dtype).ir
    node = parameter(TensorType(dtype, tuple(array.shape)))
    node.value = np.array(array, dtype.numpy, copy=True) if copy else np.asarray(array, dtype.numpy)
    return node


class Lowering:
    """Replaces the tensors among the arguments of a call by nodes; a subclass chooses the node of a tensor."""

    __slots__ = ()

    def lower(self, value: Any) -> Any:
        """Return an argument with nodes for tensors and arrays, inside lists and tuples too."""
        if isinstance(value, Tensor):
            return self.node_of(value)
        kind = type(value)
        if kind is tuple or kind is list:
            return kind([self.lower(v) for v in value])
        return from_array(value) if isinstance(value, np.ndarray) else value

    def node_of(self, tensor: Tensor) -> Node:
        """Return the node for a tensor, and record the tensor."""
        raise NotImplementedError


class Operands(Lowering):
    """Replaces tensors by the nodes of their values."""

    __slots__ = ("pending", "requires", "tensors")

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.requires = False
        self.pending = 0

    def node_of(self, tensor: Tensor) -> Node:
        """Return the current node of the value."""
        node = tensor._node()
        storage = tensor._storage
        self.tensors.append(tensor)
        self.requires = self.requires or storage.requires_grad
        self.pending = max(self.pending, storage.pending)
        return node

    def others_require(self) -> bool:
        """Return whether an operand after the first requires a gradient."""
        return any(tensor.requires_grad for tensor in self.tensors[1:])


class Interrupted(BaseException):
    """The recording was closed in the meantime."""


class Slots(Lowering):
    """Replaces tensors by the nodes of their slots."""

    __slots__ = ("nodes", "recording", "requires", "slots")

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.slots: list[int] = []
        self.nodes: set[Node] = set()
        self.requires = False

    def node_of(self, tensor: Tensor) -> Node:
        """Return the node of the slot.  Raises Interrupted if the recording is closed."""
        slot = slot_of(self.recording, tensor)
        if slot < 0:
            raise Interrupted
        info = self.recording.known()[slot]
        self.slots.append(slot)
        self.nodes.add(info.node)
        self.requires = self.requires or info.requires
        return info.node

    def others_require(self) -> bool:
        """Return whether an operand after the first requires a gradient."""
        return any(self.recording.known()[slot].requires for slot in self.slots[1:])


class Placeholders(Lowering):
    """Replaces tensors by parameters of their type."""

    __slots__ = ("tensors",)

    def __init__(self) -> None:
        self.tensors: list[tuple[Tensor, Node]] = []

    def node_of(self, tensor: Tensor) -> Node:
        """Return a new parameter."""
        node = parameter(tensor._type)
        self.tensors.append((tensor, node))
        return node


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """Yield the tensors among arguments, and in lists and tuples."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from tensors_in(value)
