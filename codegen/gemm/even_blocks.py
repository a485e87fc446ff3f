"""Split an extent into equal blocks."""

from __future__ import annotations

from graphc.codegen.gemm.blocking import (
    signature,
)
from graphc.codegen.llvm.builder import Module
from graphc.codegen.llvm.values import Value

__all__ = ["emit_even"]


def emit_even(module: Module) -> str:
    """Emit the split of a size into equal blocks, multiples of a grain and at most a limit; return the function's name."""
    name = "matmul.even"
    f = module.once(name, signature("i64 size, i64 limit, i64 grain"), "i64")
    if f is None:
        return name
    size, limit, grain = f.args

    def up(x: Value, y: Value) -> Value:
        return f.binary("udiv", f.add(x, f.sub(y, f.i64(1))), y)

    size = f.intrinsic("smax", size, f.i64(1))
    f.ret(f.mul(up(up(size, up(size, limit)), grain), grain))
    return name
