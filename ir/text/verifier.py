"""Check the invariants of a graph.

- *acyclic*: no node depends on itself.
- *known*: every node applies a primitive of `PRIMITIVES`.
- *sane*: dtypes are the six defined ones, extents are nonnegative ints except the first one of a growing stack, parameters
  are data that the text can express, and a constant's number is one of its dtype.
- *closed*: a region binds distinct parameters, and its results reach no others.
- *single*: a node with several results is read by `result` nodes alone.
- *typed*: the types are those that the primitive's rule infers from operands, parameters and regions.
- *interned*: no region has two equal nodes, unless their primitive has an identity.
- *rooted*: a region has results, and their extents are known.
- *flat*: the body of a fusion holds no fusions, loops or branches.
- *lawful*: the schedule of a fusion, if it has one, fits its body, and reductions are read at their own points
  (ir/access/legality.py).
- *writable*: an in-place update overwrites a value that its loop carries and that nothing reads afterwards
  (ir/analysis/in_place.py); an in-place operand of a concatenation is computed by a kernel and read by nothing else
  (ir/analysis/buffers.py).
- *packable*: the packed right factor of a matmul is a view of a capture of its loop (ir/analysis/buffers.py).
- *vectorizable*: the lanes of a loop run along axes whose elements its bodies do not mix (ir/analysis/lane_layout.py).
- *promotable*: loops and branches in registers fit them (ir/analysis/register_promotion.py).
- *stored*: what is compiled for a target computes in fusions or in registers, and the rest has buffers
  (ir/analysis/storage.py).

The checks run in this order, and each relies on those above it; the last six, of decisions, come after all others.  `make`
checks each node it builds, so what fails here was built without `make`, or by a pass that connected regions wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from graphc.ir.access.legality import illegal
from graphc.ir.analysis.buffers import captured, illegal_joins, illegal_packing
from graphc.ir.analysis.in_place import illegal_updates
from graphc.ir.analysis.lane_layout import decided_lanes, illegal_lanes
from graphc.ir.analysis.register_promotion import fits_registers, misfit
from graphc.ir.analysis.storage import in_registers, unstored
from graphc.ir.core.cost import TargetInfo
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region, free_nodes
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_constant, is_fusion, is_loop, is_result
from graphc.ir.core.signatures import Layout
from graphc.ir.core.types import DTYPES, DType, TensorType
from graphc.ir.regions.call import Call
from graphc.ir.regions.loop import Loop
from graphc.ir.text.printer import describe

__all__ = ["CHECKS", "VerificationError", "verify"]

Complaint = tuple[Node | None, str]
MOST_ELEMENTS = 1 << 48
"""Elements of the largest value: bytes and offsets are 64-bit numbers."""


class VerificationError(Exception):
    """A graph breaks an invariant.  `rule` names it, and `node`, if not None, is where."""

    def __init__(self, rule: str, text: str, node: Node | None) -> None:
        super().__init__(text)
        self.rule, self.node = rule, node


def verify(graph: Graph, after: str = "", target: TargetInfo | None = None) -> None:
    """Raise VerificationError, with the lines around the node, if the graph breaks an invariant.

    `after` names the pass that produced the graph, for the message; a graph that is compiled for a
    `target` must fit it, and be complete.  Time is
    linear in the number of nodes, those of regions included.
    """
    regions = []
    for region in _regions(graph):
        regions.append(region)
        for check in STRUCTURE:
            for node, complaint in check(region):
                raise _error(check.__name__, complaint, node, graph, after)
    for decision in DECIDED:
        for region in regions:
            for node, complaint in decision(region, target):
                raise _error(decision.__name__, complaint, node, graph, after)


def _error(rule: str, complaint: str, node: Node | None, graph: Graph, after: str) -> VerificationError:
    head = f"after {after}: {complaint}" if after else complaint
    around = f"\n{describe(node, graph)}" if node is not None and rule != "acyclic" else ""
    return VerificationError(rule, f"{head} (the graph is not {rule}){around}", node)


def _regions(graph: Graph) -> Iterator[Region]:
    """Yield the graph and all regions below it, outer regions first, and one that several nodes have once."""
    waiting: list[Region] = [graph]
    seen: set[Region] = set()
    while waiting:
        region = waiting.pop()
        if region in seen:
            continue
        seen.add(region)
        yield region
        waiting.extend(inner for node in region.nodes() for inner in node.regions)


def acyclic(region: Region) -> Iterator[Complaint]:
    """Yield a node that depends on itself."""
    done: set[Node] = set()
    open_: set[Node] = set()
    for root in region.results:
        stack = [root]
        while stack:
            node = stack[-1]
            if node in done or node in open_:
                stack.pop()
                open_.discard(node)
                done.add(node)
                continue
            open_.add(node)
            for operand in node.operands:
                if operand in open_:
                    yield operand, f"{operand.op.name} needs its own result"
                    return
                stack.append(operand)


def known(region: Region) -> Iterator[Complaint]:
    """Yield nodes whose primitive is not in the closed set."""
    for node in _all(region):
        if PRIMITIVES.get(node.op.name) is not node.op:
            yield node, f"{node.op.name} is no primitive"


def sane(region: Region) -> Iterator[Complaint]:
    """Yield nodes with an illegal dtype, extent, parameter or constant."""
    for node in _all(region):
        for type in node.types:
            if type.dtype not in DTYPES.values():
                yield node, f"{type.dtype!r} is no dtype"
            fixed = type.shape[1:] if type.grows and (is_loop(node) or is_result(node)) else type.shape
            if not all(isinstance(n, int) and n >= 0 for n in fixed):
                yield node, f"{type.shape} is no shape"
            elif prod(fixed) > MOST_ELEMENTS:
                yield node, f"{type} has more than {MOST_ELEMENTS} elements"
        for key, value in node.params.items():
            if not _sayable(value):
                yield node, f"parameter {key} is a {value.__class__.__name__}"
        if is_constant(node) and not _is_number_of(node.dtype, node.params["value"]):
            yield node, f"{node.params['value']!r} is no number of dtype {node.dtype}"


def typed(region: Region) -> Iterator[Complaint]:
    """Yield nodes whose types are not what their primitive's rule infers."""
    for node in _all(region):
        try:
            inferred = node.op.infer(node.operands, node.params, node.regions)
        except Exception as error:  # a type rule may fail in any way on operands it does not expect
            yield node, f"{node.op.name} does not fit its operands and parameters: {error}"
            continue
        if inferred != node.types:
            yield node, f"{node.op.name} has types {', '.join(map(str, inferred))}, not {', '.join(map(str, node.types))}"


