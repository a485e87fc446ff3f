"""Products of vectors, matrices and tensors, under torch's names.

Leading axes of operands are a batch and stay one: only a product of stacked rows with one matrix joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from graphc.core.promotion import broadcast_shapes, promote
from graphc.ir.core.build import broadcast, cast, elementwise, iota, permute, reshape, sum_
from graphc.ir.core.build import matmul as matmul_nodes
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, axis_of, expand_to, kept, torch_name, unsqueeze_axis
from graphc.ops.shape import diagonal, expanded_shape, rolled
from graphc.tensors.dispatch import op

__all__ = [
    "addmm", "addmv", "baddbmm", "bilinear", "bmm", "cross", "dot", "einsum", "ger", "inner", "kron", "linear", "matmul",
    "matrix_power", "mm", "mv", "outer", "tensordot", "trace", "vdot", "vecdot",
]  # fmt: skip


def _same_dtype(a: Node, b: Node) -> None:
    if a.dtype is not b.dtype:
        left, right = torch_name(a.dtype, lower=True), torch_name(b.dtype, lower=True)
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {left} != {right}")


def _product(a: Node, b: Node) -> Node:
    """Multiply matrices with equal leading axes.  Raises RuntimeError."""
    if a.shape[-1] != b.shape[-2]:
        left, right = (f"{x.shape[-2]}x{x.shape[-1]}" for x in (a, b))
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({left} and {right})")
    _same_dtype(a, b)
    if a.dtype.is_bool:
        raise NotImplementedError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    return matmul_nodes(a, b)


@op("Mm")
def mm(input: Operand, mat2: Operand) -> Node:
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
    return _product(input, mat2)


@op("Bmm")
def bmm(input: Operand, mat2: Operand) -> Node:
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
    wanted = [input.shape[0], input.shape[2]]
    if list(mat2.shape[:2]) != wanted:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: {wanted} but got: {list(mat2.shape[:2])}."
        )
    if input.dtype is not mat2.dtype:
        raise RuntimeError(f"expected scalar type {torch_name(input.dtype)} but found {torch_name(mat2.dtype)}")
    return _product(input, mat2)


@op("Mv")
def mv(input: Operand, vec: Operand) -> Node:
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
    return _rows_times_vector(input, vec)


def _rows_times_vector(a: Node, v: Node) -> Node:
    if a.shape[-1] != v.shape[0]:
        rows = prod(a.shape[:-1])
        raise RuntimeError(f"size mismatch, got input ({rows}), mat ({rows}x{a.shape[-1]}), vec ({v.shape[0]})")
    _same_dtype(a, v)
    return sum_(a * expand_to(v, a.shape), (a.type.rank - 1,))


@op("Dot")
def dot(input: Operand, tensor: Operand) -> Node:
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
    """Return the name of the product that torch's matmul comes down to."""
    return {(1, 1): "Dot", (2, 1): "Mv", (2, 2): "Mm", (1, 2): "Squeeze"}.get((input.type.rank, other.type.rank), "UnsafeView")


@op(_matmul_name)
def matmul(input: Operand, other: Operand) -> Node:
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
        return dot.nodes(input, other)  # type: ignore[no-any-return]
    if ranks[1] == 1:
        return _rows_times_vector(input, other)
    if ranks[0] == 1:
        row = matmul.nodes(unsqueeze_axis(input, 0), other)
        return reshape(row, row.shape[:-2] + row.shape[-1:])
    if ranks[1] == 2:
        return rows_times_matrix(input, other)
    return _batched(input, other)


def rows_times_matrix(a: Node, b: Node) -> Node:
    """Multiply the rows of `a`, whatever its leading axes, by one matrix; node level."""
    rows = reshape(a, (prod(a.shape[:-1]), a.shape[-1]))
    return reshape(_product(rows, b), (*a.shape[:-1], b.shape[-1]))


def _batched(a: Node, b: Node) -> Node:
    batch = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    if a.shape[-1] != b.shape[-2]:
        wanted = [prod(batch), a.shape[-1]]
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: {wanted} but got: {[prod(batch), b.shape[-2]]}."
        )
    return _product(expand_to(a, batch + a.shape[-2:]), expand_to(b, batch + b.shape[-2:]))


def _mixed(product: Node, input: Node, beta: float, alpha: float) -> Node:
    """Return beta * input + alpha * product; with beta 0 the input is not looked at."""
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled
    added = expand_to(cast(input, product.dtype), expanded_shape(input, product.shape))
    return (added if beta == 1 else added * beta) + scaled


