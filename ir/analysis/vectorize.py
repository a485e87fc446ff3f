"""Choose an axis along which a loop's body treats all elements alike, and vectorize the loop along it.

    scan %c, %w {carries=1, …} (%c: f64[3,3], %w: f64[3,3]) { %1: f64[3,3] = matmul %c, %w … }
    scan %c, %w {carries=1, …} (%c: f64[1,3], %w: f64[3,3]) { %1: f64[1,3] = matmul %c, %w … }      three lanes

Row i of the next carry depends on row i of the carry alone, so the loop is written for one row, and the rows are the lanes of
vectors (`codegen/program/register_loops/`).  A class of axes (`ir/analysis/axis_classes.py`) qualifies if no operation mixes
its elements, except to reduce them.  A value that is summed over the axis and then only added to, such as the gradient with
respect to a weight, is held as one partial sum per lane; these are added once after the loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.ir.analysis.axis_classes import AxisUnion, Slot, slot_of
from graphc.ir.analysis.lane_layout import Lanes, Roles, axes_of, roles_of, with_lanes
from graphc.ir.analysis.register_promotion import fits_registers
from graphc.ir.core.cost import COSTLY, TargetInfo, is_small, weight
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import is_matmul
from graphc.ir.regions.loop import Loop

__all__ = ["choose_lanes"]

WORTH = 0.75
"""A loop is vectorized if at most this fraction of the instructions remains."""

ITERATIONS = 8
"""The assumed number of iterations of a nested loop."""


def choose_lanes(loop: Node, target: TargetInfo, *, alone: bool) -> Lanes | None:
    """Return the lane layout with the fewest instructions, of those with which a `registers` loop fits; None if there is none.

    If the loop fits `alone`, without lanes, a layout must also reduce its instructions.
    """
    shapes = [*(o.shape for o in loop.operands), *(type.shape for type in loop.types)]
    if not any(2 <= n <= target.lanes for shape in shapes for n in shape):
        return None  # no axis that the attribute could name
    joined = AxisUnion(loop, target.register_elements * target.lanes)
    most = WORTH * _Cost(joined, None, target).of_iteration() if alone else float("inf")
    choices = [roles for axis in joined.classes(target.lanes) if (roles := roles_of(joined, axis)) is not None]
    costs = [(_Cost(joined, roles, target).of_iteration(), roles) for roles in choices if _is_seen(loop, roles)]
    for cost, roles in sorted(costs, key=lambda pair: pair[0]):
        if cost > most:
            return None
        lanes = with_lanes(loop, roles)
        if fits_registers(lanes.loop, target.register_elements):
            return lanes
    return None


def _is_seen(loop: Node, roles: Roles) -> bool:
    """Whether an operand or a result of a loop has the axis, so that the attribute can name it."""
    return any(axis is not None for axes in axes_of(loop, roles) for axis in axes)


@dataclass
class _Cost:
    """Estimates instructions, vectorized or not."""

    joined: AxisUnion
    roles: Roles | None
    target: TargetInfo

    def of_iteration(self) -> float:
        """Estimate the instructions of one iteration."""
        loop = Loop.of(self.joined.loop)
        total = sum([ITERATIONS**depth * self._instructions(node) for node, depth in self.joined.depth.items()], 0.0)
        moved = (*(x.param for x in loop.xs), *loop.ys)  # loaded or stored in each iteration
        return total + sum([self._vectors(x) for x in moved if is_small(x.type, self.target.register_elements)])

    def _instructions(self, node: Node) -> float:
        if node.op.kind in ("movement", "leaf") or node.regions:
            return 0
        if is_matmul(node):
            return self._vectors(node) * self._terms(node.operands[0]) + self._across(node)
        if node.op.kind == "reduce":
            return self._vectors(node.operands[0]) + self._across(node)
        each = weight(node)
        if each < COSTLY or (self.roles is not None and slot_of(node) in self.roles.vectorized):
            return each * self._vectors(node)
        return each * -(-node.type.size // 8) * 2 + 2 * node.type.size  # packed into vectors of 8, and unpacked again

    def _terms(self, x: Node) -> int:
        """Return the number of products summed per element, in each lane."""
        axis = None if self.roles is None else self.roles.vectorized.get(slot_of(x))
        return 1 if axis == x.type.rank - 1 else x.shape[-1]

    def _vectors(self, node: Node) -> int:
        """Return how many registers hold a value; without lanes, one per element."""
        roles = self.roles
        if roles is None:
            return node.type.size
        slot = slot_of(node)
        registers = -(-(1 << (roles.count - 1).bit_length()) * node.dtype.bytes // self.target.vector_bytes)
        if slot in roles.vectorized:
            return node.type.size // roles.count * registers
        return node.type.size * registers if slot in roles.partial else node.type.size

    def _across(self, node: Node) -> int:
        """Return the instructions of a reduction across the lanes."""
        roles = self.roles
        folds = roles is not None and node in roles.folds and Slot(node, 0) not in roles.partial
        return 2 * roles.count * node.type.size if folds and roles is not None else 0
