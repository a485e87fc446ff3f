"""A custom node, whose derivatives and batching rules are regions, as a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from graphc.ir.core.control_flow import results_of, substitute
from graphc.ir.core.graph import Node, Region

__all__ = ["Custom", "applied"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Custom:
    """A custom node as a record: `values`, its results, computed from `inputs`; captures, which all its regions read.

    `backward` and `forward` are the derivative regions, with the numbers of the inputs or values they return derivatives for;
    `batches` are the batching rules, by the level of the batching.
    """

    values: Sequence[Node]
    inputs: Sequence[Node]
    captures: Sequence[Node]
    backward: tuple[Region, Sequence[int]] | None
    forward: tuple[Region, Sequence[int]] | None
    refusals: tuple[str, str]
    batches: Mapping[int, Region]

    @classmethod
    def of(cls, node: Node) -> Custom:
        """Return the record of a custom node."""
        p, operands, rest = node.params, node.operands, list(node.regions)
        k, n = p["values"], p["inputs"]
        backward = (rest.pop(0), p["wrt"]) if p["wrt"] else None
        forward = (rest.pop(0), p["varying"]) if p["varying"] else None
        batches = dict(zip(p["levels"], rest, strict=True))
        return cls(operands[:k], operands[k : k + n], operands[k + n :], backward, forward, p["refusals"], batches)

    def split(self, values: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Split the entries of the operands into those of the values, the inputs and the captures."""
        k, n = len(self.values), len(self.inputs)
        return values[:k], values[k : k + n], values[k + n :]


def applied(node: Node, region: Region, arguments: Sequence[Node]) -> list[Node]:
    """Return the results of a custom node's derivative rule for cotangents or tangents."""
    operands = (*arguments, *results_of(node), *Custom.of(node).captures)
    return substitute(region.results, dict(zip(region.params, operands, strict=True)))
