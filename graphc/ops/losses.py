"""Losses, under torch's names: each computes one value per element or sample and then reduces them.

Class indices become a comparison with the index along the class axis, so that a loss over logits is one pass
over each row: no gather forward, no scatter backward.
"""

from __future__ import annotations

from graphc.core.promotion import promote
from graphc.ir.core.build import cast, elementwise, full_like, iota, reshape, select, sum_, zeros_like
from graphc.ir.core.functions import derived
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.activations import log_softmax_nodes
from graphc.ops.common import Operand, all_axes, checked, expand_to, unsqueeze_axis
from graphc.ops.pointwise import xlogy
from graphc.ops.reductions import log_sum_exp, mean_nodes
from graphc.tensors.dispatch import op

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss", "kl_div", "l1_loss",
    "mse_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss", "soft_margin_loss",
]  # fmt: skip


def _reduction(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """Return the reduction that torch's older flags ask for, or the newer word.  Raises ValueError."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def _reduced(loss: Node, reduction: str) -> Node:
    reduction = _reduction(reduction, None, None)
    if reduction == "none":
        return loss
    return mean_nodes(loss, all_axes(loss), False) if reduction == "mean" else sum_(loss, all_axes(loss))


def _weighted(loss: Node, weight: Node | None) -> Node:
    return loss if weight is None else loss * expand_to(weight, loss.shape)


# -- distances ------------------------------------------------------------------------------------------


@op("MseLoss")
def mse_loss(
    input: Operand,
    target: Operand,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Operand = None,
) -> Node:
    """Return the mean of squared differences, (input - target)^2.

    Args:
        input: floating-point tensor of any shape.
        target: tensor whose shape broadcasts with that of input.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".
        weight: factors of the squares that broadcast to their shape, or None.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.mse_loss(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]))
        tensor(2.)
    """
    x, y = promote(input, target)
    apart = x - y
    return _reduced(_weighted(apart * apart, weight), _reduction(reduction, size_average, reduce))


@op("L1Loss")
def l1_loss(
    input: Operand,
    target: Operand,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Operand = None,
) -> Node:
    """Return the mean of absolute differences, |input - target|.

    Args:
        input: floating-point tensor of any shape.
        target: tensor whose shape broadcasts with that of input.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".
        weight: factors of the absolute differences that broadcast to their shape, or None.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> F.l1_loss(graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 4.0]))
        tensor(1.)
    """
    x, y = promote(input, target)
    return _reduced(_weighted(elementwise("abs", x - y), weight), _reduction(reduction, size_average, reduce))


@op("SmoothL1Loss")
def smooth_l1_loss(
    input: Operand,
    target: Operand,
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
    inside = select(far, 0, x - y)  # no infinity in the branch that is not chosen
    loss = d if beta == 0 else select(far, d - 0.5 * beta, inside * inside * 0.5 / beta)
    return _reduced(loss, _reduction(reduction, size_average, reduce))


@op("HuberLoss")
def huber_loss(input: Operand, target: Operand, reduction: str = "mean", delta: float = 1.0, weight: Operand = None) -> Node:
    """Return the mean of d^2 / 2 for differences d = |input - target| up to delta, and of delta * (d - delta / 2) for others.

    Source: Huber, "Robust estimation of a location parameter" (1964).

    Args:
        input: floating-point tensor of any shape.
        target: tensor whose shape broadcasts with that of input.
        reduction: "mean", "sum" or "none".
        delta: difference at which the square becomes linear.
        weight: factors of the losses that broadcast to their shape, or None.

    Returns:
        0-d tensor of the promoted dtype, or with "none" a tensor of the broadcast shape.

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if the shapes do not broadcast, or delta is not positive.

    Example:
        >>> F.huber_loss(graphc.tensor([0.5, 3.0]), graphc.tensor([0.0, 0.0]), reduction="none")
        tensor([0.1250, 2.5000])
    """
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    x, y = promote(input, target)
    d = elementwise("abs", x - y)
    far = d > delta
    inside = select(far, 0, x - y)  # no infinity in the branch that is not chosen
    return _reduced(_weighted(select(far, (d - 0.5 * delta) * delta, inside * inside * 0.5), weight), reduction)


# -- probabilities --------------------------------------------------------------------------------------


def _check_same_shape(input: Node, target: Node, name: str) -> None:
    if input.shape != target.shape:
        raise ValueError(
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size (torch.Size({list(input.shape)}))"
        )


@op("BinaryCrossEntropyWithLogits")
def binary_cross_entropy_with_logits(
    input: Operand,
    target: Operand,
    weight: Operand = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Operand = None,
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
    tail = elementwise("log1p", elementwise("exp", -elementwise("abs", x)))
    tail = tail + elementwise("maximum", -x, 0)
    if pos_weight is not None:
        loss = (1 - t) * x + ((expand_to(pos_weight, x.shape) - 1) * t + 1) * tail
    else:
        loss = derived("logits", (1 - t) * x + tail, x, t)
    return _reduced(_weighted(loss, weight), _reduction(reduction, size_average, reduce))


@op("BinaryCrossEntropy")
def binary_cross_entropy(
    input: Operand,
    target: Operand,
    weight: Operand = None,
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
    loss = _reduced(_weighted(loss, weight), _reduction(reduction, size_average, reduce))
    for name, given in (("target", t), ("input", x)):
        loss = checked(loss, (given >= 0) & (given <= 1), f"all elements of {name} should be between 0 and 1")
    return loss


@op("KlDiv")
def kl_div(
    input: Operand,
    target: Operand,
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
    return _reduced(loss, _reduction(reduction, size_average, reduce))


@op("PoissonNllLoss")
def poisson_nll_loss(
    input: Operand,
    target: Operand,
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
    return _reduced(loss, _reduction(reduction, size_average, reduce))


@op("SoftMarginLoss")
def soft_margin_loss(
    input: Operand, target: Operand, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Node:
    """Return the mean of log(1 + exp(-target * input)).

    Args:
        input: floating-point tensor of scores.
        target: tensor of classes -1 and 1 whose shape broadcasts with that of input.
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
    x, t = promote(input, target)
    return _reduced(elementwise("log1p", elementwise("exp", -t * x)), _reduction(reduction, size_average, reduce))


