"""Emit the operations of a kernel's bodies, each in the outermost loop where its operands are available."""

from __future__ import annotations

from collections.abc import Iterable

from graphc.codegen.llvm.math_trig import sincos
from graphc.codegen.llvm.scalar_ops import OPS, cast
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.bounds_checks import is_bound_check
from graphc.codegen.loops.loop_ir import Instr, needed
from graphc.codegen.nests.accesses import Accesses
from graphc.codegen.nests.scopes import TRUE
from graphc.ir.core.ops import PRIMITIVES

__all__ = ["Scalars"]

COUNTERPART = {name: op.twin for name, op in PRIMITIVES.items() if op.twin}


class Scalars(Accesses):
    """Emits operations, one element per lane."""

    def _ready(self, roots: Iterable[Instr]) -> None:
        """Emit each instruction that the roots depend on and whose loops are open."""
        order = needed(roots, self._from_scratch)
        self._hoist_addresses(order)
        sincos = {(i.op, i.args): i for i in order if i.op in COUNTERPART}
        for i in order:
            if self.is_written(i) or i.op == "reduced" or not i.loops <= self.loops.keys():
                continue
            if self._from_scratch(i):
                inner = self.kernel.stages[self.plan.saved[i]].inner
                if self.loops.keys() >= {*inner}:  # though it may vary with only some of them
                    self.scopes[-1][i] = self._scratch_load(i)
            elif all(self.is_written(o) for o in i.operands):
                twin = sincos.get((COUNTERPART.get(i.op, ""), i.args))
                if twin is None or self.is_written(twin) or self._from_scratch(twin):
                    self.scopes[-1][i] = self._compute(i)
                    if is_bound_check(i) and self.get(i).lanes == 1:
                        self._mask_bits(i)
                else:
                    self._compute_sincos(*((i, twin) if i.op == "sin" else (twin, i)))

    def _compute_sincos(self, sine: Instr, cosine: Instr) -> None:
        """Emit the sine and the cosine of one angle, which share most of their work."""
        self.scopes[-1][sine], self.scopes[-1][cosine] = sincos(self.f, self.get(sine.args[0]))

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
        if i.op in ("and", "select") and xs[0].name == TRUE:
            return xs[1]
        if i.op == "and" and xs[1].name == TRUE:
            return xs[0]
        if i.op == "select" and xs[0].lanes == 1 < max(x.lanes for x in xs):
            return self._select_all(self._mask_bits(i.args[0]), *xs[1:])
        if i.op == "cast":
            return cast(f, xs[0], i.args[0].dtype, i.dtype)
        if i.op == "bound":
            return self._bound(xs)
        dtype = i.args[1 if i.op == "select" else 0].dtype
        return OPS[i.op](f, dtype, xs)

    def _select_all(self, cond: Value, x: Value, y: Value) -> Value:
        """Select between vectors by an i64 of equal bits, bitwise: LLVM would turn a `select` by a scalar into a branch."""
        f = self.f
        x, y = f.common(x, y)
        bits = {"float": "i32", "double": "i64"}.get(x.type, x.type)
        mask = f.splat(cond if bits == "i64" else f.convert("trunc", cond, bits), x.lanes)
        if x.type == "i1":
            return f.select(mask, x, y)
        other = f.xor(mask, f.like(-1, mask))
        first, second = (f.bitcast(v, bits) for v in (x, y))
        return f.bitcast(f.or_(f.and_(first, mask), f.and_(second, other)), x.type)

    def _mask_bits(self, cond: Instr) -> Value:
        """Return a condition that is uniform over the lanes as an i64 with all bits set or none.

        A bounds check is the sign of a difference, computed where its loop is entered: LLVM would sink a comparison into the
        loops that use it.
        """
        for scope in reversed(self.memo):
            if cond in scope:
                return scope[cond]
        f = self.f
        if cond.op == "and":
            bits = f.and_(self._mask_bits(cond.args[0]), self._mask_bits(cond.args[1]))
        elif is_bound_check(cond) and self.get(cond).name != TRUE:
            x, y = (self.get(a) for a in cond.args)
            sign = f.ashr(f.sub(y, x) if cond.op == "le" else f.sub(x, y), f.like(63, x))
            bits = f.xor(sign, f.like(-1, sign)) if cond.op == "le" else sign
        else:
            bits = f.convert("sext", self.get(cond), "i64")
        self.memo[-1][cond] = bits
        return bits

    def _bound(self, xs: list[Value]) -> Value:
        """Return whether an index is inside; set the status if one of an active lane is not."""
        f = self.f
        inside = f.cmp("ult", xs[0], xs[1])
        bad = f.xor(inside, f.like(True, inside))
        counts = [m for m in (*xs[2:], self.mask if inside.lanes > 1 else None) if m is not None]
        for mask in counts:
            bad = f.and_(bad, mask)
        with f.when(f.reduce("or", bad)):
            f.store(f.const(1, "i64"), self.status)
        return inside
