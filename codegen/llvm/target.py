"""The target processor: its instruction set, vector width and number of registers.

Checks the version of llvmlite as well, since every use of it starts here.
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from math import inf

from graphc.ir.core.cost import TargetInfo

SUPPORTED = ((0, 45), (0, 52))
"""Supported llvmlite versions: the first, and the first that is no longer supported."""

try:
    import llvmlite
    import llvmlite.binding as llvm
except ImportError as error:  # pragma: no cover - exercised in a subprocess
    raise ImportError("graphc needs llvmlite to make machine code: pip install llvmlite") from error

__all__ = ["LLVMLITE", "SUPPORTED", "Target", "check_version", "host"]


def check_version(version: str) -> None:
    """Raise ImportError for an llvmlite version that graphc was not tested with."""
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    low, high = SUPPORTED
    if not low <= numbers < high:
        raise ImportError(
            f"graphc accepts llvmlite >= {low[0]}.{low[1]} and < {high[0]}.{high[1]}, found {version}: "
            f"pip install 'llvmlite>={low[0]}.{low[1]},<{high[0]}.{high[1]}'"
        )


LLVMLITE: str = llvmlite.__version__
check_version(LLVMLITE)


@dataclass(frozen=True)
class Target:
    """A processor: LLVM's triple, CPU name and features."""

    triple: str
    cpu: str
    features: str

    def has(self, feature: str) -> bool:
        """Return whether a feature such as `avx512f` or `fma` is present and enabled."""
        return f"+{feature}" in self.features.split(",")

    @property
    def vector_bytes(self) -> int:
        """Width of the widest vector registers."""
        if self.has("avx512f"):
            return 64
        return 32 if self.has("avx2") else 16

    @property
    def vector_registers(self) -> int:
        """Number of vector registers, which bounds the register tile."""
        return 32 if self.has("avx512f") or not self.triple.startswith("x86_64") else 16

    @property
    def info(self) -> TargetInfo:
        """The properties that passes use; equal for all processors so far: narrower vectors only mean more instructions."""
        return TargetInfo(
            register_elements=16,
            lanes=16,
            vector_bytes=32,
            vector_elements=16,
            kernel_cost=900,
            packed_bytes=16 << 20,
            keeping=((2**18, 1 / 16), (2**23, 1 / 6), (inf, 0.8)),
        )


@functools.cache
def host() -> Target:
    """Return this machine as a target.

    `GRAPHC_CPU` (`name` or `name:+feature,-feature`) selects a lesser one.
    """
    wish = os.environ.get("GRAPHC_CPU")
    if wish:
        cpu, _, features = wish.partition(":")
        return Target(llvm.get_process_triple(), cpu, features)
    return Target(llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
