"""Rewrite rules as data, and the pass that applies them.

A rule reads `rule("mul-one", x * 1, x)`: a name, a pattern (graphc.ir.rewrite.pattern) and a result, both written with the
operators that build the IR.  A result that depends on parameters is a function of the matched node and the nodes bound to the
variables, in their order in the pattern.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphc.ir.core import build
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import Node, Region, TypeRuleError, current, make
from graphc.ir.rewrite.pattern import Bindings, Number, Op, Pattern, Var, instance, matches, tag_of

__all__ = ["RewriteLoopError", "Rule", "RuleSet", "Trace", "rewrite", "rule"]

Trace = Callable[["Rule", Node, Node], None]
"""Called for each application with the rule, the node before and the node after."""


class RewriteLoopError(RuntimeError):
    """Rules rewrite a node to itself in a cycle."""


# -- rules ----------------------------------------------------------------------------------------------

Result = Pattern | Callable[..., "Node | None"]


@dataclass(frozen=True, eq=False)
class Rule:
    """A pattern and its replacement.

    `reassociates` is True where results may differ in the last bits (never less accurate), because a sum is reassociated or a
    function is replaced by a correctly rounded one.  A `single_use` rule repeats the first operand's work, so it applies only
    if the matched node is that operand's only reader.  The result of a `tree` rule is a function of the node, the root of a
    tree of this primitive, and its terms: the leaves of the tree, whose inner nodes have no reader outside of it.
    """

    name: str
    pattern: Op
    result: Result
    when: Callable[..., bool] | None
    reassociates: bool
    single_use: bool
    tree: bool
    where: str
    """The file and line that define the rule."""

    @cached_property
    def variables(self) -> list[Var]:
        """The pattern's variables in order of their first appearance."""
        return self.pattern.variables

    def __str__(self) -> str:
        after = (self.result.__doc__ or "").strip().split("\n")[0].rstrip(".") if callable(self.result) else str(self.result)
        return f"{self.pattern} → {after}"

    def apply(self, node: Node, readers: Mapping[Node, int]) -> Node | None:
        """Return the replacement of the node, or None if the rule does not match.  Raises TypeRuleError for a faulty rule."""
        if self.single_use and readers[node.operands[0]] > 1:
            return None
        for bound in matches(self.pattern, node, {}):
            captured: list[Any] = [_terms(node, readers)] if self.tree else [bound[v] for v in self.variables]
            if self.when is None or self.when(*captured):
                after = self._result(node, bound, captured)
                if after is not None:
                    return self._checked(node, after)
        return None

    def _result(self, node: Node, bound: Bindings, captured: list[Any]) -> Node | None:
        if callable(self.result):
            return self.result(node, *captured)
        after = instance(self.result, bound)
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
    reassociates: bool = False,
    single_use: bool = False,
    tree: bool = False,
) -> Rule:
    """Return a rule that records its own source line.  `when` receives the variables' nodes in order."""
    caller = sys._getframe(1)
    where = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"
    after = Number(result) if isinstance(result, (int, float)) else result
    return Rule(name, pattern, after, when, reassociates, single_use, tree, where)


def _terms(root: Node, readers: Mapping[Node, int]) -> list[Node]:
    """Return the leaves of the tree of one primitive below a node, from left to right."""
    terms: list[Node] = []
    stack = list(reversed(root.operands))
    while stack:
        node = stack.pop()
        if node.op is root.op and readers[node] <= 1:
            stack.extend(reversed(node.operands))
        else:
            terms.append(node)
    return terms


@dataclass(eq=False)
class RuleSet:
    """Rules in order of preference, indexed by the name of the node's primitive and its operands' tags."""

    rules: tuple[Rule, ...]
    _by_tags: dict[tuple[str, tuple[str, ...]], tuple[Rule, ...]] = field(default_factory=dict)
    _numbers: frozenset[str] = frozenset()
    _rooted: dict[str, list[Rule]] = field(default_factory=dict)
    trees: frozenset[str] = frozenset()
    """The primitives that have `tree` rules."""

    def __post_init__(self) -> None:
        self.trees = frozenset(name for r in self.rules if r.tree for name in r.pattern.names)
        for candidate in self.rules:
            for name in candidate.pattern.names:
                self._rooted.setdefault(name, []).append(candidate)
        numbers = (o for r in self.rules for o in r.pattern.operands or () if isinstance(o, Number))
        self._numbers = frozenset(tag for number in numbers for tag in number.tags)

    def candidates(self, node: Node) -> tuple[Rule, ...]:
        """Return the rules that may match the node."""
        key = (node.op.name, tuple([self._known_tag(o) for o in node.operands]))
        rules = self._by_tags.get(key)
        if rules is None:
            rules = self._by_tags[key] = tuple(r for r in self._rooted.get(key[0], ()) if r.pattern.may_match(*key))
        return rules

    def _known_tag(self, node: Node) -> str:
        # constants that no rule mentions share an entry
        tag = tag_of(node)
        return "constant" if tag.startswith("constant ") and tag not in self._numbers else tag

    def apply(self, node: Node, trace: Trace | None, readers: Counter[Node], *, inner: bool = False) -> Node:
        """Apply the first rule that matches, once; return the node itself if none does.

        `tree` rules do not apply to `inner` nodes of a tree.
        """
        for candidate in self.candidates(node):
            if candidate.tree and inner:
                continue
            after = candidate.apply(node, readers)
            if after is not None and after is not node:
                if trace is not None:
                    trace(candidate, node, after)
                return after
        return node


