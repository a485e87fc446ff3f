"""What a scan keeps for its gradient: a minimum cut, the same gradients whatever it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.codegen.llvm import target
from graphc.ir.core.graph import Graph, Node, toposort
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.loops import rematerialize as module
from graphc.ir.loops.loop_passes import merge_and_prune_loops
from graphc.ir.loops.rematerialize import rematerialize
from graphc.ir.pipeline import optimize
from graphc.ir.text.parser import parse
from graphc.ir.text.verifier import verify
from graphc.ir.transforms.vjp import adjoint
from tests.targets import TARGET

rng = np.random.default_rng(0)


def recurrent(steps: int, body: str, *, carried: str = "f32[32,128]") -> Graph:
    """Return the gradient of a scan, with its loops tidied."""
    text = f"""graph f(%h: {carried}, %u: f32[128,128]) -> (f32[]) {{
      %last: {carried} = scan %h, %u {{carries=1, xs=0, length={steps}, reverse=false}}
          (%h: {carried}, %u: f32[128,128]) {{
        {body}
      }}
      %total: f32[] = sum %last {{axes=[0,1]}}
      return %total
    }}"""
    return merge_and_prune_loops(adjoint(parse(text), [0, 1]))


PRODUCT = """
        %a: f32[32,128] = matmul %h, %u
        %b: f32[32,128] = sin %a
        return %b
"""


def scans(graph: Graph) -> list[Node]:
    return [n for n in toposort(graph.results) if n.op.name == "scan"]


def operations(scan: Node) -> list[str]:
    return [n.op.name for n in scan.regions[0].nodes()]


def same(before: Graph, after: Graph) -> None:
    verify(after, "rematerialized")
    arrays = [rng.normal(size=p.shape).astype(p.dtype.numpy) * 0.05 for p in before.params]
    for a, b in zip(evaluate(before, arrays), evaluate(after, arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def test_products_are_kept_and_not_computed_again() -> None:
    graph = recurrent(1000, PRODUCT)
    forward, backward = scans(graph)
    assert operations(backward).count("matmul") == 3 and len(forward.types) == 2
    after = rematerialize(graph, TARGET)
    forward, backward = scans(after)
    assert operations(backward).count("matmul") == 2  # the transposed ones
    assert [t.shape for t in forward.types[1:]] == [(1000, 32, 128)] * 2  # the product, and the carry for the gradient by u


def test_what_the_cut_replaces_is_kept_no_longer() -> None:
    graph = merge_and_prune_loops(Graph(recurrent(1000, PRODUCT).params, adjoint(parse(_source(1000)), [0]).results))
    forward, _ = scans(graph)
    assert [str(r.op) for r in forward.regions[0].results] == ["sin", "parameter"]
    forward, _ = scans(rematerialize(graph, TARGET))
    assert [str(r.op) for r in forward.regions[0].results] == ["sin", "matmul"]


def _source(steps: int) -> str:
    return f"""graph f(%h: f32[32,128], %u: f32[128,128]) -> (f32[]) {{
      %last: f32[32,128] = scan %h, %u {{carries=1, xs=0, length={steps}, reverse=false}}
          (%h: f32[32,128], %u: f32[128,128]) {{
        {PRODUCT}
      }}
      %total: f32[] = sum %last {{axes=[0,1]}}
      return %total
    }}"""


def test_the_values_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_WORK", 0)
    graph = recurrent(7, PRODUCT)
    after = rematerialize(graph, TARGET)
    assert after is not graph
    same(graph, after)


def test_cheap_work_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_WORK", 0)
    graph = recurrent(1000, """
        %a: f32[32,128] = mul %h, %h
        %b: f32[32,128] = add %a, %h
        %c: f32[32,128] = mul %b, %a
        return %c
    """)  # fmt: skip
    assert rematerialize(graph, TARGET) is graph


def test_short_work_is_not_looked_at() -> None:
    graph = recurrent(10, PRODUCT)
    assert rematerialize(graph, TARGET) is graph


def test_loops_in_loops_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a budget of states bounds is not kept by another name."""
    monkeypatch.setattr(module, "LEAST_WORK", 0)
    w, start = torch.tensor(rng.normal(size=(16, 16)) * 0.1), torch.tensor(rng.normal(size=(64, 16)))

    def loss(keep: Any) -> Any:
        def run(start: Any, w: Any) -> Any:
            last, _ = torch.scan(lambda c, _: (torch.sin(c @ w) + c, None), start, length=1000, checkpoint=keep)
            return last.sum()

        return torch.compile(func.grad(run, argnums=(0, 1)))

    plain, short = (loss(keep).lower(start, w).cost().arena_bytes for keep in (False, 32))
    assert short < plain / 6  # with the scratch space of a matrix product, which is no state


def cell(w: Any, u: Any, state: Any, x: Any) -> Any:
    """One step of an LSTM."""
    h, c = state
    gates = x @ w + h @ u
    n = h.shape[1]
    i, f, o = (torch.sigmoid(gates[:, k * n : (k + 1) * n]) for k in range(3))
    c = f * c + i * torch.tanh(gates[:, 3 * n :])
    return o * torch.tanh(c), c


BODIES: dict[str, Callable[..., Any]] = {
    "lstm": lambda w, u, state, x: cell(w, u, state, x),
    "products": lambda w, u, state, x: (torch.tanh(state[0] @ u[:, :4]) + x, torch.sin(state[1] @ u[:, 4:8]) * state[0]),
    "reductions": lambda w, u, state, x: (
        torch.softmax(state[0] @ u[:, :4], 1) + x,
        state[1] / (1 + (state[0] ** 2).sum(1, keepdim=True)) + torch.log1p(x**2),
    ),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", BODIES)
def test_gradients_through_loops(name: str, reverse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    batch, width, steps = 3, 4, 6
    shapes = (width, 4 * width), (width, 4 * width), (steps, batch, width)
    w, u, xs = (torch.tensor(rng.normal(size=s)) for s in shapes)
    start = torch.tensor(rng.normal(size=(batch, width))), torch.tensor(rng.normal(size=(batch, width)))

    def loss(w: Any, u: Any, xs: Any, start: Any) -> Any:
        def body(state: Any, x: Any) -> Any:
            state = BODIES[name](w, u, state, x)
            return state, state[0] * state[1]

        (h, c), ys = torch.scan(body, start, xs, reverse=reverse)
        return (h * c).sum() + (ys**2).sum()

    for differentiated in (
        func.grad(loss, argnums=(0, 1, 2)),
        func.grad(lambda *a: sum((g**2).sum() for g in func.grad(loss, argnums=(0, 1))(*a)), argnums=(0, 1)),
    ):
        wanted = [x.numpy() for x in differentiated(w, u, xs, start)]
        monkeypatch.setattr(module, "LEAST_WORK", 0)
        cheap = replace(TARGET, keeping=((float("inf"), 0.001),))  # keep whatever can be kept
        monkeypatch.setattr(target.Target, "info", cheap)
        compiled = torch.compile(differentiated)
        lowered = compiled.lower(w, u, xs, start)
        assert lowered.ir("rematerialized") != lowered.ir("merged")
        for a, b in zip(compiled(w, u, xs, start), wanted, strict=True):
            np.testing.assert_allclose(a.numpy(), b, rtol=1e-9)


def test_the_pass_is_in_the_pipeline() -> None:
    stages = optimize(recurrent(1000, PRODUCT), TARGET)
    assert stages["rematerialized"] is not stages["merged"]
    assert operations(scans(stages["rematerialized"])[-1]).count("matmul") == 2
