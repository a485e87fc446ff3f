"""Programs with loops and derivatives against jax.jit, one thread, in turns: time of a call, and of the first one.

    python benchmarks/programs.py [part of a row's name ...]

Needs jax, and torch for the LSTM.  Values and gradients of both sides are compared before anything is timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import turns

import jax  # isort: skip
import jax.numpy as jnp  # isort: skip
import numpy as np  # isort: skip
from jax import lax  # isort: skip

import graphc

Array = np.ndarray[Any, Any]
Side = Callable[..., Any]
"""A function of arrays, not yet compiled."""


class Row(NamedTuple):
    """One program: both sides' functions, their arguments, how much faster ours is to be, and how near the results."""

    name: str
    ours: Side
    theirs: Side | None
    args: tuple[Array, ...]
    bar: float
    near: float = 1e-9
    rival: str = "jax"


def rng() -> np.random.Generator:
    """Return the same numbers for every row."""
    return np.random.default_rng(0)


# -- loops of small states --------------------------------------------------------------------------------


def scalars() -> Row:
    """A scan of 1,000 steps whose carry is 80 scalars, a sine each."""
    n, steps = 80, 1000

    def value(m: Any, scan: Side, start: Any) -> Any:
        def body(carry: Any, _: Any) -> Any:
            return tuple(carry[i] + 0.01 * m.sin(carry[(i + 1) % n]) for i in range(n)), None

        last, _ = scan(body, tuple(start[i] for i in range(n)), None, length=steps)
        return sum(x * x for x in last)

    return Row(
        "80 scalars, 1,000 steps",
        graphc.func.grad_and_value(lambda x: value(graphc, graphc.scan, x)),
        swapped(jax.value_and_grad(lambda x: value(jnp, lax.scan, x))),
        (rng().standard_normal(n),),
        30,
    )


def matrices() -> Row:
    """A scan of 10,000 steps multiplying a 3×3 carry."""

    def value(scan: Side, w: Any, start: Any) -> Any:
        last, _ = scan(lambda c, _: (c @ w, None), start, None, length=10_000)
        return (last * last).sum()

    q, _ = np.linalg.qr(rng().standard_normal((3, 3)))
    return Row(
        "3x3 matrices, 10,000 steps",
        graphc.func.grad_and_value(lambda w, s: value(graphc.scan, w, s), argnums=(0, 1)),
        swapped(jax.value_and_grad(lambda w, s: value(lax.scan, w, s), argnums=(0, 1))),
        (q, rng().standard_normal((3, 3))),
        25,
        1e-7,
    )


def roots() -> Row:
    """A while of 1e6 iterations of a few scalar operations with a square root."""

    def last(m: Any, loop: Side, x: Any) -> Any:
        def body(i: Any, a: Any, b: Any) -> Any:
            return i + 1, m.sqrt(a * 0.5 + 1.5) + b * 1e-3, a

        return loop(lambda i, a, b: i < 1_000_000, body, (m.zeros((), dtype=m.int64), x, x))[1]

    def theirs(test: Side, body: Side, carried: Any) -> Any:
        return lax.while_loop(lambda s: test(*s), lambda s: body(*s), carried)

    return Row(
        "while, 1e6 square roots",
        lambda x: last(graphc, graphc.while_loop, x),
        lambda x: last(jnp, theirs, x),
        (np.array(0.3),),
        1.3,
    )


def runge_kutta() -> Row:
    """RK4 of two coupled equations, 5,000 steps, gradient by 4 parameters."""
    h = 0.002

    def value(scan: Side, p: Any) -> Any:
        def slope(x: Any, y: Any) -> Any:
            return p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y

        def body(s: Any, _: Any) -> Any:
            x, y = s
            a, b = slope(x, y)
            c, d = slope(x + h / 2 * a, y + h / 2 * b)
            e, f = slope(x + h / 2 * c, y + h / 2 * d)
            g, k = slope(x + h * e, y + h * f)
            return (x + h / 6 * (a + 2 * c + 2 * e + g), y + h / 6 * (b + 2 * d + 2 * f + k)), None

        (x, y), _ = scan(body, (p[0] * 0 + 1.0, p[0] * 0 + 1.5), None, length=5000)
        return x * x + y

    return Row(
        "RK4, 5,000 steps",
        graphc.func.grad_and_value(lambda p: value(graphc.scan, p)),
        swapped(jax.value_and_grad(lambda p: value(lax.scan, p))),
        (np.array([1.1, 0.4, 0.1, 0.4]),),
        60,
    )


