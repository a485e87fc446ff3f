"""Calling compiled programs: values, guards, errors, threads, memory."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import pickle
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.runtime import allocator, numpy_abi, system_memory
from graphc.codegen.runtime.array_spec import ArraySpec
from graphc.codegen.runtime.engine import MachineCode, compile_text
from graphc.codegen.runtime.entry import PythonEntry, call_program, make_entry
from tests.codegen.runtime.programs import LARGE, native_only

PARAMS = (("ptr", "parameters"), ("ptr", "buffers"))


def program() -> tuple[Module, Function]:
    module = Module()
    return module, Function(module, "program", PARAMS, "i64")


def buffer(f: Function, i: int) -> Value:
    return f.load(f.element(f.args[1], f.i64(i), "ptr"), "ptr")


def extent(f: Function, i: int) -> Value:
    return f.load(f.element(f.args[0], f.i64(i), "i64"), "i64")


@functools.cache
def affine() -> MachineCode:
    """y[i] = x[i * table[1]] * 2 + 1 over table[0] floats."""
    module, f = program()
    step = extent(f, 1)
    with f.loop(f.i64(0), extent(f, 0)) as loop:
        x = f.load(f.element(buffer(f, 0), f.mul(loop.index, step), "float"), "float")
        y = f.fma(x, f.like(2, x), f.like(1, x))
        f.store(y, f.element(buffer(f, 1), loop.index, "float"))
    f.ret(f.i64(0))
    return compile_text(str(module))


@functools.cache
def sum_and_difference() -> MachineCode:
    """Two doubles in, their sum and difference out; the sum passes through the arena."""
    module, f = program()
    with f.loop(f.i64(0), extent(f, 0)) as loop:
        a, b = (f.load(f.element(buffer(f, i), loop.index, "double"), "double") for i in range(2))
        f.store(f.add(a, b), f.element(buffer(f, 4), loop.index, "double"))
        f.store(f.sub(a, b), f.element(buffer(f, 3), loop.index, "double"))
    with f.loop(f.i64(0), extent(f, 0)) as loop:
        total = f.load(f.element(buffer(f, 4), loop.index, "double"), "double")
        f.store(total, f.element(buffer(f, 2), loop.index, "double"))
    f.ret(f.i64(0))
    return compile_text(str(module))


@functools.cache
def returns_extent() -> MachineCode:
    """Return table[0] as the error code."""
    module, f = program()
    f.ret(extent(f, 0))
    return compile_text(str(module))


@functools.cache
def arena_address() -> MachineCode:
    """Write the arena's address, in buffer 1 + table[0] (table[0] inputs), to the one output."""
    module, f = program()
    inputs = extent(f, 0)
    arena = f.load(f.element(f.args[1], f.add(inputs, f.i64(1)), "ptr"), "ptr")
    output = f.load(f.element(f.args[1], inputs, "ptr"), "ptr")
    f.store(f.convert("ptrtoint", arena, "i64"), output)
    f.ret(f.i64(0))
    return compile_text(str(module))


class ProgramError(Exception):
    """What `fail` raises."""


def fail(code: int) -> None:
    raise ProgramError(code)


def slow(*args: Any) -> tuple[str, tuple[Any, ...]]:
    return "slow", args


