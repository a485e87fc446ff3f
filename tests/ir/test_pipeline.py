"""The list of passes, and the runner that verifies, dumps and names the pass that broke a graph."""

from __future__ import annotations

import pytest

from graphc.ir import pipeline
from graphc.ir.core.graph import Graph, Node
from graphc.ir.pipeline import FINAL, PASSES, Pass, optimize
from graphc.ir.text.debug import enabling
from graphc.ir.text.parser import parse
from graphc.ir.text.verifier import VerificationError
from tests.targets import TARGET

SOFTMAX = """graph f(%x: f32[4,3]) -> (f32[4,3]) {
  %one: f32[4,3] = constant 1.0
  %y: f32[4,3] = mul %x, %one
  %e: f32[4,3] = exp %y
  %t: f32[4] = sum %e {axes=[1]}
  %b: f32[4,3] = broadcast %t {shape=[4,3], axes=[0]}
  %r: f32[4,3] = div %e, %b
  return %r
}"""


def names(graph: Graph) -> list[str]:
    return [n.op.name for n in graph.nodes()]


def test_each_stage_is_the_graph_after_its_pass() -> None:
    stages = optimize(graph := parse(SOFTMAX), TARGET)
    assert list(stages) == ["captured", *(p.stage for p in PASSES)] and list(stages)[-1] == FINAL == "bufferized"
    assert stages["captured"] is stages["merged"] is stages["hoisted"] is graph
    assert names(stages["optimized"]) == ["exp", "sum", "broadcast", "div"]
    assert names(stages["fused"]) == ["fusion"] and stages["bufferized"] is stages["fused"]


def test_decisions_are_made_anew() -> None:
    fused = optimize(parse(SOFTMAX), TARGET)["fused"]
    assert optimize(fused, TARGET)["fused"].results[0].params == fused.results[0].params
    assert "fusion" not in names(optimize(fused, TARGET)["merged"])


def test_changed_stages_are_dumped(capsys: pytest.CaptureFixture[str]) -> None:
    with enabling("passes"):
        optimize(parse(SOFTMAX), TARGET)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("#")]
    assert lines == ["# captured", "# optimized", "# fused"]


def broken(graph: Graph) -> Graph:
    """Return a graph whose sum has the type of its operand, made around `make`."""
    before = next(n for n in graph.nodes() if n.op.name == "sum")
    after = Node.__new__(Node)
    for slot in ("op", "operands", "params", "regions", "name", "where", "value"):
        object.__setattr__(after, slot, getattr(before, slot))
    object.__setattr__(after, "types", before.operands[0].types)
    return Graph(graph.params, (after,), graph.name)


def test_a_pass_that_breaks_the_graph_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = [
        Pass(p.stage, (lambda graph, _: broken(graph)) if p.stage == "hoisted" else lambda graph, _: graph) for p in PASSES
    ]
    monkeypatch.setattr(pipeline, "PASSES", tuple(passes))
    with pytest.raises(VerificationError, match="after hoisted: sum has types"):
        optimize(parse(SOFTMAX), TARGET)
    assert list(optimize(parse(SOFTMAX), TARGET, check=False)) == ["captured", *(p.stage for p in PASSES)]


def test_an_error_of_a_pass_is_its_own_if_the_graph_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(graph: Graph, _: object) -> Graph:
        raise ZeroDivisionError("in a pass")

    monkeypatch.setattr(pipeline, "PASSES", (Pass("failing", fail),))
    with pytest.raises(ZeroDivisionError, match="in a pass"):
        optimize(parse(SOFTMAX), TARGET)
