"""Read the file format of `save`; every violation is a pickle.UnpicklingError."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.core.dtypes import Size, dtype
from graphc.nn.parameter import Parameter
from graphc.tensors.devices import device
from graphc.tensors.tensor import Tensor
from graphc.utils.file_format import CODES, DTYPES, FACTORIES, KEY, MUTABLE
from graphc.utils.rebuild import Budget, array_of, checked_key, damaged, marked, numpy_dtype, rebuilt, scalar_of, sizes_of

__all__ = ["decode"]


def decode(data: bytes) -> tuple[Any, int]:
    """Return the object of a file and its length in bytes.  Raises UnpicklingError for a damaged file.

    A safetensors file of another program gives a dictionary of its tensors.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise damaged(f"a header of {length} bytes in a file of {len(data)}")
    header = _json(data[8 : 8 + length])
    metadata = header.pop("__metadata__", None)
    budget = Budget(len(data))
    arrays, end = _arrays(header, memoryview(data)[8 + length :], budget)
    if not isinstance(metadata, dict) or KEY not in metadata:
        return {name: rebuilt(array) for name, array in arrays.items()}, 8 + length + end
    if not isinstance(metadata[KEY], str):
        raise damaged("the structure is no text")
    return _Reader(_json(metadata[KEY]), arrays, budget).root(), 8 + length + end


def _json(text: bytes | str) -> dict[str, Any]:
    try:
        parsed = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise damaged(str(error)) from None
    if not isinstance(parsed, dict):
        raise damaged("expected a JSON object")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise damaged("a name stands twice in the header")
    return entries


def _arrays(header: dict[str, Any], data: memoryview, budget: Budget) -> tuple[dict[str, Any], int]:
    """Return the arrays by name and the end of the last one: each must begin where the previous one ends."""
    entries = {name: _entry(entry) for name, entry in header.items()}
    arrays, end = {}, 0
    for name, (code, shape, begin, stop) in sorted(entries.items(), key=lambda e: e[1][2:]):
        if begin != end or not begin <= stop <= len(data):
            raise damaged(f"{name!r:.60} at {begin} to {stop} of {len(data)} bytes, expected it at {end}")
        arrays[name] = array_of(code, shape, data[begin:stop], budget)
        end = stop
    return {name: arrays[name] for name in header}, end


def _entry(entry: Any) -> tuple[str, Any, int, int]:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise damaged("expected dtype, shape and data_offsets of each array")
    offsets = entry["data_offsets"]
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(o) is int for o in offsets):
        raise damaged(f"expected two offsets, got {offsets!r:.60}")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in CODES:
        raise damaged(f"elements of type {entry['dtype']!r:.60}, expected one of {', '.join(CODES)}")
    return CODES[entry["dtype"]], entry["shape"], offsets[0], offsets[1]


