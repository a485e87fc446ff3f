"""Decide which sums need totals of higher precision than their terms, and how often partial sums are added to these."""

from __future__ import annotations

from math import prod

from graphc.codegen.loops.loop_ir import Kernel, Reduction
from graphc.ir.core.structural_key import SMALL

__all__ = ["OUTER_SUM_BLOCK", "SUM_BLOCK", "is_literal", "must_be_wide"]

SUM_BLOCK = 4096
"""Elements of a row that a float sum adds in its own precision before it is added to the total."""

OUTER_SUM_BLOCK = 256
"""The same for sums whose lanes are points, where each lane is a separate sum."""


def is_literal(extent: int, literal: bool) -> bool:
    """Return whether an extent is a literal in the code; all are if `literal`."""
    return literal or extent <= SMALL


def must_be_wide(kernel: Kernel, r: Reduction, literal: bool) -> bool:
    """Return whether a float sum has, or at other sizes may have, so many terms that it needs a total of higher precision."""
    extents = [kernel.dims[lo] for lo in r.inner]
    short = all(is_literal(n, literal) for n in extents) and prod(extents) <= SMALL * SMALL
    return r.kind == "sum" and r.dtype.is_float and not short
