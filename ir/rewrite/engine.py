"""Rewrite rules as data, and the sweep that applies them.

A rule reads `rule("mul-one", x * 1, x)`: a name, a pattern, a result, both written with the operators that
build the IR.  In a pattern, a variable stands for any node (of its kinds), a number for a constant of any
shape and dtype that has this value, and `op("permute", x)` for a primitive with any parameters.  A result that
depends on parameters is a function of the matched node and the variables' nodes, in their order in the pattern.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from graphc.ir.core import build
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import Node, Region, TypeRuleError, make, place
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, DTYPES, DType

__all__ = ["Op", "Pattern", "RewriteLoopError", "Rule", "RuleSet", "Trace", "Var", "op", "rewrite", "rule"]

_T = TypeVar("_T")

Trace = Callable[["Rule", Node, Node], None]
"""Told of each application: the rule, the node before, the node after."""


class RewriteLoopError(RuntimeError):
    """Rules turn a node into itself again."""


# -- patterns -------------------------------------------------------------------------------------------

_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floordiv": "//", "remainder": "%", "pow": "**",
    "and": "&", "or": "|", "xor": "^", "shift_left": "<<", "shift_right": ">>", "lt": "<", "le": "<=",
}  # fmt: skip


class Pattern:
    """A shape of nodes: a variable, a number, or a primitive applied to patterns."""

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
    """Any node whose dtype is of one of the kinds; the same node wherever the variable stands in a pattern."""

    name: str
    kinds: tuple[str, ...] = ("float", "int", "bool")
    op: str | None = None
    """If not None, the primitive that the node must be."""

    def __str__(self) -> str:
        return self.name

    @property
    def variables(self) -> list[Var]:
        """The variable itself."""
        return [self]


@dataclass(frozen=True, eq=False)
class Number(Pattern):
    """A constant of any shape with this value, and of any dtype (True and False: of bool); 0.0 and -0.0 are two values."""

    value: float | int | bool

    def __str__(self) -> str:
        return str(self.value)

    @cached_property
    def tags(self) -> frozenset[str]:
        """The tags of the constants that have this value."""
        dtypes = (BOOL,) if isinstance(self.value, bool) else DTYPES.values()
        return frozenset(_constant_tag(dtype, dtype.scalar(self.value)) for dtype in dtypes)


@dataclass(frozen=True, eq=False)
class Op(Pattern):
    """A primitive applied to patterns, with any parameters; `operands` None matches any operands."""

    name: str
    """The primitive's name, or what several are called."""
    names: tuple[str, ...]
    operands: tuple[Pattern, ...] | None
    every: frozenset[str] = frozenset()
    """If not empty, each operand must be one of these primitives."""

    def __str__(self) -> str:
        if self.operands is None:
            return f"{self.name}({' | '.join(sorted(self.every))}…)"
        parts = [f"({o})" if isinstance(o, Op) and o.name in _SYMBOLS else str(o) for o in self.operands]
        if self.name in _SYMBOLS:
            return f"{parts[0]} {_SYMBOLS[self.name]} {parts[1]}"
        if self.name in ("neg", "not"):
            return {"neg": "-", "not": "~"}[self.name] + parts[0]
        return f"{self.name}({', '.join(map(str, self.operands))})"

    @property
    def variables(self) -> list[Var]:
        """The variables of all operands, in order of their first appearance."""
        return list(dict.fromkeys(v for o in self.operands or () for v in o.variables))

    def may_match(self, name: str, tags: tuple[str, ...]) -> bool:
        """Tell from the name of a node's primitive and its operands' tags whether it is worth matching."""
        if name not in self.names:
            return False
        if self.operands is None:
            return not self.every or all(_primitive(tag) in self.every for tag in tags)
        if len(self.operands) != len(tags):
            return False
        return any(all(map(_may_be, self.operands, order)) for order in _orders(name, tags))


def _tag(node: Node) -> str:
    """Return the primitive's name and, for a constant, its dtype and value."""
    name = node.op.name
    return _constant_tag(node.dtype, node.params["value"]) if name == "constant" else name


def _constant_tag(dtype: DType, value: float | int | bool) -> str:
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
    """Return the pattern of a primitive, or of any of several that `name` stands for.

    Without operands it is the pattern of all its applications; `every` then limits what the operands are.
    """
    patterns = tuple(o if isinstance(o, Pattern) else Number(o) for o in operands)
    return Op(name, tuple(any_of) or (name,), patterns or None, frozenset(every))


def _orders(name: str, operands: tuple[_T, ...]) -> Iterator[tuple[_T, ...]]:
    """Yield the operands as they are and, if the primitive commutes, swapped."""
    yield operands
    if PRIMITIVES[name].commutative:
        yield operands[::-1]