def int_table(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def entry(
    code: MachineCode,
    table: NDArray[np.int64],
    inputs: Sequence[NDArray[Any]],
    outputs: Sequence[NDArray[Any]],
    *,
    single: bool,
    arena: int = 0,
    release_gil: bool = False,
    slow: Callable[..., Any] = slow,
) -> Callable[..., Any]:
    """Make the entry for arrays like those given."""
    address = code.address("program")
    takes, makes = [ArraySpec.of(x) for x in inputs], [ArraySpec.of(x) for x in outputs]
    return make_entry(
        address, table, takes, makes, arena, slow, single=single, on_error=fail, release_gil=release_gil, keep=code
    )


def affine_entry(x: NDArray[np.float32], **options: Any) -> Callable[..., Any]:
    step = x.strides[0] // 4 if x.ndim else 1
    return entry(affine(), int_table(x.size, step), [x], [np.empty(x.shape, np.float32)], single=True, **options)


@pytest.mark.parametrize("n", [0, 1, 8, 1000, LARGE])
def test_single_output(both: str, n: int) -> None:
    x = np.arange(n, dtype=np.float32)
    y = affine_entry(x)(x)
    assert type(y) is np.ndarray
    assert y.dtype == np.float32 and y.flags.writeable and y.flags.aligned and y.flags.c_contiguous
    np.testing.assert_array_equal(y, x * 2 + 1)


@native_only
def test_entry_is_a_builtin() -> None:
    x = np.zeros(3, np.float32)
    assert type(affine_entry(x)) is type(len)


def test_zero_dimensional(both: str) -> None:
    x = np.array(3, np.float32)
    y = affine_entry(x)(x)
    assert y.shape == () and type(y) is np.ndarray and y == 7


def test_strided_and_reversed_inputs(both: str) -> None:
    base = np.arange(20, dtype=np.float32)
    for x in (base[::3], base[::-1]):
        np.testing.assert_array_equal(affine_entry(x)(x), x * 2 + 1)


def test_tuple_of_outputs_and_arena(both: str) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 30, 40))
    f = entry(sum_and_difference(), int_table(a.size), [a, b], [a, a], single=False, arena=a.nbytes)
    result = f(a, b)
    assert type(result) is tuple
    np.testing.assert_array_equal(result[0], a + b)
    np.testing.assert_array_equal(result[1], a - b)


def test_outputs_with_other_strides(both: str) -> None:
    a = np.arange(12.0).reshape(3, 4)
    like = np.empty((4, 3)).T
    f = entry(sum_and_difference(), int_table(12), [a, a], [like, like], single=False, arena=96)
    total, difference = f(a, a)
    assert total.strides == like.strides and total.shape == (3, 4)
    np.testing.assert_array_equal(total.ravel(order="K"), 2 * a.ravel())
    assert not difference.any()


def test_no_inputs_and_no_outputs(both: str) -> None:
    f = entry(returns_extent(), int_table(0), [], [], single=False)
    assert f() == ()
    assert f(1) == ("slow", (1,))


@pytest.mark.parametrize("arena_bytes", [0, 1, 100, 1 << 21])
def test_arena_is_aligned_and_absent_when_not_wanted(both: str, arena_bytes: int) -> None:
    f = entry(arena_address(), int_table(0), [], [np.empty((), np.int64)], single=True, arena=arena_bytes)
    address = int(f())
    assert (address != 0) == (arena_bytes != 0)
    assert address % allocator.ALIGNMENT == 0


def test_single_wants_one_output() -> None:
    with pytest.raises(ValueError, match="exactly one output, got 0"):
        entry(returns_extent(), int_table(0), [], [], single=True)


@native_only
def test_object_arrays_are_refused() -> None:
    with pytest.raises(TypeError, match="numeric"):
        entry(returns_extent(), int_table(0), [np.array([None])], [], single=False)


class Subclass(np.ndarray[Any, Any]):
    """An array that is not exactly an ndarray."""


def misaligned(x: NDArray[np.float32]) -> NDArray[Any]:
    raw = np.zeros(x.nbytes + 1, np.uint8)
    y = raw[1:].view(np.float32)
    y[:] = x.ravel()
    return y.reshape(x.shape)


X = np.arange(6, dtype=np.float32).reshape(2, 3)


