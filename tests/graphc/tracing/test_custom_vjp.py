"""Custom functions and hooks in the bodies of loops and branches: whose rules are taken, and what they see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.autograd import Function, once_differentiable
from graphc.ir.core.graph import Graph, parameter
from graphc.ir.core.types import F64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.sparse.dependence import dependence
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.ir.text.verifier import verify
from graphc.ir.transforms.jvp import tangents
from graphc.ir.transforms.vjp import gradients
from graphc.tensors.tensor import Tensor
from graphc.utils.checkpoint import checkpoint

X = torch.tensor(np.linspace(-0.9, 1.3, 4))


@pytest.fixture(params=["evaluated", "compiled"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return (lambda f: f) if request.param == "evaluated" else torch.compile


def repeated(f: Callable[[Tensor], Tensor], iterations: int = 3) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.fori_loop(0, iterations, lambda i, v: f(v), x)


def unrolled(f: Callable[[Tensor], Tensor], iterations: int = 3) -> Callable[[Tensor], Tensor]:
    def g(x: Tensor) -> Tensor:
        for _ in range(iterations):
            x = f(x)
        return x

    return g


class Reversed(Function):
    """The gradient backwards; itself the rule of its own backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 1

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return Reversed.apply(-g)


class Slow(Function):
    """A jvp of its own that backward does not agree with."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_forward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return 2 * g

    @staticmethod
    def jvp(ctx: Any, t: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return t * x.cos() * 0.5


def test_gradients_are_reversed_in_each_turn(run: Any) -> None:
    f = repeated(lambda v: Reversed.apply(v) * 2)
    assert run(func.grad(lambda x: f(x).sum()))(X).tolist() == [-8.0] * 4
    squares = unrolled(lambda v: Reversed.apply(v) ** 2)
    for g in (func.grad, lambda f: func.jacfwd(func.jacrev(f)), lambda f: func.jacrev(func.jacrev(f))):
        found = run(g(lambda x: repeated(lambda v: Reversed.apply(v) ** 2)(x).sum()))(X)
        np.testing.assert_allclose(found, g(lambda x: squares(x).sum())(X).numpy(), rtol=1e-12)


def test_each_mode_has_its_rule(run: Any) -> None:
    tangent = run(lambda x: func.jvp(repeated(Slow.apply), (x,), (torch.ones_like(x),))[1])(X)
    np.testing.assert_allclose(tangent, func.jvp(unrolled(Slow.apply), (X,), (torch.ones_like(X),))[1].numpy())
    assert run(func.grad(lambda x: repeated(Slow.apply)(x).sum()))(X).tolist() == [8.0] * 4


def test_what_backward_is_given() -> None:
    """Zeros for results that nothing depends on, or None where it wants to know; and no gradient where it gives none."""
    seen: list[Any] = []

    class Pair(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, y: Tensor) -> Any:
            ctx.set_materialize_grads(False)
            return x * y, x + y, y > 0, "text"

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            seen[:] = [g is None for g in grads]
            return grads[0] * 3, None

    def f(x: Tensor) -> Tensor:
        def body(i: Tensor, v: Tensor) -> Tensor:
            product, _, _, text = Pair.apply(v, v * 2)
            assert text == "text"
            return product

        return torch.fori_loop(0, 2, body, x)

    assert func.grad(lambda x: f(x).sum())(X).tolist() == [9.0] * 4
    assert seen == [False, True, True, True]


def test_in_branches_whiles_and_checkpoints(run: Any) -> None:
    def kept(x: Tensor) -> Tensor:
        return checkpoint(lambda v: Slow.apply(v) + v, x)

    def branch(x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda v: Slow.apply(v), lambda v: Reversed.apply(v), (x,))

    def loop(x: Tensor) -> Tensor:
        return torch.while_loop(lambda v: (v * v).sum() < 9, lambda v: kept(Reversed.apply(v)) * 1.2, x)

    assert run(func.grad(lambda x: kept(x).sum()))(X).tolist() == [3.0] * 4
    assert run(func.grad(lambda x: branch(x).sum()))(X).tolist() == [2.0] * 4
    assert run(func.grad(lambda x: branch(x).sum()))(-X).tolist() == [-1.0] * 4
    iterations = int(torch.while_loop(lambda v, n: (v * v).sum() < 9, lambda v, n: ((v.sin() + v) * 1.2, n + 1), (X, 0))[1])
    np.testing.assert_allclose(run(func.grad(lambda x: loop(x).sum()))(X), [(-3.6) ** iterations] * 4)
    outer = torch.fori_loop(0, 2, lambda i, v: torch.fori_loop(0, 3, lambda i, v: Slow.apply(v), v), X.clone().requires_grad_())
    assert outer.requires_grad and torch.autograd.grad(outer.sum(), [], allow_unused=True) == ()


def test_parameters_get_their_gradients(run: Any) -> None:
    w = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)

    def step(x: Tensor) -> Tensor:
        torch.scan(lambda c, x: (Slow.apply(c * w), x), torch.ones(2, dtype=torch.float64), x)[0].sum().backward()
        found, w.grad = w.grad, None
        return found

    c, total = torch.ones(2, dtype=torch.float64), 0.0
    for k in range(3):
        total, c = 2 * (c + w.detach() * total), (c * w.detach()).sin()
        assert k < 3
    np.testing.assert_allclose(run(step)(torch.zeros(3, dtype=torch.float64)), total.numpy())


def test_rules_that_read_results_in_rules_of_theirs(run: Any) -> None:
    class Power(Function):
        @staticmethod
        def forward(ctx: Any, g: Tensor, y: Tensor) -> Tensor:
            ctx.save_for_backward(g, y)
            return g * y

        @staticmethod
        def backward(ctx: Any, h: Tensor) -> Any:
            g, y = ctx.saved_tensors
            return h * y, Power.apply(h, g) * 1.5

    class Growth(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            return Power.apply(g, *ctx.saved_tensors)

    f = lambda v: Growth.apply(v * 0.3) - 1  # noqa: E731
    for g in (func.grad, lambda f: func.jacrev(func.jacrev(f)), lambda f: func.jacfwd(func.grad(f))):
        wanted = g(lambda x: unrolled(f)(x).sum())(X)
        np.testing.assert_allclose(run(g(lambda x: repeated(f)(x).sum()))(X), wanted.numpy(), rtol=1e-10)


def test_hooks_that_are_not_linear(run: Any) -> None:
    def clipped(v: Tensor) -> Tensor:
        y = v * 3
        if y.requires_grad:
            y.register_hook(lambda g: g.clamp(-0.5, 0.25))
        return y.sin()

    wanted = func.grad(lambda x: unrolled(clipped)(x).sum())(X)
    np.testing.assert_allclose(run(func.grad(lambda x: repeated(clipped)(x).sum()))(X), wanted.numpy())


def test_hooks_under_checkpoints(run: Any) -> None:
    def f(v: Tensor) -> Tensor:
        v.register_hook(lambda g: g * 10)
        return v.exp()

    np.testing.assert_allclose(run(func.grad(lambda x: checkpoint(f, x).sum()))(X), 10 * np.exp(X.numpy()))


def test_a_hook_on_what_was_read_before() -> None:
    """Another hook stands between: whatever reads the tensor first comes first."""

    def f(x: Tensor, w: Tensor) -> Tensor:
        y = x * w
        z = y.sin() * 2
        y.register_hook(lambda g: g * 1.5)
        z.register_hook(lambda g: g * w)
        return (z + y).sum()

    w = X.cos()
    found = func.grad(f)(X, w)
    np.testing.assert_allclose(found, 1.5 * w * (1 + 2 * (X * w).cos() * w))


def test_what_is_refused() -> None:
    class Once(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, g: Tensor) -> Tensor:
            return g * 5

    class Looks(Slow):
        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            return g if g.sum() > 0 else -g

    class None_(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * 2

    once = lambda x: repeated(Once.apply)(x).sum()  # noqa: E731
    assert func.grad(once)(X).tolist() == [125.0] * 4
    with pytest.raises(RuntimeError, match="differentiate twice a function that was marked with @once_differentiable"):
        func.grad(lambda x: func.grad(once)(x).sum())(X)
    with pytest.raises(RuntimeError, match="OnceBackward has no forward derivative: its backward cannot be differentiated"):
        func.jvp(once, (X,), (X,))
    for kind, text in ((Looks, "expected a value that is known while"), (None_, "You must implement either the backward")):
        assert repeated(kind.apply)(X.clone().requires_grad_()).requires_grad
        with pytest.raises(RuntimeError, match=text):
            func.grad(lambda x, kind=kind: repeated(kind.apply)(x).sum())(X)
    assert func.jvp(repeated(Looks.apply), (X,), (X,))[1].shape == (4,)

    def derivative(order: int, loop: Any = repeated) -> Callable[[Tensor], Tensor]:
        if not order:
            return lambda x: loop(lambda v: Reversed.apply(v) ** 6, 1)(x).sum()
        return lambda x: func.grad(derivative(order - 1, loop))(x).sum()

    for order in range(5):
        np.testing.assert_allclose(derivative(order)(X), derivative(order, unrolled)(X).numpy())
    with pytest.raises(RuntimeError, match="expected no more than 4 derivatives of a custom function within a loop"):
        derivative(5)(X)


# -- batches --------------------------------------------------------------------------------------------------


class Ruled(Function):
    """x · w summed; the rule for batches gives 1000 more, so that one sees who was asked, and says which sizes it was told."""

    told: ClassVar[list[Any]] = []

    @staticmethod
    def forward(x: Tensor, w: Tensor, power: int) -> Any:
        return (x * w).sum() ** power, x * 2, "text"

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, w, ctx.power = inputs
        ctx.save_for_backward(x, w, output[0])
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, g: Tensor, *rest: Any) -> Any:
        _, w, y = ctx.saved_tensors
        return g * w * y, None, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor, w: Tensor, power: int) -> Any:
        Ruled.told.append((info.batch_size, info.randomness, in_dims, tuple(x.shape)))
        assert in_dims[2] is None and in_dims[0] == 0
        w = w if in_dims[1] == 0 else w.unsqueeze(0)
        return ((x * w).sum(1) ** power + 1000, (x * 2).T, "text"), (0, 1, None)


def ruled(w: Tensor) -> Callable[[Tensor], Tensor]:
    def body(c: Tensor, _: Any) -> Any:
        value, twice, _ = Ruled.apply(c, w, 2)
        return c * 0.5 + value.sin() * 0.1, (value, twice)

    def f(x: Tensor) -> Any:
        c, (values, twice) = torch.scan(body, x, None, length=2)
        return c.sum() + values[0], values, twice

    return f


XS, W3 = torch.tensor(np.linspace(-1, 1, 12).reshape(4, 3)), torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)


def by_hand(xs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the total, what is stacked, and the gradient of the total, for each element."""
    cs, values, twice, steps = xs, [], [], []
    for _ in range(2):
        values.append((cs * W3).sum(1) ** 2 + 1000)
        twice.append(cs * 2)
        steps.append(values[-1])
        cs = cs * 0.5 + values[-1].sin()[:, None] * 0.1
    g = torch.ones_like(xs)
    for k in (1, 0):
        to_value = (g.sum(1) * 0.1 * values[k].cos()) + (1 if k == 0 else 0)
        g = g * 0.5 + (to_value * values[k])[:, None] * W3
    return cs.sum(1) + values[0], torch.stack(values, 1), torch.stack(twice, 1), g


