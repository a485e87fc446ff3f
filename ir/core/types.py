"""Dtypes, and the type of a tensor: a dtype and a shape."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from graphc.ir.core.cached import cached_property
from graphc.ir.core.guards import Symbol, derived

__all__ = ["BOOL", "DTYPES", "F32", "F64", "GROWING", "I32", "I64", "U8", "DType", "TensorType"]

GROWING = -1
"""The first extent of a stack whose length is known only when its loop has ended."""


LARGEST_F32 = 3e38
"""No number up to here overflows f32, which NumPy would warn of."""


@dataclass(frozen=True, eq=False)
class DType:
    """An element type.  There is one object per dtype, so `is` compares."""

    name: str
    numpy: np.dtype
    kind: str
    """`"float"`, `"int"` or `"bool"`."""

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> str | tuple[object, ...]:
        return (DTYPES.__getitem__, (self.name,))

    @cached_property
    def bytes(self) -> int:
        """Bytes per element."""
        return int(self.numpy.itemsize)

    @property
    def is_float(self) -> bool:
        """Whether it is f32 or f64."""
        return self.kind == "float"

    @property
    def is_int(self) -> bool:
        """Whether it is i32, i64 or u8."""
        return self.kind == "int"

    @property
    def is_bool(self) -> bool:
        """Whether it is bool."""
        return self.kind == "bool"

    def scalar(self, value: object) -> float | int | bool:
        """Convert a Python or NumPy number to this dtype's Python number, rounding and wrapping as NumPy does."""
        if isinstance(value, Symbol):
            return derived(self.scalar, value)  # type: ignore[no-any-return]
        if self.is_float and self.bytes == 8:
            return float(value)  # type: ignore[arg-type]
        if self.is_float and -LARGEST_F32 <= value <= LARGEST_F32:  # type: ignore[operator]
            return float(np.float32(value))  # type: ignore[arg-type]
        if self.is_float:
            with np.errstate(over="ignore"):
                return float(np.float32(value))  # type: ignore[arg-type]
        if self.is_bool:
            return bool(value)
        if isinstance(value, (float, np.floating)):
            with np.errstate(invalid="ignore"):
                return np.array(value).astype(self.numpy).item()  # type: ignore[no-any-return]
        wrapped = int(value) % (1 << (8 * self.bytes))  # type: ignore[call-overload]
        signed = self.numpy.kind == "i" and wrapped >> (8 * self.bytes - 1)
        return int(wrapped - (1 << (8 * self.bytes)) if signed else wrapped)


F32 = DType("f32", np.dtype(np.float32), "float")
F64 = DType("f64", np.dtype(np.float64), "float")
I32 = DType("i32", np.dtype(np.int32), "int")
I64 = DType("i64", np.dtype(np.int64), "int")
U8 = DType("u8", np.dtype(np.uint8), "int")
BOOL = DType("bool", np.dtype(np.bool_), "bool")

DTYPES: dict[str, DType] = {d.name: d for d in (F32, F64, I32, I64, U8, BOOL)}


@dataclass(frozen=True)
class TensorType:
    """The type of a value: element type and extents.  Printed `f32[128,64]`; a 0-d value is `f32[]`.

    The stacked ys of a `while` are `f32[?,64]`: the first extent is known when the loop has ended.
    """

    dtype: DType
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        extents = [*map(str, self.shape)]
        if self.grows:
            extents[0] = "?"
        return f"{self.dtype.name}[{','.join(extents)}]"

    @cached_property
    def grows(self) -> bool:
        """Whether the first extent is known only at run time."""
        return bool(self.shape) and type(self.shape[0]) is int and self.shape[0] == GROWING

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @cached_property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @cached_property
    def bytes(self) -> int:
        """Bytes of a dense array of this type."""
        return self.size * self.dtype.bytes

    def with_shape(self, shape: tuple[int, ...]) -> TensorType:
        """Return the type with other extents."""
        return TensorType(self.dtype, shape)

    def with_dtype(self, dtype: DType) -> TensorType:
        """Return the type with another element type."""
        return TensorType(dtype, self.shape)
