"""Patterns of nodes, written with the operators that build the IR.

A variable matches any node (of its kinds), a number matches a constant with that value, of any shape and dtype, and
`op("permute", x)` matches a primitive with any parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from graphc.ir.core import build
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import Node
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_constant
from graphc.ir.core.types import BOOL, DTYPES, DType

__all__ = ["Bindings", "Number", "Op", "Pattern", "Var", "constant_tag", "instance", "matches", "op", "tag_of"]

_T = TypeVar("_T")

_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "remainder": "%", "pow": "**",
    "and": "&", "or": "|", "xor": "^", "shift_left": "<<", "shift_right": ">>", "lt": "<", "le": "<=",
}  # fmt: skip
_SIGNS = {"neg": "-", "not": "~"}


class Pattern:
    """A pattern: a variable, a number, or a primitive applied to patterns."""

    def __neg__(self) -> Op:
        return op("neg", self)

    def __invert__(self) -> Op:
        return op("not", self)

    def __add__(self, other: Pattern | float) -> Op:
        return op("add", self, other)

    def __sub__(self, other: Pattern | float) -> Op:
        return op("sub", self, other)

    def __rsub__(self, other: float) -> Op:
        return op("sub", other, self)

    def __mul__(self, other: Pattern | float) -> Op:
        return op("mul", self, other)

    def __truediv__(self, other: Pattern | float) -> Op:
        return op("div", self, other)

    def __rtruediv__(self, other: float) -> Op:
        return op("div", other, self)

    def __floordiv__(self, other: Pattern | float) -> Op:
        return op("floordiv", self, other)

    def __mod__(self, other: Pattern | float) -> Op:
        return op("remainder", self, other)

    def __pow__(self, other: Pattern | float) -> Op:
        return op("pow", self, other)

    def __rpow__(self, other: float) -> Op:
        return op("pow", other, self)

    def __and__(self, other: Pattern | float) -> Op:
        return op("and", self, other)

    def __or__(self, other: Pattern | float) -> Op:
        return op("or", self, other)

    def __xor__(self, other: Pattern | float) -> Op:
        return op("xor", self, other)

    def __lshift__(self, other: Pattern | float) -> Op:
        return op("shift_left", self, other)

    def __rlshift__(self, other: float) -> Op:
        return op("shift_left", other, self)

    def __rshift__(self, other: Pattern | float) -> Op:
        return op("shift_right", self, other)

    def __lt__(self, other: Pattern | float) -> Op:
        return op("lt", self, other)

    def __le__(self, other: Pattern | float) -> Op:
        return op("le", self, other)

    @property
    def variables(self) -> list[Var]:
        """The variables in order of their first appearance."""
        return []


@dataclass(frozen=True, eq=False)
class Var(Pattern):
    """Matches any node whose dtype is of one of the kinds; the same node for all occurrences of the variable."""

    name: str
    kinds: tuple[str, ...] = ("float", "int", "bool")
    op: str | None = None
    """The primitive that the node must apply, or None."""

    def __str__(self) -> str:
        return self.name

    @property
    def variables(self) -> list[Var]:
        """The variable itself."""
        return [self]


@dataclass(frozen=True, eq=False)
class Number(Pattern):
    """Matches a constant with this value, of any shape and dtype (True and False: bool); 0.0 and -0.0 are distinct."""

    value: float | int | bool

    def __str__(self) -> str:
        return str(self.value)

    @cached_property
    def tags(self) -> frozenset[str]:
        """The tags of the constants that have this value."""
        dtypes = (BOOL,) if isinstance(self.value, bool) else DTYPES.values()
        return frozenset(constant_tag(dtype, dtype.scalar(self.value)) for dtype in dtypes)


@dataclass(frozen=True, eq=False)
class Op(Pattern):
    """A primitive applied to patterns, with any parameters; `operands` None matches any operands."""

    name: str
    """The primitive's name, or the name of several primitives."""
    names: tuple[str, ...]
    operands: tuple[Pattern, ...] | None
    every: frozenset[str] = frozenset()
    """If not empty, each operand must apply one of these primitives."""

    def __str__(self) -> str:
        if self.operands is None:
            return f"{self.name}({' | '.join(sorted(self.every))}…)"
        parts = [f"({o})" if isinstance(o, Op) and o.name in _SYMBOLS else str(o) for o in self.operands]
        if self.name in _SYMBOLS:
            return f"{parts[0]} {_SYMBOLS[self.name]} {parts[1]}"
        if self.name in _SIGNS:
            return _SIGNS[self.name] + parts[0]
        return f"{self.name}({', '.join(map(str, self.operands))})"

    @property
    def variables(self) -> list[Var]:
        """The variables of all operands, in order of their first appearance."""
        return list(dict.fromkeys(v for o in self.operands or () for v in o.variables))

    def fits(self, node: Node) -> bool:
        """Return whether a node applies the primitive, or one of them, with any operands."""
        return node.op.name in self.names

    def may_match(self, name: str, tags: tuple[str, ...]) -> bool:
        """Return whether a node with a primitive of this name and operands with these tags is worth matching."""
        if name not in self.names:
            return False
        if self.operands is None:
            return not self.every or all(_primitive(tag) in self.every for tag in tags)
        if len(self.operands) != len(tags):
            return False
        return any(all(map(_may_be, self.operands, order)) for order in _orders(name, tags))


