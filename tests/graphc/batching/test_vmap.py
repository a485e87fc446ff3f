"""Batched functions: against loops, in every mix with gradients and compile, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.func import grad, vjp, vmap
from graphc.nn import functional as F
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import capture_number
from tests.optable import ROWS, Row


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.tensor(np.random.default_rng(seed + 10 * len(shape)).standard_normal(shape))


X, Y, W = numbers(5, 3), numbers(5, 3, seed=1), numbers(3, 4)
LABELS = torch.tensor([0, 2, 1, 1, 0])


def close(found: Any, expected: Any) -> None:
    found, expected = np.asarray(found.detach()), np.asarray(expected.detach())
    assert found.shape == expected.shape and found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def looped(f: Callable[..., Tensor], *args: Tensor) -> Tensor:
    return torch.stack([f(*row) for row in zip(*args, strict=True)])


def layers(x: Tensor) -> Tensor:
    h = F.layer_norm(torch.tanh(x @ W), (4,))
    return F.softmax(h * 2, dim=-1)


def attention(x: Tensor) -> Tensor:
    rows = torch.outer(x, x) + x
    return F.scaled_dot_product_attention(rows[None], rows[None] * 0.5, rows[None] + 1, is_causal=True).sum(0)


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "constant": lambda x: torch.ones(2, dtype=torch.float64),
    "layers": layers,
    "attention": attention,
    "cross_entropy": lambda x: F.cross_entropy(x[None] @ W, torch.tensor([1])),
    "views": lambda x: torch.cat([x[1:], x.flip(0), x[None].T.reshape(-1)[:2], x.view(3, 1).expand(3, 2)[:, 0]]),
    "indices": lambda x: x[torch.tensor([2, 0, 0])] * x[x.argmax()],
    "sorting out": lambda x: torch.where(x > 0, x, x.exp()).cumsum(0),
    "in place": lambda x: x.clone().mul_(2).add_(x).index_add_(0, torch.tensor([0]), x[:1]),
    "statistics": lambda x: torch.stack([x.mean(), x.var(), x.max(), x.norm(), x.prod(), torch.logsumexp(x, 0)]),
    "product": lambda x: x @ x,
    "matrix": lambda x: torch.outer(x, x) @ W,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_a_loop(name: str) -> None:
    f = FUNCTIONS[name]
    close(vmap(f)(X), looped(f, X))
    close(vmap(f, in_dims=-1, out_dims=-1)(X.T), looped(f, X).movedim(0, -1))
    close(torch.compile(vmap(f))(X), looped(f, X))


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"constant"}))
def test_gradients_of_samples(name: str) -> None:
    def f(x: Tensor) -> Any:
        return (FUNCTIONS[name](x) ** 2).sum()

    expected = looped(grad(f), X)
    close(vmap(grad(f))(X), expected)
    close(grad(lambda xs: vmap(f)(xs).sum())(X), expected)
    leaf = X.clone().requires_grad_()
    vmap(f)(leaf).sum().backward()
    close(leaf.grad, expected)
    close(torch.compile(vmap(grad(f)))(X), expected)
    close(vmap(torch.compile(grad(f)))(X), expected)


def test_gradients_by_shared_parameters() -> None:
    def loss(w: Tensor, x: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(torch.tanh(x @ w)[None], label[None])

    found = vmap(grad(loss), in_dims=(None, 0, 0))(W, X, LABELS)
    expected = torch.stack([grad(loss)(W, x, label) for x, label in zip(X, LABELS, strict=True)])
    close(found, expected)
    close(grad(lambda w: vmap(loss, in_dims=(None, 0, 0))(w, X, LABELS).sum())(W), expected.sum(0))


def test_second_derivatives() -> None:
    def f(x: Tensor) -> Any:
        return (x.sin() * x.sum()).sum()

    def hessian(x: Tensor) -> Any:
        return vmap(lambda v: vjp(grad(f), x)[1](v)[0])(torch.eye(3, dtype=torch.float64))

    def direct(x: Tensor) -> Any:
        return torch.stack([grad(lambda y, i=i: grad(f)(y)[i])(x) for i in range(3)])

    close(hessian(X[0]), direct(X[0]))
    close(vmap(hessian)(X), looped(direct, X))
    close(grad(lambda x: vmap(lambda y: grad(f)(y * x).sum())(X).sum())(X[0]),
          sum(grad(lambda x, y=y: grad(f)(y * x).sum())(X[0]) for y in X))  # fmt: skip


def test_pullback_over_a_basis() -> None:
    _, pull = vjp(layers, X[0])
    (rows,) = vmap(pull)(torch.eye(4, dtype=torch.float64))
    close(rows, torch.stack([grad(lambda x, i=i: layers(x)[i])(X[0]) for i in range(4)]))


def test_nested() -> None:
    outer = vmap(vmap(lambda x, y: (x * y).sum() * x, in_dims=(0, None)), in_dims=(None, 0))(X, Y)
    close(outer, torch.stack([torch.stack([(x * y).sum() * x for x in X]) for y in Y]))
    close(
        vmap(lambda y: vmap(lambda x: x @ y + y.sum())(X))(Y),
        torch.stack([torch.stack([x @ y + y.sum() for x in X]) for y in Y]),
    )
    close(vmap(lambda y: vmap(lambda x: y)(X))(Y), Y[:, None].expand(5, 5, 3))
    close(vmap(lambda y: vmap(grad(lambda x: (x * y).sum() ** 2))(X))(Y),
          torch.stack([torch.stack([2 * (x * y).sum() * y for x in X]) for y in Y]))  # fmt: skip


def test_levels_are_not_confused() -> None:
    """d/dx Σ_i x · d/dy (x + y) is n, not 2n."""
    one = torch.tensor(1.0)
    assert grad(lambda x: vmap(lambda z: x * grad(lambda y: x + y)(z))(torch.ones(4)).sum())(one).item() == 4
    w = torch.ones(3, dtype=torch.float64, requires_grad=True)
    g = vmap(grad(lambda x: (x * x * w).sum()))(X)
    assert g.requires_grad
    g.sum().backward()
    close(w.grad, 2 * X.sum(0))
    with torch.no_grad():
        assert not vmap(lambda x: x * w)(X).requires_grad
    assert not vmap(lambda x: x.detach() * 2)(X.clone().requires_grad_()).requires_grad


def test_in_dims() -> None:
    close(vmap(lambda x, y: x * y, in_dims=(0, None))(X, Y[0]), X * Y[0])
    close(vmap(lambda x: x.sum(), in_dims=1)(X), X.sum(0))
    close(vmap(lambda x: x.sum(), in_dims=-1)(X), X.sum(0))
    close(vmap(lambda x, n: x * n, in_dims=(0, None))(X, 3), X * 3)
    close(vmap(lambda d: d["a"] * d["b"], in_dims=({"a": 1, "b": None},))({"a": X, "b": Y[:, 0]}), (X * Y[:, :1]).T)
    close(vmap(lambda p, q: p[0] + p[1] * q, in_dims=((0, None), 1))((X, Y[0]), W.T[:, :1].expand(4, 5)[:3]),
          X + Y[0] * W.T[:, :1].expand(4, 5)[:3].T)  # fmt: skip
    close(vmap(lambda x, k=None: x + k)(X, k=Y[0]), X + Y[0])
    close(vmap(lambda x, nothing: x, in_dims=(0, None))(X, None), X)
    close(vmap(lambda x: x * 2)(np.ones((2, 3))), torch.ones(2, 3, dtype=torch.float64) * 2)
    assert vmap(lambda x: x.sum())(torch.zeros(0, 3)).shape == (0,)


def test_out_dims() -> None:
    close(vmap(lambda x: x * 2, out_dims=1)(X), (X * 2).T)
    close(vmap(lambda x: x * 2, out_dims=-1)(X), (X * 2).T)
    close(vmap(lambda x: x * 2, out_dims=(1,))(X), (X * 2).T)
    a, (b, c) = vmap(lambda x: (x, [x.sum(), Y[0]]), out_dims=(1, [0, None]))(X)
    close(a, X.T)
    close(b, X.sum(1))
    close(c, Y[0])
    found = vmap(lambda x: {"a": x, "b": Y[0]}, out_dims={"a": 1, "b": 1})(X)
    close(found["a"], X.T)
    close(found["b"], Y[0][:, None].expand(3, 5))
    assert vmap(lambda x: (x, "name"), out_dims=(0, None))(X)[1] == "name"


def test_chunks() -> None:
    def f(x: Tensor, y: Tensor) -> Any:
        return (x * y, (x + y).sum())

    for size in (1, 2, 3, 5, 9):
        a, b = vmap(f, in_dims=(0, 1), out_dims=(1, 0), chunk_size=size)(X, Y.T.clone())
        close(a, (X * Y).T)
        close(b, (X + Y).sum(1))


def test_what_is_written() -> None:
    def bump(x: Tensor) -> Tensor:
        x.add_(1)
        return x * 2

    x, total, count = X.clone(), torch.zeros(3, dtype=torch.float64), torch.zeros(())
    close(vmap(bump, in_dims=1)(x), ((X + 1) * 2).T)
    close(x, X + 1)
    vmap(lambda x: count.add_(1) + x.sum())(X)
    assert count.item() == 1
    with pytest.raises(RuntimeError, match="vmap: inplace arithmetic"):
        vmap(lambda x: total.add_(x))(X)
    assert total.tolist() == [0, 0, 0]


def test_modules() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.LayerNorm(4), torch.nn.Linear(4, 2))
    x = X.to(torch.float32)
    expected = model(x)
    assert np.abs((vmap(model)(x) - expected).detach().numpy()).max() < 1e-6
    parameters = dict(model.named_parameters())

    def loss(p: dict[str, Tensor], x: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(func.functional_call(model, p, (x[None],)), label[None])

    labels = LABELS % 2
    found = vmap(grad(loss), in_dims=(None, 0, 0))({k: v.detach() for k, v in parameters.items()}, x, labels)
    F.cross_entropy(model(x), labels, reduction="sum").backward()
    for key, value in parameters.items():
        assert found[key].shape == (5, *value.shape)
        np.testing.assert_allclose(found[key].sum(0).numpy(), value.grad.numpy(), atol=1e-5)


# -- every operation ------------------------------------------------------------------------------------------


def batches(r: Row) -> tuple[list[Tensor], list[list[Tensor]]]:
    """Return three draws of an operation's inputs: as batches, and one by one."""
    draws = [r.draw(seed) for seed in (0, 1, 2)]
    return [torch.tensor(np.stack(c)) for c in zip(*draws, strict=True)], [[torch.tensor(a) for a in d] for d in draws]


