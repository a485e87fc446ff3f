"""Bodies of loops and branches: their inputs, the recorded run, and its results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from graphc.autograd.engine import with_late_hooks
from graphc.core import pytree
from graphc.core.dtypes import number_dtype
from graphc.core.errors import TracingError, add_location, located, location_of, set_location, user_location
from graphc.core.pytree import TreeDef
from graphc.dispatch.arguments import from_array
from graphc.ir.core import build
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import DType, TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import CustomGradFn, GradFn, history
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor
from graphc.tracing.custom_vjp import written_out
from graphc.tracing.function_rule import apply_with_rules, placeholder_tensor
from graphc.tracing.nested import Before, InnerTrace

__all__ = [
    "KINDS", "Body", "Input", "Once", "Result", "different", "name_of"
]  # fmt: skip

KINDS = ("bool", "int", "float")
"""Kinds of dtypes, lowest first."""


class Input:
    """An argument of a loop or branch.  A Python number is `weak`: it takes the dtype that the body returns."""

    def __init__(self, value: Any, name: str = "", *, along: bool = False) -> None:
        self.weak = isinstance(value, (bool, int, float)) and not along
        self.number = value
        self.tensor = self._tensor(value, name, along)
        self.name = name
        self.type = self.tensor._type
        if along:
            if not self.type.shape:
                raise located(TypeError(f"{name}: expected a tensor with an axis to run along, got {self.type}"))
            self.type = self.type.with_shape(self.type.shape[1:])

    def _tensor(self, value: Any, name: str, along: bool) -> Tensor:
        if isinstance(value, Tensor):
            return value
        if isinstance(value, (np.ndarray, np.generic)):
            return Tensor._of(Storage(from_array(np.asarray(value))))
        if self.weak:
            return Tensor._of(Storage(build.constant(value, number_dtype(value))))
        wanted = "a tensor or an array" if along else "a tensor, an array or a number"
        raise located(TypeError(f"{name}: expected {wanted}, got {type(value).__name__}{_hint(value)}"))

    def take(self, dtype: DType) -> None:
        """Give a weak number a dtype."""
        self.tensor = Tensor._of(Storage(build.constant(self.number, dtype)))
        self.type = self.tensor._type

    def node(self) -> Node:
        """Return the current node of the value."""
        return self.tensor._node()


class Body(InnerTrace):
    """One run of a body on placeholders: `params`, the leaves of its result, and their pytree `tree`."""

    kind = "body"

    def __init__(self, title: str, inputs: Sequence[Input]) -> None:
        super().__init__(title, keys=True)
        self.params = [parameter(g.type) for g in inputs]
        self.requires = [g.type.dtype.is_float and (state.grad or g.tensor.requires_grad) for g in inputs]
        self.leaves: list[Any] = []
        self.places: dict[Storage, str] = {}
        """The source lines of the last writes to external storages."""
        self.tree = pytree.NOTHING
        self.differentiates = any(g.tensor.requires_grad for g in inputs)

    def varying(self) -> Iterable[Node]:
        """Return the parameters that vary over iterations."""
        return self.params

    def wrote(self, storage: Storage) -> None:
        """Record the source line of a write to an external storage."""
        if storage in self.entered:
            self.places[storage] = user_location()

    def apply_function(self, call: Any) -> tuple[Any, bool]:
        """Run a custom function within the body."""
        return apply_with_rules(call), True

    def run(self, function: Callable[[list[Tensor]], Any]) -> None:
        """Call the body on its placeholders.  Raises TypeError for results that are not tensors."""
        with self:
            result = function([placeholder_tensor(p, r) for p, r in zip(self.params, self.requires, strict=True)])
            leaves, self.tree = pytree.flatten(result)
            for leaf, path in zip(leaves, pytree.access_paths(self.tree), strict=True):
                if not isinstance(leaf, (Tensor, bool, int, float, np.ndarray, np.generic)):
                    got = f"{type(leaf).__name__} at {path}{_hint(leaf)}"
                    raise located(TypeError(f"{self.title}: expected tensors or numbers as results, got {got}"))
            self.leaves = [Result(x) for x in leaves]
            self._write_rules_out()
            self.bind_numbers()
        self.written = self.changed()
        self.leave()
        self._check_writes()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, TracingError) and error.unbound in self.params:
            raise self._asked_for(error) from None

    def _asked_for(self, error: TracingError) -> TracingError:
        asked = error.asked
        assert isinstance(asked, Node)
        origin = f", made at {asked.where}" if asked.where else ""
        text = (
            f"{self.title}: expected a value that is known when the body is recorded, got {asked.type}{origin}, which is "
            "another in every run of it. A body may not look at such values (a Python if, bool, .item(), print): choose with "
            "graphc.where or graphc.cond."
        )
        if asked.type.dtype.is_int and not asked.shape:
            text += (
                " As an index it may be any number (x[i], graphc.narrow(x, dim, i, length)), as a size or a range it may not."
            )
        refused = TracingError(text)
        set_location(refused, location_of(error))
        return refused

    def _write_rules_out(self) -> None:
        """Record the gradients of hooks and custom functions in the graph, if any gradient can be taken."""
        edges = [leaf.fn for leaf in self.leaves if leaf.fn is not None]
        if not edges or not state.grad:
            return
        custom_steps = [s for s in with_late_hooks(history(edges, self.is_end)) if isinstance(s, CustomGradFn)]
        if custom_steps and (self.differentiates or any(self.ends(e) for e in edges)):
            nodes = written_out([leaf.node for leaf in self.leaves], edges, self.is_end)
            for leaf, node in zip(self.leaves, nodes, strict=True):
                leaf.node = node

    def _check_writes(self) -> None:
        for storage, before in self.written.items():
            if before.key is None:
                error = TracingError(
                    f"{self.title}: expected a body that writes to what it is given only, got one that writes to a tensor of "
                    f"type {before.node.type} from outside. A body is recorded once and runs many times, or never: let it "
                    "carry the tensor"
                )
                set_location(error, self.places.get(storage, ""))
                add_location(error)
                raise error

    def changed(self) -> dict[Storage, Before]:
        """Return the external storages that were written to; record their values."""
        written = super().changed()
        self.after = {s: s.node_in_trace() for s in written}
        return written

    @property
    def random(self) -> dict[Storage, tuple[Node, Node]]:
        """The random generators that the body advanced: their states before and after."""
        return {s: (b.key, self.after[s]) for s, b in self.written.items() if b.key is not None}

    def outer_nodes(self) -> set[Node]:
        """Return the external nodes that were read."""
        return {b.node for b in self.entered.values()}

    def unmoved(self) -> dict[Node, Node]:
        """Map the placeholders of unchanged random states to these states."""
        return {b.key: b.node for b in self.entered.values() if b.key is not None}

    def check_tree(self, tree: TreeDef, name: str, part: int | None = None) -> None:
        """Raise TypeError unless the body returned the pytree it was given."""
        returned = self.tree if part is None else self.tree.parts[part]
        if returned != tree:
            raise located(TypeError(f"{self.title}: {different(name, tree, returned)}"))


class Once(Body):
    """A body that runs once, in place: it may write to external tensors, but not to its arguments."""

    kind = "function"

    def run(self, function: Callable[[list[Tensor]], Any]) -> None:
        """Call the body on its placeholders.  Raises TypeError for results that are not tensors and for writes to arguments."""
        inner: list[Tensor] = []

        def watched(placeholders: list[Tensor]) -> Any:
            inner.extend(placeholders)
            return function(placeholders)

        super().run(watched)
        for tensor, param in zip(inner, self.params, strict=True):
            if tensor._storage._node is not param and not _is_hooked(tensor._storage, param):
                raise located(
                    TypeError(
                        f"{self.title}: expected a function that only reads its arguments, got one that writes to {param.type}"
                    )
                )

    def changed(self) -> dict[Storage, Before]:
        """Return the external storages that were written to.  Raises TypeError for one that was given a history."""
        written = super().changed()
        for storage, before in written.items():
            if storage._fn is not before.fn or storage.requires_grad is not before.requires_grad:
                error = TypeError(
                    f"{self.title}: expected writes of values without a history to tensors from outside, got one to "
                    f"{before.node.type}"
                )
                set_location(error, self.places.get(storage, ""))
                raise located(error)
        return written

    def _check_writes(self) -> None:
        """Allow all writes."""


def _is_hooked(storage: Storage, node: Node) -> bool:
    """Return whether a storage's node is that of a hook on another one."""
    step = storage.make_fn()
    return isinstance(step, CustomGradFn) and step.hooks is not None and step.inputs == [node]


