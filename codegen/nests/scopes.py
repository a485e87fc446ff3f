"""The state of a kernel's emission: values and addresses by scope, open loops, lanes and masks.

The other modules build on it: `addresses.py` and `accesses.py` emit loads and stores, `scalars.py` the operations of a body,
`vector_loops.py` and `padded_loops.py` one loop, `nest.py` the nest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from graphc.codegen.llvm.builder import LoopBlock, Module
from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Instr, Kernel, Stage, ensure
from graphc.codegen.nests.kernel_function import KernelFunction, parameter_bits
from graphc.ir.core.guards import derived
from graphc.ir.core.structural_key import SIMPLE, SMALL

__all__ = ["TRUE", "Body", "Scopes"]

Body = Callable[[list[Value]], list[Value]]
"""Emits one iteration of a loop, from its carried values to the next."""

TRUE = "true"
"""The literal of a condition that always holds."""


class Scopes(KernelFunction):
    """A kernel's emission: the loops around the next instruction, and the values available there."""

    def __init__(self, module: Module, kernel: Kernel, name: str) -> None:
        super().__init__(module, name, [b.name for b in kernel.buffers], parallel=kernel.plan.parallel is not None)
        self.kernel, self.plan = kernel, kernel.plan
        ensure(self.plan.literal == self.literal, "the schedule takes other extents for literals than the code")
        self.scopes: list[dict[Instr, Value]] = [{}]
        self.memo: list[dict[object, Value]] = [{}]
        """By scope: addresses, values loaded without a mask, and conditions as masks of bits."""
        self.loops: dict[int, Value] = {}
        self.mask: Value | None = None
        self.whole_vector: Value | None = None
        """Whether the mask holds for all lanes, if that is decided at run time."""
        self.lanes = 1
        self.vector = kernel.vector
        self.stage_number: int | None = None
        """The stage that is being emitted."""
        self.scratch_at: dict[Instr, Value] = {}

    @contextmanager
    def scope(self, loops: Mapping[int, Value]) -> Iterator[None]:
        """Open a block: the values emitted in it, and its loop indices, are available only there."""
        self.scopes.append({})
        self.memo.append({})
        self.loops.update(loops)
        yield
        self.scopes.pop()
        self.memo.pop()
        for loop in loops:
            del self.loops[loop]

    @contextmanager
    def counted(
        self, loop: int, start: Value | None = None, stop: Value | None = None, step: int = 1, carry: Sequence[Value] = ()
    ) -> Iterator[LoopBlock]:
        """Emit one of the kernel's loops over all its iterations or a part of them; the `with` block is its body."""
        first, end = start or self.begin(loop), stop or self.extent(loop)
        with self.f.loop(first, end, step, carry, hint=f"i{loop}_") as at, self.scope({loop: at.index}):
            yield at

    def lane_mask(self, count: Value) -> Value:
        """Return the mask of the first `count` lanes; `count` is an i32."""
        return self.f.cmp("slt", self.f.iota("i32", self.lanes), count)

    # -- values -----------------------------------------------------------------------------------

    def get(self, i: Instr) -> Value:
        """Return the value of an instruction, from the innermost scope that has it."""
        for scope in reversed(self.scopes):
            if i in scope:
                return scope[i]
        raise AssertionError(f"{i.name} ({i.op}) is used before it is written")

    def is_written(self, i: Instr) -> bool:
        """Return whether the value of an instruction is available."""
        return any(i in scope for scope in self.scopes)

    def number(self, i: Instr) -> Value:
        """Return a constant of the program: a literal if it is simple, else a parameter, which does not change the code."""
        type = LLVM[i.dtype.name]
        if i.dtype.is_bool or (i.dtype.is_int and abs(i.attr) <= SMALL):
            return self.f.const(i.attr, type)
        if self.literal or (i.dtype.is_float and (i.attr in SIMPLE or i.attr != i.attr)):
            return self.f.const(i.attr, type)
        if ("number", i) not in self.cached:
            self.cached[("number", i)] = self.parameter(derived(parameter_bits, i.attr, i.dtype), type)
        return self.cached[("number", i)]

    # -- loops and lanes --------------------------------------------------------------------------

    def is_shared(self, loop: int) -> bool:
        """Return whether this function runs a part of a loop that threads share."""
        return self.plan.parallel is not None and self.plan.parallel.loop == loop

    def begin(self, loop: int) -> Value:
        """Return the first iteration of a loop."""
        return self.part[0] if self.is_shared(loop) else self.f.i64(0)

    def extent(self, loop: int) -> Value:
        """Return the end of a loop: its extent, or that of the part that the function runs."""
        return self.part[1] if self.is_shared(loop) else self.integer(self.kernel.dims[loop], ("extent", loop))

    def vector_end(self, loop: int, lanes: int) -> Value:
        """Return the extent of a loop rounded down to a multiple of the lanes."""
        extent, role = self.kernel.dims[loop], ("whole", (loop, lanes))
        stop = extent // lanes * lanes
        limit, zero, end = (extent, ("extent", loop)), (0, ("nothing", 0)), (stop, role)
        self.orders.append((f"the end of the vectors of i{loop}", end, limit, zero, end))
        whole = self.integer(stop, role, varies=extent > SMALL)
        return self.f.intrinsic("smin", whole, self.extent(loop)) if self.is_shared(loop) else whole

    @property
    def stage(self) -> Stage | None:
        """The stage that is being emitted."""
        return None if self.stage_number is None else self.kernel.stages[self.stage_number]

    @property
    def point_lanes(self) -> int:
        """The points of the kernel that are computed side by side."""
        return 1 if self.plan.points is None else self.plan.points.lanes

    @property
    def _lane_loop(self) -> int | None:
        """The loop whose iterations are lanes."""
        if self.vector is not None:
            return self.vector
        return self.stage.inner[-1] if self.stage is not None and self.stage.inner else None
