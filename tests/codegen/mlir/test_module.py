"""MLIR text, judged by a compiler that is not ours: IREE verifies it, compiles it and runs it, and its numbers are compared
with those of our evaluator.

Compiling costs seconds, so all graphs of a kind are functions of one module, and the kinds are compiled side by side.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc.codegen.mlir.module import HOLES, PREFIX, REGIONS, to_mlir, to_mlir_module
from graphc.codegen.mlir.primitives import FOLDS, SPELLING
from graphc.codegen.mlir.scalars import SCALARS
from graphc.codegen.mlir.text import number
from graphc.ir.core import build
from graphc.ir.core.build import apply, broadcast, cast, constant, gather, iota, matmul, permute, reduce, reshape, select
from graphc.ir.core.graph import Graph, Node, Region, TypeRuleError, parameter
from graphc.ir.core.ops import PRIMITIVES, REDUCTIONS
from graphc.ir.core.types import BOOL, F32, F64, I32, I64, U8, DType, TensorType
from graphc.ir.fusion.fusion import fuse
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.regions.builders import cond, scan, while_loop
from graphc.ir.transforms.vjp import adjoint, gradients
from tests.targets import TARGET

pytestmark = pytest.mark.xdist_group("iree")  # one worker compiles for all

Array = npt.NDArray[Any]
OPTIONS = [
    "--iree-input-demote-f64-to-f32=false",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-opt-level=O0",
    "--iree-llvmcpu-debug-symbols=false",
]


def p(shape: tuple[int, ...], dtype: DType = F32, name: str = "") -> Node:
    return parameter(TensorType(dtype, shape), name)


# -- running on IREE ----------------------------------------------------------------------------------


def tool(name: str) -> Any:
    """Import a module of IREE; without it, skip the test, but not where `.ci/run` has set CI."""
    return importlib.import_module(name) if os.environ.get("CI") else pytest.importorskip(name)


@pytest.fixture(scope="module")
def iree() -> dict[str, Any]:
    """Return what IREE makes of each graph: a function of arrays.  The compilers, one for each kind, run side by side."""
    compiler, runtime = tool("iree.compiler"), tool("iree.runtime")
    config = runtime.Config("local-sync")

    def compiled(graphs: Mapping[str, Graph]) -> dict[str, Any]:
        binary = compiler.compile_str(to_mlir_module(graphs), target_backends=["llvm-cpu"], extra_args=OPTIONS)
        module = runtime.load_vm_module(runtime.VmModule.copy_buffer(config.vm_instance, binary), config)
        return {name: module[PREFIX + name] for name in graphs}

    with ThreadPoolExecutor() as pool:
        parts = pool.map(compiled, (each(), structural(), programs()))
    return {name: function for part in parts for name, function in part.items()}


def compare(iree: dict[str, Any], name: str, graph: Graph, arrays: Sequence[Array], rtol: float, atol: float) -> None:
    """Assert that IREE and the evaluator agree, NaN with NaN, and integers exactly."""
    got = iree[name](*arrays)
    got = got if isinstance(got, tuple) else (got,)
    for i, (want, found) in enumerate(zip(evaluate(graph, arrays), (g.to_host() for g in got), strict=True)):
        where = f"{name}, result {i}: {graph.results[i]!r} of {graph.results[i].operands}"
        assert found.shape == want.shape, where
        if want.dtype in (np.uint8, np.bool_) and found.dtype == np.int8:  # bytes: IREE's signatures say no more
            found = found.view(want.dtype)
        assert found.dtype == want.dtype, where
        if want.dtype.kind == "f":
            np.testing.assert_allclose(found, want, rtol, atol, err_msg=where)
            # Which zero of two is the larger one is left open by IEEE 754.
            signs = np.signbit(found) == np.signbit(want) if graph.results[i].op.name not in ("maximum", "minimum") else True
            assert np.all(signs | np.isnan(want) | (rtol > 0)), where
        else:
            np.testing.assert_array_equal(found, want, err_msg=where)


DTYPES = (F32, F64, I32, I64, U8, BOOL)
EACH = (F32, F64, I32, U8, BOOL)
"""Dtypes whose elementwise primitives are run: i64 is spelled as i32 is."""
BOUNDS = {U8: (0, 255)}
"""Floats beyond these have no value in the dtype that they are cast to."""

# -- graphs of single primitives ----------------------------------------------------------------------

NO_LIBM = ("sin", "cos", "atan", "tanh", "erf", "remainder", "floordiv")
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


def applications(x: Node, y: Node, c: Node) -> dict[str, Node]:
    """Return each elementwise primitive that takes the operands, applied."""
    found = {}
    for op in (op for op in PRIMITIVES.values() if op.kind == "elementwise" and op.name != "cast"):
        for operands in ((x,), (x, y), (c, x, y)):
            try:
                found[op.name] = apply(op.name, *operands)
            except TypeRuleError:
                continue
    return found


def finite(x: Node, lowest: float, highest: float) -> Node:
    """Return the operand with what is not between the bounds replaced by 1."""
    return select((x >= lowest) & (x <= highest), x, 1)


def exact_graph(dtype: DType) -> Graph:
    """Return a graph of what must be right for every value, to the last bit."""
    params = x, y, c = tuple(p((len(pairs(dtype)[0]),), d) for d in (dtype, dtype, BOOL))
    exact = EXACT if dtype is not F64 else [n for n in EXACT if n not in NO_LIBM]
    found = [r for n, r in applications(x, y, c).items() if not dtype.is_float or n in exact]
    casts = [cast(finite(x, *BOUNDS.get(d, (-100, 100))) if dtype.is_float else x, d) for d in DTYPES if d is not dtype]
    return Graph(params, (*found, *casts))


def approximate_graph(dtype: DType) -> Graph:
    """Return a graph of approximations, where they are defined: there is nothing to learn from 1e-7 of an infinity."""
    params = x, y, c = tuple(p((len(pairs(dtype)[0]),), d) for d in (dtype, dtype, BOOL))
    near, positive, power = finite(x, -8, 8), finite(x, 1e-3, 100), finite(y, -3, 3)
    found = {n: r for n, r in applications(near, power, c).items() if n not in EXACT}
    found |= {n: apply(n, positive) for n in ("log", "log1p", "rsqrt")} | {"pow": apply("pow", positive, power)}
    return Graph(params, tuple(r for n, r in found.items() if dtype is F32 or n not in NO_LIBM))


def test_every_primitive_is_spelled_or_a_hole() -> None:
    assert sorted([*SPELLING, *REGIONS, *HOLES]) == sorted(PRIMITIVES)
    assert set(REGIONS) == {op.name for op in PRIMITIVES.values() if op.kind == "region"}
    assert tuple(FOLDS) == REDUCTIONS
    assert set(SCALARS) <= {op.name for op in PRIMITIVES.values() if op.kind == "elementwise"}


def leaves() -> dict[str, Graph]:
    constants = [constant(v, d, (2, 3)) for d in DTYPES for v in values(d)]
    iotas = [iota((3, 4), a, d) for a in (0, 1) for d in DTYPES]
    key = p((2,), I64)
    bits = [apply("random_bits", key, shape=s) for s in ((5, 3), ())]
    return {"constants": Graph((), tuple(constants)), "iotas": Graph((), tuple(iotas)), "bits": Graph((key,), tuple(bits))}


def movements() -> dict[str, Graph]:
    x, y, z = p((4, 3)), p((2, 3)), p((2, 3, 4))
    one = apply("slice", x, start=(1, 1), stop=(2, 2), step=(1, 1))
    total, sums = reduce("sum", x, (0, 1)), reduce("sum", x, (0,))
    pads = [{"low": (1, 0), "high": (0, 2), "interior": (0, 0)}, {"low": (0, 1), "high": (1, 0), "interior": (2, 1)}]
    slices = [{"start": (1, 0), "stop": (4, 3), "step": (2, 2)}, {"start": (1, 1), "stop": (1, 3), "step": (1, 1)}]
    found = {
        "reshape": [*(reshape(x, s) for s in ((12,), (2, 1, 6), (1, 2, 2, 3, 1))), reshape(one, ()), reshape(total, (1, 1))],
        "permute": [permute(z, a) for a in ((2, 0, 1), (1, 2, 0), (0, 2, 1))],
        "broadcast": [broadcast(x, (4, 2, 3), (0, 2)), broadcast(total, (2, 2), ()), broadcast(sums, (3, 2), (0,))],
        "slice": [apply("slice", x, **k) for k in slices],
        "pad": [apply("pad", x, constant(-1.5, F32), **k) for k in pads],
        "flip": [apply("flip", z, axes=a) for a in ((0,), (0, 2), (1,))],
        "concatenate": [apply("concatenate", x, y, x, axis=0), apply("concatenate", x, x, axis=1)],
        "same": [apply("stop_gradient", x), apply("alias", x), x],
    }
    return {name: Graph((x, y, z), tuple(results)) for name, results in found.items()}


def folds() -> dict[str, Graph]:
    found = {}
    for dtype in (F32, I64, U8, BOOL):
        x = p((3, 4, 2), dtype)
        names = ("max", "min", *(("any", "all") if dtype is BOOL else ("sum", "prod")))
        reduced = [reduce(name, x, axes) for name in names for axes in ((0,), (1, 2))]
        places = [apply(name, x, axis=axis) for name in ("argmax", "argmin") for axis in (0, 1)]
        found[f"fold_{dtype}"] = Graph((x,), (*reduced, *places))
    e = p((0, 3))
    empty = [e + 1, reduce("sum", e, (0,)), reduce("prod", e, (1,)), apply("concatenate", e, e, axis=1)]
    return {**found, "empty": Graph((e,), tuple(empty))}


def indexed() -> dict[str, Graph]:
    found = {}
    i, j = p((2, 5), I64), p((2, 5), I64)
    for dtype in (F32, U8):
        x, rows, cells = (p(shape, dtype) for shape in ((3, 4, 2), (2, 5, 4, 2), (2, 5, 2)))
        gathered = gather(x, i), gather(x, i, j), gather(x, i, j, i)
        scattered = build.scatter_add(x, rows, i), build.scatter_add(x, cells, i, j)
        scattered += build.scatter(x, rows, i), build.scatter(x, cells, i, j)
        product = matmul(permute(x, (0, 2, 1)), x)
        found[f"indexed_{dtype}"] = Graph((x, rows, cells, i, j), (*gathered, *scattered, apply("cumsum", x, axis=1), product))
    return found


def structural() -> dict[str, Graph]:
    """Return graphs of everything that is not elementwise."""
    return leaves() | movements() | folds() | indexed()


def arrays_of(graph: Graph) -> list[Array]:
    """Return an array for each parameter."""
    rng = np.random.default_rng(1)
    return [draw(rng, q.type) for q in graph.params]


def draw(rng: np.random.Generator, type: TensorType) -> Array:
    """Return small numbers; integers are indices that suit every operand here."""
    if type.dtype.is_float:
        return rng.standard_normal(type.shape).astype(type.dtype.numpy)
    return rng.integers(0, 2, type.shape).astype(type.dtype.numpy)


def each() -> dict[str, Graph]:
    return {f"exact_{d}": exact_graph(d) for d in EACH} | {f"approximate_{d}": approximate_graph(d) for d in (F32, F64)}


@pytest.mark.parametrize("dtype", EACH, ids=str)
def test_elementwise_primitives_are_exact(iree: dict[str, Any], dtype: DType) -> None:
    compare(iree, f"exact_{dtype}", exact_graph(dtype), pairs(dtype), 0, 0)


@pytest.mark.parametrize(("dtype", "rtol"), [(F32, 5e-6), (F64, 1e-14)], ids=str)
def test_elementwise_primitives_are_near(iree: dict[str, Any], dtype: DType, rtol: float) -> None:
    compare(iree, f"approximate_{dtype}", approximate_graph(dtype), pairs(dtype), rtol, 1e-7)


@pytest.mark.parametrize("name", structural())
def test_other_primitives(iree: dict[str, Any], name: str) -> None:
    graph = structural()[name]
    compare(iree, name, graph, arrays_of(graph), 1e-5, 1e-6)


def test_folds_of_special_values(iree: dict[str, Any]) -> None:
    x = np.array([[1, np.nan, 2, np.nan], [-np.inf] * 4, [np.inf, 1, -np.inf, 1]], np.float32)
    compare(iree, "fold_f32", folds()["fold_f32"], [np.repeat(x[:, :, None], 2, 2)], 1e-5, 1e-6)


# -- programs -----------------------------------------------------------------------------------------


def mean(x: Node, axes: Sequence[int]) -> Node:
    return reduce("sum", x, axes) * (1 / np.prod([x.shape[a] for a in axes]))


def along(x: Node, like: Node, axis: int) -> Node:
    """Repeat a reduction's result along the axis that it folded."""
    return broadcast(x, like.shape, [a for a in range(like.type.rank) if a != axis])


