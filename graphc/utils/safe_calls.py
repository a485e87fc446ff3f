"""The callables that a pickle may name when `load` reads it: a closed table of builders that check their arguments."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

import numpy as np

from graphc.core.dtypes import Size, dtype
from graphc.nn.parameter import Parameter
from graphc.tensors.devices import device
from graphc.tensors.tensor import Tensor
from graphc.utils.file_format import DTYPES, FACTORIES
from graphc.utils.rebuild import (
    Budget,
    Storage,
    array_of,
    checked_key,
    damaged,
    marked,
    parameter_of,
    rebuilt,
    scalar_of,
    sizes_of,
)

__all__ = ["CALLED", "MOVED", "PLAIN", "ArrayStub", "DtypeStub", "Elements", "Machine", "Name", "encoded", "find", "refused"]


@dataclass(frozen=True)
class Name:
    """A name in a file, not the object it names."""

    module: str
    name: str


@dataclass(frozen=True)
class Elements:
    """The element type of a storage class of torch, with NumPy's name."""

    dtype: str


class DtypeStub:
    """A dtype of NumPy before its byte order is known."""

    def __init__(self, code: str) -> None:
        self.code, self.order = code, "="

    @property
    def text(self) -> str:
        """The dtype's NumPy name."""
        return (self.order if self.order in "<>=" else "=") + self.code


class ArrayStub:
    """An array before its shape and bytes are known; `memo` are its positions in the memo."""

    def __init__(self) -> None:
        self.memo: list[int] = []


STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "LongStorage": "i8", "IntStorage": "i4", "ByteStorage": "u1",
    "BoolStorage": "b1",
}  # fmt: skip
PLAIN = (
    bool, int, float, complex, str, bytes, bytearray, range, slice, type(None), np.ndarray, np.generic, Tensor, device, dtype,
)  # fmt: skip
"""The classes that a loaded object may consist of, besides containers."""


def refused(name: Name) -> UnpicklingError:
    """Return the error for a name that is in no table."""
    return UnpicklingError(
        f"expected tensors, arrays, numbers and containers of them, got {name.module}.{name.name}; "
        "load(..., weights_only=False) reads everything, and runs code that the file asks for: only for files you trust"
    )


# -- callables of a file ------------------------------------------------------------------------------------


class Machine:
    """The stack, the marks and the memo of one pickle."""

    def __init__(self, budget: Budget, storage: Callable[[Any], Storage] | None) -> None:
        self.budget, self.storage = budget, storage
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def copied(self, items: Any) -> Any:
        """Account for items about to be copied, and return them."""
        if not isinstance(items, (list, tuple, set, frozenset, bytes, bytearray, dict)):
            raise damaged(f"expected a container, got {type(items).__name__}")
        self.budget.take(8 * len(items))
        return items


def _keys(m: Machine, items: Any = ()) -> Iterable[Any]:
    return [checked_key(v) for v in m.copied(items)]


def _pairs(m: Machine, kind: Callable[[], Any], items: Any = ()) -> Any:
    mapping = kind()
    for pair in m.copied(items).items() if isinstance(items, dict) else m.copied(items):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise damaged("expected pairs")
        mapping[checked_key(pair[0])] = pair[1]
    return mapping


def _default(m: Machine, factory: Any = None) -> Any:
    if factory is None:
        return defaultdict(None)
    if not isinstance(factory, Name) or factory.module not in ("builtins", "__builtin__") or factory.name not in FACTORIES:
        raise damaged("a defaultdict of no known type")
    return defaultdict(FACTORIES[factory.name])


