"""Compile a graph to a program, and call it.

The text of a program depends only on the structure of the graph, and machine code is cached by text: another batch size
reuses the code with other parameters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any
from weakref import ref

import numpy as np

from graphc.codegen.llvm.bounds_text import OUTSIDE, take_error
from graphc.codegen.loops.loop_ir import Kernel
from graphc.codegen.mlir.module import to_mlir
from graphc.codegen.program.memory.tape import OUT_OF_MEMORY
from graphc.codegen.program.specialize import ProgramText, program_text_of
from graphc.codegen.program.translate import program_text, translate, write_program
from graphc.codegen.program.validation import Difference, MiscompilationError, Pipeline, first_difference
from graphc.codegen.program.work import Cost, everything
from graphc.codegen.program.writer import ProgramWriter
from graphc.codegen.runtime import allocator, tiers
from graphc.codegen.runtime.array_spec import ArraySpec
from graphc.codegen.runtime.bindings import Bindings
from graphc.codegen.runtime.collector import paused_collector
from graphc.codegen.runtime.engine import MachineCode
from graphc.codegen.runtime.entry import call_program, make_entry, prepare, redirect
from graphc.codegen.runtime.tiers import BETTER, QUICK, Opt, cached, code_cache_size, machine_code
from graphc.ir.analysis.views import Strides, dense_strides
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import Graph, Node
from graphc.ir.core.predicates import is_while
from graphc.ir.core.semantics import check_error
from graphc.ir.interpret.comparison import Outcome
from graphc.ir.interpret.evaluate import TakesTooLong, limited
from graphc.ir.pipeline import FINAL
from graphc.ir.text import debug
from graphc.ir.text.printer import to_text

__all__ = ["Cost", "Program", "code_cache_size", "compile_graph", "run_alone"]

LISTINGS = ("passes", "rules", "kernels", "llvm")
"""Topics of GRAPHC_DEBUG that report the work of passes."""

CHECK_SECONDS = 20
"""The time limit, in seconds, for evaluating the stages of one call."""

GIL_WORK = 20_000
"""Estimated instructions above which a call releases the GIL."""

PostCheck = Callable[[Sequence[Any]], None]


@dataclass(eq=False)
class Program:
    """Machine code bound to one set of sizes."""

    captured: Graph
    layouts: dict[Node, Strides]
    code: MachineCode
    parameters: Any
    inputs: list[ArraySpec]
    outputs: list[ArraySpec]
    arena_bytes: int
    kernel_calls: int
    work: tuple[int, int]
    """Element operations, and bytes that pass between kernels."""
    dynamic: bool = True
    post_check: PostCheck | None = None
    """Called with the inputs if the last output, a flag that is not returned, is set; raises the error."""
    checked: bool = False
    """Whether each call is validated: `GRAPHC_DEBUG=check`."""

    def __post_init__(self) -> None:
        self.address = self.code.address("program")
        self._former: list[MachineCode] = []
        self._entries: list[ref[Any]] = []

    def move(self, code: MachineCode) -> None:
        """Switch to other code of the same text from the next call on; the old code stays, since a thread may still run it."""
        self._former.append(self.code)
        self.code, self.address = code, code.address("program")
        for reference in list(self._entries):
            entry = reference()
            if entry is not None:
                redirect(entry, self.address)

    def run(self, arrays: Sequence[Any]) -> list[Any]:
        """Return fresh output arrays for input arrays with the dtypes, shapes and strides of the program.

        Raises ValueError for an array that does not fit, and IndexError for an index out of bounds.
        """
        if len(arrays) != len(self.inputs) or not all(spec.fits(x) for spec, x in zip(self.inputs, arrays, strict=True)):
            raise ValueError(f"program takes {self.inputs}, got {[ArraySpec.of(np.asarray(x)) for x in arrays]}")
        return self.run_unchecked(arrays)

    def run_unchecked(self, arrays: Sequence[Any]) -> list[Any]:
        """Run on arrays that are known to fit."""
        outcome = self._run_native(arrays)
        if self.checked:
            self._check(arrays, outcome)
        if isinstance(outcome, Exception):
            raise outcome
        outputs = outcome
        if self.post_check is not None and outputs.pop():
            self.post_check(arrays)
        return outputs

    def _check(self, arrays: Sequence[Any], outcome: Outcome) -> None:
        """Raise MiscompilationError if a stage differs; a program whose evaluation takes too long is no longer checked."""
        try:
            with limited(CHECK_SECONDS):
                difference = self.first_difference(arrays, outcome)
        except TakesTooLong:
            self.checked = False
            name, nodes = self.captured.name, len(self.captured.nodes())
            print(f"graphc: {name} ({nodes} nodes) is not checked: it takes more than {CHECK_SECONDS} s", file=sys.stderr)
            return
        if difference is not None:
            raise MiscompilationError(difference)

    def _run_native(self, arrays: Sequence[Any]) -> Outcome:
        outputs = [allocator.empty(spec.shape, spec.dtype) for spec in self.outputs]
        arena = allocator.block(self.arena_bytes) if self.arena_bytes else None
        code = call_program(self.address, self.parameters, arrays, outputs, arena)
        return self.error(code) if code else outputs

    def first_difference(self, arrays: Sequence[Any], native: Outcome | None = None) -> Difference | None:
        """Return the first stage whose results on these arrays differ from those of the previous stage, or None.

        `native` are the results of the machine code, if it has run.  Raises MemoryError, and the error of a bounds check.
        """
        native = self._run_native(arrays) if native is None else native
        if isinstance(native, Exception) and not isinstance(native, IndexError):
            raise native
        stages, writer = self._detail
        return first_difference(Pipeline(stages, writer.calls.of, run_alone), arrays, native)

    def entry(self, slow: Callable[..., Any], *, single: bool, bindings: Bindings | None = None) -> Callable[..., Any]:
        """Return a function of the input arrays, native unless calls have a post-check or are validated.

        Arguments that do not fit, and calls for which `bindings` do not hold, go to `slow`.
        """
        if self.post_check is not None or self.checked:
            return self._post_checked(slow, single, bindings)
        entry = make_entry(
            self.address, self.parameters, self.inputs, self.outputs, self.arena_bytes, slow,
            single=single, on_error=self.raise_error, release_gil=self._takes_long(), bindings=bindings,
            keep=self,
        )  # fmt: skip
        self._entries.append(ref(entry))
        redirect(entry, self.address)  # `move` may have run meanwhile
        return entry

    def _post_checked(self, slow: Callable[..., Any], single: bool, bindings: Bindings | None) -> Callable[..., Any]:
        def call(*arrays: Any, **kwargs: Any) -> Any:
            if kwargs or (bindings is not None and not bindings.same()):
                return slow(*arrays, **kwargs)
            if len(arrays) != len(self.inputs) or not all(s.fits(x) for s, x in zip(self.inputs, arrays, strict=True)):
                return slow(*arrays)
            outputs = self.run_unchecked(arrays)
            return outputs[0] if single else tuple(outputs)

        return call

    def raise_error(self, code: int) -> None:
        """Raise the exception of an error code."""
        raise self.error(code)

    def error(self, code: int) -> Exception:
        """Return the exception of an error code; an IndexError names the lines that read or write at indices."""
        if code == OUTSIDE:
            return take_error(self.code.variable("bounds.found"), self.code.text)
        if code == OUT_OF_MEMORY:
            return MemoryError("out of memory for the residuals that a loop keeps for its gradient")
        readers = [n for n in everything(self.captured) if n.op.indices is not None]
        checks = {n.params["check"]: n.where for n in readers if n.params.get("check")}
        rest = [n for n in readers if not n.params.get("check")]
        lines = {f"\n  at {n.where}, into {n.operands[0].type}": None for n in rest if n.where}
        broken = [f"{text}\n  at {where}" if where else text for text, where in checks.items()]
        if broken and not rest:
            return check_error(*broken)
        which = " at one of these lines:" if len(lines) > 1 else ""
        text = f"index out of range in a gather, an embedding or an indexed update{which}{''.join(lines)}"
        return check_error(*broken, text) if broken else IndexError(text)

    def _takes_long(self) -> bool:
        """Return whether a call should release the GIL: it does much work, or an unknown amount."""
        return any(is_while(node) for node in everything(self.captured)) or self.cost().flops > GIL_WORK

    @cached_property
    def _detail(self) -> tuple[dict[str, Graph], ProgramWriter]:
        return translate(self.captured, self.layouts, dynamic=self.dynamic)

    @property
    def stages_of(self) -> dict[str, Graph]:
        """The graph after each pass."""
        return self._detail[0]

    @property
    def kernels(self) -> list[Kernel]:
        """The scheduled loop kernels, in the order in which they run."""
        return self._detail[1].calls.kernels

    @property
    def graph(self) -> Graph:
        """The graph as it was compiled, with fusions and decisions."""
        return self.stages_of[FINAL]

    @property
    def stages(self) -> list[str]:
        """The names that `stage` accepts, in order."""
        return [*self.stages_of, "kernels", "mlir", "llvm", "asm"]

    def stage(self, name: str) -> str:
        """Return the program's text at a stage.  Raises ValueError for an unknown name."""
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
        """Return the schedules of the loop kernels and matrix products."""
        return self._detail[1].calls.listing + "\n"

    def mlir(self) -> str:
        """Return the optimized graph in MLIR's core dialects."""
        return to_mlir(self.stages_of["optimized"])

    def llvm_ir(self, *, optimized: bool = True) -> str:
        """Return the LLVM IR: as LLVM holds it for code generation, or as it was emitted."""
        return self.code.llvm_ir() if optimized else self.code.text

    def asm(self) -> str:
        """Return the assembly."""
        return self.code.asm()

    def cost(self) -> Cost:
        """Count the work of one call."""
        flops, inside = self.work
        moved = sum(spec.dtype.itemsize * prod(spec.shape) for spec in (*self.inputs, *self.outputs))
        return Cost(flops, moved + inside, self.kernel_calls, self.arena_bytes)


