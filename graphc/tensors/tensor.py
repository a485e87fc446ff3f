"""The tensor: a storage read through a view, its gradient, and access to its values."""

from __future__ import annotations

import copy as copying
import warnings
from collections.abc import Callable, Iterator
from sys import getrefcount
from typing import Any, TypeVar
from weakref import ref

import numpy as np

from graphc.core.arrays import array_of
from graphc.core.dtypes import Size, dtype, exact_number, get_default_dtype, of_ir, of_numpy
from graphc.core.errors import TracingError, add_location, located
from graphc.core.printing import format_tensor
from graphc.core.promotion import broadcast_shapes, broadcast_to
from graphc.ir.core.build import cast, constant
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import AccumulateGrad, GradFn
from graphc.recording.lazy import realize
from graphc.storage import views
from graphc.storage.operands import TENSORS
from graphc.storage.storage import HELD_ONCE, Shared, Storage, compute, stopped, valued
from graphc.storage.views import ViewSteps
from graphc.storage.writes import record_leaf, record_write
from graphc.tensors.operations import Operations

__all__ = ["AccumulateGrad", "Tensor", "device", "legacy"]

T = TypeVar("T", bound="Tensor")

NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated "
    "during "
    "autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
    "non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor instead."
)

OVERLAP = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
    "Please clone() the tensor before performing the operation."
)

DATA_FROM_OUTSIDE = (
    "expected a tensor that the traced function made, got one from outside: from then on both would share their values, "
    "which a compiled function cannot leave behind; assign to .data outside of it, or write with copy_()"
)


