"""The base class of activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from graphc.nn.module import Module

__all__ = ["Activation"]


class Activation(Module):
    """A function of one tensor: subclasses name the function and the attributes that are its options.

    With the attribute `inplace` the result is written to the input.
    """

    function: ClassVar[Callable[..., Any]]
    options: ClassVar[tuple[str, ...]] = ()
    bare: ClassVar[tuple[str, ...]] = ()

    def forward(self, input: Any) -> Any:
        """Apply the function.

        Args:
            input: tensor.

        Returns:
            Tensor of the dtype of input.
        """
        written = {"inplace": True} if getattr(self, "inplace", False) else {}
        return type(self).function(input, *(getattr(self, name) for name in self.options), **written)

    def extra_repr(self) -> str:
        """Return the options."""
        shown = [repr(getattr(self, n)) if n in self.bare else f"{n}={getattr(self, n)!r}" for n in self.options]
        return ", ".join([*shown, *(["inplace=True"] if getattr(self, "inplace", False) else [])])
