"""Whether tensors require gradients, and the operations that recorded them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar
from weakref import ref

from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.storage.sharing import Shared
from graphc.storage.writes import record_leaf
from graphc.tensors.base import methods_of_tensor
from graphc.tensors.geometry import Geometry

__all__ = ["Gradients"]

T = TypeVar("T", bound="Gradients")


@dataclass(frozen=True, eq=False)
class _Flags:
    """Reads what a trace learned about an external tensor that it may not use otherwise."""

    tensor: Gradients

    def __call__(self) -> tuple[bool, bool]:
        return self.tensor.requires_grad, self.tensor.is_leaf


def _guard(tensor: Gradients) -> None:
    """Let the running trace depend on whether an external tensor requires a gradient, and is a leaf."""
    trace = state.trace
    assert trace is not None
    if any(type(getter) is _Flags and getter.tensor is tensor for getter, _ in trace.guards):
        return
    storage = tensor._storage
    is_leaf = not storage.requires_grad or (storage._fn is None and tensor._base is None)
    trace.guards.append((_Flags(tensor), (storage.requires_grad and tensor._type.dtype.is_float, is_leaf)))


@methods_of_tensor
class Gradients(Geometry):
    """Whether a tensor requires a gradient, whether it keeps it, and the operation that it is a result of."""

    __slots__ = ()

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor is no result of a recorded operation, so that `backward` accumulates its gradient in `.grad`."""
        if state.trace is not None and self._storage.trace is None:
            _guard(self)
        return not self._storage.requires_grad or (self._storage._fn is None and self._base is None)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded for gradients; of a leaf it can be assigned."""
        if state.trace is not None and self._storage.trace is None:
            _guard(self)
        return self._storage.requires_grad and self._type.dtype.is_float

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not self.is_leaf:
            if wanted:
                return
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
                "subgraph "
                "that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if wanted and not self._type.dtype.is_float:
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if bool(wanted) == self._storage.requires_grad:
            return
        if self._base is not None:
            self._storage, self._base, self._view_steps = Shared(self._storage, self._view_steps), None, ()
        if not wanted or not record_leaf(self):
            self._storage.set_requires_grad(bool(wanted))

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Set whether gradients with respect to this tensor are recorded.

        Args:
            requires_grad: the new value of `Tensor.requires_grad`.

        Returns:
            This tensor.

        Raises:
            RuntimeError: if the dtype is not a float, or the tensor is the result of a recorded operation and `requires_grad`
                False.

        Example:
            >>> graphc.ones(2).requires_grad_()
            tensor([1., 1.], requires_grad=True)
        """
        if requires_grad and not self._type.dtype.is_float:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> GradFn | None:
        """The recorded operation that this tensor is a result of, or None."""
        if self.is_leaf or not self.requires_grad:
            return None
        edge = self._edge()
        return edge if edge is None else edge.visible

    def retain_grad(self) -> None:
        """Let `backward` accumulate the gradient in `.grad` for the result of an operation, as it does for leaves.

        Raises:
            RuntimeError: if the tensor requires no gradient.

        Example:
            >>> x = graphc.tensor([1.0, 2.0], requires_grad=True)
            >>> y = x * 3
            >>> y.retain_grad()
            >>> (y * y).sum().backward()
            >>> y.grad
            tensor([ 6., 12.])
        """
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if not self.is_leaf:
            self._retains = True
            edge = self._edge()
            assert edge is not None
            edge.metadata = {**(edge.metadata or {}), "retains": (ref(self), self._node())}

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this result of an operation."""
        return self._retains
