"""The kinds of random cases: a module `tests.fuzz.<kind>` each, with `run(seed, seconds, count) -> Report`.

A kind draws case number i from `seed + i`, so that a failure is repeated by its own number alone, and stops after
`seconds`, or after `count` cases if one is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

__all__ = ["KINDS", "Report", "Run", "runner"]

KINDS = ("programs", "sizes", "loops", "state", "transforms", "mutate", "decisions")


@dataclass
class Report:
    """What a run has done: cases, checks of them, and failures, each a text that shows how to repeat it."""

    kind: str
    seed: int
    cases: int = 0
    checks: int = 0
    failures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __setattr__(self, name: str, value: Any) -> None:
        """Tell a watching process that a case begins, and how many checks there were."""
        object.__setattr__(self, name, value)
        if name == "cases" and watch is not None:
            watch(self.seed + value, getattr(self, "checks", 0))

    def fail(self, text: str) -> None:
        """Note a failure and print it at once."""
        self.failures.append(text)
        print(f"\n--- {text}", flush=True)

    def add(self, other: Report) -> None:
        """Count what another run of the same kind has done."""
        self.cases += other.cases
        self.checks += other.checks
        self.failures += other.failures
        self.counts.update(other.counts)

    def __str__(self) -> str:
        done = f"{self.kind}, seed {self.seed}: {self.cases} cases, {self.checks} checks, {len(self.failures)} failures"
        return done + "".join(f"\n    {name}: {count}" for name, count in self.counts.most_common())


watch: Callable[[int, int], None] | None = None
"""Called with the seed of each case before it is run, and the number of checks so far."""

Run = Callable[[int, float, "int | None"], Report]


def runner(kind: str) -> Run:
    """Return the function that runs cases of a kind.  Raises ModuleNotFoundError where its module is missing."""
    run: Run = import_module(f"tests.fuzz.{kind}").run
    return run
