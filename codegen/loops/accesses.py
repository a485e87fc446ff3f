"""Decide how the lanes of a vectorized loop load and store.

    for i0 in 100: (vector 16, peel)
      load0 = in0[i0]                  # consecutive elements
      load1 = in1[3]                   # one element for all lanes
      load2 = in2[2*i0] (shuffle)      # consecutive vectors, of which every second element is taken
      load3 = in3[9*i0] (gather)       # one address for each lane
      out0[2*i0] = add4 (scatter)

Where the lanes run under a mask, or a guard that differs between them, a shuffle is a gather: it would read elements between
lanes that are not inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from graphc.codegen.loops.loop_ir import Access, Instr, Kernel, Store, is_loaded, needed

__all__ = ["SHUFFLED", "index_is_uniform", "is_direct", "is_shuffled", "vector_accesses", "with_accesses"]

SHUFFLED = (2, 3, 4)
"""Strides that are loaded as consecutive vectors and shuffled, which is faster than a gather."""


def with_accesses(kernel: Kernel) -> Kernel:
    """Return a kernel whose schedule says for each access that is not direct how it is done."""
    marks: dict[tuple[Access, int], str] = {}
    for number, access, loop in vector_accesses(kernel):
        if not is_direct(kernel, number, access, loop):
            load = "shuffle" if is_shuffled(kernel, number, access, loop) else "gather"
            marks[access, loop] = "scatter" if isinstance(access, Store) else load
    return replace(kernel, schedule=replace(kernel.plan, accesses=marks))


def vector_accesses(kernel: Kernel) -> Iterator[tuple[int, Access, int]]:
    """Yield each pass, by its number, with its loads and stores of several lanes, and the loop whose iterations are lanes.

    Outer reductions are stored one by one.
    """
    for number, stage in enumerate(kernel.stages):
        loop = kernel.lane_loop(number)
        if loop is not None:
            loads = [i for i in needed(stage.roots(), partial(_is_loaded, kernel, number)) if i.op == "load"]
            accesses: list[Access] = [*loads, *stage.stores]
            yield from ((number, access, loop) for access in accesses)


def is_direct(kernel: Kernel, number: int, access: Access, loop: int) -> bool:
    """Return whether the lanes of an access are consecutive elements, or one."""
    return index_is_uniform(kernel, number, access) and access.index.coefficient(loop) in (0, 1)


def is_shuffled(kernel: Kernel, number: int, access: Access, loop: int) -> bool:
    """Return whether an access may be a load of consecutive vectors that are shuffled."""
    uniform = isinstance(access, Instr) and index_is_uniform(kernel, number, access)
    return uniform and access.index.coefficient(loop) in SHUFFLED


def index_is_uniform(kernel: Kernel, number: int, access: Access) -> bool:
    """Return whether the values in an index are scalars: they neither vary with the lanes nor come from a scratch row."""
    if not access.index.values:
        return True
    loop, loaded = kernel.lane_loop(number), partial(_is_loaded, kernel, number)
    return not any(loop in v.loops or any(map(loaded, needed([v], loaded))) for v, _ in access.index.values)


def _is_loaded(kernel: Kernel, number: int, i: Instr) -> bool:
    return is_loaded(kernel, number, i, kernel.plan.saved)
