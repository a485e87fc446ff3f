"""Forward-mode rules for branches and loops: a loop carries the tangents beside the values.

Bodies are differentiated by forward mode itself, on their own parameters, so that the original loop and the one with tangents
can be merged (`loop_passes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from graphc.ir.core.build import zeros_like
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Binding, Carry, Loop
from graphc.ir.regions.substitution import RefusedError

__all__ = ["LOOP_JVP", "LoopJVP", "Tangents"]

Tangents = Callable[[Sequence[Node], Sequence[Node], Sequence[Node]], "list[Node | None]"]
"""Forward mode itself, an argument of the rules, since its module imports this one."""

LoopJVP = Callable[[Node, Sequence["Node | None"], Tangents], "list[Node | None]"]
"""rule(node, tangents of its operands, forward mode) -> tangents of its results."""


def _filled(node: Node, tangent: Node | None) -> Node:
    return zeros_like(node) if tangent is None else tangent


def _scattered(results: Sequence[Node], moving: Sequence[int], count: int) -> list[Node | None]:
    by_number = dict(zip(moving, results, strict=True))
    return [by_number.get(i) for i in range(count)]


def _call(node: Node, tangents: Sequence[Node | None], push: Tangents) -> list[Node | None]:
    """Return the tangents of a branch or a checkpoint: the same node over its arms with tangents."""
    call = Call.of(node)
    _, tangents = call.split(tangents)
    varying = [i for i, t in enumerate(tangents) if t is not None]
    seeds = [parameter(call.arguments[i].type) for i in varying]
    arms = [push(r.results, [r.params[i] for i in varying], seeds) for r in call.arms]
    moving = [k for k in range(len(node.types)) if any(arm[k] is not None for arm in arms)]
    if not moving:
        return [None] * len(node.types)
    regions = [
        Region((*r.params, *seeds), tuple(_filled(r.results[k], arm[k]) for k in moving))
        for r, arm in zip(call.arms, arms, strict=True)
    ]
    arguments = (*call.arguments, *(t for t in tangents if t is not None))
    return _scattered(replace(call, arguments=arguments, arms=regions).results(), moving, len(node.types))


def _loop(node: Node, tangents: Sequence[Node | None], push: Tangents) -> list[Node | None]:
    """Return the tangents of a loop's results: those of the loop that also has tangents of its carries, xs and captures."""
    loop = Loop.of(node)
    tangent_of = dict(zip((b.param for b in loop.bindings), tangents, strict=True))
    seeds = {p: parameter(p.type) for p, t in tangent_of.items() if t is not None}
    while True:
        of_nexts, of_ys = loop.split_results(push(loop.body.results, list(seeds), list(seeds.values())))
        moving = list(zip(loop.carries, of_nexts, strict=True))
        new = [c.param for c, t in moving if t is not None and c.param not in seeds]
        if not new:
            break
        seeds.update({p: parameter(p.type) for p in new})  # it has a tangent from the second iteration on

    def start(b: Binding) -> Node:
        return _filled(b.operand, tangent_of[b.param])

    carries = {c: Carry(start(c), seeds[c.param], next=_filled(c.next, t)) for c, t in moving if c.param in seeds}
    xs, captures = ([Binding(start(b), seeds[b.param]) for b in part if b.param in seeds] for part in (loop.xs, loop.captures))
    all_carries = [*loop.carries, *carries.values()]
    ys = [t for t in of_ys if t is not None]
    wide = replace(loop, carries=all_carries, xs=[*loop.xs, *xs], captures=[*loop.captures, *captures], ys=ys)
    ends, stacks = wide.results()
    end_of, rest = dict(zip(all_carries, ends, strict=True)), iter(stacks)
    of_ends = [end_of[carries[c]] if c in carries else None for c in loop.carries]
    return [*of_ends, *(None if t is None else next(rest) for t in of_ys)]


def _custom(node: Node, tangents: Sequence[Node | None], push: Tangents) -> list[Node | None]:
    """Apply the tangent rule to the inputs' tangents.  Raises RefusedError if there is an error text instead of a rule."""
    rule = Custom.of(node)
    _, input_tangents, _ = rule.split(tangents)
    if all(t is None for t in input_tangents):
        return [None] * len(rule.values)
    if rule.refusals[1]:
        raise RefusedError(rule.refusals[1])
    if rule.forward is None:
        return [None] * len(rule.values)
    region, numbers = rule.forward
    filled = [_filled(x, t) for x, t in zip(rule.inputs, input_tangents, strict=True)]
    return _scattered(rule.derivatives(region, filled), numbers, len(rule.values))


LOOP_JVP: dict[str, LoopJVP] = {"checkpoint": _call, "cond": _call, "custom": _custom, "while": _loop, "scan": _loop}
"""The rule of each primitive with regions."""
