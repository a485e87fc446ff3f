"""Helpers for training loops, as in torch.nn.utils."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.core.errors import guard_all as _guard_all
from graphc.ops.create.data import scalar_tensor
from graphc.ops.elementwise.bounds import clamp
from graphc.ops.reduce.norms import vector_norm
from graphc.ops.shape.joining import cat, stack
from graphc.tensors.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "get_total_norm", "parameters_to_vector", "vector_to_parameters"]


def _gradients(parameters: Any) -> list[Tensor]:
    tensors = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in tensors if p.grad is not None]


@no_grad()  # type: ignore[untyped-decorator]
def get_total_norm(tensors: Iterable[Tensor], norm_type: float = 2.0) -> Any:
    """Return the norm of all tensors as if they were one vector.

    Args:
        tensors: floating-point tensors of any shapes.
        norm_type: order of the norm; infinity for the maximum.

    Returns:
        0-d tensor; 0 without tensors.

    Raises:
        RuntimeError: if a tensor is not of a floating-point dtype.

    Example:
        >>> nn.utils.get_total_norm([graphc.tensor([3.0]), graphc.tensor([[4.0]])])
        tensor(5.)
    """
    norms = [vector_norm(t, norm_type) for t in tensors]
    return vector_norm(stack(norms), norm_type) if norms else scalar_tensor(0.0)


@no_grad()  # type: ignore[untyped-decorator]
def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Any:
    """Scale gradients in place such that their total norm is at most max_norm.

    The factor is min(max_norm / (norm + 1e-6), 1). Source: Pascanu et al., "On the difficulty of training recurrent neural
    networks" (2013).

    Args:
        parameters: a tensor or an iterable of tensors; those without a gradient are skipped.
        max_norm: largest norm that stays.
        norm_type: order of the norm; infinity for the maximum.
        error_if_nonfinite: whether a norm that is infinite or NaN is an error.

    Returns:
        0-d tensor: the total norm before scaling, 0 without gradients.

    Raises:
        RuntimeError: if the norm is not finite and error_if_nonfinite is True.

    Example:
        >>> w = graphc.zeros(2, requires_grad=True)
        >>> w.grad = graphc.tensor([3.0, 4.0])
        >>> nn.utils.clip_grad_norm_(w, 1.0), w.grad
        (tensor(5.), tensor([0.6000, 0.8000]))
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
    """Clamp every element of the gradients to [-clip_value, clip_value], in place.

    Args:
        parameters: a tensor or an iterable of tensors; those without a gradient are skipped.
        clip_value: largest absolute value that stays.

    Example:
        >>> w = graphc.zeros(2, requires_grad=True)
        >>> w.grad = graphc.tensor([3.0, -0.5])
        >>> nn.utils.clip_grad_value_(w, 1.0)
        >>> w.grad
        tensor([ 1.0000, -0.5000])
    """
    for grad in _gradients(parameters):
        grad.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """Concatenate parameters to one vector.

    Args:
        parameters: tensors of one dtype, of any shapes.

    Returns:
        Vector of all elements, each tensor in row-major order; gradients flow through it.

    Raises:
        ValueError: if there are no parameters.

    Example:
        >>> nn.utils.parameters_to_vector([graphc.tensor([[1.0, 2.0]]), graphc.tensor(3.0)])
        tensor([1., 2., 3.])
    """
    return cat([p.reshape(-1) for p in parameters])


@no_grad()  # type: ignore[untyped-decorator]
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the elements of a vector into parameters, in order and in place.

    Args:
        vec: vector with as many elements as the parameters have together.
        parameters: tensors of any shapes.

    Raises:
        RuntimeError: if the vector is too short.

    Example:
        >>> w = graphc.zeros(2, 2)
        >>> nn.utils.vector_to_parameters(graphc.arange(4.0), [w])
        >>> w
        tensor([[0., 1.],
                [2., 3.]])
    """
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.copy_(vec[start:end].reshape(tuple(parameter.shape)))
        start = end


_guard_all(globals(), __all__)
