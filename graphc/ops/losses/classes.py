"""Losses of classes.

Class indices become a comparison with the index along the class axis, so a loss over logits is one pass over each row, without
a gather forward or a scatter backward.
"""

from __future__ import annotations

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, elementwise, iota, reshape, select, sum_, zeros_like
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import all_axes, checked, expand_to, unsqueeze_axis
from graphc.ops.losses.reduction import reduced, reduction_name
from graphc.ops.nn.softmax import log_softmax_nodes
from graphc.ops.reduce.norms import log_sum_exp

__all__ = ["cross_entropy", "nll_loss"]


class _Classes:
    """Logits or log-probabilities with their class indices: the class axis, and the targets that count."""

    def __init__(self, x: Node, target: Node, weight: Node | None, ignore_index: int) -> None:
        if not x.type.rank:
            raise ValueError("Expected 1 or more dimensions (got 0)")
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
        """Return the weight of each row: that of its class, or 1 without weights; 0 for ignored rows."""
        if self.wide_weight is None:
            return cast(self.valid, self.x.dtype)
        weight = self.pick(self.wide_weight)
        return select(self.valid, weight, zeros_like(weight))

    def counted(self, loss: Node) -> Node:
        """Return the loss with 0 for ignored rows; a class out of range is an error."""
        exists = (self.target >= 0) & (self.target < self.classes)
        loss = checked(loss, exists | ~self.valid, f"Target is out of bounds: expected classes below {self.classes}")
        return select(self.valid, loss, zeros_like(loss))

    def reduce(self, loss: Node, reduction: str) -> Node:
        """Reduce losses that are already weighted; the mean is over the weights of the rows that count."""
        if reduction != "mean":
            return reduced(loss, reduction)
        return sum_(loss, all_axes(loss)) / sum_(self.row_weight(), all_axes(loss))


def _check_known_targets(target: Node, classes: int, ignore_index: int) -> None:
    """Raise IndexError for a class out of range, if the targets have been computed already."""
    if target.value is None:
        return
    wrong = target.value[((target.value < 0) | (target.value >= classes)) & (target.value != ignore_index)]
    if wrong.size:
        raise IndexError(f"Target {wrong.flat[0]} is out of bounds.")


def _wrong_target(x: Node, target: Node) -> Exception:
    if x.shape[0] != (target.shape or (0,))[0]:
        return ValueError(f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({(target.shape or (0,))[0]}).")
    return RuntimeError(f"Expected target size {list(x.shape[:1] + x.shape[2:])}, got {list(target.shape)}")


@op("NllLoss")
def nll_loss(
    input: Node,
    target: Node,
    weight: Node | None = None,
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
    return rows.reduce(loss, reduction_name(reduction, size_average, reduce))


@op("NllLoss")
def cross_entropy(
    input: Node,
    target: Node,
    weight: Node | None = None,
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
    how = reduction_name(reduction, size_average, reduce)
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
        return reduced(loss, reduction)
    return sum_(loss, all_axes(loss)) / max(loss.type.size if loss.type.rank else 1, 1)
