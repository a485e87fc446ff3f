"""Compile a graph into a program: one native function that runs kernel after kernel.

    i64 @program(ptr table, ptr buffers)

`buffers` holds the addresses of inputs, outputs and one arena; `table` the sizes.  The text of a program
depends on the graph's structure only; the machine code is kept by text, so that another batch size finds
the code there and brings its own table.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from graphc.codegen import allocator
from graphc.codegen.emit import Function, Module, Value
from graphc.codegen.entry import ArraySpec, call_program, make_entry
from graphc.codegen.jit import MachineCode, compile_text
from graphc.codegen.kernel import Kernel
from graphc.codegen.loops import emit_kernel
from graphc.codegen.lower import Operand, lower_fusion
from graphc.codegen.memory import Interval, plan
from graphc.codegen.mlir import to_mlir
from graphc.codegen.opaque import OPAQUE, emit_copy
from graphc.codegen.schedule import schedule
from graphc.codegen.step import Step
from graphc.ir import debug
from graphc.ir.fusion import weight
from graphc.ir.graph import PARAMETER, Graph, Node
from graphc.ir.pipeline import optimize
from graphc.ir.printer import to_text
from graphc.ir.views import Strides, as_view, dense_strides

__all__ = ["Cost", "Program", "code_cache_size", "compile_graph"]

CACHED_PROGRAMS = 512
_code: OrderedDict[str, MachineCode] = OrderedDict()

GIL_WORK = 20_000
"""Estimated instructions above which a call lets other Python threads run."""


@dataclass(frozen=True)
class Cost:
    """What one call takes, by count: operations on elements, bytes read and written, kernels, arena bytes."""

    flops: int
    bytes: int
    kernels: int
    arena_bytes: int


@dataclass(eq=False)
class _Place:
    """Where a value lives: `in`, `out` or `arena`; its number or its interval; its strides in elements."""

    kind: str
    number: int
    strides: Strides
    interval: Interval | None = None


@dataclass(eq=False)
class _Call:
    """One call in the program: a function, where its table starts, its buffers, its scratch."""

    function: str
    table: int
    buffers: list[_Place]
    scratch: Interval | None


@dataclass(eq=False)
class Program:
    """Machine code bound to one set of sizes."""

    stages_of: dict[str, Graph]
    code: MachineCode
    table: Any
    inputs: list[ArraySpec]
    outputs: list[ArraySpec]
    arena_bytes: int
    kernels: list[Kernel]
    steps: int
    address: int = field(default=0)

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        """Return fresh output arrays for input arrays that have the dtypes, shapes and strides of the program.

        Raises ValueError for an array that does not fit, and IndexError for an index out of bounds.
        """
        if len(arrays) != len(self.inputs) or not all(spec.fits(x) for spec, x in zip(self.inputs, arrays, strict=True)):
            raise ValueError(f"program takes {self.inputs}, got {[ArraySpec.of(np.asarray(x)) for x in arrays]}")
        return self.run_unchecked(arrays)

    def run_unchecked(self, arrays: Sequence[Any]) -> list[Any]:
        """Run on arrays that are known to fit."""
        outputs = [allocator.empty(spec.shape, spec.dtype) for spec in self.outputs]
        arena = allocator.block(self.arena_bytes) if self.arena_bytes else None
        code = call_program(self.address, self.table, arrays, outputs, arena)
        if code:
            raise_error(code)
        return outputs

    def entry(self, slow: Callable[..., Any], *, single: bool) -> Callable[..., Any]:
        """Return a native function of the input arrays; what does not fit goes to `slow`."""
        return make_entry(
            self.address, self.table, self.inputs, self.outputs, self.arena_bytes, slow,
            single=single, on_error=raise_error, release_gil=self.cost().flops > GIL_WORK, keep=self,
        )  # fmt: skip

    @property
    def graph(self) -> Graph:
        """The graph as it was compiled, with fusions."""
        return self.stages_of["fused"]

    @property
    def stages(self) -> list[str]:
        """The names that `stage` takes, in order."""
        return [*self.stages_of, "kernels", "mlir", "llvm", "asm"]

    def stage(self, name: str) -> str:
        """Return the program's text at a stage.  Raises ValueError for a name that is no stage."""
        if name in self.stages_of:
            return to_text(self.stages_of[name])
        texts: dict[str, Callable[[], str]] = {
            "kernels": self.kernel_text,
            "mlir": self.mlir,
            "llvm": self.llvm_ir,
            "asm": self.asm,
        }
        if name not in texts:
            raise ValueError(f"stage is one of {', '.join(self.stages)}, got {name!r}")
        return texts[name]()

    def kernel_text(self) -> str:
        """Return the scheduled loop kernels."""
        return "\n\n".join(map(str, self.kernels)) + "\n"

    def mlir(self) -> str:
        """Return the optimized graph in MLIR's core dialects."""
        return to_mlir(self.stages_of["optimized"])

    def llvm_ir(self, *, optimized: bool = True) -> str:
        """Return the LLVM IR: as LLVM holds it when it makes code, or as it was emitted."""
        return self.code.llvm_ir() if optimized else self.code.text

    def asm(self) -> str:
        """Return the assembly."""
        return self.code.asm()

    def cost(self) -> Cost:
        """Count the work of one call, from the graph."""
        graph = self.graph
        moved = sum(spec.dtype.itemsize * prod(spec.shape) for spec in (*self.inputs, *self.outputs))
        flops = 0
        for node in graph.nodes():
            if node.op.name == "fusion":
                flops += sum(
                    weight(n) * (n.operands[0].type.size if n.op.kind == "reduce" else n.type.size)
                    for n in node.regions[0].nodes()
                )
            elif node.op.name == "matmul":
                flops += 2 * node.type.size * node.operands[0].shape[-1]
            if node not in graph.results and node.op.kind not in ("movement", "leaf"):
                moved += 2 * sum(t.bytes for t in node.types)
        return Cost(flops, moved, self.steps, self.arena_bytes)


