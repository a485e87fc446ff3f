"""The tensor graph: frozen, interned SSA nodes, and regions of them.

A `Node` is one application of a primitive.  Only `make` creates nodes, and it infers the type, so every node is well-typed;
equal applications are one object, so equality is `is` and common subexpressions are shared as they are built.  A `Region`
binds parameters to results; a `Graph` is a region with a name.  Nodes may carry regions (the body of a fusion or a loop, the
arms of a branch), so control flow needs no other data structure.

Three slots annotate a node without being part of its identity: `name` (for listings), `where` (the user's file and line), and
`value` (the array it is known to hold, in eager code).
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from graphc.ir.core.cached import cached_property
from graphc.ir.core.types import DType, TensorType

__all__ = [
    "Attribute",
    "Graph",
    "Node",
    "Primitive",
    "Region",
    "TypeRuleError",
    "UndefinedDTypeError",
    "current",
    "find",
    "free_nodes",
    "fresh_scope",
    "make",
    "parameter",
    "set_value",
    "toposort",
    "users",
]


class TypeRuleError(TypeError):
    """The operands of a primitive violate its type rule."""


class UndefinedDTypeError(TypeRuleError):
    """A primitive is not defined for the dtype of its operands."""

    def __init__(self, rule: str, got: TensorType) -> None:
        super().__init__(f"{rule}, got {got}")
        self.dtype = got.dtype


@dataclass(frozen=True, eq=False)
class Attribute:
    """The kind of a static parameter that a primitive declares: which values are legal, and how passes treat them."""

    kind: str
    """The name of the kind in errors."""
    holds: Callable[[Any], bool]
    """Returns whether a value is of the kind."""
    batched: Callable[[Any, int], Any] | None = None
    """Returns the value for a node with a new leading axis of an extent; None: the primitive has its own batching rule."""
    sizes: bool = False
    """Whether its numbers are extents, offsets or constants, in which graphs of one structure may differ."""
    optional: bool = False
    """Whether a node may lack it, together with all other optional attributes of its primitive."""
    decision: bool = False
    """Whether it says how a node runs and does not affect its value: passes add it (ir/core/decisions.py)."""


@dataclass(frozen=True, eq=False)
class Primitive:
    """One row of the closed set of operations: its traits, which hold wherever it is applied and on every target.

    `infer(operands, params, regions)` returns the result types or raises TypeRuleError; `reference(*arrays, **params)` is the
    reference semantics on NumPy arrays, used by the evaluator, the constant folder and the tests.  `kind` says how compilers
    treat the operation: elementwise, movement, reduce, leaf, region or other.
    """

    name: str
    kind: str
    infer: Callable[[tuple[Node, ...], dict[str, Any], tuple[Region, ...]], tuple[TensorType, ...]]
    reference: Callable[..., Any] | None
    doc: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """The static parameters of its nodes, in the order in which they are printed."""
    arity: int | None = None
    """The number of operands; None if it varies."""
    commutative: bool = False
    """The two operands commute."""
    idempotent: bool = False
    """Repeated operands do not count, as in `maximum`: op(x, x) is x."""
    linear: bool = False
    """Linear in the float operands together: the tangent of the result is the primitive applied to their tangents."""
    differentiable: bool = True
    """False: no derivative flows through it."""
    flat: bool = False
    """The derivative is zero wherever it exists."""
    indices: int | None = None
    """The position of the first index operand; an index out of range is an error."""
    may_fail: bool = False
    """It may raise or run forever, or holds a region that may."""
    view: bool = False
    """The result may be a strided view of the operand's memory."""
    has_identity: bool = False
    """Two equal applications are two distinct values."""
    takes_growing: bool = False
    """The operands may be stacks whose length is only known at run time."""
    random: bool = False
    """The result is random bits."""
    external: bool = False
    """Its kernel calls a library, so that loops over it are not straight-line code."""
    jumps: bool = False
    """It reads its first operand at computed indices, not at the element's own."""
    is_loop: bool = False
    """It applies a region repeatedly: the first `carries` operands are the initial carried values."""
    is_call: bool = False
    """It applies one of its regions once."""
    cost: int = 1
    """Estimated instructions per vector of elements."""
    twin: str = ""
    """The primitive that shares most of its work on the same operand."""
    rounding: str = ""
    """`exact`: correctly rounded; `approximate`: not; `once`: sums of higher precision than the operands, rounded at the end;
    `conditioned`: the result is that of operands close to the given ones; empty if nothing is rounded, or if sums are rounded
    on the way."""
    saturates: bool = False
    """The result rounds to 1 for large operands."""
    zero_sign: bool = True
    """False: of two equal zeros of different sign it may return either."""
    interned: bool = True

    def __repr__(self) -> str:
        return self.name


