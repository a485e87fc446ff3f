"""Symbolic numbers: they record how they were computed and which comparisons depended on them.

A pass may run on a graph whose extents are symbols.  It runs as on numbers, since each symbol has a value, while `Guards`
records every arithmetic operation and the outcome of every comparison.  The resulting specialization computes the outputs of
the same run for other numbers, without the run, as long as all comparisons have the same outcome:

>>> guards = Guards([100, 7])
>>> n, k = guards.symbols
>>> rounded = n // 16 * 16 if n > k else n
>>> specialization = guards.specialization([rounded, rounded + k])
>>> specialization.replay([100, 7]), specialization.replay([40, 8]), specialization.replay([5, 6])
([96, 103], [32, 40], None)

A symbol is not an int: code that converts it to one (`range`, NumPy, formatting) fixes its value, which is a guard too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Guards", "Specialization", "Symbol", "derived"]

Function = Callable[..., Any]
_NOTHING = object()


class Symbol:
    """A symbolic number.  Typed Any where it stands for an int or a float."""

    __slots__ = ("at", "guards", "value")

    def __init__(self, guards: Guards, at: int, value: Any) -> None:
        self.guards, self.at, self.value = guards, at, value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"symbol{self.at}"

    def __str__(self) -> str:
        return str(self.guards.known(self))

    def __format__(self, spec: str) -> str:
        return format(self.guards.known(self), spec)

    def __index__(self) -> int:
        return operator.index(self.guards.known(self))

    def __int__(self) -> int:
        return int(self.guards.known(self))

    def __float__(self) -> float:
        return float(self.guards.known(self))

    def __bool__(self) -> bool:
        return self.guards.decided(operator.ne, self, 0)

    def bit_length(self) -> Any:
        """Return what `int.bit_length` does."""
        return self.guards.derived(int.bit_length, self)

    def __neg__(self) -> Any:
        return self.guards.derived(operator.neg, self)

    def __abs__(self) -> Any:
        return self.guards.derived(operator.abs, self)


_NUMBERS = (int, float, Symbol)


def _compares(name: str) -> None:
    function = getattr(operator, name)

    def method(self: Symbol, other: Any) -> Any:
        return self.guards.decided(function, self, other) if isinstance(other, _NUMBERS) else NotImplemented

    setattr(Symbol, f"__{name}__", method)


def _computes(name: str, neutral: int | None = None) -> None:
    """Define an operator on symbols, from both sides; a right operand of `neutral` returns the symbol itself."""
    function = getattr(operator, name)

    def method(self: Symbol, other: Any) -> Any:
        if type(other) is int and other == neutral:
            return self
        return self.guards.derived(function, self, other) if isinstance(other, _NUMBERS) else NotImplemented

    def reflected(self: Symbol, other: Any) -> Any:
        return self.guards.derived(function, other, self) if isinstance(other, _NUMBERS) else NotImplemented

    setattr(Symbol, f"__{name.strip('_')}__", method)
    setattr(Symbol, f"__r{name.strip('_')}__", reflected)


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _compares(_name)
for _name, _neutral in (("add", 0), ("sub", 0), ("mul", 1), ("floordiv", 1), ("truediv", None), ("mod", None), ("and_", None)):
    _computes(_name, _neutral)


def derived(function: Function, *operands: Any) -> Any:
    """Return `function(*operands)`, recorded by the guards of a symbol among the operands, if there is one."""
    for x in operands:
        if isinstance(x, Symbol):
            return x.guards.derived(function, *operands)
    return function(*operands)


@dataclass(frozen=True, eq=False)
class Specialization:
    """Computes outputs from inputs: `entries` are (function, indices of operands, index of the result or -1, outcome)."""

    slots: list[Any]
    inputs: int
    entries: list[tuple[Function, tuple[int, ...], int, Any]]
    outputs: list[int]

    def replay(self, numbers: Sequence[Any]) -> list[Any] | None:
        """Return the outputs for other inputs; None if a comparison has another outcome."""
        values = self.slots.copy()
        values[: self.inputs] = numbers
        try:
            for function, operands, at, outcome in self.entries:
                value = function(*[values[i] for i in operands])
                if at >= 0:
                    values[at] = value
                elif value != outcome:
                    return None
        except ArithmeticError:
            return None
        return [values[i] for i in self.outputs]


class Guards:
    """The operations and comparisons on `symbols` and what was computed from them, in order."""

    def __init__(self, numbers: Sequence[Any]) -> None:
        self.values: list[Any] = []
        self.constants: dict[Any, int] = {}
        self.steps: dict[Any, Symbol] = {}
        self.entries: list[tuple[Function, tuple[int, ...], int, Any]] = []
        self.decisions: set[Any] = set()
        self.symbols: list[Any] = [Symbol(self, self._add(x), x) for x in numbers]

    def derived(self, function: Function, *operands: Any) -> Any:
        """Return the symbol of `function(*operands)`; equal operations are one."""
        indices = tuple([self._at(x) for x in operands])
        key = (function, indices)
        symbol = self.steps.get(key)
        if symbol is None:
            value = function(*[self.values[i] for i in indices])
            symbol = self.steps[key] = Symbol(self, self._add(value), value)
            self.entries.append((function, indices, symbol.at, _NOTHING))
        return symbol

    def decided(self, function: Function, x: Any, y: Any) -> bool:
        """Return the outcome of a comparison and record it."""
        indices = (self._at(x), self._at(y))
        outcome = bool(function(self.values[indices[0]], self.values[indices[1]]))
        key = (function, indices)
        if indices[0] != indices[1] and key not in self.decisions:
            self.decisions.add(key)
            self.entries.append((function, indices, -1, outcome))
        return outcome

    def known(self, x: Symbol) -> Any:
        """Fix a symbol to its value and return that."""
        self.decided(operator.eq, x, x.value)
        return x.value

    def specialization(self, outputs: Sequence[Any]) -> Specialization:
        """Return the specialization that computes some numbers, symbols or not."""
        indices = [self._at(x) for x in outputs]
        needed = set(indices)
        entries = []
        for entry in reversed(self.entries):
            if entry[2] < 0 or entry[2] in needed:
                needed.update(entry[1])
                entries.append(entry)
        return Specialization(self.values.copy(), len(self.symbols), entries[::-1], indices)

    def _at(self, x: Any) -> int:
        """Return the index of a symbol of these guards, or of a constant."""
        if isinstance(x, Symbol) and x.guards is self:
            return x.at
        if isinstance(x, Symbol):
            x = x.guards.known(x)
        key = (type(x), x.hex() if isinstance(x, float) else x)
        if key not in self.constants:
            self.constants[key] = self._add(x)
        return self.constants[key]

    def _add(self, value: Any) -> int:
        self.values.append(value)
        return len(self.values) - 1
