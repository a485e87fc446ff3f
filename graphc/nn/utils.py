"""Helpers for training loops, as torch.nn.utils has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.core.errors import guard_all as _guard_all
from graphc.ops.creation import scalar_tensor
from graphc.ops.pointwise import clamp
from graphc.ops.reductions import vector_norm
from graphc.ops.shape import cat, stack
from graphc.tensors.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "get_total_norm", "parameters_to_vector", "vector_to_parameters"]


def _gradients(parameters: Any) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in given if p.grad is not None]


@no_grad()  # type: ignore[untyped-decorator]
def get_total_norm(tensors: Iterable[Tensor], norm_type: float = 2.0) -> Any:
    """Return the norm of all tensors as if they were one vector: the norm of their norms."""
    norms = [vector_norm(t, norm_type) for t in tensors]
    return vector_norm(stack(norms), norm_type)


@no_grad()  # type: ignore[untyped-decorator]
def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Any:
    """Scale gradients in place so that their total norm is at most `max_norm`; return the norm before.

    Raises RuntimeError with `error_if_nonfinite` if the norm is not finite.
    """
    grads = _gradients(parameters)
    if not grads:
        return scalar_tensor(0.0)
    total = get_total_norm(grads, float(norm_type))
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. "
            "To disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    factor = clamp(max_norm / (total + 1e-6), max=1.0)
    for grad in grads:
        grad.mul_(factor)
    return total


@no_grad()  # type: ignore[untyped-decorator]
def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Move every element of the gradients into [-clip_value, clip_value], in place."""
    for grad in _gradients(parameters):
        grad.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """Return all parameters as one vector."""
    return cat([p.reshape(-1) for p in parameters])


@no_grad()  # type: ignore[untyped-decorator]
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the parts of a vector into parameters, in order."""
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.copy_(vec[start:end].reshape(tuple(parameter.shape)))
        start = end

_guard_all(globals(), __all__)