# -- loops and stencils of large arrays -------------------------------------------------------------------


def newton(m: Any, e: Any, eccentricity: Any, anomaly: Any) -> Any:
    """Return the next guess of Kepler's E = M + e sin E."""
    return e - (e - eccentricity * m.sin(e) - anomaly) / (1 - eccentricity * m.cos(e))


def kepler_value(m: Any, loop: Side, eccentricity: Any, anomaly: Any) -> Any:
    """Return the mean sine of the solutions after 8 steps."""
    return m.sin(loop(0, 8, lambda i, e: newton(m, e, eccentricity, anomaly), anomaly)).mean()


def anomalies() -> tuple[Array, Array]:
    """Return eccentricities and mean anomalies."""
    return rng().uniform(0.0, 0.6, 100_000), rng().uniform(-3, 3, 100_000)


def kepler() -> Row:
    """Kepler's equation by 8 Newton steps, value and gradient by eccentricity and anomaly."""
    return Row(
        "Kepler, 8 Newton steps, 1e5",
        graphc.func.grad_and_value(lambda e, m: kepler_value(graphc, graphc.fori_loop, e, m), argnums=(0, 1)),
        swapped(jax.value_and_grad(lambda e, m: kepler_value(jnp, lax.fori_loop, e, m), argnums=(0, 1))),
        anomalies(),
        60,
    )


def kepler_while() -> Row:
    """The same until all have converged, which jax refuses; the rival is the fixed-trip form."""

    def value(e: Any, m: Any) -> Any:
        def body(guess: Any, change: Any) -> Any:
            after = newton(graphc, guess, e, m)
            return after, (after - guess).abs().max()

        guess, _ = graphc.while_loop(lambda guess, change: change > 1e-12, body, (m, m.sum() * 0 + 1.0))
        return graphc.sin(guess).mean()

    ours = graphc.func.grad_and_value(value, argnums=(0, 1))
    return Row("Kepler, while", ours, graphc.compile(kepler().ours), anomalies(), 0.5, rival="fixed")


def regularizer() -> Row:
    """The gradient of half the sum of squared forward differences on a 128^3 grid."""

    def value(x: Any) -> Any:
        a, b, c = x[1:] - x[:-1], x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1]
        return 0.5 * ((a * a).sum() + (b * b).sum() + (c * c).sum())

    x = rng().standard_normal((128, 128, 128)).astype(np.float32)
    return Row("regularizer, 128^3", graphc.func.grad(value), jax.grad(value), (x,), 6, 1e-4)


def variation() -> Row:
    """The same of the smoothed total variation, a square root at every point."""

    def value(m: Any, x: Any) -> Any:
        corner = x[:-1, :-1, :-1]
        a, b, c = x[1:, :-1, :-1] - corner, x[:-1, 1:, :-1] - corner, x[:-1, :-1, 1:] - corner
        return m.sqrt(a * a + b * b + c * c + 1e-3).sum()

    x = rng().standard_normal((128, 128, 128)).astype(np.float32)
    ours, theirs = graphc.func.grad(lambda x: value(graphc, x)), jax.grad(lambda x: value(jnp, x))
    return Row("total variation, 128^3", ours, theirs, (x,), 6, 1e-4)


