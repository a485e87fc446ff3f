"""A fusion, checkpoint or cond as a record: one of its arms is applied once to the arguments.

    %0: f64[3] = cond %p, %x, %w (%a: f64[3], %b: f64[3]) { … } (%c: f64[3], %d: f64[3]) { … }

    Call.of(%0)    condition  %p, which decides between two arms; None for a fusion and a checkpoint, which have one
                   arguments  %x and %w, bound to the parameters of either arm
                   arms       the regions
                   attributes the barrier of a checkpoint, the schedule of a fusion

A pass reads a node with `Call.of`, changes the record with `dataclasses.replace`, and writes it with `Call.node` or
`Call.results`; `Call.split` splits the entries of a node's operands, such as their tangents, among condition and arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from graphc.ir.core.decisions import essential
from graphc.ir.core.graph import Node, Primitive, Region
from graphc.ir.core.predicates import is_branch, is_call
from graphc.ir.regions.remake import kept_regions, remade
from graphc.ir.regions.substitution import applied, results_of

__all__ = ["Call"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Call:
    """A node that applies a region once.  Its invariants are the type rules: `node` raises TypeRuleError for a wrong record.

    `origin` is the node that the record was read from; its replacement inherits its name and source location.
    """

    op: Primitive
    arguments: Sequence[Node]
    arms: Sequence[Region]
    condition: Node | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    origin: Node | None = None

    @classmethod
    def of(cls, node: Node) -> Call:
        """Return the record of a node.  Raises ValueError if it is no fusion, checkpoint or cond."""
        if not is_call(node):
            raise ValueError(f"expected a fusion, checkpoint or cond, got {node}")
        condition, arguments = (node.operands[0], node.operands[1:]) if is_branch(node) else (None, node.operands)
        return cls(node.op, arguments, node.regions, condition, essential(node), node)

    # -- its parts ---------------------------------------------------------------------------------------------

    @property
    def operands(self) -> tuple[Node, ...]:
        """All operands, as a node has them."""
        return (*(() if self.condition is None else (self.condition,)), *self.arguments)

    @property
    def body(self) -> Region:
        """The only arm.  Raises ValueError if there are two."""
        (body,) = self.arms
        return body

    @property
    def recomputes(self) -> bool:
        """Whether the arm must stay a region, since inlined it would merge with an earlier computation."""
        return bool(self.attributes.get("barrier", False))

    def split(self, values: Sequence[T]) -> tuple[T | None, Sequence[T]]:
        """Split values, one per operand, into that of the condition and those of the arguments."""
        return (None, values) if self.condition is None else (values[0], values[1:])

    def arm(self, condition: Any) -> Region:
        """Return the arm that is applied where the condition has a value; None is the value of no condition."""
        return self.arms[0 if condition is None or condition else 1]

    def inlined(self) -> list[Node]:
        """Return the results of the only arm, computed where the node is."""
        return applied(self.body, self.arguments)

    # -- other calls -------------------------------------------------------------------------------------------

    def with_operands(self, operands: Sequence[Node]) -> Call:
        """Return the call with other operands."""
        condition, arguments = self.split(operands)
        return replace(self, condition=condition, arguments=arguments)

    def with_results(self, results: Sequence[Sequence[Node]]) -> Call:
        """Return the call with other results of each arm."""
        arms = [Region(arm.params, tuple(new)) for arm, new in zip(self.arms, results, strict=True)]
        return replace(self, arms=kept_regions(self.origin, arms))

    def node(self, *, like: Node | None = None) -> Node:
        """Return the node of the call: the origin, with its decisions, if the record equals it.  Raises TypeRuleError.

        A new node has no decisions; it inherits its name and source location from `like`, or from the origin.
        """
        return remade(self.origin, self.op, self.operands, dict(self.attributes), self.arms, like)

    def results(self, *, like: Node | None = None) -> list[Node]:
        """Return the results of the node.  Raises TypeRuleError."""
        return results_of(self.node(like=like))
