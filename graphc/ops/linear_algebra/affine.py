"""Products plus a tensor; linear and bilinear maps."""

from __future__ import annotations

from graphc.core.promotion import promote, result_dtype
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, permute, reshape, sum_
from graphc.ir.core.graph import Node
from graphc.ops.common import expand_to, unsqueeze_axis
from graphc.ops.linear_algebra.matrices import bmm, mm, mv, rows_times_matrix, rows_times_vector
from graphc.ops.shape.repetition import expanded_shape

__all__ = ["addbmm", "addmm", "addmv", "addr", "baddbmm", "bilinear", "linear"]


def _mixed(product: Node, input: Node, beta: float, alpha: float) -> Node:
    """Return beta * input + alpha * product; with beta 0 the input is ignored."""
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled
    added = expand_to(cast(input, product.dtype), expanded_shape(input, product.shape))
    return (added if beta == 1 else added * beta) + scaled


@op("Addmm", saves="others")
def addmm(input: Node, mat1: Node, mat2: Node, *, beta: float = 1, alpha: float = 1) -> Node:
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
def addmv(input: Node, mat: Node, vec: Node, *, beta: float = 1, alpha: float = 1) -> Node:
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


@op("Addbmm")
def addbmm(input: Node, batch1: Node, batch2: Node, *, beta: float = 1, alpha: float = 1) -> Node:
    """Return beta * input + alpha times the sum of the products batch1 @ batch2 over the batch.

    Args:
        input: tensor that broadcasts to (n, m).
        batch1: tensor of shape (b, n, k).
        batch2: tensor of shape (b, k, m) and the dtype of batch1.
        beta: factor of input; with beta 0, NaN and infinities in input do not matter.
        alpha: factor of the sum.

    Returns:
        Tensor of shape (n, m) and the dtype of the batches.

    Raises:
        RuntimeError: if batch1 or batch2 does not have three axes, the shapes do not fit, or the dtypes of the batches
            differ.
        NotImplementedError: if the matrices are bool.

    Example:
        >>> graphc.addbmm(graphc.ones(1), graphc.ones(5, 2, 3), graphc.ones(5, 3, 2))
        tensor([[16., 16.],
                [16., 16.]])
    """
    return _mixed(sum_(bmm.nodes(batch1, batch2), (0,)), input, beta, alpha)


@op("Addr")
def addr(input: Node, vec1: Node, vec2: Node, *, beta: float = 1, alpha: float = 1) -> Node:
    """Return beta * input + alpha * the outer product of two vectors.

    Args:
        input: tensor that broadcasts to (n, m).
        vec1: vector of n elements.
        vec2: vector of m elements.
        beta: factor of input; with beta 0, NaN and infinities in input do not matter.
        alpha: factor of the product.

    Returns:
        Tensor of shape (n, m) and the promoted dtype.

    Raises:
        RuntimeError: if vec1 or vec2 is not a vector, or input does not broadcast.

    Example:
        >>> graphc.addr(graphc.ones(2, 2), graphc.tensor([1.0, 2.0]), graphc.tensor([3.0, 4.0]))
        tensor([[4., 5.],
                [7., 9.]])
    """
    for name, x in (("vec1", vec1), ("vec2", vec2)):
        if x.type.rank != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {x.type.rank}-D")
    a, b = promote(unsqueeze_axis(vec1, 1), unsqueeze_axis(vec2, 0))
    dtype = result_dtype([input, a])
    return _mixed(cast(a, dtype) * cast(b, dtype), input, beta, alpha)


@op("Baddbmm", saves="others")
def baddbmm(input: Node, batch1: Node, batch2: Node, *, beta: float = 1, alpha: float = 1) -> Node:
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
def linear(input: Node, weight: Node, bias: Node | None = None) -> Node:
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
        product = rows_times_vector(input, weight)
        return product if bias is None else product + expand_to(bias, product.shape)
    rows = unsqueeze_axis(input, 0) if input.type.rank == 1 else input
    product = rows_times_matrix(rows, permute(weight, (1, 0)))
    product = reshape(product, (*input.shape[:-1], weight.shape[0]))
    return product if bias is None else _mixed(product, bias, 1, 1)


@op("Bilinear")
def bilinear(input1: Node, input2: Node, weight: Node, bias: Node | None = None) -> Node:
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
    for name, operand, extent in (("input1", x, weight.shape[1]), ("input2", y, weight.shape[2])):
        if operand.shape[-1] != extent:
            got = operand.shape[-1]
            raise RuntimeError(f"bilinear(): {name} size does not match weight size: got {got} but expected {extent}")
    if bias is not None and bias.shape != (weight.shape[0],):
        shapes = f"got {list(bias.shape)} but expected {[weight.shape[0]]}"
        raise RuntimeError(f"bilinear(): bias size does not match weight size: {shapes}")
