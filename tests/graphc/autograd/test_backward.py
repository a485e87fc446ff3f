"""backward(), grad() and hooks behave as torch's do; the numbers are worked out by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.autograd.function import Function, once_differentiable
from graphc.autograd.grad_mode import is_inference_mode_enabled
from graphc.tensors.tensor import Tensor

TWICE = "Trying to backward through the graph a second time"


def leaf(*data: float) -> Tensor:
    x: Tensor = torch.tensor(data, dtype=torch.float32, requires_grad=True)
    return x


def grad_of(x: Tensor) -> Any:
    assert x.grad is not None
    return x.grad.tolist()


# -- 1, 2, 3: scalars, a second backward, accumulation ------------------------------------------------------


def test_backward_of_more_than_one_element_needs_weights() -> None:
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (x * 2).backward()
    (x * 2).backward(torch.tensor([1.0, 10.0]))
    assert grad_of(x) == [2, 20]


@pytest.mark.parametrize("f", [lambda x: x * x, lambda x: x.exp(), lambda x: x / 2, lambda x: x.relu()])
def test_a_second_backward_through_saved_values_raises(f: Callable[[Tensor], Tensor]) -> None:
    s = f(leaf(1, 2)).sum()
    s.backward()
    with pytest.raises(RuntimeError, match=TWICE):
        s.backward()
    again = f(leaf(1, 2)).sum()
    again.backward(retain_graph=True)
    again.backward()


@pytest.mark.parametrize("f", [lambda x: x + 1, lambda x: -x, lambda x: x[0], lambda x: x.mean(), lambda x: x.reshape(2, 1)])
def test_a_graph_that_saved_nothing_may_be_used_twice(f: Callable[[Tensor], Tensor]) -> None:
    s = f(leaf(1, 2)).sum()
    s.backward()
    s.backward()


def test_the_same_expression_written_again_is_another_graph() -> None:
    x = leaf(1, 2)
    s = (x * x).sum()
    s.backward()
    (x * x).sum().backward()
    assert grad_of(x) == [4, 8]
    with pytest.raises(RuntimeError, match=TWICE):
        (s * 2).backward()


def test_gradients_accumulate_in_place() -> None:
    x = leaf(1, 2)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first and grad_of(x) == [5, 7]
    (x * x).sum().backward(create_graph=True)
    assert x.grad is not first and grad_of(x) == [7, 11]


# -- 4, 5, 6: inputs, unused, shapes --------------------------------------------------------------------------


def test_backward_fills_only_the_inputs_asked_for() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    y = x * w
    (y * y).sum().backward(inputs=[x])
    assert grad_of(x) == [18, 64] and w.grad is None
    with pytest.raises(RuntimeError, match="`inputs` argument to `backward\\(\\)` cannot be empty"):
        (x * w).sum().backward(inputs=[])


def test_grad_leaves_dot_grad_alone() -> None:
    x, w = leaf(1, 2), leaf(3, 4)
    y = x * w
    dy, dx = torch.autograd.grad((y * y).sum(), [y, x])
    assert dy.tolist() == [6, 16] and dx.tolist() == [18, 64] and x.grad is None


def test_unused_inputs() -> None:
    x, w = leaf(1), leaf(2)
    with pytest.raises(RuntimeError, match="The differentiated Tensor at index 0 appears to not have been used in the graph"):
        torch.autograd.grad((x * 2).sum(), [w])
    assert torch.autograd.grad((x * 2).sum(), [w], allow_unused=True) == (None,)
    assert torch.autograd.grad((x * 2).sum(), [w], materialize_grads=True)[0].tolist() == [0]
    with pytest.raises(ValueError, match="Expected allow_unused to be True"):
        torch.autograd.grad((x * 2).sum(), [w], allow_unused=False, materialize_grads=True)
    with pytest.raises(RuntimeError, match="One of the differentiated Tensors does not require grad"):
        torch.autograd.grad((x * 2).sum(), [torch.ones(1)])


def test_weights_of_another_shape() -> None:
    with pytest.raises(RuntimeError, match=r"Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[3\]\)"):
        (leaf(1, 2) * 2).backward(torch.ones(3))


# -- 7, 8: requires_grad, leaves, grad modes --------------------------------------------------------------------


def test_what_may_require_gradients() -> None:
    with pytest.raises(RuntimeError, match="only Tensors of floating point"):
        torch.tensor([1]).requires_grad_()
    with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
        (leaf(1) * 2).requires_grad = False
    assert not (leaf(1) > 0).requires_grad and not leaf(1).to(torch.int64).requires_grad


def test_a_result_keeps_no_gradient_unless_told() -> None:
    x = leaf(1, 2)
    y = x * x
    with pytest.warns(UserWarning, match="The .grad attribute of a Tensor that is not a leaf Tensor is being accessed"):
        assert y.grad is None
    y.retain_grad()
    y.retain_grad()
    (y * 3).sum().backward()
    assert grad_of(y) == [3, 3] and y.retains_grad and not x.retains_grad
    with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
        torch.ones(1).retain_grad()


def test_views_retain_their_gradients() -> None:
    def written_through() -> torch.Tensor:
        view = torch.zeros(4)[1:3]
        view.copy_(x[:2])
        return view

    def written_below() -> torch.Tensor:
        y = x * 1
        view = y[1:3]
        y[1:3] = x[:2]
        return view

    def read() -> torch.Tensor:
        return (x * 1)[:2]

    for make in (written_through, written_below, read):
        x = torch.tensor([2.0, 3.0, 4.0, 5.0], requires_grad=True)
        for _ in range(3):
            view, x.grad = make(), None
            view.retain_grad()
            (view * view).sum().backward()
            assert view.grad is not None and view.grad.tolist() == [4.0, 6.0]
            assert x.grad is not None and x.grad.tolist() == [4.0, 6.0, 0.0, 0.0]


def test_no_grad_nests_and_restores() -> None:
    x = leaf(1)
    with torch.no_grad():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        with torch.set_grad_enabled(True):
            assert torch.is_grad_enabled()
        assert not torch.is_grad_enabled()
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        raise ZeroDivisionError
    assert torch.is_grad_enabled()
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad and does not have a grad_fn"):
        torch.ones(1).sum().backward()


def test_no_grad_decorates_functions_and_generators() -> None:
    x = leaf(1)

    @torch.no_grad()
    def f() -> bool:
        return (x * 2).requires_grad  # type: ignore[no-any-return]

    @torch.no_grad
    def numbers() -> Any:
        assert (yield (x * 2).requires_grad) == "sent"
        yield torch.is_grad_enabled()

    assert f() is False and torch.is_grad_enabled()
    steps = numbers()
    assert next(steps) is False and torch.is_grad_enabled()
    assert steps.send("sent") is False and torch.is_grad_enabled()


def test_what_no_grad_computed_is_a_constant() -> None:
    x = leaf(3)
    with torch.no_grad():
        c = x * x
    (x * c).sum().backward()
    assert grad_of(x) == [9]


COPIES = {
    "clone": lambda x: x.clone(),
    "cat": lambda x: torch.cat([x]),
    "pad": lambda x: torch.nn.functional.pad(x, (0, 0)),
    "roll": lambda x: torch.roll(x, 0),
    "flip": lambda x: x.flip([]),
    "pow": lambda x: x**1,
}
"""Operations whose result is the node of the operand, and another tensor."""


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", COPIES)
def test_copies_without_grad_are_constants(name: str, compiled: bool) -> None:
    x = leaf(2, 3)

    def gradient() -> torch.Tensor:
        with torch.no_grad():
            copy = COPIES[name](x)
        return torch.autograd.grad((x * copy).sum(), x)[0]

    def loss(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            copy = COPIES[name](x)
        return (x * copy).sum()

    assert (torch.compile(gradient) if compiled else gradient)().tolist() == [2, 3]
    of_function = torch.func.grad(loss)
    assert (torch.compile(of_function) if compiled else of_function)(torch.tensor([2.0, 3.0])).tolist() == [2, 3]


# -- 9, 10, 11: detach and in-place writes ------------------------------------------------------------------------


def test_detached_values_are_constants() -> None:
    x = leaf(3)
    (x * x.detach()).sum().backward()
    assert grad_of(x) == [3]
    d = x.detach().requires_grad_()
    (d * d * x).sum().backward()
    assert grad_of(d) == [18] and grad_of(x) == [12]


def test_a_leaf_may_not_be_written_to_while_recording() -> None:
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        x.add_(1)
    with pytest.raises(
        RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place operation"
    ):
        x[0].add_(1)
    before = (x * x).sum()
    with torch.no_grad():
        x.add_(1)
        x[0] = 7
    before.backward()
    assert grad_of(x) == [2, 4] and x.tolist() == [7, 3] and x.is_leaf
    (x * x).sum().backward()
    assert grad_of(x) == [16, 10]


def test_gradients_flow_through_in_place_writes() -> None:
    x = leaf(1, 2)
    y = x * 2
    y.mul_(x).add_(1)
    y.sum().backward()
    assert grad_of(x) == [4, 8]


def test_a_value_overwritten_after_it_was_used_still_counts() -> None:
    x = leaf(1, 2)
    y = x * 2
    s = (y * y).sum()
    y.add_(100)
    s.backward()
    assert grad_of(x) == [8, 16]


def test_gradients_flow_through_writes_to_views() -> None:
    x, base = leaf(2, 3), torch.zeros(3)
    base[1] = x[0] * 5
    base[2:].add_(x[1])
    assert base.requires_grad and repr(base).endswith("grad_fn=<CopySlices>)")
    (base * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert grad_of(x) == [50, 100]


def test_a_view_sees_the_history_of_its_base() -> None:
    x = leaf(1, 2)
    y = x * 2
    v = y[0]
    y.mul_(3)
    v.sum().backward()
    assert grad_of(x) == [6, 0]
    z = x * 2
    w = z[0]
    w.mul_(3)
    assert repr(w.grad_fn).startswith("<AsStridedBackward0") and repr(z.grad_fn).startswith("<CopySlices")
    x.grad = None
    z.sum().backward()
    assert grad_of(x) == [6, 2]


def test_data_written_under_a_result_leaves_its_history() -> None:
    x = leaf(1, 1)
    y = x * 2
    y.data.fill_(9)
    (y * y).sum().backward()
    assert grad_of(x) == [36, 36]


# -- 12, 13: hooks, numpy -------------------------------------------------------------------------------------------


def test_hooks_see_and_replace_gradients_in_order() -> None:
    x = leaf(1, 2)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    second = y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.retain_grad()
    (y * 3).sum().backward(retain_graph=True)
    assert seen == [[3, 3], [30, 30]] and grad_of(x) == [60, 60] and grad_of(y) == [30, 30]
    second.remove()
    second.remove()
    x.grad = None
    (y * 3).sum().backward()
    assert grad_of(x) == [6, 6]


def test_hooks_on_leaves_run_before_and_after_accumulation() -> None:
    x = leaf(1)
    order = []
    x.register_hook(lambda g: order.append(("hook", x.grad is None)) or g * 2)
    x.register_post_accumulate_grad_hook(lambda t: order.append(("after", t.grad.tolist())))
    (x * 3).sum().backward()
    assert order == [("hook", True), ("after", [6])]
    assert torch.autograd.grad((x * 3).sum(), x)[0].tolist() == [6]


@pytest.mark.parametrize(
    ("hook", "kind", "message"),
    [
        (lambda g: torch.ones(3), RuntimeError, "hook '<lambda>' has changed the size of value"),
        (lambda g: "a", TypeError, "expected Variable, but hook returned 'str'"),
        (
            lambda g: g.double(),
            RuntimeError,
            r"hook '<lambda>' has changed the type of value \(was torch.FloatTensor got torch.DoubleTensor\)",
        ),
    ],
)
def test_hooks_that_return_something_else(hook: Any, kind: type[Exception], message: str) -> None:
    x = leaf(1, 2)
    y = x * 2
    y.register_hook(hook)
    with pytest.raises(kind, match=message):
        (y * y).sum().backward()


def test_hooks_need_a_gradient() -> None:
    with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
        torch.ones(1).register_hook(print)
    with pytest.raises(RuntimeError, match="post accumulate grad hooks cannot be registered on non-leaf tensors"):
        (leaf(1) * 2).register_post_accumulate_grad_hook(print)


def test_a_hook_after_an_in_place_write_sees_the_new_value() -> None:
    x = leaf(1, 2)
    y = x * 2
    y.mul_(5)
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 3).sum().backward()
    assert seen == [[3, 3]] and grad_of(x) == [30, 30]


def test_a_hook_put_on_after_the_use() -> None:
    x = leaf(1, 2)
    y = x * x
    z = y * 3
    out = (z * z).sum() + y.sum()
    y.register_hook(lambda g: g * 10)
    z.register_hook(lambda g: g + 1)
    z.retain_grad()
    out.backward()
    # dz = 2z + 1 = 7, 25; dy = (3 dz + 1) 10 = 220, 760; dx = 2x dy
    assert grad_of(z) == [7, 25] and grad_of(x) == [440, 3040]


class Scaled(Function):
    """x · k, with a gradient that is twice the true one, so that it cannot be mistaken for it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, k: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.k = k
        return x * k

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return g * x * ctx.k * 2, None