def leapfrog() -> Row:
    """64 bodies, 1,000 steps, gradient by the initial state."""
    n, h = 64, 1e-4

    def value(m: Any, scan: Side, x: Any, v: Any, mass: Any) -> Any:
        def force(x: Any) -> Any:
            d = x[None, :, :] - x[:, None, :]
            r2 = (d * d).sum(-1) + 1e-2
            return ((mass / (r2 * m.sqrt(r2)))[:, :, None] * d).sum(1)

        def body(s: Any, _: Any) -> Any:
            x, v = s
            half = v + 0.5 * h * force(x)
            x = x + h * half
            return (x, half + 0.5 * h * force(x)), None

        (x, v), _ = scan(body, (x, v), None, length=1000)
        return (x * x).sum() + (v * v).sum()

    args = rng().standard_normal((n, 3)), rng().standard_normal((n, 3)), rng().uniform(0.5, 1, n)
    return Row(
        "leapfrog, 64 bodies",
        graphc.func.grad_and_value(lambda x, v, m: value(graphc, graphc.scan, x, v, m), argnums=(0, 1)),
        swapped(jax.value_and_grad(lambda x, v, m: value(jnp, lax.scan, x, v, m), argnums=(0, 1))),
        args,
        20,
        1e-7,
    )


# -- derivatives of models --------------------------------------------------------------------------------


def logistic() -> Row:
    """The Hessian of a 100-parameter logistic model on 200 rows."""

    def value(m: Any, w: Any, x: Any, y: Any) -> Any:
        return m.log1p(m.exp(-y * (x @ w))).mean() + 0.01 * (w * w).sum()

    x = rng().standard_normal((200, 100))
    args = 0.1 * rng().standard_normal(100), x, np.sign(rng().standard_normal(200))
    ours, theirs = (lambda w, x, y, m=m: value(m, w, x, y) for m in (graphc, jnp))
    return Row("Hessian, logistic 200x100", graphc.func.hessian(ours), jax.hessian(theirs), args, 2)


def penalty() -> Row:
    """The gradient of a function of a gradient: MLP 64-128-1, batch 256."""

    def value(m: Any, gradient: Side, w: Any, b: Any, u: Any, x: Any) -> Any:
        slope = gradient(lambda x: (m.tanh(x @ w + b) @ u).sum())(x)
        norm = ((slope * slope).sum(1) + 1e-6) ** 0.5
        return ((norm - 1) ** 2).mean()

    def normal(*shape: int) -> Array:
        return (rng().standard_normal(shape) / shape[0] ** 0.5).astype(np.float32)

    args = normal(64, 128), normal(128), normal(128, 1), rng().standard_normal((256, 64)).astype(np.float32)
    ours = graphc.func.grad(lambda *args: value(graphc, graphc.func.grad, *args), (0, 1, 2))
    theirs = jax.grad(lambda *args: value(jnp, jax.grad, *args), (0, 1, 2))
    return Row("gradient penalty", ours, theirs, args, 1.2, 1e-3)


def lstm() -> Row:
    """An LSTM over 100 steps, batch 32, hidden 128, forward and backward; the rival is torch's own kernel."""
    steps, batch, size = 100, 32, 128
    r = rng()

    def normal(*shape: int) -> Array:
        return (r.standard_normal(shape) / size**0.5).astype(np.float32)

    x = r.standard_normal((steps, batch, size)).astype(np.float32)
    args = normal(4 * size, size), normal(4 * size, size), normal(4 * size), normal(4 * size), x

    def value(w_in: Any, w_state: Any, b_in: Any, b_state: Any, x: Any) -> Any:
        def body(s: Any, item: Any) -> Any:
            h, c = s
            gates = item @ w_in.T + b_in + h @ w_state.T + b_state
            i, f, g, o = gates.chunk(4, 1)
            c = graphc.sigmoid(f) * c + graphc.sigmoid(i) * graphc.tanh(g)
            h = graphc.sigmoid(o) * graphc.tanh(c)
            return (h, c), h

        zero = graphc.zeros(batch, size)
        _, out = graphc.scan(body, (zero, zero), x)
        return (out * out).mean()

    ours = graphc.func.grad_and_value(value, argnums=(0, 1, 2, 3, 4))
    return Row("LSTM, 100 steps", ours, torch_lstm(args), args, 1.2, 1e-3, "torch")


