"""Emit regions over small values as straight-line code with one register per element.

`ir/analysis/register_promotion.py` decides which loops and branches are emitted so, and `ir/analysis/vectorize.py` whether an
axis is vectorized.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.codegen.llvm.scalar_ops import MEMORY
from graphc.codegen.llvm.values import Value
from graphc.codegen.program.memory.buffers import Buffers
from graphc.codegen.program.register_loops.context import Context
from graphc.codegen.program.register_loops.elementwise import ElementwiseWriter, batches, early_products
from graphc.codegen.program.register_loops.loop_writer import LoopWriter
from graphc.codegen.program.register_loops.primitives import WRITERS, moved_elements
from graphc.codegen.program.register_loops.values import BodyValue, Memory, TapeItems
from graphc.ir.analysis.in_place import InPlace, decided_updates
from graphc.ir.analysis.lane_layout import Lanes
from graphc.ir.analysis.views import Strides, as_view, dense_strides
from graphc.ir.core.cost import is_costly
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.predicates import is_branch, is_gather, is_matmul, is_result, is_scatter
from graphc.ir.core.types import TensorType
from graphc.ir.regions.loop import Loop

__all__ = ["RegisterWriter"]


class RegisterWriter:
    """Emits one loop or branch, with all regions in it, in the main function."""

    def __init__(self, buffers: Buffers, lanes: Lanes | None, elements: int) -> None:
        self.context = Context.of(buffers, lanes, elements)
        self.main, self.lanes, self.memory = self.context.main, self.context.lanes, self.context.memory
        self.loops = LoopWriter(self.context, self._region)
        self._elementwise = ElementwiseWriter(self.context)

    def _region(self, region: Region, params: Sequence[BodyValue], changes: InPlace | None) -> list[BodyValue]:
        """Emit a region and return its results; `changes` are the parameters that it updates in place."""
        values: dict[Node, Any] = dict(zip(region.params, params, strict=True))
        self._elementwise.early |= early_products(region.nodes())
        for batch in batches(changes or InPlace(order=region.nodes())):
            if len(batch) > 1 or (is_costly(batch[0]) and batch[0].type.size > 1):
                self._elementwise.side_by_side(batch, values)
            else:
                values[batch[0]] = self._node(batch[0], values)
            self._elementwise.split_long_block()
        return [values[r] for r in region.results]

    def _node(self, node: Node, values: dict[Node, Any]) -> Any:
        if is_result(node):
            return values[node.operands[0]][node.params["index"]]
        if node.regions:
            return self._nested(node, [values[o] for o in node.operands])
        if node.op.kind == "movement":
            return self._movement(node, values)
        if is_gather(node):
            return self.memory.gather(node, values)
        if is_scatter(node) and not self.context.is_small(node.type):
            updates = [self.memory.read(values, o) for o in node.operands[1:]]
            return self.memory.scatter(node, values[node.operands[0]], updates)
        xs = [self.memory.read(values, o) for o in node.operands]
        return self._computed(node, xs) if self.lanes.lanes is None else self._over_lanes(node, xs, self.lanes.lanes)

    def _computed(self, node: Node, xs: list[list[Value]]) -> list[Value]:
        if node.op.kind == "elementwise":
            return [self._elementwise.apply(node, list(row)) for row in self._elementwise.rows(node, xs)]
        return WRITERS[node.op.name](self.context, node, xs)

    def _over_lanes(self, node: Node, xs: list[list[Value]], lanes: Lanes) -> list[Value]:
        """Compute a node that may reduce the vectorized axis."""
        if node in lanes.split:
            return self.lanes.wide(self._computed(node, xs))
        if node in lanes.folded:
            reduction = "sum" if is_matmul(node) else node.op.name
            return self.lanes.reduced(node, self.lanes.wide(self._computed(node, xs)), reduction)
        return self._computed(node, [self.lanes.partial_sums(x) for x in xs] if node in lanes.partial else xs)

    def _nested(self, node: Node, operands: list[BodyValue]) -> Any:
        """Emit a nested loop or branch; its stacks, and arrays that it updates in place, get memory."""
        splats = self.lanes.splats
        if is_branch(node):
            results: list[Any] = list(self.loops.cond(node, operands))
        else:
            loop = Loop.of(node)
            updated = decided_updates(loop.body, loop.layout).carried
            for i, carry in enumerate(loop.carries):
                if carry.param in updated:
                    operands[i] = self.memory.copied(self.memory.memory(operands[i], carry.operand.type))
            stacks = self._stacks(loop.ys, loop.split_results(node.types)[1])
            results = [*self.loops.loop(loop, operands, stacks), *stacks]
        self.lanes.splats = splats  # values defined in a branch do not dominate the code after it
        return results if len(results) > 1 else results[0]

    def _stacks(self, ys: Sequence[Node], types: Sequence[TensorType]) -> list[Memory | TapeItems]:
        """Allocate the stacks of a loop: all of them grow, or none."""
        if any(t.grows for t in types):
            tapes = self.main.tapes.make(types)
            return [TapeItems(tape, tape.type, dense_strides(tape.type.shape)) for tape in tapes]
        memory = self.memory
        return [
            memory.allocate_wide(t) if self.lanes.is_vectorized(y) else memory.allocate(t)
            for y, t in zip(ys, types, strict=True)
        ]

    def _movement(self, node: Node, values: dict[Node, Any]) -> BodyValue:
        view = as_view(node, lambda n: _strides(values[n], n)) if _is_in_memory(node, values) else None
        if view is not None:
            base: Memory = values[view.base]
            address = self.context.f.element(base.address, self.main.number(view.offset), MEMORY[node.dtype.name])
            moved = Memory(address, node.type, view.strides, base.lanes, base.padded)
            return self.memory.elements(moved) if self.context.is_small(node.type) else moved
        x = [v for o in node.operands for v in self.memory.read(values, o)]  # the fill of a pad is the last one
        x = self.lanes.partial_sums(x) if self.lanes.is_partial(node) else x
        return [x[i] for i in moved_elements(node)]


def _is_in_memory(node: Node, values: dict[Node, Any]) -> bool:
    """Whether a node is reached from a value in memory by movement alone."""
    while node.op.kind == "movement":
        node = node.operands[0]
    return isinstance(values.get(node), Memory)


def _strides(x: BodyValue, node: Node) -> Strides:
    return x.strides if isinstance(x, Memory) else dense_strides(node.shape)
