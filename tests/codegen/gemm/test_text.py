"""How matrix products run, as a text: read back, verified, and by any legal one the same values."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import graphc
from graphc.codegen.gemm.blocking import PACKED, UNITS, Blocking, Product, Tile, product_for
from graphc.codegen.gemm.text import ProductError, parse_product, product_text, verify_product
from graphc.codegen.program import products as program_products
from graphc.codegen.program.program import run_alone
from graphc.codegen.program.translate import write_program
from graphc.ir.analysis.views import dense_strides
from graphc.ir.core.graph import Graph
from graphc.ir.interpret.evaluate import evaluate

TEXT = """\
product k0_matmul: f32, a col, b col, gemv
  blocks of 192 rows, 2048 columns, 256 terms
  tiles of 8 or 4 rows, 2 vectors of 16 lanes
  a packed for 8 panels, b in place up to 24576 bytes, 1048576 bytes for 32 rows
"""


def test_a_text() -> None:
    name, product = parse_product(TEXT)
    assert name == "k0_matmul" and product_text(name, product) + "\n" == TEXT
    assert product == Product(Blocking("float", Tile(16, 2, 8, 4), 192, 2048, 256), "col", "col", True, 8, 24576, 1048576, 32)
    verify_product(product)


@pytest.mark.parametrize("dtype", ["float", "double", "i32", "i64"])
def test_round_trip(dtype: str) -> None:
    for a, b, vectors in itertools.product(UNITS, (*UNITS, PACKED), (True, False)):
        product = product_for(dtype, a, b, vectors=vectors and b != PACKED)
        verify_product(product)
        assert parse_product(product_text("k", product)) == ("k", product)


@pytest.mark.parametrize(
    "old, new, what",
    [
        ("f32", "f16", "expected a product"),
        ("product k0_matmul", "k0_matmul", "expected a product"),
        ("192 rows", "many rows", "expected a product"),
        (", gemv", ", gemm", "expected a product"),
        ("a col", "a both", "a unit stride is one of row, col, none, got both and col"),
        ("16 lanes", "12 lanes", "a tile has vectors of a power of two lanes"),
        ("16 lanes", "256 lanes", "at most 512 bytes"),
        ("2 vectors", "0 vectors", "a tile has vectors"),
        ("8 or 4 rows", "8 or 0 rows", "a tile has vectors"),
        ("8 or 4 rows", "8 or 9 rows", "a remainder tile of 9 rows is larger than a tile of 8"),
        ("192 rows", "193 rows", "blocks of 193 rows, 2048 columns and 256 terms are no whole tiles"),
        ("2048 columns", "2032 columns", "are no whole tiles"),
        ("256 terms", "250 terms", "are no whole tiles"),
        ("256 terms", "0 terms", "are no whole tiles"),
        ("b col", "b packed", "a product of a packed factor has no gemv"),
        ("b col", "b row", "a factor b with unit stride row is not read in place"),
    ],
)
def test_what_is_wrong(old: str, new: str, what: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(ProductError, match=what):
        verify_product(parse_product(TEXT.replace(old, new))[1])


def test_an_unknown_type_is_refused() -> None:
    product = parse_product(TEXT)[1]
    with pytest.raises(ProductError, match="matmul takes float, double, i32 or i64, got half"):
        verify_product(replace(product, blocking=replace(product.blocking, dtype="half")))


def products(a: Any, b: Any, c: Any) -> Any:
    """Products of all layouts, one column and a packed factor among them."""

    def step(h: Any, x: Any) -> Any:
        h = (x + h @ b).tanh()
        return h, h.sum()

    return a @ b, a.T @ a, (b.T @ a.T)[::2], a @ b[:, :1], graphc.scan(step, c[0], c)


def captured() -> tuple[Graph, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in ((70, 90), (90, 90), (3, 20, 90))]
    return graphc.compile(products).lower(*arrays)._program.graph, arrays


def test_the_dump_shows_products() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in ((70, 90), (90, 90), (3, 20, 90))]
    text = graphc.compile(products).lower(*arrays).ir("kernels")
    shown = [part for part in text.strip().split("\n\n") if part.startswith("product ")]
    assert {parse_product(part)[1].b_unit for part in shown} == {"col", "row", PACKED}
    assert any(parse_product(part)[1].vectors for part in shown)


def other_product(choose: random.Random, product: Product, blocking: Blocking) -> Product:
    """Return a product with another blocking, and other limits for packing."""
    limits = [choose.choice((0, 1, 2, 100)), *(choose.choice((0, 1000, 1 << 20)) for _ in range(2)), choose.choice((0, 16, 99))]
    if product.b_unit != "col":
        limits[1:] = 0, 0, 0
    return Product(blocking, product.a_unit, product.b_unit, product.vectors, *limits)


@pytest.mark.parametrize("seed", range(6))
def test_every_legal_product_computes_the_same(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    graph, arrays = captured()
    want = evaluate(graph, arrays)
    choose = random.Random(seed)
    tile = Tile(choose.choice((4, 8, 16)), choose.choice((1, 2, 3)), choose.choice((2, 5, 8)), choose.choice((1, 2)))
    rows, columns, depth = (choose.choice((1, 2, 5)) for _ in range(3))
    blocking = Blocking("float", tile, rows * tile.rows, columns * tile.width, depth * tile.lanes)
    used = []

    def decided(node: Any, operands: Any) -> Product:
        product = parse_product(product_text("k", other_product(choose, chosen(node, operands), blocking)))[1]
        verify_product(product)
        used.append(product)
        return product

    chosen = program_products.schedule_product
    monkeypatch.setattr("graphc.codegen.program.calls.schedule_product", decided)
    monkeypatch.setattr("graphc.codegen.program.calls.blocking_for", lambda dtype: blocking)
    got = run_alone(graph, arrays, dynamic=bool(seed % 2))
    assert len(used) >= 5 and not isinstance(got, Exception), got
    for x, y in zip(got, want, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4)


def test_other_blockings_have_functions_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two products of one type in one module, with other tiles: neither calls the other's functions."""
    graph, _ = captured()
    layouts = {p: dense_strides(p.shape) for p in graph.params}
    plain = write_program(graph, layouts).llvm
    chosen = program_products.schedule_product

    def decided(node: Any, operands: Any) -> Product:
        product = chosen(node, operands)
        small = replace(product.blocking, tile=Tile(4, 1, 2, 1), rows=2, columns=4, depth=4)
        return replace(product, blocking=small) if product.vectors else product

    monkeypatch.setattr("graphc.codegen.program.calls.schedule_product", decided)
    both = write_program(graph, layouts).llvm
    assert "@matmul.tiles.float(" in plain and "@matmul.tiles.float.4x1x2x1x2x4x4(" not in plain
    assert "@matmul.tiles.float(" in both and "@matmul.tiles.float.4x1x2x1x2x4x4(" in both


def test_a_factor_packed_for_another_blocking_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, _ = captured()
    small = Blocking("float", Tile(4, 1, 2, 1), 2, 4, 4)
    monkeypatch.setattr("graphc.codegen.program.calls.blocking_for", lambda dtype: small)
    with pytest.raises(AssertionError, match="a factor is packed for products with another blocking"):
        write_program(graph, {p: dense_strides(p.shape) for p in graph.params})


def test_a_unit_stride_that_a_factor_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, _ = captured()
    chosen = program_products.schedule_product
    monkeypatch.setattr(
        "graphc.codegen.program.calls.schedule_product", lambda node, operands: replace(chosen(node, operands), a_unit="row")
    )
    with pytest.raises(AssertionError, match="a product relies on a unit stride that its factor does not have"):
        write_program(graph, {p: dense_strides(p.shape) for p in graph.params})
