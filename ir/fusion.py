"""Gather nodes into kernels.

    %e = exp %x                         %y = fusion %x {dims=[…], outer=1, …} {
    %s = sum %e {axes=[1]}       →        … the four nodes …
    %b = broadcast %s …                   return %y
    %y = div %e, %b                     }

A group's nodes share one *iteration space*, a set of loops.  Each axis of each node is a product of such
loops (an axis that a reshape merged is several).  A group without reductions has one space for all its
nodes.  In a group with reductions, all reductions leave the same loops, the *outer* ones, and every other
node has at least these: so a kernel is loops over the outer space and, inside, one pass after another over
inner loops, as softmax or layer_norm need it.  But for *columns*: reductions that fold outer loops and leave inner
ones.  They are known when all is done, so they are only stored.

Nodes are taken in order; each joins the groups of its operands where the spaces agree and no path leads out
of the merged group and back in (kept as a bit mask of ancestors for each group: that is the convexity proof).
What crosses from one group to another is stored, unless it costs less to compute it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from graphc.ir.crossing import NEAR, computed_again
from graphc.ir.graph import PARAMETER, Graph, Node, Region, make, parameter
from graphc.ir.measures import is_small, weight
from graphc.ir.primitives import PRIMITIVES
from graphc.ir.registers import fits_registers
from graphc.ir.views import Strides, as_view, dense_strides

__all__ = ["HEAVIEST", "fuse", "total_weight"]

HEAVIEST = 900
"""A group's greatest weight: beyond it registers spill and LLVM's scheduler, quadratic in a block, is slow."""

SHARED_WAVE = 36
"""What the sine and the cosine of one angle have in common, and a kernel computes once."""

COLUMNS = ("sum", "prod", "max", "min", "any", "all")
"""Reductions that may be columns."""

CHEAP = 4
"""What is at most this heavy is computed again rather than stored and loaded."""


def total_weight(nodes: Iterable[Node]) -> int:
    """Return roughly how many instructions a vector of some nodes takes in one kernel."""
    nodes = list(nodes)
    angles = [{n.operands[0] for n in nodes if n.op.name == wave} for wave in ("sin", "cos")]
    return sum(map(weight, nodes)) - SHARED_WAVE * len(angles[0] & angles[1])


def fuse(graph: Graph, layouts: dict[Node, Strides] | None = None) -> Graph:
    """Return the graph with all elementwise, movement and reduction work inside `fusion` nodes.

    `layouts` gives the strides, in elements, of parameters that are not row-major.
    """
    groups = _Grouping(graph).run()
    return _Builder(graph, groups, layouts or {}).run()


def _fuse_region(region: Region) -> Region:
    """Fuse the body of a loop or a branch; it is a program of its own, whose parameters are row-major."""
    after = fuse(Graph(region.params, region.results))
    return Region(after.params, after.results)


# -- iteration spaces ---------------------------------------------------------------------------------


class Loop:
    """One loop of an iteration space.  Its number gives sets of loops an order that does not depend on extents."""

    __slots__ = ("extent", "number")

    def __init__(self, extent: int) -> None:
        self.extent = extent
        self.number = next(_numbered)


_numbered = count()


def _by_number(loops: Iterable[Loop]) -> list[Loop]:
    return sorted(loops, key=lambda loop: loop.number)


Axes = tuple[tuple[Loop, ...], ...]
"""The loops whose product each axis is; an axis of extent 1 has none."""


def _loops(axes: Axes) -> frozenset[Loop]:
    return frozenset(loop for axis in axes for loop in axis)


def _fresh(shape: Sequence[int]) -> Axes:
    return tuple(() if n == 1 else (Loop(n),) for n in shape)


@dataclass(eq=False)
class Group:
    """Nodes that will be one kernel."""

    bit: int
    nodes: list[Node] = field(default_factory=list)
    axes: dict[Node, Axes] = field(default_factory=dict)
    reduced: dict[Node, Axes] = field(default_factory=dict)
    """The loops of the axes that each reduction folds."""
    outer: frozenset[Loop] | None = None
    """What reductions leave; None while there is no reduction."""
    space: frozenset[Loop] = frozenset()
    weight: int = 0
    columns: frozenset[Node] = frozenset()
    """Reductions that fold outer loops, all of them the same."""
    waves: frozenset[tuple[str, Node]] = frozenset()
    """Which of sin and cos it takes of which angle."""
    ancestors: int = 0
    behind: int = 0
    """The groups that lie behind what its nodes read of matrix products, loops and the like."""

    def operand_axes(self, node: Node) -> Axes:
        """Return the axes at which `node` reads its aligned operands."""
        if node.op.name == "gather":
            return self.axes[node][: node.operands[1].type.rank]
        kept, folded = iter(self.axes[node]), iter(self.reduced.get(node, ()))
        if node not in self.reduced:
            return self.axes[node]
        away = _reduced_axes(node)
        return tuple(next(folded) if a in away else next(kept) for a in range(node.operands[0].type.rank))

    @property
    def folded(self) -> frozenset[Loop]:
        """The outer loops that the columns fold."""
        return frozenset(loop for node in self.columns for loop in _loops(self.reduced[node]))

    def substitute(self, new: dict[Loop, tuple[Loop, ...]]) -> None:
        """Put other loops in the place of some."""

        def axis(loops: tuple[Loop, ...]) -> tuple[Loop, ...]:
            return tuple(n for loop in loops for n in new.get(loop, (loop,)))

        self.axes = {node: tuple(map(axis, axes)) for node, axes in self.axes.items()}
        self.reduced = {node: tuple(map(axis, axes)) for node, axes in self.reduced.items()}
        self.space = frozenset(axis(tuple(self.space)))
        self.outer = None if self.outer is None else frozenset(axis(tuple(self.outer)))

    def split(self, loop: Loop, inner: int) -> tuple[Loop, Loop]:
        """Replace a loop by two, the second of extent `inner`."""
        parts = (Loop(loop.extent // inner), Loop(inner))
        self.substitute({loop: parts})
        return parts


def _reduced_axes(node: Node) -> tuple[int, ...]:
    return (node.params["axis"],) if "axis" in node.params else node.params["axes"]


def _is_compute(node: Node) -> bool:
    return node.op.kind in ("elementwise", "reduce") or node.op.name in ("gather", "random_bits")


def _is_inlined(node: Node) -> bool:
    """Whether a node is written into whatever kernel reads it."""
    return node.op.kind == "movement" or node.op.name in ("constant", "iota")


def _cheap(node: Node) -> bool:
    """Whether computing a node again, down to values in memory, costs less than a store and a load."""
    cost, stack, seen = 0, [node], set[Node]()
    while stack:
        n = stack.pop()
        if n in seen:
            continue
        seen.add(n)
        if n.op.kind == "reduce" and n is not node:
            continue  # small, and stored for whoever reads it
        if n.op.kind != "elementwise" and not _is_inlined(n):
            if n is node and _is_compute(n):
                return False
            continue
        cost += weight(n)
        if cost > CHEAP:
            return False
        stack.extend(n.operands)
    return True


@dataclass(frozen=True)
class _Edge:
    """A computed node read through movement."""

    reader: Node
    moves: tuple[Node, ...]
    source: Node


def _edges(node: Node) -> Iterator[_Edge]:
    """Yield what a node reads; a node that is movement itself (a result) reads through itself."""
    for operand in (node,) if node.op.kind == "movement" else _aligned(node):
        moves = []
        while operand.op.kind == "movement":
            moves.append(operand)
            operand = operand.operands[0]
        if _is_compute(operand):
            yield _Edge(node, tuple(moves), operand)


def _aligned(node: Node) -> tuple[Node, ...]:
    """Return the operands that are read at the node's own points; others are read anywhere, from memory."""
    return node.operands[1:] if node.op.name == "gather" else () if node.op.name == "random_bits" else node.operands


