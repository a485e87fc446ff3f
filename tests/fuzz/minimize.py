"""Shrink a failing program: fewer statements, smaller shapes, simpler numbers, as long as the same mode still differs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.fuzz.program import Block, Program, Stmt, Var, free

__all__ = ["minimize", "statements"]

SMALL = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 20, 32, 33, 64)

SECONDS = 60.0
"""What one minimization may take."""


def minimize(program: Program, fails: Callable[[Program], bool], attempts: int = 800) -> Program:
    """Return the smallest program that is found for which `fails` holds, as it does for the one given."""
    left = attempts
    improved = True
    end = time.monotonic() + SECONDS
    while improved and left > 0 and time.monotonic() < end:
        improved = False
        for simpler in _simpler(program):
            left -= 1
            if _fails(fails, simpler):
                program, improved = simpler, True
                break
            if left <= 0:
                break
    return program


def _fails(fails: Callable[[Program], bool], program: Program) -> bool:
    try:
        return fails(program)
    except Exception:
        return False


def statements(block: Block) -> int:
    """Count the statements of a block and of those in it."""
    return sum(1 + sum(statements(a) for a in s.args if isinstance(a, Block)) for s in block.stmts)


def _simpler(program: Program) -> Iterator[Program]:
    """Yield programs a step simpler, those that save most first."""
    block = program.block
    if any(not s.out for s in block.stmts):
        yield replace(program, block=_live(replace(block, stmts=tuple(s for s in block.stmts if s.out))))
    for b in _fewer_results(block):
        yield replace(program, block=_live(b))
    for b in _cut(block):
        yield replace(program, block=_live(b))
    for b in _shorter(block, top=True):
        yield replace(program, block=_live(b))
    if program.values != "normal":
        yield replace(program, values="normal", seed=program.seed)
    if program.loss != "sum":
        yield replace(program, loss="sum")
    for i, layout in enumerate(program.layouts):
        if layout != "dense":
            yield replace(program, layouts=(*program.layouts[:i], "dense", *program.layouts[i + 1 :]))
    used = {v.name for v in free(replace(block, params=()))}
    for i, p in enumerate(block.params):
        if p.name not in used and len(block.params) > 1:
            fewer = replace(block, params=(*block.params[:i], *block.params[i + 1 :]))
            layouts = (*program.layouts[:i], *program.layouts[i + 1 :])
            yield replace(program, block=fewer, layouts=layouts)
    for name, size in program.sizes.items():
        yield from (replace(program, sizes={**program.sizes, name: s}) for s in SMALL if s < size)
    for b in _rounder(block):
        yield replace(program, block=b)


def _fewer_results(block: Block) -> Iterator[Block]:
    if len(block.results) > 1:
        yield from (replace(block, results=(r,)) for r in block.results)
        yield from (replace(block, results=(*block.results[:i], *block.results[i + 1 :])) for i in range(len(block.results)))


def _cut(block: Block) -> Iterator[Block]:
    """Return what an earlier statement makes instead."""
    made = [v for s in block.stmts for v in s.out]
    if len(block.results) == 1:
        yield from (replace(block, results=(v,)) for v in made[:-1] if v not in block.results)


def _live(block: Block) -> Block:
    """Drop statements whose results are not read, from the last to the first."""
    stmts = list(block.stmts)
    for i in reversed(range(len(stmts))):
        rest = replace(block, params=(), stmts=tuple(stmts[i + 1 :]))
        if stmts[i].out and not {v.name for v in free(rest)} & {v.name for v in stmts[i].out}:
            del stmts[i]
    return replace(block, stmts=tuple(stmts))


def _shorter(block: Block, top: bool) -> Iterator[Block]:
    """Yield the block without one statement, what it made replaced: by an operand, by an argument, by a new argument."""
    for i in reversed(range(len(block.stmts))):
        s = block.stmts[i]
        without = replace(block, stmts=(*block.stmts[:i], *block.stmts[i + 1 :]))
        if not s.out:
            yield without
        for operand in _replacements(block, s):
            yield _renamed(without, {s.out[0].name: operand})
        if top and s.out:
            taken = {p.name for p in block.params}
            new = [replace(v, name=f"{'z' if v.name in taken else ''}{v.name}", owned=False) for v in s.out]
            yield _renamed(replace(without, params=(*block.params, *new)), {v.name: n for v, n in zip(s.out, new, strict=True)})
        for k, a in enumerate(s.args):
            if isinstance(a, Block):
                for inner in [*_cut_inside(a), *_shorter(a, top=False)]:
                    changed = replace(s, args=(*s.args[:k], _live(inner), *s.args[k + 1 :]))
                    yield replace(block, stmts=(*block.stmts[:i], changed, *block.stmts[i + 1 :]))


def _cut_inside(block: Block) -> Iterator[Block]:
    """Yield the block with a parameter of the same type in the place of a result."""
    for i, r in enumerate(block.results):
        for p in block.params:
            if isinstance(r, Var) and p.name != r.name and p.dtype == r.dtype and p.shape == r.shape:
                yield replace(block, results=(*block.results[:i], p, *block.results[i + 1 :]))


def _replacements(block: Block, s: Stmt) -> Iterator[Var]:
    """Yield variables of the type of what a statement makes."""
    if len(s.out) != 1:
        return
    (v,) = s.out
    found = [*s.reads(), *block.params]
    yield from dict.fromkeys(
        x for x in found if x.name != v.name and (x.dtype, x.shape, x.bound) == (v.dtype, v.shape, v.bound)
    )


def _renamed(block: Block, new: dict[str, Var]) -> Block:
    """Return a block that reads other variables."""

    def word(a: Any) -> Any:
        if isinstance(a, Var):
            return new.get(a.name, a)
        return _renamed(a, new) if isinstance(a, Block) else a

    stmts = tuple(Stmt(s.out, s.template, tuple(map(word, s.args))) for s in block.stmts)
    return replace(block, stmts=stmts, results=tuple(map(word, block.results)))


def _rounder(block: Block) -> Iterator[Block]:
    for i, s in enumerate(block.stmts):
        for k, a in enumerate(s.args):
            if isinstance(a, float) and a not in (1.0, 2.0):
                for b in (1.0, 2.0):
                    changed = replace(s, args=(*s.args[:k], b, *s.args[k + 1 :]))
                    yield replace(block, stmts=(*block.stmts[:i], changed, *block.stmts[i + 1 :]))
