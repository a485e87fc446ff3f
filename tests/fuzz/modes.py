"""The ways to run a program, each compared with a reference."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import graphc
import graphc.nn.functional as F
from graphc.codegen.program.program import compile_graph
from graphc.compiler.api import Compiled, _take_apart, _Variant
from graphc.compiler.options import Options
from graphc.ir.interpret.evaluate import evaluate
from graphc.tensors import lazy
from graphc.tensors.lazy import clear_cache
from tests.fuzz.noise import Reference, difference, reference
from tests.fuzz.program import Program, arrays, source
from tests.fuzz.torch_loops import oracle

try:
    import torch as real_torch

    real_torch.set_num_threads(1)
    TORCH: Any = oracle(real_torch)
except ImportError:  # pragma: no cover - an oracle more, where there is one
    TORCH = None

__all__ = ["ALL_MODES", "Checker", "Failure", "script"]

Array = np.ndarray[Any, Any]

ALL_MODES = ("torch", "eager", "compiled", "again", "opt1", "static", "check_nan", "public", "sizes", "gradient", "finite")

INTERNAL = (AssertionError, KeyError, AttributeError, ZeroDivisionError, RecursionError, StopIteration, NameError, MemoryError)
"""What no wrong program should raise: errors of the compiler itself."""

LOSSES = {
    "sum": "total = total + r.sum()",
    "square": "total = total + (r * r).sum()",
    "weighted": "total = total + (r * torch.cos(torch.arange(r.numel(), dtype=r.dtype)).reshape(r.shape)).sum()",
}


@dataclass
class Failure:
    """A difference: the program, the mode that differs, and how."""

    program: Program
    mode: str
    message: str
    text: str = ""
    detail: str = ""

    @property
    def what(self) -> str:
        """What was checked: `value` or `gradient`."""
        return "gradient" if self.mode.startswith("gradient ") else "value"

    @property
    def is_error(self) -> bool:
        """Whether an error was raised, rather than a value different."""
        return "Error" in self.message.split(":")[0]

    @property
    def family(self) -> str:
        """What failures of one cause have in common: the error with its place, or that values differ."""
        return (
            self.message[self.message.startswith("at {") and self.message.index("}: ") + 3 :].split(":")[0]
            if "Error" in self.message
            else "values"
        )


class Invalid(Exception):
    """The program is none: it has no value for anybody."""


def script(program: Program, what: str = "value") -> str:
    """Return Python text that defines `f`, and for gradients `run`, the function that is checked."""
    text = source(program)
    if what == "value":
        return text + "\n\nrun = f\n"
    names = ", ".join(p.name for p in program.block.params)
    text += f"\n\ndef loss({names}):\n    total = 0.0\n    for r in f({names}):\n        if r.dtype.is_floating_point:\n"
    text += f"            {LOSSES[program.loss]}\n    return total\n"
    return text + f"\n\nrun = torch.func.grad(loss, {tuple(program.floats)})\n"


def build(program: Program, what: str, torch: Any, functional: Any) -> dict[str, Any]:
    """Execute the text of a program; return its names."""
    names: dict[str, Any] = {"torch": torch, "F": functional}
    exec(compile(script(program, what), f"<program {program.seed}>", "exec"), names)
    return names


def _tensors(given: Sequence[Array]) -> list[Any]:
    return [graphc.from_numpy(x.copy(order="K") if x.flags.c_contiguous else x) for x in given]


class _Evaluated:
    """The evaluator in the place of a program."""

    def __init__(self, checker: Traced) -> None:
        self.traced = checker

    def run_unchecked(self, given: list[Array]) -> list[Array]:
        self.traced.inputs = [np.asarray(x) for x in given]
        self.traced.reference = reference(self.traced.graph, self.traced.inputs)
        return self.traced.reference.values


@dataclass
class Traced:
    """A function traced for arguments, and its reference: the graph on NumPy."""

    run: Callable[..., Any]
    given: list[Array]
    inputs: list[Array] = field(default_factory=list)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        compiled = Compiled(self.run, Options(opt=0))
        call = _take_apart(tuple(_tensors(self.given)), {})
        self.variant: _Variant = compiled._variant(call)
        self.graph = self.variant.graph
        self.variant.__dict__["program"] = _Evaluated(self)
        results = self.variant.run(call)
        self.results = [np.asarray(r) for r in _flat(results)]
        del self.variant.__dict__["program"]

    def spread(self, i: int) -> Array:
        """Return what result i may differ by: that of the output it is."""
        r = self.variant.results[i]
        if r.kind == "output" and self.reference is not None:
            return self.reference.spread[r.number]
        return np.zeros(self.results[i].shape)

    def compare(self, got: Any, factor: float = 1.0) -> str | None:
        """Return how results differ from the reference."""
        found = [np.asarray(x) for x in _flat(got)]
        if len(found) != len(self.results):
            return f"{len(found)} results, expected {len(self.results)}"
        for i, (x, y) in enumerate(zip(found, self.results, strict=True)):
            text = difference(y, self.spread(i), x, factor)
            if text:
                return f"result {i}: {text}"
        return None

    def compare_outputs(self, outputs: Sequence[Array]) -> str | None:
        """Return how the outputs of the graph differ."""
        assert self.reference is not None
        for i, (x, y, s) in enumerate(zip(outputs, self.reference.values, self.reference.spread, strict=True)):
            text = difference(y, s, np.asarray(x))
            if text:
                return f"output {i}: {text}"
        return None


def _flat(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (tuple, list)) else [results]


def _error(error: BaseException) -> str:
    """Return an error with the place in the project it came from."""
    frames = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if "graphc" in f.filename or "/ir/" in f.filename or "/codegen/" in f.filename
    ]
    at = f" at {'/'.join(frames[-1].filename.split('/')[-2:])}:{frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{at}: {str(error).splitlines()[0] if str(error) else ''}"[:400]


class Checker:
    """Run programs in the chosen modes; count checks and collect failures."""

    def __init__(self, modes: Sequence[str] = ALL_MODES, sizes: int = 3, always: bool = False) -> None:
        self.modes = modes
        self.always = always
        self.other_sizes = sizes
        self.checks = 0
        self.programs = 0
        self.invalid = 0
        self.counts: dict[str, int] = {}

    def check(self, program: Program, whats: Sequence[str] = ("value", "gradient")) -> list[Failure]:
        """Return the failures of a program."""
        self.programs += 1
        found: list[Failure] = []
        for what in whats:
            if what == "gradient" and ("gradient" not in self.modes or not program.floats):
                continue
            try:
                for mode, message in self._modes(program, what):
                    self.checks += 1
                    name = mode if what == "value" else f"gradient {mode}"
                    self.counts[name] = self.counts.get(name, 0) + 1
                    if message:
                        found.append(Failure(program, name, message, script(program, what)))
            except Invalid:
                self.invalid += 1
        return found

    def _modes(self, program: Program, what: str) -> Iterator[tuple[str, str | None]]:
        given = arrays(program)
        run = build(program, what, graphc, F)["run"]
        wanted = self._torch(program, what, given) if "torch" in self.modes and TORCH is not None else None
        try:
            traced = Traced(run, given)
        except Exception as error:
            if isinstance(error, INTERNAL) or wanted is not None:
                yield "trace", _error(error)
            raise Invalid from None
        if wanted is not None:
            yield "torch", traced.compare(wanted, 4.0)
        if not traced.results:
            raise Invalid
        for mode in self.modes:
            method = getattr(self, f"_{mode}", None)
            if mode != "torch" and method is not None:
                yield from self._guarded(mode, method, program, what, traced)

    def _guarded(self, mode: str, method: Any, program: Program, what: str, traced: Traced) -> Iterator[tuple[str, str | None]]:
        try:
            for message in method(program, what, traced):
                yield mode, message
        except Invalid:
            return
        except Exception as error:
            yield mode, _error(error)

    def _turn(self, program: Program, every: int, number: int) -> bool:
        """Tell whether it is the turn of a mode that only some programs run in."""
        return self.always or program.seed % every == number

    # -- modes ------------------------------------------------------------------------------------------------

    def _torch(self, program: Program, what: str, given: list[Array]) -> list[Array] | None:
        try:
            inputs = [real_torch.from_numpy(np.ascontiguousarray(x).reshape(x.shape).copy()) for x in given]
            names = build(program, "value" if what == "value" else "gradient", TORCH, real_torch.nn.functional)
            if what == "value":
                return [x.detach().numpy() for x in names["f"](*inputs)]
            chosen = [inputs[i].requires_grad_() for i in program.floats]
            total = names["loss"](*inputs)
            if not getattr(total, "requires_grad", False):
                return None
            found = real_torch.autograd.grad(total, chosen, allow_unused=True)
            return [(real_torch.zeros_like(x) if g is None else g).numpy() for g, x in zip(found, chosen, strict=True)]
        except Exception:
            return None

    def _eager(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        if what == "value":
            yield traced.compare(traced.run(*_tensors(traced.given)))
            return
        run = build(program, what, graphc, F)["loss"]
        inputs = _tensors(traced.given)
        chosen = [inputs[i].requires_grad_() for i in program.floats]
        total = run(*inputs)
        if not getattr(total, "requires_grad", False):
            return
        total.backward()
        yield traced.compare([graphc.zeros_like(x) if x.grad is None else x.grad for x in chosen])

    def _again(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        if not self._turn(program, 2, 0):
            return
        saved = lazy.COMPILE_COST, lazy.COMPILE_NODE_COST, lazy.NODE_COST
        lazy.COMPILE_COST = lazy.COMPILE_NODE_COST = 0.0
        try:
            clear_cache()
            yield traced.compare(traced.run(*_tensors(traced.given)))
        finally:
            lazy.COMPILE_COST, lazy.COMPILE_NODE_COST, lazy.NODE_COST = saved

    def _program(self, traced: Traced, **options: Any) -> str | None:
        program = compile_graph(traced.graph, traced.variant.strides, **options)
        return traced.compare_outputs(program.run_unchecked(traced.inputs))

    def _compiled(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        if traced.graph.results:
            yield self._program(traced, opt=0)

    def _opt1(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        if traced.graph.results and self._turn(program, 8, 0):
            for level in (1, 2, 3) if self._turn(program, 64, 0) else (1,):
                yield self._program(traced, opt=level)

    def _static(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        if traced.graph.results and self._turn(program, 4, 1):
            yield self._program(traced, opt=0, dynamic=False)

    def _check_nan(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        if not self._turn(program, 8, 3):
            return
        finite = all(np.isfinite(x).all() for x in traced.results if x.dtype.kind == "f")
        spread = all(np.isfinite(traced.spread(i)).all() for i in range(len(traced.results)))
        if not spread:
            return
        try:
            got = graphc.compile(traced.run, check_nan=True, opt=0)(*_tensors(traced.given))
            yield traced.compare(got) if finite else None
        except FloatingPointError as error:
            yield f"check_nan: raised, but all is finite: {error}" if finite else None

    def _public(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        if not self._turn(program, 4, 2):
            return
        compiled = graphc.compile(traced.run, opt=0)
        for _ in range(3):
            yield traced.compare(compiled(*_tensors(traced.given)))

    def _sizes(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        for other in other_sizes(program, self.other_sizes):
            try:
                later = Traced(build(other, what, graphc, F)["run"], arrays(other))
            except Exception as error:
                if isinstance(error, INTERNAL):
                    yield f"at {other.sizes}: {_error(error)}"
                continue
            if later.graph.results:
                try:
                    message = self._program(later, opt=0)
                except Exception as error:
                    message = _error(error)
                yield message and f"at {other.sizes}: {message}"

    def _finite(self, program: Program, what: str, traced: Traced) -> Iterator[str | None]:
        smooth = program.values == "normal" and all(program.block.params[i].dtype == "f64" for i in program.floats)
        if what == "gradient" and smooth and program.floats:
            yield from finite_differences(program, traced)


def other_sizes(program: Program, count: int) -> Iterator[Program]:
    """Yield the program at other sizes, drawn by its seed."""
    from random import Random

    from tests.fuzz.generate import EXTENTS

    rng = Random(program.seed)
    for _ in range(count):
        sizes = {n: rng.choice(EXTENTS) for n in program.sizes}
        extents = [v.extents(sizes) for s in program.block.stmts for v in s.out]
        if sizes != program.sizes and all(min(e, default=0) >= 0 and np.prod(e) <= 20000 for e in extents):
            yield program.at(sizes)


def finite_differences(program: Program, traced: Traced) -> Iterator[str | None]:
    """Compare the gradient along one direction with differences of the loss; skip where these are not smooth."""
    loss = build(program, "gradient", graphc, F)["loss"]
    compiled = Compiled(loss, Options(opt=0))
    call = _take_apart(tuple(_tensors(traced.given)), {})
    graph = compiled._variant(call).graph
    if len(graph.params) != len(traced.given) or len(graph.results) != 1:
        return
    rng = np.random.default_rng(program.seed)
    direction = [rng.uniform(-1, 1, x.shape) if i in program.floats else None for i, x in enumerate(traced.given)]

    def at(h: float) -> float:
        moved = [x if d is None else x + h * d for x, d in zip(traced.given, direction, strict=True)]
        return float(evaluate(graph, moved)[0])

    with np.errstate(all="ignore"):
        slopes = [(at(h) - at(-h)) / (2 * h) for h in (1e-5, 3e-6, 1e-6)]
        sides = [(at(1e-6) - at(0.0)) / 1e-6, (at(0.0) - at(-1e-6)) / 1e-6]
        parts = [np.sum(g * direction[i]) for g, i in zip(traced.results, program.floats, strict=True)]
        size = 1.0 + sum(float(np.abs(p)) for p in parts) + max(map(abs, slopes))
        size += abs(at(0.0)) * 1e-2
    slope, got = slopes[1], float(sum(parts))
    rough = max(abs(s - slope) for s in [*slopes, *sides])
    if not np.isfinite([slope, rough]).all() or rough > 1e-4 * size:
        return
    yield None if abs(got - slope) <= 1e-3 * size else f"finite differences: {got!r} along a direction, expected {slope!r}"
