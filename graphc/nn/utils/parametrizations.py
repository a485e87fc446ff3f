"""Parametrizations of weights, as in torch.nn.utils.parametrizations."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import guard_all as _guard_all
from graphc.nn.module import Module
from graphc.nn.utils.norms import as_matrix, largest_singular_value, norm_except, output_axis, power_iteration, scaled
from graphc.nn.utils.parametrize import register_parametrization
from graphc.ops.reduce.distances import normalize
from graphc.tensors.tensor import Tensor

__all__ = ["spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """Compute a weight from its norms and its direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        """Return the weight."""
        return scaled(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """Return the norms of a weight, and the weight itself as the direction."""
        return norm_except(weight, self.dim), weight


class _SpectralNorm(Module):
    """Divide a weight by its largest singular value, which each read in training mode estimates better."""

    def __init__(self, weight: Any, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        rank = weight.dim()
        if not -rank <= dim < rank:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{rank}, {rank - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.dim, self.eps = dim % rank, eps
        if rank > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            for name, size in zip(("_u", "_v"), matrix.shape, strict=True):
                self.register_buffer(name, normalize(matrix.new_empty(size).normal_(0, 1), dim=0, eps=eps))
            power_iteration(matrix, self._u, self._v, 15, eps, left_first=True)

    def forward(self, weight: Any) -> Any:
        """Return the weight divided by its largest singular value; a vector, by its norm."""
        if weight.dim() == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            power_iteration(matrix, self._u, self._v, self.n_power_iterations, self.eps, left_first=True)
        return weight / largest_singular_value(matrix, self._u, self._v)

    def right_inverse(self, value: Any) -> Any:
        """Return the value: it becomes the original weight."""
        return value


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Parametrize a weight by its norms, `parametrizations.NAME.original0`, and its direction, `original1`.

    State dictionaries of the older `nn.utils.weight_norm` can be loaded. Source: arXiv 1602.07868.

    Args:
        module: the module that has the weight; it is changed in place.
        name: attribute of the weight, of any shape.
        dim: the axis along which the norms differ; None for a single norm.

    Returns:
        The module.

    Raises:
        ValueError: if there is no such parameter or buffer.

    Example:
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        >>> [(name, tuple(p.shape)) for name, p in layer.named_parameters()][1:]
        [('parametrizations.weight.original0', (3, 1)), ('parametrizations.weight.original1', (3, 2))]
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(module: Module, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        old, new = (f"{prefix}{name}_g", f"{prefix}{name}_v"), f"{prefix}parametrizations.{name}.original"
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{new}{i}"] = state_dict.pop(key)

    module.register_load_state_dict_pre_hook(rename)
    return module


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by an estimate of its largest singular value; a vector, by its norm.

    The estimate is refined by power iteration whenever the weight is read in training mode. Source: arXiv 1802.05957.

    Args:
        module: the module that has the weight; it is changed in place.
        name: attribute of the weight; all axes but one count as one.
        n_power_iterations: steps of power iteration for each read.
        eps: smallest norm by which a vector is divided.
        dim: axis of the outputs, None for 0, or 1 if the module is a transposed convolution.

    Returns:
        The module.

    Raises:
        ValueError: if there is no such parameter or buffer, or n_power_iterations is not positive.
        IndexError: if dim is out of range.

    Example:
        >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 1))
        >>> round(float(layer.weight.norm()), 4)
        1.0
    """
    weight = getattr(module, name, None) if isinstance(name, str) else None
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    parametrization = _SpectralNorm(weight, n_power_iterations, output_axis(module, dim), eps)
    return register_parametrization(module, name, parametrization)


_guard_all(globals(), __all__)
