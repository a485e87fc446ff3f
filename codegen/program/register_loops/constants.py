"""Constants in register loops: literals, registers loaded before the loop, or loads where they are used."""

from __future__ import annotations

from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.values import Value
from graphc.codegen.nests.kernel_function import parameter_bits
from graphc.codegen.program.memory.main_function import MainFunction
from graphc.ir.core.guards import derived
from graphc.ir.core.structural_key import SIMPLE, SMALL
from graphc.ir.core.types import DType

__all__ = ["Constants"]

MOST_LOADED = 32
"""Constants that are loaded before a loop; more would not stay in registers, and take LLVM long to spill."""


class Constants:
    """Provides the value of each constant."""

    def __init__(self, main: MainFunction) -> None:
        self.main = main
        self._loaded: dict[tuple[float, DType], Value] = {}
        self._slots: dict[tuple[float, DType], int] = {}

    def __call__(self, value: float, dtype: DType) -> Value:
        """Return a constant: a literal if it is simple, else a parameter, which does not change the code."""
        type = LLVM[dtype.name]
        simple = value in SIMPLE or value != value if dtype.is_float else abs(value) <= SMALL
        if dtype.is_bool or simple:
            return self.main.f.const(value, type)
        key = (value, dtype)
        if key not in self._loaded and len(self._loaded) >= MOST_LOADED:
            if key not in self._slots:
                self._slots[key] = self.main.slot(derived(parameter_bits, value, dtype))
            return self.main.load_parameter(self._slots[key], type)
        if key not in self._loaded:
            self._loaded[key] = self.main.parameter(derived(parameter_bits, value, dtype), type)
        return self._loaded[key]
