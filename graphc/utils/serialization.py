"""Keep objects in files, tensors among them: `save` and `load`, as torch has them, by pickle.

`load` makes nothing but tensors, arrays, numbers and containers unless it is told that the file is trusted.  The files are
graphc's own, not torch's.
"""

from __future__ import annotations

import pickle
from os import PathLike
from typing import IO, Any

from graphc.ops.creation import check_device

__all__ = ["load", "save"]

File = str | PathLike[str] | IO[bytes]

HARMLESS = frozenset((
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("builtins", "set"), ("builtins", "frozenset"),
    ("builtins", "slice"), ("builtins", "range"), ("builtins", "complex"), ("builtins", "bytearray"), ("builtins", "dict"),
    ("builtins", "list"), ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"), ("numpy.core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"), ("numpy.core.numeric", "_frombuffer"), ("_codecs", "encode"),
    ("graphc.tensors.tensor", "Tensor"), ("graphc.tensors.tensor", "_rebuild"), ("graphc.nn.parameter", "Parameter"),
    ("graphc.core.dtypes", "Size"),
))  # fmt: skip
"""The only names that a file may use without trust: none of them runs code of the file's choice."""

MOVED = {"graphc.tensor": "graphc.tensors.tensor", "graphc.dtypes": "graphc.core.dtypes"}
"""Modules whose classes older files name by another module."""


class _Careful(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = MOVED.get(module, module)
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(
                f"expected tensors, arrays, numbers and containers of them, got {module}.{name}; "
                "load(..., weights_only=False) reads everything, and runs code that the file asks for: only for files you trust"
            )
        return super().find_class(module, name)


def save(obj: Any, f: File, pickle_module: Any = pickle, pickle_protocol: int = pickle.DEFAULT_PROTOCOL) -> None:
    """Write an object to a file, given by its path or open for writing bytes."""
    if isinstance(f, (str, PathLike)):
        with open(f, "wb") as file:
            pickle_module.dump(obj, file, protocol=pickle_protocol)
    else:
        pickle_module.dump(obj, f, protocol=pickle_protocol)


def load(f: File, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Return what `save` wrote to a file, given by its path or open for reading bytes.

    With `weights_only` it raises pickle.UnpicklingError for anything but tensors, arrays, numbers and containers.
    """
    check_device(map_location)
    if isinstance(f, (str, PathLike)):
        with open(f, "rb") as file:
            return load(file, weights_only=weights_only)
    return _Careful(f).load() if weights_only else pickle.load(f)