def softmax(x: Node) -> Node:
    last = x.type.rank - 1
    e = apply("exp", x - along(reduce("max", x, (last,)), x, last))
    return e / along(reduce("sum", e, (last,)), x, last)


def layer_norm(x: Node, w: Node, b: Node) -> Node:
    centred = x - along(mean(x, (1,)), x, 1)
    scale = apply("rsqrt", mean(centred * centred, (1,)) + 1e-5)
    return centred * along(scale, x, 1) * along(w, x, 0) + along(b, x, 0)


def attention(q: Node, k: Node, v: Node) -> Node:
    scores = matmul(q, permute(k, (0, 2, 1))) * q.shape[-1] ** -0.5
    row, column = iota(scores.shape, 1), iota(scores.shape, 2)
    return matmul(softmax(select(column <= row, scores, -np.inf)), v)


def mlp_loss(x: Node, t: Node, w1: Node, b1: Node, w2: Node) -> Node:
    hidden = matmul(x, w1)
    y = matmul(apply("tanh", hidden + along(b1, hidden, 0)), w2)
    return mean((y - t) * (y - t), (0, 1))


def embedding_loss(table: Node, tokens: Node) -> Node:
    """Return the cross entropy of predicting each token from the mean of the others' embeddings."""
    rows = gather(table, tokens)
    logits = matmul(along(mean(rows, (0,)), rows, 0), permute(table, (1, 0)))
    picked = gather(apply("log", softmax(logits)), iota(tokens.shape, 0), tokens)
    return -mean(picked, (0,))


