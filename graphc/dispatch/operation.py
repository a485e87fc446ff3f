"""The one way to define an operation: a function on graph nodes, lifted to tensors.

    @op("Add")
    def add(input, other, *, alpha=1): ...

The body gets a Node for every tensor and returns Nodes; what is called gets and returns Tensors, with a
history under the given name (`<AddBackward0>`).  The body alone is `add.nodes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, overload

import numpy as np

from graphc.core.dtypes import of_numpy
from graphc.core.errors import INTERNAL, TracingError, add_location, broken_rule, located, refuse, user_location
from graphc.dispatch.events import (
    Interrupted,
    Placeholders,
    Slots,
    is_number,
    key_of_call,
    made_slot,
    names_line,
    recorded_tensor,
    recorded_tensors,
    stop,
    template,
    tensors_in,
    view_key,
)  # fmt: skip
from graphc.ir.core.graph import Node, TypeRuleError, fresh_scope, parameter, place, toposort
from graphc.ir.core.predicates import is_constant
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.recording.recording import Recording
from graphc.recording.trie import NEVER, Entry
from graphc.storage import views
from graphc.storage.compute import compute
from graphc.storage.storage import Storage
from graphc.storage.views import ViewSteps
from graphc.tensors.tensor import Tensor

__all__ = ["PENDING_BOUND", "Operation", "from_array", "numpy_names", "op"]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)

PENDING_BOUND = 1000
"""How long a chain of operations may grow before it is computed."""

VIEWS_BOUND = 1000
"""How many calls of an operation are remembered that make views."""

NOT_VIEWS: Any = ()
"""Said of calls whose results are not all views of operands."""

OF_NODES = ("type", "types", "dtype", "shape")
"""What bodies ask of their operands, and would in vain of a foreign object."""
NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}
"""Keywords that torch takes in NumPy's spelling too."""


def _numpy_names(function: Callable[..., Any]) -> dict[str, str]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {theirs: ours for theirs, ours in NUMPY_NAMES.items() if ours in names}