@op("Addmm")
def addmm(input: Operand, mat1: Operand, mat2: Operand, *, beta: float = 1, alpha: float = 1) -> Node:
    """Return beta * input + alpha * (mat1 @ mat2).

    Args:
        input: tensor that broadcasts to (n, m).
        mat1: tensor of shape (n, k).
        mat2: tensor of shape (k, m) and the dtype of mat1.
        beta: factor of input; with beta 0, NaN and infinities in input do not matter.
        alpha: factor of the product.

    Returns:
        Tensor of shape (n, m) and the dtype of the matrices.

    Raises:
        RuntimeError: if mat1 or mat2 is not a matrix, the shapes do not fit, or the dtypes of the matrices differ.
        NotImplementedError: if the matrices are bool.

    Example:
        >>> a = graphc.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> graphc.addmm(graphc.tensor([10.0, 20.0]), a, a, alpha=2)
        tensor([[24., 40.],
                [40., 64.]])
    """
    return _mixed(mm.nodes(mat1, mat2), input, beta, alpha)


@op("Addmv")
def addmv(input: Operand, mat: Operand, vec: Operand, *, beta: float = 1, alpha: float = 1) -> Node:
    """Return beta * input + alpha * (mat @ vec).

    Args:
        input: tensor that broadcasts to (n,).
        mat: tensor of shape (n, k).
        vec: tensor of shape (k,) and the dtype of mat.
        beta: factor of input; with beta 0, NaN and infinities in input do not matter.
        alpha: factor of the product.

    Returns:
        Tensor of shape (n,) and the dtype of mat.

    Raises:
        RuntimeError: if mat is not a matrix or vec not a vector, the shapes do not fit, or the dtypes of mat and vec
            differ.
        NotImplementedError: if the operands are bool.

    Example:
        >>> graphc.addmv(graphc.tensor([10.0, 20.0]), graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), graphc.tensor([1.0, 1.0]))
        tensor([13., 27.])
    """
    return _mixed(mv.nodes(mat, vec), input, beta, alpha)


@op("Baddbmm")
def baddbmm(input: Operand, batch1: Operand, batch2: Operand, *, beta: float = 1, alpha: float = 1) -> Node:
    """Return beta * input + alpha * (batch1 @ batch2), for batches of matrices.

    Args:
        input: tensor that broadcasts to (b, n, m).
        batch1: tensor of shape (b, n, k).
        batch2: tensor of shape (b, k, m) and the dtype of batch1.
        beta: factor of input; with beta 0, NaN and infinities in input do not matter.
        alpha: factor of the product.

    Returns:
        Tensor of shape (b, n, m) and the dtype of the batches.

    Raises:
        RuntimeError: if batch1 or batch2 does not have three axes, the shapes do not fit, or the dtypes of the batches
            differ.
        NotImplementedError: if the matrices are bool.

    Example:
        >>> graphc.baddbmm(graphc.zeros(1), graphc.ones(5, 2, 3), graphc.ones(5, 3, 4)).shape
        torch.Size([5, 2, 4])
    """
    return _mixed(bmm.nodes(batch1, batch2), input, beta, alpha)


@op(lambda input, weight, bias=None: "Addmm" if bias is not None else "Mm" if input.type.rank == 2 else "UnsafeView")
def linear(input: Operand, weight: Operand, bias: Operand = None) -> Node:
    """Apply an affine map to the last axis: return input @ weight.T + bias.

    Args:
        input: tensor of shape (..., k).
        weight: tensor of shape (m, k), or (k,) for one output without an axis; of the dtype of input.
        bias: tensor that broadcasts to the result, usually of shape (m,), or None.

    Returns:
        Tensor of shape (..., m), or (...) if weight is a vector, and the dtype of input.

    Raises:
        RuntimeError: if the shapes do not fit, or the dtypes of input and weight differ.
        NotImplementedError: if the matrices are bool.

    Example:
        >>> F.linear(graphc.tensor([1.0, 2.0]), graphc.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        tensor([1., 2., 3.])
    """
    if weight.type.rank == 1:
        product = _rows_times_vector(input, weight)
        return product if bias is None else product + expand_to(bias, product.shape)
    rows = unsqueeze_axis(input, 0) if input.type.rank == 1 else input
    product = rows_times_matrix(rows, permute(weight, (1, 0)))
    product = reshape(product, (*input.shape[:-1], weight.shape[0]))
    return product if bias is None else _mixed(product, bias, 1, 1)


