"""The first stage of the pipeline whose value differs: each is evaluated on NumPy with the same arguments."""

from __future__ import annotations

from graphc.ir.analysis.views import dense_strides
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.pipeline import optimize
from graphc.ir.text.printer import to_text
from tests.fuzz.noise import difference
from tests.fuzz.traced import Traced

__all__ = ["first_difference"]


def first_difference(traced: Traced) -> str:
    """Return the name of the stage where values part, what differs there, and the graph before and after."""
    assert traced.reference is not None
    layouts = {
        p: dense_strides(p.shape) if s is None else tuple(x // p.dtype.bytes for x in s)
        for p, s in zip(traced.graph.params, traced.variant.strides, strict=True)
    }
    stages = optimize(traced.graph, layouts)
    before = stages["captured"]
    for name, graph in stages.items():
        values = evaluate(graph, traced.inputs)
        for i, (x, want, spread) in enumerate(zip(values, traced.reference.values, traced.reference.spread, strict=True)):
            text = difference(want, spread, x)
            if text:
                return f"first stage that differs: {name}\noutput {i}: {text}\n\n{to_text(before)}\n{to_text(graph)}"
        before = graph
    try:
        message = traced.compiled(opt=0)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
    where = "kernels or their machine code" if message else "none: what differs is not in a compiled graph"
    return f"first stage that differs: {where}\n{message or ''}\n\n{to_text(before)}"
