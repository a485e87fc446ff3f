"""Batching: every primitive against a loop over the batch, nested, and what the loop promises."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from graphc.ir.core import build
from graphc.ir.core.build import apply, constant, elementwise, select, sum_
from graphc.ir.core.graph import Graph, Node, TypeRuleError, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, DTYPES, F32, I64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.text.verifier import verify
from graphc.ir.transforms import vmap
from graphc.ir.transforms.vmap import batch
from graphc.ir.transforms.vmap_rules import BATCH

Function = Callable[..., Node]
SIZE = 3


def floats(*shape: int, low: float = -2, high: float = 2) -> np.ndarray:
    """Return different numbers at each call, for as many calls as a test makes."""
    return np.random.default_rng(len(shape) + 7 * sum(shape)).uniform(low, high, shape)


def integers(*shape: int, low: int = -9, high: int = 9) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(low, high, shape)


def unary(name: str) -> Function:
    return lambda x: apply(name, x)


def binary(name: str) -> Function:
    return lambda x, y: apply(name, x, y)


POSITIVE = floats(2, 3, low=0.1, high=3)
FLOAT, OTHER = floats(2, 3), floats(2, 3)[::-1].copy()
INT, COUNT = integers(2, 3), integers(2, 3, low=0, high=5)
FLAGS = INT > 0
KEY = np.array([7, 2**32 - 2])

CASES: dict[str, list[tuple[Function, tuple[np.ndarray, ...]]]] = {
    **{
        name: [(unary(name), (POSITIVE,))]
        for name in (
            "neg", "abs", "sign", "floor", "ceil", "trunc", "round", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "sin",
            "cos", "atan", "tanh", "sigmoid", "erf", "stop_gradient", "alias",
        )
    },
    **{
        name: [(binary(name), (POSITIVE, POSITIVE[::-1].copy()))]
        for name in ("add", "sub", "mul", "div", "floordiv", "remainder", "pow", "maximum", "minimum", "eq", "ne", "lt", "le")
    },
    **{name: [(binary(name), (INT, COUNT))] for name in ("and", "or", "xor", "shift_left", "shift_right")},
    "not": [(unary("not"), (FLAGS,)), (unary("not"), (INT,))],
    "select": [(lambda c, x, y: select(c, x, y), (FLAGS, FLOAT, OTHER))],
    "derived": [(lambda x, y: apply("derived", x * y, x, y, rule="fmod"), (FLOAT, OTHER))],
    "cast": [(lambda x: build.cast(x, F32), (INT,))],
    "reshape": [(lambda x: build.reshape(x, (3, 2, 1)), (FLOAT,)), (lambda x: build.reshape(x, ()), (floats(1),))],
    "permute": [(lambda x: build.permute(x, (2, 0, 1)), (floats(2, 3, 4),))],
    "broadcast": [
        (lambda x: build.broadcast(x, (4, 2, 5, 3), (1, 3)), (FLOAT,)),
        (lambda x: build.broadcast(x, (2, 2), ()), (floats(),)),
    ],
    "slice": [(lambda x: build.slice_(x, (1, 0), (2, 3), (1, 2)), (FLOAT,))],
    "pad": [(lambda x, v: apply("pad", x, v, low=(1, 0), high=(0, 2), interior=(0, 1)), (FLOAT, np.array(5.0)))],
    "flip": [(lambda x: build.flip(x, (1,)), (FLOAT,))],
    "concatenate": [(lambda *xs: build.concatenate(xs, 1), (FLOAT, floats(2, 1), OTHER))],
    **{name: [(lambda x, name=name: apply(name, x, axes=(0, 2)), (floats(2, 3, 4),))] for name in ("sum", "prod")},
    **{name: [(lambda x, name=name: apply(name, x, axes=(0, 2)), (floats(2, 3, 4),))] for name in ("max", "min")},
    **{name: [(lambda x, name=name: apply(name, x, axes=(1,)), (FLAGS,))] for name in ("any", "all")},
    **{name: [(lambda x, name=name: apply(name, x, axis=1), (FLOAT,))] for name in ("argmax", "argmin", "cumsum")},
    "argsort": [(lambda x: build.argsort(x, 1), (FLOAT,))],
    "gather": [
        (build.gather, (floats(4, 5, 2), integers(3, low=0, high=4), integers(3, low=0, high=5))),
        (build.gather, (floats(4), np.array(2))),
    ],
    "scatter": [
        (build.scatter, (floats(4, 5, 2), floats(6, 2), integers(6, low=0, high=2), integers(6, low=0, high=2))),
        (build.scatter, (floats(4), floats(), np.array(2))),
    ],
    "scatter_add": [
        (build.scatter_add, (floats(4, 5, 2), floats(6, 2), integers(6, low=0, high=2), integers(6, low=0, high=2))),
        (build.scatter_add, (floats(4), floats(), np.array(2))),
    ],
    "cholesky": [(lambda x: apply("cholesky", x), (floats(3, 3) * 0.1 + 2 * np.eye(3),))],
    "triangular_solve": [
        (lambda a, b: apply("triangular_solve", a, b, upper=True, unit=False), (floats(3, 3) + 3 * np.eye(3), floats(3, 2))),
        (lambda a, b: apply("triangular_solve", a, b, upper=False, unit=True), (floats(2, 3, 3), floats(2, 3, 2))),
    ],
    "lu": [(lambda x: apply("lu", x), (floats(3, 2),)), (lambda x: apply("lu", x), (floats(2, 3, 3),))],
    "lu_solve": [
        (lambda a, b, t=t: apply("lu_solve", a, apply("lu", a), b, transposed=t), (floats(3, 3), floats(3, 2)))
        for t in (False, True)
    ],
    "qr": [(lambda x: apply("qr", x, complete=False), (floats(3, 2),))],
    "eigh": [(lambda x: apply("eigh", x), (floats(3, 3),))],
    "svd": [
        (lambda x: apply("svd", x, full=True), (floats(3, 2),)),
        (lambda x: apply("svd", x, full=False), (floats(2, 2, 3),)),
    ],
    "pinv": [(lambda x, y: apply("pinv", x, y), (floats(3, 2), floats(2, 3)))],
    "permutation": [(lambda x: apply("permutation", x, rows=4), (integers(3, low=0, high=4),))],
    "matmul": [
        (build.matmul, (floats(2, 3), floats(3, 4))),
        (build.matmul, (floats(2, 3), floats(3, 1))),
        (build.matmul, (floats(1, 3), floats(3, 1))),
        (build.matmul, (floats(2, 1, 3), floats(2, 3, 2))),
    ],
    "random_bits": [(lambda key: apply("random_bits", key, shape=(2, 5)), (KEY,))],
}  # fmt: skip
"""Functions that end in the primitive, and arrays for them."""

ALL = [(name, i) for name, cases in CASES.items() for i in range(len(cases))]


def variants(x: np.ndarray) -> np.ndarray:
    """Return a batch of arrays that may stand where `x` stands."""
    if x.dtype == np.bool_:
        return np.stack([np.roll(x, i, 0) for i in range(SIZE)])
    if x.dtype.kind == "i" and x.size == 2 and x is KEY:
        return np.stack([x + np.array([i, 10**9 * i - i]) for i in range(SIZE)])
    if x.dtype.kind == "i":
        return np.stack([np.roll(np.flip(x) if i == 1 else x, i) for i in range(SIZE)])
    return np.stack([x * (1 + 0.25 * i) for i in range(SIZE)])


def nodes(*arrays: np.ndarray) -> list[Node]:
    kinds = {d.numpy: d for d in DTYPES.values()}
    return [parameter(TensorType(kinds[a.dtype], a.shape)) for a in arrays]


def batched_graph(
    function: Function, arrays: tuple[np.ndarray, ...], which: tuple[bool, ...]
) -> tuple[Graph, list[np.ndarray]]:
    """Return the batch of a function of some arrays as a graph, and the arrays it takes."""
    given = [variants(a) if w else a for a, w in zip(arrays, which, strict=True)]
    ones, many = nodes(*arrays), nodes(*given)
    known = {one: m for one, m, w in zip(ones, many, which, strict=True) if w}
    plain = [one for one, w in zip(ones, which, strict=True) if not w]
    [(result, has)] = batch([function(*ones)], known, SIZE)
    assert has
    return Graph(tuple(plain + [m for m, w in zip(many, which, strict=True) if w]), (result,)), [
        *(g for g, w in zip(given, which, strict=True) if not w),
        *(g for g, w in zip(given, which, strict=True) if w),
    ]


@pytest.mark.parametrize(("name", "i"), ALL)
def test_every_subset_of_operands(name: str, i: int) -> None:
    function, arrays = CASES[name][i]
    ones = nodes(*arrays)
    graph = Graph(tuple(ones), (function(*ones),))
    assert name in {n.op.name for n in graph.nodes()}
    for which in product((False, True), repeat=len(arrays)):
        if not any(which):
            continue
        found, given = batched_graph(function, arrays, which)
        verify(found)
        rows = [[variants(a)[k] if w else a for a, w in zip(arrays, which, strict=True)] for k in range(SIZE)]
        expected = np.stack([evaluate(graph, row)[0] for row in rows])
        actual = evaluate(found, given)[0]
        assert actual.dtype == expected.dtype and actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("name", "i"), ALL)
def test_nested(name: str, i: int) -> None:
    """The first operand has the inner batch axis, the last one the outer."""
    function, arrays = CASES[name][i]
    inner, outer = variants(arrays[0]), variants(variants(arrays[0]) if len(arrays) == 1 else arrays[-1])
    if len(arrays) == 1 and arrays[0] is KEY:
        outer = np.stack([inner + np.array([5 * k, 0]) for k in range(SIZE)])
    ones, (x,) = nodes(*arrays), nodes(inner)
    [(once, _)] = batch([function(*ones)], {ones[0]: x}, SIZE)
    (far,) = nodes(outer)
    [(twice, has)] = batch([once], {x if len(arrays) == 1 else ones[-1]: far}, SIZE)
    assert has
    middle = ones[1:-1]
    graph = Graph(tuple(ones), (function(*ones),))
    if len(arrays) == 1:
        actual = evaluate(Graph((far,), (twice,)), [outer])[0]
        expected = [[evaluate(graph, [outer[a][b]])[0] for b in range(SIZE)] for a in range(SIZE)]
    else:
        actual = evaluate(Graph((x, *middle, far), (twice,)), [inner, *arrays[1:-1], outer])[0]
        expected = [[evaluate(graph, [inner[b], *arrays[1:-1], outer[a]])[0] for b in range(SIZE)] for a in range(SIZE)]
    np.testing.assert_allclose(actual, np.array(expected), rtol=1e-13, atol=0)


def test_no_hole_in_the_table() -> None:
    without = {name for name, op in PRIMITIVES.items() if op.kind == "region" or (op.kind == "leaf" and not op.arity)}
    assert BATCH.keys() == PRIMITIVES.keys() - without - {"result"}
    assert CASES.keys() == BATCH.keys()


def test_what_does_not_depend_stays() -> None:
    w, x, xs = parameter(TensorType(F32, (4,))), parameter(TensorType(F32, (4,))), parameter(TensorType(F32, (9, 4)))
    root = apply("sqrt", w)
    (y, has_y), (same, has_same), (many, has_many) = batch([root * x, root, x], {x: xs}, 9)
    assert has_y and not has_same and has_many
    assert same is root and many is xs
    assert y.operands[0].operands == (root,)


def test_empty_batches() -> None:
    x = parameter(TensorType(F32, (2, 3)))
    many = parameter(TensorType(F32, (0, 2, 3)))
    index = constant(1, I64, (5,))
    made = batch([apply("max", x, axes=(1,)), build.gather(x, index), build.matmul(x, build.swap_last(x))], {x: many}, 0)
    assert [n.shape for n, _ in made] == [(0, 2), (0, 5, 3), (0, 2, 2)]
    assert [a.shape for a in evaluate(Graph((many,), tuple(n for n, _ in made)), [np.zeros((0, 2, 3), np.float32)])] == [
        (0, 2), (0, 5, 3), (0, 2, 2)
    ]  # fmt: skip


def test_constants_stay_constants() -> None:
    """Rules look for them: of x ** 2 the derivative needs no logarithm, batched or not."""
    x, xs = parameter(TensorType(F32, (2,))), parameter(TensorType(F32, (5, 2)))
    [(y, _)] = batch([elementwise("pow", x, 2)], {x: xs}, 5)
    assert y.operands[1].op.name == "constant" and y.operands[1].shape == (5, 2)
    i = build.cast(x, I64) + build.iota((2,), 0)
    [(z, _)] = batch([i], {x: xs}, 5)
    assert z.operands[1].op.name == "iota" and z.operands[1].params["axis"] == 1


def test_rows_of_many_products_make_one() -> None:
    w, x = parameter(TensorType(F32, (3, 4))), parameter(TensorType(F32, (4, 1)))
    xs = parameter(TensorType(F32, (9, 4, 1)))
    [(y, _)] = batch([build.matmul(w, x)], {x: xs}, 9)
    assert y.op.name == "reshape" and y.operands[0].shape == (9, 3)
    [(z, _)] = batch([build.matmul(build.swap_last(x), build.swap_last(w))], {x: xs}, 9)
    assert z.op.name == "reshape" and z.operands[0].shape == (9, 3)


def test_names_and_places_are_kept() -> None:
    x, xs = parameter(TensorType(F32, (2, 3))), parameter(TensorType(F32, (5, 2, 3)))
    y = sum_(x, (1,))
    y.name, y.where = "total", "model.py:12"
    [(made, _)] = batch([y], {x: xs}, 5)
    assert (made.name, made.where) == ("total", "model.py:12")


def test_aliases_stay_apart() -> None:
    x, xs = parameter(TensorType(F32, ())), parameter(TensorType(F32, (5,)))
    one, other = (make(PRIMITIVES["alias"], (x,), unique=True) for _ in range(2))
    (a, _), (b, _) = batch([one, other], {x: xs}, 5)
    assert a is not b


def test_depth_and_time() -> None:
    x, xs = parameter(TensorType(F32, ())), parameter(TensorType(F32, (4,)))
    y = x
    for _ in range(30_000):
        y = y + 1
    [(made, has)] = batch([y], {x: xs}, 4)
    assert has and made.shape == (4,)


def test_errors() -> None:
    x = parameter(TensorType(F32, (2,)))
    with pytest.raises(TypeRuleError, match=r"a batch of 5 of f32\[2\] is f32\[5,2\], got f32\[2,5\]"):
        batch([x], {x: parameter(TensorType(F32, (2, 5)))}, 5)
    with pytest.raises(TypeRuleError, match="got bool"):
        batch([x], {x: parameter(TensorType(BOOL, (5, 2)))}, 5)
    inner = parameter(x.type)
    [fused] = build.fusion([x], Graph((inner,), (inner + 1,)))
    with pytest.raises(TypeRuleError, match="fusion has no batching rule"):
        batch([fused], {x: parameter(TensorType(F32, (5, 2)))}, 5)


def test_doctest() -> None:
    assert doctest.testmod(vmap).failed == 0