MISFITS: dict[str, tuple[Any, ...]] = {
    "no argument": (),
    "two arguments": (X, X),
    "scalar": (3.0,),
    "list": ([[1.0, 2.0]],),
    "None": (None,),
    "subclass": (X.view(Subclass),),
    "dtype": (X.astype(np.float64),),
    "same size": (X.view(np.int32),),
    "byte order": (X.astype(X.dtype.newbyteorder()),),
    "rank": (X.ravel(),),
    "extents": (np.zeros((3, 2), np.float32),),
    "strides": (np.asfortranarray(X),),
    "misaligned": (misaligned(X),),
}


@pytest.mark.parametrize("args", MISFITS.values(), ids=MISFITS.keys())
def test_misfits_go_to_slow(both: str, args: tuple[Any, ...]) -> None:
    f = entry(affine(), int_table(6, 1), [X], [X], single=True)
    name, seen = f(*args)
    assert name == "slow" and len(seen) == len(args)
    assert all(a is b for a, b in zip(seen, args, strict=True))


def test_second_input_is_checked(both: str) -> None:
    a = np.ones((2, 3))
    f = entry(sum_and_difference(), int_table(6), [a, a], [a, a], single=False, arena=48)
    assert f(a, a[:1])[0] == "slow"
    np.testing.assert_array_equal(f(a, a)[0], 2 * a)


def test_strides_that_no_address_depends_on(both: str) -> None:
    x = np.arange(5, dtype=np.float32).reshape(1, 5)
    f = entry(affine(), int_table(5, 1), [x], [x], single=True)
    odd = np.lib.stride_tricks.as_strided(x, (1, 5), (12345 * 4, 4))
    np.testing.assert_array_equal(f(odd), x * 2 + 1)


def test_read_only_and_unpickled_inputs_fit(both: str) -> None:
    x = np.arange(5, dtype=np.float32)
    f = affine_entry(x)
    x.flags.writeable = False
    copy = pickle.loads(pickle.dumps(x))
    assert copy.dtype is not x.dtype
    np.testing.assert_array_equal(f(x), f(copy))


def test_keywords_are_refused() -> None:
    x = np.zeros(3, np.float32)
    f = affine_entry(x)
    with pytest.raises(TypeError, match="keyword"):
        f(x=x)


def test_exception_of_slow_passes(both: str) -> None:
    def broken(*args: Any) -> None:
        raise LookupError("not here")

    with pytest.raises(LookupError, match="not here"):
        affine_entry(X[0], slow=broken)(None)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("release_gil", [False, True])
def test_code_goes_to_on_error(both: str, single: bool, release_gil: bool) -> None:
    big = np.empty(LARGE, np.float32)
    f = entry(returns_extent(), int_table(1 << 40), [], [big], single=single, arena=64, release_gil=release_gil)
    live = allocator.stats().live
    with pytest.raises(ProgramError) as caught:
        f()
    assert caught.value.args == (1 << 40,)
    del caught
    gc.collect()
    assert allocator.stats().live == live


@native_only
@pytest.mark.parametrize("arena", [False, True])
@pytest.mark.parametrize("single", [False, True])
def test_exhausted_memory(single: bool, arena: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = ArraySpec(np.dtype(np.float32), (1 << 42,), (4,))
    small = ArraySpec(np.dtype(np.float32), (1,), (4,))
    outputs = [small if arena else huge] if single else [small, small if arena else huge]
    code = returns_extent()
    arena_bytes = 1 << 45 if arena else 0
    f = make_entry(code.address("program"), int_table(0), [], outputs, arena_bytes, slow, single=single, on_error=fail)
    live = allocator.stats().live
    monkeypatch.setattr(system_memory.system, "map", lambda nbytes: 0)
    with pytest.raises(MemoryError):
        f()
    assert allocator.stats().live == live


def test_call_program(both: str) -> None:
    a, b = np.arange(5.0), np.ones(5)
    made = [np.empty(5), np.empty(5)]
    arena = allocator.block(40)
    assert arena.ctypes.data % allocator.ALIGNMENT == 0
    code = sum_and_difference()
    assert call_program(code.address("program"), int_table(5), [a, b], made, arena) == 0
    np.testing.assert_array_equal(made, [a + b, a - b])
    assert call_program(returns_extent().address("program"), int_table(17), [], []) == 17


def test_python_entry_is_the_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_abi, "supported", lambda: False)
    assert type(affine_entry(np.zeros(3, np.float32))) is PythonEntry