def test_batches_take_the_rule_in_loops(run: Any) -> None:
    Ruled.told.clear()
    found = run(func.vmap(ruled(W3)))(XS)
    for a, b in zip(found, by_hand(XS), strict=False):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-12)
    assert set(Ruled.told) == {(4, "error", (0, None, None), (4, 3))}
    one = ruled(W3)(XS[0])
    assert (one[1] < 900).all()


def test_gradients_and_batches_in_loops(run: Any) -> None:
    """Around and inside of a batch: by backward, at the values that the rule gives."""
    inside = run(func.vmap(func.grad(lambda x: ruled(W3)(x)[0])))(XS)
    around = run(func.grad(lambda xs: func.vmap(lambda x: ruled(W3)(x)[0])(xs).sum()))(XS)
    np.testing.assert_allclose(inside, by_hand(XS)[3], rtol=1e-10)
    np.testing.assert_allclose(around, by_hand(XS)[3], rtol=1e-10)


def test_rules_of_nested_batches_in_loops() -> None:
    def both(y: Tensor) -> Tensor:
        return func.vmap(lambda x: ruled(y)(x)[1])(XS)

    Ruled.told.clear()
    ys = torch.stack([W3, W3 * 2])
    found = func.vmap(both)(ys)
    for y, part in zip(ys, found, strict=True):
        c, wanted = XS, []
        for _ in range(2):
            wanted.append((c * y).sum(1) ** 2 + 1000)
            c = c * 0.5 + wanted[-1].sin()[:, None] * 0.1
        np.testing.assert_allclose(part, torch.stack(wanted, 1), rtol=1e-12)

    def outer_only(y: Tensor) -> Tensor:
        return func.vmap(lambda x: x + ruled(W3)(y)[1].sum())(torch.zeros(2, dtype=torch.float64))

    np.testing.assert_allclose(func.vmap(outer_only)(XS)[:, 0], by_hand(XS)[1].sum(1), rtol=1e-12)


