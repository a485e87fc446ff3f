"""How many threads this process should use: those of its processors that it may use, as affinity and cgroup allow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from graphc.codegen.threads.workers import MOST_THREADS

__all__ = ["VARIABLE", "allowed", "default_threads"]

VARIABLE = "GRAPHC_NUM_THREADS"

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def default_threads() -> int:
    """Return the number of threads to begin with: `GRAPHC_NUM_THREADS`, or the processors that the process may use.

    Raises ValueError if the variable is set to something else than a number from 1 on.
    """
    wish = os.environ.get(VARIABLE, "").strip()
    if not wish:
        return allowed()
    if not (wish.isascii() and wish.isdigit() and 1 <= int(wish) <= MOST_THREADS):
        raise ValueError(f"{VARIABLE} is a number from 1 to {MOST_THREADS}, got {wish!r}")
    return int(wish)


def allowed() -> int:
    """Return how many processors the process may use: limited by affinity and, on Linux, by the quota of its cgroups."""
    own = getattr(os, "sched_getaffinity", None)
    processors = os.cpu_count() or 1 if own is None else len(own(0))
    return max(1, min(processors, MOST_THREADS, *quotas(CGROUPS, MEMBERSHIP)))


def quotas(root: Path, membership: Path) -> Iterator[int]:
    """Yield the processors' worth of time that each cgroup around the process allows, rounded up."""
    for line in _lines(membership):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:  # cgroup v2
            for folder in _upwards(root, path):
                quota, _, period = (_lines(folder / "cpu.max") or ["max"])[0].partition(" ")
                yield from _processors(quota, period or "100000")
        elif "cpu" in controllers.split(","):
            for folder in _upwards(root / "cpu", path):
                quota, period = ((_lines(folder / f"cpu.cfs_{name}_us") or [""])[0] for name in ("quota", "period"))
                yield from _processors(quota, period)


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """Yield the folders of a cgroup and of those around it; in a container the own one may be the root."""
    own = PurePosixPath(path.lstrip("/"))
    if ".." not in own.parts:
        for part in dict.fromkeys((own, *own.parents, PurePosixPath(""))):
            yield root / part


def _processors(quota: str, period: str) -> Iterator[int]:
    if quota.isdigit() and period.isdigit() and int(quota) and int(period):
        yield -(-int(quota) // int(period))


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
