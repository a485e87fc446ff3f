"""Make machine code from LLVM IR text in this process.  The one module that imports llvmlite.

Code is generated at level 1 without LLVM's pass pipeline: kernels arrive vectorized, and the pipeline
would cost three times the compile time for equal code (docs/decisions.md).
"""

from __future__ import annotations

import functools
import os
import re
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

SUPPORTED = ((0, 45), (0, 52))
"""Accepted llvmlite versions: first, and first no longer accepted."""

try:
    import llvmlite
    import llvmlite.binding as llvm
except ImportError as error:  # pragma: no cover - exercised in a subprocess
    raise ImportError("graphc needs llvmlite to make machine code: pip install llvmlite") from error

__all__ = ["SUPPORTED", "MachineCode", "check_version", "compile_text", "cross_assembly", "host", "llvm_lock"]


def check_version(version: str) -> None:
    """Refuse an llvmlite that graphc was not tried with.  Raises ImportError."""
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    low, high = SUPPORTED
    if not low <= numbers < high:
        raise ImportError(
            f"graphc accepts llvmlite >= {low[0]}.{low[1]} and < {high[0]}.{high[1]}, found {version}: "
            f"pip install 'llvmlite>={low[0]}.{low[1]},<{high[0]}.{high[1]}'"
        )


check_version(llvmlite.__version__)
llvm_lock = threading.RLock()
"""Held while LLVM is at work."""


@dataclass(frozen=True)
class Host:
    """The processor that code is made for."""

    triple: str
    cpu: str
    features: str

    def has(self, feature: str) -> bool:
        """Tell whether a feature such as `avx512f` or `fma` is there and enabled."""
        return f"+{feature}" in self.features.split(",")

    @property
    def vector_bytes(self) -> int:
        """Width of the widest vector registers."""
        if self.has("avx512f"):
            return 64
        return 32 if self.has("avx2") else 16

    @property
    def vector_registers(self) -> int:
        """Number of vector registers: what a register tile has to fit into."""
        return 32 if self.has("avx512f") or not self.triple.startswith("x86_64") else 16


@functools.cache
def host() -> Host:
    """Return the processor of this machine.

    `GRAPHC_CPU` (`name` or `name:+feature,-feature`) asks for code of a lesser one.
    """
    wish = os.environ.get("GRAPHC_CPU")
    if wish:
        cpu, _, features = wish.partition(":")
        return Host(llvm.get_process_triple(), cpu, features)
    return Host(llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


@functools.cache
def _target() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(host().triple)


def _machine(level: int = 1) -> Any:
    """Return a new target machine: an engine owns the one it is made with, and frees it when it dies."""
    h = host()
    model = "small" if sys.platform != "win32" else "large"
    return _target().create_target_machine(cpu=h.cpu, features=h.features, opt=level, reloc="pic", codemodel=model, jit=True)


@dataclass
class MachineCode:
    """One compiled module: its functions' addresses, and its text for whoever wants to read it.

    The memory of the code lives as long as this object.
    """

    text: str
    level: int
    _engine: Any = field(repr=False)
    _module: Any = field(repr=False)

    def address(self, name: str) -> int:
        """Return the address of a function.  Raises KeyError if there is none of that name."""
        found = self._engine.get_function_address(name)
        if not found:
            raise KeyError(name)
        return int(found)

    def llvm_ir(self) -> str:
        """Return the module as LLVM prints it after parsing."""
        return str(self._module)

    def asm(self) -> str:
        """Return the assembly for this machine."""
        with llvm_lock:
            return str(_machine(self.level).emit_assembly(self._module))


def compile_text(text: str, level: int = 1) -> MachineCode:
    """Parse, verify and load LLVM IR text, with code of a level from 0, quick to make, to 3.

    Raises RuntimeError with LLVM's message for bad text.
    """
    with llvm_lock:
        machine = _machine(level)
        module = llvm.parse_assembly(text)
        module.triple = host().triple
        module.data_layout = str(machine.target_data)
        module.verify()
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.finalize_object()
    return MachineCode(text, level, engine, module)


def cross_assembly(text: str, triple: str, cpu: str = "", features: str = "") -> str:
    """Return the assembly of LLVM IR text for another target, such as `aarch64-unknown-linux-gnu`."""
    with llvm_lock:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=1, reloc="pic")
        module = llvm.parse_assembly(text)
        module.triple = triple
        module.data_layout = str(machine.target_data)
        return str(machine.emit_assembly(module))
