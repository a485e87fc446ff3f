"""A custom node, whose derivatives and batching rules are regions, as a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from graphc.ir.core.graph import Node, Region
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import is_custom
from graphc.ir.regions.remake import remade
from graphc.ir.regions.substitution import applied, results_of

__all__ = ["Custom"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Custom:
    """A custom node as a record: `values`, its results, computed from `inputs`; captures, which all its regions read.

    `backward` and `forward` are the derivative regions, with the numbers of the inputs or values they return derivatives for;
    `batches` are the batching rules, by the level of the batching.  `origin` is the node that the record was read from; its
    replacement inherits its name and source location.
    """

    values: Sequence[Node]
    inputs: Sequence[Node]
    captures: Sequence[Node]
    backward: tuple[Region, Sequence[int]] | None
    forward: tuple[Region, Sequence[int]] | None
    refusals: tuple[str, str]
    batches: Mapping[int, Region]
    origin: Node | None = None

    @classmethod
    def of(cls, node: Node) -> Custom:
        """Return the record of a node.  Raises ValueError if it is not a custom node."""
        if not is_custom(node):
            raise ValueError(f"expected a custom node, got {node}")
        p, operands, rest = node.params, node.operands, list(node.regions)
        k, n = p["values"], p["inputs"]
        backward = (rest.pop(0), p["wrt"]) if p["wrt"] else None
        forward = (rest.pop(0), p["varying"]) if p["varying"] else None
        batches = dict(zip(p["levels"], rest, strict=True))
        return cls(operands[:k], operands[k : k + n], operands[k + n :], backward, forward, p["refusals"], batches, node)

    @property
    def rules(self) -> list[tuple[Region, Sequence[int]]]:
        """The derivative rules that it has."""
        return [rule for rule in (self.backward, self.forward) if rule is not None]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the node."""
        wrt, varying = (() if rule is None else tuple(rule[1]) for rule in (self.backward, self.forward))
        return {
            "values": len(self.values), "inputs": len(self.inputs), "wrt": wrt, "varying": varying,
            "refusals": self.refusals, "levels": tuple(self.batches),
        }  # fmt: skip

    def split(self, values: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Split the entries of the operands into those of the values, the inputs and the captures."""
        k, n = len(self.values), len(self.inputs)
        return values[:k], values[k : k + n], values[k + n :]

    def with_operands(self, operands: Sequence[Node]) -> Custom:
        """Return the record with other operands."""
        values, inputs, captures = self.split(operands)
        return replace(self, values=values, inputs=inputs, captures=captures)

    def node(self) -> Node:
        """Return the node: the origin if the record equals it.  Raises TypeRuleError."""
        regions = [*(region for region, _ in self.rules), *self.batches.values()]
        operands = (*self.values, *self.inputs, *self.captures)
        return remade(self.origin, PRIMITIVES["custom"], operands, self.params, regions)

    def results(self) -> list[Node]:
        """Return the results of the node.  Raises TypeRuleError."""
        return results_of(self.node())

    def derivatives(self, region: Region, arguments: Sequence[Node]) -> list[Node]:
        """Return the results of a derivative rule for cotangents or tangents; it also reads the results and the captures."""
        return applied(region, (*arguments, *self.results(), *self.captures))
