"""Write the node of a record: the one that the record was read from, where nothing differs."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from graphc.ir.core.decisions import essential
from graphc.ir.core.graph import Node, Primitive, Region, make

__all__ = ["kept_regions", "remade", "same"]


def same(old: Sequence[object], new: Sequence[object]) -> bool:
    """Return whether two sequences hold the same objects."""
    return len(old) == len(new) and all(map(operator.is_, old, new))


def kept_regions(origin: Node | None, regions: Sequence[Region]) -> tuple[Region, ...]:
    """Return regions, each replaced by that of the origin at its place if they are equal."""
    if origin is None or len(origin.regions) != len(regions):
        return tuple(regions)
    pairs = zip(origin.regions, regions, strict=True)
    return tuple(a if same(a.params, b.params) and same(a.results, b.results) else b for a, b in pairs)


def remade(
    origin: Node | None,
    op: Primitive,
    operands: Sequence[Node],
    params: dict[str, Any],
    regions: Sequence[Region],
    like: Node | None = None,
) -> Node:
    """Return a node: the origin, with its decisions, if it is the same operation on the same parts.  Raises TypeRuleError.

    A new node has no decisions; it inherits its name and source location from `like`, or from the origin.
    """
    if origin is None:
        return make(op, operands, params, tuple(regions), like=like)
    equal = origin.op is op and same(origin.operands, operands) and same(origin.regions, regions)
    if equal and essential(origin) == params:
        return origin
    return make(op, operands, params, tuple(regions), like=like or origin)
