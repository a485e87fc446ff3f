"""Parts of matrix products: whole tiles that cover C, as many as there is work for."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc.codegen.gemm.blocking import product_for
from graphc.codegen.gemm.parts import MOST, PART, Parts, parts_of

SIZES = (0, 1, 7, 8, 9, 128, 300, 1024, 5000)


def test_parts_are_whole_tiles_that_cover_the_product() -> None:
    product = product_for("float", "col", "col")
    tile = product.blocking.tile
    for m, n, k, batch in itertools.product(SIZES, SIZES, (0, 1, 64, 2000), (0, 1, 3, 100)):
        parts = Parts(product, m, n, k, batch)
        assert parts.rows % tile.rows == 0 and parts.columns % tile.width == 0 and parts.rows and parts.columns
        assert parts.down * parts.rows >= m > (parts.down - 1) * parts.rows or m == 0
        assert parts.across * parts.columns >= n > (parts.across - 1) * parts.columns or n == 0
        assert parts.count == batch * parts.down * parts.across and parts.grain >= 1
        assert parts.down * parts.across <= 2 * MOST


def test_little_work_is_one_part() -> None:
    assert parts_of(64, 64, 64, 1, 8, 32, PART) == (64, 64)
    assert parts_of(1024, 1024, 1, 1, 8, 32, PART) == (1024, 1024)


def test_large_products_have_parts_for_many_threads() -> None:
    rows, columns = parts_of(1024, 1024, 1024, 1, 8, 32, PART)
    assert rows >= 128 and columns >= 128 and -(-1024 // rows) * -(-1024 // columns) >= 16
    assert parts_of(128, 3072, 768, 1, 8, 32, PART)[0] == 128
    assert parts_of(3072, 128, 768, 1, 8, 32, PART)[1] == 128


RNG = np.random.default_rng(0)


def numbers(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return RNG.standard_normal(shape).astype(dtype)


def loop(x: Any, w: Any) -> Any:
    return graphc.fori_loop(0, 3, lambda i, v: (v @ w) * 0.05, x)


PRODUCTS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "plain": (lambda a, b: a @ b, (numbers(300, 257), numbers(257, 411))),
    "left transposed": (lambda a, b: a.T @ b, (numbers(257, 300), numbers(257, 411))),
    "right transposed": (lambda a, b: a @ b.T, (numbers(300, 257), numbers(411, 257))),
    "strided": (lambda a, b: a[:, ::2] @ b[::2, ::3], (numbers(300, 514), numbers(514, 1233))),
    "batch": (lambda a, b: a @ b, (numbers(7, 131, 77), numbers(7, 77, 99))),
    "broadcast": (lambda a, b: a @ b, (numbers(3, 1, 131, 77), numbers(5, 77, 99))),
    "double": (lambda a, b: a @ b, (numbers(300, 257, dtype=float), numbers(257, 411, dtype=float))),
    "integers": (lambda a, b: a @ b, (RNG.integers(-9, 9, (300, 257)), RNG.integers(-9, 9, (257, 411)))),
    "row": (lambda a, b: a @ b, (numbers(1, 1500), numbers(1500, 1501))),
    "column": (lambda a, b: a @ b, (numbers(1501, 1500), numbers(1500, 1))),
    "row of a transposed one": (lambda a, b: a @ b.T, (numbers(1, 1500), numbers(1501, 1500))),
    "rows of nothing": (lambda a, b: a @ b + a.sum(), (numbers(300, 0), numbers(0, 9000))),
    "packed": (loop, (numbers(300, 300), numbers(300, 300))),
}


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("name", PRODUCTS)
def test_bits_do_not_depend_on_the_number_of_threads(name: str, dynamic: bool) -> None:
    f, args = PRODUCTS[name]
    compiled = graphc.compile(f, dynamic=dynamic)
    with graphc.threads(1):
        want = compiled(*args)
    for threads in (2, 3, 7):
        with graphc.threads(threads):
            assert compiled(*args).tobytes() == want.tobytes()
    exact = f(*[graphc.tensor(x).double() if x.dtype.kind == "f" else graphc.tensor(x) for x in args]).numpy()
    np.testing.assert_allclose(want, exact, rtol=1e-4, atol=1e-3)


def test_threads_share_them() -> None:
    text = graphc.compile(lambda a, b: a @ b).lower(numbers(300, 257), numbers(257, 411)).ir("kernels")
    assert ", parallel\n" in text


def test_other_sizes() -> None:
    compiled = graphc.compile(lambda a, b: a @ b)
    with graphc.threads(3):
        for m, n, k in ((300, 257, 411), (500, 129, 333), (129, 700, 222), (1024, 600, 300), (20, 30, 40)):
            a, b = numbers(m, k), numbers(k, n)
            np.testing.assert_allclose(compiled(a, b), a.astype(float) @ b, rtol=1e-4, atol=1e-3)
