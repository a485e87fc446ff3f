"""Keyword arguments of `compile`, and the program compiled with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.codegen.program.program import Program, compile_graph
from graphc.codegen.runtime.tiers import BETTER, LEVELS, Opt
from graphc.compiler.nan_check import post_check_of, watched
from graphc.core.threads import check_threads
from graphc.ir.core.graph import Graph

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """The keywords of `compile` that change the program."""

    dynamic: bool = True
    check_nan: bool = False
    opt: Opt = BETTER
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.opt != "auto" and (type(self.opt) is not int or self.opt not in LEVELS):
            raise ValueError(f"compile takes opt=0, 1, 2, 3 or 'auto', got {self.opt!r}")
        if self.threads is not None:
            check_threads(self.threads)

    def program(self, graph: Graph, strides: Sequence[tuple[int, ...] | None]) -> Program:
        """Compile a graph with these options."""
        if self.check_nan and any(r.dtype.is_float for r in graph.results):
            check = post_check_of(graph)
            return compile_graph(
                watched(graph), strides, dynamic=self.dynamic, post_check=check, opt=self.opt, threads=self.threads
            )
        return compile_graph(graph, strides, dynamic=self.dynamic, opt=self.opt, threads=self.threads)