def test_generated_rules_in_loops(run: Any) -> None:
    class Doubling(Slow):
        generate_vmap_rule = True

    f = lambda x: repeated(Doubling.apply)(x).sum()  # noqa: E731
    np.testing.assert_allclose(run(func.vmap(f))(XS), [f(x).item() for x in XS])
    np.testing.assert_allclose(run(func.vmap(func.grad(f)))(XS), np.full((4, 3), 8.0))
    np.testing.assert_allclose(run(func.grad(lambda xs: func.vmap(f)(xs).sum()))(XS), np.full((4, 3), 8.0))
    tangents = run(func.vmap(lambda x: func.jvp(repeated(Doubling.apply), (x,), (x.cos(),))[1]))(XS)
    np.testing.assert_allclose(tangents, func.jvp(unrolled(Slow.apply), (XS,), (XS.cos(),))[1].numpy())


# -- in the graph ---------------------------------------------------------------------------------------------


TEXT = """graph f(%x: f64[3], %w: f64[3]) -> (f64[3]) {
  %y: f64[3] = round %x
  %0: f64[3] = custom %y, %x, %w {PARAMS} (%g: f64[3], %v: f64[3], %w: f64[3]) {
    %0: f64[3] = mul %g, %w
    return %0
  } (%t: f64[3], %v: f64[3], %w: f64[3]) {
    %0: f64[3] = mul %t, %v
    return %0
  }
  return %0
}
""".replace("PARAMS", 'values=1, inputs=1, wrt=[0], varying=[0], refusals=["",""], levels=[]')


def test_text_and_meaning() -> None:
    graph = parse(TEXT)
    verify(graph)
    assert to_text(graph) == TEXT
    arrays = [np.array([0.2, 1.7, -3.6]), np.array([1.0, 2.0, 3.0])]
    np.testing.assert_array_equal(evaluate(graph, arrays)[0], [0, 2, -4])


def test_derivatives_are_the_regions() -> None:
    graph = parse(TEXT)
    seed = parameter(TensorType(F64, (3,)))
    arrays = [np.array([0.2, 1.7, -3.6]), np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])]
    found = gradients(graph.results, [seed], graph.params)
    assert found[1] is None
    assert found[0] is not None
    np.testing.assert_array_equal(evaluate(Graph((*graph.params, seed), (found[0],)), arrays)[0], [10, 40, 90])
    (moved,) = tangents(graph.results, [graph.params[0]], [seed])
    assert moved is not None
    np.testing.assert_array_equal(evaluate(Graph((*graph.params, seed), (moved,)), arrays)[0], [0, 40, -120])
    (pattern,) = dependence(graph.results, graph.params[:1])
    np.testing.assert_array_equal(pattern.toarray(), np.eye(3, dtype=bool))
