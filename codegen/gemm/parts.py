"""Cut a matrix product into parts of C that threads compute, each with all terms: no sum depends on how C is cut."""

from __future__ import annotations

from graphc.codegen.gemm.blocking import Product
from graphc.ir.core.guards import derived

__all__ = ["Parts", "parts_of"]

PART = 4_000_000
"""The least operations of a part: some 20 µs."""
GEMV_PART = 500_000
"""The same for one row or column, where memory is the limit."""
MOST = 32
"""The most parts of one product; large parts pack less."""
LEAST_ROWS, LEAST_COLUMNS = 16, 4
"""The least register tiles of a part, in each direction: parts of 128×128 pack twice what 256×256 do, and take 5 % longer."""


class Parts:
    """The extents of a part, and the number of parts, in rows and columns; numbers or symbols."""

    def __init__(self, product: Product, m: int, n: int, k: int, batch: int) -> None:
        tile = product.blocking.tile
        least = GEMV_PART if product.vectors else PART
        sizes = (m, n, k, batch, tile.rows, tile.width, least)
        self.rows: int = derived(_rows, *sizes)
        self.columns: int = derived(_columns, *sizes)
        self.down: int = -(-m // self.rows)
        self.across: int = -(-n // self.columns)
        self.count: int = batch * self.down * self.across
        self.grain: int = derived(_grain, *sizes)
        """Parts that are taken at a time."""


def parts_of(m: int, n: int, k: int, batch: int, rows: int, width: int, least: int) -> tuple[int, int]:
    """Return the rows and columns of a part: whole tiles, so that packing takes the least time."""
    wanted = max(1, min(2 * m * n * k * batch // least, MOST) // max(batch, 1))
    down_most, across_most = max(1, m // (LEAST_ROWS * rows)), max(1, n // (LEAST_COLUMNS * width))
    cuts = [(down, min(-(-wanted // down), across_most)) for down in range(1, min(wanted, down_most) + 1)]
    # A is packed by whole rows, once for each part across; B once for each part downwards, and at twice the cost
    down, across = min(cuts, key=lambda cut: (-min(cut[0] * cut[1], wanted), 2 * cut[0] * n + cut[1] * m))
    return _whole(-(-m // down), rows), _whole(-(-n // across), width)


def _whole(size: int, tile: int) -> int:
    return max(-(-size // tile) * tile, tile)


def _rows(*sizes: int) -> int:
    return parts_of(*sizes)[0]


def _columns(*sizes: int) -> int:
    return parts_of(*sizes)[1]


def _grain(m: int, n: int, k: int, batch: int, rows: int, width: int, least: int) -> int:
    down, across = parts_of(m, n, k, batch, rows, width, least)
    work = 2 * min(down, m) * min(across, n) * k
    return max(1, -(-least // max(work, 1)))