@pytest.mark.parametrize("release_gil", [False, True])
def test_threads_share_an_entry(release_gil: bool) -> None:
    n = 20_000
    zero = np.zeros(n)
    pair = [zero, zero]
    f = entry(sum_and_difference(), int_table(n), pair, pair, single=False, arena=n * 8, release_gil=release_gil)
    wrong: list[int] = []

    def work(k: int) -> None:
        a, b = np.full(n, float(k)), np.full(n, 2.0 * k)
        for _ in range(50):
            total, difference = f(a, b)
            if not ((total == 3 * k).all() and (difference == -k).all()):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 7)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


@native_only
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork() -> None:
    x = np.arange(LARGE, dtype=np.float32)
    f = affine_entry(x)
    mine = f(x)
    child = os.fork()
    if child == 0:
        theirs = f(x)
        theirs[:] = 0
        mine[:] = 0
        os._exit(0 if f(x)[1] == 3 else 1)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(mine, x * 2 + 1)


@native_only
def test_references_are_balanced() -> None:
    x = np.arange(8, dtype=np.float32)
    other = object()
    table = int_table(8, 1)
    f = entry(affine(), table, [x], [x], single=True, slow=lambda *a: a)
    pair = entry(sum_and_difference(), int_table(0), [], [np.empty((0, 2)), np.empty(3)], single=False)
    watched = [x, x.dtype, np.dtype(float), other, table, f, None]
    before = [sys.getrefcount(w) for w in watched]
    for _ in range(10_000):
        f(x)
        f(other)
        pair()
    after = [sys.getrefcount(w) for w in watched]
    assert max(abs(a - b) for a, b in zip(after, before, strict=True)) < 10


@native_only
def test_entry_keeps_and_frees_what_it_needs() -> None:
    class Owner:
        pass

    owner, table = Owner(), int_table(0)
    before = sys.getrefcount(owner), sys.getrefcount(table)
    address = returns_extent().address("program")
    entries = [make_entry(address, table, [], [], 0, slow, single=False, on_error=fail, keep=owner) for _ in range(10)]
    assert sys.getrefcount(owner) == before[0] + 10
    del entries
    gc.collect()
    assert (sys.getrefcount(owner), sys.getrefcount(table)) == before


@native_only
def test_cycles_through_slow_are_collected() -> None:
    class Owner:
        entry: Any

        def slow(self, *args: Any) -> None:
            raise AssertionError

    owner = Owner()
    owner.entry = affine_entry(np.zeros(3, np.float32), slow=owner.slow)
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


@native_only
def test_no_path_leaks_objects() -> None:
    x = np.zeros(3, np.float32)
    one, error = affine_entry(x), entry(returns_extent(), int_table(1 << 40), [], [x, x], single=False, arena=64)
    address, table = returns_extent().address("program"), int_table(1 << 40)

    def round() -> None:
        one(x)
        one(None)
        call_program(address, table, [x], [x])
        with contextlib.suppress(ProgramError):
            error()

    round()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(5_000):
        round()
    gc.collect()
    assert sys.getallocatedblocks() - before < 500


@native_only
def test_memory_does_not_grow() -> None:
    allocator.trim()
    x = np.zeros(LARGE, np.float32)
    f = affine_entry(x)
    f(x)
    before = allocator.stats()
    for _ in range(100):
        f(x)
    after = allocator.stats()
    assert after.misses == before.misses and after.hits == before.hits + 100
    assert (after.live, after.cached) == (before.live, before.cached)
