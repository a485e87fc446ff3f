"""Compute a kernel's indices through index maps (ir/access/index_map.py).

A digit of a form is an affine form of loops where it lines up with them, and a run-time division elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod

from graphc.codegen.loops.instructions import Instructions
from graphc.codegen.loops.loop_ir import Index, Instr
from graphc.ir.access.affine import Affine, Digit
from graphc.ir.access.guard import Guard
from graphc.ir.access.index_map import IndexMap
from graphc.ir.core.types import BOOL, I64

__all__ = ["Indices", "address", "axis_index", "position", "read_through"]

Indices = tuple[Index, ...]
"""An index for each axis of a value."""


def position(at: Indices, shape: Sequence[int]) -> Index:
    """Return the row-major position of an element."""
    result, stride = Index(), 1
    for i, n in zip(reversed(at), reversed(shape), strict=True):
        if n != 1:
            result = result.plus(i.scaled(stride))
        stride *= n
    return result


def axis_index(loops: Sequence[int], dims: Sequence[int]) -> Index:
    """Return the index along an axis that is the product of some loops."""
    return position(tuple(Index.loop(lo) for lo in loops), [dims[lo] for lo in loops])


def address(strides: Sequence[int], offset: int, at: Indices) -> Index:
    """Return the element of a buffer that an index addresses."""
    result = Index(offset)
    for i, stride in zip(at, strides, strict=True):
        result = result.plus(i.scaled(stride))
    return result


def read_through(map: IndexMap, at: Indices, dims: Sequence[int], instrs: Instructions) -> tuple[Indices, Instr | None]:
    """Return the operand's index, and the condition under which it is read (None: always).

    `dims` are the extents of the kernel's loops.
    """
    reader = _Reader(at, dims, instrs)
    for guard in map.guards:
        reader.check(guard)
    return tuple([reader.index(form) for form in map.axes]), reader.mask


class _Reader:
    """Evaluates forms of the axes of a value that is computed `at` an index."""

    def __init__(self, at: Indices, dims: Sequence[int], instrs: Instructions) -> None:
        self.at, self.dims, self.instrs = at, dims, instrs
        self.mask: Instr | None = None
        self.quotients: dict[Affine, Index] = {}
        """Forms of guards with steps, divided by the step."""

    def check(self, guard: Guard) -> None:
        """Add a guard to the mask."""
        instrs = self.instrs
        zero, i = instrs.number(0, I64), self.index(guard.form)
        if guard.low is not None:
            self._require("le", zero, instrs.integer(i.plus(-guard.low * guard.step)))
        if guard.step != 1:
            quotient, rest = self._quotient(instrs.integer(i), guard.step)
            self._require("eq", rest, zero)
            self.quotients[guard.form] = i = Index(0, (), ((quotient, 1),))
        if guard.high is not None:
            self._require("lt", instrs.integer(i), instrs.size(guard.high))

    def _require(self, op: str, x: Instr, y: Instr) -> None:
        self.mask = self.instrs.both(self.mask, self.instrs.emit(op, (x, y), BOOL))

    def index(self, form: Affine) -> Index:
        """Return the value of a form."""
        parts = [self._atom(atom).scaled(c) for atom, c in reversed(form.terms)]
        return reduce(Index.plus, parts).plus(form.const) if parts else Index(form.const)

    def _atom(self, atom: int | Digit) -> Index:
        if isinstance(atom, int):
            return self.at[atom]
        if atom.form in self.quotients and atom.position == 0:
            return self.quotients[atom.form]
        return self._digits(self.index(atom.form), atom.extents)[atom.position]

    def _digits(self, rest: Index, extents: Sequence[int]) -> list[Index]:
        """Return the digits of an index in some radices."""
        digits: list[Index] = []
        for k in range(len(extents)):
            below = prod(extents[k + 1 :])
            digit, rest = (rest, Index()) if below <= 1 else self._divided(rest, below)
            digits.append(digit)
        return digits

    def _divided(self, x: Index, divisor: int) -> tuple[Index, Index]:
        """Return quotient and remainder of a non-negative index."""
        high = Index(x.const - x.const % divisor, tuple(t for t in x.loops if t[1] % divisor == 0))
        low = Index(x.const % divisor, tuple(t for t in x.loops if t[1] % divisor), x.values)
        reach = low.const + sum(c * (self.dims[lo] - 1) for lo, c in low.loops)
        if not low.values and all(c > 0 for _, c in low.loops) and reach < divisor:
            return Index(high.const // divisor, tuple((lo, c // divisor) for lo, c in high.loops)), low
        quotient, rest = self._quotient(self.instrs.integer(x), divisor)
        return Index(0, (), ((quotient, 1),)), Index(0, (), ((rest, 1),))

    def _quotient(self, x: Instr, divisor: int) -> tuple[Instr, Instr]:
        """Divide an index at run time; a negative index is masked, and its quotient arbitrary."""
        instrs = self.instrs
        size = instrs.size(max(divisor, 1))
        quotient = instrs.emit("index_div", (x, size), I64)
        return quotient, instrs.emit("sub", (x, instrs.emit("mul", (quotient, size), I64)), I64)
