"""The context that forward of a custom function fills for its backward and jvp."""

from __future__ import annotations

from typing import Any

from graphc.ir.core.graph import Node
from graphc.tensors.tensor import Tensor

__all__ = ["FunctionCtx"]


class FunctionCtx:
    """The context of one call of a `Function`: carries saved tensors, and any attributes, from forward to backward and jvp."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._saved: tuple[Any, ...] = ()
        self._saved_forward: tuple[Any, ...] = ()
        self._forward = False
        self._inputs: list[Node] = []
        self._constant: set[int] = set()
        self._dirty: set[int] = set()
        self._materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Save tensors for backward, where `saved_tensors` returns them.

        Args:
            *tensors: tensors or None; inputs and outputs keep their history.
        """
        self._saved = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Save tensors for jvp, where `saved_tensors` returns them.

        Args:
            *tensors: tensors or None.
        """
        self._saved_forward = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors of `save_for_backward`; within jvp, those of `save_for_forward`."""
        return self._saved_forward if self._forward else self._saved

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Mark outputs as not differentiable: they require no gradient.

        Args:
            *outputs: tensors that forward returns.
        """
        self._constant.update(map(id, outputs))

    def mark_dirty(self, *inputs: Tensor) -> None:
        """Mark inputs that forward modifies in place; forward must return them.

        Args:
            *inputs: tensor arguments of forward.
        """
        self._dirty.update(map(id, inputs))

    def set_materialize_grads(self, value: bool) -> None:
        """Set whether backward and jvp receive zeros or None where there is no gradient.

        Args:
            value: True, the default, for zeros.
        """
        self._materialize = value