def encoded(m: Machine, text: Any, encoding: Any = "latin1") -> bytes:
    """Return the bytes that protocols below 3 encode as text.  Raises UnpicklingError, ValueError."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise damaged("bytes are text in latin1")
    m.budget.take(len(text))
    return text.encode("latin1")


def _bytearray(m: Machine, data: Any = b"", encoding: Any = None) -> bytearray:
    return bytearray(encoded(m, data, encoding) if encoding is not None else _raw(m, data))


def _raw(m: Machine, data: Any) -> bytes | bytearray:
    if not isinstance(data, (bytes, bytearray)):
        raise damaged(f"expected bytes, got {type(data).__name__}")
    m.budget.take(len(data))
    return data


def _numbers(kinds: tuple[type, ...], values: Any) -> Any:
    if not all(type(v) in kinds for v in values):
        raise damaged(f"expected numbers, got {values!r:.60}")
    return values


def _range(m: Machine, *values: Any) -> range:
    return range(*_numbers((int,), values))


def _numpy_dtype(m: Machine, code: Any, align: Any = False, copy: Any = False) -> DtypeStub:
    if not isinstance(code, str) or not code.isalnum():
        raise damaged(f"no dtype {code!r:.60}")
    return DtypeStub(code)


def _scalar(m: Machine, dtype: Any, data: Any) -> Any:
    if not isinstance(dtype, DtypeStub):
        raise damaged("a scalar without a dtype")
    return scalar_of(dtype.text, encoded(m, data) if isinstance(data, str) else data, m.budget)


def _reconstruct(m: Machine, kind: Any, shape: Any, code: Any) -> ArrayStub:
    if kind != Name("numpy", "ndarray"):
        raise damaged("expected numpy.ndarray itself")
    return ArrayStub()


def _from_buffer(m: Machine, data: Any, dtype: Any, shape: Any, order: Any) -> Any:
    if not isinstance(dtype, DtypeStub):
        raise damaged("an array without a dtype")
    return array_of(dtype.text, shape, data, m.budget, fortran=order == "F")


def _tensor(m: Machine, kind: Any, array: Any, requires_grad: Any) -> Tensor:
    classes = {Name("graphc.tensors.tensor", "Tensor"): Tensor, Name("graphc.nn.parameter", "Parameter"): Parameter}
    if not isinstance(kind, Name) or kind not in classes or not isinstance(array, np.ndarray):
        raise damaged("a tensor is made of a class and an array")
    m.budget.take(array.nbytes)
    return rebuilt(array.copy(), classes[kind], requires_grad)


def _size(m: Machine, sizes: Any = ()) -> Size:
    return Size(sizes_of(sizes, 1))


def _torch_tensor(m: Machine, storage: Any, offset: Any, size: Any, stride: Any, grad: Any = False, *_: Any) -> Tensor:
    if not isinstance(storage, Storage) or type(grad) is not bool:
        raise damaged("a tensor is made of a storage")
    tensor = storage.tensor(offset, size, stride)
    if grad and not tensor.is_floating_point():
        raise damaged("integers have no gradient")
    return tensor.requires_grad_(grad)


def _torch_parameter(m: Machine, data: Any, requires_grad: Any, *hooks: Any) -> Tensor:
    return parameter_of(data, requires_grad)


def _torch_subclass(m: Machine, function: Any, kind: Any, args: Any, state: Any) -> Tensor:
    """Build a tensor subclass or buffer of torch as a tensor with its `__dict__`."""
    names = (Name("torch._utils", "_rebuild_tensor_v2"), Name("torch._utils", "_rebuild_parameter"))
    if function not in names or not isinstance(args, tuple) or not isinstance(state, dict):
        raise damaged("a tensor of no known class")
    tensor: Tensor = CALLED[function](m, *args)
    return marked(tensor, state.get("persistent", True)) if state.get("_is_buffer") is True else tensor


def _device(m: Machine, name: Any, index: Any = None) -> device:
    if name not in ("cpu", "meta", "cuda", "mps"):
        raise damaged(f"no device {name!r:.60}")
    return device("cpu")


CALLED: dict[Name, Callable[..., Any]] = {
    Name("collections", "OrderedDict"): lambda m, items=(): _pairs(m, OrderedDict, items),
    Name("collections", "defaultdict"): _default,
    Name("_codecs", "encode"): encoded,
    Name("numpy", "dtype"): _numpy_dtype,
    Name("graphc.tensors.tensor", "_rebuild"): _tensor,
    Name("graphc.core.dtypes", "Size"): _size,
    Name("torch", "Size"): _size,
    Name("torch", "device"): _device,
    Name("torch._utils", "_rebuild_tensor"): _torch_tensor,
    Name("torch._utils", "_rebuild_tensor_v2"): _torch_tensor,
    Name("torch._utils", "_rebuild_parameter"): _torch_parameter,
    Name("torch._tensor", "_rebuild_from_type_v2"): _torch_subclass,
}
for _module in ("builtins", "__builtin__"):
    CALLED |= {
        Name(_module, "set"): lambda m, items=(): set(_keys(m, items)),
        Name(_module, "frozenset"): lambda m, items=(): frozenset(_keys(m, items)),
        Name(_module, "list"): lambda m, items=(): list(m.copied(items)),
        Name(_module, "dict"): lambda m, items=(): _pairs(m, dict, items),
        Name(_module, "bytes"): lambda m: b"",
        Name(_module, "bytearray"): _bytearray,
        Name(_module, "complex"): lambda m, *parts: complex(*_numbers((int, float), parts)),
        Name(_module, "range"): _range,
        Name(_module, "xrange"): _range,
        Name(_module, "slice"): lambda m, start, stop, step: slice(start, stop, step),
    }
for _module in ("numpy._core", "numpy.core"):
    CALLED |= {
        Name(f"{_module}.multiarray", "_reconstruct"): _reconstruct,
        Name(f"{_module}.multiarray", "scalar"): _scalar,
        Name(f"{_module}.numeric", "_frombuffer"): _from_buffer,
    }
KNOWN: dict[Name, Any] = {
    **{Name("torch", name): dtype_of_name for name, dtype_of_name in DTYPES.items()},
    **{Name("torch", name): Elements(code) for name, code in STORAGES.items()},
}
"""Names that denote values rather than callables."""
ARGUMENTS = frozenset((
    Name("numpy", "ndarray"), Name("graphc.tensors.tensor", "Tensor"), Name("graphc.nn.parameter", "Parameter"),
    Name("torch", "Tensor"), Name("torch.nn.parameter", "Parameter"), Name("torch.nn.parameter", "Buffer"),
    *(Name(module, name) for module in ("builtins", "__builtin__") for name in FACTORIES),
))  # fmt: skip
"""Names that are only arguments of calls."""


MOVED = {
    "graphc.tensor": "graphc.tensors.tensor", "graphc.dtypes": "graphc.core.dtypes", "graphc.ir.types": "graphc.ir.core.types",
}  # fmt: skip
"""Modules by their names in older files."""


def find(module: Any, name: Any) -> Any:
    """Return the object for a name of a file: a public value, or the name itself.  Raises UnpicklingError."""
    known = Name(MOVED.get(module, module), name)
    if known in KNOWN:
        return KNOWN[known]
    if module == "torch" and str(name).endswith("Storage"):
        raise UnpicklingError(f"elements of torch.{name}; tensors hold those of {', '.join(f'torch.{s}' for s in STORAGES)}")
    if known not in CALLED and known not in ARGUMENTS:
        raise refused(known)
    return known
