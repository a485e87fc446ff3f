"""Translation validation: evaluate every stage of a program on actual arguments, and compare each with the previous one.

    captured → … → optimized → components → fused → kernels → native

Graphs and kernels run on their evaluators; the last stage is the result of the native code.  The first stage that differs by
more than rounding (`graphc.ir.interpret.comparison`) is where the compiler is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.codegen.loops.evaluate import KernelError
from graphc.codegen.loops.printer import kernel_text
from graphc.codegen.program.kernel_calls import KernelCall, run_call, with_kernels
from graphc.ir.core.graph import Graph, Node, make, parameter, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_constant
from graphc.ir.interpret.comparison import Mismatch, Noise, Outcome, compare, evaluated
from graphc.ir.interpret.evaluate import evaluate_node, interpreted
from graphc.ir.pipeline import FINAL
from graphc.ir.regions.call import Call
from graphc.ir.text.printer import to_text

__all__ = ["Difference", "MiscompilationError", "Pipeline", "first_difference"]

LINES = 40
"""The most lines of a graph or a kernel that are shown."""


TOGETHER = "each operation alone is right natively: their order, their memory or what was replayed for these sizes is not"


class MiscompilationError(AssertionError):
    """A stage of the compiler computes other values than the previous one: `difference` says which stage and value."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(str(difference))
        self.difference = difference


@dataclass(frozen=True, eq=False)
class Difference:
    """The first stage whose values differ from those of the previous stage.

    `stage` and `before` are their names, `result` the number of the result, `node` the first operation that is known to differ,
    `got` and `expected` its values, or the errors that were raised instead.
    """

    stage: str
    before: str
    result: int | None
    node: Node | None
    expected: Any
    got: Any
    where: Any
    listings: Mapping[str, str]
    note: str = ""

    def __str__(self) -> str:
        which = "" if self.result is None else f" in result {self.result}"
        lines = [f"stage {self.stage!r} computes other values than stage {self.before!r}{which}"]
        if self.node is not None:
            name = f" %{self.node.name}" if self.node.name else ""
            lines.append(f"  {self.node.op.name}{name}: {', '.join(map(str, self.node.types))}")
        lines += [f"  {line}" for line in _values(self)]
        if self.note:
            lines.append(f"  {self.note}")
        if self.node is not None and self.node.where:
            lines.append(f"  at {self.node.where}")
        return "\n".join([*lines, *(f"# {name}\n{_short(text)}" for name, text in self.listings.items())])


def _values(d: Difference) -> Iterator[str]:
    if isinstance(d.expected, Exception) or isinstance(d.got, Exception):
        yield f"{d.before}: {_outcome(d.expected)}"
        yield f"{d.stage}: {_outcome(d.got)}"
        return
    x, y = np.asarray(d.expected), np.asarray(d.got)
    if x.shape != y.shape or x.dtype != y.dtype:
        yield f"{d.before}: {x.dtype}{list(x.shape)}, {d.stage}: {y.dtype}{list(y.shape)}"
        return
    places = np.argwhere(np.broadcast_to(d.where, x.shape))
    yield f"{len(places)} of {x.size} elements differ:"
    for index in places[:4]:
        at = tuple(int(i) for i in index)
        yield f"  [{', '.join(map(str, at))}]  {d.before} {x[at]!s}  {d.stage} {y[at]!s}"


def _outcome(value: Any) -> str:
    return f"{type(value).__name__}: {value}" if isinstance(value, Exception) else "values"


