"""Guards: conditions under which an index that is a form of axes lies inside the operand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

from graphc.ir.access.affine import Affine
from graphc.ir.core.guards import derived

__all__ = ["Guard", "joined"]


@dataclass(frozen=True)
class Guard:
    """`low <= form / step < high`, where the step divides the form; None is a bound that always holds."""

    form: Affine
    low: int | None
    high: int | None
    step: int = 1

    def substitute(self, forms: Sequence[Affine], shape: Sequence[int]) -> Guard:
        """Return the guard with a form substituted for each axis; those are forms of axes with extents `shape`."""
        return Guard(self.form.substitute(forms, shape), self.low, self.high, self.step)

    def holds(self, index: Sequence[Any]) -> Any:
        """Return whether the guard holds at an index of integers or integer arrays."""
        value = self.form.value(index)
        held = value % self.step == 0
        if self.low is not None:
            held = held & (self.low * self.step <= value)
        return held if self.high is None else held & (value < self.high * self.step)

    def __str__(self) -> str:
        low, high = ("" if self.low is None else f"{self.low} <= "), ("" if self.high is None else f" < {self.high}")
        return f"{low}({self.form}) / {self.step}{high}" if self.step != 1 else f"{low}{self.form}{high}"


def joined(guards: Iterable[Guard]) -> tuple[Guard, ...] | None:
    """Merge guards on the same form up to a factor and a constant; return None if two of these do not make one guard."""
    merged: dict[Any, Guard] = {}
    for guard in map(_reduced, guards):
        if not guard.form.terms and guard.holds(()):
            continue
        other = merged.get(guard.form.terms)
        both = guard if other is None or not guard.form.terms else _both(other, guard)
        if both is None:
            return None
        merged[guard.form.terms] = both
    return tuple(merged.values())


def _reduced(guard: Guard) -> Guard:
    """Normalize a guard: no common factor, no constant, a positive first coefficient."""
    if not guard.form.terms:
        return guard
    factor, const, step = gcd(*(c for _, c in guard.form.terms)), guard.form.const, guard.step
    factor = -factor if guard.form.terms[0][1] < 0 else factor
    common = gcd(factor, step)
    if const % common:
        return NEVER
    modulus = step // common
    phase = -const // common * pow(factor // common, -1, modulus) % modulus if modulus > 1 else 0
    ends = [
        None if guard.low is None else guard.low * step - const,
        None if guard.high is None else guard.high * step - 1 - const,
    ]
    least, most = ends if factor > 0 else ends[::-1]
    return Guard(
        Affine(tuple([(atom, c // factor) for atom, c in guard.form.terms]), -phase),
        None if least is None else _above(_above(least, factor) - phase, modulus),
        None if most is None else (most // factor - phase) // modulus + 1,
        modulus,
    )


NEVER = Guard(Affine(), 0, 0)
"""The guard that never holds."""


def _above(x: int, divisor: int) -> int:
    """Return the quotient, rounded up."""
    return -(-x // divisor)


def _both(a: Guard, b: Guard) -> Guard | None:
    """Return the conjunction of two normalized guards on one form; None if neither step divides the other."""
    if a.step == 1:
        a, b = b, a
    if b.step == 1:  # in units of the other step
        offset = a.form.const - b.form.const
        low = None if b.low is None else _above(b.low + offset, a.step)
        high = None if b.high is None else (b.high - 1 + offset) // a.step + 1
        b = Guard(a.form, low, high, a.step)
    if a.step != b.step or a.form.const != b.form.const:
        return None
    return Guard(a.form, _tighter(max, a.low, b.low), _tighter(min, a.high, b.high), a.step)


def _tighter(choose: Callable[[int, int], int], x: int | None, y: int | None) -> int | None:
    if x is None or y is None:
        return y if x is None else x
    return derived(choose, x, y)  # type: ignore[no-any-return]