Bindings = dict[Var, Node]


def _matches(pattern: Pattern, node: Node, bound: Bindings) -> Iterator[Bindings]:
    """Yield each way in which the pattern fits the node, given what variables are bound to."""
    if isinstance(pattern, Var):
        yield from _bind(pattern, node, bound)
    elif isinstance(pattern, Number) and _tag(node) in pattern.tags:
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
    for first in _matches(patterns[0], nodes[0], bound):
        yield from _all_match(patterns[1:], nodes[1:], first)


def _instance(pattern: Pattern, bound: Bindings) -> Any:
    """Return the node, or the number, that a result pattern stands for."""
    if isinstance(pattern, Var):
        return bound[pattern]
    if isinstance(pattern, Number):
        return pattern.value
    assert isinstance(pattern, Op) and pattern.operands is not None
    operands = [_instance(o, bound) for o in pattern.operands]
    return build.select(*operands) if pattern.name == "select" else build.elementwise(pattern.name, *operands)


# -- rules ----------------------------------------------------------------------------------------------

Result = Pattern | Callable[..., "Node | None"]


@dataclass(frozen=True, eq=False)
class Rule:
    """A pattern and what to put in its place.

    `exact` is False where results may differ in the last bits (never less accurate) because a sum is
    associated in another way or a function is replaced by a correctly rounded one.  A `single_use` rule does the
    first operand's work anew, so it is for nodes that are the only reader of that operand.  The result of a `tree`
    rule is a function of the node and its terms: the leaves of the tree of this primitive, whose inner nodes have no
    reader outside of it.
    """

    name: str
    pattern: Op
    result: Result
    when: Callable[..., bool] | None
    exact: bool
    single_use: bool
    tree: bool
    where: str
    """The file and line that wrote the rule."""

    @cached_property
    def variables(self) -> list[Var]:
        """The pattern's variables in order of their first appearance."""
        return self.pattern.variables

    def __str__(self) -> str:
        after = (self.result.__doc__ or "").strip().split("\n")[0].rstrip(".") if callable(self.result) else str(self.result)
        return f"{self.pattern} → {after}"

    def apply(self, node: Node, readers: Mapping[Node, int]) -> Node | None:
        """Return what the node becomes, or None if the rule does not fit it.  Raises TypeRuleError for a faulty rule."""
        if self.single_use and readers[node.operands[0]] > 1:
            return None
        for bound in _matches(self.pattern, node, {}):
            captured: list[Any] = [_terms(node, readers)] if self.tree else [bound[v] for v in self.variables]
            if self.when is None or self.when(*captured):
                after = self._result(node, bound, captured)
                if after is not None:
                    return self._checked(node, after)
        return None

    def _result(self, node: Node, bound: Bindings, captured: list[Any]) -> Node | None:
        if callable(self.result):
            return self.result(node, *captured)
        after = _instance(self.result, bound)
        return after if isinstance(after, Node) else build.full_like(node, after)

    def _checked(self, node: Node, after: Node) -> Node:
        if after.types != node.types:
            raise TypeRuleError(f"rule {self.name} ({self.where}) must keep the type {node.type}, got {after.type}")
        return after


def rule(
    name: str,
    pattern: Op,
    result: Result | float,
    *,
    when: Callable[..., bool] | None = None,
    exact: bool = True,
    single_use: bool = False,
    tree: bool = False,
) -> Rule:
    """Return a rule that remembers the line it is written on.  `when` gets the variables' nodes in order."""
    caller = sys._getframe(1)
    where = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"
    after = Number(result) if isinstance(result, (int, float)) else result
    return Rule(name, pattern, after, when, exact, single_use, tree, where)


MOST_TERMS = 16
"""Larger trees are cut off: each of their nodes would be looked at again at the next."""


def _terms(root: Node, readers: Mapping[Node, int]) -> list[Node]:
    """Return the leaves of the tree of one primitive below a node, from left to right."""
    terms = [root]
    inner = [root]
    while inner and len(terms) < MOST_TERMS:
        node = inner.pop(0)
        at = terms.index(node)
        terms[at : at + 1] = node.operands
        inner += [o for o in node.operands if o.op is root.op and readers[o] <= 1]
    return terms


