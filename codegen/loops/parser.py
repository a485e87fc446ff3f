"""Read a scheduled kernel from the text that `printer.py` writes: a line per loop, instruction, reduction and store.

The loops that an instruction varies with, and its dtype, follow from its operands.  Only the form is checked; `verifier.py`
checks the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from graphc.codegen.loops.loop_ir import (
    Access,
    Buffer,
    Index,
    Instr,
    Kernel,
    OuterReduction,
    Parallel,
    PassSchedule,
    Reduction,
    Schedule,
    Stage,
    Store,
    Vector,
)
from graphc.codegen.loops.printer import NEXT, siblings
from graphc.ir.core.graph import TypeRuleError, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.signatures import NUMBER
from graphc.ir.core.types import BOOL, DTYPES, I32, I64, DType, TensorType

__all__ = ["KernelSyntaxError", "parse_kernel", "result_dtype"]

HEAD = re.compile(r"kernel (?P<name>\w+)\((?P<buffers>.*)\) outer=(?P<outer>\d+)(?P<literal> literal)?")
BUFFER = re.compile(r"(?P<out>out )?(?P<name>\w+): (?P<dtype>\w+)")
LOOP = re.compile(r"for i(?P<loop>\d+) in (?P<extent>\d+):(?: \((?P<notes>[^)]*)\))?")
STORE = re.compile(r"(?P<buffer>\w+)\[(?P<index>[^\]]*)\] = (?P<value>.+?)(?: \((?P<how>scatter)\))?")
VALUE = re.compile(r"(?P<name>\w+) = (?P<rest>.*?)(?: \(row (?P<row>\d+)\))?")
ROW = re.compile(r"row (?P<row>\d+)")
LOAD = re.compile(r"(?P<buffer>\w+)\[(?P<index>[^\]]*)\](?: if (?P<mask>.+?))?(?: \((?P<how>shuffle|gather)\))?")
REDUCE = re.compile(r"(?P<kind>\w+) over (?P<loops>i\d+(?:, i\d+)*) of (?P<value>.+?)(?: at (?P<at>.+?))?(?P<wide> \(wide\))?")
TERM = r"(?:-?\d+\*)?(?:(?:(?:i64 |size )?-?\d+)|[A-Za-z]\w*)"
INDEX = re.compile(rf"{TERM}(?: \+ {TERM})*")
LITERAL = re.compile(r"-?[\d.]+(?:e[+-]?\d+)?|-?inf|nan|True|False")
APPLY = re.compile(r"(?P<op>\w+) (?P<args>.+?)(?: to (?P<dtype>\w+))?")

FIXED = {"index": I64, "size": I64, "index_div": I64, "bound": BOOL, "random_bits": I32}
"""Dtypes of instructions that are not elementwise primitives."""

MOST_LOOPS = 64
"""The most loops of a kernel: a text with more is an attack on memory, not a kernel."""


class KernelSyntaxError(ValueError):
    """The text is not a kernel.  `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line


def parse_kernel(text: str) -> Kernel:
    """Return the kernel of a listing.  Raises KernelSyntaxError."""
    reader = _Reader(text.rstrip("\n").splitlines())
    try:
        return reader.read()
    except KernelSyntaxError:
        raise
    except (TypeRuleError, ValueError, LookupError) as error:  # an invalid number, or an unknown name
        raise KernelSyntaxError(reader.line, f"{error}") from error


@cache
def result_dtype(op: str, dtypes: tuple[DType, ...]) -> DType:
    """Return the dtype of an operation on some dtypes.  Raises TypeRuleError if there is none."""
    if op in FIXED:
        return FIXED[op]
    primitive = PRIMITIVES.get(op)
    if primitive is None or primitive.kind != "elementwise":
        raise TypeRuleError(f"{op} is no operation on elements")
    numbers = {key: 0 for key, attribute in primitive.attributes.items() if attribute is NUMBER}
    known = dtypes[: len(dtypes) - len(numbers)]  # the numbers are the last operands of an instruction
    if any(d is not dtypes[0] for d in dtypes[len(known) :]):
        raise TypeRuleError(f"{op} takes numbers of the dtype of its operands")
    return primitive.infer(tuple([parameter(TensorType(d)) for d in known]), numbers, ())[0].dtype


class _Loop(NamedTuple):
    """The line of a loop: its number, how it runs, and its checks by their names, which follow."""

    number: int
    vector: tuple[int, str] | None
    checks: dict[str, list[str]]
    block: int


class _Reader:
    """Reads the lines of one kernel."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.line = lines, 1
        self.dims: dict[int, int] = {}
        self.outer: list[_Loop] = []
        self.buffers: list[Buffer] = []
        self.stages: list[Stage] = []
        self.inner: list[list[_Loop]] = []
        """Loops of each stage."""
        self.values: dict[str, Instr] = {}
        self.constants: dict[object, Instr] = {}
        self.rows: dict[int, tuple[Instr, int]] = {}
        """Values that are saved, and the pass of each, by the number of their row."""
        self.wide: set[Reduction] = set()
        self.accesses: dict[tuple[Access, int], str] = {}
        self.parallel: Parallel | None = None
        self.outer_reductions: dict[Instr, tuple[Stage, Reduction]] = {}
        """Outer reductions by their values; their stores come last."""

    def read(self) -> Kernel:
        head = self._match(HEAD, self.lines[0] if self.lines else "", "kernel name(buffers) outer=…")
        for part in head["buffers"].split(", ") if head["buffers"] else ():
            b = self._match(BUFFER, part, "a buffer")
            self.buffers.append(Buffer(self._dtype(b["dtype"]), bool(b["out"]), b["name"]))
        rows = enumerate(self.lines[1:], 2)
        for _ in range(int(head["outer"])):
            self.line, text = next(rows, (len(self.lines), ""))
            self.outer.append(self._loop(text.strip()))
        for self.line, text in rows:
            self._statement((len(text) - len(text.lstrip())) // 2 - len(self.outer) - 1, text.strip())
        dims = tuple(self.dims.get(i, 1) for i in range(max(self.dims, default=-1) + 1))
        return Kernel(head["name"], dims, self._outer, self.stages, self.buffers, self._schedule(bool(head["literal"])))

    @property
    def _outer(self) -> tuple[int, ...]:
        return tuple(loop.number for loop in self.outer)

    def _schedule(self, literal: bool) -> Schedule:
        passes = [PassSchedule(self._vector(loops[-1]), loops[-1].block) if loops else PassSchedule() for loops in self.inner]
        points, block = (self._vector(self.outer[-1]), self.outer[-1].block) if self.outer else (None, 0)
        saved = dict(self.rows[row] for row in range(len(self.rows)))
        return Schedule(points, tuple(passes), block, saved, frozenset(self.wide), literal, self.accesses, self.parallel)

    def _vector(self, loop: _Loop) -> Vector | None:
        if loop.vector is None:
            return None
        along, across = (tuple(self.values[name] for name in loop.checks.get(word, ())) for word in ("along", "across"))
        return Vector(*loop.vector, along, across)

    def _require(self, fact: object, what: str) -> None:
        if not fact:
            raise KernelSyntaxError(self.line, f"expected {what}")

    def _match(self, pattern: re.Pattern[str], text: str, what: str) -> re.Match[str]:
        match = pattern.fullmatch(text)
        if match is None:
            raise KernelSyntaxError(self.line, f"expected {what}, got {text!r}")
        return match

    def _dtype(self, name: str) -> DType:
        self._require(name in DTYPES, f"a dtype, got {name!r}")
        return DTYPES[name]

    def _loop(self, text: str) -> _Loop:
        match = self._match(LOOP, text, "for i0 in 8:")
        loop, extent = int(match["loop"]), int(match["extent"])
        self._require(loop < MOST_LOOPS, f"at most {MOST_LOOPS} loops")
        self._require(self.dims.setdefault(loop, extent) == extent, f"one extent for i{loop}")
        notes = match["notes"].split(", ") if match["notes"] else []
        if notes and notes[0].startswith("parallel "):
            self._require(self.parallel is None, "one parallel loop")
            self.parallel = Parallel(loop, int(notes.pop(0).removeprefix("parallel ")))
        block = int(notes.pop().removeprefix("blocks ")) if notes and notes[-1].startswith("blocks ") else 0
        if not notes:
            return _Loop(loop, None, {}, block)
        lanes, remainder, *lists = notes
        checks = {word: names for word, *names in map(str.split, lists)}
        self._require(lanes.startswith("vector ") and checks.keys() <= {"along", "across"}, "vector 8, peel")
        return _Loop(loop, (int(lanes.removeprefix("vector ")), remainder), checks, block)

    # -- passes -----------------------------------------------------------------------------------

    def _statement(self, level: int, text: str) -> None:
        """Read a line `level` levels inside of the outer loops."""
        if text.startswith("for "):
            loop = self._loop(text)
            if level == 0:
                self._open([])
            self._require(self.stages and level == len(self.inner[-1]), "a loop of a pass")
            self.inner[-1].append(loop)
            self.stages[-1].inner = tuple(lo.number for lo in self.inner[-1])
        elif text == NEXT:
            self._require(self.stages and not self.inner[-1], f"a pass without loops before {NEXT!r}")
            self._open([])
        elif level < 0 or STORE.fullmatch(text):
            self._store(level, text)
        else:
            self._within(level)
            self._assign(text)

    def _open(self, loops: list[_Loop]) -> None:
        self.stages.append(Stage(()))
        self.inner.append(loops)

    def _within(self, level: int) -> Stage:
        """Return the pass of a line: a new one if the line is outside of the last pass's loops."""
        if level == 0 and (not self.stages or self.inner[-1]):
            self._open([])
        self._require(self.stages and level == len(self.inner[-1]), "a line of a pass")
        return self.stages[-1]

    def _store(self, level: int, text: str) -> None:
        match = self._match(STORE, text, "a store")
        buffer = self._buffer(match["buffer"])
        stage = None if level < 0 else self._within(level)
        store = Store(buffer, self._index(match["index"]), self._operand(match["value"], self.buffers[buffer].dtype))
        if stage is not None:
            stage.stores.append(store)
            self._access(store, match["how"])
            return
        self._require(not match["how"], "a store of one element")
        self._require(store.value in self.outer_reductions, "the store of a reduction over outer loops")
        stage, reduction = self.outer_reductions[store.value]
        stage.outer_reductions.append(OuterReduction(reduction, store))

    def _assign(self, text: str) -> None:
        match = self._match(VALUE, text, "a value")
        name, rest = match["name"], match["rest"]
        if row := ROW.fullmatch(rest):
            known = self.rows.get(int(row["row"]))
            self._require(known is not None and known[0] is self.values.get(name), f"{name} to be saved in this row before")
            return
        if REDUCE.fullmatch(rest):
            self._reduction(name, self._match(REDUCE, rest, "a reduction"))
            return
        value = self._value(name, rest)
        if match["row"]:
            self._require(int(match["row"]) not in self.rows, "a row of its own")
            self.rows[int(match["row"])] = value, len(self.stages) - 1

    def _reduction(self, name: str, match: re.Match[str]) -> None:
        self._require(name not in self.values, f"a new name, not {name}")
        loops = tuple(int(lo[1:]) for lo in match["loops"].split(", "))
        position = self._operand(match["at"]) if match["at"] else None
        value, stage, kind = self._operand(match["value"]), self.stages[-1], match["kind"]
        reduction = Reduction(kind, value, loops, value.dtype, name, position)
        dtype = I64 if position is not None else value.dtype
        level, around = value.level + 1, frozenset(self._outer).difference(loops)
        self.values[name] = instr = Instr("reduced", (), dtype, around, level, reduction, False, name)
        if match["wide"]:
            self.wide.add(reduction)
        if set(loops).isdisjoint(self._outer):
            stage.reductions.append(reduction)
        else:
            self.outer_reductions[instr] = (stage, reduction)

    # -- values -----------------------------------------------------------------------------------

    def _value(self, name: str, text: str) -> Instr:
        args: list[Instr]
        if match := LOAD.fullmatch(text):
            op, masked, buffer = "load", bool(match["mask"]), self._buffer(match["buffer"])
            attr: Any = (buffer, self._index(match["index"]))
            args, dtype = [self._operand(match["mask"])] if masked else [], self.buffers[buffer].dtype
        elif INDEX.fullmatch(text):
            op, masked, attr, args, dtype = "index", False, self._index(text), [], I64
        else:
            match = self._match(APPLY, text, "a value")
            op, masked, attr = match["op"], False, None
            args = self._operands(op, match["args"].split(", "))
            self._require(bool(match["dtype"]) == (op == "cast"), "a cast to a dtype")
            dtype = self._dtype(match["dtype"]) if match["dtype"] else result_dtype(op, tuple(a.dtype for a in args))
        value = self._instr(name, op, tuple(args), dtype, attr, masked)
        if match and op == "load":
            self._access(value, match["how"])
        return value

    def _access(self, access: Access, how: str | None) -> None:
        """Record how the lanes of the current pass load or store."""
        points = self.outer[-1] if self.outer else None
        loops = [points] if points is not None and points.vector is not None else self.inner[-1][-1:]
        if how is not None:
            self._require(loops, "a vectorized loop")
            key = access, loops[-1].number
            self._require(self.accesses.setdefault(key, how) == how, f"one way to access it, not {how}")

    def _instr(self, name: str, op: str, args: tuple[Instr, ...], dtype: DType, attr: Any, masked: bool) -> Instr:
        known = self.values.get(name)
        if known is not None:
            same = (known.op, known.args, known.dtype, known.attr, known.masked) == (op, args, dtype, attr, masked)
            self._require(same, f"one meaning of {name}")
            return known
        index = attr[1] if op == "load" else attr if op == "index" else Index()
        reads = [*args, *(v for v, _ in index.values)]
        loops = frozenset(lo for lo, _ in index.loops).union(*(r.loops for r in reads))
        level = max((r.level for r in reads), default=0)
        self.values[name] = Instr(op, args, dtype, loops, level, attr, masked, name)
        return self.values[name]

    def _buffer(self, name: str) -> int:
        names = [b.name for b in self.buffers]
        self._require(name in names, f"a buffer, got {name!r}")
        return names.index(name)

    def _index(self, text: str) -> Index:
        self._match(INDEX, text, "an index")
        index = Index()
        for term in text.split(" + "):
            scale, _, what = term.rpartition("*")
            factor = int(scale) if scale else 1
            if re.fullmatch(r"-?\d+", what):
                index = index.plus(int(what) * factor)
            elif re.fullmatch(r"i\d+", what):
                self._require(int(what[1:]) in self.dims, f"a loop, not {what}")
                index = index.plus(Index.loop(int(what[1:])).scaled(factor))
            else:
                index = index.plus(Index(0, (), ((self._operand(what), factor),)))
        return index

    def _operands(self, op: str, texts: Sequence[str]) -> list[Instr]:
        """Return operands; the dtype of a constant may follow from the others."""
        known = [None if t not in self.values and LITERAL.fullmatch(t) else self._operand(t) for t in texts]
        dtypes = siblings(op, known)
        return [self._operand(t, d) if x is None else x for t, x, d in zip(texts, known, dtypes, strict=True)]

    def _operand(self, text: str, dtype: DType | None = None) -> Instr:
        if text in self.values:
            return self.values[text]
        kind, _, number = text.rpartition(" ")
        if kind == "size":
            return self._constant("size", I64, int(number))
        dtype = self._dtype(kind) if kind else dtype
        if dtype is None or not LITERAL.fullmatch(number):
            raise KernelSyntaxError(self.line, f"expected an operand, got {text!r}")
        if dtype.is_bool:
            return self._constant("constant", dtype, number == "True")
        return self._constant("constant", dtype, float(number) if dtype.is_float else int(number))

    def _constant(self, op: str, dtype: DType, number: float) -> Instr:
        key = (op, dtype, repr(number))
        if key not in self.constants:
            self.constants[key] = Instr(op, (), dtype, frozenset(), 0, number, False, f"{op}{len(self.constants)}")
        return self.constants[key]
