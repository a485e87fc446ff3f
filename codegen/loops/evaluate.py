"""Evaluate a loop kernel on NumPy: every instruction for all points of the iteration domain at once.

An instruction's value is an array with one axis for each loop of the kernel, of extent 1 where it does not vary.  Buffers are
flat memory; every element outside of the array is poisoned, so that a wrong address yields a wrong number or, outside of the
buffer, an error.  The schedule (lanes, order of loops, scratch rows) does not change values and is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from graphc.codegen.loops.loop_ir import Index, Instr, Kernel, OuterReduction, Reduction, Stage, Store, needed
from graphc.ir.analysis.views import Strides
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.semantics import random_words

__all__ = ["KernelError", "Memory", "evaluate_kernel"]

POISON = {"f": np.nan, "i": -0x5A5A5A5A, "u": 0xA5, "b": True}
"""Initial contents of memory, by the kind of its dtype."""

Array = np.ndarray[Any, Any]


class KernelError(Exception):
    """A kernel leaves its buffers, or reads a value where it is not defined."""


@dataclass(frozen=True, eq=False)
class Memory:
    """The elements that a buffer's strides reach, and the position of its first one among them."""

    flat: Array
    origin: int

    @staticmethod
    def reserve(dtype: np.dtype[Any], shape: Strides, strides: Strides) -> Memory:
        """Return poisoned memory for an array with strides in elements."""
        if 0 in shape:
            return Memory(np.empty(0, dtype), 0)
        reach = [s * (n - 1) for n, s in zip(shape, strides, strict=True)]
        low, high = sum(min(0, r) for r in reach), sum(max(0, r) for r in reach)
        return Memory(np.full(high - low + 1, POISON[dtype.kind], dtype), -low)

    @staticmethod
    def of(array: Array, strides: Strides) -> Memory:
        """Return memory that holds an array with strides in elements."""
        memory = Memory.reserve(array.dtype, array.shape, strides)
        memory.view(array.shape, strides)[...] = array
        return memory

    def view(self, shape: Strides, strides: Strides, offset: int = 0) -> Array:
        """Return the array of a shape at strides from an offset.  Raises KernelError if it reaches outside."""
        if 0 in shape:
            return np.empty(shape, self.flat.dtype)
        reach = [s * (n - 1) for n, s in zip(shape, strides, strict=True)]
        low, high = sum(min(0, r) for r in reach), sum(max(0, r) for r in reach)
        first = self.origin + offset
        self.check(np.asarray([first + low, first + high]))
        size = self.flat.itemsize
        return np.lib.stride_tricks.as_strided(self.flat[first:], shape, [s * size for s in strides])

    def check(self, places: Array, what: str = "a view") -> None:
        """Raise KernelError if a position is outside."""
        bad = (places < 0) | (places >= self.flat.size)
        if bad.any():
            at, size = int(places[bad][0]) - self.origin, self.flat.size
            raise KernelError(f"{what} reaches element {at} of a buffer of {size} elements that begins at {-self.origin}")


def evaluate_kernel(kernel: Kernel, buffers: Sequence[Memory]) -> None:
    """Run a kernel on these buffers.  Raises KernelError, and IndexError for an index out of bounds."""
    with np.errstate(all="ignore"):
        _Run(kernel, buffers).run()


