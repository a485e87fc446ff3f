"""The histories of a compiled call's results: the recorded graph on the nodes of the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.autograd.engine import reached_ends
from graphc.compiler.results.protocol import Array, Result
from graphc.compiler.signature import Call
from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.recording.grad_fn import AccumulateGrad, CustomGradFn, GradFn, OuterGradFn, TransformInput, history
from graphc.recording.structures import substitute
from graphc.storage.storage import Storage, unique, valued
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import Captured, no_way_out

__all__ = ["Histories", "is_outside"]


class Histories:
    """The nodes and grad_fns on which the histories of a call's results stand: made before the call writes anything.

    A leaf that the function writes has another node afterwards, from which on its gradients are taken too.  `replaced` are the
    storages with the nodes that the trace wrote to them.  Leaves that the function makes are new ones at each call:
    `new_leaves`, by the tensor of the trace.
    """

    def __init__(
        self,
        params: Sequence[Node],
        captures: Sequence[Captured],
        placeholders: Mapping[Tensor, int],
        results: Sequence[Result],
        call: Call,
        arrays: Sequence[Array],
    ) -> None:
        self.captures, self.placeholders, self.call, self.arrays = captures, placeholders, call, arrays
        self.replaced: dict[Node, Storage] = {}
        self.new_leaves: dict[Tensor, Tensor] = {}
        self.tensors: dict[Node, Tensor] = {}
        """The results so far by their nodes in the trace: later ones stand on them."""
        self.numbers = {p: i for i, p in enumerate(params)}
        self.actual = {p: self._actual(i, p) for i, p in enumerate(params)}
        self.edges = {p: edge for r in results if r.has_history for p, edge in self._edges(r.fn)}

    def _actual(self, number: int, placeholder: Node) -> Node:
        """Return the node, at this call, of a parameter of the graph."""
        arguments, captures = self.call.arguments, self.captures
        if number < len(arguments):
            passed = arguments[number].passed
            return passed._node() if isinstance(passed, Tensor) else valued(arguments[number].array, placeholder)
        storage = captures[number - len(arguments)].source() if number < len(arguments) + len(captures) else None
        return storage.entered() if storage is not None else valued(self.arrays[number], placeholder)

    def _edges(self, fn: GradFn | None) -> list[tuple[Node, GradFn | None]]:
        """Return the ends of a recorded history at parameters of the graph, with their grad_fns at this call."""
        steps = history([fn])
        ends = [s for s in steps if isinstance(s, (AccumulateGrad, TransformInput)) and s.node in self.numbers]
        ends = [s for s in ends if not self._is_made(s)]
        return [(s.node, self._tensor(s)._edge()) for s in ends] + [
            (s.outputs[0], self._captured(s.outputs[0])) for s in steps if isinstance(s, OuterGradFn)
        ]

    def _captured(self, placeholder: Node) -> GradFn | None:
        """Return the grad_fn, at this call, of a captured tensor with a history; None if it has become a leaf."""
        number = self.numbers.get(placeholder)
        storage = None if number is None else self.captures[number - len(self.call.arguments)].source()
        return None if storage is None else storage.make_fn()

    def _is_made(self, end: AccumulateGrad | TransformInput) -> bool:
        """Return whether a history ends at a leaf that the function made."""
        if isinstance(end, TransformInput) or end.tensor in self.placeholders:
            return False
        return end.tensor._storage.trace is not None

    def _tensor(self, end: AccumulateGrad | TransformInput) -> Any:
        """Return the tensor, at this call, where a history ends."""
        if isinstance(end, TransformInput):
            return self.call.arguments[self.numbers[end.node]].passed
        number = self.placeholders.get(end.tensor)
        return self.new_leaves.get(end.tensor, end.tensor) if number is None else self.call.arguments[number].passed

    def tensor(self, r: Result, array: Array) -> Tensor:
        """Return a result with a history, after the call has written: the recorded graph, with a known value.

        Results on which others depend come first.
        """
        assert r.node is not None
        tensor = self._tensor_of(r, array, {n: x for n, x in self.tensors.items() if n is not r.node})
        self.tensors.setdefault(r.node, tensor)
        return tensor

    def _tensor_of(self, r: Result, array: Array, earlier: Mapping[Node, Tensor]) -> Tensor:
        assert r.node is not None
        assert r.fn is not None
        steps = history([r.fn])
        leaves = [s for s in steps if isinstance(s, AccumulateGrad) and (s.node not in self.numbers or self._is_made(s))]
        known = self.actual | {node: storage.entered() for node, storage in self.replaced.items()}
        known |= {n: x._node() for n, x in earlier.items()}
        known |= {leaf.node: tensor._node() for leaf in leaves if (tensor := self.new_leaves.get(leaf.tensor)) is not None}
        node, *nodes = substitute([r.node, *(leaf.node for leaf in leaves)], known)
        for leaf, new in zip(leaves, nodes, strict=True):
            if self._is_made(leaf) and leaf.tensor not in self.new_leaves:
                self.new_leaves[leaf.tensor] = Tensor._of(Storage(new, True))
        if isinstance(r.fn, AccumulateGrad) and r.fn.tensor in self.new_leaves:
            node.value = array
            return self.new_leaves[r.fn.tensor]
        if node.value is None:
            node = _with_value(node, array)
        outside = [s.outputs[0] for s in steps if isinstance(s, OuterGradFn)]
        if any(self.edges.get(placeholder) is None for placeholder in outside):
            node = unique(node)
            return Tensor._of(Storage(node, True, CustomGradFn(r.fn.name(), (), [node], [node], no_way_out)))
        ends = [s for s in steps if isinstance(s, (AccumulateGrad, TransformInput)) and s not in leaves]
        edges = [self.edges[s.node] for s in ends if s.node in self.edges]
        edges += [self.edges[placeholder] for placeholder in outside]
        edges += [earlier[n]._edge() for n in reached_ends([r.node], list(earlier), compared=False)[r.node]]
        edges += [AccumulateGrad(self._tensor(leaf), new) for leaf, new in zip(leaves, nodes, strict=True)]
        return Tensor._of(Storage(node, True, GradFn(r.fn.name(), tuple(edges), saves=r.fn.saves)))


def _with_value(node: Node, array: Array) -> Node:
    """Return a node for the value that the program computed.

    The derivatives recompute `node` itself: one of a maximum compares it with its operands, which the program may have
    rounded in another way.
    """
    known = make(PRIMITIVES["alias"], (node,), unique=True, like=node)
    known.value = array
    return known


def is_outside(step: GradFn) -> bool:
    """Return whether a grad_fn stands for the history of an external tensor."""
    return isinstance(step, OuterGradFn)
