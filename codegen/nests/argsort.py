"""The kernel of `argsort`: map each row to integer keys of the same order, then radix sort, or merge sort a short row.

The bits of a float, with those below the sign inverted where it is negative, are an integer that compares as the float does.
Elements of up to 32 bits are sorted together with their index in one word, so that no two words are equal; wider ones are
keys beside an array of indices, and of equal keys the left one is taken.  Both sorts are stable.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.scalar_ops import LLVM, MEMORY
from graphc.codegen.llvm.values import BITS, Value
from graphc.codegen.nests.kernel_function import KernelFunction
from graphc.ir.core.types import DType

__all__ = ["sort_bytes", "sort_key", "write_order"]


RADIX_FROM = 40
"""Rows of fewer elements are merge sorted, others radix sorted."""

COUNTS = 8 * 256 * 8
"""Bytes of the histograms: a count for each value of each byte of a key."""


def sort_bytes(dtype: DType, count: int) -> int:
    """Return the bytes of scratch memory: the histograms, and two rows of words, indices included."""
    return COUNTS + 2 * count * (8 if _is_narrow(dtype) else 16)


def _is_narrow(dtype: DType) -> bool:
    return LLVM[dtype.name] not in ("double", "i64")


def sort_key(f: Function, dtype: DType, x: Value, descending: bool) -> Value:
    """Return a signed i32, i64 for wide elements, that is larger where x sorts later; NaN is the largest number."""
    bits = "i32" if _is_narrow(dtype) else "i64"
    if dtype.is_float:
        number = f.bitcast(f.add(x, f.like(0.0, x)), bits)  # -0.0 + 0.0 is 0.0
        size = BITS[bits]
        below_sign = f.lshr(f.ashr(number, f.const(size - 1, bits)), f.const(1, bits))
        key = f.select(f.cmp("uno", x, x), f.const((1 << (size - 1)) - 1, bits), f.xor(number, below_sign))
    else:
        unsigned = dtype.name in ("u8", "bool")
        key = x if x.type == bits else f.convert("zext" if unsigned else "sext", x, bits)
    return f.xor(key, f.const(-1, bits)) if descending else key


def write_order(
    function: KernelFunction,
    dtype: DType,
    count: Value,
    source: Value,
    target: Value,
    strides: Sequence[Value],
    descending: bool,
) -> None:
    """Emit the sort of one row: its elements and indices are `strides` apart, starting at `source` and `target`."""
    f, narrow = function.f, _is_narrow(dtype)
    counts = function.scratch
    words = f.element(counts, f.i64(COUNTS // 8), "i64")
    buffer = f.element(words, f.mul(count, f.i64(1 if narrow else 2)), "i64")
    with f.loop(f.i64(0), count) as loop:
        element = f.load(f.element(source, f.mul(loop.index, strides[0]), MEMORY[dtype.name]), MEMORY[dtype.name])
        key = sort_key(f, dtype, element, descending)
        if narrow:
            f.store(f.or_(f.shl(f.convert("sext", key, "i64"), f.i64(32)), loop.index), f.element(words, loop.index, "i64"))
        else:
            f.store(key, f.element(words, loop.index, "i64"))
            f.store(loop.index, f.element(words, f.add(loop.index, count), "i64"))
    f.call(_emit_sort(f.module, narrow), words, buffer, counts, count, target, strides[1])


def _emit_sort(module: Module, narrow: bool) -> str:
    """Emit the sort of a row of words, in memory for two rows and the counts, that stores the indices; return its name."""
    name = f"sort.{'words' if narrow else 'pairs'}"
    params = [("ptr", "words"), ("ptr", "spare"), ("ptr", "counts"), ("i64", "count"), ("ptr", "order"), ("i64", "stride")]
    f = module.once(name, params)
    if f is None:
        return name
    words, buffer, counts, count, order, stride = f.args
    size = f.mul(count, f.i64(8 if narrow else 16))
    words, buffer = (f.bounded(p, lambda: (0, size), "rows being sorted") for p in (words, buffer))
    counts = f.bounded(counts, lambda: (0, COUNTS), "counts of digits")
    is_short = f.cmp("slt", count, f.i64(RADIX_FROM))
    with f.when(is_short):
        _store_order(f, _merged(f, words, buffer, count, narrow), count, order, stride, narrow)
    with f.when(f.xor(is_short, f.const(True, "i1"))):
        _store_order(f, _distributed(f, words, buffer, counts, count, narrow), count, order, stride, narrow)
    f.ret()
    return name


def _store_order(f: Function, words: Value, count: Value, order: Value, stride: Value, narrow: bool) -> None:
    with f.loop(f.i64(0), count) as loop:
        if narrow:
            index = f.and_(f.load(f.element(words, loop.index, "i64"), "i64"), f.i64(0xFFFFFFFF))
        else:
            index = f.load(f.element(words, f.add(loop.index, count), "i64"), "i64")
        f.store(index, f.element(order, f.mul(loop.index, stride), "i64"))


# -- many elements: radix sort, least significant byte first -------------------------------------------------------------


def _digit(f: Function, key: Value, shift: Value) -> Value:
    return f.and_(f.lshr(key, shift), f.i64(255))


def _distributed(f: Function, words: Value, buffer: Value, counts: Value, count: Value, narrow: bool) -> Value:
    """Distribute the words by one byte of their keys after another; return the row that holds the result."""
    first = f.i64(32 if narrow else 0)
    f.clear(counts, f.i64(COUNTS // 8), "i64")
    with f.loop(f.i64(0), count) as loop:
        address = f.element(words, loop.index, "i64")
        key = f.xor(f.load(address, "i64"), f.i64(-1 << 63))  # unsigned from here on
        f.store(key, address)
        for byte in range(4 if narrow else 0, 8):
            digit = _digit(f, key, f.i64(8 * byte))
            at = f.element(counts, f.add(digit, f.i64(256 * byte)), "i64")
            f.store(f.add(f.load(at, "i64"), f.i64(1)), at)
    with f.repeat([words, buffer, first]) as passes:
        source, target, shift = passes.carry
        f.go_on_if(passes, f.cmp("slt", shift, f.i64(64)))
        ends = f.element(counts, f.mul(shift, f.i64(32)), "i64")
        same = f.load(f.element(ends, _digit(f, f.load(source, "i64"), shift), "i64"), "i64")
        skipped = f.cmp("eq", same, count)  # all have this byte in common
        with f.loop(f.i64(0), f.i64(256), carry=[f.i64(0)], nonempty=True) as loop:
            at = f.element(ends, loop.index, "i64")
            many = f.load(at, "i64")
            f.store(loop.carry[0], at)
            loop.next([f.add(loop.carry[0], many)])
        with f.loop(f.i64(0), f.select(skipped, f.i64(0), count)) as loop:
            key = f.load(f.element(source, loop.index, "i64"), "i64")
            at = f.element(ends, _digit(f, key, shift), "i64")
            address = f.load(at, "i64")
            f.store(f.add(address, f.i64(1)), at)
            f.store(key, f.element(target, address, "i64"))
            if not narrow:
                index = f.load(f.element(source, f.add(loop.index, count), "i64"), "i64")
                f.store(index, f.element(target, f.add(address, count), "i64"))
        passes.next([f.select(skipped, source, target), f.select(skipped, target, source), f.add(shift, f.i64(8))])
    return passes.results[0]


# -- few elements: merge sort -------------------------------------------------------------------------------------------


def _merged(f: Function, words: Value, buffer: Value, count: Value, narrow: bool) -> Value:
    """Merge pairs of runs, doubling their length in each pass; return the row that holds the result."""
    with f.repeat([words, buffer, f.i64(1)]) as passes:
        source, target, width = passes.carry
        f.go_on_if(passes, f.cmp("slt", width, count))
        twice = f.add(width, width)
        with f.loop(f.i64(0), count, twice) as runs:
            middle, end = (f.intrinsic("smin", f.add(runs.index, w), count) for w in (width, twice))
            _merge(f, source, target, count, (runs.index, middle, end), narrow)
        passes.next([target, source, twice])
    return passes.results[0]


def _merge(f: Function, source: Value, target: Value, count: Value, ends: Sequence[Value], narrow: bool) -> None:
    """Merge two adjacent runs without a branch on their values."""
    start, middle, end = ends
    last = f.sub(count, f.i64(1))
    with f.loop(start, end, carry=[start, middle], nonempty=True) as loop:
        i, j = loop.carry
        at = [f.intrinsic("smin", k, last) for k in (i, j)]
        a, b = (f.load(f.element(source, k, "i64"), "i64") for k in at)
        ordered = f.or_(f.cmp("sge", j, end), f.cmp("sle", a, b))
        left = f.and_(f.cmp("slt", i, middle), ordered)
        f.store(f.select(left, a, b), f.element(target, loop.index, "i64"))
        if not narrow:
            a, b = (f.load(f.element(source, f.add(k, count), "i64"), "i64") for k in at)
            f.store(f.select(left, a, b), f.element(target, f.add(loop.index, count), "i64"))
        moved = f.convert("zext", left, "i64")
        loop.next([f.add(i, moved), f.add(j, f.xor(moved, f.i64(1)))])