class _Misaligned(Exception):
    """A value is read elsewhere than where it is computed."""


def _through(group: Group, axes: Axes, moves: Sequence[Node]) -> Axes:
    """Return the axes at which the operand below `moves` is read.  May split loops of `group`."""
    for move in moves:
        name = move.op.name
        if name == "permute":
            order = move.params["axes"]
            axes = tuple(axes[order.index(a)] for a in range(len(order)))
        elif name == "broadcast":
            axes = tuple(axes[a] for a in move.params["axes"])
        elif name == "reshape":
            axes = _regroup(group, axes, move.operands[0].shape)
        else:
            raise _Misaligned
    return axes


def _regroup(group: Group, axes: Axes, shape: tuple[int, ...]) -> Axes:
    """Distribute the loops of some axes over axes of another shape with as many elements."""
    if 0 in shape:
        raise _Misaligned
    rest = [loop for axis in axes for loop in axis]
    result: list[tuple[Loop, ...]] = []
    for n in reversed(shape):
        axis: list[Loop] = []
        while n > 1:
            loop = rest.pop()
            if n % loop.extent:
                if loop.extent % n:
                    raise _Misaligned
                outer, loop = group.split(loop, n)
                result = [tuple(x) for x in result]
                rest.append(outer)
            axis.insert(0, loop)
            n //= loop.extent
        result.append(tuple(axis))
    return tuple(reversed(result))


