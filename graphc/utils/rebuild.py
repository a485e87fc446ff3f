"""Build arrays and tensors from the raw parts in a file (dtype, shape, bytes), checked before memory is allocated.

A file cannot make the reader allocate more than a small multiple of its own length: a `Budget` limits copies.  Every violation
is a pickle.UnpicklingError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import prod
from pickle import UnpicklingError
from typing import Any

import numpy as np

from graphc.core.dtypes import of_numpy
from graphc.nn.parameter import Buffer, Parameter
from graphc.tensors.tensor import Tensor, _rebuild

__all__ = [
    "Budget", "Storage", "array_of", "checked_key", "damaged", "marked", "numpy_dtype", "parameter_of", "rebuilt", "scalar_of",
    "sizes_of",
]  # fmt: skip

DTYPE = re.compile(r"([<>=|]?)(?:(b1|i1|i2|i4|i8|u1|u2|u4|u8|f2|f4|f8|f16|c8|c16|c32)|([SU])(\d{1,6}))\Z")
"""The element types of arrays in files, with NumPy's names: numbers, bools and text; never objects."""
RANK = 64
KEY_PARTS = 1000
"""The most objects in a key of a dictionary: hashing visits all of them, shared ones repeatedly."""


def damaged(why: str) -> UnpicklingError:
    """Return the error for a file that violates its format."""
    return UnpicklingError(f"the file is damaged, or no file of graphc.save: {why}")


class Budget:
    """The bytes and elements that may still be copied out of a file."""

    def __init__(self, length: int) -> None:
        self.left = 4 * length + 65536

    def take(self, count: int) -> None:
        """Account for a copy.  Raises UnpicklingError if it exceeds what the file can hold."""
        self.left -= count
        if count < 0 or self.left < 0:
            raise damaged("it asks for more memory than it has bytes")


def numpy_dtype(text: Any) -> np.dtype[Any]:
    """Return the dtype that a file names.  Raises UnpicklingError for anything but numbers, bools and text."""
    if not isinstance(text, str) or not DTYPE.match(text):
        raise damaged(f"arrays of dtype {text!r:.60} are not read from files")
    return np.dtype(text)


def sizes_of(shape: Any, itemsize: int) -> tuple[int, ...]:
    """Return a shape after checking that it is a list of sizes of an addressable array."""
    if not isinstance(shape, (list, tuple)) or len(shape) > RANK or not all(type(n) is int and n >= 0 for n in shape):
        raise damaged(f"expected a shape, got {shape!r:.60}")
    if prod(max(n, 1) for n in shape) * itemsize >= 2**62:
        raise damaged(f"no array has shape {shape!r:.60}")
    return tuple(shape)


def array_of(dtype: Any, shape: Any, data: Any, budget: Budget, *, fortran: bool = False) -> np.ndarray[Any, Any]:
    """Return a new array, in native byte order, from a dtype string, a shape and exactly the bytes they need."""
    kind = numpy_dtype(dtype)
    sizes = sizes_of(shape, kind.itemsize)
    if not isinstance(data, (bytes, bytearray, memoryview)) or prod(sizes) * kind.itemsize != len(data):
        raise damaged(f"{kind} elements of shape {list(sizes)} do not fit the bytes that are there")
    budget.take(len(data) + kind.itemsize)
    if not kind.itemsize or not len(data):
        return np.zeros(sizes, kind.newbyteorder("="))
    if kind.kind == "b":  # other bytes than 0 and 1 are not valid bools of NumPy or LLVM
        return _ordered(np.frombuffer(data, np.uint8) != 0, sizes, fortran)
    flat = np.frombuffer(data, kind)
    if kind.kind == "U" and (np.frombuffer(data, kind.byteorder + "u4") > 0x10FFFF).any():
        raise damaged("text with characters beyond Unicode")
    return _ordered(flat.astype(kind.newbyteorder("=")), sizes, fortran)


def _ordered(flat: np.ndarray[Any, Any], sizes: tuple[int, ...], fortran: bool) -> np.ndarray[Any, Any]:
    try:
        return flat.reshape(sizes, order="F" if fortran else "C")
    except ValueError as error:  # older NumPy has arrays of 32 axes only
        raise damaged(str(error)) from None


def scalar_of(dtype: Any, data: Any, budget: Budget) -> Any:
    """Return a NumPy scalar of a dtype string and its bytes."""
    return array_of(dtype, (1,), data, budget)[0]


