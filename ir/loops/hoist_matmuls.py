"""Hoist matmuls out of loops: one product per iteration becomes one product over all iterations.

    scan {%y = matmul %item, %w; …%y…}              →  %ys = matmul (all items), %w;  scan {…%y, an item of %ys…}
    scan {%sum = add %sum, (matmul %a^T, %b); …}    →  scan {… stacks %a and %b};     %sum = matmul (all %a)^T, (all %b)
    scan {… stacks matmul %a, %w}                   →  scan {… stacks %a};            matmul (all %a), %w

The first does not depend on a carried value, so it is computed before the loop; the loop does not read the other two, so they
are computed after it.  Many small products cost much more than one large product, and a sum of outer products, such as the
gradient with respect to a weight, traverses the whole weight in each iteration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from graphc.ir.core import build
from graphc.ir.core.cost import TargetInfo
from graphc.ir.core.graph import PARAMETER, Graph, Node, make, toposort
from graphc.ir.core.predicates import is_matmul, is_result, is_scan, is_zero
from graphc.ir.core.structural_key import SMALL
from graphc.ir.loops.promote import runs_in_registers
from graphc.ir.regions.loop import Binding, Carry, Loop
from graphc.ir.regions.substitution import results_of, rewrite_regions, substitute
from graphc.ir.rewrite.pattern import op
from graphc.ir.transforms.vmap import batch
from graphc.ir.transforms.vmap_rules import BATCH

__all__ = ["hoist_matmuls"]

_ADD, _PERMUTE = op("add"), op("permute")

GROWTH = 8
"""A product is not hoisted where that stacks more than this many times the elements stacked before."""


def hoist_matmuls(graph: Graph, target: TargetInfo) -> Graph:
    """Return the graph with matmuls hoisted out of its loops; the same object if there are none."""

    def moved(node: Node) -> Sequence[Node]:
        stays = not is_scan(node) or runs_in_registers(node, target)
        return results_of(node) if stays else _Motion(Loop.of(node)).run()

    return graph.replace(rewrite_regions(graph.results, moved))


def _is_worth(node: Node) -> bool:
    """Whether a node is a product with more than a few of at least two of rows, columns and terms."""
    if not is_matmul(node) or not node.dtype.is_float:
        return False
    return sum(n > SMALL for n in (*node.shape[-2:], node.operands[0].shape[-1])) >= 2


def _depending(nodes: Iterable[Node], on: Iterable[Node]) -> set[Node]:
    """Return the nodes that depend on some parameters."""
    dependent = set(on)
    for node in nodes:
        if not dependent.isdisjoint(node.operands):
            dependent.add(node)
    return dependent


class _Motion:
    """One scan while matmuls are hoisted out of it."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.captured = {c.param: c.operand for c in loop.captures}

    @property
    def items(self) -> dict[Node, Node]:
        """The parameter for an element of each of the xs, and the xs."""
        return {x.param: x.operand for x in self.loop.xs}

    @property
    def length(self) -> int:
        """The number of iterations; it may be a symbol."""
        assert self.loop.length is not None
        return self.loop.length

    def run(self) -> list[Node]:
        """Return the new results of the scan; its own results if no product is hoisted."""
        before = self.loop
        if before.length is None or before.length == 0:
            return results_of(before.node())
        self._hoist()
        sums = self._sums()
        late = self._late()
        if not sums and not late and self.loop is before:
            return results_of(before.node())
        return self._rebuilt(sums, late)

    # -- before the loop ------------------------------------------------------------------------------

    def _hoist(self) -> None:
        """Compute products of items that do not depend on carried values for all iterations at once."""
        loop, items = self.loop, self.items
        nodes = loop.body.nodes()
        varying, by_item = _depending(nodes, [c.param for c in loop.carries]), _depending(nodes, items)
        products = [n for n in nodes if _is_worth(n) and n in by_item and n not in varying and self._may_hoist(n)]
        if not products:
            return
        many = batch(substitute(products, self.captured), items, self.length)
        new = {product: make(PARAMETER, (), {"dtype": product.dtype, "shape": product.shape}) for product in products}
        hoisted = [Binding(stack, param) for (stack, _), param in zip(many, new.values(), strict=True)]
        self.loop = replace(loop.with_results(substitute(loop.body.results, new)), xs=(*loop.xs, *hoisted))

    def _may_hoist(self, product: Node) -> bool:
        below, items = toposort([product]), self.items
        size = sum(p.type.size for p in below if p in items)
        return product.type.size <= GROWTH * size and all(
            n.op is PARAMETER or n.op.name in BATCH or not n.operands for n in below
        )

    # -- after the loop -------------------------------------------------------------------------------

    def _readers(self) -> Counter[Node]:
        """Count the reads of each node by other nodes and the results; 0 for a parameter that is not read."""
        body = self.loop.body
        return Counter(o for node in body.nodes() for o in node.operands) + Counter(body.results)

    def _sums(self) -> dict[Carry, Node]:
        """Return the carried values that only accumulate products, with the product that each iteration adds."""
        readers = self._readers()
        sums = {}
        for c in self.loop.carries:
            if not _ADD.fits(c.next) or readers[c.next] != 1 or readers.get(c.param) != 1 or c.param not in c.next.operands:
                continue
            (term,) = (o for o in c.next.operands if o is not c.param)
            if _is_worth(term) and readers[term] == 1 and term.type.rank == 2 and not any(map(_of_a_loop, _factors(term))):
                sums[c] = term
        return sums

    def _late(self) -> set[Node]:
        """Return the ys that are products with a captured right factor and that nothing else reads."""
        readers, loop = self._readers(), self.loop
        inner = _depending(loop.body.nodes(), [b.param for b in (*loop.carries, *loop.xs)])
        late = set()
        for y in loop.ys:
            if _is_worth(y) and readers[y] == 1:
                a, b = y.operands
                if a in inner and b not in inner and not _PERMUTE.fits(a) and a.type.size <= GROWTH * y.type.size:
                    late.add(y)
        return late

    def _rebuilt(self, sums: dict[Carry, Node], late: set[Node]) -> list[Node]:
        loop, items = self.loop, self.items
        ys = dict.fromkeys(y for y in loop.ys if y not in late)
        factors = [f for term in sums.values() for f in _factors(term)]
        ys.update(dict.fromkeys(f for f in (*factors, *(y.operands[0] for y in loop.ys if y in late)) if f not in items))
        plain = self._plain_sums(sums, ys)
        carries = [c for c in loop.carries if c not in sums and c not in plain]
        read = set(toposort([*(c.next for c in carries), *ys]))
        xs, captures = ([b for b in part if b.param in read] for part in (loop.xs, loop.captures))
        ends, stacks = replace(loop, carries=carries, xs=xs, captures=captures, ys=tuple(ys)).results()
        last = dict(zip(carries, ends, strict=True))
        all_of = items | dict(zip(ys, stacks, strict=True))
        for c, term in sums.items():
            a, b = (build.reshape(all_of[f], (self.length * f.shape[0], f.shape[1])) for f in _factors(term))
            last[c] = _plus(c.operand, build.matmul(build.swap_last(a), b))
        for c, term in plain.items():
            last[c] = _plus(c.operand, build.sum_(all_of[term], (0,)))
        joined = [self._product_of_all(y, all_of) if y in late else all_of[y] for y in loop.ys]
        return [*(last[c] for c in loop.carries), *joined]

    def _plain_sums(self, sums: dict[Carry, Node], ys: dict[Node, None]) -> dict[Carry, Node]:
        """Return the carried values that only accumulate stacked ys, with the value that each iteration adds."""
        if not sums:
            return {}
        readers = self._readers()
        plain = {}
        for c in self.loop.carries:
            if c in sums or not _ADD.fits(c.next) or readers[c.next] != 1 or readers[c.param] != 1:
                continue
            if c.param in c.next.operands and (term := next(o for o in c.next.operands if o is not c.param)) in ys:
                plain[c] = term
        return plain

    def _product_of_all(self, product: Node, all_of: dict[Node, Node]) -> Node:
        a, b = product.operands
        one = make(PARAMETER, (), {"dtype": a.dtype, "shape": a.shape})
        (outer,) = substitute([b], self.captured)
        ((many, _),) = batch([build.matmul(one, outer)], {one: all_of[a]}, self.length)
        return many


def _of_a_loop(x: Node) -> bool:
    """Whether a node is the stack of an inner loop: its product is already large, too large to keep for all iterations."""
    while x.op.kind == "movement" or is_result(x):
        x = x.operands[0]
    return bool(x.regions)


def _plus(start: Node, total: Node) -> Node:
    """Add an initial value to a total; the initial value of a gradient is zero."""
    return total if is_zero(start) else start + total


def _factors(product: Node) -> tuple[Node, Node]:
    """Return a and b of the product a^T b."""
    a, b = product.operands
    return (a.operands[0] if _PERMUTE.fits(a) else build.swap_last(a)), b
