"""Group nodes into kernels.

    %e = exp %x                         %y = fusion %x {dims=[…], outer=1, …} {
    %s = sum %e {axes=[1]}       →        … the four nodes …
    %b = broadcast %s …                   return %y
    %y = div %e, %b                     }

`ir/fusion/grouping.py` decides which nodes form a kernel, `ir/fusion/materialize.py` which values are stored between kernels.
"""

from __future__ import annotations

from typing import Any

from graphc.ir.analysis.storage import has_buffer, in_registers, is_inlined, read_from_memory
from graphc.ir.analysis.views import Strides, whole_buffer
from graphc.ir.core.cost import TargetInfo
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.structural_key import exact_body_key
from graphc.ir.fusion.grouping import Grouping
from graphc.ir.fusion.materialize import Materialization
from graphc.ir.fusion.schedule import schedule

__all__ = ["fuse"]


def fuse(graph: Graph, target: TargetInfo, layouts: dict[Node, Strides] | None = None) -> Graph:
    """Return the graph with all elementwise, movement and reduction work inside `fusion` nodes.

    `layouts` gives the strides, in elements, of parameters that are not row-major.
    """
    memory = Materialization(graph, Grouping(graph, target.kernel_cost).run(), layouts or {})
    memory.run()
    return _Writer(graph, memory, target).run()


def _fuse_region(region: Region, target: TargetInfo) -> Region:
    """Fuse the body of a loop or a branch as a program of its own, whose parameters are row-major."""
    after = fuse(Graph(region.params, region.results), target)
    return Region(after.params, after.results)


class _Writer:
    """Builds the graph of fusions."""

    def __init__(self, graph: Graph, memory: Materialization, target: TargetInfo) -> None:
        self.graph, self.target = graph, target
        self.memory = memory
        self.bodies: dict[Any, tuple[Region, list[int]]] = {}
        """Bodies of fusions by their structure, each with the numbers of its reductions among its nodes."""
        self.new: dict[Node, Node] = {p: p for p in graph.params}

    def run(self) -> Graph:
        """Return the graph."""
        for node in self.graph.nodes():
            if node not in self.new and (has_buffer(node) or node in self.memory.stored):
                self._write(node)
        taken: set[Node] = set()
        results = [self._result(r, taken) for r in self.graph.results]
        return self.graph.replace(results)

    def _write(self, root: Node) -> None:
        """Write the fusion that stores `root`, after those of all values it loads.  Does not recurse."""
        stack = [root]
        waiting: set[Node] = set()
        while stack:
            node = stack[-1]
            if node in self.new:
                stack.pop()
                continue
            missing = [n for n in self._needs(node) if n not in self.new]
            if missing:
                if node in waiting:
                    raise RuntimeError(f"kernels that need one another: {node} needs {missing[0]}, which needs it")
                waiting.add(node)
                stack.extend(missing)
                continue
            stack.pop()
            if has_buffer(node):
                read = read_from_memory(node)
                operands = [self._moved(o) if o in read else o for o in node.operands]
                regions = node.regions
                if not in_registers(node):
                    regions = tuple([_fuse_region(region, self.target) for region in regions])
                self.new[node] = make(node.op, operands, node.params, regions, like=node)
            else:
                self._write_group(self.memory.members(node))

    def _needs(self, node: Node) -> list[Node]:
        """Return the values that must be written before a node, or before the kernel that stores it."""
        if has_buffer(node):
            bases: list[Node] = []
            for operand in read_from_memory(node):
                while operand not in self.memory.stored and is_inlined(operand) and operand.operands:
                    operand = operand.operands[0]
                bases.append(operand)
            return bases
        return [load for member in self.memory.members(node) for load in self.memory.kernel(member)[1]]

    def _moved(self, operand: Node) -> Node:
        """Return an operand's movement, applied to the new node of its buffer."""
        chain = []
        while operand not in self.new:
            chain.append(operand)
            operand = operand.operands[0]
        node = self.new[operand]
        for move in reversed(chain):
            node = make(move.op, (node, *move.operands[1:]), move.params, like=move)
        return node

    def _write_group(self, members: list[Node]) -> None:
        """Write one fusion for several stored nodes."""
        body: dict[Node, None] = {}
        loads: dict[Node, None] = {}
        for member in members:
            nodes, loaded = self.memory.kernel(member)
            body.update(dict.fromkeys(nodes))
            loads.update(dict.fromkeys(loaded))
        order, outer = _ordered(body), [load for load in loads if load not in body]
        region, reduces = self._body(outer, order, members)
        spelled = schedule(self.memory.group_of.get(members[0]), members, [order[i] for i in reduces])
        fusion = make(PRIMITIVES["fusion"], [self.new[load] for load in outer], spelled, (region,), like=members[-1])
        for i, member in enumerate(members):
            self.new[member] = fusion if len(members) == 1 else make(PRIMITIVES["result"], (fusion,), {"index": i}, like=member)

    def _body(self, loads: list[Node], nodes: list[Node], results: list[Node]) -> tuple[Region, list[int]]:
        """Return the region of these nodes, the same one for equal nodes, and the numbers of its reductions in their order."""
        key = exact_body_key(loads, nodes, results)
        known = self.bodies.get(key)
        if known is None:
            inside = {load: parameter(load.type, load.name) for load in loads}
            for node in nodes:
                inside[node] = make(node.op, [inside[o] for o in node.operands], node.params, like=node)
            region = Region(tuple([inside[load] for load in loads]), tuple([inside[r] for r in results]))
            number = {inside[node]: i for i, node in enumerate(nodes)}
            known = self.bodies[key] = region, [number[n] for n in region.nodes() if n.op.kind == "reduce"]
        return known

    def _result(self, node: Node, taken: set[Node]) -> Node:
        """Return the new node of a result.

        Each result owns a dense buffer: parameters, parts of a buffer, permuted buffers and repeated results are copied.
        """
        new = self._moved(node)
        buffer = whole_buffer(new)
        if buffer is not None and buffer.op is not PARAMETER and buffer not in taken:
            taken.add(buffer)
            return new
        inner = parameter(node.type, node.name)
        copied = Region((inner,), (inner,))
        return make(PRIMITIVES["fusion"], (new,), schedule(None, [node], []), (copied,), like=node, unique=True)


def _ordered(nodes: dict[Node, None]) -> list[Node]:
    """Return nodes with operands first."""
    done: dict[Node, None] = {}
    for root in nodes:
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [o for o in node.operands if o in nodes and o not in done]
            if node in done or not missing:
                done.setdefault(node)
                stack.pop()
            else:
                stack.extend(missing)
    return list(done)
