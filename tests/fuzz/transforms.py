"""The kind `transforms`: function transforms, loops and compiled functions nested in one another, against torch.

Every function reads what the functions around it have computed, so that derivatives lead out of each of them.  Values are
vectors of two numbers.  torch runs the same text with Python loops; a program that it refuses, or for which graphc raises a
TracingError (a compiled function takes a gradient that leads out of it), is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

import graphc
from graphc.core.errors import TracingError
from tests.fuzz.cases import real_torch
from tests.fuzz.kinds import Report

__all__ = ["Drawing", "run", "square"]


def square(m: Any) -> Any:
    """Return x * x as a custom function of a library, graphc or torch, with a derivative in Python."""

    class Square(m.autograd.Function):  # type: ignore[misc]
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            return x * x

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 * ctx.saved_tensors[0]

    return Square


PRELUDE = """from tests.fuzz.transforms import square

Square = square(m)


"""

SIMPLE = ("{0} * {1} * 0.7", "m.sin({0}) + {1} * 0.1", "{0}.sum() * {1} * 0.5", "({0} @ {1}) * {0}", "Square.apply({0}) * 0.5")

NESTED = (
    "m.func.grad(lambda z: {f}(z).sum())({0})", "m.func.vjp({f}, {0})[1]({1})[0]", "m.func.jvp({f}, ({0},), ({1}.clone(),))[1]",
    "m.func.jacrev({f})({0}).sum(0)", "m.func.jacfwd({f})({0}).sum(0)", "m.vmap({f})(m.stack([{0}, {1}])).sum(0)",
    "m.vmap(m.func.grad(lambda z: {f}(z).sum()))(m.stack([{0}, {1} * 0.5])).sum(0)", "m.compile({f})({0})",
    "m.vmap(m.compile({f}))(m.stack([{0}, {1}])).sum(0)", "m.compile(m.func.grad(lambda z: {f}(z).sum()))({0})",
    "m.fori_loop(0, 3, lambda i, c: {f}(c) + {1} * c * 0.1, {0})",
    "m.cond(m.tensor({yes}), {f}, lambda z: {1} * 0.5 + 0 * z, ({0},))",
    "(lambda r: r[0] + r[1].sum(0))(m.scan(lambda c, u: (lambda d: (d, d * {1}))({f}(c + u)), {0}, m.stack([{1}, {1} * 2.0])))",
)  # fmt: skip

OUTER: dict[str, Callable[[Any, Any, Any], Any]] = {
    "value": lambda m, f, x: f(x),
    "grad": lambda m, f, x: m.func.grad(lambda x: f(x).sum())(x),
    "jacrev": lambda m, f, x: m.func.jacrev(f)(x),
    "jvp": lambda m, f, x: m.func.jvp(f, (x,), (m.ones_like(x),))[1],
    "hessian": lambda m, f, x: m.func.hessian(lambda x: f(x).sum())(x),
    "each gradient": lambda m, f, x: m.vmap(m.func.grad(lambda x: f(x).sum()))(m.stack([x, x * 0.3])),
    "backward": lambda m, f, x: _backward(m, f, x),
}


def _backward(m: Any, f: Any, x: Any) -> Any:
    leaf = x.clone().requires_grad_()
    total = f(leaf).sum()
    if total.requires_grad:
        total.backward()
    return m.zeros_like(x) if leaf.grad is None else leaf.grad


class Drawing:
    """A program in the making: nested functions, each with its own variables and those around it."""

    def __init__(self, random: Random) -> None:
        self.random, self.count = random, 0

    def text(self) -> str:
        """Draw a function `f` and return the text of the program."""
        return PRELUDE + "\n".join(self._function("f", self.random.choice((1, 2, 2, 3)), [], "")) + "\n"

    def _name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def _function(self, name: str, depth: int, around: list[str], indent: str) -> list[str]:
        argument = self._name("x")
        scope, inside = [*around, argument], indent + "    "
        lines = [f"{indent}def {name}({argument}):"]
        for _ in range(self.random.choice((1, 2, 3))):
            operands = [self.random.choice(scope) for _ in range(2)]
            if depth and self.random.random() < 0.55:
                inner = self._name("f")
                lines += self._function(inner, depth - 1, scope, inside)
                text = self.random.choice(NESTED).format(*operands, f=inner, yes=self.random.random() < 0.5)
            else:
                text = self.random.choice(SIMPLE).format(*operands)
            scope.append(self._name("v"))
            lines.append(f"{inside}{scope[-1]} = m.tanh({text})")
        return [*lines, f"{inside}return {scope[-1]}"]


class _Torch:
    """torch, with Python loops in the place of graphc's, and functions as they are in that of compiled ones."""

    def __getattr__(self, name: str) -> Any:
        return getattr(real_torch, name)

    @staticmethod
    def compile(f: Any) -> Any:
        return f

    @staticmethod
    def fori_loop(start: int, end: int, body: Any, carried: Any) -> Any:
        for i in range(start, end):
            carried = body(i, carried)
        return carried

    @staticmethod
    def cond(predicate: Any, yes: Any, no: Any, operands: Any) -> Any:
        return (yes if predicate else no)(*operands)

    def scan(self, body: Any, carried: Any, items: Any) -> Any:
        stacked = []
        for item in items:
            carried, y = body(carried, item)
            stacked.append(y)
        return carried, self.stack(stacked)


def outcome(m: Any, text: str, outer: str, number: int) -> np.ndarray[Any, Any]:
    """Return what an outer transform of the program's function gives at a random point."""
    names: dict[str, Any] = {"m": m}
    exec(text, names)
    point = np.random.default_rng(number).uniform(-1, 1, 2)
    return np.asarray(OUTER[outer](m, names["f"], m.tensor(point)).detach().numpy())


def run(seed: int, seconds: float, count: int | None = None) -> Report:
    """Check the programs of the seeds from `seed` on; none where torch is not installed."""
    report, end = Report("transforms", seed), time.monotonic() + seconds
    while real_torch is not None and time.monotonic() < end and (count is None or report.cases < count):
        number = seed + report.cases
        random = Random(number)
        text, outer = Drawing(random).text(), random.choice(list(OUTER))
        report.cases += 1
        try:
            want = outcome(_Torch(), text, outer, number)
        except Exception:  # such as forward mode through a function with a backward alone
            report.counts["refused by torch"] += 1
            continue
        wrong = ""
        try:
            got = outcome(graphc, text, outer, number)
        except TracingError:
            report.counts["refused while tracing"] += 1
            continue
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        else:
            if got.shape != want.shape or not np.allclose(got, want, rtol=1e-7, atol=1e-9, equal_nan=True):
                wrong = f"{got.ravel()[:4]}, expected {want.ravel()[:4]}"
        report.checks += 1
        report.counts[outer] += 1
        if wrong:
            report.fail(f"transforms, seed {number}, {outer}: {wrong}\n{text}")
    return report
