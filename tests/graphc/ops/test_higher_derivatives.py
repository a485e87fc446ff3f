"""First, second and third derivatives at special points: ties, zeros, ends of domains, and far out where exp saturates.

Formulas that avoid overflow by `abs` or `maximum` have the right value and gradient there, and a wrong second
derivative: the rules of these two have a subgradient at the tie.  The expected values are torch's; NaN of torch is
skipped, and so are the few points of INEXACT, where torch is known to be wrong or to have a convention of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc.nn import functional as F

ONE = (
    0.0, -0.0, 0.25, -0.25, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.0, 3.0, -3.0, 6.0, -6.0, 20.0, -20.0, 100.0, -100.0,
    1e3, -1e3, 1e-4, np.pi,
)  # fmt: skip
PAIR = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 20.0, -20.0, 100.0, -100.0, 1e3, -1e3, 0.7)
ROWS = (
    (0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 0.0, -1.0), (2.0, 2.0, 1.0, 2.0), (0.0, 1.0, 2.0, 3.0),
    (0.0, 0.0, 3.0, 0.0), (100.0, 100.0, -100.0, 0.0), (20.0, -20.0, 20.0, -20.0), (0.5, -0.5, 0.5, -0.5),
    (-0.0, 0.0, -0.0, 1.0), (3.0, 2.0, 1.0, 0.0),
)  # fmt: skip

Function = Callable[..., Any]
"""Called as `f(G, F, *operands)` with graphc's modules or torch's."""


def _named(module: str, names: str, **options: Any) -> dict[str, Function]:
    def call(name: str) -> Function:
        return lambda m, nn, *xs: getattr(nn if module == "F" else m, name)(*xs, **options)

    return {f"{module}.{name}": call(name) for name in names.split()}


UNARY: dict[str, Function] = {
    **_named("G", "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh"),
    **_named("G", "sigmoid erf sinc logit square reciprocal abs neg sign floor round trunc frac deg2rad nan_to_num"),
    **_named("F", "relu leaky_relu elu selu celu gelu silu mish softplus softsign logsigmoid hardtanh relu6 hardswish"),
    **_named("F", "tanhshrink softshrink hardshrink"),
    "F.elu alpha": lambda m, nn, x: nn.elu(x, 0.5),
    "F.celu alpha": lambda m, nn, x: nn.celu(x, 0.5),
    "F.gelu tanh": lambda m, nn, x: nn.gelu(x, approximate="tanh"),
    "clamp": lambda m, nn, x: m.clamp(x, -1, 2),
    **{f"x**{e}": lambda m, nn, x, e=e: x**e for e in (0, 1, 2, 3, 0.5, 1.5, -1)},
    **{f"{b}**x": lambda m, nn, x, b=b: b**x for b in (0.5, 1.0, 2)},
}
BINARY: dict[str, Function] = {
    **_named("G", "mul div pow maximum minimum fmax fmin atan2 hypot logaddexp logaddexp2 xlogy fmod remainder copysign"),
    **_named(
        "F", "mse_loss smooth_l1_loss huber_loss binary_cross_entropy_with_logits kl_div poisson_nll_loss", reduction="none"
    ),
    "bce pos_weight": lambda m, nn, x, y: nn.binary_cross_entropy_with_logits(
        x, y, reduction="none", pos_weight=m.tensor(2.0, dtype=m.float64)
    ),
    "bce": lambda m, nn, x, y: nn.binary_cross_entropy(m.sigmoid(x), m.sigmoid(y), reduction="none"),
    "huber delta": lambda m, nn, x, y: nn.huber_loss(x, y, reduction="none", delta=0.5),
    "smooth_l1 beta": lambda m, nn, x, y: nn.smooth_l1_loss(x, y, reduction="none", beta=0.5),
    "where": lambda m, nn, x, y: m.where(x >= y, x * y, y * y * x),
    "clamp tensor": lambda m, nn, x, y: m.clamp(x, y),
}
VECTOR: dict[str, Function] = {
    **_named("G", "prod var std amax amin median norm"),
    **_named("G", "logsumexp cumprod logcumsumexp", dim=0),
    **_named("F", "softmax log_softmax softmin normalize", dim=0),
    **{f"norm {p}": lambda m, nn, x, p=p: m.linalg.vector_norm(x, p) for p in (0.5, 1.5, 2.5, 3.0, 4.0, float("inf"))},
    "max, min": lambda m, nn, x: m.max(x, 0)[0] * m.min(x),
    "sort": lambda m, nn, x: m.sort(x, stable=True)[0] ** 2,
    "layer_norm": lambda m, nn, x: nn.group_norm(x.reshape(1, 2, 2), 1),
    "rms_norm": lambda m, nn, x: nn.rms_norm(x, (4,), eps=0.1),
    "cross_entropy": lambda m, nn, x: nn.cross_entropy(x[None], m.tensor([1]), label_smoothing=0.1),
    "attention": lambda m, nn, x: nn.scaled_dot_product_attention(*[x.reshape(2, 2)] * 3),
    "max_pool": lambda m, nn, x: nn.max_pool1d(x[None, None], 2, 1) ** 2,
    "einsum": lambda m, nn, x: m.einsum("ii,ij->j", x.reshape(2, 2), x.reshape(2, 2)),
}

INEXACT: dict[tuple[str, int], Callable[..., Any]] = {
    ("G.sinc", 1): lambda x: np.abs(x) <= 1e-4,  # torch divides digits away
    ("F.softplus", 1): lambda x: x == 20,  # torch: 0 at its threshold
    ("bce", 1): lambda x, y: np.abs(x) >= 20,  # torch clamps x (1 - x) but not the logarithms in the gradient
    ("x**0.5", 2): lambda x: x == 0,  # which infinity it is at -0.0, where torch differentiates a power and not a root
    ("x**1.5", 2): lambda x: x == 0,
    ("G.pow", 2): lambda x, y: y == 0,  # torch: 0 for the derivative of y x**(y - 1) by y
    ("G.pow", 3): lambda x, y: (x == 0) | (y == 0) | (y == 1),
}
"""By function and least order: the points that are not compared."""


def _tensor(m: Any, value: Any) -> Any:
    return m.tensor(np.asarray(value).tolist(), dtype=m.float64)


def _weights(order: int, like: Any, ones: bool) -> np.ndarray:
    shape = tuple(like.shape)
    return np.ones(shape) if ones else np.random.default_rng(order).uniform(0.3, 1.2, shape)


def reverse(m: Any, f: Function, path: Sequence[int], ones: bool, *xs: Any) -> list[Any]:
    """Return f, then its gradients by the operands of `path` one after another, summed up with fixed weights."""
    results = [f(*xs)]
    for order, i in enumerate(path):
        total = (results[-1] * _tensor(m, _weights(order, results[-1], ones))).sum()
        if total.requires_grad:
            (slope,) = m.autograd.grad(total, xs[i], create_graph=True, allow_unused=True)
        results.append(xs[i] * 0 if not total.requires_grad or slope is None else slope)
    return results


def forward(f: Function, path: Sequence[int], xs: Sequence[Any]) -> list[Any]:
    """Return an elementwise f and its derivatives along `path`: the first by reverse mode, the others forward over it."""

    def along(g: Function, i: int) -> Function:
        return lambda *xs: G.func.jvp(lambda x: g(*xs[:i], x, *xs[i + 1 :]), (xs[i],), (G.ones_like(xs[i]),))[1]

    first = G.func.grad(lambda *xs: f(*xs).sum(), argnums=path[0])
    second = along(first, path[1])
    return [g(*xs) for g in (f, first, second, along(second, path[2]))]


def arrays(kind: str) -> list[tuple[np.ndarray, ...]]:
    if kind == "vector":
        return [(np.array(row),) for row in ROWS]
    return [tuple(a.ravel() for a in np.meshgrid(*[PAIR if kind == "binary" else ONE] * (1 + (kind == "binary"))))]


def differentiate(m: Any, nn: Any, f: Function, path: Sequence[int], ones: bool, points: Sequence[np.ndarray]) -> list[Any]:
    xs = [_tensor(m, p).requires_grad_() for p in points]
    return [np.array(r.detach().tolist()) for r in reverse(m, lambda *v: f(m, nn, *v), path, ones, *xs)]


def compare(name: str, points: Sequence[np.ndarray], path: Sequence[int], got: Sequence[Any], want: Sequence[Any]) -> None:
    for order, (have, expected) in enumerate(zip(got, want, strict=True)):
        known = ~np.isnan(expected)
        for (inexact, least), excluded in INEXACT.items():
            if inexact == name and order >= least:
                known &= ~excluded(*points)
        wrong = known & ~np.isclose(have, expected, rtol=1e-6, atol=1e-9)
        at = [p[wrong] for p in points] if points[0].shape == wrong.shape else points
        assert not wrong.any(), f"{name} {path[:order]}: {np.asarray(have)[wrong]}, not {expected[wrong]}, at {at}"


CASES = [(kind, name) for kind, table in (("unary", UNARY), ("binary", BINARY), ("vector", VECTOR)) for name in table]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda v: v)
def test_three_derivatives_are_those_of_torch(kind: str, name: str) -> None:
    torch = pytest.importorskip("torch")
    f = {**UNARY, **BINARY, **VECTOR}[name]
    ones = kind != "vector"
    for points, path in product(arrays(kind), product(range(1 + (kind == "binary")), repeat=3)):
        if name in ("G.abs", "norm inf"):  # torch's second derivative is a tensor that it cannot print
            path = path[:1]
        want = differentiate(torch, torch.nn.functional, f, path, ones, points)
        compare(name, points, path, differentiate(G, F, f, path, ones, points), want)
        xs = [G.tensor(p) for p in points]
        if ones and len(path) == 3:
            derivatives = forward(lambda *v: f(G, F, *v), path, xs)
            finite = [np.where(np.isfinite(w), w, np.nan) for w in want]  # forward mode makes inf * 0 of zero tangents
            compare(name, points, path, [d.detach().numpy() for d in derivatives], finite)
        if path in ((0, 0, 0), (0, 1, 0)):
            run = G.compile(lambda *v, path=path: reverse(G, lambda *v: f(G, F, *v), path, ones, *v))
            compiled = run(*(x.requires_grad_() for x in xs))
            compare(name, points, path, [d.detach().numpy() for d in compiled], want)


LOGISTIC = 0.25
"""The second derivative of log(1 + exp(x)) at 0."""


@pytest.mark.parametrize(
    ("f", "want"),
    [
        (lambda x: F.logsigmoid(x), -LOGISTIC),
        (lambda x: F.binary_cross_entropy_with_logits(x, G.ones_like(x), reduction="none"), LOGISTIC),
        (lambda x: F.binary_cross_entropy_with_logits(x, x * 0 + 0.5, pos_weight=x * 0 + 3, reduction="none"), 2 * LOGISTIC),
        (lambda x: F.softplus(x), LOGISTIC),
        (lambda x: G.logaddexp(x, x * 0), LOGISTIC),
        (lambda x: G.logaddexp(x * 0, x), LOGISTIC),
        (lambda x: G.logaddexp2(x, x * 0), LOGISTIC * np.log(2)),
        (lambda x: G.logcumsumexp(G.stack([x * 0, x]), 0)[1], LOGISTIC),
        (lambda x: G.logsumexp(G.stack([x * 0, x]), 0), LOGISTIC),
    ],
)
def test_second_derivatives_at_a_tie_have_both_sides(f: Any, want: float) -> None:
    x = G.zeros((), dtype=G.float64)
    for hessian in (
        G.func.hessian(f),
        G.compile(G.func.hessian(f)),
        G.func.jacrev(G.func.jacfwd(f)),
        G.func.jacfwd(G.func.jacfwd(f)),
    ):
        assert hessian(x).item() == pytest.approx(want)


def test_derivatives_of_a_gradient_that_is_zero_by_convention_are_not_invented() -> None:
    zero = G.zeros((), dtype=G.float64)
    for f in (lambda x, y: G.atan2(x, y), lambda x, y: G.pow(x, y)):
        assert G.func.grad(f)(zero, zero).item() == 0
        assert np.isnan(G.func.jacrev(G.func.grad(f), argnums=1)(zero, zero).item())
    rest = G.func.jacrev(G.func.grad(G.fmod), argnums=1)(zero + 0.5, zero)
    assert rest.item() == 0


def test_median_of_all_shares_its_gradient_as_max_does() -> None:
    for values, want in (
        ([1.0, 1.0, 0.0, 3.0], [0.5, 0.5, 0, 0]),
        ([2.0, 1.0, 3.0], [1, 0, 0]),
        ([-np.inf] * 3 + [1.0], [1 / 3] * 3 + [0]),
        ([np.nan, 1.0, np.nan], [0.5, 0, 0.5]),
    ):
        x = G.tensor(values, dtype=G.float64)
        for grad in (G.func.grad(G.median), G.compile(G.func.grad(G.median))):
            np.testing.assert_allclose(grad(x).numpy(), want)
        _, slope = G.func.jvp(G.median, (x,), (G.arange(len(values), dtype=G.float64),))
        assert slope.item() == pytest.approx(np.dot(want, np.arange(len(values))))
    x = G.tensor([-0.0, -0.0], requires_grad=True)
    assert np.signbit(G.median(x).item()) and G.median(G.tensor([3, 1, 2])).item() == 2


def test_gradients_at_nan_are_those_of_the_piece_that_nan_falls_into(run: Any) -> None:
    x = G.tensor([np.nan, 4.0, 0.0, -4.0, 3.0, -3.0], dtype=G.float64)
    swish = run(G.func.grad(lambda x: F.hardswish(x).sum()))(x)
    np.testing.assert_allclose(swish.numpy(), [1, 1, 0.5, 0, 1, 0])
    sigmoid = run(G.func.grad(lambda x: F.hardsigmoid(x).sum()))(x)
    np.testing.assert_allclose(sigmoid.numpy(), [0, 0, 1 / 6, 0, 0, 0])
