"""Activations as modules: each calls the function of the same name with the options it was made with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from graphc.nn import functional as F
from graphc.nn import init
from graphc.nn.module import Module
from graphc.nn.parameter import fresh

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softmin", "Softplus", "Softshrink",
    "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


class Activation(Module):
    """A function of one tensor with options; subclasses name the function and the options with their defaults.

    With `inplace` the result is written to the input.
    """

    function: ClassVar[Callable[..., Any]]
    options: ClassVar[dict[str, Any]] = {}
    has_inplace: ClassVar[bool] = False
    bare: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        names = [*self.options, *(["inplace"] if self.has_inplace else [])]
        given = dict(zip(names, args, strict=False))
        unknown = set(kwargs) - set(names)
        if unknown or len(args) > len(names):
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected argument {', '.join(unknown) or args[len(names)]!r}"
            )
        for name in names:
            setattr(self, name, kwargs.get(name, given.get(name, self.options.get(name, False))))

    def forward(self, input: Any) -> Any:
        """Apply the function."""
        written = {"inplace": True} if getattr(self, "inplace", False) else {}
        return type(self).function(input, *(getattr(self, name) for name in self.options), **written)

    def extra_repr(self) -> str:
        """Return the options."""
        shown = [repr(getattr(self, n)) if n in self.bare else f"{n}={getattr(self, n)!r}" for n in self.options]
        return ", ".join([*shown, *(["inplace=True"] if getattr(self, "inplace", False) else [])])


def _activation(name: str, function: Callable[..., Any], has_inplace: bool = False, **options: Any) -> Any:
    """Return the class of an activation."""
    doc = f"{name} as a module: see nn.functional.{getattr(function, '__name__', name.lower())}."
    fields = {
        "function": staticmethod(function),
        "options": options,
        "has_inplace": has_inplace,
        "__doc__": doc,
        "__module__": __name__,
    }
    return type(name, (Activation,), fields)


ReLU = _activation("ReLU", F.relu, True)
SELU = _activation("SELU", F.selu, True)
SiLU = _activation("SiLU", F.silu, True)
Mish = _activation("Mish", F.mish, True)
Hardswish = _activation("Hardswish", F.hardswish, True)
Hardsigmoid = _activation("Hardsigmoid", F.hardsigmoid, True)
Sigmoid = _activation("Sigmoid", F.sigmoid)
Tanh = _activation("Tanh", F.tanh)
LogSigmoid = _activation("LogSigmoid", F.logsigmoid)
Softsign = _activation("Softsign", F.softsign)
Tanhshrink = _activation("Tanhshrink", F.tanhshrink)
GELU = _activation("GELU", F.gelu, approximate="none")
GLU = _activation("GLU", F.glu, dim=-1)
ELU = _activation("ELU", F.elu, True, alpha=1.0)
CELU = _activation("CELU", F.celu, True, alpha=1.0)
LeakyReLU = _activation("LeakyReLU", F.leaky_relu, True, negative_slope=0.01)
Softplus = _activation("Softplus", F.softplus, beta=1.0, threshold=20.0)
Hardtanh = _activation("Hardtanh", F.hardtanh, True, min_val=-1.0, max_val=1.0)
Threshold = _activation("Threshold", F.threshold, True, threshold=None, value=None)
Softmax = _activation("Softmax", F.softmax, dim=None)
Softmin = _activation("Softmin", F.softmin, dim=None)
LogSoftmax = _activation("LogSoftmax", F.log_softmax, dim=None)


class ReLU6(Activation):
    """min(max(x, 0), 6) as a module."""

    function = staticmethod(F.relu6)
    has_inplace = True


class Hardshrink(Activation):
    """x, but 0 within [-lambd, lambd], as a module."""

    function = staticmethod(F.hardshrink)
    options: ClassVar = {"lambd": 0.5}
    bare = ("lambd",)


class Softshrink(Activation):
    """x moved towards 0 by lambd, as a module."""

    function = staticmethod(F.softshrink)
    options: ClassVar = {"lambd": 0.5}
    bare = ("lambd",)


class PReLU(Module):
    """A rectifier whose slope below 0 is trained: one, or one for each channel."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = _filled(num_parameters, init)

    def forward(self, input: Any) -> Any:
        """Apply the rectifier."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the number of slopes."""
        return f"num_parameters={self.num_parameters}"


def _filled(n: int, value: float) -> Any:
    return init.constant_(fresh(n), value)
