"""State of one batching, and guards for the elements that do not take part in a computation.

A computation must neither fail for elements that do not take part in it nor affect their gradients: their indices become 0,
their inner loops do not run, and no gradient flows out of them (`guarded`).
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
    """One batching: the extent of its axis, its level, batching itself, and state that its loops share.

    `params` are the batched parameters of regions: two loops over one body share them, so that they can be merged.  `running`
    is the active mask of each iteration of a loop, for loops that stack.
    """

    size: int
    level: int | None
    batch: Callable[[Sequence[Node], dict[Node, Node], Run], list[Outcome]]
    params: dict[Node, Node] = field(default_factory=dict)
    flags: dict[Node, Node] = field(default_factory=dict)
    running: dict[Node, Node] = field(default_factory=dict)

    def many(self, param: Node) -> Node:
        """Return the parameter for a batch of another one."""
        if param not in self.params:
            self.params[param] = parameter(TensorType(param.dtype, (self.size, *param.shape)), param.name)
        return self.params[param]

    def flag(self, body: Region) -> Node:
        """Return the parameter of a body for the active mask."""
        key = body.params[0] if body.params else body.results[0]
        if key not in self.flags:
            self.flags[key] = parameter(TensorType(BOOL, (self.size,)), "running")
        return self.flags[key]

    def region(self, results: Sequence[Node], params: Sequence[Node], batched: Sequence[bool]) -> list[Outcome]:
        """Return results with some parameters replaced by batches."""
        inputs = {p: self.many(p) for p, has in zip(params, batched, strict=True) if has}
        return self.batch(results, inputs, self)

    def own(self, params: Sequence[Node], batched: Sequence[bool]) -> list[Node]:
        """Return the parameters, some of them replaced by batches."""
        return [self.many(p) if has else p for p, has in zip(params, batched, strict=True)]

    def led(self, outcome: Outcome) -> Node:
        """Return a value as a batch."""
        node, has = outcome
        return node if has else lead(node, self.size)


def where(running: Node, x: Node, y: Node) -> Node:
    """Return `x` for the active elements, else `y`: two batches of one type."""
    return x if x is y else select(build.broadcast(running, x.shape, (0,)), x, y)


def held_back(x: Node, running: Node) -> Node:
    """Return a batch whose gradient flows only for the active elements."""
    return where(running, x, build.apply("stop_gradient", x)) if x.dtype.is_float else x


def guarded(results: Sequence[Node], runs: Node) -> list[Node]:
    """Return the results of a region, made harmless where `runs`, a 0-d bool, is false."""
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
