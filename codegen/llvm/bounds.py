"""Check every load and store of a program against the buffer that its address derives from: `GRAPHC_DEBUG=bounds`.

A `CheckedFunction` tracks the limits of each pointer: those of a stack slot, of a constant, of a buffer declared by `bounded`,
or of two additional parameters per pointer parameter.  Limits follow a pointer through address arithmetic, selects and loops.
Code that uses a pointer without limits cannot be emitted, so no access is left unchecked.

A call before each access compares and returns the address; an access outside of its buffer is recorded in `@bounds.found` and
redirected to `@bounds.nothing`.  The check does not end a basic block: the code continues with wrong numbers until the
program tests the record after the kernel, and returns `OUTSIDE`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from graphc.codegen.llvm.bounds_text import COUNT, LANES, NOTE, PLACE, SCRATCH, WORDS
from graphc.codegen.llvm.builder import Function, LoopBlock, Module
from graphc.codegen.llvm.values import BYTES, Value

__all__ = ["CheckedFunction", "CheckedModule", "Limits"]


class Limits(NamedTuple):
    """The first address of a buffer, as an integer, the first address behind it, and its name."""

    low: Value
    high: Value
    label: str


NOTHING = Limits(Value("0", "i64"), Value("0", "i64"), "no buffer")
"""The limits of pointers that are passed on and never dereferenced."""


class CheckedModule(Module):
    """A module of checked functions.  Its text begins with comments that explain its error codes."""

    def __init__(self, *, literal: bool = False) -> None:
        super().__init__(literal=literal)
        self.sites: dict[str, int] = {}
        self.callers: list[str] = []
        self.helpers: dict[str, str] = {"note": NOTE, "place": PLACE, "count": COUNT}
        self.constant("bounds.found", f"global [{WORDS} x i64] zeroinitializer, align 8")
        self.constant("bounds.nothing", f"internal global [{SCRATCH} x i8] zeroinitializer, align 64")

    def function(
        self, name: str, params: Sequence[tuple[str, str]], returns: str = "void", *, internal: bool = False
    ) -> Function:
        """Begin a function."""
        return CheckedFunction(self, name, params, returns, internal=internal)

    def site(self, what: str) -> Value:
        """Return the number of an access by its description."""
        return Value(str(self.sites.setdefault(what, len(self.sites) + 1)), "i64")

    def lanes(self, n: int) -> str:
        """Return the name of the function that checks `n` addresses."""
        self.helpers[f"lanes{n}"] = LANES.replace("N", str(n))
        for op, type in (("or", "i1"), ("umax", "i64")):
            name = f"llvm.vector.reduce.{op}.v{n}{type}"
            self.declare(name, f"declare {type} @{name}(<{n} x {type}>)")
        return f"bounds.lanes.v{n}"

    def __str__(self) -> str:
        names = [f"; site {number}: {what}" for what, number in self.sites.items()]
        names += [f"; call {number}: {name}" for number, name in enumerate(self.callers)]
        return "\n".join([*names, super().__str__(), *self.helpers.values()]) + "\n"


class CheckedFunction(Function):
    """A function whose accesses are checked."""

    module: CheckedModule

    def __init__(
        self,
        module: CheckedModule,
        name: str,
        params: Sequence[tuple[str, str]],
        returns: str = "void",
        *,
        internal: bool = False,
    ) -> None:
        pointers = [n for t, n in params if t.split()[0] == "ptr"]
        more = [("i64", f"{n}.{end}") for n in pointers for end in ("low", "high")] if internal else []
        super().__init__(module, name, [*params, *more], returns, internal=internal)
        del self.args[len(params) :]
        self.limits: dict[str, Limits] = {"null": NOTHING}
        where = f" in {name}" if "." in name else ""  # kernels of equal text share a function, under the name of the first
        for n in pointers:
            low, high = Value(f"%{n}.low", "i64"), Value(f"%{n}.high", "i64")
            self.limits["%" + n] = Limits(low, high, n + where) if internal else NOTHING

    # -- limits ---------------------------------------------------------------------------------------

    def limits_of(self, place: Value) -> Limits:
        """Return the limits of a pointer.  Raises AssertionError if it has none."""
        if place.name.startswith("@") and place.name not in self.limits:
            self.limits[place.name] = self._of_constant(place.name)
        if place.name not in self.limits:
            raise AssertionError(f"the limits of {place.name} in {self.name} are not known")
        return self.limits[place.name]

    def _of_constant(self, name: str) -> Limits:
        extent = re.search(r"\[(\d+) x (\w+)\]", self.module.globals[name[1:]])
        assert extent is not None, f"{name} is no array"
        low = f"ptrtoint (ptr {name} to i64)"
        return Limits(Value(low, "i64"), Value(f"add (i64 {low}, i64 {int(extent[1]) * BYTES[extent[2]]})", "i64"), name)

    def bounded(
        self, place: Value, span: Callable[[], tuple[Value | int, Value | int]], label: str, *, early: bool = False
    ) -> Value:
        """Give a pointer the limits of a buffer: `span` is the distance in bytes from the pointer to its begin and its end."""
        lines = self.lines
        if early:
            self.lines = self.entry_allocas
        ends = span()
        at = self.inst(f"ptrtoint ptr {place.name} to i64", "i64")
        low, high = (self.binary("add", at, self.i64(e) if isinstance(e, int) else e) for e in ends)
        self.lines = lines
        self.limits[place.name] = Limits(low, high, label)
        return place

    def _like(self, pointer: Value, *of: Value) -> Value:
        """Give a pointer the limits of another one."""
        if pointer.type == "ptr":
            self.limits[pointer.name] = self.limits_of(of[0])
        return pointer

    def alloca(self, type: str, count: int, align: int = 64) -> Value:
        """Reserve `count` elements on the stack."""
        return self.bounded(super().alloca(type, count, align), lambda: (0, count * BYTES[type]), "the stack", early=True)

    def element(self, base: Value, index: Value, type: str) -> Value:
        """Return the address of an element."""
        return self._like(super().element(base, index, type), base)

    def freeze(self, x: Value) -> Value:
        """Make poison an arbitrary but fixed value."""
        return self._like(super().freeze(x), x)

    def splat(self, x: Value, lanes: int) -> Value:
        """Repeat a one-lane value."""
        return self._like(super().splat(x, lanes), x)

    def select(self, cond: Value, x: Value, y: Value) -> Value:
        """Select lane by lane; of two pointers, their limits too."""
        result = super().select(cond, x, y)
        if x.type != "ptr":
            return result
        a, b = self.limits_of(x), self.limits_of(y)
        if a != b:
            low, high = super().select(cond, a.low, b.low), super().select(cond, a.high, b.high)
            a = Limits(low, high, a.label if a.label == b.label else f"{a.label} or {b.label}")
        self.limits[result.name] = a
        return result

    # -- accesses -------------------------------------------------------------------------------------

    def _checked_address(self, what: str, place: Value, length: int) -> Value:
        """Return the address of an access of `length` bytes, or that of `@bounds.nothing`."""
        limits = self.limits_of(place)
        words = (self.i64(length), limits.low, limits.high, self.module.site(f"{what} {limits.label}"))
        address = self.inst(f"call ptr @bounds.place({', '.join(v.typed for v in (place, *words))})", "ptr")
        self.limits[address.name] = limits
        return address

    def _count(self, what: str, place: Value, length: Value) -> Value:
        """Return the number of bytes that a copy may touch: those requested, or none."""
        limits = self.limits_of(place)
        words = (length, limits.low, limits.high, self.module.site(f"{what} {limits.label}"))
        return self.inst(f"call i64 @bounds.count({', '.join(v.typed for v in (place, *words))})", "i64")

    def _lanes(self, what: str, places: Value, mask: Value, length: int) -> Value:
        """Return the lanes in which an access may take place: those of the mask, or none."""
        n, limits = mask.lanes, self.limits_of(places)
        words = (self.i64(length), limits.low, limits.high, self.module.site(f"{what} {limits.label}"))
        # at level 0 LLVM cannot pass vectors of i1
        operands = ", ".join(v.typed for v in (places, self.convert("zext", mask, "i8"), *words))
        good = self.inst(f"call i64 @{self.module.lanes(n)}({operands})", "i64")
        return self.and_(mask, self.splat(self.cmp("ne", good, self.i64(0)), n))

    def _each(self, base: Value, type: str, lanes: int) -> Value:
        return self.element(base, self.iota("i64", lanes), type)

    def load(self, base: Value, type: str, lanes: int = 1, *, align: int | None = None) -> Value:
        """Load consecutive elements."""
        return super().load(self._checked_address("load from", base, lanes * BYTES[type]), type, lanes, align=align)

    def store(self, x: Value, base: Value, *, align: int | None = None) -> None:
        """Store all lanes at consecutive elements."""
        super().store(x, self._checked_address("store to", base, x.lanes * BYTES[x.type]), align=align)

    def masked_load(self, base: Value, type: str, mask: Value, other: Value | None = None) -> Value:
        """Load the lanes where `mask` is true."""
        mask = self._lanes("load from", self._each(base, type, mask.lanes), mask, BYTES[type])
        return super().masked_load(base, type, mask, other)

    def masked_store(self, x: Value, base: Value, mask: Value) -> None:
        """Store the lanes where `mask` is true."""
        super().masked_store(x, base, self._lanes("store to", self._each(base, x.type, x.lanes), mask, BYTES[x.type]))

    def gather(self, addresses: Value, type: str, mask: Value) -> Value:
        """Load from one address a lane, where `mask` is true."""
        return super().gather(addresses, type, self._lanes("load from", addresses, mask, BYTES[type]))

    def scatter(self, x: Value, addresses: Value, mask: Value) -> None:
        """Store to one address a lane, where `mask` is true."""
        super().scatter(x, addresses, self._lanes("store to", addresses, mask, BYTES[x.type]))

    def move(self, source: Value, target: Value, size: Value) -> None:
        """Copy bytes."""
        super().move(source, target, self._count("move to", target, self._count("move from", source, size)))

    def _zero(self, place: Value, size: Value) -> None:
        super()._zero(place, self._count("clearing of", place, size))

    # -- control --------------------------------------------------------------------------------------

    def call(self, name: str, *args: Value, attributes: str = "") -> None:
        """Call a function of the module without a result; the limits of pointers go with them."""
        limits = [v for a in args if a.type == "ptr" for v in self.limits_of(a)[:2]]
        super().call(name, *args, *limits, attributes=attributes)

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
        """Write a counted loop; carried pointers carry their limits."""
        with super().loop(start, stop, step, self._with_limits(carry), nonempty=nonempty, hint=hint) as inner:
            loop = LoopBlock(inner.index, self._without_limits(carry, inner.carry))
            yield loop
            inner.next(self._with_limits(loop.carry if loop._next is None else loop._next))
        loop.results = self._without_limits(carry, inner.results)

    @contextmanager
    def repeat(self, carry: Sequence[Value], hint: str = "while") -> Iterator[LoopBlock]:
        """Write a loop that its body ends; carried pointers carry their limits."""
        with super().repeat(self._with_limits(carry), hint) as inner:
            loop = LoopBlock(inner.index, self._without_limits(carry, inner.carry))
            yield loop
            inner.next(self._with_limits(loop.carry if loop._next is None else loop._next))
        loop.results = loop.carry

    def _with_limits(self, carry: Sequence[Value]) -> list[Value]:
        return [*carry, *(v for c in carry if c.type == "ptr" for v in self.limits_of(c)[:2])]

    def _without_limits(self, carry: Sequence[Value], values: list[Value]) -> list[Value]:
        """Return the carried values, with the limits carried beside the pointers among them attached."""
        rest = iter(values[len(carry) :])
        for before, now in zip(carry, values, strict=False):
            if now.type == "ptr":
                self.limits[now.name] = Limits(next(rest), next(rest), self.limits_of(before).label)
        return values[: len(carry)]
