"""Call a compiled program from Python without running any Python on the way.

    program: i64 program(ptr table, ptr buffers)        0, or a positive error code

`buffers` are data pointers: inputs, outputs, and last the arena (null when the program wants none).

`make_entry` returns a builtin function.  Behind every one of them stands the same native function, made
once in a process; what differs is its `self`, an int64 array that describes the program (`_Description`).
A new shape therefore costs no compilation.  The native function

1. compares what names stand for (`bindings.py`), and checks the number of arguments, and of each its exact type, dtype,
   alignment, extents and strides;
2. makes the outputs and borrows an arena from the allocator, so that callers never share one;
3. runs the program, with the GIL released if the description says so;
4. returns the outputs, or passes a nonzero code to `on_error`; raises what a signal handler raised meanwhile (`interrupts.py`).

Whatever step 1 does not expect goes to `slow` with the same arguments.  Outputs are fresh memory, so they
cannot alias an input.  Strides of extents below two, and all strides of arrays without elements, are not
compared, since no address depends on them; dtypes are compared by kind, byte order and number, since
unpickled arrays come with a dtype object of their own.

Where `allocator.supported()` is false the same steps run in Python (`PythonEntry`).
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphc.codegen.llvm.builder import Function, Module, Value
from graphc.codegen.runtime import allocator
from graphc.codegen.runtime.allocator import (
    COUNT,
    DATA,
    DESCR,
    DESCR_KIND,
    DIMENSIONS,
    FLAGS,
    NO_CLASS,
    STRIDES,
    TYPE,
    ArrayRecord,
    Imports,
)
from graphc.codegen.runtime.bindings import DICT, LIST, VERSION_OFFSET, VERSIONED, Bindings
from graphc.codegen.runtime.engine import compile_text
from graphc.codegen.runtime.interrupts import INTERRUPTED
from graphc.ir.core.cached import cached_property

__all__ = ["ArraySpec", "PythonEntry", "call_program", "make_entry", "prepare", "redirect", "still_bound"]

ALIGNED_FLAG = 0x100
SIZE, ITEMS = 16, 24
"""Offsets of the size of a list or dict, and of a list's items."""
PLAIN_KINDS = "biufc"

# Words of a description; the records of the inputs, which differ in length, follow.
PROGRAM, TABLE, INPUTS, OUTPUTS, SINGLE, RELEASE_GIL, ARENA_CLASS, SLOW, ON_ERROR, ARRAY_TYPE, BINDINGS, RECORDS = range(12)
# Words of an input's record: these two, then extent, stride and mask for each dimension.
KIND, RANK, AXES = range(3)


@dataclass(frozen=True)
class ArraySpec:
    """The dtype, shape and strides (in bytes) that one array of a program has."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @staticmethod
    def of(x: NDArray[Any]) -> ArraySpec:
        """Describe an array."""
        return ArraySpec(x.dtype, x.shape, x.strides)

    @cached_property
    def masks(self) -> tuple[int, ...]:
        """For each dimension -1 if addresses depend on its stride, else 0."""
        return tuple(-1 if extent > 1 and 0 not in self.shape else 0 for extent in self.shape)

    @property
    def span(self) -> tuple[int, int]:
        """How many bytes from its first element an array begins and ends."""
        if 0 in self.shape:
            return 0, 0
        reach = [(extent - 1) * stride for extent, stride in zip(self.shape, self.strides, strict=True)]
        return sum(r for r in reach if r < 0), sum(r for r in reach if r > 0) + self.dtype.itemsize

    @cached_property
    def contiguous(self) -> bool:
        """Whether the strides are those of C order, as far as they matter."""
        steps = [self.dtype.itemsize * math.prod(self.shape[i + 1 :]) for i in range(len(self.shape))]
        return all(not mask or have == want for mask, have, want in zip(self.masks, self.strides, steps, strict=True))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The dimensions from the largest stride to the smallest."""
        return tuple(sorted(range(len(self.shape)), key=lambda i: (-self.strides[i], i)))

    def empty(self) -> NDArray[Any]:
        """Make an array; the strides must be those of some order of its dimensions."""
        if self.contiguous:
            return allocator.empty(self.shape, self.dtype)
        made = allocator.empty([self.shape[i] for i in self.order], self.dtype)
        return np.transpose(made, [self.order.index(i) for i in range(len(self.order))])

    def fits(self, x: object) -> bool:
        """Tell whether a program made for this description may read `x`."""
        if type(x) is not np.ndarray or x.dtype != self.dtype or x.shape != self.shape or not x.flags.aligned:
            return False
        axes = zip(self.masks, x.strides, self.strides, strict=True)
        return x.strides == self.strides or all(not mask or a == b for mask, a, b in axes)


