"""A function traced for arguments: its graph, and what the evaluator makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphc.codegen.program.program import compile_graph
from graphc.compiler.capture import trace
from graphc.compiler.guards.watch import watch
from graphc.compiler.options import Options
from graphc.compiler.results.protocol import Result
from graphc.compiler.results.shown import ArgumentSource, ResultSource, Shown
from graphc.compiler.signature import flatten_call
from graphc.compiler.variant import ArgumentStorage, Variant
from graphc.ir.interpret.comparison import unequal
from graphc.storage import views
from graphc.storage.views import ViewSteps
from tests.fuzz.cases import tensors
from tests.fuzz.noise import Reference, description

__all__ = ["TooLarge", "Traced", "flat"]

LARGEST = 1 << 28
"""Bytes that the evaluator may store for a graph; a batch of a batch can exceed what the generator has bounded."""

Array = np.ndarray[Any, Any]


class TooLarge(Exception):
    """A graph has values of more than LARGEST bytes."""


class _Evaluated:
    """The evaluator in the place of a program."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced

    def run_unchecked(self, given: list[Array]) -> list[Array]:
        self.traced.inputs = [np.asarray(x) for x in given]
        self.traced.reference = Reference(self.traced.graph, self.traced.inputs)
        return self.traced.reference.values


@dataclass
class Traced:
    """A function traced for arguments, and its reference: the graph on NumPy."""

    run: Callable[..., Any]
    given: list[Array]
    inputs: list[Array] = field(default_factory=list)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        call = flatten_call(tuple(tensors(self.given)), {})
        self.variant: Variant = trace(self.run, call, Options(opt=0), watch([self.run]), once=True)
        self.graph = self.variant.graph
        if sum(t.bytes for node in self.graph.nodes() for t in node.types) > LARGEST:
            raise TooLarge
        self.variant.__dict__["program"] = _Evaluated(self)
        results = self.variant.run(call)
        self.results = [np.asarray(r) for r in flat(results)]
        del self.variant.__dict__["program"]

    def compare(self, got: Any, *, foreign: bool = False) -> str | None:
        """Return how results differ from the reference."""
        found = [np.asarray(x) for x in flat(got)]
        if len(found) != len(self.results):
            return f"{len(found)} results, expected {len(self.results)}"
        for i, x in enumerate(found):
            text = self._difference(i, x, foreign)
            if text:
                return f"result {i}: {text}"
        return None

    def _difference(self, i: int, got: Array, foreign: bool) -> str | None:
        want = self.results[i]
        r, steps = self._source(i)
        if (got.shape, got.dtype) != (want.shape, want.dtype):
            return f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}"
        if r is None or r.kind != "output" or self.reference is None:
            where = unequal(want, got)
            return description(want, got, where) if where.any() else None
        if steps:
            whole = self.reference.values[r.number].copy()
            whole.flat[views.shown(np.arange(whole.size).reshape(whole.shape), steps)] = got
            got = whole
        return self.reference.difference(r.number, got, foreign=foreign, same_graph=False)

    def _source(self, i: int) -> tuple[Result | None, ViewSteps]:
        """Return what a result was computed as, and the view steps from there; None for values that were not computed."""
        variant = self.variant
        leaf: int | Shown = i if variant.arranged is None else variant.arranged.leaves[i]
        if isinstance(leaf, int):
            return variant.results[leaf], ()
        if isinstance(leaf.source, ResultSource):
            return variant.results[leaf.source.number], leaf.steps
        written = {w.number: r for w, r in variant.writes if isinstance(w, ArgumentStorage)}
        return written.get(leaf.source.number) if isinstance(leaf.source, ArgumentSource) else None, leaf.steps

    def compiled(self, **options: Any) -> str | None:
        """Compile the graph and run it; return how its outputs differ."""
        program = compile_graph(self.graph, self.variant.strides, **options)
        return self.compare_outputs(program.run_unchecked(self.inputs))

    def compare_outputs(self, outputs: Sequence[Array]) -> str | None:
        """Return how the outputs of the graph differ."""
        assert self.reference is not None
        for i, x in enumerate(outputs):
            text = self.reference.difference(i, np.asarray(x))
            if text:
                return f"output {i}: {text}"
        return None


def flat(results: Any) -> list[Any]:
    """Return the results of a function as a list."""
    return list(results) if isinstance(results, (tuple, list)) else [results]
