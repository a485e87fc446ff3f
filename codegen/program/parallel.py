"""Emit calls of parallel kernels: all of a loop by the caller, or chunks of it by several threads.

A thread gets the operands of a kernel from an array of pointers on the caller's stack, and its own scratch memory:

    void @parallel.N(ptr kernel, ptr operand × N, i64 extent, i64 grain, i64 scratch_bytes, i64 threads)
    void @chunk.N(ptr operands, ptr scratch, i64 begin, i64 end)

The last two operands are the scratch memory of the caller and the status.  Programs with bounds checks run the chunks one after
the other, since what they record is for one thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.codegen.llvm.builder import Function, Module
from graphc.codegen.llvm.values import Value
from graphc.codegen.threads.workers import SYMBOL

__all__ = ["call_in_turn", "call_parallel"]


def call_parallel(f: Function, kernel: str, operands: Sequence[Value], *numbers: Value) -> None:
    """Emit the call of a kernel for range(extent); `numbers` are extent, grain, bytes of scratch memory, and threads."""
    f.call(_emit_parallel(f.module, len(operands)), Value(f"@{kernel}", "ptr"), *operands, *numbers)


def call_in_turn(f: Function, kernel: str, operands: Sequence[Value], extent: Value, grain: Value) -> None:
    """Emit calls of a kernel for the chunks of range(extent), one after the other."""
    with f.loop(f.i64(0), extent, grain, hint="chunk") as at:
        following = f.add(at.index, grain)
        end = f.select(f.cmp("slt", following, extent), following, extent)
        f.call(kernel, *operands, at.index, end)


def _emit_parallel(module: Module, count: int) -> str:
    name = f"parallel.{count}"
    params = [("ptr", "kernel"), *(("ptr", f"x{i}") for i in range(count))]
    f = module.once(name, [*params, ("i64", "extent"), ("i64", "grain"), ("i64", "bytes"), ("i64", "threads")])
    if f is None:
        return name
    module.declare(SYMBOL, f"declare void @{SYMBOL}(ptr, ptr, i64, i64, i64, i64)")
    kernel, *operands, extent, grain, scratch_bytes, threads = f.args
    short = f.cmp("sle", extent, grain)
    f.cond_br(short, "short", "long")
    f.start("short")
    f.do(f"call void {kernel.name}({', '.join(v.typed for v in (*operands, f.i64(0), extent))})")
    f.ret()
    f.start("long")
    context = f.alloca("ptr", count + 1, align=8)
    for i, x in enumerate((*operands, kernel)):
        f.store(x, f.element(context, f.i64(i), "ptr"))
    f.call(SYMBOL, Value(f"@{_emit_chunk(module, count)}", "ptr"), context, extent, grain, scratch_bytes, threads)
    f.ret()
    return name


def _emit_chunk(module: Module, count: int) -> str:
    name = f"chunk.{count}"
    f = module.function(name, [("ptr", "context"), ("ptr", "own"), ("i64", "begin"), ("i64", "end")], internal=True)
    context, own, begin, end = f.args
    *operands, scratch, status, kernel = [f.load(f.element(context, f.i64(i), "ptr"), "ptr") for i in range(count + 1)]
    none = f.cmp("eq", own, Value("null", "ptr"))
    scratch = f.select(none, scratch, own)
    f.do(f"call void {kernel.name}({', '.join(v.typed for v in (*operands, scratch, status, begin, end))})")
    f.ret()
    return name
