"""The base class of activations."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.nn.layers.base import FunctionModule

__all__ = ["Activation", "InplaceActivation"]


class Activation(FunctionModule):
    """A function of one tensor; `repr` shows the options of `bare` without their names, and `inplace` only if it is set."""

    bare: ClassVar[tuple[str, ...]] = ()

    def forward(self, input: Any) -> Any:
        """Apply the function.

        Args:
            input: tensor.

        Returns:
            Tensor of the dtype of input.
        """
        return self._call(input)

    def extra_repr(self) -> str:
        """Return the options."""
        values = {name: getattr(self, name) for name in self.options}
        if not values.get("inplace"):
            values.pop("inplace", None)
        return ", ".join(repr(v) if name in self.bare else f"{name}={v!r}" for name, v in values.items())


class InplaceActivation(Activation):
    """A function without options that may write its result to the input."""

    options: ClassVar[tuple[str, ...]] = ("inplace",)

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace
