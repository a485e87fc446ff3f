"""Weights that a hook computes before each forward from their norms and directions: the form before parametrizations."""

from __future__ import annotations

import warnings
from typing import Any

from graphc.nn.module import Module
from graphc.nn.parameter import Parameter
from graphc.nn.utils.norms import norm_except, scaled

__all__ = ["WeightNorm", "expect_parameter", "remove_weight_norm", "weight_norm"]


class WeightNorm:
    """Hook that computes a weight from its norms and its direction before each forward.

    Args:
        name: attribute of the weight.
        dim: axis along which the norms differ, None or -1 for a single norm.
    """

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        """Return the weight.

        Args:
            module: the module that has the norms and the direction.

        Returns:
            Tensor of the direction's shape.
        """
        return scaled(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Compute a weight from its norms, the parameter `NAME_g`, and its direction, `NAME_v`, before each forward.

    Deprecated in favour of `nn.utils.parametrizations.weight_norm`. Source: arXiv 1602.07868.

    Args:
        module: the module that has the weight; it is changed in place.
        name: attribute of the weight, a parameter of any shape.
        dim: the axis along which the norms differ; None for a single norm.

    Returns:
        The module.

    Raises:
        RuntimeError: if the weight has such a norm already.
        KeyError: if there is no such parameter.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore", FutureWarning)
        >>> [name for name, _ in nn.utils.weight_norm(nn.Linear(2, 3)).named_parameters()]
        ['bias', 'weight_g', 'weight_v']
    """
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=3,
    )
    weight = expect_parameter(module, name, WeightNorm, "weight_norm")
    norm = WeightNorm(name, dim)
    g = Parameter(norm_except(weight.detach(), norm.dim))
    del module._parameters[name]
    module.register_parameter(name + "_g", g)
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, norm.compute_weight(module))
    module.register_forward_pre_hook(norm)
    return module


def expect_parameter(module: Any, name: str, kind: type, title: str) -> Any:
    """Return a parameter of a module.

    Raises:
        TypeError: if the module is none.
        RuntimeError: if it has a hook of that kind for the parameter already.
        KeyError: if it has no such parameter.
    """
    if not isinstance(module, Module):
        raise TypeError(f"{title} expects a Module, got {type(module).__name__}")
    if any(isinstance(h, kind) and getattr(h, "name", None) == name for h in module._forward_pre_hooks.values()):
        raise RuntimeError(f"Cannot register two {title} hooks on the same parameter {name}")
    return module._parameters[name]


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make an ordinary parameter of a weight that `weight_norm` computes from others.

    Args:
        module: the module; it is changed in place.
        name: attribute of the weight.

    Returns:
        The module.

    Raises:
        ValueError: if no hook computes the weight.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore", FutureWarning)
        >>> layer = nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(2, 3)))
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'weight']
    """
    norm = take_hook(module, name, WeightNorm, "weight_norm")
    weight = norm.compute_weight(module).detach()
    for attribute in (name, name + "_g", name + "_v"):
        delattr(module, attribute)
    module.register_parameter(name, Parameter(weight))
    return module


def take_hook(module: Any, name: str, kind: type, title: str) -> Any:
    """Remove the forward hook of a kind that computes a weight, and return it.

    Raises:
        TypeError: if the module is none.
        ValueError: if there is no such hook.
    """
    if not isinstance(module, Module):
        raise TypeError(f"remove_{title} expects a Module, got {type(module).__name__}")
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and getattr(hook, "name", None) == name:
            return module._forward_pre_hooks.pop(key)
    raise ValueError(f"{title} of '{name}' not found in {module}")
