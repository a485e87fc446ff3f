"""The ways to run a case, each compared with a reference."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc
from graphc.recording import structures
from tests.fuzz.cases import TORCH, TORCH_FUNCTIONAL, Case, case_of, real_torch, tensors
from tests.fuzz.finite import finite_differences
from tests.fuzz.program import Program
from tests.fuzz.traced import Traced, flat

__all__ = ["ALL_MODES", "Checker", "Failure"]

Array = np.ndarray[Any, Any]

INTERNAL = (AssertionError, KeyError, AttributeError, ZeroDivisionError, RecursionError, StopIteration, NameError, MemoryError)
"""What no program should raise: errors of the compiler itself."""

SIZES, MANY = 3, 12
"""At how many other sizes a program is run afterwards; one in eight at many, when they cost less and less."""


@dataclass
class Failure:
    """A difference: the case, the mode that differs, and how."""

    case: Case
    mode: str
    message: str

    @property
    def family(self) -> str:
        """What failures of one cause have in common: the error with its place, or that values differ."""
        first = re.sub(r"^at \{.*?\}: ", "", self.message).split(":")[0]
        return first if "Error" in first else "values"

    @property
    def what(self) -> str:
        """What was checked: `value` or `gradient`."""
        return "gradient" if self.mode.startswith("gradient ") else "value"


def error_text(error: BaseException) -> str:
    """Return an error with the place in the project that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    found = [f for f in frames if any(p in f.filename for p in ("graphc/", "/ir/", "/codegen/"))]
    at = f" at {'/'.join(found[-1].filename.split('/')[-2:])}, {found[-1].name}" if found else ""
    return f"{type(error).__name__}{at}: {str(error).splitlines()[0] if str(error) else ''}"[:400]


class Checker:
    """Check cases in the chosen modes, and count."""

    def __init__(self, modes: Sequence[str] = (), always: bool = False) -> None:
        self.modes = modes or ALL_MODES
        self.always = always
        self.checks = 0
        self.counts: Counter[str] = Counter()

    def program(self, program: Program, whats: Sequence[str] = ("value", "gradient")) -> list[Failure]:
        """Return the failures of a program, and of its gradient."""
        found: list[Failure] = []
        for what in whats:
            if what == "value" or ("gradient" in self.modes and program.floats):
                count = MANY if program.seed % 8 == 5 else SIZES
                found += self.case(case_of(program, what, count if "sizes" in self.modes else 0))
        return found

    def case(self, case: Case) -> list[Failure]:
        """Return the failures of a case."""
        prefix = "gradient " if case.is_gradient else ""
        found = []
        for mode, message in self._modes(case):
            self.checks += 1
            self.counts[prefix + mode] += 1
            if message:
                found.append(Failure(case, prefix + mode, message))
        return found

    def _modes(self, case: Case) -> Iterator[tuple[str, str | None]]:
        special = case.is_gradient and case.program is not None and case.program.values == "special"
        wanted = on_torch(case) if "torch" in self.modes and TORCH is not None and not special else None
        try:
            traced = Traced(case.names["run"], case.args)
        except Exception as error:
            if isinstance(error, INTERNAL) or wanted is not None:
                yield "trace", error_text(error)
            return
        if wanted is not None:
            yield "torch", traced.compare(wanted, foreign=True)
        for mode in self.modes:
            if mode in MODES and traced.graph.results:
                every, number, check = MODES[mode]
                if self.always or case.seed % every == number:
                    yield from self._guarded(mode, check, case, traced)

    def _guarded(self, mode: str, check: Check, case: Case, traced: Traced) -> Iterator[tuple[str, str | None]]:
        try:
            for message in check(case, traced):
                yield mode, message
        except Exception as error:
            yield mode, error_text(error)


