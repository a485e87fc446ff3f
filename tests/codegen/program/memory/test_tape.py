"""What loops stack that say only at their end how often they run: types, values, memory."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, Region, TypeRuleError, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, F64, I64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions.builders import added, scan, while_loop
from graphc.ir.regions.substitution import results_of
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.ir.text.verifier import verify
from graphc.ir.transforms.vjp import gradients
from graphc.tensors.tensor import Tensor


def doubled(x: Node, *, tape: bool = True) -> list[Node]:
    """Double while below 10, and stack what it was."""
    (p,), (q,) = (parameter(x.type),), (parameter(x.type),)
    below = build.reduce("max", p, range(p.type.rank)) < 10
    stacks = (q,) if tape else ()
    return results_of(make(PRIMITIVES["while"], (x,), {"carries": 1}, (Region((p,), (below,)), Region((q,), (q + q, *stacks)))))


def over(tapes: list[Node], reverse: bool = False) -> list[Node]:
    """Sum the items of tapes, and stack the sums so far."""
    items = [parameter(t.type.with_shape(t.shape[1:])) for t in tapes]
    total = parameter(items[0].type)
    after = total
    for item in items:
        after = after + item
    params = {"carries": 1, "xs": len(tapes), "length": None, "reverse": reverse}
    start = build.zeros_like(total)
    return results_of(make(PRIMITIVES["scan"], (start, *tapes), params, (Region((total, *items), (after, after)),)))


def test_types() -> None:
    x = parameter(TensorType(F64, (2,)))
    after, tape = doubled(x)
    assert str(after.type) == "f64[2]" and str(tape.type) == "f64[?,2]" and tape.type.grows and not after.type.grows
    total, sums = over([tape])
    assert str(total.type) == "f64[2]" and str(sums.type) == "f64[?,2]"


@pytest.mark.parametrize("op", ["neg", "add", "sum", "reshape", "gather", "cond", "while", "scan"])
def test_nothing_but_a_scan_without_a_length_takes_what_grows(op: str) -> None:
    x = parameter(TensorType(F64, (2,)))
    _, tape = doubled(x)
    p = parameter(tape.type)
    calls: dict[str, Any] = {
        "neg": lambda: -tape,
        "add": lambda: tape + tape,
        "sum": lambda: build.sum_(tape, (0,)),
        "reshape": lambda: build.reshape(tape, (-2,)),
        "gather": lambda: build.gather(tape, build.constant(0, I64)),
        "cond": lambda: make(PRIMITIVES["cond"], (x, tape)),
        "while": lambda: while_loop(Region((p,), (build.constant(False, BOOL),)), Region((p,), (p,)), [tape]),
        "scan": lambda: scan(Region((p,), (p,)), [tape], [], 2),
    }
    with pytest.raises(TypeRuleError, match=r"only scan takes values that grow, got f64\[\?,2\]|fixed extents"):
        calls[op]()


def test_a_scan_has_a_length_or_sequences_that_grow() -> None:
    x = parameter(TensorType(F64, (2,)))
    item = parameter(TensorType(F64))
    region = (Region((item,), (item,)),)
    params = {"carries": 0, "xs": 1, "length": None, "reverse": False}
    with pytest.raises(TypeRuleError, match=r"scan runs over sequences that grow, got None, f64\[2\]"):
        make(PRIMITIVES["scan"], (x,), params, region)
    with pytest.raises(TypeRuleError, match="scan without a length runs over sequences that grow"):
        make(PRIMITIVES["scan"], (x,), {**params, "xs": 0, "carries": 1}, region)


@pytest.mark.parametrize("start, items", [([1.0, 2.0], [[1, 2], [2, 4], [4, 8]]), ([3.0, 20.0], [])])
@pytest.mark.parametrize("reverse", [False, True])
def test_values(start: list[float], items: list[list[float]], reverse: bool) -> None:
    x = parameter(TensorType(F64, (2,)), "x")
    after, tape = doubled(x)
    total, sums = over([tape, tape], reverse)
    last, _ = over([sums])
    graph = Graph((x,), (after, total, last))
    verify(graph)
    array = np.array(start)
    rows = 2 * np.array(items, float).reshape(-1, 2)
    running = (rows[::-1] if reverse else rows).cumsum(0)
    expected = [array * 2.0 ** len(items), rows.sum(0), running.sum(0)]
    for found in (evaluate(graph, [array]), compiled(graph, [array])):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def compiled(graph: Graph, arrays: list[Any]) -> list[Any]:
    return compile_graph(graph).run(arrays)


def test_text_and_back() -> None:
    x = parameter(TensorType(F64, (2,)), "x")
    after, tape = doubled(x)
    graph = Graph((x,), (after, *over([tape])[:1]), "f")
    text = to_text(graph)
    assert "f64[?,2]" in text and "length=none" in text and to_text(parse(text)) == text


def test_tapes_of_other_lengths_do_not_go_together() -> None:
    x, y = (parameter(TensorType(F64, (2,))) for _ in range(2))
    total, _ = over([doubled(x)[1], doubled(y)[1]])
    with pytest.raises(ValueError, match="scan runs over sequences of one length, got 1, 3"):
        evaluate(Graph((x, y), (total,)), [np.array([1.0, 2.0]), np.array([5.0, 6.0])])


def test_tapes_are_added_item_by_item() -> None:
    x = parameter(TensorType(F64, (2,)))
    _, tape = doubled(x)
    total, _ = over([added(tape, tape)])
    np.testing.assert_array_equal(evaluate(Graph((x,), (total,)), [np.array([1.0, 2.0])])[0], [14, 28])


def test_gradients_by_and_through_what_is_stacked() -> None:
    """The sum over the tape of squares, by the start: items are 1, 2, 4 times x."""
    x = parameter(TensorType(F64, (2,)))
    after, tape = doubled(x)
    total, _ = over([tape, tape])
    outputs = [build.sum_(total * total, (0,)), build.sum_(after, (0,))]
    ones = [build.full_like(o, 1) for o in outputs]
    (found,) = gradients(outputs, ones, [x])
    assert found is not None
    graph = Graph((x,), (found,))
    start = np.array([1.0, 2.0])
    for run in (evaluate, compiled):
        np.testing.assert_allclose(run(graph, [start])[0], 2 * 14**2 * start + 8)


# -- programs -----------------------------------------------------------------------------------------------


def grown(x: Tensor) -> Tensor:
    return torch.while_loop(lambda x: x.sum() < 1000, lambda x: x + x.sin() ** 2 + 0.01, x).sum()


def test_value_and_gradient_run_one_loop_forward() -> None:
    x = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    lowered = torch.compile(func.grad_and_value(grown)).lower(x)
    text = lowered.ir("optimized")
    assert text.count("= while") == 1 and text.count("= scan") == 1
    assert "f64[?,5]" in text and "bool[?]" not in text  # the iterations are known by what is read


def test_a_way_back_that_reads_nothing_counts_turns() -> None:
    f = torch.compile(func.grad(lambda x: torch.while_loop(lambda x: x < 100, lambda x: x * 2, x)))
    text = f.lower(torch.tensor(1.0)).ir("optimized")
    assert "bool[?]" in text and "f32[?]" not in text
    assert f(torch.tensor(1.0)).item() == 128 and f(torch.tensor(1000.0)).item() == 1


@pytest.mark.parametrize("size", [1, 5, 40, 3000])
@pytest.mark.parametrize("iterations", [0, 1, 7, 9, 5000])
def test_tapes_of_every_length(size: int, iterations: int) -> None:
    """In registers and in memory, through every growth; the derivative is the product of the factors."""
    if size * iterations > 1_000_000:
        iterations = 300

    def f(x: Tensor, n: Tensor) -> Tensor:
        return torch.fori_loop(0, n, lambda i, x: torch.where(x < 1.5, x * x * 0.999, x * 0.5), x).sum()

    x = torch.linspace(0.9, 1.9, size, dtype=torch.float64)
    found = torch.compile(func.grad(f))(x, torch.tensor(iterations))
    value, slope = x.numpy(), np.ones(size)
    for _ in range(iterations):
        slope *= np.where(value < 1.5, 2 * value * 0.999, 0.5)
        value = np.where(value < 1.5, value * value * 0.999, value * 0.5)
    np.testing.assert_allclose(found, slope, rtol=1e-10, atol=1e-300)


def test_results_of_compiled_functions_have_a_history() -> None:
    w = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    f = torch.compile(lambda w: torch.while_loop(lambda x: x < 10, lambda x: x * w + w.sin(), w * 1.0))
    f(w).backward()
    found, w.grad = w.grad, None
    x = w * 1.0
    while x < 10:
        x = x * w + w.sin()
    x.backward()
    np.testing.assert_allclose(found, w.grad)


def test_a_train_step_with_a_loop() -> None:
    """Two iterations from 1: 1.5 + p, and again, so the slope by p is 2.5."""
    p = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)

    @torch.compile
    def step(x: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = torch.while_loop(lambda v: (v * v).sum() < 50, lambda v: v * 1.5 + p, x).sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    assert [step(torch.ones(3)).item() for _ in range(2)] == [14.25, 12.375]
    assert p.tolist() == [0.5] * 3


def test_what_is_carried_to_be_compared_only_costs_no_gradient() -> None:
    def f(x: Tensor) -> Tensor:
        def body(x: Tensor, error: Tensor) -> Any:
            new = (x + 2 / x) / 2
            return new, (new - x).abs().max()

        return torch.while_loop(lambda x, error: error > 1e-12, body, (x, torch.tensor(1.0, dtype=torch.float64)))[0].sum()

    x = torch.linspace(0.5, 3, 20, dtype=torch.float64)
    text = torch.compile(func.grad(f)).lower(x).ir("optimized")
    scan = text[text.index("= scan") :]
    assert "max" not in scan and "sign" not in scan
    assert func.grad(f)(x).abs().max() < 1e-5  # the root does not depend on where the search begins


def test_mlir_has_no_tapes() -> None:
    lowered = torch.compile(func.grad(grown)).lower(torch.ones(3))
    with pytest.raises(NotImplementedError, match="MLIR has no tensor that grows"):
        lowered.mlir()


SCRIPT = """
import resource
import graphc as torch
from graphc import func
f = torch.compile(func.grad(lambda x: torch.while_loop(lambda x: x.sum() < {limit}, lambda x: x + x.sin() ** 2 + 0.1, x).sum()))
x = torch.full(({size},), 0.1, dtype=torch.float64)
f.lower(x)
resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
for i in range(3):
    try:
        print("got", tuple(f(x).shape))
    except MemoryError as error:
        print(error)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for i in range({times}):
    f(x)
print("grown", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) // 10_000)
"""


def output(**constants: object) -> list[str]:
    script = SCRIPT.format(**constants)
    unchecked = {k: v for k, v in os.environ.items() if k != "GRAPHC_DEBUG"}  # the loop has no end for the evaluator
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=unchecked)
    return run.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.parametrize("size", [1, 2000])
def test_memory_that_is_not_there_is_an_error(size: int) -> None:
    found = output(limit="float('inf')", size=size, times=0)
    assert found[:3] == ["out of memory for the residuals that a loop keeps for its gradient"] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
@pytest.mark.parametrize("size", [1, 2000])
def test_memory_is_given_back(size: int) -> None:
    """500 tapes of more than 1 MB each leave less than 10 MB."""
    found = output(limit=1e5 if size == 1 else 5e2 * size, size=size, times=500 if size == 1 else 20)
    assert found == [f"got ({size},)"] * 3 + ["grown 0"]
