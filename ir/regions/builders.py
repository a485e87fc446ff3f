"""Build loops, branches, checkpoints and custom functions of regions that may read other values: these become captures."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.signatures import Layout
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Binding, Loop
from graphc.ir.regions.substitution import close

__all__ = ["added", "checkpoint", "cond", "custom", "scan", "while_loop"]


def checkpoint(body: Region, operands: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the results of a region whose gradient keeps the operands only.  The region may read other values."""
    closed, captures = close([body], outer, hoist="all" if outer is None else "none")
    return Call(PRIMITIVES["checkpoint"], (*operands, *captures), closed, attributes={"barrier": False}).results()


def cond(pred: Node, yes: Region, no: Region, operands: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the results of one of two regions.  Both may read other values.  Raises TypeRuleError.

    Computation on values that already exist, the `outer` ones, stays in the branch.
    """
    closed, captures = close([yes, no], outer, hoist="all" if outer is None else "none")
    return Call(PRIMITIVES["cond"], (*operands, *captures), closed, pred).results()


def custom(
    values: Sequence[Node],
    inputs: Sequence[Node],
    *,
    backward: tuple[Region, Sequence[int]] | None,
    forward: tuple[Region, Sequence[int]] | None,
    refusals: tuple[str, str] = ("", ""),
    batches: Mapping[int, Region] | None = None,
    outer: Collection[Node] | None = None,
) -> list[Node]:
    """Return values whose derivatives with respect to `inputs` are given by regions, which may read other values.

    `backward` maps cotangents and values to the gradients of the numbered inputs, `forward` maps tangents and values to the
    tangents of the numbered values; without a rule no derivative flows, or the text in `refusals` is raised as an error.
    `batches` maps batched inputs to batched values, by the level of the batching.  Raises TypeRuleError.
    """
    levels = batches or {}
    rules = [rule[0] for rule in (backward, forward) if rule is not None]
    closed, captures = close([*rules, *levels.values()], outer, hoist="none")
    rest = iter(closed)
    backward, forward = (None if rule is None else (next(rest), rule[1]) for rule in (backward, forward))
    batching = dict(zip(levels, rest, strict=True))
    return Custom(values, inputs, captures, backward, forward, refusals, batching).results()


def while_loop(test: Region, body: Region, carries: Sequence[Node], outer: Collection[Node] | None = None) -> list[Node]:
    """Return the carried values after the last iteration, then the stacked ys.  Raises TypeRuleError."""
    closed, captures = close([test, body], outer, hoist="safe")
    ends, stacks = Loop.of_regions((*carries, *captures), closed, Layout(len(carries))).results()
    return [*ends, *stacks]


def scan(
    body: Region,
    carries: Sequence[Node],
    xs: Sequence[Node],
    length: int,
    *,
    reverse: bool = False,
    outer: Collection[Node] | None = None,
) -> list[Node]:
    """Return the carried values after the last iteration, then the stacked ys.  Raises TypeRuleError."""
    closed, captures = close([body], outer, hoist="all" if length else "safe")
    operands, layout = (*carries, *xs, *captures), Layout(len(carries), len(xs))
    ends, stacks = Loop.of_regions(operands, closed, layout, length, reverse=reverse).results()
    return [*ends, *stacks]


def added(x: Node, y: Node) -> Node:
    """Return the sum of two values of one type; growing stacks are added item by item."""
    if not x.type.grows:
        return x + y
    item = x.type.with_shape(x.shape[1:])
    a, b = parameter(item), parameter(item)
    return Loop([], [Binding(x, a), Binding(y, b)], ys=[a + b]).node()
