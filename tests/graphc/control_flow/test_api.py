"""Loops and branches: each against the same program in plain Python, its derivatives against that one's and against
finite differences, on the evaluator and compiled; and what bodies may not do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.core import pytree
from graphc.recording import lazy, structures
from graphc.tensors.tensor import Tensor

F64 = torch.float64


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.tensor(np.random.default_rng(seed + 10 * len(shape)).standard_normal(shape))


class Case(NamedTuple):
    """A program with loops, the same without, its float arguments, and others."""

    loop: Callable[..., Any]
    plain: Callable[..., Any]
    floats: tuple[Tensor, ...]
    rest: tuple[Tensor, ...] = ()


CASES: dict[str, Case] = {}


def case(name: str, *floats: Tensor, rest: tuple[Tensor, ...] = ()) -> Callable[[Callable[..., Any]], Any]:
    """Add a program, a function of `lib`, which is graphc or plain Python, and its arguments."""

    def add(f: Callable[..., Any]) -> Callable[..., Any]:
        CASES[name] = Case(lambda *args: f(torch, *args), lambda *args: f(Plain, *args), floats, rest)
        return f

    return add


class Plain:
    """Control flow in Python, on values."""

    @staticmethod
    def cond(pred: Any, yes: Any, no: Any, operands: Any = ()) -> Any:
        return (yes if bool(pred) else no)(*operands)

    @staticmethod
    def while_loop(test: Any, body: Any, carried: Any) -> Any:
        several = isinstance(carried, (tuple, list))
        while bool(test(*carried) if several else test(carried)):
            carried = body(*carried) if several else body(carried)
        return carried

    @staticmethod
    def scan(f: Any, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False) -> Any:
        leaves = pytree.flatten(xs)[0]
        length = len(leaves[0]) if leaves else length
        assert length is not None
        found = []
        for i in reversed(range(length)) if reverse else range(length):
            init, y = f(init, pytree.tree_map(lambda x, i=i: x[i], xs))
            found.insert(0 if reverse else len(found), y)
        return init, pytree.tree_map(lambda *ys: torch.stack([*map(torch.as_tensor, ys)]), *found) if found else None

    @staticmethod
    def fori_loop(lower: Any, upper: Any, body: Any, val: Any) -> Any:
        for i in range(int(lower), int(upper)):
            val = body(torch.tensor(i), val)
        return val


X, W, M = numbers(3), numbers(3, seed=1), numbers(3, 3, seed=2) / 2
XS = numbers(5, 3)


@case("scan", X, XS, W)
def _(lib: Any, c: Tensor, xs: Tensor, w: Tensor) -> Any:
    def f(c: Tensor, x: Tensor) -> Any:
        c = torch.tanh(c * w + x)
        return c, c.sum() * x

    c, ys = lib.scan(f, c, xs)
    return (c * w).sum(), ys


@case("scan backwards, of nests, with what is live before, inside and after", X, XS, W, M)
def _(lib: Any, c: Tensor, xs: Tensor, w: Tensor, m: Tensor) -> Any:
    before = (w * w).sin()

    def f(carry: Any, x: Any) -> Any:
        v = carry["v"] @ m + before * x["a"]
        return {"v": v, "n": carry["n"] + 1, "flag": ~carry["flag"]}, (v.exp(), carry["n"], [x["b"][0] * carry["n"]])

    init = {"v": c, "n": torch.tensor(0), "flag": torch.tensor(True)}
    last, (ys, counts, zs) = lib.scan(f, init, {"a": xs, "b": (xs.cos(),)}, reverse=True)
    return last["v"] + before + c, ys * before, zs[0] * counts[:, None]


@case("carried only, and without items", X, W)
def _(lib: Any, c: Tensor, w: Tensor) -> Any:
    return lib.scan(lambda c, x: (c * w + c.sin(), None), c, None, length=4)[0]


@case("items only", XS, W)
def _(lib: Any, xs: Tensor, w: Tensor) -> Any:
    return lib.scan(lambda c, x: (None, (x * w).exp()), None, xs)[1]


@case("no iteration at all", X, W)
def _(lib: Any, c: Tensor, w: Tensor) -> Any:
    return lib.fori_loop(3, 3, lambda i, v: v * w, c) * c


@case("an unused carry, a constant carry, numbers that become floats", X)
def _(lib: Any, x: Tensor) -> Any:
    def f(carry: Any, i: Any) -> Any:
        total, _, count, fixed = carry
        return (total + (x * count).sum(), x * 2, count + 1, fixed), total * fixed

    (total, _, count, _), ys = lib.scan(f, (0.0, x, 1, torch.tensor(2.0, dtype=F64)), None, length=3)
    return total * count, ys


@case("fori writes in place where the index says", numbers(6), W)
def _(lib: Any, x: Tensor, w: Tensor) -> Any:
    def body(i: Tensor, v: Tensor) -> Tensor:
        v = v.clone()
        v[i] = v[i - 1] * v[i] + w[i % 3]
        v[i - 1] += w[0]
        return v

    return lib.fori_loop(1, 6, body, x)


@case("nested scans", X, numbers(2, 4, 3), W)
def _(lib: Any, c: Tensor, xs: Tensor, w: Tensor) -> Any:
    def inner(c: Tensor, x: Tensor) -> Any:
        c = c * x.cos() + w
        return c, c * c

    def outer(c: Tensor, rows: Tensor) -> Any:
        c, ys = lib.scan(inner, c, rows, reverse=True)
        return c / 2, ys.sum(0) * c

    return lib.scan(outer, c, xs)


@case("branches in a scan", X, XS, W)
def _(lib: Any, c: Tensor, xs: Tensor, w: Tensor) -> Any:
    def f(c: Tensor, x: Tensor) -> Any:
        c = lib.cond(x.sum() > 0, lambda c: (c * w).sin(), lambda c: c - x * w, (c,))
        return c, lib.cond(c[0] < 0.3, lambda: c * 2, lambda: x * x)

    return lib.scan(f, c, xs)


@case("a scan in a branch", X, XS, W, rest=(torch.tensor(True),))
def _(lib: Any, c: Tensor, xs: Tensor, w: Tensor, flag: Tensor) -> Any:
    def yes(c: Tensor) -> Tensor:
        return lib.scan(lambda c, x: (c * w + x, None), c, xs)[0]

    return lib.cond(flag, yes, lambda c: c * w, (c,)) * lib.cond(~flag, yes, lambda c: c * w, (c,))


@case("a body that takes a gradient", X, XS)
def _(lib: Any, c: Tensor, xs: Tensor) -> Any:
    def energy(q: Tensor, x: Tensor) -> Tensor:
        return (q**4 / 4 + q * x).sum()

    def step(c: Tensor, x: Tensor) -> Any:
        return c - 0.1 * func.grad(energy)(c, x), energy(c, x)

    return lib.scan(step, c, xs)


@case("no_grad and detach in a body", X, W)
def _(lib: Any, x: Tensor, w: Tensor) -> Any:
    def body(i: Tensor, v: Tensor) -> Tensor:
        with torch.no_grad():
            scale = (v * w).sum()
        return v * scale + (v * w).detach() + v.sin()

    return lib.fori_loop(0, 3, body, x)


@case("single precision", X.float(), XS.float())
def _(lib: Any, c: Tensor, xs: Tensor) -> Any:
    return lib.scan(lambda c, x: ((c + x).tanh(), c.to(F64) * 2), c, xs)


@case("while", torch.tensor(0.3, dtype=F64), torch.tensor(1.7, dtype=F64))
def _(lib: Any, x: Tensor, w: Tensor) -> Any:
    return lib.while_loop(lambda x, n: x < 5, lambda x, n: (x * w + x.sin() / 2, n + 1), (x, torch.tensor(0)))


@case("while over arrays, of nests, with what is live before, inside and after", X, W, M)
def _(lib: Any, x: Tensor, w: Tensor, m: Tensor) -> Any:
    before = w.cos()

    def body(d: Any) -> Any:
        return {"x": d["x"] @ m + before * d["y"][0], "y": (d["y"][0] * 1.5, d["y"][1] + 1), "unused": d["x"] * w}

    found = lib.while_loop(lambda d: d["y"][0].sum() < 40, body, {"x": x, "y": (x * x + 1, torch.tensor(0)), "unused": w})
    return found["x"] * before + w, found["y"]


@case("while without an iteration", X, W)
def _(lib: Any, x: Tensor, w: Tensor) -> Any:
    return lib.while_loop(lambda x: x.sum() > 1000, lambda x: x * w, x) * w


@case("while whose way back reads nothing", X)
def _(lib: Any, x: Tensor) -> Any:
    return lib.while_loop(lambda x: x.abs().max() < 20, lambda x: x * 2, x)


@case("Newton's method to convergence", numbers(4).sigmoid() * 3, numbers(4, seed=3).sigmoid() / 2)
def _(lib: Any, anomaly: Tensor, eccentricity: Tensor) -> Any:
    """Kepler's equation."""

    def body(e: Tensor, error: Tensor) -> Any:
        step = (e - eccentricity * e.sin() - anomaly) / (1 - eccentricity * e.cos())
        return e - step, step.abs().max()

    return lib.while_loop(lambda e, error: error > 1e-12, body, (anomaly, torch.tensor(1.0, dtype=F64)))[0]


