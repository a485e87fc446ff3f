"""A custom node, whose derivatives and batches are what regions say, as a record."""

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

    `backward` and `forward` are the regions that give derivatives, with the numbers of inputs or values that they give them of;
    `batches` those that batch the values, by the number of the batching.
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

    def split(self, given: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Divide what belongs to the operands into what belongs to the values, to the inputs and to the captures."""
        k, n = len(self.values), len(self.inputs)
        return given[:k], given[k : k + n], given[k + n :]


def applied(node: Node, region: Region, given: Sequence[Node]) -> list[Node]:
    """Return what a derivative rule of a custom node gives for cotangents or tangents."""
    operands = (*given, *results_of(node), *Custom.of(node).captures)
    return substitute(region.results, dict(zip(region.params, operands, strict=True)))
