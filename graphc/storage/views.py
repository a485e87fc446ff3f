"""Views as steps: how a tensor reads from the node of its base, and how writes to it reach the base.

A view is a chain of steps on top of its base (`graphc.storage.steps` has their kinds).  Reading applies the chain to the
current value of the base; writing runs it backwards.  Each step computes strides by torch's rules, so that a view in torch is
one here.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from graphc.core.dtypes import of_numpy
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.build import iota, reshape, scatter
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import TensorType
from graphc.ir.interpret.evaluate import evaluate_nodes

__all__ = [
    "Shape", "Step", "Strides", "ViewSteps",
    "is_static", "overlaps", "read", "shape_of", "shown", "strides", "type_of", "write",
]  # fmt: skip

Shape = tuple[int, ...]
Strides = tuple[int, ...]


class Step:
    """One step of a view: from a node to another with some of its elements."""

    static = True
    """Whether the step reads the same elements for all values."""
    invertible = True
    """Whether `write` can invert it: no element of the operand occurs twice."""

    def read(self, x: Node) -> Node:
        """Return the view of `x`."""
        raise NotImplementedError

    def show(self, array: Any) -> Any:
        """Return the view of an array."""
        node = parameter(TensorType(of_numpy(array.dtype).ir, array.shape), where="")
        return evaluate_nodes([self.read(node)], {node: array})[0]

    def write(self, whole: Node, new: Node) -> Node:
        """Return `whole` with `new` in place of the view."""
        raise NotImplementedError

    def shape(self, shape: Shape) -> Shape:
        """Return the shape of the view of an array of this shape."""
        raise NotImplementedError

    def strides(self, shape: Shape, strides: Strides) -> Strides | None:
        """Return the strides of the view of an array of this shape and strides; None if it takes a copy."""
        raise NotImplementedError


ViewSteps = tuple[Step, ...]


def read(base: Node, view_steps: ViewSteps) -> Node:
    """Apply the steps."""
    for step in view_steps:
        base = step.read(base)
    return base


def shown(array: Any, view_steps: ViewSteps) -> Any:
    """Return the result of static steps on an array: a view of it where NumPy has one."""
    for step in view_steps:
        array = step.show(array)
    return array


def type_of(array: Any) -> TensorType:
    """Return the type of an array."""
    return TensorType(of_numpy(array.dtype).ir, array.shape)


def is_static(view_steps: ViewSteps) -> bool:
    """Return whether a view reads the same elements for all values."""
    for step in view_steps:  # noqa: SIM110 - a generator costs more than the loop
        if not step.static:
            return False
    return True


def strides(shape: Shape, view_steps: ViewSteps) -> Strides | None:
    """Return the strides, in elements, of a view of a dense array; None if no strides describe it."""
    result = dense_strides(shape)
    for step in view_steps:
        next_ = step.strides(shape, result)
        if next_ is None:
            return None
        shape, result = step.shape(shape), next_
    return result


def shape_of(shape: Shape, view_steps: ViewSteps) -> Shape:
    """Return the shape of a view of an array of some shape."""
    for step in view_steps:
        shape = step.shape(shape)
    return shape


def overlaps(base: Shape, view_steps: ViewSteps) -> bool:
    """Return whether two elements of a view of an array of a shape share memory."""
    if all(step.invertible for step in view_steps):
        return False
    shape, distances = shape_of(base, view_steps), strides(base, view_steps)
    assert distances is not None, "a view has strides"
    if any(n > 1 and s == 0 for n, s in zip(shape, distances, strict=True)):
        return 0 not in shape
    places = np.zeros(shape, np.int64)
    for axis, (n, stride) in enumerate(zip(shape, distances, strict=True)):
        places += (np.arange(n) * stride).reshape(-1, *[1] * (len(shape) - axis - 1))
    return np.unique(places).size < prod(shape)


def write(base: Node, view_steps: ViewSteps, new: Node) -> Node:
    """Return the base with `new` in place of the view; of elements that share memory the last one wins."""
    if not all(step.invertible for step in view_steps):
        return _write_places(base, view_steps, new)
    wholes: list[Node] = []
    for step in view_steps:
        wholes.append(base)
        base = step.read(base)
    for step, whole in zip(reversed(view_steps), reversed(wholes), strict=True):
        new = step.write(whole, new)
    return new


def _write_places(base: Node, view_steps: ViewSteps, new: Node) -> Node:
    """Write to the indices of the base that the view reads."""
    size = base.type.size
    places = read(reshape(iota((size,), 0), base.shape), view_steps)
    flat = scatter(reshape(base, (size,)), reshape(new, (new.type.size,)), reshape(places, (new.type.size,)))
    return reshape(flat, base.shape)