def test_custom_functions() -> None:
    x = leaf(1, 3)
    y = Scaled.apply(x, 5.0)
    assert y.tolist() == [5, 15] and repr(y.grad_fn).startswith("<ScaledBackward object")
    (y * 1).sum().backward()
    assert grad_of(x) == [10, 30]
    (g,) = torch.autograd.grad(Scaled.apply(x, 5.0).sum(), x, create_graph=True)
    assert torch.autograd.grad(g.sum(), x)[0].tolist() == [10, 10]
    with torch.no_grad():
        assert not Scaled.apply(x, 5.0).requires_grad


def test_custom_functions_with_setup_context_and_constants() -> None:
    class Split(Function):
        @staticmethod
        def forward(x: Tensor) -> Any:
            return x.exp(), x > 1, x * 0

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(output[0])
            ctx.mark_non_differentiable(output[1])
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx: Any, g: Any, mask: Any, unused: Any) -> Any:
            assert mask is None and unused is None
            return g * ctx.saved_tensors[0]

    x = leaf(0, 0)
    e, mask, _ = Split.apply(x)
    assert mask.tolist() == [False, False] and not mask.requires_grad
    (g,) = torch.autograd.grad(e.sum(), x, create_graph=True)
    assert g.tolist() == [1, 1] and torch.autograd.grad(g.sum(), x)[0].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda g: (g, None, g), "returned an incorrect number of gradients \\(expected 1, got 3\\)"),
        (lambda g: g.sum(), r"returned an invalid gradient at index 0 - got \[\] but expected shape compatible with \[2\]"),
    ],
)
def test_custom_functions_that_return_something_else(returned: Any, message: str) -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Any:
            return returned(g)

    with pytest.raises(RuntimeError, match=message):
        Wrong.apply(leaf(1, 2)).sum().backward()