def torch_lstm(args: tuple[Array, ...]) -> Side:
    """Return the same with torch's own kernel."""
    import torch

    torch.set_num_threads(1)
    size = args[0].shape[1]
    model = torch.nn.LSTM(size, size)
    for parameter, array in zip(model.parameters(), args, strict=False):
        parameter.data = torch.from_numpy(array.copy())
    x = torch.from_numpy(args[-1].copy()).requires_grad_()

    def run(*_: Any) -> Any:
        model.zero_grad()
        x.grad = None
        out, _ = model(x)
        value = (out * out).mean()
        value.backward()
        return [*(p.grad for p in model.parameters()), x.grad], value.detach()

    return run


ROWS = (scalars, matrices, roots, kepler, kepler_while, regularizer, variation, leapfrog, runge_kutta, logistic, penalty, lstm)


# -- measuring --------------------------------------------------------------------------------------------


def swapped(function: Side) -> Side:
    """Return jax's (value, gradients) in the order of torch's (gradients, value)."""

    def gradient_and_value(*args: Any) -> Any:
        value, gradient = function(*args)
        return gradient, value

    return gradient_and_value


def flat(result: Any) -> list[Array]:
    """Return the arrays of a nest."""
    if isinstance(result, (tuple, list)):
        return [x for part in result for x in flat(part)]
    return [np.asarray(result)]


def check(row: Row, ours: Any, theirs: Any) -> None:
    """Compare all results, relative to the largest number in each."""
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=row.near * max(1e-30, float(np.abs(b).max())), err_msg=row.name)


def measure(row: Row) -> None:
    """Check and time one row, and print it."""
    compiled = graphc.compile(row.ours)
    ours = lambda: compiled(*row.args)  # noqa: E731
    seconds = {"graphc": first_call(ours)}
    calls: dict[str, Callable[[], Any]] = {"graphc": ours}
    if row.theirs is not None:
        calls[row.rival] = rival = theirs_of(row)
        seconds[row.rival] = first_call(rival)
        check(row, ours(), rival())
    times = turns.in_turns(calls, rounds=9, least=0.02)
    mine, other = times["graphc"] * 1e3, times.get(row.rival, float("nan")) * 1e3
    compiling = f"{seconds['graphc'] * 1e3:8.0f} {seconds.get(row.rival, float('nan')) * 1e3:8.0f}"
    print(f"{row.name:28} {mine:9.3f} {other:9.3f} {other / mine:7.2f} {row.bar:5.1f}  {compiling}  {row.rival}", flush=True)


def first_call(call: Callable[[], Any]) -> float:
    """Return the seconds of the very first call less those of the second: what compiling took."""
    first = turns.seconds(call)
    return max(first - turns.seconds(call), 0.0)


def theirs_of(row: Row) -> Callable[[], Any]:
    """Return a call of the other side that waits for its results."""
    assert row.theirs is not None
    function = row.theirs
    if row.rival != "jax":
        return lambda: function(*row.args)
    compiled, given = jax.jit(function), [jnp.asarray(a) for a in row.args]
    return lambda: jax.block_until_ready(compiled(*given))


def main(wanted: list[str]) -> None:
    """Measure the rows whose name contains one of the words, or all."""
    turns.one_thread()
    graphc.compile(lambda x: x + 1)(np.ones(4))
    jax.block_until_ready(jax.jit(lambda x: x + 1)(jnp.ones(4)))
    print(f"{'program':28} {'graphc ms':>9} {'other ms':>9} {'ratio':>7} {'bar':>5}  {'compile':>8} {'theirs':>8}")
    for make in ROWS:
        try:
            row = make()
            if wanted and not any(word in row.name for word in wanted):
                continue
            measure(row)
        except Exception as error:
            print(f"{make.__name__:28} {type(error).__name__}: {str(error).splitlines()[0][:90]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
