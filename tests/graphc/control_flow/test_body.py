"""What one tries with loops on the first afternoon: containers, numbers, modules, derivatives of derivatives, and mistakes."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func, nn
from graphc.tensors.tensor import Tensor

F64 = torch.float64
Pair = namedtuple("Pair", "a b")


@pytest.fixture(params=["evaluated", "compiled"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return (lambda f: f) if request.param == "evaluated" else torch.compile


def close(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(np.asarray(found.detach()), np.asarray(wanted.detach()), rtol=1e-6, atol=1e-7)


# -- what is carried ------------------------------------------------------------------------------------------


def test_named_tuples_nones_and_dicts_in_any_order(run: Any) -> None:
    def f(carry: Any, x: Tensor) -> Any:
        (pair, nothing), table = carry["p"], carry["t"]
        assert nothing is None and isinstance(pair, Pair)
        return {"t": OrderedDict(y=table["y"] * 2, x=table["x"] + x), "p": (Pair(pair.a + x, pair.b), None)}, Pair(pair.a, None)

    def call(one: Tensor) -> Any:
        init = {"p": (Pair(one, 0.5), None), "t": OrderedDict(x=0, y=1)}
        last, ys = torch.scan(f, init, torch.arange(3.0))
        assert list(last) == ["p", "t"] and list(last["t"]) == ["x", "y"] and ys.b is None
        return last["p"][0].a, last["p"][0].b, last["t"]["x"], last["t"]["y"], ys.a

    a, b, x, y, ys = run(call)(torch.tensor(1.0))
    assert (a.item(), b.item(), x.item(), y.item(), ys.tolist()) == (4.0, 0.5, 3.0, 8, [1.0, 1.0, 2.0])


def test_branches_may_return_dicts_in_any_order() -> None:
    found = torch.cond(torch.tensor(False), lambda: {"a": 1, "b": 2.0}, lambda: {"b": 3.0, "a": 4})
    assert list(found) == ["a", "b"] and found["a"].item() == 4 and found["b"].item() == 3.0


def test_numbers_take_the_kind_that_the_body_gives_them() -> None:
    assert torch.scan(lambda c, x: (c + 1, c), 0, torch.arange(3.0))[0].dtype is torch.int64
    assert torch.scan(lambda c, x: (c + x, c), 0, torch.arange(3.0))[0].dtype is torch.float32
    assert torch.scan(lambda c, x: (c + x, c), 0.5, torch.arange(3))[0].item() == 3.5
    assert torch.while_loop(lambda done, n: ~done, lambda done, n: (n > 3, n + 1), (False, 0))[1].item() == 5
    assert torch.fori_loop(np.int64(0), torch.tensor(3, dtype=torch.int32), lambda i, v: v + i, 0).item() == 3


def test_many_dtypes_side_by_side(run: Any) -> None:
    def f(x: Tensor) -> Any:
        start = (torch.tensor(0), x, torch.zeros(2, dtype=torch.uint8), torch.tensor(True))
        return torch.while_loop(lambda n, *_: n < 3, lambda n, x, y, b: (n + 1, x * 2, y + n.to(torch.uint8), ~b), start)

    n, x, y, b = run(f)(torch.ones(2, dtype=F64))
    assert (n.item(), x.tolist(), y.tolist(), b.item()) == (3, [8.0, 8.0], [3, 3], False)
    assert (x.dtype, y.dtype, b.dtype) == (F64, torch.uint8, torch.bool)


def test_one_tensor_for_a_tuple_of_one() -> None:
    assert torch.while_loop(cond_fn=lambda x: x < 3, body_fn=lambda x: x + 1, carried_inputs=(0.5,))[0].item() == 3.5


def test_nothing_to_run_over() -> None:
    c, ys = torch.scan(lambda c, x: (c + 1, c * 2), 0.0, None, length=3)
    assert c.item() == 3 and ys.tolist() == [0, 2, 4]
    c, ys = torch.scan(lambda c, x: (c + x, c * 2), torch.ones(2), torch.zeros(0, 2))
    assert c.tolist() == [1, 1] and ys.shape == (0, 2)
    assert torch.fori_loop(0, 3, partial(lambda a, i, v: v * a, 2.0), torch.ones(2)).tolist() == [8, 8]


# -- what bodies read -----------------------------------------------------------------------------------------


def test_modules_and_parameters_within_a_scan(run: Any) -> None:
    torch.manual_seed(0)
    cell, xs = nn.Linear(3, 3), torch.randn(4, 3)

    def loss(loop: bool) -> Tensor:
        c, total = torch.ones(3), 0.0
        if loop:
            c, ys = torch.scan(lambda c, x: (cell(c).tanh() + x, (c * x).sum()), c, xs)
            return (c * c).sum() + ys.sum()
        for x in xs:
            total, c = total + (c * x).sum(), cell(c).tanh() + x
        return (c * c).sum() + total

    loss(False).backward()
    wanted = [p.grad.clone() for p in cell.parameters()]
    cell.zero_grad()
    run(lambda: loss(True).backward())()
    for p, w in zip(cell.parameters(), wanted, strict=True):
        close(p.grad, w)


def test_train_steps_around_a_scan_are_those_of_a_python_loop() -> None:
    def losses(loop: bool) -> list[float]:
        torch.manual_seed(0)
        cell, xs = nn.Linear(3, 3), torch.ones(4, 3)
        optimizer = torch.optim.Adam(cell.parameters(), lr=0.1)

        def step(xs: Tensor) -> Tensor:
            optimizer.zero_grad()
            c = torch.ones(3)
            if loop:
                c, _ = torch.scan(lambda c, x: (cell(c).tanh() + x, None), c, xs)
            else:
                for x in xs:
                    c = cell(c).tanh() + x
            loss = (c**2).mean()
            loss.backward()
            optimizer.step()
            return loss

        step = torch.compile(step) if loop else step
        return [step(xs).item() for _ in range(5)]

    np.testing.assert_allclose(losses(True), losses(False), rtol=1e-5)


def test_slices_that_begin_at_a_value(run: Any) -> None:
    x = torch.arange(12.0, dtype=F64).reshape(2, 6)

    def windows(x: Tensor) -> Tensor:
        return torch.scan(lambda c, i: (c, torch.narrow(x, 1, i, 3) * (i + 1)), 0.0, torch.tensor([0, 3, -3, 1]))[1]

    wanted = torch.stack([torch.narrow(x, 1, i, 3) * (i + 1) for i in (0, 3, -3, 1)])
    close(run(windows)(x), wanted)
    slopes = func.grad(lambda x: torch.stack([torch.narrow(x, 1, i, 3) * (i + 1) for i in (0, 3, -3, 1)]).sum())(x)
    close(run(func.grad(lambda x: windows(x).sum()))(x), slopes)
    close(torch.narrow(x, 0, torch.tensor(1), 1), x[1:])
    with pytest.raises(RuntimeError, match=r"start \(4\) \+ length \(3\) exceeds dimension size \(6\)"):
        torch.narrow(x, 1, torch.tensor(4), 3)
    with pytest.raises(IndexError):
        torch.compile(lambda x, i: torch.narrow(x, 1, i, 3))(x, torch.tensor(4))
    with pytest.raises(RuntimeError, match="start must be an 0-dim integral Tensor"):
        torch.narrow(x, 1, torch.tensor([1]), 3)
    with pytest.raises(RuntimeError, match=r"length must be between 0 and the dimension size \(6\), got 7"):
        torch.compile(lambda x, i: torch.narrow(x, 1, i, 7))(x, torch.tensor(0))


def test_gradients_by_what_a_body_makes_its_own(run: Any) -> None:
    def descend(x: Tensor) -> Tensor:
        def body(i: Tensor, v: Tensor) -> Tensor:
            v = v.detach().requires_grad_()
            (g,) = torch.autograd.grad((v**3).sum(), v)
            return (v - 0.1 * g).detach()

        return torch.fori_loop(0, 3, body, x)

    x = torch.tensor([1.0, 0.5])
    wanted = x
    for _ in range(3):
        wanted = wanted - 0.3 * wanted**2
    close(run(descend)(x), wanted)


def test_compiled_functions_within_a_body(run: Any) -> None:
    inner = torch.compile(lambda v: v.sin() * 2)
    x = torch.tensor([0.3, 1.2], dtype=F64)
    f = lambda x: torch.fori_loop(0, 2, lambda i, v: inner(v), x).sum()  # noqa: E731
    close(run(func.grad(f))(x), 4 * x.cos() * (2 * x.sin()).cos())


# -- derivatives ----------------------------------------------------------------------------------------------


def test_derivatives_of_derivatives_and_batches(run: Any) -> None:
    def f(x: Tensor, loop: bool = True) -> Tensor:
        step = lambda c, i: (torch.sin(c) * x[0] + x.prod(), c)  # noqa: E731
        if loop:
            return torch.scan(step, x, None, length=3, reverse=True)[0]
        c = x
        for i in range(3):
            c, _ = step(c, i)
        return c

    x = torch.tensor([0.4, -1.1, 0.7], dtype=F64)
    plain = partial(f, loop=False)
    close(run(func.jacfwd(func.jacrev(f)))(x), func.jacfwd(func.jacrev(plain))(x))
    close(run(func.jacrev(func.jacfwd(f)))(x), func.jacrev(func.jacfwd(plain))(x))
    close(run(func.hessian(lambda x: f(x).sum()))(x), func.hessian(lambda x: plain(x).sum())(x))
    xs = torch.stack([x, -x, x * 2])
    close(run(func.vmap(func.hessian(lambda x: f(x).sum())))(xs), func.vmap(func.hessian(lambda x: plain(x).sum()))(xs))


def test_batches_of_scans_of_branches(run: Any) -> None:
    def f(x: Tensor) -> Any:
        return torch.scan(lambda c, i: (torch.cond(c > 0, lambda c: c - 1, lambda c: c * c + 2.5, (c,)), c), x, None, length=4)

    xs = torch.tensor([0.3, -1.0, 5.0])
    last, ys = run(func.vmap(f))(xs)
    for x, c, row in zip(xs.tolist(), last.tolist(), ys.tolist(), strict=True):
        for y in row:
            np.testing.assert_allclose(x, y, rtol=1e-6)
            x = x - 1 if x > 0 else x * x + 2.5
        np.testing.assert_allclose(x, c, rtol=1e-6)


def test_bounds_that_are_known_when_it_runs(run: Any) -> None:
    f = run(lambda n, x: func.grad(lambda x: torch.fori_loop(0, n, lambda i, v: v * 2 + i, x).sum())(x))
    for n in (4, 0, 2):
        assert f(torch.tensor(n), torch.ones(2)).tolist() == [2.0**n] * 2


# -- mistakes -------------------------------------------------------------------------------------------------


@dataclass
class Point:
    x: Any


def body_without_a_result(i: Tensor, v: Tensor) -> None:
    v[i] = 1


def body_that_breaks(i: Tensor, v: Tensor) -> Any:
    while True:
        if v.sum() > 1:
            break
    return v


MISTAKES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: torch.fori_loop(0, 3, body_without_a_result, torch.ones(4)), TypeError,
     r"fori_loop\(body_without_a_result\): expected the carried values to come back as they are in init_val, \*, got None"),
    (lambda: torch.fori_loop(0, torch.tensor(3), body_without_a_result, torch.ones(4)), TypeError,
     r"fori_loop\(body_without_a_result\): expected the carried values to come back as they are in init_val, \*, got None"),
    (lambda: torch.fori_loop(0, 3, body_that_breaks, torch.ones(4)), torch.TracingError,
     r"fori_loop\(body_that_breaks\): expected a value that is known .* got bool\[\]"),
    (lambda: torch.fori_loop(0, 2, lambda i, v: torch.cat([v, v]), torch.zeros(2)), TypeError,
     r"fori_loop\(<lambda>\): .* of the types they go in with, f32\[2\] at init_val, got f32\[4\]\n  made at .*test_body"),
    (lambda: torch.fori_loop(0, torch.tensor(2), lambda i, v: {"a": v["a"].double()}, {"a": torch.zeros(2)}), TypeError,
     r"fori_loop\(<lambda>\): .* f32\[2\] at init_val\['a'\], got f64\[2\]"),
    (lambda: torch.scan(lambda c, x: ({"h": c["h"], "n": c["n"] + 0.5}, x), {"h": 0.0, "n": torch.tensor(0)}, torch.ones(3)),
     TypeError, r"i64\[\] at init\['n'\], got f32\[\]"),
    (lambda: torch.fori_loop(0, 2, lambda i, v: v * v[0].item(), torch.ones(2)), torch.TracingError, r"A body may not look at"),
    (lambda: torch.fori_loop(0, 2, lambda i, v: torch.tensor(v.numpy()), torch.ones(2)), torch.TracingError,
     r"A body may not look at such values"),
    (lambda: torch.fori_loop(0, 2, lambda i, v: [v][i], torch.ones(2)), torch.TracingError,
     r"got i64\[\].* As an index it may be any number \(x\[i\], graphc.narrow"),
    (lambda: torch.scan(lambda c, x: (c, x), Point(0.0), torch.ones(2)), TypeError,
     r"scan\(<lambda>\): init: expected a tensor, .* got Point; pytrees are of tuples, .* dataclasses.asdict makes one"),
    (lambda: torch.scan(lambda c, x: (c, Point(x)), 0.0, torch.ones(2)), TypeError, r"got Point at \[1\]; pytrees are of"),
    (lambda: torch.fori_loop(0, 2, lambda i, v: print(v) or v, torch.ones(2)), torch.TracingError, r"A body may not look at"),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, text", MISTAKES, ids=[str(i) for i in range(len(MISTAKES))])
def test_mistakes(call: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        call()
    assert "test_body.py" in str(caught.value)


def test_what_a_body_raises_comes_through() -> None:
    def body(i: Tensor, v: Tensor) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        torch.fori_loop(0, 2, body, torch.ones(2))
    assert torch.fori_loop(0, 2, lambda i, v: v + 1, torch.ones(2)).tolist() == [3, 3]


def test_two_hundred_branches_within_one_another() -> None:
    def nest(body: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: torch.cond(x.sum() > 0, lambda y: body(y) + 1, lambda y: y, (x,))

    function: Callable[[Any], Any] = torch.relu
    for _ in range(200):
        function = nest(function)
    x = torch.ones(1, requires_grad=True)
    value = function(x * 2)
    value.sum().backward()
    assert value.item() == 202 and x.grad is not None and x.grad.item() == 2
