"""A loop as a record: its carries, xs, captures and ys, each with the corresponding parameters.

    %0: (f64[3], f64[5]) = scan %c0, %a, %w {carries=1, length=5, reverse=false, xs=1}
        (%c: f64[3], %x: f64[3], %w: f64[3]) { …; return %next, %y }

    Loop.of(%0)    carries   %c0, which is %c in an iteration and %next in the one after it; the last one is a result
                   xs        %a, of which %x is one element along the first axis
                   captures  %w, the same in all iterations
                   ys        %y, one for each iteration, stacked in a result

A `while` has a condition instead of xs and a length.  A pass reads a node with `Loop.of`, changes the record with
`dataclasses.replace`, and writes it with `Loop.node` or `Loop.results`; `Loop.split` splits the entries of a loop's operands,
such as their gradients, among these parts.  Only `signatures.Layout` depends on the order in which a node has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import Node, Region, TypeRuleError
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_loop
from graphc.ir.core.signatures import Layout
from graphc.ir.regions.remake import kept_regions, remade
from graphc.ir.regions.substitution import results_of

__all__ = ["Binding", "Carry", "Loop"]

T = TypeVar("T")
B = TypeVar("B", bound="Binding")


@dataclass(frozen=True, eq=False)
class Binding:
    """An operand of a loop and its parameters: in the body, and in the condition of a while.

    Without a separate parameter the condition has that of the body.
    """

    operand: Node
    param: Node
    tested: Node | None = None

    @property
    def in_condition(self) -> Node:
        """The parameter of the condition."""
        return self.param if self.tested is None else self.tested


@dataclass(frozen=True, eq=False)
class Carry(Binding):
    """A carried value: the operand is its initial value, `next` the body's value for the next iteration."""

    next: Node = field(kw_only=True)


@dataclass(frozen=True, eq=False)
class Loop:
    """A scan or while.  Its invariants are the type rules of these two: `node` raises TypeRuleError for a wrong record.

    `condition` is the result of a while's condition.  Without a `length` a scan runs over stacks of another loop.  `origin` is
    the node that the record was read from; its replacement inherits its name and source location.
    """

    carries: Sequence[Carry]
    xs: Sequence[Binding] = ()
    captures: Sequence[Binding] = ()
    ys: Sequence[Node] = ()
    condition: Node | None = None
    length: int | None = None
    reverse: bool = False
    origin: Node | None = None

    def __post_init__(self) -> None:
        if self.condition is not None and (self.xs or self.length is not None or self.reverse):
            raise ValueError("a loop with a condition runs as long as that holds: it has no xs, no length and no direction")

    @classmethod
    def of(cls, node: Node) -> Loop:
        """Return the record of a node.  Raises ValueError if it is not a loop."""
        if not is_loop(node):
            raise ValueError(f"expected a scan or while, got {node}")
        length, reverse = node.params.get("length"), node.params.get("reverse", False)
        return cls.of_regions(node.operands, node.regions, Layout.of(node.params), length, reverse=reverse, origin=node)

    @classmethod
    def of_regions(
        cls,
        operands: Sequence[Node],
        regions: Sequence[Region],
        layout: Layout,
        length: int | None = None,
        *,
        reverse: bool = False,
        origin: Node | None = None,
    ) -> Loop:
        """Return the loop with these operands and regions: a condition, if it is a while, and a body.

        Raises TypeRuleError if the regions have other numbers of parameters or results.
        """
        *tests, body = regions
        if any(len(r.params) != len(operands) for r in regions) or len(body.results) < layout.carries:
            counts = [(len(r.params), len(r.results)) for r in regions]
            raise TypeRuleError(f"a loop binds {len(operands)} operands and carries {layout.carries} of them, got {counts}")
        nexts, ys = layout.split_results(body.results)
        tested = tests[0].params if tests else (None,) * len(body.params)
        carries, xs, captures = layout.split(list(zip(operands, body.params, tested, strict=True)))
        return cls(
            tuple(Carry(*bound, next=after) for bound, after in zip(carries, nexts, strict=True)),
            tuple(Binding(*bound) for bound in xs),
            tuple(Binding(*bound) for bound in captures),
            ys,
            tests[0].results[0] if tests else None,
            length,
            reverse,
            origin,
        )

    # -- its parts, as a node has them ---------------------------------------------------------------------

    @property
    def layout(self) -> Layout:
        """The number of carries and xs."""
        return Layout(len(self.carries), len(self.xs))

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """All operands with their parameters."""
        return (*self.carries, *self.xs, *self.captures)

    @property
    def operands(self) -> tuple[Node, ...]:
        """All operands."""
        return tuple(b.operand for b in self.bindings)

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """The condition of a while, and the body: those of the origin where nothing differs."""
        bindings = self.bindings
        regions = [Region(tuple(b.param for b in bindings), (*(c.next for c in self.carries), *self.ys))]
        if self.condition is not None:
            regions.insert(0, Region(tuple(b.in_condition for b in bindings), (self.condition,)))
        return kept_regions(self.origin, regions)

    @property
    def body(self) -> Region:
        """The region of one iteration."""
        return self.regions[-1]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the node."""
        if self.condition is not None:
            return {"carries": len(self.carries)}
        return {"carries": len(self.carries), "xs": len(self.xs), "length": self.length, "reverse": self.reverse}

    def split(self, values: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Split values, one per operand, into those of the carries, the xs and the captures."""
        return self.layout.split(values)

    def split_results(self, values: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
        """Split values, one per result, into those of the carries and the ys."""
        return self.layout.split_results(values)

    def indices(self, length: int) -> range:
        """Return the indices of elements of the xs, in the order of the iterations."""
        return range(length)[::-1] if self.reverse else range(length)

    # -- other loops ---------------------------------------------------------------------------------------

    def with_operands(self, operands: Sequence[Node]) -> Loop:
        """Return the loop with other operands for the same parameters."""
        carries, xs, captures = self.split(operands)
        return replace(self, carries=_on(self.carries, carries), xs=_on(self.xs, xs), captures=_on(self.captures, captures))

    def with_results(self, results: Sequence[Node]) -> Loop:
        """Return the loop with other results of its body: the next carries, then the ys."""
        nexts, ys = self.split_results(results)
        carries = tuple(replace(c, next=after) for c, after in zip(self.carries, nexts, strict=True))
        return replace(self, carries=carries, ys=tuple(ys))

    def node(self, *, like: Node | None = None) -> Node:
        """Return the node of the loop: the origin, with its decisions, if the record equals it.  Raises TypeRuleError.

        A new node has no decisions; it inherits its name and source location from `like`, or from the origin.
        """
        op = PRIMITIVES["scan" if self.condition is None else "while"]
        return remade(self.origin, op, self.operands, self.params, self.regions, like)

    def results(self, *, like: Node | None = None) -> tuple[Sequence[Node], Sequence[Node]]:
        """Return the final carries, then the stacked ys.  Raises TypeRuleError."""
        return self.split_results(results_of(self.node(like=like)))


def _on(bindings: Sequence[B], operands: Sequence[Node]) -> tuple[B, ...]:
    return tuple(replace(b, operand=o) for b, o in zip(bindings, operands, strict=True))
