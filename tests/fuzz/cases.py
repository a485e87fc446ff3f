"""A case: Python text that defines `run` and its arguments, executed on graphc or on torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

import numpy as np

import graphc
import graphc.nn.functional as F
from tests.fuzz.generate import EXTENTS
from tests.fuzz.program import Program, arguments, source
from tests.fuzz.torch_loops import functional, oracle

try:
    import torch as real_torch

    real_torch.set_num_threads(1)
    TORCH: Any = oracle(real_torch)
    TORCH_FUNCTIONAL: Any = functional(real_torch)
except ImportError:  # pragma: no cover - an oracle more, where there is one
    TORCH = TORCH_FUNCTIONAL = real_torch = None

__all__ = ["HEAD", "TORCH", "TORCH_FUNCTIONAL", "Case", "case_of", "real_torch", "tensors"]

Array = np.ndarray[Any, Any]

HEAD = """import numpy as np
from numpy import inf, nan
from numpy.random import default_rng

import graphc as torch
import graphc.nn.functional as F

"""

LOSSES = {
    "sum": "total = total + r.sum()",
    "square": "total = total + (r * r).sum()",
    "weighted": "total = total + (r * torch.cos(torch.arange(r.numel(), dtype=r.dtype)).reshape(r.shape)).sum()",
}


@dataclass
class Case:
    """Text that defines `run`, `args` and, where `run` is a gradient, `loss`; a seed decides which modes it is checked in."""

    text: str
    seed: int = 0
    program: Program | None = None
    later: list[Case] = field(default_factory=list)
    """The same at other sizes."""

    @cached_property
    def names(self) -> dict[str, Any]:
        """What the text defines, on graphc."""
        return self.on(graphc, F)

    def on(self, torch: Any, functional: Any) -> dict[str, Any]:
        """Execute the text with a module in the place of torch."""
        body = re.sub(r"^import graphc.*$", "", self.text, flags=re.MULTILINE)
        names: dict[str, Any] = {"torch": torch, "F": functional}
        exec(compile(body, f"<case {self.seed}>", "exec"), names)
        return names

    @property
    def args(self) -> list[Array]:
        """The arguments, as arrays of any layout."""
        found: list[Array] = self.names["args"]
        return found

    @property
    def is_gradient(self) -> bool:
        """Whether `run` gives the gradient of `loss` by all float arguments."""
        return "loss" in self.names

    @property
    def floats(self) -> list[int]:
        """The numbers of the float arguments."""
        return [i for i, x in enumerate(self.args) if x.dtype.kind == "f"]


def case_of(program: Program, what: str = "value", others: int = 0) -> Case:
    """Return a program as a case: its values, or the gradient of a loss of them; with some other sizes."""
    text = f"{HEAD}\n{source(program)}\n\n"
    if what == "value":
        text += "run = f\n"
    else:
        names = ", ".join(p.name for p in program.block.params)
        text += f"def loss({names}):\n    total = 0.0\n    for r in f({names}):\n        if r.dtype.is_floating_point:\n"
        text += (
            f"            {LOSSES[program.loss]}\n    return total\n\n\nrun = torch.func.grad(loss, {tuple(program.floats)})\n"
        )
    text += "args = [\n" + "".join(f"    {a},\n" for a in arguments(program)) + "]\n"
    return Case(text, program.seed, program, [case_of(p, what) for p in _at_other_sizes(program, others)])


def _at_other_sizes(program: Program, count: int) -> Iterator[Program]:
    """Yield the program at other sizes, drawn by its seed."""
    rng = Random(program.seed)
    for _ in range(count):
        sizes = {n: rng.choice(EXTENTS) for n in program.sizes}
        extents = [v.extents(sizes) for s in program.block.stmts for v in s.out]
        if sizes != program.sizes and all(min(e, default=0) >= 0 and np.prod(e) <= 20000 for e in extents):
            yield program.at(sizes)


def tensors(given: Sequence[Array]) -> list[Any]:
    """Return tensors of arrays that are not shared; of the same layout."""
    return [graphc.from_numpy(x.copy() if x.flags.c_contiguous else x) for x in given]
