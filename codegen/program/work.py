"""Count the work of a program: operations on elements, bytes, kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphc.ir.core.graph import Node, Region

__all__ = ["Cost", "everything"]


@dataclass(frozen=True)
class Cost:
    """The work of one call: operations on elements, bytes read and written, kernel calls, arena bytes."""

    flops: int
    bytes: int
    kernels: int
    arena_bytes: int


def everything(region: Region) -> Iterator[Node]:
    """Yield the nodes of a region and of the regions in it."""
    for node in region.nodes():
        yield node
        for inner in node.regions:
            yield from everything(inner)