def raise_error(code: int) -> None:
    """Raise the exception that a program's error code stands for."""
    raise IndexError("index out of range in a gather, an embedding or an indexed update")


def code_cache_size() -> int:
    """Return how many different machine codes are kept."""
    return len(_code)


def compile_graph(graph: Graph, strides: Sequence[tuple[int, ...] | None] | None = None) -> Program:
    """Optimize a graph and make it a program.

    `strides` gives byte strides for each parameter; None is row-major.
    """
    layouts = {}
    specs = []
    for param, given in zip(graph.params, strides or [None] * len(graph.params), strict=True):
        size = param.dtype.bytes
        elements = dense_strides(param.shape) if given is None else tuple(s // size for s in given)
        if given is not None and any(s % size for s in given):
            raise ValueError(f"strides of {param.name} are not whole elements: {given}")
        layouts[param] = elements
        specs.append(ArraySpec(param.dtype.numpy, param.shape, tuple(s * size for s in elements)))
    stages = optimize(graph, layouts)
    return _Compiler(stages, layouts, specs).run()


class _Compiler:
    def __init__(self, stages: dict[str, Graph], layouts: dict[Node, Strides], inputs: list[ArraySpec]) -> None:
        self.stages, self.graph, self.inputs = stages, stages["fused"], inputs
        self.module = Module()
        self.places: dict[Node, _Place] = {p: _Place("in", i, layouts[p]) for i, p in enumerate(self.graph.params)}
        self.calls: list[_Call] = []
        self.table: list[int] = []
        self.kernels: list[Kernel] = []
        self.shared: dict[str, str] = {}
        self.intervals: list[Interval] = []

    def run(self) -> Program:
        with debug.timed("kernels"):
            for number, result in enumerate(self.graph.results):
                self.places[result] = _Place("out", number, dense_strides(result.shape))
            for node in self.graph.nodes():
                self._step(node)
            arena = plan(self.intervals)
            text = self._finish()
        debug.show("kernels", "\n\n".join(map(str, self.kernels)))
        debug.show("llvm", text)
        code = _machine_code(text)
        outputs = [
            ArraySpec(r.dtype.numpy, r.shape, tuple(s * r.dtype.bytes for s in dense_strides(r.shape)))
            for r in self.graph.results
        ]
        table = np.array(self.table or [0], np.int64)
        address = code.address("program")
        return Program(self.stages, code, table, self.inputs, outputs, arena, self.kernels, len(self.calls), address)

    # -- places -------------------------------------------------------------------------------------

    def _layout(self, node: Node) -> Strides:
        return self.places[node].strides

    def _view(self, node: Node) -> tuple[_Place, Operand]:
        view = as_view(node, self._layout)
        assert view is not None, f"{node} is not a view"
        place = self.places[view.base]
        self._touch(place)
        return place, Operand(view.strides, view.offset)

    def _touch(self, place: _Place) -> None:
        """Note that the step being written uses a place."""
        if place.interval is not None:
            place.interval.last = max(place.interval.last, len(self.calls))

    def _result(self, node: Node) -> _Place:
        if node not in self.places:
            interval = self._interval(node.type.bytes)
            self.places[node] = _Place("arena", 0, dense_strides(node.shape), interval)
        return self.places[node]

    def _interval(self, size: int) -> Interval:
        now = len(self.calls)
        self.intervals.append(Interval(size, now, now))
        return self.intervals[-1]

    # -- steps --------------------------------------------------------------------------------------

    def _step(self, node: Node) -> None:
        if node.op is PARAMETER or node.op.kind in ("movement", "leaf"):
            return
        if node.op.name == "fusion":
            self._fusion(node)
        elif node.op.name == "concatenate":
            self._concatenate(node)
        else:
            self._opaque(node)

    def _fusion(self, node: Node) -> None:
        views = [self._view(o) for o in node.operands]
        results = _results_of(self.graph, node)
        places = [self._result(r) for r in results]
        kernel = lower_fusion(node, [o for _, o in views], [Operand(p.strides) for p in places], self._name(node))
        step = emit_kernel(self.module, kernel, schedule(kernel), kernel.name)
        self.kernels.append(kernel)
        self._call(step, [*(p for p, _ in views), *places])

    def _opaque(self, node: Node) -> None:
        name = self._name(node)
        start = 2 if node.op.name == "scatter_add" else 0
        views = [self._view(o) for o in node.operands]
        place = self._result(node)
        if start:
            step, kernel = emit_copy(self.module, node.operands[0], views[0][1], Operand(place.strides), f"{name}_copy")
            self.kernels.append(kernel)
            self._call(step, [views[0][0], place])
        written = OPAQUE[node.op.name](self.module, node, [o for _, o in views], name)
        assert isinstance(written, Step)
        for p, _ in views:
            self._touch(p)
        self._touch(place)
        self._call(written, [*(p for p, _ in views[1 if start else 0 :]), place])

    def _concatenate(self, node: Node) -> None:
        views = [self._view(o) for o in node.operands]
        place = self._result(node)
        steps = OPAQUE["concatenate"](self.module, node, [o for _, o in views], self._name(node))
        assert isinstance(steps, list)
        for step, number in steps:
            for p, _ in views:
                self._touch(p)
            self._touch(place)
            self._call(step, [views[number][0], place])

    def _name(self, node: Node) -> str:
        what = re.sub(r"\W", "_", node.name or node.op.name)
        return f"k{len(self.calls)}_{what}"

    def _call(self, step: Step, buffers: list[_Place]) -> None:
        scratch = self._interval(step.scratch_bytes) if step.scratch_bytes else None
        self.calls.append(_Call(self._share(step.f), len(self.table), buffers, scratch))
        self.table += step.table

    def _share(self, function: Function) -> str:
        """Return the function's name, or that of an earlier one with the same text."""
        text = str(function).replace(f"@{function.name}(", "@(", 1)
        known = self.shared.setdefault(text, function.name)
        if known != function.name:
            self.module.functions.remove(function)
        return known

    # -- the program itself -------------------------------------------------------------------------

    def _finish(self) -> str:
        main = Function(self.module, "program", [("ptr", "table"), ("ptr", "buffers")], "i64")
        status = main.alloca("i64", 1)
        main.store(main.i64(0), status)
        inputs, outputs = len(self.graph.params), len(self.graph.results)
        first = {"in": 0, "out": inputs, "arena": inputs + outputs}
        loaded: dict[object, Value] = {}

        def pointer(kind: str, number: int) -> Value:
            key = (kind, number)
            if key not in loaded:
                loaded[key] = main.load(main.element(main.args[1], main.i64(first[kind] + number), "ptr"), "ptr")
            return loaded[key]

        def inside(interval: Interval) -> Value:
            if interval not in loaded:
                self.table.append(interval.offset)
                offset = main.load(main.element(main.args[0], main.i64(len(self.table) - 1), "i64"), "i64")
                loaded[interval] = main.element(pointer("arena", 0), offset, "i8")
            return loaded[interval]

        for call in self.calls:
            places = [inside(p.interval) if p.interval is not None else pointer(p.kind, p.number) for p in call.buffers]
            scratch = inside(call.scratch) if call.scratch is not None else Value("null", "ptr")
            table = main.element(main.args[0], main.i64(call.table), "i64")
            main.do(f"call void @{call.function}({', '.join(v.typed for v in (table, *places, scratch, status))})")
        main.ret(main.load(status, "i64"))
        return str(self.module)


def _results_of(graph: Graph, node: Node) -> list[Node]:
    """Return the nodes that stand for each result of a fusion; a result that nobody reads has a node all the same."""
    if len(node.types) == 1:
        return [node]
    found = {n.params["index"]: n for n in (*graph.nodes(), *graph.results) if n.op.name == "result" and n.operands[0] is node}
    return [found[i] for i in range(len(node.types))]


def _machine_code(text: str) -> MachineCode:
    """Compile, or find what was compiled of the same text."""
    found = _code.get(text)
    if found is None:
        with debug.timed("machine code"):
            found = _code[text] = compile_text(text)
        if len(_code) > CACHED_PROGRAMS:
            _code.popitem(last=False)
    _code.move_to_end(text)
    return found
