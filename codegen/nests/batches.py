"""Loops over the leading axes of a kernel's operands, and offsets in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from graphc.codegen.llvm.values import Value
from graphc.codegen.nests.kernel_function import KernelFunction

__all__ = ["loops_over", "offset_at"]


@contextmanager
def loops_over(function: KernelFunction, shape: Sequence[int], tag: str) -> Iterator[list[Value]]:
    """Emit loops over a shape, outermost first, and yield their indices."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(function.f.loop(function.f.i64(0), function.integer(n, ("extent", (tag, a))), hint=tag)).index
            for a, n in enumerate(shape)
        ]


def offset_at(function: KernelFunction, at: Sequence[Value], strides: Sequence[int], start: int, tag: str) -> Value:
    """Return `start + sum(at * strides)`."""
    f = function.f
    total = function.integer(start, ("start", tag))
    for a, (i, stride) in enumerate(zip(at, strides, strict=True)):
        total = f.add(total, f.mul(i, function.integer(stride, ("stride", (tag, a)))))
    return total
