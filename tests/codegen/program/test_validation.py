"""Translation validation: the stage that makes a wrong number is named, and rounding is no wrong number."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc.codegen.loops import lower
from graphc.codegen.loops.evaluate import KernelError
from graphc.codegen.nests import accumulators
from graphc.codegen.program import program, specialize
from graphc.codegen.program.extents import Extents
from graphc.codegen.program.program import compile_graph
from graphc.core.errors import MiscompilationError
from graphc.debug import checking, first_difference, first_difference_of_graph
from graphc.ir import pipeline
from graphc.ir.core import build
from graphc.ir.core.graph import Graph
from graphc.ir.core.types import I64
from graphc.ir.rewrite import simplify
from graphc.ir.rewrite.engine import RuleSet, Var, rule
from graphc.recording import structures
from tests import graphs
from tests.codegen.validation import numbers, param


@pytest.mark.parametrize("seed", range(40))
def test_no_stage_of_random_graphs_differs(seed):
    graph = graphs.Maker(seed, empty=seed % 5 == 0).graph()
    arrays = graphs.arrays(graph, seed, strided=seed % 3 == 0)
    assert first_difference_of_graph(graph, arrays, [a.strides for a in arrays]) is None


@pytest.fixture
def fresh(monkeypatch):
    """Let no program made by a wrong compiler be found again."""
    monkeypatch.setattr(specialize, "_structures", specialize.new_cache())


def test_a_wrong_rewrite_rule_is_named(monkeypatch, fresh):
    x = Var("x", ("float",))
    monkeypatch.setattr(simplify, "RULES", RuleSet((rule("wrong", x * x, x), *simplify.RULES.rules)))
    difference = first_difference(lambda a: graphc.sin(a) * graphc.sin(a) + 1, numbers(20))
    assert difference is not None
    assert difference.stage == "optimized"
    assert "20 of 20 elements differ" in str(difference)
    assert f"# {difference.before}\ngraph" in str(difference) and "# optimized\ngraph" in str(difference)
    assert "test_validation.py" in str(difference)


def test_a_wrong_rule_is_named_by_the_value_that_has_its_name_before_and_after(monkeypatch, fresh):
    x = Var("x", ("float",))
    monkeypatch.setattr(simplify, "RULES", RuleSet((rule("wrong", x * x, x), *simplify.RULES.rules)))
    a = param(20, name="a")
    square = build.apply("exp", a * a)
    square.name = "square"
    difference = first_difference_of_graph(Graph((a,), (build.sum_(square, (0,)), square)), [numbers(20)])
    assert difference is not None and difference.node is not None
    assert (difference.stage, difference.node.name) == ("optimized", "square")


def test_a_wrong_pass_is_named(monkeypatch, fresh):
    def wrong(graph, layouts):
        return graph.replace([build.apply("exp", r) for r in graph.results])

    passes = [p._replace(run=wrong) if p.stage == "hoisted" else p for p in pipeline.PASSES]
    monkeypatch.setattr(pipeline, "PASSES", tuple(passes))
    difference = first_difference(lambda a: a + 1, numbers(20))
    assert difference is not None and difference.stage == "hoisted"


def wrong_move(name: str, change):
    """Return how movement is lowered, changed for one primitive."""
    right = lower._Lowering._moved

    def move(self, node, at):
        return (change(at), None) if node.op.name == name else right(self, node, at)

    return move


def test_a_wrong_kernel_is_named(monkeypatch, fresh):
    monkeypatch.setattr(lower._Lowering, "_moved", wrong_move("flip", lambda at: at))
    difference = first_difference(lambda a: graphc.tanh(graphc.flip(a, (0,)) + a).cumsum(0), numbers(20))
    assert difference is not None
    assert (difference.stage, difference.before) == ("kernels", "fused")
    assert "# kernels\nkernel k0_" in str(difference)


def test_a_kernel_that_leaves_its_memory_is_named(monkeypatch, fresh):
    monkeypatch.delenv("GRAPHC_DEBUG", raising=False)  # a checked program refuses it before it is compared
    monkeypatch.setattr(lower._Lowering, "_moved", wrong_move("flip", lambda at: (at[0].plus(1),)))
    monkeypatch.setattr(Extents, "check", lambda self, table, facts: None)  # it would raise before the program runs
    difference = first_difference(lambda a: graphc.flip(a, (0,)) + a, numbers(20))
    assert difference is not None and difference.stage == "kernels"
    assert isinstance(difference.got, KernelError)
    assert "reaches element 20 of a buffer of 20 elements" in str(difference)


def test_a_wrong_emission_is_named(monkeypatch, fresh):
    right = accumulators.identity
    monkeypatch.setattr(accumulators, "identity", lambda f, r, lanes: f.like(1, right(f, r, lanes)))
    difference = first_difference(lambda a: graphc.exp(a).sum() + (a @ a.T).sum(0), numbers(20, 20))
    assert difference is not None
    assert (difference.stage, difference.before) == ("native", "kernels")
    assert difference.node is not None and difference.node.op.name == "fusion"


def test_a_wrong_memory_plan_is_named(monkeypatch, fresh):
    monkeypatch.setattr(specialize, "plan", lambda intervals: max((i.bytes for i in intervals), default=0))
    difference = first_difference(lambda a: ((a @ a) @ (a.T @ a.T)).cumsum(0), numbers(20, 20))
    assert difference is not None
    assert difference.stage == "native"
    assert "each operation alone is right" in str(difference)


def test_wrong_numbers_of_a_replay_are_named(monkeypatch, fresh):
    compiled = compile_graph(Graph((a := param(100),), (build.cumsum(a, 0),)))
    assert compiled.first_difference([numbers(100)]) is None
    compiled.parameters[compiled.parameters == 100] -= 1
    assert (found := compiled.first_difference([numbers(100, seed=1)])) is not None and found.stage == "native"


def test_a_missed_index_out_of_bounds_is_named(monkeypatch, fresh):
    a, at = param(10), param(3, dtype=I64)
    graph = Graph((a, at), (build.gather(a, at),))
    arrays = [numbers(10), np.array([1, 10, 2])]
    assert first_difference_of_graph(graph, arrays) is None
    difference = compile_graph(graph).first_difference(arrays, [np.zeros(3, np.float32)])
    assert difference is not None and difference.stage == "native"
    assert "IndexError" in str(difference)


def test_check_mode_validates_calls_of_compiled_functions(monkeypatch, fresh):
    monkeypatch.setenv("GRAPHC_DEBUG", "check")
    f = graphc.compile(lambda a: graphc.flip(a, (0,)) + a)
    for _ in range(3):
        f(numbers(20))
    monkeypatch.setattr(lower._Lowering, "_moved", wrong_move("flip", lambda at: at))
    monkeypatch.setattr(specialize, "_structures", specialize.new_cache())
    g = graphc.compile(lambda a: graphc.flip(a, (0,)) + a)
    with pytest.raises(MiscompilationError, match="stage 'kernels' computes other values"):
        g(numbers(20))
    assert issubclass(MiscompilationError, AssertionError)


def test_check_mode_validates_eager_programs(monkeypatch, fresh):
    monkeypatch.setattr(lower._Lowering, "_moved", wrong_move("flip", lambda at: at))
    monkeypatch.setattr(structures, "COMPILE_COST", 0.0)
    monkeypatch.setattr(structures, "COMPILE_NODE_COST", 0.0)
    monkeypatch.setattr(structures, "_seen", structures.new_cache())
    with checking(), pytest.raises(MiscompilationError):
        a = graphc.tensor(numbers(200))
        (graphc.flip(a, (0,)) + a + graphc.exp(a) + graphc.sin(a) + graphc.cos(a)).numpy()


def test_what_takes_too_long_is_named_and_left_alone(monkeypatch, capsys):
    monkeypatch.setattr(program, "CHECK_SECONDS", 0.05)
    with checking():
        many_turns = graphc.compile(lambda a: graphc.fori_loop(0, 10**6, lambda i, c: c * 0.5 + i, a))
        assert many_turns(np.float64(0)) > 1
    assert "is not checked: it takes more than" in capsys.readouterr().err
    assert many_turns(np.float64(0)) > 1


def loops(a):
    def body(c, x):
        return graphc.where(x > 0, c * 0.5 + x, c - 1), (c.sum(), x)

    def test(c):
        return (c < 100).all()

    last, (sums, xs) = graphc.scan(body, a[0], a)
    return graphc.cond(last.sum() > 0, lambda: last * 2, lambda: last), sums, xs, graphc.while_loop(test, lambda c: c + 3, last)


def trained(a):
    w = graphc.tensor(np.ones(4, np.float32), requires_grad=True)
    loss = (graphc.tanh(a * w) + graphc.rand(4) * 1e-3).sum()
    loss.backward()
    return loss, w.grad, a.clone().index_add_(0, graphc.tensor([0, 0, 1]), a[:3])


@pytest.mark.parametrize("f, shape", [(loops, (7, 3)), (loops, (5, 300)), (trained, (6, 4))])
def test_nothing_differs_in_loops_draws_and_state(f, shape):
    with checking():
        compiled = graphc.compile(f)
        for seed in range(3):
            compiled(numbers(*shape, seed=seed))
