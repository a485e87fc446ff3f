"""Partial writes: reads are forwarded to what was written, chains of writes become one concatenation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from graphc.ir.core.build import concatenate, constant, full_like, pad, select, slice_
from graphc.ir.core.graph import Graph, Node
from graphc.ir.core.types import BOOL
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.rewrite.simplify import simplify
from graphc.ir.rewrite.stores import COALESCE, FORWARD, LEAST, coalesce_stores
from tests.ir.rewrite.rules import graph_of, inputs


def store(whole: Node, low: tuple[int, ...], new: Node) -> Node:
    """Write to a box that begins at `low`."""
    high = [m - s - n for m, s, n in zip(whole.shape, low, new.shape, strict=True)]
    inside = pad(constant(True, BOOL, new.shape), low, high, fill=False)
    return select(inside, pad(new, low, high), whole)


def coalesced(graph: Graph) -> Graph:
    return graph.replace(tuple(coalesce_stores(graph.results)))


def ops(graph: Graph) -> Counter[str]:
    return Counter(n.op.name for n in graph.nodes())


def assert_equal(before: Graph, after: Graph) -> None:
    arrays = inputs(before)
    for a, b in zip(evaluate(before, arrays), evaluate(after, arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_chain_becomes_a_concatenation() -> None:
    def rows(x: Node, *new: Node) -> Node:
        for i, row in enumerate(new):
            x = store(x, (2 * i, 0), row)
        return x

    before = graph_of("f64[9,3] f64[1,3] f64[1,3] f64[1,3] f64[1,3]", rows)
    x, a, b, c, d = before.params
    gaps = [slice_(x, (i, 0), (i + 1, 3)) for i in (1, 3, 5)]
    after = coalesced(before)
    assert after.results[0] is concatenate([a, gaps[0], b, gaps[1], c, gaps[2], d, slice_(x, (7, 0), (9, 3))], 0)
    assert_equal(before, after)


def test_a_later_write_covers_earlier_ones() -> None:
    def parts(x: Node, a: Node, b: Node) -> Node:
        return store(store(store(store(x, (1,), a), (6,), b), (0,), b), (2,), a)

    before = graph_of("i64[9] i64[4] i64[2]", parts)
    x, a, b = before.params
    after = coalesced(before)
    assert after.results[0] is concatenate([b, a, b, slice_(x, (8,), (9,))], 0)
    assert_equal(before, after)


def test_zeros_are_written_too() -> None:
    def holes(x: Node) -> Node:
        for i in range(4):
            mask = pad(constant(True, BOOL, (1, 2)), (i, 0), (5 - i, 0), fill=False)
            x = select(mask, full_like(x, 0), x)
        return x

    before = graph_of("f32[6,2]", holes)
    after = coalesced(before)
    assert "select" not in ops(after)
    assert_equal(before, after)


@pytest.mark.parametrize("count", [1, LEAST - 1])
def test_few_writes_stay(count: int) -> None:
    def few(x: Node, a: Node) -> Node:
        for i in range(count):
            x = store(x, (i,), a)
        return x

    graph = graph_of("f64[9] f64[1]", few)
    assert coalesced(graph).results == graph.results


def test_writes_along_two_axes_stay() -> None:
    def both(x: Node, row: Node, column: Node) -> Node:
        return store(store(store(store(x, (0, 0), row), (4, 0), row), (0, 0), column), (0, 4), column)

    graph = graph_of("f64[5,5] f64[1,5] f64[5,1]", both)
    assert coalesced(graph).results == graph.results


def test_a_version_with_other_readers_ends_the_chain() -> None:
    def read(x: Node, a: Node) -> Node:
        for i in range(4):
            x = store(x, (i,), a)
        kept = x
        for i in range(4):
            x = store(x, (i + 2,), a * 2)
        return x + kept * kept

    before = graph_of("f64[9] f64[1]", read)
    after = coalesced(before)
    assert "select" not in ops(after) and ops(after)["concatenate"] == 2
    assert_equal(before, after)


def test_reads_go_to_what_was_written() -> None:
    """Each row is computed from the previous one, read from the buffer; no version of the buffer is needed for it."""

    def rows(x: Node, a: Node) -> Node:
        x = store(x, (0, 0), a)
        for i in range(1, 8):
            x = store(x, (i, 0), slice_(x, (i - 1, 0), (i, 3)) * a)
        return x

    before = graph_of("f64[8,3] f64[1,3]", rows)
    after = coalesced(before)
    assert ops(after) == {"mul": 7, "concatenate": 1}
    assert_equal(before, after)


def test_reads_across_the_edge_of_a_write_stay() -> None:
    def read(x: Node, a: Node) -> Node:
        for i in range(4):
            x = store(x, (2 * i,), a)
        return slice_(x, (1,), (3,))

    before = graph_of("f64[9] f64[2]", read)
    assert_equal(before, coalesced(before))
    assert_equal(before, simplify(before))


def test_zero_terms_of_a_sum_are_not_read() -> None:
    def gradient(g: Node, r: Node) -> Node:
        pieces = []
        for i in reversed(range(6)):
            pieces.append(slice_(g, (i, 0), (i + 1, 2)))
            mask = pad(constant(True, BOOL, (1, 2)), (i, 0), (5 - i, 0), fill=False)
            g = select(mask, full_like(g, 0), g) + pad(r, (max(i - 1, 0), 0), (5 - max(i - 1, 0), 0))
        return concatenate(pieces, 0)

    before = graph_of("f64[6,2] f64[1,2]", gradient)
    after = coalesced(before)
    assert "select" not in ops(after)
    assert_equal(before, after)


@pytest.mark.parametrize("fill", [0.0, -0.0])
def test_reads_keep_the_sign_of_zeros(fill: float) -> None:
    def sums(x: Node, a: Node) -> Node:
        before = x
        for i in range(4):
            x = store(x, (2 * i,), a)
        padded = pad(a, (6,), (2,), fill=fill)
        every = [x + full_like(x, fill), padded + x, padded + (x + before), (x + before) + padded]
        return concatenate([slice_(y, (0,), (2,)) for y in every], 0)

    before = graph_of("f32[10] f32[2]", sums)
    after = coalesced(before)
    assert "select" not in ops(after)
    arrays = [np.full(10, -0.0, np.float32), np.full(2, -0.0, np.float32)]
    (expected,), (found,) = evaluate(before, arrays), evaluate(after, arrays)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


def test_random_writes_and_reads() -> None:
    """Boxes of any position, extent and axis, reads with steps in between: the values stay, in all three forms."""
    joined = forwarded = 0
    for seed in range(250):
        rng = np.random.default_rng(seed)
        shape = tuple(int(n) for n in rng.integers(3, 9, size=int(rng.integers(1, 4))))
        axis = int(rng.integers(len(shape)))

        def box(rng: np.random.Generator, shape: tuple[int, ...], axis: int) -> tuple[list[int], list[int]]:
            low, stop = [0] * len(shape), list(shape)
            for a, n in enumerate(shape):
                if a == axis or rng.random() < 0.1:
                    low[a] = int(rng.integers(0, n))
                    stop[a] = int(rng.integers(low[a] + 1, n + 1))
            return low, stop

        def program(x: Node, y: Node, rng: np.random.Generator = rng, shape: tuple[int, ...] = shape, axis: int = axis) -> Node:
            for _ in range(int(rng.integers(4, 10))):
                low, stop = box(rng, shape, axis)
                source = x if rng.random() < 0.5 else y
                x = store(x, tuple(low), slice_(source * 2 if rng.random() < 0.3 else source, low, stop))
                if rng.random() < 0.3:
                    x = x + pad(slice_(y, low, stop), low, [n - s for n, s in zip(shape, stop, strict=True)])
                if rng.random() < 0.3:
                    low, stop = box(rng, shape, axis)
                    part = slice_(x, low, stop, [int(rng.integers(1, 3)) for _ in shape])
                    y = store(y, (0,) * len(shape), part)
            return x * y if rng.random() < 0.5 else x

        before = graph_of(f"f64{list(shape)} f64{list(shape)}".replace(", ", ","), program)
        fired: Counter[str] = Counter()
        after = before.replace(tuple(coalesce_stores(before.results, lambda r, *_, fired=fired: fired.update([r.name]))))
        joined += fired["coalesce-stores"]
        forwarded += fired["forward-store"] + fired["forward-sum"]
        assert_equal(before, after)
        assert_equal(before, simplify(before))
    assert joined > 30 and forwarded > 30


def test_each_rule_has_a_name_and_a_documented_result() -> None:
    assert [r.name for r in (*FORWARD.rules, *COALESCE.rules)] == ["forward-store", "forward-sum", "coalesce-stores"]
    assert str(COALESCE.rules[0]).endswith("→ The concatenation of what a chain of writes along one axis wrote")
