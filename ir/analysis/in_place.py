"""Decide which carried arrays a loop's body updates in place, and check such decisions.

    %y: f64[1000] = scatter %x, %v, %i {in_place=0}      %x is carried, %y carried on: one element is written, nothing copied

A carried value whose next one is a chain of scatters on it has one buffer for all iterations.  Whoever else reads a
value of the chain must have read it before the next link overwrites it: these orders are added to the body's, and a
chain for which they contradict it is left alone.
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
"""Scatters that lead from a parameter to a result, the last one first."""


@dataclass
class InPlace:
    """The updates in place of a body: the parameters for the carried values, the scatters, an order of the body's nodes."""

    carried: frozenset[Node] = frozenset()
    links: frozenset[Node] = frozenset()
    order: list[Node] = field(default_factory=list)
    earlier: dict[Node, list[Node]] = field(default_factory=dict)
    """For a link, the nodes that must have run before."""


def update_in_place(body: Region, layout: Layout, small: int) -> Region:
    """Return a body that says which scatters update in place, of the carried values those that are in memory.

    Values of at most `small` elements are in registers.  It is the same object if none does; bodies within it are left alone.
    """
    chains: dict[Node, Chain] = {}
    for param, chain in _chains(body, layout).items():
        legal = chain and not is_small(param.type, small) and not _is_kept(body, chain)
        if legal and _ordered(body, _earlier(body, {**chains, param: chain})) is not None:
            chains[param] = chain
    links = {link for chain in chains.values() for link in chain}
    return rebuilt(body, lambda n: with_parts(n, {**n.params, "in_place": 0}, ()) if n in links else n) if links else body


def decided_updates(body: Region, layout: Layout) -> InPlace:
    """Return the updates in place of carried values that the nodes of a body say."""
    chains = _decided_chains(body, layout)
    if not chains:
        return InPlace(order=body.nodes())
    earlier = _earlier(body, chains)
    order = _ordered(body, earlier)
    assert order is not None, "an update in place overwrites what is read afterwards"
    return InPlace(frozenset(chains), frozenset(earlier), order, earlier)


def illegal_updates(body: Region, layout: Layout, small: int) -> Iterator[tuple[Node, str]]:
    """Yield the scatters that cannot update in place as they say, and why.

    The layout is that of the loop whose body it is; values of at most `small` elements are in registers.
    """
    chains = _decided_chains(body, layout)
    links = {link for chain in chains.values() for link in chain}
    for node in body.nodes():
        if is_scatter(node) and node.params.get("in_place"):
            yield node, f"{node.op.name} updates its operand 0, not {node.params['in_place']}"
        elif is_scatter(node) and "in_place" in node.params and node not in links:
            yield node, f"{node.op.name} overwrites what is no value of its loop, carried on by updates in place alone"
    for param, chain in chains.items():
        if is_small(param.type, small):
            yield chain[0], f"{chain[0].op.name} updates {param.type} in place, which is small"
        if _is_kept(body, chain):
            yield chain[0], f"{chain[0].op.name} overwrites what is another result of the body as well"
    yield from _overwritten(body, _earlier(body, chains))


def _overwritten(body: Region, earlier: Mapping[Node, Sequence[Node]]) -> Iterator[tuple[Node, str]]:
    """Yield the scatters that overwrite what is read afterwards."""
    if _ordered(body, earlier) is not None:
        return
    for link, readers in earlier.items():
        if live := [r for r in readers if link in toposort([r])]:
            yield link, f"{link.op.name} overwrites in place what {live[0].op.name} reads afterwards"
            return
    yield next(iter(earlier)), "updates in place overwrite what is read after one another"


def _chains(body: Region, layout: Layout) -> dict[Node, Chain]:
    """Return, for the parameter of each carried value, the scatters that lead from it to the next one."""
    params, _, _ = layout.split(body.params)
    nexts, _ = layout.split_results(body.results)
    return {param: _chain(after, param) for param, after in zip(params, nexts, strict=True)}


def _decided_chains(body: Region, layout: Layout) -> dict[Node, Chain]:
    chains = _chains(body, layout)
    return {param: chain for param, chain in chains.items() if chain and all(n.params.get("in_place") == 0 for n in chain)}


def _is_kept(body: Region, chain: Chain) -> bool:
    """Whether results of a body, besides the carried value that a chain ends in, are a buffer of it."""
    return sum(_base(r) in chain and whole_buffer(r) in chain for r in body.results) > 1


def _base(node: Node) -> Node:
    while node.op.kind == "movement":
        node = node.operands[0]
    return node


def _earlier(body: Region, chains: Mapping[Node, Chain]) -> dict[Node, list[Node]]:
    """Return, for each scatter of some chains, who reads what it overwrites."""
    readers = users(body.nodes())
    return {n: [r for r in _readers(n.operands[0], readers) if r is not n] for chain in chains.values() for n in chain}


def _chain(result: Node, param: Node) -> Chain:
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