class Node:
    """One application of a primitive: operands, static parameters, regions, result types."""

    __slots__ = ("__weakref__", "name", "op", "operands", "params", "regions", "types", "value", "where")

    op: Primitive
    operands: tuple[Node, ...]
    params: dict[str, Any]
    regions: tuple[Region, ...]
    types: tuple[TensorType, ...]
    name: str
    where: str
    value: Any

    if TYPE_CHECKING:  # graphc.ir.core.build adds the operators to the class, once the primitives exist

        def _binary(self, other: Node | float) -> Node: ...

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _binary
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lt__ = __le__ = __gt__ = __ge__ = _binary

        def __neg__(self) -> Node: ...
        def __invert__(self) -> Node: ...

    def __setattr__(self, key: str, value: object) -> None:
        if key not in ("name", "where", "value"):
            raise AttributeError(f"a node is frozen; cannot set {key}")
        object.__setattr__(self, key, value)

    @property
    def type(self) -> TensorType:
        """The type of the only result."""
        (type,) = self.types
        return type

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the only result."""
        return self.type.shape

    @property
    def dtype(self) -> DType:
        """The dtype of the only result."""
        return self.type.dtype

    def __repr__(self) -> str:
        types = ", ".join(map(str, self.types))
        return f"<{self.op.name} {types}>"


_shared: WeakValueDictionary[Any, Node] = WeakValueDictionary()


class _Current(threading.local):
    """Thread-local state of `make`: the user's source location, `file:line` or empty, and the table of interned nodes."""

    where = ""
    nodes = _shared


current = _Current()


@contextmanager
def fresh_scope() -> Iterator[None]:
    """Intern the nodes made in a block separately: they equal none that were made outside of it."""
    outer = current.nodes
    current.nodes = WeakValueDictionary()
    try:
        yield
    finally:
        current.nodes = outer


def make(
    op: Primitive,
    operands: Sequence[Node] = (),
    params: dict[str, Any] | None = None,
    regions: tuple[Region, ...] = (),
    *,
    like: Node | None = None,
    unique: bool = False,
) -> Node:
    """Return the node for an application of `op`; equal arguments give the same object.

    Parameters must be hashable.  `unique=True` makes a node that equals no other.  A *new* node inherits its name and source
    location from `like`.  Raises TypeRuleError.
    """
    operands, params = tuple(operands), params or {}
    key = (op, operands, _key(params), regions)
    if op.interned and not unique:
        existing = current.nodes.get(key)
        if existing is not None:
            return existing
    if not op.takes_growing:
        _check_fixed(op, operands)
    types = op.infer(operands, params, regions)
    name, where = ("", current.where) if like is None else (like.name, like.where)
    node = _fill(op, operands, params, regions, types, name, where)
    if op.interned and not unique:
        current.nodes[key] = node
    return node


def _check_fixed(op: Primitive, operands: tuple[Node, ...]) -> None:
    """Refuse operands that grow: only another loop can run over a stack of unknown length."""
    for operand in operands:
        if len(operand.types) == 1 and operand.types[0].grows:
            raise TypeRuleError(f"only scan takes values that grow, got {operand.type} in {op.name}")


def find(op: Primitive, operands: tuple[Node, ...], params: dict[str, Any]) -> Node | None:
    """Return the node for an application if it exists, else None."""
    return current.nodes.get((op, operands, _key(params), ()))


_put_op, _put_operands, _put_params, _put_regions, _put_types, _put_name, _put_where, _put_value = (
    getattr(Node, slot).__set__ for slot in ("op", "operands", "params", "regions", "types", "name", "where", "value")
)


