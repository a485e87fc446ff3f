"""Products of matrices and vectors.

Leading axes of operands are a batch; only a product of stacked rows with one matrix merges them.
"""

from __future__ import annotations

from math import prod

from graphc.core.promotion import broadcast_shapes
from graphc.dispatch.operation import op
from graphc.ir.core.build import matmul as matmul_nodes
from graphc.ir.core.build import reshape, sum_
from graphc.ir.core.graph import Node
from graphc.ops.common import expand_to, torch_name, unsqueeze_axis

__all__ = ["bmm", "dot", "matmul", "mm", "mv", "vdot"]


def _same_dtype(a: Node, b: Node) -> None:
    if a.dtype is not b.dtype:
        left, right = torch_name(a.dtype, lower=True), torch_name(b.dtype, lower=True)
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {left} != {right}")


def matrix_product(a: Node, b: Node) -> Node:
    """Multiply matrices with equal leading axes.  Raises RuntimeError."""
    if a.shape[-1] != b.shape[-2]:
        left, right = (f"{x.shape[-2]}x{x.shape[-1]}" for x in (a, b))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({left} and {right})")
    _same_dtype(a, b)
    if a.dtype.is_bool:
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    return matmul_nodes(a, b)


@op("Mm")
def mm(input: Node, mat2: Node) -> Node:
    """Multiply two matrices, without broadcasting.

    Args:
        input: tensor of shape (n, k).
        mat2: tensor of shape (k, m) and the dtype of input.

    Returns:
        Tensor of shape (n, m) and the dtype of the operands.

    Raises:
        RuntimeError: if an operand is not a matrix, the inner extents differ, or the dtypes differ.
        NotImplementedError: if the matrices are bool.

    Example:
        >>> graphc.mm(graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), graphc.tensor([[1.0, 0.0], [1.0, 1.0]]))
        tensor([[3., 2.],
                [7., 4.]])
    """
    if input.type.rank != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.type.rank != 2:
        raise RuntimeError("mat2 must be a matrix")
    return matrix_product(input, mat2)


@op("Bmm")
def bmm(input: Node, mat2: Node) -> Node:
    """Multiply the matrices of two batches, without broadcasting.

    Args:
        input: tensor of shape (b, n, k).
        mat2: tensor of shape (b, k, m) and the dtype of input.

    Returns:
        Tensor of shape (b, n, m) and the dtype of the operands.

    Raises:
        RuntimeError: if an operand does not have three axes, the shapes do not fit, or the dtypes differ.
        NotImplementedError: if the matrices are bool.

    Example:
        >>> graphc.bmm(graphc.ones(5, 2, 3), graphc.ones(5, 3, 4)).shape
        torch.Size([5, 2, 4])
    """
    if input.type.rank != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if mat2.type.rank != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    expected = [input.shape[0], input.shape[2]]
    if list(mat2.shape[:2]) != expected:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: {expected} but got: {list(mat2.shape[:2])}."
        )
    if input.dtype is not mat2.dtype:
        raise RuntimeError(f"expected scalar type {torch_name(input.dtype)} but found {torch_name(mat2.dtype)}")
    return matrix_product(input, mat2)


@op("Mv")
def mv(input: Node, vec: Node) -> Node:
    """Multiply a matrix by a vector.

    Args:
        input: tensor of shape (n, k).
        vec: tensor of shape (k,) and the dtype of input.

    Returns:
        Tensor of shape (n,) and the dtype of the operands.

    Raises:
        RuntimeError: if the operands are not a matrix and a vector, the extents differ, or the dtypes differ.
        NotImplementedError: if the operands are bool.

    Example:
        >>> graphc.mv(graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), graphc.tensor([1.0, 10.0]))
        tensor([21., 43.])
    """
    if (input.type.rank, vec.type.rank) != (2, 1):
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.type.rank}, {vec.type.rank}")
    return rows_times_vector(input, vec)


