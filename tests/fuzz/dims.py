"""Symbolic extents: polynomials over named sizes, so that one program can be printed at any sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

__all__ = ["Dim", "as_dim", "ceil_div", "numel"]


@dataclass(frozen=True)
class Dim:
    """A polynomial: pairs of a monomial, the sorted names of its factors, and a coefficient that is not 0.

    A factor is the name of a size or an expression in parentheses of which nothing but its text is known.
    """

    terms: tuple[tuple[tuple[str, ...], int], ...]

    def __add__(self, other: Dim | int) -> Dim:
        return _of([*self.terms, *as_dim(other).terms])

    def __sub__(self, other: Dim | int) -> Dim:
        return self + as_dim(other) * -1

    def __mul__(self, other: Dim | int) -> Dim:
        return _of([(tuple(sorted(m + n)), a * b) for m, a in self.terms for n, b in as_dim(other).terms])

    @property
    def constant(self) -> int | None:
        """The number this is at all sizes, None if it depends on them."""
        return None if any(m for m, _ in self.terms) else sum(c for _, c in self.terms)

    def at(self, sizes: Mapping[str, int]) -> int:
        """Return the extent at sizes."""
        return sum(c * prod(sizes[f] if f in sizes else eval(f, {}, dict(sizes)) for f in m) for m, c in self.terms)

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        texts = ["*".join([*([] if c == 1 and m else [str(c)]), *m]) for m, c in self.terms]
        return " + ".join(texts).replace("+ -", "- ")


def _of(terms: list[tuple[tuple[str, ...], int]]) -> Dim:
    total: dict[tuple[str, ...], int] = {}
    for monomial, c in terms:
        total[monomial] = total.get(monomial, 0) + c
    return Dim(tuple(sorted(((m, c) for m, c in total.items() if c), key=lambda t: (-len(t[0]), t[0]))))


def as_dim(x: Dim | int | str) -> Dim:
    """Return a number or the name of a size as an extent."""
    if isinstance(x, Dim):
        return x
    return _of([((x,), 1)]) if isinstance(x, str) else _of([((), x)])


def ceil_div(x: Dim, step: int) -> Dim:
    """Return the extent of every `step`-th of `x` items."""
    known = x.constant
    if known is not None:
        return as_dim(-(-known // step))
    return as_dim(f"(({x} + {step - 1}) // {step})") if step > 1 else x


def numel(shape: tuple[Dim, ...]) -> Dim:
    """Return the product of extents."""
    total = as_dim(1)
    for d in shape:
        total = total * d
    return total