class _Run:
    """One run of a kernel."""

    def __init__(self, kernel: Kernel, buffers: Sequence[Memory]) -> None:
        self.kernel, self.buffers = kernel, buffers
        self.values: dict[Instr, Array] = {}
        self.totals: dict[Reduction, Array] = {}

    def run(self) -> None:
        for stage in self.kernel.stages:
            if not prod(self.kernel.dims[lo] for lo in (*self.kernel.outer, *stage.inner)):
                self._skip(stage)
                continue
            for instr in needed(stage.roots(), self.values.__contains__):
                if instr not in self.values:
                    self.values[instr] = self._value(instr)
            for r in (*stage.reductions, *(c.reduction for c in stage.outer_reductions)):
                self._check_known(r.value, (*self.kernel.outer, *stage.inner), f"the term of {r.name}")
                self.totals[r] = self._fold(r)
            for s in stage.stores:
                self._store(s, (*self.kernel.outer, *stage.inner))
        for c in self.kernel.outer_reductions:
            self._column(c)

    def _skip(self, stage: Stage) -> None:
        """Set the reductions of a pass without points to their identities."""
        for r in (*stage.reductions, *(c.reduction for c in stage.outer_reductions)):
            outer = [n if lo in self.kernel.outer and lo not in r.inner else 1 for lo, n in enumerate(self.kernel.dims)]
            if r.kind not in ("sum", "prod", "any", "all"):
                raise KernelError(f"{r.name} folds no elements")
            self.totals[r] = np.full(outer, r.kind in ("prod", "all"), r.dtype.numpy)

    def _column(self, c: OuterReduction) -> None:
        loops = [lo for lo in range(len(self.kernel.dims)) if lo not in self.kernel.folded]
        self.values[c.store.value] = self.totals[c.reduction]
        self._store(c.store, [lo for lo in loops if c.store.index.coefficient(lo) or lo in c.store.value.loops])

    # -- values -------------------------------------------------------------------------------------

    def _value(self, i: Instr) -> Array:
        special = _SPECIAL.get(i.op)
        if special is not None:
            return special(self, i)
        args = [self.values[a] for a in i.args]
        if i.op == "cast":
            return args[0].astype(i.dtype.numpy)
        reference = PRIMITIVES[i.op].reference
        assert reference is not None
        return np.asarray(reference(*args))

    def _number(self, i: Instr) -> Array:
        return np.full((1,) * len(self.kernel.dims), i.attr, i.dtype.numpy)

    def _index(self, index: Index) -> Array:
        rank = len(self.kernel.dims)
        total = np.full((1,) * rank, index.const, np.int64)
        for loop, coefficient in index.loops:
            n = self.kernel.dims[loop]
            total = total + coefficient * np.arange(n).reshape([n if lo == loop else 1 for lo in range(rank)])
        for value, coefficient in index.values:
            total = total + coefficient * self.values[value]
        return total

    def _load(self, i: Instr) -> Array:
        buffer, index = i.attr
        memory = self.buffers[buffer]
        at = self._index(index) + memory.origin
        what = f"{i.name} = {self.kernel.buffers[buffer].name}[{index}]"
        if not i.masked:
            memory.check(at, what)
            return np.asarray(memory.flat[at])
        mask, at = np.broadcast_arrays(self.values[i.args[-1]], at)
        memory.check(at[mask], what)
        result = np.zeros(at.shape, memory.flat.dtype)
        result[mask] = memory.flat[at[mask]]
        return result

    def _reduced(self, i: Instr) -> Array:
        if i.attr not in self.totals:
            raise KernelError(f"{i.attr.name} is read before it is folded")
        return self.totals[i.attr]

    def _bound(self, i: Instr) -> Array:
        index, size = (self.values[a] for a in i.args[:2])
        inside = np.asarray((index >= 0) & (index < size))
        bad = ~inside if len(i.args) == 2 else ~inside & self.values[i.args[2]]
        if bad.any():
            at = int(np.broadcast_to(index, bad.shape)[bad][0])
            raise IndexError(f"index {at} is out of bounds for size {int(size.reshape(-1)[0])}")
        return inside

    def _quotient(self, i: Instr) -> Array:
        x, divisor = (self.values[a] for a in i.args)
        return np.asarray(np.floor_divide(x, divisor))

    def _random(self, i: Instr) -> Array:
        seed, counter = (self.values[a] for a in i.args)
        return np.asarray(random_words(seed, counter))

    # -- reductions and stores ------------------------------------------------------------------------

    def _check_known(self, i: Instr, loops: Sequence[int], what: str) -> None:
        """Check that a value varies with no other loops than these: otherwise it is not one value."""
        outside = [lo for lo, n in enumerate(self.values[i].shape) if n != 1 and lo not in loops]
        if outside:
            raise KernelError(f"{what} varies with i{outside[0]}, a loop that is not open where it is read")

    def _fold(self, r: Reduction) -> Array:
        x = self._spread(self.values[r.value], r.inner)
        if r.position is not None:
            return self._best(r, x)
        wide = np.float64 if x.dtype == np.float32 and r.kind in ("sum", "prod") else None
        if r.kind in ("sum", "prod"):
            return np.asarray(_FOLDS[r.kind](x, axis=r.inner, keepdims=True, dtype=wide or x.dtype)).astype(x.dtype)
        return np.asarray(_FOLDS[r.kind](x, axis=r.inner, keepdims=True))

    def _best(self, r: Reduction, x: Array) -> Array:
        """Return the least position of an extremal value; of a NaN if there is one."""
        assert r.position is not None
        best = (np.max if r.kind == "argmax" else np.min)(x, axis=r.inner, keepdims=True)
        chosen = (x == best) | (np.isnan(x) if x.dtype.kind == "f" else False)
        position = np.broadcast_to(self.values[r.position], x.shape)
        return np.asarray(np.where(chosen, position, np.iinfo(np.int64).max).min(axis=r.inner, keepdims=True))

    def _spread(self, x: Array, loops: Sequence[int]) -> Array:
        """Return an array repeated along the loops it does not vary with."""
        shape = [self.kernel.dims[lo] if lo in loops else n for lo, n in enumerate(x.shape)]
        return np.broadcast_to(x, shape)

    def _store(self, s: Store, loops: Sequence[int]) -> None:
        name = self.kernel.buffers[s.buffer].name
        self._check_known(s.value, loops, f"what is stored to {name}")
        memory = self.buffers[s.buffer]
        at, x = np.broadcast_arrays(self._index(s.index) + memory.origin, self.values[s.value])
        memory.check(at, f"{name}[{s.index}]")
        memory.flat[at] = x


_SPECIAL: dict[str, Callable[[_Run, Instr], Array]] = {
    "constant": _Run._number,
    "size": _Run._number,
    "index": lambda run, i: run._index(i.attr),
    "load": _Run._load,
    "reduced": _Run._reduced,
    "bound": _Run._bound,
    "index_div": _Run._quotient,
    "random_bits": _Run._random,
}
"""Instructions that are not elementwise primitives."""

_FOLDS: dict[str, Any] = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "any": np.any, "all": np.all}
