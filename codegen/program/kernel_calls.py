"""Kernel calls of a program as data, and an evaluator that runs a graph by its kernel calls.

A fusion is evaluated by its loop kernel, a matmul or a scatter by its reference semantics; both read their operands from
memory with the layouts that the program uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.codegen.loops.evaluate import Memory, evaluate_kernel
from graphc.codegen.loops.loop_ir import Kernel
from graphc.codegen.loops.lower import Operand
from graphc.ir.analysis.views import Strides
from graphc.ir.core.graph import Node
from graphc.ir.interpret.evaluate import Interpreter, evaluate_node

__all__ = ["KernelCall", "Source", "run_call", "with_kernels"]


@dataclass(frozen=True)
class Source:
    """An operand of a kernel: the value whose buffer it reads, the buffer's layout, and the part that is read."""

    base: Node
    strides: Strides
    operand: Operand


@dataclass(frozen=True, eq=False)
class KernelCall:
    """The call for a node: a loop kernel, or None for an extern kernel; its operands, and the strides of its results."""

    kernel: Kernel | None
    sources: Sequence[Source]
    outputs: Sequence[Strides]


def run_call(node: Node, call: KernelCall, values: Mapping[Node, Any]) -> Any:
    """Return the value of a node as its kernel call computes it: an array, or a list of arrays.

    Raises KernelError if the kernel leaves its buffers, and IndexError for an index out of bounds.
    """
    memories = [Memory.of(values[s.base], s.strides) for s in call.sources]
    if call.kernel is None:
        operands = zip(memories, node.operands, call.sources, strict=True)
        return evaluate_node(node, [m.view(o.shape, s.operand.strides, s.operand.offset) for m, o, s in operands])
    results = [Memory.reserve(t.dtype.numpy, t.shape, s) for t, s in zip(node.types, call.outputs, strict=True)]
    evaluate_kernel(call.kernel, [*memories, *results])
    arrays = [m.view(t.shape, s) for m, t, s in zip(results, node.types, call.outputs, strict=True)]
    return arrays if len(arrays) > 1 else arrays[0]


def with_kernels(calls: Mapping[Node, KernelCall]) -> Interpreter:
    """Return an interpreter that computes nodes by their kernel calls, where they have one."""

    def run(node: Node, values: Mapping[Node, Any]) -> Any:
        call = calls.get(node)
        if call is not None:
            return run_call(node, call, values)
        return evaluate_node(node, [values[o] for o in node.operands])

    return run