@dataclass(eq=False)
class RuleSet:
    """Rules in order of preference, found by the name of a node's primitive and by its operands' tags."""

    rules: tuple[Rule, ...]
    _found: dict[tuple[str, tuple[str, ...]], tuple[Rule, ...]] = field(default_factory=dict)
    _numbers: frozenset[str] = frozenset()
    _rooted: dict[str, list[Rule]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for candidate in self.rules:
            for name in candidate.pattern.names:
                self._rooted.setdefault(name, []).append(candidate)
        numbers = (o for r in self.rules for o in r.pattern.operands or () if isinstance(o, Number))
        self._numbers = frozenset(tag for number in numbers for tag in number.tags)

    def candidates(self, node: Node) -> tuple[Rule, ...]:
        """Return the rules that may fit the node."""
        key = (node.op.name, tuple([self._known_tag(o) for o in node.operands]))
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = tuple(r for r in self._rooted.get(key[0], ()) if r.pattern.may_match(*key))
        return found

    def _known_tag(self, node: Node) -> str:
        # Constants that no rule asks for are all alike, or there would be an entry for each.
        tag = _tag(node)
        return "constant" if tag.startswith("constant ") and tag not in self._numbers else tag

    def apply(self, node: Node, trace: Trace | None, readers: Counter[Node]) -> Node:
        """Apply the first rule that fits, once; return the node itself if none does."""
        for candidate in self.candidates(node):
            after = candidate.apply(node, readers)
            if after is not None and after is not node:
                if trace is not None:
                    trace(candidate, node, after)
                return after
        return node


# -- the sweep ------------------------------------------------------------------------------------------


def rewrite(roots: Sequence[Node], rules: RuleSet, trace: Trace | None = None) -> list[Node]:
    """Return what `roots` become when no rule fits anywhere below them, regions included.

    Operands come before users, and what a rule returns is itself rewritten before it is read, so one
    sweep reaches the fixpoint, but for `single_use` rules whose other readers went away.  Nothing recurses.  A node
    that stays is the same object; new nodes have the name and the place of the node they replace.  Meant for
    graphs that are not differentiated any more: aliases lose their identity.  Raises RewriteLoopError.
    """
    sweep = _Pass(rules, trace, _count_readers(roots))
    outer = place.where
    try:
        sweep.run(roots)
    finally:
        place.where = outer
    return [sweep.done[root] for root in roots]


class _Pass:
    def __init__(self, rules: RuleSet, trace: Trace | None, readers: Counter[Node]) -> None:
        self.rules = rules
        self.trace = trace
        self.readers = readers
        self.done: dict[Node, Node] = {}
        self.became: dict[Node, Node] = {}
        self.regions: dict[Region, Region] = {}

    def run(self, roots: Sequence[Node]) -> None:
        stack = list(reversed(roots))
        while stack:
            missing = self.visit(stack[-1])
            if missing:
                stack.extend(reversed(missing))
            else:
                stack.pop()

    def visit(self, node: Node) -> list[Node]:
        """Finish the node, or return the nodes that have to be finished before."""
        if node in self.done:
            return []
        if node not in self.became:
            missing = [n for n in _needed(node) if n not in self.done]
            if missing:
                return missing
            self.became[node] = self.step(node)
        after = self.became[node]
        if after is not node and after not in self.done:
            if after in self.became:
                raise RewriteLoopError(f"rules turn {node} into {after} and back")
            return [after]
        self.finish(node, self.done[after] if after is not node else node)
        return []

    def finish(self, node: Node, after: Node) -> None:
        self.done[node] = after
        if after is not node:
            self.readers[after] += self.readers[node]

    def step(self, node: Node) -> Node:
        """Return the node over finished operands or, if it is that, what the first fitting rule makes of it."""
        operands = tuple([self.done[o] for o in node.operands])
        regions = tuple([self.finished(r) for r in node.regions])
        if operands != node.operands or regions != node.regions:
            return make(node.op, operands, node.params, regions, like=node)
        place.where = node.where
        after = self.rules.apply(node, self.trace, self.readers)
        if any(self.readers[o] > 1 for o in node.operands):  # what the result bypasses stays: one reader more
            self.readers.update(after.operands)
        if not after.name and after.op.kind != "leaf":
            after.name = node.name
        return after

    def finished(self, region: Region) -> Region:
        if region not in self.regions:
            results = tuple([self.done[r] for r in region.results])
            self.regions[region] = region if results == region.results else Region(region.params, results)
        return self.regions[region]


def _count_readers(roots: Sequence[Node]) -> Counter[Node]:
    """Count for each node below `roots`, regions included, the nodes that read it and the roots that are it."""
    readers = Counter(roots)
    seen = set(roots)
    stack = list(seen)
    while stack:
        for operand in set(_needed(stack.pop())):
            readers[operand] += 1
            if operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return readers


def _needed(node: Node) -> tuple[Node, ...]:
    if not node.regions:
        return node.operands
    return (*node.operands, *(result for region in node.regions for result in region.results))
