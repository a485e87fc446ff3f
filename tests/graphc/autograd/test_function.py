"""Custom functions with rules of their own for forward mode and for batches, as torch has them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

import graphc as torch
from graphc import func

x = torch.tensor(np.linspace(0.2, 1.4, 4))
v = torch.tensor(np.linspace(-1.0, 2.0, 4))


class Cube(torch.autograd.Function):
    """x³ and 3x², with every rule; `calls` says which ran."""

    calls: ClassVar[list[str]] = []

    @staticmethod
    def forward(x: Any) -> Any:
        return x**3, 3 * x**2

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        (x,) = inputs
        ctx.save_for_backward(x, output[1])
        ctx.save_for_forward(x, output[1])

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        Cube.calls.append("backward")
        x, slope = ctx.saved_tensors
        return g * slope + h * 6 * x

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        Cube.calls.append("jvp")
        x, slope = ctx.saved_tensors
        return t * slope, t * 6 * x


def cube(x: Any) -> Any:
    value, slope = Cube.apply(x)
    return value + torch.sin(slope)


def plain(x: Any) -> Any:
    return x**3 + torch.sin(3 * x**2)


@pytest.fixture(autouse=True)
def no_calls() -> None:
    Cube.calls.clear()


@pytest.mark.parametrize("wrap", [lambda f: f, torch.compile])
def test_forward_mode_takes_the_rule(wrap: Any) -> None:
    value, tangent = wrap(lambda x, v: func.jvp(cube, (x,), (v,)))(x, v)
    wanted = func.jvp(plain, (x,), (v,))
    np.testing.assert_allclose(value.numpy(), wanted[0].numpy())
    np.testing.assert_allclose(tangent.numpy(), wanted[1].numpy())
    assert Cube.calls == ["jvp"]
    np.testing.assert_allclose(wrap(func.jacfwd(cube))(x).numpy(), func.jacfwd(plain)(x).numpy(), rtol=1e-12)


@pytest.mark.parametrize("wrap", [lambda f: f, torch.compile])
def test_both_modes_in_one_another(wrap: Any) -> None:
    scalar, wanted = (lambda x: cube(x).sum()), func.hessian(lambda x: plain(x).sum())(x).numpy()
    for second in (
        func.jacfwd(func.jacrev(scalar)), func.jacrev(func.jacfwd(scalar)), func.jacfwd(func.jacfwd(scalar)),
        func.jacrev(func.jacrev(scalar)),
    ):  # fmt: skip
        np.testing.assert_allclose(wrap(second)(x).numpy(), wanted, rtol=1e-10, atol=1e-12)
    product = wrap(lambda x, v: func.jvp(func.grad(scalar), (x,), (v,))[1])(x, v)
    np.testing.assert_allclose(product.numpy(), wanted @ v.numpy(), rtol=1e-10)


def test_linearize_and_sparse_patterns_take_the_rule() -> None:
    _, push = func.linearize(cube, x)
    np.testing.assert_allclose(push(v).numpy(), func.jvp(plain, (x,), (v,))[1].numpy())
    assert Cube.calls == ["jvp"]
    np.testing.assert_allclose(func.sparse_jacobian(cube)(x).toarray(), func.jacfwd(plain)(x).numpy(), rtol=1e-12)


def test_without_a_rule_backward_is_transposed() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    np.testing.assert_allclose(func.jvp(Doubled.apply, (x,), (v,))[1].numpy(), 2 * v.numpy())
    with pytest.raises(NotImplementedError, match="You must implement the jvp function"):
        torch.autograd.Function.jvp(None, x)


class Scaled(torch.autograd.Function):
    """x times a number, and what does not depend on it in a differentiable way."""

    materialize = True
    seen: ClassVar[list[Any]] = []

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, number: float) -> Any:
        ctx.set_materialize_grads(Scaled.materialize)
        ctx.number = number
        rounded = torch.floor(x)
        ctx.mark_non_differentiable(rounded)
        return rounded, x * number + y

    @staticmethod
    def backward(ctx: Any, _: Any, g: Any) -> Any:
        return g * ctx.number, g, None

    @staticmethod
    def jvp(ctx: Any, t: Any, u: Any, number: Any) -> Any:
        Scaled.seen.append((t, u, number))
        moved = t * ctx.number
        return None, moved if u is None else moved + u


@pytest.mark.parametrize("materialize", [True, False])
def test_arguments_without_tangents(materialize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scaled, "materialize", materialize)
    Scaled.seen.clear()
    (rounded, _), (none, tangent) = func.jvp(lambda x: Scaled.apply(x, torch.ones(4, dtype=x.dtype), 3.0), (x,), (v,))
    np.testing.assert_allclose(tangent.numpy(), 3 * v.numpy())
    assert not none.numpy().any() and np.array_equal(rounded.numpy(), np.floor(x.numpy()))
    ((_, u, number),) = Scaled.seen
    assert number is None
    assert (u is not None and not u.numpy().any()) if materialize else u is None


def test_wrong_results_of_jvp() -> None:
    class Bad(torch.autograd.Function):
        result: Any = None

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2, x * 3

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            return Bad.result(t)

    Bad.result = lambda t: t
    with pytest.raises(RuntimeError, match=r"Bad's jvp returned .* forward gradients \(expected 2 but got 1\)"):
        func.jvp(Bad.apply, (x,), (v,))
    Bad.result = lambda t: (t.sum(), t)
    with pytest.raises(RuntimeError, match=r"Tensor is of size \[4\] while the given forward gradient is of size \[\]"):
        func.jvp(Bad.apply, (x,), (v,))


# -- batches --------------------------------------------------------------------------------------------------


class Weighted(torch.autograd.Function):
    """x · w summed over the last axis, with a rule for batches that is told where they are."""

    told: ClassVar[list[Any]] = []

    @staticmethod
    def forward(x: Any, w: Any, power: int) -> Any:
        return (x * w).sum(-1) ** power

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, w, ctx.power = inputs
        ctx.save_for_backward(x, w)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        slope = g * ctx.power * (x * w).sum(-1) ** (ctx.power - 1)
        return slope * w, slope * x, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Any, w: Any, power: int) -> Any:
        Weighted.told.append((info.batch_size, info.randomness, in_dims))
        x = x if in_dims[0] is None else x.movedim(in_dims[0], 0)
        w = w if in_dims[1] is None else w.movedim(in_dims[1], 0)
        return ((x * w).sum(-1) ** power), 0


class Generated(Weighted):
    vmap = torch.autograd.Function.vmap
    generate_vmap_rule = True


xs = torch.tensor(np.linspace(-1, 1, 12).reshape(3, 4))
ws = torch.tensor(np.linspace(0.5, 2, 12).reshape(4, 3))


def weighted(x: Any, w: Any) -> Any:
    return (x * w).sum(-1) ** 3


@pytest.mark.parametrize("wrap", [lambda f: f, torch.compile])
@pytest.mark.parametrize("kind", [Weighted, Generated])
def test_batches_take_the_rule(kind: Any, wrap: Any) -> None:
    Weighted.told.clear()

    def f(x: Any, w: Any) -> Any:
        return kind.apply(x * 2, w, 3) + 1

    found = wrap(func.vmap(f, in_dims=(0, 1)))(xs, ws)
    wanted = func.vmap(lambda x, w: weighted(x * 2, w) + 1, in_dims=(0, 1))(xs, ws)
    np.testing.assert_allclose(found.numpy(), wanted.numpy())
    assert Weighted.told == ([] if kind is Generated else [(3, "error", (0, 0, None))])
    np.testing.assert_allclose(wrap(func.vmap(f, in_dims=(0, None)))(xs, x).numpy(), (weighted(xs * 2, x) + 1).numpy())


@pytest.mark.parametrize("wrap", [lambda f: f, torch.compile])
@pytest.mark.parametrize("kind", [Weighted, Generated])
def test_gradients_inside_of_batches(kind: Any, wrap: Any) -> None:
    found = wrap(func.vmap(func.grad(lambda x, w: torch.sin(kind.apply(x, w, 3)), argnums=(0, 1)), in_dims=(0, 1)))(xs, ws)
    wanted = func.vmap(func.grad(lambda x, w: torch.sin(weighted(x, w)), argnums=(0, 1)), in_dims=(0, 1))(xs, ws)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


@pytest.mark.parametrize("wrap", [lambda f: f, torch.compile])
@pytest.mark.parametrize("kind", [Weighted, Generated])
def test_gradients_around_batches(kind: Any, wrap: Any) -> None:
    """A rule is made of ordinary operations, through which gradients go; a generated one has backward for each element."""

    def loss(x: Any, w: Any, y: Any, custom: bool) -> Any:
        f = (lambda x, w: kind.apply(x, w, 3)) if custom else weighted
        return torch.sin(func.vmap(f, in_dims=(0, 1))(x, w)).sum() + func.vmap(f, in_dims=(0, None))(x, y).sum()

    found = wrap(lambda x, w, y: func.grad(loss, argnums=(0, 1, 2))(x, w, y, True))(xs, ws, x)
    for a, b in zip(found, func.grad(loss, argnums=(0, 1, 2))(xs, ws, x, False), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


@pytest.mark.parametrize("wrap", [lambda f: f, torch.compile])
def test_generated_rules_have_second_derivatives(wrap: Any) -> None:
    def loss(f: Any) -> Any:
        return lambda x: func.vmap(f)(x).sum()

    custom, direct = loss(lambda x: Generated.apply(x, x * 2, 3)), loss(lambda x: weighted(x, x * 2))
    found = wrap(func.grad(lambda x: (func.grad(custom)(x) ** 2).sum()))(xs)
    np.testing.assert_allclose(found, func.grad(lambda x: (func.grad(direct)(x) ** 2).sum())(xs).numpy(), rtol=1e-12)
    np.testing.assert_allclose(wrap(func.hessian(custom))(xs), func.hessian(direct)(xs).numpy(), rtol=1e-12)


def test_gradients_out_of_compiled_functions() -> None:
    """What was Python code in a gradient is in the graph when the function is compiled."""

    def f(x: Any) -> Any:
        y = cube(x)
        y.register_hook(lambda g: g * 2)
        return y.sin(), y * 3

    for create in (False, True):
        leaves = [x.clone().requires_grad_() for _ in range(2)]
        grads = []
        for leaf, call in zip(leaves, (f, torch.compile(f)), strict=True):
            a, b = call(leaf)
            (g,) = torch.autograd.grad((a + b * b).sum(), leaf, create_graph=create)
            grads.append(g)
            if create:
                grads.append(torch.autograd.grad(g.sin().sum(), leaf)[0])
        half = len(grads) // 2
        for one, other in zip(grads[:half], grads[half:], strict=True):
            np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-9)


def test_batches_of_batches() -> None:
    cubes = torch.tensor(np.linspace(-1, 1, 24).reshape(2, 3, 4))
    found = func.vmap(func.vmap(lambda x: Weighted.apply(x, torch.ones(4, dtype=x.dtype), 2)))(cubes)
    np.testing.assert_allclose(found.numpy(), cubes.numpy().sum(-1) ** 2)


def test_batches_that_no_rule_says_how_to_compute() -> None:
    class None_(Weighted):
        vmap = torch.autograd.Function.vmap

    class Both(Weighted):
        generate_vmap_rule = True

    class Old(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x

    class Wrong(Weighted):
        @staticmethod
        def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
            return args[0]

    for kind, text in (
        (None_, r"You tried to vmap over None_, but it does not have vmap support"),
        (Both, r"it has both generate_vmap_rule=True and an overriden vmap"),
        (Wrong, r"Expected the vmap staticmethod to have two returns"),
    ):
        with pytest.raises(RuntimeError, match=text):
            func.vmap(lambda x, kind=kind: kind.apply(x, x, 2))(xs)
    with pytest.raises(RuntimeError, match="must override the setup_context staticmethod"):
        func.vmap(Old.apply)(xs)