# -- the pass -------------------------------------------------------------------------------------------


def rewrite(roots: Sequence[Node], rules: RuleSet, trace: Trace | None = None) -> list[Node]:
    """Return `roots` rewritten until no rule matches anywhere below them, regions included.

    Operands come before users, and a rule's result is rewritten before it is read, so one pass reaches the fixpoint, except for
    `single_use` rules whose other readers disappear.  Nothing recurses.  Unchanged nodes stay the same objects; new nodes have
    the name and source location of the node they replace.  Meant for graphs that are not differentiated any more, since aliases
    lose their identity.  Raises RewriteLoopError.
    """
    run = _Pass(rules, trace, *_count_readers(roots, rules.trees))
    outer = current.where
    try:
        run.run(roots)
    finally:
        current.where = outer
    return [run.final(root) for root in roots]


class _Pass:
    """One pass.  `inner` holds nodes whose only reader applies the same primitive: `tree` rules wait for the tree's root."""

    def __init__(self, rules: RuleSet, trace: Trace | None, readers: Counter[Node], inner: set[Node]) -> None:
        self.rules = rules
        self.trace = trace
        self.readers = readers
        self.inner = inner
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
        cut = list(dict.fromkeys(end for root in roots if (end := self.final(root)) in self.inner))
        if cut:
            self.reopen(cut)
            self.run(cut)

    def final(self, node: Node) -> Node:
        """Return the rewritten form of a finished node."""
        after = self.done[node]
        while (later := self.done.get(after, after)) is not after:
            after = later
        return after

    def reopen(self, nodes: Sequence[Node]) -> None:
        """Make roots of nodes that are no longer inner nodes of a tree."""
        for node in nodes:
            self.inner.discard(node)
            del self.done[node], self.became[node]

    def visit(self, node: Node) -> list[Node]:
        """Finish the node, or return the nodes that have to be finished first."""
        if node in self.done:
            return []
        if node not in self.became:
            needed = _needed(node)
            missing = [n for n in needed if n not in self.done]
            if missing:
                if node.op.name in self.rules.trees:  # a node without a count was made by a rule
                    self.inner.update([n for n in missing if n.op is node.op and n not in self.readers])
                return missing
            if self.inner:
                cut = list(dict.fromkeys(e for n in needed if (e := self.final(n)) in self.inner and e.op is not node.op))
                if cut:
                    self.reopen(cut)
                    return cut
            after = self.became[node] = self.step(node)
            if after is not node and node in self.inner and after.op is node.op:
                self.inner.add(after)
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
        """Return the node over its finished operands or, if it already is, the result of the first matching rule."""
        operands = tuple([self.final(o) for o in node.operands])
        regions = tuple([self.finished(r) for r in node.regions])
        if operands != node.operands or regions != node.regions:
            return make(node.op, operands, node.params, regions, like=node)
        current.where = node.where
        after = self.rules.apply(node, self.trace, self.readers, inner=node in self.inner)
        if after is not node and any(self.readers[o] > 1 for o in node.operands):
            # operands that the result bypasses stay, with one more reader
            self.readers.update(after.operands)
        if not after.name and after.op.kind != "leaf":
            after.name = node.name
        return after

    def finished(self, region: Region) -> Region:
        if region not in self.regions:
            results = tuple([self.final(r) for r in region.results])
            self.regions[region] = region if results == region.results else Region(region.params, results)
        return self.regions[region]


def _count_readers(roots: Sequence[Node], trees: Collection[str]) -> tuple[Counter[Node], set[Node]]:
    """Count for each node below `roots`, regions included, its readers and the roots that it is.

    The second result is the set of nodes of the primitives `trees` whose only reader applies the same primitive.
    """
    readers = Counter(roots)
    seen = set(roots)
    alike = set()
    stack = list(seen)
    while stack:
        node = stack.pop()
        for operand in set(_needed(node)):
            readers[operand] += 1
            if operand.op is node.op and operand.op.name in trees:
                alike.add(operand)
            if operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return readers, {n for n in alike if readers[n] == 1}


def _needed(node: Node) -> tuple[Node, ...]:
    if not node.regions:
        return node.operands
    return (*node.operands, *(result for region in node.regions for result in region.results))