class device:
    """The device of a tensor: always the CPU.

    Args:
        type: "cpu", optionally with an index ("cpu:0"), or a device.
        index: ignored.

    Raises:
        RuntimeError: for another device.

    Example:
        >>> graphc.device("cpu")
        device(type='cpu')
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | device = "cpu", index: int | None = None) -> None:
        kind = str(type).split(":")[0]
        if kind != "cpu":
            raise RuntimeError(f"graphc runs on the CPU; got device {str(type)!r}")
        self.type, self.index = kind, index

    def __repr__(self) -> str:
        return f"device(type='{self.type}')"

    def __str__(self) -> str:
        return self.type

    def __eq__(self, other: object) -> bool:
        return str(other).split(":")[0] == self.type

    def __hash__(self) -> int:
        return hash(self.type)


CPU = device("cpu")


class Tensor(Operations):
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
        """Note the class."""
        super().__init_subclass__(**keywords)
        TENSORS.add(cls)

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_base",
        "_grad",
        "_hooks",
        "_retains",
        "_storage",
        "_type",
        "_view_fn",
        "_view_steps",
        "_view_version",
        "_viewed",
    )

    _storage: Storage
    _base: Tensor | None
    _view_steps: ViewSteps
    """The views that lead from the storage to the values of this tensor; empty unless it is a view of `_base`."""
    _type: TensorType
    _grad: Tensor | None
    _hooks: dict[str, dict[int, Callable[..., Any]]] | None
    _retains: bool
    _view_fn: GradFn | tuple[str, Tensor] | None
    """The step of the history that this view is; until that is made, its name and the operand."""
    _view_version: int
    _viewed: tuple[int, int, int] | None
    """Of a view: the number of a recording, the version of the storage, and the slot of what it shows of that."""

    __array_priority__ = 1000

    def __new__(cls: type[T], *args: Any, **keywords: Any) -> T:
        """Return a tensor of the default float dtype: of sizes, `Tensor(2, 3)`, or of data, `Tensor([2, 3])`.

        Of a tensor, it shares the values.  Raises TypeError for anything else.
        """
        return legacy(cls, get_default_dtype(), args, keywords)

    @classmethod
    def _of(cls: type[T], storage: Storage) -> T:
        """Return a tensor that shows all of a storage."""
        self = object.__new__(cls)
        self._storage = storage
        self._base = self._grad = self._hooks = self._view_fn = None
        self._view_steps = ()
        self._type = storage.node.types[0]
        self._retains = False
        self._view_version = 0
        self._viewed = None
        return self

    @classmethod
    def _recorded(cls, storage: Storage, type: TensorType) -> Tensor:
        """Return a tensor for the storage of a slot."""
        self = object.__new__(cls)
        self._storage, self._type = storage, type
        self._base = self._grad = self._hooks = self._view_fn = self._viewed = None
        self._view_steps = ()
        self._retains = False
        self._view_version = 0
        return self

    @classmethod
    def _adopt(cls: type[T], other: Tensor) -> T:
        """Return a tensor of this class on the storage of `other`: how subclasses are made."""
        self = cls._of(other._storage)
        self._base, self._view_steps, self._type = other._base, other._view_steps, other._type
        self._view_fn, self._view_version = other._view_fn, other._view_version
        return self

    # -- reading the graph ----------------------------------------------------------------------------

    def _node(self) -> Node:
        """Return the node of the value at this moment."""
        node = self._storage.current()
        return views.read(node, self._view_steps) if self._view_steps else node

    def _edge(self) -> GradFn | None:
        """Return the step of the history that made this value; for a leaf, the one that accumulates its gradient."""
        storage = self._storage
        if not storage.requires_grad:
            return None
        if self._base is not None:
            return self._view_history()
        return storage.fn if storage._fn is not None else AccumulateGrad(self, storage.current())

    def _view_history(self) -> GradFn | None:
        assert self._base is not None
        if isinstance(self._view_fn, tuple):
            name, operand = self._view_fn
            self._view_fn = GradFn(name, (operand._edge() if self._view_version == self._storage.version else None,))
        if self._view_fn is None or self._view_version != self._storage.version:
            name = "AsStridedBackward0" if self._view_fn is None or self._view_version else self._view_fn.name()
            self._view_fn = GradFn(name, (self._base._edge(),))
            self._view_version = self._storage.version
        return self._view_fn

    def _view_along(self, steps: ViewSteps, name: str) -> Tensor:
        """Return the view of this tensor along some steps; outside of recording, one without history."""
        storage, path = self._storage, self._view_steps + steps
        type = TensorType(self._type.dtype, views.shape_of(self._type.shape, steps))
        if storage.requires_grad and not state.grad:
            return Tensor._recorded(Shared(storage, path), type)
        view = Tensor._recorded(storage, type)
        view._base = self if self._base is None else self._base
        view._view_steps = path
        view._view_version = storage.version
        storage.shown_by(view)
        if storage.requires_grad:
            view._view_fn = (name, self)
        return view

    # -- what everybody asks ----------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of the axes, a `graphc.Size`."""
        return Size(self._type.shape)

    @property
    def dtype(self) -> dtype:
        """The dtype of the elements."""
        return of_ir(self._type.dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._type.shape)

    def dim(self) -> int:
        """Return the number of axes.

        Returns:
            int.

        Example:
            >>> graphc.zeros(2, 3).dim()
            2
        """
        return len(self._type.shape)

    def size(self, dim: int | None = None) -> Any:
        """Return the sizes of all axes, or the size of one.

        Args:
            dim: the axis, negative numbers counting from the last; None for all.

        Returns:
            `graphc.Size`, or an int.

        Raises:
            IndexError: if there is no such axis.

        Example:
            >>> graphc.zeros(2, 3).size(), graphc.zeros(2, 3).size(-1)
            (torch.Size([2, 3]), 3)
        """
        if dim is None:
            return self.shape
        return self._type.shape[self._axis(dim)]

    def _axis(self, dim: int) -> int:
        """Check an axis.  Raises IndexError."""
        if not self.ndim:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        if not -self.ndim <= dim < self.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-self.ndim}, {self.ndim - 1}], but got {dim})"
            )
        return dim

    def numel(self) -> int:
        """Return the number of elements.

        Returns:
            int.

        Example:
            >>> graphc.zeros(2, 3).numel()
            6
        """
        return self._type.size

    nelement = numel

    def element_size(self) -> int:
        """Return the size of an element in bytes.

        Returns:
            int.

        Example:
            >>> graphc.zeros(2, 3).element_size()
            4
        """
        return self._type.dtype.bytes

    @property
    def itemsize(self) -> int:
        """The size of an element in bytes."""
        return self._type.dtype.bytes

    @property
    def nbytes(self) -> int:
        """The size of all elements in bytes."""
        return self._type.bytes

    def stride(self, dim: int | None = None) -> Any:
        """Return the strides: the distance, in elements, from one element to the next along each axis, or along one.

        Args:
            dim: the axis, negative numbers counting from the last; None for all.

        Returns:
            Tuple of ints, or an int.

        Raises:
            IndexError: if there is no such axis.

        Example:
            >>> graphc.zeros(2, 3).stride(), graphc.zeros(2, 3).t().stride(), graphc.zeros(2, 3).stride(0)
            ((3, 1), (1, 3), 3)
        """
        source, path = self._place()
        found = views.strides(source.shape, path)
        assert found is not None, "a view has strides"
        return found if dim is None else found[self._axis(dim)]

    def is_contiguous(self) -> bool:
        """Return whether the strides are those of row-major order.

        Returns:
            bool.

        Example:
            >>> graphc.zeros(2, 3).is_contiguous(), graphc.zeros(2, 3).t().is_contiguous()
            (True, False)
        """
        dense = views.strides(self._type.shape, ())
        pairs = zip(self.shape, self.stride(), dense or (), strict=True)
        return 0 in self.shape or all(n == 1 or have == want for n, have, want in pairs)

    @property
    def device(self) -> device:
        """The device, always the CPU."""
        return CPU

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor is no result of a recorded operation, so that `backward` accumulates its gradient in `.grad`."""
        return not self._storage.requires_grad or (self._storage._fn is None and self._base is None)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded for gradients; of a leaf it can be assigned."""
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
                f"'{_TITLES[self._type.dtype.name]}'. The gradient must match the tensor's grad_dtype (defaults to the "
                "tensor's dtype). "
                "You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
                "grad_dtype with "
                "caution. Diverging the dtypes of a tensor and its gradient may break downstream systems that assume they "
                "match."
            )

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

    @property
    def _version(self) -> int:
        return self._storage.version

    # -- the same values without history --------------------------------------------------------------

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
        return Tensor._recorded(Shared(self._storage, self._view_steps), self._type)

    @property
    def data(self) -> Tensor:
        """The values without history, shared with this tensor; assigning a tensor replaces the values."""
        return self.detach()

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, Tensor):
            raise located(TypeError(f"Variable data has to be a tensor, but got {type(new).__name__}"))
        if self._view_steps:
            self._storage, self._view_steps, self._base = Shared(self._storage, self._view_steps), (), None
        if state.trace is not None:
            self._take_value(new)
        elif self._place() != new._place():
            alone = self._is_alone(new)
            self._storage.own()
            if alone:
                self._storage.put_value(new._node(), new._storage.pending)
                new._storage = Shared(self._storage, ())
            else:
                self._storage.share(new._storage, new._view_steps)
        self._type = new._type

    def _place(self) -> tuple[Storage, ViewSteps]:
        source, path = self._storage.place
        return source, path + self._view_steps

    def _is_alone(self, new: Tensor) -> bool:
        """Tell whether nothing but `new` holds its values: then it may as well share with this tensor."""
        plain = type(new._storage) is Storage and not new._view_steps
        return plain and not new._storage.requires_grad and getrefcount(new._storage) <= HELD_ONCE

    def _take_value(self, new: Tensor) -> None:
        """Take other values while a function is traced.  Raises TracingError for those of a tensor from outside."""
        node, root = new._node(), new._storage.root
        if root.trace is not state.trace or (state.trace is not None and state.trace.knows(root)):
            raise located(TracingError(DATA_FROM_OUTSIDE))
        self._storage.rebind(stopped(node) if new._storage.requires_grad else node, new._storage.pending)

    # -- writing ------------------------------------------------------------------------------------------

    def _assign(self: T, result: Any, *, copies: bool = False, overlapping: bool = False) -> T:
        """Write a result, a Tensor or a Node, in place of this tensor's value: what in-place operations end in.

        It is cast to this tensor's dtype.  `copies` says that it was not computed from that value, `overlapping` that it is
        one number everywhere, so that elements may be one in memory.  Raises
        RuntimeError for another shape, for a result of a higher category, for elements that are one in memory, and
        for a leaf that requires a gradient, while gradients are recorded.
        """
        if isinstance(result, Tensor):

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

    def _check_fits(self, other: Tensor) -> None:
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
        found = result.type if isinstance(result, Node) else result._type
        if found.shape != self._type.shape:
            raise RuntimeError(f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(found.shape)}")
        order = ("bool", "int", "float")
        if order.index(found.dtype.kind) > order.index(self._type.dtype.kind):
            names = (_TITLES[found.dtype.name], _TITLES[self._type.dtype.name])
            raise RuntimeError(f"result type {names[0]} can't be cast to the desired output type {names[1]}")

    def _check_distinct(self, copies: bool) -> None:
        """Refuse to write to elements that are one in memory, but for copies into windows: of these the last counts."""
        source, path = self._place()
        if views.overlaps(source.shape, path):
            pairs = zip(self._type.shape, self.stride(), strict=True)
            if not copies or any(n > 1 and s == 0 for n, s in pairs):
                raise RuntimeError(OVERLAP)

    def _write_value(self, node: Node, pending: int) -> None:
        storage = self._storage
        whole = views.write(storage.current(), self._view_steps, node) if self._view_steps else node
        storage.put_value(whole, pending)

    def _write_history(self, node: Node, edge: GradFn | None, pending: int) -> None:
        storage = self._storage
        if self._base is None:
            storage.put(node, True, edge if edge is not None else GradFn("CopyBackwards", (self._edge(), None)), pending)
            return
        whole = views.write(storage.current(), self._view_steps, node)
        storage.put(whole, True, GradFn("CopySlices", (self._base._edge(), edge)), pending)
        self._view_fn, self._view_version = GradFn("AsStridedBackward0", (storage.fn,)), storage.version

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
        if not isinstance(src, (Tensor, np.ndarray, list, tuple)):
            try:
                number = constant(exact_number(src, self._type.dtype), self._type.dtype, self._type.shape)
            except (TypeError, RuntimeError, OverflowError) as error:
                add_location(error)
                raise
            return self._assign(Tensor._of(Storage(number)), copies=True)
        other = src if isinstance(src, Tensor) else _of_values(src, None if isinstance(src, np.ndarray) else self.dtype)
        self._check_fits(other)
        as_written = Tensor._recorded(other._storage, self._type)

        def check() -> None:
            self._check_write(as_written, copies=True, overlapping=False)

        if record_write(self, other, check, copy=True):
            return self
        node = cast(broadcast_to(other._node(), self._type.shape), self._type.dtype)
        if not other._storage.requires_grad or not state.grad:
            return self._assign(node, copies=True)
        storage = Storage(node, True, GradFn("CopyBackwards", (self._edge(), other._edge())), other._storage.pending)
        return self._assign(Tensor._of(storage), copies=True)

    # -- looking at values ----------------------------------------------------------------------------------

    def _array(self) -> np.ndarray[Any, Any]:
        """Compute the values if need be and return them; not to be written to."""
        storage = self._storage
        if state.trace is None and storage.trace is None:
            value = storage.array()
            if value is not None and views.is_static(self._view_steps):
                return views.shown(value, self._view_steps)  # type: ignore[no-any-return]
        node = storage.current()
        if node.value is None:
            if storage.trace is None and state.trace is None:
                compute([storage])
            else:
                realize([node])
            node = storage.current()
        if not self._view_steps:
            return node.value  # type: ignore[no-any-return]
        if not views.is_static(self._view_steps):
            return realize([self._node()])[0]
        return views.shown(node.value, self._view_steps)  # type: ignore[no-any-return]

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """Compute the values and return them as a NumPy array.

        Args:
            force: whether a tensor that requires a gradient is allowed.

        Returns:
            New array of the same shape and dtype; other than in torch, it does not share memory with the tensor.

        Raises:
            RuntimeError: if the tensor requires a gradient, unless `force`.

        Example:
            >>> graphc.tensor([1, 2]).numpy()
            array([1, 2])
        """
        if state.trace is not None:
            self._array()  # what cannot be known is the reason, rather than a gradient that may be taken
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return np.array(self._array())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.numpy() if dtype is None else self.numpy().astype(dtype, copy=False)

    def tolist(self) -> Any:
        """Compute the values and return them as nested lists of Python numbers.

        Returns:
            List, nested as deep as there are axes; a number if there are none.

        Example:
            >>> graphc.tensor([[1, 2], [3, 4]]).tolist()
            [[1, 2], [3, 4]]
        """
        return self._array().tolist()

    def item(self) -> Any:
        """Compute the value of a tensor of one element and return it as a Python number.

        Returns:
            float, int or bool.

        Raises:
            RuntimeError: if the tensor has another number of elements than one.

        Example:
            >>> graphc.tensor([2.5]).item()
            2.5
        """
        if self._type.size != 1:
            raise RuntimeError(f"a Tensor with {self._type.size} elements cannot be converted to Scalar")
        return self._array().item()

    def __bool__(self) -> bool:
        if self._type.size != 1:
            many = "no values" if self._type.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {many} is ambiguous")
        return bool(self._array().item())

    def _scalar(self) -> Any:
        if self._type.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._array().item()

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        if self._type.size != 1 or self._type.dtype.is_float:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array().item())

    def __len__(self) -> int:
        if not self._type.shape:
            raise TypeError("len() of a 0-d tensor")
        return self._type.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self._type.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter([self[i] for i in range(self._type.shape[0])])

    def __hash__(self) -> int:
        return id(self)

    def __format__(self, spec: str) -> str:
        if not self._type.shape and not self._view_steps and type(self) is Tensor:
            return format(self.item(), spec) if spec or not self.requires_grad else repr(self)
        return format(self.item(), spec) if spec and not self._type.shape else object.__format__(self, spec)

    def _text(self, name: str = "tensor") -> str:
        suffixes = []
        fn = self.grad_fn
        if fn is not None:
            suffixes.append(f"grad_fn=<{fn.name()}>")
        elif self.requires_grad:
            suffixes.append("requires_grad=True")
        default = repr(get_default_dtype())
        return format_tensor(
            self._array(), dtype_name=repr(self.dtype), default_dtype_name=default, suffixes=suffixes, name=name
        )

    def __repr__(self) -> str:
        return self._text()

    # -- copies -------------------------------------------------------------------------------------------

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


