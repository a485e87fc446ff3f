"""Views of a compiled function: its text at every stage from the tensor graph to the machine code."""

from __future__ import annotations

from typing import Any

from graphc.codegen.loops.loop_ir import Kernel
from graphc.codegen.program.program import Cost, Program
from graphc.ir.core.graph import Graph, Node
from graphc.ir.text.networkx_view import to_networkx
from graphc.ir.text.printer import to_text

__all__ = ["Lowered"]


class Lowered:
    """The stages of one function for one kind of arguments.

    `captured` is the recording up to the first gradient, `adjoint` all of it; further stages are those of the program.
    """

    def __init__(self, graph: Graph, forward: list[Node] | None, program: Program) -> None:
        self._graph, self._forward, self._program = graph, forward, program

    @property
    def stages(self) -> list[str]:
        """The names that `ir` accepts, in the order of the pipeline."""
        return ["captured", "adjoint", *(s for s in self._program.stages if s not in ("captured", "adjoint"))]

    def ir(self, stage: str = "optimized") -> str:
        """Return the program's text at a stage.  Raises ValueError for an unknown name."""
        if stage not in self.stages:
            raise ValueError(f"stage is one of {', '.join(self.stages)}, got {stage!r}")
        if stage == "captured" and self._forward is not None:
            return to_text(self._graph.replace(self._forward))
        return to_text(self._graph) if stage in ("captured", "adjoint") else self._program.stage(stage)

    def mlir(self) -> str:
        """Return the optimized graph in MLIR's core dialects."""
        return self._program.mlir()

    def llvm_ir(self, optimized: bool = True) -> str:
        """Return the LLVM IR: as LLVM holds it for code generation, or as it was emitted."""
        return self._program.llvm_ir(optimized=optimized)

    def asm(self) -> str:
        """Return the assembly."""
        return self._program.asm()

    def graph(self) -> Any:
        """Return the captured and adjoint graph as a networkx.MultiDiGraph."""
        return to_networkx(self._graph)

    def cost(self) -> Cost:
        """Return the work of one call: operations, bytes, kernels, arena bytes."""
        return self._program.cost()

    @property
    def kernels(self) -> list[Kernel]:
        """The loop kernels, in the order in which they run."""
        return self._program.kernels

    def __repr__(self) -> str:
        return f"<lowered {self._graph.name}: {len(self._graph.nodes())} nodes>"
