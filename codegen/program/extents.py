"""Check before a program runs that every kernel's accesses stay inside their buffers.

Machine code is shared between sizes: it loads loop bounds, strides and offsets from a parameter block, which for other sizes
is replayed from recorded decisions (`specialize.py`).  A decision that was not recorded would yield a wrong address.  The
unguarded accesses of a kernel are affine in its loops, so the parameters determine the first and last element of each, which
are compared with the extents of its buffer.  A parameter block never changes, so one check per set of sizes is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphc.codegen.llvm.bounds_text import InternalError
from graphc.codegen.loops.loop_ir import Index, Instr, Kernel, needed
from graphc.codegen.loops.lower import Operand
from graphc.codegen.nests.kernel_function import KernelFunction, Role
from graphc.codegen.program.memory.buffers import Layout
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.graph import Node

__all__ = ["Extents", "Limits"]

_Affine = tuple[int, Index, tuple[int, ...], Instr | None]
"""An access: buffer, index, loops around it, load."""

Ref = int
"""The index of a parameter, or ~index of a fact."""


@dataclass(frozen=True)
class _Access:
    """An affine access of a kernel, and the layout of its buffer: pairs of an extent and a stride."""

    what: str
    offset: Ref
    loops: tuple[tuple[Ref, Ref], ...]
    buffer: tuple[tuple[Ref, Ref], ...]


@dataclass(frozen=True)
class _Order:
    """An inequality between two numbers, which must hold if the loop with the given begin and end has iterations."""

    what: str
    low: Ref
    high: Ref
    begin: Ref
    end: Ref


@dataclass(frozen=True)
class Extents:
    """The constraints on a program's numbers."""

    accesses: tuple[_Access, ...] = ()
    orders: tuple[_Order, ...] = ()

    def check(self, parameters: Sequence[int], facts: Sequence[int]) -> None:
        """Raise InternalError unless all accesses are inside their buffers; `facts` are numbers that the code does not read."""
        numbers = [*parameters, *reversed(facts)]  # so that ~index is an index, too
        for access in self.accesses:
            low, high = _reach(numbers, access.loops)
            first, last = _reach(numbers, access.buffer)
            at = numbers[access.offset]
            if low <= high and (at + low < first or at + high > last):
                raise InternalError(
                    f"internal error, please report it: {access.what} reaches elements {at + low} to {at + high}"
                    f" of a buffer of elements {first} to {last}"
                )
        for order in self.orders:
            low, high = numbers[order.low], numbers[order.high]
            if low > high and numbers[order.begin] < numbers[order.end]:
                raise InternalError(f"internal error, please report it: {order.what} is {low}, more than {high}")


def _reach(numbers: Sequence[int], axes: Sequence[tuple[Ref, Ref]]) -> tuple[int, int]:
    """Return the least and the largest sum of index times stride; (0, -1) if there is no index."""
    low = high = 0
    for extent, stride in axes:
        n, stride_of_axis = numbers[extent], numbers[stride]
        if n < 1:
            return 0, -1
        if stride_of_axis > 0:
            high += (n - 1) * stride_of_axis
        else:
            low += (n - 1) * stride_of_axis
    return low, high