class _Reader:
    """Builds the objects of a table: mutable ones are created empty, and filled when the rest is there."""

    def __init__(self, structure: dict[str, Any], arrays: dict[str, Any], budget: Budget) -> None:
        if structure.get("format") != 1 or not isinstance(structure.get("objects"), list) or "root" not in structure:
            raise damaged("expected a structure of format 1")
        self.structure, self.arrays, self.budget = structure, arrays, budget
        self.tensors: dict[str, Tensor] = {}
        self.objects: list[Any] = []
        self.ready: list[bool] = []
        self.defaults: list[tuple[Any, dict[Any, Any]]] = []

    def root(self) -> Any:
        entries = [self._kind(e) for e in self.structure["objects"]]
        self.ready = [kind in MUTABLE for kind, _ in entries]
        self.objects = [MUTABLE[kind]() if kind in MUTABLE else None for kind, _ in entries]
        for n, (kind, contents) in enumerate(entries):
            if kind not in MUTABLE:
                self.objects[n], self.ready[n] = self._fixed(kind, contents), True
        for n, (kind, contents) in enumerate(entries):
            if kind in MUTABLE:
                self._fill(self.objects[n], kind, contents)
        for target, source in self.defaults:
            target.update(source)
        return self._value(self.structure["root"])

    def _kind(self, entry: Any) -> tuple[str, Any]:
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str):
            raise damaged("expected a kind and contents of each object")
        return entry[0], entry[1]

    def _value(self, value: Any) -> Any:
        if not isinstance(value, list):
            if isinstance(value, dict):
                raise damaged("a value is a scalar or the number of an object")
            return value
        if len(value) != 1 or type(value[0]) is not int or not 0 <= value[0] < len(self.objects) or not self.ready[value[0]]:
            raise damaged(f"no object {value!r:.60}")
        return self.objects[value[0]]

    def _values(self, contents: Any, count: int | None = None) -> list[Any]:
        if not isinstance(contents, list) or count not in (None, len(contents)):
            raise damaged("expected a list of values")
        return [self._value(v) for v in contents]

    def _fill(self, target: Any, kind: str, contents: Any) -> None:
        if kind == "list":
            target.extend(self._values(contents))
        elif kind == "set":
            target.update(checked_key(v) for v in self._values(contents))
        else:
            for pair in contents if isinstance(contents, list) else [None]:
                key, value = self._values(pair, 2)
                target[checked_key(key)] = value

    def _fixed(self, kind: str, contents: Any) -> Any:
        read = _READERS.get(kind)
        if read is None:
            raise damaged(f"no object is a {kind!r:.60}")
        return read(self, contents)

    def _tensor(self, contents: Any) -> Tensor:
        name, flags = contents if isinstance(contents, list) and len(contents) == 2 else (None, None)
        if not isinstance(name, str) or name not in self.arrays or not isinstance(flags, dict):
            raise damaged("a tensor without elements")
        base = self.tensors.setdefault(name, rebuilt(self.arrays[name]))
        tensor: Tensor = base.detach()
        if not all(type(f) is bool for f in flags.values()) or (flags.get("requires_grad") and not tensor.is_floating_point()):
            raise damaged("flags of a tensor")
        if flags.get("parameter"):
            tensor = Parameter(tensor, flags.get("requires_grad", False))
        elif flags.get("requires_grad"):
            tensor.requires_grad_()
        return marked(tensor, flags["persistent"]) if "persistent" in flags else tensor

    def _array(self, contents: Any) -> Any:
        name, text, shape = contents if isinstance(contents, list) and len(contents) == 3 else (None, None, None)
        if not isinstance(name, str) or name not in self.arrays:
            raise damaged("an array without elements")
        array = self.arrays[name]
        if text is None:
            self.budget.take(array.nbytes)
            return array.copy()
        sizes = sizes_of(shape, numpy_dtype(text).itemsize)
        return array_of(text, sizes, array.tobytes() if array.dtype == np.uint8 else None, self.budget)

    def _scalar(self, contents: Any) -> Any:
        text, data = contents if isinstance(contents, list) and len(contents) == 2 else (None, None)
        return scalar_of(text, _bytes(data), self.budget)

    def _default(self, contents: Any) -> Any:
        factory, source = contents if isinstance(contents, list) and len(contents) == 2 else (None, None)
        if factory is not None and (not isinstance(factory, str) or factory not in FACTORIES):
            raise damaged(f"a defaultdict of {factory!r:.60}")
        mapping: Any = defaultdict(None if factory is None else FACTORIES[factory])
        inner = self._value(source)
        if type(inner) is not dict:
            raise damaged("a defaultdict without items")
        self.defaults.append((mapping, inner))
        return mapping


def _bytes(text: Any) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise damaged(str(error)) from None


def _number(text: Any, parse: Callable[[Any], Any]) -> Any:
    if not isinstance(text, str):
        raise damaged(f"expected a number as text, got {text!r:.60}")
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise damaged(str(error)) from None


def _integer(text: Any) -> int:
    return int(_number(text, lambda t: int(t, 16)))


def _real(text: Any) -> float:
    return float(_number(text, float.fromhex))


def _listed(contents: Any, count: int) -> list[Any]:
    if not isinstance(contents, list) or len(contents) != count:
        raise damaged(f"expected a list of {count}")
    return contents


def _range(contents: Any) -> range:
    start, stop, step = (_integer(v) for v in _listed(contents, 3))
    if not step:
        raise damaged("a range of step 0")
    return range(start, stop, step)


def _dtype(contents: Any) -> dtype:
    if not isinstance(contents, str) or contents not in DTYPES:
        raise damaged(f"no dtype {contents!r:.60}")
    return DTYPES[contents]


def _device(contents: Any) -> device:
    if contents != "cpu":
        raise damaged(f"no device {contents!r:.60}")
    return device("cpu")


_READERS: dict[str, Callable[[_Reader, Any], Any]] = {
    "tuple": lambda r, c: tuple(r._values(c)),
    "size": lambda r, c: Size(sizes_of(c, 1)),
    "frozenset": lambda r, c: frozenset([checked_key(v) for v in r._values(c)]),
    "tensor": _Reader._tensor,
    "array": _Reader._array,
    "scalar": _Reader._scalar,
    "default": _Reader._default,
    "slice": lambda r, c: slice(*r._values(c, 3)),
    "float": lambda r, c: _real(c),
    "int": lambda r, c: _integer(c),
    "complex": lambda r, c: complex(*(_real(v) for v in _listed(c, 2))),
    "bytes": lambda r, c: _bytes(c),
    "bytearray": lambda r, c: bytearray(_bytes(c)),
    "range": lambda r, c: _range(c),
    "dtype": lambda r, c: _dtype(c),
    "device": lambda r, c: _device(c),
}
"""How an immutable object is built from its contents, after everything it refers to."""
