"""Conversion of numbers, nested sequences, NumPy arrays and tensors to NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from graphc.core.dtypes import as_dtype, combine, get_default_dtype, number_dtype, of_numpy
from graphc.core.errors import located
from graphc.ir.core.types import DType

__all__ = ["array_of"]


def array_of(data: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    """Convert data to an array, in a dtype or in that of the data; Python floats have the default one.

    Raises TypeError for objects that are not data, ValueError for rows that differ in length and integers of more than 64 bits,
    and RuntimeError for numbers out of the dtype's range.  Arrays are converted as NumPy does.
    """
    target = None if dtype is None else as_dtype(dtype)
    if isinstance(data, (np.ndarray, np.generic)):
        return np.asarray(data) if target is None else np.asarray(data).astype(target.numpy)
    plain = _plain(data)
    if isinstance(plain, np.ndarray):
        return plain if target is None else plain.astype(target.numpy)
    _check_regular(plain)
    try:
        array = np.asarray(plain)
    except (ValueError, TypeError) as error:
        raise located(TypeError(f"expected numbers, arrays or nested sequences of them: {error}")) from None
    if array.dtype.kind not in "biuf":
        raise _no_data(data, array)
    natural = (target or as_dtype(_natural(plain) or get_default_dtype().ir)).ir
    _check_range(array, natural)
    return array.astype(natural.numpy)


def _no_data(data: Any, array: np.ndarray[Any, Any]) -> Exception:
    if array.dtype == object and all(isinstance(x, int) for x in array.flat):
        return located(ValueError(f"expected integers of at most 64 bits, got {data!r:.60}"))
    return located(TypeError(f"expected numbers, arrays or nested sequences of them, got {data!r:.60}"))


def _plain(data: Any) -> Any:
    """Return nested sequences with NumPy arrays and numbers in place of tensors and other arrays."""
    if hasattr(data, "detach"):
        return data.detach().numpy()
    if isinstance(data, (list, tuple)):
        simple = all(t in _NUMBERS for t in set(map(type, data)))
        return data if simple else [_plain(d) for d in data]
    if hasattr(data, "__array__") and not isinstance(data, np.generic):
        return np.asarray(data)
    return data


_NUMBERS = {bool, int, float}


def _check_regular(data: Any, depth: int = 0) -> None:
    """Raise ValueError, with torch's text, for a nested list whose rows differ in length."""
    rows = [d for d in data if isinstance(d, (list, tuple))] if isinstance(data, (list, tuple)) else []
    for row in rows:
        if len(row) != len(rows[0]):
            raise ValueError(f"expected sequence of length {len(rows[0])} at dim {depth + 1} (got {len(row)})")
        _check_regular(row, depth + 1)


def _natural(data: Any) -> DType | None:
    """Return the dtype of nested sequences of numbers and arrays; None if there are none."""
    if isinstance(data, (np.ndarray, np.generic)):
        return of_numpy(data.dtype).ir
    if not isinstance(data, (list, tuple, range)):
        return number_dtype(data)
    kinds = set(map(type, data))
    if kinds <= _NUMBERS:
        return _joined(number_dtype(kind()) for kind in kinds)
    return _joined(natural for d in data if (natural := _natural(d)) is not None)


def _joined(dtypes: Iterable[DType]) -> DType | None:
    result: DType | None = None
    for dtype in dtypes:
        result = dtype if result is None else combine(result, dtype)
    return result


def _check_range(array: np.ndarray[Any, Any], dtype: DType) -> None:
    if not dtype.is_int or array.dtype.kind == "b" or not array.size or array.dtype == dtype.numpy:
        return
    limits = np.iinfo(dtype.numpy)
    wraps = dtype.numpy.kind == "u" and array.dtype.kind != "f"  # torch converts -1 to 255, but refuses -1.0
    low, high = -limits.max if wraps else limits.min, limits.max
    least, most = array.min().item(), array.max().item()
    if not low <= least <= most <= high or (array.dtype.kind == "f" and most >= 2.0**63):
        bad = most if low <= least else least
        error = ValueError if bad != bad or (array.dtype.kind == "u" and dtype.bytes == 8) else RuntimeError
        name = as_dtype(dtype).name
        raise located(error(f"value cannot be converted to type {name} without overflow, got {bad!r}"))
