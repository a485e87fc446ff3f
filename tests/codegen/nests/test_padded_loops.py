"""Stencils: shifted and padded reads of one array, whose rows are loops inside of all padding and loops at its edge."""

from __future__ import annotations

import ctypes
import mmap
import random
import sys

import numpy as np
import pytest

import graphc as torch
from graphc import func
from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node
from graphc.ir.core.types import F32, F64, I32, U8
from graphc.ir.fusion.fusion import fuse
from graphc.ir.interpret.evaluate import evaluate
from tests.codegen.program.test_program import check
from tests.ir.fusion.test_fusion import differences, kernels, param
from tests.targets import TARGET

EXTENTS = (1, 2, 3, 8, 9, 10, 15, 17, 23, 24, 25, 33, 40, 70)


class Maker:
    """Makes sums of shifted copies of one array, all of one shape."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.shape = tuple(self.random.choice(EXTENTS) for _ in range(self.random.randint(1, 3)))
        if seed % 10 == 0:
            self.shape = (*self.shape[:-1], 0)
        self.dtype = (F32, F64, F32, I32, U8)[seed % 5]
        self.reach = self.random.choice((1, 1, 2, 5, 20))

    def graph(self) -> Graph:
        """Return a sum of shifted copies, perhaps with sums along axes beside it."""
        x = param(*self.shape, dtype=self.dtype)
        y = self.shifted(x)
        for _ in range(self.random.randint(1, 6)):
            y = build.apply(self.random.choice(("add", "sub", "maximum", "mul")), y, self.shifted(x))
        results = [y]
        if self.random.random() < 0.5 and self.dtype is not U8:
            results.append(build.sum_(y, self.random.choice(((len(self.shape) - 1,), (0,), range(len(self.shape))))))
        return Graph((x,), tuple(results))

    def shifted(self, x: Node) -> Node:
        """Return the array moved along some axes: what leaves it is lost, what comes in is a number."""
        start, stop, low, high = [], [], [], []
        for n in self.shape:
            by = self.random.choice((0, 0, self.random.randint(-self.reach, self.reach)))
            by = max(-n, min(n, by))
            start.append(max(by, 0))
            stop.append(n + min(by, 0))
            low.append(max(-by, 0))
            high.append(max(by, 0))
        part = build.slice_(x, start, stop)
        if self.random.random() < 0.3 and self.dtype.is_float:
            part = build.apply("tanh", part)
        return build.pad(part, low, high, fill=self.random.choice((0, 0, 3)))

    def array(self, *, strided: bool) -> np.ndarray:
        """Return numbers for the parameter, every second of them if `strided`."""
        shape = (*self.shape[:-1], 2 * self.shape[-1]) if strided else self.shape
        data = np.random.default_rng(1).integers(0, 100, shape) / (8 if self.dtype.is_float else 1)
        return data.astype(self.dtype.numpy)[..., :: 2 if strided else 1]


@pytest.mark.parametrize("seed", range(100))
def test_sums_of_shifted_copies(seed):
    maker = Maker(seed)
    check(maker.graph(), [maker.array(strided=seed % 4 == 0)])


@pytest.mark.parametrize("dtype", [F32, F64])
@pytest.mark.parametrize("shape", [(1,), (9,), (1000,), (2, 9), (3, 8, 17), (9, 10, 11), (4, 1, 40), (2, 2, 2, 33)])
def test_differences_along_all_axes(shape, dtype):
    x = param(*shape, dtype=dtype)
    check(Graph((x,), (differences(x),)), [np.random.default_rng(0).standard_normal(shape).astype(dtype.numpy)])


def test_more_axes_than_one_are_walked_backwards():
    x = param(7, 9, 30)
    y = build.flip(differences(x), (0, 2))
    check(
        Graph((x,), (y, build.permute(y, (2, 0, 1)))), [np.random.default_rng(0).standard_normal((7, 9, 30)).astype(np.float32)]
    )


def test_what_lies_in_the_padding_does_not_leak():
    x = param(9, 40)
    inside = build.slice_(x, (1, 1), (8, 39))
    y = build.pad(build.slice_(inside, (0, 1), (7, 38)), (1, 1), (1, 2)) + build.pad(inside, (1, 1), (1, 1))
    data = np.full((9, 40), np.nan, np.float32)
    data[1:8, 1:39] = 1.0
    (got,) = compile_graph(Graph((x,), (y,))).run([data])
    np.testing.assert_array_equal(got, evaluate(Graph((x,), (y,)), [data])[0])
    assert np.isfinite(got).all()


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages")
@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("shape", [(9,), (33,), (5, 40), (9, 9), (3, 4, 64)])
def test_nothing_outside_of_an_array_is_read(shape, at_end):
    page, size = mmap.PAGESIZE, int(np.prod(shape)) * 4
    room = -(-size // page) * page
    memory = mmap.mmap(-1, room + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    assert not protect(start, page, 0) and not protect(start + page + room, page, 0)
    data = np.frombuffer(memory, np.float32, size // 4, page + (room - size if at_end else 0)).reshape(shape)
    data[...] = np.arange(size // 4).reshape(shape) % 7
    x = param(*shape)
    check(Graph((x,), (differences(x),)), [data])


def variation(x):
    corner = x[:-1, :-1, :-1]
    a, b, c = x[1:, :-1, :-1] - corner, x[:-1, 1:, :-1] - corner, x[:-1, :-1, 1:] - corner
    return torch.sqrt(a * a + b * b + c * c + 1e-3).sum()


def curvature(x):
    middle = x[1:-1, 1:-1, 1:-1]
    a = x[2:, 1:-1, 1:-1] - 2 * middle + x[:-2, 1:-1, 1:-1]
    c = x[1:-1, 1:-1, 2:] - x[1:-1, 1:-1, :-2]
    return (a * a * torch.exp(0.1 * c)).sum()


@pytest.mark.parametrize("value", [variation, curvature])
@pytest.mark.parametrize("shape", [(3, 4, 11), (9, 10, 17)])
def test_gradients_are_quotients_of_differences(value, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    gradient = torch.compile(func.grad(value))(x)
    total = torch.compile(value)
    for seed in range(4):
        along = np.random.default_rng(seed + 1).standard_normal(shape)
        slope = (float(total(x + 1e-5 * along)) - float(total(x - 1e-5 * along))) / 2e-5
        assert float((gradient * along).sum()) == pytest.approx(slope, rel=1e-6)


def test_gradients_at_the_edge_are_those_of_the_formula():
    x = np.random.default_rng(0).standard_normal((6, 40)).astype(np.float32)
    gradient = torch.compile(
        func.grad(lambda x: 0.5 * ((x[1:] - x[:-1]) ** 2).sum() + 0.5 * ((x[:, 2:] - x[:, :-2]) ** 2).sum())
    )(x)
    want = np.zeros((6, 40))
    a, b = np.diff(x, axis=0), x[:, 2:] - x[:, :-2]
    want[1:] += a
    want[:-1] -= a
    want[:, 2:] += b
    want[:, :-2] -= b
    np.testing.assert_allclose(gradient, want, atol=1e-5)


# -- what is stored between the kernels of a stencil ------------------------------------------------------------


def scaled(x: Node) -> list[Node]:
    """Return two products with one root, which another kernel reads shifted."""
    root = 1 / build.apply("sqrt", x * x + 1.0)
    return [root * x, root * (x + 2)]


def joined(products: list[Node]) -> Node:
    """Return a sum of two arrays of 10 by 40, each moved by one."""
    moved = [build.pad(build.slice_(products[0], (0, 1), (10, 40)), (0, 0), (0, 1))]
    return moved[0] + build.pad(build.slice_(products[1], (0, 0), (9, 40)), (1, 0), (0, 0))


def between(graph: Graph) -> list[int]:
    """Return how many values each fusion stores."""
    return [len(n.types) for n in fuse(graph, TARGET).nodes() if n.op.name == "fusion"]


def test_a_root_is_stored_and_not_its_products():
    x = param(10, 40)
    graph = Graph((x,), (joined(scaled(x)),))
    assert between(graph) == [1, 1]
    check(graph, [np.random.default_rng(0).standard_normal((10, 40)).astype(np.float32)])


def test_products_that_are_results_are_read_again():
    x = param(10, 40)
    graph = Graph((x,), (joined(scaled(x)), *scaled(x)))
    assert between(graph) == [2, 1]
    check(graph, [np.random.default_rng(0).standard_normal((10, 40)).astype(np.float32)])


def test_products_of_different_roots_are_stored():
    x = param(10, 40)
    graph = Graph((x,), (joined([scaled(x)[0], build.apply("exp", x) * x]),))
    assert sorted(between(graph)) == [1, 2]
    check(graph, [np.random.default_rng(0).standard_normal((10, 40)).astype(np.float32)])


def test_products_read_across_their_rows_are_stored():
    x = param(40, 40)
    root = 1 / build.apply("sqrt", x * x + 1.0)
    graph = Graph((x,), (build.permute(root * x, (1, 0)) + build.flip(root * (x + 2), (0,)),))
    assert sorted(between(graph)) == [1, 2]
    assert kernels(fuse(graph, TARGET)).count("fusion") == 2
    check(graph, [np.random.default_rng(0).standard_normal((40, 40)).astype(np.float32)])


def test_total_variation_has_one_root_a_point():
    x = np.zeros((20, 20, 20), np.float32)
    fusions = [n for n in torch.compile(func.grad(variation)).lower(x).ir("fused").splitlines() if " sqrt " in n]
    assert len(fusions) == 1


def test_sums_of_differences_along_each_axis_read_along_rows():
    x = param(30, 31)
    rows = build.slice_(x, (1, 0), (30, 31)) - build.slice_(x, (0, 0), (29, 31))
    columns = build.slice_(x, (0, 1), (30, 31)) - build.slice_(x, (0, 0), (30, 30))
    graph = Graph((x,), (build.sum_(rows * rows, (0, 1)) + build.sum_(columns * columns, (0, 1)),))
    assert "gather" not in compile_graph(graph).stage("llvm")
    check(graph, [np.random.default_rng(0).standard_normal((30, 31)).astype(np.float32)])


def test_sums_of_two_square_arrays_are_one_kernel():
    x, y = param(30, 30), param(30, 30)
    graph = Graph((x, y), (build.sum_(x * x, (0, 1)) + build.sum_(y * y, (0, 1)),))
    assert kernels(fuse(graph, TARGET)) == ["fusion"]


@pytest.mark.parametrize("name", ["argmin", "argmax"])
@pytest.mark.parametrize("low", [1, 9])
def test_of_equal_elements_in_the_padding_the_first_is_found(name, low):
    x = param(4, 17)
    y = build.apply(name, build.pad(x, (1, low), (0, 12)), axis=1)
    check(Graph((x,), (y,)), [np.zeros((4, 17), np.float32)])
    check(Graph((x,), (y,)), [np.random.default_rng(0).standard_normal((4, 17)).astype(np.float32)])
