"""The text of loop kernels."""

from __future__ import annotations

from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph
from tests.codegen.validation import param


def test_a_pass_of_shared_values_is_shown_in_short():
    x = y = param(100)
    for _ in range(60):
        y = build.apply("sin", y * y + y)
    kernel, *_ = compile_graph(Graph((x,), (y,))).kernels
    assert all(len(repr(part)) < 200 for part in (kernel, *kernel.stages, *kernel.stages[0].stores))
