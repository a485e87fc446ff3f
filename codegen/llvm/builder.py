"""Emit LLVM IR as text, one function at a time, at any vector width.

Text rather than llvmlite's builders, because it is some fifty times faster to produce (docs/decisions.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from graphc.codegen.llvm.instructions import Declarations
from graphc.codegen.llvm.memory import MemoryInstructions
from graphc.codegen.llvm.values import Value, llvm_type

__all__ = ["Function", "LoopBlock", "Module"]


class Module(Declarations):
    """Functions, declarations and constants of one LLVM module."""

    def __init__(self, *, literal: bool = False) -> None:
        super().__init__(literal=literal)
        self.functions: list[Function] = []

    def defines(self, name: str) -> bool:
        """Return whether the module has a function of that name."""
        return any(f.name == name for f in self.functions)

    def once(self, name: str, params: Sequence[tuple[str, str]], returns: str = "void") -> Function | None:
        """Begin an internal function that its callers share; None if the module has it."""
        return None if self.defines(name) else self.function(name, params, returns, internal=True)

    def function(
        self, name: str, params: Sequence[tuple[str, str]], returns: str = "void", *, internal: bool = False
    ) -> Function:
        """Begin a function."""
        return Function(self, name, params, returns, internal=internal)

    def __str__(self) -> str:
        parts = [f"@{name} = {text}" for name, text in self.globals.items()]
        parts += [str(f) for f in self.functions]
        parts += list(self.declarations.values())
        parts.append('attributes #0 = { nounwind "prefer-vector-width"="512" }')
        parts.append('attributes #1 = { nounwind noinline optnone "prefer-vector-width"="512" }')
        return "\n".join(parts) + "\n"


class LoopBlock:
    """A counted loop: its index, its carried values, and their values after the loop."""

    def __init__(self, index: Value, carry: list[Value]) -> None:
        self.index = index
        self.carry = carry
        self.results: list[Value] = []
        self._next: list[Value] | None = None

    def next(self, values: Sequence[Value]) -> None:
        """Set the carried values of the next iteration, in the order of `carry`."""
        self._next = list(values)


class Function(MemoryInstructions):
    """Emits one LLVM function.  `params` are (type, name) pairs without the percent sign.

    A parameter's type may carry attributes: ``("ptr noalias", "out")``.
    """

    module: Module

    def __init__(
        self, module: Module, name: str, params: Sequence[tuple[str, str]], returns: str = "void", *, internal: bool = False
    ) -> None:
        super().__init__(module)
        self.name = name
        self.head = (
            f"define {'internal ' if internal else ''}{returns} @{name}(" + ", ".join(f"{t} %{n}" for t, n in params) + ") #0 {"
        )
        self.args = [Value(f"%{n}", t.split()[0]) for t, n in params]
        module.functions.append(self)

    def __str__(self) -> str:
        return "\n".join([self.head, "entry:", *self.entry_allocas, *self.lines, "}"])

    def compile_fast(self) -> None:
        """Have code generated quickly rather than well, for a function that takes a small part of the program's time."""
        self.head = self.head.replace(" #0 {", " #1 {")

    # -- control --------------------------------------------------------------------------------------

    def call(self, name: str, *args: Value, attributes: str = "") -> None:
        """Call a function of the module without a result."""
        self.do(f"call void @{name}({', '.join(a.typed for a in args)}){attributes}")

    @contextmanager
    def loop(
        self,
        start: Value,
        stop: Value,
        step: Value | int = 1,
        carry: Sequence[Value] = (),
        *,
        nonempty: bool = False,
        hint: str = "i",
    ) -> Iterator[LoopBlock]:
        """Emit `for i in range(start, stop, step)` with carried values; the body is the `with` block.

        The test is at the bottom; `nonempty` leaves out the guard at the top.  After the block `loop.results` are the carried
        values at the end.  All counters are i64.
        """
        step_value = self.i64(step) if isinstance(step, int) else step
        name = self.fresh(hint)
        body, done = f"loop.{name}", f"done.{name}"
        before = self.label
        if nonempty:
            self.br(body)
        else:
            guard = self.cmp("slt", start, stop)
            self.cond_br(guard, body, done)
        self.start(body)
        where = len(self.lines)
        index = Value(f"%{name}", "i64")
        phis = [Value("%" + self.fresh("c"), c.type, c.lanes) for c in carry]
        loop = LoopBlock(index, phis)
        yield loop
        after = loop._next if loop._next is not None else phis
        assert len(after) == len(phis), "loop.next must give every carried value"
        following = self.inst(f"add nsw i64 {index.name}, {step_value.name}", "i64")
        again = self.cmp("slt", following, stop)
        end = self.label
        heads = [f"  {index.name} = phi i64 [ {start.name}, %{before} ], [ {following.name}, %{end} ]"]
        for phi, first, last in zip(phis, carry, after, strict=True):
            heads.append(
                f"  {phi.name} = phi {llvm_type(phi.type, phi.lanes)} [ {first.name}, %{before} ], [ {last.name}, %{end} ]"
            )
        self.lines[where:where] = heads
        self.cond_br(again, body, done)
        self.start(done)
        if nonempty:
            loop.results = list(after)
            return
        loop.results += [self.phi(first, before, last, end) for first, last in zip(carry, after, strict=True)]

    @contextmanager
    def repeat(self, carry: Sequence[Value], hint: str = "while") -> Iterator[LoopBlock]:
        """Emit a loop that runs until `go_on_if` in its body ends it; the carried values at that point are its results."""
        name, before = self.fresh(hint), self.label
        self.br(name)
        self.start(name)
        where = len(self.lines)
        loop = LoopBlock(Value(name, "label"), [Value("%" + self.fresh("c"), c.type, c.lanes) for c in carry])
        yield loop
        after = loop._next if loop._next is not None else loop.carry
        self.br(name)
        self.lines[where:where] = [
            f"  {c.name} = phi {llvm_type(c.type, c.lanes)} [ {first.name}, %{before} ], [ {last.name}, %{self.label} ]"
            for c, first, last in zip(loop.carry, carry, after, strict=True)
        ]
        self.start(f"end.{name}")
        loop.results = loop.carry

    def go_on_if(self, loop: LoopBlock, cond: Value) -> None:
        """Leave a loop of `repeat` unless the condition holds."""
        self.cond_br(cond, f"body.{loop.index.name}", f"end.{loop.index.name}")
        self.start(f"body.{loop.index.name}")

    @contextmanager
    def when(self, cond: Value, hint: str = "then") -> Iterator[None]:
        """Emit the `with` block so that it runs only if `cond` holds.  No values come out of it."""
        name = self.fresh(hint)
        self.cond_br(cond, f"if.{name}", f"end.{name}")
        self.start(f"if.{name}")
        yield
        self.br(f"end.{name}")
        self.start(f"end.{name}")