@op("Bilinear")
def bilinear(input1: Operand, input2: Operand, weight: Operand, bias: Operand = None) -> Node:
    """Apply a bilinear map to the last axes: output o is input1 @ weight[o] @ input2 + bias[o].

    Args:
        input1: tensor of shape (..., k).
        input2: tensor of shape (..., l) with the leading axes of input1.
        weight: tensor of shape (m, k, l) and the dtype of the inputs.
        bias: tensor of shape (m,), or None.

    Returns:
        Tensor of shape (..., m) and the dtype of the inputs.

    Raises:
        RuntimeError: if weight does not have three axes, an input or bias does not fit it, the leading axes of the inputs
            differ, or the dtypes do.

    Example:
        >>> F.bilinear(graphc.tensor([1.0, 2.0]), graphc.tensor([3.0, 4.0]), graphc.ones(1, 2, 2))
        tensor([21.])
    """
    _check_bilinear(input1, input2, weight, bias)
    out, left, right = weight.shape
    rows = rows_times_matrix(input1, reshape(permute(weight, (1, 0, 2)), (left, out * right)))
    rows = reshape(rows, (*input1.shape[:-1], out, right))
    product = sum_(rows * expand_to(unsqueeze_axis(input2, input2.type.rank - 1), rows.shape), (rows.type.rank - 1,))
    return product if bias is None else product + expand_to(bias, product.shape)


def _check_bilinear(x: Node, y: Node, weight: Node, bias: Node | None) -> None:
    if weight.type.rank != 3:
        raise RuntimeError(f"bilinear(): expected a weight of three axes, got one of shape {list(weight.shape)}")
    if x.type.rank != y.type.rank or not x.type.rank:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {x.type.rank} and {y.type.rank}")
    for axis, (n, m) in enumerate(zip(x.shape[:-1], y.shape[:-1], strict=True)):
        if n != m:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {axis}: got {n} and {m}")
    for name, operand, wanted in (("input1", x, weight.shape[1]), ("input2", y, weight.shape[2])):
        if operand.shape[-1] != wanted:
            got = operand.shape[-1]
            raise RuntimeError(f"bilinear(): {name} size does not match weight size: got {got} but expected {wanted}")
    if bias is not None and bias.shape != (weight.shape[0],):
        shapes = f"got {list(bias.shape)} but expected {[weight.shape[0]]}"
        raise RuntimeError(f"bilinear(): bias size does not match weight size: {shapes}")


@op("Mul")
def outer(input: Operand, vec2: Operand) -> Node:
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
def inner(input: Operand, other: Operand) -> Node:
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
def vecdot(x: Operand, y: Operand, *, dim: int = -1) -> Node:
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
def cross(input: Operand, other: Operand, dim: int = -1) -> Node:
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
    return _turned(a, axis, 1) * _turned(b, axis, 2) - _turned(a, axis, 2) * _turned(b, axis, 1)


def _turned(x: Node, axis: int, by: int) -> Node:
    return rolled(x, -by, axis)


@op("Tensordot")
def tensordot(a: Operand, b: Operand, dims: Any = 2) -> Node:
    """Contract two tensors: sum products over pairs of axes.

    Args:
        a: tensor.
        b: tensor of the dtype of a.
        dims: the number of axes, the last of a and the first of b; or two lists of axes, or two axes, of a and of b, in the
            order of the pairs. An extent of 1 broadcasts along its partner.

    Returns:
        Tensor with the free axes of a followed by those of b, of their dtype.

    Raises:
        RuntimeError: if the extents of paired axes differ and none is 1, an axis is given twice, the numbers of axes do not
            fit, or the dtypes differ.
        IndexError: if an axis is out of range.
        NotImplementedError: if the operands are bool.

    Example:
        >>> graphc.tensordot(graphc.ones(2, 3, 4), graphc.ones(3, 4, 5)).shape
        torch.Size([2, 5])
        >>> graphc.tensordot(graphc.ones(2, 3), graphc.ones(4, 2), dims=([0], [1])).shape
        torch.Size([3, 4])
    """
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.type.rank, b.type.rank):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        left, right = list(range(a.type.rank - dims, a.type.rank)), list(range(dims))
    else:
        left, right = ([int(d)] if isinstance(d, int) else list(d) for d in dims)
    left, right = [axis_of(d, a.type.rank) for d in left], [axis_of(d, b.type.rank) for d in right]
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    for d in (*(d for d in left if left.count(d) > 1), *(d for d in right if right.count(d) > 1)):
        raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    for i, j in zip(left, right, strict=True):
        n, m = a.shape[i], b.shape[j]
        if n != m and 1 not in (n, m):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {n} in dim {i} and second has size {m} in dim {j}"
            )
        # an extent of 1 broadcasts, as the sum over the other operand's axis
        a = a if m != 1 or n == 1 else kept(sum_(a, (i,)), a.shape, (i,))
        b = b if n != 1 or m == 1 else kept(sum_(b, (j,)), b.shape, (j,))
    return contract(a, b, left, right)