def test_custom_functions_in_place_and_once_differentiable() -> None:
    class Doubled(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, g: Tensor) -> Tensor:
            return g * 2

    x = leaf(1, 2)
    y = x * x
    z = Doubled.apply(y)
    assert z is y and y.tolist() == [2, 8]
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [4, 8]
    with pytest.raises(
        RuntimeError, match="trying to differentiate twice a function that was marked with @once_differentiable"
    ):
        torch.autograd.grad(g.sum(), x)


def test_numpy_of_what_requires_a_gradient() -> None:
    with pytest.raises(RuntimeError, match="Can't call numpy\\(\\) on Tensor that requires grad"):
        leaf(1).numpy()
    assert leaf(1).detach().numpy().tolist() == [1]


# -- 14 to 18 ----------------------------------------------------------------------------------------------------------


def test_a_deep_chain() -> None:
    x = leaf(1)
    y = x
    for _ in range(20_000):
        y = y + x
    y.backward()
    assert grad_of(x) == [20_001]


def test_the_same_root_twice() -> None:
    x = leaf(1, 2)
    s = (x * x).sum()
    torch.autograd.backward([s, s])
    assert grad_of(x) == [4, 8]
    assert torch.autograd.grad([x.sum(), x.sum()], x)[0].tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="got 2 tensors and 1 gradients"):
        torch.autograd.backward([x.sum(), x.sum()], [None])