set_value = _put_value
"""`know(node, value)` assigns `node.value`, faster than an attribute assignment."""


def _fill(
    op: Primitive,
    operands: tuple[Node, ...],
    params: dict[str, Any],
    regions: tuple[Region, ...],
    types: tuple[TensorType, ...],
    name: str,
    where: str,
    value: Any = None,
) -> Node:
    """Return a node with the given slots; faster than through `__setattr__`."""
    node = Node.__new__(Node)
    _put_op(node, op)
    _put_operands(node, operands)
    _put_params(node, params)
    _put_regions(node, regions)
    _put_types(node, types)
    _put_name(node, name)
    _put_where(node, where)
    _put_value(node, value)
    return node


def _key(params: dict[str, Any]) -> tuple[Any, ...]:
    if not params:
        return ()
    # as keys of constants, 0.0 and -0.0 must differ, and nan must equal nan
    return tuple((k, v.hex() if isinstance(v, float) else v) for k, v in sorted(params.items()))


def _infer_parameter(operands: tuple[Node, ...], params: dict[str, Any], regions: tuple[Region, ...]) -> tuple[TensorType, ...]:
    return (TensorType(params["dtype"], params["shape"]),)


PARAMETER = Primitive(
    "parameter", "leaf", _infer_parameter, None, "A value that comes from outside the region.",
    differentiable=False, has_identity=True, cost=0, interned=False,
)  # fmt: skip


def parameter(type: TensorType, name: str = "", *, where: str | None = None, value: Any = None) -> Node:
    """Return a fresh parameter, distinct from every other.  `where` defaults to the current source location."""
    params = {"dtype": type.dtype, "shape": type.shape}
    return _fill(PARAMETER, (), params, (), (type,), name, current.where if where is None else where, value)


@dataclass(frozen=True, eq=False)
class Region:
    """Nodes between parameters and results.  Nodes of an enclosing region are passed in through parameters."""

    params: tuple[Node, ...]
    results: tuple[Node, ...]

    @cached_property
    def _order(self) -> tuple[Node, ...]:
        return tuple(n for n in toposort(self.results) if n.op is not PARAMETER)

    def nodes(self) -> list[Node]:
        """Return every node that the results depend on, operands before users, without the parameters."""
        return list(self._order)


@dataclass(frozen=True, eq=False)
class Graph(Region):
    """A region with a name: the unit that is captured, optimized, printed and compiled."""

    name: str = field(default="graph")

    def replace(self, results: Iterable[Node]) -> Graph:
        """Return the graph with other results over the same parameters; the graph itself if they are its own."""
        after = tuple(results)
        same = len(after) == len(self.results) and all(map(operator.is_, after, self.results))
        return self if same else Graph(self.params, after, self.name)


def toposort(roots: Iterable[Node], stop: Callable[[Node], bool] | None = None) -> list[Node]:
    """Return all nodes that `roots` reach, operands first.  Does not recurse.

    A node for which `stop` holds is listed, but its operands are not visited.
    """
    done: set[Node] = set()
    order: list[Node] = []
    for root in roots:
        stack = [root]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            if not done.issuperset(node.operands) and (stop is None or not stop(node)):
                stack.extend(o for o in reversed(node.operands) if o not in done)
                continue
            stack.pop()
            done.add(node)
            order.append(node)
    return order


def users(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """Map each node to the listed nodes that read it, in order, once per operand position."""
    readers: dict[Node, list[Node]] = {}
    for node in nodes:
        for operand in node.operands:
            readers.setdefault(operand, []).append(node)
    return readers


def free_nodes(region: Region) -> Iterator[Node]:
    """Yield the parameters that the region's results reach but the region does not bind."""
    seen = set(region.params)
    for reader in region.nodes():
        if not seen.issuperset(reader.operands):
            fresh = [o for o in dict.fromkeys(reader.operands) if o.op is PARAMETER and o not in seen]
            seen.update(reader.operands)
            yield from fresh
    yield from (r for r in dict.fromkeys(region.results) if r.op is PARAMETER and r not in seen)
