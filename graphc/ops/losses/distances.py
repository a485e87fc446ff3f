"""Losses of differences."""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise, select
from graphc.ir.core.graph import Node
from graphc.ops.losses.reduction import reduced, reduced_by_weights, reduction_name, weighted_differences

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


@op("MseLoss")
def mse_loss(
    input: Node,
    target: Node,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Node | None = None,
) -> Node:
    """Return the mean of squared differences, (input - target)^2.

    Args:
        input: floating-point tensor of any shape.
        target: tensor whose shape broadcasts with that of input.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".
        weight: factors of the squares, of the shape of input, whose sum the mean divides by; or None.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word, or weight has another shape than input.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.mse_loss(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]))
        tensor(2.)
    """
    x, y = promote(input, target)
    difference = x - y
    loss, weight = weighted_differences(difference * difference, weight, input)
    return reduced_by_weights(loss, weight, reduction_name(reduction, size_average, reduce))


@op("L1Loss")
def l1_loss(
    input: Node,
    target: Node,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Node | None = None,
) -> Node:
    """Return the mean of absolute differences, |input - target|.

    Args:
        input: floating-point tensor of any shape.
        target: tensor whose shape broadcasts with that of input.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".
        weight: factors of the absolute differences, of the shape of input, whose sum the mean divides by; or None.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word, or weight has another shape than input.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.l1_loss(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]))
        tensor(1.)
    """
    x, y = promote(input, target)
    loss, weight = weighted_differences(elementwise("abs", x - y), weight, input)
    return reduced_by_weights(loss, weight, reduction_name(reduction, size_average, reduce))


@op("SmoothL1Loss")
def smooth_l1_loss(
    input: Node,
    target: Node,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Node:
    """Return the mean of d^2 / (2 beta) for differences d = |input - target| below beta, and of d - beta / 2 for others.

    It is `huber_loss` divided by beta. Source: Girshick, "Fast R-CNN" (2015).

    Args:
        input: floating-point tensor of any shape.
        target: tensor whose shape broadcasts with that of input.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".
        beta: difference at which the square becomes linear; 0 gives `l1_loss`.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast, or beta is negative.

    Example:
        >>> F.smooth_l1_loss(graphc.tensor([0.5, 3.0]), graphc.tensor([0.0, 0.0]), reduction="none")
        tensor([0.1250, 2.5000])
    """
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    x, y = promote(input, target)
    d = elementwise("abs", x - y)
    far = d >= beta
    inside = select(far, 0, x - y)  # an infinity would make the gradient of the other branch NaN
    loss = d if beta == 0 else select(far, d - 0.5 * beta, inside * inside * 0.5 / beta)
    return reduced(loss, reduction_name(reduction, size_average, reduce))


@op("HuberLoss")
def huber_loss(input: Node, target: Node, reduction: str = "mean", delta: float = 1.0, weight: Node | None = None) -> Node:
    """Return the mean of d^2 / 2 for differences d = |input - target| below delta, and of delta * (d - delta / 2) for others.

    Source: Huber, "Robust estimation of a location parameter" (1964).

    Args:
        input: floating-point tensor of any shape.
        target: tensor whose shape broadcasts with that of input.
        reduction: "mean", "sum" or "none".
        delta: difference at which the square becomes linear.
        weight: factors of the losses, of the shape of input; the mean divides by the number of elements. Or None.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word, or weight has another shape than input.
        RuntimeError: if the shapes do not broadcast, or delta is not positive.

    Example:
        >>> F.huber_loss(graphc.tensor([0.5, 3.0]), graphc.tensor([0.0, 0.0]), reduction="none")
        tensor([0.1250, 2.5000])
    """
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    x, y = promote(input, target)
    d = elementwise("abs", x - y)
    far = d >= delta  # as torch: the second derivative at delta is 0
    inside = select(far, 0, x - y)  # an infinity would make the gradient of the other branch NaN
    loss, _ = weighted_differences(select(far, (d - 0.5 * delta) * delta, inside * inside * 0.5), weight, input)
    return reduced(loss, reduction)
