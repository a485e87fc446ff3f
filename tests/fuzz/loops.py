"""Random control-flow programs against plain Python loops: values on NumPy, derivatives on torch or by differences.

The kind `loops` of `python -m tests.fuzz`.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np

import graphc
from tests.fuzz.kinds import Report
from tests.fuzz.loop_backends import graphc_backend, numpy_backend, torch_backend
from tests.fuzz.loop_programs import LoopProgram, draw

try:
    import torch
except ImportError:  # the derivatives are compared with differences then
    torch = None

__all__ = ["MODES", "check", "minimize", "run"]

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

BATCH = 3


class Skip(Exception):
    """There is nothing to compare with: torch cannot run it, or a result depends on a rounding."""


# -- what is run ----------------------------------------------------------------------------------------------------


def function_of(program: LoopProgram, backend: Any) -> Function:
    """Return the function of a program's arguments on a backend; its results are a tuple."""
    names: dict[str, Any] = {}
    exec(compile(program.text, f"<loops {program.seed}>", "exec"), names)
    return lambda *args: names["f"](backend, *args)


def loss_of(program: LoopProgram, f: Function, backend: Any) -> Function:
    """Return the weighted sum of the float results."""

    def loss(*args: Any) -> Any:
        total = 0.0
        for i, r in enumerate(f(*args)):
            if "float" in str(r.dtype):
                total = total + (backend.sin(r) * (i + 1.0)).sum() + r.sum() * 0.5
        return total

    return loss


def floats(program: LoopProgram) -> tuple[int, ...]:
    return tuple(i for i, p in enumerate(program.params) if p.kind == "f")


def directions(program: LoopProgram) -> list[Array]:
    rng = np.random.default_rng(program.seed + 1)
    return [rng.standard_normal(program.params[i].shape) for i in floats(program)]


def tensors(arrays: Sequence[Array]) -> list[Any]:
    return [graphc.tensor(np.array(a)) for a in arrays]


def arrays_of(results: Any) -> list[Array]:
    return [np.asarray(r.detach().numpy() if hasattr(r, "detach") else r) for r in results]


# -- references -------------------------------------------------------------------------------------------------------


def values(program: LoopProgram) -> list[Array]:
    """Return the results by NumPy and Python's loops.  Raises Skip where these depend on a rounding."""
    with np.errstate(all="ignore"):
        f = function_of(program, numpy_backend(program.dtype))
        found = [np.asarray(r) for r in f(*program.arguments())]
        ulps = 1 + 32 * np.finfo(program.dtype).eps
        moved = [np.asarray(a * ulps, a.dtype) if a.dtype.kind == "f" else a for a in program.arguments()]
        again = [np.asarray(r) for r in f(*moved)]
    if any(not _near(x, y, program, 1e-2) for x, y in zip(found, again, strict=True)):
        raise Skip("unstable")
    return found


def batched_values(program: LoopProgram) -> list[Array]:
    """Return the results for each of a batch of arguments, stacked."""
    batch = program.arguments(BATCH)
    with np.errstate(all="ignore"):
        f = function_of(program, numpy_backend(program.dtype))
        rows = [[np.asarray(r) for r in f(*[np.array(a[b]) for a in batch])] for b in range(BATCH)]
    return [np.stack(items) for items in zip(*rows, strict=True)]


def _torch_gradients(program: LoopProgram, arguments: Sequence[Array], second: bool) -> list[Array]:
    if torch is None:
        raise Skip("no torch")
    backend = torch_backend(torch, program.dtype)
    loss = loss_of(program, function_of(program, backend), backend)
    args = [torch.tensor(np.array(a), requires_grad=p.kind == "f") for a, p in zip(arguments, program.params, strict=True)]
    by = [args[i] for i in floats(program)]
    try:
        total = loss(*args)
        if not getattr(total, "requires_grad", False):
            return [np.zeros(x.shape) for x in by]
        found = torch.autograd.grad(total, by, create_graph=second, allow_unused=True)
        if second:
            along = [torch.tensor(d) for d in directions(program)]
            total = sum((g * d).sum() for g, d in zip(found, along, strict=True) if g is not None)
            if not getattr(total, "requires_grad", False):
                return [np.zeros(x.shape) for x in by]
            found = torch.autograd.grad(total, by, allow_unused=True)
    except RuntimeError as error:  # an in-place write to what its gradient would read
        raise Skip(str(error)) from None
    return [np.zeros(x.shape) if g is None else g.detach().numpy() for g, x in zip(found, by, strict=True)]


def gradients(program: LoopProgram) -> list[Array]:
    """Return the gradient of the loss."""
    return _torch_gradients(program, program.arguments(), second=False)


