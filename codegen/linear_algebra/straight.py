"""Factorizations and solutions of small systems as straight-line code, with one register for each element.

Values may be vectors: then each lane is a matrix of its own.  Rows are exchanged by selects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from graphc.codegen.gemm.blocking import multiply_add
from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.values import Value
from graphc.ir.core.graph import Node

__all__ = ["STRAIGHT", "elements_of", "is_short"]

Rows = list[list[Value]]

MOST = 4
"""The most rows and columns of a matrix whose kernel is straight-line code."""


def is_short(node: Node) -> bool:
    """Return whether the matrices of a node are small enough for straight-line code in its kernel."""
    return all(n <= MOST for x in (node.operands[0], node.operands[-1]) for n in x.shape[-2:])


def elements_of(f: Function, node: Node, xs: Sequence[Sequence[Value]]) -> list[Value]:
    """Return the elements of a node, given those of its operands, both in row-major order."""
    result: list[Value] = []
    for b in range(prod(node.shape[:-2])):
        matrices = []
        for x, values in zip(node.operands, xs, strict=True):
            m, n = x.shape[-2:]
            first = b * m * n
            matrices.append([list(values[first + i * n : first + (i + 1) * n]) for i in range(m)])
        for row in STRAIGHT[node.op.name](f, LLVM[node.dtype.name], matrices, node):
            result += row
    return result


def _minus_product(f: Function, x: Value, a: Value, b: Value) -> Value:
    return multiply_add(f, f.neg(a), b, x)


def _cholesky(f: Function, type: str, operands: Sequence[Rows], node: Node) -> Rows:
    (x,) = operands
    n = len(x)
    for k in range(n):
        positive = f.cmp("ogt", x[k][k], f.const(0, type))
        x[k][k] = f.select(positive, f.intrinsic("sqrt", x[k][k]), f.const(float("nan"), type))
        for i in range(k + 1, n):
            x[i][k] = f.fdiv(x[i][k], x[k][k])
            x[k][i] = f.const(0, type)
        for i in range(k + 1, n):
            for j in range(k + 1, i + 1):
                x[i][j] = _minus_product(f, x[i][j], x[i][k], x[j][k])
    return x


def _lu(f: Function, type: str, operands: Sequence[Rows], node: Node) -> Rows:
    (x,) = operands
    m, n = len(x), node.shape[-1]
    pivots = [f.const(0, type)] * n
    for k in range(min(m, n)):
        size, chosen = f.intrinsic("fabs", x[k][k]), f.const(k, type)
        for i in range(k + 1, m):
            magnitude = f.intrinsic("fabs", x[i][k])
            larger = f.cmp("ogt", magnitude, size)
            size, chosen = f.select(larger, magnitude, size), f.select(larger, f.const(i, type), chosen)
        pivots[k] = chosen
        _exchange(f, x, k, range(k + 1, m), chosen)
        divisor = f.select(f.cmp("oeq", x[k][k], f.const(0, type)), f.const(1, type), x[k][k])
        for i in range(k + 1, m):
            x[i][k] = f.fdiv(x[i][k], divisor)
            for j in range(k + 1, n):
                x[i][j] = _minus_product(f, x[i][j], x[i][k], x[k][j])
    return [*x, pivots]


def _exchange(f: Function, x: Rows, k: int, others: Sequence[int], chosen: Value) -> None:
    """Exchange row k with the row among `others` that a float names, if it does."""
    row = x[k]
    for i in others:
        here = f.cmp("oeq", chosen, f.const(i, chosen.type))
        x[k], x[i] = (
            [f.select(here, a, b) for a, b in zip(x[i], x[k], strict=True)],
            [f.select(here, a, b) for a, b in zip(row, x[i], strict=True)],
        )


def _substitute(f: Function, a: Rows, x: Rows, *, upper: bool, unit: bool) -> Rows:
    n = len(a)
    for step in range(n):
        i = n - 1 - step if upper else step
        for c in range(len(x[i])):
            for j in range(i + 1, n) if upper else range(i):
                x[i][c] = _minus_product(f, x[i][c], a[i][j], x[j][c])
            x[i][c] = x[i][c] if unit else f.fdiv(x[i][c], a[i][i])
    return x


def _triangular_solve(f: Function, type: str, operands: Sequence[Rows], node: Node) -> Rows:
    a, b = operands
    return _substitute(f, a, b, **node.params)


def _lu_solve(f: Function, type: str, operands: Sequence[Rows], node: Node) -> Rows:
    _, (*a, pivots), x = operands
    n = len(a)
    if node.params["transposed"]:
        flipped = [list(column) for column in zip(*a, strict=True)]
        x = _substitute(f, flipped, _substitute(f, flipped, x, upper=False, unit=False), upper=True, unit=True)
        for k in reversed(range(n)):
            _exchange(f, x, k, range(k + 1, n), pivots[k])
        return x
    for k in range(n):
        _exchange(f, x, k, range(k + 1, n), pivots[k])
    return _substitute(f, a, _substitute(f, a, x, upper=False, unit=True), upper=True, unit=False)


STRAIGHT: dict[str, Callable[[Function, str, Sequence[Rows], Node], Rows]] = {
    "cholesky": _cholesky,
    "lu": _lu,
    "triangular_solve": _triangular_solve,
    "lu_solve": _lu_solve,
}
"""For each primitive, the rows of its result from those of its operands, which it may change."""
