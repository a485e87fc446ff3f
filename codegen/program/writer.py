"""Emit a fused graph as one native function that calls kernel after kernel, loops and branches included."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen.llvm.target import host
from graphc.codegen.loops.loop_ir import ensure
from graphc.codegen.program.calls import Calls
from graphc.codegen.program.control_flow import ControlFlow
from graphc.codegen.program.memory.buffers import Buffer, Buffers, pieces_of
from graphc.codegen.program.memory.main_function import MainFunction
from graphc.codegen.program.register_regions import RegisterRegions
from graphc.ir.analysis.in_place import InPlace
from graphc.ir.analysis.views import Strides, dense_strides
from graphc.ir.core.cached import cached_property
from graphc.ir.core.cost import instructions
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region
from graphc.ir.core.predicates import is_fusion

__all__ = ["ProgramWriter"]

WriteNode = Callable[[Region, Node], None]


class ProgramWriter:
    """Emits one program: regions in order, each node by the object for its kind."""

    def __init__(
        self,
        graph: Graph,
        layouts: Sequence[Strides],
        dynamic: bool = True,
        check: bool = True,
        parallel: bool = False,
        known_cold: frozenset[str] | None = None,
    ) -> None:
        self.graph, self.layouts, self.known_cold = graph, layouts, known_cold
        arena = len(graph.params) + len(graph.results)
        self.main = MainFunction(arena + 1, dynamic=dynamic)
        self.buffers = Buffers(self.main, arena)
        self.calls = Calls(self.buffers, check, parallel)
        self._registers = RegisterRegions(self.buffers, self.calls)
        control = ControlFlow(self.buffers, self.calls, self._body)
        self._writers: dict[str, WriteNode] = {
            "fusion": self.calls.fusion,
            "matmul": self.calls.matmul,
            "concatenate": self.calls.concatenate,
            "checkpoint": control.checkpoint,
            "cond": control.cond,
            "scan": control.scan,
            "while": control.while_,
        }
        """The emitter of each kind of node; others are extern kernels."""

    def write(self) -> None:
        """Emit the program."""
        first = len(self.graph.params)
        for i, (param, strides) in enumerate(zip(self.graph.params, self.layouts, strict=True)):
            self.buffers.of[param] = Buffer(self.main.base(i), strides)
        results = {r: Buffer(self.main.base(first + i), dense_strides(r.shape)) for i, r in enumerate(self.graph.results)}
        self._region(self.graph, results)
        self.buffers.finish()
        self.main.finish(straight=all(is_fusion(node) or not node.regions for node in self.graph.nodes()))
        self.buffers.fill_sizes()
        total = sum(instructions(node, host().info) for node in self.graph.nodes())
        self.calls.compile_cold_fast(total, self.known_cold)

    def _region(self, region: Region, results: dict[Node, Buffer], order: Sequence[Node] | None = None) -> None:
        """Emit the nodes of a region whose parameters have buffers; the results are written into theirs."""
        self.buffers.of.update(results)
        owners: dict[Node, Node] = {}
        for result, buffer in results.items():
            node = result
            while node.op.kind == "movement":  # a buffer under another shape: its producer writes here
                node = node.operands[0]
                self.buffers.of[node] = Buffer(buffer.place, dense_strides(node.shape), buffer.ranges)
            ensure(owners.setdefault(node, result) is result, "two results are one buffer, and it would be written once")
        ensure(len(results) == len(region.results), "a result that is there twice would be written once")
        nodes = list(region.nodes() if order is None else order)
        outer, self.buffers.pieces = self.buffers.pieces, pieces_of(nodes)
        for node in nodes:
            if node.op is PARAMETER or node.op.kind in ("movement", "leaf"):
                continue
            self.buffers.call += 1
            self._writer(node)(region, node)
        self.buffers.pieces = outer

    def _writer(self, node: Node) -> WriteNode:
        if "registers" in node.params:
            return self._registers.write
        return self._writers.get(node.op.name, self.calls.extern)

    def _body(
        self, region: Region, params: Sequence[Buffer], results: Sequence[Buffer], changes: InPlace | None = None
    ) -> None:
        """Emit a nested region with these buffers; `changes` are the carried values that it updates in place."""
        outer, self.buffers.of = self.buffers.of, dict(zip(region.params, params, strict=True))
        order = None
        if changes is not None:
            self.buffers.updated |= changes.links
            order = changes.order
        self._region(region, dict(zip(region.results, results, strict=True)), order)
        self.buffers.of = outer

    # -- the finished program -------------------------------------------------------------------------------

    @cached_property
    def text(self) -> str:
        """The module."""
        return str(self.main.module)

    @property
    def live_ranges(self) -> list[tuple[int, int, int, int]]:
        """The live ranges in the arena: bytes, first and last kernel call, index of the parameter for the offset."""
        return [(r.bytes, r.first, r.last, slot) for r, slot in self.buffers.ranges]