def train_step(x: Node, t: Node, w: Node, m: Node) -> tuple[Node, ...]:
    """Return a momentum step of a linear classifier: new weights, new momentum, loss, how many are right."""
    logits = matmul(x, w)
    picked = gather(apply("log", softmax(logits)), iota(t.shape, 0), t)
    loss = -mean(picked, (0,))
    (grad,) = gradients([loss], [constant(1, F32)], [w])
    assert grad is not None
    momentum = m * 0.9 + grad
    right = apply("eq", apply("argmax", logits, axis=1), t)
    return w - momentum * 0.1, momentum, loss, reduce("sum", cast(right, I64), (0,))


def halved(x: Node, limit: Node) -> list[Node]:
    """Return x, halved until its sum of squares is below a limit, and how often that took."""

    def region(results: Callable[[Node, Node], Sequence[Node]]) -> Region:
        y, count = p(x.shape), p((), I64)
        return Region((y, count), tuple(results(y, count)))

    test = region(lambda y, count: [limit < reduce("sum", y * y, (0, 1))])
    return while_loop(test, region(lambda y, count: [y * 0.5, count + 1]), [x, constant(0, I64)])


def signed_root(x: Node) -> list[Node]:
    """Return the roots of x, or the squares and a 1 if its sum is negative."""
    a, b = p(x.shape), p(x.shape)
    one = constant(1, I32)
    yes, no = Region((a,), (apply("sqrt", apply("abs", a)), one * 0)), Region((b,), (b * b, one))
    return cond(reduce("sum", x, (0, 1)) >= 0, yes, no, [x])