def test_gradients_of_gradients() -> None:
    x = leaf(1, 2)
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad((g * torch.tensor([1.0, 10.0])).sum(), x, create_graph=True)
    (third,) = torch.autograd.grad(h.sum(), x)
    assert g.tolist() == [3, 12] and h.tolist() == [6, 120] and third.tolist() == [6, 60]
    assert not torch.autograd.grad((x * 2).sum(), x, create_graph=True)[0].requires_grad


def test_unused_values_have_no_gradient_and_unused_parts_zeros() -> None:
    x, w = leaf(1, 2, 3), leaf(1)
    unused = w * 2
    x[1:].sum().backward()
    assert unused.requires_grad and w.grad is None and grad_of(x) == [0, 1, 1]


def test_repeated_indices_add_up() -> None:
    x = leaf(1, 2, 3)
    x[torch.tensor([0, 2, 0])].sum().backward()
    assert grad_of(x) == [2, 0, 1]


# -- 20, 24, 25 ----------------------------------------------------------------------------------------------------------


def test_tensors_without_elements() -> None:
    x, w = torch.ones(0, 2, requires_grad=True), torch.ones(2, requires_grad=True)
    (x * w).sum().backward()
    assert x.grad.shape == (0, 2) and grad_of(w) == [0, 0]