def rebuilt(array: Any, kind: type[Tensor] = Tensor, requires_grad: Any = False) -> Tensor:
    """Return a leaf with the values of an array.  Raises UnpicklingError for dtypes that tensors do not support."""
    if not isinstance(array, np.ndarray) or type(requires_grad) is not bool:
        raise damaged("a tensor is made of an array and a truth value")
    try:
        dtype = of_numpy(array.dtype)
    except TypeError as error:
        raise damaged(str(error)) from None
    if requires_grad and not dtype.is_floating_point:
        raise damaged(f"a tensor of {dtype} has no gradient")
    return _rebuild(kind, array, requires_grad)


def checked_key(key: Any) -> Any:
    """Return an object that will be hashed.  Raises UnpicklingError if it cannot be, or only at great cost."""
    todo, seen = [key], 0
    while todo:
        part = todo.pop()
        seen += 1
        if seen > KEY_PARTS:
            raise damaged(f"a key of more than {KEY_PARTS} parts")
        if isinstance(part, (tuple, frozenset)):
            todo.extend(part)
        elif getattr(type(part), "__hash__", None) is None:
            raise damaged(f"a {type(part).__name__} in a key")
    return key


class Storage:
    """The elements that tensors of a torch file share, and the tensor created from them."""

    def __init__(self, array: np.ndarray[Any, Any], budget: Budget) -> None:
        self.array, self.budget = array, budget
        self.base: Tensor | None = None

    def tensor(self, offset: Any, size: Any, stride: Any) -> Tensor:
        """Return the leaf with these sizes and strides, in elements; tensors of one storage share it where torch's do.

        Sharing needs a layout that is an axis permutation of contiguous elements; any other layout is copied.
        """
        sizes, strides = sizes_of(size, 8), sizes_of(stride, 1)
        if type(offset) is not int or offset < 0 or len(sizes) != len(strides):
            raise damaged("offset, sizes and strides of a tensor do not fit together")
        strides = tuple(0 if n == 1 else s for n, s in zip(sizes, strides, strict=True))
        if prod(sizes) and offset + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True)) >= len(self.array):
            raise damaged("a tensor reaches beyond its storage")
        if not prod(sizes):
            return rebuilt(np.zeros(sizes, self.array.dtype))
        small = tuple(n if s else 1 for n, s in zip(sizes, strides, strict=True))
        base = self._permuted(offset, small, strides)
        if base is None:
            base = rebuilt(self._copied(offset, small, strides))
        shown: Tensor = base.expand(sizes).detach() if small != sizes else base.detach()
        return shown

    def _permuted(self, offset: int, sizes: Sequence[int], strides: Sequence[int]) -> Tensor | None:
        order = sorted(range(len(sizes)), key=lambda a: (-strides[a], a))
        step = prod(sizes)
        for axis in order:
            step //= sizes[axis]
            if sizes[axis] > 1 and strides[axis] != step:
                return None
        inner = [sizes[a] for a in order]
        back = sorted(range(len(order)), key=order.__getitem__)
        if self.base is None:
            whole = offset == 0 and prod(sizes) == len(self.array) and order == back
            self.base = rebuilt(self.array.reshape(sizes) if whole else self.array)
        if tuple(self.base.shape) == tuple(sizes) and order == back and offset == 0:
            return self.base
        shown: Tensor = self.base.reshape(-1)[offset : offset + prod(sizes)].reshape(inner).permute(back)
        return shown

    def _copied(self, offset: int, sizes: Sequence[int], strides: Iterable[int]) -> np.ndarray[Any, Any]:
        width = self.array.itemsize
        self.budget.take(prod(sizes) * width)
        return np.lib.stride_tricks.as_strided(self.array[offset:], sizes, [s * width for s in strides]).copy()


def marked(tensor: Tensor, persistent: Any) -> Tensor:
    """Return a tensor that is a buffer again."""
    return Buffer(tensor, persistent=persistent is not False)


def parameter_of(data: Any, requires_grad: Any) -> Parameter:
    """Return a parameter on the storage of a tensor.  Raises UnpicklingError."""
    if not isinstance(data, Tensor) or type(requires_grad) is not bool or (requires_grad and not data.is_floating_point()):
        raise damaged("a parameter is made of a tensor and a truth value")
    return Parameter(data, requires_grad)
