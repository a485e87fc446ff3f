"""Print loop kernels.

    kernel k0(in0: f32, out out0: f32) lanes=16
      for i0 in 12: (vector)
        load0 = in0[i0]
        exp1 = exp load0
        out0[i0] = exp1
"""

from __future__ import annotations

from collections.abc import Iterator

from graphc.codegen.loops.loop_ir import Instr, Kernel, Reduction, Stage, Store, needed

__all__ = ["kernel_text"]


def kernel_text(kernel: Kernel) -> str:
    """Return the listing of a kernel: its loops, and the instructions, reductions and stores of each pass."""
    params = ", ".join(f"{'out ' if b.written else ''}{b.name}: {b.dtype}" for b in kernel.buffers)
    lines = [f"kernel {kernel.name}({params}) lanes={kernel.lanes}"]
    pad = "  "
    for loop in kernel.outer:
        lines.append(f"{pad}for i{loop} in {kernel.dims[loop]}:{' (vector)' if loop == kernel.vector else ''}")
        pad += "  "
    done: set[Instr] = set()
    for stage in kernel.stages:
        lines += [pad + line for line in _stage_lines(kernel, stage, done)]
    pad = "  " * (1 + sum(loop not in kernel.folded for loop in kernel.outer))
    lines += [pad + _store_line(kernel, c.store) for c in kernel.outer_reductions]
    return "\n".join(lines)


def _stage_lines(kernel: Kernel, stage: Stage, done: set[Instr]) -> Iterator[str]:
    pad = ""
    for loop in stage.inner:
        vector = kernel.vector is None and loop == stage.inner[-1]
        yield f"{pad}for i{loop} in {kernel.dims[loop]}:{' (vector)' if vector else ''}"
        pad += "  "
    earlier = {i for i in kernel.saved if i in done and kernel.home(i).inner == stage.inner}
    for instr in needed(stage.roots(), earlier.__contains__):
        if instr in earlier:
            yield f"{pad}{instr.name} = scratch"
            continue
        if (instr in done and instr not in kernel.saved) or instr.op in ("constant", "reduced", "size"):
            continue
        if instr in kernel.saved or not instr.loops & set(stage.inner):
            done.add(instr)
        saved = instr in kernel.saved and kernel.home(instr) is stage
        yield f"{pad}{instr.name} = {_spell(kernel, instr)}{' (saved)' if saved else ''}"
    for r in stage.reductions:
        yield pad + _reduction_line(r)
    for c in stage.outer_reductions:
        yield pad + _reduction_line(c.reduction)
    for s in stage.stores:
        yield pad + _store_line(kernel, s)


def _reduction_line(r: Reduction) -> str:
    return f"{r.name} = {r.kind} over {', '.join(f'i{lo}' for lo in r.inner)} of {r.value.name}"


def _store_line(kernel: Kernel, s: Store) -> str:
    return f"{kernel.buffers[s.buffer].name}[{s.index}] = {s.value}"


def _spell(kernel: Kernel, instr: Instr) -> str:
    if instr.op == "load":
        where = f"{kernel.buffers[instr.attr[0]].name}[{instr.attr[1]}]"
        return where + (f" if {instr.args[-1].name}" if instr.masked else "")
    if instr.op == "index":
        return str(instr.attr)
    dtype = f" to {instr.dtype}" if instr.op == "cast" else ""
    return f"{instr.op} {', '.join(map(str, instr.args))}{dtype}"
