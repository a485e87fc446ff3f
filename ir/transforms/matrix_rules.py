"""Derivatives of the primitives on dense matrices, in reverse and in forward mode.

They are composed of the same primitives, so they can be differentiated again.  Sources: I. Murray, "Differentiation of the
Cholesky decomposition" (2016); M. Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.ir.core import build
from graphc.ir.core.build import apply, cast, elementwise, iota, matmul, select, swap_last
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64

__all__ = [
    "MATRIX_JVP", "MATRIX_VJP", "Tangents", "block", "compared", "divided", "lower", "rows_at", "solve_triangular",
    "symmetric", "upper",
]  # fmt: skip

Tangents = Sequence["Node | None"]


# -- parts of matrices ------------------------------------------------------------------------------------------------


def compared(x: Node, how: str) -> Node:
    """Compare the row number of each element with its column number."""
    rank = x.type.rank
    return elementwise(how, iota(x.shape, rank - 2), iota(x.shape, rank - 1))


def lower(x: Node, *, unit: bool | None = None) -> Node:
    """Return the lower triangle, with zeros above it; its diagonal is ones if `unit`, zeros if not, and stays if None."""
    if unit is None:
        return select(~compared(x, "lt"), x, 0)
    below = select(~compared(x, "le"), x, 0)
    return select(compared(x, "eq"), 1, below) if unit else below


def upper(x: Node, *, unit: bool | None = None) -> Node:
    """Return the upper triangle, as `lower` does."""
    return swap_last(lower(swap_last(x), unit=unit))


def block(x: Node, rows: tuple[int, int], columns: tuple[int, int]) -> Node:
    """Return consecutive rows and columns of matrices."""
    batch = x.shape[:-2]
    return build.slice_(x, (*(0 for _ in batch), rows[0], columns[0]), (*batch, rows[1], columns[1]))


def rows_at(x: Node, index: Node) -> Node:
    """Return the rows of matrices at row numbers of shape (..., rows)."""
    places = [iota(index.shape, a) for a in range(index.type.rank - 1)]
    return build.gather(x, *places, index)


def solve_triangular(a: Node, b: Node, *, upper: bool = False, unit: bool = False) -> Node:
    """Return X with A X = b, for the upper or lower triangle A of `a`."""
    return apply("triangular_solve", a, b, upper=upper, unit=unit)


def divided(x: Node, a: Node, *, upper: bool = False, unit: bool = False) -> Node:
    """Return x A⁻¹, for the upper or lower triangle A of `a`."""
    return swap_last(solve_triangular(swap_last(a), swap_last(x), upper=not upper, unit=unit))


def _half_lower(x: Node) -> Node:
    """Return the lower triangle with half of the diagonal."""
    return select(compared(x, "eq"), x * 0.5, lower(x, unit=False))


def symmetric(x: Node) -> Node:
    """Return the symmetric part of matrices."""
    return (x + swap_last(x)) * 0.5


# -- Cholesky ---------------------------------------------------------------------------------------------------------


def _cholesky_vjp(node: Node, g: Node, wanted: Sequence[bool]) -> Tangents:
    inner = _half_lower(matmul(swap_last(node), lower(g)))
    left = solve_triangular(swap_last(node), inner, upper=True)
    return [symmetric(divided(left, node))]


def _cholesky_jvp(node: Node, tangents: Tangents) -> Node:
    (t,) = tangents
    assert t is not None
    return matmul(node, _half_lower(divided(solve_triangular(node, symmetric(t)), swap_last(node), upper=True)))


# -- triangular systems -----------------------------------------------------------------------------------------------


def _triangle(x: Node, node: Node) -> Node:
    """Return the part of a matrix that a triangular solve reads."""
    part = upper if node.params["upper"] else lower
    return part(x, unit=False if node.params["unit"] else None)


def _triangular_vjp(node: Node, g: Node, wanted: Sequence[bool]) -> Tangents:
    a, _ = node.operands
    right = solve_triangular(swap_last(a), g, upper=not node.params["upper"], unit=node.params["unit"])
    return [_triangle(-matmul(right, swap_last(node)), node) if wanted[0] else None, right if wanted[1] else None]


def _triangular_jvp(node: Node, tangents: Tangents) -> Node:
    by_matrix, right = tangents
    if by_matrix is not None:
        change = matmul(_triangle(by_matrix, node), node)
        right = -change if right is None else right - change
    assert right is not None
    return apply("triangular_solve", node.operands[0], right, **node.params)


# -- LU factorization -------------------------------------------------------------------------------------------------


class _Factors:
    """The blocks of a factorization: L and U of its square part, and what is below L or beside U."""

    def __init__(self, node: Node) -> None:
        (a,) = node.operands
        self.m, self.n = a.shape[-2:]
        self.k = k = min(self.m, self.n)
        self.square = block(node, (0, k), (0, k))
        self.below, self.beside = self.tails(node)
        pivots = block(node, (self.m, self.m + 1), (0, k))
        self.order = apply("permutation", cast(build.reshape(pivots, (*a.shape[:-2], k)), I64), rows=self.m)

    def tails(self, x: Node) -> tuple[Node, Node]:
        """Return the part below the square part, of one column at least, and the part beside it."""
        return block(x, (self.k, self.m), (0, self.k)), block(x, (0, self.k), (self.k, self.n))

    def joined(self, square: Node, below: Node, beside: Node) -> Node:
        """Return a matrix from its parts, of which one of the last two is empty."""
        axis = square.type.rank
        if self.m > self.k:
            return build.concatenate([square, below], axis - 2)
        return build.concatenate([square, beside], axis - 1) if self.n > self.k else square


def _lu_vjp(node: Node, g: Node, wanted: Sequence[bool]) -> Tangents:
    f = _Factors(node)
    by_l, by_u = (part(block(g, (0, f.k), (0, f.k)), unit=u) for part, u in ((lower, False), (upper, None)))
    by_below, by_beside = f.tails(g)
    if f.m > f.k:
        by_below = divided(by_below, swap_last(f.square))
        by_u = by_u - upper(matmul(swap_last(f.below), by_below))
    if f.n > f.k:
        by_beside = solve_triangular(swap_last(f.square), by_beside, upper=True, unit=True)
        by_l = by_l - lower(matmul(by_beside, swap_last(f.beside)), unit=False)
    strict = lower(matmul(swap_last(lower(f.square, unit=True)), by_l), unit=False)
    inner = strict + upper(matmul(by_u, swap_last(upper(f.square))))
    left = solve_triangular(swap_last(f.square), inner, upper=True, unit=True)
    exchanged = f.joined(divided(left, swap_last(f.square)), by_below, by_beside)
    return [rows_at(exchanged, build.argsort(f.order, f.order.type.rank - 1))]


def _lu_jvp(node: Node, tangents: Tangents) -> Node:
    (t,) = tangents
    assert t is not None
    f = _Factors(node)
    t = rows_at(t, f.order)
    inner = divided(solve_triangular(f.square, block(t, (0, f.k), (0, f.k)), unit=True), f.square, upper=True)
    of_l = matmul(lower(f.square, unit=True), lower(inner, unit=False))
    of_u = matmul(upper(inner), upper(f.square))
    below, beside = f.tails(t)
    if f.m > f.k:
        below = divided(below - matmul(f.below, of_u), f.square, upper=True)
    if f.n > f.k:
        beside = solve_triangular(f.square, beside - matmul(of_l, f.beside), unit=True)
    last = [0] * node.type.rank
    last[-2] = 1
    return build.pad(f.joined(of_l + of_u, below, beside), [0] * node.type.rank, last)


def _lu_solve_vjp(node: Node, g: Node, wanted: Sequence[bool]) -> Tangents:
    a, factors, _ = node.operands
    transposed = node.params["transposed"]
    right = apply("lu_solve", a, factors, g, transposed=not transposed)
    left = [node, right] if transposed else [right, node]
    return [-matmul(left[0], swap_last(left[1])) if wanted[0] else None, None, right if wanted[2] else None]


def _lu_solve_jvp(node: Node, tangents: Tangents) -> Node:
    a, factors, b = node.operands
    by_matrix, _, right = tangents
    if by_matrix is not None:
        change = matmul(swap_last(by_matrix) if node.params["transposed"] else by_matrix, node)
        right = -change if right is None else right - change
    return build.zeros_like(b) if right is None else apply("lu_solve", a, factors, right, **node.params)


MATRIX_VJP: dict[str, Callable[[Node, Node, Sequence[bool]], Tangents]] = {
    "cholesky": _cholesky_vjp,
    "triangular_solve": _triangular_vjp,
    "lu": _lu_vjp,
    "lu_solve": _lu_solve_vjp,
}
"""For each primitive, the contributions of its result's cotangent to its operands' cotangents."""

MATRIX_JVP: dict[str, Callable[[Node, Tangents], Node]] = {
    "cholesky": _cholesky_jvp,
    "triangular_solve": _triangular_jvp,
    "lu": _lu_jvp,
    "lu_solve": _lu_solve_jvp,
}
"""For each primitive, the tangent of its result from those of its operands."""
