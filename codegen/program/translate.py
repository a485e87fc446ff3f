"""Translate a graph to the text of a program: run the passes, then the writer."""

from __future__ import annotations

from graphc.codegen.llvm.target import host
from graphc.codegen.program.specialize import Layouts, ProgramText
from graphc.codegen.program.writer import ProgramWriter
from graphc.ir.core.cost import work_of
from graphc.ir.core.graph import Graph
from graphc.ir.pipeline import FINAL, optimize
from graphc.ir.text import debug

__all__ = ["program_text", "translate", "write_program"]


def translate(
    graph: Graph, layouts: Layouts, *, check: bool = True, dynamic: bool = True
) -> tuple[dict[str, Graph], ProgramWriter]:
    """Run the passes and emit the program."""
    stages = optimize(graph, host().info, layouts, check=check)
    with debug.timed("kernels"):
        writer = ProgramWriter(stages[FINAL], [layouts[p] for p in stages[FINAL].params], dynamic, check)
        writer.write()
    return stages, writer


def write_program(graph: Graph, layouts: Layouts, *, check: bool = True, dynamic: bool = True) -> ProgramText:
    """Return the text of a graph's program: passes, fusion, lowering and emission, without a compiler."""
    stages, writer = translate(graph, layouts, check=check, dynamic=dynamic)
    if debug.enabled("kernels"):
        debug.show("kernels", writer.calls.listing)
    debug.show("llvm", writer.text)
    return program_text(writer, work_of(stages[FINAL]))


def program_text(writer: ProgramWriter, work: tuple[int, int]) -> ProgramText:
    """Return the emitted text of a writer, with the work of a call (operations, bytes)."""
    limits, parameters = writer.calls.limits, writer.main.parameters
    return ProgramText(writer.text, writer.calls.count, parameters, writer.live_ranges, work, limits.facts, limits.extents)
