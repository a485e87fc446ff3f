"""The one way to define an operation: a function on graph nodes, lifted to tensors.

    @op("Add")
    def add(input, other, *, alpha=1): ...

The body gets a Node for every tensor and returns Nodes; the operation takes and returns Tensors, with a history under the given
name (`<AddBackward0>`).  The body alone is `add.nodes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from graphc.core.errors import located, user_location
from graphc.dispatch.definition import Definition
from graphc.dispatch.keys import key_of_call
from graphc.dispatch.results import recorded_tensor, recorded_tensors
from graphc.ir.core.graph import Node
from graphc.recording.context import state
from graphc.recording.recording import PENDING_BOUND
from graphc.recording.trie import NEVER
from graphc.storage.views import ViewSteps
from graphc.tensors.tensor import Tensor

__all__ = ["Operation", "op", "operator"]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)


class Operation(Protocol[P, R_co, T_co]):
    """A function on tensors; `nodes` is the same on graph nodes.  The stubs have the users' types of its arguments."""

    @property
    def nodes(self) -> Callable[P, R_co]:
        """The body."""

    def __call__(self, *args: Any, **kwargs: Any) -> T_co: ...


class Lift(Protocol):
    """The decorator that `op` returns: it replaces nodes by tensors."""

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
    saves: bool | str | Callable[..., bool] | None = None,
    varying: Sequence[str] = (),
) -> Lift:
    """Lift a function on nodes to tensors; `name` becomes `<nameBackward0>` unless it says `Backward` itself.

    `name` may be a function of the body's arguments.  `view` says whether results share memory with an operand
    ("strict" raises RuntimeError where they cannot; a function of the body's arguments returns
    the steps from the first operand to the result); `differentiable=False` gives results that never require a gradient;
    `saves=False` marks an operation whose gradient needs no values, so that its history can be used more than once, as
    that of a view can; "others" one that saves values only if an operand after the first requires a gradient, and it may be a
    function of the body's arguments.
    `varying` are arguments that the body takes as numbers or 0-d nodes alike: numbers that change become inputs.

    Where the body takes `inplace` and that is true, the result is written to the first operand, which is returned.
    Errors that the body raises get the user's file and line as a last line; operands that break the rule of a primitive
    raise RuntimeError, or NotImplementedError for a dtype.
    """

    def decorate(body: Callable[..., Any]) -> Any:
        body.__annotations__ = {k: _users_type(v) for k, v in body.__annotations__.items()}
        keeps = not view if saves is None else saves
        operation = Definition(body, name, view=view, differentiable=differentiable, saves=keeps, varying=varying)
        call = wraps(body)(_viewing(operation) if view else _recording(operation, operation.record))
        inplace = _position(body, "inplace")
        call = call if inplace is None else wraps(body)(_writing(call, inplace))
        call.nodes = body  # type: ignore[attr-defined]
        call.definition = operation  # type: ignore[attr-defined]
        return call

    return decorate


def _recording(operation: Definition, slow: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation on tensors that is recorded: as a known event, or else by `slow(args, kwargs)`."""
    body = operation.body

    def call(*args: Any, **kwargs: Any) -> Any:
        recording = state.fast
        if recording is not None:
            key = key_of_call(recording, body, args, kwargs)
            if operation.names_lines and key is not None:
                key += (user_location(),)
            entry = recording.entry
            if key is not None and entry is not None:
                child = entry.children.get(key)
                inputs: Sequence[Any] = ()
                if child is None and entry.numbered:
                    child, inputs = operation.numbered(entry, key, args, kwargs)
                if child is not None and child.build is not None and child is not NEVER:
                    results = recorded_tensors(recording, child)
                    if recording.advance(entry, child, [t._storage for t in results], inputs):
                        if child.slot > PENDING_BOUND or recording.heavy:
                            recording.flush()
                        return child.build(results)
                elif child is not None and child is not NEVER:
                    result = recorded_tensor(recording, child.slot, child.type, child.requires, child.fn)
                    if recording.entry is entry:  # `advance`, inlined: this is the path of each operation of a loop
                        recording.entry = child
                        recording.numbers += inputs
                        recording.slots.append(result._storage)
                        if child.slot > PENDING_BOUND or recording.heavy:
                            recording.flush()
                        return result
        return slow(args, kwargs)

    return call


def operator(function: Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    """Return the method of an operator: NotImplemented, so that Python tries the other operand, where the operation refuses."""
    operation: Definition | None = getattr(function, "definition", None)
    if operation is None:

        def method(self: Tensor, other: Any) -> Any:
            try:
                return function(self, other)
            except TypeError:
                return NotImplemented

        return wraps(function)(method)
    record = operation.record

    def slow(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return record(args, kwargs)
        except TypeError:
            return NotImplemented

    return wraps(function)(_recording(operation, slow))


def _viewing(operation: Definition) -> Callable[..., Any]:
    """Return an operation on tensors whose results share memory with an operand where possible."""
    record = _recording(operation, operation.record)

    def call(*args: Any, **kwargs: Any) -> Any:
        if state.fast is not None:
            views = operation.as_views(args, kwargs)
            if views is not None:
                return views
        return record(*args, **kwargs)

    return call


def _writing(call: Callable[..., Any], inplace: int) -> Callable[..., Any]:
    """Return an operation that writes its result to the first operand if the argument of this position or name is true."""

    def write(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        if not kwargs.get("inplace", len(args) > inplace and args[inplace]):
            return result
        target = next((x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)), None)
        if target is None:
            operand = args[0] if args else next(iter(kwargs.values()))
            raise located(TypeError(f"{call.__name__}() expected a Tensor to write to, got {type(operand).__name__}"))
        return target._assign(result)

    return write


def _position(body: Callable[..., Any], argument: str) -> int | None:
    """Return the position of a function's argument; None if it has no such positional argument."""
    names = body.__code__.co_varnames[: body.__code__.co_argcount]
    return names.index(argument) if argument in names else None
