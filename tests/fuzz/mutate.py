"""Mutated IR texts: each is a documented error, or a graph whose passes, program and evaluator agree.

    python -m tests.fuzz --kind mutate --seed 0 --count 1000

A text that kills the process, or that nothing ends, is found by the process that watches it (`workers.py`).
"""

from __future__ import annotations

import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc.codegen.program.program import compile_graph
from graphc.ir.core.graph import Graph, Node
from graphc.ir.interpret.evaluate import evaluate, evaluate_node, interpreted
from graphc.ir.pipeline import optimize
from graphc.ir.text.parser import IRSyntaxError, parse
from graphc.ir.text.verifier import VerificationError, verify
from tests.fuzz.kinds import Report
from tests.fuzz.mutations import mutated
from tests.targets import TARGET

__all__ = [
    "SECONDS", "Outcome", "TooLong", "arrays_of", "checked", "difference", "evaluated", "limit", "may_run", "run", "run_cases",
    "show",
]  # fmt: skip

SECONDS = 30
"""What the passes and the compiler may take for one text."""

PATIENCE = 2
"""Seconds for the evaluator: what takes it longer is compiled, and not run."""

MOST_ELEMENTS = 1 << 20
"""What has larger values is compiled, and not run."""

MEMORY = 6 << 30
Outcome = tuple[str, str]
"""What came of a text in a word, and what is wrong, or nothing."""


class TooLong(BaseException):
    """A text took too long."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# -- one text -----------------------------------------------------------------------------------------------


def checked(text: str, seed: int) -> Outcome:
    """Return what comes of a text."""
    try:
        graph = parse(text)
    except IRSyntaxError:
        return "syntax error", ""
    try:
        verify(graph)
    except VerificationError:
        return "not verified", ""
    arrays = arrays_of(graph, seed) if may_run(graph) else None
    want = evaluated(graph, arrays) if arrays is not None else TooLong()
    with limit(SECONDS):
        stages = optimize(graph, TARGET)
        program = compile_graph(graph)
    if isinstance(want, TooLong):
        return "compiled", ""
    assert arrays is not None
    for stage, after in stages.items():
        if wrong := difference(graph, arrays, want, evaluated(after, arrays)):
            return "another value", f"{stage}: {wrong}"
    wrong = difference(graph, arrays, want, _ran(program, arrays))
    return ("another value", f"compiled: {wrong}") if wrong else ("an error" if isinstance(want, Exception) else "a value", "")


def may_run(graph: Graph) -> bool:
    return all(type.size <= MOST_ELEMENTS for node in _all_nodes(graph) for type in node.types)


def _all_nodes(graph: Graph) -> Iterator[Node]:
    regions: list[Any] = [graph]
    while regions:
        region = regions.pop()
        for node in (*region.params, *region.nodes()):
            yield node
            regions += node.regions


def arrays_of(graph: Graph, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    found = []
    for p in graph.params:
        x = rng.standard_normal(p.shape)
        number = x > 0 if p.dtype.is_bool else np.abs(2 * x) if p.dtype.is_int else x
        found.append(np.asarray(number).astype(p.dtype.numpy))
    return found


def evaluated(graph: Graph, arrays: Sequence[Any]) -> Any:
    """Return the values of a graph, the error that it has, or that it takes too long."""
    try:
        with limit(PATIENCE):
            return evaluate(graph, arrays)
    except TooLong as error:
        return error
    except (IndexError, ValueError) as error:
        return error


def _ran(program: Any, arrays: Sequence[Any]) -> Any:
    try:
        return program.run(arrays)
    except (IndexError, ValueError) as error:
        return error


def difference(graph: Graph, arrays: Sequence[Any], want: Any, got: Any) -> str:
    """Return how two outcomes differ, if not by rounding."""
    if isinstance(got, TooLong):
        return ""
    if isinstance(want, IndexError) and isinstance(got, list):
        want = _without_the_error(graph, arrays)
    if isinstance(want, Exception) or isinstance(got, Exception):
        return "" if type(want) is type(got) else f"wanted {want!r}, got {got!r}"
    for i, (a, b) in enumerate(zip(want, got, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"result {i} is {b.dtype}{b.shape}, wanted {a.dtype}{a.shape}"
        if not _close(a, b) and not _is_unstable(graph, arrays, i, want[i]):
            return f"result {i} is {b.ravel()[:8]}, wanted {a.ravel()[:8]}"
    return ""


def _without_the_error(graph: Graph, arrays: Sequence[Any]) -> Any:
    """Return the values of a graph if no result depends on what an index out of bounds reads, else the error.

    Passes may drop a value that nothing reads, with the error that computing it raises.
    """
    found = []
    for fill in (0.0, 1.0):
        with interpreted(lambda node, values, fill=fill: _or_filled(node, [values[o] for o in node.operands], fill)):
            found.append(evaluated(graph, arrays))
    if any(not isinstance(f, list) for f in found) or not all(map(_close, *found)):
        return IndexError("an index that a result depends on")
    return found[0]


def _or_filled(node: Node, operands: Sequence[Any], fill: float) -> Any:
    """Return the value of a node, a number in every element where it has an index out of bounds."""
    try:
        return evaluate_node(node, operands)
    except IndexError:
        if node.regions:
            raise
        return np.full(node.shape, fill, node.dtype.numpy)


def _close(a: Any, b: Any) -> bool:
    if a.dtype.kind != "f":
        return bool((a == b).all())
    tolerance = 1e-3 if a.dtype == np.float32 else 1e-7
    scale = np.abs(a[np.isfinite(a)]).max(initial=1.0)
    with np.errstate(all="ignore"):
        return bool(np.allclose(a, b, tolerance, tolerance * float(scale), equal_nan=True))


def _is_unstable(graph: Graph, arrays: Sequence[Any], result: int, want: Any) -> bool:
    """Whether the evaluator itself gives something else where the last bits of floats are others."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        moved = [_moved(x, rng) if x.dtype.kind == "f" else x for x in arrays]
        found = evaluated(graph, moved)
        if not isinstance(found, list) or not _close(want, found[result]):
            return True
    return False


def _moved(x: Any, rng: np.random.Generator) -> Any:
    return (x * (1 + 4 * np.finfo(x.dtype).eps * rng.choice((-1, 0, 1), x.shape))).astype(x.dtype)


# -- many texts -----------------------------------------------------------------------------------------------


def run(seed: int, seconds: float, count: int | None) -> Report:
    """Check the texts of `seed`, `seed + 1`, …"""
    return run_cases(Report("mutate", seed), lambda number: _outcome(mutated(number), number), seconds, count)


def run_cases(report: Report, outcome_of: Callable[[int], Outcome], seconds: float, count: int | None) -> Report:
    """Check the cases from the report's seed on, in limited memory."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    end = time.monotonic() + seconds
    while time.monotonic() < end and (count is None or report.cases < count):
        number = report.seed + report.cases
        outcome, wrong = outcome_of(number)
        report.counts[outcome] += 1
        report.checks += 1
        if wrong:
            report.fail(f"{report.kind} {number}: {outcome}: {wrong}")
        report.cases += 1
    return report


def _outcome(text: str, seed: int) -> Outcome:
    try:
        return checked(text, seed)
    except MemoryError:
        return "out of memory", ""
    except TooLong:
        return "too long", traceback.format_exc(limit=-6)
    except Exception:
        return "an internal error", traceback.format_exc(limit=-6)


def show(seed: int) -> None:
    """Print a text and what comes of it."""
    text = mutated(seed)
    print(text, *_outcome(text, seed), sep="\n")