# -- classes --------------------------------------------------------------------------------------------


class _Classes:
    """Logits or log-probabilities beside their class indices: which axis holds the classes, which targets count."""

    def __init__(self, x: Node, target: Node, weight: Node | None, ignore_index: int) -> None:
        self.x, self.target, self.ignore_index = x, cast(target, I64), ignore_index
        self.axis = 0 if x.type.rank == 1 else 1
        self.classes = x.shape[self.axis]
        self.rows = x.shape[: self.axis] + x.shape[self.axis + 1 :]
        if target.shape != self.rows:
            raise _wrong_target(x, target)
        _check_known_targets(target, self.classes, ignore_index)
        wide = expand_to(unsqueeze_axis(self.target, self.axis), x.shape)
        self.chosen = elementwise("eq", iota(x.shape, self.axis), wide)
        self.valid = elementwise("ne", self.target, ignore_index)
        self.weight = weight
        self.wide_weight = None if weight is None else self._across(weight)

    def _across(self, weight: Node) -> Node:
        shape = [1] * self.x.type.rank
        shape[self.axis] = self.classes
        return expand_to(reshape(cast(weight, self.x.dtype), shape), self.x.shape)

    def pick(self, x: Node) -> Node:
        """Return the element of each row at its class."""
        return sum_(select(self.chosen, x, zeros_like(x)), (self.axis,))

    def row_weight(self) -> Node:
        """Return the weight of each row: that of its class, 1 without weights; 0 for ignored rows."""
        if self.wide_weight is None:
            return cast(self.valid, self.x.dtype)
        weight = self.pick(self.wide_weight)
        return select(self.valid, weight, zeros_like(weight))

    def counted(self, loss: Node) -> Node:
        """Return 0 where a row is ignored; a class that does not exist is an error."""
        exists = (self.target >= 0) & (self.target < self.classes)
        loss = checked(loss, exists | ~self.valid, f"Target is out of bounds: expected classes below {self.classes}")
        return select(self.valid, loss, zeros_like(loss))

    def reduce(self, loss: Node, reduction: str) -> Node:
        """Reduce losses that are weighted already; the mean is over the weights of the rows that count."""
        if reduction != "mean":
            return _reduced(loss, reduction)
        return sum_(loss, all_axes(loss)) / sum_(self.row_weight(), all_axes(loss))


def _check_known_targets(target: Node, classes: int, ignore_index: int) -> None:
    """Raise IndexError for a class that does not exist, where the targets have been computed already."""
    if target.value is None:
        return
    wrong = target.value[((target.value < 0) | (target.value >= classes)) & (target.value != ignore_index)]
    if wrong.size:
        raise IndexError(f"Target {wrong.flat[0]} is out of bounds.")


