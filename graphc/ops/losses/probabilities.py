"""Losses of probabilities and rates."""

from __future__ import annotations

from graphc.core.promotion import broadcast_shapes, promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, derived, elementwise, full_like, magnitude, select, sum_, zeros_like
from graphc.ir.core.graph import Node
from graphc.ops.common import all_axes, checked, expand_to
from graphc.ops.elementwise.special import xlogy
from graphc.ops.losses.reduction import reduced, reduction_name, weighted

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss", "soft_margin_loss"]


def _check_same_shape(input: Node, target: Node, name: str) -> None:
    if input.shape != target.shape:
        raise ValueError(
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size (torch.Size({list(input.shape)}))"
        )


@op("BinaryCrossEntropyWithLogits")
def binary_cross_entropy_with_logits(
    input: Node,
    target: Node,
    weight: Node | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Node | None = None,
) -> Node:
    """Return the mean binary cross-entropy of logits: -(t log s + (1 - t) log(1 - s)) with s = sigmoid(input).

    Computed as max(-x, 0) + log(1 + exp(-|x|)) + (1 - t) x, without overflow or cancellation.

    Args:
        input: floating-point tensor of logits.
        target: tensor of probabilities, of the shape of input.
        weight: factors of the losses that broadcast to their shape, or None.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".
        pos_weight: factors of the terms of t, which broadcast to the shape of input; above 1 they raise the recall. Or None.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the shape of input.

    Raises:
        ValueError: if the shapes differ, or reduction is another word.

    Example:
        >>> F.binary_cross_entropy_with_logits(graphc.tensor([0.0, 100.0]), graphc.tensor([1.0, 1.0]), reduction="sum")
        tensor(0.6931)
    """
    _check_same_shape(input, target, "binary_cross_entropy_with_logits")
    x, t = promote(input, target)
    tail = elementwise("log1p", elementwise("exp", -magnitude(x))) + select(x < 0, -x, 0)
    if pos_weight is not None:
        loss = (1 - t) * x + ((expand_to(cast(pos_weight, x.dtype), x.shape) - 1) * t + 1) * tail
    else:
        loss = derived("logits", (1 - t) * x + tail, x, t)
    return reduced(weighted(loss, weight), reduction_name(reduction, size_average, reduce))


@op("BinaryCrossEntropy")
def binary_cross_entropy(
    input: Node,
    target: Node,
    weight: Node | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Node:
    """Return the mean binary cross-entropy of probabilities: -(t log p + (1 - t) log(1 - p)).

    Each logarithm is at least -100, so that a loss is finite. `binary_cross_entropy_with_logits` is more exact.

    Args:
        input: floating-point tensor of probabilities p, within [0, 1].
        target: tensor of probabilities t, of the shape of input, within [0, 1].
        weight: factors of the losses that broadcast to their shape, or None.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the shape of input.

    Raises:
        ValueError: if the shapes differ, or reduction is another word.
        IndexError: if a probability is outside of [0, 1]; raised when the loss is computed.

    Example:
        >>> F.binary_cross_entropy(graphc.tensor([0.5, 0.0]), graphc.tensor([1.0, 0.0]), reduction="sum")
        tensor(0.6931)
    """
    if input.shape != target.shape:
        raise ValueError(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the input size "
            f"(torch.Size({list(input.shape)})) "
            "is deprecated. Please ensure they have the same size."
        )
    x, t = promote(input, target)
    near, far = elementwise("log", x), elementwise("log1p", -x)
    near, far = (select(v < -100, -100, v) for v in (near, far))
    loss = derived("cross-entropy", (t - 1) * far - t * near, x, t)
    loss = reduced(weighted(loss, weight), reduction_name(reduction, size_average, reduce))
    for name, values in (("target", t), ("input", x)):
        loss = checked(loss, (values >= 0) & (values <= 1), f"all elements of {name} should be between 0 and 1")
    return loss


@op("KlDiv")
def kl_div(
    input: Node,
    target: Node,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Node:
    """Return the mean of target * (log(target) - input): the Kullback-Leibler divergence of log-probabilities.

    A target of 0 contributes 0. With "batchmean" the result is the divergence in its mathematical sense, a mean over the batch.

    Args:
        input: floating-point tensor of log-probabilities.
        target: tensor of probabilities (log-probabilities with log_target) whose shape broadcasts with that of input.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean" (over elements), "batchmean" (the sum divided by the first extent), "sum" or "none".
        log_target: whether target is given as logarithms.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.kl_div(graphc.tensor([[0.5, 0.5]]).log(), graphc.tensor([[1.0, 0.0]]), reduction="batchmean")
        tensor(0.6931)
    """
    x, t = promote(input, target)
    loss = elementwise("exp", t) * (t - x) if log_target else xlogy.nodes(t, t) - t * x
    if reduction == "batchmean":
        return sum_(loss, all_axes(loss)) / (x.shape[0] if x.type.rank else 1)
    return reduced(loss, reduction_name(reduction, size_average, reduce))


@op("PoissonNllLoss")
def poisson_nll_loss(
    input: Node,
    target: Node,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Node:
    """Return the mean negative log-likelihood of counts under a Poisson distribution, without the term log(target!).

    exp(input) - target * input if input is the logarithm of the rate, else input - target * log(input + eps).

    Args:
        input: tensor of logarithms of rates, or of rates.
        target: tensor of counts whose shape broadcasts with that of input.
        log_input: whether input is given as logarithms.
        full: whether to add Stirling's approximation of log(target!) where target is above 1.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        eps: number that keeps the logarithm of a rate of 0 finite.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.poisson_nll_loss(graphc.tensor([0.0, 0.0]), graphc.tensor([0.0, 2.0]))
        tensor(1.)
    """
    x, t = promote(input, target, float=True)
    loss = elementwise("exp", x) - t * x if log_input else x - t * elementwise("log", x + eps)
    if full:
        safe = select(t > 1, t, full_like(t, 1))
        stirling = safe * elementwise("log", safe) - safe + elementwise("log", safe * 6.283185307179586) * 0.5
        loss = loss + select(t > 1, stirling, zeros_like(t))
    return reduced(loss, reduction_name(reduction, size_average, reduce))


@op("SoftMarginLoss")
def soft_margin_loss(
    input: Node, target: Node, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Node:
    """Return the mean of log(1 + exp(-target * input)).

    Args:
        input: floating-point tensor of scores.
        target: tensor of classes -1 and 1 whose shape broadcasts to that of input.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.soft_margin_loss(graphc.tensor([0.0, 10.0]), graphc.tensor([1.0, 1.0]))
        tensor(0.3466)
    """
    if broadcast_shapes([input.shape, target.shape]) != input.shape:
        shape = list(broadcast_shapes([input.shape, target.shape]))
        raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape {shape}")
    x, t = promote(input, target)
    return reduced(elementwise("log1p", elementwise("exp", -t * x)), reduction_name(reduction, size_average, reduce))