class _Grouping:
    """Decides which nodes form a group."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.nodes()
        self.edges: dict[Node, list[_Edge]] = {}
        self.read_by: dict[Node, list[_Edge]] = {}
        self.moved_results = {r for r in graph.results if r.op.kind == "movement"}
        self.group_of: dict[Node, Group] = {}
        self.groups: dict[int, Group] = {}
        self.opaque_ancestors: dict[Node, int] = {}

    def run(self) -> dict[Node, Group]:
        for node in self.nodes:
            if _is_compute(node) or node in self.moved_results:
                self._place(node)
            elif mask := self._ancestors(node.operands):
                self.opaque_ancestors[node] = mask
        self._join_siblings()
        self._join_numbers()
        return self.group_of

    def _ancestors(self, operands: Sequence[Node]) -> int:
        """Return the groups that some values come from, directly or not: whatever is in such a mask, its ancestors are too."""
        mask = 0
        for o in operands:
            group = self.group_of.get(o)
            if group is not None:
                mask |= group.ancestors | (1 << group.bit)
            else:
                mask |= self.opaque_ancestors.get(o, 0)
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
        self.edges[node] = list(_edges(node))
        for edge in self.edges[node]:
            self.read_by.setdefault(edge.source, []).append(edge)
        for edge in self.edges[node]:
            source = self.group_of[edge.source]
            mine = self.group_of[node]
            if source is not mine:
                self._try_merge(source, mine)

    def _alone(self, node: Node) -> Group:
        group = Group(len(self.group_of) + 1, [node], weight=weight(node))
        if node.op.name in ("sin", "cos"):
            group.waves = frozenset([(node.op.name, node.operands[0])])
        group.axes[node] = _fresh(node.shape)
        group.space = _loops(group.axes[node])
        if node.op.kind == "reduce":
            group.outer = group.space
            group.reduced[node] = _fresh([node.operands[0].shape[a] for a in _reduced_axes(node)])
            group.space |= _loops(group.reduced[node])
        group.ancestors = self._ancestors(node.operands)
        for operand in node.operands:
            while operand.op.kind == "movement":
                operand = operand.operands[0]
            group.behind |= self.opaque_ancestors.get(operand, 0)
        return group

    # A merge is tried on copies of what it changes, and kept if the spaces agree.

    def _try_merge(self, first: Group, second: Group, tie: tuple[Axes, Axes] | None = None) -> bool:
        if _joint_weight(first, second) > HEAVIEST or self._would_cycle(first, second):
            return False
        try:
            match = self._match(first, second, tie)
        except _Misaligned:
            return False
        outer = self._common_outer(first, second, match)
        if outer is False:
            if not self._is_column(first, second, match):
                return False
            outer, second.columns = first.outer, frozenset(second.nodes)
        second.substitute({a: (b,) for a, b in match.items()})
        self._absorb(first, second, outer if isinstance(outer, frozenset) else None)
        return True

    def _is_column(self, first: Group, second: Group, match: dict[Loop, Loop]) -> bool:
        """Whether `second` is a reduction over outer loops of `first` that spares computing its operand a second time."""
        node = second.nodes[0]
        if len(second.nodes) > 1 or node.op.name not in COLUMNS or first.outer is None:
            return False
        if all(self.group_of[e.source] is not first or _cheap(e.source) for e in _edges(node)):
            return False
        folded = frozenset(match.get(lo, lo) for lo in _loops(second.reduced[node]))
        if not folded or not folded <= first.outer or first.folded not in (frozenset(), folded):
            return False
        return frozenset(match.get(lo, lo) for lo in second.space) > first.outer

    def _would_cycle(self, first: Group, second: Group) -> bool:
        """Whether a way leads from one group to the other through a third, or through a matmul or the like."""
        both = 1 << first.bit | 1 << second.bit
        between = (first.ancestors | second.ancestors) & ~both
        if any(group.ancestors & both for group in self._in(between)):
            return True
        return bool((first.behind >> second.bit | second.behind >> first.bit) & 1)

    def _match(self, first: Group, second: Group, tie: tuple[Axes, Axes] | None) -> dict[Loop, Loop]:
        """Return which loop of `first` each loop of `second` is.  Raises _Misaligned if values between them do not line up."""
        ties = [tie] if tie is not None else []
        match: dict[Loop, Loop] = {}
        for _ in range(64):  # splitting loops changes axes that were read before: start again
            before = (len(first.space), len(second.space))
            match = {}
            for mine, yours in [*ties, *self._crossing(first, second)]:
                _unify(first, second, mine, yours, match)
            if before == (len(first.space), len(second.space)):
                break
        else:
            raise _Misaligned
        taken = set(match.values())
        for loop in _by_number(second.space - set(match)):
            free = [f for f in _by_number(first.space - taken) if f.extent == loop.extent]
            inner = [f for f in free if first.outer is not None and f not in first.outer]
            if inner or free:
                match[loop] = (inner or free)[0]
                taken.add(match[loop])
        return match

    def _crossing(self, first: Group, second: Group) -> list[tuple[Axes, Axes]]:
        """Return, for each value that one group reads of the other, its axes in `first` and in `second`."""
        pairs = []
        for edge in self._between(first, second):
            reader, source = self.group_of[edge.reader], self.group_of[edge.source]
            if edge.source in source.columns:
                raise _Misaligned
            if any(m.op.name in ("slice", "pad", "flip") for m in edge.moves) and _cheap(edge.source):
                continue
            wanted = _through(reader, reader.operand_axes(edge.reader), edge.moves)
            here = source.axes[edge.source]
            pairs.append((here, wanted) if reader is second else (wanted, here))
        return pairs

    def _between(self, first: Group, second: Group) -> list[_Edge]:
        """Return the edges from one group to the other, found from the smaller one."""
        small, large = sorted((first, second), key=lambda group: len(group.nodes))
        edges = []
        for node in small.nodes:
            edges += [e for e in self.edges[node] if self.group_of[e.source] is large]
            edges += [e for e in self.read_by.get(node, ()) if self.group_of[e.reader] is large]
        return edges

    def _common_outer(self, first: Group, second: Group, match: dict[Loop, Loop]) -> frozenset[Loop] | bool | None:
        """Return the outer loops of the merged group, None if it has no reductions, False if it cannot be."""

        def renamed(loops: frozenset[Loop]) -> frozenset[Loop]:
            return frozenset(match.get(lo, lo) for lo in loops)

        space = renamed(second.space)
        if first.outer is None and second.outer is None:
            return None if first.space == space else False
        if first.outer is not None and second.outer is not None:
            outer = first.outer
            if outer != renamed(second.outer):
                return False
        else:
            outer = first.outer if first.outer is not None else renamed(second.outer or frozenset())
            if not (space if first.outer is not None else first.space) >= outer:
                return False
        # without outer loops, only passes over the same inner loops belong in one kernel
        if not outer and first.space and space and first.space != space:
            return False
        if first.columns and second.columns and first.folded != renamed(second.folded):
            return False
        if len(lasts := {*_last_loops(first, {}), *_last_loops(second, match)}) > len({folded for folded, _ in lasts}):
            return False
        along = {*_lies_outside(first, outer, {}), *_lies_outside(second, outer, match)}
        return False if len(along) > 1 else outer

    def _absorb(self, first: Group, second: Group, outer: frozenset[Loop] | None) -> None:
        first.nodes += second.nodes
        first.axes.update(second.axes)
        first.reduced.update(second.reduced)
        first.outer = outer
        first.space |= second.space
        first.weight = _joint_weight(first, second)
        first.waves |= second.waves
        first.columns |= second.columns
        gone, kept = 1 << second.bit, 1 << first.bit
        first.ancestors = (first.ancestors | second.ancestors) & ~gone & ~kept
        first.behind |= second.behind
        del self.groups[second.bit]
        for node in second.nodes:
            self.group_of[node] = first
        for group in self.groups.values():
            if group.ancestors & (gone | kept):
                group.ancestors = (group.ancestors & ~gone) | kept | first.ancestors
            if group.behind & (gone | kept):
                group.behind = (group.behind & ~gone) | kept | first.ancestors
        for node, mask in self.opaque_ancestors.items():
            if mask & (gone | kept):
                self.opaque_ancestors[node] = (mask & ~gone) | kept | first.ancestors

    def _join_siblings(self) -> None:
        """Merge groups that read the same value at the same places, such as a value and its gradient."""
        readers: dict[Node, list[Node]] = {}
        for node in self.nodes:
            if not _is_compute(node):
                continue
            for operand in _aligned(node):
                base = operand
                while base.op.kind == "movement":
                    base = base.operands[0]
                if base.op is PARAMETER or (not _is_compute(base) and not _is_inlined(base)):
                    readers.setdefault(operand, []).append(node)
        for shared, nodes in readers.items():
            if shared.type.rank == 0:
                continue
            for node in nodes[1:]:
                first, second = self.group_of[nodes[0]], self.group_of[node]
                ties = (first.operand_axes(nodes[0]), second.operand_axes(node))
                if first is not second and _loops(ties[0]) == first.space and _loops(ties[1]) == second.space:
                    self._try_merge(first, second, ties)

    def _join_numbers(self) -> None:
        """Merge groups of single numbers, as far as none waits for another by way of a third: a kernel of each is all call."""
        last: Group | None = None
        for group in list(self.groups.values()):
            if not group.space:
                last = last if last is not None and self._try_merge(last, group) else group


def _joint_weight(first: Group, second: Group) -> int:
    """Return the weight of two groups in one kernel."""
    other = {"sin": "cos", "cos": "sin"}
    return first.weight + second.weight - SHARED_WAVE * sum((other[w], x) in first.waves for w, x in second.waves)


def _last_loops(group: Group, match: dict[Loop, Loop]) -> Iterator[tuple[frozenset[Loop], Loop]]:
    """Yield the loops that each reduction folds, which are those of its pass, and the one along which it reads memory.

    Reductions in one pass that read along different loops want other lanes, too.
    """
    for node in group.reduced.keys() - group.columns:
        last = next((axis[-1] for axis in reversed(group.operand_axes(node)) if axis), None)
        if last is not None:
            yield frozenset(match.get(lo, lo) for lo in _loops(group.reduced[node])), match.get(last, last)


def _lies_outside(group: Group, outer: frozenset[Loop], match: dict[Loop, Loop]) -> Iterator[bool]:
    """Yield for each reduction whether the last axis of what it reads is an outer loop.

    Sums along rows and sums down columns want other lanes: in one kernel, one of them would gather its elements.
    """
    for node in group.reduced.keys() - group.columns:
        last = next((axis[-1] for axis in reversed(group.operand_axes(node)) if axis), None)
        if last is not None:
            yield match.get(last, last) in outer


def _unify(first: Group, second: Group, mine: Axes, yours: Axes, match: dict[Loop, Loop]) -> None:
    """Pair the loops of equal axes, splitting where one side is finer.  Raises _Misaligned."""
    for a, b in zip(mine, yours, strict=True):
        left, right = list(a), list(b)
        while left and right:
            x, y = left.pop(), right.pop()
            if x.extent > y.extent and x.extent % y.extent == 0:
                outer, x = first.split(x, y.extent)
                left.append(outer)
            elif y.extent > x.extent and y.extent % x.extent == 0:
                outer, y = second.split(y, x.extent)
                right.append(outer)
            if x.extent != y.extent or match.get(y, x) is not x or (y not in match and x in match.values()):
                raise _Misaligned
            match[y] = x
        if left or right:
            raise _Misaligned


# -- writing the fused graph --------------------------------------------------------------------------


class _Builder:
    """Decides what is stored and writes the graph of fusions."""

    def __init__(self, graph: Graph, group_of: dict[Node, Group], layouts: dict[Node, Strides]) -> None:
        self.graph = graph
        self.group_of = group_of
        self.layouts = layouts
        self.stored: dict[Node, None] = {}
        self.again: set[Node] = set()
        """What other groups compute again, so that less is stored."""
        self.new: dict[Node, Node] = {p: p for p in graph.params}
        self.straight: dict[Node, bool] = {}

    def run(self) -> Graph:
        nodes = self.graph.nodes()
        for result in self.graph.results:
            if not self._has_buffer(result) and self._whole(result) is None:
                self.stored[result] = None
        for node in nodes:
            if node.op.name == "result":
                continue
            if self._has_buffer(node):
                for operand in self._read_from_memory(node):
                    loaded = self._straight(node) and is_small(operand.type)  # before the loop, from wherever it lies
                    self._store_operand(operand, dense=bool(node.regions) and not loaded)
            elif node.op.name in ("gather", "random_bits"):
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
        if node not in self.straight:
            self.straight[node] = fits_registers(node)
        return self.straight[node]

    def _read_from_memory(self, node: Node) -> list[Node]:
        """Return the operands that must have memory: all, but the numbers that a loop in registers starts from."""
        if not self._straight(node):
            return list(node.operands)
        return [o for o in node.operands if o.op.name != "constant" or not is_small(o.type)]

    def _has_buffer(self, node: Node) -> bool:
        """Whether a node has memory of its own without being part of a fusion."""
        return node.op is PARAMETER or not (_is_compute(node) or _is_inlined(node))

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
        if view is not None and base.op.name in ("constant", "iota"):
            base = operand
        if not self._has_buffer(base):
            self.stored[base] = None

    def _whole(self, result: Node) -> Node | None:
        """Return the buffer that a result is under another shape; None if it is not the whole of one made here."""
        view = as_view(result, self._layout) if result.op.kind == "movement" else None
        if (
            view is None
            or view.base.op is PARAMETER
            or not self._has_buffer(view.base)
            or view.base.type.size != result.type.size
        ):
            return None
        return view.base if not view.offset and view.strides == dense_strides(result.shape) else None

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
        if _is_inlined(node):
            return node in self.stored and node.op.kind == "movement" and self._moves_only(node, group)
        if group is not None and self.group_of[node] is group:
            return False
        if node not in self.stored and node not in self.again and not _cheap(node):
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
            if _is_inlined(node):
                stack.extend((o, near and node.op.name in NEAR) for o in node.operands)
            elif node is root or self.group_of[node] is group:
                stack.extend((o, True) for o in node.operands)
            elif not _cheap(node):
                found[node] = near and found.get(node, True)
        return (node for node, near in found.items() if near)

    def _moves_only(self, node: Node, group: Group | None) -> bool:
        """Whether a moved value can be loaded in `group`: its kernel must need nothing of what `group` computes."""
        moved = self.group_of.get(node)
        if moved is not None and any(member.op.kind != "movement" for member in moved.nodes):
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
        while stack:
            node = stack[-1]
            if node in self.new:
                stack.pop()
                continue
            needs = self._needs(node)
            missing = [n for n in needs if n not in self.new]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if self._has_buffer(node):
                read = self._read_from_memory(node)
                operands = [self._moved(o) if o in read else o for o in node.operands]
                regions = node.regions if self._straight(node) else tuple(map(_fuse_region, node.regions))
                self.new[node] = make(node.op, operands, node.params, regions, like=node)
            else:
                self._write_group(self._members(node))

    def _needs(self, node: Node) -> list[Node]:
        if self._has_buffer(node):
            found: list[Node] = []
            for operand in self._read_from_memory(node):
                while operand not in self.stored and _is_inlined(operand) and operand.operands:
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
        """Return the new node of a result; a parameter, or a node that is a result already, is copied."""
        whole = self._whole(node)
        if whole is not None and self.new[whole] not in taken:
            taken.add(self.new[whole])
            return self._moved(node)
        new = self._moved(node)
        if whole is None and new.op is not PARAMETER and new not in taken:
            taken.add(new)
            return new
        inner = parameter(node.type, node.name)
        axes = _fresh(node.shape)
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
        axes = {members[0]: _fresh(members[0].shape)}
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
