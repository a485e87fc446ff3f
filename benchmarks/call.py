"""Measure calls from Python: x*2+1 on 8 floats by every path, and fresh memory from the allocator against NumPy's.

Run `python benchmarks/call.py`.  Each row is the median of rounds taken in turns, in ns a call or µs a step.  The bar: a call
of the compiled function, NumPy in and out, below 1 µs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import turns
from numpy.typing import NDArray

import graphc
from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.runtime import allocator
from graphc.codegen.runtime.array_spec import ArraySpec
from graphc.codegen.runtime.engine import MachineCode, compile_text
from graphc.codegen.runtime.entry import PythonEntry, call_program, make_entry


def affine() -> MachineCode:
    """Compile y[i] = x[i] * 2 + 1 over table[0] floats, one at a time."""
    module = Module()
    f = Function(module, "program", [("ptr", "table"), ("ptr", "buffers")], "i64")
    table, buffers = f.args
    source, target = f.load(buffers, "ptr"), f.load(f.element(buffers, f.i64(1), "ptr"), "ptr")
    with f.loop(f.i64(0), f.load(table, "i64")) as loop:
        x = f.load(f.element(source, loop.index, "float"), "float")
        f.store(f.fma(x, f.like(2, x), f.like(1, x)), f.element(target, loop.index, "float"))
    f.ret(f.i64(0))
    return compile_text(str(module))


def paths() -> dict[str, Callable[[], Any]]:
    """Return x*2+1 on 8 floats by every path."""
    code, table = affine(), np.array([8], np.int64)
    x = np.arange(8, dtype=np.float32)
    spec, out, address = ArraySpec.of(x), np.empty_like(x), code.address("program")
    entry = make_entry(address, table, [spec], [spec], 0, print, single=True, on_error=print, keep=code)
    wide = make_entry(address, table, [spec], [spec], 64, print, single=True, on_error=print, release_gil=True)
    python = PythonEntry(address, table, (spec,), (spec,), 0, print, True, print)
    compiled = graphc.compile(lambda x: x * 2 + 1)
    tensor = graphc.tensor(x)
    np.testing.assert_array_equal(entry(x), x * 2 + 1)
    np.testing.assert_array_equal(compiled(x), x * 2 + 1)
    return {
        "graphc.compile": lambda: compiled(x),
        "graphc.compile, Tensors": lambda: compiled(tensor),
        "an empty call (lambda)": lambda: None,
        "entry": lambda: entry(x),
        "entry, arena, GIL released": lambda: wide(x),
        "call_program, output given": lambda: call_program(address, table, (x,), (out,)),
        "PythonEntry": lambda: python(x),
        "NumPy x*2+1": lambda: x * 2 + 1,
        "NumPy empty_like": lambda: np.empty_like(x),
    }


def step(make: Callable[[int], NDArray[np.uint8]], nbytes: int) -> None:
    """Make and fill six arrays, all alive at once, as the outputs of a train step are."""
    for x in [make(nbytes) for _ in range(6)]:
        x.fill(1)


def memory(nbytes: int) -> dict[str, float]:
    """Return seconds a step with arrays of `nbytes`."""
    calls: dict[str, Callable[[], Any]] = {
        "pool": lambda: step(lambda n: allocator.empty((n,), np.uint8), nbytes),
        "NumPy": lambda: step(lambda n: np.empty((n,), np.uint8), nbytes),
    }
    return turns.in_turns(calls)


def main() -> None:
    """Print both tables."""
    turns.one_thread()
    print(f"{Path(__file__).name}: ns a call")
    for name, time_ in turns.in_turns(paths()).items():
        print(f"  {name:30} {time_ * 1e9:8.0f}")
    print("six arrays made, filled and freed, µs")
    for shift in (15, 17, 19, 21, 23, 25):
        found = memory(1 << shift)
        print(f"  {1 << shift >> 10:8} KiB   " + "   ".join(f"{n} {t * 1e6:9.1f}" for n, t in found.items()))


if __name__ == "__main__":
    main()
