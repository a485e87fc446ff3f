"""Instructions on values of any vector width.

The same calls emit `fadd float` for one lane and `fadd <16 x float>` for sixteen: a kernel body is written once, and the loop
around it chooses the width.  Nothing is decided here: no tiling, no width, no simplification beyond constants.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen.llvm.values import SUFFIX, Value, literal, llvm_type

__all__ = ["Declarations", "Instructions"]


class Declarations:
    """Declarations and constants of a module; with `literal`, sizes are literals in its code."""

    def __init__(self, *, literal: bool = False) -> None:
        self.literal = literal
        self.declarations: dict[str, str] = {}
        self.globals: dict[str, str] = {}

    def declare(self, name: str, signature: str) -> None:
        """Declare an external function or intrinsic once; `signature` is the complete `declare` line."""
        self.declarations.setdefault(name, signature)

    def constant(self, name: str, definition: str) -> None:
        """Define a global once; `definition` is the text after `@name = `."""
        self.globals.setdefault(name, definition)


class Instructions:
    """The instructions of a function without memory and loops."""

    def __init__(self, module: Declarations) -> None:
        self.module = module
        self.lines: list[str] = []
        self.count = 0
        self.label = "entry"
        self.entry_allocas: list[str] = []

    # -- instructions, blocks, constants --------------------------------------------------------------

    def fresh(self, hint: str = "") -> str:
        """Return an unused name; `hint` keeps listings readable."""
        self.count += 1
        return f"{hint or 'v'}.{self.count}"

    def inst(self, text: str, type: str, lanes: int = 1, hint: str = "") -> Value:
        """Emit `%name = text` and return it as a value."""
        name = "%" + self.fresh(hint)
        self.lines.append(f"  {name} = {text}")
        return Value(name, type, lanes)

    def do(self, text: str) -> None:
        """Emit an instruction without a result."""
        self.lines.append("  " + text)

    def start(self, label: str) -> None:
        """Begin the block `label`; the block before it must have ended."""
        self.lines.append(f"{label}:")
        self.label = label

    def br(self, label: str) -> None:
        """End the block with a jump to `label`."""
        self.do(f"br label %{label}")

    def cond_br(self, cond: Value, then: str, other: str) -> None:
        """End the block with a branch to `then` if the one-lane condition holds, else to `other`."""
        self.do(f"br i1 {cond.name}, label %{then}, label %{other}")

    def ret(self, value: Value | None = None) -> None:
        """End the block and the function, with a result unless it returns void."""
        self.do("ret void" if value is None else f"ret {value.typed}")

    def alloca(self, type: str, count: int, align: int = 64) -> Value:
        """Reserve `count` elements on the stack, in the entry block, once per call."""
        name = "%" + self.fresh("stack")
        self.entry_allocas.append(f"  {name} = alloca [{count} x {type}], align {align}")
        return Value(name, "ptr")

    def const(self, value: float | int | bool, type: str, lanes: int = 1) -> Value:
        """Return a literal, the same in every lane.  Floats are exact (printed in hexadecimal)."""
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
        """Repeat a one-lane value over `lanes`; a value that already has them is returned as it is."""
        if x.lanes == lanes:
            return x
        assert x.lanes == 1, f"cannot widen {x.lanes} lanes to {lanes}"
        if not x.name.startswith("%"):
            return Value(f"splat ({x.type} {x.name})", x.type, lanes)
        t = llvm_type(x.type, lanes)
        one = self.inst(f"insertelement {t} poison, {x.type} {x.name}, i64 0", x.type, lanes)
        return self.inst(f"shufflevector {t} {one.name}, {t} poison, <{lanes} x i32> zeroinitializer", x.type, lanes)

    def common(self, *xs: Value) -> list[Value]:
        """Broadcast values to the widest lanes among them."""
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
        """Emit any two-operand instruction of one type: `binary("fadd", x, y)`."""
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
        """Select lane by lane.  A one-lane condition may select between whole vectors."""
        x, y = self.common(x, y)
        if cond.lanes != 1:
            cond, x, y = self.common(cond, x, y)
        return self.inst(f"select {cond.typed}, {x.typed}, {y.typed}", x.type, x.lanes)

    def phi(self, x: Value, x_from: str, y: Value, y_from: str) -> Value:
        """Merge a value from each of two blocks, given by their labels."""
        pairs = f"[ {x.name}, %{x_from} ], [ {y.name}, %{y_from} ]"
        return self.inst(f"phi {llvm_type(x.type, x.lanes)} {pairs}", x.type, x.lanes)

    def convert(self, op: str, x: Value, type: str) -> Value:
        """Emit a cast instruction: `convert("sitofp", x, "float")`."""
        return self.inst(f"{op} {x.typed} to {llvm_type(type, x.lanes)}", type, x.lanes)

    def bitcast(self, x: Value, type: str) -> Value:
        """Reinterpret the bits of `x` as another type of the same width."""
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
        """Reduce the lanes of `x` to one: op is add, mul, smax, smin, umax, umin, and, or, fadd, fmul, fmax, fmin.

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
        """Return whether any lane of a vector of i1 is set.

        More lanes than `width` are halved first, as integers of a `type` as wide as the compared values: the masks are combined
        in the form in which comparisons produce them, and only one is packed.
        """
        if x.lanes > width:
            masks = self.convert("sext", x, type)
            while masks.lanes > width:
                half = masks.lanes // 2
                masks = self.or_(*(self.shuffle(masks, None, range(at, at + half)) for at in (0, half)))
            x = self.cmp("slt", masks, self.like(0, masks))
        return self.reduce("or", x)
