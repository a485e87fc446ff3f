"""Bounds checks: conditions that compare an index with the first element of an axis, or with its extent."""

from __future__ import annotations

from typing import NamedTuple

from graphc.codegen.loops.loop_ir import Instr

__all__ = ["Check", "check_of", "is_bound_check", "simple_check"]

SIZES = ("index", "size", "constant")


def is_bound_check(i: Instr) -> bool:
    """Whether a condition compares an index with its bounds, both small enough that a difference does not wrap."""
    return i.op in ("le", "lt") and any(a.op == "index" for a in i.args) and all(a.op in SIZES for a in i.args)


class Check(NamedTuple):
    """A bounds check of one loop: it holds for the iterations from `first` on, and before `end` if there is one."""

    loop: int
    first: int
    end: int | None


def check_of(i: Instr) -> Check | None:
    """Return what a bounds check of one loop says; None for other conditions."""
    if not is_bound_check(i):
        return None
    index, bound = (i.args[1], i.args[0]) if i.op == "le" else (i.args[0], i.args[1])
    if index.op != "index" or index.attr.values or len(index.attr.loops) != 1 or index.attr.loops[0][1] != 1:
        return None
    (loop, _), const = index.attr.loops[0], index.attr.const
    if i.op == "lt" and bound.op == "size":
        return Check(loop, 0, bound.attr - const)
    return Check(loop, -const, None) if i.op == "le" and bound.op == "constant" and bound.attr == 0 else None


def simple_check(i: Instr) -> Check:
    """Return what a condition that is a bounds check of one loop says."""
    check = check_of(i)
    assert check is not None, f"{i.name} is no bounds check of one loop"
    return check
