"""Products of vectors: outer, inner, cross and Kronecker products."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import broadcast, reshape, sum_
from graphc.ir.core.graph import Node
from graphc.ops.common import axis_of, unsqueeze_axis
from graphc.ops.linear_algebra.contraction import contract
from graphc.ops.shape.order import rolled

__all__ = ["cross", "ger", "inner", "kron", "outer", "vecdot"]


@op("Mul")
def outer(input: Node, vec2: Node) -> Node:
    """Return the outer product of two vectors, input[i] * vec2[j] at (i, j).

    Args:
        input: tensor of shape (n,).
        vec2: tensor of shape (m,).

    Returns:
        Tensor of shape (n, m) and the promoted dtype; for bools, the logical and.

    Raises:
        RuntimeError: if an operand is not a vector.

    Example:
        >>> graphc.outer(graphc.tensor([1, 2]), graphc.tensor([1, 10, 100]))
        tensor([[  1,  10, 100],
                [  2,  20, 200]])
    """
    for name, x in (("self", input), ("vec2", vec2)):
        if x.type.rank != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.type.rank}-D")
    x, y = promote(unsqueeze_axis(input, 1), unsqueeze_axis(vec2, 0))
    return x & y if x.dtype.is_bool else x * y


ger = outer


@op("Inner")
def inner(input: Node, other: Node) -> Node:
    """Sum products over the last axes of two tensors.

    For vectors this is their dot product; a 0-d operand is a factor of the other one.

    Args:
        input: tensor of shape (..., k), or 0-d.
        other: tensor of shape (..., k) and the dtype of input, or 0-d.

    Returns:
        Tensor with the leading axes of input followed by those of other, of their dtype.

    Raises:
        RuntimeError: if the last axes have different extents, or the dtypes differ.
        NotImplementedError: if the operands are bool.

    Example:
        >>> graphc.inner(graphc.tensor([1.0, 2.0]), graphc.tensor([3.0, 4.0]))
        tensor(11.)
        >>> graphc.inner(graphc.ones(2, 3), graphc.ones(4, 3)).shape
        torch.Size([2, 4])
    """
    if 0 in (input.type.rank, other.type.rank):
        x, y = promote(input, other)
        return x * y
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return contract(input, other, (input.type.rank - 1,), (other.type.rank - 1,))


@op("LinalgVecdot")
def vecdot(x: Node, y: Node, *, dim: int = -1) -> Node:
    """Return dot products of vectors along an axis; the other axes broadcast.

    Args:
        x: tensor.
        y: tensor; its shape broadcasts with that of x.
        dim: the axis to sum over, counted in the broadcast shape.

    Returns:
        Tensor of the broadcast shape without dim, of the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        IndexError: if dim is out of range.
        NotImplementedError: if the operands are bool.

    Example:
        >>> graphc.linalg.vecdot(graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), graphc.tensor([1.0, 10.0]))
        tensor([21., 43.])
    """
    a, b = promote(x, y)
    return sum_(a * b, (axis_of(dim, a.type.rank),))


@op("LinalgCross")
def cross(input: Node, other: Node, dim: int = -1) -> Node:
    """Return cross products of vectors of three elements along an axis; the other axes broadcast.

    Args:
        input: tensor of extent 3 along dim.
        other: tensor; as many axes as input, its shape broadcasts with that of input.
        dim: the axis of the vectors.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the operands differ in rank, the shapes do not broadcast, or an extent along dim is not 3.
        IndexError: if dim is out of range.
        NotImplementedError: if the operands are bool.

    Example:
        >>> graphc.cross(graphc.tensor([1.0, 0.0, 0.0]), graphc.tensor([0.0, 1.0, 0.0]))
        tensor([0., 0., 1.])
    """
    if input.type.rank != other.type.rank:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    axis = axis_of(dim, input.type.rank)
    a, b = promote(input, other)
    if not input.type.rank or (input.shape[axis], other.shape[axis]) != (3, 3):
        got = " and ".join(str(x.type.rank and x.shape[axis]) for x in (input, other))
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {got}")
    return _rotated(a, axis, 1) * _rotated(b, axis, 2) - _rotated(a, axis, 2) * _rotated(b, axis, 1)


def _rotated(x: Node, axis: int, by: int) -> Node:
    return rolled(x, -by, axis)


@op("Kron")
def kron(input: Node, other: Node) -> Node:
    """Return the Kronecker product: every element of input times the whole of other.

    Args:
        input: tensor.
        other: tensor; the shape with fewer axes is filled up with ones at the left.

    Returns:
        Tensor of the promoted dtype (for bools, of logical ands), whose extents are the products of those of the operands.

    Example:
        >>> graphc.kron(graphc.tensor([1, 2]), graphc.tensor([1, 10, 100]))
        tensor([  1,  10, 100,   2,  20, 200])
    """
    rank = max(input.type.rank, other.type.rank)
    x, y = (reshape(v, (1,) * (rank - v.type.rank) + v.shape) for v in (input, other))
    wide = [n for pair in zip(x.shape, y.shape, strict=True) for n in pair]
    a, b = promote(broadcast(x, wide, range(0, 2 * rank, 2)), broadcast(y, wide, range(1, 2 * rank, 2)))
    both = a & b if a.dtype.is_bool else a * b
    return reshape(both, [n * m for n, m in zip(x.shape, y.shape, strict=True)])
