"""Emit kernels and their calls: fusions, extern kernels, concatenations, layout copies, packed factors."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graphc.codegen.gemm.blocking import Blocking, Product, blocking_for
from graphc.codegen.gemm.text import product_text, verify_product
from graphc.codegen.llvm.builder import Function
from graphc.codegen.llvm.scalar_ops import LLVM
from graphc.codegen.llvm.target import host
from graphc.codegen.llvm.values import Value
from graphc.codegen.loops.loop_ir import Kernel, ensure
from graphc.codegen.loops.lower import Operand, lower_copy, lower_fusion
from graphc.codegen.loops.printer import kernel_text
from graphc.codegen.loops.schedule import schedule
from graphc.codegen.loops.verifier import verify_kernel
from graphc.codegen.nests.kernel_function import KernelFunction, Role
from graphc.codegen.nests.nest import emit_kernel
from graphc.codegen.program.extents import Limits
from graphc.codegen.program.extern import EXTERN
from graphc.codegen.program.kernel_calls import KernelCall, Source
from graphc.codegen.program.memory.buffers import SLOT_ELEMENTS, Buffer, Buffers, has_constant_extents
from graphc.codegen.program.parallel import call_in_turn, call_parallel
from graphc.codegen.program.products import emit_packed, emit_product, schedule_product, shared, suits
from graphc.ir.analysis.views import as_view, dense_strides
from graphc.ir.core.cost import instructions, is_small
from graphc.ir.core.graph import Node, Region
from graphc.ir.core.predicates import is_scatter
from graphc.ir.core.structural_key import exact_key

__all__ = ["Calls"]

COLD, SLACK = 32, 8
"""Cold functions together run at most one of `COLD` instructions of a program, at other sizes `SLACK` times as many."""
FEW = 8
"""A program with fewer kernels has no cold ones: it is compiled soon, and may take microseconds."""


class Calls:
    """Emits the kernels of a program, and their calls in its main function."""

    def __init__(self, buffers: Buffers, check: bool, parallel: bool) -> None:
        self.buffers, self.main, self.parallel = buffers, buffers.main, parallel
        self.module, self._check = self.main.module, check
        self.schedules: list[Kernel | tuple[str, Product]] = []
        """The kernels, and the matrix products with their names, in the order of their calls."""
        self.of: dict[Node, KernelCall] = {}
        """The kernel call of each node, as data."""
        self.limits = Limits()
        self.count = 0
        self._shared: dict[str, str] = {}
        self._names: dict[Function, str] = {}
        self._fusions: dict[Any, tuple[Kernel, KernelFunction]] = {}
        """The kernels of fusions by structure, numbers and layouts: those of equal layers are lowered and emitted once."""
        self._work: dict[str, Any] = {}
        """The estimated instructions of the functions of fusions; infinite for those that loops call."""
        self.cold: frozenset[str] = frozenset()
        self._packed: dict[Node, tuple[Buffer, Blocking]] = {}
        """Packed right factors of matmuls in the loops being emitted, and the blocking that they are packed for."""

    @property
    def kernels(self) -> list[Kernel]:
        """The loop kernels."""
        return [s for s in self.schedules if isinstance(s, Kernel)]

    @property
    def listing(self) -> str:
        """How all kernels and matrix products run."""
        return "\n\n".join(kernel_text(s) if isinstance(s, Kernel) else product_text(*s) for s in self.schedules)

    # -- nodes ----------------------------------------------------------------------------------------------

    def fusion(self, region: Region, node: Node) -> None:
        """Emit a fusion as one loop kernel."""
        views = [self.buffers.view(o) for o in node.operands]
        results = self.buffers.results(region, node)
        kernel, function = self._fusion(node, [o for _, o in views], [Operand(r.strides) for r in results])
        self._record(node, kernel, results)
        written = [(t.shape, r.strides) for t, r in zip(node.types, results, strict=True)]
        first = self._call(function, [*(b for b, _ in views), *results])
        self.limits.add(kernel, function, first, [*map(self.buffers.layout, node.operands), *written])
        work = math.inf if self.buffers.loops else instructions(node, host().info)
        name = self._share(function.f)
        self._work[name] = self._work.get(name, 0) + work

    def compile_cold_fast(self, total: Any, known: frozenset[str] | None) -> None:
        """Have code generated quickly for the functions that together run a small part of a program's `total` instructions.

        A training step has many of them: they update or sum parameters with few elements.  `known` are the functions that
        were cold at other sizes: none is added then, and they stay while they are far from hot, so that the text is the same.
        """
        count = len(self._work)
        share, names = (COLD, set(self._work)) if known is None else (COLD / SLACK, known & set(self._work))
        if count >= FEW:
            self.cold = frozenset(name for name in sorted(names) if self._work[name] * (count * share) <= total)
        for function in self.module.functions:
            if function.name in self.cold:
                function.compile_fast()

    def _fusion(self, node: Node, operands: list[Operand], outputs: list[Operand]) -> tuple[Kernel, KernelFunction]:
        """Return the kernel of a fusion and its function, that of an equal fusion if there was one."""
        name, key = self._name(node), exact_key(node, *[(o.strides, o.offset) for o in (*operands, *outputs)])
        known = self._fusions.get(key)
        if known is None:
            known = self._fusions[key] = self._emitted(lower_fusion(node, operands, outputs, name))
            return known
        kernel, function = replace(known[0], name=name), known[1]
        self.schedules.append(kernel)
        return kernel, function

    def extern(self, region: Region, node: Node) -> None:
        """Emit a primitive that has an extern kernel."""
        views = [self.buffers.view(o) for o in node.operands]
        operands = [o for _, o in views]
        if node in self.buffers.updated:
            self.buffers.of.setdefault(node, views[0][0])
        result = self.buffers.result(node)
        self._record(node, None, [result])
        if is_scatter(node):
            base = views.pop(0)
            if node not in self.buffers.updated:
                self._copy(node.operands[0], base, result)
            else:  # the updates must not be read from the buffer that they are written to
                views = [self._unaliased(o, v, base[0]) for o, v in zip(node.operands[1:], views, strict=True)]
                operands = [operands[0], *(o for _, o in views)]
        function = EXTERN[node.op.name](self.module, node, operands, self._name(node))
        self._call(function, [*(b for b, _ in views), result])

    def _unaliased(self, node: Node, view: tuple[Buffer, Operand], target: Buffer) -> tuple[Buffer, Operand]:
        """Return a view of a value, or of its copy if it is in the buffer of `target`."""
        if view[0].place != target.place:
            return view
        copy = self.buffers.allocate(node.type)
        self.buffers.use(copy)
        self._copy(node, view, copy)
        return copy, Operand(copy.strides)

    def matmul(self, region: Region, node: Node) -> None:
        """Emit a matmul, with its right factor packed if a loop has packed it."""
        is_packed = "packed" in node.params
        read = node.operands[:1] if is_packed else node.operands
        views, layouts = [self.buffers.view(o) for o in read], [*map(self.buffers.layout, read)]
        result = self.buffers.result(node)
        if is_packed:
            packed, blocking = self._packed[node.operands[1]]
            self.buffers.use(packed)
            views, layouts = [*views, (packed, Operand(packed.strides))], [*layouts, None]
        else:
            self._record(node, None, [result])
        operands, name = [o for _, o in views], self._name(node)
        product = schedule_product(node, operands)
        product = shared(product, node) if self.parallel else product
        if self._check:
            verify_product(product)
        ensure(suits(product, operands), "a product relies on a unit stride that its factor does not have")
        ensure(not is_packed or product.blocking == blocking, "a factor is packed for products with another blocking")
        self.schedules.append((name, product))
        function = emit_product(self.module, node, operands, product, name)
        first = self._call(function, [*(b for b, _ in views), result])
        self.limits.add_product(node, function, first, operands, [*layouts, (node.shape, result.strides)])

    def concatenate(self, region: Region, node: Node) -> None:
        """Copy the pieces of a concatenation that their kernels do not write into its buffer."""
        result = self.buffers.result(node)
        small = all(is_small(o.type, SLOT_ELEMENTS) and has_constant_extents(o.shape) for o in node.operands)
        if small and math.prod(node.shape[: node.params["axis"]]) == 1:
            self._copy_small(node.operands, result.address)
            return
        axis, strides, start = node.params["axis"], dense_strides(node.shape), 0
        for piece in node.operands:
            if piece not in self.buffers.pieces and piece.type.size:
                source, target = self.buffers.view(piece), Operand(strides, start * strides[axis])
                kernel, function = self._emitted(lower_copy(piece, source[1], target, self._name(node)))
                first = self._call(function, [source[0], result])
                self.limits.add(kernel, function, first, [self.buffers.layout(piece), (node.shape, strides)])
            start += piece.shape[axis]

    def _copy_small(self, pieces: Sequence[Node], address: Value) -> None:
        before = 0
        for piece in pieces:
            if piece not in self.buffers.pieces:
                target = self.main.f.element(address, self.main.f.i64(before * piece.dtype.bytes), "i8")
                self.main.move(self.dense(piece).address, target, piece.type.bytes)
            before += piece.type.size

    # -- copies ---------------------------------------------------------------------------------------------

    def dense(self, node: Node) -> Buffer:
        """Return a buffer in which a value is dense: its own, or a copy.  Tapes and rows of stacks stay as they are."""
        buffer, operand = self.buffers.view(node)
        if buffer.tape is not None or buffer.row is not None:
            return buffer
        if operand.strides == dense_strides(node.shape) or node.type.size <= 1:
            offset = self.main.number(operand.offset * node.dtype.bytes)
            place = self.main.f.element(buffer.address, offset, "i8") if operand.offset else buffer.place
            return Buffer(place, dense_strides(node.shape), buffer.ranges)
        copy = self.buffers.allocate(node.type)
        self._copy(node, (buffer, operand), copy)
        return copy

    def _copy(self, value: Node, source: tuple[Buffer, Operand], target: Buffer) -> None:
        kernel, function = self._emitted(lower_copy(value, source[1], Operand(target.strides), f"{self._name(value)}_copy"))
        first = self._call(function, [source[0], target])
        self.limits.add(kernel, function, first, [self.buffers.layout(value), (value.shape, target.strides)])

    def pack(self, body: Region, captures: dict[Node, Buffer]) -> list[Buffer]:
        """Pack the captured right factors of a loop body's matmuls before the loop; return the buffers."""
        packed = []
        for factor in dict.fromkeys(n.operands[1] for n in body.nodes() if "packed" in n.params):
            view = as_view(factor, lambda n: captures[n].strides)
            assert view is not None
            operand = Operand(view.strides, view.offset)
            blocking = blocking_for(LLVM[factor.dtype.name])
            function, size = emit_packed(self.module, factor, operand, blocking, f"k{self.count}_packed")
            address, live = self.buffers.reserve(size)
            buffer = Buffer(address, dense_strides(factor.shape), [live])
            self._packed[factor] = buffer, blocking
            self._call(function, [captures[view.base], buffer])
            packed.append(buffer)
        return packed

    # -- calls ----------------------------------------------------------------------------------------------

    def _emitted(self, kernel: Kernel) -> tuple[Kernel, KernelFunction]:
        """Schedule a loop kernel, verify it, and emit it."""
        kernel = schedule(kernel, literal=self.module.literal, parallel=self.parallel)
        if self._check:
            verify_kernel(kernel)
        self.schedules.append(kernel)
        return kernel, emit_kernel(self.module, kernel)

    def _name(self, node: Node) -> str:
        label = re.sub(r"\W", "_", node.name or node.op.name)
        return f"k{self.count}_{label}"

    def _call(self, function: KernelFunction, buffers: list[Buffer]) -> int:
        """Emit the call of a kernel; return the index of its first parameter."""
        buffers = [*buffers, self._scratch(function)]
        f, first = self.main.f, len(self.main.parameters)
        block = f.element(f.args[0], f.i64(first), "i64")
        self.main.parameters += function.parameters
        self.count += 1
        # in a loop, addresses are computed before it
        addresses = [b.address if self.buffers.loops else b.passed() for b in buffers]
        operands = (block, *addresses, self.main.status)
        if function.range is None:
            f.call(self._share(function.f), *operands)
        else:
            self._call_parallel(function, operands, first)
        self.main.check_bounds(function.f.name)
        return first

    def _call_parallel(self, function: KernelFunction, operands: Sequence[Value], first: int) -> None:
        """Emit the call of a kernel, whose parameters begin at `first`, for all iterations of its parallel loop."""
        assert function.range is not None
        f, name = self.main.f, self._share(function.f)
        extent, grain = (self._number_of(function, first, *number) for number in function.range)
        if self.main.checked is not None:
            call_in_turn(f, name, operands, extent, grain)
        else:
            numbers = extent, grain, self.main.number(function.scratch_bytes), self.main.threads.parameter
            call_parallel(f, name, operands, *numbers)

    def _number_of(self, function: KernelFunction, first: int, value: int, role: Role) -> Value:
        """Return a number of a kernel: the parameter that the kernel reads, or a literal."""
        at = function.read_at.get(role)
        return self.main.f.i64(value) if at is None else self.main.load_parameter(first + at, "i64")

    def _scratch(self, function: KernelFunction) -> Buffer:
        """Reserve the scratch memory of a call; null if the kernel uses none."""
        if not function.scratch_bytes:
            return Buffer(Value("null", "ptr"), ())
        address, live = self.buffers.reserve(function.scratch_bytes)
        buffer = Buffer(address, (), [live])
        self.buffers.use(buffer)
        return buffer

    def _share(self, function: Function) -> str:
        """Return the name of the function, or of an earlier one with the same text, which replaces it."""
        known = self._names.get(function)
        if known is None:
            text = str(function).replace(f"@{function.name}(", "@(", 1)
            known = self._names[function] = self._shared.setdefault(text, function.name)
            if known != function.name:
                self.module.functions.remove(function)
        return known

    def _record(self, node: Node, kernel: Kernel | None, results: Sequence[Buffer]) -> None:
        """Record the kernel call of a node."""
        sources = []
        for operand in node.operands:
            view = as_view(operand, lambda n: self.buffers.of[n].strides)
            assert view is not None
            sources.append(Source(view.base, self.buffers.of[view.base].strides, Operand(view.strides, view.offset)))
        self.of[node] = KernelCall(kernel, sources, [r.strides for r in results])
