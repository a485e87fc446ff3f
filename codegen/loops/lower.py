"""Lower a fusion to a loop kernel.

    %0: f32[4,3] = slice %x {start=[1,0], …}        for i0 in 4:
    %1: f32[4,3] = exp %0                             for i1 in 3:
    return %1                                           load2 = x[3*i0 + i1 + 3]
                                                        exp3 = exp load2
                                                        out0[3*i0 + i1] = exp3

Lowering proceeds from each result to its operands: a node at an index needs its operands at indices.  Movement reads its
operand at the index given by its index map, under the map's guards; a parameter is loaded.  A node at one index is computed
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.codegen.loops.collapse import collapse
from graphc.codegen.loops.indices import Indices, address, axis_index, position, read_through
from graphc.codegen.loops.instructions import Instructions
from graphc.codegen.loops.loop_ir import Buffer, Index, Instr, Kernel, OuterReduction, Reduction, Stage, Store, ensure
from graphc.codegen.loops.verifier import scoped, written
from graphc.ir.access.index_map import index_map
from graphc.ir.access.legality import reduced_axes
from graphc.ir.core.graph import PARAMETER, Node, Region, parameter
from graphc.ir.core.predicates import coefficients, is_cast, is_constant, is_gather, is_iota
from graphc.ir.core.types import BOOL, I64
from graphc.ir.regions.call import Call

__all__ = ["Operand", "lower_copy", "lower_fusion"]


@dataclass(frozen=True)
class Operand:
    """The layout of a value in its buffer: strides and offset in elements."""

    strides: tuple[int, ...]
    offset: int = 0


Request = tuple[Node, Indices, Instr | None]
"""A node at an index, under a condition."""


class _Lowering:
    """Creates the instructions of a region's values."""

    def __init__(self, dims: Sequence[int], outer: int) -> None:
        self.dims = list(dims)
        self.outer = frozenset(range(outer))
        self.instrs = Instructions(self.outer)
        self.buffers: list[Buffer] = []
        self.layouts: dict[Node, tuple[int, Operand]] = {}
        self.values: dict[Request, Instr] = {}
        self.reductions: list[Reduction] = []
        self.inner_of: dict[Node, tuple[tuple[int, ...], ...]] = {}
        self.points: dict[Node, Indices] = {}
        """Where each reduction is read, the same for all its readers (ir/access/legality.py)."""

    def value(self, node: Node, at: Indices, guard: Instr | None = None) -> Instr:
        """Return the element of `node` at an index.  Does not recurse: the chains of a kernel may be long."""
        root = self._request(node, at, guard)
        stack = [root]
        while stack:
            request = stack[-1]
            if request in self.values:
                stack.pop()
                continue
            operands = [self._request(*operand) for operand in self._operands(*request)]
            missing = [operand for operand in operands if operand not in self.values]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            self.values[request] = self._apply(*request, [self.values[operand] for operand in operands])
        return self.values[root]

    def _request(self, node: Node, at: Indices, guard: Instr | None) -> Request:
        """Normalize a request: a reduction is computed at its own point, independent of the reader's guard."""
        if node.op.kind != "reduce":
            return node, at, guard
        point = self.points.setdefault(node, at)
        alone = point == at and not any(i.const or i.values for i in point)
        ensure(alone, f"{node.op.name} is read elsewhere than at its own point")
        loops, reduced = {lo for i in point for lo, _ in i.loops}, {lo for axis in self.inner_of[node] for lo in axis}
        ensure(loops.isdisjoint(reduced), f"{node.op.name} is read at the points that it folds")
        if reduced.isdisjoint(self.outer):
            ensure(loops == self.outer, f"{node.op.name} is read within its loops")
        return node, point, None

    def _operands(self, node: Node, at: Indices, guard: Instr | None) -> list[Request]:
        """Return the operands that a node needs first."""
        if node.op is PARAMETER or node.op.kind == "leaf":
            return []
        if node.op.kind == "movement":
            below, mask = self._moved(node, at)
            return [(node.operands[0], below, self.instrs.both(guard, mask)), *((f, (), guard) for f in node.operands[1:])]
        if node.op.kind == "reduce":
            return [(node.operands[0], self._reduced_index(node, at), guard)]
        if is_gather(node):
            k = node.operands[1].type.rank
            return [(i, at[:k], guard) for i in node.operands[1:]]
        return [(o, at, guard) for o in node.operands]

    def _apply(self, node: Node, at: Indices, guard: Instr | None, operands: list[Instr]) -> Instr:
        instrs = self.instrs
        if node.op is PARAMETER:
            return self._load(node, at, guard)
        if is_constant(node):
            return instrs.number(node.params["value"], node.dtype)
        if is_iota(node):
            return instrs.cast(instrs.integer(at[node.params["axis"]]), node.dtype)
        if node.op.random:
            return self._random(node, at)
        if node.op.kind == "movement":
            return self._filled(node, at, operands)
        if node.op.kind == "reduce":
            return self._reduce(node, at, operands[0])
        if is_gather(node):
            return self._gather(node, at, guard, operands)
        if is_cast(node):
            return instrs.cast(operands[0], node.dtype)
        numbers = [instrs.number(value, node.operands[0].dtype) for value in coefficients(node)]
        return instrs.emit(node.op.name, [*operands, *numbers], node.dtype)

    def _load(self, node: Node, at: Indices, guard: Instr | None) -> Instr:
        if 0 in node.shape:  # no loop gets there, but loop-invariant values are loaded before the loops
            return self.instrs.number(0, node.dtype)
        buffer, operand = self.layouts[node]
        masks = () if guard is None else (guard,)
        where = (buffer, address(operand.strides, operand.offset, at))
        return self.instrs.emit("load", masks, node.dtype, where, masked=guard is not None)

    def _random(self, node: Node, at: Indices) -> Instr:
        key = node.operands[0]
        seed, start = (self.value(key, (Index(i),)) for i in (0, 1))
        counter = self.instrs.emit("add", (self.instrs.integer(position(at, node.shape)), start), I64)
        return self.instrs.emit("random_bits", (seed, counter), node.dtype)

    def _gather(self, node: Node, at: Indices, guard: Instr | None, numbers: list[Instr]) -> Instr:
        data, k, instrs = node.operands[0], node.operands[1].type.rank, self.instrs
        if 0 in node.shape:  # no loop gets there, and loop-invariant indices are not checked before the loops
            return instrs.number(0, node.dtype)
        indices = []
        mask = guard
        for axis, index in enumerate(numbers):
            size = instrs.size(data.shape[axis])
            inside = instrs.emit("bound", (index, size) if guard is None else (index, size, guard), BOOL)
            mask = instrs.both(mask, inside)
            indices.append(Index() if data.shape[axis] == 1 else Index(0, (), ((index, 1),)))
        value = self.value(data, (*indices, *at[k:]), mask)
        if mask is None or (data.op is PARAMETER and 0 not in data.shape):
            return value  # a masked load keeps its check
        return instrs.emit("select", (mask, value, instrs.number(0, node.dtype)), node.dtype)

    def _moved(self, node: Node, at: Indices) -> tuple[Indices, Instr | None]:
        """Return the index below a movement, and the condition under which it is read (None: always)."""
        return read_through(index_map(node), at, self.dims, self.instrs)

    def _filled(self, node: Node, at: Indices, operands: list[Instr]) -> Instr:
        """Return an element of a movement: of its operand, or the fill where a guard fails."""
        mask = self._moved(node, at)[1] if len(operands) > 1 else None
        return operands[0] if mask is None else self.instrs.emit("select", (mask, *operands), node.dtype)

    def _reduced_index(self, node: Node, at: Indices) -> Indices:
        """Return the index at which a reduction reads its operand in each iteration of its loops."""
        axes, axes_of_result = reduced_axes(node), iter(at)
        inner = iter(axis_index(loops, self.dims) for loops in self.inner_of[node])
        return tuple(next(inner) if a in axes else next(axes_of_result) for a in range(node.operands[0].type.rank))

    def _reduce(self, node: Node, at: Indices, value: Instr) -> Instr:
        inner = tuple(lo for axis in self.inner_of[node] for lo in axis)
        kind, position = node.op.name, None
        if kind in ("argmax", "argmin"):
            position = self.instrs.integer(self._reduced_index(node, at)[node.params["axis"]])
        if not inner:
            return value if position is None else self.instrs.number(0, I64)
        reduction = Reduction(kind, value, inner, value.dtype, f"{kind}_{len(self.reductions)}", position)
        self.reductions.append(reduction)
        return self.instrs.reduced(reduction, node.dtype)