def listed(found: Any) -> list[Tensor]:
    return list(found) if isinstance(found, (tuple, list)) else [found]


@pytest.mark.parametrize("r", ROWS, ids=[r.name for r in ROWS])
def test_every_operation(r: Row) -> None:
    together, apart = batches(r)
    found = vmap(lambda *xs: listed(r.call(*xs)))(*together)
    for k, row in enumerate(apart):
        for many, one in zip(found, listed(r.call(*row)), strict=True):
            close(many[k], one)


@pytest.mark.parametrize("r", [r for r in ROWS if r.smooth], ids=[r.name for r in ROWS if r.smooth])
def test_every_gradient(r: Row) -> None:
    def total(*xs: Tensor) -> Any:
        results = [y for y in listed(r.call(*xs)) if y.is_floating_point()]
        return sum((y * y + y).sum() for y in results)

    together, apart = batches(r)
    wrt = tuple(i for i, x in enumerate(together) if x.is_floating_point())
    inside = vmap(grad(total, argnums=wrt))(*together)
    outside = grad(lambda *xs: vmap(total)(*xs).sum(), argnums=wrt)(*together)
    for k, row in enumerate(apart):
        for a, b, one in zip(inside, outside, grad(total, argnums=wrt)(*row), strict=True):
            close(a[k], one)
            close(b[k], one)


