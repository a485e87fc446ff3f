"""The tensor graph: frozen, interned SSA nodes, and regions of them.

A `Node` is one application of a primitive.  Nodes are made by `make` alone, which infers the type, so a
node with a wrong shape cannot exist; two equal applications are one object, so equality is `is` and common
subexpressions are shared as they are built.  A `Region` binds parameters to results; a `Graph` is a region
with a name.  Nodes may carry regions (the body of a fusion, of a loop, the arms of a branch), so control
flow needs no other data structure.

Three slots are notes beside the node, not part of what it is: `name` (for listings), `where` (the user's
file and line), and `value` (the array it is known to have, in eager code).
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
    "find",
    "free_nodes",
    "fresh_scope",
    "know",
    "make",
    "parameter",
    "place",
    "toposort",
    "users",
]


class TypeRuleError(TypeError):
    """A primitive was applied to operands that break its rule."""


class UndefinedDTypeError(TypeRuleError):
    """A primitive was applied to a dtype for which it is not defined."""

    def __init__(self, rule: str, got: TensorType) -> None:
        super().__init__(f"{rule}, got {got}")
        self.dtype = got.dtype


@dataclass(frozen=True, eq=False)
class Attribute:
    """A kind of static parameter, which a primitive declares by name: what values it has, and what passes may do with them."""

    kind: str
    """Its name in errors."""
    holds: Callable[[Any], bool]
    """Tells whether a value is of the kind."""
    batched: Callable[[Any, int], Any] | None = None
    """Returns the value behind a new leading axis of an extent; None: each primitive has its own batching rule."""
    sizes: bool = False
    """Whether its numbers are extents, offsets or constants, which graphs of one structure may differ in."""
    optional: bool = False
    """Whether a node may lack it, together with all other optional attributes of its primitive."""
    decision: bool = False
    """Whether it says how a node runs, and nothing of its value: passes add it (ir/core/decisions.py)."""


@dataclass(frozen=True, eq=False)
class Primitive:
    """One row of the closed set of operations: what is true of it wherever it is applied, on whatever machine.

    `infer(operands, params, regions)` returns the result types or raises TypeRuleError; `meaning(*arrays,
    **params)` is what it computes, on NumPy arrays: the evaluator, the constant folder and the tests all use
    it.  `kind` says how compilers treat it: elementwise, movement, reduce, leaf, region or other.
    """

    name: str
    kind: str
    infer: Callable[[tuple[Node, ...], dict[str, Any], tuple[Region, ...]], tuple[TensorType, ...]]
    meaning: Callable[..., Any] | None
    doc: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """The static parameters of its nodes, in the order in which they are printed."""
    arity: int | None = None
    """The number of its operands; None if that varies."""
    commutative: bool = False
    """Its two operands may change places."""
    idempotent: bool = False
    """It gives one of its operands' values, that value where they are all alike: repeats do not count."""
    linear: bool = False
    """Linear in its float operands taken together: the tangent of its result is itself applied to their tangents."""
    differentiable: bool = True
    """False: no derivative flows through it."""
    flat: bool = False
    """Its derivative is zero wherever it has one."""
    indices: int | None = None
    """The first of the operands that are indices, out of range an error."""
    may_fail: bool = False
    """It may raise or run forever, or holds a region that may."""
    view: bool = False
    """Its result may be the operand's memory seen with other strides."""
    has_identity: bool = False
    """Two equal applications are two values."""
    takes_growing: bool = False
    """Its operands may be what a loop has stacked without knowing how much."""
    random: bool = False
    """Its result is random bits."""
    jumps: bool = False
    """It reads its first operand at computed places, wherever its own element is."""
    is_loop: bool = False
    """It applies a region any number of times: the first `carried` operands are the first values carried."""
    cost: int = 1
    """Instructions for each vector of elements, roughly."""
    twin: str = ""
    """The primitive that, on the same operand, has most of its work in common with it."""
    rounding: str = ""
    """`exact` result rounded once, or `approximate`; empty if there is nothing to round, or sums are rounded on the way."""
    saturates: bool = False
    """Its result is 1 by rounding alone where the operand is large."""
    zero_sign: bool = True
    """False: of two equal zeros of different sign it gives either."""
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

    if TYPE_CHECKING:  # operators are given to the class by graphc.ir.core.build, where the primitives are known

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
        """The extents of the only result."""
        return self.type.shape

    @property
    def dtype(self) -> DType:
        """The dtype of the only result."""
        return self.type.dtype

    def __repr__(self) -> str:
        types = ", ".join(map(str, self.types))
        return f"<{self.op.name} {types}>"


_shared: WeakValueDictionary[Any, Node] = WeakValueDictionary()


class _Place(threading.local):
    """Where in the user's program the nodes being made belong: `file:line`, or empty; and among which nodes they are."""

    where = ""
    nodes = _shared


place = _Place()