class Result:
    """A leaf of a body's result: its node or number, and its grad_fn."""

    def __init__(self, value: Any) -> None:
        self.weak = isinstance(value, (bool, int, float))
        self.number = value
        self.fn: GradFn | None = None
        if self.weak:
            self.node = build.constant(value, number_dtype(value))
        elif isinstance(value, Tensor):
            self.node = value._node()
            self.fn = value._edge() if value.requires_grad else None
        else:
            self.node = from_array(np.asarray(value))

    def fitting(self, type: TensorType) -> Node:
        """Return the node; a number is converted to the wanted dtype unless it is of a higher kind."""
        if self.weak and not type.shape and KINDS.index(self.node.dtype.kind) <= KINDS.index(type.dtype.kind):
            return build.constant(self.number, type.dtype)
        return self.node


def _hint(value: object) -> str:
    """Return advice for a container that is not a pytree."""
    return "; pytrees are of tuples, lists, dicts and named tuples: dataclasses.asdict makes one" if is_dataclass(value) else ""


def different(name: str, wanted: TreeDef, got: TreeDef) -> str:
    """Describe the difference between the pytrees of carried values."""
    return f"expected the carried values to come back as they are in {name}, {pytree.sketch(wanted)}, got {pytree.sketch(got)}"


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function for error messages."""
    return str(getattr(function, "__name__", type(function).__name__))