# -- random numbers -------------------------------------------------------------------------------------------


def noisy(x: Tensor) -> Tensor:
    return x + torch.rand(3) * torch.randn(3, dtype=torch.float64) + F.dropout(torch.ones(3), 0.5) + torch.randint(9, (3,))


def test_different_numbers_are_those_of_a_loop() -> None:
    torch.manual_seed(3)
    found, after = vmap(noisy, randomness="different")(X), torch.rand(2)
    torch.manual_seed(3)
    expected, then = looped(noisy, X), torch.rand(2)
    close(found, expected)
    assert after.tolist() == then.tolist()
    torch.manual_seed(3)
    close(vmap(noisy, randomness="different", chunk_size=2)(X), expected)
    torch.manual_seed(3)
    close(torch.compile(vmap(noisy, randomness="different"))(X), expected)
    assert torch.rand(2).tolist() == then.tolist()


def test_different_numbers_nested() -> None:
    def f(x: Tensor, y: Tensor) -> Any:
        return x * y + torch.rand(3)

    mapped = vmap(lambda y: vmap(lambda x: f(x, y), randomness="different")(X), randomness="different")
    torch.manual_seed(5)
    found = mapped(Y)
    torch.manual_seed(5)
    close(found, torch.stack([torch.stack([f(x, y) for x in X]) for y in Y]))
    torch.manual_seed(5)
    mixed = vmap(lambda y: vmap(lambda x: f(x, y), randomness="same")(X), randomness="different")(Y)
    torch.manual_seed(5)
    close(mixed, torch.stack([X * y + torch.rand(3) for y in Y]))


