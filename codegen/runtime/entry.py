"""Call a compiled program from Python without running any Python on the way.

    program: i64 program(ptr parameters, ptr buffers)        0, or a positive error code

`buffers` are data pointers: inputs, outputs, and last the arena (null if the program needs none).

`make_entry` returns a builtin function.  All of them share one native function (`call_stub.py`), compiled once per process;
their `self` differs, an int64 array that describes the program (`_Description`).  A new shape costs no compilation.  The stub

1. compares the bindings of names (`bindings.py`), and checks the number of arguments, and the exact type, dtype, alignment,
   extents and strides of each;
2. allocates the outputs and an arena, so that no two callers share one;
3. runs the program, with the GIL released if the description says so;
4. returns the outputs, passes a nonzero code to `on_error`, or raises the exception of a signal handler (`interrupts.py`).

A call that fails step 1 goes to `slow` with the same arguments.  Outputs are fresh memory, so they cannot alias an input.
Strides of extents below two, and all strides of arrays without elements, are not compared, since no address depends on them;
dtypes are compared by kind, byte order and number, since unpickled arrays come with a dtype object of their own.

Where `numpy_abi.supported()` is false, `PythonEntry` takes the same steps in Python.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphc.codegen.runtime import allocator, numpy_abi
from graphc.codegen.runtime.allocator import ArrayRecord
from graphc.codegen.runtime.array_spec import ArraySpec
from graphc.codegen.runtime.bindings import Bindings
from graphc.codegen.runtime.call_stub import StubEmitter
from graphc.codegen.runtime.engine import compile_text
from graphc.codegen.runtime.numpy_abi import DESCR_KIND, immortal
from graphc.codegen.runtime.pool import NO_CLASS, class_of, native

__all__ = ["PythonEntry", "call_program", "make_entry", "prepare", "redirect", "still_bound"]

PLAIN_KINDS = "biufc"


class _MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


FASTCALL, KEYWORDS = 0x80, 0x02


class _Stub:
    """The loaded native functions, and their method definitions, which CPython reads as long as an entry lives."""

    def __init__(self) -> None:
        pool = native()
        emitter = StubEmitter()
        self.code = compile_text(str(emitter.module))
        emitter.imports.fill(self.code, {"take": pool.take, "give": pool.give, "new_array": pool.new_array})
        self.call, self.invoke_def, self.holds_def = (
            _MethodDef(name.encode(), self.code.address(name), flags, None)
            for name, flags in (("call", FASTCALL | KEYWORDS), ("invoke", FASTCALL), ("holds", FASTCALL))
        )
        self.invoke, self.holds = _builtin(self.invoke_def, None), _builtin(self.holds_def, None)


def _builtin(definition: _MethodDef, self: object) -> Callable[..., Any]:
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    function: Callable[..., Any] = new(("PyCFunction_NewEx", ctypes.pythonapi))(ctypes.addressof(definition), self, None)
    return function


_loaded: dict[str, _Stub] = {}


def _stub() -> _Stub:
    """Return the native functions, compiled at the first call; never unloaded."""
    stub = _loaded.get("stub")
    return stub if stub is not None else _loaded.setdefault("stub", immortal(_Stub()))


def prepare() -> None:
    """Compile the native functions now, with the first program, rather than in its first call."""
    if numpy_abi.supported():
        _stub()


def still_bound(bindings: Bindings) -> bool:
    """Return whether bindings hold, by the check of an entry: if False, `Bindings.same` may still be true."""
    return bool(_stub().holds(bindings.block)) if numpy_abi.supported() else bindings.same()


# -- descriptions -----------------------------------------------------------------------------------------


class _Description(np.ndarray[Any, np.dtype[np.int64]]):
    """The words that the stub reads, and in `keep` the objects whose addresses they are.

    It is an array, whose data pointer native code can load, and a subclass, which can own objects and takes part in garbage
    collection: `slow` usually owns the entry.
    """

    keep: tuple[object, ...]


def _kind(dtype: np.dtype[Any]) -> int:
    """Return the eight bytes of a dtype object that identify a dtype: kind, letter, byte order, number."""
    if dtype.kind not in PLAIN_KINDS and dtype.isbuiltin != 2:
        raise TypeError(f"a program's arrays must be numeric, got {dtype}")
    return ctypes.c_int64.from_address(id(dtype) + DESCR_KIND).value


def _input_record(spec: ArraySpec) -> list[int]:
    axes = zip(spec.shape, spec.strides, spec.masks, strict=True)
    return [_kind(spec.dtype), len(spec.shape), *(word for axis in axes for word in axis)]


def _output_record(spec: ArraySpec) -> ArrayRecord:
    return ArrayRecord(spec.dtype, spec.shape, None if spec.contiguous else spec.strides)


# -- entries --------------------------------------------------------------------------------------------


def make_entry(
    address: int,
    parameters: NDArray[np.int64],
    inputs: Sequence[ArraySpec],
    outputs: Sequence[ArraySpec],
    arena_bytes: int,
    slow: Callable[..., Any],
    *,
    single: bool,
    on_error: Callable[[int], Any],
    release_gil: bool = False,
    bindings: Bindings | None = None,
    keep: object = None,
) -> Callable[..., Any]:
    """Return a function of the input arrays that runs the program at `address` and returns fresh outputs.

    It returns the one output if `single`, else a tuple; `slow(*args, **kwargs)` for arguments that do not fit `inputs`, for
    keywords, and if `bindings` do not hold; `on_error(code)` for a nonzero code.  `parameters` and `keep` (the owner of the
    machine code) live as long as the function.  Set `release_gil` for work above some 5 µs.

    Raises:
        TypeError: arrays that are not numeric.
        MemoryError: in a call, if the outputs or the arena cannot be allocated.
    """
    if single and len(outputs) != 1:
        raise ValueError(f"single wants exactly one output, got {len(outputs)}")
    if not numpy_abi.supported():
        fixed = (address, parameters, tuple(inputs), tuple(outputs), arena_bytes)
        return PythonEntry(*fixed, slow, single, on_error, bindings, keep)
    stub = _stub()
    results = [_output_record(spec) for spec in outputs]
    records = [word for spec in inputs for word in _input_record(spec)]
    arena_class = class_of(arena_bytes) if arena_bytes else NO_CLASS
    header = [address, parameters.ctypes.data, len(inputs), len(outputs), single, release_gil, arena_class]
    header += [id(slow), id(on_error), id(np.ndarray), 0 if bindings is None else bindings.block.ctypes.data]
    words = np.array([*(r.address for r in results), *header, *records], np.int64)
    description = words[len(results) :].view(_Description)
    description.keep = (parameters, results, slow, on_error, bindings, keep)
    return _builtin(stub.call, description)


def redirect(entry: Callable[..., Any], address: int) -> None:
    """Redirect an entry to other code of the same program from its next call on; safe while other threads call it."""
    if isinstance(entry, PythonEntry):
        entry.address = address
    else:
        entry.__self__[0] = address  # type: ignore[attr-defined]  # one word, written atomically


@dataclass(eq=False)
class PythonEntry:
    """An entry in Python."""

    address: int
    parameters: NDArray[np.int64]
    inputs: tuple[ArraySpec, ...]
    outputs: tuple[ArraySpec, ...]
    arena_bytes: int
    slow: Callable[..., Any]
    single: bool
    on_error: Callable[[int], Any]
    bindings: Bindings | None = None
    keep: object = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return self.slow(*args, **kwargs)
        if self.bindings is not None and not self.bindings.same():
            return self.slow(*args)
        if len(args) != len(self.inputs) or not all(spec.fits(x) for spec, x in zip(self.inputs, args, strict=True)):
            return self.slow(*args)
        outputs = [spec.empty() for spec in self.outputs]
        arena = allocator.block(self.arena_bytes) if self.arena_bytes else None
        code = call_program(self.address, self.parameters, args, outputs, arena)
        if code:
            return self.on_error(code)
        return outputs[0] if self.single else tuple(outputs)


def call_program(
    address: int,
    parameters: NDArray[np.int64],
    inputs: Sequence[NDArray[Any]],
    outputs: Sequence[NDArray[Any]],
    arena: NDArray[np.uint8] | None = None,
) -> int:
    """Run a program with the GIL released; return its code.

    The arrays must fit the program and must not alias: nothing is checked.  `arena` comes from `allocator.block`.
    """
    arrays = (*inputs, *outputs) if arena is None else (*inputs, *outputs, arena)
    if not numpy_abi.supported():
        return _call_by_ctypes(address, parameters, arrays)
    code: int = _stub().invoke(address, parameters, *arrays)
    return code


@functools.lru_cache(maxsize=256)
def _by_ctypes(address: int) -> Callable[..., int]:
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(address)


def _call_by_ctypes(address: int, parameters: NDArray[np.int64], arrays: Sequence[NDArray[Any]]) -> int:
    """Run a program where native code may not read arrays."""
    buffers = (ctypes.c_void_p * (len(arrays) + 1))(*(x.ctypes.data for x in arrays), None)
    try:
        return _by_ctypes(address)(parameters.ctypes.data, buffers)
    except SystemError as error:  # ctypes raises it for an exception that is set
        raise error.__cause__ or error from None
