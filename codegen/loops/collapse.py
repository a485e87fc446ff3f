"""Collapse adjacent loops that every access traverses like one loop.

    for i0 in 4:                          for i1 in 12:
      for i1 in 3:                  →       out0[i1] = x[i1]
        out0[3*i0 + i1] = x[3*i0 + i1]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from graphc.codegen.loops.loop_ir import Index, Instr, Kernel, OuterReduction, Reduction, Stage, Store, needed

__all__ = ["collapse"]


def collapse(kernel: Kernel) -> Kernel:
    """Return the kernel with as few loops as its accesses allow."""
    for nest in [kernel.outer, *dict.fromkeys(s.inner for s in kernel.stages if s.inner)]:
        loops = list(nest)
        inner = loops.pop() if loops else -1
        while loops:
            outer = loops.pop()
            if all(_runs_on(i, outer, inner, kernel.dims) for i in _indices(kernel)) and _together(kernel, outer, inner):
                kernel = _Merge(outer, inner).kernel(kernel)
            else:
                inner = outer
    return kernel


def _indices(kernel: Kernel) -> list[Index]:
    roots = [v for stage in kernel.stages for v in stage.roots()]
    reads = [i.attr[1] if i.op == "load" else i.attr for i in needed(roots) if i.op in ("load", "index")]
    stores = [s for stage in kernel.stages for s in stage.stores] + [c.store for c in kernel.outer_reductions]
    return reads + [s.index for s in stores]


def _runs_on(index: Index, outer: int, inner: int, dims: Sequence[int]) -> bool:
    """Whether one iteration of the outer loop continues where the inner loop of the previous one ended."""
    return index.coefficient(outer) == index.coefficient(inner) * dims[inner]


def _together(kernel: Kernel, a: int, b: int) -> bool:
    """Whether every pass has both loops or neither, and neither has extent 0 (an empty loop must stay empty)."""
    loop_sets = [*(s.inner for s in kernel.stages), kernel.folded]
    return all((a in loops) == (b in loops) for loops in loop_sets) and bool(kernel.dims[a]) and bool(kernel.dims[b])


class _Merge:
    """Removes a loop; its inner neighbour iterates over both."""

    def __init__(self, outer: int, inner: int) -> None:
        self.outer, self.inner = outer, inner
        self.instrs: dict[Instr, Instr] = {}
        self.reductions: dict[Reduction, Reduction] = {}

    def kernel(self, kernel: Kernel) -> Kernel:
        """Return a kernel without the loop."""
        stages = [self._stage(s) for s in kernel.stages]
        dims = list(kernel.dims)
        dims[self.inner] *= dims[self.outer]
        return replace(kernel, dims=tuple(dims), outer=self._others(kernel.outer), stages=stages)

    def _others(self, loops: Iterable[int]) -> tuple[int, ...]:
        return tuple(lo for lo in loops if lo != self.outer)

    def _stage(self, stage: Stage) -> Stage:
        self._rebuild(stage.roots())
        return Stage(
            self._others(stage.inner),
            [self._reduction(r) for r in stage.reductions],
            [self._store(s) for s in stage.stores],
            [OuterReduction(self._reduction(c.reduction), self._store(c.store)) for c in stage.outer_reductions],
        )

    def _store(self, store: Store) -> Store:
        self._rebuild([store.value])
        return Store(store.buffer, self._index(store.index), self.instrs[store.value])

    def _rebuild(self, roots: list[Instr]) -> None:
        for i in needed(roots):
            if i not in self.instrs:
                loops = frozenset(lo if lo != self.outer else self.inner for lo in i.loops)
                self.instrs[i] = replace(i, args=tuple(self.instrs[x] for x in i.args), attr=self._attr(i), loops=loops)

    def _attr(self, i: Instr) -> Any:
        if i.op == "load":
            return (i.attr[0], self._index(i.attr[1]))
        if i.op == "index":
            return self._index(i.attr)
        return self._reduction(i.attr) if i.op == "reduced" else i.attr

    def _index(self, x: Index) -> Index:
        loops = tuple(term for term in x.loops if term[0] != self.outer)
        return Index(x.const, loops, tuple((self.instrs[v], c) for v, c in x.values))

    def _reduction(self, r: Reduction) -> Reduction:
        if r not in self.reductions:
            position = None if r.position is None else self.instrs[r.position]
            inner = self._others(r.inner)
            self.reductions[r] = replace(r, value=self.instrs[r.value], inner=inner, position=position)
        return self.reductions[r]
