"""Connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.control_flow.api import scan
from graphc.core.errors import located
from graphc.ops.create.data import tensor
from graphc.ops.create.ranges import arange
from graphc.ops.indexing.masks import where
from graphc.ops.losses.margins import reduced_mean
from graphc.ops.resampling.padding import pad
from graphc.ops.shape.joining import cat, stack
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import is_compiling

__all__ = ["ctc_loss"]

NEVER = -1e30
"""Logarithm of a probability of 0; finite, so that gradients are numbers."""

Lengths = Tensor | Sequence[int]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return the negative logarithm of the probability that a sequence of distributions spells the targets.

    The gradient is torch's: that with respect to the logits whose log_softmax is log_probs. Source: Graves et al.,
    "Connectionist temporal classification" (2006).

    Args:
        log_probs: floating-point tensor (T, N, C) of logarithms of probabilities, or (T, C).
        targets: integers (N, S), each row padded, or a vector of all targets one after another; none is blank.
        input_lengths: number of steps of each sample (N,), each at most T; a tensor or a tuple.
        target_lengths: number of targets of each sample (N,); a tensor or a tuple.
        blank: class that separates targets.
        reduction: "mean" divides each loss by the length of its targets first; "sum" or "none".
        zero_infinity: whether infinite losses, of targets that are too long, are 0 and have no gradient.

    Returns:
        0-d tensor, or with "none" a tensor (N,), 0-d for log_probs (T, C).

    Raises:
        ValueError: if reduction is another word.
        RuntimeError: if shapes, lengths or blank do not fit.

    Example:
        >>> log_probs = graphc.full((3, 1, 2), 0.5).log()
        >>> F.ctc_loss(log_probs, graphc.tensor([[1]]), (3,), (1,), reduction="sum").exp()
        tensor(1.3333)
    """
    batched = log_probs.dim() == 3
    probs: Any = log_probs if batched else log_probs.unsqueeze(1)
    if probs.dim() != 3:
        raise located(RuntimeError(f"log_probs has to be (T, N, C) or (T, C), got {list(log_probs.shape)}"))
    steps, batch, classes = (int(n) for n in probs.shape)
    if not 0 <= blank < classes:
        raise located(RuntimeError(f"blank must be in label range, got {blank} of {classes} classes"))
    inputs = _lengths(input_lengths, batch, "input_lengths", steps)
    lengths = _lengths(target_lengths, batch, "target_lengths", None)
    labels = _labels(targets if batched or targets.dim() > 1 else targets.unsqueeze(0), lengths, batch)
    loss = _losses(probs, labels, inputs, lengths, blank)
    infinite = loss.detach() > -NEVER / 2
    loss = where(infinite, 0.0, loss) if zero_infinity else loss * where(infinite, float("inf"), 1.0)
    within = (arange(steps).unsqueeze(-1) < inputs).unsqueeze(-1)
    if zero_infinity:
        within = within & ~infinite.unsqueeze(-1)
    mass = where(within, probs.exp(), 0.0).sum((0, 2))
    loss = loss + (mass - mass.detach())
    if reduction == "mean":
        loss = loss / lengths.clamp(min=1).to(loss.dtype)
    return reduced_mean(loss if batched else loss[0], reduction)


def _lengths(lengths: Any, batch: int, name: str, most: int | None) -> Any:
    """Return lengths as an int64 vector; those that can be read are checked."""
    vector: Any = (lengths if isinstance(lengths, Tensor) else tensor(lengths)).long().reshape(-1)
    if int(vector.shape[0]) != batch:
        raise located(RuntimeError(f"{name} must be of size batch_size, got {vector.shape[0]} for a batch of {batch}"))
    if batch and not (is_compiling() and isinstance(lengths, Tensor)):
        low, high = int(vector.min()), int(vector.max())
        if low < 0 or (most is not None and high > most):
            bound = "" if most is None else f" and at most {most}"
            raise located(RuntimeError(f"Expected {name} to have values of at least 0{bound}, but got {low} to {high}"))
    return vector


def _labels(targets: Any, lengths: Any, batch: int) -> Any:
    """Return the targets as rows (N, S); what follows the targets of a sample is any class."""
    if targets.dim() == 2:
        if int(targets.shape[0]) != batch:
            raise located(RuntimeError(f"targets must have a row for each of {batch} samples, got {list(targets.shape)}"))
        if not is_compiling() and batch and int(lengths.max()) > int(targets.shape[1]):
            raise located(RuntimeError(f"Expected targets of at least {int(lengths.max())} columns, got {list(targets.shape)}"))
        return targets.long()
    total = int(targets.shape[0])
    if not is_compiling() and int(lengths.sum()) != total:
        raise located(RuntimeError(f"Expected {int(lengths.sum())} targets, the sum of target_lengths, got {total}"))
    longest = total if is_compiling() or not batch else int(lengths.max())
    if not total:
        return targets.long().reshape(1, 0).expand(batch, 0)
    places = (lengths.cumsum(0) - lengths).unsqueeze(-1) + arange(longest)
    return targets.long()[places.clamp(max=total - 1)]


def _losses(probs: Any, labels: Any, inputs: Any, lengths: Any, blank: int) -> Any:
    """Return the losses (N,) by the forward recursion over the targets with blanks around each."""
    batch, count = (int(n) for n in labels.shape)
    steps = int(probs.shape[0])
    blanks = labels * 0 + blank
    labels = where(arange(count) < lengths.unsqueeze(-1), labels, blanks)
    spelled = stack([blanks, labels], -1).reshape(batch, 2 * count)
    spelled = cat([spelled, (inputs * 0 + blank).unsqueeze(-1)], -1)
    width = 2 * count + 1
    later, earlier = spelled[:, 2:], spelled[:, :-2]
    skips = cat([(spelled != spelled)[:, :2], (later != earlier) & (later != blank)], 1)
    rows = probs.gather(-1, spelled.unsqueeze(0).expand(steps, batch, width)).clamp(min=NEVER)
    first = (arange(width) < 1).expand(batch, width)
    state = where(first, 0.0, NEVER).to(probs.dtype)

    def advance(state: Any, item: Any) -> Any:
        row, number = item
        near = pad(state[:, :-1], (1, 0), value=NEVER)
        far = where(skips, pad(near[:, :-1], (1, 0), value=NEVER), NEVER)
        new = stack([state, near, far]).logsumexp(0) + row
        return where((number < inputs).unsqueeze(-1), new.clamp(min=NEVER), state), None

    state, _ = scan(advance, state, (rows, arange(steps)))
    last = state.gather(1, (2 * lengths).unsqueeze(-1))
    before = where(lengths.unsqueeze(-1) > 0, state.gather(1, (2 * lengths - 1).clamp(min=0).unsqueeze(-1)), NEVER)
    return -cat([last, before], 1).logsumexp(1)
