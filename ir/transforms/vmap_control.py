"""Batching rules for branches and loops.

If the condition is not batched, the branch or loop stays and its values are batched.  If each element of the batch has its own
condition, both arms of a branch are computed and each element selects one; a loop runs while any element does, and finished
elements keep their values.

Stacks that grow have the batch axis behind the growing one.  Elements that finish early leave invalid entries in their
residuals, so a loop with batched condition also stacks an active mask, which every loop over the residuals applies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from graphc.ir.core import build
from graphc.ir.core.graph import Node, Region, parameter
from graphc.ir.core.predicates import is_result
from graphc.ir.core.types import BOOL, TensorType
from graphc.ir.regions.call import Call
from graphc.ir.regions.custom import Custom
from graphc.ir.regions.loop import Binding, Carry, Loop
from graphc.ir.regions.substitution import applied, substitute
from graphc.ir.transforms.vmap_run import Outcome, Run, guarded, held_back, where

__all__ = ["LOOP_BATCH", "LoopBatch"]

B = TypeVar("B", bound=Binding)

LoopBatch = Callable[[Node, Sequence[Node], Sequence[bool], Run], list[Outcome]]
"""rule(node, its operands as they are now, which of them are batches, run) -> its results."""


# -- branches -------------------------------------------------------------------------------------------------


def _cond(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    call = Call.of(node).with_operands(operands)
    decides, batched = call.split(batched)
    if decides:
        return _both(call, batched, run)
    arms = [run.region(r.results, r.params, batched) for r in call.arms]
    has = [any(arm[k][1] for arm in arms) for k in range(len(node.types))]
    regions = [
        Region(
            tuple(run.own(r.params, batched)),
            tuple(run.led(x) if h else x[0] for x, h in zip(arm, has, strict=True)),
        )
        for r, arm in zip(call.arms, arms, strict=True)
    ]
    return list(zip(replace(call, arms=regions).results(), has, strict=True))


def _both(call: Call, batched: Sequence[bool], run: Run) -> list[Outcome]:
    """Compute both arms, each for the elements that take it, and let each element select its own."""
    pred = call.condition
    assert pred is not None
    batches = [run.led(x) for x in zip(call.arguments, batched, strict=True)]
    arms = []
    for region, running in zip(call.arms, (pred, ~pred), strict=True):
        runs = parameter(TensorType(BOOL), "running")
        params = [parameter(p.type, p.name) for p in region.params]
        results = guarded(applied(region, params), runs)
        inputs = {runs: running, **{p: held_back(x, running) for p, x in zip(params, batches, strict=True)}}
        arms.append([run.led(x) for x in run.batch(results, inputs, run)])
    return [(where(pred, yes, no), True) for yes, no in zip(*arms, strict=True)]


def _checkpoint(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    call = Call.of(node).with_operands(operands)
    outcomes = run.region(call.body.results, call.body.params, batched)
    region = Region(tuple(run.own(call.body.params, batched)), tuple(x for x, _ in outcomes))
    results = replace(call, arms=[region]).results()
    return [(x, has) for x, (_, has) in zip(results, outcomes, strict=True)]


def _custom(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    """Apply the rule for this batching if there is one, else batch the values and the rules for derivatives."""
    rule = Custom.of(node).with_operands(operands)
    if not any(batched):
        return [(x, False) for x in rule.results()]
    values, inputs, captures = rule.split(list(zip(operands, batched, strict=True)))
    captured = [o for o, _ in captures]
    if run.level is not None and run.level in rule.batches:
        region = rule.batches[run.level]
        arguments = [*(o for o, _ in inputs), *captured]
        arguments = [x if x.type == p.type else run.led((x, False)) for x, p in zip(arguments, region.params, strict=True)]
        return [(x, True) for x in applied(region, arguments)]

    def batch(derivative: tuple[Region, Sequence[int]] | None) -> tuple[Region, Sequence[int]] | None:
        if derivative is None:
            return None
        region, numbers = derivative
        has = [True] * (len(region.params) - len(captures)) + [has for _, has in captures]
        outcomes = run.region(region.results, region.params, has)
        return Region(tuple(run.own(region.params, has)), tuple(run.led(x) for x in outcomes)), numbers

    led = replace(rule, values=[*map(run.led, values)], inputs=[*map(run.led, inputs)], captures=captured)
    led = replace(led, backward=batch(rule.backward), forward=batch(rule.forward), batches={})
    return [(x, True) for x in led.results()]


# -- loops ------------------------------------------------------------------------------------------------------


def _fixpoint(loop: Loop, batched: Sequence[bool], run: Run) -> tuple[dict[Binding, bool], list[Outcome]]:
    """Return which parameters are batches, at the fixpoint over the carried values, and the results of the body then."""
    has = dict(zip(loop.bindings, batched, strict=True))
    while True:
        outcomes = run.region(loop.body.results, loop.body.params, list(has.values()))
        nexts, _ = loop.split_results(outcomes)
        more = [c for c, (_, each) in zip(loop.carries, nexts, strict=True) if each and not has[c]]
        if not more:
            return has, outcomes
        has.update(dict.fromkeys(more, True))


def _while(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    loop = Loop.of(node).with_operands(operands)
    assert loop.condition is not None
    has, outcomes = _fixpoint(loop, batched, run)
    tested = [b.in_condition for b in loop.bindings]
    ((condition, each),) = run.region([loop.condition], tested, list(has.values()))
    if each:
        return _until_all_are_done(loop, batched, run)
    return _batched(replace(loop, condition=condition), batched, has, outcomes, run)


def _scan(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    loop = Loop.of(node).with_operands(operands)
    running = _who_ran([x.operand for x in loop.xs], run)
    if running is not None:
        return _over_those_who_ran(loop, batched, running, run)
    return _batched(loop, batched, *_fixpoint(loop, batched, run), run)


def _batched(
    loop: Loop, batched: Sequence[bool], has: Mapping[Binding, bool], outcomes: Sequence[Outcome], run: Run
) -> list[Outcome]:
    """Return the results of a loop whose condition is not batched; `outcomes` are the batched results of its body."""
    nexts, ys = loop.split_results(outcomes)
    is_batched = dict(zip(loop.bindings, batched, strict=True))
    carries = [
        replace(_as_batch(c, run.led((c.operand, is_batched[c])), run), next=run.led(after))
        if has[c]
        else replace(c, next=after[0])
        for c, after in zip(loop.carries, nexts, strict=True)
    ]
    xs = [_as_batch(x, _behind(x.operand), run) if has[x] else x for x in loop.xs]
    captures = [_as_batch(c, c.operand, run) if has[c] else c for c in loop.captures]
    ends, stacks = replace(loop, carries=carries, xs=xs, captures=captures, ys=[y for y, _ in ys]).results()
    of_ys = [(_in_front(stack) if each else stack, each) for stack, (_, each) in zip(stacks, ys, strict=True)]
    return [*((end, has[c]) for c, end in zip(loop.carries, ends, strict=True)), *of_ys]


def _as_batch(b: B, operand: Node, run: Run) -> B:
    """Return the binding of a batch."""
    tested = None if b.tested is None else run.many(b.tested)
    return replace(b, operand=operand, param=run.many(b.param), tested=tested)


def _until_all_are_done(loop: Loop, batched: Sequence[bool], run: Run) -> list[Outcome]:
    """Run while any element is active; the active mask is carried, and stacked with the ys."""
    of_carries, _, of_captures = loop.split(batched)
    flag = run.flag(loop.body)
    start = [run.led((c.operand, has)) for c, has in zip(loop.carries, of_carries, strict=True)]
    first = _tested(loop, start, [c.operand for c in loop.captures], of_captures, run)
    now = [run.many(c.param) for c in loop.carries]
    own = run.own([c.param for c in loop.captures], of_captures)
    nexts, ys = loop.split_results(_running(loop, now, own, of_captures, flag, run))
    after = [where(flag, new, old) for new, old in zip(nexts, now, strict=True)]
    again = _tested(loop, after, own, of_captures, run)
    ends, stacks = Loop(
        [*map(_carry, start, now, after), Carry(first, flag, next=again)],
        captures=[Binding(c.operand, p) for c, p in zip(loop.captures, own, strict=True)],
        ys=[*ys, flag] if ys else [],
        condition=build.reduce("any", flag, (0,)),
        origin=loop.origin,
    ).results()
    *ends, _ = ends
    if ys:
        *stacks, running = stacks
        run.running[_unstacked(running)] = running
    return [(x, True) for x in (*ends, *stacks)]


def _carry(start: Node, param: Node, after: Node) -> Carry:
    return Carry(start, param, next=after)


def _tested(loop: Loop, carried: Sequence[Node], captured: Sequence[Node], batched: Sequence[bool], run: Run) -> Node:
    """Return for each element whether it continues."""
    assert loop.condition is not None
    own = {b: parameter(b.param.type, b.in_condition.name) for b in loop.bindings}
    (holds,) = substitute([loop.condition], {b.in_condition: p for b, p in own.items()})
    captures = [(own[b], o, has) for b, o, has in zip(loop.captures, captured, batched, strict=True)]
    (holds,) = substitute([holds], {p: o for p, o, has in captures if not has})
    inputs = {own[c]: x for c, x in zip(loop.carries, carried, strict=True)}
    inputs.update({p: o for p, o, has in captures if has})
    (outcome,) = run.batch([holds], inputs, run)
    return run.led(outcome)


def _running(
    loop: Loop, carried: Sequence[Node], others: Sequence[Node], batched: Sequence[bool], running: Node, run: Run
) -> list[Node]:
    """Return the results of a body as batches, with inactive elements made harmless.

    `others` replace the xs and the captures; `batched` says which of them are batches.
    """
    runs = parameter(TensorType(BOOL), "running")
    own = {b: parameter(b.param.type, b.param.name) for b in loop.bindings}
    results = guarded(substitute(loop.body.results, {b.param: p for b, p in own.items()}), runs)
    inputs = {runs: running, **{own[c]: held_back(x, running) for c, x in zip(loop.carries, carried, strict=True)}}
    fixed: dict[Node, Node] = {}
    for b, x, has in zip((*loop.xs, *loop.captures), others, batched, strict=True):
        if has or b.param.dtype.is_float:
            inputs[own[b]] = held_back(run.led((x, has)), running)
        else:
            fixed[own[b]] = x
    return [run.led(x) for x in run.batch(substitute(results, fixed), inputs, run)]


def _over_those_who_ran(loop: Loop, batched: Sequence[bool], running: Node, run: Run) -> list[Outcome]:
    """Run over the residuals of a loop that elements left at different iterations."""
    of_carries, of_xs, of_captures = loop.split(batched)
    flag = run.flag(loop.body)
    start = [run.led((c.operand, has)) for c, has in zip(loop.carries, of_carries, strict=True)]
    now = [run.many(c.param) for c in loop.carries]
    items = run.own([x.param for x in loop.xs], of_xs)
    own = run.own([c.param for c in loop.captures], of_captures)
    results = _running(loop, now, [*items, *own], [*of_xs, *of_captures], flag, run)
    nexts, ys = loop.split_results(results)
    xs = [Binding(x.operand, item) for x, item in zip(loop.xs, items, strict=True)]
    ends, stacks = replace(
        loop,
        carries=[*map(_carry, start, now, (where(flag, new, old) for new, old in zip(nexts, now, strict=True)))],
        xs=[*xs, Binding(running, flag)],
        captures=[Binding(c.operand, p) for c, p in zip(loop.captures, own, strict=True)],
        ys=ys,
    ).results()
    for stack in stacks:
        run.running[_unstacked(stack)] = running
    return [(x, True) for x in (*ends, *stacks)]


def _who_ran(sequences: Sequence[Node], run: Run) -> Node | None:
    """Return the active mask of each iteration, if there are residuals of a loop with a batched condition."""
    return next((run.running[w] for s in sequences if (w := _unstacked(s)) in run.running), None)


def _unstacked(x: Node) -> Node:
    return x.operands[0] if is_result(x) else x


def _behind(x: Node) -> Node:
    """Move the batch axis of a sequence behind the item axis; in growing stacks it already is."""
    return x if x.type.grows else build.permute(x, (1, 0, *range(2, x.type.rank)))


def _in_front(x: Node) -> Node:
    return x if x.type.grows else build.permute(x, (1, 0, *range(2, x.type.rank)))


LOOP_BATCH: dict[str, LoopBatch] = {
    "checkpoint": _checkpoint, "cond": _cond, "custom": _custom, "while": _while, "scan": _scan
}  # fmt: skip
"""The rule of each primitive with regions."""
