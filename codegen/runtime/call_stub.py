"""The native functions that all entries share: check the arguments, allocate the outputs, run the program."""

from __future__ import annotations

from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.runtime.bindings import DICT, LIST, VERSION_OFFSET, VERSIONED
from graphc.codegen.runtime.interrupts import INTERRUPTED
from graphc.codegen.runtime.numpy_abi import COUNT, DATA, DESCR, DESCR_KIND, DIMENSIONS, FLAGS, STRIDES, TYPE, Imports

__all__ = ["StubEmitter"]

ALIGNED_FLAG = 0x100

SIZE, ITEMS = 16, 24
"""Offsets of the size of a list or dict, and of a list's items."""

# words of a description; the records of the inputs, which differ in length, follow
PROGRAM, PARAMETERS, INPUTS, OUTPUTS, SINGLE, RELEASE_GIL = range(6)
ARENA_CLASS, SLOW, ON_ERROR, ARRAY_TYPE, BINDINGS, RECORDS = range(6, 12)

# words of an input's record: these two, then extent, stride and mask for each dimension
KIND, RANK, AXES = range(3)

IMPORTED = (
    *("take", "give", "new_array"),
    *("PyTuple_New", "PyTuple_SetItem", "PyErr_NoMemory", "Py_DecRef", "PyEval_SaveThread", "PyEval_RestoreThread"),
    *("PyLong_FromLongLong", "PyLong_AsVoidPtr", "PyObject_Vectorcall", "PyObject_VectorcallDict", "PyDict_GetItemWithError"),
)


