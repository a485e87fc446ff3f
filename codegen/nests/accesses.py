"""Loads and stores of a kernel: vectors, masked vectors, gathers and scatters, rows of scratch memory."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from math import prod

from graphc.codegen.llvm.scalar_ops import MEMORY
from graphc.codegen.llvm.values import Value, llvm_type
from graphc.codegen.loops.loop_ir import LONGEST_VECTOR, Index, Instr, Stage, Store, ensure, is_loaded
from graphc.codegen.nests.addresses import Addresses
from graphc.codegen.nests.scopes import TRUE

__all__ = ["Accesses"]

MANY = 32
"""Buffers of a kernel beyond which all its loads are masked: LLVM takes more than linear time for hundreds of branches, one for
each load, across which the addresses of all others are live."""

SLACK = LONGEST_VECTOR
"""Bytes behind each row of scratch memory, for the lanes of its last vector."""


class Accesses(Addresses):
    """Emits the loads and stores of a kernel."""

    # -- loads and stores -------------------------------------------------------------------------

    def _load(self, i: Instr) -> Value:
        f = self.f
        buffer, index = i.attr
        base, type = self.buffers[buffer], MEMORY[i.dtype.name]
        guard = self.get(i.args[-1]) if i.masked else None
        if guard is not None and guard.name == TRUE:
            guard = None
        how = self._how(i)
        consecutive = how is None and self._stride(index) == 1
        if consecutive and guard is not None and guard.lanes > 1:
            return self._load_guarded(i)
        if how is None and not consecutive and (guard is None or guard.lanes == 1):
            x = self._load_scalar(self._first_lane(buffer, index), type, guard)
        elif consecutive:
            x = self._load_lanes(buffer, index, type, guard)
        elif how == "shuffle" and self._mask(guard) is None:
            x = self._load_strided(buffer, index, type)
        else:
            offsets = f.splat(self._index(index, ("load", i)), self.lanes)
            x = self._gather(f.element(base, offsets, type), type, self._mask(guard))
        return f.cmp("ne", x, f.like(0, x)) if i.dtype.is_bool else x

    def _load_strided(self, buffer: int, index: Index, type: str) -> Value:
        """Load every second, third or fourth element: load all elements from the first to the last, then shuffle."""
        f, stride = self.f, self._stride(index)
        span = (self.lanes - 1) * stride + 1
        x = f.load(self._first_lane(buffer, index), type, span)
        return f.shuffle(x, None, range(0, span, stride))

    def _load_lanes(self, buffer: int, index: Index, type: str, guard: Value | None) -> Value:
        """Load consecutive elements.  A vector that was loaded without a guard serves guarded loads too."""
        f, key = self.f, ("loaded", buffer, index, self.lanes)
        for scope in reversed(self.memo):
            if key in scope:
                return scope[key]
        at, always = self._first_lane(buffer, index), guard is None
        if guard is not None and guard.lanes == 1:
            at, guard = f.select(guard, at, self._zeros(type)), None
        mask = self._mask(guard)
        x = f.load(at, type, self.lanes) if mask is None else self._masked_load(at, type, mask, guard)
        if always:
            self.memo[-1][key] = x
        return x

    def _load_guarded(self, i: Instr) -> Value:
        """Load consecutive elements where a guard that differs between lanes holds.

        Conditions that are uniform over the lanes select the address: a masked load of unmapped memory is slow even if no lane
        is loaded.
        """
        f, type = self.f, MEMORY[i.dtype.name]
        (buffer, index), same, differs = i.attr, [], []
        parts = [i.args[-1]]
        while parts:
            part = parts.pop()
            value = self.get(part)
            if value.lanes == 1:
                same += [value] if value.name != TRUE else []
            elif part.op == "and":
                parts.extend(part.args)
            else:
                differs.append(value)
        at = self._first_lane(buffer, index)
        if same:
            at = f.select(functools.reduce(f.and_, same), at, self._zeros(type))
        masks = differs if self.mask is None else [*differs, self.mask]
        x = f.masked_load(at, type, functools.reduce(f.and_, masks)) if masks else f.load(at, type, self.lanes)
        return f.cmp("ne", x, f.like(0, x)) if i.dtype.is_bool else x

    def _zeros(self, type: str) -> Value:
        """Return the address of a vector of zeros, to load where a guard fails."""
        key = ("zeros", (type, self.lanes))
        if key not in self.cached:
            self.cached[key] = address = self.f.alloca(type, self.lanes)
            self.f.entry_allocas.append(f"  store {llvm_type(type, self.lanes)} zeroinitializer, ptr {address.name}")
        return self.cached[key]

    def _masked_load(self, at: Value, type: str, mask: Value, guard: Value | None) -> Value:
        f = self.f
        if guard is not None or self.whole_vector is None or len(self.buffers) > MANY:
            return f.masked_load(at, type, mask)
        name = f.fresh("part")
        f.cond_br(self.whole_vector, f"whole.{name}", name)
        f.start(f"whole.{name}")
        all_lanes = f.load(at, type, self.lanes)
        f.br(f"end.{name}")
        f.start(name)
        some = f.masked_load(at, type, mask)
        f.br(f"end.{name}")
        f.start(f"end.{name}")
        return f.phi(all_lanes, f"whole.{name}", some, name)

    def _mask(self, guard: Value | None) -> Value | None:
        """Return the conjunction of the loop's mask and the guard."""
        if guard is None:
            return self.mask
        wide = self.f.splat(guard, self.lanes)
        return wide if self.mask is None else self.f.and_(wide, self.mask)

    def _load_scalar(self, at: Value, type: str, guard: Value | None) -> Value:
        f = self.f
        if guard is None:
            return f.load(at, type)
        before, name = f.label, f.fresh("guard")
        f.cond_br(guard, name, f"end.{name}")
        f.start(name)
        x = f.load(at, type)
        f.br(f"end.{name}")
        f.start(f"end.{name}")
        return f.phi(x, name, f.const(0, type), before)

    def _gather(self, at: Value, type: str, mask: Value | None) -> Value:
        f = self.f
        if self.lanes == 1:
            return self._load_scalar(at, type, mask)
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
        how = self._how(s)
        if how is None and self._stride(s.index) == 0:
            f.store(f.extract(x, 0), self._first_lane(s.buffer, s.index))
            return
        x = f.splat(x, self.lanes)
        if how is None:
            self._store_lanes(x, self._first_lane(s.buffer, s.index))
            return
        at = f.element(self.buffers[s.buffer], f.splat(self._index(s.index, ("store", s)), self.lanes), type)
        f.scatter(x, at, self.mask if self.mask is not None else f.const(True, "i1", self.lanes))

    def _store_lanes(self, x: Value, at: Value) -> None:
        """Store consecutive elements under the loop's mask: lanes beyond it belong to other iterations."""
        if self.mask is None:
            self.f.store(x, at)
        elif self.whole_vector is None:
            self.f.masked_store(x, at, self.mask)
        else:
            self._store_full_or_masked(x, at, self.whole_vector, self.mask)

    def _store_full_or_masked(self, x: Value, at: Value, full: Value, mask: Value) -> None:
        f, name = self.f, self.f.fresh("part")
        f.cond_br(full, f"whole.{name}", name)
        f.start(f"whole.{name}")
        f.store(x, at)
        f.br(f"end.{name}")
        f.start(name)
        f.masked_store(x, at, mask)
        f.br(f"end.{name}")
        f.start(f"end.{name}")

    # -- scratch rows -----------------------------------------------------------------------------

    def _lay_out_scratch(self) -> None:
        for i, home in self.plan.saved.items():
            inner = self.kernel.stages[home].inner
            at = self.integer(self.scratch_bytes, ("scratch", i))
            self.scratch_at[i] = self.f.element(self.scratch, at, "i8")
            size = prod(self.kernel.dims[lo] for lo in inner) * self.point_lanes * i.dtype.bytes
            size = -(-size // 64) * 64 + SLACK
            self.scratch_bytes += size
            self.bounded(self.scratch_at[i], size, ("scratch row", i))

    def _from_scratch(self, i: Instr) -> bool:
        """Whether the current stage loads a value that an earlier one has materialized."""
        return self.stage_number is not None and is_loaded(self.kernel, self.stage_number, i, self.plan.saved)

    def _position(self, stage: Stage) -> Value:
        """Return the flat index of the current point of the inner loops."""
        at, step = self.f.i64(0), 1
        for loop in reversed(stage.inner):
            at = self._sum(at, self.f.mul(self.loops[loop], self.integer(step, ("row", (stage, loop)))))
            step *= self.kernel.dims[loop]
        return at

    def _scratch_address(self, i: Instr) -> Value:
        """Return the address of a materialized value: dense along the inner loops, then over the lanes of outer points."""
        f = self.f
        at = self._position(self.kernel.stages[self.plan.saved[i]])
        if self.vector is not None:
            at = f.mul(at, f.i64(self.point_lanes))
        return f.element(self.scratch_at[i], at, MEMORY[i.dtype.name])

    def _saves(self) -> None:
        for i, home in self.plan.saved.items():
            if home == self.stage_number:
                x = self.get(i)
                x = self.f.convert("zext", x, "i8") if i.dtype.is_bool else x
                ensure(self.lanes * i.dtype.bytes <= SLACK, f"{self.lanes} {i.dtype} are longer than the slack of a row")
                x, at = self.f.splat(x, self.lanes), self._scratch_address(i)
                if self.vector is None and self.lanes > 1:
                    self._store_lanes(x, at)
                else:
                    self.f.store(x, at)  # each lane has its own row, also beyond the mask

    def _scratch_load(self, i: Instr) -> Value:
        f = self.f
        x = f.load(self._scratch_address(i), MEMORY[i.dtype.name], self.lanes)
        return f.cmp("ne", x, f.like(0, x)) if i.dtype.is_bool else x
