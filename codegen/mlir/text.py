"""Lines of MLIR: values, constants, and the few tensor operations that everything else uses."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from graphc.ir.core.types import BOOL, F32, F64, I32, I64, U8, DType, TensorType

__all__ = [
    "ELEMENT", "Block", "Text", "View", "cut", "empty", "extract", "fill", "full_view", "generic", "insert", "loop",
    "loop_indices", "map_elements", "number", "start", "tensor",
]  # fmt: skip

ELEMENT = {F32: "f32", F64: "f64", I32: "i32", I64: "i64", U8: "i8", BOOL: "i1"}
"""MLIR's arith has no unsigned integers: each operation says how it interprets the bits."""


class Text:
    """Lines of MLIR, and names for its values."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self.values = 0

    def line(self, text: str, shift: int = 0) -> None:
        """Emit a line, `shift` levels deeper than its neighbours."""
        self.lines.append("  " * (self.depth + shift) + text)

    def fresh(self) -> str:
        """Return an unused name."""
        self.values += 1
        return f"%v{self.values}"

    def op(self, text: str) -> str:
        """Emit an operation with one result; return the result."""
        value = self.fresh()
        self.line(f"{value} = {text}")
        return value

    def constant(self, value: float | int | bool, dtype: DType) -> str:
        """Emit a scalar constant."""
        kind = "" if dtype is BOOL else f" : {ELEMENT[dtype]}"
        return self.op(f"arith.constant {number(value, dtype)}{kind}")

    def index(self, value: int) -> str:
        """Emit a constant of type `index`."""
        return self.op(f"arith.constant {value} : index")

    @contextmanager
    def block(self, head: str, tail: str) -> Iterator[None]:
        """Indent what is emitted within, between two lines; the first may be there already."""
        if head:
            self.line(head)
        self.depth += 1
        yield
        self.depth -= 1
        self.line(tail)


def number(value: float | int | bool, dtype: DType) -> str:
    """Print a number exactly: floats as bit patterns, unless they are integers and short."""
    value = dtype.scalar(value)
    if dtype is BOOL:
        return str(bool(value)).lower()
    if dtype is U8:
        return str(value - 256 if value > 127 else value)
    if not dtype.is_float:
        return str(value)
    short = repr(value)
    if short[-2:] == ".0" and len(short) < 12:
        return short
    return "0x" + struct.pack(">f" if dtype is F32 else ">d", value).hex().upper()


# -- tensors --------------------------------------------------------------------------------------------


class View(NamedTuple):
    """A tensor as `linalg.generic` reads or writes it: its axis i follows the loop axes[i]."""

    value: str
    type: TensorType
    axes: tuple[int, ...]


def full_view(value: str, type: TensorType) -> View:
    """View a tensor along all loops, in order."""
    return View(value, type, tuple(range(type.rank)))


def tensor(type: TensorType) -> str:
    """Print a type."""
    return f"tensor<{''.join(f'{n}x' for n in type.shape)}{ELEMENT[type.dtype]}>"


def _map(rank: int, axes: Sequence[int]) -> str:
    return f"affine_map<({', '.join(f'd{i}' for i in range(rank))}) -> ({', '.join(f'd{a}' for a in axes)})>"


def _ports(word: str, views: Sequence[View]) -> str:
    if not views:
        return ""
    return f" {word}({', '.join(v.value for v in views)} : {', '.join(tensor(v.type) for v in views)})"


def empty(t: Text, type: TensorType) -> str:
    """Emit a tensor with uninitialized elements."""
    return t.op(f"tensor.empty() : {tensor(type)}")


def fill(t: Text, value: str, type: TensorType) -> str:
    """Emit a tensor with a scalar in every element."""
    target = empty(t, type)
    return t.op(f"linalg.fill ins({value} : {ELEMENT[type.dtype]}) outs({target} : {tensor(type)}) -> {tensor(type)}")


def start(t: Text, value: float | int | bool, type: TensorType, axes: tuple[int, ...]) -> View:
    """Emit a tensor filled with the initial value of a reduction."""
    return View(fill(t, t.constant(value, type.dtype), type), type, axes)


def generic(t: Text, rank: int, ins: Sequence[View], outs: Sequence[View], body: Callable[..., Sequence[str]]) -> list[str]:
    """Emit a `linalg.generic` over `rank` loops; loops that no output follows are reductions.

    `body` gets the elements of `ins` and `outs` and returns the new elements of `outs`.
    """
    output_axes = {a for out in outs for a in out.axes}
    maps = ", ".join(_map(rank, v.axes) for v in (*ins, *outs))
    kinds = ", ".join('"parallel"' if a in output_axes else '"reduction"' for a in range(rank))
    types = ", ".join(tensor(v.type) for v in outs)
    result, elements = t.fresh(), [t.fresh() for _ in (*ins, *outs)]
    several = f":{len(outs)}" if len(outs) > 1 else ""
    head = f"{result}{several} = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}}"
    with t.block(f"{head}{_ports('ins', ins)}{_ports('outs', outs)} {{", f"}} -> {f'({types})' if several else types}"):
        scalars = [ELEMENT[v.type.dtype] for v in (*ins, *outs)]
        t.line(f"^bb0({', '.join(f'{e}: {s}' for e, s in zip(elements, scalars, strict=True))}):", -1)
        results = body(*elements)
        t.line(f"linalg.yield {', '.join(results)} : {', '.join(scalars[len(ins) :])}")
    return [f"{result}#{i}" for i in range(len(outs))] if several else [result]


def map_elements(t: Text, type: TensorType, ins: Sequence[View], body: Callable[..., str]) -> str:
    """Emit a `linalg.generic` that computes each element of a new tensor; `body` gets the elements of `ins`."""
    out = full_view(empty(t, type), type)
    return generic(t, type.rank, ins, [out], lambda *elements: [body(*elements[:-1])])[0]


def loop_indices(t: Text, axes: Sequence[int]) -> list[str]:
    """Emit the indices of loops, within a `linalg.generic`."""
    return [t.op(f"linalg.index {a} : index") for a in axes]


def extract(t: Text, x: str, type: TensorType, at: Sequence[str]) -> str:
    """Emit the element of a tensor at an index per axis."""
    return t.op(f"tensor.extract {x}[{', '.join(at)}] : {tensor(type)}")


class Block(NamedTuple):
    """A block of a tensor: its type, its start on each axis (numbers or values), and its steps, 1 by default."""

    type: TensorType
    at: Sequence[int | str]
    steps: Sequence[int] = ()

    def __str__(self) -> str:
        parts = (self.at, self.type.shape, self.steps or (1,) * len(self.at))
        return "".join(f"[{', '.join(map(str, part))}]" for part in parts)


def insert(t: Text, value: str, block: Block, into: str, type: TensorType) -> str:
    """Emit the insertion of `value` into a block of `into`, a tensor of type `type`."""
    return t.op(f"tensor.insert_slice {value} into {into}{block} : {tensor(block.type)} into {tensor(type)}")


def cut(t: Text, block: Block, x: str, type: TensorType) -> str:
    """Emit the extraction of a block of a tensor of type `type`."""
    return t.op(f"tensor.extract_slice {x}{block} : {tensor(type)} to {tensor(block.type)}")


def loop(t: Text, count: int, inits: Sequence[View], body: Callable[..., Sequence[str]]) -> list[str]:
    """Emit an `scf.for` from 0 to `count` that carries tensors; `body` gets the index and them, and returns the new ones."""
    first, last, step = t.index(0), t.index(count), t.index(1)
    result, index, carried = t.fresh(), t.fresh(), [t.fresh() for _ in inits]
    types = ", ".join(tensor(v.type) for v in inits)
    bound = ", ".join(f"{c} = {v.value}" for c, v in zip(carried, inits, strict=True))
    head = f"{result}:{len(inits)} = scf.for {index} = {first} to {last} step {step} iter_args({bound}) -> ({types}) {{"
    with t.block(head, "}"):
        t.line(f"scf.yield {', '.join(body(index, *carried))} : {types}")
    return [f"{result}#{i}" for i in range(len(inits))]
