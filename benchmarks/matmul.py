"""Compare the matmul kernel with NumPy's BLAS, one thread, in turns, and print a table.

    python benchmarks/matmul.py [substring of a shape's name ...]

Rates are medians of CPU time over the rounds.  The kernel is called in a compiled loop, NumPy from Python with `out=`:
below some ten microseconds NumPy's figure contains about half a microsecond of calling.  The bar: 512x512x512 at 85 % of
NumPy's rate or more.  OpenBLAS is made to take its kernel for AVX-512 where the CPU has that, since it may take an older
one by itself; elsewhere it chooses.
"""

from __future__ import annotations

import ctypes
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import turns

from graphc.codegen.gemm.blocking import blocking_for, product_for, scratch_bytes
from graphc.codegen.gemm.driver import emit_matmul
from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.target import host
from graphc.codegen.runtime.engine import MachineCode, compile_text

ROUNDS = 15
SECONDS = 0.004
"""Least duration of one measurement."""
UNIT = {"N": "col", "T": "row"}
TYPES = {"float": np.float32, "double": np.float64, "i32": np.int32, "i64": np.int64}
PARAMETERS = "a b c m n k a_row a_col b_row b_col c_row scratch"


class Shape(NamedTuple):
    """A product to measure: m×n×k, layouts of A and B (N row-major, T transposed), element type."""

    m: int
    n: int
    k: int
    layout: str = "NN"
    dtype: str = "float"

    @property
    def name(self) -> str:
        """The shape as the table shows it."""
        return f"{self.dtype} {self.layout} {self.m}x{self.n}x{self.k}"


SHAPES = (
    *(Shape(size, size, size) for size in (32, 64, 100, 128, 256, 512, 1024, 2048)),
    Shape(32, 128, 784),
    Shape(128, 3072, 768),
    Shape(64, 128, 64),
    *(Shape(size, size, size, layout) for layout in ("TN", "NT", "TT") for size in (64, 256, 512)),
    Shape(32, 128, 784, "NT"),
    Shape(128, 3072, 768, "NT"),
    Shape(784, 128, 32, "TN"),
    Shape(8, 4096, 4096),
    Shape(8, 4096, 4096, "NT"),
    Shape(32, 4096, 4096),
    Shape(32, 4096, 4096, "NT"),
    Shape(32, 10, 128),
    Shape(32, 10, 128, "NT"),
    Shape(512, 512, 1),
    Shape(2048, 2048, 1),
    Shape(1, 4096, 4096),
    Shape(1, 4096, 4096, "NT"),
    Shape(4096, 1, 4096),
    Shape(4096, 1, 4096, "TN"),
    Shape(1, 256, 256),
    Shape(256, 1, 256),
    Shape(64, 64, 64, dtype="double"),
    Shape(512, 512, 512, dtype="double"),
    Shape(512, 512, 512, "NT", dtype="double"),
    Shape(256, 256, 256, dtype="i32"),
    Shape(256, 256, 256, dtype="i64"),
)


def compiled(dtype: str, layout: str) -> tuple[MachineCode, float]:
    """Compile a function that runs one product a number of times; return it and the milliseconds it took."""
    start = time.perf_counter()
    module = Module()
    name = emit_matmul(module, product_for(dtype, UNIT[layout[0]], UNIT[layout[1]]))
    params = [("ptr" if p in ("a", "b", "c", "scratch") else "i64", p) for p in PARAMETERS.split()]
    f = Function(module, "repeat", [*params, ("i64", "times")])
    with f.loop(f.i64(0), f.args[-1]):
        f.do(f"call void @{name}({', '.join(a.typed for a in f.args[:-1])})")
    f.ret()
    code = compile_text(str(module))
    return code, (time.perf_counter() - start) * 1e3


def operand(rng: np.random.Generator, rows: int, columns: int, transposed: bool, dtype: str) -> Any:
    """Return a random matrix in one of the two layouts."""
    shape = (columns, rows) if transposed else (rows, columns)
    x = (rng.standard_normal(shape) * 4).astype(TYPES[dtype])
    return x.T if transposed else x


def measure(run: Callable[[int], Any], times: int) -> float:
    """Return the seconds of one repetition."""
    return turns.seconds(lambda: run(times)) / times


def compare(shape: Shape, code: MachineCode) -> tuple[float, float]:
    """Return the median seconds of the kernel and of NumPy, measured in turns; check the result."""
    rng = np.random.default_rng(0)
    a = operand(rng, shape.m, shape.k, shape.layout[0] == "T", shape.dtype)
    b = operand(rng, shape.k, shape.n, shape.layout[1] == "T", shape.dtype)
    c, d = np.zeros((shape.m, shape.n), a.dtype), np.zeros((shape.m, shape.n), a.dtype)
    scratch = np.zeros(scratch_bytes(blocking_for(shape.dtype)) + 64, np.uint8)
    aligned = scratch.ctypes.data + -scratch.ctypes.data % 64
    strides = [s // a.itemsize for s in (*a.strides, *b.strides, c.strides[0])]
    pointers = [x.ctypes.data for x in (a, b, c)]
    signature = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 8, ctypes.c_void_p, ctypes.c_int64)
    function = signature(code.address("repeat"))

    def ours(times: int) -> None:
        function(*pointers, shape.m, shape.n, shape.k, *strides, aligned, times)

    def theirs(times: int) -> None:
        for _ in range(times):
            np.matmul(a, b, out=d)

    ours(1)
    theirs(1)
    np.testing.assert_allclose(c, d, rtol=1e-3, atol=1e-3 * shape.k)
    pace = measure(ours, 1), measure(theirs, 1)
    counts = [max(1, round(SECONDS / p)) for p in pace]
    rounds = [(measure(ours, counts[0]), measure(theirs, counts[1])) for _ in range(ROUNDS)]
    return statistics.median(r[0] for r in rounds), statistics.median(r[1] for r in rounds)


def main(wanted: list[str]) -> None:
    """Measure the shapes whose name contains one of the words, or all."""
    turns.one_thread(**({"OPENBLAS_CORETYPE": "SKYLAKEX"} if host().vector_bytes == 64 else {}))
    codes: dict[tuple[str, str], tuple[MachineCode, float]] = {}
    print(f"{'type, layout, m x n x k':28} {'kernel us':>10} {'GFLOP/s':>8} {'NumPy us':>10} {'GFLOP/s':>8} {'ratio':>6}")
    for shape in SHAPES:
        if wanted and not any(word in shape.name for word in wanted):
            continue
        key = shape.dtype, shape.layout
        if key not in codes:
            codes[key] = compiled(*key)
        ours, theirs = compare(shape, codes[key][0])
        work = 2e-9 * shape.m * shape.n * shape.k
        columns = f"{ours * 1e6:10.2f} {work / ours:8.1f} {theirs * 1e6:10.2f} {work / theirs:8.1f} {theirs / ours:6.2f}"
        print(f"{shape.name:28} {columns}", flush=True)
    for (dtype, layout), (_, milliseconds) in codes.items():
        print(f"compile {dtype} {layout}: {milliseconds:.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
