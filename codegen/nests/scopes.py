"""What is known where, while a kernel is written: values, addresses, open loops, lanes and masks.

Its parts are written on top of this, each by a module of its own: `accesses.py` what is loaded and stored, `scalars.py` the
operations of a body, `vector_loops.py` and `padded_loops.py` one loop, `loops.py` the whole nest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Instr, Kernel, Stage
from graphc.codegen.loops.schedule import Schedule
from graphc.codegen.nests.kernel_function import KernelFunction, parameter_bits
from graphc.ir.core.guards import derived
from graphc.ir.core.structural_key import SIMPLE, SMALL

__all__ = ["TRUE", "Body", "Scopes"]

Body = Callable[[list[Value]], list[Value]]
"""Writes what a loop does in one iteration, from the carried values to the next."""

TRUE = "true"
"""How a condition is spelled that is known to hold."""


class Scopes(KernelFunction):
    """A kernel being written: where in its loops the next instruction will stand, and what is known there."""

    def __init__(self, module: Module, kernel: Kernel, plan: Schedule, name: str) -> None:
        super().__init__(module, name, [b.name for b in kernel.buffers])
        self.kernel, self.plan = kernel, plan
        self.scopes: list[dict[Instr, Value]] = [{}]
        self.places: list[dict[object, Value]] = [{}]
        """Addresses known in each scope, and what was loaded from some without a mask."""
        self.loops: dict[int, Value] = {}
        self.mask: Value | None = None
        self.whole_vector: Value | None = None
        """Whether the mask holds for all lanes, where that is known at run time only."""
        self.lanes = 1
        self.vector = kernel.vector
        self.stage: Stage | None = None
        self.scratch_at: dict[Instr, Value] = {}

    @contextmanager
    def scope(self, loops: Mapping[int, Value]) -> Iterator[None]:
        """Open a block: what is written in it is known in it only, loop indices among it."""
        self.scopes.append({})
        self.places.append({})
        self.loops.update(loops)
        yield
        self.scopes.pop()
        self.places.pop()
        for loop in loops:
            del self.loops[loop]

    # -- values -----------------------------------------------------------------------------------

    def get(self, i: Instr) -> Value:
        """Return what an instruction was written as, in the innermost scope that knows it."""
        for scope in reversed(self.scopes):
            if i in scope:
                return scope[i]
        raise AssertionError(f"{i.name} ({i.op}) is used before it is known")

    def known(self, i: Instr) -> bool:
        """Tell whether an instruction is written."""
        return any(i in scope for scope in self.scopes)

    def number(self, i: Instr) -> Value:
        """Return a constant of the user's: simple ones are literals, others data, so that they change no code."""
        type = LLVM[i.dtype.name]
        if i.dtype.is_bool or (i.dtype.is_int and abs(i.attr) <= SMALL):
            return self.f.const(i.attr, type)
        if self.literal or (i.dtype.is_float and (i.attr in SIMPLE or i.attr != i.attr)):
            return self.f.const(i.attr, type)
        if ("number", i) not in self.cached:
            self.cached[("number", i)] = self.parameter(derived(parameter_bits, i.attr, i.dtype), type)
        return self.cached[("number", i)]

    # -- loops and lanes --------------------------------------------------------------------------

    def extent(self, loop: int) -> Value:
        """Return how many iterations a loop has."""
        return self.integer(self.kernel.dims[loop], ("extent", loop))

    def whole(self, loop: int, lanes: int) -> Value:
        """Return the extent rounded down to whole vectors."""
        extent, role = self.kernel.dims[loop], ("whole", (loop, lanes))
        whole = extent // lanes * lanes
        limit, nothing, end = (extent, ("extent", loop)), (0, ("nothing", 0)), (whole, role)
        self.orders.append((f"the end of whole vectors of i{loop}", end, limit, nothing, end))
        return self.integer(whole, role, varies=extent > SMALL)

    def current(self) -> Stage:
        """Return the pass that is being written."""
        assert self.stage is not None, "outside of all passes"
        return self.stage

    @property
    def _lane_loop(self) -> int | None:
        """The loop that lanes run along."""
        if self.vector is not None:
            return self.vector
        return self.stage.inner[-1] if self.stage is not None and self.stage.inner else None
