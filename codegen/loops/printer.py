"""Print scheduled kernels; `parser.py` reads the text.

    kernel k0(in0: f32, out out0: f32) outer=1
      for i0 in 12: (vector 16, peel)
        load0 = in0[i0]
        exp1 = exp load0
        out0[i0] = exp1

The first `outer` loops are outer ones.  A vectorized loop is followed by its lanes, the treatment of its remainder, and its
bounds checks along and across it; `blocks 256` means that wide sums are added to their totals every 256 iterations, and
`parallel 4096` that threads share the loop in chunks of 4096 iterations.  A value that a pass saves for later ones is followed
by the number of its row in scratch memory.  A load or store whose lanes are not consecutive elements, or one, is followed by
how it is done (codegen/loops/accesses.py).  A constant has a dtype where it does not follow from its siblings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphc.codegen.loops.loop_ir import Access, Instr, Kernel, Reduction, Stage, Store, Vector, is_loaded, needed
from graphc.ir.core.types import DType

__all__ = ["NEXT", "kernel_text", "siblings"]

NEXT = "then"
"""The line between two passes without loops of their own."""


def kernel_text(kernel: Kernel) -> str:
    """Return the listing of a kernel: its loops, their schedule, and the instructions, reductions and stores of each pass."""
    params = ", ".join(f"{'out ' if b.written else ''}{b.name}: {b.dtype}" for b in kernel.buffers)
    literal = " literal" if kernel.plan.literal else ""
    lines = [f"kernel {kernel.name}({params}) outer={len(kernel.outer)}{literal}"]
    pad = "  "
    for loop in kernel.outer:
        last = loop == kernel.outer[-1]
        lines.append(pad + _loop(kernel, loop, kernel.plan.points if last else None, kernel.plan.block if last else 0))
        pad += "  "
    printer = _Printer(kernel)
    for number, stage in enumerate(kernel.stages):
        if number and not stage.inner and not kernel.stages[number - 1].inner:
            lines.append(pad + NEXT)
        lines += [pad + line for line in printer.stage(number, stage)]
    pad = "  " * (1 + sum(loop not in kernel.folded for loop in kernel.outer))
    lines += [pad + printer.store(c.store) for c in kernel.outer_reductions]
    return "\n".join(lines)


def _loop(kernel: Kernel, loop: int, vector: Vector | None, block: int) -> str:
    parallel = kernel.plan.parallel
    notes = [f"parallel {parallel.grain}"] if parallel is not None and parallel.loop == loop else []
    if vector is not None:
        notes += [f"vector {vector.lanes}", vector.remainder]
        for word, checks in (("along", vector.along), ("across", vector.across)):
            notes += [f"{word} {' '.join(i.name for i in checks)}"] if checks else []
    notes += [f"blocks {block}"] if block else []
    return f"for i{loop} in {kernel.dims[loop]}:" + (f" ({', '.join(notes)})" if notes else "")


class _Printer:
    """Prints the passes of a kernel, each instruction where it is computed first."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.done: set[Instr] = set()
        self.rows = {i: row for row, i in enumerate(kernel.plan.saved)}

    def stage(self, number: int, stage: Stage) -> Iterator[str]:
        """Yield the lines of a pass."""
        pad, plan = "", self.kernel.plan.passes[number]
        for loop in stage.inner:
            last = loop == stage.inner[-1]
            yield pad + _loop(self.kernel, loop, plan.vector if last else None, plan.block if last else 0)
            pad += "  "
        for line in self._lines(number, stage):
            yield pad + line

    def _lines(self, number: int, stage: Stage) -> Iterator[str]:
        saved = self.kernel.plan.saved

        def loaded(i: Instr) -> bool:
            return is_loaded(self.kernel, number, i, saved)

        for i in needed(stage.roots(), loaded):
            if loaded(i):
                yield f"{i.name} = row {self.rows[i]}"
            elif i.op not in ("constant", "reduced", "size") and i not in self.done:
                if not i.loops & {*stage.inner}:
                    self.done.add(i)
                notes = self._access(number, i) + (f" (row {self.rows[i]})" if saved.get(i) == number else "")
                yield f"{i.name} = {self._applied(i)}{notes}"
        yield from map(self._reduction, [*stage.reductions, *(c.reduction for c in stage.outer_reductions)])
        yield from (self.store(s) + self._access(number, s) for s in stage.stores)

    def _access(self, number: int, access: Access) -> str:
        loop = self.kernel.lane_loop(number)
        how = None if loop is None else self.kernel.plan.accesses.get((access, loop))
        return "" if how is None else f" ({how})"

    def _reduction(self, r: Reduction) -> str:
        at = "" if r.position is None else f" at {r.position}"
        wide = " (wide)" if r in self.kernel.plan.wide else ""
        return f"{r.name} = {r.kind} over {', '.join(f'i{lo}' for lo in r.inner)} of {r.value}{at}{wide}"

    def store(self, s: Store) -> str:
        """Return the line of a store."""
        buffer = self.kernel.buffers[s.buffer]
        return f"{buffer.name}[{s.index}] = {_operand(s.value, buffer.dtype)}"

    def _applied(self, i: Instr) -> str:
        if i.op == "load":
            where = f"{self.kernel.buffers[i.attr[0]].name}[{i.attr[1]}]"
            return where + (f" if {i.args[-1]}" if i.masked else "")
        if i.op == "index":
            return str(i.attr)
        known = [None] * len(i.args) if i.op == "cast" else siblings(i.op, i.args)
        args = ", ".join(_operand(x, dtype) for x, dtype in zip(i.args, known, strict=True))
        return f"{i.op} {args}" + (f" to {i.dtype}" if i.op == "cast" else "")


def siblings(op: str, args: Sequence[Instr | None]) -> list[DType | None]:
    """Return, for each operand, the dtype that follows from the others: all have one, except the condition of a select.

    None stands for a constant whose dtype is unknown.
    """
    first = 1 if op == "select" else 0
    dtype = next((x.dtype for x in args[first:] if x is not None and x.op != "constant"), None)
    return [None] * first + [dtype] * (len(args) - first)


def _operand(i: Instr, known: DType | None) -> str:
    """Return an instruction as an operand whose dtype may be known."""
    return str(i.number) if i.op == "constant" and i.dtype is known else str(i)
