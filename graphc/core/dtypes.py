"""Public dtypes and shapes, the default dtype, and type promotion."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from graphc.ir.core.types import BOOL, DTYPES, F32, F64, I32, I64, U8, DType

__all__ = [
    "DEFAULT", "Size", "as_dtype", "bool", "combine", "double", "dtype", "exact_number", "finfo", "float", "float32", "float64",
    "get_default_dtype", "iinfo", "int", "int32", "int64", "is_floating_point", "long", "number_dtype", "of_ir", "of_numpy",
    "promote_types", "set_default_dtype", "uint8",
]  # fmt: skip

_NAMES = {"f32": "Float", "f64": "Double", "i32": "Int", "i64": "Long", "u8": "Byte", "bool": "Bool"}
_LOWER = {"f32": "float", "f64": "double", "i32": "int", "i64": "long int", "u8": "unsigned char", "bool": "bool"}


class dtype:
    """Element type of a tensor: float32, float64, int32, int64, uint8 or bool.

    The six instances are attributes of `graphc`; `float`, `double`, `int` and `long` are their PyTorch aliases.

    Args:
        name: str, the name that repr shows after "torch.".
        ir: the element type of the compiler's IR.

    Attributes:
        name: str, such as "float32".
        ir: the element type of the compiler's IR.
        numpy: the NumPy dtype.

    Example:
        >>> graphc.float32, graphc.float32.itemsize, graphc.float32.is_floating_point
        (torch.float32, 4, True)
    """

    __slots__ = ("ir", "name", "numpy")

    def __init__(self, name: str, ir: DType) -> None:
        self.name, self.ir, self.numpy = name, ir, ir.numpy

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name  # of this module

    @property
    def is_floating_point(self) -> builtins.bool:
        """Whether elements are floating-point numbers."""
        return self.ir.is_float

    @property
    def is_complex(self) -> builtins.bool:
        """Whether elements are complex numbers: never, so far."""
        return False

    @property
    def is_signed(self) -> builtins.bool:
        """Whether the dtype has negative elements."""
        return self.ir not in (U8, BOOL)

    @property
    def itemsize(self) -> builtins.int:
        """Bytes of an element."""
        return self.ir.bytes


float32 = float = dtype("float32", F32)
float64 = double = dtype("float64", F64)
int32 = int = dtype("int32", I32)
int64 = long = dtype("int64", I64)
uint8 = dtype("uint8", U8)
bool = dtype("bool", BOOL)

_OF_IR = {d.ir: d for d in (float32, float64, int32, int64, uint8, bool)}
_OF_NUMPY = {d.numpy: d for d in _OF_IR.values()}
_OF_PYTHON: dict[object, dtype] = {builtins.float: float64, builtins.int: int64, builtins.bool: bool}


def of_ir(ir: DType) -> dtype:
    """Return the public dtype of an ir dtype."""
    return _OF_IR[ir]


def of_numpy(of: object) -> dtype:
    """Return the public dtype of a NumPy dtype.  Raises TypeError for one that tensors do not support."""
    public = _OF_NUMPY.get(np.dtype(of).newbyteorder("="))  # type: ignore[call-overload]
    if public is None:
        names = ", ".join(d.numpy.name for d in _OF_IR.values())
        raise TypeError(f"can't convert np.ndarray of type {np.dtype(of)}. The only supported types are: {names}.")  # type: ignore[call-overload]
    return public


def as_dtype(value: object) -> dtype:
    """Return the dtype that a value denotes: a dtype, a Python type, an ir or NumPy dtype.  Raises TypeError."""
    if isinstance(value, dtype):
        return value
    if isinstance(value, DType):
        return of_ir(value)
    public = _OF_PYTHON.get(value)
    return public if public is not None else of_numpy(value)


def torch_name(dtype: DType, *, lower: builtins.bool = False) -> str:
    """Return the name of a dtype in torch's messages: `Float`, or `float` in lower case."""
    return (_LOWER if lower else _NAMES)[dtype.name]


def is_floating_point(of: Any) -> builtins.bool:
    """Return whether a tensor or a dtype is floating point.

    Args:
        of: tensor or `graphc.dtype`.

    Returns:
        bool: True for float32 and float64.

    Example:
        >>> graphc.is_floating_point(graphc.tensor([1, 2]))
        False
    """
    return (of if isinstance(of, dtype) else of.dtype).is_floating_point


