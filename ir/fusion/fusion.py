"""Gather nodes into kernels.

    %e = exp %x                         %y = fusion %x {dims=[…], outer=1, …} {
    %s = sum %e {axes=[1]}       →        … the four nodes …
    %b = broadcast %s …                   return %y
    %y = div %e, %b                     }

Which nodes form a kernel is decided in `ir/fusion/grouping.py`.  What crosses from one group to another is stored, unless
it costs less to compute it again.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.ir.access.legality import Axes, Loop
from graphc.ir.analysis.views import Strides, as_view, dense_strides, whole_buffer
from graphc.ir.core.cost import is_small, weight
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_constant, is_literal, is_result
from graphc.ir.core.target_info import TargetInfo
from graphc.ir.fusion.grouping import Grouping
from graphc.ir.fusion.iteration_domain import Group, fresh, is_cheap, is_compute, is_inlined
from graphc.ir.fusion.recompute import NEAR, computed_again

__all__ = ["fuse"]


def fuse(graph: Graph, target: TargetInfo, layouts: dict[Node, Strides] | None = None) -> Graph:
    """Return the graph with all elementwise, movement and reduction work inside `fusion` nodes.

    `layouts` gives the strides, in elements, of parameters that are not row-major.
    """
    groups = Grouping(graph, target.kernel_cost).run()
    return _Builder(graph, groups, layouts or {}, target).run()


def _fuse_region(region: Region, target: TargetInfo) -> Region:
    """Fuse the body of a loop or a branch; it is a program of its own, whose parameters are row-major."""
    after = fuse(Graph(region.params, region.results), target)
    return Region(after.params, after.results)


class _Builder:
    """Decides what is stored and writes the graph of fusions."""

    def __init__(self, graph: Graph, group_of: dict[Node, Group], layouts: dict[Node, Strides], target: TargetInfo) -> None:
        self.graph, self.target = graph, target
        self.group_of = group_of
        self.layouts = layouts
        self.stored: dict[Node, None] = {}
        self.again: set[Node] = set()
        """What other groups compute again, so that less is stored."""
        self.new: dict[Node, Node] = {p: p for p in graph.params}

    def run(self) -> Graph:
        nodes = self.graph.nodes()
        for result in self.graph.results:
            if not self._has_buffer(result) and self._whole(result) is None:
                self.stored[result] = None
        for node in nodes:
            if is_result(node):
                continue
            if self._has_buffer(node):
                for operand in self._read_from_memory(node):
                    # a loop in registers loads small values before it begins, from wherever they lie
                    loaded = self._straight(node) and is_small(operand.type, node.params["registers"])
                    self._store_operand(operand, dense=bool(node.regions) and not loaded)
            elif node.op.jumps:
                self._store_operand(node.operands[0])
        for node in reversed(nodes):
            if node in self.stored:
                self._spare(node)
                self._leaves(node)
        for node in nodes:
            if (self._has_buffer(node) and node not in self.new) or (node in self.stored and node not in self.new):
                self._write(node)
        taken: set[Node] = set()
        results = [self._result(r, taken) for r in self.graph.results]
        return self.graph.replace(results)

    def _straight(self, node: Node) -> bool:
        """Whether a node is a loop or branch in registers."""
        return "registers" in node.params

    def _read_from_memory(self, node: Node) -> list[Node]:
        """Return the operands that must have memory: all, but the numbers that a loop in registers starts from."""
        if not self._straight(node):
            return list(node.operands)
        return [o for o in node.operands if not is_constant(o) or not is_small(o.type, node.params["registers"])]

    def _has_buffer(self, node: Node) -> bool:
        """Whether a node has memory of its own without being part of a fusion."""
        return node.op is PARAMETER or not (is_compute(node) or is_inlined(node))

    def _layout(self, node: Node) -> Strides:
        return self.layouts.get(node) or dense_strides(node.shape)

    def _store_operand(self, operand: Node, *, dense: bool = False) -> None:
        """Store what an operation outside the fusions reads: the buffer below its strides, or a copy.

        Loops and branches take their operands `dense`: a buffer under another shape, or a part of one, is.
        """
        view = as_view(operand, self._layout)
        if dense and view is not None and view.strides != dense_strides(operand.shape):
            view = None
        base = operand if view is None else view.base
        if view is not None and is_literal(base):
            base = operand
        if not self._has_buffer(base):
            self.stored[base] = None

    def _whole(self, result: Node) -> Node | None:
        """Return the buffer that a result is under another shape; None if it is not the whole of one made here."""
        base = whole_buffer(result) if result.op.kind == "movement" else None
        return base if base is not None and base.op is not PARAMETER and self._has_buffer(base) else None

    def _leaves(self, root: Node) -> tuple[list[Node], list[Node]]:
        """Return what the kernel of a stored node computes, operands first, and what it loads."""
        group = self.group_of.get(root)
        body: list[Node] = []
        leaves: dict[Node, None] = {}
        seen: set[Node] = set()
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                body.append(node)
                continue
            if node in seen:
                continue
            seen.add(node)
            if node is not root and self._is_leaf(node, group):
                leaves[node] = None
                continue
            stack.append((node, True))
            stack.extend((o, False) for o in reversed(node.operands))
        return body, list(leaves)

    def _is_leaf(self, node: Node, group: Group | None) -> bool:
        if self._has_buffer(node):
            return True
        if is_inlined(node):
            return node in self.stored and node.op.kind == "movement" and self._moves_only(node, group)
        if group is not None and self.group_of[node] is group:
            return False
        if node not in self.stored and node not in self.again and not is_cheap(node):
            self.stored[node] = None
        return node in self.stored

    def _spare(self, root: Node) -> None:
        """Find what the kernel of a stored node reads of other groups, and what of that it had better compute again."""
        crossing: dict[Group, list[Node]] = {}
        for node in self._leaves_before(root):
            crossing.setdefault(self.group_of[node], []).append(node)
        for wanted in crossing.values():
            self.again |= computed_again(wanted, self._is_given, weight)

    def _is_given(self, node: Node) -> bool:
        return self._has_buffer(node) or node in self.stored

    def _leaves_before(self, root: Node) -> Iterator[Node]:
        """Yield what the kernel of a stored node reads, near its own points, of values that would be stored for it."""
        group = self.group_of.get(root)
        stack: list[tuple[Node, bool]] = [(root, True)]
        seen: set[tuple[Node, bool]] = set()
        found: dict[Node, bool] = {}
        while stack:
            node, near = stack.pop()
            if (node, near) in seen or (node is not root and self._is_given(node)):
                continue
            seen.add((node, near))
            if is_inlined(node):
                stack.extend((o, near and node.op.name in NEAR) for o in node.operands)
            elif node is root or self.group_of[node] is group:
                stack.extend((o, True) for o in node.operands)
            elif not is_cheap(node):
                found[node] = near and found.get(node, True)
        return (node for node, near in found.items() if near)

    def _moves_only(self, node: Node, group: Group | None) -> bool:
        """Whether a moved value can be loaded in `group`: its kernel must need nothing of what `group` computes."""
        moved = self.group_of.get(node)
        if moved is not None and (moved is group or any(member.op.kind != "movement" for member in moved.nodes)):
            return False
        while node.op.kind == "movement":
            node = node.operands[0]
        return group is None or self.group_of.get(node) is not group

    def _members(self, root: Node) -> list[Node]:
        group = self.group_of.get(root)
        if group is None:
            return [root]
        return [n for n in group.nodes if n in self.stored]

    def _write(self, root: Node) -> None:
        """Write the fusion that stores `root`, after everything it loads.  Does not recurse."""
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
            if self._has_buffer(node):
                read = self._read_from_memory(node)
                operands = [self._moved(o) if o in read else o for o in node.operands]
                regions = node.regions
                if not self._straight(node):
                    regions = tuple([_fuse_region(region, self.target) for region in regions])
                self.new[node] = make(node.op, operands, node.params, regions, like=node)
            else:
                self._write_group(self._members(node))

    def _needs(self, node: Node) -> list[Node]:
        if self._has_buffer(node):
            found: list[Node] = []
            for operand in self._read_from_memory(node):
                while operand not in self.stored and is_inlined(operand) and operand.operands:
                    operand = operand.operands[0]
                found.append(operand)
            return found
        return [leaf for member in self._members(node) for leaf in self._leaves(member)[1]]

    def _moved(self, operand: Node) -> Node:
        """Return an operand's movement over the new node of its buffer."""
        chain = []
        while operand not in self.new:
            chain.append(operand)
            operand = operand.operands[0]
        node = self.new[operand]
        for move in reversed(chain):
            node = make(move.op, (node, *move.operands[1:]), move.params, like=move)
        return node

    def _write_group(self, members: list[Node]) -> None:
        body: dict[Node, None] = {}
        leaves: dict[Node, None] = {}
        for member in members:
            nodes, loads = self._leaves(member)
            body.update(dict.fromkeys(nodes))
            leaves.update(dict.fromkeys(loads))
        inside = {leaf: parameter(leaf.type, leaf.name) for leaf in leaves if leaf not in body}
        for node in _ordered(body):
            inside[node] = make(node.op, [inside[o] for o in node.operands], node.params, like=node)
        operands = [self.new[leaf] for leaf in leaves if leaf not in body]
        params = tuple(inside[leaf] for leaf in leaves if leaf not in body)
        region = Region(params, tuple(inside[m] for m in members))
        where = {inside[n]: n for n in body}
        schedule = _schedule(
            self.group_of.get(members[0]), members, [where[n] for n in region.nodes() if n.op.kind == "reduce"]
        )
        whole = make(PRIMITIVES["fusion"], operands, schedule, (region,), like=members[-1])
        for i, member in enumerate(members):
            self.new[member] = whole if len(members) == 1 else make(PRIMITIVES["result"], (whole,), {"index": i}, like=member)

    def _result(self, node: Node, taken: set[Node]) -> Node:
        """Return the new node of a result.

        Each result has memory of its own, and its node is all of it: a parameter is copied, and so are a part of a buffer, a
        buffer in another order, and one that is another result already.
        """
        new = self._moved(node)
        buffer = whole_buffer(new)
        if buffer is not None and buffer.op is not PARAMETER and buffer not in taken:
            taken.add(buffer)
            return new
        inner = parameter(node.type, node.name)
        axes = fresh(node.shape)
        loops = [lo for axis in axes for lo in axis]
        schedule = {
            "dims": tuple(lo.extent for lo in loops),
            "outer": len(loops),
            "results": (_numbers(axes, loops),),
            "reduces": (),
        }
        return make(PRIMITIVES["fusion"], (new,), schedule, (Region((inner,), (inner,)),), like=node, unique=True)


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


def _numbers(axes: Axes, loops: list[Loop]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(loops.index(lo) for lo in axis) for axis in axes)


def _schedule(group: Group | None, members: list[Node], reduces: list[Node]) -> dict[str, object]:
    """Spell the iteration space as parameters of the fusion: extents, how many are outer, and who has which."""
    if group is None:
        axes = {members[0]: fresh(members[0].shape)}
        loops = [lo for axis in axes[members[0]] for lo in axis]
        outer = len(loops)
        reduced: dict[Node, Axes] = {}
    else:
        axes, reduced = group.axes, group.reduced
        outside = group.outer if group.outer is not None else group.space
        seen: dict[Loop, None] = {}
        for node in [*reduces, *members]:
            source = group.operand_axes(node) if node in reduced else axes[node]
            seen.update(dict.fromkeys(lo for axis in source for lo in axis))
        loops = sorted(seen, key=lambda lo: 2 if lo not in outside else lo in group.folded)  # what columns fold is within
        outer = sum(lo in outside for lo in loops)
    return {
        "dims": tuple(lo.extent for lo in loops),
        "outer": outer,
        "results": tuple(_numbers(axes[m], loops) for m in members),
        "reduces": tuple(_numbers(reduced[r], loops) for r in reduces),
    }
