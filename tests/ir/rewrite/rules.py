"""Checks of rewrite rules: an example of each, evaluated before and after it on numbers of every kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf, nan

import numpy as np

from graphc.ir.core.build import apply, elementwise, full_like
from graphc.ir.core.graph import Graph, Node, parameter
from graphc.ir.core.types import DTYPES, I32, I64, U8, DType, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.rewrite.engine import Rule
from graphc.ir.rewrite.simplify import simplify

Builder = Callable[..., Node]
Example = tuple[str, str, Builder, Builder]
"""The name of a rule, types of parameters, and what builds the graph before and after it."""

FLOATS = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-310, -1e-40, 1e300, -3e38]
INTS = [0, 1, -1, 2, -2, 3, 5, 7, -7, 100, 127, -128, 2**31 - 1, -(2**31)]
ROW = len(FLOATS)


def special(dtype: DType, shape: tuple[int, ...], position: int) -> np.ndarray:
    """Fill a shape so that the first two parameters of a grid of ROW * ROW elements meet in all pairs."""
    found = FLOATS if dtype.is_float else INTS
    with np.errstate(all="ignore"):
        values = np.array(found).astype(dtype.numpy)
    at = np.arange(int(np.prod(shape)))
    index = [at // ROW, at, at * 3 + at // ROW, at * 5 + 1][position % 4] % ROW
    if dtype.is_bool:
        index = (at >> position) % 2
    found_at: np.ndarray = values[index].reshape(shape)
    return found_at


GRID = f"[{ROW * ROW}]"
SHORT = {"f": f"f64{GRID}", "h": f"f32{GRID}", "n": f"i32{GRID}", "l": f"i64{GRID}", "u": f"u8{GRID}", "p": f"bool{GRID}"}


def tensor_type(text: str) -> TensorType:
    name, extents = re.fullmatch(r"(\w+)\[(.*)\]", SHORT.get(text, text)).groups()  # type: ignore[union-attr]
    return TensorType(DTYPES[name], tuple(int(n) for n in extents.split(",") if n))


def graph_of(types: str, builder: Builder) -> Graph:
    params = tuple(parameter(tensor_type(t), f"x{i}") for i, t in enumerate(types.split()))
    return Graph(params, (builder(*params),))


def inputs(graph: Graph) -> list[np.ndarray]:
    return [special(p.dtype, p.shape, i) for i, p in enumerate(graph.params)]


def assert_same_bits(a: np.ndarray, b: np.ndarray) -> None:
    assert a.dtype == b.dtype and a.shape == b.shape
    if a.dtype.kind != "f":
        np.testing.assert_array_equal(a, b)
        return
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    a, b = (np.where(np.isnan(v), 0, v) for v in (a, b))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


def assert_means_the_same(before: Graph, after: Graph, exact: bool) -> None:
    arrays = inputs(before)
    for a, b in zip(evaluate(before, arrays), evaluate(after, arrays), strict=True):
        if exact:
            assert_same_bits(a, b)
        else:
            last_bit = 2 * float(np.finfo(a.dtype).smallest_subnormal) if a.dtype.kind == "f" else 0
            np.testing.assert_allclose(a, b, rtol=1e-6 if a.dtype == np.float32 else 1e-14, atol=last_bit)


def cost(graph: Graph) -> int:
    """Count the elements that are computed: results of arithmetic, operands of reductions and products."""
    weights = {"elementwise": lambda n: n.type.size, "reduce": lambda n: n.operands[0].type.size}
    return sum(weights[n.op.kind](n) for n in graph.nodes() if n.op.kind in weights)


def check(example: Example) -> None:
    """Assert that the rule fires, gives the expected node, keeps the values and does not cost more."""
    name, types, before, after = example
    graph = graph_of(types, before)
    expected = after(*graph.params)
    fired: list[Rule] = []
    simple = simplify(graph, lambda r, *_: fired.append(r))
    assert name in [r.name for r in fired]
    assert simple.results[0] is expected, (graph, simple)
    assert_means_the_same(graph, simple, not any(r.reassociates for r in fired))
    assert cost(simple) <= cost(graph)


# -- builders -------------------------------------------------------------------------------------------


def const(x: Node, value: float) -> Node:
    return full_like(x, value)


def e(name: str) -> Builder:
    return lambda *xs: elementwise(name, *xs)


def raw(name: str, **params: object) -> Builder:
    """Apply a primitive though nothing changes: the builders would return the operand."""
    return lambda *xs: apply(name, *xs, **params)


def same(x: Node, *_: Node) -> Node:
    return x


V, W = "f64[6]", "f32[2,3]"
C = "f64[2,3,4]"
LOWEST = {I32: -(2**31), I64: -(2**63), U8: 0}
floor, absolute, sign, maximum, minimum = e("floor"), e("abs"), e("sign"), e("maximum"), e("minimum")
eq, ne, lt, le = e("eq"), e("ne"), e("lt"), e("le")
