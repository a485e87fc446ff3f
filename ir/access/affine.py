"""Quasi-affine forms: linear combinations of axes, and of mixed-radix digits of such forms, plus a constant.

    2*i + j - 1          the axes i and j with coefficients 2 and 1, and a constant
    (3*i + j) / 2 % 5    a digit of a form: floor-divide by the product of the lower extents, then take the remainder by its own

Coefficients, constants and extents may be symbols (ir/core/guards.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

__all__ = ["Affine", "Digit", "axis_form", "digits", "row_major"]


@dataclass(frozen=True)
class Digit:
    """One digit of a form in mixed radix, such as the index along an axis of a reshaped array.

    The most significant digit is not reduced: it takes the whole quotient, inside its extent or not.
    """

    form: Affine
    extents: tuple[int, ...]
    position: int

    @property
    def divisor(self) -> int:
        """The place value of the digit in the form."""
        return prod(self.extents[self.position + 1 :])

    def value(self, index: Sequence[Any]) -> Any:
        """Return the digit at an index of integers or integer arrays."""
        quotient = self.form.value(index) // self.divisor
        return quotient % self.extents[self.position] if self.position else quotient

    def __str__(self) -> str:
        text = f"({self.form})" if len(self.form.terms) > 1 or self.form.const else str(self.form)
        text += f" / {self.divisor}" if self.divisor != 1 else ""
        return f"{text} % {self.extents[self.position]}" if self.position else text


Atom = int | Digit
Term = tuple[Atom, int]


@dataclass(frozen=True)
class Affine:
    """`sum(coefficient * atom) + const`, where an atom is an axis number or a digit and occurs once."""

    terms: tuple[Term, ...] = ()
    const: int = 0

    @property
    def axis(self) -> int | None:
        """The axis, if the form is one axis alone; else None."""
        if len(self.terms) != 1 or not isinstance(self.terms[0][0], int) or self.terms[0][1] != 1 or self.const != 0:
            return None
        return self.terms[0][0]

    def plus(self, other: Affine) -> Affine:
        """Return the sum of two forms, merging digits that add up to the form they were taken from."""
        coefficients = dict(self.terms)
        for atom, c in other.terms:
            coefficients[atom] = coefficients.get(atom, 0) + c
        terms = tuple([term for term in coefficients.items() if term[1] != 0])
        return _joined(Affine(terms, self.const + other.const))

    def scaled(self, factor: int) -> Affine:
        """Return the form times a constant."""
        if factor == 0:
            return Affine()
        return Affine(tuple([(atom, c * factor) for atom, c in self.terms]), self.const * factor)

    def substitute(self, forms: Sequence[Affine], shape: Sequence[int]) -> Affine:
        """Return the form with a form substituted for each axis; those are forms of axes with extents `shape`."""
        parts = [_substituted(atom, forms, shape).scaled(c) for atom, c in self.terms]
        return reduce(Affine.plus, parts, Affine((), self.const))

    def axes(self) -> frozenset[int]:
        """Return the axes that the form depends on."""
        below = [frozenset((atom,)) if isinstance(atom, int) else atom.form.axes() for atom, _ in self.terms]
        return frozenset[int]().union(*below)

    def value(self, index: Sequence[Any]) -> Any:
        """Evaluate the form at an index of integers or integer arrays."""
        return self.const + sum(c * (index[atom] if isinstance(atom, int) else atom.value(index)) for atom, c in self.terms)

    def range(self, shape: Sequence[int]) -> tuple[int, int]:
        """Return inclusive bounds of the form over axes with extents `shape`."""
        low = high = self.const
        for atom, c in self.terms:
            reach = c * ((shape[atom] if isinstance(atom, int) else atom.extents[atom.position]) - 1)
            low, high = (low, high + reach) if c > 0 else (low + reach, high)
        return low, high

    def __str__(self) -> str:
        terms = [f"{'' if c == 1 else f'{c}*'}{f'i{atom}' if isinstance(atom, int) else f'({atom})'}" for atom, c in self.terms]
        if not terms:
            return str(self.const)
        return " + ".join(terms) + (f" {'-' if self.const < 0 else '+'} {abs(self.const)}" if self.const else "")


def axis_form(axis: int, factor: int = 1, const: int = 0) -> Affine:
    """Return `factor * axis + const`."""
    return Affine(((axis, factor),), const)


def row_major(axes: Sequence[int], extents: Sequence[int]) -> Affine:
    """Return the position in a row-major array over the axes; axes of extent 1 are left out."""
    terms: list[Term] = []
    stride = 1
    for axis, n in zip(reversed(axes), reversed(extents), strict=True):
        if n != 1:
            terms.append((axis, stride))
        stride *= n
    return Affine(tuple(reversed(terms)))


def digits(form: Affine, extents: Sequence[int], shape: Sequence[int]) -> list[Affine]:
    """Return the digits of a form in radices `extents`, as forms of its terms where these line up with the radices.

    The form ranges over axes with extents `shape` and must be nonnegative.
    """
    if 0 in extents:
        return [Affine()] * len(extents)
    low: list[Affine] = []
    left = list(extents)
    while len(left) > 1:
        parts = _divided(form, left[-1], shape)
        if parts is None:
            return [Affine(((Digit(form, tuple(left), k), 1),)) for k in range(len(left))] + low
        left.pop()
        form, last = parts
        low.insert(0, last)
    return [form, *low]


def _divided(form: Affine, divisor: int, shape: Sequence[int]) -> tuple[Affine, Affine] | None:
    """Return quotient and remainder of a division of a form, as forms of its terms where possible."""
    low = Affine(tuple([term for term in form.terms if term[1] % divisor != 0]), form.const % divisor)
    least, most = low.range(shape)
    if least < 0 or most >= divisor:
        return None
    return Affine(tuple([(atom, c // divisor) for atom, c in form.terms if c % divisor == 0]), form.const // divisor), low


def _substituted(atom: Atom, forms: Sequence[Affine], shape: Sequence[int]) -> Affine:
    if isinstance(atom, int):
        return forms[atom]
    return digits(atom.form.substitute(forms, shape), atom.extents, shape)[atom.position]


def _joined(form: Affine) -> Affine:
    """Merge adjacent digits of one form: `6 * (f / 3) + 2 * (f % 3)` is `2 * f`."""
    for high, c in form.terms:
        for low, d in form.terms:
            if isinstance(high, Digit) and isinstance(low, Digit) and _is_above(high, c, low, d):
                rest = tuple([term for term in form.terms if term[0] not in (high, low)])
                return Affine(rest, form.const).plus(_pair(high, low).scaled(d))
    return form


def _is_above(high: Digit, c: int, low: Digit, d: int) -> bool:
    """Whether `high` is the digit directly above `low` in the same form, with the coefficient to match."""
    extent = low.extents[low.position]
    beside = low.position > 0 and high.form == low.form and high.divisor == low.divisor * extent
    return beside and c == d * extent


def _pair(high: Digit, low: Digit) -> Affine:
    """Return two adjacent digits as one."""
    extent, below = high.extents[high.position] * low.extents[low.position], low.divisor
    if not high.position and below == 1:
        return high.form
    above = (prod(high.extents[: high.position]),) if high.position else ()
    extents = (*above, extent, below) if below != 1 else (*above, extent)
    return Affine(((Digit(high.form, extents, len(above)), 1),))
