"""Write LLVM IR as text, one function at a time, at any vector width.

A `Value` is an SSA name with a scalar type and a number of lanes; the same calls on a `Function` write
`fadd float` for one lane and `fadd <16 x float>` for sixteen, so that a kernel body is written once and
its width is chosen by the loop around it.  Text is used, not llvmlite's builders, because it is some
fifty times faster to make (docs/decisions.md).

Nothing here decides anything: no tiling, no choice of width, no simplification beyond constants.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

__all__ = ["FLOATS", "Function", "Loop", "Module", "Value", "llvm_type"]

FLOATS = ("float", "double")
BYTES = {"i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "float": 4, "double": 8, "ptr": 8}
BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64}
SUFFIX = {"float": "f32", "double": "f64", "i1": "i1", "i8": "i8", "i16": "i16", "i32": "i32", "i64": "i64", "ptr": "p0"}


def llvm_type(type: str, lanes: int) -> str:
    """Spell a scalar type at a number of lanes: `float`, `<16 x float>`."""
    return type if lanes == 1 else f"<{lanes} x {type}>"


class Value(NamedTuple):
    """An SSA name or literal, its scalar type and its lanes."""

    name: str
    type: str
    lanes: int = 1

    @property
    def typed(self) -> str:
        """The operand as LLVM wants it in a call: type, then name."""
        return f"{llvm_type(self.type, self.lanes)} {self.name}"

    @property
    def is_float(self) -> bool:
        """Whether it is float or double, in one lane or in many."""
        return self.type in FLOATS


class Module:
    """Functions, declarations and constants that become one LLVM module; `literal`: sizes are among the constants."""

    def __init__(self, *, literal: bool = False) -> None:
        self.literal = literal
        self.functions: list[Function] = []
        self.declarations: dict[str, str] = {}
        self.globals: dict[str, str] = {}

    def function(
        self, name: str, params: Sequence[tuple[str, str]], returns: str = "void", *, internal: bool = False
    ) -> Function:
        """Begin a function."""
        return Function(self, name, params, returns, internal=internal)

    def declare(self, name: str, signature: str) -> None:
        """Declare an external function or intrinsic once; `signature` is the whole `declare` line."""
        self.declarations.setdefault(name, signature)

    def constant(self, name: str, definition: str) -> None:
        """Define a global once; `definition` is what stands after `@name = `."""
        self.globals.setdefault(name, definition)

    def __str__(self) -> str:
        parts = [f"@{name} = {text}" for name, text in self.globals.items()]
        parts += [str(f) for f in self.functions]
        parts += list(self.declarations.values())
        parts.append('attributes #0 = { nounwind "prefer-vector-width"="512" }')
        return "\n".join(parts) + "\n"


class Loop:
    """A counted loop being written: its index, its carried values, and what they are afterwards."""

    def __init__(self, index: Value, carry: list[Value]) -> None:
        self.index = index
        self.carry = carry
        self.results: list[Value] = []
        self._next: list[Value] | None = None

    def next(self, values: Sequence[Value]) -> None:
        """Give the carried values of the next iteration, in the order of `carry`."""
        self._next = list(values)


class Function:
    """One LLVM function being written.  `params` are (type, name) pairs without the percent sign.

    A parameter's type may carry attributes: ``("ptr noalias", "out")``.
    """

    def __init__(
        self, module: Module, name: str, params: Sequence[tuple[str, str]], returns: str = "void", *, internal: bool = False
    ) -> None:
        self.module = module
        self.name = name
        self.lines: list[str] = []
        self.count = 0
        self.label = "entry"
        self.entry_allocas: list[str] = []
        self.head = (
            f"define {'internal ' if internal else ''}{returns} @{name}(" + ", ".join(f"{t} %{n}" for t, n in params) + ") #0 {"
        )
        self.args = [Value(f"%{n}", t.split()[0]) for t, n in params]
        module.functions.append(self)

    def __str__(self) -> str:
        return "\n".join([self.head, "entry:", *self.entry_allocas, *self.lines, "}"])

    # -- the ground: instructions, blocks, constants ------------------------------------------------

    def fresh(self, hint: str = "") -> str:
        """Return a name that nothing has yet; `hint` keeps listings readable."""
        self.count += 1
        return f"{hint or 'v'}.{self.count}"

    def inst(self, text: str, type: str, lanes: int = 1, hint: str = "") -> Value:
        """Write `%name = text` and return it as a value."""
        name = "%" + self.fresh(hint)
        self.lines.append(f"  {name} = {text}")
        return Value(name, type, lanes)

    def do(self, text: str) -> None:
        """Write an instruction without a result."""
        self.lines.append("  " + text)

    def start(self, label: str) -> None:
        """Open the block `label`; the block before it must have ended."""
        self.lines.append(f"{label}:")
        self.label = label

    def br(self, label: str) -> None:
        """End the block: go on at `label`."""
        self.do(f"br label %{label}")

    def cond_br(self, cond: Value, then: str, other: str) -> None:
        """End the block: go on at `then` if the one-lane condition holds, else at `other`."""
        self.do(f"br i1 {cond.name}, label %{then}, label %{other}")

    def ret(self, value: Value | None = None) -> None:
        """End the block and the function, with a result unless it returns void."""
        self.do("ret void" if value is None else f"ret {value.typed}")

    def alloca(self, type: str, count: int, align: int = 64) -> Value:
        """Reserve `count` elements on the stack, in the entry block, once a call."""
        name = "%" + self.fresh("stack")
        self.entry_allocas.append(f"  {name} = alloca [{count} x {type}], align {align}")
        return Value(name, "ptr")

    def const(self, value: float | int | bool, type: str, lanes: int = 1) -> Value:
        """Return a literal, the same in every lane.  Floats are exact (written in hexadecimal)."""
        text = literal(value, type)
        return Value(text if lanes == 1 else f"splat ({type} {text})", type, lanes)

    def like(self, value: float | int | bool, x: Value) -> Value:
        """Return a literal of the type and lanes of `x`."""
        return self.const(value, x.type, x.lanes)

    def i64(self, value: int) -> Value:
        """Return a literal of type i64, such as an index."""
        return Value(str(value), "i64")

    def lanes_const(self, values: Sequence[int | float], type: str) -> Value:
        """Return a literal vector, lane by lane."""
        return Value("<" + ", ".join(f"{type} {literal(v, type)}" for v in values) + ">", type, len(values))

    def iota(self, type: str, lanes: int) -> Value:
        """Return 0, 1, 2, … over the lanes (a plain 0 for one lane)."""
        return self.const(0, type) if lanes == 1 else self.lanes_const(range(lanes), type)

    # -- shape of values ------------------------------------------------------------------------------

    def splat(self, x: Value, lanes: int) -> Value:
        """Repeat a one-lane value over `lanes`; a value that has them already is returned as it is."""
        if x.lanes == lanes:
            return x
        assert x.lanes == 1, f"cannot widen {x.lanes} lanes to {lanes}"
        if not x.name.startswith("%"):
            return Value(f"splat ({x.type} {x.name})", x.type, lanes)
        t = llvm_type(x.type, lanes)
        one = self.inst(f"insertelement {t} poison, {x.type} {x.name}, i64 0", x.type, lanes)
        return self.inst(f"shufflevector {t} {one.name}, {t} poison, <{lanes} x i32> zeroinitializer", x.type, lanes)

    def common(self, *xs: Value) -> list[Value]:
        """Bring values to the widest lanes among them."""
        lanes = max(x.lanes for x in xs)
        return [self.splat(x, lanes) for x in xs]

    def extract(self, x: Value, lane: int) -> Value:
        """Return one lane."""
        return x if x.lanes == 1 else self.inst(f"extractelement {x.typed}, i64 {lane}", x.type)

    def shuffle(self, x: Value, y: Value | None, picks: Sequence[int]) -> Value:
        """Pick lanes from `x` followed by `y`."""
        other = y.typed if y is not None else f"{llvm_type(x.type, x.lanes)} poison"
        mask = ", ".join(f"i32 {p}" for p in picks)
        return self.inst(f"shufflevector {x.typed}, {other}, <{len(picks)} x i32> <{mask}>", x.type, len(picks))

    # -- arithmetic -----------------------------------------------------------------------------------

    def binary(self, op: str, x: Value, y: Value) -> Value:
        """Write any two-operand instruction of one type: `binary("fadd", x, y)`."""
        x, y = self.common(x, y)
        return self.inst(f"{op} {x.typed}, {y.name}", x.type, x.lanes)

    def add(self, x: Value, y: Value) -> Value:
        """Return x + y; integers wrap around."""
        return self.binary("fadd" if x.is_float else "add", x, y)

    def sub(self, x: Value, y: Value) -> Value:
        """Return x - y; integers wrap around."""
        return self.binary("fsub" if x.is_float else "sub", x, y)

    def mul(self, x: Value, y: Value) -> Value:
        """Return x·y; integers wrap around."""
        return self.binary("fmul" if x.is_float else "mul", x, y)

    def fdiv(self, x: Value, y: Value) -> Value:
        """Return x / y of floats, rounded correctly."""
        return self.binary("fdiv", x, y)

    def neg(self, x: Value) -> Value:
        """Return -x: with the sign flipped for floats, wrapped around for integers."""
        return self.inst(f"fneg {x.typed}", x.type, x.lanes) if x.is_float else self.sub(self.like(0, x), x)

    def fma(self, x: Value, y: Value, z: Value) -> Value:
        """x*y + z rounded once."""
        return self.intrinsic("fma", x, y, z)

    def and_(self, x: Value, y: Value) -> Value:
        """Return x & y, bit by bit, of integers or conditions."""
        return self.binary("and", x, y)

    def or_(self, x: Value, y: Value) -> Value:
        """Return x | y, bit by bit, of integers or conditions."""
        return self.binary("or", x, y)

    def xor(self, x: Value, y: Value) -> Value:
        """Return x ^ y, bit by bit, of integers or conditions."""
        return self.binary("xor", x, y)

    def shl(self, x: Value, y: Value) -> Value:
        """Return x shifted left by y bits; poison unless y is less than the width."""
        return self.binary("shl", x, y)

    def lshr(self, x: Value, y: Value) -> Value:
        """Return x shifted right by y bits, zeros coming in; poison unless y is less than the width."""
        return self.binary("lshr", x, y)

    def ashr(self, x: Value, y: Value) -> Value:
        """Return x shifted right by y bits, the sign coming in; poison unless y is less than the width."""
        return self.binary("ashr", x, y)

    def cmp(self, predicate: str, x: Value, y: Value) -> Value:
        """Compare: `olt`, `oeq`, `une`, `uno` … for floats, `slt`, `ult`, `eq` … for integers."""
        x, y = self.common(x, y)
        return self.inst(f"{'fcmp' if x.is_float else 'icmp'} {predicate} {x.typed}, {y.name}", "i1", x.lanes)

    def select(self, cond: Value, x: Value, y: Value) -> Value:
        """Choose lane by lane.  A one-lane condition may choose between whole vectors."""
        x, y = self.common(x, y)
        if cond.lanes != 1:
            cond, x, y = self.common(cond, x, y)
        return self.inst(f"select {cond.typed}, {x.typed}, {y.typed}", x.type, x.lanes)

    def convert(self, op: str, x: Value, type: str) -> Value:
        """Write a cast instruction: `convert("sitofp", x, "float")`."""
        return self.inst(f"{op} {x.typed} to {llvm_type(type, x.lanes)}", type, x.lanes)

    def bitcast(self, x: Value, type: str) -> Value:
        """Read the bits of `x` as another type of the same width."""
        return self.convert("bitcast", x, type)

    def freeze(self, x: Value) -> Value:
        """Make poison an arbitrary but fixed value."""
        return self.inst(f"freeze {x.typed}", x.type, x.lanes)

    def intrinsic(self, name: str, *xs: Value) -> Value:
        """Call `llvm.<name>` whose operands and result share one type: fma, sqrt, fabs, floor, ctpop …"""
        xs = tuple(self.common(*xs))
        x = xs[0]
        t = llvm_type(x.type, x.lanes)
        full = f"llvm.{name}." + (SUFFIX[x.type] if x.lanes == 1 else f"v{x.lanes}{SUFFIX[x.type]}")
        self.module.declare(full, f"declare {t} @{full}({', '.join([t] * len(xs))})")
        return self.inst(f"call {t} @{full}({', '.join(v.typed for v in xs)})", x.type, x.lanes)

    def reduce(self, op: str, x: Value, start: float | None = None) -> Value:
        """Fold the lanes of `x` to one: op is add, mul, smax, smin, umax, umin, and, or, fadd, fmul, fmax, fmin.

        fadd and fmul are reassociated (a tree over the lanes) and need their neutral `start`.
        """
        if x.lanes == 1:
            return x
        t = llvm_type(x.type, x.lanes)
        full = f"llvm.vector.reduce.{op}.v{x.lanes}{SUFFIX[x.type]}"
        if op in ("fadd", "fmul"):
            first = self.const(0.0 if op == "fadd" else 1.0, x.type) if start is None else self.const(start, x.type)
            self.module.declare(full, f"declare {x.type} @{full}({x.type}, {t})")
            return self.inst(f"call reassoc {x.type} @{full}({first.typed}, {x.typed})", x.type)
        self.module.declare(full, f"declare {x.type} @{full}({t})")
        return self.inst(f"call {x.type} @{full}({x.typed})", x.type)

    def any(self, x: Value, width: int, type: str) -> Value:
        """Tell whether any lane of a vector of i1 is set.

        More lanes than `width` are halved first, as integers of a type that is as wide as what was compared: these masks
        are joined as the comparisons leave them, and only one is packed.
        """
        if x.lanes > width:
            masks = self.convert("sext", x, type)
            while masks.lanes > width:
                half = masks.lanes // 2
                masks = self.or_(*(self.shuffle(masks, None, range(at, at + half)) for at in (0, half)))
            x = self.cmp("slt", masks, self.like(0, masks))
        return self.reduce("or", x)

    # -- memory ---------------------------------------------------------------------------------------

    def element(self, base: Value, index: Value, type: str) -> Value:
        """Return the address of element `index` (in elements of `type`) from `base`."""
        if index.name == "0":
            return base
        return self.inst(f"getelementptr {type}, ptr {base.name}, {index.typed}", "ptr", index.lanes)

    def load(self, base: Value, type: str, lanes: int = 1, *, align: int | None = None) -> Value:
        """Load consecutive elements; aligned to one element unless said otherwise."""
        t = llvm_type(type, lanes)
        return self.inst(f"load {t}, ptr {base.name}, align {align or BYTES[type]}", type, lanes)

    def store(self, x: Value, base: Value, *, align: int | None = None) -> None:
        """Store all lanes at consecutive elements; aligned to one element unless said otherwise."""
        self.do(f"store {x.typed}, ptr {base.name}, align {align or BYTES[x.type]}")

    def move(self, source: Value, target: Value, size: Value) -> None:
        """Copy bytes; source and target may be one place."""
        self.module.declare("llvm.memmove.p0.p0.i64", "declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)")
        self.do(f"call void @llvm.memmove.p0.p0.i64({target.typed}, {source.typed}, {size.typed}, i1 false)")

    def clear(self, place: Value, count: Value, type: str) -> None:
        """Write `count` zeros of a type."""
        self._zero(place, self.mul(count, self.i64(BYTES[type])))

    def _zero(self, place: Value, size: Value) -> None:
        self.module.declare("llvm.memset.p0.i64", "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        self.do(f"call void @llvm.memset.p0.i64(ptr {place.name}, i8 0, {size.typed}, i1 false)")

    def bounded(
        self, place: Value, span: Callable[[], tuple[Value | int, Value | int]], label: str, *, early: bool = False
    ) -> Value:
        """Say of which buffer a pointer is, for functions whose accesses are checked (codegen/bounds.py); return it.

        `span` gives the bytes from it to the first of the buffer and to the first behind it, `early` where the function begins.
        """
        return place

    # The masked intrinsics are written with their alignment as an operand, as LLVM 20 has it; later ones read both.

    def masked_load(self, base: Value, type: str, mask: Value, other: Value | None = None) -> Value:
        """Load the lanes where `mask` is true; the rest are `other` (zero when left out)."""
        t = llvm_type(type, mask.lanes)
        name = f"llvm.masked.load.v{mask.lanes}{SUFFIX[type]}.p0"
        self.module.declare(name, f"declare {t} @{name}(ptr, i32, <{mask.lanes} x i1>, {t})")
        rest = other.typed if other is not None else f"{t} zeroinitializer"
        return self.inst(f"call {t} @{name}(ptr {base.name}, i32 {BYTES[type]}, {mask.typed}, {rest})", type, mask.lanes)

    def masked_store(self, x: Value, base: Value, mask: Value) -> None:
        """Store the lanes where `mask` is true at consecutive elements; memory of the rest is not touched."""
        t = llvm_type(x.type, x.lanes)
        name = f"llvm.masked.store.v{x.lanes}{SUFFIX[x.type]}.p0"
        self.module.declare(name, f"declare void @{name}({t}, ptr, i32, <{x.lanes} x i1>)")
        self.do(f"call void @{name}({x.typed}, ptr {base.name}, i32 {BYTES[x.type]}, {mask.typed})")

    def gather(self, addresses: Value, type: str, mask: Value) -> Value:
        """Load from one address a lane, where `mask` is true; the rest are zero."""
        n = mask.lanes
        t, name = llvm_type(type, n), f"llvm.masked.gather.v{n}{SUFFIX[type]}.v{n}p0"
        self.module.declare(name, f"declare {t} @{name}(<{n} x ptr>, i32, <{n} x i1>, {t})")
        return self.inst(f"call {t} @{name}({addresses.typed}, i32 {BYTES[type]}, {mask.typed}, {t} zeroinitializer)", type, n)

    def scatter(self, x: Value, addresses: Value, mask: Value) -> None:
        """Store to one address a lane, first lane first, where `mask` is true."""
        t, name = llvm_type(x.type, x.lanes), f"llvm.masked.scatter.v{x.lanes}{SUFFIX[x.type]}.v{x.lanes}p0"
        self.module.declare(name, f"declare void @{name}({t}, <{x.lanes} x ptr>, i32, <{x.lanes} x i1>)")
        self.do(f"call void @{name}({x.typed}, {addresses.typed}, i32 {BYTES[x.type]}, {mask.typed})")

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
    ) -> Iterator[Loop]:
        """Write `for i in range(start, stop, step)` with carried values; the body is the `with` block.

        The test stands at the bottom; `nonempty` leaves out the guard at the top.  After the block
        `loop.results` are the carried values at the end.  All counters are i64.
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
        loop = Loop(index, phis)
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
        for first, last in zip(carry, after, strict=True):
            t = llvm_type(first.type, first.lanes)
            loop.results.append(
                self.inst(f"phi {t} [ {first.name}, %{before} ], [ {last.name}, %{end} ]", first.type, first.lanes)
            )

    @contextmanager
    def repeat(self, carry: Sequence[Value], hint: str = "while") -> Iterator[Loop]:
        """Write a loop that runs until its body says so, by `go_on_if`; its carried values at that time are the results."""
        name, before = self.fresh(hint), self.label
        self.br(name)
        self.start(name)
        where = len(self.lines)
        loop = Loop(Value(name, "label"), [Value("%" + self.fresh("c"), c.type, c.lanes) for c in carry])
        yield loop
        after = loop._next if loop._next is not None else loop.carry
        self.br(name)
        self.lines[where:where] = [
            f"  {c.name} = phi {llvm_type(c.type, c.lanes)} [ {first.name}, %{before} ], [ {last.name}, %{self.label} ]"
            for c, first, last in zip(loop.carry, carry, after, strict=True)
        ]
        self.start(f"end.{name}")
        loop.results = loop.carry

    def go_on_if(self, loop: Loop, cond: Value) -> None:
        """Leave a loop of `repeat` unless the condition holds."""
        self.cond_br(cond, f"body.{loop.index.name}", f"end.{loop.index.name}")
        self.start(f"body.{loop.index.name}")

    @contextmanager
    def when(self, cond: Value, hint: str = "then") -> Iterator[None]:
        """Write the `with` block so that it runs only if `cond` holds.  No values come out of it."""
        name = self.fresh(hint)
        self.cond_br(cond, f"if.{name}", f"end.{name}")
        self.start(f"if.{name}")
        yield
        self.br(f"end.{name}")
        self.start(f"end.{name}")


def literal(value: float | int | bool, type: str) -> str:
    """Spell a scalar constant exactly: LLVM writes every float as the 64 bits of its double."""
    if type in FLOATS:
        x = float(value)
        if type == "float":
            x = struct.unpack("<f", struct.pack("<f", x))[0] if abs(x) <= 3.4028235677973366e38 or x != x else x * float("inf")
        return f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}"
    if type == "i1":
        return "true" if value else "false"
    bits = BITS[type]
    n = int(value) & ((1 << bits) - 1)
    return str(n - (1 << bits) if n >> (bits - 1) else n)
