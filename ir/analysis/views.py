"""Movement that needs no copy: a node as a strided view of another node's buffer.

%t = permute %x {axes=[1,0]}     is x with its strides swapped
%s = slice %x {start=[2,0], …}   is x with an offset
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from graphc.ir.access.index_map import IndexMap, index_map
from graphc.ir.core.graph import Node

__all__ = ["View", "as_view", "dense_strides", "whole_buffer"]

Strides = tuple[int, ...]


@dataclass(frozen=True)
class View:
    """The elements `offset + sum(index * strides)` of the buffer of `base`; strides count elements."""

    base: Node
    offset: int
    strides: Strides


def dense_strides(shape: tuple[int, ...]) -> Strides:
    """Return the strides, in elements, of a row-major array."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))


def as_view(node: Node, layout: Callable[[Node], Strides]) -> View | None:
    """Follow movement down to a buffer; `layout` gives the strides of any node that is not movement.

    Returns None if a reshape or a pad on the way needs a copy.
    """
    chain: list[IndexMap] = []
    while node.op.kind == "movement":
        chain.append(index_map(node))
        if chain[-1].guards:
            return None
        node = node.operands[0]
    offset, strides = 0, layout(node)
    for map in reversed(chain):
        seen = _through(map, strides)
        if seen is None:
            return None
        offset, strides = offset + seen[0], seen[1]
    return View(node, offset, strides)


def whole_buffer(node: Node) -> Node | None:
    """Return the node whose complete row-major buffer this node is under another shape; None if there is none.

    A node that is not movement is its own buffer.
    """
    view = as_view(node, lambda n: dense_strides(n.shape))
    if view is None or view.offset or view.base.type.size != node.type.size:
        return None
    along = zip(node.shape, view.strides, dense_strides(node.shape), strict=True)
    return view.base if all(n == 1 or stride == dense for n, stride, dense in along) else None


def _through(map: IndexMap, strides: Strides) -> tuple[int, Strides] | None:
    """Return offset and strides of an index map over memory with the operand's strides; None if it is not strided."""
    if 0 in map.shape:
        return 0, dense_strides(map.shape)
    offset, strides_of_axes = 0, [0] * len(map.shape)
    single = [(form, (a,)) for a, (form, n) in enumerate(zip(map.axes, map.below, strict=True)) if n == 1]
    for form, axes in [*map.positions(), *single]:
        stride = strides[axes[-1]]
        if any(strides[a] != strides[b] * map.below[b] for a, b in pairwise(axes)):
            return None  # the digits of this form are not dense in one another
        offset += stride * form.const
        for atom, c in form.terms:
            if not isinstance(atom, int):
                return None
            strides_of_axes[atom] = stride * c
    return offset, tuple(strides_of_axes)
