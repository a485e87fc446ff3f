"""Covariances and correlations of variables."""

from __future__ import annotations

from graphc.core.promotion import result_dtype
from graphc.dispatch.operation import op
from graphc.ir.core.build import (
    broadcast,
    cast,
    constant,
    derived,
    elementwise,
    full_like,
    gather,
    iota,
    matmul,
    permute,
    reduce,
    reshape,
)
from graphc.ir.core.graph import Node
from graphc.ops.common import checked, default_float, torch_name

__all__ = ["corrcoef", "cov"]


def _weight(name: str, w: Node | None, n: int, wants: str) -> None:
    """Check the rank, the dtype and the length of weights.  Raises RuntimeError."""
    if w is None:
        return
    if w.type.rank > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with {w.type.rank} dimensions"
        )
    if w.dtype.is_float is (wants == "integral") or w.dtype.is_bool:
        raise RuntimeError(f"cov(): expected {name} to have {wants} dtype but got {name} with {torch_name(w.dtype)} dtype")
    if w.type.size != n:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the input but got {w.type.size} != {n}"
        )


def _combined(fweights: Node | None, aweights: Node | None, n: int, x: Node) -> tuple[Node | None, Node | None]:
    """Return the product of frequencies and weights in the dtype of `x`, and the weights alone."""
    parts = []
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        flat = None if w is None else cast(reshape(w, (n,)), x.dtype)
        parts.append(None if flat is None else checked(flat, flat >= 0, f"cov(): {name} cannot be negative"))
    f, a = parts
    return (a if f is None else f if a is None else f * a), a


@op("Squeeze")
def cov(input: Node, *, correction: int = 1, fweights: Node | None = None, aweights: Node | None = None) -> Node:
    """Return the covariances of variables, the rows, over observations, the columns.

    Args:
        input: tensor of at most two axes; a vector holds one variable. Integers are converted to the default float dtype.
        correction: int, subtracted from the number of observations: 1 is Bessel's correction.
        fweights: integer vector, how often each observation counts; None: once.
        aweights: floating-point vector, the weight of each observation; None: equal weights.

    Returns:
        Tensor of shape (rows, rows), () for one variable.

    Raises:
        RuntimeError: if input is bool or has more than two axes, or weights have another length or dtype.
        CheckError: if a weight is negative, or all are 0, when values are computed.

    Example:
        >>> graphc.cov(graphc.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    rank = input.type.rank
    if rank > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {rank} dimensions")
    if input.dtype.is_bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input if rank == 2 else reshape(input, (1, input.type.size))
    rows, n = x.shape
    dtype = result_dtype([x, *(reshape(w, (w.type.size, 1)) for w in (fweights, aweights) if w is not None)])
    x = cast(x, dtype if dtype.is_float else default_float())
    _weight("fweights", fweights, n, "integral")
    _weight("aweights", aweights, n, "floating point")
    w, a = _combined(fweights, aweights, n, x)
    wide = None if w is None else broadcast(w, x.shape, (1,))
    total = constant(n, x.dtype) if w is None else reduce("sum", w, (0,))
    if w is not None:
        total = checked(total, elementwise("ne", total, 0), "cov(): weights sum to zero, can't be normalized")
    mean = reduce("sum", x if wide is None else x * wide, (1,)) / broadcast(total, (rows,), ())
    centred = x - broadcast(mean, x.shape, (0,))
    lost = full_like(total, 1) if a is None or w is None else reduce("sum", w * a, (0,)) / total
    freedom = total - lost * correction
    freedom = elementwise("maximum", freedom, full_like(freedom, 0))
    product = matmul(centred, permute(centred if wide is None else centred * wide, (1, 0)))
    result = product / broadcast(freedom, product.shape, ())
    return result if rank == 2 and rows != 1 else reshape(result, ()) if rows == 1 else result


@op("Div")
def corrcoef(input: Node) -> Node:
    """Return the correlation coefficients of variables, the rows, over observations, the columns.

    Args:
        input: tensor of at most two axes; a vector holds one variable. Integers are converted to the default float dtype.

    Returns:
        Tensor of shape (rows, rows), () for one variable; of numbers in [-1, 1], NaN where a variable is constant.

    Raises:
        RuntimeError: if input is bool or has more than two axes.

    Example:
        >>> graphc.corrcoef(graphc.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input.type.rank > 2:
        got = f"an input with {input.type.rank} dimensions"
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got {got}")
    c = cov.nodes(input)
    if c.type.rank == 0:
        return c / c
    n = c.shape[0]
    index = iota((n,), 0)
    deviation = elementwise("sqrt", gather(c, index, index))
    ratio = c / broadcast(deviation, c.shape, (0,)) / broadcast(deviation, c.shape, (1,))
    low = derived("at-least", elementwise("maximum", ratio, -1.0), ratio, full_like(ratio, -1))
    return derived("at-most", elementwise("minimum", low, 1.0), low, full_like(low, 1))
