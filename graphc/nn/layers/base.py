"""The base class of layers that are one function of their inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from graphc.nn.module import Module

__all__ = ["FunctionModule"]


class FunctionModule(Module):
    """Call a function with the inputs, and with the attributes that `options` names as keywords."""

    function: ClassVar[Callable[..., Any]]
    options: ClassVar[tuple[str, ...]] = ()

    def _call(self, *inputs: Any) -> Any:
        return type(self).function(*inputs, **{name: getattr(self, name) for name in self.options})
