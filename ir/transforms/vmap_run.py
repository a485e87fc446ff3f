"""What rules of batching share: one batching, and how elements that do not take part in a computation are made harmless.

What is computed for an element that does not want it may neither fail nor spoil a gradient: its indices are 0, its
inner loops do not run, and no gradient leads out of there (`guarded`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphc.ir.core import build
from graphc.ir.core.build import select
from graphc.ir.core.graph import Node, Region, make, parameter, toposort
from graphc.ir.core.predicates import is_while, may_fail
from graphc.ir.core.types import BOOL, TensorType
from graphc.ir.transforms.vmap_rules import lead

__all__ = ["Outcome", "Run", "guarded", "held_back", "where"]

Outcome = tuple[Node, bool]
"""A value, and whether it has the batch axis."""


@dataclass(eq=False)
class Run:
    """One batching: the extent of the axis, its number, batching itself, and what its loops have in common.

    `params` are the batches of regions' parameters: two loops over one body share them, so that they can become one.
    `running` tells who was still running at each iteration of a loop, for loops that stack.
    """

    size: int
    level: int | None
    batch: Callable[[Sequence[Node], dict[Node, Node], Run], list[Outcome]]
    params: dict[Node, Node] = field(default_factory=dict)
    flags: dict[Node, Node] = field(default_factory=dict)
    running: dict[Node, Node] = field(default_factory=dict)

    def many(self, param: Node) -> Node:
        """Return the parameter for a batch of what another one is."""
        if param not in self.params:
            self.params[param] = parameter(TensorType(param.dtype, (self.size, *param.shape)), param.name)
        return self.params[param]

    def flag(self, body: Region) -> Node:
        """Return the parameter of a body that tells which elements run."""
        key = body.params[0] if body.params else body.results[0]
        if key not in self.flags:
            self.flags[key] = parameter(TensorType(BOOL, (self.size,)), "running")
        return self.flags[key]

    def region(self, results: Sequence[Node], params: Sequence[Node], batched: Sequence[bool]) -> list[Outcome]:
        """Return results where some parameters are batches."""
        inputs = {p: self.many(p) for p, has in zip(params, batched, strict=True) if has}
        return self.batch(results, inputs, self)

    def own(self, params: Sequence[Node], batched: Sequence[bool]) -> list[Node]:
        """Return the parameters, batches for some of them."""
        return [self.many(p) if has else p for p, has in zip(params, batched, strict=True)]

    def led(self, outcome: Outcome) -> Node:
        """Return a value as a batch."""
        node, has = outcome
        return node if has else lead(node, self.size)


def where(running: Node, x: Node, y: Node) -> Node:
    """Return `x` for the elements that run, else `y`: two batches of one type."""
    return x if x is y else select(build.broadcast(running, x.shape, (0,)), x, y)


def held_back(x: Node, running: Node) -> Node:
    """Return a batch through which gradients lead only for the elements that run."""
    return where(running, x, build.apply("stop_gradient", x)) if x.dtype.is_float else x


def guarded(results: Sequence[Node], runs: Node) -> list[Node]:
    """Return what a region computes, made harmless where `runs`, a 0-d bool, is false."""
    new: dict[Node, Node] = {}
    for node in toposort(results):
        operands = [new.get(o, o) for o in node.operands]
        first = node.op.indices
        if first is not None:
            safe = [select(build.broadcast(runs, i.shape, ()), i, build.zeros_like(i)) for i in operands[first:]]
            new[node] = make(node.op, [*operands[:first], *safe], node.params, like=node)
        elif node.regions and may_fail(node):
            new[node] = _guarded_regions(node, operands, runs)
        elif any(a is not b for a, b in zip(operands, node.operands, strict=True)):
            new[node] = make(node.op, operands, node.params, node.regions, like=node)
    return [new.get(r, r) for r in results]


def _guarded_regions(node: Node, operands: Sequence[Node], runs: Node) -> Node:
    inner = parameter(runs.type, runs.name)
    regions = [Region((*r.params, inner), tuple(guarded(r.results, inner))) for r in node.regions]
    if is_while(node):
        test = regions[0]
        regions[0] = Region(test.params, (test.results[0] & inner,))
    return make(node.op, [*operands, runs], node.params, tuple(regions), like=node)
