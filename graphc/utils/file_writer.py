"""Write the file format of `save`: objects to a table, arrays to safetensors."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

import numpy as np

from graphc.core.dtypes import Size, dtype
from graphc.nn.parameter import Parameter
from graphc.storage.sharing import Shared
from graphc.storage.storage import Storage
from graphc.tensors.devices import device
from graphc.tensors.tensor import Tensor
from graphc.utils.file_format import CODE_OF, FACTORIES, KEY, Unsupported
from graphc.utils.rebuild import numpy_dtype

__all__ = ["encode"]


class _Writer:
    """The table of objects and the arrays of one file."""

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        self.numbers: dict[int, list[int]] = {}
        self.alive: list[Any] = []
        self.data: dict[Any, str] = {}

    def value(self, value: Any, path: str, depth: int = 0) -> Any:
        kind = type(value)
        if value is None or kind in (bool, str) or (kind is int and -(2**63) <= value < 2**63):
            return value
        if kind is float and isfinite(value):
            return value
        if id(value) not in self.numbers:
            if depth > 200:
                raise Unsupported("nested too deeply")
            self.alive.append(value)
            self._add(value, path, depth + 1)
        return self.numbers[id(value)]

    def _add(self, value: Any, path: str, depth: int) -> None:
        kind = _MUTABLE_KINDS.get(type(value))
        if kind is None:  # the parts of immutable objects come first
            entry = self._fixed(value, path, depth)
            self.numbers[id(value)] = [len(self.objects)]
            self.objects.append(entry)
        else:  # mutable objects may contain themselves
            self.numbers[id(value)] = [len(self.objects)]
            self.objects.append(entry := [kind, None])
            entry[1] = self._pairs(value, path, depth) if isinstance(value, dict) else self._items(value, path, depth)

    def _items(self, values: Iterable[Any], path: str, depth: int) -> list[Any]:
        return [self.value(v, f"{path}{i}.", depth) for i, v in enumerate(values)]

    def _pairs(self, values: dict[Any, Any], path: str, depth: int) -> list[Any]:
        return [[self.value(k, path, depth), self.value(v, f"{path}{k}.", depth)] for k, v in values.items()]

    def _fixed(self, value: Any, path: str, depth: int) -> list[Any]:
        kind = type(value)
        if isinstance(value, Tensor):
            return self._tensor(value, path)
        if kind in (tuple, frozenset, Size):
            return [_SEQUENCES[kind], self._items(value, path, depth)]
        if kind is np.ndarray:
            return self._array(value, path)
        if isinstance(value, np.generic):
            return ["scalar", [_dtype_text(value.dtype), _text_of(value.tobytes())]]
        if kind is defaultdict:
            if value.default_factory is not None and FACTORIES.get(value.default_factory.__name__) is not value.default_factory:
                raise Unsupported(f"a defaultdict of {value.default_factory}")
            factory = None if value.default_factory is None else value.default_factory.__name__
            return ["default", [factory, self.value(dict(value), path, depth)]]
        if kind is slice:
            return ["slice", self._items((value.start, value.stop, value.step), path, depth)]
        simple = _SIMPLE.get(kind)
        if simple is None:
            raise Unsupported(f"{kind.__module__}.{kind.__qualname__}")
        return [simple[0], simple[1](value)]

    def _tensor(self, value: Tensor, path: str) -> list[Any]:
        if type(value) not in (Tensor, Parameter) or value.__dict__.keys() - {"_is_buffer", "_persistent"}:
            raise Unsupported(f"a tensor of class {type(value).__qualname__} with attributes {sorted(value.__dict__)}")
        storage: Storage = value._storage
        view_steps = value._view_steps
        while isinstance(storage, Shared):
            view_steps, storage = storage.view_steps + view_steps, storage.source
        shown = (id(storage), tuple(map(repr, view_steps)))
        if shown not in self.data:
            self.alive.append(storage)
            self.data[shown] = self._name(value._array(), path)
        flags = {"parameter": type(value) is Parameter, "requires_grad": value.requires_grad}
        if "_is_buffer" in value.__dict__:
            flags["persistent"] = value.__dict__["_persistent"]
        return ["tensor", [self.data[shown], flags]]

    def _array(self, value: np.ndarray[Any, Any], path: str) -> list[Any]:
        text = _dtype_text(value.dtype)
        if text in CODE_OF:
            return ["array", [self._name(value, path), None, None]]
        raw = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8)
        return ["array", [self._name(raw, path), text, list(value.shape)]]

    def _name(self, array: np.ndarray[Any, Any], path: str) -> str:
        name = wanted = path.rstrip(".").encode("utf-8", "replace").decode() or "value"
        while name in self.arrays or name == "__metadata__":
            name = f"{wanted}.{len(self.arrays)}"
        self.arrays[name] = array
        return name


def _text_of(data: bytes | bytearray) -> str:
    return b64encode(data).decode()


def _dtype_text(kind: np.dtype[Any]) -> str:
    text = kind.newbyteorder("<").str
    if kind.names or kind.subdtype or kind.kind not in "biufcSU":
        raise Unsupported(f"an array of dtype {kind}")
    return str(numpy_dtype(text).str)


_MUTABLE_KINDS: dict[type, str] = {list: "list", dict: "dict", OrderedDict: "ordered", set: "set"}

_SEQUENCES: dict[type, str] = {tuple: "tuple", frozenset: "frozenset", Size: "size"}

_SIMPLE: dict[type, tuple[str, Callable[[Any], Any]]] = {
    float: ("float", float.hex),
    int: ("int", hex),
    complex: ("complex", lambda v: [v.real.hex(), v.imag.hex()]),
    bytes: ("bytes", _text_of),
    bytearray: ("bytearray", _text_of),
    range: ("range", lambda v: [hex(v.start), hex(v.stop), hex(v.step)]),
    dtype: ("dtype", lambda v: v.name),
    device: ("device", lambda v: v.type),
}


def encode(value: Any) -> list[Any]:
    """Return the file of an object as pieces of bytes in order.  Raises Unsupported."""
    writer = _Writer()
    structure = {"format": 1, "root": writer.value(value, ""), "objects": writer.objects}
    header: dict[str, Any] = {"__metadata__": {KEY: json.dumps(structure, separators=(",", ":"))}}
    end, pieces = 0, []
    for name, array in writer.arrays.items():
        begin, end = end, end + array.nbytes
        text = array.dtype.newbyteorder("<").str
        header[name] = {"dtype": CODE_OF[text], "shape": list(array.shape), "data_offsets": [begin, end]}
        pieces.append(np.ascontiguousarray(array, text).data if array.nbytes else b"")
    top = json.dumps(header, separators=(",", ":")).encode()
    top += b" " * (-len(top) % 8)
    return [len(top).to_bytes(8, "little"), top, *pieces]