@case("fori up to a tensor, in place", numbers(6), rest=(torch.tensor(1), torch.tensor(6)))
def _(lib: Any, x: Tensor, lower: Tensor, upper: Tensor) -> Any:
    def body(i: Tensor, v: Tensor) -> Tensor:
        v = v.clone()
        v[i] = v[i - 1] * v[i]
        return v

    return lib.fori_loop(lower, upper, body, x)


@case("a while in a scan in a while", X, XS, W)
def _(lib: Any, c: Tensor, xs: Tensor, w: Tensor) -> Any:
    def grow(c: Tensor) -> Tensor:
        return c * 1.7 + w.sin()

    def item(c: Tensor, x: Tensor) -> Any:
        c = lib.while_loop(lambda c: (c * c).sum() < 3, grow, (c * x).tanh())
        return c / 2, c * x

    def outer(c: Tensor, total: Tensor) -> Any:
        c, ys = lib.scan(item, c, xs)
        return c, total + ys.abs().sum()

    return lib.while_loop(lambda c, total: total < 30, outer, (c, torch.tensor(0.0, dtype=F64)))


@case("branches in a while in a branch", X, W, rest=(torch.tensor(True),))
def _(lib: Any, x: Tensor, w: Tensor, flag: Tensor) -> Any:
    def body(x: Tensor, n: Tensor) -> Any:
        return lib.cond(n % 2 == 0, lambda x: x * w + 1, lambda x: x.exp() * 0.7, (x,)), n + 1

    def yes(x: Tensor) -> Tensor:
        return lib.while_loop(lambda x, n: (x.sum() < 8) & (n < 9), body, (x, torch.tensor(0)))[0]

    return lib.cond(flag, yes, lambda x: x, (x,))


