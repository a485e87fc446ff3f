"""Reductions of values: identities, combinations, and compensated totals for long sums."""

from __future__ import annotations

from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.scalar_ops import LLVM, larger, smaller
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Reduction
from graphc.ir.core.types import DType

__all__ = ["add_block", "combine", "halved", "identity", "reduce_lanes", "rounded"]


def identity(f: Function, r: Reduction, lanes: int) -> Value:
    """Return the identity of a reduction."""
    dtype = r.dtype
    if r.kind in ("sum", "any"):
        value: float = 0
    elif r.kind in ("prod", "all"):
        value = 1
    elif dtype.is_float:
        value = float("-inf") if "max" in r.kind else float("inf")
    else:
        low, high = _int_range(dtype)
        value = low if "max" in r.kind else high
    return f.const(value, LLVM[dtype.name], lanes)


def _int_range(dtype: DType) -> tuple[int, int]:
    if dtype.is_bool:
        return 0, 1
    bits = 8 * dtype.bytes
    return (0, (1 << bits) - 1) if dtype.name == "u8" else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def combine(f: Function, r: Reduction, a: Value, b: Value) -> Value:
    """Combine two values, lane by lane."""
    if r.kind == "sum":
        return f.add(a, b)
    if r.kind == "prod":
        return f.mul(a, b)
    if r.kind == "any":
        return f.or_(a, b)
    if r.kind == "all":
        return f.and_(a, b)
    return (larger if r.kind == "max" else smaller)(f, r.dtype, a, b)


def reduce_lanes(f: Function, r: Reduction, x: Value) -> Value:
    """Reduce the lanes of a vector to a scalar."""
    while x.lanes > 1:
        half = x.lanes // 2
        low, high = f.shuffle(x, None, range(half)), f.shuffle(x, None, range(half, x.lanes))
        if half == 1:
            low, high = f.extract(x, 0), f.extract(x, 1)
        x = combine(f, r, low, high)
    return x


def halved(f: Function, x: Value, lanes: int) -> Value:
    """Add up a vector of sums to at most `lanes` lanes."""
    while x.lanes > lanes:
        half = x.lanes // 2
        x = f.add(f.shuffle(x, None, range(half)), f.shuffle(x, None, range(half, x.lanes)))
    return x


def add_block(f: Function, total: list[Value], block: Value) -> list[Value]:
    """Add the sum of a block to a total: a double for f32, for f64 two doubles, the second the error of the first."""
    if len(total) == 1:
        return [f.add(total[0], f.convert("fpext", block, "double"))]
    # Knuth's TwoSum: the rounding error of high + block
    high, low = total
    s = f.add(high, block)
    b = f.sub(s, high)
    error = f.add(f.sub(high, f.sub(s, b)), f.sub(block, b))
    return [s, f.add(low, error)]


def rounded(f: Function, total: list[Value]) -> Value:
    """Return a total of doubles in the precision of its sum."""
    if len(total) == 1:
        return f.convert("fptrunc", total[0], "float")
    # the error of an infinite sum is NaN
    return f.select(f.cmp("ord", total[1], total[1]), f.add(total[0], total[1]), total[0])
