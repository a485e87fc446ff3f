"""Decide which carried arrays a loop's body updates in place, and check such decisions.

    %y: f64[1000] = scatter %x, %v, %i {in_place=0}      %x is carried, %y its next value: one element is written, none copied

A carried value whose next value is a chain of scatters on it has one buffer for all iterations.  Every other read of a value
of the chain must come before the scatter that overwrites it: these edges are added to the body's order, and a chain whose
edges close a cycle is not updated in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphc.ir.analysis.views import whole_buffer
from graphc.ir.core.cost import is_small
from graphc.ir.core.decisions import rebuilt, with_parts
from graphc.ir.core.graph import PARAMETER, Node, Region, toposort, users
from graphc.ir.core.predicates import is_scatter
from graphc.ir.core.signatures import Layout

__all__ = ["InPlace", "decided_updates", "illegal_updates", "update_in_place"]

Chain = list[Node]
"""Scatters that lead from a parameter to a result, last one first."""


@dataclass
class InPlace:
    """The in-place updates of a body: the parameters of the carried values, the scatters, and an order of the body's nodes."""

    carried: frozenset[Node] = frozenset()
    links: frozenset[Node] = frozenset()
    order: list[Node] = field(default_factory=list)
    earlier: dict[Node, list[Node]] = field(default_factory=dict)
    """For each scatter, the nodes that must run before it."""


def update_in_place(body: Region, layout: Layout, small: int) -> Region:
    """Return a body whose scatters are marked as in-place updates of carried values in memory; the same object if none is.

    Values of at most `small` elements are in registers and are left alone, as are nested bodies.
    """
    chains: dict[Node, Chain] = {}
    for param, chain in _chains(body, layout).items():
        legal = chain and not is_small(param.type, small) and not _is_kept(body, chain)
        if legal and _ordered(body, _earlier(body, {**chains, param: chain})) is not None:
            chains[param] = chain
    links = {link for chain in chains.values() for link in chain}
    return rebuilt(body, lambda n: with_parts(n, {**n.params, "in_place": 0}, ()) if n in links else n) if links else body


def decided_updates(body: Region, layout: Layout) -> InPlace:
    """Return the in-place updates that the nodes of a body declare."""
    chains = _decided_chains(body, layout)
    if not chains:
        return InPlace(order=body.nodes())
    earlier = _earlier(body, chains)
    order = _ordered(body, earlier)
    assert order is not None, "an update in place overwrites what is read afterwards"
    return InPlace(frozenset(chains), frozenset(earlier), order, earlier)


def illegal_updates(body: Region, layout: Layout, small: int) -> Iterator[tuple[Node, str]]:
    """Yield the scatters that declare an illegal in-place update, and why.

    `layout` is that of the loop whose body it is; values of at most `small` elements are in registers.
    """
    updates = [node for node in body.nodes() if is_scatter(node) and "in_place" in node.params]
    if not updates:
        return
    chains = _decided_chains(body, layout)
    links = {link for chain in chains.values() for link in chain}
    for node in updates:
        if node.params["in_place"]:
            yield node, f"{node.op.name} updates its operand 0, not {node.params['in_place']}"
        elif node not in links:
            yield node, f"{node.op.name} overwrites what is no value of its loop, carried on by updates in place alone"
    for param, chain in chains.items():
        if is_small(param.type, small):
            yield chain[0], f"{chain[0].op.name} updates {param.type} in place, which is small"
        if _is_kept(body, chain):
            yield chain[0], f"{chain[0].op.name} overwrites what is another result of the body as well"
    yield from _overwritten(body, _earlier(body, chains))


def _overwritten(body: Region, earlier: Mapping[Node, Sequence[Node]]) -> Iterator[tuple[Node, str]]:
    """Yield the scatters that overwrite a value that is read afterwards."""
    if _ordered(body, earlier) is not None:
        return
    for link, readers in earlier.items():
        if live := [r for r in readers if link in toposort([r])]:
            yield link, f"{link.op.name} overwrites in place what {live[0].op.name} reads afterwards"
            return
    yield next(iter(earlier)), "updates in place overwrite what is read after one another"


def _chains(body: Region, layout: Layout) -> dict[Node, Chain]:
    """Return, for the parameter of each carried value, the scatters that lead from it to its next value."""
    params, _, _ = layout.split(body.params)
    nexts, _ = layout.split_results(body.results)
    return {param: _chain(after, param) for param, after in zip(params, nexts, strict=True)}


def _decided_chains(body: Region, layout: Layout) -> dict[Node, Chain]:
    chains = _chains(body, layout)
    return {param: chain for param, chain in chains.items() if chain and all(n.params.get("in_place") == 0 for n in chain)}


def _is_kept(body: Region, chain: Chain) -> bool:
    """Whether another result of a body shares the buffer of the carried value that a chain ends in."""
    return sum(_base(r) in chain and whole_buffer(r) in chain for r in body.results) > 1


def _base(node: Node) -> Node:
    while node.op.kind == "movement":
        node = node.operands[0]
    return node


def _earlier(body: Region, chains: Mapping[Node, Chain]) -> dict[Node, list[Node]]:
    """Return, for each scatter of some chains, the readers of the value it overwrites."""
    readers = users(body.nodes())
    return {n: [r for r in _readers(n.operands[0], readers) if r is not n] for chain in chains.values() for n in chain}


def _chain(result: Node, param: Node) -> Chain:
    """Return the chain of scatters from a parameter to a result; empty if there is any other node on the way."""
    chain = []
    while is_scatter(result):
        chain.append(result)
        result = result.operands[0]
    return chain if result is param else []


def _readers(node: Node, readers: Mapping[Node, Sequence[Node]]) -> Iterator[Node]:
    """Yield the readers of a value, including those that read it through movement."""
    for reader in readers.get(node, ()):
        yield reader
        if reader.op.kind == "movement":
            yield from _readers(reader, readers)


def _ordered(body: Region, earlier: Mapping[Node, Sequence[Node]]) -> list[Node] | None:
    """Return the body's nodes in topological order with the extra edges `earlier`; None if they close a cycle."""
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
