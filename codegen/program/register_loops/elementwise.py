"""Elementwise operations in registers.

Costly functions (sines, exponentials, …) of independent elements are computed together, as vectors.  A few applications are
inline; more call one function of the module, to keep the code small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from graphc.codegen.llvm.scalar_ops import OPS, cast
from graphc.codegen.llvm.values import Value
from graphc.codegen.program.register_loops.context import Context
from graphc.ir.analysis.in_place import InPlace
from graphc.ir.core.cost import is_costly, weight
from graphc.ir.core.graph import Node
from graphc.ir.core.predicates import coefficients, is_cast, is_product
from graphc.ir.core.types import DType

__all__ = ["CONTRACTED", "ElementwiseWriter", "batches", "early_products"]

CONTRACTED = {"add": "fadd contract", "sub": "fsub contract", "mul": "fmul contract"}
"""Contracting a product and a sum rounds once and shortens the dependency chain across iterations, which bounds such loops."""

INLINE_VECTORS = 4
"""Vectors of one function that are inline in a batch; more are calls."""

INLINE = 16
"""Applications of one costly function, in the whole loop, that are inline; more are calls."""

BLOCK_LENGTH = 200
"""Approximate instructions of a block: LLVM's scheduler is quadratic in them."""


class ElementwiseWriter:
    """Applies elementwise operations to elements."""

    def __init__(self, context: Context) -> None:
        self.context, self.f, self.lanes = context, context.f, context.lanes
        self.read = context.memory.read
        self.early: set[Node] = set()
        """Products that are rounded separately: `early_products`."""
        self._inlined: Counter[tuple[str, int]] = Counter()
        self._block_start = len(self.f.lines)

    def split_long_block(self) -> None:
        """Begin a new block if this one is long."""
        if len(self.f.lines) - self._block_start > BLOCK_LENGTH:
            self.context.main.split_block()
            self._block_start = len(self.f.lines)

    def rows(self, node: Node, xs: Iterable[Sequence[Value]]) -> list[tuple[Value, ...]]:
        """Return, for each element of a node, the operand elements and coefficients."""
        numbers = [self.context.constants(value, node.operands[0].dtype) for value in coefficients(node)]
        return [(*row, *numbers) for row in zip(*xs, strict=True)]

    def apply(self, node: Node, xs: list[Value]) -> Value:
        """Apply a node's operation to one of its rows."""
        f, xs = self.f, self.lanes.common(xs)
        if is_costly(node):
            self._inlined[node.op.name, xs[0].lanes] += 1
            if self._inlined[node.op.name, xs[0].lanes] > INLINE:
                return self._call(node, xs)
        if is_cast(node):
            return cast(f, xs[0], node.operands[0].dtype, node.dtype)
        if node.dtype.is_float and node.op.name in CONTRACTED and node not in self.early:
            return f.binary(CONTRACTED[node.op.name], *xs)
        return OPS[node.op.name](f, _operand_dtype(node), xs)

    def side_by_side(self, batch: Sequence[Node], values: dict[Node, Any]) -> None:
        """Apply one costly function to the elements of several nodes, vector by vector."""
        wide = [n for n in batch if any(x.lanes > 1 for o in n.operands for x in self.read(values, o))]
        self._one_by_one(wide, values)
        batch = [n for n in batch if n not in wide]
        rows: list[tuple[Value, ...]] = []
        for node in batch:
            rows += self.rows(node, (self.read(values, o) for o in node.operands))
        width = 8 if batch and batch[0].dtype.bytes == 8 else 16
        results: list[Value] = []
        inline = len(rows) <= INLINE_VECTORS * width
        for start in range(0, len(rows), width):
            results += self._vector(batch[0], rows[start : start + width], width, inline=inline)
            self.split_long_block()
        rest = iter(results)
        for node in batch:
            values[node] = list(islice(rest, node.type.size))

    def _one_by_one(self, batch: Sequence[Node], values: dict[Node, Any]) -> None:
        """Apply a costly function to vectors of lanes, one at a time."""
        inline = sum(n.type.size for n in batch) <= INLINE_VECTORS
        for node in batch:
            results = []
            for row in self.rows(node, (values[o] for o in node.operands)):
                results.append(self.apply(node, list(row)) if inline else self._call(node, self.lanes.common(row)))
                self.split_long_block()
            values[node] = results

    def _vector(self, node: Node, rows: Sequence[tuple[Value, ...]], width: int, *, inline: bool) -> list[Value]:
        if len(rows) == 1:
            return [self.apply(node, list(rows[0]))]
        while width >= 2 * len(rows):
            width //= 2
        packed = [self.lanes.packed([r[i] for r in rows], width) for i in range(len(rows[0]))]
        result = self.apply(node, packed) if inline else self._call(node, packed)
        return [self.f.extract(result, i) for i in range(len(rows))]

    def _call(self, node: Node, xs: list[Value]) -> Value:
        """Call a function that is emitted once in the module."""
        f = self.f
        name = f"{node.op.name}_{node.dtype.name}x{xs[0].lanes}"
        t = xs[0].typed.removesuffix(xs[0].name).strip()
        if all(other.name != name for other in f.module.functions):
            inner = f.module.function(name, [(t, f"x{i}") for i in range(len(xs))], t, internal=True)
            args = [Value(f"%x{i}", x.type, x.lanes) for i, x in enumerate(xs)]
            inner.ret(OPS[node.op.name](inner, _operand_dtype(node), args))
        return f.inst(f"call {t} @{name}({', '.join(x.typed for x in xs)})", xs[0].type, xs[0].lanes)


def _operand_dtype(node: Node) -> DType:
    return node.operands[-1].dtype  # the first one of a select is its condition


def batches(changes: InPlace) -> list[list[Node]]:
    """Return the nodes in emission order, with independent costly ones together."""
    depth: dict[Node, int] = {}
    groups: dict[tuple[int, bool, object], list[Node]] = {}
    for number, node in enumerate(changes.order):
        costly = is_costly(node)
        needed = (*node.operands, *changes.earlier.get(node, ()))
        depth[node] = max((depth.get(o, 0) for o in needed), default=0) + costly
        key = (depth[node], not costly, (node.op.name, node.dtype.name) if costly else number)
        groups.setdefault(key, []).append(node)
    return [groups[key] for key in sorted(groups, key=lambda key: key[:2])]


def early_products(nodes: Iterable[Node]) -> set[Node]:
    """Return the products that are rounded separately: of two that one sum adds, the one that is available first.

    The sum is contracted with the other, and waits for that alone; LLVM would contract the left one.
    """
    ready: dict[Node, int] = {}
    early = set()
    for node in nodes:
        ready[node] = weight(node) + max((ready.get(o, 0) for o in node.operands), default=0)
        contracts = node.op.name in CONTRACTED and not is_product(node)
        if contracts and all(is_product(o) and o in ready for o in node.operands):
            early.add(min(node.operands, key=ready.__getitem__))
    return early
