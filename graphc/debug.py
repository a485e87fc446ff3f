"""Translation validation on request: which stage of the compiler, if any, makes a wrong number of a program.

`GRAPHC_DEBUG=check` does the same to every program that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphc.codegen.program.program import compile_graph
from graphc.codegen.program.validation import Difference, MiscompilationError
from graphc.compiler.api import compile
from graphc.ir.core.graph import Graph
from graphc.ir.text import debug

__all__ = ["Difference", "MiscompilationError", "checking", "first_difference", "first_difference_of_graph"]


@contextmanager
def checking() -> Iterator[None]:
    """Validate every call of the programs compiled in the block, as at first calls; a stage that differs is an error.

    The error is a MiscompilationError.
    """
    with debug.enabling("check"):
        yield


def first_difference(function: Callable[..., Any], *args: Any, **options: Any) -> Difference | None:
    """Return the first stage that computes other values for a call than the stage before; None if none does.

    The function is compiled, by the options of `compile`, and called; programs that it computes eagerly are not looked at.
    """
    with checking():
        try:
            compile(function, **options)(*args)
        except MiscompilationError as error:
            return error.difference
    return None


def first_difference_of_graph(
    graph: Graph, arrays: Sequence[Any], strides: Sequence[tuple[int, ...] | None] | None = None, *, dynamic: bool = True
) -> Difference | None:
    """Return the first stage that computes other values of a graph than the stage before; None if none does.

    `arrays` have the types of the graph's parameters, and `strides` in bytes where they are not row-major.
    """
    return compile_graph(graph, strides, dynamic=dynamic).first_difference(arrays)