@dataclass(eq=False)
class Limits:
    """Collects the constraints on the numbers of a program during emission."""

    facts: list[Any] = field(default_factory=list)
    _calls: int = 0
    _accesses: dict[_Access, None] = field(default_factory=dict)
    _orders: dict[_Order, None] = field(default_factory=dict)
    _known: dict[tuple[int, Role], Ref] = field(default_factory=dict)
    _affine: dict[KernelFunction, list[_Affine]] = field(default_factory=dict)
    """The accesses of each function; equal kernels share one."""

    @property
    def extents(self) -> Extents:
        """Return the collected constraints."""
        return Extents(tuple(self._accesses), tuple(self._orders))

    def add(self, kernel: Kernel, function: KernelFunction, first: int, buffers: Sequence[Layout | None]) -> None:
        """Record a kernel call whose parameters begin at `first`; None is a buffer that grows."""
        self._calls += 1
        call = _Call(self, self._calls, function, first)
        nothing = call.ref(0, ("nothing", 0))
        layouts = [None if b is None else call.layout(i, b) for i, b in enumerate(buffers)]
        if function not in self._affine:
            self._affine[function] = list(_affine(kernel))
        for buffer, index, loops, load in self._affine[function]:
            layout = layouts[buffer]
            if layout is None:
                continue
            what = f"{kernel.buffers[buffer].name} in {kernel.name}"
            for offset, strides in call.spellings(buffer, index, load):
                axes = tuple((call.ref(kernel.dims[lo], ("extent", lo)), strides.get(lo, nothing)) for lo in loops)
                self._accesses[_Access(what, offset, axes, layout)] = None
        for what, low, high, begin, end in function.orders:
            refs = [call.ref(*x) for x in (low, high, begin, end)]
            self._orders[_Order(f"{what} in {kernel.name}", *refs)] = None

    def add_product(
        self, node: Node, function: KernelFunction, first: int, operands: Sequence[Operand], buffers: Sequence[Layout | None]
    ) -> None:
        """Record the call of a matmul in the same way."""
        self._calls += 1
        call = _Call(self, self._calls, function, first)
        k, dense, one = node.operands[0].shape[-1], dense_strides(node.shape), call.ref(1, ("unit", 0))
        m, n, k = (call.ref(x, ("size", i)) for i, x in enumerate((*node.shape[-2:], k)))
        a, b = operands
        inner = [call.ref(x, ("matrix", i)) for i, x in enumerate((*a.strides[-2:], *b.strides[-2:], node.shape[-1]))]
        axes = (((m, inner[0]), (k, inner[1])), ((k, inner[2]), (n, inner[3])), ((m, inner[4]), (n, one)))
        outer = (("a", a.strides, a.offset), ("b", b.strides, b.offset), ("out", dense, 0))
        for i, (buffer, (tag, strides, start), rest) in enumerate(zip(buffers, outer, axes, strict=True)):
            if buffer is not None:
                batch = enumerate(zip(node.shape[:-2], strides, strict=False))
                loops = [(call.ref(x, ("extent", ("batch", d))), call.ref(s, ("stride", (tag, d)))) for d, (x, s) in batch]
                access = _Access(
                    f"{tag} in {function.f.name}", call.ref(start, ("start", tag)), (*loops, *rest), call.layout(i, buffer)
                )
                self._accesses[access] = None

    def fact(self, value: Any, call: int, role: Role) -> Ref:
        """Record a number of a call that the code does not read, by role, since equal numbers may differ for other sizes."""
        if (call, role) not in self._known:
            self.facts.append(value)
            self._known[call, role] = ~(len(self.facts) - 1)
        return self._known[call, role]


@dataclass(frozen=True)
class _Call:
    """A kernel call, and where its numbers are."""

    limits: Limits
    number: int
    function: KernelFunction
    first: int

    def ref(self, value: Any, role: Role) -> Ref:
        """Return the parameter of a number, or a fact if the code does not load it."""
        parameter = self.function.read_at.get(role)
        return self.limits.fact(value, self.number, role) if parameter is None else self.first + parameter

    def layout(self, buffer: int, of: Layout) -> tuple[tuple[Ref, Ref], ...]:
        """Return references to the extents and strides of a buffer."""
        pairs = enumerate(zip(*of, strict=True))
        return tuple((self.ref(n, ("axis", buffer, a)), self.ref(s, ("step", buffer, a))) for a, (n, s) in pairs)

    def spellings(self, buffer: int, index: Index, load: Instr | None) -> Iterator[tuple[Ref, dict[int, Ref]]]:
        """Yield the offset and strides that the code may read: by buffer, and by load if its lanes are gathered."""
        strides = {lo: self.ref(c, ("stride", (buffer, lo, c))) for lo, c in index.loops}
        yield self.ref(index.const, ("offset", (buffer, index.const))), strides
        if load is not None:
            strides = {lo: self.ref(c, ("load", load, lo)) for lo, c in index.loops}
            yield self.ref(index.const, ("load", load, "const")), strides


def _affine(kernel: Kernel) -> Iterator[_Affine]:
    """Yield each unguarded access whose index depends on loops alone: buffer, index, loops around it, load."""
    for stage in kernel.stages:
        loops = (*kernel.outer, *stage.inner)
        for i in needed(stage.roots()):
            if i.op == "load" and not i.masked and not i.attr[1].values:
                yield (*i.attr, loops, i)
        for s in stage.stores:
            yield s.buffer, s.index, loops, None
        for c in stage.outer_reductions:
            rest = tuple(lo for lo in loops if lo not in c.reduction.inner)
            yield c.store.buffer, c.store.index, rest, None