def second_gradients(program: LoopProgram) -> list[Array]:
    """Return the derivative of the gradient along the program's directions."""
    return _torch_gradients(program, program.arguments(), second=True)


def slope(program: LoopProgram) -> list[Array]:
    """Return the derivative of the loss along the program's directions: by torch, or by differences that are smooth."""
    if torch is not None:
        pairs = zip(gradients(program), directions(program), strict=True)
        return [np.asarray(sum(float((g * d).sum()) for g, d in pairs))]
    return [differences(program)]


def differences(program: LoopProgram) -> Array:
    """Return the derivative along the directions by differences.  Raises Skip where they are not smooth."""
    backend = numpy_backend("float64")
    loss = loss_of(program, function_of(program, backend), backend)
    along = dict(zip(floats(program), directions(program), strict=True))

    def at(h: float) -> float:
        moved = [a + h * along[i] if i in along else a for i, a in enumerate(program.arguments())]
        return float(loss(*moved))

    with np.errstate(all="ignore"):
        slopes = [(at(h) - at(-h)) / (2 * h) for h in (1e-5, 3e-6, 1e-6)]
    if not np.isfinite(slopes).all() or max(slopes) - min(slopes) > 1e-5 * (1 + abs(slopes[0])):
        raise Skip("not smooth")
    return np.asarray(slopes[1])


# -- what is compared with them -------------------------------------------------------------------------------------------


def _function(program: LoopProgram) -> Function:
    return function_of(program, graphc_backend(program.dtype))


def _loss(program: LoopProgram) -> Function:
    return loss_of(program, _function(program), graphc_backend(program.dtype))


def _gradient(program: LoopProgram) -> Function:
    loss, by = _loss(program), floats(program)

    def gradient(*args: Any) -> Any:
        return graphc.func.grad(loss, by)(*args)

    return gradient


def _second(program: LoopProgram, forward: bool) -> Function:
    gradient, by = _gradient(program), floats(program)
    along = tensors(directions(program))

    def by_floats(*args: Any) -> Function:
        def inner(*moved: Any) -> Any:
            all_args = list(args)
            for i, x in zip(by, moved, strict=True):
                all_args[i] = x
            return gradient(*all_args)

        return inner

    def hvp(*args: Any) -> Any:
        given = tuple(args[i] for i in by)
        if forward:
            return graphc.func.jvp(by_floats(*args), given, tuple(along))[1]

        def dotted(*moved: Any) -> Any:
            return sum((g * d).sum() for g, d in zip(by_floats(*args)(*moved), along, strict=True))

        return graphc.func.grad(dotted, tuple(range(len(given))))(*given)

    return hvp


def _jvp(program: LoopProgram) -> Function:
    loss, by, along = _loss(program), floats(program), tensors(directions(program))

    def tangent(*args: Any) -> Any:
        def inner(*moved: Any) -> Any:
            all_args = list(args)
            for i, x in zip(by, moved, strict=True):
                all_args[i] = x
            return loss(*all_args) + 0.0 * moved[0].sum()

        return (graphc.func.jvp(inner, tuple(args[i] for i in by), tuple(along))[1],)

    return tangent


def _backward(program: LoopProgram) -> Function:
    def gradient(*args: Any) -> Any:
        args = tuple(x.clone().detach().requires_grad_(i in floats(program)) for i, x in enumerate(args))
        total = _loss(program)(*args)
        by = [args[i] for i in floats(program)]
        if isinstance(total, float) or not total.requires_grad:
            return tuple(x * 0 for x in by)
        total.backward()
        return tuple(x * 0 if x.grad is None else x.grad for x in by)

    return gradient


def _compiled(function: Function, **options: Any) -> Function:
    return graphc.compile(function, **options)  # type: ignore[no-any-return]


Mode = tuple[Callable[[LoopProgram], list[Array]], Callable[[LoopProgram], Function], bool, bool]

MODES: dict[str, Mode] = {
    "eager": (values, _function, False, False),
    "compiled": (values, lambda p: _compiled(_function(p)), False, False),
    "static": (values, lambda p: _compiled(_function(p), dynamic=False), False, False),
    "vmap": (batched_values, lambda p: graphc.func.vmap(_function(p)), True, False),
    "vmap compiled": (batched_values, lambda p: _compiled(graphc.func.vmap(_function(p))), True, False),
    "grad": (gradients, _gradient, False, True),
    "backward": (gradients, _backward, False, True),
    "grad compiled": (gradients, lambda p: _compiled(_gradient(p)), False, True),
    "jvp": (slope, _jvp, False, True),
    "jvp compiled": (slope, lambda p: _compiled(_jvp(p)), False, True),
    "forward over reverse": (second_gradients, lambda p: _compiled(_second(p, True)), False, True),
    "reverse over reverse": (second_gradients, lambda p: _compiled(_second(p, False)), False, True),
}
"""Name -> the reference, the function compared with it, whether it takes a batch, and whether it is a derivative."""