def legacy(cls: type[T], dtype: dtype, args: tuple[Any, ...], keywords: dict[str, Any], *, strict: bool = False) -> T:
    """Return a tensor of sizes or of data, as torch's constructors of tensor types do.

    Raises TypeError, if `strict` for a tensor of another dtype too, and RuntimeError.
    """
    name = f"{cls.__name__}()"
    if keywords.pop("device", "cpu") not in ("cpu", CPU, None) or keywords.keys() - {"size", "data"}:
        got = ", ".join(keywords) or "another device"
        raise located(TypeError(f"{name} takes sizes or data and the CPU as device, got {got}"))
    args = (*args, *keywords.values())
    first = args[0] if len(args) == 1 else ()
    if isinstance(first, Tensor):
        if strict and first.dtype is not dtype:
            raise located(TypeError(f"{name} takes tensors of {dtype}, got one of {first.dtype}"))
        return cls._adopt(first.detach())
    if isinstance(first, Size) or "size" in keywords:
        args = tuple(first)
    elif len(args) == 1 and (isinstance(first, np.ndarray) or not hasattr(first, "__index__")):
        return _of_data(cls, dtype, first, name)
    if any(isinstance(n, bool) or not hasattr(n, "__index__") for n in args):
        raise located(TypeError(f"{name} takes sizes as integers, or one sequence of data, got {args!r:.60}"))
    if any(n < 0 for n in args):
        raise located(RuntimeError(f"Trying to create tensor with negative dimension {min(args)}: {[*args]}"))
    shape = tuple(n.__index__() for n in args)
    return cls._of(Storage(constant(0, dtype.ir, shape or (() if args else (0,)))))


