"""Derivatives of orthogonal decompositions and of the pseudoinverse, in reverse and in forward mode.

They are infinite or NaN where vectors are not determined: for equal eigenvalues or singular values, unless no derivative of the
vectors is asked for.  Sources: PyTorch, torch/csrc/autograd/FunctionsManual.cpp; G. Golub and V. Pereyra, "The differentiation
of pseudo-inverses and nonlinear least squares problems whose variables separate" (1973).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from graphc.ir.core import build
from graphc.ir.core.build import elementwise, matmul, reshape, select, swap_last
from graphc.ir.core.graph import Node
from graphc.ir.core.matrices import sizes_of_qr, sizes_of_svd
from graphc.ir.transforms.matrix_rules import Tangents, block, compared, divided, lower, symmetric, upper

__all__ = ["DECOMPOSITION_JVP", "DECOMPOSITION_VJP", "parts_of_eigh", "parts_of_qr", "parts_of_svd"]


def _split(x: Node, *shapes: tuple[int, ...]) -> list[Node]:
    """Split vectors into parts of the shapes."""
    batch, parts, start = x.shape[:-1], [], 0
    zeros = [0] * len(batch)
    for shape in shapes:
        stop = start + prod(shape)
        parts.append(reshape(build.slice_(x, (*zeros, start), (*batch, stop)), (*batch, *shape)))
        start = stop
    return parts


def _joined(batch: int, *parts: Node) -> Node:
    """Return parts with as many leading axes as vectors."""
    return build.concatenate([reshape(x, (*x.shape[:batch], prod(x.shape[batch:]))) for x in parts], batch)


def parts_of_qr(node: Node, x: Node) -> list[Node]:
    """Return Q and R, or what stands in their places in `x`."""
    m, n = node.operands[0].shape[-2:]
    return _split(x, *sizes_of_qr(m, n, node.params["complete"]))


def parts_of_eigh(x: Node) -> list[Node]:
    """Return the eigenvectors as columns and the eigenvalues, or what stands in their places."""
    n = x.shape[-1]
    return [swap_last(block(x, (0, n), (0, n))), reshape(block(x, (n, n + 1), (0, n)), (*x.shape[:-2], n))]


def parts_of_svd(node: Node, x: Node) -> list[Node]:
    """Return U, the singular values and V^T, or what stands in their places in `x`."""
    m, n = node.operands[0].shape[-2:]
    k, p, q = sizes_of_svd(m, n, node.params["full"])
    return _split(x, (m, p), (k,), (q, n))


def _columns(values: Node, rows: int) -> Node:
    """Return matrices whose rows are `values`: factors of columns."""
    rank = values.type.rank
    shape = (*values.shape[:-1], rows, values.shape[-1])
    return build.broadcast(values, shape, (*range(rank - 1), rank))


def _rows(values: Node, columns: int) -> Node:
    """Return matrices whose columns are `values`: factors of rows."""
    return swap_last(_columns(values, columns))


def _diagonal(values: Node) -> Node:
    x = _columns(values, values.shape[-1])
    return select(compared(x, "eq"), x, 0)


def _diagonal_of(x: Node) -> Node:
    return build.sum_(select(compared(x, "eq"), x, 0), (x.type.rank - 1,))


def _over_differences(x: Node, values: Node) -> Node:
    """Return x[i, j] / (values[j] - values[i]), zeros on the diagonal, and where 0 is divided by 0."""
    n, own = values.shape[-1], compared(x, "eq")
    x = select(own, 0, x)
    return _quotient(x, select(own, 1, _columns(values, n) - _rows(values, n)))


def _quotient(x: Node, y: Node) -> Node:
    """Return x / y, 0 where 0 is divided by 0."""
    zero = elementwise("eq", y, 0)
    edge = select(elementwise("eq", x, 0), 0, x / select(zero, y, 1))
    return select(zero, edge, x / select(zero, 1, y))


# -- QR ---------------------------------------------------------------------------------------------------------------


def _differentiable_qr(node: Node) -> None:
    m, n = node.operands[0].shape[-2:]
    _, (k, _) = sizes_of_qr(m, n, node.params["complete"])
    if m < n:
        raise RuntimeError("qr of a matrix with more columns than rows has a derivative by that of its first columns only")
    if k > n:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols: "
            "the columns of Q beyond those of the matrix are not determined"
        )


def _qr_vjp(node: Node, g: Node, wanted: Sequence[bool]) -> Tangents:
    _differentiable_qr(node)
    (q, r), (by_q, by_r) = parts_of_qr(node, node), parts_of_qr(node, g)
    inner = matmul(upper(by_r), swap_last(r)) - matmul(swap_last(q), by_q)
    inner = upper(inner) + swap_last(upper(inner, unit=False))
    return [divided(by_q + matmul(q, inner), swap_last(r))]


def _qr_jvp(node: Node, tangents: Tangents) -> Node:
    _differentiable_qr(node)
    (t,) = tangents
    assert t is not None
    q, r = parts_of_qr(node, node)
    right = divided(t, r, upper=True)
    inner = matmul(swap_last(q), right)
    change = upper(inner) + swap_last(lower(inner, unit=False))
    return _joined(q.type.rank - 2, right - matmul(q, change), matmul(change, upper(r)))


# -- eigenvalues ------------------------------------------------------------------------------------------------------


def _eigh_vjp(node: Node, g: Node, wanted: Sequence[bool]) -> Tangents:
    (v, values), (by_v, by_values) = parts_of_eigh(node), parts_of_eigh(g)
    inner = _over_differences(matmul(swap_last(v), by_v), values) + _diagonal(by_values)
    return [symmetric(matmul(matmul(v, inner), swap_last(v)))]


def _eigh_jvp(node: Node, tangents: Tangents) -> Node:
    (t,) = tangents
    assert t is not None
    v, values = parts_of_eigh(node)
    inner = matmul(matmul(swap_last(v), symmetric(t)), v)
    of_v = matmul(v, _over_differences(inner, values))
    last = _diagonal_of(inner)
    return build.concatenate([swap_last(of_v), reshape(last, (*last.shape[:-1], 1, last.shape[-1]))], node.type.rank - 2)


# -- singular values --------------------------------------------------------------------------------------------------


def _determined(node: Node, u: Node, v: Node) -> tuple[Node, Node]:
    """Return the singular vectors that belong to singular values."""
    m, n = node.operands[0].shape[-2:]
    k = min(m, n)
    return block(u, (0, m), (0, k)), block(v, (0, k), (0, n))


def _svd_vjp(node: Node, g: Node, wanted: Sequence[bool]) -> Tangents:
    u, s, v = parts_of_svd(node, node)
    by_u, by_s, by_v = parts_of_svd(node, g)
    (u, v), (by_u, by_v) = _determined(node, u, v), _determined(node, by_u, by_v)
    m, n = node.operands[0].shape[-2:]
    k, squares = min(m, n), s * s
    of_u, of_v = matmul(swap_last(u), by_u), matmul(v, swap_last(by_v))
    left, right = (_over_differences(x - swap_last(x), squares) for x in (of_u, of_v))
    inner = left * _columns(s, k) + right * _rows(s, k) + _diagonal(by_s)
    result = matmul(matmul(u, inner), v)
    if m > k:
        outside = by_u - matmul(u, of_u)
        result = result + matmul(_quotient(outside, _columns(s, m)), v)
    if n > k:
        outside = by_v - matmul(swap_last(of_v), v)
        result = result + matmul(u, _quotient(outside, _rows(s, n)))
    return [result]


def _svd_jvp(node: Node, tangents: Tangents) -> Node:
    (t,) = tangents
    assert t is not None
    all_u, s, all_v = parts_of_svd(node, node)
    u, v = _determined(node, all_u, all_v)
    m, n = node.operands[0].shape[-2:]
    k, squares = min(m, n), s * s
    right, left = matmul(t, swap_last(v)), matmul(swap_last(u), t)
    inner = matmul(swap_last(u), right)
    of_s = _diagonal_of(inner)
    inner = inner - _diagonal(of_s)
    one, other = inner * _columns(s, k), inner * _rows(s, k)
    of_u = matmul(u, _over_differences(one + swap_last(one), squares))
    of_v = swap_last(matmul(swap_last(v), _over_differences(other + swap_last(other), squares)))
    if m > k:
        of_u = of_u + _quotient(right - matmul(u, matmul(swap_last(u), right)), _columns(s, m))
    if n > k:
        of_v = of_v + _quotient(left - matmul(matmul(left, swap_last(v)), v), _rows(s, n))
    return _joined(s.type.rank - 1, _filled(of_u, all_u), of_s, _filled(of_v, all_v))


def _filled(x: Node, like: Node) -> Node:
    """Add rows and columns of zeros."""
    zeros = [0] * x.type.rank
    return build.pad(x, zeros, [n - k for k, n in zip(x.shape, like.shape, strict=True)])


# -- pseudoinverse ----------------------------------------------------------------------------------------------------


def _rest(one: Node, other: Node) -> Node:
    """Return the identity without a product."""
    product = matmul(one, other)
    return select(compared(product, "eq"), 1, build.zeros_like(product)) - product


def _pinv_vjp(node: Node, g: Node, wanted: Sequence[bool]) -> Tangents:
    a, _ = node.operands
    back, flipped = swap_last(node), swap_last(g)
    left = matmul(matmul(matmul(_rest(a, node), flipped), node), back)
    right = matmul(matmul(matmul(back, node), flipped), _rest(node, a))
    return [left + right - matmul(matmul(back, g), back), None]


def _pinv_jvp(node: Node, tangents: Tangents) -> Node:
    a, value = node.operands
    t, _ = tangents
    if t is None:
        return build.zeros_like(value)
    back, flipped = swap_last(node), swap_last(t)
    left = matmul(matmul(matmul(node, back), flipped), _rest(a, node))
    right = matmul(matmul(matmul(_rest(node, a), flipped), back), node)
    return left + right - matmul(matmul(node, t), node)


DECOMPOSITION_VJP: dict[str, Callable[[Node, Node, Sequence[bool]], Tangents]] = {
    "qr": _qr_vjp,
    "eigh": _eigh_vjp,
    "svd": _svd_vjp,
    "pinv": _pinv_vjp,
}
"""For each primitive, the contributions of its result's cotangent to its operands' cotangents."""

DECOMPOSITION_JVP: dict[str, Callable[[Node, Tangents], Node]] = {
    "qr": _qr_jvp,
    "eigh": _eigh_jvp,
    "svd": _svd_jvp,
    "pinv": _pinv_jvp,
}
"""For each primitive, the tangent of its result from those of its operands."""
