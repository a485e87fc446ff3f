"""A function traced for arguments: its graph, and what the evaluator makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphc.codegen.program.program import compile_graph
from graphc.compiler.api import Compiled, _take_apart, _Variant
from graphc.compiler.options import Options
from tests.fuzz.cases import tensors
from tests.fuzz.noise import Reference, difference, reference

__all__ = ["Traced", "flat"]

Array = np.ndarray[Any, Any]


class _Evaluated:
    """The evaluator in the place of a program."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced

    def run_unchecked(self, given: list[Array]) -> list[Array]:
        self.traced.inputs = [np.asarray(x) for x in given]
        self.traced.reference = reference(self.traced.graph, self.traced.inputs)
        return self.traced.reference.values


@dataclass
class Traced:
    """A function traced for arguments, and its reference: the graph on NumPy."""

    run: Callable[..., Any]
    given: list[Array]
    inputs: list[Array] = field(default_factory=list)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        compiled = Compiled(self.run, Options(opt=0))
        call = _take_apart(tuple(tensors(self.given)), {})
        self.variant: _Variant = compiled._variant(call)
        self.graph = self.variant.graph
        self.variant.__dict__["program"] = _Evaluated(self)
        results = self.variant.run(call)
        self.results = [np.asarray(r) for r in flat(results)]
        del self.variant.__dict__["program"]

    def spread(self, i: int) -> Array:
        """Return what result i may differ by: that of the output it is."""
        r = self.variant.results[i]
        if r.kind == "output" and self.reference is not None:
            return self.reference.spread[r.number]
        return np.zeros(self.results[i].shape)

    def compare(self, got: Any, factor: float = 1.0) -> str | None:
        """Return how results differ from the reference."""
        found = [np.asarray(x) for x in flat(got)]
        if len(found) != len(self.results):
            return f"{len(found)} results, expected {len(self.results)}"
        for i, (x, y) in enumerate(zip(found, self.results, strict=True)):
            text = difference(y, self.spread(i), x, factor)
            if text:
                return f"result {i}: {text}"
        return None

    def compiled(self, **options: Any) -> str | None:
        """Compile the graph and run it; return how its outputs differ."""
        program = compile_graph(self.graph, self.variant.strides, **options)
        return self.compare_outputs(program.run_unchecked(self.inputs))

    def compare_outputs(self, outputs: Sequence[Array]) -> str | None:
        """Return how the outputs of the graph differ."""
        assert self.reference is not None
        for i, (x, y, s) in enumerate(zip(outputs, self.reference.values, self.reference.spread, strict=True)):
            text = difference(y, s, np.asarray(x))
            if text:
                return f"output {i}: {text}"
        return None


def flat(results: Any) -> list[Any]:
    """Return the results of a function as a list."""
    return list(results) if isinstance(results, (tuple, list)) else [results]