def test_same_numbers() -> None:
    torch.manual_seed(3)
    found, after = vmap(noisy, randomness="same")(X), torch.rand(2)
    torch.manual_seed(3)
    noise, then = noisy(torch.zeros(3, dtype=torch.float64)), torch.rand(2)
    close(found, X + noise)
    assert after.tolist() == then.tolist()
    torch.manual_seed(3)
    close(vmap(noisy, randomness="same", chunk_size=2)(X), X + noise)


def test_generators_of_ones_own() -> None:
    def f(x: Tensor) -> Tensor:
        return x + torch.rand(3, generator=source)

    source = torch.Generator().manual_seed(1)
    found = vmap(f, randomness="different")(X)
    source.manual_seed(1)
    close(found, looped(f, X))
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(f)(X)


def test_refused_randomness_draws_nothing() -> None:
    torch.manual_seed(3)
    with pytest.raises(
        RuntimeError, match=r"vmap: called random operation while in randomness error mode.*\n  at .*test_vmap.py"
    ):
        vmap(noisy)(X)
    after = torch.rand(2)
    torch.manual_seed(3)
    assert after.tolist() == torch.rand(2).tolist()


# -- errors ---------------------------------------------------------------------------------------------------


def identity(x: Tensor) -> Tensor:
    return x


