"""The one way to define an operation: a function on graph nodes, lifted to tensors.

    @op("Add")
    def add(input, other, *, alpha=1): ...

The body gets a Node for every tensor and returns Nodes; what is called gets and returns Tensors, with a
history under the given name (`<AddBackward0>`).  The body alone is `add.nodes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, overload

import numpy as np

from graphc.core.dtypes import of_numpy
from graphc.core.errors import INTERNAL, add_location, broken_rule, located, refuse, user_location
from graphc.ir.core.build import apply
from graphc.ir.core.graph import Node, TypeRuleError, parameter, place
from graphc.ir.core.predicates import is_literal
from graphc.ir.core.types import TensorType
from graphc.tensors import views
from graphc.tensors.context import state
from graphc.tensors.grad_fn import GradFn
from graphc.tensors.storage import Storage, compute
from graphc.tensors.tensor import Tensor
from graphc.tensors.views import ViewSteps

__all__ = ["PENDING_BOUND", "Operation", "from_array", "numpy_names", "op"]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)

PENDING_BOUND = 1000
"""How long a chain of operations may grow before it is computed."""

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
        is_view: Any = view
        others = _numpy_names(body)
        inplace = _position(body, "inplace")

        @wraps(body)
        def call(*args: Any, **kwargs: Any) -> Any:
            operands = _Operands()
            outer = place.where
            place.where = user_location()
            if state.trace is not None:
                state.trace.recorded(place.where)
            try:
                lowered = [operands.lower(a) for a in args]
                named = {others.get(k, k): operands.lower(v) for k, v in kwargs.items()} if kwargs else kwargs
                found = body(*lowered, **named)
                requires = operands.requires and differentiable
                label = name if isinstance(name, str) else name(*lowered, **named)
                if callable(is_view):
                    return operands.tensors[0]._view_along(is_view(*lowered, **named), full_name(label))
                made = _raise(found, operands, requires, label, is_view)
                if inplace is not None and kwargs.get("inplace", len(args) > inplace and args[inplace]):
                    return operands.tensors[0]._assign(made)
                return made
            except TypeRuleError as error:
                raise located(broken_rule(body.__name__, error)) from error
            except (RuntimeError, ValueError, TypeError, IndexError, OverflowError) as error:
                add_location(error)
                raise
            except AttributeError as error:
                if error.name not in OF_NODES or isinstance(error.obj, Node):
                    refuse(error, body.__name__, args, kwargs)
                    raise
                got = f"{error.obj!r:.40} of type {type(error.obj).__name__}"
                raise located(TypeError(f"{body.__name__}() expected a Tensor, got {got}")) from None
            except INTERNAL as error:
                refuse(error, body.__name__, args, kwargs)
                raise
            finally:
                place.where = outer

        call.nodes = body  # type: ignore[attr-defined]
        return call

    return lift


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
        storage = Storage(_stop(node), pending=pending)
    elif requires and node.dtype.is_float and not _is_number(node):
        edges = tuple([t._edge() for t in operands.tensors])
        step = GradFn(full_name(label), edges, where=place.where)
        step.metadata = {"node": node} if state.anomaly else None
        storage = Storage(node, True, step, pending)
    else:
        storage = Storage(node, pending=pending)
    if pending > PENDING_BOUND and state.trace is None:
        compute([storage])
    return Tensor._of(storage)


def _is_number(node: Node) -> bool:
    """Tell whether a node is a constant, which no operand has anything to do with."""
    return is_literal(node) and node.value is None


def _stop(node: Node) -> Node:
    return node if node.op.kind == "leaf" or not node.dtype.is_float else apply("stop_gradient", node)


def _as_view(node: Node, base: Tensor, name: str, strict: bool) -> Tensor | None:
    """Return the result as a view of the operand; None where it has to be a copy."""
    path = views.chain(node, base._node())
    if path is None:
        return None
    source, before = base._place()
    if path and views.strides(source.node.shape, before + path) is None:
        if strict:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                "contiguous "
                "subspaces). Use .reshape(...) instead."
            )
        return None
    return base._view_along(path, name)