# -- the native side ------------------------------------------------------------------------------------


IMPORTED = (
    *("take", "give", "new_array"),
    *("PyTuple_New", "PyTuple_SetItem", "PyErr_NoMemory", "Py_DecRef", "PyEval_SaveThread", "PyEval_RestoreThread"),
    *("PyLong_FromLongLong", "PyLong_AsVoidPtr", "PyObject_Vectorcall", "PyObject_VectorcallDict", "PyDict_GetItemWithError"),
)


class _Emitter:
    """The two native functions, `call` and `invoke`, written into one module."""

    def __init__(self) -> None:
        self.module = Module()
        self.imports = Imports(self.module, IMPORTED)
        self.call()
        self.invoke()
        self.holds()

    null = Value("null", "ptr")

    def call(self) -> None:
        """`PyObject *call(self, args, n, names)`: what stands behind every entry; keywords are for the slow path."""
        f = Function(self.module, "call", [("ptr", "self"), ("ptr", "args"), ("i64", "n"), ("ptr", "names")], "ptr")
        spec = f.load(f.element(f.args[0], f.i64(DATA), "i8"), "ptr")
        _, args, n, names = f.args
        plain = f.and_(f.cmp("eq", n, _word(f, spec, INPUTS)), f.cmp("eq", names, self.null))
        self._go_on_if(f, plain, "slow", "count")
        self._check_bindings(f, _word(f, spec, BINDINGS, "ptr"))
        size = f.add(f.add(n, _word(f, spec, OUTPUTS)), f.i64(1))
        buffers = f.inst(f"alloca ptr, {size.typed}, align 16", "ptr")
        self._check_inputs(f, spec, args, n, buffers)
        result = self._make_outputs(f, spec, f.element(buffers, n, "ptr"))
        size_class = _word(f, spec, ARENA_CLASS)
        arena = self._take_arena(f, size_class, result)
        f.store(arena, f.element(buffers, f.sub(size, f.i64(1)), "ptr"))
        code = self._run(f, spec, buffers)
        with f.when(f.cmp("ne", arena, self.null)):
            self.imports.call(f, "give", "void", arena, size_class)
        self._go_on_if(f, f.cmp("eq", code, f.i64(0)), "error", "good")
        f.ret(result)
        self._error(f, spec, result, code)
        f.start("slow")
        f.ret(self.imports.call(f, "PyObject_Vectorcall", "ptr", _word(f, spec, SLOW, "ptr"), args, n, names))

    def _check_inputs(self, f: Function, spec: Value, args: Value, n: Value, buffers: Value) -> None:
        """Compare every argument with its record; store the data pointers."""
        kind = _word(f, spec, ARRAY_TYPE, "ptr")
        with f.loop(f.i64(0), n, carry=[f.element(spec, f.i64(RECORDS), "i64")]) as loop:
            record = loop.carry[0]
            x = f.load(f.element(args, loop.index, "ptr"), "ptr")
            self._go_on_if(f, f.cmp("eq", _field(f, x, TYPE), kind), "slow", "array")
            rank = _word(f, record, RANK)
            self._go_on_if(f, self._same_head(f, x, record, rank), "slow", "head")
            self._go_on_if(f, self._same_axes(f, x, record, rank), "slow", "axes")
            f.store(_field(f, x, DATA), f.element(buffers, loop.index, "ptr"))
            loop.next([f.element(record, f.add(f.mul(rank, f.i64(3)), f.i64(AXES)), "i64")])

    def _check_bindings(self, f: Function, block: Value) -> None:
        """Go on if every record of a block holds, or if there is none."""
        some = f.cmp("ne", block, self.null)
        f.cond_br(some, "bindings", "bound")
        f.start("bindings")
        with f.loop(f.i64(0), _word(f, block, 0), carry=[f.element(block, f.i64(1), "i64")]) as loop:
            record = loop.carry[0]
            held = f.load(f.element(record, f.i64(1), "i64"), "ptr")
            kind = _word(f, record, 0)
            f.cond_br(f.cmp("eq", kind, f.i64(DICT)), "dict", "other")
            f.start("other")
            f.cond_br(f.cmp("eq", kind, f.i64(LIST)), "list", "slot")
            f.start("slot")
            self._go_on_if(f, f.cmp("eq", _field(f, held, 0), _word(f, record, 2, "ptr")), "slow", "slot_holds")
            f.br("next_binding")
            f.start("list")
            listed = self._check_list(f, record, held)
            f.br("next_binding")
            f.start("dict")
            entries = _word(f, record, 4)
            known, done = self._check_dict(f, record, held, entries)
            f.start("next_binding")
            words = f"[ 3, %slot_holds ], [ {listed[0].name}, %{listed[1]} ], [ {done.name}, %dict ], [ {done.name}, %{known} ]"
            loop.next([f.element(record, f.inst(f"phi i64 {words}", "i64"), "i64")])
        f.br("bound")
        f.start("bound")

    def _check_list(self, f: Function, record: Value, held: Value) -> tuple[Value, str]:
        """Compare a list with its items; return the words of its record, and the block that ends here."""
        count = _word(f, record, 2)
        self._go_on_if(f, f.cmp("eq", _field(f, held, SIZE, "i64"), count), "slow", "list_size")
        items = _field(f, held, ITEMS)
        with f.loop(f.i64(0), count, carry=[f.i64(0)]) as loop:
            item = f.load(f.element(items, loop.index, "i64"), "i64")
            wanted = f.load(f.element(record, f.add(loop.index, f.i64(3)), "i64"), "i64")
            loop.next([f.or_(loop.carry[0], f.xor(item, wanted))])
        self._go_on_if(f, f.cmp("eq", loop.results[0], f.i64(0)), "slow", "list_holds")
        return f.add(count, f.i64(3)), "list_holds"

    def _check_dict(self, f: Function, record: Value, held: Value, entries: Value) -> tuple[str, Value]:
        """Compare a dict's version, or else its entries; return the block that ends here, and the words of the record."""
        words = f.add(f.mul(entries, f.i64(2)), f.i64(5))
        slot = f.element(record, f.i64(2), "i64")
        version = _field(f, held, VERSION_OFFSET, "i64") if VERSIONED else f.i64(1)
        f.cond_br(f.cmp("eq", version, f.load(slot, "i64")), "next_binding", "changed")
        f.start("changed")
        size = _word(f, record, 3)
        fits = f.cmp("slt", size, f.i64(0))
        if not VERSIONED:  # a whole dict is bound only if it has no order, with one entry or none
            fits = f.or_(fits, f.cmp("eq", size, _field(f, held, SIZE, "i64")))
        self._go_on_if(f, fits, "slow", "entries")
        with f.loop(f.i64(0), entries, carry=[f.i64(0), f.element(record, f.i64(5), "i64")]) as loop:
            different, pair = loop.carry
            value = self.imports.call(f, "PyDict_GetItemWithError", "ptr", held, _word(f, pair, 0, "ptr"))
            found = f.inst(f"ptrtoint {value.typed} to i64", "i64")
            loop.next([f.or_(different, f.xor(found, _word(f, pair, 1))), f.element(pair, f.i64(2), "i64")])
        self._go_on_if(f, f.cmp("eq", loop.results[0], f.i64(0)), "slow", "dict_holds")
        f.store(version, slot)
        f.br("next_binding")
        return "dict_holds", words

    def _same_head(self, f: Function, x: Value, record: Value, rank: Value) -> Value:
        """Compare rank and dtype, and look at the alignment flag."""
        same_rank = f.cmp("eq", _field(f, x, COUNT, "i32"), f.convert("trunc", rank, "i32"))
        same_dtype = f.cmp("eq", _field(f, _field(f, x, DESCR), DESCR_KIND, "i64"), _word(f, record, KIND))
        flag = f.and_(_field(f, x, FLAGS, "i32"), Value(str(ALIGNED_FLAG), "i32"))
        return f.and_(f.and_(same_rank, same_dtype), f.cmp("ne", flag, f.like(0, flag)))

    def _same_axes(self, f: Function, x: Value, record: Value, rank: Value) -> Value:
        """Compare extents and strides, all of them before the one branch."""
        extents, strides = _field(f, x, DIMENSIONS), _field(f, x, STRIDES)
        with f.loop(f.i64(0), rank, carry=[f.i64(0), f.element(record, f.i64(AXES), "i64")]) as loop:
            different, axis = loop.carry
            extent = f.xor(f.load(f.element(extents, loop.index, "i64"), "i64"), _word(f, axis, 0))
            stride = f.xor(f.load(f.element(strides, loop.index, "i64"), "i64"), _word(f, axis, 1))
            here = f.or_(extent, f.and_(stride, _word(f, axis, 2)))
            loop.next([f.or_(different, here), f.element(axis, f.i64(3), "i64")])
        return f.cmp("eq", loop.results[0], f.i64(0))

    def _make_outputs(self, f: Function, spec: Value, buffers: Value) -> Value:
        """Make the output arrays, store their data pointers, and return the array or the tuple of them."""
        count = _word(f, spec, OUTPUTS)
        records = f.element(spec, f.sub(f.i64(0), count), "i64")
        single = f.cmp("ne", _word(f, spec, SINGLE), f.i64(0))
        f.cond_br(single, "single", "several")
        f.start("single")
        array = self._make_output(f, records, buffers, f.i64(0), "fail", "one")
        f.br("run")
        f.start("several")
        items = self.imports.call(f, "PyTuple_New", "ptr", count)
        self._go_on_if(f, f.cmp("ne", items, self.null), "fail", "items")
        with f.loop(f.i64(0), count) as loop:
            item = self._make_output(f, records, buffers, loop.index, "unmake", "item")
            self.imports.call(f, "PyTuple_SetItem", "i32", items, loop.index, item)
        done = f.label
        f.br("run")
        f.start("unmake")
        self.imports.call(f, "Py_DecRef", "void", items)
        f.br("fail")
        f.start("fail")
        f.ret(self.null)
        f.start("run")
        return f.inst(f"phi ptr [ {array.name}, %one ], [ {items.name}, %{done} ]", "ptr")

    def _make_output(self, f: Function, records: Value, buffers: Value, i: Value, failed: str, made: str) -> Value:
        record = f.load(f.element(records, i, "ptr"), "ptr")
        array = self.imports.call(f, "new_array", "ptr", record)
        self._go_on_if(f, f.cmp("ne", array, self.null), failed, made)
        f.store(_field(f, array, DATA), f.element(buffers, i, "ptr"))
        return array

    def _take_arena(self, f: Function, size_class: Value, result: Value) -> Value:
        """Borrow the arena; null if the program has none."""
        before = f.label
        f.cond_br(f.cmp("slt", size_class, f.i64(0)), "armed", "borrow")
        f.start("borrow")
        taken = self.imports.call(f, "take", "ptr", size_class)
        f.cond_br(f.cmp("eq", taken, self.null), "exhausted", "armed")
        f.start("exhausted")
        self.imports.call(f, "Py_DecRef", "void", result)
        f.ret(self.imports.call(f, "PyErr_NoMemory", "ptr"))
        f.start("armed")
        return f.inst(f"phi ptr [ null, %{before} ], [ {taken.name}, %borrow ]", "ptr")

    def _run(self, f: Function, spec: Value, buffers: Value) -> Value:
        """Call the program, without the GIL if the description says so."""
        release = f.cmp("ne", _word(f, spec, RELEASE_GIL), f.i64(0))
        slot = f.alloca("ptr", 1, align=8)
        with f.when(release):
            f.store(self.imports.call(f, "PyEval_SaveThread", "ptr"), slot)
        program, table = _word(f, spec, PROGRAM, "ptr"), _word(f, spec, TABLE, "ptr")
        code = f.inst(f"call i64 {program.name}({table.typed}, {buffers.typed})", "i64")
        with f.when(release):
            self.imports.call(f, "PyEval_RestoreThread", "void", f.load(slot, "ptr"))
        return code

    def _error(self, f: Function, spec: Value, result: Value, code: Value) -> None:
        """Write the block `error`: drop the outputs and hand the code to `on_error`."""
        slot = f.alloca("ptr", 1, align=8)
        f.start("error")
        self.imports.call(f, "Py_DecRef", "void", result)
        self._go_on_if(f, f.cmp("ne", code, f.i64(INTERRUPTED)), "raised", "reported")
        number = self.imports.call(f, "PyLong_FromLongLong", "ptr", code)
        self._go_on_if(f, f.cmp("ne", number, self.null), "fail", "report")
        f.store(number, slot)
        answer = self.imports.call(
            f, "PyObject_VectorcallDict", "ptr", _word(f, spec, ON_ERROR, "ptr"), slot, f.i64(1), self.null
        )
        self.imports.call(f, "Py_DecRef", "void", number)
        f.ret(answer)
        f.start("raised")
        f.ret(self.null)

    def invoke(self) -> None:
        """`PyObject *invoke(self, args, n)`: args are the program's address, its table, then checked arrays.

        The GIL is released.  The result is the program's code, null if the exception is set.
        """
        f = Function(self.module, "invoke", [("ptr", "self"), ("ptr", "args"), ("i64", "n")], "ptr")
        _, args, n = f.args
        program = self.imports.call(f, "PyLong_AsVoidPtr", "ptr", f.load(args, "ptr"))
        table = _field(f, f.load(f.element(args, f.i64(1), "ptr"), "ptr"), DATA)
        count = f.sub(n, f.i64(2))
        arrays = f.element(args, f.i64(2), "ptr")
        buffers = f.inst(f"alloca ptr, {n.typed}, align 16", "ptr")
        with f.loop(f.i64(0), count) as loop:
            x = f.load(f.element(arrays, loop.index, "ptr"), "ptr")
            f.store(_field(f, x, DATA), f.element(buffers, loop.index, "ptr"))
        f.store(self.null, f.element(buffers, count, "ptr"))
        state = self.imports.call(f, "PyEval_SaveThread", "ptr")
        code = f.inst(f"call i64 {program.name}({table.typed}, {buffers.typed})", "i64")
        self.imports.call(f, "PyEval_RestoreThread", "void", state)
        self._go_on_if(f, f.cmp("ne", code, f.i64(INTERRUPTED)), "raised", "ended")
        f.ret(self.imports.call(f, "PyLong_FromLongLong", "ptr", code))
        f.start("raised")
        f.ret(self.null)

    def holds(self) -> None:
        """`PyObject *holds(self, args, n)`: 1 if the records of the block args[0] hold, else 0."""
        f = Function(self.module, "holds", [("ptr", "self"), ("ptr", "args"), ("i64", "n")], "ptr")
        self._check_bindings(f, _field(f, f.load(f.args[1], "ptr"), DATA))
        f.ret(self.imports.call(f, "PyLong_FromLongLong", "ptr", f.i64(1)))
        f.start("slow")
        f.ret(self.imports.call(f, "PyLong_FromLongLong", "ptr", f.i64(0)))

    def _go_on_if(self, f: Function, good: Value, other: str, then: str) -> None:
        """Leave for the block `other` unless `good`; go on in the block `then`."""
        f.cond_br(good, then, other)
        f.start(then)


