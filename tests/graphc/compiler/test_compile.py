"""Compiled functions do what the same function does in Python: results, state, gradients, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.core.errors import TracingError
from graphc.tensors.tensor import Tensor
from graphc.tracing import trace


def variants(compiled: Any) -> int:
    return sum(map(len, compiled._variants.values()))


# -- arguments and results ---------------------------------------------------------------------------------


def test_arrays_in_arrays_out() -> None:
    f = torch.compile(lambda x: x * 2 + 1)
    x = np.arange(8, dtype=np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(f(x), x * 2 + 1)
    assert isinstance(f(torch.tensor(x)), Tensor) and variants(f) == 2
    for other in (x.astype(np.float64), x.reshape(2, 4), x[::2], x[::-1], np.broadcast_to(x[:1], (3,)), np.float32(3) + x[:0]):
        np.testing.assert_array_equal(f(other), other * 2 + 1)
        assert f(other).dtype == other.dtype


def test_unaligned_and_foreign_byte_order_arrays() -> None:
    f = torch.compile(lambda x: x + 1)
    raw = np.zeros(17, np.uint8)[1:].view(np.float32)
    assert f(raw).tolist() == [1, 1, 1, 1]
    assert f(np.array([1, 2], ">f4")).tolist() == [2, 3]
    with pytest.raises(TypeError, match=r"can't convert np.ndarray of type complex128"):
        f(np.ones(2, complex))


def test_nests_keywords_and_constants() -> None:
    @torch.compile
    def f(pair: Any, table: dict[str, Any], power: int = 2, *, flag: bool = False) -> Any:
        a, b = pair
        return {"sum": a + b, "rest": [table["x"] ** power, None, "text"], "flag": flag}

    x = torch.tensor([1.0, 2.0])
    out = f((x, x), {"x": x}, power=3, flag=True)
    assert (
        out["sum"].tolist() == [2, 4]
        and out["rest"][0].tolist() == [1, 8]
        and out["rest"][1:] == [None, "text"]
        and out["flag"] is True
    )
    assert f((x, x), {"x": x})["rest"][0].tolist() == [1, 4] and variants(f) == 2
    with pytest.raises(TypeError, match=r"expected arguments that are tensors, arrays, or hashable values .* got set"):
        f((x, x), {"x": x}, {1})


def test_the_inputs_themselves_come_back() -> None:
    f = torch.compile(lambda x, y: (x, x, y + 1, y))
    x, y = torch.ones(2), torch.ones(3)
    a, b, c, d = f(x, y)
    assert a is x and b is x and d is y and c.tolist() == [2, 2, 2]


def test_results_that_are_views_or_constants() -> None:
    @torch.compile
    def f(x: Tensor) -> Any:
        return x.T, x[0], torch.ones(2), torch.arange(3), x.reshape(-1), x.sum()

    x = np.arange(6.0).reshape(2, 3)
    expected = (x.T, x[0], np.ones(2), np.arange(3), x.reshape(-1), x.sum())
    for _ in range(2):
        for got, want in zip(f(x), expected, strict=True):
            np.testing.assert_array_equal(got, want)
    f(x)[1][0] = 99
    assert x[0, 0] == 0


def test_the_same_tensor_twice() -> None:
    f = torch.compile(lambda x, y: x * y)
    x = torch.tensor([2.0], requires_grad=True)
    f(x, x).sum().backward()
    assert x.grad.tolist() == [4] and f(x, torch.tensor([5.0])).tolist() == [10]


def test_methods_and_options() -> None:
    class Scale:
        def __init__(self, by: float) -> None:
            self.by = by

        @torch.compile(dynamic=True)
        def apply(self, x: Any) -> Any:
            return x * self.by

    assert Scale(2.0).apply(np.ones(2)).tolist() == [2, 2] and Scale(3.0).apply(np.ones(2)).tolist() == [3, 3]
    with pytest.raises(TypeError, match="unexpected keyword argument 'speed'"):
        torch.compile(lambda x: x, speed=11)


# -- state ---------------------------------------------------------------------------------------------------


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


# -- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "look", [lambda x: x.item(), lambda x: bool(x), lambda x: print(x), lambda x: x.tolist(), lambda x: float(x)]
)
def test_looking_at_a_value_while_tracing(look: Any) -> None:
    @torch.compile
    def f(x: Tensor) -> Any:
        return look(x.sum())

    with pytest.raises(TracingError) as caught:
        f(np.ones(2))
    text = str(caught.value)
    assert "expected a value that is known while a function is traced, got f64[] that depends on its input x" in text
    assert "graphc.where" in text and "test_compile.py" in text and isinstance(caught.value, RuntimeError)


def test_constants_may_be_looked_at() -> None:
    @torch.compile
    def f(x: Tensor) -> Tensor:
        return x * 2 if torch.ones(2).sum() > 1 else x

    assert f(np.ones(2)).tolist() == [2, 2]


def test_an_error_while_tracing_restores_all_state() -> None:
    w = torch.ones(2, requires_grad=True)
    w.grad = kept = torch.ones(2)
    buffer = torch.zeros(2)

    @torch.compile
    def f(x: Tensor) -> None:
        buffer.add_(1)
        w.grad = None
        (w * x).sum().backward()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        f(torch.ones(2))
    assert buffer.tolist() == [0, 0] and w.grad is kept and w.tolist() == [1, 1] and not torch.compile(lambda x: x)._variants
    assert (w * 2).sum().item() == 4


def test_tensors_that_escape_a_trace() -> None:
    kept: list[Tensor] = []
    f = torch.compile(lambda x: kept.append(x * 2))
    f(torch.ones(2))
    with pytest.raises(TracingError, match="Tensors made inside a compiled function can leave it only as results"):
        kept[0].tolist()
    with pytest.raises(TracingError, match="Tensors made inside a compiled function"):
        kept[0] + 1


def test_gradients_into_histories_from_outside_are_refused() -> None:
    w = torch.ones(2, requires_grad=True)
    outside = w * 2
    f = torch.compile(lambda x: (x * outside).sum().backward())
    with pytest.raises(TracingError, match="leads into the history of a tensor made outside"):
        f(torch.ones(2, requires_grad=True))


def test_the_cache_is_bounded() -> None:
    f = torch.compile(lambda x, n: x + n)
    for n in range(70):
        assert f(np.zeros(1), n).tolist() == [n]
    assert len(f._variants) == 64


# -- looking inside ----------------------------------------------------------------------------------------------


def test_lowered_shows_every_stage() -> None:
    w = torch.ones(3, requires_grad=True)

    def loss(x: Tensor) -> Tensor:
        out = (x * w).sum()
        out.backward()
        return out

    low = torch.compile(loss).lower(torch.ones(3))
    assert w.grad is None
    captured, adjoint = low.ir("captured"), low.ir("adjoint")
    assert captured.startswith("graph loss(%x: f32[3]") and len(adjoint) > len(captured)
    assert low.stages[:7] == ["captured", "adjoint", "merged", "unrolled", "rematerialized", "hoisted", "optimized"] and all(
        low.ir(s) for s in low.stages if s not in ("mlir", "asm")
    )
    assert (
        "define" in low.llvm_ir(optimized=False)
        and low.graph().number_of_nodes() > 3
        and low.cost().kernels == len(low.kernels)
    )
    with pytest.raises(ValueError, match="stage is one of captured, adjoint"):
        low.ir("nothing")


def test_what_cannot_be_called_is_no_function():
    with pytest.raises(TypeError, match="expected a function or a module, got int"):
        torch.compile(3)


def test_an_index_out_of_bounds_names_the_lines_that_may_have_read_there():
    def read(x, i):
        y = x[i]
        return y.exp()[i] + 1

    f = torch.compile(read)
    x = np.arange(3.0)
    assert f(x, np.array([2, -1, 0])).shape == (3,)
    for _ in range(2):
        with pytest.raises(IndexError) as caught:
            f(x, np.array([0, 3, 0]))
        first = read.__code__.co_firstlineno + 1
        assert str(caught.value) == (
            "index out of range in a gather, an embedding or an indexed update at one of these lines:"
            f"\n  at {__file__}:{first}, into f64[3]\n  at {__file__}:{first + 1}, into f64[3]"
        )
    with pytest.raises(IndexError, match=rf"index 3 is out of bounds for dimension 0 with size 3\n  at .*:{first}$"):
        read(torch.tensor(x), torch.tensor([0, 3, 0])).tolist()


def test_one_array_under_two_names_is_two_arguments() -> None:
    """Arrays are only read, so calls with one and with two take the same native entry."""
    f = torch.compile(lambda x, y: x * y)
    x, y = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    assert [f(*args).tolist() for args in ((x, x), (x, y), (y, y), (x, x))] == [[4, 9], [10, 21], [25, 49], [4, 9]]
    assert len(f._variants) == 1


def test_one_tensor_under_two_names_is_one_tensor() -> None:
    f = torch.compile(lambda x, y: x + 1 if x is y else x * y)
    x, y = torch.tensor([2.0, 3.0]), torch.tensor([5.0, 7.0])
    calls = ((x, y), (x, y), (x, x), (x, x), (x, y))
    assert [f(*args).tolist() for args in calls] == [[10, 21], [10, 21], [3, 4], [3, 4], [10, 21]]
