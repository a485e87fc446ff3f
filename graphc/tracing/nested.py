"""Nested traces: one run of a function on placeholders for its arguments, inside of another trace or of eager code.

External tensors are read directly.  The trace records them, to find afterwards which were written, and where the history of a
result leaves the trace.  Batched functions (graphc.batching) and the bodies of loops and branches (graphc.control_flow) are
recorded this way.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np

from graphc.core.errors import TracingError, add_location
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import I64, TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import AccumulateGrad, GradFn, TracedGradFn
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import Trace

__all__ = ["KEY", "Before", "InnerTrace"]

RECURSION, FRAMES, DEEP = 1000, 20, 20
"""Python's default recursion limit; the most frames per nested body; the number of bodies that the default limit allows."""

T = TypeVar("T", bound="InnerTrace")

KEY = TensorType(I64, (2,))
"""The type of a random generator's state: seed and offset."""


class Before:
    """The state of an external storage when the function first used it; `key` is the placeholder of a random state."""

    def __init__(self, storage: Storage) -> None:
        self.node, self.requires_grad, self.fn = storage.make_node(), storage.requires_grad, storage.make_fn()
        self.key: Node | None = None

    def restore(self, storage: Storage) -> None:
        """Restore the storage."""
        storage.set_node(self.node)
        storage.requires_grad, storage._fn = self.requires_grad, self.fn


def _allow(level: int) -> None:
    """Raise Python's recursion limit as far as nested bodies need, in the trace and in the passes over regions."""
    needed = RECURSION + FRAMES * level
    if level > DEEP and sys.getrecursionlimit() < needed:
        sys.setrecursionlimit(needed)


class InnerTrace(Trace):
    """One run of a function within another recording.  `keys` says whether random states get placeholders."""

    kind = "function"
    size: int | None = None
    """The number of elements, for a batch."""

    def __init__(self, title: str, *, keys: bool) -> None:
        super().__init__()
        self.title, self.keys = title, keys
        self.outer = state.trace
        self.level: int = getattr(self.outer, "level", 0) + 1
        _allow(self.level)
        self.entered: dict[Storage, Before] = {}
        self.edges: set[GradFn] = set()
        if self.outer is not None:
            self.guards, self.numbers, self.grad = self.outer.guards, self.outer.numbers, self.outer.grad

    def __enter__(self: T) -> T:
        state.trace = self
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        state.trace = self.outer
        if error is not None:
            self.leave()

    def varying(self) -> Iterable[Node]:
        """Return the parameters whose value may vary over the elements of a batch around this run."""
        return ()

    def knows(self, storage: Storage) -> bool:
        """Return whether a storage is external."""
        return storage in self.entered

    # -- the recorder protocol --------------------------------------------------------------------------------

    def enter(self, storage: Storage) -> None:
        """Record the use of an external storage."""
        if storage.trace is not self.outer:
            if self.outer is None:
                assert storage.trace is not None
                raise storage.trace.escaped(storage.make_node())
            self.outer.enter(storage)
        if storage in self.entered:
            return
        before = self.entered[storage] = Before(storage)
        if before.fn is not None:
            self.edges.add(before.fn)
        if self.keys and before.node.type == KEY:
            before.key = parameter(KEY, self.title)
            storage.set_node(before.key)

    def leave(self) -> None:
        """Restore every external storage."""
        for storage, before in self.entered.items():
            before.restore(storage)

    def escaped(self, node: Node) -> TracingError:
        """Return the error for a tensor of this run that is used after the run."""
        origin = f" made at {node.where}" if node.where else ""
        error = TracingError(
            f"{self.title}: expected a tensor of the function that runs, got {node.type}{origin} in an earlier run: "
            f"tensors can leave a {self.kind} only as results"
        )
        add_location(error)
        return error

    def reads_grad(self, tensor: Tensor) -> None:
        """Report the access to the enclosing trace."""
        if self.outer is not None and tensor._storage.trace is not self:
            self.outer.reads_grad(tensor)

    def writes_grad(self, tensor: Tensor) -> None:
        """Refuse to change the `.grad` of an external tensor: the function stands for many runs, or for none."""
        if tensor._storage.trace is self:
            return
        error = RuntimeError(
            f"{self.title} writes to .grad of a tensor from outside; take gradients by graphc.func.grad or autograd.grad"
        )
        add_location(error)
        raise error

    def begins_backward(self, roots: Any) -> None:
        """Do nothing: the stage `captured` belongs to compiled functions."""

    def takes_gradients(self, steps: Any, targets: Any) -> None:
        """Pass it on to the trace outside."""
        if self.outer is not None:
            self.outer.takes_gradients(steps, targets)

    # -- the end ----------------------------------------------------------------------------------------------

    def changed(self) -> dict[Storage, Before]:
        """Return the external storages that were written to."""
        return {s: b for s, b in self.entered.items() if s._node is not (b.key or b.node)}

    def bind_numbers(self) -> None:
        """Bind the numbers that a compiled function would fetch at each call to their current values."""
        for getter, node in self.numbers if self.outer is None else ():
            node.value = np.asarray(getter(), node.dtype.numpy)

    def is_end(self, step: GradFn) -> bool:
        """Return whether a grad_fn belongs to the outside of this run."""
        if step in self.edges:
            return True
        if isinstance(step, AccumulateGrad):
            return step.tensor._storage.trace is not self
        return isinstance(step, TracedGradFn) and not step.is_of(self)

    def ends(self, first: GradFn | None) -> dict[GradFn, None]:
        """Return the grad_fns outside of this run that a history leads to, in order."""
        seen: set[GradFn] = set()
        ends: dict[GradFn, None] = {}
        stack = [first]
        while stack:
            step = stack.pop()
            if step is None or step in seen:
                continue
            seen.add(step)
            if self.is_end(step):
                ends[step] = None
                continue
            stack.extend(step.edges)
        return ends
