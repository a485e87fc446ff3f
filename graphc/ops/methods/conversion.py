"""Methods that convert the dtype, or create tensors of the same dtype."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, overload

from graphc.core import dtypes
from graphc.ops.common import DTypeLike
from graphc.ops.create import data, fill
from graphc.ops.methods.docstrings import section
from graphc.ops.special import zeta
from graphc.tensors.constructors import legacy
from graphc.tensors.devices import device
from graphc.tensors.tensor import Tensor
from graphc.tensors.typed import TensorType

__all__ = ["CONVERTERS", "MAKERS", "cpu", "is_floating_point", "new", "polygamma", "to", "type", "type_as"]

_TYPE_NAMES = {"float32": "Float", "float64": "Double", "int32": "Int", "int64": "Long", "uint8": "Byte", "bool": "Bool"}


def in_dtype(self: Tensor, dtype: dtypes.dtype, fresh: bool = False) -> Tensor:
    """Return a tensor of a dtype: this one if it has the dtype, unless `fresh` asks for a new one."""
    if dtype.ir is self.dtype.ir and not fresh:
        return self
    return data.converted(self, dtype.ir)


@overload
def to(self: Tensor, dtype: DTypeLike = None, non_blocking: bool = False, copy: bool = False) -> Tensor: ...
@overload
def to(
    self: Tensor, device: str | device | None, dtype: DTypeLike = None, non_blocking: bool = False, copy: bool = False
) -> Tensor: ...
@overload
def to(self: Tensor, other: Tensor, non_blocking: bool = False, copy: bool = False) -> Tensor: ...
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Convert the dtype.

    Args:
        *args: a dtype, or a tensor whose dtype is taken; a device is allowed, and is always the CPU. Then `non_blocking`, which
            is ignored, and `copy`.
        **kwargs: `dtype`, `device`, `other` (a tensor) instead; `copy=True` returns a new tensor also if nothing changes.

    Returns:
        Tensor of the same shape; this one if it has the dtype already, and no copy is asked for.

    Raises:
        RuntimeError: for a device other than the CPU.
        TypeError: if an argument is no dtype.

    Example:
        >>> graphc.tensor([1, 2]).to(graphc.float32)
        tensor([1., 2.])
    """
    dtype = kwargs.get("dtype")
    for argument in (*args, kwargs.get("device"), kwargs.get("other")):
        if isinstance(argument, Tensor):
            dtype = argument.dtype
        elif isinstance(argument, (str, device)):
            fill.check_device(argument)
        elif argument is not None and not isinstance(argument, bool):
            dtype = argument
    flags = [a for a in args if isinstance(a, bool)]  # non_blocking, then copy
    fresh = bool(kwargs.get("copy", flags[1] if len(flags) > 1 else False))
    return in_dtype(self, self.dtype if dtype is None else dtypes.as_dtype(dtype), fresh)


@overload
def type(self: Tensor, dtype: None = None) -> str: ...
@overload
def type(self: Tensor, dtype: dtypes.dtype | TensorType | str) -> Tensor: ...
def type(self: Tensor, dtype: Any = None) -> Tensor | str:
    """Convert the dtype, or return the name of the tensor's type.

    Args:
        dtype: a dtype, a tensor type such as `graphc.DoubleTensor`, or the name of one; None asks for the name.

    Returns:
        Tensor of the same shape, this one if it has the dtype already; or a str.

    Raises:
        TypeError: if `dtype` is none of these.

    Example:
        >>> graphc.tensor([1, 2]).type(), graphc.tensor([1, 2]).type(graphc.float64)
        ('torch.LongTensor', tensor([1., 2.], dtype=torch.float64))
    """
    if dtype is None:
        return f"torch.{_TYPE_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        dtype = {f"torch.{title}Tensor": name for name, title in _TYPE_NAMES.items()}.get(dtype, dtype)
    elif isinstance(dtype, TensorType):
        dtype = dtype.dtype
    return in_dtype(self, dtypes.as_dtype(dtype))


def polygamma(self: Tensor, n: int) -> Tensor:
    """Return the n-th derivative of the digamma function.

    Args:
        self: tensor of numbers.
        n: the order, not negative.

    Returns:
        Tensor of the same shape, of its dtype if that is a float dtype, else of the default one.

    Raises:
        RuntimeError: if n is negative.

    Example:
        >>> graphc.tensor([1.0, 0.5]).polygamma(1)
        tensor([1.6449, 4.9348])
    """
    return zeta.polygamma(n, self)


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """Convert to the dtype of another tensor.

    Args:
        other: the tensor whose dtype is taken.

    Returns:
        Tensor of the same shape; this one if it has the dtype already.

    Example:
        >>> graphc.tensor([1, 2]).type_as(graphc.tensor(0.5))
        tensor([1., 2.])
    """
    return in_dtype(self, other.dtype)


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """Return this tensor: it is on the CPU.

    Args:
        memory_format: accepted for compatibility with torch and ignored.

    Example:
        >>> graphc.tensor([1, 2]).cpu()
        tensor([1, 2])
    """
    return self


def is_floating_point(self: Tensor) -> bool:
    """Return whether the dtype is float32 or float64.

    Returns:
        bool.

    Example:
        >>> graphc.tensor([1.0]).is_floating_point()
        True
    """
    return self.dtype.is_floating_point


def new(self: Tensor, *args: Any, **keywords: Any) -> Tensor:
    """Return a tensor of sizes or of data, in this tensor's dtype.

    Args:
        *args: sizes, for a tensor of zeros; or one sequence, array or tensor of this dtype with the data.
        **keywords: `size` or `data` instead of the positional arguments, and `device`, the CPU.

    Returns:
        Tensor of this tensor's dtype.

    Raises:
        TypeError: for anything else, and for a tensor of another dtype.
        RuntimeError: if a size is negative.

    Example:
        >>> graphc.tensor([1, 2]).new([3, 4])
        tensor([3, 4])
    """
    return legacy(Tensor, self.dtype, args, keywords, strict=True)


def _converter(name: str, dtype: dtypes.dtype) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return in_dtype(self, dtype)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Convert to {dtype}; return this tensor if it has that dtype already."
    return method


CONVERTERS = {
    "float": _converter("float", dtypes.float32),
    "double": _converter("double", dtypes.float64),
    "int": _converter("int", dtypes.int32),
    "long": _converter("long", dtypes.int64),
    "bool": _converter("bool", dtypes.bool),
    "byte": _converter("byte", dtypes.uint8),
}
"""Conversions to one dtype, by name."""

NEW_DOCSTRING = """Call `graphc.{name}` with this tensor's dtype as the default.

{args}
Returns:
    What `graphc.{name}` returns.
"""
DTYPE = "    dtype: dtype of the result; None is that of this tensor.\n"


def _maker(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def method(self: Tensor, *args: Any, dtype: DTypeLike = None, **keywords: Any) -> Tensor:
        return function(*args, dtype=dtype or self.dtype, **keywords)

    signature = inspect.signature(function)
    self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(parameters=[self, *signature.parameters.values()])  # type: ignore[attr-defined]
    method.__name__ = method.__qualname__ = f"new_{function.__name__}"
    args = re.sub(r"^    dtype: .*\n( {8}.*\n)*", DTYPE, section(function, "Args"), flags=re.M)
    method.__doc__ = NEW_DOCSTRING.format(name=function.__name__, args=args)
    return method


MAKERS = [_maker(function) for function in (fill.zeros, fill.ones, fill.full, fill.empty, data.tensor)]
"""`new_zeros` and the like."""
