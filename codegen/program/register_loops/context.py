"""What the writers of one loop in registers share."""

from __future__ import annotations

from dataclasses import dataclass

from graphc.codegen.llvm.builder import Function
from graphc.codegen.program.memory.buffers import Buffers
from graphc.codegen.program.memory.main_function import MainFunction
from graphc.codegen.program.register_loops.constants import Constants
from graphc.codegen.program.register_loops.lanes import LaneWriter
from graphc.codegen.program.register_loops.memory import MemoryWriter
from graphc.ir.analysis.lane_layout import Lanes

__all__ = ["Context"]


@dataclass(frozen=True)
class Context:
    """The main function that the loop is written into, its vectors, memory and constants."""

    main: MainFunction
    lanes: LaneWriter
    memory: MemoryWriter
    constants: Constants

    @property
    def f(self) -> Function:
        """The main function's LLVM function."""
        return self.main.f

    @staticmethod
    def of(buffers: Buffers, lanes: Lanes | None) -> Context:
        """Return a new context."""
        writer = LaneWriter(buffers.main.f, lanes)
        return Context(buffers.main, writer, MemoryWriter(buffers, writer), Constants(buffers.main))
