"""Traces, powers and identities."""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, elementwise, iota, sum_
from graphc.ir.core.build import matmul as matmul_nodes
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.shape.diagonals import diagonal

__all__ = ["matrix_power", "trace"]


@op("Trace", saves=False)
def trace(input: Node) -> Node:
    """Return the sum of the diagonal of a matrix.

    Args:
        input: tensor of shape (n, m).

    Returns:
        0-d tensor of the dtype of input; integers and bools give int64.

    Raises:
        RuntimeError: if input is not a matrix.

    Example:
        >>> graphc.trace(graphc.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(5.)
    """
    if input.type.rank != 2:
        raise RuntimeError("trace: expected a matrix")
    elements = diagonal.nodes(input)
    return sum_(elements if elements.dtype.is_float else cast(elements, I64), (0,))


@op("LinalgMatrixPower")
def matrix_power(input: Node, n: int) -> Node:
    """Raise square matrices to a power, by repeated squaring.

    Args:
        input: tensor of shape (..., n, n).
        n: exponent, at least 0; exponent 0 gives identity matrices.

    Returns:
        Tensor of the shape and dtype of input.

    Raises:
        RuntimeError: if n is negative, or the matrices are not square.
        NotImplementedError: if the matrices are bool and n is above 1.

    Example:
        >>> graphc.linalg.matrix_power(graphc.tensor([[1, 1], [1, 0]]), 5)
        tensor([[8, 5],
                [5, 3]])
    """
    if input.type.rank < 2:
        raise RuntimeError("linalg.matrix_power: The input tensor A must have at least 2 dimensions.")
    rows, columns = input.shape[-2:]
    if rows != columns:
        raise RuntimeError(
            f"linalg.matrix_power: A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )
    if n < 0:
        raise RuntimeError("matrix_power: negative powers need an inverse, which is not available")
    if n == 0:
        return identity_like(input)
    result = input
    for bit in bin(n)[3:]:
        result = matmul_nodes(result, result)
        result = matmul_nodes(result, input) if bit == "1" else result
    return result


def identity_like(x: Node) -> Node:
    """Return identity matrices of the shape and dtype of `x`; node level."""
    rank = x.type.rank
    same = elementwise("eq", iota(x.shape, rank - 2), iota(x.shape, rank - 1))
    return cast(same, x.dtype)