def numpy_names(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function take `axis` for `dim`, and `keepdims` for `keepdim`, as every operation does."""
    others = _numpy_names(function)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **{others.get(k, k): v for k, v in kwargs.items()})

    return call


class _Operands:
    """The tensors among the arguments of a call, collected while they are exchanged for nodes."""

    __slots__ = ("pending", "requires", "tensors")

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.requires = False
        self.pending = 0

    def lower(self, value: Any) -> Any:
        """Return the argument with nodes for tensors and arrays, inside lists and tuples too."""
        if isinstance(value, Tensor):
            return self.node_of(value)
        kind = type(value)
        if kind is tuple or kind is list:
            return kind([self.lower(v) for v in value])
        if isinstance(value, np.ndarray):
            return from_array(value)
        return value

    def node_of(self, tensor: Tensor) -> Node:
        node = tensor._node()
        storage = tensor._storage
        self.tensors.append(tensor)
        self.requires = self.requires or storage.requires_grad
        self.pending = max(self.pending, storage.pending)
        return node


def from_array(array: np.ndarray[Any, Any], *, copy: bool = True) -> Node:
    """Return a parameter node whose value is the array.  Raises TypeError for dtypes that tensors cannot have.

    Without a copy the array must not be written to any more: what reads it is computed later.
    """
    dtype = of_numpy(array.dtype).ir
    node = parameter(TensorType(dtype, tuple(array.shape)))
    node.value = np.array(array, dtype.numpy, copy=True) if copy else np.asarray(array, dtype.numpy)
    return node


class Operation(Protocol[P, R_co, T_co]):
    """A function on tensors; `nodes` is the same on graph nodes.  The stubs show users the types of its arguments."""

    @property
    def nodes(self) -> Callable[P, R_co]:
        """The body."""

    def __call__(self, *args: Any, **kwargs: Any) -> T_co: ...


class Lift(Protocol):
    """The decorator that `op` returns: tensors take the place of nodes."""

    @overload
    def __call__(self, body: Callable[P, Node]) -> Operation[P, Node, Tensor]: ...
    @overload
    def __call__(self, body: Callable[P, tuple[Node, Node]]) -> Operation[P, tuple[Node, Node], tuple[Tensor, Tensor]]: ...
    @overload
    def __call__(self, body: Callable[P, tuple[Node, ...]]) -> Operation[P, tuple[Node, ...], tuple[Tensor, ...]]: ...
    @overload
    def __call__(self, body: Callable[P, R]) -> Operation[P, R, Any]: ...


USERS_TYPES = {
    "Operand": "Tensor | float", "Node": "Tensor", "Dims": "int | Sequence[int] | None", "Sizes": "int | Sequence[int]",
}  # fmt: skip
"""The types of bodies, and of the operations that users call: what `help` and the documentation show."""


def _users_type(annotation: Any) -> Any:
    return re.sub(r"\w+", lambda m: USERS_TYPES.get(m[0], m[0]), annotation) if isinstance(annotation, str) else annotation


def op(
    name: str | Callable[..., str],
    *,
    view: bool | str | Callable[..., ViewSteps] = False,
    differentiable: bool = True,
) -> Lift:
    """Lift a function on nodes to tensors; `name` becomes `<nameBackward0>` unless it says `Backward` itself.

    `name` may be a function of the body's arguments.  `view` says whether results share memory with an operand
    ("strict" raises RuntimeError where they cannot; a function of the body's arguments returns
    the steps from the first operand to the result); `differentiable=False` gives results that never require a gradient.

    Where the body takes `inplace` and that is true, the result is written to the first operand, which is returned.
    Errors that the body raises get the user's file and line as a last line; operands that break the rule of a primitive
    raise RuntimeError, or NotImplementedError for a dtype.
    """

    def lift(body: Callable[..., Any]) -> Any:
        body.__annotations__ = {k: _users_type(v) for k, v in body.__annotations__.items()}
        operation = Definition(body, name, view, differentiable)
        call = wraps(body)(_viewing(operation) if view else _recording(operation))
        inplace = _position(body, "inplace")
        call = call if inplace is None else wraps(body)(_writing(call, inplace))
        call.nodes = body  # type: ignore[attr-defined]
        return call

    return lift


def _recording(operation: Definition) -> Callable[..., Any]:
    """Return an operation on tensors that is recorded: found among what has been recorded before, else made of nodes."""
    body, slow = operation.body, operation.record

    def call(*args: Any, **kwargs: Any) -> Any:
        recording = state.fast
        if recording is not None:
            key = key_of_call(recording, body, args, kwargs)
            if operation.names_lines and key is not None:
                key += (user_location(),)
            entry = recording.entry
            if key is not None and entry is not None:
                child = entry.children.get(key)
                if child is not None and child.build is None:
                    made = recorded_tensor(recording, child)
                    if recording.entry is entry:  # else a signal handler or another thread came in between
                        recording.entry = child
                        recording.slots.append(made._storage)
                        if child.slot > PENDING_BOUND or recording.heavy:
                            recording.flush()
                        return made
        return slow(args, kwargs)

    return call


def _viewing(operation: Definition) -> Callable[..., Any]:
    """Return an operation on tensors whose results share memory with an operand where that is possible."""
    record = _recording(operation)

    def call(*args: Any, **kwargs: Any) -> Any:
        if state.fast is not None:
            made = operation.as_views(args, kwargs)
            if made is not None:
                return made
        return record(*args, **kwargs)

    return call


def _writing(call: Callable[..., Any], inplace: int) -> Callable[..., Any]:
    """Return an operation that writes its result to the first operand if the argument of this position or name says so."""

    def write(*args: Any, **kwargs: Any) -> Any:
        made = call(*args, **kwargs)
        asked = kwargs.get("inplace", len(args) > inplace and args[inplace])
        return next(x for x in (*args, *kwargs.values()) if isinstance(x, Tensor))._assign(made) if asked else made

    return write


class Definition:
    """An operation on tensors: its body on nodes, and what is known of its results."""

    def __init__(self, body: Callable[..., Any], name: Any, view: Any, differentiable: bool) -> None:
        self.body, self.name, self.view, self.differentiable = body, name, view, differentiable
        self.others = _numpy_names(body)
        self.seen_views: dict[Any, Any] = {}
        self.names_lines = False
        """Whether errors of its programs name the line that has called it."""

    def label(self, lowered: Sequence[Any], named: dict[str, Any]) -> str:
        """Return the name of the step of a history."""
        return self.name if isinstance(self.name, str) else self.name(*lowered, **named)

    def record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the body, and record what it makes: as an event if that is possible, else as nodes."""
        return self._guarded(self._record, args, kwargs)

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        while (recording := state.fast) is not None:
            key = key_of_call(recording, self.body, args, kwargs)
            if self.names_lines and key is not None:
                key += (place.where,)
            entry = recording.entry
            if entry is None and recording is state.recording:
                state.renew()  # another thread has closed it
                continue
            if key is None or entry is None:
                break
            child = entry.children.get(key)
            if child is None and recording.is_idle(tensors_in((*args, *kwargs.values()))):
                recording.flush()  # what comes now begins anew, and may well be known
                continue
            if child is None:
                try:
                    child = self._learn(recording, entry, args, kwargs)
                except Interrupted:
                    continue
                if recording.entry is not entry:
                    continue  # a signal handler or another thread came in between
                entry.children[key] = child
            if child is NEVER:
                break
            made = recorded_tensors(recording, child)
            storages = [t._storage for t in made]
            if recording.entry is entry:
                recording.entry = child
                recording.slots.extend(storages)
                if child.slot > PENDING_BOUND or recording.heavy:
                    recording.flush()
                return made[0] if child.build is None else child.build(made)
        return self._on_nodes(args, kwargs)

    def _lowered(
        self, operands: _Operands | Slots | Placeholders, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments with nodes for tensors, keywords under the body's names."""
        lowered = [operands.lower(a) for a in args]
        return lowered, {self.others.get(k, k): operands.lower(v) for k, v in kwargs.items()}

    def _on_nodes(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        operands = _Operands()
        if state.trace is not None:
            state.trace.recorded(place.where)
        lowered, named = self._lowered(operands, args, kwargs)
        found = self.body(*lowered, **named)
        label = self.label(lowered, named)
        if callable(self.view):
            return operands.tensors[0]._view_along(self.view(*lowered, **named), full_name(label))
        return _raise(found, operands, operands.requires and self.differentiable, label, self.view)

    def _learn(self, recording: Recording, before: Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Entry:
        """Return the entry of an event that has not been seen: the body runs on the nodes of slots."""
        operands = Slots(recording)
        lowered, named = self._lowered(operands, args, kwargs)
        try:
            with fresh_scope() if self.names_lines else nullcontext():
                found = self.body(*lowered, **named)
        except TracingError:
            return NEVER  # it looks at values
        if isinstance(found, Node) and not operands.slots and is_constant(found):
            return NEVER
        label = full_name(self.label(lowered, named))
        nodes: list[Node] = []
        build = template(found, nodes)
        requires = operands.requires and self.differentiable
        slots = [made_slot(node, operands.slots, recording.known(), requires, recording.grad, label) for node in nodes]
        if any(s.node.types[0].grows for s in slots):
            return NEVER
        self.names_lines = self.names_lines or any(map(names_line, toposort(nodes, operands.nodes.__contains__)))
        entry = Entry(before, tuple(slots))
        entry.build = build
        return entry

    def as_views(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the results if all of them are views of operands, else None."""
        key = view_key(args, kwargs)
        if key is None:
            return None
        found = self.seen_views.get(key)
        if found is None:
            if len(self.seen_views) > VIEWS_BOUND:
                self.seen_views.clear()
            found = self.seen_views[key] = self._guarded(self._learn_views, args, kwargs)
        if found is NOT_VIEWS:
            return None
        steps, build = found
        tensors = list(tensors_in((*args, *kwargs.values())))
        made = [tensors[number]._view_along(path, name) for number, path, name in steps]
        return made[0] if build is None else build(made)

    def _learn_views(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        operands = Placeholders()
        lowered, named = self._lowered(operands, args, kwargs)
        try:
            found = self.view(*lowered, **named) if callable(self.view) else self.body(*lowered, **named)
        except TracingError:
            return NOT_VIEWS
        label = full_name(self.label(lowered, named))
        if callable(self.view):
            return ([(0, found, label)], None) if views.is_static(found) else NOT_VIEWS
        nodes: list[Node] = []
        build = template(found, nodes)
        steps = []
        for node in nodes:
            for number, (tensor, given) in enumerate(operands.tensors):
                path = _view_path(node, given, tensor, self.view == "strict")
                if path is not None:
                    steps.append((number, path, label))
                    break
            else:
                return NOT_VIEWS
        return steps, build

    def _guarded(self, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return `run(args, kwargs)`; nodes that it makes get the user's line, and errors too."""
        outer = place.where
        place.where = user_location()
        try:
            return run(args, kwargs)
        except TypeRuleError as error:
            raise located(broken_rule(self.body.__name__, error)) from error
        except (RuntimeError, ValueError, TypeError, IndexError, OverflowError) as error:
            add_location(error)
            raise
        except AttributeError as error:
            if error.name not in OF_NODES or isinstance(error.obj, Node):
                refuse(error, self.body.__name__, args, kwargs)
                raise
            got = f"{error.obj!r:.40} of type {type(error.obj).__name__}"
            raise located(TypeError(f"{self.body.__name__}() expected a Tensor, got {got}")) from None
        except INTERNAL as error:
            refuse(error, self.body.__name__, args, kwargs)
            raise
        finally:
            place.where = outer


def _position(body: Callable[..., Any], argument: str) -> int | None:
    """Return which positional argument of a function has a name; None if it takes no such argument."""
    names = body.__code__.co_varnames[: body.__code__.co_argcount]
    return names.index(argument) if argument in names else None


def full_name(label: str) -> str:
    """Return the name that a step of a history has in torch."""
    return label if "Backward" in label else f"{label}Backward0"


def _raise(found: Any, operands: _Operands, requires: bool, label: str, is_view: bool | str) -> Any:
    """Return what a body returned with tensors for nodes."""
    if isinstance(found, Node):
        for base in operands.tensors if is_view else ():
            seen = _as_view(found, base, full_name(label), is_view == "strict")
            if seen is not None:
                return seen
        return _wrap(found, operands, requires, label)
    if isinstance(found, (tuple, list)):
        items = [_raise(f, operands, requires, label, is_view) for f in found]
        return type(found)(*items) if hasattr(found, "_fields") else type(found)(items)
    return found


def _wrap(node: Node, operands: _Operands, requires: bool, label: str) -> Tensor:
    pending = operands.pending + 1
    if requires and not state.grad:
        storage = Storage(stop(node), pending=pending)
    elif requires and node.dtype.is_float and not is_number(node):
        edges = tuple([t._edge() for t in operands.tensors])
        step = GradFn(full_name(label), edges, where=place.where)
        step.metadata = {"node": node} if state.anomaly else None
        storage = Storage(node, True, step, pending)
    else:
        storage = Storage(node, pending=pending)
    if pending > PENDING_BOUND and state.trace is None:
        compute([storage])
    return Tensor._of(storage)


def _as_view(node: Node, base: Tensor, name: str, strict: bool) -> Tensor | None:
    """Return the result as a view of the operand; None where it has to be a copy."""
    path = _view_path(node, base._node(), base, strict)
    return None if path is None else base._view_along(path, name)


def _view_path(node: Node, operand: Node, base: Tensor, strict: bool) -> ViewSteps | None:
    """Return the steps from an operand, a tensor that stands on a node, to a result; None where it has to be a copy."""
    path = views.chain(node, operand)
    if path is None:
        return None
    source, before = base._place()
    if path and views.strides(source.shape, before + path) is None:
        if strict:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                "contiguous "
                "subspaces). Use .reshape(...) instead."
            )
        return None
    return path