def closed(region: Region) -> Iterator[Complaint]:
    """Yield parameters that are bound twice or not at all, and bound nodes that are not parameters."""
    bound: set[Node] = set()
    for param in region.params:
        if param.op is not PARAMETER:
            yield param, f"{param.op.name} is bound as a parameter"
        if param in bound:
            yield param, f"parameter {param.name} is bound twice"
        bound.add(param)
    free = set(free_nodes(region))
    for node in [*region.nodes(), *region.results] if free else ():
        if node in free or not free.isdisjoint(node.operands):
            yield node, f"{node.op.name} comes from outside the region, or reads a parameter that does"


def single(region: Region) -> Iterator[Complaint]:
    """Yield nodes that read a node with several results directly, and results that are such nodes."""
    for node in _all(region):
        if not is_result(node) and any(len(o.types) != 1 for o in node.operands):
            yield node, f"{node.op.name} reads a node that has several results"
    for result in region.results:
        if len(result.types) != 1:
            yield result, f"{result.op.name} is a result of the region, but has several results"


def interned(region: Region) -> Iterator[Complaint]:
    """Yield nodes that equal another one."""
    seen: set[object] = set()
    for node in _all(region):
        params = tuple((k, v.hex() if isinstance(v, float) else v) for k, v in node.params.items())
        key = (node.op, node.operands, params, node.regions)
        if key in seen and not node.op.has_identity:
            yield node, f"two {node.op.name} nodes are equal"
        seen.add(key)


def rooted(region: Region) -> Iterator[Complaint]:
    """Yield a complaint if the region has no results, and results whose extents are known only at run time."""
    if not region.results:
        yield None, "a region has no results"
    for result in region.results:
        if any(type.grows for type in result.types):
            yield result, f"{result.op.name} is a result of the region, but grows"


def flat(region: Region) -> Iterator[Complaint]:
    """Yield the fusions of a region whose bodies hold regions."""
    for node in _all(region):
        if is_fusion(node) and any(inner.regions for inner in Call.of(node).body.nodes()):
            yield node, "the body of a fusion has a node with a region"


