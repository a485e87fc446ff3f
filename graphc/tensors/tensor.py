"""The tensor: a storage read through a view, its gradient, and access to its values."""

from __future__ import annotations

import copy as copying
import warnings
from collections.abc import Iterator
from sys import getrefcount
from typing import Any, TypeVar
from weakref import ref

import numpy as np

from graphc.core.dtypes import get_default_dtype, of_numpy
from graphc.core.errors import TracingError, located
from graphc.ir.core.graph import parameter
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.storage import views
from graphc.storage.operands import TENSORS
from graphc.storage.sharing import Shared, own, rebind, share
from graphc.storage.storage import HELD_ONCE, Storage, stopped, valued
from graphc.storage.views import ViewSteps
from graphc.tensors.base import TITLES
from graphc.tensors.constructors import legacy
from graphc.tensors.devices import device
from graphc.tensors.values import Values

__all__ = ["Tensor", "device"]  # older pickles name the device here

T = TypeVar("T", bound="Tensor")

new_object = object.__new__

NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated "
    "during "
    "autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
    "non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead."
)

DATA_FROM_OUTSIDE = (
    "expected a tensor that the traced function made, got one from outside: from then on both would share their values, "
    "which a compiled function cannot leave behind; assign to .data outside of it, or write with copy_()"
)


