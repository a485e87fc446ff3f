"""Translation validation: the stage that makes a wrong number is named, and rounding is no wrong number."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import graphc
from graphc.codegen.loops import lower
from graphc.codegen.loops.evaluate import KernelError, Memory, evaluate_kernel
from graphc.codegen.loops.lower import Operand, lower_copy
from graphc.codegen.nests import accumulators
from graphc.codegen.program import program, specialize
from graphc.codegen.program.extents import Extents
from graphc.codegen.program.program import compile_graph
from graphc.core.errors import MiscompilationError
from graphc.debug import checking, first_difference, first_difference_of_graph
from graphc.ir import pipeline
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, parameter
from graphc.ir.core.types import F32, F64, I64, TensorType
from graphc.ir.interpret.comparison import Noise, compare, evaluated, unequal
from graphc.ir.rewrite import simplify
from graphc.ir.rewrite.engine import RuleSet, Var, rule
from graphc.recording import lazy
from tests import graphs


def param(*shape: int, dtype=F32, name: str = ""):
    return parameter(TensorType(dtype, shape), name)


def numbers(*shape: int, dtype=np.float32, seed: int = 0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("seed", range(40))
def test_no_stage_of_random_graphs_differs(seed):
    graph = graphs.Maker(seed, empty=seed % 5 == 0).graph()
    arrays = graphs.arrays(graph, seed, strided=seed % 3 == 0)
    assert first_difference_of_graph(graph, arrays, [a.strides for a in arrays]) is None


# -- the checker is checked: each kind of wrong compiler is caught at its stage ------------------------------


@pytest.fixture
def fresh(monkeypatch):
    """Let no program made by a wrong compiler be found again."""
    monkeypatch.setattr(specialize, "_structures", OrderedDict())


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


# -- what is no difference ---------------------------------------------------------------------------------------


def outcomes(before, after, arrays):
    x, y = evaluated(before, arrays), evaluated(after, arrays)
    return x, y, [Noise(before, arrays, x), Noise(after, arrays, y)]


def test_another_order_of_summation_is_no_difference():
    x = param(1000)
    a = build.sum_(x, (0,))
    b = build.sum_(build.flip(build.sum_(build.reshape(x, (100, 10)), (1,)), (0,)), (0,))
    array = numbers(1000) * 1e3
    array -= array.mean()
    assert compare(*outcomes(Graph((x,), (a,)), Graph((x,), (b,)), [array])) is None


def test_a_comparison_that_rounding_flips_is_no_difference_but_an_exact_one_is():
    x = param(3)
    third = x / build.full_like(x, 3.0)
    sum_ = third + third + third  # rounds to x or beside it
    a, b = build.elementwise("lt", sum_, x), build.elementwise("lt", sum_ * build.full_like(x, 1 + 2**-23), x)
    array = np.array([0.7, 0.1, 1.3], np.float32)
    assert compare(*outcomes(Graph((x,), (a,)), Graph((x,), (b,)), [array])) is None
    c, d = build.elementwise("lt", x, x), build.elementwise("le", x, x)
    assert compare(*outcomes(Graph((x,), (c,)), Graph((x,), (d,)), [array])) is not None


def test_ties_of_exact_numbers_are_not_rounded_apart():
    x = param(4, dtype=F64)
    doubled = x * build.full_like(x, 2.0)
    first, last = build.apply("argmax", doubled, axis=0), 3 - build.apply("argmax", build.flip(doubled, (0,)), axis=0)
    before, after = Graph((x,), (first,)), Graph((x,), (last,))
    assert compare(*outcomes(before, after, [np.array([1.0, 5.0, 5.0, 2.0])])) is not None


def test_an_argmax_of_rounded_numbers_that_tie_is_no_difference():
    x = param(2, dtype=F64)
    twice = build.concatenate([build.apply("exp", x), build.apply("exp", x + build.full_like(x, 1e-16))], 0)
    before = Graph((x,), (build.apply("argmax", twice, axis=0),))
    after = Graph((x,), (build.apply("argmax", build.flip(twice, (0,)), axis=0),))
    assert compare(*outcomes(before, after, [np.array([0.3, 0.3])])) is None


@pytest.mark.parametrize(
    "x, y, same",
    [
        (np.nan, np.nan, True), (0.0, -0.0, False), (np.inf, np.inf, True), (np.inf, -np.inf, False), (1.0, 1 + 1e-6, True),
        (1.0, 1 + 1e-5, False), (np.nan, 1.0, False), (1e-45, 0.0, True), (1e38, np.inf, False),
    ],
)  # fmt: skip
def test_which_numbers_are_equal(x, y, same):
    assert unequal(np.array(x, np.float32), np.array(y, np.float32)) != same


def test_a_difference_of_few_elements_among_large_ones_is_seen():
    x, y = np.array([1e9, 1e-9]), np.array([1e9, 2e-9])
    assert unequal(x, y).tolist() == [False, True]


# -- check mode ----------------------------------------------------------------------------------------------------


def test_check_mode_validates_calls_of_compiled_functions(monkeypatch, fresh):
    monkeypatch.setenv("GRAPHC_DEBUG", "check")
    f = graphc.compile(lambda a: graphc.flip(a, (0,)) + a)
    for _ in range(3):
        f(numbers(20))
    monkeypatch.setattr(lower._Lowering, "_moved", wrong_move("flip", lambda at: at))
    monkeypatch.setattr(specialize, "_structures", OrderedDict())
    g = graphc.compile(lambda a: graphc.flip(a, (0,)) + a)
    with pytest.raises(MiscompilationError, match="stage 'kernels' computes other values"):
        g(numbers(20))
    assert issubclass(MiscompilationError, AssertionError)


def test_check_mode_validates_eager_programs(monkeypatch, fresh):
    monkeypatch.setattr(lower._Lowering, "_moved", wrong_move("flip", lambda at: at))
    monkeypatch.setattr(lazy, "COMPILE_COST", 0.0)
    monkeypatch.setattr(lazy, "COMPILE_NODE_COST", 0.0)
    monkeypatch.setattr(lazy, "_seen", OrderedDict())
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


# -- kernels on NumPy -----------------------------------------------------------------------------------------------


def test_a_kernel_runs_on_memory():
    x = param(3, 4)
    kernel = lower_copy(x, Operand((1, 3)), Operand((4, 1)), "copy")
    array = numbers(3, 4)
    source, target = Memory.of(array, (1, 3)), Memory.reserve(array.dtype, (3, 4), (4, 1))
    evaluate_kernel(kernel, [source, target])
    np.testing.assert_array_equal(target.view((3, 4), (4, 1)), array)


def test_a_pass_of_shared_values_is_shown_in_short():
    x = y = param(100)
    for _ in range(60):
        y = build.apply("sin", y * y + y)
    kernel, *_ = compile_graph(Graph((x,), (y,))).kernels
    assert all(len(repr(part)) < 200 for part in (kernel, *kernel.stages, *kernel.stages[0].stores))


def test_what_a_kernel_does_not_write_is_poison():
    memory = Memory.reserve(np.dtype(np.float32), (3,), (2,))
    assert np.isnan(memory.flat).all() and memory.flat.size == 5
    with pytest.raises(KernelError, match="reaches element"):
        memory.view((3,), (3,))


def test_reversed_memory_begins_before_its_first_element():
    memory = Memory.of(np.arange(4.0), (-2,))
    assert memory.flat[::2].tolist() == [3.0, 2.0, 1.0, 0.0]
    assert memory.view((2,), (-4,)).tolist() == [0.0, 2.0]
