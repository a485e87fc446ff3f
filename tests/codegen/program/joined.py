"""Checks of compiled programs against the evaluator."""

from __future__ import annotations

import numpy as np

from graphc.codegen.program.program import compile_graph
from graphc.ir.core.graph import Graph
from graphc.ir.interpret.evaluate import evaluate


def check(graph: Graph, arrays, rtol=1e-5) -> None:
    program = compile_graph(graph, [a.strides for a in arrays])
    for got, want in zip(program.run(arrays), evaluate(graph, arrays), strict=True):
        assert got.shape == want.shape and got.dtype == want.dtype
        scale = np.abs(want[np.isfinite(want)]).max(initial=1) if want.dtype.kind == "f" else 0
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=rtol * scale)
