"""Guards: the condition under which a form of axes is an index of what is read."""

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
    """`low <= form / step < high`, where the step divides the form; a bound that always holds is None."""

    form: Affine
    low: int | None
    high: int | None
    step: int = 1

    def substitute(self, forms: Sequence[Affine], shape: Sequence[int]) -> Guard:
        """Return the guard with forms of axes of the extents `shape` in the place of its axes."""
        return Guard(self.form.substitute(forms, shape), self.low, self.high, self.step)

    def holds(self, index: Sequence[Any]) -> Any:
        """Tell whether the guard holds at an index of integers or integer arrays."""
        value = self.form.value(index)
        held = value % self.step == 0
        if self.low is not None:
            held = held & (self.low * self.step <= value)
        return held if self.high is None else held & (value < self.high * self.step)

    def __str__(self) -> str:
        low, high = ("" if self.low is None else f"{self.low} <= "), ("" if self.high is None else f" < {self.high}")
        return f"{low}({self.form}) / {self.step}{high}" if self.step != 1 else f"{low}{self.form}{high}"


def joined(guards: Iterable[Guard]) -> tuple[Guard, ...] | None:
    """Return guards of which no two are of one form but for a factor and a constant; None if two such are not one guard."""
    found: dict[Any, Guard] = {}
    for guard in map(_reduced, guards):
        if not guard.form.terms and guard.holds(()):
            continue
        other = found.get(guard.form.terms)
        both = guard if other is None or not guard.form.terms else _both(other, guard)
        if both is None:
            return None
        found[guard.form.terms] = both
    return tuple(found.values())


def _reduced(guard: Guard) -> Guard:
    """Return the guard of a form without a common factor, a constant, and a first coefficient below 0."""
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
"""Does not hold."""


def _above(x: int, by: int) -> int:
    """Return a quotient, rounded up."""
    return -(-x // by)


def _both(a: Guard, b: Guard) -> Guard | None:
    """Return the guard of two reduced ones of one form; None if their steps differ."""
    if a.step == 1:
        a, b = b, a
    if b.step == 1:  # in steps of the other
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
