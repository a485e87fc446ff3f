"""What batching does at branches and loops.

Where all elements of the batch go the same way, a branch or loop goes it with batches.  Where each element decides
for itself, both arms of a branch are computed and each element takes its own; a loop runs as long as any element
does, and one that is done keeps what it has.

What is computed for an element that does not want it may neither fail nor spoil a gradient: its indices are 0, its
inner loops do not run, and no gradient leads out of there (`_guarded`).

A tape has the batch axis behind the one that grows.  Elements that were done earlier have nothing on the last items
of their tapes, so a loop that each element leaves at another iteration stacks one thing more: who was still running.
Whatever runs over its tapes, or over what was stacked meanwhile, goes by that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphc.ir.core import build
from graphc.ir.core.build import select
from graphc.ir.core.control_flow import results_of, substitute
from graphc.ir.core.graph import Node, Region, make, parameter, toposort
from graphc.ir.core.predicates import is_result, is_while, may_fail
from graphc.ir.core.types import BOOL, TensorType
from graphc.ir.transforms.vmap_rules import lead

__all__ = ["LOOP_BATCH", "LoopBatch", "Run"]

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


LoopBatch = Callable[[Node, Sequence[Node], Sequence[bool], Run], list[Outcome]]
"""rule(node, its operands as they are now, which of them are batches, run) -> its results."""


# -- elements that decide for themselves ----------------------------------------------------------------------


def _where(running: Node, x: Node, y: Node) -> Node:
    """Return `x` for the elements that run, else `y`: two batches of one type."""
    return x if x is y else select(build.broadcast(running, x.shape, (0,)), x, y)


def _held_back(x: Node, running: Node) -> Node:
    """Return a batch through which gradients lead only for the elements that run."""
    return _where(running, x, build.apply("stop_gradient", x)) if x.dtype.is_float else x


def _guarded(results: Sequence[Node], runs: Node) -> list[Node]:
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
    regions = [Region((*r.params, inner), tuple(_guarded(r.results, inner))) for r in node.regions]
    if is_while(node):
        test = regions[0]
        regions[0] = Region(test.params, (test.results[0] & inner,))
    return make(node.op, [*operands, runs], node.params, tuple(regions), like=node)


# -- branches -------------------------------------------------------------------------------------------------


def _cond(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    if batched[0]:
        return _both(node, operands, batched, run)
    found = [run.region(r.results, r.params, batched[1:]) for r in node.regions]
    has = [any(arm[k][1] for arm in found) for k in range(len(node.types))]
    regions = tuple(
        Region(
            tuple(run.own(r.params, batched[1:])),
            tuple(run.led(x) if h else x[0] for x, h in zip(arm, has, strict=True)),
        )
        for r, arm in zip(node.regions, found, strict=True)
    )
    return list(zip(results_of(make(node.op, operands, node.params, regions, like=node)), has, strict=True))


def _both(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    """Compute both arms, each for the elements that want it, and let each element choose."""
    pred = operands[0]
    given = [run.led(x) for x in zip(operands[1:], batched[1:], strict=True)]
    arms = []
    for region, running in zip(node.regions, (pred, ~pred), strict=True):
        runs = parameter(TensorType(BOOL), "running")
        params = [parameter(p.type, p.name) for p in region.params]
        results = _guarded(substitute(region.results, dict(zip(region.params, params, strict=True))), runs)
        inputs = {runs: running, **{p: _held_back(x, running) for p, x in zip(params, given, strict=True)}}
        arms.append([run.led(x) for x in run.batch(results, inputs, run)])
    return [(_where(pred, yes, no), True) for yes, no in zip(*arms, strict=True)]


def _checkpoint(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    (body,) = node.regions
    found = run.region(body.results, body.params, batched)
    region = Region(tuple(run.own(body.params, batched)), tuple(x for x, _ in found))
    made = results_of(make(node.op, operands, node.params, (region,), like=node))
    return [(x, has) for x, (_, has) in zip(made, found, strict=True)]


def _custom(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    """Take the rule for this batching if there is one, else batch the values and the rules for derivatives."""
    k, n, levels = (node.params[key] for key in ("values", "inputs", "levels"))
    if not any(batched):
        return [(x, False) for x in results_of(make(node.op, operands, node.params, node.regions, like=node))]
    rules = len(node.regions) - len(levels)
    if run.level in levels:
        region = node.regions[rules + levels.index(run.level)]
        given = [x if x.type == p.type else run.led((x, False)) for x, p in zip(operands[k:], region.params, strict=True)]
        return [(x, True) for x in substitute(region.results, dict(zip(region.params, given, strict=True)))]
    led = [run.led(x) for x in zip(operands[: k + n], batched, strict=False)]
    regions = []
    for region in node.regions[:rules]:
        has = [True] * (len(region.params) - len(operands) + k + n) + list(batched[k + n :])
        found = run.region(region.results, region.params, has)
        regions.append(Region(tuple(run.own(region.params, has)), tuple(run.led(x) for x in found)))
    params = {**node.params, "levels": ()}
    made = results_of(make(node.op, (*led, *operands[k + n :]), params, tuple(regions), like=node))
    return [(x, True) for x in made]


# -- loops ------------------------------------------------------------------------------------------------------


def _spread(body: Region, batched: Sequence[bool], count: int, run: Run) -> tuple[list[bool], list[Outcome]]:
    """Return which parameters are batches once the carried values have been through the body, and its results then."""
    has = list(batched)
    while True:
        found = run.region(body.results, body.params, has)
        more = [i for i in range(count) if found[i][1] and not has[i]]
        if not more:
            return has, found
        for i in more:
            has[i] = True


def _while(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    test, body = node.regions
    n = node.params["carried"]
    has, found = _spread(body, batched, n, run)
    ((holds, each),) = run.region(test.results, test.params, has)
    if each:
        return _until_all_are_done(node, operands, batched, run)
    results = [run.led(x) if i < n and has[i] else x[0] for i, x in enumerate(found)]
    regions = (Region(tuple(run.own(test.params, has)), (holds,)), Region(tuple(run.own(body.params, has)), tuple(results)))
    given = [run.led((o, b)) if h else o for o, b, h in zip(operands, batched, has, strict=True)]
    made = results_of(make(node.op, given, node.params, regions, like=node))
    return list(zip(made, [*has[:n], *(h for _, h in found[n:])], strict=True))


def _until_all_are_done(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    """Run as long as any element does.  Who runs is carried, and stacked with what else is stacked."""
    test, body = node.regions
    n = node.params["carried"]
    outside = list(batched[n:])
    flag = run.flag(body)
    start = [run.led(x) for x in zip(operands[:n], batched[:n], strict=True)]
    first = _tested(test, start, operands[n:], outside, run)
    carried = [run.many(p) for p in body.params[:n]]
    own = run.own(body.params[n:], outside)
    results = _running(body, carried, own, outside, flag, run)
    after = [_where(flag, new, old) for new, old in zip(results[:n], carried, strict=True)]
    again = _tested(test, after, own, outside, run)
    stacks = [*results[n:], flag] if results[n:] else []
    alive = build.reduce("any", flag, (0,))
    regions = (
        Region((*carried, flag, *own), (alive,)),
        Region((*carried, flag, *own), (*after, again, *stacks)),
    )
    made = results_of(make(node.op, (*start, first, *operands[n:]), {"carried": n + 1}, regions, like=node))
    if stacks:
        run.running[_whole(made[-1])] = made[-1]
    return [(x, True) for x in (*made[:n], *made[n + 1 : len(made) - bool(stacks)])]


def _tested(test: Region, carried: Sequence[Node], outside: Sequence[Node], batched: Sequence[bool], run: Run) -> Node:
    """Return for each element whether it goes on."""
    n = len(carried)
    params = [parameter(p.type, p.name) for p in test.params]
    (holds,) = substitute(test.results, dict(zip(test.params, params, strict=True)))
    fixed = {p: o for p, o, has in zip(params[n:], outside, batched, strict=True) if not has}
    (holds,) = substitute([holds], fixed)
    inputs = dict(zip(params[:n], carried, strict=True))
    inputs.update({p: o for p, o, has in zip(params[n:], outside, batched, strict=True) if has})
    (found,) = run.batch([holds], inputs, run)
    return run.led(found)


def _running(
    body: Region, given: Sequence[Node], outside: Sequence[Node], batched: Sequence[bool], running: Node, run: Run
) -> list[Node]:
    """Return the results of a body as batches, harmless for the elements that do not run."""
    runs = parameter(TensorType(BOOL), "running")
    n = len(given)
    params = [parameter(p.type, p.name) for p in body.params]
    results = _guarded(substitute(body.results, dict(zip(body.params, params, strict=True))), runs)
    zipped = zip(outside, batched, params[n:], strict=True)
    led = [run.led((x, has)) if has or p.dtype.is_float else None for x, has, p in zipped]
    fixed = {p: o for p, o, x in zip(params[n:], outside, led, strict=True) if x is None}
    results = substitute(results, fixed)
    inputs = {runs: running, **{p: _held_back(x, running) for p, x in zip(params[:n], given, strict=True)}}
    inputs.update({p: _held_back(x, running) for p, x in zip(params[n:], led, strict=True) if x is not None})
    return [run.led(x) for x in run.batch(results, inputs, run)]


def _scan(node: Node, operands: Sequence[Node], batched: Sequence[bool], run: Run) -> list[Outcome]:
    (body,) = node.regions
    n, m = node.params["carried"], node.params["sequences"]
    running = _who_ran(operands[n : n + m], run)
    if running is not None:
        return _over_those_who_ran(node, operands, batched, running, run)
    has, found = _spread(body, batched, n, run)
    results = [run.led(x) if i < n and has[i] else x[0] for i, x in enumerate(found)]
    region = Region(tuple(run.own(body.params, has)), tuple(results))
    given = [run.led((o, b)) if h else o for o, b, h in zip(operands[:n], batched, has, strict=False)]
    given += [_behind(o) if b else o for o, b in zip(operands[n : n + m], batched[n:], strict=False)]
    made = results_of(make(node.op, (*given, *operands[n + m :]), node.params, (region,), like=node))
    stacks = [(_in_front(x) if each else x, each) for x, (_, each) in zip(made[n:], found[n:], strict=True)]
    return [*zip(made[:n], has, strict=False), *stacks]


def _over_those_who_ran(
    node: Node, operands: Sequence[Node], batched: Sequence[bool], running: Node, run: Run
) -> list[Outcome]:
    """Run over the tapes of a loop that elements have left at different iterations."""
    (body,) = node.regions
    n, m = node.params["carried"], node.params["sequences"]
    flag = run.flag(body)
    start = [run.led(x) for x in zip(operands[:n], batched[:n], strict=True)]
    carried = [run.many(p) for p in body.params[:n]]
    items, outside = run.own(body.params[n : n + m], batched[n : n + m]), run.own(body.params[n + m :], batched[n + m :])
    results = _running(body, carried, [*items, *outside], batched[n:], flag, run)
    after = [_where(flag, new, old) for new, old in zip(results[:n], carried, strict=True)]
    region = Region((*carried, *items, flag, *outside), (*after, *results[n:]))
    params = {**node.params, "sequences": m + 1}
    made = results_of(make(node.op, (*start, *operands[n : n + m], running, *operands[n + m :]), params, (region,), like=node))
    for stack in made[n:]:
        run.running[_whole(stack)] = running
    return [(x, True) for x in made]


def _who_ran(sequences: Sequence[Node], run: Run) -> Node | None:
    """Return what tells, for each iteration, which elements were running, if there is a tape of such a loop."""
    return next((run.running[w] for s in sequences if (w := _whole(s)) in run.running), None)


def _whole(x: Node) -> Node:
    return x.operands[0] if is_result(x) else x


def _behind(x: Node) -> Node:
    """Put the batch axis of a sequence behind the axis of its items; on a tape it is there."""
    return x if x.type.grows else build.permute(x, (1, 0, *range(2, x.type.rank)))


def _in_front(x: Node) -> Node:
    return x if x.type.grows else build.permute(x, (1, 0, *range(2, x.type.rank)))


LOOP_BATCH: dict[str, LoopBatch] = {
    "checkpoint": _checkpoint, "cond": _cond, "custom": _custom, "while": _while, "scan": _scan
}  # fmt: skip
"""Primitives with regions -> their rule."""