def _word(f: Function, base: Value, index: int, type: str = "i64") -> Value:
    """Load a word of a record."""
    return f.load(f.element(base, f.i64(index), "i64"), type)


def _field(f: Function, x: Value, offset: int, type: str = "ptr") -> Value:
    """Load a field of a Python object by its offset in bytes."""
    return f.load(f.element(x, f.i64(offset), "i8"), type)


class _MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


FASTCALL, KEYWORDS = 0x80, 0x02


class _Glue:
    """The loaded native functions and the method definitions that CPython reads for as long as an entry lives."""

    def __init__(self) -> None:
        pool = allocator.native()
        emitter = _Emitter()
        self.code = compile_text(str(emitter.module))
        emitter.imports.fill(self.code, {"take": pool.take, "give": pool.give, "new_array": pool.new_array})
        self.call, self.invoke_def, self.holds_def = (
            _MethodDef(name.encode(), self.code.address(name), flags, None)
            for name, flags in (("call", FASTCALL | KEYWORDS), ("invoke", FASTCALL), ("holds", FASTCALL))
        )
        self.invoke, self.holds = _builtin(self.invoke_def, None), _builtin(self.holds_def, None)


def _builtin(definition: _MethodDef, self: object) -> Callable[..., Any]:
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    make = new(("PyCFunction_NewEx", ctypes.pythonapi))
    made: Callable[..., Any] = make(ctypes.addressof(definition), self, None)
    return made


