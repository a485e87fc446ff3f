"""MLIR text, judged by a compiler that is not ours: IREE verifies it, compiles it and runs it, and its numbers are compared
with those of our evaluator.

Compiling costs seconds, so all graphs of a kind are functions of one module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc.codegen.mlir import FOLDS, HOLES, SPELLING, modules, to_mlir
from graphc.codegen.mlir_scalars import SCALARS, number
from graphc.ir.autodiff import adjoint
from graphc.ir.build import apply, broadcast, cast, constant, elementwise, gather, iota, matmul, permute, reduce, reshape, scatter_add, select
from graphc.ir.evaluate import evaluate
from graphc.ir.fusion import fuse
from graphc.ir.graph import Graph, Node, parameter
from graphc.ir.primitives import PRIMITIVES, REDUCTIONS
from graphc.ir.types import BOOL, F32, F64, I32, I64, U8, DType, TensorType

Array = npt.NDArray[Any]
OPTIONS = ["--iree-input-demote-f64-to-f32=false", "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O0", "--iree-llvmcpu-debug-symbols=false"]


def p(shape: tuple[int, ...], dtype: DType = F32, name: str = "") -> Node:
    return parameter(TensorType(dtype, shape), name)


# -- running on IREE ----------------------------------------------------------------------------------


def on_iree(graphs: Mapping[str, Graph]) -> Any:
    """Compile graphs with IREE; the functions are attributes of what is returned."""
    compiler, runtime = pytest.importorskip("iree.compiler"), pytest.importorskip("iree.runtime")
    binary = compiler.compile_str(modules(graphs), target_backends=["llvm-cpu"], extra_args=OPTIONS)
    config = runtime.Config("local-sync")
    return runtime.load_vm_module(runtime.VmModule.copy_buffer(config.vm_instance, binary), config)


def compare(module: Any, name: str, graph: Graph, arrays: Sequence[Array], rtol: float, atol: float) -> None:
    """Assert that IREE and the evaluator agree, NaN with NaN, and integers exactly."""
    got = module[f"graphc_{name}"](*arrays)
    got = got if isinstance(got, tuple) else (got,)
    for i, (want, found) in enumerate(zip(evaluate(graph, arrays), (g.to_host() for g in got), strict=True)):
        where = f"{name}, result {i}: {graph.results[i]!r} of {graph.results[i].operands}"
        assert found.shape == want.shape, where
        if want.dtype in (np.uint8, np.bool_) and found.dtype == np.int8:  # bytes: IREE's signatures say no more
            found = found.view(want.dtype)
        assert found.dtype == want.dtype, where
        if want.dtype.kind == "f":
            np.testing.assert_allclose(found, want, rtol, atol, err_msg=where)
        else:
            np.testing.assert_array_equal(found, want, err_msg=where)


# -- graphs of single primitives ----------------------------------------------------------------------

NO_LIBM = ("sin", "cos", "atan", "tanh", "erf", "remainder")
"""IREE brings no f64 version of the C functions that these become: there the text is verified, not run."""

FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.3, -7.25, 3.75, 100.0, 1e-3)
SPECIAL = (np.nan, np.inf, -np.inf)
EXACT = (
    "neg", "abs", "sign", "floor", "ceil", "trunc", "round", "sqrt", "add", "sub", "mul", "div", "floordiv",
    "maximum", "minimum", "eq", "ne", "lt", "le", "select", "cast",
)  # fmt: skip
"""What must be right for NaN and infinities too, and to the last bit."""


def values(dtype: DType) -> list[Any]:
    if dtype.is_float:
        return [*FLOATS, *SPECIAL]
    if dtype is BOOL:
        return [False, True]
    info = np.iinfo(dtype.numpy)
    return sorted({info.min, max(-7, info.min), max(-1, info.min), 0, 1, 2, 5, 7, 31, 33, info.max})


def pairs(dtype: DType) -> list[Array]:
    """Return every value against every value, and a condition."""
    x, y = (np.array(v, dtype.numpy).ravel() for v in np.meshgrid(values(dtype), values(dtype)))
    return [x, y, np.arange(x.size) % 3 == 0]


def applications(dtype: DType, x: Node, y: Node, c: Node) -> dict[str, Node]:
    """Return each elementwise primitive that takes the dtype, applied; casts to each dtype among them."""
    found = {}
    for op in (op for op in PRIMITIVES.values() if op.kind == "elementwise" and op.name != "cast"):
        for operands in ((x,), (x, y), (c, x, y)):
            try:
                found[op.name] = apply(op.name, *operands)
            except TypeError:
                continue
    return found


def finite(dtype: DType, x: Node, lowest: float, highest: float) -> Node:
    """Return the operand with what is not between the bounds replaced by 1."""
    return select((x >= lowest) & (x <= highest), x, 1)


def elementwise_graph(dtype: DType) -> Graph:
    params = x, y, c = tuple(p((len(pairs(dtype)[0]),), d) for d in (dtype, dtype, BOOL))
    if not dtype.is_float:
        casts = [cast(x, d) for d in DTYPES if d is not dtype]
        return Graph(params, (*applications(dtype, x, y, c).values(), *casts))
    # Approximations are compared where they are defined; there is nothing to learn from 1e-7 of an infinity.
    near, positive = finite(dtype, x, -8, 8), finite(dtype, x, 1e-3, 100)
    exact = {n: r for n, r in applications(dtype, x, y, c).items() if n in EXACT}
    inexact = {n: r for n, r in applications(dtype, near, finite(dtype, y, -3, 3), c).items() if n not in exact}
    inexact |= {n: apply(n, positive) for n in ("log", "log1p", "rsqrt")} | {"pow": apply("pow", positive, finite(dtype, y, -3, 3))}
    kept = [r for n, r in {**exact, **inexact}.items() if dtype is F32 or n not in NO_LIBM]
    casts = [cast(finite(dtype, x, *BOUNDS.get(d, (-100, 100))), d) for d in DTYPES if d is not dtype]
    return Graph(params, (*kept, *casts))


DTYPES = (F32, F64, I32, I64, U8, BOOL)
BOUNDS = {U8: (0, 255)}


def test_every_primitive_is_spelled_or_a_hole() -> None:
    assert set(SPELLING) | set(HOLES) == set(PRIMITIVES)
    assert set(SPELLING).isdisjoint(HOLES)
    assert tuple(FOLDS) == REDUCTIONS
    assert set(SCALARS) <= {op.name for op in PRIMITIVES.values() if op.kind == "elementwise"}


def structural() -> dict[str, tuple[Graph, list[Array]]]:
    """Return graphs of everything that is not elementwise, with arrays."""
    rng = np.random.default_rng(0)
    found: dict[str, tuple[Graph, list[Array]]] = {}

    def add(name: str, params: Sequence[Node], *results: Node) -> None:
        found[name] = Graph(tuple(params), results, name), [draw(rng, q.type) for q in params]

    x, y, z = p((4, 3)), p((2, 3)), p((2, 3, 4))
    add("leaves", [], *(constant(v, d, (2, 3)) for d in DTYPES for v in values(d)[:9]), *(iota((3, 4), a, d) for a in (0, 1) for d in DTYPES))
    add("reshape", [x], *(reshape(x, s) for s in ((12,), (3, 4), (2, 1, 6), (1, 2, 2, 3, 1))), reshape(reduce("max", x, (0, 1)), (1, 1)))
    add("reshape_one", [x], reshape(apply("slice", x, start=(1, 1), stop=(2, 2), step=(1, 1)), ()), reshape(constant(3, I32), (1,)))
    add("permute", [z], *(permute(z, a) for a in ((2, 0, 1), (1, 2, 0), (0, 2, 1))))
    add("broadcast", [x], broadcast(x, (4, 2, 3), (0, 2)), broadcast(constant(2, F64), (2, 2), ()), broadcast(reduce("sum", x, (0,)), (3, 2), (0,)))
    add("slice", [x], apply("slice", x, start=(1, 0), stop=(4, 3), step=(2, 2)), apply("slice", x, start=(1, 1), stop=(1, 3), step=(1, 1)))
    pads = [{"low": (1, 0), "high": (0, 2), "interior": (0, 0)}, {"low": (0, 1), "high": (1, 0), "interior": (2, 1)}]
    add("pad", [x], *(apply("pad", x, constant(-1.5, F32), **k) for k in pads))
    add("flip", [z], *(apply("flip", z, axes=a) for a in ((0,), (0, 2), (1,))))
    add("concatenate", [x, y], apply("concatenate", x, y, x, axis=0), apply("concatenate", x, x, axis=1))
    for dtype in DTYPES:
        w = p((3, 4, 2), dtype)
        folds = [f for f in REDUCTIONS if not (dtype is BOOL and f in ("sum", "prod")) and (dtype is BOOL or f not in ("any", "all"))]
        results = [reduce(f, w, axes) for f in folds for axes in ((0,), (1, 2))]
        add(f"reduce_{dtype}", [w], *results, *(apply(f, w, axis=a) for f in ("argmax", "argmin") for a in (0, 1)))
        if dtype is not BOOL:
            add(f"cumsum_{dtype}", [w], apply("cumsum", w, axis=1))
            i, j = p((2, 5), I64), p((2, 5), I64)
            add(f"scatter_{dtype}", [w, p((2, 5, 2), dtype), i, j], w)
            graph, arrays = found[f"scatter_{dtype}"]
            found[f"scatter_{dtype}"] = graph.replace([scatter_add(w, graph.params[1], i, j)]), arrays
        a, b = p((2, 3, 4), dtype), p((2, 4, 5), dtype)
        if dtype is not BOOL:
            add(f"matmul_{dtype}", [a, b], matmul(a, b))
    i, j = p((2, 3), I64), p((2, 3), I64)
    add("gather", [z, i, j], gather(z, i), gather(z, i, j), gather(z, i, j, i))
    key = p((2,), I64)
    add("random_bits", [key], apply("random_bits", key, shape=(5, 3)), apply("random_bits", key, shape=()))
    empty = p((0, 3))
    add("empty", [empty], empty + 1, reduce("sum", empty, (0,)), reduce("prod", empty, (1,)), apply("concatenate", empty, empty, axis=1))
    add("same", [x], apply("stop_gradient", x), apply("alias", x), x)
    return found


def draw(rng: np.random.Generator, type: TensorType) -> Array:
    """Return small numbers; integers are indices that suit every operand here."""
    if type.dtype.is_float:
        return rng.standard_normal(type.shape).astype(type.dtype.numpy)
    return rng.integers(0, 2, type.shape).astype(type.dtype.numpy)


@pytest.fixture(scope="module")
def primitives_on_iree() -> Any:
    graphs = {f"each_{d}": elementwise_graph(d) for d in DTYPES}
    return on_iree(graphs | {name: graph for name, (graph, _) in structural().items()})


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_elementwise_primitives(primitives_on_iree: Any, dtype: DType) -> None:
    compare(primitives_on_iree, f"each_{dtype}", elementwise_graph(dtype), pairs(dtype), 5e-6, 1e-7)


@pytest.mark.parametrize("name", structural())
def test_other_primitives(primitives_on_iree: Any, name: str) -> None:
    graph, arrays = structural()[name]
    compare(primitives_on_iree, name, graph, arrays, 1e-5, 1e-6)