def _short(text: str) -> str:
    lines = text.rstrip().splitlines()
    if len(lines) <= LINES:
        return "\n".join(lines)
    return "\n".join([*lines[: LINES // 2], f"  … {len(lines) - LINES} lines …", *lines[-LINES // 2 :]])


@dataclass(frozen=True, eq=False)
class Pipeline:
    """All stages of a program: the graph after each pass, its kernel calls, and how to run a graph natively."""

    stages: Mapping[str, Graph]
    calls: Mapping[Node, KernelCall]
    run_alone: Callable[[Graph, Sequence[Any]], Outcome]
    """Compiles a graph without any pass, and runs it."""


def first_difference(pipeline: Pipeline, arrays: Sequence[Any], native: Outcome) -> Difference | None:
    """Return the first stage that differs from the previous one, `native` being the results of the machine code."""
    (before, graph), *rest = pipeline.stages.items()
    outcome = evaluated(graph, arrays)
    noise = Noise(graph, arrays, outcome)
    for stage, after in rest:
        if after is graph:
            continue
        next_outcome = evaluated(after, arrays)
        noise_after = Noise(after, arrays, next_outcome)
        mismatch = compare(outcome, next_outcome, [noise, noise_after])
        if mismatch is not None:
            return _of_pass(stage, before, (graph, after), arrays, (outcome, next_outcome), mismatch)
        before, graph, outcome, noise = stage, after, next_outcome, noise_after
    by_kernels = _by_kernels(pipeline, graph, arrays)
    mismatch = compare(outcome, by_kernels, [noise])
    if mismatch is not None:
        return _of_kernels(pipeline, (before, graph), arrays, (outcome, by_kernels), mismatch)
    mismatch = compare(by_kernels, native, [noise])
    return None if mismatch is None else _of_native(pipeline, graph, arrays, (by_kernels, native), mismatch)


def _by_kernels(pipeline: Pipeline, graph: Graph, arrays: Sequence[Any]) -> Outcome:
    try:
        with interpreted(with_kernels(pipeline.calls)):
            return evaluated(graph, arrays)
    except KernelError as error:
        return error


def _pick(outcome: Outcome, mismatch: Mismatch) -> Any:
    return outcome if isinstance(outcome, Exception) or mismatch.result is None else outcome[mismatch.result]


# -- a pass ---------------------------------------------------------------------------------------------------


def _of_pass(
    stage: str,
    before: str,
    graphs: tuple[Graph, Graph],
    arrays: Sequence[Any],
    outcomes: tuple[Outcome, Outcome],
    mismatch: Mismatch,
) -> Difference:
    result = mismatch.result
    parts = [g if result is None else g.replace([g.results[result]]) for g in graphs]
    listings = {name: to_text(g) for name, g in zip((before, stage), parts, strict=True)}
    expected, got = (_pick(o, mismatch) for o in outcomes)
    first = None if result is None else _first_of_one_name(parts[0], parts[1], arrays)
    if first is not None:
        node, expected, got, where = first
        return Difference(stage, before, result, node, expected, got, where, listings)
    last = None if result is None else graphs[1].results[result]
    return Difference(stage, before, result, last, expected, got, mismatch.where, listings)


def _first_of_one_name(before: Graph, after: Graph, arrays: Sequence[Any]) -> tuple[Node, Any, Any, Any] | None:
    """Return the first node whose value differs from that of the node with its name in the other graph, with both values."""
    named = {}
    for node in before.nodes():
        if node.name and len(node.types) == 1:
            named[node.name, node.type] = node
    pairs = [(named[n.name, n.type], n) for n in after.nodes() if len(n.types) == 1 and (n.name, n.type) in named]
    pairs = [(a, b) for a, b in pairs if a is not b and not b.type.grows]
    old, new = before.replace([a for a, _ in pairs]), after.replace([b for _, b in pairs])
    expected, got = evaluated(old, arrays), evaluated(new, arrays)
    mismatch = compare(expected, got, [Noise(old, arrays, expected), Noise(new, arrays, got)]) if pairs else None
    if mismatch is None or mismatch.result is None:
        return None
    return pairs[mismatch.result][1], _pick(expected, mismatch), _pick(got, mismatch), mismatch.where


# -- kernels and native code --------------------------------------------------------------------------------------


def _of_kernels(
    pipeline: Pipeline, final: tuple[str, Graph], arrays: Sequence[Any], outcomes: tuple[Outcome, Outcome], mismatch: Mismatch
) -> Difference:
    """Find the first kernel call that computes another value than its node."""
    before, graph = final
    differences: list[Difference] = []

    def run(node: Node, values: Mapping[Node, Any]) -> Any:
        value = evaluate_node(node, [values[o] for o in node.operands])
        call = pipeline.calls.get(node)
        if call is not None and not differences:
            differences.extend(_wrong_call(before, node, call, values, value))
        return value

    with interpreted(run):
        evaluated(graph, arrays)
    if differences:
        return differences[0]
    expected, got = (_pick(o, mismatch) for o in outcomes)
    listings = {before: to_text(graph)}
    return Difference("kernels", before, mismatch.result, None, expected, got, mismatch.where, listings)


def _wrong_call(before: str, node: Node, call: KernelCall, values: Mapping[Node, Any], value: Any) -> Iterator[Difference]:
    expected = value if isinstance(value, list) else [value]
    got: Outcome
    try:
        computed = run_call(node, call, values)
        got = computed if isinstance(computed, list) else [computed]
    except (KernelError, IndexError) as error:
        got = error
    noises = [Noise(Call.of(node).body, [values[o] for o in node.operands], expected)] if node.regions else []
    mismatch = compare(expected, got, noises)
    if mismatch is not None:
        graph, _ = _alone(node)
        listings = {before: to_text(graph), "kernels": kernel_text(call.kernel) if call.kernel else node.op.name}
        a, b = _pick(expected, mismatch), _pick(got, mismatch)
        yield Difference("kernels", before, mismatch.result, node, a, b, mismatch.where, listings)


def _alone(node: Node) -> tuple[Graph, list[Node]]:
    """Return the graph of one node, with views of its operands, and the values that it reads."""
    bases = [n for n in toposort(node.operands, lambda n: n.op.kind != "movement") if n.op.kind != "movement"]
    new = {n: parameter(n.type, n.name) for n in bases if not is_constant(n)}
    inner: dict[Node, Node] = dict(new)
    for n in toposort([node], lambda n: n in new):
        if n not in inner:
            inner[n] = make(n.op, [inner[o] for o in n.operands], _alone_params(n), n.regions, like=n)
    buffer = inner[node]
    if len(node.types) > 1:
        parts = [make(PRIMITIVES["result"], [buffer], {"index": i}) for i in range(len(node.types))]
        return Graph(tuple(new.values()), tuple(parts), "alone"), list(new)
    return Graph(tuple(new.values()), (buffer,), "alone"), list(new)


def _alone_params(node: Node) -> dict[str, Any]:
    """Return a node's parameters without decisions about the buffers of its operands, which are inputs now."""
    return {key: value for key, value in node.params.items() if key not in ("in_place", "packed")}


def _of_native(
    pipeline: Pipeline, graph: Graph, arrays: Sequence[Any], outcomes: tuple[Outcome, Outcome], mismatch: Mismatch
) -> Difference:
    """Find the first operation whose native code, alone, computes another value; if none does, they fail only together."""
    values: dict[Node, Any] = dict(zip(graph.params, arrays, strict=True))
    for node in graph.nodes():
        try:
            values[node] = evaluate_node(node, [values[o] for o in node.operands])
        except IndexError:
            break
        if node.op.kind in ("movement", "leaf") or any(t.grows for n in (node, *node.operands) for t in n.types):
            continue
        difference = _wrong_alone(pipeline, node, values)
        if difference is not None:
            return difference
    expected, got = (_pick(o, mismatch) for o in outcomes)
    last = None if mismatch.result is None else graph.results[mismatch.result]
    kernels = "\n\n".join(kernel_text(c.kernel) for c in pipeline.calls.values() if c.kernel)
    listings = {FINAL: to_text(graph), "kernels": kernels}
    return Difference("native", "kernels", mismatch.result, last, expected, got, mismatch.where, listings, TOGETHER)


def _wrong_alone(pipeline: Pipeline, node: Node, values: Mapping[Node, Any]) -> Difference | None:
    graph, bases = _alone(node)
    arrays = [np.ascontiguousarray(values[b]) if b.shape else np.asarray(values[b]) for b in bases]
    expected, got = evaluated(graph, arrays), pipeline.run_alone(graph, arrays)
    mismatch = compare(expected, got, [Noise(graph, arrays, expected)])
    if mismatch is None:
        return None
    call = pipeline.calls.get(node)
    listings = {FINAL: to_text(graph)} | ({"kernels": kernel_text(call.kernel)} if call is not None and call.kernel else {})
    a, b = _pick(expected, mismatch), _pick(got, mismatch)
    return Difference("native", "kernels", mismatch.result, node, a, b, mismatch.where, listings)
