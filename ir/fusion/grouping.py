"""Decide which nodes become one kernel.

Nodes are visited in order; each joins the groups of its operands if the iteration domains agree
(`ir/fusion/iteration_domain.py`) and no path leads out of the merged group and back in.  A bit mask of ancestors per group
proves that a group is convex.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphc.ir.access.legality import Axes, Loop, point_through, reads_reduced, reduced_axes
from graphc.ir.analysis.storage import is_compute, is_inlined
from graphc.ir.core.cost import KernelWeight
from graphc.ir.core.graph import PARAMETER, Graph, Node
from graphc.ir.core.ops import REDUCTIONS
from graphc.ir.core.predicates import is_result
from graphc.ir.fusion.alignment import common_outer, pair_rest, unify
from graphc.ir.fusion.iteration_domain import Edge, Group, Misaligned, aligned, edges_of, fresh, is_cheap, loops_of, through

__all__ = ["Grouping"]


class Grouping:
    """Assigns nodes to groups."""

    def __init__(self, graph: Graph, most: int) -> None:
        self.most = most
        """The greatest cost of one kernel."""
        self.nodes = graph.nodes()
        self.edges: dict[Node, list[Edge]] = {}
        self.read_by: dict[Node, list[Edge]] = {}
        self.moved_results = {r for r in graph.results if r.op.kind == "movement"}
        self.group_of: dict[Node, Group] = {}
        self.groups: dict[int, Group] = {}
        self.opaque_ancestors: dict[Node, int] = {}
        self.have_descendants = 0
        """The groups that may be in a mask of ancestors; most new nodes are in none."""
        self.reductions_below: dict[Node, int] = {}
        """The reductions that a node depends on, not counting those behind matmuls, loops and other unfused nodes."""

    def run(self) -> dict[Node, Group]:
        """Return the group of each node that computes something."""
        self._find_reductions()
        for node in self.nodes:
            if is_compute(node) or node in self.moved_results:
                self._place(node)
            elif not _is_passage(node) and (mask := self._ancestors(node.operands)):
                self.opaque_ancestors[node] = mask
        self._join_siblings()
        self._join_numbers()
        return self.group_of

    def _find_reductions(self) -> None:
        count = 0
        for node in self.nodes:
            if node.op.kind == "reduce":
                self.reductions_below[node] = 1 << count
                count += 1
            elif is_compute(node) or is_inlined(node):
                mask = 0
                for o in node.operands:
                    mask |= self.reductions_below.get(o, 0)
                if mask:
                    self.reductions_below[node] = mask

    def _ancestors(self, operands: Sequence[Node]) -> int:
        """Return the mask of the groups that some values depend on; a mask that has a group has the group's ancestors."""
        mask = 0
        for o in operands:
            while o not in self.group_of and _is_passage(o):
                o = o.operands[0]
            group = self.group_of.get(o)
            if group is not None:
                mask |= group.ancestors | (1 << group.bit)
            else:
                mask |= self.opaque_ancestors.get(o, 0)
        self.have_descendants |= mask
        return mask

    def _in(self, mask: int) -> Iterator[Group]:
        """Yield the groups of a mask."""
        while mask:
            bit = mask.bit_length() - 1
            mask ^= 1 << bit
            yield self.groups[bit]

    def _place(self, node: Node) -> None:
        group = self._alone(node)
        self.group_of[node] = group
        self.groups[group.bit] = group
        self.edges[node] = list(edges_of(node))
        for edge in self.edges[node]:
            self.read_by.setdefault(edge.source, []).append(edge)
        for edge in self.edges[node]:
            source = self.group_of[edge.source]
            mine = self.group_of[node]
            if source is not mine and not edge.jumps:
                self._try_merge(source, mine)

    def _alone(self, node: Node) -> Group:
        group = Group(len(self.group_of) + 1, [node], weight=KernelWeight.of(node))
        group.axes[node] = fresh(node.shape)
        group.domain = loops_of(group.axes[node])
        if node.op.kind == "reduce":
            group.outer = group.domain
            group.reductions = self.reductions_below[node]
            group.reduced[node] = fresh([node.operands[0].shape[a] for a in reduced_axes(node)])
            group.domain |= loops_of(group.reduced[node])
        group.ancestors = self._ancestors(node.operands)
        for operand in node.operands:
            while operand.op.kind == "movement" or is_result(operand):
                operand = operand.operands[0]
            group.behind |= self.opaque_ancestors.get(operand, 0)
        return group

    # try the merge on copies of what it changes, and keep them if the domains agree

    def _try_merge(self, first: Group, second: Group, tie: tuple[Axes, Axes] | None = None) -> bool:
        if first.weight.plus(second.weight).instructions > self.most or self._would_cycle(first, second):
            return False
        try:
            match = self._match(first, second, tie)
        except Misaligned:
            return False
        outer = common_outer(first, second, match)
        if outer is False:
            if not self._is_outer_reduction(first, second, match):
                return False
            outer, second.outer_reductions = first.outer, frozenset(second.nodes)
        second.substitute({a: (b,) for a, b in match.items()})
        self._absorb(first, second, outer if isinstance(outer, frozenset) else None)
        return True

    def _is_outer_reduction(self, first: Group, second: Group, match: dict[Loop, Loop]) -> bool:
        """Whether `second` is a reduction over outer loops of `first` that avoids recomputing its operand."""
        node = second.nodes[0]
        if len(second.nodes) > 1 or node.op.name not in REDUCTIONS or first.outer is None:
            return False
        if all(self.group_of[e.source] is not first or is_cheap(e.source) for e in edges_of(node)):
            return False
        reduced = frozenset(match.get(lo, lo) for lo in loops_of(second.reduced[node]))
        if not reduced or not reduced <= first.outer or first.folded not in (frozenset(), reduced):
            return False
        return frozenset(match.get(lo, lo) for lo in second.domain) > first.outer

    def _would_cycle(self, first: Group, second: Group) -> bool:
        """Whether a path leads from one group to the other through a third, or through a node that cannot fuse."""
        if (first.behind >> second.bit | second.behind >> first.bit) & 1:
            return True
        for above, below in ((first, second), (second, first)):
            bit = 1 << above.bit
            # a third group on a path from `above` to `below` is no ancestor of `above`
            if below.ancestors & bit:
                return any(group.ancestors & bit for group in self._in(below.ancestors & ~above.ancestors & ~bit))
        return False

    def _match(self, first: Group, second: Group, tie: tuple[Axes, Axes] | None) -> dict[Loop, Loop]:
        """Map each loop of `second` to one of `first`.  Raises Misaligned if the values between them do not line up."""
        ties = [tie] if tie is not None else []
        match: dict[Loop, Loop] = {}
        for _ in range(64):  # splitting loops changes axes that were read before: start again
            before = (len(first.domain), len(second.domain))
            match = {}
            for axes, other_axes in [*ties, *self._recomputed(first, second)]:
                unify(first, second, axes, other_axes, match)
            if before == (len(first.domain), len(second.domain)):
                break
        else:
            raise Misaligned
        pair_rest(first, second, match)
        return match

    def _recomputed(self, first: Group, second: Group) -> list[tuple[Axes, Axes]]:
        """Return, for each value that one group reads from the other, its axes in `first` and in `second`."""
        pairs = []
        for edge in self._between(first, second):
            reader, source = self.group_of[edge.reader], self.group_of[edge.source]
            if edge.source in source.outer_reductions:
                raise Misaligned
            if edge.elsewhere:
                if not is_cheap(edge.source):
                    raise Misaligned
                continue
            wanted = through(reader, reader.operand_axes(edge.reader), edge.movement)
            here = source.axes[edge.source]
            pairs.append((here, wanted) if reader is second else (wanted, here))
        return pairs + list(self._reduced_elsewhere(first, second))

    def _reduced_elsewhere(self, first: Group, second: Group) -> Iterator[tuple[Axes, Axes]]:
        """Yield, for each reduction below a value that is recomputed at other points, its axes and the axes it is read at.

        Raises Misaligned where the two differ, by the rule of `ir/access/legality.py`.
        """
        both = (first, second)
        edges = [*first.elsewhere, *second.elsewhere, *(e for e in self._between(first, second) if e.elsewhere)]
        reduced = first.reductions | second.reductions
        for edge in edges if reduced else ():
            if not self.reductions_below.get(edge.source, 0) & reduced:
                continue
            reader = self.group_of[edge.reader]
            for r, at in reads_reduced(edge.source, point_through(reader.read_axes(edge), edge.movement)):
                group = self.group_of[r]
                if group not in both:
                    continue
                here, wanted = group.axes[r], tuple(axis for axis in at if axis is not None)
                if len(wanted) < len(at) or r in group.outer_reductions or (group is reader and here != wanted):
                    raise Misaligned
                if group is not reader:
                    yield (here, wanted) if reader is second else (wanted, here)

    def _between(self, first: Group, second: Group) -> list[Edge]:
        """Return the edges from one group to the other, searching from the smaller one."""
        small, large = sorted((first, second), key=lambda group: len(group.nodes))
        edges = []
        for node in small.nodes:
            edges += [e for e in self.edges[node] if self.group_of[e.source] is large]
            edges += [e for e in self.read_by.get(node, ()) if self.group_of[e.reader] is large]
        return edges

    def _absorb(self, first: Group, second: Group, outer: frozenset[Loop] | None) -> None:
        first.elsewhere += [*second.elsewhere, *(e for e in self._between(first, second) if e.elsewhere)]
        first.reductions |= second.reductions
        first.nodes += second.nodes
        first.axes.update(second.axes)
        first.reduced.update(second.reduced)
        first.outer = outer
        first.domain |= second.domain
        first.weight = first.weight.plus(second.weight)
        first.outer_reductions |= second.outer_reductions
        gone, kept = 1 << second.bit, 1 << first.bit
        before = first.ancestors
        first.ancestors = (before | second.ancestors) & ~gone & ~kept
        first.behind |= second.behind
        del self.groups[second.bit]
        for node in second.nodes:
            self.group_of[node] = first
        changed = gone | kept if first.ancestors != before else gone
        if changed & self.have_descendants:
            self._pass_on(changed, gone, kept | first.ancestors)

    def _pass_on(self, changed: int, gone: int, now: int) -> None:
        """Exchange the group `gone` for the groups `now` in all masks that have one of `changed`."""
        for group in self.groups.values():
            if group.ancestors & changed:
                group.ancestors = (group.ancestors & ~gone) | now
            if group.behind & changed:
                group.behind = (group.behind & ~gone) | now
        for node, mask in self.opaque_ancestors.items():
            if mask & changed:
                self.opaque_ancestors[node] = (mask & ~gone) | now
        self.have_descendants |= now

    def _join_siblings(self) -> None:
        """Merge groups that read the same value at the same points, such as a value and its gradient."""
        readers: dict[Node, list[Node]] = {}
        for node in self.nodes:
            if not is_compute(node):
                continue
            for operand in aligned(node):
                base = operand
                while base.op.kind == "movement":
                    base = base.operands[0]
                if base.op is PARAMETER or (not is_compute(base) and not is_inlined(base)):
                    readers.setdefault(operand, []).append(node)
        for shared, nodes in readers.items():
            if shared.type.rank == 0:
                continue
            for node in nodes[1:]:
                first, second = self.group_of[nodes[0]], self.group_of[node]
                ties = (first.operand_axes(nodes[0]), second.operand_axes(node))
                if first is not second and loops_of(ties[0]) == first.domain and loops_of(ties[1]) == second.domain:
                    self._try_merge(first, second, ties)

    def _join_numbers(self) -> None:
        """Merge groups of scalars where neither waits for the other through a third; one kernel each is mostly overhead."""
        last: Group | None = None
        for group in list(self.groups.values()):
            if not group.domain:
                last = last if last is not None and self._try_merge(last, group) else group


def _is_passage(node: Node) -> bool:
    """Whether a node depends on exactly what its one operand depends on."""
    return len(node.operands) == 1 and (node.op.kind == "movement" or is_result(node))
