"""Programs as data: typed variables with symbolic shapes, statements, inner functions; and their text in Python."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tests.fuzz.dims import Dim

__all__ = ["DTYPES", "Block", "Extents", "Program", "Sizes", "Stmt", "Var", "arrays", "free", "source"]

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
    given: dict[str, Any] = field(default_factory=dict)
    """Arrays for arguments that are not drawn: what the minimizer put in the place of statements."""

    def at(self, sizes: dict[str, int]) -> Program:
        """Return the same program at other sizes."""
        return replace(self, sizes=sizes)

    @property
    def floats(self) -> list[int]:
        """The numbers of the float arguments."""
        return [i for i, p in enumerate(self.block.params) if p.is_float]


# -- arguments ----------------------------------------------------------------------------------------------

SPECIAL = [math.nan, math.inf, -math.inf, -0.0, 0.0, 1e-40, -5e-324, 1.0, -1.0, 2.0, 0.5, 3e38, 1e-3]
EXTREME = {"i32": [2**31 - 1, -(2**31), 0, -1, 1], "i64": [2**63 - 1, -(2**63), 0, -1, 1], "u8": [0, 255, 1, 128]}


def arrays(program: Program, dtype: str | None = None) -> list[np.ndarray]:
    """Draw the arguments: the same for the same seed; floats in `dtype` if one is given."""
    rng = np.random.default_rng([program.seed, *sorted(program.sizes.values())])
    found = []
    for i, p in enumerate(program.block.params):
        x = _draw(rng, p, program)
        if p.is_float:
            x = x.astype(DTYPES[dtype or p.dtype])
        found.append(_laid_out(x, program.layouts[i] if i < len(program.layouts) else "dense"))
    return found


def _draw(rng: np.random.Generator, p: Var, program: Program) -> np.ndarray:
    shape = p.extents(program.sizes)
    if p.name in program.given and program.given[p.name].shape == shape:
        return np.asarray(program.given[p.name])
    if p.dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if p.bound is not None:
        return np.asarray(rng.integers(0, max(p.bound.at(program.sizes), 1), shape)).astype(DTYPES[p.dtype])
    if not p.is_float:
        if program.values == "special" and rng.random() < 0.5:
            return rng.choice(np.array(EXTREME[p.dtype], DTYPES[p.dtype]), shape)
        return np.asarray(rng.integers(0 if p.dtype == "u8" else -4, 5, shape)).astype(DTYPES[p.dtype])
    if program.values == "integers":
        return rng.integers(-3, 4, shape).astype(np.float64)
    if program.values == "ones":
        return np.ones(shape)
    x = rng.uniform(-2, 2, shape)
    if program.values == "special":
        with np.errstate(all="ignore"):
            x = np.where(rng.random(shape) < 0.3, rng.choice(np.array(SPECIAL), shape), x)
    return np.asarray(x)


def _laid_out(x: np.ndarray, layout: str) -> np.ndarray:
    if layout == "transposed" and x.ndim > 1:
        return np.ascontiguousarray(x.T).T
    if layout == "strided" and x.ndim:
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if layout == "reversed" and x.ndim:
        return np.ascontiguousarray(x[::-1])[::-1]
    return np.ascontiguousarray(x) if x.ndim else x


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
