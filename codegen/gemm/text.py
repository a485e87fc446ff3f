"""Print, read and verify how matrix products run.

    product k0_matmul: f32, a col, b row, gemv
      blocks of 192 rows, 2048 columns, 256 terms
      tiles of 8 or 4 rows, 2 vectors of 16 lanes
      a packed for 8 panels, b in place up to 24576 bytes, 1048576 bytes for 32 rows

Invariants: blocks are whole tiles and vectors, since the scratch memory is laid out for them; lanes are a power of two, since
squares of vectors are transposed; only a row-major B, which is not packed before, is read in place.
"""

from __future__ import annotations

import re

from graphc.codegen.gemm.blocking import PACKED, UNITS, Blocking, Product, Tile
from graphc.codegen.llvm.values import BYTES
from graphc.codegen.loops.loop_ir import LONGEST_VECTOR

__all__ = ["ProductError", "parse_product", "product_text", "verify_product"]

DTYPES = {"f32": "float", "f64": "double", "i32": "i32", "i64": "i64"}
"""The types of products, and their LLVM types."""

TEXT = re.compile(
    r"product (?P<name>\w+): (?P<dtype>\w+), a (?P<a>\w+), b (?P<b>\w+)(?P<vectors>, gemv)?(?P<parallel>, parallel)?\n"
    r"  blocks of (?P<rows>\d+) rows, (?P<columns>\d+) columns, (?P<depth>\d+) terms\n"
    r"  tiles of (?P<full>\d+) or (?P<rest>\d+) rows, (?P<width>\d+) vectors of (?P<lanes>\d+) lanes\n"
    r"  a packed for (?P<panels>\d+) panels"
    r"(?:, b in place up to (?P<small>\d+) bytes, (?P<small_if_flat>\d+) bytes for (?P<flat_rows>\d+) rows)?\n?"
)


class ProductError(ValueError):
    """A text is no product, or a product breaks an invariant."""


def product_text(name: str, product: Product) -> str:
    """Return the lines of a product."""
    blocking, tile = product.blocking, product.blocking.tile
    dtype = next(name for name, llvm in DTYPES.items() if llvm == blocking.dtype)
    notes = (", gemv" if product.vectors else "") + (", parallel" if product.parallel else "")
    in_place = f", b in place up to {product.small_b} bytes, {product.small_b_if_flat} bytes for {product.flat_rows} rows"
    return "\n".join((
        f"product {name}: {dtype}, a {product.a_unit}, b {product.b_unit}{notes}",
        f"  blocks of {blocking.rows} rows, {blocking.columns} columns, {blocking.depth} terms",
        f"  tiles of {tile.rows} or {tile.remainder_rows} rows, {tile.vectors} vectors of {tile.lanes} lanes",
        f"  a packed for {product.a_panels} panels" + (in_place if product.b_unit == "col" else ""),
    ))  # fmt: skip


def parse_product(text: str) -> tuple[str, Product]:
    """Return the name and the product of a text.  Raises ProductError."""
    match = TEXT.fullmatch(text)
    if match is None or match["dtype"] not in DTYPES:
        raise ProductError(f"expected a product, got {text!r}")
    n = {key: int(value) for key, value in match.groupdict().items() if value is not None and value.isdigit()}
    tile = Tile(n["lanes"], n["width"], n["full"], n["rest"])
    blocking = Blocking(DTYPES[match["dtype"]], tile, n["rows"], n["columns"], n["depth"])
    limits = (n["panels"], n.get("small", 0), n.get("small_if_flat", 0), n.get("flat_rows", 0))
    flags = [match[word] is not None for word in ("vectors", "parallel")]
    return match["name"], Product(blocking, match["a"], match["b"], flags[0], *limits, flags[1])


def verify_product(product: Product) -> None:
    """Raise ProductError for a product that breaks an invariant."""
    b, tile = product.blocking, product.blocking.tile
    if b.dtype not in DTYPES.values():
        raise ProductError(f"matmul takes float, double, i32 or i64, got {b.dtype}")
    if product.a_unit not in UNITS or product.b_unit not in (*UNITS, PACKED):
        raise ProductError(f"a unit stride is one of {', '.join(UNITS)}, got {product.a_unit} and {product.b_unit}")
    if min(tile) < 1 or tile.lanes.bit_count() != 1 or tile.lanes * BYTES[b.dtype] > LONGEST_VECTOR:
        raise ProductError(f"a tile has vectors of a power of two lanes and at most {LONGEST_VECTOR} bytes, got {tile}")
    if tile.remainder_rows > tile.rows:
        raise ProductError(f"a remainder tile of {tile.remainder_rows} rows is larger than a tile of {tile.rows}")
    sizes = ((b.rows, tile.rows), (b.columns, tile.width), (b.depth, tile.lanes))
    if any(size < 1 or size % whole for size, whole in sizes):
        raise ProductError(f"blocks of {b.rows} rows, {b.columns} columns and {b.depth} terms are no whole tiles")
    if product.b_unit == PACKED and product.vectors:
        raise ProductError("a product of a packed factor has no gemv")
    if product.b_unit != "col" and any(product.limits[1:]):
        raise ProductError(f"a factor b with unit stride {product.b_unit} is not read in place")
