"""The cost model: estimates for nodes, kernels and programs, shared by passes and code generation.

- *weight* of a node: vector instructions per vector of its elements, from its op's row (`Primitive.cost`);
- *elements* of a node: how many it computes on; *products* of a matmul: its multiply-adds;
- *work* of a program: element operations (flops), and bytes that pass between kernels;
- *instructions*: vector instructions of a node, or of storing and loading bytes, on a target.

The estimates decide what is fused, stored, recomputed or compiled; results do not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

from graphc.ir.core.graph import Node, Region
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_fusion, is_matmul, is_result
from graphc.ir.core.types import TensorType

__all__ = [
    "ARRAY", "CHEAP", "COSTLY", "SHARED_SINCOS", "SHORT_LOOP", "KernelWeight", "TargetInfo", "Work", "elements",
    "instructions", "is_costly", "is_small", "keeping", "op_weight", "products", "total_weight", "weight", "work_of",
]  # fmt: skip

SHARED_SINCOS = 36
"""The common weight of the sine and the cosine of one angle, which a kernel computes once."""

CHEAP = 4
"""A value of at most this weight is recomputed rather than stored and loaded within a kernel."""

ARRAY = 12
"""The cost of passing an array from one kernel to another, in instructions per vector."""

COSTLY = 16
"""From this weight on, a scalar operation is emitted as a vector operation over several scalars."""

SHORT_LOOP = 32
"""A loop of more iterations is not unrolled."""


@dataclass(frozen=True)
class TargetInfo:
    """The properties of a machine that decide how a graph is compiled.

    Code generation fills them in (codegen/llvm/target.py); nothing else in `ir/` depends on vector widths, register counts or
    cache sizes.
    """

    register_elements: int
    """The most elements of a value that a loop holds in registers, one scalar per element."""
    lanes: int
    """The largest extent of an axis that may be vectorized."""
    vector_bytes: int
    """Bytes per vector instruction, for estimating the gain of vectorization."""
    vector_elements: int
    """Elements of the vectors that kernels compute with."""
    kernel_cost: int
    """The greatest cost of one kernel: beyond it registers spill, and LLVM's scheduling becomes slow."""
    packed_bytes: int
    """The largest matrix, in bytes, that is packed before a loop: a larger one is packed in blocks by each product."""
    keeping: tuple[tuple[float, float], ...]
    """One (bytes, instructions) entry per cache level: the cost to store and load a byte of an array up to that size."""


# -- one node -------------------------------------------------------------------------------------------


def op_weight(name: str) -> int:
    """Return the weight of an operation by name; 1 for names that are not primitives."""
    return PRIMITIVES[name].cost if name in PRIMITIVES else 1


def weight(node: Node) -> int:
    """Estimate the instructions for one vector of the node's elements."""
    return node.op.cost


def is_costly(node: Node) -> bool:
    """Return whether a node applies a function that is worth a vector of its own."""
    return node.op.kind == "elementwise" and weight(node) >= COSTLY


def elements(node: Node) -> int:
    """Return how many elements a node computes on: those of its operand for a reduction, else those of its results."""
    source = node.operands[0] if node.op.kind == "reduce" else node
    return source.type.size if len(source.types) == 1 else sum(t.size for t in source.types)


def products(node: Node) -> int:
    """Return the number of multiply-adds of a matmul."""
    return node.type.size * node.operands[0].shape[-1]


def is_small(type: TensorType, elements: int) -> bool:
    """Return whether a value of a type never has more than `elements` elements."""
    return type.size <= elements and min(type.shape, default=0) >= 0


# -- one kernel -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KernelWeight:
    """The weight of nodes in one kernel, which computes sine and cosine of one angle together."""

    instructions: int = 0
    twins: frozenset[tuple[str, Node]] = frozenset()
    """The operations that have a twin, with their operands."""

    @staticmethod
    def of(node: Node) -> KernelWeight:
        """Return the weight of a kernel of one node."""
        return KernelWeight(weight(node), frozenset([(node.op.name, node.operands[0])] if node.op.twin else ()))

    def plus(self, other: KernelWeight) -> KernelWeight:
        """Return the weight of two kernels merged into one."""
        shared = sum((PRIMITIVES[name].twin, x) in self.twins for name, x in other.twins)
        total = self.instructions + other.instructions - SHARED_SINCOS * shared
        return KernelWeight(total, self.twins | other.twins if other.twins else self.twins)


def total_weight(nodes: Iterable[Node]) -> int:
    """Estimate the instructions for one vector of several nodes in one kernel."""
    return reduce(KernelWeight.plus, map(KernelWeight.of, nodes), KernelWeight()).instructions


# -- a program ------------------------------------------------------------------------------------------


class Work(NamedTuple):
    """Element operations, and bytes that one kernel call of a program writes and another reads."""

    flops: int
    bytes: int


def work_of(region: Region) -> Work:
    """Return the work of a region; a scan counts every iteration, a while one."""
    flops = moved = 0
    results = set(region.results)
    for node in region.nodes():
        if is_fusion(node):
            flops += sum(weight(n) * elements(n) for inner in node.regions for n in inner.nodes())
        elif is_matmul(node):
            flops += 2 * products(node)
        elif node.regions:
            each = [work_of(r) for r in node.regions]
            times = node.params.get("length", 1) or 1
            flops += times * sum(work.flops for work in each)
            moved += 0 if "registers" in node.params else times * sum(work.bytes for work in each)
        elif node.op.kind in ("elementwise", "reduce") or node.op.rounding == "conditioned":
            flops += weight(node) * elements(node)
        computed = node.op.kind not in ("movement", "leaf") and len(node.types) == 1
        if node not in results and (computed or is_result(node)) and not node.type.grows:
            moved += 2 * node.type.bytes
    return Work(flops, moved)


# -- on a target ----------------------------------------------------------------------------------------


def instructions(node: Node, target: TargetInfo) -> Any:
    """Estimate the vector instructions of a node; a scan counts every iteration, a while one."""
    if node.regions:
        times = node.params.get("length")
        inside = sum(instructions(n, target) for region in node.regions for n in region.nodes())
        return (1 if times is None else times) * inside
    if is_matmul(node):
        return products(node) * node.dtype.bytes / target.vector_bytes
    return weight(node) * elements(node) / target.vector_elements


def keeping(size: int, total: Any, target: TargetInfo) -> Any:
    """Estimate the instructions of storing and loading `size` bytes of an array of `total` bytes."""
    return size * next(rate for bound, rate in target.keeping if total <= bound)
