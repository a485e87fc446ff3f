"""Take matrix products out of loops: a product an iteration becomes one product over all iterations.

    scan {%y = matmul %item, %w; …%y…}              →  %ys = matmul (all items), %w;  scan {…%y, an item of %ys…}
    scan {%sum = add %sum, (matmul %a^T, %b); …}    →  scan {… stacks %a and %b};     %sum = matmul (all %a)^T, (all %b)
    scan {… stacks matmul %a, %w}                   →  scan {… stacks %a};            matmul (all %a), %w

The first does not depend on what is carried, so it is computed before the loop; the others are not read in it, so they
are computed after.  Many small products cost much more than one large product, and the sum of outer products, which is
the gradient by a weight, passes over the whole weight in each iteration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphc.ir.core import build
from graphc.ir.core.control_flow import results_of, substitute, substitute_through, with_bodies
from graphc.ir.core.graph import PARAMETER, Graph, Node, Region, make, toposort
from graphc.ir.core.predicates import is_fusion, is_matmul, is_result, is_scan, is_zero
from graphc.ir.core.structural_key import SMALL
from graphc.ir.core.target_info import TargetInfo
from graphc.ir.loops.promote import runs_in_registers
from graphc.ir.rewrite.pattern import op
from graphc.ir.transforms.vmap import batch
from graphc.ir.transforms.vmap_rules import BATCH

__all__ = ["hoist_matmuls"]

_ADD, _PERMUTE = op("add"), op("permute")

GROWTH = 8
"""A product is not moved where that stacks more than so many times the elements that were stacked before."""


def hoist_matmuls(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with products taken out of its loops; the same object if there are none."""
    return graph.replace(_moved(graph.results, target))


def _moved(results: Sequence[Node], target: TargetInfo) -> Sequence[Node]:
    new: dict[Node, Node] = {}
    for node in toposort(results):
        if is_fusion(node) or not node.regions:
            continue
        now = with_bodies(node, lambda inner: _moved(inner, target))
        stays = not is_scan(now) or runs_in_registers(now, target)
        after = results_of(now) if stays else _Motion(now).run()
        new.update((a, b) for a, b in zip(results_of(node), after, strict=True) if a is not b)
    return substitute_through(results, new)


def _is_worth(node: Node) -> bool:
    """Whether a node is a product with more than a few of at least two of rows, columns and terms, whatever their number."""
    if not is_matmul(node) or not node.dtype.is_float:
        return False
    return sum(n > SMALL for n in (*node.shape[-2:], node.operands[0].shape[-1])) >= 2


def _depending(nodes: Iterable[Node], on: Iterable[Node]) -> set[Node]:
    """Return the nodes that depend on some parameters."""
    found = set(on)
    for node in nodes:
        if not found.isdisjoint(node.operands):
            found.add(node)
    return found


