"""The format of `save`: safetensors for the elements, JSON for the structure of the Python objects around them.

A safetensors file is the length of a header (8 bytes, little-endian), the header (JSON: for each name a dtype, a shape, and the
begin and end of its bytes), and the bytes in order.  The structure is in its `__metadata__` under "graphc": a table of objects
that refer to each other by number, so that shared objects stay shared and nothing is nested.  A value is a JSON scalar, or
`[n]` for object n; an object is `[kind, contents]`.

Source: https://github.com/huggingface/safetensors (format).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from graphc.core import dtypes
from graphc.core.dtypes import dtype

__all__ = ["CODES", "CODE_OF", "DTYPES", "FACTORIES", "KEY", "MUTABLE", "Unsupported"]

CODES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1", "C64": "<c8",
}  # fmt: skip
"""The element types of safetensors, with NumPy's names."""

CODE_OF = {v: k for k, v in CODES.items()}

KEY = "graphc"

_BUILTINS: tuple[type, ...] = (list, dict, set, frozenset, int, float, str, bool, tuple, bytearray, complex)

FACTORIES: dict[str, Any] = {t.__name__: t for t in _BUILTINS}
"""The factories that a defaultdict of a file may have."""

DTYPES = {d.name: d for d in vars(dtypes).values() if isinstance(d, dtype)}

MUTABLE: dict[str, Callable[[], Any]] = {"list": list, "dict": dict, "ordered": OrderedDict, "set": set}


class Unsupported(Exception):
    """An object is of a kind that the format does not support."""
