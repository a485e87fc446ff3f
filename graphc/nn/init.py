"""Initializers of parameters, as in torch.nn.init; all work in place, without recording."""

from __future__ import annotations

from graphc.core.errors import guard_all as _guard_all
from graphc.nn.fill import constant_, eye_, normal_, ones_, trunc_normal_, uniform_, zeros_
from graphc.nn.variance_scaling import calculate_gain, kaiming_normal_, kaiming_uniform_, xavier_normal_, xavier_uniform_

__all__ = [
    "calculate_gain", "constant_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "trunc_normal_",
    "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

_guard_all(globals(), __all__)
