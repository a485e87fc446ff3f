"""Representations of values in a register loop: elements in registers, arrays in memory, items of tapes."""

from __future__ import annotations

from dataclasses import dataclass

from graphc.codegen.llvm.values import Value
from graphc.codegen.program.memory.tape import Tape
from graphc.ir.analysis.views import Strides
from graphc.ir.core.types import TensorType

__all__ = ["BodyValue", "Carried", "LaneLayout", "Memory", "TapeItems"]


@dataclass(frozen=True)
class LaneLayout:
    """Memory layout of a vector: `count` lanes, `stride` elements apart; the vector is `width` >= `count` lanes wide."""

    count: int
    width: int
    stride: int = 1


@dataclass(frozen=True)
class Memory:
    """A value in memory: the address of its first element, its type, strides in elements.

    With `lanes` each element is a vector; if it is `padded`, all of the vector's lanes are stored, side by side.
    """

    address: Value
    type: TensorType
    strides: Strides
    lanes: LaneLayout | None = None
    padded: bool = False
    row: tuple[Value, int] | None = None
    """For items that share rows with those of other stacks: the first row, and the elements before an item in its row."""


Carried = list[Value] | Memory
"""The elements of a value in row-major order, or its memory."""


@dataclass(frozen=True)
class TapeItems:
    """The items of a tape: `Memory` whose address changes as the tape grows."""

    tape: Tape
    type: TensorType
    strides: Strides
    lanes: LaneLayout | None = None


BodyValue = Carried | TapeItems
"""Any form of a value."""