def _of_values(data: Any, dtype: dtype | None) -> Tensor:
    """Return a tensor of nested sequences or an array, in their own dtype or another one."""
    array = array_of(data, dtype)
    node = parameter(TensorType(of_numpy(array.dtype).ir, array.shape))
    node.value = np.array(array, of_numpy(array.dtype).numpy)
    return Tensor._of(Storage(node))


def _of_data(cls: type[T], dtype: dtype, data: Any, name: str) -> T:
    if not hasattr(data, "__len__") or isinstance(data, str):
        raise located(TypeError(f"{name}: data must be a sequence (got {type(data).__name__})"))
    array = array_of(data if hasattr(data, "__array__") or isinstance(data, (list, tuple)) else [*data], dtype)
    node = parameter(TensorType(dtype.ir, array.shape))
    node.value = np.array(array)
    return cls._of(Storage(node))


_NAMES = {"f32": "float", "f64": "double", "i32": "int", "i64": "long", "u8": "unsigned char", "bool": "bool"}
_TITLES = {"f32": "Float", "f64": "Double", "i32": "Int", "i64": "Long", "u8": "Byte", "bool": "Bool"}


def _rebuild(cls: type[T], array: np.ndarray[Any, Any], requires_grad: bool) -> T:
    """Return a leaf of a class with the values of an array: the other end of copying and pickling."""
    node = parameter(TensorType(of_numpy(array.dtype).ir, array.shape))
    storage = Storage(valued(array, node))
    new = cls._of(storage)
    if requires_grad:
        storage.set_requires_grad(True)
    return new