def check(program: LoopProgram, mode: str) -> str | None:
    """Return what differs in a mode; None if nothing does.  Raises Skip."""
    reference, made, batched, derivative = MODES[mode]
    if derivative and (program.dtype == "float32" or not floats(program)):
        raise Skip("no derivative")
    if not batched:
        values(program)
    want = reference(program)
    if any(x.dtype.kind == "f" and not (np.isfinite(x).all() and np.abs(x).max(initial=0) < 1e8) for x in want):
        raise Skip("not finite")
    got = arrays_of(made(program)(*tensors(program.arguments(BATCH if batched else None))))
    for i, (x, y) in enumerate(zip(want, got, strict=True)):
        if x.shape != y.shape or not _near(x, y, program, 1e-7 if derivative else 1e-9):
            return f"result {i}: {_shown(x, y, program)}"
    return None


def _shown(x: Array, y: Array, program: LoopProgram) -> str:
    """Return where two results differ, and the first few numbers that do."""
    if x.shape != y.shape:
        return f"expected {x.dtype}{list(x.shape)}, got {y.dtype}{list(y.shape)}"
    close = x == y if x.dtype.kind != "f" else np.abs(x - y) <= 1e-9 * (1 + np.abs(x))
    places = np.argwhere(~close)
    lines = [f"  {tuple(map(int, at))}  expected {x[tuple(at)]!s}  got {y[tuple(at)]!s}" for at in places[:4]]
    return "\n".join([f"{len(places)} of {x.size} elements differ", *lines])


def _near(x: Array, y: Array, program: LoopProgram, tolerance: float) -> bool:
    if x.dtype.kind != "f":
        return bool((x == y).all())
    tolerance = max(tolerance, 2e-3) if program.dtype == "float32" else tolerance
    return bool((np.abs(x - y) <= tolerance * (1 + np.abs(x).max(initial=0))).all())


def failure(program: LoopProgram, mode: str) -> str | None:
    """Return how a program differs or fails in a mode."""
    try:
        return check(program, mode)
    except Skip:
        return None
    except Exception as error:
        return f"{type(error).__name__}: {error}\n{''.join(traceback.format_tb(error.__traceback__)[-3:])}"


def minimize(program: LoopProgram, mode: str, seconds: float = 60.0) -> LoopProgram:
    """Return the program with as few lines as still fail in the mode."""
    end, kind = time.monotonic() + seconds, _kind(failure(program, mode))
    lines = program.text.splitlines()
    i = len(lines) - 1
    while i > 0 and time.monotonic() < end:
        size = _block(lines, i)
        fewer = [*lines[:i], *lines[i + size :]]
        smaller = LoopProgram("\n".join(fewer) + "\n", program.params, program.dtype, program.seed)
        try:
            values(smaller)
            if kind == _kind(failure(smaller, mode)):
                lines = fewer
        except Exception:  # the reference does not run without the line
            pass
        i = min(i, len(lines)) - 1
    return LoopProgram("\n".join(lines) + "\n", program.params, program.dtype, program.seed)


def _block(lines: Sequence[str], i: int) -> int:
    """Return how many lines a statement takes: a function its body too."""
    depth = len(lines[i]) - len(lines[i].lstrip())
    end = i + 1
    while lines[i].lstrip().startswith("def ") and end < len(lines) and len(lines[end]) - len(lines[end].lstrip()) > depth:
        end += 1
    return end - i


def _kind(text: str | None) -> str | None:
    return None if text is None else text.splitlines()[0].split(":")[0]


def run(seed: int, seconds: float, count: int | None) -> Report:
    """Check one program after another, each in a few modes."""
    report, end = Report("loops", seed), time.monotonic() + seconds
    number = 0
    while time.monotonic() < end and (count is None or number < count):
        program = draw(seed + number)
        chosen = Random(seed + number)
        modes = [chosen.choice(list(MODES)[:5]), chosen.choice(list(MODES)[5:])]
        for mode in modes:
            found = _checked(report, program, mode)
            if found is not None:
                report.fail(f"{mode}, seed {program.seed}, {program.dtype}\n{minimize(program, mode).text}{found}")
        report.cases += 1
        number += 1
    return report


def _checked(report: Report, program: LoopProgram, mode: str) -> str | None:
    try:
        found = check(program, mode)
    except Skip as skip:
        report.counts[f"skipped: {str(skip)[:40]}"] += 1
        return None
    except Exception:
        found = failure(program, mode)
    report.checks += 1
    report.counts[mode] += 1
    return found