class finfo:
    """Numerical limits of a float dtype.

    Args:
        type: float dtype, the default one if None.

    Attributes:
        bits: int, the number of bits of an element.
        eps: float, the difference between 1 and the next larger number.
        min: float, the most negative finite number.
        max: float, the largest finite number.
        tiny: float, the smallest positive normal number; also `smallest_normal`.
        resolution: float, the decimal resolution, 10 to the negative number of exact decimal digits.
        dtype: str, the name of the dtype.

    Raises:
        TypeError: if type is not a float dtype.

    Example:
        >>> graphc.finfo(graphc.float64).eps
        2.220446049250313e-16
    """

    def __init__(self, type: object = None) -> None:
        of = get_default_dtype() if type is None else as_dtype(type)
        if not of.is_floating_point:
            raise TypeError(f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle '{of}'")
        limits = np.finfo(of.numpy)
        self.dtype, self.bits = of.name, 8 * of.itemsize
        self.min, self.max, self.eps = builtins.float(limits.min), builtins.float(limits.max), builtins.float(limits.eps)
        self.tiny = self.smallest_normal = builtins.float(limits.tiny)
        self.resolution = builtins.float(limits.resolution)

    def __repr__(self) -> str:
        shown = (f"{n}={getattr(self, n):g}" for n in ("resolution", "min", "max", "eps", "smallest_normal", "tiny"))
        return f"finfo({', '.join(shown)}, dtype={self.dtype})"


class iinfo:
    """Numerical limits of an integer dtype.

    Args:
        type: integer dtype.

    Attributes:
        bits: int, the number of bits of an element.
        min: int, the smallest number.
        max: int, the largest number.
        dtype: str, the name of the dtype.

    Raises:
        TypeError: if type is not an integer dtype.

    Example:
        >>> graphc.iinfo(graphc.int32).max
        2147483647
    """

    def __init__(self, type: object) -> None:
        of = as_dtype(type)
        if not of.ir.is_int:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{of}'")
        limits = np.iinfo(of.numpy)
        self.dtype, self.bits = of.name, 8 * of.itemsize
        self.min, self.max = builtins.int(limits.min), builtins.int(limits.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


class Size(tuple[Any, ...]):
    """Shape of a tensor: a tuple of ints that prints as PyTorch's; slices and sums are of this class too.

    Args:
        iterable: ints, as for a tuple; empty if left out.

    Example:
        >>> graphc.ones(2, 3).shape[1:]
        torch.Size([3])
        >>> graphc.Size([2, 3]).numel()
        6
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def numel(self) -> builtins.int:
        """Return the number of elements of a tensor of this shape."""
        total = 1
        for n in self:
            total *= n
        return total

    def __getitem__(self, index: Any) -> Any:
        selected = super().__getitem__(index)
        return Size(selected) if isinstance(index, slice) else selected

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))


class _Default:
    """The default float dtype, of all threads."""

    def __init__(self) -> None:
        self.ir = F32


DEFAULT = _Default()


def get_default_dtype() -> dtype:
    """Return the dtype of tensors that are created from Python floats, or from sizes alone.

    Returns:
        graphc.dtype: float32 unless `graphc.set_default_dtype` has changed it.

    Example:
        >>> graphc.get_default_dtype()
        torch.float32
    """
    return of_ir(DEFAULT.ir)


def set_default_dtype(d: object) -> None:
    """Set the dtype of tensors that are made of Python floats, or of sizes alone, in all threads.

    Args:
        d: float dtype.

    Raises:
        TypeError: if d is not a float dtype.

    Example:
        >>> graphc.set_default_dtype(graphc.float64)
        >>> graphc.tensor(1.5).dtype
        torch.float64
        >>> graphc.set_default_dtype(graphc.float32)
    """
    chosen = as_dtype(d)
    if not chosen.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {chosen}")
    DEFAULT.ir = chosen.ir


_ORDER = {d: i for i, d in enumerate((BOOL, U8, I32, I64, F32, F64))}
assert set(_ORDER) == set(DTYPES.values())


def combine(a: DType, b: DType) -> DType:
    """Return the ir dtype to which operands of two dtypes are promoted."""
    return a if _ORDER[a] >= _ORDER[b] else b


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the dtype to which operands of two dtypes are promoted.

    The order is bool, uint8, int32, int64, float32, float64; the result is the higher of the two.

    Args:
        type1: dtype.
        type2: dtype.

    Returns:
        graphc.dtype.

    Raises:
        TypeError: if an argument is not a dtype.

    Example:
        >>> graphc.promote_types(graphc.int64, graphc.float32)
        torch.float32
    """
    return of_ir(combine(type1.ir, type2.ir))


def exact_number(number: Any, dtype: DType) -> builtins.float | builtins.int | builtins.bool:
    """Convert a number to an ir dtype: unless that is bool or float, the fraction is truncated, as in C.

    Raises RuntimeError for a number out of the dtype's range, and TypeError for other objects.  A negative integer wraps
    in uint8 if its magnitude fits, as in torch.
    """
    if number_dtype(number) is BOOL or dtype is BOOL:
        return dtype.scalar(number)
    if not _holds(dtype, number):
        raise RuntimeError(f"value cannot be converted to type {_C_NAMES[dtype.name]} without overflow, got {number!r}")
    return dtype.scalar(number)


def _holds(dtype: DType, number: Any) -> builtins.bool:
    if dtype.is_float:
        size = abs(builtins.float(number))
        return size == np.inf or size != size or size <= builtins.float(np.finfo(dtype.numpy).max)
    if number != number or abs(number) == np.inf:
        return False
    limits = np.iinfo(dtype.numpy)
    is_whole = isinstance(number, (builtins.int, np.integer))  # torch converts -1 to 255, but refuses -1.0
    low = -limits.max if is_whole and dtype is U8 else limits.min
    return builtins.bool(builtins.int(low) <= number <= builtins.int(limits.max)) and (is_whole or number < 2.0**63)


_C_NAMES = {"f32": "float", "f64": "double", "i32": "int", "i64": "int64_t", "u8": "uint8_t"}


def number_dtype(number: object) -> DType:
    """Return the ir dtype of a tensor created from a Python or NumPy number.

    Raises TypeError for other objects, and OverflowError for an integer of more than 64 bits.
    """
    if isinstance(number, (builtins.bool, np.bool_)):
        return BOOL
    if isinstance(number, (builtins.int, np.integer)):
        if not -(2**63) <= number < 2**64:
            raise OverflowError(f"expected an integer of at most 64 bits, got {number}")
        return I64
    if isinstance(number, (builtins.float, np.floating)):
        return DEFAULT.ir
    raise TypeError(f"expected a Tensor or a number, got {type(number).__name__}")