def rows_times_vector(a: Node, v: Node) -> Node:
    """Multiply the rows of `a` by one vector; node level.  Raises RuntimeError."""
    if a.shape[-1] != v.shape[0]:
        rows = prod(a.shape[:-1])
        raise RuntimeError(f"size mismatch, got input ({rows}), mat ({rows}x{a.shape[-1]}), vec ({v.shape[0]})")
    _same_dtype(a, v)
    return sum_(a * expand_to(v, a.shape), (a.type.rank - 1,))


@op("Dot")
def dot(input: Node, tensor: Node) -> Node:
    """Return the dot product of two vectors.

    Args:
        input: tensor of shape (n,).
        tensor: tensor of shape (n,) and the dtype of input.

    Returns:
        0-d tensor of the dtype of the operands.

    Raises:
        RuntimeError: if an operand is not a vector, the lengths differ, or the dtypes differ.
        NotImplementedError: if the operands are bool.

    Example:
        >>> graphc.dot(graphc.tensor([1.0, 2.0]), graphc.tensor([3.0, 4.0]))
        tensor(11.)
    """
    if input.type.rank != 1 or tensor.type.rank != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.type.rank}D and {tensor.type.rank}D tensors")
    if input.dtype is not tensor.dtype:
        raise RuntimeError(
            "dot : expected both vectors to have same dtype, but found "
            f"{torch_name(input.dtype)} and {torch_name(tensor.dtype)}"
        )
    n, m = input.type.size, tensor.type.size
    if n != m:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of elements, "
            f"but got {n} and {m} elements respectively"
        )
    return sum_(input * tensor, (0,))


vdot = dot


def _matmul_name(input: Node, other: Node) -> str:
    """Return the name of the product that torch's matmul dispatches to."""
    return {(1, 1): "Dot", (2, 1): "Mv", (2, 2): "Mm", (1, 2): "Squeeze"}.get((input.type.rank, other.type.rank), "UnsafeView")


@op(_matmul_name)
def matmul(input: Node, other: Node) -> Node:
    """Return the matrix product of two tensors.

    Two vectors give their dot product. A vector on the left is a row, one on the right a column, and its axis is removed
    from the result. Axes before the last two are a batch and broadcast.

    Args:
        input: tensor of shape (..., n, k) or (k,).
        other: tensor of shape (..., k, m) or (k,), and the dtype of input.

    Returns:
        Tensor of shape (..., n, m), without the axes of vector operands, and the dtype of the operands.

    Raises:
        RuntimeError: if an operand is 0-d, the inner extents differ, the batch axes do not broadcast, or the dtypes differ.
        NotImplementedError: if two matrices or batches are bool.
        NotImplementedError: if a vector and the other operand are bool.

    Example:
        >>> graphc.matmul(graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), graphc.tensor([1.0, 10.0]))
        tensor([21., 43.])
        >>> graphc.matmul(graphc.ones(5, 1, 2, 3), graphc.ones(4, 3, 2)).shape
        torch.Size([5, 4, 2, 2])
    """
    ranks = input.type.rank, other.type.rank
    if 0 in ranks:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {ranks[0]}D and {ranks[1]}D")
    if ranks == (1, 1):
        return dot.nodes(input, other)
    if ranks[1] == 1:
        return rows_times_vector(input, other)
    if ranks[0] == 1:
        row = matmul.nodes(unsqueeze_axis(input, 0), other)
        return reshape(row, row.shape[:-2] + row.shape[-1:])
    if ranks[1] == 2:
        return rows_times_matrix(input, other)
    return _batched(input, other)


def rows_times_matrix(a: Node, b: Node) -> Node:
    """Multiply the rows of `a`, with any leading axes, by one matrix; node level."""
    rows = reshape(a, (prod(a.shape[:-1]), a.shape[-1]))
    return reshape(matrix_product(rows, b), (*a.shape[:-1], b.shape[-1]))


def _batched(a: Node, b: Node) -> Node:
    batch = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    if a.shape[-1] != b.shape[-2]:
        expected = [prod(batch), a.shape[-1]]
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: {expected} but got: {[prod(batch), b.shape[-2]]}."
        )
    return matrix_product(expand_to(a, batch + a.shape[-2:]), expand_to(b, batch + b.shape[-2:]))