@dataclass(eq=False)
class _Motion:
    """One scan being taken apart: its parameters, operands and results as they change."""

    scan: Node
    carried: list[Node] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    outside: dict[Node, Node] = field(default_factory=dict)
    """Parameter for what comes from outside -> the value there."""
    sequences: list[Node] = field(default_factory=list)
    stacks: list[Node] = field(default_factory=list)
    """What is stacked of each iteration."""

    def __post_init__(self) -> None:
        (body,) = self.scan.regions
        n, m = self.scan.params["carried"], self.scan.params["sequences"]
        self.length = self.scan.params["length"]
        self.carried, self.items = list(body.params[:n]), list(body.params[n : n + m])
        self.outside = dict(zip(body.params[n + m :], self.scan.operands[n + m :], strict=True))
        self.start, self.sequences = list(self.scan.operands[:n]), list(self.scan.operands[n : n + m])
        self.next, self.stacks = list(body.results[:n]), list(body.results[n:])

    def run(self) -> list[Node]:
        """Return what the results of the scan are; its own results if nothing moves."""
        if self.length is None or self.length == 0:
            return results_of(self.scan)
        before = (*self.next, *self.stacks)
        self._hoist()
        sums = self._sums()
        late = self._late()
        if not sums and not late and before == (*self.next, *self.stacks):
            return results_of(self.scan)
        return self._rebuilt(sums, late)

    def _nodes(self) -> list[Node]:
        return toposort([*self.next, *self.stacks])

    # -- before the loop ------------------------------------------------------------------------------

    def _hoist(self) -> None:
        """Compute products that depend on items, not on what is carried, for all iterations at once."""
        nodes = self._nodes()
        varying, by_item = _depending(nodes, self.carried), _depending(nodes, self.items)
        products = [n for n in nodes if _is_worth(n) and n in by_item and n not in varying and self._may_hoist(n)]
        if not products:
            return
        outer = substitute(products, self.outside)
        many = batch(outer, dict(zip(self.items, self.sequences, strict=True)), self.length)
        new = {product: make(PARAMETER, (), {"dtype": product.dtype, "shape": product.shape}) for product in products}
        results = substitute([*self.next, *self.stacks], new)
        self.next, self.stacks = results[: len(self.next)], results[len(self.next) :]
        self.items += new.values()
        self.sequences += [stack for stack, _ in many]

    def _may_hoist(self, product: Node) -> bool:
        below = toposort([product])
        size = sum(p.type.size for p in below if p in self.items)
        return product.type.size <= GROWTH * size and all(
            n.op is PARAMETER or n.op.name in BATCH or not n.operands for n in below
        )

    # -- after the loop -------------------------------------------------------------------------------

    def _readers(self) -> Counter[Node]:
        """Count the reads of each node by other nodes and the results: 0 for a parameter that is not needed."""
        return Counter(o for node in self._nodes() for o in node.operands) + Counter((*self.next, *self.stacks))

    def _sums(self) -> dict[int, Node]:
        """Return, for carried values that only add up products, the product that is added in each iteration."""
        readers = self._readers()
        found = {}
        for i, (param, after) in enumerate(zip(self.carried, self.next, strict=True)):
            if not _ADD.fits(after) or readers[after] != 1 or readers.get(param) != 1 or param not in after.operands:
                continue
            (term,) = (o for o in after.operands if o is not param)
            if _is_worth(term) and readers[term] == 1 and term.type.rank == 2 and not any(map(_of_a_loop, _factors(term))):
                found[i] = term
        return found

    def _late(self) -> dict[int, Node]:
        """Return, for stacked products that nothing else reads and whose second factor comes from outside, the product."""
        readers, nodes = self._readers(), self._nodes()
        inner = _depending(nodes, [*self.carried, *self.items])
        found = {}
        for i, item in enumerate(self.stacks):
            if _is_worth(item) and readers[item] == 1:
                a, b = item.operands
                if a in inner and b not in inner and not _PERMUTE.fits(a) and a.type.size <= GROWTH * item.type.size:
                    found[i] = item
        return found

    def _rebuilt(self, sums: dict[int, Node], late: dict[int, Node]) -> list[Node]:
        stacks = dict.fromkeys(s for i, s in enumerate(self.stacks) if i not in late)
        factors = [f for term in sums.values() for f in _factors(term)]
        stacks.update(dict.fromkeys(f for f in (*factors, *(p.operands[0] for p in late.values())) if f not in self.items))
        plain = self._plain_sums(sums, stacks)
        kept = [i for i in range(len(self.carried)) if i not in sums and i not in plain]
        results = (*(self.next[i] for i in kept), *stacks)
        read = set(toposort(results))
        items = {p: s for p, s in zip(self.items, self.sequences, strict=True) if p in read}
        outside = {p: o for p, o in self.outside.items() if p in read}
        region = Region((*(self.carried[i] for i in kept), *items, *outside), results)
        params = {**self.scan.params, "carried": len(kept), "sequences": len(items)}
        operands = (*(self.start[i] for i in kept), *items.values(), *outside.values())
        made = results_of(make(self.scan.op, operands, params, (region,), like=self.scan))
        last = dict(zip(kept, made, strict=False))
        all_of = dict(zip(self.items, self.sequences, strict=True)) | dict(zip(stacks, made[len(kept) :], strict=True))
        for i, term in sums.items():
            a, b = (build.reshape(all_of[f], (self.length * f.shape[0], f.shape[1])) for f in _factors(term))
            last[i] = _plus(self.start[i], build.matmul(build.swap_last(a), b))
        for i, term in plain.items():
            last[i] = _plus(self.start[i], build.sum_(all_of[term], (0,)))
        joined = [self._product_of_all(late[i], all_of) if i in late else all_of[s] for i, s in enumerate(self.stacks)]
        return [*(last[i] for i in range(len(self.carried))), *joined]

    def _plain_sums(self, sums: dict[int, Node], stacks: dict[Node, None]) -> dict[int, Node]:
        """Return, for carried values that only add up what is stacked anyway, what is added in each iteration."""
        if not sums:
            return {}
        readers = self._readers()
        found = {}
        for i, (param, after) in enumerate(zip(self.carried, self.next, strict=True)):
            if i in sums or not _ADD.fits(after) or readers[after] != 1 or readers[param] != 1:
                continue
            if param in after.operands and (term := next(o for o in after.operands if o is not param)) in stacks:
                found[i] = term
        return found

    def _product_of_all(self, product: Node, all_of: dict[Node, Node]) -> Node:
        a, b = product.operands
        one = make(PARAMETER, (), {"dtype": a.dtype, "shape": a.shape})
        (outer,) = substitute([b], self.outside)
        ((many, _),) = batch([build.matmul(one, outer)], {one: all_of[a]}, self.length)
        return many


def _of_a_loop(x: Node) -> bool:
    """Whether a node is stacked by an inner loop: its product is large already, too large to keep for all iterations."""
    while x.op.kind == "movement" or is_result(x):
        x = x.operands[0]
    return bool(x.regions)


def _plus(start: Node, total: Node) -> Node:
    """Return what a sum comes to that began at `start`; a gradient begins at zero."""
    return total if is_zero(start) else start + total


def _factors(product: Node) -> tuple[Node, Node]:
    """Return a and b of the product a^T b."""
    a, b = product.operands
    return (a.operands[0] if _PERMUTE.fits(a) else build.swap_last(a)), b
