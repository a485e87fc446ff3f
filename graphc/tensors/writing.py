"""In-place writes to tensors: the implementation of in-place operations, and its errors."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from graphc.core.arrays import array_of
from graphc.core.dtypes import dtype, exact_number, of_numpy
from graphc.core.errors import add_location
from graphc.core.promotion import broadcast_shapes, broadcast_to
from graphc.ir.core.build import cast, constant
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.storage import views
from graphc.storage.storage import Storage
from graphc.storage.writes import record_write
from graphc.tensors.base import TITLES, TensorBase, methods_of_tensor
from graphc.tensors.gradients import Gradients

__all__ = ["Writing"]

T = TypeVar("T", bound="Writing")

OVERLAP = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
    "Please clone() the tensor before performing the operation."
)


@methods_of_tensor
class Writing(Gradients):
    """Write results and copies in place of the value of a tensor."""

    __slots__ = ()

    def _assign(self: T, result: Any, *, copies: bool = False, overlapping: bool = False) -> T:
        """Write a result, a Tensor or a Node, in place of this tensor's value, for in-place operations.

        It is cast to this tensor's dtype.  `copies` says that it was not computed from that value, `overlapping` that it is
        one number everywhere, so that elements may be one in memory.  Raises
        RuntimeError for another shape, for a result of a higher category, for elements that are one in memory, and
        for a leaf that requires a gradient, while gradients are recorded.
        """
        if isinstance(result, TensorBase):

            def check() -> None:
                self._check_write(result, copies=copies, overlapping=overlapping)

            if record_write(self, result, check, copy=False):
                return self
        self._check_write(result, copies=copies, overlapping=overlapping)
        node = cast(result if isinstance(result, Node) else result._node(), self._type.dtype)
        source = None if isinstance(result, Node) else result._storage
        pending = (source.pending if source is not None else self._storage.pending) + 1
        if not state.grad or not (self._storage.requires_grad or (source is not None and source.requires_grad)):
            self._write_value(node, pending)
        else:
            self._write_history(node, None if source is None else result._edge(), pending)
        return self

    def _check_write(self, result: Any, *, copies: bool, overlapping: bool) -> None:
        try:
            self._check_writable(result)
            if not overlapping:
                self._check_distinct(copies)
        except RuntimeError as error:
            add_location(error)
            raise

    def _check_fits(self, other: TensorBase) -> None:
        try:
            wide = broadcast_shapes([self._type.shape, other._type.shape])
            if wide != self._type.shape:
                raise RuntimeError(f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(wide)}")
        except RuntimeError as error:
            add_location(error)
            raise

    def _check_writable(self, result: Any) -> None:
        storage = self._storage
        if state.grad and storage.requires_grad and storage._fn is None:
            which = "a leaf" if self._base is None else "a view of a leaf"
            raise RuntimeError(f"{which} Variable that requires grad is being used in an in-place operation.")
        type = result.type if isinstance(result, Node) else result._type
        if type.shape != self._type.shape:
            raise RuntimeError(f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(type.shape)}")
        order = ("bool", "int", "float")
        if order.index(type.dtype.kind) > order.index(self._type.dtype.kind):
            names = (TITLES[type.dtype.name], TITLES[self._type.dtype.name])
            raise RuntimeError(f"result type {names[0]} can't be cast to the desired output type {names[1]}")

    def _check_distinct(self, copies: bool) -> None:
        """Refuse to write to elements that share memory, except copies into windows: there the last one wins."""
        source, path = self._place()
        if views.overlaps(source.shape, path):
            pairs = zip(self._type.shape, self.stride(), strict=True)
            if not copies or any(n > 1 and s == 0 for n, s in pairs):
                raise RuntimeError(OVERLAP)

    def _write_value(self, node: Node, pending: int) -> None:
        storage = self._storage
        whole = views.write(storage.entered(), self._view_steps, node) if self._view_steps else node
        storage.put_value(whole, pending)

    def _write_history(self, node: Node, edge: GradFn | None, pending: int) -> None:
        storage = self._storage
        if self._base is None:
            edge = edge if edge is not None else GradFn("CopyBackwards", (self._edge(), None), saves=False)
            storage.put(node, True, edge, pending)
            return
        whole = views.write(storage.entered(), self._view_steps, node)
        storage.put(whole, True, GradFn("CopySlices", (self._base._edge(), edge), saves=False), pending)
        self._view_fn, self._view_version = GradFn("AsStridedBackward0", (storage.make_fn(),), saves=False), storage.version

    def copy_(self: T, src: Any, non_blocking: bool = False) -> T:
        """Copy values into this tensor.

        Args:
            src: tensor, array, list or number whose shape broadcasts to that of this tensor; it is converted to this dtype.
            non_blocking: accepted for compatibility with torch and ignored.

        Returns:
            This tensor. The gradient goes to `src`, and is zero for the old values.

        Raises:
            RuntimeError: if the shape does not broadcast, elements of this tensor share memory (as after `expand`), or this
                is a leaf that requires a gradient while gradients are recorded.
            TypeError: if `src` is something else.

        Example:
            >>> graphc.zeros(2, 2).copy_(graphc.tensor([1, 2]))
            tensor([[1., 2.],
                    [1., 2.]])
        """
        if not isinstance(src, (TensorBase, np.ndarray, list, tuple)):
            try:
                number = constant(exact_number(src, self._type.dtype), self._type.dtype, self._type.shape)
            except (TypeError, RuntimeError, OverflowError) as error:
                add_location(error)
                raise
            return self._assign(TensorBase._of(Storage(number)), copies=True)
        other = src if isinstance(src, TensorBase) else _of_values(src, None if isinstance(src, np.ndarray) else self.dtype)
        if other._type.shape != self._type.shape:
            self._check_fits(other)
        as_written = TensorBase._recorded(other._storage, self._type)

        def check() -> None:
            self._check_write(as_written, copies=True, overlapping=False)

        if record_write(self, other, check, copy=True):
            return self
        node = cast(broadcast_to(other._node(), self._type.shape), self._type.dtype)
        if not other._storage.requires_grad or not state.grad:
            return self._assign(node, copies=True)
        step = GradFn("CopyBackwards", (self._edge(), other._edge()), saves=False)
        storage = Storage(node, True, step, other._storage.pending)
        return self._assign(TensorBase._of(storage), copies=True)


def _of_values(data: Any, dtype: dtype | None) -> TensorBase:
    """Return a tensor of nested sequences or an array, in their own dtype or another one."""
    array = array_of(data, dtype)
    node = parameter(TensorType(of_numpy(array.dtype).ir, array.shape))
    node.value = np.array(array, of_numpy(array.dtype).numpy)
    return TensorBase._of(Storage(node))