def _wrong_target(x: Node, target: Node) -> Exception:
    if x.shape[0] != (target.shape or (1,))[0]:
        return ValueError(f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({(target.shape or (1,))[0]}).")
    return RuntimeError(f"Expected target size {list(x.shape[:1] + x.shape[2:])}, got {list(target.shape)}")


@op("NllLoss")
def nll_loss(
    input: Operand,
    target: Operand,
    weight: Operand = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Node:
    """Return the mean of minus the log-probability at each class index.

    The mean is weighted: the sum of the weighted losses divided by the sum of the weights of the rows that count.

    Args:
        input: floating-point tensor of log-probabilities (N, C, …), or (C,) without a batch axis.
        target: integer tensor of class indices (N, …), or 0-d, within [0, C).
        weight: one factor per class, (C,), or None.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        ignore_index: class whose rows count as nothing.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".

    Returns:
        0-d tensor of input's dtype, or with "none" a tensor of the shape of target.

    Raises:
        IndexError: if a class does not exist; at once if the targets are known by now, else when the loss is computed.
        ValueError: if the batch of target is not that of input, or reduction is another word.
        RuntimeError: if other axes of target do not fit.

    Example:
        >>> F.nll_loss(graphc.tensor([[0.25, 0.75], [0.5, 0.5]]).log(), graphc.tensor([1, 0]))
        tensor(0.4904)
    """
    rows = _Classes(input, target, weight, ignore_index)
    loss = rows.counted(-rows.pick(input) if weight is None else -rows.pick(input) * rows.row_weight())
    return rows.reduce(loss, _reduction(reduction, size_average, reduce))


@op("NllLoss")
def cross_entropy(
    input: Operand,
    target: Operand,
    weight: Operand = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Node:
    """Return the mean of minus the log-softmax of logits at class indices, or against class probabilities.

    With class indices the mean is weighted: the sum of the weighted losses divided by the sum of the weights of the rows that
    count; with probabilities it divides by the number of rows. Label smoothing s: Szegedy et al., "Rethinking the Inception
    architecture" (2016).

    Args:
        input: floating-point tensor of logits (N, C, …), or (C,) without a batch axis.
        target: integer tensor of class indices (N, …), or 0-d, within [0, C); or floating-point probabilities of input's shape.
        weight: one factor per class, (C,), or None.
        size_average: deprecated, use reduction: False asks for the sum, True for the mean.
        ignore_index: class whose rows count as nothing; for class indices only.
        reduce: deprecated, use reduction: False asks for no reduction.
        reduction: "mean", "sum" or "none".
        label_smoothing: s in [0, 1]: targets are mixed with the uniform distribution, (1 - s) * target + s / C.

    Returns:
        0-d tensor of input's dtype, or with "none" a tensor (N, …) of one loss per row.

    Raises:
        IndexError: if a class does not exist; at once if the targets are known by now, else when the loss is computed.
        ValueError: if the batch of target is not that of input, input is 0-d, or reduction is another word.
        RuntimeError: if other axes of target do not fit, or probabilities do not have the shape of input.

    Example:
        >>> F.cross_entropy(graphc.tensor([[0.0, 0.0], [0.0, 100.0]]), graphc.tensor([1, 1]))
        tensor(0.3466)
    """
    if input.type.rank == 0:
        raise ValueError("cross_entropy needs logits with an axis of classes, got a 0-d tensor")
    how = _reduction(reduction, size_average, reduce)
    if target.dtype.is_float:
        return _soft_cross_entropy(input, target, weight, how, label_smoothing)
    rows = _Classes(input, target, weight, ignore_index)
    total = log_sum_exp(input, (rows.axis,), False)
    loss = total - rows.pick(input)
    loss = loss if weight is None else loss * rows.row_weight()
    if label_smoothing:
        loss = loss * (1 - label_smoothing) + _smooth(rows, total) * (label_smoothing / rows.classes)
    return rows.reduce(rows.counted(loss), how)


def _smooth(rows: _Classes, total: Node) -> Node:
    """Return minus the sum of the (weighted) log-softmax over all classes."""
    if rows.wide_weight is None:
        return total * rows.classes - sum_(rows.x, (rows.axis,))
    weight = sum_(rows.wide_weight, (rows.axis,))
    return total * weight - sum_(rows.x * rows.wide_weight, (rows.axis,))


def _soft_cross_entropy(x: Node, target: Node, weight: Node | None, reduction: str, label_smoothing: float) -> Node:
    if x.shape != target.shape:
        raise RuntimeError(
            f"The size of tensor a ({list(x.shape)}) must match the size of tensor b ({list(target.shape)}): class "
            "probabilities need the logits' shape"
        )
    axis = 0 if x.type.rank == 1 else 1
    target = cast(target, x.dtype)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / x.shape[axis]
    terms = target * log_softmax_nodes(x, axis)
    if weight is not None:
        terms = terms * expand_to(reshape(weight, (x.shape[axis],) + (1,) * (x.type.rank - axis - 1)), x.shape)
    loss = -sum_(terms, (axis,))
    if reduction != "mean":
        return _reduced(loss, reduction)
    return sum_(loss, all_axes(loss)) / max(loss.type.size if loss.type.rank else 1, 1)