def recurrent(xs: Node, w: Node, *, reverse: bool) -> list[Node]:
    """Return the last state of a recurrent network, all states, and whether each was above zero on average."""
    state, x = p((xs.shape[1],)), p((xs.shape[1],))
    new = apply("tanh", reduce("sum", along(state, w, 1) * w, (0,)) + x)
    body = Region((state, x), (new, new, reduce("sum", new, (0,)) >= 0))
    return scan(body, [constant(0, F32, state.shape)], [xs], xs.shape[0], reverse=reverse)


def loops() -> dict[str, Graph]:
    x, limit, w = p((4, 3)), p(()), p((3, 3))
    return {
        "while": Graph((x, limit), tuple(halved(x * 16, apply("abs", limit)))),
        "cond": Graph((x,), (*signed_root(x), *signed_root(-x))),
        "scan": Graph((x, w), (*recurrent(x, w, reverse=False), *recurrent(x, w, reverse=True))),
        "nested": Graph((x, limit, w), tuple(recurrent(halved(x * 16, limit * limit + 1)[0], w, reverse=False))),
    }


def programs() -> dict[str, Graph]:
    x, q = p((6, 5)), p((2, 4, 3))
    norm = x, p((5,)), p((5,))
    heads = q, p((2, 4, 3)), p((2, 4, 3))
    mlp = p((8, 3)), p((8, 2)), p((3, 7)), p((7,)), p((7, 2))
    embedding = p((2, 4)), p((6,), I64)
    step = p((8, 3)), p((8,), I64), p((3, 4)), p((3, 4))
    normed, attended = layer_norm(*norm), attention(*heads)
    found = {
        "softmax": Graph((x,), (softmax(x),)),
        "layer_norm": adjoint(Graph(norm, (mean(normed * normed * normed, (0, 1)), normed)), [0, 1, 2]),
        "attention": adjoint(Graph(heads, (mean(attended * attended, (0, 1, 2)), attended)), [0, 1, 2]),
        "mlp": adjoint(Graph(mlp, (mlp_loss(*mlp),)), [2, 3, 4]),
        "embedding": adjoint(Graph(embedding, (embedding_loss(*embedding),)), [0]),
        "train_step": Graph(step, train_step(*step)),
    }
    fused = {f"{name}_fused": fuse(found[name], TARGET) for name in ("layer_norm", "attention", "train_step")}
    return found | fused | loops()


