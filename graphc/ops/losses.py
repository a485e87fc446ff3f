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
    """Return squared differences, reduced."""
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
    """Return absolute differences, reduced."""
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
    """Return d²/(2 beta) for differences below beta and d - beta/2 above, reduced."""
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
    """Return d²/2 for differences up to delta and delta*(d - delta/2) above, reduced."""
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
    """Return -(t log s + (1 - t) log(1 - s)) with s = sigmoid(input), without overflow, reduced.  Raises ValueError."""
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
    """Return -(t log p + (1 - t) log(1 - p)), each logarithm at least -100, reduced.  Raises ValueError."""
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
    """Return target * (log(target) - input), reduced; "batchmean" divides the sum by the first axis."""
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
    """Return exp(input) - target * input, or input - target * log(input + eps), reduced; `full` adds Stirling's term."""
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
    """Return log(1 + exp(-target * input)), reduced."""
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
    """Return minus the log-probability at each class index (axis 1 holds the classes), reduced.

    A row whose target is `ignore_index` counts as nothing; a class that does not exist raises IndexError, at once if the
    targets are known by now, else when the loss is computed.  The mean is weighted by class.  Raises ValueError and
    RuntimeError for shapes that do not fit.
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
    """Return minus the log-softmax of logits (classes at axis 1) at class indices, or against probabilities, reduced.

    A row whose target is `ignore_index` counts as nothing; a class that does not exist raises IndexError, at once if the
    targets are known by now, else when the loss is computed.  The mean is weighted by class.  Raises ValueError and
    RuntimeError for shapes that do not fit.
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
