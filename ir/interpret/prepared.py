"""Evaluate one graph many times on NumPy: what does not depend on the values is done once.

A step is a NumPy call with the numbers of its operands.  Values that depend on no parameter are computed beforehand, an operand
that is broadcast to the shape of the other one is left to NumPy's own broadcasting, and a value is dropped after its last
reader, so that its memory is used again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir.core.decisions import essential
from graphc.ir.core.graph import Node, toposort
from graphc.ir.core.predicates import is_broadcast, is_derived, is_stopped
from graphc.ir.interpret.evaluate import EVALUATORS, evaluate_node

__all__ = ["Prepared"]

Array = np.ndarray[Any, Any]

HELD_BYTES = 1 << 14
"""The most bytes of a value that is computed beforehand."""

Step = tuple[Callable[..., Any], tuple[int, ...], dict[str, Any], Any, int, list[int], str]
"""The computation of one value: a function, the numbers of its operands, its parameters, the dtype of the value (None for a
list of arrays), the value's number, the numbers of the values that no later step reads, and the user's line."""


class Prepared:
    """The evaluation of `roots` over `params`, as a function of the arrays of the parameters.

    Its results are those of `evaluate_nodes`.  Threads may share it.
    """

    def __init__(self, params: Sequence[Node], roots: Sequence[Node]) -> None:
        self.number = {p: i for i, p in enumerate(params)}
        self.initial: list[Any] = [None] * len(params)
        self.held: set[int] = set()
        """The identities of arrays that were computed beforehand."""
        order = toposort(roots, self.number.__contains__)
        self.shapes = _shapes_of_operands(order, roots)
        self.fixed = self._fixed(order)
        self.steps: list[Step] = []
        self.last_reader: dict[int, list[int]] = {}
        """For each value what its last step drops."""
        for node in order:
            if node not in self.number:
                self._prepare(node)
        self.roots = [self.number[r] for r in roots]
        kept = set(self.roots)
        for number, last in self.last_reader.items():
            if number not in kept:
                last.append(number)

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the arrays of the roots."""
        values = [*arrays, *self.initial[len(arrays) :]]
        array = np.ndarray
        with np.errstate(all="ignore"):
            for function, operands, params, dtype, result, last, where in self.steps:
                try:
                    value = function(*[values[i] for i in operands], **params)
                except IndexError as error:
                    raise type(error)(f"{error}\n  at {where}" if where else str(error)) from None
                if dtype is not None:
                    if type(value) is not array:
                        value = np.asarray(value)
                    if value.dtype is not dtype:
                        value = value.astype(dtype, copy=False)
                values[result] = value
                for i in last:
                    values[i] = None
        return [self._own(np.asarray(values[i])) for i in self.roots]

    def _own(self, array: Array) -> Array:
        """Return a copy of an array that shares memory with one computed beforehand, since the caller may write to it."""
        return array.copy() if id(array) in self.held or (array.base is not None and id(array.base) in self.held) else array

    def _fixed(self, order: Sequence[Node]) -> set[Node]:
        """Return the values that depend on no parameter."""
        fixed: set[Node] = set()
        for node in order:
            if node.op.reference is not None and all(o in fixed for o in node.operands):
                fixed.add(node)
        return fixed

    def _new(self, node: Node, initial: Any = None) -> int:
        number = self.number[node] = len(self.initial)
        self.initial.append(initial)
        return number

    def _prepare(self, node: Node) -> None:
        """Add the step of a node, or compute it."""
        operands = tuple([self.number[o] for o in node.operands])
        if is_stopped(node) or (node.op.has_identity and operands):  # the value is the operand's
            self.number[node] = operands[0]
        elif node in self.fixed and node.type.bytes <= HELD_BYTES and all(self.initial[i] is not None for i in operands):
            with np.errstate(all="ignore"):
                array = evaluate_node(node, [self.initial[i] for i in operands])
            self.held |= {id(array), id(array.base)}
            self._new(node, array)
        else:
            function, dtype = _function(node, self.shapes.get(node))
            last: list[int] = []
            number = self._new(node)
            for i in (*operands, number):
                self.last_reader[i] = last
            self.steps.append((function, operands, {} if dtype is None else essential(node), dtype, number, last, node.where))


def _function(node: Node, shape: tuple[int, ...] | None) -> tuple[Callable[..., Any], Any]:
    """Return the function of a node, and the dtype of its value; None if the function takes no parameters."""
    if node.op.name in EVALUATORS:
        evaluator = EVALUATORS[node.op.name]
        return (lambda *operands: evaluator(node, list(operands))), None
    if shape is not None:
        return (lambda x: x.reshape(shape)), None
    if node.op.reference is None:
        raise ValueError(f"{node.op.name} {node.name} has no value: it is not bound to an array")
    reference = node.op.reference
    return getattr(reference, "__wrapped__", reference), node.dtype.numpy


def _shapes_of_operands(order: Sequence[Node], roots: Sequence[Node]) -> dict[Node, tuple[int, ...]]:
    """Return the shapes, with axes of extent 1, of broadcast values that NumPy broadcasts itself where they are read."""
    broadcasts = {n for n in order if is_broadcast(n)} - set(roots)
    for node in order:
        full = node.op.kind == "elementwise" and not is_derived(node)
        kept = [o for o in node.operands if o not in broadcasts]
        if not full or not any(o.shape == node.shape for o in kept if len(o.types) == 1):
            broadcasts -= set(node.operands)
    return {n: _spread(n.operands[0].shape, n.params["axes"], len(n.shape)) for n in broadcasts}


def _spread(shape: tuple[int, ...], axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Return a shape with axis i at axes[i], and extents of 1 elsewhere."""
    extents = dict(zip(axes, shape, strict=True))
    return tuple([extents.get(a, 1) for a in range(rank)])
