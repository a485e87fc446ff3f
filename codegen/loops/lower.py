"""Lower a fusion to a loop kernel.

Values are pulled from the results: each node is asked for at an index, movement only changes the index
(`permute` reorders it, `slice` scales and shifts it, `pad` guards it), and at the leaves it becomes the
address of a load.  A node asked for twice at one index is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any

from graphc.codegen.loops.loop_ir import Buffer, Index, Instr, Kernel, OuterReduction, Reduction, Stage, Store, ensure, needed
from graphc.ir.access.affine import Affine, Digit
from graphc.ir.access.guard import Guard
from graphc.ir.access.index_map import index_map
from graphc.ir.access.legality import reduced_axes
from graphc.ir.core.graph import PARAMETER, Node, Region, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import coefficients, is_gather
from graphc.ir.core.types import BOOL, I64, DType

__all__ = ["Operand", "lower_copy", "lower_fusion"]

SAVE = 8
"""A value of at least this weight is kept in a scratch row between stages rather than computed twice."""


@dataclass(frozen=True)
class Operand:
    """Where a value lies: a buffer (by number, for telling aliases), an offset in elements, strides in elements."""

    strides: tuple[int, ...]
    offset: int = 0
    name: str = ""


Indices = tuple[Index, ...]
Request = tuple[Node, Indices, Instr | None]


class _Lowering:
    """Pulls scalar code out of a region."""

    def __init__(self, dims: Sequence[int], outer: int) -> None:
        self.dims = list(dims)
        self.outer = frozenset(range(outer))
        self.buffers: list[Buffer] = []
        self.addresses: dict[Node, tuple[int, Operand]] = {}
        self.done: dict[Request, Instr] = {}
        self.instrs: dict[Any, Instr] = {}
        self.reductions: list[Reduction] = []
        self.inner_of: dict[Node, tuple[tuple[int, ...], ...]] = {}
        self.own: dict[Node, Indices] = {}
        """Where each reduction is read, the same for all its readers (ir/access/legality.py)."""
        self.can_fail = False

    # -- instructions -----------------------------------------------------------------------------

    def emit(self, op: str, args: Sequence[Instr], dtype: DType, attr: Any = None, *, masked: bool = False) -> Instr:
        """Return the instruction for an application; the same application is the same instruction."""
        key = (op, tuple(args), dtype, attr.hex() if isinstance(attr, float) else attr, masked)
        found = self.instrs.get(key)
        if found is not None:
            return found
        index = attr[1] if op == "load" else attr if op == "index" else Index()
        reads = [*args, *(v for v, _ in index.values)]
        loops = frozenset(lo for lo, _ in index.loops).union(*(r.loops for r in reads))
        level = max((r.level for r in reads), default=0)
        if op == "reduced":
            loops, level = self.outer.difference(attr.inner), attr.value.level + 1
        instr = Instr(op, tuple(args), dtype, loops, level, attr, masked, f"{op}{len(self.instrs)}")
        self.instrs[key] = instr
        return instr

    def number(self, value: float | int | bool, dtype: DType) -> Instr:
        return self.emit("constant", (), dtype, value)

    def integer(self, index: Index) -> Instr:
        """Return an index as an i64 value."""
        if not index.loops and not index.values:
            return self.number(index.const, I64)
        if len(index.values) == 1 and index.values[0][1] == 1 and not index.loops and index.const == 0:
            return index.values[0][0]
        return self.emit("index", (), I64, index)

    def both(self, a: Instr | None, b: Instr | None) -> Instr | None:
        if a is None or b is None:
            return a or b
        return self.emit("and", (a, b), BOOL)

    # -- pulling ----------------------------------------------------------------------------------

    def value(self, node: Node, at: Indices, guard: Instr | None = None) -> Instr:
        """Return the element of `node` at an index.  Does not recurse: a kernel's chain may be long."""
        root = self._request(node, at, guard)
        stack = [root]
        while stack:
            request = stack[-1]
            if request in self.done:
                stack.pop()
                continue
            wants = [self._request(*want) for want in self._requests(*request)]
            missing = [w for w in wants if w not in self.done]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            self.done[request] = self._combine(*request, [self.done[w] for w in wants])
        return self.done[root]

    def _request(self, node: Node, at: Indices, guard: Instr | None) -> Request:
        """Return what a request comes to: a reduction is computed at its own point, whoever reads it under whatever guard."""
        if node.op.kind != "reduce":
            return node, at, guard
        own = self.own.setdefault(node, at)
        alone = own == at and not any(i.const or i.values for i in own)
        ensure(alone, f"{node.op.name} is read elsewhere than at its own point")
        loops, folded = {lo for i in own for lo, _ in i.loops}, {lo for axis in self.inner_of[node] for lo in axis}
        ensure(loops.isdisjoint(folded), f"{node.op.name} is read at the points that it folds")
        if folded.isdisjoint(self.outer):
            ensure(loops == self.outer, f"{node.op.name} is read within its loops")
        return node, own, None

    def _requests(self, node: Node, at: Indices, guard: Instr | None) -> list[Request]:
        """Return what must be known first."""
        if node.op is PARAMETER or node.op.kind == "leaf":
            return []
        if node.op.kind == "movement":
            below, mask = self._move(node, at)
            return [(node.operands[0], below, self.both(guard, mask)), *((f, (), guard) for f in node.operands[1:])]
        if node.op.kind == "reduce":
            return [(node.operands[0], self._reduce_index(node, at), guard)]
        if is_gather(node):
            k = node.operands[1].type.rank
            return [(i, at[:k], guard) for i in node.operands[1:]]
        return [(o, at, guard) for o in node.operands]

    def _combine(self, node: Node, at: Indices, guard: Instr | None, known: list[Instr]) -> Instr:
        name = node.op.name
        if node.op is PARAMETER:
            return self._load(node, at, guard)
        if name == "constant":
            return self.number(node.params["value"], node.dtype)
        if name == "iota":
            return self._cast(self.integer(at[node.params["axis"]]), node.dtype)
        if name == "random_bits":
            return self._random(node, at)
        if name == "pad":
            _, mask = self._move(node, at)
            return known[0] if mask is None else self.emit("select", (mask, known[0], known[1]), node.dtype)
        if node.op.kind == "movement":
            return known[0]
        if node.op.kind == "reduce":
            return self._reduce(node, at, known[0])
        if name == "gather":
            return self._gather(node, at, guard, known)
        if name == "cast":
            return self._cast(known[0], node.dtype)
        numbers = [self.number(value, node.operands[0].dtype) for value in coefficients(node)]
        return self.emit(name, [*known, *numbers], node.dtype)

    def _cast(self, x: Instr, dtype: DType) -> Instr:
        return x if x.dtype is dtype else self.emit("cast", (x,), dtype)

    def _load(self, node: Node, at: Indices, guard: Instr | None) -> Instr:
        if 0 in node.shape:  # no loop gets there, but what no loop moves is loaded before them
            return self.number(0, node.dtype)
        buffer, operand = self.addresses[node]
        return self.emit(
            "load", () if guard is None else (guard,), node.dtype, (buffer, _address(operand, at)), masked=guard is not None
        )

    def _random(self, node: Node, at: Indices) -> Instr:
        key = node.operands[0]
        seed, start = (self.value(key, (Index(i),)) for i in (0, 1))
        counter = self.emit("add", (self.integer(_flat(at, node.shape)), start), I64)
        return self.emit("random_bits", (seed, counter), node.dtype)

    def _gather(self, node: Node, at: Indices, guard: Instr | None, known: list[Instr]) -> Instr:
        data, k = node.operands[0], node.operands[1].type.rank
        if 0 in node.shape:  # no loop gets there, and what no loop moves is not checked before them
            return self.number(0, node.dtype)
        indices = []
        mask = guard
        self.can_fail = True
        for axis, index in enumerate(known):
            size = self.emit("size", (), I64, data.shape[axis])
            inside = self.emit("bound", (index, size) if guard is None else (index, size, guard), BOOL)
            mask = self.both(mask, inside)
            indices.append(Index() if data.shape[axis] == 1 else Index(0, (), ((index, 1),)))
        found = self.value(data, (*indices, *at[k:]), mask)
        if mask is None or (data.op is PARAMETER and 0 not in data.shape):
            return found  # a masked load keeps its check
        return self.emit("select", (mask, found, self.number(0, node.dtype)), node.dtype)

    def _reduce_index(self, node: Node, at: Indices) -> Indices:
        away, shape = reduced_axes(node), node.operands[0].shape
        kept = iter(at)
        folded = iter(_axis_index(loops, self.dims) for loops in self.inner_of[node])
        return tuple(next(folded) if a in away else next(kept) for a in range(len(shape)))

    def _reduce(self, node: Node, at: Indices, value: Instr) -> Instr:
        inner = tuple(lo for axis in self.inner_of[node] for lo in axis)
        kind = node.op.name
        if kind in ("argmax", "argmin"):
            position = self.integer(self._reduce_index(node, at)[node.params["axis"]])
            if not inner:
                return self.number(0, I64)
        elif not inner:
            return value
        else:
            position = None
        reduction = Reduction(kind, value, inner, value.dtype, f"{kind}_{len(self.reductions)}", position)
        self.reductions.append(reduction)
        return self.emit("reduced", (), node.dtype, reduction)

    def _move(self, node: Node, at: Indices) -> tuple[Indices, Instr | None]:
        """Return the index below a movement, and the condition under which it is inside (None: always)."""
        map = index_map(node)
        mask: Instr | None = None
        quotients: dict[Affine, Index] = {}
        for guard in map.guards:
            mask = self._condition(guard, at, quotients, mask)
        return tuple([self._form(form, at, quotients) for form in map.axes]), mask

    def _condition(
        self, guard: Guard, at: Indices, quotients: dict[Affine, Index], mask: Instr | None
    ) -> Instr | None:
        """Return a mask and a guard at an index; where the guard has steps, note the quotient of its form."""
        zero, i = self.number(0, I64), self._form(guard.form, at, quotients)
        if guard.low is not None:
            above = self.integer(i.plus(-guard.low * guard.step))
            mask = self.both(mask, self.emit("le", (zero, above), BOOL))
        if guard.step != 1:
            quotient, rest = self._quotient(self.integer(i), guard.step)
            mask = self.both(mask, self.emit("eq", (rest, zero), BOOL))
            quotients[guard.form] = i = Index(0, (), ((quotient, 1),))
        if guard.high is not None:
            mask = self.both(mask, self.emit("lt", (self.integer(i), self.emit("size", (), I64, guard.high)), BOOL))
        return mask

    def _form(self, form: Affine, at: Indices, quotients: dict[Affine, Index]) -> Index:
        """Return a form of the axes of an index."""
        parts = [self._atom(atom, at, quotients).scaled(c) for atom, c in reversed(form.terms)]
        return reduce(Index.plus, parts).plus(form.const) if parts else Index(form.const)

    def _atom(self, atom: int | Digit, at: Indices, quotients: dict[Affine, Index]) -> Index:
        if isinstance(atom, int):
            return at[atom]
        if atom.form in quotients and atom.position == 0:
            return quotients[atom.form]
        return self._split(self._form(atom.form, at, quotients), atom.extents)[atom.position]

    def _split(self, flat: Index, extents: tuple[int, ...]) -> list[Index]:
        """Return the digits of an index in some radices, by coefficients where they allow it, else by division."""
        result: list[Index] = []
        for position in range(len(extents)):
            inner = prod(extents[position + 1 :])
            outer, flat = (flat, Index()) if inner <= 1 else self._divide(flat, inner)
            result.append(outer)
        return result

    def _quotient(self, x: Instr, by: int) -> tuple[Instr, Instr]:
        """Divide an index at run time; what lies before the start of a padded axis is masked, whatever comes out."""
        size = self.emit("size", (), I64, max(by, 1))
        quotient = self.emit("index_div", (x, size), I64)
        return quotient, self.emit("sub", (x, self.emit("mul", (quotient, size), I64)), I64)

    def _divide(self, x: Index, by: int) -> tuple[Index, Index]:
        """Return quotient and remainder of a non-negative index."""
        high = Index(x.const - x.const % by, tuple(t for t in x.loops if t[1] % by == 0))
        low = Index(x.const % by, tuple(t for t in x.loops if t[1] % by), x.values)
        reach = low.const + sum(c * (self.dims[lo] - 1) for lo, c in low.loops)
        if not low.values and all(c > 0 for _, c in low.loops) and reach < by:
            return Index(high.const // by, tuple((lo, c // by) for lo, c in high.loops)), low
        quotient, rest = self._quotient(self.integer(x), by)
        return Index(0, (), ((quotient, 1),)), Index(0, (), ((rest, 1),))


def _flat(at: Indices, shape: Sequence[int]) -> Index:
    result, step = Index(), 1
    for i, n in zip(reversed(at), reversed(shape), strict=True):
        if n != 1:
            result = result.plus(i.scaled(step))
        step *= n
    return result


def _address(operand: Operand, at: Indices) -> Index:
    result = Index(operand.offset)
    for i, stride in zip(at, operand.strides, strict=True):
        result = result.plus(i.scaled(stride))
    return result


def _axis_index(loops: Sequence[int], dims: Sequence[int]) -> Index:
    return _flat(tuple(Index.loop(lo) for lo in loops), [dims[lo] for lo in loops])


# -- a fusion becomes a kernel --------------------------------------------------------------------------


def lower_fusion(node: Node, operands: Sequence[Operand], outputs: Sequence[Operand], name: str) -> Kernel:
    """Lower a fusion node; `operands` and `outputs` say how their buffers are laid out."""
    (region,) = node.regions
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
        low.addresses[param] = (len(low.buffers), operand)
        low.buffers.append(Buffer(param.dtype, False, operand.name or f"in{len(low.buffers)}"))
    folds = [n for n in region.nodes() if n.op.kind == "reduce"]
    low.inner_of = dict(zip(folds, reduces, strict=True))
    stores = []
    for result, axes, output in zip(region.results, results, outputs, strict=True):
        at = tuple(_axis_index(loops, dims) for loops in axes)
        stores.append(Store(len(low.buffers), _address(output, at), low.value(result, at)))
        low.buffers.append(Buffer(result.dtype, True, output.name or f"out{len(stores) - 1}"))
    kernel = Kernel(name, tuple(dims), tuple(range(outer)), _stages(low, stores), low.buffers, can_fail=low.can_fail)
    kernel.check()
    return _collapse(kernel)


def _stages(low: _Lowering, stores: list[Store]) -> list[Stage]:
    """Put reductions and stores into passes: by level, then by inner loops; row results come after the loops of their level."""
    stages: dict[tuple[int, bool, tuple[int, ...]], Stage] = {}

    def stage(level: int, inner: tuple[int, ...]) -> Stage:
        return stages.setdefault((level, not inner, inner), Stage(inner))

    for r in low.reductions:
        if low.outer.isdisjoint(r.inner):
            stage(r.value.level, tuple(sorted(r.inner))).reductions.append(r)
    for s in stores:
        loops = s.value.loops | frozenset(lo for lo, _ in s.index.loops)
        inner = tuple(sorted(loops - low.outer))
        fold = s.value.attr if s.value.op == "reduced" else None
        if fold is None or low.outer.isdisjoint(fold.inner):
            stage(s.value.level, inner).stores.append(s)
        else:
            stage(fold.value.level, inner).outer_reductions.append(OuterReduction(fold, s))
    return [stages[key] for key in sorted(stages)]


def weight_of(instr: Instr) -> int:
    """Return roughly the instructions that one application takes."""
    return 0 if instr.op in ("constant", "reduced", "size") else PRIMITIVES[instr.op].cost if instr.op in PRIMITIVES else 1


# -- loops that lie densely in one another become one --------------------------------------------------


def _collapse(kernel: Kernel) -> Kernel:
    """Merge neighbouring loops that every access runs through as through one."""
    for nest in [kernel.outer, *dict.fromkeys(s.inner for s in kernel.stages if s.inner)]:
        loops = list(nest)
        inner = loops.pop() if loops else -1
        while loops:
            a = loops.pop()
            if all(_runs_on(index, a, inner, kernel.dims) for index in _indices(kernel)) and _together(kernel, a, inner):
                kernel = _merged(kernel, a, inner)
            else:
                inner = a
    return kernel


def _indices(kernel: Kernel) -> list[Index]:
    roots = [v for stage in kernel.stages for v in stage.roots()]
    found = [i.attr[1] if i.op == "load" else i.attr for i in needed(roots) if i.op in ("load", "index")]
    stores = [s for stage in kernel.stages for s in stage.stores] + [c.store for c in kernel.outer_reductions]
    return found + [s.index for s in stores]


def _runs_on(index: Index, a: int, b: int, dims: Sequence[int]) -> bool:
    return index.coefficient(a) == index.coefficient(b) * dims[b]


def _together(kernel: Kernel, a: int, b: int) -> bool:
    """Whether every pass has both loops or neither, and 0 in neither (an empty loop must stay empty)."""
    nests = [*(s.inner for s in kernel.stages), kernel.folded]
    return all((a in nest) == (b in nest) for nest in nests) and bool(kernel.dims[a]) and bool(kernel.dims[b])


def _merged(kernel: Kernel, a: int, b: int) -> Kernel:
    """Drop loop `a`; loop `b` runs through both."""
    new: dict[Any, Any] = {}

    def index(x: Index) -> Index:
        return Index(x.const, tuple(t for t in x.loops if t[0] != a), tuple((new[v], c) for v, c in x.values))

    def reduction(r: Reduction) -> Reduction:
        if r not in new:
            position = None if r.position is None else new[r.position]
            new[r] = replace(r, value=new[r.value], inner=tuple(lo for lo in r.inner if lo != a), position=position)
        return new[r]  # type: ignore[no-any-return]

    def attr(i: Instr) -> Any:
        if i.op == "load":
            return (i.attr[0], index(i.attr[1]))
        if i.op == "index":
            return index(i.attr)
        return reduction(i.attr) if i.op == "reduced" else i.attr

    def rebuild(roots: list[Instr]) -> None:
        for i in needed(roots):
            if i not in new:
                loops = frozenset(lo if lo != a else b for lo in i.loops)
                new[i] = replace(i, args=tuple(new[x] for x in i.args), attr=attr(i), loops=loops)

    def store(s: Store) -> Store:
        rebuild([s.value])
        return Store(s.buffer, index(s.index), new[s.value])

    stages = []
    for s in kernel.stages:
        rebuild(s.roots())
        stages.append(
            Stage(
                tuple(lo for lo in s.inner if lo != a),
                [reduction(r) for r in s.reductions],
                [store(t) for t in s.stores],
                [OuterReduction(reduction(c.reduction), store(c.store)) for c in s.outer_reductions],
            )
        )
    dims = list(kernel.dims)
    dims[b] *= dims[a]
    return replace(kernel, dims=tuple(dims), outer=tuple(lo for lo in kernel.outer if lo != a), stages=stages)