@pytest.mark.parametrize("name", programs())
def test_programs(iree: dict[str, Any], name: str) -> None:
    graph = programs()[name]
    compare(iree, name, graph, arrays_of(graph), 2e-5, 2e-6)


# -- the text -----------------------------------------------------------------------------------------

TEXT = """\
module {
  func.func @graphc_f(%arg0: tensor<4x3xf32> {bufferization.writable = false}) -> (tensor<4xf32>) {
    %v1 = arith.constant 0.0 : f32
    %v2 = tensor.empty() : tensor<4xf32>
    %v3 = linalg.fill ins(%v1 : f32) outs(%v2 : tensor<4xf32>) -> tensor<4xf32>
    %v4 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], \
iterator_types = ["parallel", "reduction"]} ins(%arg0 : tensor<4x3xf32>) outs(%v3 : tensor<4xf32>) {
    ^bb0(%v5: f32, %v6: f32):
      %v7 = arith.addf %v6, %v5 : f32
      linalg.yield %v7 : f32
    } -> tensor<4xf32>
    return %v4 : tensor<4xf32>
  }
}
"""


def test_text() -> None:
    x = p((4, 3))
    graph = Graph((x,), (reduce("sum", x, (1,)),))
    assert to_mlir(graph, "f") == TEXT
    assert to_mlir(graph, "f", writable_marks=False) == TEXT.replace(" {bufferization.writable = false}", "")


def test_names_are_symbols() -> None:
    assert 'func.func @"graphc_<lambda>"() -> (tensor<i64>) {' in to_mlir(Graph((), (constant(1, I64),)), "<lambda>")


def everything() -> dict[str, Graph]:
    return each() | programs() | structural()


def test_text_avoids_what_does_not_travel() -> None:
    text = to_mlir_module(everything())
    assert [word for word in ("tensor.gather", "tensor.scatter", "tensor.splat", "linalg.map") if word in text] == []
    assert text.count("func.func @graphc_") == len(everything())


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (1, F32, "1.0"), (-3.0, F64, "-3.0"), (-0.0, F32, "-0.0"), (0.1, F32, "0x3DCCCCCD"), (np.nan, F32, "0x7FC00000"),
        (np.inf, F64, "0x7FF0000000000000"), (1e30, F64, "0x46293E5939A08CEA"), (-7, I32, "-7"), (200, U8, "-56"),
        (True, BOOL, "true"),
    ],
)  # fmt: skip
def test_numbers(value: float, dtype: DType, text: str) -> None:
    assert number(value, dtype) == text


BUFFERIZE = "builtin.module(one-shot-bufferize{bufferize-function-boundaries allow-return-allocs-from-loops})"


def test_everything_bufferizes() -> None:
    ir, passes = tool("iree.compiler.ir"), tool("iree.compiler.passmanager")
    with ir.Context():
        module = ir.Module.parse(to_mlir_module(everything()))
        passes.PassManager.parse(BUFFERIZE).run(module.operation)
    assert [word for word in ("tensor<", "to_tensor", "to_buffer") if word in str(module)] == []


def test_verifies_where_iree_cannot_run() -> None:
    ir = pytest.importorskip("iree.compiler.ir")
    x = p((4,), F64)
    graph = Graph((x,), tuple(apply(name, x, *((x,) if name in ("remainder", "floordiv") else ())) for name in NO_LIBM))
    with ir.Context():
        assert ir.Module.parse(to_mlir(graph)).operation.verify()