def on_torch(case: Case) -> list[Array] | None:
    """Return what torch gives, None if it cannot run the case."""
    try:
        names = case.on(TORCH, TORCH_FUNCTIONAL)
        inputs = [real_torch.from_numpy(np.array(x, order="C")) for x in names["args"]]  # reshape of another order is a copy
        if not case.is_gradient:
            return [x.detach().numpy() for x in flat(names["run"](*inputs))]
        chosen = [inputs[i].requires_grad_() for i in case.floats]
        total = names["loss"](*inputs)
        found = real_torch.autograd.grad(total, chosen, allow_unused=True)
        return [(real_torch.zeros_like(x) if g is None else g).numpy() for g, x in zip(found, chosen, strict=True)]
    except Exception:
        return None


Check = Callable[[Case, Traced], Iterator["str | None"]]


REPEATED = 3
"""How often a program runs in a row: what was recorded the first time is found from then on."""


def _eager(case: Case, traced: Traced) -> Iterator[str | None]:
    for _ in range(REPEATED):
        inputs = tensors(case.args)
        if not case.is_gradient:
            yield traced.compare(case.names["run"](*inputs))
            continue
        chosen = [inputs[i].requires_grad_() for i in case.floats]
        total = case.names["loss"](*inputs)
        if getattr(total, "requires_grad", False):
            total.backward()
            yield traced.compare([graphc.zeros_like(x) if x.grad is None else x.grad for x in chosen])


def _again(case: Case, traced: Traced) -> Iterator[str | None]:
    """Run eagerly as if seen often: compiled at once."""
    graphc.set_eager("compile")
    try:
        structures.clear_cache()
        yield traced.compare(case.names["run"](*tensors(case.args)))
    finally:
        graphc.set_eager("auto")


def _compiled(case: Case, traced: Traced) -> Iterator[str | None]:
    yield traced.compiled(opt=0)


def _levels(case: Case, traced: Traced) -> Iterator[str | None]:
    yield from (traced.compiled(opt=level) for level in ((1, 2, 3) if case.seed % 64 == 0 else (1,)))


def _static(case: Case, traced: Traced) -> Iterator[str | None]:
    yield traced.compiled(opt=0, dynamic=False)


def _check_nan(case: Case, traced: Traced) -> Iterator[str | None]:
    if traced.reference is None or not traced.reference.is_stable():
        return
    finite = all(np.isfinite(x).all() for x in traced.results if x.dtype.kind == "f")
    try:
        got = graphc.compile(case.names["run"], check_nan=True, opt=0)(*tensors(case.args))
        yield traced.compare(got) if finite else None
    except FloatingPointError as error:
        yield f"check_nan: raised, but all is finite: {error}" if finite else None


def _public(case: Case, traced: Traced) -> Iterator[str | None]:
    compiled = graphc.compile(case.names["run"], opt=0)
    yield from (traced.compare(compiled(*tensors(case.args))) for _ in range(3))


def _sizes(case: Case, traced: Traced) -> Iterator[str | None]:
    """Compile for other sizes afterwards: what one size left behind serves the next."""
    for other in case.later:
        assert other.program is not None
        message = None
        try:
            later = Traced(other.names["run"], other.args)
        except Exception as error:
            if isinstance(error, INTERNAL):
                yield f"at {other.program.sizes}: {error_text(error)}"
            continue
        try:
            message = later.compiled(opt=0) if later.graph.results else None
        except Exception as error:
            message = error_text(error)
        yield message and f"at {other.program.sizes}: {message}"


def _finite(case: Case, traced: Traced) -> Iterator[str | None]:
    smooth = case.program is None or case.program.values == "normal"
    if case.is_gradient and smooth and all(case.args[i].dtype == np.float64 for i in case.floats):
        yield from finite_differences(case, traced)


MODES: dict[str, tuple[int, int, Check]] = {
    "eager": (1, 0, _eager),
    "compiled": (1, 0, _compiled),
    "again": (2, 0, _again),
    "levels": (8, 0, _levels),
    "static": (4, 1, _static),
    "check_nan": (8, 3, _check_nan),
    "public": (4, 2, _public),
    "sizes": (1, 0, _sizes),
    "finite": (1, 0, _finite),
}
"""For each mode: every how many seeds it is run, which of them, and the check."""

ALL_MODES = ("torch", *MODES, "gradient")
"""All that can be asked for; `gradient` runs each mode for the gradient too."""
