"""Initializers of parameters, as in torch.nn.init; all work in place, without recording."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps as _wraps
from typing import Any

from graphc.core.errors import guard_all as _guard_all
from graphc.nn.fill import constant_, eye_, normal_, ones_, trunc_normal_, uniform_, zeros_
from graphc.nn.orthogonal import dirac_, orthogonal_, sparse_
from graphc.nn.variance_scaling import calculate_gain, kaiming_normal_, kaiming_uniform_, xavier_normal_, xavier_uniform_

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal", "kaiming_normal_",
    "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal", "orthogonal_", "sparse", "sparse_",
    "trunc_normal_", "uniform", "uniform_", "xavier_normal", "xavier_normal_", "xavier_uniform", "xavier_uniform_", "zeros_",
]  # fmt: skip

_guard_all(globals(), [name for name in __all__ if name in globals()])


def _deprecated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an initializer under its old name, without the underscore, which warns."""
    new = function.__name__
    old = new.rstrip("_")

    @_wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = old
    rest = (function.__doc__ or "").partition("\n")[2]
    call.__doc__ = f"Call `{new}` under its old name, with a FutureWarning.\n{rest}"
    return call


constant, dirac, eye, normal = _deprecated(constant_), _deprecated(dirac_), _deprecated(eye_), _deprecated(normal_)
orthogonal, sparse, uniform = _deprecated(orthogonal_), _deprecated(sparse_), _deprecated(uniform_)
kaiming_normal, kaiming_uniform = _deprecated(kaiming_normal_), _deprecated(kaiming_uniform_)
xavier_normal, xavier_uniform = _deprecated(xavier_normal_), _deprecated(xavier_uniform_)
