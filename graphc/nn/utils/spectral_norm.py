"""Weights that a hook divides by their largest singular value before each forward: the form before parametrizations."""

from __future__ import annotations

from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter
from graphc.nn.utils.norms import as_matrix, largest_singular_value, output_axis, power_iteration
from graphc.nn.utils.weight_norm import expect_parameter, take_hook
from graphc.ops.reduce.distances import normalize

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]


class SpectralNorm:
    """Hook that divides a weight by an estimate of its largest singular value before each forward.

    Args:
        name: attribute of the weight.
        n_power_iterations: steps of power iteration for each forward in training mode.
        dim: axis of the outputs.
        eps: smallest norm by which a vector is divided.
    """

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Any:
        """Return the weight.

        Args:
            module: the module that has the original weight and the singular vectors.
            do_power_iteration: whether to refine the singular vectors before, in place.

        Returns:
            Tensor of the original weight's shape.
        """
        weight, u, v = (getattr(module, self.name + suffix) for suffix in ("_orig", "_u", "_v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            power_iteration(matrix, u, v, self.n_power_iterations, self.eps, left_first=False)
        return weight / largest_singular_value(matrix, u, v)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """Divide a weight by an estimate of its largest singular value before each forward.

    The weight itself is the parameter `NAME_orig`, the singular vectors are the buffers `NAME_u` and `NAME_v`.
    `nn.utils.parametrizations.spectral_norm` is the newer form. Source: arXiv 1802.05957.

    Args:
        module: the module that has the weight; it is changed in place.
        name: attribute of the weight, a parameter; all axes but one count as one.
        n_power_iterations: steps of power iteration for each forward in training mode.
        eps: smallest norm by which a vector is divided.
        dim: axis of the outputs, None for 0, or 1 if the module is a transposed convolution.

    Returns:
        The module.

    Raises:
        RuntimeError: if the weight has such a norm already.
        KeyError: if there is no such parameter.
        ValueError: if n_power_iterations is not positive, or the parameter is None.

    Example:
        >>> list(nn.utils.spectral_norm(nn.Linear(2, 3)).state_dict())
        ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    weight = expect_parameter(module, name, SpectralNorm, "spectral_norm")
    norm = SpectralNorm(name, n_power_iterations, output_axis(module, dim), eps)
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    matrix = as_matrix(weight.detach(), norm.dim)
    vectors = [normalize(weight.detach().new_empty(n).normal_(0, 1), dim=0, eps=eps) for n in matrix.shape]
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    setattr(module, name, weight.detach())
    for suffix, vector in zip(("_u", "_v"), vectors, strict=True):
        module.register_buffer(name + suffix, vector)
    module.register_forward_pre_hook(norm)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make an ordinary parameter of a weight that `spectral_norm` computes.

    Args:
        module: the module; it is changed in place.
        name: attribute of the weight.

    Returns:
        The module.

    Raises:
        ValueError: if no hook computes the weight.

    Example:
        >>> layer = nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(2, 3)))
        >>> list(layer.state_dict())
        ['bias', 'weight']
    """
    norm = take_hook(module, name, SpectralNorm, "spectral_norm")
    with no_grad():
        weight = norm.compute_weight(module, do_power_iteration=False)
    for suffix in ("", "_u", "_v", "_orig"):
        delattr(module, name + suffix)
    module.register_parameter(name, Parameter(weight.detach()))
    return module