def tag_of(node: Node) -> str:
    """Return the primitive's name and, for a constant, its dtype and value."""
    return constant_tag(node.dtype, node.params["value"]) if is_constant(node) else node.op.name


def constant_tag(dtype: DType, value: float | int | bool) -> str:
    """Return the tag of a constant."""
    return f"constant {dtype.name} {value!r}"


def _primitive(tag: str) -> str:
    return tag.partition(" ")[0]


def _may_be(pattern: Pattern, tag: str) -> bool:
    if isinstance(pattern, Number):
        return tag in pattern.tags
    if isinstance(pattern, Op):
        return _primitive(tag) in pattern.names
    return not isinstance(pattern, Var) or pattern.op in (None, _primitive(tag))


def op(name: str, *operands: Pattern | float, any_of: Sequence[str] = (), every: Iterable[str] = ()) -> Op:
    """Return the pattern of a primitive, or of any of the primitives `any_of`, which `name` denotes together.

    Without operands it matches all applications; `every` then restricts the operands.
    """
    patterns = tuple(o if isinstance(o, Pattern) else Number(o) for o in operands)
    return Op(name, tuple(any_of) or (name,), patterns or None, frozenset(every))


def _orders(name: str, operands: tuple[_T, ...]) -> Iterator[tuple[_T, ...]]:
    """Yield the operands as they are and, if the primitive commutes, swapped."""
    yield operands
    if PRIMITIVES[name].commutative:
        yield operands[::-1]


Bindings = dict[Var, Node]


def matches(pattern: Pattern, node: Node, bound: Bindings) -> Iterator[Bindings]:
    """Yield each way in which the pattern matches the node, given the variables bound so far."""
    if isinstance(pattern, Var):
        yield from _bind(pattern, node, bound)
    elif isinstance(pattern, Number) and tag_of(node) in pattern.tags:
        yield bound
    elif isinstance(pattern, Op) and node.op.name in pattern.names:
        yield from _operand_matches(pattern, node, bound)


def _bind(var: Var, node: Node, bound: Bindings) -> Iterator[Bindings]:
    if var in bound:
        if bound[var] is node:
            yield bound
        return
    if node.types[0].dtype.kind in var.kinds and var.op in (None, node.op.name):
        yield {**bound, var: node}


def _operand_matches(pattern: Op, node: Node, bound: Bindings) -> Iterator[Bindings]:
    if pattern.operands is None:
        yield bound
        return
    for operands in _orders(node.op.name, node.operands):
        if len(operands) == len(pattern.operands):
            yield from _all_match(pattern.operands, operands, bound)


def _all_match(patterns: tuple[Pattern, ...], nodes: tuple[Node, ...], bound: Bindings) -> Iterator[Bindings]:
    if not patterns:
        yield bound
        return
    for first in matches(patterns[0], nodes[0], bound):
        yield from _all_match(patterns[1:], nodes[1:], first)


def instance(pattern: Pattern, bound: Bindings) -> Any:
    """Return the node, or the number, that a result pattern denotes."""
    if isinstance(pattern, Var):
        return bound[pattern]
    if isinstance(pattern, Number):
        return pattern.value
    assert isinstance(pattern, Op) and pattern.operands is not None
    operands = [instance(o, bound) for o in pattern.operands]
    return build.select(*operands) if pattern.name == "select" else build.elementwise(pattern.name, *operands)