_loaded: dict[str, _Glue] = {}


def _glue() -> _Glue:
    """Return the native functions, made at the first call; never unloaded."""
    found = _loaded.get("glue")
    return found if found is not None else _loaded.setdefault("glue", allocator.immortal(_Glue()))


def prepare() -> None:
    """Make the native functions now: a part of compiling the first program, not of its first call."""
    if allocator.supported():
        _glue()


def still_bound(bindings: Bindings) -> bool:
    """Tell whether bindings hold, in the way of an entry: False may also mean that only Python can tell."""
    return bool(_glue().holds(bindings.block)) if allocator.supported() else bindings.same()


# -- descriptions -----------------------------------------------------------------------------------------


class _Description(np.ndarray[Any, np.dtype[np.int64]]):
    """The words that drive `call`, and in `keep` the objects that they are addresses of.

    An array, because its data pointer is where native code knows to find it, and a subclass, because those
    can own objects and take part in garbage collection: `slow` usually owns the entry.
    """

    keep: tuple[object, ...]


def _kind(dtype: np.dtype[Any]) -> int:
    """Return the eight bytes of a dtype object that tell dtypes apart: kind, letter, byte order, number."""
    if dtype.kind not in PLAIN_KINDS and dtype.isbuiltin != 2:
        raise TypeError(f"a program's arrays must be numeric, got {dtype}")
    return ctypes.c_int64.from_address(id(dtype) + DESCR_KIND).value


