"""The main function of a program during emission: its parameter block, base addresses, polls and tapes.

    i64 @program(ptr parameters, ptr buffers)

`parameters` is the parameter block: sizes, constants and arena offsets, one word each.  `buffers` holds the addresses of
inputs, outputs and the arena.  Both are read in the entry block, which dominates all others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from graphc.codegen.llvm.bounds import CheckedModule
from graphc.codegen.llvm.bounds_text import CALLER, OUTSIDE
from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.program.memory.tape import TapeWriter
from graphc.codegen.runtime.interrupts import EXIT, Poll
from graphc.ir.core.cached import cached_property
from graphc.ir.core.structural_key import SMALL
from graphc.ir.text import debug

__all__ = ["Emit", "EntryAddress", "MainFunction", "load_slot"]

Emit = Callable[[str, str], Value]
"""Emits an instruction with a result of a type."""


class EntryAddress:
    """An address that can be computed at the entry of the program, or again at each use.

    A long program has thousands.  Computed at its entry they would all be live at once, and LLVM's register allocator takes
    more than linear time to spill them.
    """

    def __init__(self, main: MainFunction, compute: Callable[[Emit], Value], declare: Callable[[Value], Value]) -> None:
        self._main, self._compute, self._declare = main, compute, declare

    @cached_property
    def at_entry(self) -> Value:
        """The address computed in the entry block, which dominates all uses, as in loops."""
        return self._declare(self._compute(self._main.at_entry))

    def here(self) -> Value:
        """Compute the address at the current position; checked programs have one place for its limits."""
        return self.at_entry if self._main.checked is not None else self._compute(self._main.f.inst)


class ThreadsParameter(NamedTuple):
    """The number of threads of a program: the index of the parameter, and its value."""

    slot: int
    parameter: Value


class MainFunction:
    """Emits addresses and numbers in the entry block, and the exits of the program."""

    def __init__(self, base_addresses: int, *, dynamic: bool) -> None:
        self.checked = CheckedModule(literal=not dynamic) if debug.enabled("bounds") else None
        """The module, if the accesses of its functions are checked."""
        self.module = self.checked or Module(literal=not dynamic)
        self.parameters: list[int] = []
        self._addresses: dict[int, EntryAddress] = {}
        self._never_null: Value | None = None
        self.f = self.module.function("program", [("ptr", "parameters"), ("ptr", "buffers")], "i64")
        if self.checked is not None:
            self.parameters += [0] * (2 * base_addresses)  # begin and end of each: `ProgramText.bound` fills them in
        self.module.functions.remove(self.f)  # it comes last, after the functions it calls
        self.tapes, self.poll = TapeWriter(self.f, self.number), Poll(self.f)
        self.status = self.f.alloca("i64", 1)
        self.f.store(self.f.i64(0), self.status)

    # -- the entry block ------------------------------------------------------------------------------------

    def at_entry(self, text: str, type: str = "ptr") -> Value:
        """Emit an instruction in the entry block."""
        name = "%" + self.f.fresh("a")
        self.f.entry_allocas.append(f"  {name} = {text}")
        return Value(name, type)

    def base(self, number: int) -> EntryAddress:
        """Return a base address: of a parameter, a result, or the arena, which is the last one."""

        def load(emit: Emit) -> Value:
            slot = emit(f"getelementptr ptr, ptr %buffers, i64 {number}", "ptr")
            return emit(f"load ptr, ptr {slot.name}", "ptr")

        def declare(address: Value) -> Value:
            return self.f.bounded(address, lambda: self._span(number), f"buffer {number}", early=True)

        return self._addresses.setdefault(number, EntryAddress(self, load, declare))

    def _span(self, number: int) -> tuple[Value, Value]:
        first, end = (self._parameter(2 * number + i, "i64") for i in range(2))
        return first, end

    @cached_property
    def threads(self) -> ThreadsParameter:
        """The parameter that says how many threads share the parallel loops of the program; 0, unless it has its own number."""
        slot = self.slot(0)
        return ThreadsParameter(slot, self._parameter(slot, "i64"))

    # -- the parameter block --------------------------------------------------------------------------------

    def number(self, value: int) -> Value:
        """Return an integer: a literal if it is small, else a parameter."""
        if self.module.literal or abs(value) <= SMALL:
            return self.f.i64(value)
        return self.parameter(value, "i64")

    def parameter(self, bits: int, type: str) -> Value:
        """Add a parameter that is loaded in the entry block."""
        return self._parameter(self.slot(bits), type)

    def slot(self, bits: int) -> int:
        """Add a parameter; return its index."""
        self.parameters.append(bits)
        return len(self.parameters) - 1

    def load_parameter(self, slot: int, type: str) -> Value:
        """Load a parameter at the current position, for parameters too many to stay in registers."""
        return load_slot(self.f.inst, slot, type)

    def _parameter(self, slot: int, type: str) -> Value:
        return load_slot(self.at_entry, slot, type)

    # -- code -----------------------------------------------------------------------------------------------

    def move(self, source: Value, target: Value, size: int) -> None:
        """Copy bytes; source and target may overlap."""
        self.f.move(source, target, self.number(size))

    def fail_if(self, condition: Value) -> None:
        """Set the status to "index out of bounds" if the condition holds."""
        with self.f.when(condition):
            self.f.store(self.f.i64(1), self.status)

    def split_block(self) -> None:
        """Begin a new block behind a branch that LLVM cannot fold: its scheduler is quadratic in block length."""
        f = self.f
        if self._never_null is None:
            self._never_null = self.at_entry("icmp ne ptr %parameters, null", "i1")
        name = f.fresh("next")
        f.cond_br(self._never_null, name, "never")
        f.start(name)

    def check_bounds(self, caller: str) -> None:
        """In checked programs, return early if an access so far was outside of its buffer."""
        f = self.f
        if self.checked is None:
            return
        self.checked.callers.append(caller)
        outside = f.inst("load i64, ptr @bounds.found, align 8", "i64")
        name = f.fresh("look")
        f.cond_br(f.cmp("ne", outside, f.i64(0)), f"outside.{name}", f"inside.{name}")
        f.start(f"outside.{name}")
        f.do(f"store i64 {len(self.checked.callers)}, ptr getelementptr (i64, ptr @bounds.found, i64 {CALLER}), align 8")
        f.ret(f.i64(OUTSIDE))
        f.start(f"inside.{name}")

    def finish(self, *, straight: bool) -> None:
        """Emit the exit, which every path of the program takes, and add the function to the module.

        `straight` says that the function only calls kernels, one after the other.
        """
        f = self.f
        if self.tapes.all or self.poll.used:
            f.br(EXIT)
            self.tapes.failed(self.status)
            self.poll.end(self.status)
            f.start(EXIT)
        self.tapes.end()
        self.check_bounds("the program itself")
        f.ret(f.load(self.status, "i64"))
        if self._never_null is not None:
            f.start("never")
            f.ret(f.i64(0))
        if straight:
            f.compile_fast()
        self.module.functions.append(f)


def load_slot(emit: Emit, slot: int, type: str = "i64") -> Value:
    """Load a parameter."""
    address = emit(f"getelementptr i64, ptr %parameters, i64 {slot}", "ptr")
    return emit(f"load {type}, ptr {address.name}", type)