def pair(x: Tensor) -> tuple[Tensor, Tensor]:
    return x, x


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "randomness": (
        lambda: vmap(identity, randomness="often"),
        RuntimeError,
        "Only allowed values for randomness are 'error', 'different', or 'same'. Got often",
    ),
    "chunk size": (
        lambda: vmap(identity, chunk_size=0),
        ValueError,
        "vmap: chunk_size should be None or greater than 0. (got 0)",
    ),
    "no inputs": (
        lambda: vmap(identity)(),
        ValueError,
        "vmap(identity)(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap "
        "over a function with no inputs. The latter is unsupported.",
    ),
    "in_dims": (
        lambda: vmap(identity, in_dims=None)(X),
        ValueError,
        "vmap(identity, in_dims=None, ...)(<inputs>): expected `in_dims` to be int or a (potentially nested) "
        "tuple matching the structure of inputs, got: <class 'NoneType'>.",
    ),
    "in_dims structure": (
        lambda: vmap(identity, in_dims=(0, 0))(X),
        ValueError,
        "vmap(identity, in_dims=(0, 0), ...)(<inputs>): in_dims is not compatible with the structure of "
        "`inputs`. in_dims has structure (*, *) but inputs has structure (*,).",
    ),
    "an in_dim": (
        lambda: vmap(identity, in_dims=("a",))(X),
        ValueError,
        "vmap(identity, in_dims=('a',), ...)(<inputs>): Got in_dim=a for an input but in_dim must be either "
        "an integer dimension or None.",
    ),
    "a number": (
        lambda: vmap(identity)(1.0),
        ValueError,
        "vmap(identity, in_dims=0, ...)(<inputs>): Got in_dim=0 for an input but the input is of type <class "
        "'float'>. We cannot vmap over non-Tensor arguments, please use None as the respective in_dim",
    ),
    "out of range": (
        lambda: vmap(identity, in_dims=4)(X),
        ValueError,
        "vmap(identity, in_dims=4, ...)(<inputs>): Got in_dim=4 for some input, but that input is a Tensor "
        "of dimensionality 2 so expected in_dim to satisfy -2 <= in_dim < 2.",
    ),
    "nothing mapped": (
        lambda: vmap(identity, in_dims=(None,))(X),
        ValueError,
        "vmap: Expected at least one Tensor to vmap over",
    ),
    "sizes": (
        lambda: vmap(lambda x, y: x)(X, W),
        ValueError,
        "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes [5, 3] for the mapped dimension",
    ),
    "out_dims": (
        lambda: vmap(identity, out_dims="a")(X),
        ValueError,
        "vmap(identity, ..., out_dims=a): `out_dims` must be an int, None or a python collection of ints "
        "representing where in the outputs the vmapped dimension should appear.",
    ),
    "out_dims structure": (
        lambda: vmap(pair, out_dims=(0,))(X),
        ValueError,
        "vmap(pair, ..., out_dims=(0,))(<inputs>): out_dims is not compatible with the structure of "
        "`outputs`. out_dims has structure (*,) but outputs has structure (*, *).",
    ),
    "out_dim None": (
        lambda: vmap(identity, out_dims=None)(X),
        ValueError,
        "vmap(identity, ...): `identity` can not return a BatchedTensor when out_dim is None",
    ),
    "out_dim range": (
        lambda: vmap(identity, out_dims=3)(X),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 3)",
    ),
    "no tensor": (
        lambda: vmap(lambda x: 1.0)(X),
        ValueError,
        "vmap(<lambda>, ...): `<lambda>` must only return Tensors, got type <class 'float'>. Did you mean to "
        "set out_dims= to None for output?",
    ),
    "nothing": (
        lambda: vmap(lambda x: None)(X),
        ValueError,
        "vmap(<lambda>, ...): `<lambda>` must only return Tensors, got type <class 'NoneType'>. Did you mean "
        "to set out_dims= to None for output?",
    ),
    "partial": (
        lambda: vmap(partial(identity))(),
        ValueError,
        "vmap(functools.partial(identity, ...))(<inputs>): got no inputs. Maybe you forgot to add inputs, or "
        "you are trying to vmap over a function with no inputs. The latter is unsupported.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, kind, line = REFUSED[name]
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind and str(caught.value).split("\n")[0] == line


def test_python_on_the_way() -> None:
    """A hook has its say where the gradient is taken inside, and where it is taken outside."""

    def f(x: Tensor) -> Tensor:
        y = x * 2
        y.register_hook(lambda g: g * 3)
        return (y**2).sum()

    close(vmap(grad(f))(X), 24 * X)
    close(grad(lambda x: vmap(f)(x).sum())(X), 24 * X)
    close(torch.compile(grad(lambda x: vmap(f)(x).sum()))(X), 24 * X)
    x = X.clone().requires_grad_()
    vmap(f)(x).sum().backward()
    close(x.grad, 24 * X)


def test_gradients_left_outside_are_refused() -> None:
    w = W.clone().requires_grad_()
    with pytest.raises(RuntimeError, match=r"writes to \.grad of a tensor from outside"):
        vmap(lambda x: (x @ w).sum().backward() or x)(X)
    assert w.grad is None


def test_training_step() -> None:
    """A compiled step that batches a loss per sample changes the parameters as the plain one does."""
    losses = []
    for loss in (
        lambda w: vmap(lambda x: (torch.tanh(x @ w) ** 2).sum())(X).mean(),
        lambda w: (torch.tanh(X @ w) ** 2).sum(1).mean(),
    ):
        w = W.clone().requires_grad_()
        optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)

        @torch.compile
        def step(w: Tensor = w, loss: Any = loss, optimizer: Any = optimizer) -> Tensor:
            optimizer.zero_grad()
            value = loss(w)
            value.backward()
            optimizer.step()
            return value

        losses.append([step().item() for _ in range(4)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)
    assert losses[0][3] < losses[0][0]


@pytest.mark.parametrize("look", [lambda y: y.item(), bool, lambda y: y.tolist(), repr, np.asarray])
def test_values_are_not_to_be_had(look: Callable[[Tensor], Any]) -> None:
    with pytest.raises(torch.TracingError, match=r"vmap: It looks like f .*got f64\[\] for each.*\n  at .*test_vmap.py"):

        def f(x: Tensor) -> Tensor:
            look(x.sum())
            return x

        vmap(f)(X)
    assert vmap(lambda x: x * W.sum().item())(X).shape == X.shape


def test_what_escapes() -> None:
    kept: list[Tensor] = []
    vmap(lambda x: kept.append(x * 2) or x)(X)
    with pytest.raises(torch.TracingError, match="tensors can leave a batched function only as results"):
        kept[0] + 1


def test_long_chains() -> None:
    def f(x: Tensor) -> Tensor:
        for _ in range(3000):
            x = x + 1
        return x

    close(vmap(f)(X), X + 3000)


def test_other_nodes_see_nothing() -> None:
    """What fails leaves everything outside as it was, and the next call works."""
    w = W.clone()

    def f(x: Tensor) -> Tensor:
        w.mul_(2)
        raise KeyError("no")

    with pytest.raises(KeyError):
        vmap(f)(X)
    close(w, W)
    close(vmap(lambda x: x @ w)(X), X @ W)


def test_numbers_to_be_fetched() -> None:
    """What optimizers ask for a number with gives in a batched function the number of this moment."""
    close(vmap(lambda x: x * capture_number(lambda: 2.0, torch.float64))(X), X * 2)


CLOSURES: dict[str, Any] = {
    "grad": lambda rows: grad(lambda x: (rows[0] * x * x).sum())(rows[1]),
    "detached": lambda rows: grad(lambda x: (rows[0] * x * x).sum())(rows[1].detach()),
    "vmap of grad": lambda rows: torch.vmap(grad(lambda x: (rows[0] * x).sum()))(rows).sum(0) * rows[1],
    "vjp": lambda rows: vjp(lambda x: rows[0] * x * x, rows[1])[1](rows[2])[0],
}


@pytest.mark.parametrize("name", CLOSURES)
def test_gradients_of_what_a_transform_within_a_batch_closes_over(name: str) -> None:
    start = np.arange(12.0).reshape(1, 3, 4) / 7 - 0.6
    weights = torch.arange(4.0, dtype=torch.float64)

    def loss(a: Any) -> Any:
        return (torch.vmap(CLOSURES[name])(a) * weights).sum()

    found = grad(loss)(torch.tensor(start))
    leaf = torch.tensor(start, requires_grad=True)
    loss(leaf).backward()
    step = 1e-6
    for at in np.ndindex(start.shape):
        if name == "detached" and at[1] == 1:
            continue  # a difference would see what is detached
        moved = [start.copy(), start.copy()]
        moved[0][at] += step
        moved[1][at] -= step
        want = (loss(torch.tensor(moved[0])).item() - loss(torch.tensor(moved[1])).item()) / (2 * step)
        assert found[at].item() == pytest.approx(want, abs=1e-6) and leaf.grad[at].item() == pytest.approx(want, abs=1e-6)
