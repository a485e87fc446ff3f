"""Differentiable choices of categories."""

from __future__ import annotations

from graphc.ops.create.fill import zeros_like
from graphc.ops.nn.softmax import softmax
from graphc.ops.random.distributions import standard_exponential
from graphc.tensors.tensor import Tensor

__all__ = ["gumbel_softmax"]


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Draw from the Gumbel-softmax distribution, a differentiable approximation of a choice of one category.

    Source: Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax" (2017).

    Args:
        logits: floating-point tensor of unnormalized log-probabilities.
        tau: temperature, a positive number; the lower, the closer to a choice.
        hard: whether the result is a choice, one 1 and zeros, with the gradient of the approximation.
        eps: accepted and ignored, as in torch.
        dim: axis of the categories.

    Returns:
        Tensor of the shape and dtype of logits whose sums along dim are 1.

    Raises:
        IndexError: if dim is out of range.
        TypeError: if logits is no tensor.
        RuntimeError, NotImplementedError: if logits is not floating-point.

    Example:
        >>> F.gumbel_softmax(graphc.tensor([0.0, 100.0, 0.0]), hard=True)
        tensor([0., 1., 0.])
    """
    noise = -standard_exponential(tuple(logits.shape), logits, None).log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.detach().argmax(dim, keepdim=True)
    choice: Tensor = zeros_like(soft.detach()).scatter(dim, index, 1.0)
    return choice - soft.detach() + soft
