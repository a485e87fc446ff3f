"""The kind `state`: functions that write arguments, buffers and parameters under several names, against torch.

A step is called four times; its arguments may be one tensor, views of one, a buffer, or have a history.  After some calls a
result is written in place, and gradients of the results are taken.  Results, all state and all gradients are compared.  A
program that torch refuses, or a compiled one that graphc refuses with a TracingError, is left out.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np

import graphc
from graphc.core.errors import TracingError
from tests.fuzz.cases import real_torch
from tests.fuzz.kinds import Report

__all__ = ["State", "run"]

CALLS = 4
BUFFERS, PARAMETERS, ARGUMENTS = ("s.b0", "s.b1", "s.b2"), ("s.p0", "s.p1"), ("x", "y")
INDICES = ("0", "-1", "1:", ":-1", ":, 0", ":, 1:3", "::2", "...", "1, 2", "1:, :2", "i", "i, 1:", ":, i")
GATHERED = ("m.tensor([0, 2])", "m.tensor([[0], [1]]), m.tensor([1, 3])")
EXPRESSIONS = (
    "{} + {}", "{} - {}", "{} * {}", "m.sin({}) * {}", "m.tanh({} + {})", "({} * {}).sum(0, keepdim=True) + {}",
    "m.where({} > {}, {}, 0.5)", "{}.flip(0) + {}", "{}.cumsum(1) * {}", "({} @ {}.t()) @ {}", "{}.detach() * {}", "{}.clone()",
)  # fmt: skip
WRITES = (
    "mul_(0.5)", "add_({})", "sub_({}, alpha=0.5)", "copy_({})", "tanh_()", "clamp_(-1, 1)", "zero_()", "fill_(0.25)", "neg_()",
    "masked_fill_({} > 0, 0.5)", "lerp_({}, 0.3)", "addcmul_({}, {})",
)  # fmt: skip
VIEWS = (
    "{}[1:]", "{}[i]", "{}.t()", "{}.view(-1)", "{}.unsqueeze(0)", "{}.diagonal()", "{}.T[1:]", "{}.narrow(1, 1, 2)",
    "{}.data", "{}.detach()", "{}.view(2, 6)[1]", "{}.detach()[1:]", "{}.t().detach()",
)  # fmt: skip
VIEW_WRITES = ("w.mul_(0.5)", "w.add_(1.0)", "w.zero_()", "w.sin_()", "w.copy_(w.clone() * 0.3)", "w[0] -= 0.1", "w[:1].neg_()")
ALIASES = ("", "", "same", "views", "buffer", "history", "history views")
"""What the arguments of some calls are: tensors of their own, one tensor, overlapping views, a buffer, results."""
RETURNED = ("x", "y", "x[1:]", "y.t()", "x.detach()", "s.b1[0]", "s.b0.detach()", "s.p0[1:]", "s.p1", "s.p0.grad")


@dataclass
class State:
    """A program in the making: lines, and the variables in scope."""

    random: Random
    lines: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    alias: str = ""

    def text(self) -> str:
        """Draw the program and return it."""
        self.alias = self.random.choice(ALIASES)
        kinds = (self.value, self.write, self.item, self.view, self.step, self.rebind)
        for _ in range(self.random.choice((2, 3, 4, 5, 6, 8, 10))):
            self.random.choices(kinds, (6, 5, 4, 3, 2, 2))[0]()
        found = [*self.made[-2:], self.random.choice(BUFFERS), self.random.choice(PARAMETERS)]
        found += self.random.sample(RETURNED, self.random.choice((0, 0, 1, 2)))
        found += [f"{v}[1:]" for v in self.made[-1:] if self.random.random() < 0.2]
        text = "\n    ".join(["def step(m, s, x, y, i):", *self.lines, f"return {', '.join(found)},"])
        if "backward" not in text:
            return text
        # torch takes gradients with the new values of what is written by .data, without an error
        return re.sub(r"(s\.\w+)\.data = (.*)", r"\1.copy_(\2)", text).replace(".data", ".detach()")

    def pick(self) -> str:
        return self.random.choice([*BUFFERS, *PARAMETERS, *ARGUMENTS, *self.made * 2])

    def target(self) -> str:
        return self.random.choice([*BUFFERS * 3, *self.made * 2, *ARGUMENTS])

    def filled(self, texts: tuple[str, ...]) -> str:
        text = self.random.choice(texts)
        return text.format(*[self.pick() for _ in range(text.count("{}"))])

    def value(self) -> None:
        self.lines.append(f"v{len(self.lines)} = {self.filled(EXPRESSIONS)}")
        self.made.append(self.lines[-1].split()[0])

    def write(self) -> None:
        self.lines.append(f"{self.target()}.{self.filled(WRITES)}")

    def item(self) -> None:
        index = self.random.choice((*INDICES, *GATHERED))
        values = (f"{self.random.uniform(-1, 1):.2f}", f"{self.pick()}[{index}] * 0.5", f"{self.pick()}[{index}].clone()")
        self.lines.append(f"{self.target()}[{index}] {self.random.choice(('=', '=', '+=', '*='))} {self.random.choice(values)}")

    def view(self) -> None:
        self.lines += [f"w = {self.random.choice(VIEWS).format(self.target())}", self.random.choice(VIEW_WRITES)]

    def step(self) -> None:
        p = self.random.choice(PARAMETERS)
        self.lines.append(f"(({self.filled(EXPRESSIONS)}) * {p}).sum().backward()")
        self.lines += ["with m.no_grad():", f"    {p} -= 0.1 * {p}.grad"]
        self.lines += self.random.choice(([], [f"{p}.grad = None"], [f"{p}.grad.zero_()"]))
        self.made.clear()

    def rebind(self) -> None:
        a, b = self.random.sample(BUFFERS, 2)
        new = self.filled(EXPRESSIONS)
        texts = (
            f"{a}, {b} = {b}, {a}", f"{a} = {b}.detach()", f"{a}.data = {self.pick()}.detach() * 1", f"{a} = {b}",
            f"{a} = ({new}).detach()", f"{a} = {new}", f"{a} = {self.pick()}.detach()", f"{a}, {b} = {b}, ({new}).detach()",
        )  # fmt: skip
        self.lines.append(self.random.choice(texts))


def outcome(m: Any, text: str, alias: str, seed: int, compiled: bool) -> list[Any]:
    """Return all values after each of the calls; raises what the program raises."""
    random = np.random.default_rng(seed)

    def tensor() -> Any:
        return m.tensor(random.uniform(-1, 1, (3, 4)).tolist(), dtype=m.float64)

    s = SimpleNamespace(b0=tensor(), b1=tensor(), b2=tensor(), p0=tensor().requires_grad_(), p1=tensor().requires_grad_())
    names: dict[str, Any] = {}
    exec(text, names)
    f = (lambda g: m.compile(g) if compiled else g)(lambda x, y, i: names["step"](m, s, x, y, i))
    found: list[Any] = []
    for call in range(CALLS):
        x, y = tensor(), tensor()
        leaves = [x.requires_grad_(), y.requires_grad_()] if "history" in alias else []
        if leaves:
            x, y = x * 1.5, y * 0.5
        if "views" in alias:
            both = m.cat([x, y])
            x, y = both[1:4], both[2:5]
        x, y = s.b0 if alias == "buffer" and call % 2 else x, x if alias == "same" else y
        results = f(x, y, call % 3)
        use_results(m, random, [r for r in results if r is not None], x, ".data" not in text)
        found += [None if w.grad is None else np.array(w.grad.tolist()) for w in leaves]
        tensors = (*results, s.b0, s.b1, s.b2, s.p0, s.p1, x, y)
        found += [np.array(t.detach().tolist()) for t in tensors if t is not None]
        found += [None if p.grad is None else np.array(p.grad.tolist()) for p in (s.p0, s.p1)]
    return found


def use_results(m: Any, random: Any, results: list[Any], x: Any, differentiable: bool) -> None:
    """Write to some results, and take gradients of all; torch takes those of what `.data` has written with its new values."""
    with m.no_grad():
        for result in results[: random.integers(0, 3)] if random.random() < 0.5 else ():
            if result.ndim:
                result[0] += 0.125
    if random.random() < 0.3 and differentiable:
        wanted = [(r * r).sum() for r in (*results, x) if r.requires_grad]
        if wanted:
            sum(wanted[1:], wanted[0]).backward()


def difference(want: list[Any], got: list[Any]) -> str:
    """Return the first value that differs, and how."""
    for k, (a, b) in enumerate(zip(want, got, strict=True)):
        if b is None and a is not None and not a.any():
            continue  # a gradient of zeros, on a path on which a value was overwritten
        if (a is None) is not (b is None) or (a is not None and a.shape != b.shape):
            return f"value {k}: {b}, expected {a}"
        if a is not None and not np.allclose(a, b, rtol=1e-7, atol=1e-9, equal_nan=True):
            return f"value {k}: {b.ravel()[:4]}, expected {a.ravel()[:4]}"
    return ""


def run(seed: int, seconds: float, count: int | None = None) -> Report:
    """Check the programs of the seeds from `seed` on; none where torch is not installed."""
    report, end = Report("state", seed), time.monotonic() + seconds
    while real_torch is not None and time.monotonic() < end and (count is None or report.cases < count):
        number = seed + report.cases
        program = State(Random(number))
        text = program.text()
        report.cases += 1
        try:
            want = outcome(real_torch, text, program.alias, number, False)
        except Exception:  # what it raises, such as for a value that was overwritten
            report.counts["refused by torch"] += 1
            continue
        for mode in ("eager", "compiled"):
            try:
                wrong = difference(want, outcome(graphc, text, program.alias, number, mode == "compiled"))
            except TracingError:
                report.counts["refused while tracing"] += 1
                break
            except Exception as error:
                wrong = f"{type(error).__name__}: {error}"
            report.checks += 1
            report.counts[mode] += 1
            if wrong:
                report.fail(f"{mode}, state, seed {number}, arguments {program.alias or 'apart'}: {wrong}\n{text}")
                break
    return report