def lawful(region: Region, target: TargetInfo | None) -> Iterator[Complaint]:
    """Yield the fusions with an illegal schedule, or in which a reduction is read at another point than its own."""
    seen: set[tuple[Region, str]] = set()
    for node in _all(region):
        if is_fusion(node) and node.params:
            body = Call.of(node).body
            key = body, str(node.params)
            if key not in seen:
                seen.add(key)
                for complaint in illegal(body, node.params):
                    yield node, complaint


def writable(region: Region, target: TargetInfo | None) -> Iterator[Complaint]:
    """Yield the in-place updates whose target is not a carried value in memory, or is read afterwards."""
    bodies = [(_layout(node, inner), inner) for node in region.nodes() for inner in node.regions]
    for layout, body in dict.fromkeys([(Layout(0), region)] * isinstance(region, Graph) + bodies):
        yield from illegal_updates(body, layout, 0 if target is None else target.register_elements)
    yield from illegal_joins(region)


def packable(region: Region, target: TargetInfo | None) -> Iterator[Complaint]:
    """Yield the matmuls whose right factor cannot be packed before their loop."""
    yield from illegal_packing(region, ()) if isinstance(region, Graph) else ()
    for node in region.nodes():
        for inner in node.regions:
            yield from illegal_packing(inner, captured(node, inner))


def vectorizable(region: Region, target: TargetInfo | None) -> Iterator[Complaint]:
    """Yield the loops that cannot have the lanes that they declare."""
    for node in _all(region):
        if "lanes" in node.params or "lane_axes" in node.params:
            for complaint in illegal_lanes(node):
                yield node, complaint
            if target is not None and node.params["lanes"] > target.lanes:
                yield node, f"an axis of {node.params['lanes']} elements has no lanes, which are at most {target.lanes}"


def promotable(region: Region, target: TargetInfo | None) -> Iterator[Complaint]:
    """Yield the loops and branches that do not fit in registers but are marked so."""
    for node in _all(region):
        if "registers" in node.params:
            lanes, elements = decided_lanes(node), node.params["registers"]
            inside = node if lanes is None else lanes.loop
            if not fits_registers(inside, elements):
                yield node, f"{node.op.name} does not fit into registers: {misfit(inside, elements)}"
            elif target is not None and elements > target.register_elements:
                yield node, f"values of {elements} elements are in registers, which hold {target.register_elements}"
            yield from _packed_below(node)


def stored(region: Region, target: TargetInfo | None) -> Iterator[Complaint]:
    """Yield what a graph that is compiled for a target computes in no kernel, or reads from no buffer."""
    waiting: list[Region] = [] if target is None or not isinstance(region, Graph) else [region]
    while waiting:
        kernels = waiting.pop()
        yield from unstored(kernels)
        for node in kernels.nodes():
            if not in_registers(node) and not is_fusion(node):
                waiting.extend(node.regions)


def _packed_below(node: Node) -> Iterator[Complaint]:
    for region in node.regions:
        for inner in region.nodes():
            if "packed" in inner.params:
                yield inner, f"{inner.op.name} has a packed factor, in registers"
            yield from _packed_below(inner)


def _layout(node: Node, region: Region) -> Layout:
    """Return the layout of the loop whose body a region is."""
    loop = Loop.of(node) if is_loop(node) else None
    return Layout(0) if loop is None or region is not loop.body else loop.layout


Check = Callable[[Region], Iterator[Complaint]]

STRUCTURE: tuple[Check, ...] = (acyclic, known, sane, closed, single, typed, interned, rooted, flat)
"""The invariants of the graph, in the order in which they are checked in each region, outer regions first."""

Decision = Callable[[Region, TargetInfo | None], Iterator[Complaint]]

DECIDED: tuple[Decision, ...] = (lawful, writable, packable, vectorizable, promotable, stored)
"""The invariants of decisions, each checked in all regions before the next one."""

CHECKS = {check.__name__: check for check in (*STRUCTURE, *DECIDED)}
"""The invariants in the order in which they are checked."""


def _all(region: Region) -> list[Node]:
    return [*region.params, *region.nodes()]


def _sayable(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_sayable, value))
    return value is None or isinstance(value, (bool, int, float, str, DType, TensorType))


def _is_number_of(dtype: DType, value: object) -> bool:
    return isinstance(value, (bool, int, float)) and repr(value) == repr(dtype.scalar(value))