def contract(a: Node, b: Node, left: Sequence[int], right: Sequence[int]) -> Node:
    """Return the sums of products over axes `left` of `a` and `right` of `b`, free axes of `a` first; node level."""
    free_a = [d for d in range(a.type.rank) if d not in left]
    free_b = [d for d in range(b.type.rank) if d not in right]
    inner_size = prod(a.shape[d] for d in left)
    rows = reshape(permute(a, (*free_a, *left)), (prod(a.shape[d] for d in free_a), inner_size))
    columns = reshape(permute(b, (*right, *free_b)), (inner_size, prod(b.shape[d] for d in free_b)))
    return reshape(_product(rows, columns), [*(a.shape[d] for d in free_a), *(b.shape[d] for d in free_b)])


@op("Kron")
def kron(input: Operand, other: Operand) -> Node:
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


@op("Trace")
def trace(input: Operand) -> Node:
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
    along = diagonal.nodes(input)
    return sum_(along if along.dtype.is_float else cast(along, I64), (0,))


@op("LinalgMatrixPower")
def matrix_power(input: Operand, n: int) -> Node:
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
    return result  # type: ignore[no-any-return]


def identity_like(x: Node) -> Node:
    """Return identity matrices of the shape and dtype of `x`; node level."""
    rank = x.type.rank
    same = elementwise("eq", iota(x.shape, rank - 2), iota(x.shape, rank - 1))
    return cast(same, x.dtype)


# -- einsum ---------------------------------------------------------------------------------------------


@op("Einsum")
def _einsum(equation: str, operands: Sequence[Operand]) -> Node:
    terms, output = _parse(equation, operands)
    xs = [_without_repeats(x, term, i) for i, (x, term) in enumerate(zip(operands, terms, strict=True))]
    _check_extents(xs)
    x, names = xs[0]
    for i, (y, other) in enumerate(xs[1:], 1):
        needed = set(output).union(*(term for _, term in xs[i + 1 :]))
        x, names = _pair(x, names, y, other, needed)
    away = [n for n in names if n not in output]
    x = sum_(x, sorted(names.index(n) for n in away))
    names = [n for n in names if n in output]
    return permute(x, [names.index(n) for n in output])


def einsum(equation: str, *operands: Any) -> Any:
    """Sum products of elements in Einstein's notation.

    The equation names the axes of each operand, separated by commas, and after an arrow those of the result. Axes that the
    result does not name are summed over; a name that repeats within an operand selects its diagonal; `...` stands for
    broadcast axes that are not named. Without an arrow the result has the axes named once, in alphabetical order. Operands
    are contracted from left to right, by matrix products where they share a summed axis.

    Args:
        equation: string such as "bij,bjk->bik"; one letter names an axis, blanks do not matter.
        *operands: tensors, one for each term, or one list of them; where they share a summed axis, of one dtype.

    Returns:
        Tensor with the axes of the result, of the dtype of the operands.

    Raises:
        RuntimeError: if the number of operands, axes or extents does not fit the equation, the result names an axis that no
            operand has or one twice, or the dtypes differ.
        NotImplementedError: if the operands of a contraction are bool.

    Example:
        >>> graphc.einsum("ij,jk->ik", graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), graphc.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[ 7., 10.],
                [15., 22.]])
        >>> graphc.einsum("ii", graphc.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(5.)
        >>> graphc.einsum("...ij,jk->...ik", graphc.ones(5, 2, 3), graphc.ones(3, 4)).shape
        torch.Size([5, 2, 4])
    """
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    return _einsum(equation, list(given))


