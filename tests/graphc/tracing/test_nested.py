"""Where the history of a result leaves a nested run: gradients taken inside keep what was computed outside."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import func
from tests.fuzz.transforms import square

Square = square(graphc)


def each_gradient(v):
    """The gradient of (v·v) x for three x: v·v each time."""
    return graphc.vmap(func.grad(lambda x: (v @ v) * x))(graphc.ones(3, dtype=v.dtype))


def each_pullback(v):
    return graphc.vmap(lambda t: func.vjp(lambda x: (v @ v) * x, t)[1](graphc.ones_like(t))[0])(graphc.ones(3, dtype=v.dtype))


def each_autograd(v):
    x = graphc.vmap(lambda t: graphc.autograd.grad(((v * v).sum() * t), t, create_graph=True)[0])
    return x(graphc.ones(3, dtype=v.dtype, requires_grad=True))


def in_a_batch_of_batches(v):
    return graphc.vmap(lambda y: each_gradient(y * v) / (y * y))(graphc.ones(2, 1, dtype=v.dtype) * 2).mean(0)


OUTSIDE = {
    "a product": (lambda b: b * 3.0, lambda b: 18 * b),
    "the input": (lambda b: b, lambda b: 2 * b),
    "a custom function": (Square.apply, lambda b: 4 * b**3),
    "a product with a custom function": (lambda b: Square.apply(b) * 3.0, lambda b: 36 * b**3),
    "another batch": (lambda b: graphc.vmap(lambda y: y * 3.0)(b), lambda b: 18 * b),
    "another gradient": (func.grad(lambda b: (b**3).sum()), lambda b: 36 * b**3),
}
"""What is computed outside of the batch, v, and the gradient of v·v."""


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("inside", [each_gradient, each_pullback, in_a_batch_of_batches], ids=lambda f: f.__name__)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_inside_a_batch_depend_on_what_was_computed_outside(outside, inside, compiled):
    make, want = OUTSIDE[outside]

    def loss(b):
        return inside(make(b)).mean()

    b = graphc.tensor([1.5, -2.0], dtype=graphc.float64)
    run = graphc.compile(loss) if compiled else loss
    np.testing.assert_allclose(func.grad(run)(b), want(b.numpy()), rtol=1e-12)
    np.testing.assert_allclose(func.jvp(run, (b,), (graphc.ones_like(b),))[1], want(b.numpy()).sum(), rtol=1e-12)
    np.testing.assert_allclose(func.jacrev(run)(b), want(b.numpy()), rtol=1e-12)
    leaf = b.clone().requires_grad_()
    run(leaf).backward()
    np.testing.assert_allclose(leaf.grad, want(b.numpy()), rtol=1e-12)


def test_second_derivatives_through_gradients_inside_a_batch():
    b = graphc.tensor([1.5, -2.0], dtype=graphc.float64)
    hessian = func.hessian(lambda b: each_gradient(Square.apply(b) * 1.0).mean())(b)
    np.testing.assert_allclose(hessian, np.diag(12 * b.numpy() ** 2), rtol=1e-12)


def test_a_gradient_in_a_batch_within_a_batched_gradient():
    def loss(b):
        return each_gradient(b * 3.0).mean()

    rows = graphc.tensor([[1.5, -2.0], [0.5, 1.0]], dtype=graphc.float64)
    np.testing.assert_allclose(graphc.vmap(func.grad(loss))(rows), 18 * rows.numpy(), rtol=1e-12)


def test_gradients_by_autograd_inside_a_batch():
    b = graphc.tensor([1.5, -2.0], dtype=graphc.float64)
    np.testing.assert_allclose(func.grad(lambda b: each_autograd(b * 3.0).mean())(b), 18 * b.numpy(), rtol=1e-12)


def test_compiled_functions_inside_a_gradient_keep_what_a_batch_in_them_reads():
    def loss(x):
        square = graphc.compile(lambda z: graphc.vmap(func.grad(lambda t: t * t))(x * x) + 0 * z)
        return (square(x) ** 2).sum()

    x = graphc.tensor([0.75, -0.5], dtype=graphc.float64)
    np.testing.assert_allclose(func.grad(loss)(x), 16 * x.numpy() ** 3, rtol=1e-12)
    np.testing.assert_allclose(func.hessian(loss)(x), np.diag(48 * x.numpy() ** 2), rtol=1e-12)


def test_compiled_functions_keep_the_history_of_what_a_batch_in_them_reads():
    leaf = graphc.tensor([0.75, -0.5], dtype=graphc.float64, requires_grad=True)
    v = leaf * 1.0
    graphc.compile(lambda: graphc.vmap(func.grad(lambda t: t * t))(v * v).sum())().backward()
    np.testing.assert_allclose(leaf.grad, 4 * leaf.detach().numpy(), rtol=1e-12)


def test_gradients_in_a_compiled_function_pass_by_what_leads_out_of_it():
    def loss(x):
        inner = graphc.compile(lambda z: func.grad(lambda t: (t * t).sum())(x * x) + z)
        return (inner(x) ** 2).sum()

    x = graphc.tensor([0.75, -0.5], dtype=graphc.float64)
    a = x.numpy()
    np.testing.assert_allclose(func.grad(loss)(x), 2 * (2 * a * a + a) * (4 * a + 1), rtol=1e-12)
