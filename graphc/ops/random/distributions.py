"""Exponentially distributed numbers, and choices of categories."""

from __future__ import annotations

from math import prod

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, elementwise, reduce
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import checked
from graphc.ops.indexing.searching import position
from graphc.ops.random.bits import uniform_nodes
from graphc.ops.random.floats import uniform
from graphc.ops.random.generator import Generator, drawn
from graphc.tensors.tensor import Tensor

__all__ = ["multinomial"]


@op("Exponential", differentiable=False)
def _exponential(key: Node, shape: tuple[int, ...], model: Node) -> Node:
    return -elementwise("log1p", -uniform_nodes(key, shape, model.dtype))


def standard_exponential(shape: tuple[int, ...], like: Tensor, generator: Generator | None) -> Tensor:
    """Return exponentially distributed numbers of rate 1, of the dtype of a tensor."""
    return drawn(_exponential, generator, 2 * prod(shape), shape, like.detach())


@op("Probabilities", differentiable=False)
def _weights(input: Node, least: int) -> Node:
    """Return weights of categories after checks of their values; `least` of a row are not 0."""
    valid = (input >= 0) & (input < float("inf"))
    x = checked(input, valid, "probability tensor contains either `inf`, `nan` or element < 0")
    enough = reduce("sum", cast(input > 0, I64), (input.type.rank - 1,)) >= least
    rule = "sum of probabilities <= 0" if least == 1 else "not enough non-negative category to sample"
    return checked(x, enough, f"invalid multinomial distribution ({rule})")


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw indices of categories with probabilities in proportion to weights.

    Without replacement they are those of the largest w / e with exponentially distributed e. Source: Efraimidis and Spirakis,
    "Weighted random sampling with a reservoir" (2006).

    Args:
        input: floating-point tensor (n,) or (m, n) of weights that are not negative; each row has a sum above 0.
        num_samples: number of indices to draw from each row.
        replacement: whether an index may be drawn more than once.
        generator: `graphc.Generator`, the default one if None.

    Returns:
        int64 tensor of shape (num_samples,) or (m, num_samples).

    Raises:
        RuntimeError: if input is not floating-point, has another rank or no categories, num_samples is not positive or,
            without replacement, more than the weights that are not 0; if a weight is negative or not finite, or the sum of a
            row is 0.

    Example:
        >>> graphc.multinomial(graphc.tensor([0.0, 3.0, 0.0]), 4, replacement=True)
        tensor([1, 1, 1, 1])
    """
    if not input.is_floating_point():
        raise located(RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype}"))
    if input.dim() not in (1, 2) or not input.shape[-1]:
        raise located(RuntimeError(f"prob_dist must be 1 or 2 dim, with categories, got shape {list(input.shape)}"))
    if num_samples <= 0:
        raise located(RuntimeError("cannot sample n_sample <= 0 samples"))
    categories = input.shape[-1]
    if not replacement and num_samples > categories:
        raise located(RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement"))
    weights = _weights(input, 1 if replacement else num_samples)
    lead = tuple(input.shape[:-1])
    if replacement:
        bounds = weights.cumsum(-1)
        u = uniform((*lead, num_samples), input.dtype.ir, 0, 1, generator)
        return position(bounds, u * bounds[..., -1:], True).clamp(max=categories - 1)
    e = standard_exponential(tuple(input.shape), input, generator)
    return (weights / e).topk(num_samples, -1).indices
