"""Find the loops and branches whose bodies can run in registers.

A body whose values are all small (a 3×3 matrix, some scalars) gains nothing from kernels over memory: it becomes
straight-line code with one scalar per element, and the carried values stay in registers across iterations
(`codegen/program/register_loops/`).  Larger arrays may be captured if the body only reads small parts of them, and may be
carried if it only updates small parts of them in place.

    %c: f64[3,3] = scan %c0, %xs {…}      each element of the carry is in a register; an x is loaded element by element

The fusion pass leaves such bodies alone, so the fused listing shows the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from weakref import WeakKeyDictionary

from graphc.ir.analysis.in_place import decided_updates
from graphc.ir.core.cost import SHORT_LOOP, is_small, products
from graphc.ir.core.graph import PARAMETER, Node, Region
from graphc.ir.core.predicates import is_branch, is_gather, is_loop, is_matmul, is_reshape, is_result, is_scatter
from graphc.ir.core.types import TensorType
from graphc.ir.regions.loop import Loop

__all__ = ["fits_registers", "has_flow", "may_fit_with_lanes", "misfit"]

MOST_OPERATIONS = 30_000
"""The most scalar operations of straight-line code; a larger body is compiled as kernels."""


def has_flow(node: Node) -> bool:
    """Return whether a node is a loop or a branch: a candidate for registers."""
    return is_loop(node) or is_branch(node)


def fits_registers(node: Node, elements: int) -> bool:
    """Return whether the bodies of a loop or branch, with in-place updates decided, can be straight-line code.

    Values of at most `elements` elements are in registers, larger ones in memory.
    """
    return _fit(elements).holds(node)


def may_fit_with_lanes(node: Node, largest: int) -> bool:
    """Return whether vectorizing could make all values of a longer loop small: no value has more than `largest` elements."""
    length = node.params.get("length")
    return (length is None or length > SHORT_LOOP) and all(_narrows(region, largest) for region in node.regions)


def misfit(node: Node, elements: int) -> str:
    """Return what keeps the bodies of a loop or branch out of registers, or None."""
    if _fit(elements).operations(node) > MOST_OPERATIONS:
        return f"its bodies are more than {MOST_OPERATIONS} operations"
    inside = [n for region in node.regions for n in region.nodes()]
    for inner in inside:
        if not has_flow(inner) and not _is_known(inner):
            return f"{inner.op.name} is no straight-line code"
    params = [p for region in node.regions for p in region.params]
    large = [t for n in (*inside, *params) for t in n.types if not is_small(t, elements)]
    return f"{large[0]} is larger than {elements} elements, and computed" if large else "its values are not small"


def _narrows(region: Region, largest: int) -> bool:
    for node in region.nodes():
        if node.regions:
            if not has_flow(node) or not all(_narrows(inner, largest) for inner in node.regions):
                return False
        elif not _is_known(node) or (not is_result(node) and node.op.kind != "movement" and node.type.size > largest):
            return False
    return True


def _is_known(node: Node) -> bool:
    return node.op.kind != "region" and node.op is not PARAMETER and not node.op.external


class _Fit:
    """Decides what fits into registers for values of at most `elements` elements."""

    def __init__(self, elements: int) -> None:
        self.elements = elements
        self._known: WeakKeyDictionary[Node, bool] = WeakKeyDictionary()

    def holds(self, node: Node) -> bool:
        """Return whether the bodies of a loop or branch fit; False for other nodes."""
        if node not in self._known:
            self._known[node] = self._branches(node) and self.operations(node) <= MOST_OPERATIONS
        return self._known[node]

    def operations(self, node: Node) -> int:
        """Count the scalar operations in the code of a node; a body counts once."""
        if node.regions:
            return sum([self.operations(inner) for region in node.regions for inner in region.nodes()])
        if is_matmul(node):
            return products(node)
        if node.op.kind == "reduce":
            return node.operands[0].type.size
        return node.type.size if self._small(node.types) else 0

    def _small(self, types: Sequence[TensorType]) -> bool:
        return all(is_small(type, self.elements) for type in types)

    def _branches(self, node: Node) -> bool:
        if is_branch(node):
            return self._small(node.types) and all(map(self._straight, node.regions))
        if not is_loop(node):
            return False
        loop = Loop.of(node)
        *tests, _ = loop.regions
        return self._small([y.type for y in loop.ys]) and all(map(self._straight, tests)) and self._iterates(loop)

    def _iterates(self, loop: Loop) -> bool:
        """Whether a body is straight-line, and each carried value is small and of fixed shape, or updated in place."""
        updates = decided_updates(loop.body, loop.layout)
        kept = all(self._small(c.next.types) or c.next is c.param or c.param in updates.carried for c in loop.carries)
        return kept and self._straight(loop.body, updates.links)

    def _straight(self, region: Region, links: frozenset[Node] = frozenset()) -> bool:
        """Whether each value of a region is small, or in memory and only read in parts, or an in-place update in `links`."""
        for node in region.nodes():
            if node in links:
                if not self._small([o.type for o in node.operands[1:]]):
                    return False
            elif node.regions:
                if not self.holds(node) or not all(self._small(o.types) or in_memory(o) for o in node.operands):
                    return False
            elif not _is_known(node) or not self._computes_small(node):
                return False
        return True

    def _computes_small(self, node: Node) -> bool:
        if is_result(node):
            return True
        if not self._small(node.types):
            return is_view(node)
        if node.op.kind == "elementwise":
            return True  # its operands have as many elements
        if is_gather(node):
            x, *indices = node.operands
            return (self._small(x.types) or is_view(x)) and self._small([i.type for i in indices])
        return all(self._small(o.types) or (node.op.kind == "movement" and is_view(node)) for o in node.operands)


_fit = cache(_Fit)


def in_memory(node: Node) -> bool:
    """Return whether a value is dense in memory: a parameter, or a stack of ys."""
    return node.op is PARAMETER or is_result(node) or is_loop(node)


def is_view(node: Node) -> bool:
    """Return whether a node is a strided view of memory."""
    while node.op.kind == "movement":
        if not node.op.view or is_reshape(node):
            return False
        node = node.operands[0]
    return in_memory(node) or is_scatter(node)
