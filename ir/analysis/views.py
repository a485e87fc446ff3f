"""Movement that needs no work: a node seen as strides over the buffer of another.

%t = permute %x {axes=[1,0]}     is x with its strides swapped
%s = slice %x {start=[2,0], …}   is x with an offset
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphc.ir.core.graph import Node

__all__ = ["View", "as_view", "dense_strides", "reshape_strides", "whole_buffer"]

Strides = tuple[int, ...]


@dataclass(frozen=True)
class View:
    """Elements `offset + sum(index * strides)` of the buffer of `base`; strides count elements."""

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


def reshape_strides(shape: tuple[int, ...], strides: Strides, new: tuple[int, ...]) -> Strides | None:
    """Return the strides that show an array under another shape without a copy; None if there are none."""
    if 0 in shape:
        return dense_strides(new)
    old = [(n, s) for n, s in zip(shape, strides, strict=True) if n != 1]
    result: list[int] = []
    group_size, step = 1, 1  # what is left of the innermost run of axes that lie densely in one another
    for n in reversed(new):
        if n == 1:
            result.append(0)
            continue
        if group_size == 1:
            group_size, step = old.pop()
            while old and old[-1][1] == step * group_size:
                group_size *= old.pop()[0]
        if group_size % n:
            return None
        result.append(step)
        group_size, step = group_size // n, step * n
    return tuple(reversed(result))


def as_view(node: Node, layout: Callable[[Node], Strides]) -> View | None:
    """Look through movement down to a buffer; `layout` gives the strides of whatever is not movement.

    None if some reshape or pad on the way needs a copy.
    """
    chain = []
    while node.op.kind == "movement" and node.op.name != "pad":
        chain.append(node)
        node = node.operands[0]
    if node.op.name == "pad":
        return None
    offset, strides, shape = 0, layout(node), node.shape
    for move in reversed(chain):
        step = _STEPS[move.op.name](move, shape, strides)
        if step is None:
            return None
        offset, strides, shape = offset + step[0], step[1], move.shape
    return View(node, offset, strides)


def whole_buffer(node: Node) -> Node | None:
    """Return the node whose row-major buffer a node is under another shape: all of it, in its order; None if it is not.

    A node that is no movement is its own.
    """
    view = as_view(node, lambda n: dense_strides(n.shape))
    if view is None or view.offset or view.base.type.size != node.type.size:
        return None
    along = zip(node.shape, view.strides, dense_strides(node.shape), strict=True)
    return view.base if all(n == 1 or stride == dense for n, stride, dense in along) else None


Step = tuple[int, Strides] | None


def _permute(node: Node, shape: tuple[int, ...], strides: Strides) -> Step:
    return 0, tuple(strides[a] for a in node.params["axes"])


def _broadcast(node: Node, shape: tuple[int, ...], strides: Strides) -> Step:
    at = dict(zip(node.params["axes"], strides, strict=True))
    return 0, tuple(at.get(a, 0) for a in range(node.type.rank))


def _slice(node: Node, shape: tuple[int, ...], strides: Strides) -> Step:
    if 0 in node.shape:
        return 0, strides
    offset = sum(s * start for s, start in zip(strides, node.params["start"], strict=True))
    return offset, tuple(s * step for s, step in zip(strides, node.params["step"], strict=True))


def _flip(node: Node, shape: tuple[int, ...], strides: Strides) -> Step:
    if 0 in shape:
        return 0, strides
    axes = node.params["axes"]
    return sum((shape[a] - 1) * strides[a] for a in axes), tuple(-s if a in axes else s for a, s in enumerate(strides))


def _reshape(node: Node, shape: tuple[int, ...], strides: Strides) -> Step:
    new = reshape_strides(shape, strides, node.shape)
    return None if new is None else (0, new)


_STEPS: dict[str, Callable[[Node, tuple[int, ...], Strides], Step]] = {
    "permute": _permute,
    "broadcast": _broadcast,
    "slice": _slice,
    "flip": _flip,
    "reshape": _reshape,
}
