"""State of compiled functions: read at each call, written back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.core.errors import TracingError
from graphc.tensors.tensor import Tensor
from graphc.tracing import trace
from tests.graphc.compiler.training import variants


def training(compiled: bool) -> list[Any]:
    """Train a little network by hand-written Adam; return the losses and all state."""
    rng = np.random.default_rng(0)
    params = [torch.tensor(rng.standard_normal(s).astype(np.float32), requires_grad=True) for s in ((4, 8), (8,), (8, 3))]
    first, second = ([torch.zeros_like(p) for p in params] for _ in range(2))
    count = torch.zeros(())

    def step(x: Tensor, y: Tensor) -> Tensor:
        for p in params:
            p.grad = None
        logits = torch.tanh(x @ params[0] + params[1]) @ params[2]
        loss = -torch.log_softmax(logits, 1).gather(1, y.unsqueeze(1)).mean()
        loss.backward()
        with torch.no_grad():
            count.add_(1)
            for p, m, v in zip(params, first, second, strict=True):
                m.mul_(0.9).add_(p.grad, alpha=0.1)
                v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
                p.addcdiv_(m / (1 - 0.9**count), (v / (1 - 0.999**count)).sqrt() + 1e-8, value=-0.01)
        return loss  # type: ignore[no-any-return]

    f = torch.compile(step) if compiled else step
    losses = []
    for _ in range(5):
        x = torch.tensor(rng.standard_normal((6, 4)).astype(np.float32))
        losses.append(f(x, torch.tensor(rng.integers(0, 3, 6))).item())
    assert not compiled or variants(f) == 1
    assert count.item() == 5
    return [losses, *(t.detach().numpy() for t in (*params, *first, *second)), *(p.grad.numpy() for p in params)]


def test_a_training_step_compiles_as_a_whole() -> None:
    for eager, native in zip(training(False), training(True), strict=True):
        np.testing.assert_allclose(native, eager, rtol=1e-4, atol=1e-6)


def test_gradients_that_are_accumulated_rather_than_dropped() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)

    @torch.compile
    def step(x: Tensor) -> None:
        (w * x).sum().backward()

    for _ in range(3):
        step(torch.ones(2))
    assert w.grad.tolist() == [3, 3] and variants(step) == 2
    kept = w.grad
    step(torch.ones(2))
    assert w.grad is kept and kept.tolist() == [4, 4]
    w.grad = None
    step(torch.ones(2))
    assert w.grad.tolist() == [1, 1] and variants(step) == 2


def test_gradients_of_arguments() -> None:
    @torch.compile
    def f(x: Tensor) -> Tensor:
        loss = (x * x).sum()
        loss.backward()
        return loss

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = f(x)
    assert loss.item() == 5 and x.grad.tolist() == [2, 4]
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        loss.backward()


def test_results_can_be_differentiated_outside() -> None:
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    f = torch.compile(lambda x: (x * w).tanh())
    x = torch.tensor([0.1, 0.2], requires_grad=True)
    y = f(x)
    assert repr(y.grad_fn).startswith("<TanhBackward0")
    (y * 2).sum().backward()
    slope = 2 * (1 - np.tanh(np.array([0.3, 0.8])) ** 2)
    np.testing.assert_allclose(x.grad.numpy(), slope * [3, 4], rtol=1e-5)
    np.testing.assert_allclose(w.grad.numpy(), slope * [0.1, 0.2], rtol=1e-5)
    with torch.no_grad():
        assert not f(x).requires_grad


def test_parameters_that_share_the_values_of_another_tensor() -> None:
    source = torch.tensor([1.0, 2.0])
    w = source.detach().requires_grad_()

    @torch.compile
    def step(x: Tensor) -> Tensor:
        w.grad = None
        loss = (w * w * x).sum()
        loss.backward()
        with torch.no_grad():
            w.sub_(w.grad)
        return w * 10

    y = step(torch.ones(2))
    assert w.grad.tolist() == [2, 4] and w.tolist() == [-1, -2] and source.tolist() == [-1, -2] and y.tolist() == [-10, -20]
    source.fill_(3)
    y = step(torch.ones(2))
    assert w.grad.tolist() == [6, 6] and source.tolist() == [-3, -3] and variants(step) == 1
    w.grad = None
    torch.compile(lambda x: x * w)(torch.ones(2)).sum().backward()
    assert w.grad.tolist() == [1, 1]


def test_arguments_written_in_place() -> None:
    @torch.compile
    def f(x: Tensor, y: Tensor) -> Tensor:
        x.add_(y)
        x[0] = 7
        return x * 2

    base = torch.zeros(2, 3)
    for i in (1, 2):
        assert f(base[1], torch.ones(3)).tolist() == [14, 2 * i, 2 * i]
    assert base.tolist() == [[0, 0, 0], [7, 2, 2]]
    assert f(base[0], base[1]).tolist() == [14, 4, 4]  # arguments that share a storage
    assert f(base[1], base[1]).tolist() == [14, 8, 8] and base.tolist() == [[7, 2, 2], [7, 4, 4]]
    with pytest.raises(TracingError, match="arrays passed to a compiled function are only read"):
        f(np.zeros(3), np.ones(3))


def test_pending_and_replaced_state_is_read_anew() -> None:
    state = torch.ones(2)
    f = torch.compile(lambda x: x + state)
    assert f(torch.zeros(2)).tolist() == [1, 1]
    state.mul_(5)
    assert f(torch.zeros(2)).tolist() == [5, 5]
    state.data = torch.ones(1)
    assert f(torch.zeros(2)).tolist() == [1, 1]


def test_captured_numbers_and_guards() -> None:
    setting = {"lr": 0.5, "training": True}
    w = torch.ones(2)

    @torch.compile
    def f() -> None:
        w.mul_(trace.capture_number(lambda: setting["lr"]))
        if trace.guard(lambda: setting["training"]):
            w.add_(1)

    f()
    setting["lr"] = 2.0
    f()
    assert w.tolist() == [4, 4]
    setting["training"] = False
    f()
    assert w.tolist() == [8, 8]
    assert trace.capture_number(lambda: 3.0) == 3.0


def test_random_numbers_go_on() -> None:
    torch.manual_seed(0)
    f = torch.compile(lambda x: x + torch.rand(4))
    a, b = f(torch.zeros(4)), f(torch.zeros(4))
    assert a.tolist() != b.tolist()
    torch.manual_seed(0)
    assert f(torch.zeros(4)).tolist() == a.tolist()
    torch.manual_seed(0)
    np.testing.assert_array_equal(torch.rand(4).numpy(), a.numpy())


def test_state_made_inside_with_the_trace_paused() -> None:
    made: dict[str, Tensor] = {}

    @torch.compile
    def f(x: Tensor) -> None:
        if "sum" not in made:
            with trace.paused():
                made["sum"] = torch.zeros(x.shape)
        made["sum"].add_(x)

    for _ in range(3):
        f(torch.ones(2))
    assert made["sum"].tolist() == [3, 3]