def compile_graph(
    graph: Graph,
    strides: Sequence[tuple[int, ...] | None] | None = None,
    *,
    dynamic: bool = True,
    post_check: PostCheck | None = None,
    opt: Opt = BETTER,
    threads: int | None = None,
) -> Program:
    """Optimize a graph and compile it to a program.

    `strides` gives byte strides for each parameter; None is row-major.  Without `dynamic`, sizes are literals in the code.
    With a `post_check` the last result of the graph is a flag: `Program.post_check`.  `opt` is the level of the code, or
    "auto": fast compilation now and, if a call does much work, better code as soon as a background thread has compiled it.
    `threads` share its parallel loops; None is the number of the process at each call.
    """
    prepare()
    layouts = {}
    specs = []
    for param, byte_strides in zip(graph.params, strides or [None] * len(graph.params), strict=True):
        size = param.dtype.bytes
        elements = dense_strides(param.shape) if byte_strides is None else tuple(s // size for s in byte_strides)
        if byte_strides is not None and any(s % size for s in byte_strides):
            raise ValueError(f"strides of {param.name} are not multiples of its element size: {byte_strides}")
        layouts[param] = elements
        specs.append(ArraySpec(param.dtype.numpy, param.shape, tuple(s * size for s in elements)))
    # listed stages show these sizes, not symbols
    listed = not dynamic or any(map(debug.enabled, LISTINGS))
    with paused_collector():
        if listed:
            text = write_program(graph, layouts, dynamic=dynamic)
        else:
            text = program_text_of(graph, layouts, write_program, debug.enabled("bounds"))
    results = [_dense_spec(r) for r in graph.results]
    parameters, arena_bytes = _bound(text, [*specs, *results], threads)
    better = cached(text.llvm, BETTER) if opt == "auto" else None
    code = better or machine_code(text.llvm, QUICK if opt == "auto" else opt)
    program = Program(
        graph, layouts, code, parameters, specs,
        results, arena_bytes, text.kernel_calls, text.work, dynamic, post_check,
        debug.enabled("check"),
    )  # fmt: skip
    if opt == "auto" and better is None and program._takes_long():
        tiers.background.improve(text.llvm, program)
    return program


def run_alone(graph: Graph, arrays: Sequence[Any], *, dynamic: bool = True) -> Outcome:
    """Compile a graph without any pass, and run it."""
    layouts = {p: dense_strides(p.shape) for p in graph.params}
    writer = ProgramWriter(graph, list(layouts.values()), dynamic)
    writer.write()
    text = program_text(writer, (0, 0))
    specs, results = [_dense_spec(p) for p in graph.params], [_dense_spec(r) for r in graph.results]
    parameters, arena_bytes = _bound(text, [*specs, *results])
    program = Program(
        graph, layouts, machine_code(text.llvm, BETTER), parameters,
        specs, results, arena_bytes, text.kernel_calls, text.work,
    )  # fmt: skip
    return program._run_native(arrays)


def _dense_spec(node: Node) -> ArraySpec:
    size = node.dtype.bytes
    return ArraySpec(node.dtype.numpy, node.shape, tuple(s * size for s in dense_strides(node.shape)))


def _bound(
    text: ProgramText, specs: Sequence[ArraySpec], threads: int | None = None
) -> tuple[np.ndarray[Any, Any], int]:
    """Return the parameters of a program and the size of its arena; with bounds checks, also the ends of all arrays."""
    parameters, arena_bytes = text.bound(threads)
    if debug.enabled("bounds"):
        ends = [end for spec in specs for end in spec.span]
        parameters[: len(ends) + 2] = [*ends, 0, arena_bytes]
    return np.array(parameters or [0], np.int64), arena_bytes
