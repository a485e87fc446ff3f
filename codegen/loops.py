"""Write a scheduled loop kernel as one LLVM function.

The function takes a table of integers and its buffers' addresses: `void @k(ptr table, ptr in0, …, ptr out0, …)`.
Extents and strides above `SMALL`, and numbers that are not simple, are read from the table, so that the text, and
with it the machine code, is the same for other sizes.

A loop's invariant values are written where their last loop is entered; the vector loop is written twice, for
whole vectors and, under a mask, for what is left over.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod

from graphc.codegen.emit import Module, Value, llvm_type
from graphc.codegen.kernel import Index, Instr, Kernel, Reduction, Stage, Store, needed
from graphc.codegen.ops import LLVM, MEMORY, OPS, cast, compare, larger, smaller
from graphc.codegen.schedule import Schedule
from graphc.codegen.step import Step
from graphc.ir.sizes import SIMPLE, SMALL
from graphc.ir.symbols import derived
from graphc.ir.types import DType

__all__ = ["emit_kernel"]

BLOCK = 4096
"""A float sum adds at most this many elements of a row in its own precision before it goes to the total."""

BLOCK_DOWN = 256
"""The same for sums down columns, where every lane is a sum of its own."""


@dataclass
class _Accumulator:
    """A reduction under way: `partial` is folded into `total` now and then, where that keeps a float sum accurate."""

    reduction: Reduction
    lanes: int
    blocked: bool


def emit_kernel(module: Module, kernel: Kernel, plan: Schedule, name: str) -> Step:
    """Write `kernel` into `module` as function `name`."""
    writer = _Writer(module, kernel, plan, name)
    writer.write()
    return writer


class _Writer(Step):
    def __init__(self, module: Module, kernel: Kernel, plan: Schedule, name: str) -> None:
        super().__init__(module, name, [b.name for b in kernel.buffers])
        self.kernel, self.plan = kernel, plan
        self.scopes: list[dict[Instr, Value]] = [{}]
        self.loops: dict[int, Value] = {}
        self.mask: Value | None = None
        self.lanes = 1
        self.vector = kernel.vector
        self.stage: Stage | None = None
        self.extents: dict[int, Value] = {}
        self.scratch_at: dict[Instr, Value] = {}

    def number(self, i: Instr) -> Value:
        """Return a constant of the user's: simple ones are literals, others data, so that they change no code."""
        type = LLVM[i.dtype.name]
        if i.dtype.is_bool or (i.dtype.is_int and abs(i.attr) <= SMALL):
            return self.f.const(i.attr, type)
        if self.literal or (i.dtype.is_float and (i.attr in SIMPLE or i.attr != i.attr)):
            return self.f.const(i.attr, type)
        if ("number", i) not in self.cached:
            self.cached[("number", i)] = self.slot(derived(_bits, i.attr, i.dtype), type)
        return self.cached[("number", i)]

    def extent(self, loop: int) -> Value:
        return self.integer(self.kernel.dims[loop], ("extent", loop))

    # -- the loop nest ------------------------------------------------------------------------------

    def write(self) -> None:
        self._place_scratch()
        everything = [v for s in self.kernel.stages for v in s.roots()]
        self._ready(everything)
        self._outer(list(self.kernel.outer), everything)
        self.f.ret()

    def _place_scratch(self) -> None:
        lanes = self.kernel.lanes if self.vector is not None else 1
        for i in self.plan.saved:
            inner = next(s.inner for s in self.kernel.stages if i.loops & set(s.inner))
            at = self.integer(self.scratch_bytes, ("scratch", i))
            self.scratch_at[i] = self.f.element(self.scratch, at, "i8")
            size = prod(self.kernel.dims[lo] for lo in inner) * lanes * i.dtype.bytes
            self.scratch_bytes += -(-size // 64) * 64 + 512  # a last vector may be stored whole

    def _outer(self, loops: list[int], wanted: list[Instr]) -> None:
        if not loops:
            self._stages()
            return
        loop, rest = loops[0], loops[1:]
        if loop == self.vector:
            self._vector_loop(loop, self.kernel.lanes, (), lambda carry: self._points(wanted))
            return
        with self.f.loop(self.f.i64(0), self.extent(loop), hint=f"i{loop}_") as at, _Scope(self, {loop: at.index}):
            self._ready(wanted)
            self._outer(rest, wanted)

    def _points(self, wanted: list[Instr]) -> list[Value]:
        self._ready(wanted)
        self._stages()
        return []

    def _vector_loop(
        self,
        loop: int,
        lanes: int,
        carry: Sequence[Value],
        body: Callable[[list[Value]], list[Value]],
        start: Value | None = None,
        stop: Value | None = None,
        *,
        tail: bool = True,
        main: bool = True,
    ) -> list[Value]:
        """Write a loop by whole vectors, then what is left over under a mask."""
        f, extent = self.f, self.kernel.dims[loop]
        known = self.is_known(extent)
        whole = self.whole(loop, lanes)
        values = list(carry)
        self.lanes = lanes
        if main and not (known and extent < lanes):
            with (
                f.loop(start or f.i64(0), stop or whole, lanes, values, hint=f"i{loop}_") as at,
                _Scope(self, {loop: at.index}),
            ):
                at.next(body(at.carry))
            values = at.results
        if tail and not (known and extent % lanes == 0) and lanes > 1:
            values = self._tail(loop, lanes, whole, values, body)
        self.lanes = 1
        return values

    def whole(self, loop: int, lanes: int) -> Value:
        """Return the extent rounded down to whole vectors."""
        extent = self.kernel.dims[loop]
        return self.integer(extent // lanes * lanes, ("whole", (loop, lanes)), varies=extent > SMALL)

    def _tail(
        self, loop: int, lanes: int, whole: Value, values: list[Value], body: Callable[[list[Value]], list[Value]]
    ) -> list[Value]:
        f = self.f
        rest = f.binary("sub", self.extent(loop), whole)
        some = f.cmp("sgt", rest, f.i64(0))
        before, name = f.label, f.fresh("tail")
        f.cond_br(some, name, f"end.{name}")
        f.start(name)
        with _Scope(self, {loop: whole}):
            narrow = f.convert("trunc", rest, "i32")
            self.mask = f.cmp("slt", f.iota("i32", lanes), narrow)
            after = body(values)
            self.mask = None
        end = f.label
        f.br(f"end.{name}")
        f.start(f"end.{name}")
        return [
            f.inst(f"phi {llvm_type(a.type, a.lanes)} [ {a.name}, %{end} ], [ {b.name}, %{before} ]", a.type, a.lanes)
            for a, b in zip(after, values, strict=True)
        ]

    # -- stages -----------------------------------------------------------------------------------

    def _stages(self) -> None:
        for number, stage in enumerate(self.kernel.stages):
            self.stage = stage
            if stage.inner:
                self._pass(stage, self.kernel.lanes if self.vector is not None else self.plan.stage_lanes[number])
            else:
                self._ready(stage.roots())
                self._stores(stage.stores)
            later = [v for s in self.kernel.stages[number + 1 :] for v in s.roots()]
            self._ready(later)

    def _pass(self, stage: Stage, lanes: int) -> None:
        accumulators = [self._accumulator(r, lanes) for r in stage.reductions]
        carry = [v for a in accumulators for v in self._start(a)]
        final = iter(self._inner(stage, list(stage.inner), lanes, accumulators, carry))
        for a in accumulators:
            values = [next(final) for _ in self._start(a)]
            result = self._finish(a, values)
            for i in self._reduced(a.reduction):
                self.scopes[-1][i] = result

    def _reduced(self, r: Reduction) -> list[Instr]:
        roots = [v for s in self.kernel.stages for v in s.roots()]
        return [i for i in needed(roots) if i.op == "reduced" and i.attr is r]

    def _inner(
        self, stage: Stage, loops: list[int], lanes: int, accumulators: list[_Accumulator], carry: list[Value]
    ) -> list[Value]:
        """Write the inner loops of a pass and return the carried values after them."""
        loop, rest = loops[0], loops[1:]
        if rest:
            with (
                self.f.loop(self.f.i64(0), self.extent(loop), carry=carry, hint=f"i{loop}_") as at,
                _Scope(self, {loop: at.index}),
            ):
                self._ready(stage.roots())
                at.next(self._inner(stage, rest, lanes, accumulators, at.carry))
            return at.results
        if not any(a.blocked for a in accumulators):
            return self._innermost(stage, loop, lanes, accumulators, carry, None, None)
        return self._blocks(stage, loop, lanes, accumulators, carry)

    def _blocks(self, stage: Stage, loop: int, lanes: int, accumulators: list[_Accumulator], carry: list[Value]) -> list[Value]:
        """Write the innermost loop in blocks, each summed by itself and then added to the total."""
        f = self.f
        step = lanes if self.vector is None else 1
        size = BLOCK if self.vector is None else BLOCK_DOWN
        stop = self.whole(loop, step) if step > 1 else self.extent(loop)
        totals = carry
        with f.loop(f.i64(0), stop, size, carry, hint=f"block{loop}_") as block:
            end = f.binary("add", block.index, f.i64(size))
            end = f.select(f.cmp("slt", end, stop), end, stop)
            partial = self._open(accumulators, block.carry)
            partial = self._innermost(stage, loop, lanes, accumulators, partial, block.index, end, tail=False)
            block.next(self._close(accumulators, block.carry, partial))
        totals = block.results
        if step == 1:
            return totals
        partial = self._innermost(stage, loop, lanes, accumulators, self._open(accumulators, totals), None, None, main=False)
        return self._close(accumulators, totals, partial)

    def _innermost(
        self,
        stage: Stage,
        loop: int,
        lanes: int,
        accumulators: list[_Accumulator],
        carry: list[Value],
        start: Value | None,
        stop: Value | None,
        *,
        main: bool = True,
        tail: bool = True,
    ) -> list[Value]:
        def body(values: list[Value]) -> list[Value]:
            self._ready(stage.roots())
            self._saves(stage)
            self._stores(stage.stores)
            return self._update(accumulators, values)

        if self.vector is None:
            return self._vector_loop(loop, lanes, carry, body, start, stop, tail=tail, main=main)
        f = self.f
        with (
            f.loop(start or f.i64(0), stop or self.extent(loop), carry=carry, hint=f"i{loop}_") as at,
            _Scope(self, {loop: at.index}),
        ):
            at.next(body(at.carry))
        return at.results

    # -- reductions -------------------------------------------------------------------------------

    def _accumulator(self, r: Reduction, lanes: int) -> _Accumulator:
        size = prod(self.kernel.dims[lo] for lo in r.inner)
        known = all(self.is_known(self.kernel.dims[lo]) for lo in r.inner)
        blocked = r.kind == "sum" and r.dtype.is_float and not (known and size <= SMALL * SMALL)
        side = self.vector is not None and self.vector not in r.value.loops
        return _Accumulator(r, 1 if side else lanes, blocked)

    def _identity(self, r: Reduction, lanes: int) -> Value:
        dtype = r.dtype
        if r.kind in ("sum", "any"):
            value: float = 0
        elif r.kind in ("prod", "all"):
            value = 1
        elif dtype.is_float:
            value = float("-inf") if "max" in r.kind else float("inf")
        else:
            low, high = _int_range(dtype)
            value = low if "max" in r.kind else high
        return self.f.const(value, LLVM[dtype.name], lanes)

    def _total_lanes(self, a: _Accumulator) -> int:
        return min(a.lanes, 8) if self.vector is None else a.lanes

    def _start(self, a: _Accumulator) -> list[Value]:
        """Return the carried values before the first element."""
        if a.blocked:
            zero = self.f.const(0.0, "double", self._total_lanes(a))
            return [zero] if a.reduction.dtype.bytes == 4 else [zero, zero]
        first = self._identity(a.reduction, a.lanes)
        return [first] if a.reduction.position is None else [first, self.f.const(0, "i64", a.lanes)]

    def _open(self, accumulators: Iterable[_Accumulator], totals: list[Value]) -> list[Value]:
        """Return the values a block starts with: blocked sums at zero, the others as they are."""
        rest = iter(totals)
        result = []
        for a in accumulators:
            values = [next(rest) for _ in self._start(a)]
            result += [self._identity(a.reduction, a.lanes)] if a.blocked else values
        return result

    def _close(self, accumulators: Iterable[_Accumulator], totals: list[Value], partial: list[Value]) -> list[Value]:
        """Fold a block into the totals."""
        before, block = iter(totals), iter(partial)
        result = []
        for a in accumulators:
            values = [next(before) for _ in self._start(a)]
            if a.blocked:
                result += self._add_block(a, values, next(block))
            else:
                result += [next(block) for _ in values]
        return result

    def _add_block(self, a: _Accumulator, total: list[Value], block: Value) -> list[Value]:
        f, lanes = self.f, self._total_lanes(a)
        while block.lanes > lanes:
            half = block.lanes // 2
            block = f.add(f.shuffle(block, None, range(half)), f.shuffle(block, None, range(half, block.lanes)))
        if a.reduction.dtype.bytes == 4:
            return [f.add(total[0], f.convert("fpext", block, "double"))]
        # the rounding error of high + block, kept apart (Knuth's TwoSum)
        high, low = total
        s = f.add(high, block)
        b = f.sub(s, high)
        error = f.add(f.sub(high, f.sub(s, b)), f.sub(block, b))
        return [s, f.add(low, error)]

    def _update(self, accumulators: Iterable[_Accumulator], values: list[Value]) -> list[Value]:
        rest = iter(values)
        result: list[Value] = []
        for a in accumulators:
            r = a.reduction
            x = self.f.splat(self.get(r.value), a.lanes)
            acc = next(rest)
            if self.mask is not None and self.vector is None:
                x = self.f.select(self.mask, x, self._identity(r, a.lanes))
            if r.position is not None:
                best = next(rest)
                result += self._update_arg(r, acc, best, x, self.f.splat(self.get(r.position), a.lanes))
            else:
                result.append(self._fold(r, acc, x))
        return result

    def _fold(self, r: Reduction, a: Value, b: Value) -> Value:
        f = self.f
        if r.kind == "sum":
            return f.add(a, b)
        if r.kind == "prod":
            return f.mul(a, b)
        if r.kind == "any":
            return f.or_(a, b)
        if r.kind == "all":
            return f.and_(a, b)
        return (larger if r.kind == "max" else smaller)(f, r.dtype, a, b)

    def _update_arg(self, r: Reduction, best: Value, at: Value, x: Value, position: Value) -> list[Value]:
        f = self.f
        better = compare(f, "gt" if r.kind == "argmax" else "lt", r.dtype, x, best)
        if r.dtype.is_float:
            better = f.or_(better, f.and_(f.cmp("uno", x, x), f.cmp("ord", best, best)))
        if self.mask is not None and self.vector is None:
            better = f.and_(better, self.mask)
        return [f.select(better, x, best), f.select(better, position, at)]

    def _finish(self, a: _Accumulator, values: list[Value]) -> Value:
        """Fold the lanes, where they belong to one result, and round to the result's dtype."""
        f, r = self.f, a.reduction
        lanes_are_points = self.vector is not None
        if r.position is not None:
            return values[1] if lanes_are_points else self._finish_arg(r, *values)
        if not a.blocked:
            return values[0] if lanes_are_points else self._fold_lanes(r, values[0])
        if r.dtype.bytes == 4:
            total = values[0] if lanes_are_points else f.reduce("fadd", values[0])
            return f.convert("fptrunc", total, "float")
        # an infinite sum has a NaN for its error
        exact = f.select(f.cmp("ord", values[1], values[1]), f.add(values[0], values[1]), values[0])
        return exact if lanes_are_points else f.reduce("fadd", exact)

    def _fold_lanes(self, r: Reduction, x: Value) -> Value:
        while x.lanes > 1:
            half = x.lanes // 2
            low, high = self.f.shuffle(x, None, range(half)), self.f.shuffle(x, None, range(half, x.lanes))
            if half == 1:
                low, high = self.f.extract(x, 0), self.f.extract(x, 1)
            x = self._fold(r, low, high)
        return x

    def _finish_arg(self, r: Reduction, x: Value, at: Value) -> Value:
        f = self.f
        while x.lanes > 1:
            half = x.lanes // 2
            if half == 1:
                a, b, i, j = f.extract(x, 0), f.extract(x, 1), f.extract(at, 0), f.extract(at, 1)
            else:
                a, b = f.shuffle(x, None, range(half)), f.shuffle(x, None, range(half, x.lanes))
                i, j = f.shuffle(at, None, range(half)), f.shuffle(at, None, range(half, at.lanes))
            earlier = f.cmp("slt", j, i)
            second = f.or_(
                compare(f, "gt" if r.kind == "argmax" else "lt", r.dtype, b, a),
                f.and_(compare(f, "eq", r.dtype, a, b), earlier),
            )
            if r.dtype.is_float:
                nan_a, nan_b = f.cmp("uno", a, a), f.cmp("uno", b, b)
                second = f.select(nan_b, f.or_(f.xor(nan_a, f.like(True, nan_a)), earlier), f.and_(second, f.cmp("ord", a, a)))
            x, at = f.select(second, b, a), f.select(second, j, i)
        return at

    # -- values -----------------------------------------------------------------------------------

    def get(self, i: Instr) -> Value:
        for scope in reversed(self.scopes):
            if i in scope:
                return scope[i]
        raise AssertionError(f"{i.name} ({i.op}) is used before it is known")

    def _known(self, i: Instr) -> bool:
        return any(i in scope for scope in self.scopes)

    def _ready(self, roots: Iterable[Instr]) -> None:
        """Write every instruction that the roots need and that the open loops allow."""
        for i in needed(roots, self._from_scratch):
            if self._known(i) or i.op == "reduced" or not i.loops <= self.loops.keys():
                continue
            if self._from_scratch(i):
                self.scopes[-1][i] = self._scratch_load(i)
            elif all(self._known(o) for o in i.operands()):
                self.scopes[-1][i] = self._compute(i)

    def _from_scratch(self, i: Instr) -> bool:
        if i not in self.plan.saved or self.stage is None:
            return False
        return self._home(i) is not self.stage

    def _home(self, i: Instr) -> Stage:
        return next(s for s in self.kernel.stages if s.inner and i.loops & set(s.inner) and i in needed(s.roots()))

    def _compute(self, i: Instr) -> Value:
        f = self.f
        if i.op == "constant":
            return self.number(i)
        if i.op == "size":
            return self.integer(i.attr, ("size", i))
        if i.op == "index":
            return self._index(i.attr, ("index", i))
        if i.op == "load":
            return self._load(i)
        xs = [self.get(x) for x in i.args]
        if i.op == "cast":
            return cast(f, xs[0], i.args[0].dtype, i.dtype)
        if i.op == "bound":
            return self._bound(xs)
        dtype = i.args[1 if i.op == "select" else 0].dtype
        return OPS[i.op](f, dtype, xs)

    def _bound(self, xs: list[Value]) -> Value:
        """Return whether an index is inside; if one that counts is not, leave a note for the caller."""
        f = self.f
        inside = f.cmp("ult", xs[0], xs[1])
        bad = f.xor(inside, f.like(True, inside))
        counts = [m for m in (*xs[2:], self.mask if inside.lanes > 1 else None) if m is not None]
        for mask in counts:
            bad = f.and_(bad, mask)
        with f.when(f.reduce("or", bad)):
            f.store(f.const(1, "i64"), self.status)
        return inside

    # -- addresses --------------------------------------------------------------------------------

    @property
    def _lane_loop(self) -> int | None:
        """The loop that lanes run along."""
        if self.vector is not None:
            return self.vector
        return self.stage.inner[-1] if self.stage is not None and self.stage.inner else None

    def _index(self, index: Index, role: tuple[str, object], *, lanes_apart: bool = True) -> Value:
        """Return an index as an i64; with `lanes_apart=False` only that of the first lane."""
        f = self.f
        total = self.integer(index.const, (*role, "const"))  # type: ignore[arg-type]
        for loop, c in index.loops:
            scale = self.integer(c, (*role, loop))  # type: ignore[arg-type]
            at = self.loops[loop]
            if loop == self._lane_loop and self.lanes > 1 and lanes_apart:
                at = f.add(f.splat(at, self.lanes), f.iota("i64", self.lanes))
            total = self._sum(total, at if c == 1 else f.mul(at, f.splat(scale, at.lanes)))
        for value, c in index.values:
            v = self.get(value)
            scale = self.integer(c, (*role, value))  # type: ignore[arg-type]
            total = self._sum(total, v if c == 1 else f.mul(v, scale))
        return total

    def _sum(self, a: Value, b: Value) -> Value:
        if a.name == "0":
            return b
        return self.f.add(a, b)

    def _contiguous(self, index: Index) -> int | None:
        """Return 0 if all lanes are at one place, 1 if one after another, None if they are scattered."""
        if any(self.get(v).lanes > 1 for v, _ in index.values):
            return None
        loop = self._lane_loop
        stride = index.coefficient(loop) if loop is not None and loop in self.loops and self.lanes > 1 else 0
        return stride if stride in (0, 1) else None

    def _load(self, i: Instr) -> Value:
        f = self.f
        buffer, index = i.attr
        base, type = self.buffers[buffer], MEMORY[i.dtype.name]
        guard = self.get(i.args[-1]) if i.masked else None
        shape = self._contiguous(index)
        if shape == 0 and (guard is None or guard.lanes == 1):
            x = self._load_one(f.element(base, self._index(index, ("load", i)), type), type, guard)
        elif shape == 1:
            at = f.element(base, self._index(index, ("load", i), lanes_apart=False), type)
            mask = self._mask(guard)
            x = f.load(at, type, self.lanes) if mask is None else f.masked_load(at, type, mask)
        else:
            offsets = f.splat(self._index(index, ("load", i)), self.lanes)
            x = self._gather(f.element(base, offsets, type), type, self._mask(guard))
        return f.cmp("ne", x, f.like(0, x)) if i.dtype.is_bool else x

    def _mask(self, guard: Value | None) -> Value | None:
        """Return the mask of the lanes that are there and wanted."""
        if guard is None:
            return self.mask
        wide = self.f.splat(guard, self.lanes)
        return wide if self.mask is None else self.f.and_(wide, self.mask)

    def _load_one(self, at: Value, type: str, guard: Value | None) -> Value:
        f = self.f
        if guard is None:
            return f.load(at, type)
        before, name = f.label, f.fresh("guard")
        f.cond_br(guard, name, f"end.{name}")
        f.start(name)
        x = f.load(at, type)
        f.br(f"end.{name}")
        f.start(f"end.{name}")
        return f.inst(f"phi {type} [ {x.name}, %{name} ], [ {f.const(0, type).name}, %{before} ]", type)

    def _gather(self, at: Value, type: str, mask: Value | None) -> Value:
        f = self.f
        if self.lanes == 1:
            return self._load_one(at, type, mask)
        return f.gather(at, type, mask if mask is not None else f.const(True, "i1", self.lanes))

    def _stores(self, stores: Iterable[Store]) -> None:
        for s in stores:
            self._store(s)

    def _store(self, s: Store) -> None:
        f = self.f
        dtype = self.kernel.buffers[s.buffer].dtype
        x, type = self.get(s.value), MEMORY[dtype.name]
        if dtype.is_bool:
            x = f.convert("zext", x, "i8")
        base, shape = self.buffers[s.buffer], self._contiguous(s.index)
        role = ("store", s.buffer)
        if shape == 0:
            f.store(f.extract(x, 0), f.element(base, self._index(s.index, role), type))
            return
        x = f.splat(x, self.lanes)
        if shape == 1:
            at = f.element(base, self._index(s.index, role, lanes_apart=False), type)
            if self.mask is None:
                f.store(x, at)
            else:
                f.masked_store(x, at, self.mask)
            return
        offsets = f.splat(self._index(s.index, role), self.lanes)
        f.scatter(x, f.element(base, offsets, type), self.mask if self.mask is not None else f.const(True, "i1", self.lanes))

    # -- scratch rows -----------------------------------------------------------------------------

    def _scratch_place(self, i: Instr) -> Value:
        """Return the address of a saved value: dense along the inner loops, then over the lanes of outer points."""
        f = self.f
        inner = next(s.inner for s in self.kernel.stages if i.loops & set(s.inner))
        at, step = f.i64(0), 1
        for loop in reversed(inner):
            scale = self.integer(step, ("row", (i, loop)))
            at = self._sum(at, f.mul(self.loops[loop], scale))
            step *= self.kernel.dims[loop]
        if self.vector is not None:
            at = f.mul(at, f.i64(self.kernel.lanes))
        return f.element(self.scratch_at[i], at, MEMORY[i.dtype.name])

    def _saves(self, stage: Stage) -> None:
        for i in self.plan.saved:
            if self._home(i) is stage:
                x = self.get(i)
                x = self.f.convert("zext", x, "i8") if i.dtype.is_bool else x
                self.f.store(self.f.splat(x, self.lanes), self._scratch_place(i))

    def _scratch_load(self, i: Instr) -> Value:
        f = self.f
        x = f.load(self._scratch_place(i), MEMORY[i.dtype.name], self.lanes)
        return f.cmp("ne", x, f.like(0, x)) if i.dtype.is_bool else x


class _Scope:
    """Values and loop indices that are known inside a block only."""

    def __init__(self, writer: _Writer, loops: dict[int, Value]) -> None:
        self.writer, self.bound = writer, loops

    def __enter__(self) -> None:
        self.writer.scopes.append({})
        self.writer.loops.update(self.bound)

    def __exit__(self, *error: object) -> None:
        self.writer.scopes.pop()
        for loop in self.bound:
            del self.writer.loops[loop]


def _bits(value: float | int, dtype: DType) -> int:
    if dtype.is_float:
        return int.from_bytes(struct.pack("<f" if dtype.bytes == 4 else "<d", value), "little", signed=dtype.bytes == 8)
    return int(value)


def _int_range(dtype: DType) -> tuple[int, int]:
    if dtype.is_bool:
        return 0, 1
    bits = 8 * dtype.bytes
    return (0, (1 << bits) - 1) if dtype.name == "u8" else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
