"""Sparsity patterns of the derivatives of functions, read off the recorded graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from graphc.compiler.capture import capture
from graphc.core import pytree
from graphc.core.errors import TracingError, located
from graphc.core.pytree import TreeDef
from graphc.func.derivative import Derivative, forward_derivative
from graphc.func.level import ArgNums
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import PARAMETER, Graph, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import DType
from graphc.ir.sparse.dependence import dependence
from graphc.ir.sparse.rules import Values
from graphc.ir.sparse.sparsity import Sparsity, nothing, stacked
from graphc.recording.context import state
from graphc.storage.compute import compute
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import Captured

__all__ = ["Function", "RecordedPattern", "check_outside", "record_pattern", "slices_of"]

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class RecordedPattern:
    """The sparsity pattern of a function's derivative, of all outputs by all inputs, for one kind of arguments.

    `chosen` are the external tensors whose values the pattern depends on, with these values.
    """

    pattern: Sparsity
    outputs: list[int]
    inputs: list[int]
    dtypes: list[DType]
    shape: TreeDef
    tree: TreeDef
    chosen: list[tuple[Captured, Any]]

    @cached_property
    def blocks(self) -> list[tuple[slice, slice]]:
        """Rows and columns of each output and input."""
        return [(r, c) for r in slices_of(self.outputs) for c in slices_of(self.inputs)]

    def assembled(self, blocks: Sequence[Any], argnums: ArgNums) -> Any:
        """Return the pytree of outputs of pytrees of inputs."""
        n = len(self.inputs)
        rows = [pytree.unflatten(blocks[i * n : (i + 1) * n], self.tree) for i in range(len(self.outputs))]
        return pytree.unflatten([r[0] for r in rows] if isinstance(argnums, int) else rows, self.shape)

    def holds(self) -> bool:
        """Return whether the values that the pattern depends on are unchanged."""
        return all(array is now or np.array_equal(array, now) for capture, array in self.chosen for now in [_value(capture)])


def slices_of(sizes: Sequence[int]) -> list[slice]:
    """Return the ranges of consecutive parts of these sizes."""
    ends = list(accumulate(sizes, initial=0))
    return [slice(a, b) for a, b in pairwise(ends)]


def _value(capture: Captured) -> Any:
    """Return the current array of a captured tensor; None if it is gone."""
    storage = capture.source()
    if storage is not None and storage.array() is None:
        compute([storage])
    return None if storage is None else storage.array()


def record_pattern(func: Function, args: Sequence[Any], argnums: ArgNums, known: Sparsity | None = None) -> RecordedPattern:
    """Record the derivative of a call, and compute its pattern unless it is given.  Raises ValueError."""
    check_outside("its pattern is")
    derivatives: list[Derivative] = []

    def record(*args: Any) -> list[Tensor]:
        derivatives[:] = [forward_derivative(func, args, argnums, like_inputs=True)]
        return [
            Tensor._of(Storage(make(PRIMITIVES["alias"], (n,), unique=True))) for n in derivatives[0].linear if n is not None
        ]

    graph, captures = capture(record, *args)
    (d,) = derivatives
    sizes = [[n.type.size for n in nodes] for nodes in (d.ends, d.inputs)]
    pattern, chosen = _read(d, graph, captures) if known is None else (_fitting(known, *map(sum, sizes)), [])
    return RecordedPattern(pattern, sizes[0], sizes[1], [y.dtype for y in d.ends], d.shape, d.tree, chosen)


def _fitting(pattern: Sparsity, height: int, width: int) -> Sparsity:
    if pattern.shape != (height, width):
        raise located(
            ValueError(
                f"expected a pattern of all outputs by all inputs, {height} × {width}, got one of {pattern.shape[0]} × "
                f"{pattern.shape[1]}"
            )
        )
    return pattern


def _read(d: Derivative, graph: Graph, captures: Sequence[Captured]) -> tuple[Sparsity, list[tuple[Captured, Any]]]:
    """Return the pattern of a recorded derivative, and the external tensors whose values it depends on."""
    choosing = {k.placeholder: k for k in captures if not k.placeholder.dtype.is_float}
    known = {p: p.value for p in graph.params if p.op is PARAMETER and p.value is not None}
    values = Values({**known, **{p: _value(k) for p, k in choosing.items()}})
    width = sum(x.type.size for x in d.inputs)
    count = sum(n is not None for n in d.linear)
    rows = iter(dependence(graph.results[:count], d.seeds, values))
    parts = [nothing(y.type.size, width) if n is None else next(rows) for n, y in zip(d.linear, d.ends, strict=True)]
    chosen = [(k, values.known[p]) for p, k in choosing.items() if p in values.read]
    return stacked(parts), chosen


def check_outside(what: str) -> None:
    """Raise TracingError inside of a compiled or batched function; `what` begins the message."""
    if state.trace is not None:
        raise located(
            TracingError(
                f"{what} made outside of compiled and batched functions only: call it before, and pass what it returns"
            )
        )
