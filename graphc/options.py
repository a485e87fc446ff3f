"""What the keywords of `compile` ask for, and the program that this gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.codegen.program import Program, compile_graph
from graphc.ir.graph import Graph
from graphc.nan_check import judge_of, watched

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """The keywords of `compile` that change the program."""

    dynamic: bool = True
    check_nan: bool = False

    def program(self, graph: Graph, strides: Sequence[tuple[int, ...] | None]) -> Program:
        """Compile a graph as asked."""
        if self.check_nan and any(r.dtype.is_float for r in graph.results):
            return compile_graph(watched(graph), strides, dynamic=self.dynamic, judge=judge_of(graph))
        return compile_graph(graph, strides, dynamic=self.dynamic)