# -- a fusion becomes a kernel --------------------------------------------------------------------------


def lower_fusion(node: Node, operands: Sequence[Operand], outputs: Sequence[Operand], name: str) -> Kernel:
    """Lower a fusion node; `operands` and `outputs` give the layouts of its buffers."""
    region = Call.of(node).body
    p = node.params
    return _lower(region, p["dims"], p["outer"], p["results"], p["reduces"], operands, outputs, name)


def lower_copy(value: Node, operand: Operand, output: Operand, name: str) -> Kernel:
    """Lower the copy of a value from one layout to another."""
    inside = parameter(value.type)
    axes = tuple((a,) for a in range(value.type.rank))
    return _lower(Region((inside,), (inside,)), value.shape, value.type.rank, (axes,), (), [operand], [output], name)


def _lower(
    region: Region,
    dims: Sequence[int],
    outer: int,
    results: Sequence[tuple[tuple[int, ...], ...]],
    reduces: Sequence[tuple[tuple[int, ...], ...]],
    operands: Sequence[Operand],
    outputs: Sequence[Operand],
    name: str,
) -> Kernel:
    low = _Lowering(dims, outer)
    for param, operand in zip(region.params, operands, strict=True):
        low.layouts[param] = (len(low.buffers), operand)
        low.buffers.append(Buffer(param.dtype, False, f"in{len(low.buffers)}"))
    reductions = [n for n in region.nodes() if n.op.kind == "reduce"]
    low.inner_of = dict(zip(reductions, reduces, strict=True))
    stores = []
    for result, axes, output in zip(region.results, results, outputs, strict=True):
        at = tuple(axis_index(loops, dims) for loops in axes)
        stores.append(Store(len(low.buffers), address(output.strides, output.offset, at), low.value(result, at)))
        low.buffers.append(Buffer(result.dtype, True, f"out{len(stores) - 1}"))
    kernel = Kernel(name, tuple(dims), tuple(range(outer)), _stages(low, stores), low.buffers)
    for complaint in (*scoped(kernel), *written(kernel)):
        ensure(False, f"{complaint} in {name}")
    return collapse(kernel)


def _stages(low: _Lowering, stores: list[Store]) -> list[Stage]:
    """Assign reductions and stores to passes: by level, then inner loops; row results come after the loops of their level."""
    stages: dict[tuple[int, bool, tuple[int, ...]], Stage] = {}

    def stage(level: int, inner: tuple[int, ...]) -> Stage:
        return stages.setdefault((level, not inner, inner), Stage(inner))

    for r in low.reductions:
        if low.outer.isdisjoint(r.inner):
            stage(r.value.level, tuple(sorted(r.inner))).reductions.append(r)
    for s in stores:
        loops = s.value.loops | frozenset(lo for lo, _ in s.index.loops)
        inner = tuple(sorted(loops - low.outer))
        reduction = s.value.attr if s.value.op == "reduced" else None
        if reduction is None or low.outer.isdisjoint(reduction.inner):
            stage(s.value.level, inner).stores.append(s)
        else:
            stage(reduction.value.level, inner).outer_reductions.append(OuterReduction(reduction, s))
    return [stages[key] for key in sorted(stages)]
