"""Decide which values of a region of kernels need no buffer or copy of their own, and check such decisions.

%y: f64[8] = concatenate %a, %b {axis=0, in_place=[0]}     the kernel of %a writes into the buffer of %y; %b is copied there
%z: f64[20,30] = matmul %c, %w {packed=true}               %w, which a loop captures, is packed once before the loop
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from graphc.ir.analysis.views import as_view, dense_strides
from graphc.ir.core.cost import TargetInfo
from graphc.ir.core.graph import Node, Region, users
from graphc.ir.core.predicates import is_concatenate, is_fusion, is_loop, is_matmul, is_result
from graphc.ir.core.structural_key import SMALL
from graphc.ir.regions.loop import Loop

__all__ = ["captured", "illegal_joins", "illegal_packing", "joined_in_place", "packed_products"]


# -- joins ------------------------------------------------------------------------------------------------


def joined_in_place(region: Region) -> dict[Node, tuple[int, ...]]:
    """Return, for each concatenation of a region, the operands whose kernels can write directly into its buffer."""
    nodes = region.nodes()
    joins = [n for n in nodes if is_concatenate(n)]
    readers = users(nodes) if joins else {}
    in_place = {n: tuple([i for i in range(len(n.operands)) if _may_join(n, i, region, readers)]) for n in joins}
    return {n: numbers for n, numbers in in_place.items() if numbers}


def _may_join(node: Node, number: int, region: Region, readers: Mapping[Node, list[Node]]) -> bool:
    """Whether an operand of a concatenation is computed by a kernel and read by nothing else."""
    piece = node.operands[number]
    producer = piece.operands[0] if is_result(piece) else piece
    return is_fusion(producer) and readers[piece] == [node] and piece not in region.results


def illegal_joins(region: Region) -> Iterator[tuple[Node, str]]:
    """Yield the concatenations whose in-place operands are illegal, and why."""
    joins = [node for node in region.nodes() if is_concatenate(node) and "in_place" in node.params]
    readers = users(region.nodes()) if joins else {}
    for node in joins:
        if not node.params["in_place"]:
            yield node, "concatenate has operands that are written in place, and names none"
        for number in node.params["in_place"]:
            if number >= len(node.operands):
                yield node, f"concatenate has {len(node.operands)} operands, and none is number {number}"
            elif not _may_join(node, number, region, readers):
                yield node, f"operand {number} of concatenate is not made by a kernel for it alone"


# -- packed factors ---------------------------------------------------------------------------------------


def captured(loop: Node, body: Region) -> tuple[Node, ...]:
    """Return the body parameters that hold a loop's captures; none for other regions."""
    record = Loop.of(loop) if is_loop(loop) else None
    return () if record is None or body is not record.body else tuple(c.param for c in record.captures)


def packed_products(body: Region, captures: Collection[Node], target: TargetInfo) -> set[Node]:
    """Return the matmuls of a loop's body whose right factors are worth packing before the loop."""
    products = [n for n in body.nodes() if is_matmul(n)]
    factors = {n.operands[1] for n in products if _is_worth_packing(n, target)}
    factors = {factor for factor in factors if _is_view(factor, captures)}
    return {n for n in products if n.operands[1] in factors}


def _is_worth_packing(node: Node, target: TargetInfo) -> bool:
    """Whether a node is a matrix-matrix product whose right factor is neither small nor packed block by block."""
    if node.type.rank != 2 or node.operands[1].type.bytes > target.packed_bytes:
        return False
    return node.shape[0] > 1 and all(n > SMALL for n in node.operands[1].shape)


def _is_view(factor: Node, captures: Collection[Node]) -> bool:
    """Whether a factor is a view of a captured value."""
    base = factor
    while base.op.kind == "movement":
        base = base.operands[0]
    view = as_view(factor, lambda n: dense_strides(n.shape)) if base in captures else None
    return view is not None and view.base is base


def illegal_packing(body: Region, captures: Collection[Node]) -> Iterator[tuple[Node, str]]:
    """Yield the matmuls whose right factor cannot be packed before the loop, and why."""
    for node in body.nodes():
        if is_matmul(node) and "packed" in node.params:
            if node.type.rank != 2:
                yield node, "matmul of a batch has no packed factor"
            elif not _is_view(node.operands[1], captures):
                yield node, "matmul has a packed factor that is no view of what its loop captures"