@contextmanager
def fresh_scope() -> Iterator[None]:
    """Run a block whose new nodes are equal to none of those made outside of it."""
    outer = place.nodes
    place.nodes = WeakValueDictionary()
    try:
        yield
    finally:
        place.nodes = outer


def make(
    op: Primitive,
    operands: Sequence[Node] = (),
    params: dict[str, Any] | None = None,
    regions: tuple[Region, ...] = (),
    *,
    like: Node | None = None,
    unique: bool = False,
) -> Node:
    """Return the node for an application of `op`; the same arguments give the same object.

    Parameters must be hashable.  `unique=True` makes a node that equals no other.  `like` is a node whose
    name and place in the user's code a *new* node inherits.  Raises TypeRuleError.
    """
    operands, params = tuple(operands), params or {}
    key = (op, operands, _key(params), regions)
    if op.interned and not unique:
        found = place.nodes.get(key)
        if found is not None:
            return found
    if not op.takes_growing:
        _check_fixed(op, operands)
    types = op.infer(operands, params, regions)
    name, where = ("", place.where) if like is None else (like.name, like.where)
    node = _fill(op, operands, params, regions, types, name, where)
    if op.interned and not unique:
        place.nodes[key] = node
    return node


def _check_fixed(op: Primitive, operands: tuple[Node, ...]) -> None:
    """Refuse what a loop has stacked without knowing how much: only another loop can run over that."""
    for operand in operands:
        if len(operand.types) == 1 and operand.types[0].grows:
            raise TypeRuleError(f"only scan takes values that grow, got {operand.type} in {op.name}")


def find(op: Primitive, operands: tuple[Node, ...], params: dict[str, Any]) -> Node | None:
    """Return the node for an application if it exists already."""
    return place.nodes.get((op, operands, _key(params), ()))


_put_op, _put_operands, _put_params, _put_regions, _put_types, _put_name, _put_where, _put_value = (
    getattr(Node, slot).__set__ for slot in ("op", "operands", "params", "regions", "types", "name", "where", "value")
)


know = _put_value
"""`know(node, value)` sets `node.value` as assignment does, but faster."""


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
    """Return a node with this in its slots; faster than through `__setattr__`."""
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
    # 0.0 == -0.0 and nan != nan, but as constants they are two values and one value.
    return tuple((k, v.hex() if isinstance(v, float) else v) for k, v in sorted(params.items()))


def _infer_parameter(operands: tuple[Node, ...], params: dict[str, Any], regions: tuple[Region, ...]) -> tuple[TensorType, ...]:
    return (TensorType(params["dtype"], params["shape"]),)


PARAMETER = Primitive(
    "parameter", "leaf", _infer_parameter, None, "A value that comes from outside the region.",
    differentiable=False, has_identity=True, cost=0, interned=False,
)  # fmt: skip


def parameter(type: TensorType, name: str = "", *, where: str | None = None, value: Any = None) -> Node:
    """Return a fresh parameter; no two are equal.  `where` is the place of the moment if None."""
    params = {"dtype": type.dtype, "shape": type.shape}
    return _fill(PARAMETER, (), params, (), (type,), name, place.where if where is None else where, value)


@dataclass(frozen=True, eq=False)
class Region:
    """Nodes between parameters and results.  Nodes of an enclosing region must come in through parameters."""

    params: tuple[Node, ...]
    results: tuple[Node, ...]

    @cached_property
    def _order(self) -> tuple[Node, ...]:
        return tuple(n for n in toposort(self.results) if n.op is not PARAMETER)

    def nodes(self) -> list[Node]:
        """Return every node the results need, operands before users; parameters are not among them."""
        return list(self._order)


@dataclass(frozen=True, eq=False)
class Graph(Region):
    """A region with a name: what is captured, optimized, printed, compiled."""

    name: str = field(default="graph")

    def replace(self, results: Iterable[Node]) -> Graph:
        """Return the graph with other results over the same parameters; the graph itself if they are its own."""
        after = tuple(results)
        same = len(after) == len(self.results) and all(map(operator.is_, after, self.results))
        return self if same else Graph(self.params, after, self.name)


def toposort(roots: Iterable[Node], stop: Callable[[Node], bool] | None = None) -> list[Node]:
    """Return all nodes that `roots` reach, operands first.  Does not recurse.

    Below a node for which `stop` holds the walk does not go on; the node itself is listed.
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
    found: dict[Node, list[Node]] = {}
    for node in nodes:
        for operand in node.operands:
            found.setdefault(operand, []).append(node)
    return found


def free_nodes(region: Region) -> Iterator[Node]:
    """Yield the parameters that the region's results reach but the region does not bind."""
    seen = set(region.params)
    for reader in region.nodes():
        if not seen.issuperset(reader.operands):
            fresh = [o for o in dict.fromkeys(reader.operands) if o.op is PARAMETER and o not in seen]
            seen.update(reader.operands)
            yield from fresh
    yield from (r for r in dict.fromkeys(region.results) if r.op is PARAMETER and r not in seen)
