"""Programs as data: typed variables with symbolic shapes, statements, inner functions; and their text in Python."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.fuzz.dims import Dim

__all__ = ["DTYPES", "Block", "Extents", "Program", "Sizes", "Stmt", "Var", "arguments", "free", "source"]

Sizes = Mapping[str, int]

DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64, "bool": np.bool_, "u8": np.uint8}


@dataclass(frozen=True)
class Var:
    """A variable: its name, element type and symbolic shape, and what the generator knows of its values.

    `mag` is a rough bound of its numbers, `bound` says that it holds indices below an extent, `owned` that its memory is not
    that of an argument, so that it may be written to.
    """

    name: str
    dtype: str
    shape: tuple[Dim, ...]
    mag: float = 2.0
    bound: Dim | None = None
    owned: bool = False

    @property
    def is_float(self) -> bool:
        return self.dtype[0] == "f"

    @property
    def rank(self) -> int:
        return len(self.shape)

    def extents(self, sizes: Sizes) -> tuple[int, ...]:
        """Return the shape at sizes."""
        return tuple(d.at(sizes) for d in self.shape)


@dataclass(frozen=True)
class Block:
    """A function: parameters, statements, and the variables that it returns; `single` without a tuple."""

    name: str
    params: tuple[Var, ...]
    stmts: tuple[Stmt, ...]
    results: tuple[Any, ...]
    single: bool = False


@dataclass(frozen=True)
class Stmt:
    """`out = template`, each {} of the template replaced by an argument: a variable, an extent, a number, a block, a text."""

    out: tuple[Var, ...]
    template: str
    args: tuple[Any, ...]

    def reads(self) -> Iterator[Var]:
        """Yield the variables of this scope that the statement reads, those of its blocks among them."""
        for a in self.args:
            if isinstance(a, Var):
                yield a
            elif isinstance(a, Block):
                yield from free(a)


class Extents(tuple[Dim, ...]):
    """A shape among the arguments of a statement: printed with a comma behind each extent."""


def free(block: Block) -> Iterator[Var]:
    """Yield the variables that a block reads from outside."""
    known = {p.name for p in block.params}
    for s in block.stmts:
        yield from (v for v in s.reads() if v.name not in known)
        known |= {v.name for v in s.out}
    yield from (v for v in block.results if isinstance(v, Var) and v.name not in known)


@dataclass(frozen=True)
class Program:
    """A function of tensors, sizes to run it at, and how its arguments are drawn."""

    block: Block
    sizes: dict[str, int]
    seed: int
    values: str = "normal"
    layouts: tuple[str, ...] = ()
    loss: str = "sum"

    def at(self, sizes: dict[str, int]) -> Program:
        """Return the same program at other sizes."""
        return replace(self, sizes=sizes)

    @property
    def floats(self) -> list[int]:
        """The numbers of the float arguments."""
        return [i for i, p in enumerate(self.block.params) if p.is_float]


# -- arguments ----------------------------------------------------------------------------------------------

SPECIAL = "[nan, inf, -inf, -0.0, 0.0, 1e-40, -5e-324, 1.0, -1.0, 2.0, 0.5, 1e6, 1e-3]"
EXTREME = {"i32": "[2**31 - 1, -(2**31), 0, -1, 1]", "i64": "[2**63 - 1, -(2**63), 0, -1, 1]", "u8": "[0, 255, 1, 128]"}


def arguments(program: Program) -> list[str]:
    """Return NumPy expressions for the arguments: the same numbers for the same seed."""
    found = []
    for i, p in enumerate(program.block.params):
        shape, rng = p.extents(program.sizes), f"default_rng([{program.seed}, {i}])"
        text = f"np.asarray({_drawn(program, p, shape, rng)}, np.{DTYPES[p.dtype].__name__})"
        found.append(_laid_out(text, len(shape), program.layouts[i] if i < len(program.layouts) else "dense"))
    return found


def _drawn(program: Program, p: Var, shape: tuple[int, ...], rng: str) -> str:
    """Return an expression for numbers of the kind of a variable."""
    if p.dtype == "bool":
        return f"{rng}.random({shape}) < 0.5"
    if p.bound is not None:
        return f"{rng}.integers(0, {max(p.bound.at(program.sizes), 1)}, {shape})"
    if not p.is_float:
        if program.values == "special" and program.seed % 2:
            return f"{rng}.choice({EXTREME[p.dtype]}, {shape})"
        return f"{rng}.integers({0 if p.dtype == 'u8' else -4}, 5, {shape})"
    if program.values == "special":
        return f"np.where({rng}.random({shape}) < 0.3, {rng}.choice({SPECIAL}, {shape}), {rng}.uniform(-2, 2, {shape}))"
    kinds = {"integers": f"{rng}.integers(-3, 4, {shape})", "ones": f"np.ones({shape})"}
    return kinds.get(program.values, f"{rng}.uniform(-2, 2, {shape})")


def _laid_out(text: str, rank: int, layout: str) -> str:
    """Return an expression for the same array with other strides."""
    if layout == "transposed" and rank > 1:
        return f"np.asfortranarray({text})"
    if layout == "strided" and rank:
        return f"np.repeat({text}, 2, -1)[..., ::2]"
    return f"{text}[::-1].copy()[::-1]" if layout == "reversed" and rank else text


# -- text ---------------------------------------------------------------------------------------------------


class _Printer:
    def __init__(self, sizes: Sizes | None) -> None:
        self.sizes = sizes
        self.lines: list[str] = []

    def word(self, x: Any) -> str:
        if isinstance(x, (Var, Block)):
            return x.name
        if isinstance(x, Extents):
            return "".join(f"{self.word(d)}, " for d in x)
        if isinstance(x, Dim):
            return str(x) if self.sizes is None else str(x.at(self.sizes))
        if isinstance(x, float):
            return repr(x) if math.isfinite(x) else f"float('{x}')"
        return x if isinstance(x, str) else repr(x)

    def block(self, b: Block, indent: str) -> None:
        self.lines.append(f"{indent}def {b.name}({', '.join(p.name for p in b.params)}):")
        inner = indent + "    "
        for s in b.stmts:
            self.stmt(s, inner)
        if not b.results:
            self.lines.append(f"{inner}return ()")
            return
        words = ", ".join(map(self.word, b.results))
        self.lines.append(f"{inner}return {words if b.single or len(b.results) > 1 else words + ','}")

    def stmt(self, s: Stmt, indent: str) -> None:
        for a in s.args:
            if isinstance(a, Block):
                self.block(a, indent)
        parts = s.template.split("{}")
        words = [self.word(a) for a in s.args]
        assert len(parts) == len(words) + 1, s
        text = "".join(p + w for p, w in zip(parts, [*words, ""], strict=True))
        out = ", ".join(v.name for v in s.out)
        self.lines.append(f"{indent}{out} = {text}" if out else f"{indent}{text}")


def source(program: Program) -> str:
    """Return the program as a Python function `f` of `torch` and `F`, at its sizes."""
    printer = _Printer(program.sizes)
    printer.block(program.block, "")
    return "\n".join(printer.lines) + "\n"
