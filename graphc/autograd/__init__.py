"""Automatic differentiation in reverse mode, as in torch.autograd: `backward`, `grad`, grad modes, custom functions."""

from graphc.autograd import functional
from graphc.autograd.anomaly import detect_anomaly, set_detect_anomaly
from graphc.autograd.backward import backward, grad
from graphc.autograd.function import Function, once_differentiable
from graphc.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from graphc.core.errors import guard_all as _guard_all

__all__ = [
    "Function", "backward", "detect_anomaly", "enable_grad", "functional", "grad", "inference_mode", "no_grad",
    "once_differentiable", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip

_guard_all(globals(), __all__)