def test_grad_mode_is_a_threads_own() -> None:
    seen: list[bool] = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_concurrent_backwards() -> None:
    xs = [leaf(i, i + 1) for i in range(6)]

    def work(x: Tensor) -> None:
        for _ in range(10):
            (x * x).sum().backward()

    threads = [threading.Thread(target=work, args=(x,)) for x in xs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [grad_of(x) for x in xs] == [[20.0 * i, 20.0 * (i + 1)] for i in range(6)]


def test_anomaly_mode_names_the_operation() -> None:
    x = leaf(0, 4)
    with torch.autograd.detect_anomaly():
        y = (x * 0).sqrt() * 0
        with pytest.raises(RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output") as caught:
            y.sum().backward()
    assert "test_backward.py" in str(caught.value)
    (leaf(0) * 0).sqrt().sum().backward()


def test_inference_mode_leaves_no_history() -> None:
    x = leaf(1)
    with torch.inference_mode():
        y = x * 2
        assert is_inference_mode_enabled()
    assert not y.requires_grad and not is_inference_mode_enabled()


# -- histories -------------------------------------------------------------------------------------------------------------


def test_grad_fn_leads_to_the_leaves() -> None:
    x = leaf(1)
    y = x * x + x
    assert y.grad_fn.name() == "AddBackward0" and repr(y.grad_fn).startswith("<AddBackward0 object at 0x")
    product, accumulate = (fn for fn, _ in y.grad_fn.next_functions)
    assert product.name() == "MulBackward0" and accumulate.variable is x
    assert x.grad_fn is None and x.is_leaf and not y.is_leaf


def test_assigned_gradients_are_checked() -> None:
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match=r"attempting to assign a gradient of size '\[3\]' to a tensor of size '\[2\]'"):
        x.grad = torch.ones(3)
    with pytest.raises(TypeError, match="assigned grad expected to be a Tensor or None but got grad of type int"):
        x.grad = 1  # type: ignore[assignment]
    x.grad = torch.ones(2)
    (x * 2).sum().backward()
    assert grad_of(x) == [3, 3]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("way", ["vjp", "grad", "jacrev", "autograd"])
def test_a_backward_takes_gradients_through_what_closes_over_its_saved_output(compiled: bool, way: str) -> None:
    class Exp(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            y = torch.exp(x)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Any:
            (y,) = ctx.saved_tensors
            if way == "vjp":
                found = torch.func.vjp(lambda t: t * y, y)[1](g)
                return found[0] if isinstance(found, tuple) else found
            if way == "grad":
                return torch.func.grad(lambda t: (t * y * g).sum())(y)
            if way == "jacrev":
                return torch.func.jacrev(lambda t: (t * y).sum())(y) * g
            with torch.enable_grad():
                t = y.detach().requires_grad_()
                return torch.autograd.grad((t * y).sum(), t)[0] * g

    def f(x: Tensor) -> Tensor:
        return torch.autograd.grad(Exp.apply(x * 2).sum(), x)[0]

    x = torch.tensor([0.0, 0.5], requires_grad=True)
    found = (torch.compile(f) if compiled else f)(x)
    assert torch.allclose(found, 2 * torch.exp(2 * x.detach()), rtol=1e-6)
    if way == "autograd":
        return
    second = torch.autograd.grad(torch.autograd.grad(Exp.apply(x).sum(), x, create_graph=True)[0].sum(), x)[0]
    assert torch.allclose(second, torch.exp(x.detach()), rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_without_create_graph_are_constants(compiled: bool) -> None:
    """A history that is kept for another pass is none of the gradients' own."""

    def through_grad(x):
        (slope,) = torch.autograd.grad((x**3).sum(), x, retain_graph=True)
        return torch.autograd.grad((slope * x).sum(), x)[0]

    def through_backward(x):
        (x**3).sum().backward(retain_graph=True)
        return torch.autograd.grad((x.grad * x).sum(), x)[0]

    def returned(x):
        (slope,) = torch.autograd.grad((x**3).sum(), x, retain_graph=True)
        return (slope * x).sum()

    run = torch.compile if compiled else lambda f: f
    for f in (through_grad, through_backward):
        assert run(f)(torch.tensor([1.0, 2.0], requires_grad=True)).tolist() == [3, 12]
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    run(returned)(x).backward()
    assert x.grad.tolist() == [3, 12]


WRITES: dict[str, tuple[Callable[[Any, Any], Any], list[float] | None]] = {
    "mul_": (lambda y, v: y.mul_(3), [12.0, 24.0]),
    "mul_ of a view": (lambda y, v: v.mul_(3), [12.0, 8.0]),
    "copy_": (lambda y, v: y.copy_(torch.tensor([3.0, 4.0])), [6.0, 8.0]),
    "fill_": (lambda y, v: y.fill_(2.0), [4.0, 4.0]),
    "item": (lambda y, v: y.__setitem__(0, 5.0), [10.0, 8.0]),
    "no_grad": (lambda y, v: torch.no_grad()(y.mul_)(3), [12.0, 24.0]),
    "none": (lambda y, v: None, [4.0, 8.0]),
}
"""Writes to y and its view v, and PyTorch's gradient with respect to y afterwards."""


@pytest.mark.parametrize("run", [lambda f: f, torch.compile])
@pytest.mark.parametrize("name", WRITES)
def test_a_retained_gradient_is_that_of_the_value_at_the_backward(name: str, run: Callable[..., Any]) -> None:
    write, expected = WRITES[name]

    def step(x: Any) -> Any:
        y = x * 2
        v = y[:1]
        y.retain_grad()
        write(y, v)
        (y * y).sum().backward()
        return y.grad * 1

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert run(step)(x).tolist() == expected


@pytest.mark.parametrize("way", ["event", "closed", "nodes"])
def test_leaves_that_were_frozen_since_get_no_gradient(way: str) -> None:
    for _ in range(3):
        frozen, free = (torch.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
        loss = (frozen.sin() * free).sum()
        if way == "closed":
            loss.item()
        if way == "nodes":
            free.register_hook(lambda g: g)
        frozen.requires_grad_(False)
        loss.backward()
        assert frozen.grad is None
        assert free.grad is not None
        np.testing.assert_allclose(free.grad.numpy(), np.sin([1.0, 2.0]), rtol=1e-6)


class Passed(Function):
    """The identity as Python code: what comes after it is computed node by node."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 1

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g


EXTREMA: dict[str, Callable[[Any, Any], Any]] = {
    "amax": lambda x, b: (x.exp() * b).amax(1),
    "amin of amax": lambda x, b: (x.exp() * b).reshape(20, 3, 11).amax(2).amin(1),
    "clamp": lambda x, b: (x.exp() * b).clamp(-1, 1).amax(1),
}


@pytest.mark.parametrize("name", EXTREMA)
@pytest.mark.parametrize("kind", ["nodes", "compiled"])
def test_a_known_extremum_is_compared_with_operands_of_the_same_code(kind: str, name: str) -> None:
    def body(x: Any, b: Any) -> Any:
        return EXTREMA[name](Passed.apply(x) if kind == "nodes" else x, b)

    f = torch.compile(body, check_nan=True) if kind == "compiled" else body
    torch.manual_seed(0)
    for _ in range(20):
        x = torch.randn(20, 33).requires_grad_()
        y = f(x, torch.rand(20, 33) * 0.01)
        y.tolist()  # computed here, by other code than the backward
        y.sum().backward()
        assert (x.grad != 0).sum(1).tolist() == [1] * 20