def _input_record(spec: ArraySpec) -> list[int]:
    axes = zip(spec.shape, spec.strides, spec.masks, strict=True)
    return [_kind(spec.dtype), len(spec.shape), *(word for axis in axes for word in axis)]


def _output_record(spec: ArraySpec) -> ArrayRecord:
    return ArrayRecord(spec.dtype, spec.shape, None if spec.contiguous else spec.strides)


# -- for Python -------------------------------------------------------------------------------------------


def make_entry(
    address: int,
    table: NDArray[np.int64],
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

    It returns the one output if `single`, else a tuple; the result of `slow(*args, **kwargs)` for arguments that
    do not fit `inputs`, for keywords, and if `bindings` do not hold; the result of `on_error(code)` for a nonzero
    code.  `table` and `keep` (whatever owns the machine code) live as long as the function.  Set `release_gil` for
    work above some 5 µs.
    Raises MemoryError in the call, and here TypeError for arrays that are not numeric.
    """
    if single and len(outputs) != 1:
        raise ValueError(f"single wants exactly one output, got {len(outputs)}")
    if not allocator.supported():
        given = (address, table, tuple(inputs), tuple(outputs), arena_bytes)
        return PythonEntry(*given, slow, single, on_error, bindings, keep)
    glue = _glue()
    made = [_output_record(spec) for spec in outputs]
    records = [word for spec in inputs for word in _input_record(spec)]
    arena_class = allocator.class_of(arena_bytes) if arena_bytes else NO_CLASS
    header = [address, table.ctypes.data, len(inputs), len(outputs), single, release_gil, arena_class]
    header += [id(slow), id(on_error), id(np.ndarray), 0 if bindings is None else bindings.block.ctypes.data]
    words = np.array([*(r.address for r in made), *header, *records], np.int64)
    description = words[len(made) :].view(_Description)
    description.keep = (table, made, slow, on_error, bindings, keep)
    return _builtin(glue.call, description)


def redirect(entry: Callable[..., Any], address: int) -> None:
    """Let an entry run another program of the same table from its next call on; also while other threads call it."""
    if isinstance(entry, PythonEntry):
        entry.address = address
    else:
        entry.__self__[0] = address  # type: ignore[attr-defined]  # one word of its description, written at once


@dataclass(eq=False)
class PythonEntry:
    """The steps of an entry, in Python."""

    address: int
    table: NDArray[np.int64]
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
        made = [spec.empty() for spec in self.outputs]
        arena = allocator.block(self.arena_bytes) if self.arena_bytes else None
        code = call_program(self.address, self.table, args, made, arena)
        if code:
            return self.on_error(code)
        return made[0] if self.single else tuple(made)


def call_program(
    address: int,
    table: NDArray[np.int64],
    inputs: Sequence[NDArray[Any]],
    outputs: Sequence[NDArray[Any]],
    arena: NDArray[np.uint8] | None = None,
) -> int:
    """Run a program on arrays that fit it and must not alias, and return its code; the GIL is released.

    Nothing is checked.  `arena` comes from `allocator.block`.
    """
    arrays = (*inputs, *outputs) if arena is None else (*inputs, *outputs, arena)
    if not allocator.supported():
        return _call_by_ctypes(address, table, arrays)
    code: int = _glue().invoke(address, table, *arrays)
    return code


@functools.lru_cache(maxsize=256)
def _by_ctypes(address: int) -> Callable[..., int]:
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(address)


def _call_by_ctypes(address: int, table: NDArray[np.int64], arrays: Sequence[NDArray[Any]]) -> int:
    """Run a program where native code may not read arrays."""
    buffers = (ctypes.c_void_p * (len(arrays) + 1))(*(x.ctypes.data for x in arrays), None)
    try:
        return _by_ctypes(address)(table.ctypes.data, buffers)
    except SystemError as error:  # ctypes does not expect an exception that was set, and says so
        raise error.__cause__ or error from None