class StubEmitter:
    """Emits the native functions `call`, `invoke` and `holds` in one module."""

    def __init__(self) -> None:
        self.module = Module()
        self.imports = Imports(self.module, IMPORTED)
        self.call()
        self.invoke()
        self.holds()

    null = Value("null", "ptr")

    def call(self) -> None:
        """`PyObject *call(self, args, n, names)`: the function of every entry; keywords take the slow path."""
        f = Function(self.module, "call", [("ptr", "self"), ("ptr", "args"), ("i64", "n"), ("ptr", "names")], "ptr")
        spec = f.load(f.element(f.args[0], f.i64(DATA), "i8"), "ptr")
        _, args, n, names = f.args
        plain = f.and_(f.cmp("eq", n, word(f, spec, INPUTS)), f.cmp("eq", names, self.null))
        self._go_on_if(f, plain, "slow", "count")
        self._check_bindings(f, word(f, spec, BINDINGS, "ptr"))
        size = f.add(f.add(n, word(f, spec, OUTPUTS)), f.i64(1))
        buffers = f.inst(f"alloca ptr, {size.typed}, align 16", "ptr")
        self._check_inputs(f, spec, args, n, buffers)
        result = self._make_outputs(f, spec, f.element(buffers, n, "ptr"))
        size_class = word(f, spec, ARENA_CLASS)
        arena = self._take_arena(f, size_class, result)
        f.store(arena, f.element(buffers, f.sub(size, f.i64(1)), "ptr"))
        code = self._run(f, spec, buffers)
        with f.when(f.cmp("ne", arena, self.null)):
            self.imports.call(f, "give", "void", arena, size_class)
        self._go_on_if(f, f.cmp("eq", code, f.i64(0)), "error", "good")
        f.ret(result)
        self._error(f, spec, result, code)
        f.start("slow")
        f.ret(self.imports.call(f, "PyObject_Vectorcall", "ptr", word(f, spec, SLOW, "ptr"), args, n, names))

    def _check_inputs(self, f: Function, spec: Value, args: Value, n: Value, buffers: Value) -> None:
        """Compare each argument with its record; store the data pointers."""
        kind = word(f, spec, ARRAY_TYPE, "ptr")
        with f.loop(f.i64(0), n, carry=[f.element(spec, f.i64(RECORDS), "i64")]) as loop:
            record = loop.carry[0]
            x = f.load(f.element(args, loop.index, "ptr"), "ptr")
            self._go_on_if(f, f.cmp("eq", field(f, x, TYPE), kind), "slow", "array")
            rank = word(f, record, RANK)
            self._go_on_if(f, self._same_head(f, x, record, rank), "slow", "head")
            self._go_on_if(f, self._same_axes(f, x, record, rank), "slow", "axes")
            f.store(field(f, x, DATA), f.element(buffers, loop.index, "ptr"))
            loop.next([f.element(record, f.add(f.mul(rank, f.i64(3)), f.i64(AXES)), "i64")])

    def _check_bindings(self, f: Function, block: Value) -> None:
        """Continue if every record of a block holds, or if the block is null."""
        f.cond_br(f.cmp("ne", block, self.null), "bindings", "bound")
        f.start("bindings")
        with f.loop(f.i64(0), word(f, block, 0), carry=[f.element(block, f.i64(1), "i64")]) as loop:
            record = loop.carry[0]
            container = f.load(f.element(record, f.i64(1), "i64"), "ptr")
            kind = word(f, record, 0)
            f.cond_br(f.cmp("eq", kind, f.i64(DICT)), "dict", "other")
            f.start("other")
            f.cond_br(f.cmp("eq", kind, f.i64(LIST)), "list", "slot")
            f.start("slot")
            self._go_on_if(f, f.cmp("eq", field(f, container, 0), word(f, record, 2, "ptr")), "slow", "slot_holds")
            f.br("next_binding")
            f.start("list")
            listed = self._check_list(f, record, container)
            f.br("next_binding")
            f.start("dict")
            entries = word(f, record, 4)
            known, done = self._check_dict(f, record, container, entries)
            f.start("next_binding")
            words = f"[ 3, %slot_holds ], [ {listed[0].name}, %{listed[1]} ], [ {done.name}, %dict ], [ {done.name}, %{known} ]"
            loop.next([f.element(record, f.inst(f"phi i64 {words}", "i64"), "i64")])
        f.br("bound")
        f.start("bound")

    def _check_list(self, f: Function, record: Value, container: Value) -> tuple[Value, str]:
        """Compare the items of a list; return the words of its record, and the current block."""
        count = word(f, record, 2)
        self._go_on_if(f, f.cmp("eq", field(f, container, SIZE, "i64"), count), "slow", "list_size")
        items = field(f, container, ITEMS)
        with f.loop(f.i64(0), count, carry=[f.i64(0)]) as loop:
            item = f.load(f.element(items, loop.index, "i64"), "i64")
            wanted = f.load(f.element(record, f.add(loop.index, f.i64(3)), "i64"), "i64")
            loop.next([f.or_(loop.carry[0], f.xor(item, wanted))])
        self._go_on_if(f, f.cmp("eq", loop.results[0], f.i64(0)), "slow", "list_holds")
        return f.add(count, f.i64(3)), "list_holds"

    def _check_dict(self, f: Function, record: Value, container: Value, entries: Value) -> tuple[str, Value]:
        """Compare the version of a dict, or else its entries; return the current block, and the words of the record."""
        words = f.add(f.mul(entries, f.i64(2)), f.i64(5))
        slot = f.element(record, f.i64(2), "i64")
        version = field(f, container, VERSION_OFFSET, "i64") if VERSIONED else f.i64(1)
        f.cond_br(f.cmp("eq", version, f.load(slot, "i64")), "next_binding", "changed")
        f.start("changed")
        size = word(f, record, 3)
        fits = f.cmp("slt", size, f.i64(0))
        if not VERSIONED:  # all entries are bound only for a dict of at most one, which has no order
            fits = f.or_(fits, f.cmp("eq", size, field(f, container, SIZE, "i64")))
        self._go_on_if(f, fits, "slow", "entries")
        with f.loop(f.i64(0), entries, carry=[f.i64(0), f.element(record, f.i64(5), "i64")]) as loop:
            different, pair = loop.carry
            value = self.imports.call(f, "PyDict_GetItemWithError", "ptr", container, word(f, pair, 0, "ptr"))
            address = f.inst(f"ptrtoint {value.typed} to i64", "i64")
            loop.next([f.or_(different, f.xor(address, word(f, pair, 1))), f.element(pair, f.i64(2), "i64")])
        self._go_on_if(f, f.cmp("eq", loop.results[0], f.i64(0)), "slow", "dict_holds")
        f.store(version, slot)
        f.br("next_binding")
        return "dict_holds", words

    def _same_head(self, f: Function, x: Value, record: Value, rank: Value) -> Value:
        """Compare rank, dtype and the alignment flag."""
        same_rank = f.cmp("eq", field(f, x, COUNT, "i32"), f.convert("trunc", rank, "i32"))
        same_dtype = f.cmp("eq", field(f, field(f, x, DESCR), DESCR_KIND, "i64"), word(f, record, KIND))
        flag = f.and_(field(f, x, FLAGS, "i32"), Value(str(ALIGNED_FLAG), "i32"))
        return f.and_(f.and_(same_rank, same_dtype), f.cmp("ne", flag, f.like(0, flag)))

    def _same_axes(self, f: Function, x: Value, record: Value, rank: Value) -> Value:
        """Compare all extents and strides without a branch for each."""
        extents, strides = field(f, x, DIMENSIONS), field(f, x, STRIDES)
        with f.loop(f.i64(0), rank, carry=[f.i64(0), f.element(record, f.i64(AXES), "i64")]) as loop:
            different, axis = loop.carry
            extent = f.xor(f.load(f.element(extents, loop.index, "i64"), "i64"), word(f, axis, 0))
            stride = f.xor(f.load(f.element(strides, loop.index, "i64"), "i64"), word(f, axis, 1))
            here = f.or_(extent, f.and_(stride, word(f, axis, 2)))
            loop.next([f.or_(different, here), f.element(axis, f.i64(3), "i64")])
        return f.cmp("eq", loop.results[0], f.i64(0))

    def _make_outputs(self, f: Function, spec: Value, buffers: Value) -> Value:
        """Allocate the output arrays, store their data pointers, and return the array or the tuple of them."""
        count = word(f, spec, OUTPUTS)
        records = f.element(spec, f.sub(f.i64(0), count), "i64")
        single = f.cmp("ne", word(f, spec, SINGLE), f.i64(0))
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

    def _make_output(self, f: Function, records: Value, buffers: Value, i: Value, failed: str, done: str) -> Value:
        record = f.load(f.element(records, i, "ptr"), "ptr")
        array = self.imports.call(f, "new_array", "ptr", record)
        self._go_on_if(f, f.cmp("ne", array, self.null), failed, done)
        f.store(field(f, array, DATA), f.element(buffers, i, "ptr"))
        return array

    def _take_arena(self, f: Function, size_class: Value, result: Value) -> Value:
        """Take an arena from the pool; null if the program needs none."""
        before = f.label
        f.cond_br(f.cmp("slt", size_class, f.i64(0)), "armed", "borrow")
        f.start("borrow")
        block = self.imports.call(f, "take", "ptr", size_class)
        f.cond_br(f.cmp("eq", block, self.null), "exhausted", "armed")
        f.start("exhausted")
        self.imports.call(f, "Py_DecRef", "void", result)
        f.ret(self.imports.call(f, "PyErr_NoMemory", "ptr"))
        f.start("armed")
        return f.inst(f"phi ptr [ null, %{before} ], [ {block.name}, %borrow ]", "ptr")

    def _run(self, f: Function, spec: Value, buffers: Value) -> Value:
        """Call the program, without the GIL if the description says so."""
        release = f.cmp("ne", word(f, spec, RELEASE_GIL), f.i64(0))
        slot = f.alloca("ptr", 1, align=8)
        with f.when(release):
            f.store(self.imports.call(f, "PyEval_SaveThread", "ptr"), slot)
        program, parameters = word(f, spec, PROGRAM, "ptr"), word(f, spec, PARAMETERS, "ptr")
        code = f.inst(f"call i64 {program.name}({parameters.typed}, {buffers.typed})", "i64")
        with f.when(release):
            self.imports.call(f, "PyEval_RestoreThread", "void", f.load(slot, "ptr"))
        return code

    def _error(self, f: Function, spec: Value, result: Value, code: Value) -> None:
        """Emit the block `error`: drop the outputs and pass the code to `on_error`."""
        slot = f.alloca("ptr", 1, align=8)
        f.start("error")
        self.imports.call(f, "Py_DecRef", "void", result)
        self._go_on_if(f, f.cmp("ne", code, f.i64(INTERRUPTED)), "raised", "reported")
        number = self.imports.call(f, "PyLong_FromLongLong", "ptr", code)
        self._go_on_if(f, f.cmp("ne", number, self.null), "fail", "report")
        f.store(number, slot)
        answer = self.imports.call(
            f, "PyObject_VectorcallDict", "ptr", word(f, spec, ON_ERROR, "ptr"), slot, f.i64(1), self.null
        )
        self.imports.call(f, "Py_DecRef", "void", number)
        f.ret(answer)
        f.start("raised")
        f.ret(self.null)

    def invoke(self) -> None:
        """`PyObject *invoke(self, args, n)`: args are the program's address, its parameter block, then checked arrays.

        The GIL is released.  The result is the program's code, null if an exception is set.
        """
        f = Function(self.module, "invoke", [("ptr", "self"), ("ptr", "args"), ("i64", "n")], "ptr")
        _, args, n = f.args
        program = self.imports.call(f, "PyLong_AsVoidPtr", "ptr", f.load(args, "ptr"))
        parameters = field(f, f.load(f.element(args, f.i64(1), "ptr"), "ptr"), DATA)
        count = f.sub(n, f.i64(2))
        arrays = f.element(args, f.i64(2), "ptr")
        buffers = f.inst(f"alloca ptr, {n.typed}, align 16", "ptr")
        with f.loop(f.i64(0), count) as loop:
            x = f.load(f.element(arrays, loop.index, "ptr"), "ptr")
            f.store(field(f, x, DATA), f.element(buffers, loop.index, "ptr"))
        f.store(self.null, f.element(buffers, count, "ptr"))
        state = self.imports.call(f, "PyEval_SaveThread", "ptr")
        code = f.inst(f"call i64 {program.name}({parameters.typed}, {buffers.typed})", "i64")
        self.imports.call(f, "PyEval_RestoreThread", "void", state)
        self._go_on_if(f, f.cmp("ne", code, f.i64(INTERRUPTED)), "raised", "ended")
        f.ret(self.imports.call(f, "PyLong_FromLongLong", "ptr", code))
        f.start("raised")
        f.ret(self.null)

    def holds(self) -> None:
        """`PyObject *holds(self, args, n)`: 1 if the records of the block args[0] hold, else 0."""
        f = Function(self.module, "holds", [("ptr", "self"), ("ptr", "args"), ("i64", "n")], "ptr")
        self._check_bindings(f, field(f, f.load(f.args[1], "ptr"), DATA))
        f.ret(self.imports.call(f, "PyLong_FromLongLong", "ptr", f.i64(1)))
        f.start("slow")
        f.ret(self.imports.call(f, "PyLong_FromLongLong", "ptr", f.i64(0)))

    def _go_on_if(self, f: Function, good: Value, other: str, then: str) -> None:
        """Branch to the block `other` unless `good`; continue in the block `then`."""
        f.cond_br(good, then, other)
        f.start(then)


def word(f: Function, base: Value, index: int, type: str = "i64") -> Value:
    """Load a word of a record."""
    return f.load(f.element(base, f.i64(index), "i64"), type)


def field(f: Function, x: Value, offset: int, type: str = "ptr") -> Value:
    """Load a field of a Python object by its offset in bytes."""
    return f.load(f.element(x, f.i64(offset), "i8"), type)