class Tensor(Values):
    """Multi-dimensional array of one dtype, with lazily computed values and recorded, differentiable operations.

    Constructed from sizes or from data, a tensor has the default float dtype; `graphc.tensor` infers the dtype from the data.

    Args:
        *args: sizes, as `Tensor(2, 3)`, for a tensor of zeros; or one sequence, array or tensor with the data.
        **keywords: `size` or `data` instead of the positional arguments, and `device`, the CPU.

    Raises:
        TypeError: for anything else.
        RuntimeError: if a size is negative.
        ValueError: if nested sequences have different lengths.

    Example:
        >>> x = graphc.Tensor([1, 2])
        >>> x, x.dtype, graphc.Tensor(2, 3).shape
        (tensor([1., 2.]), torch.float32, torch.Size([2, 3]))
    """

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Register the class."""
        super().__init_subclass__(**keywords)
        TENSORS.add(cls)

    __slots__ = ()

    _grad: Tensor | None

    def __new__(cls: type[T], *args: Any, **keywords: Any) -> T:
        """Return a tensor of the default float dtype: of sizes, `Tensor(2, 3)`, or of data, `Tensor([2, 3])`.

        Of a tensor, it shares the values.  Raises TypeError for anything else.
        """
        return legacy(cls, get_default_dtype(), args, keywords)

    def _view_along(self, steps: ViewSteps, name: str, type: TensorType | None = None) -> Tensor:
        """Return the view along some steps, whose type may be known; outside of recording, one without history."""
        storage, path = self._storage, self._view_steps + steps
        if type is None:
            type = TensorType(self._type.dtype, views.shape_of(self._type.shape, steps))
        if storage.requires_grad and not state.grad:
            return Tensor._recorded(Shared(storage, path), type)
        view: Tensor = new_object(Tensor)
        view._storage, view._type, view._view_steps, view._view_version = storage, type, path, storage.version
        view._base = self if self._base is None else self._base
        view._grad = view._hooks = view._viewed = None
        view._retains = False
        view._view_fn = (name, self) if storage.requires_grad else None
        storage.shown_by(view)
        return view

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` accumulated, or None; results of operations have one only after `retain_grad`."""
        if state.trace is not None:
            state.trace.reads_grad(self)
        if self._grad is None and not self.is_leaf and not self._retains:
            warnings.warn(NON_LEAF_GRAD, UserWarning, stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, new: Tensor | None) -> None:
        if new is not None:
            self._check_grad(new)
        if state.trace is not None:
            state.trace.writes_grad(self)
        self._grad = new

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def _check_grad(self, new: object) -> None:
        if not isinstance(new, Tensor):
            raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(new).__name__}")
        if new.shape != self.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(new.shape)}' to a tensor of size '{list(self.shape)}'. "
                "Please ensure that the gradient and the tensor are the same size"
            )
        if new._type.dtype is not self._type.dtype:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{_NAMES[new._type.dtype.name]}' to a tensor with grad_dtype "
                f"'{TITLES[self._type.dtype.name]}'. The gradient must match the tensor's grad_dtype (defaults to the "
                "tensor's dtype). "
                "You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
                "grad_dtype with "
                "caution. Diverging the dtypes of a tensor and its gradient may break downstream systems that assume they "
                "match."
            )

    def detach(self) -> Tensor:
        """Return a tensor without history that shares the values of this one.

        Returns:
            Tensor of the same shape and dtype that requires no gradient; in-place operations on one change both.

        Example:
            >>> x = graphc.tensor([1.0, 2.0], requires_grad=True)
            >>> y = x.detach()
            >>> y.mul_(10)
            tensor([10., 20.])
            >>> x
            tensor([10., 20.], requires_grad=True)
        """
        storage = self._storage
        shared = Shared(storage, self._view_steps)
        if storage.requires_grad and storage._fn is None and self._base is None:
            shared.leaf = ref(self)
        return Tensor._recorded(shared, self._type)

    @property
    def data(self) -> Tensor:
        """The values without history, shared with this tensor; assigning a tensor replaces the values."""
        return self.detach()

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise located(TypeError(f"Variable data has to be a tensor, but got {type(new).__name__}"))
        if self._view_steps or self._base is not None:
            self._storage, self._view_steps, self._base = Shared(self._storage, self._view_steps), (), None
        if state.trace is not None:
            self._take_value(new)
        elif self._place() != new._place():
            alone = self._is_alone(new)
            own(self._storage)
            if alone:
                self._storage.put_value(new._node(), new._storage.pending)
                new._storage = Shared(self._storage, ())
            else:
                share(self._storage, new._storage, new._view_steps)
        self._type = new._type

    def _is_alone(self, new: Tensor) -> bool:
        """Return whether nothing but `new` holds its values, so that it can share with this tensor."""
        plain = type(new._storage) is Storage and not new._view_steps
        return plain and not new._storage.requires_grad and getrefcount(new._storage) <= HELD_ONCE

    def _take_value(self, new: Tensor) -> None:
        """Take other values while a function is traced.  Raises TracingError for those of an external tensor."""
        node, root = new._node(), new._storage.root
        if root.trace is not state.trace or (state.trace is not None and state.trace.knows(root)):
            raise located(TracingError(DATA_FROM_OUTSIDE))
        rebind(self._storage, stopped(node) if new._storage.requires_grad else node, new._storage.pending)

    def __iter__(self) -> Iterator[Tensor]:
        if not self._type.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(self._type.shape[0])])

    def __format__(self, spec: str) -> str:
        if not self._type.shape and not self._view_steps and type(self) is Tensor:
            return format(self.item(), spec) if spec or not self.requires_grad else repr(self)
        return format(self.item(), spec) if spec and not self._type.shape else object.__format__(self, spec)

    def __deepcopy__(self: T, memo: dict[int, Any]) -> T:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
                "If you were "
                "attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
                "https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        new = memo[id(self)] = _rebuild(type(self), self._array(), self.requires_grad)
        new._grad = copying.deepcopy(self._grad, memo)
        new.__dict__.update(copying.deepcopy(self.__dict__, memo))
        return new

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return (_rebuild, (type(self), np.array(self._array()), self.requires_grad), self.__dict__ or None)


TENSORS.add(Tensor)


_NAMES = {"f32": "float", "f64": "double", "i32": "int", "i64": "long", "u8": "unsigned char", "bool": "bool"}


def _rebuild(cls: type[T], array: np.ndarray[Any, Any], requires_grad: bool) -> T:
    """Return a leaf of a class with the values of an array, for copying and pickling."""
    node = parameter(TensorType(of_numpy(array.dtype).ir, array.shape))
    storage = Storage(valued(array, node))
    new = cls._of(storage)
    if requires_grad:
        storage.set_requires_grad(True)
    return new
