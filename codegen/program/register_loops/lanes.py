"""Vectors of lanes in register loops, and reductions of elements and lanes.

A vectorized loop (`ir/analysis/lane_layout.py`) is emitted for one element of an axis, and values that vary along the axis are
vectors.  Values that are uniform over the lanes stay scalars until they meet a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.scalar_ops import larger, smaller
from graphc.codegen.llvm.values import Value, llvm_type
from graphc.ir.analysis.lane_layout import Lanes
from graphc.ir.core.graph import Node
from graphc.ir.core.types import DType

__all__ = ["REDUCTIONS", "LaneWriter", "reduce_pairwise"]

Combine = Callable[[Function, DType, Value, Value], Value]

REDUCTIONS: dict[str, tuple[Combine, Callable[[DType], float]]] = {
    "sum": (lambda f, dtype, x, y: f.add(x, y), lambda dtype: 0),
    "prod": (lambda f, dtype, x, y: f.mul(x, y), lambda dtype: 1),
    "any": (lambda f, dtype, x, y: f.or_(x, y), lambda dtype: False),
    "all": (lambda f, dtype, x, y: f.and_(x, y), lambda dtype: True),
    "max": (larger, lambda dtype: 0),
    "min": (smaller, lambda dtype: 0),
}
"""For each reduction, how it combines two elements, and its identity."""


def reduce_pairwise(f: Function, dtype: DType, name: str, elements: list[Value]) -> Value:
    """Reduce elements as a balanced tree: short dependency chains, small rounding errors."""
    combine, _ = REDUCTIONS[name]
    while len(elements) > 1:
        pairs = [combine(f, dtype, a, b) for a, b in zip(elements[::2], elements[1::2], strict=False)]
        elements = pairs + elements[len(elements) // 2 * 2 :]
    return elements[0]


class LaneWriter:
    """Converts between scalars and vectors, for a loop that may be vectorized."""

    def __init__(self, f: Function, lanes: Lanes | None) -> None:
        self.f, self.lanes = f, lanes
        self.splats: dict[str, Value] = {}
        """Vectors of scalars that were splat before a loop."""

    @property
    def width(self) -> int:
        """Lanes of a vector."""
        assert self.lanes is not None
        return self.lanes.width

    def is_vectorized(self, node: Node) -> bool:
        """Return whether a node's elements are vectors."""
        return self.lanes is not None and node in self.lanes.vectorized

    def is_partial(self, node: Node) -> bool:
        """Return whether a node is held as partial sums, one per lane."""
        return self.lanes is not None and node in self.lanes.partial

    def in_form_of(self, node: Node, values: list[Value]) -> list[Value]:
        """Convert elements to the form of a node: vectors if it is vectorized, partial sums if it is held so."""
        if self.is_vectorized(node):
            return self.wide(values)
        return self.partial_sums(values) if self.is_partial(node) else values

    def wide(self, values: Sequence[Value]) -> list[Value]:
        """Return values as vectors, scalars splat."""
        width = self.width
        return [v if v.lanes == width else self.splats.get(v.name) or self.f.splat(v, width) for v in values]

    def common(self, values: Sequence[Value]) -> list[Value]:
        """Return values as vectors if one of them is."""
        return list(values) if len({v.lanes for v in values}) == 1 else self.wide(values)

    def splat_before_loop(self, values: Sequence[Value]) -> None:
        """Splat scalars before the loop rather than in each iteration."""
        if self.lanes is not None:
            scalars = [v for v in values if v.lanes == 1 and v.name.startswith("%")]
            self.splats = {**self.splats, **{v.name: self.f.splat(v, self.width) for v in scalars}}

    def partial_sums(self, values: Sequence[Value]) -> list[Value]:
        """Return sums as vectors of partial sums: a scalar goes to lane 0, the other lanes start at -0.0."""
        f, width = self.f, self.width
        vectors = []
        for v in values:
            zero = f.const(-0.0, v.type, width).name if v.is_float else "zeroinitializer"
            first = f"insertelement {llvm_type(v.type, width)} {zero}, {v.typed}, i64 0"
            vectors.append(v if v.lanes == width else f.inst(first, v.type, width))
        return vectors

    def reduced(self, node: Node, values: Sequence[Value], name: str) -> list[Value]:
        """Reduce each vector to a scalar, by the name of a reduction."""
        assert self.lanes is not None
        each = [[self.f.extract(v, i) for i in range(self.lanes.count)] for v in values]
        return [reduce_pairwise(self.f, node.dtype, name, lanes) for lanes in each]

    def packed(self, xs: Sequence[Value], width: int) -> Value:
        """Return a vector of scalars; further lanes repeat the last."""
        f, type = self.f, xs[0].type
        vector = Value("poison", type, width)
        for i in range(width):
            x = xs[min(i, len(xs) - 1)]
            vector = f.inst(f"insertelement {vector.typed}, {x.typed}, i64 {i}", type, width)
        return vector
