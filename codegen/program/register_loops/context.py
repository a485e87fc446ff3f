"""State shared by the emitters of one loop in registers."""

from __future__ import annotations

from dataclasses import dataclass

from graphc.codegen.llvm.builder import Function
from graphc.codegen.program.memory.buffers import Buffers
from graphc.codegen.program.memory.main_function import MainFunction
from graphc.codegen.program.register_loops.constants import Constants
from graphc.codegen.program.register_loops.lanes import LaneWriter
from graphc.codegen.program.register_loops.memory import MemoryWriter
from graphc.ir.analysis.lane_layout import Lanes
from graphc.ir.core.cost import is_small
from graphc.ir.core.types import TensorType

__all__ = ["Context"]


@dataclass(frozen=True)
class Context:
    """The main function of the loop, its vectors, memory and constants, and the values in registers."""

    main: MainFunction
    lanes: LaneWriter
    memory: MemoryWriter
    constants: Constants
    elements: int
    """The most elements of a value in registers."""

    def is_small(self, type: TensorType) -> bool:
        """Return whether a value of a type is in registers."""
        return is_small(type, self.elements)

    @property
    def f(self) -> Function:
        """The main function's LLVM function."""
        return self.main.f

    @staticmethod
    def of(buffers: Buffers, lanes: Lanes | None, elements: int) -> Context:
        """Return a new context."""
        writer = LaneWriter(buffers.main.f, lanes)
        return Context(buffers.main, writer, MemoryWriter(buffers, writer), Constants(buffers.main), elements)
