"""Find the carried arrays that a loop's body may change where they lie.

    %y: f64[1000] = scatter %x, %v, %i        %x is carried, %y carried on: one element is written, nothing copied

A carried value whose next one is a chain of scatters on it has one buffer for all iterations.  Whoever else reads a
value of the chain must have read it before the next link overwrites it: these orders are added to the body's, and a
chain for which they contradict it is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphc.ir.core.graph import PARAMETER, Node, Region, users
from graphc.ir.core.ops import is_scatter

__all__ = ["InPlace", "updates_in_place"]



@dataclass
class InPlace:
    """What `updates_in_place` found: the carried values by number, the scatters, an order of the body's nodes."""

    carried: frozenset[int] = frozenset()
    links: frozenset[Node] = frozenset()
    order: list[Node] = field(default_factory=list)
    earlier: dict[Node, list[Node]] = field(default_factory=dict)
    """For a link, the nodes that must have run before."""


def updates_in_place(body: Region, count: int, large: Sequence[bool]) -> InPlace:
    """Return which of the first `count` results are the parameters changed in place, of those that are `large`."""
    found = InPlace(order=body.nodes())
    readers = users(found.order)
    for i in range(count):
        chain = _chain(body.results[i], body.params[i]) if large[i] else []
        others = (r for j, r in enumerate(body.results) if j != i)
        if not chain or any(r in chain for r in others):
            continue  # what another result holds is not overwritten
        earlier = dict(found.earlier)
        for link in chain:
            earlier[link] = [r for r in _readers(link.operands[0], readers) if r is not link]
        order = _ordered(body, earlier)
        if order is not None:
            found = InPlace(found.carried | {i}, found.links | set(chain), order, earlier)
    return found


def _chain(result: Node, param: Node) -> list[Node]:
    """Return the scatters that lead from a parameter to a result, if it is nothing but such."""
    chain = []
    while is_scatter(result):
        chain.append(result)
        result = result.operands[0]
    return chain if result is param else []


def _readers(node: Node, readers: Mapping[Node, Sequence[Node]]) -> Iterator[Node]:
    """Yield who reads a value, be it through movement."""
    for reader in readers.get(node, ()):
        yield reader
        if reader.op.kind == "movement":
            yield from _readers(reader, readers)


def _ordered(body: Region, earlier: Mapping[Node, Sequence[Node]]) -> list[Node] | None:
    """Return the body's nodes with operands, and what must be earlier, first; None if that is a circle."""
    done: set[Node] = set()
    open_: set[Node] = set()
    order: list[Node] = []
    for root in body.results:
        stack = [root]
        while stack:
            node = stack[-1]
            if node in done:
                stack.pop()
                continue
            missing = [o for o in (*node.operands, *earlier.get(node, ())) if o not in done]
            if not missing:
                stack.pop()
                open_.discard(node)
                done.add(node)
                if node.op is not PARAMETER:
                    order.append(node)
                continue
            if node in open_:
                return None
            open_.add(node)
            stack.extend(reversed(missing))
    return order