def _parse(equation: str, operands: Sequence[Node]) -> tuple[list[list[str]], list[str]]:
    """Return the axis names of each operand and of the output; axes under an ellipsis get names of their own."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(operands):
        fewer = "fewer" if len(operands) < len(texts) else "more"
        raise RuntimeError(f"einsum(): {fewer} operands were provided than specified in the equation")
    dots = max((x.type.rank - len(t.replace("...", "")) for t, x in zip(texts, operands, strict=True) if "..." in t), default=0)
    terms = [_names(t, x.type.rank, dots, i) for i, (t, x) in enumerate(zip(texts, operands, strict=True))]
    ellipsis = [f".{i}" for i in range(dots)]
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        return terms, [*ellipsis, *sorted(c for c in set(letters) if letters.count(c) == 1)]
    output = [n for part in right.replace("...", ".") for n in (ellipsis if part == "." else [part])]
    for name in output:
        if output.count(name) > 1:
            raise RuntimeError(f"einsum(): output subscript {name} appears more than once in the output")
        if not any(name in term for term in terms):
            raise RuntimeError(f"einsum(): output subscript {name} does not appear in the equation for any input operand")
    return terms, output


def _names(text: str, rank: int, dots: int, position: int) -> list[str]:
    hidden = rank - len(text.replace("...", ""))
    if "..." not in text and hidden:
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(text)}) "
            f"does not match the number of dimensions ({rank}) "
            f"for operand {position} and no ellipsis was given"
        )
    ellipsis = [f".{i}" for i in range(dots - hidden, dots)]
    return [n for part in text.replace("...", ".") for n in (ellipsis if part == "." else [part])]


def _without_repeats(x: Node, names: list[str], position: int) -> tuple[Node, list[str]]:
    """Take the diagonal of axes that have one name."""
    names = list(names)
    for name in dict.fromkeys(names):
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {name} is repeated for operand {position} but the sizes don't match, "
                    f"{x.shape[second]} != {x.shape[first]}"
                )
            x = diagonal.nodes(x, 0, first, second)
            names = [n for i, n in enumerate(names) if i not in (first, second)] + [name]
    return x, names


def _check_extents(xs: list[tuple[Node, list[str]]]) -> None:
    seen: dict[str, int] = {}
    for i, (x, names) in enumerate(xs):
        for name, n in zip(names, x.shape, strict=True):
            if seen.setdefault(name, n) not in (n, 1) and n != 1:
                raise RuntimeError(
                    f"einsum(): subscript {name} has size {n} for operand {i} which does not "
                    f"broadcast with previously seen size {seen[name]}"
                )
            seen[name] = max(seen[name], n)


def _pair(a: Node, left: list[str], b: Node, right: list[str], needed: set[str]) -> tuple[Node, list[str]]:
    """Contract two operands: sum the axes that only one has and the result has not, then one batched product of matrices."""
    a, left = _sum_alone(a, left, needed | set(right))
    b, right = _sum_alone(b, right, needed | set(left))
    a, b = _widened(a, left, b, right)
    batch = [n for n in left if n in right and n in needed]
    inner_names = [n for n in left if n in right and n not in needed]
    free_a = [n for n in left if n not in right]
    free_b = [n for n in right if n not in left]
    if not inner_names:
        return _outer(a, left, b, right, [*batch, *free_a, *free_b])
    rows = _grouped(a, left, batch, free_a, inner_names)
    columns = _grouped(b, right, batch, inner_names, free_b)
    extents = dict(zip([*left, *right], [*a.shape, *b.shape], strict=True))
    names = [*batch, *free_a, *free_b]
    return reshape(_product(rows, columns), [extents[n] for n in names]), names


def _sum_alone(x: Node, names: list[str], needed: set[str]) -> tuple[Node, list[str]]:
    away = [i for i, n in enumerate(names) if n not in needed]
    return sum_(x, away), [n for n in names if n in needed]


def _widened(a: Node, left: list[str], b: Node, right: list[str]) -> tuple[Node, Node]:
    """Broadcast axes of extent 1 to the extent that the other operand has under the same name."""
    extents: dict[str, int] = {}
    for name, n in zip([*left, *right], [*a.shape, *b.shape], strict=True):
        extents[name] = n if extents.get(name, 1) == 1 else extents[name]
    wide_a, wide_b = (expand_to(x, tuple(extents[n] for n in names)) for x, names in ((a, left), (b, right)))
    return wide_a, wide_b


def _grouped(x: Node, names: list[str], batch: list[str], first: list[str], second: list[str]) -> Node:
    x = permute(x, [names.index(n) for n in (*batch, *first, *second)])
    k = len(batch)
    return reshape(x, (*x.shape[:k], prod(x.shape[k : k + len(first)]), prod(x.shape[k + len(first) :])))


def _outer(a: Node, left: list[str], b: Node, right: list[str], names: list[str]) -> tuple[Node, list[str]]:
    extents = dict(zip([*left, *right], [*a.shape, *b.shape], strict=True))
    shape = [extents[n] for n in names]
    spread = []
    for x, own in ((a, left), (b, right)):
        order = sorted(range(len(own)), key=lambda i, own=own: names.index(own[i]))  # type: ignore[misc]
        spread.append(broadcast(permute(x, order), shape, [names.index(own[i]) for i in order]))
    x, y = promote(*spread)
    return x * y, names
