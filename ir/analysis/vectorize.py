"""Find an axis along which a loop's body does the same to every element, and take it off.

    scan %c, %w {carried=1, …} (%c: f64[3,3], %w: f64[3,3]) { %1: f64[3,3] = matmul %c, %w … }
    scan %c, %w {carried=1, …} (%c: f64[1,3], %w: f64[3,3]) { %1: f64[1,3] = matmul %c, %w … }      three lanes

Row i of what is carried on is made of row i alone, so the loop is written for one row, and all rows are the lanes of
vectors (`codegen/program/register_loops/`).  Axes that belong together are found by joining them, operation by
operation: a class of axes qualifies if no operation mixes its elements, except to fold them.  What is folded by a sum and
then only added to, as the gradient by a weight is, is summed lane by lane, and over the lanes once after the loop.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc.ir.analysis.axis_classes import AxisUnion, Slot, slot_of
from graphc.ir.analysis.lane_layout import Lanes, Roles, roles_of, with_lanes
from graphc.ir.core.cost import is_small, weight
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import is_matmul

__all__ = ["choose_lanes"]

VECTOR_BYTES = 32
"""What one instruction works on, for the estimate of what lanes save."""

WORTH = 0.75
"""Lanes are taken if they leave at most this part of the instructions."""

TURNS = 8
"""A loop inside the body counts as so many iterations."""


def choose_lanes(loop: Node, fits: Callable[[Node], bool], *, alone: bool) -> Lanes | None:
    """Return a loop with lanes that `fits` registers, the one with the fewest instructions; None if there is none.

    A loop that fits `alone`, without lanes, is to gain by them.
    """
    joined = AxisUnion(loop)
    most = WORTH * _cost(joined, None) if alone else float("inf")
    found = [roles for axis in joined.classes() if (roles := roles_of(joined, axis)) is not None]
    for roles in sorted(found, key=lambda roles: _cost(joined, roles)):
        if _cost(joined, roles) > most:
            return None
        lanes = with_lanes(loop, roles)
        if fits(lanes.loop):
            return lanes
    return None


# -- whether it pays -----------------------------------------------------------------------------------------


def _cost(joined: AxisUnion, roles: Roles | None) -> float:
    """Estimate the instructions of a turn."""
    total = 0.0
    for node, depth in joined.depth.items():
        total += TURNS**depth * _instructions(node, roles)
    (*_, body), n = joined.loop.regions, joined.loop.params["carried"]
    m = joined.loop.params.get("sequences", 0)
    moved = (*body.params[n : n + m], *body.results[n:])  # loaded or stored in each iteration
    return total + sum(_vectors(value, roles) for value in moved if is_small(value.type))


def _instructions(node: Node, roles: Roles | None) -> float:
    if node.op.kind in ("movement", "leaf") or node.regions:
        return 0
    if is_matmul(node):
        return _vectors(node, roles) * _terms(node.operands[0], node.operands[0].shape[-1], roles) + _across(node, roles)
    if node.op.kind == "reduce":
        return _vectors(node.operands[0], roles) + _across(node, roles)
    each = weight(node)
    if each < 16 or (roles is not None and slot_of(node) in roles.vectorized):
        return each * _vectors(node, roles)
    return each * -(-node.type.size // 8) * 2 + 2 * node.type.size  # packed into vectors of 8, and taken out again


def _terms(x: Node, terms: int, roles: Roles | None) -> int:
    """Return the products an element is the sum of, in each lane."""
    return 1 if roles is not None and roles.vectorized.get(slot_of(x)) == x.type.rank - 1 else terms


def _vectors(node: Node, roles: Roles | None) -> int:
    """Return how many registers hold a value, if an element without lanes needs one."""
    if roles is None:
        return node.type.size
    slot = slot_of(node)
    registers = -(-(1 << (roles.count - 1).bit_length()) * node.dtype.bytes // VECTOR_BYTES)
    if slot in roles.vectorized:
        return node.type.size // roles.count * registers
    return node.type.size * registers if slot in roles.partial else node.type.size


def _across(node: Node, roles: Roles | None) -> int:
    """Return what folding over the lanes takes."""
    folds = roles is not None and node in roles.folds and Slot(node, 0) not in roles.partial
    return 2 * roles.count * node.type.size if folds and roles is not None else 0
