"""Terms of entropies, and products with logarithms."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, full_like, select
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand
from graphc.ops.special.series import with_slope

__all__ = ["entr", "xlog1py"]


@op("SpecialEntr")
def entr(input: Node) -> Node:
    """Return -input log(input): 0 at 0, and -inf below.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.special.entr(graphc.tensor([0.0, 0.5, -1.0]))
        tensor([0.0000, 0.3466,   -inf])
    """
    (x,) = promote(input, float=True)
    zero = elementwise("eq", x, 0)
    value = select(zero, 0, -x * elementwise("log", select(x > 0, x, 1)))
    value = select(x < 0, full_like(x, float("-inf")), value)
    return with_slope(select(elementwise("eq", x, x), value, x), x, -elementwise("log", x) - 1)


@op("SpecialXlog1Py")
def xlog1py(input: Operand, other: Operand) -> Node:
    """Return input * log1p(other), with value 0 where input is 0 and other is not NaN.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype; integers give the default float dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.special.xlog1py(graphc.tensor([0.0, 2.0]), graphc.tensor([-1.0, 1.0]))
        tensor([0.0000, 1.3863])
    """
    x, y = promote(input, other, float=True)
    zero = elementwise("eq", x, 0) & elementwise("eq", y, y)
    product = x * elementwise("log1p", select(zero, 0, y))
    harmless = zero & (y <= -1)
    slope = select(harmless, 0, elementwise("log1p", select(harmless, 0, y)))
    first = with_slope(select(zero, 0, product), x, slope)
    return first + with_slope(full_like(x, 0), y, x / (y + 1))