@case("a body of a while that takes the gradient of a while", torch.tensor(0.4, dtype=F64), torch.tensor(1.3, dtype=F64))
def _(lib: Any, x: Tensor, w: Tensor) -> Any:
    def inner(x: Tensor) -> Tensor:
        return lib.while_loop(lambda y: y < 2, lambda y: y * w + 0.1 * y.sin(), x)

    return lib.while_loop(lambda x: x < 1, lambda x: x + 0.1 * func.grad(inner)(x), x)


class Rounded(torch.autograd.Function):
    """Rounds as if it did not: several results, one without a gradient, attributes, an argument that is no tensor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float, bias: Tensor) -> Any:
        found, part = torch.round(x * scale), x * scale - torch.floor(x * scale)
        whole = torch.floor(x)
        ctx.mark_non_differentiable(whole)
        ctx.save_for_backward(x, found)
        ctx.scale, ctx.inside = scale, part * 2
        return found + bias, part, whole

    @staticmethod
    def backward(ctx: Any, g: Tensor, h: Tensor, _: Tensor) -> Any:
        x, found = ctx.saved_tensors
        assert ctx.needs_input_grad[0] and not ctx.needs_input_grad[1] and _.shape == x.shape
        return (g * (1 - x.tanh() ** 2) + 0.1 * g * found + h * ctx.inside) * ctx.scale, None, g.sum(0)


class Limited(torch.autograd.Function):
    """What it is given; its gradient is held within bounds."""

    @staticmethod
    def forward(x: Tensor, bound: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        _, bound = inputs
        ctx.save_for_backward(bound)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        (bound,) = ctx.saved_tensors
        return torch.maximum(torch.minimum(g, bound), -bound), None


class Exp(torch.autograd.Function):
    """Its backward calls itself; the rule for forward mode is another one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.x = x
        return torch.exp(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return 0.9 * g * Exp.apply(ctx.x)

    @staticmethod
    def jvp(ctx: Any, t: Tensor) -> Tensor:
        return 1.1 * t * Exp.apply(ctx.x)


WRONG = ("straight through in a scan", "gradients held within bounds in a while", "rules that call rules", "hooks in bodies")
"""Programs whose derivative is, by intention, not that of what they compute."""


@case("straight through in a scan", X, XS, W)
def _(lib: Any, c: Tensor, xs: Tensor, w: Tensor) -> Any:
    def f(c: Tensor, x: Tensor) -> Any:
        found, part, whole = Rounded.apply(c * w + x, 3.0, w.sum())
        return (found * 0.2 + part + c).sin(), part * x + whole

    return lib.scan(f, c, xs)


@case("gradients held within bounds in a while", X, torch.tensor(1.7, dtype=F64), rest=(torch.tensor(0.4, dtype=F64),))
def _(lib: Any, x: Tensor, w: Tensor, bound: Tensor) -> Any:
    return lib.while_loop(lambda x: (x * x).sum() < 30, lambda x: Limited.apply(x * w + 0.1, bound), x)


@case("rules that call rules", X, XS)
def _(lib: Any, c: Tensor, xs: Tensor) -> Any:
    def inner(i: Any, v: Tensor) -> Tensor:
        return lib.cond(v[0] > 0, lambda v: Exp.apply(-v * v), lambda v: v.cos(), (v,)) + i

    def f(c: Tensor, x: Tensor) -> Any:
        c = lib.fori_loop(0, 3, inner, c * x) / 3
        return c, Exp.apply(c)

    return lib.scan(f, c, xs, reverse=True)


@case("hooks in bodies", X, XS, W)
def _(lib: Any, c: Tensor, xs: Tensor, w: Tensor) -> Any:
    def hook(x: Tensor, hook: Callable[..., Any]) -> Any:
        return x.register_hook(hook) if x.requires_grad else None  # in plain Python not everything does

    def f(c: Tensor, x: Tensor) -> Any:
        hook(c, lambda g: g * 1.5)
        y = c * w + x
        z = y.sin() * 2
        hook(y, lambda g: g * y.cos())
        hook(z, lambda g: None)
        hook(y, lambda g: g * w)
        removed = hook(y, lambda g: g * 1e9)
        if removed is not None:
            removed.remove()
        return z + y, (z * c).cos()

    return lib.scan(f, c, xs)


def flat(result: Any) -> list[Tensor]:
    return pytree.flatten(result)[0]


def total(f: Callable[..., Any]) -> Callable[..., Tensor]:
    """Return a function of the arguments with one number for a result, in which every float result has a part."""

    def weighted(*args: Tensor) -> Tensor:
        parts = [x for x in flat(f(*args)) if x.is_floating_point()]
        return sum((x.to(F64) * (1 + torch.arange(x.numel(), dtype=F64).reshape(x.shape) / 7).cos()).sum() for x in parts)

    return weighted


def gradient(f: Callable[..., Any], case: Case) -> Callable[..., Any]:
    return func.grad(total(f), argnums=tuple(range(len(case.floats))))


def second(f: Callable[..., Any], case: Case) -> Callable[..., Any]:
    """Return the gradient of a function of the gradient."""
    return gradient(lambda *args: [g * g for g in gradient(f, case)(*args)], case)


def forward(f: Callable[..., Any], case: Case) -> Callable[..., Any]:
    """Return the derivative in a direction of the float results."""
    count = len(case.floats)
    direction = tuple(numbers(*x.shape, seed=7).to(x.dtype) for x in case.floats)

    def derivative(*args: Tensor) -> Any:
        def inner(*floats: Tensor) -> list[Tensor]:
            return [x for x in flat(f(*floats, *args[count:])) if x.is_floating_point()]

        return func.jvp(inner, args[:count], direction)[1]

    return derivative


def batches(case: Case) -> tuple[list[Tensor], tuple[Any, ...]]:
    """Return batches of a case's arguments, of others each, and the dims that say so."""
    floats = [torch.stack([x * s for s in (1.0, 0.8, 1.15)]).to(x.dtype) for x in case.floats]
    return floats, (*(0 for _ in floats), *(None for _ in case.rest))


def check_batched(f: Any, plain: Any, case: Case, run: Any, tolerance: float = 1e-9) -> None:
    floats, dims = batches(case)
    found = run(func.vmap(f, dims))(*floats, *case.rest)
    rows = [flat(plain(*(x[i] for x in floats), *case.rest)) for i in range(len(floats[0]))]
    expected = [torch.stack(parts) for parts in zip(*rows, strict=True)]
    close(flat(found), expected, 1e-5 if case.floats[0].dtype is torch.float32 else tolerance)


def close(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    a, b = flat(found), flat(expected)
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        x, y = (np.asarray(v.detach()) for v in (x, y))
        assert x.dtype == y.dtype and x.shape == y.shape
        single = x.dtype == np.float32
        np.testing.assert_allclose(x, y, rtol=2e-5 if single else tolerance, atol=2e-5 if single else tolerance)


@pytest.fixture(params=["evaluated", "compiled"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that calls another on the evaluator, or compiled."""
    monkeypatch.setattr(structures, "COMPILE_COST", 1e9)
    return (lambda f: f) if request.param == "evaluated" else torch.compile


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
class TestCase:
    def test_values(self, case: Case, run: Any) -> None:
        args = (*case.floats, *case.rest)
        close(run(case.loop)(*args), case.plain(*args), 1e-5 if case.floats[0].dtype is torch.float32 else 1e-9)

    def test_gradients(self, case: Case, run: Any) -> None:
        args = (*case.floats, *case.rest)
        close(run(gradient(case.loop, case))(*args), gradient(case.plain, case)(*args))

    def test_forward(self, case: Case, run: Any) -> None:
        """The derivative in a direction is the gradient's product with it, also of values that are integers' neighbours."""
        args = (*case.floats, *case.rest)
        found = run(forward(case.loop, case))(*args)
        expected = forward(case.plain, case)(*args)
        close(found, expected, 1e-5 if case.floats[0].dtype is torch.float32 else 1e-9)

    def test_hessian_vector_products(self, case: Case, run: Any) -> None:
        """Forward over reverse, and reverse over forward."""
        args = (*case.floats, *case.rest)
        expected = forward(gradient(case.plain, case), case)(*args)
        close(run(forward(gradient(case.loop, case), case))(*args), expected, 1e-8)
        over = gradient(total(forward(case.loop, case)), case)
        close(run(over)(*args), gradient(total(forward(case.plain, case)), case)(*args), 1e-8)

    def test_batches(self, case: Case, run: Any) -> None:
        """Each element goes its own way."""
        check_batched(case.loop, case.plain, case, run)

    def test_batches_of_gradients(self, case: Case, run: Any) -> None:
        check_batched(gradient(case.loop, case), gradient(case.plain, case), case, run)

    def test_gradients_of_batches(self, case: Case, run: Any) -> None:
        floats, dims = batches(case)

        def alone(*args: Tensor) -> Any:
            return [gradient(case.plain, case)(*(x[i] for x in args), *case.rest) for i in range(len(args[0]))]

        def together(*args: Tensor) -> Tensor:
            return func.vmap(total(case.loop), dims)(*args).sum()

        found = run(func.grad(together, argnums=tuple(range(len(floats)))))(*floats, *case.rest)
        expected = [torch.stack(parts) for parts in zip(*alone(*floats), strict=True)]
        close(found, expected, 1e-5 if case.floats[0].dtype is torch.float32 else 1e-9)

    def test_batches_of_second_derivatives(self, case: Case, run: Any) -> None:
        """Compiled, some of them: these are large programs."""
        if run is torch.compile and case not in [CASES[name] for name in ("scan", "while", "branches in a scan")]:
            pytest.skip("evaluated only")
        check_batched(second(case.loop, case), second(case.plain, case), case, run, 1e-8)
        check_batched(forward(gradient(case.loop, case), case), forward(gradient(case.plain, case), case), case, run, 1e-8)

    def test_backward(self, case: Case) -> None:
        leaves = [x.clone().requires_grad_() for x in case.floats]
        total(case.loop)(*leaves, *case.rest).backward()
        expected = gradient(case.plain, case)(*case.floats, *case.rest)
        close([torch.zeros_like(x) if x.grad is None else x.grad for x in leaves], expected)

    def test_second_derivatives(self, case: Case, run: Any) -> None:
        args = (*case.floats, *case.rest)
        close(run(second(case.loop, case))(*args), second(case.plain, case)(*args), 1e-8)


@pytest.mark.parametrize("name", [n for n in CASES if n not in ("single precision", "no_grad and detach in a body", *WRONG)])
def test_gradients_are_differences(name: str) -> None:
    case = CASES[name]
    f = total(case.loop)
    direction = [numbers(*x.shape, seed=5) for x in case.floats]
    step = 1e-6
    ends = [f(*(x + s * step * d for x, d in zip(case.floats, direction, strict=True)), *case.rest) for s in (1, -1)]
    slope = sum((g * d).sum() for g, d in zip(gradient(case.loop, case)(*case.floats, *case.rest), direction, strict=True))
    np.testing.assert_allclose(slope.item(), (ends[0] - ends[1]).item() / (2 * step), rtol=1e-6, atol=1e-7)


# -- whiles -------------------------------------------------------------------------------------------------


def test_a_while_runs_as_long_as_its_condition_holds(run: Any) -> None:
    f = run(lambda x, limit: torch.while_loop(lambda n, x: x.sum() < limit, lambda n, x: (n + 1, x * 2), (0, x)))
    n, x = f(torch.ones(3), torch.tensor(100.0))
    assert n.item() == 6 and x.tolist() == [64.0] * 3 and n.dtype is torch.int64
    n, x = f(torch.ones(3), torch.tensor(-1.0))
    assert n.item() == 0 and x.tolist() == [1.0] * 3


def test_carried_inputs_are_passed_as_torch_passes_them() -> None:
    assert torch.while_loop(lambda x: x < 5, lambda x: x + 2, torch.tensor(0)).item() == 6
    found = torch.while_loop(lambda d: d["x"] < 5, lambda d: {"x": d["x"] + d["y"], "y": d["y"] + 1}, {"x": 0, "y": 1})
    assert {k: v.item() for k, v in found.items()} == {"x": 6, "y": 4}
    found = torch.while_loop(lambda a, b: a < b, lambda a, b: [a + 1, b], (torch.tensor(0), torch.tensor(3)))
    assert isinstance(found, tuple) and found[0].item() == 3


def test_fori_with_bounds_that_are_tensors(run: Any) -> None:
    f = run(lambda lower, upper, x: torch.fori_loop(lower, upper, lambda i, v: v * 2 + i, x))
    assert f(torch.tensor(2), torch.tensor(5), torch.tensor(1.0)).item() == ((1 * 2 + 2) * 2 + 3) * 2 + 4
    assert f(torch.tensor(5), torch.tensor(2), torch.tensor(1.0)).item() == 1
    assert torch.fori_loop(torch.tensor([1]), 3, lambda i, v: v + i, 0).item() == 3


# -- branches -------------------------------------------------------------------------------------------------


def test_a_bool_chooses_at_once() -> None:
    assert torch.cond(True, lambda x: x + 1, lambda x: 1 / 0, (1,)) == 2


def test_only_the_branch_that_is_chosen_runs(run: Any) -> None:
    """Also what it makes of values from outside: here an index that would be out of bounds."""
    f = run(lambda x, i: torch.cond(i < 3, lambda: x[i] * 2, lambda: x.sum()))
    x = torch.tensor([1.0, 2.0, 4.0])
    assert f(x, torch.tensor(2)).item() == 8 and f(x, torch.tensor(7)).item() == 7


def test_branches_with_numbers_take_the_type_of_the_other(run: Any) -> None:
    f = run(lambda x: torch.cond(x > 0, lambda x: (x, 1), lambda x: (0, x), (x,)))
    for value in (2.0, -2.0):
        a, b = f(torch.tensor(value, dtype=F64))
        assert (a.item(), b.item()) == ((2.0, 1.0) if value > 0 else (0.0, -2.0)) and a.dtype is b.dtype is F64


# -- random numbers ---------------------------------------------------------------------------------------------


def test_random_numbers_are_others_in_each_turn(run: Any) -> None:
    torch.manual_seed(3)
    expected = [torch.rand(2) + torch.rand(2) for _ in range(4)]
    state = torch.get_rng_state()
    torch.manual_seed(3)
    _, ys = run(lambda: torch.scan(lambda c, x: (c, torch.rand(2) + torch.rand(2)), 0, None, length=4))()
    assert torch.equal(ys, torch.stack(expected)) and torch.equal(torch.get_rng_state(), state)


def test_random_numbers_in_branches_and_whiles(run: Any) -> None:
    def walk(limit: Tensor) -> Any:
        return torch.while_loop(lambda n, x: x < limit, lambda n, x: (n + 1, x + torch.rand(())), (0, 0.0))

    torch.manual_seed(1)
    total_, n = 0.0, 0
    while total_ < 3:
        total_, n = total_ + torch.rand(()).item(), n + 1
    state = torch.get_rng_state()
    torch.manual_seed(1)
    found = run(walk)(torch.tensor(3.0))
    assert found[0].item() == n and torch.equal(torch.get_rng_state(), state)
    np.testing.assert_allclose(found[1].item(), total_, rtol=1e-6)
    draws = run(lambda flag: torch.cond(flag, lambda: torch.rand(3), lambda: torch.zeros(3)))
    draws(torch.tensor(False))
    assert torch.equal(torch.get_rng_state(), state)
    draws(torch.tensor(True))
    assert not torch.equal(torch.get_rng_state(), state)


# -- history ----------------------------------------------------------------------------------------------------


def test_history() -> None:
    w = torch.tensor(2.0, requires_grad=True)
    c, n = torch.scan(lambda c, x: (c * w, torch.tensor(1)), 1.0, None, length=3)
    assert c.grad_fn.name() == "ScanBackward0" and not n.requires_grad and n.grad_fn is None
    y = torch.cond(torch.tensor(True), lambda: w * 1, lambda: w * 2)
    assert y.grad_fn.name() == "CondBackward0"
    z = torch.while_loop(lambda x: x < 1, lambda x: x * w, w)
    assert z.grad_fn.name() == "WhileLoopBackward0"
    with torch.no_grad():
        assert not torch.scan(lambda c, x: (c * w, c), 1.0, None, length=3)[0].requires_grad
    assert not torch.scan(lambda c, x: (c * 2, c), 1.0, None, length=3)[0].requires_grad
    assert not torch.scan(lambda c, x: (c * w.detach(), c), 1.0, None, length=3)[0].requires_grad


def test_what_is_given_is_not_changed() -> None:
    c, xs = torch.zeros(3), torch.ones(2, 3)

    def f(c: Tensor, x: Tensor) -> Any:
        c += x
        x *= 5
        return c, x

    last, ys = torch.scan(f, c, xs)
    assert last.tolist() == [2.0] * 3 and ys.tolist() == [[5.0] * 3] * 2
    assert c.tolist() == [0.0] * 3 and xs.tolist() == [[1.0] * 3] * 2


def test_a_loop_asked_for_its_results_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    real = lazy._run
    monkeypatch.setattr(lazy, "_run", lambda *args: runs.append(0) or real(*args))
    c, ys = torch.scan(lambda c, x: (c + x, c), 0.0, torch.arange(3.0))
    assert c.item() == 3 and ys.tolist() == [0.0, 0.0, 1.0] and len(runs) == 1


@pytest.mark.usefixtures("auto")
def test_loops_of_one_structure_share_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = structures.compile_graph
    monkeypatch.setattr(structures, "compile_graph", lambda *args, **kwargs: made.append(0) or real(*args, **kwargs))
    structures.clear_cache()
    for i in range(3):
        found = torch.fori_loop(0, 100_000, lambda i, v: v * 0.5 + i, torch.tensor(float(i), dtype=F64))
        np.testing.assert_allclose(found.item(), 2 * 99_999 - 2)
    assert len(made) == 1


# -- what bodies may not do ---------------------------------------------------------------------------------------


def writes(z: Tensor) -> Callable[..., Any]:
    return lambda c, x: (z.add_(1), c)


XS2 = torch.ones(2, 3)
LEAF = torch.ones(3, requires_grad=True)
ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: torch.scan(lambda c, x: (c if c > 0 else -c, x), 0.0, XS2), torch.TracingError,
     r"scan\(<lambda>\): expected a value that is known when the body is recorded, got bool\[\], made at .*graphc.where or"),
    (lambda: torch.scan(lambda c, x: (c, c, x), 0.0, XS2), TypeError, r"a body that returns \(carry, y\), got tuple of 3"),
    (lambda: torch.scan(lambda c, x: c, 0.0, XS2), TypeError, r"a body that returns \(carry, y\), got Tensor"),
    (lambda: torch.scan(lambda c, x: ([c], x), (0.0,), XS2), TypeError, r"come back as they are in init, .*, got \[\(\*,\)\]"),
    (lambda: torch.scan(lambda c, x: ({"a": [c["a"][0] + x]}, x), {"a": [0.0]}, XS2), TypeError,
     r"f32\[\] at init\['a'\]\[0\], got f32\[3\]\n  made at .*test_api.py"),
    (lambda: torch.scan(lambda c, x: (c.double(), x), torch.ones(2), XS2), TypeError, r"f32\[2\] at init, got f64\[2\]"),
    (lambda: torch.scan(lambda c, x: (c, "text"), 0.0, XS2), TypeError, r"tensors or numbers as results, got str at \[1\]"),
    (lambda: torch.scan(lambda c, x: (c, x), "text", XS2), TypeError, r"init: expected a tensor, .* a number, got str"),
    (lambda: torch.scan(lambda c, x: (c, x), 0.0, (XS2, torch.ones(3))), ValueError, r"got 2 in xs\[0\], 3 in xs\[1\]"),
    (lambda: torch.scan(lambda c, x: (c, x), 0.0, XS2, length=3), ValueError, r"got 2 in xs, a length of 3"),
    (lambda: torch.scan(lambda c, x: (c, x), 0.0), ValueError, r"expected xs, or the length of the loop, got neither"),
    (lambda: torch.scan(lambda c, x: (c, x), 0.0, torch.tensor(1.0)), TypeError, r"xs: expected a tensor with an axis"),
    (lambda: torch.scan(writes(torch.zeros(())), 0.0, XS2), torch.TracingError,
     r"writes to a tensor of type f32\[\] from outside. .*\n  at .*test_api.py"),
    (lambda: torch.cond(torch.ones(2) > 0, lambda: 1, lambda: 2), TypeError, r"a bool tensor of one element, got bool\[2\]"),
    (lambda: torch.cond(torch.tensor(1), lambda: 1, lambda: 2), TypeError, r"a bool tensor of one element, got i64\[\]"),
    (lambda: torch.cond(torch.tensor(True), lambda: 1, lambda: (2,)), TypeError, r"one structure, got \* and \(\*,\)"),
    (lambda: torch.cond(torch.tensor(True), lambda: XS2, lambda: LEAF), TypeError, r"types, got f32\[2,3\] and f32\[3\]"),
    (lambda: torch.while_loop(lambda x: x, lambda x: x + 1, 0), TypeError, r"a bool tensor of one element, got i64\[\]"),
    (lambda: torch.while_loop(lambda x: torch.rand(()) < x, lambda x: x, 0.5), TypeError, r"draws no random numbers"),
    (lambda: torch.fori_loop(0, 1.5, lambda i, x: x, 0), TypeError, r"expected upper to be an int or a tensor of one, got 1.5"),
]  # fmt: skip


def test_a_refused_write_is_located_where_it_was_made() -> None:
    elsewhere, count = torch.zeros(()), torch.zeros(())

    def body(c: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        count.add_(1)
        return c, x

    elsewhere.add_(1)  # makes the same node
    with pytest.raises(torch.TracingError, match=rf"test_api.py:{body.__code__.co_firstlineno + 1}$"):
        torch.scan(body, 0.0, XS2)


@pytest.mark.parametrize("call, kind, text", ERRORS, ids=[t[:40] for _, _, t in ERRORS])
def test_errors(call: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as caught:
        call()
    assert "test_api.py" in str(caught.value)


def test_a_failing_body_leaves_all_as_it_was() -> None:
    z = torch.zeros(2)
    state = torch.get_rng_state()

    def f(c: Tensor, x: Tensor) -> Any:
        z.add_(1)
        torch.rand(2)
        raise KeyError("mine")

    with pytest.raises(KeyError):
        torch.scan(f, 0.0, XS2)
    assert z.tolist() == [0.0, 0.0] and torch.equal(torch.get_rng_state(), state) and (z + 1).tolist() == [1.0, 1.0]


def test_tensors_of_a_body_cannot_leave_it_but_as_results() -> None:
    kept: list[Tensor] = []
    torch.scan(lambda c, x: kept.append(x) or (c, x), 0.0, XS2)
    with pytest.raises(torch.TracingError, match=r"scan\(<lambda>\): .* tensors can leave a body only as results"):
        kept[0] + 1
