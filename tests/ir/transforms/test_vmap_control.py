"""Loops and branches whose elements each decide for themselves: what is not wanted neither fails nor spoils a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.tensors.tensor import Tensor
from graphc.utils.checkpoint import checkpoint

X = torch.tensor([0.5, -2.0, 0.0, 3.0], dtype=torch.float64)


@pytest.fixture(params=["evaluated", "compiled"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return (lambda f: f) if request.param == "evaluated" else torch.compile


def test_each_element_takes_its_branch(run: Any) -> None:
    f = run(func.vmap(lambda x: torch.cond(x > 0, lambda x: x * 2, lambda x: x - 1, (x,))))
    assert f(X).tolist() == [1.0, -3.0, -1.0, 6.0]


def test_one_condition_stays_a_branch() -> None:
    f = torch.compile(lambda flag, x: func.vmap(lambda x: torch.cond(flag, lambda: x * 2, lambda: x.exp()))(x))
    assert "cond" in f.lower(torch.tensor(True), X).ir("captured")
    assert f(torch.tensor(True), X).tolist() == [1.0, -4.0, 0.0, 6.0]


def test_indices_that_are_not_wanted_are_not_looked_at(run: Any) -> None:
    table = torch.arange(3.0)
    f = run(func.vmap(lambda i: torch.cond(i < 3, lambda: table[i] * 2, lambda: table.sum())))
    assert f(torch.tensor([0, 7, 2])).tolist() == [0.0, 3.0, 4.0]
    with pytest.raises(IndexError):
        run(func.vmap(lambda i: torch.cond(i < 9, lambda: table[i] * 2, lambda: table.sum())))(torch.tensor([0, 7])).tolist()


def test_inner_loops_that_are_not_wanted_do_not_run(run: Any) -> None:
    """For the element 0 the inner loop would never end."""

    def grown(x: Tensor) -> Tensor:
        return torch.while_loop(lambda x: x < 10, lambda x: x * 2, x)

    f = run(func.vmap(lambda x: torch.cond(x > 0, grown, lambda x: x, (x,))))
    assert f(X).tolist() == [16.0, -2.0, 0.0, 12.0]


def test_gradients_of_what_is_not_wanted_are_no_nan(run: Any) -> None:
    """The square root has no derivative at 0, and is no number below."""
    w = torch.tensor(1.0, dtype=torch.float64)

    def f(x: Tensor, w: Tensor) -> Tensor:
        return torch.cond(x > 0, lambda: (x * w).sqrt(), lambda: x * w)

    found = run(func.grad(lambda x, w: func.vmap(f, (0, None))(x, w).sum(), argnums=(0, 1)))(X, w)
    positive = X.numpy() > 0
    root = np.sqrt(np.where(positive, X, 1))
    np.testing.assert_allclose(found[0], np.where(positive, 0.5 / root, 1))
    np.testing.assert_allclose(found[1], np.where(positive, root / 2, X).sum())
    each = run(func.vmap(func.grad(f), (0, None)))(X, w)
    np.testing.assert_allclose(each, found[0])


def test_a_loop_that_is_done_keeps_what_it_has(run: Any) -> None:
    """One iteration more would divide by zero: counting down ends at 0."""

    def f(n: Tensor, x: Tensor) -> Tensor:
        return torch.while_loop(lambda n, x: n > 0, lambda n, x: (n - 1, x * x / n), (n, x))[1]

    n, x = torch.tensor([0.0, 3.0, 1.0, 5.0], dtype=torch.float64), torch.tensor([2.0, 1.5, 2.5, 1.1], dtype=torch.float64)

    def plain(n: Tensor, x: Tensor) -> Tensor:
        for k in range(int(n), 0, -1):
            x = x * x / k
        return x

    rows = list(zip(n, x, strict=True))
    np.testing.assert_allclose(run(func.vmap(f))(n, x), [plain(*row) for row in rows])
    slopes = [func.grad(plain, argnums=1)(*row) for row in rows]
    np.testing.assert_allclose(run(func.vmap(func.grad(f, argnums=1)))(n, x), slopes)
    np.testing.assert_allclose(run(func.grad(lambda x: func.vmap(f)(n, x).sum()))(x), slopes)


def test_batches_of_batches(run: Any) -> None:
    def f(x: Tensor, limit: Tensor) -> Tensor:
        return torch.while_loop(lambda x: x < limit, lambda x: x * 1.5 + 0.1, x)

    x, limit = torch.linspace(0.1, 5, 4, dtype=torch.float64), torch.tensor([1.0, 4.0, 0.0], dtype=torch.float64)
    each = [[f(a, b) for b in limit] for a in x]
    slopes = [[func.grad(f)(a, b) for b in limit] for a in x]
    np.testing.assert_allclose(run(func.vmap(func.vmap(f, (None, 0)), (0, None)))(x, limit), each)
    np.testing.assert_allclose(run(func.vmap(func.vmap(func.grad(f), (None, 0)), (0, None)))(x, limit), slopes)


def test_jacobians_and_hessians_of_loops(run: Any) -> None:
    def step(c: Tensor, x: Tensor) -> Any:
        return (c * x).sin() + c.flip(0) / 2, c.sum()

    xs = torch.linspace(0.2, 1, 4, dtype=torch.float64)

    def loop(c: Tensor) -> Any:
        return torch.scan(step, c, xs)

    def plain(c: Tensor) -> Any:
        ys = []
        for x in xs:
            c, y = step(c, x)
            ys.append(y)
        return c, torch.stack(ys)

    c = torch.tensor([0.3, -0.2, 1.0], dtype=torch.float64)
    for transform in (func.jacrev, func.jacfwd):
        for found, expected in zip(run(transform(loop))(c), transform(plain)(c), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)
    found = run(func.hessian(lambda c: loop(c)[1].sum()))(c)
    np.testing.assert_allclose(found, func.hessian(lambda c: plain(c)[1].sum())(c), rtol=1e-10, atol=1e-13)


def test_linearized_loops() -> None:
    out, push = func.linearize(lambda x: torch.while_loop(lambda x: x < 10, lambda x: x * x, x), torch.tensor(1.5))
    assert push(torch.tensor(1.0)).item() == pytest.approx(8 * 1.5**7) and out.item() == pytest.approx(1.5**8)


def test_value_and_derivative_run_one_loop() -> None:
    f = torch.compile(lambda x: func.jvp(lambda x: torch.while_loop(lambda x: x < 10, lambda x: x * x, x), (x,), (x,)))
    assert f.lower(torch.tensor(1.5)).ir("optimized").count("= while") == 1


def test_random_numbers(run: Any) -> None:
    def f(x: Tensor) -> Tensor:
        return torch.scan(lambda c, _: (c + torch.rand(()), None), x, None, length=3)[0]

    torch.manual_seed(0)
    one = f(torch.tensor(0.0))
    torch.manual_seed(0)
    same = run(func.vmap(f, randomness="same"))(torch.zeros(2))
    assert same.tolist() == [one.item()] * 2
    with pytest.raises(RuntimeError, match="randomness error mode"):
        func.vmap(f)(torch.zeros(2))


def dropping(x: Tensor) -> Tensor:
    def f(c: Tensor, _: Any) -> Any:
        c = torch.nn.functional.dropout(torch.stack([c, c * 2, c.cos()]), 0.4).sum() + torch.rand((), dtype=c.dtype) * c
        return torch.fori_loop(0, 2, lambda i, c: c + torch.randn((), dtype=c.dtype).sin(), c), c

    c, ys = torch.scan(f, x, None, length=3)
    even = torch.cond(c > 0, lambda: torch.rand(2), lambda: -torch.rand(2))
    return c + ys.sin().sum() + even.sum()


@pytest.mark.parametrize("g", [lambda f: f, func.grad, func.jacfwd], ids=["value", "grad", "jacfwd"])
def test_different_numbers_in_loops_are_those_of_a_loop(g: Any, run: Any) -> None:
    """Where each run draws as many, whatever the data."""
    torch.manual_seed(1)
    expected, after = [g(dropping)(x).item() for x in X], torch.rand(1)
    torch.manual_seed(1)
    found = run(func.vmap(g(dropping), randomness="different"))(X)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert torch.equal(torch.rand(1), after) and len({*expected}) == 4


def walk(x: Tensor) -> Any:
    return torch.while_loop(lambda c, n: c < 4, lambda c, n: (c + torch.rand((), dtype=c.dtype), n + 1), (x, torch.tensor(0)))


def test_different_numbers_where_each_draws_as_many_as_it_wants(run: Any) -> None:
    """Each element has a stream of its own then, and the generator goes on behind all of them."""
    torch.manual_seed(1)
    many = run(func.vmap(walk, randomness="different"))
    found, iterations = many(torch.zeros(50, dtype=torch.float64))
    assert len({*found.tolist()}) == 50 and (found >= 4).all() and (found < 5).all() and len({*iterations.tolist()}) > 1
    seed, offset = torch.get_rng_state().tolist()
    assert seed == 1 and offset >= iterations.max().item()
    again, _ = many(torch.zeros(50, dtype=torch.float64))
    assert not {*again.tolist()} & {*found.tolist()}
    torch.manual_seed(1)
    assert torch.equal(many(torch.zeros(50, dtype=torch.float64))[0], found)


def test_different_numbers_of_nested_batches() -> None:
    zeros = torch.zeros(4, dtype=torch.float64)

    def row(_: Tensor) -> Tensor:
        return func.vmap(lambda x: walk(x)[0], randomness="different")(zeros)

    found = func.vmap(row, randomness="different")(zeros)
    assert len({*found.flatten().tolist()}) == 16
    parts = func.vmap(lambda x: walk(x)[0], randomness="different", chunk_size=3)(torch.zeros(7, dtype=torch.float64))
    assert len({*parts.tolist()}) == 7


def test_the_same_numbers_however_long_elements_draw(run: Any) -> None:
    torch.manual_seed(1)
    longest = walk(torch.tensor(-3.0, dtype=torch.float64))
    state = torch.get_rng_state()
    torch.manual_seed(1)
    found, iterations = run(func.vmap(walk, randomness="same"))(torch.tensor([0.0, -3.0], dtype=torch.float64))
    assert found[1] == longest[0] and iterations.tolist() == [iterations[0].item(), longest[1].item()]
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert found[0] == walk(torch.tensor(0.0, dtype=torch.float64))[0]


def test_checkpoints_around_loops(run: Any) -> None:
    def f(x: Tensor) -> Tensor:
        return torch.while_loop(lambda x: x < 10, lambda x: x * x + 0.5, x)

    xs = torch.tensor([0.5, 2.0, 20.0], dtype=torch.float64)
    slopes = [func.grad(f)(x) for x in xs]
    kept = lambda x: checkpoint(f, x)  # noqa: E731
    np.testing.assert_allclose(run(func.vmap(func.grad(kept)))(xs), slopes)
    np.testing.assert_allclose(run(func.vmap(lambda x: func.jvp(kept, (x,), (torch.ones_like(x),))[1]))(xs), slopes)
