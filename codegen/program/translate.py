"""Translate a graph to the text of a program: run the passes, then the writer."""

from __future__ import annotations

from graphc.codegen.llvm.target import host
from graphc.codegen.program.specialize import Layouts, ProgramText
from graphc.codegen.program.writer import ProgramWriter
from graphc.ir.core.cost import Work, work_of
from graphc.ir.core.graph import Graph
from graphc.ir.pipeline import FINAL, optimize
from graphc.ir.text import debug

__all__ = ["program_text", "translate", "write_program"]

LONG = 2_000_000
"""Operations and bytes of a call from which on its kernels are emitted for several threads."""


def translate(
    graph: Graph, layouts: Layouts, *, check: bool = True, dynamic: bool = True, known_cold: frozenset[str] | None = None
) -> tuple[dict[str, Graph], ProgramWriter]:
    """Run the passes and emit the program; `known_cold` are the cold functions of one for other sizes."""
    stages = optimize(graph, host().info, layouts, check=check)
    with debug.timed("kernels"):
        final = stages[FINAL]
        strides = [layouts[p] for p in final.params]
        writer = ProgramWriter(final, strides, dynamic, check, _is_long(work_of(final)), known_cold)
        writer.write()
    return stages, writer


def _is_long(work: Work) -> bool:
    """Return whether threads may pay: a decision by size, but one for the whole program."""
    return bool(work.flops + work.bytes >= LONG)


def write_program(
    graph: Graph, layouts: Layouts, *, check: bool = True, dynamic: bool = True, known_cold: frozenset[str] | None = None
) -> ProgramText:
    """Return the text of a graph's program: passes, fusion, lowering and emission, without a compiler."""
    stages, writer = translate(graph, layouts, check=check, dynamic=dynamic, known_cold=known_cold)
    if debug.enabled("kernels"):
        debug.show("kernels", writer.calls.listing)
    debug.show("llvm", writer.text)
    return program_text(writer, work_of(stages[FINAL]))


def program_text(writer: ProgramWriter, work: tuple[int, int]) -> ProgramText:
    """Return the emitted text of a writer, with the work of a call (operations, bytes)."""
    limits, main = writer.calls.limits, writer.main
    threads = main.threads.slot if "threads" in vars(main) else None
    return ProgramText(
        writer.text, writer.calls.count, main.parameters, writer.live_ranges, work,
        limits.facts, limits.extents, threads, writer.calls.cold,
    )  # fmt: skip
