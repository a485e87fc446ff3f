"""Index maps say what NumPy does: one movement, chains of them, and loops split, fused and exchanged."""

from __future__ import annotations

import random

import numpy as np
import pytest

from graphc.ir.access.affine import Affine, Digit, axis_form, digits
from graphc.ir.access.guard import Guard, joined
from graphc.ir.access.index_map import Access, IndexMap, access, identity, index_map, reshape_map
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, Node, parameter
from graphc.ir.core.guards import Guards
from graphc.ir.core.types import I64, TensorType
from graphc.ir.interpret.evaluate import evaluate
from tests.movement import EXTENTS, moved, numbered, param


def read(map: IndexMap, array: np.ndarray, fill: int = 0) -> np.ndarray:
    """Read an array through a map, point by point."""
    grid = np.indices(map.shape)
    inside = np.broadcast_to(map.inside(grid), map.shape)
    if not array.size:
        assert not inside.any()
        return np.full(map.shape, fill)
    index = [np.broadcast_to(i, map.shape) for i in map.index(grid)]
    for i, n in zip(index, array.shape, strict=True):
        assert ((i >= 0) & (i < n))[inside].all(), str(map)
    return np.where(inside, array[tuple(np.clip(i, 0, n - 1) for i, n in zip(index, array.shape, strict=True))], fill)


def value(node: Node, x: Node, array: np.ndarray) -> np.ndarray:
    return evaluate(Graph((x,), (node,)), [array])[0]


@pytest.mark.parametrize("seed", range(40))
def test_one_movement_is_numpys(seed):
    rng = random.Random(seed)
    for _ in range(10):
        x = param(*(rng.choice(EXTENTS) for _ in range(rng.randint(0, 3))))
        node = moved(rng, x, build.constant(0, I64, ()))
        if node is not x:
            map = index_map(node)
            assert (map.shape, map.below, len(map.axes)) == (node.shape, x.shape, x.type.rank)
            np.testing.assert_array_equal(read(map, numbered(x.shape)), value(node, x, numbered(x.shape)), str(map))


@pytest.mark.parametrize("seed", range(60))
def test_chains_compose(seed):
    """A chain is one map as far as its fills and the steps of its guards are the same, and it is what NumPy computes."""
    rng, whole = random.Random(seed), 0
    for _ in range(10):
        x = param(*(rng.choice(EXTENTS) for _ in range(rng.randint(0, 3))))
        node = x
        for _ in range(rng.randint(2, 5)):
            node = moved(rng, node, build.constant(7, I64, ()))
        found = access(node)
        base = value(found.base, x, numbered(x.shape)) if found.base is not x else numbered(x.shape)
        np.testing.assert_array_equal(read(found.map, base, 7), value(node, x, numbered(x.shape)), str(found.map))
        forms = [g.form.terms for g in found.map.guards]
        assert len(set(forms)) == len(forms)
        whole += found.base is x
    assert whole >= 7  # what is not: an axis with fill between its elements, twice


def test_concatenation_is_a_guarded_read_of_each_part():
    parts = [param(2, 3), param(2, 0), param(2, 4)]
    node = build.concatenate(parts, 1)
    arrays = [numbered(p.shape) + 100 * i for i, p in enumerate(parts)]
    maps = [index_map(node, i) for i in range(3)]
    total = sum(read(m, a) for m, a in zip(maps, arrays, strict=True))
    np.testing.assert_array_equal(total, np.concatenate(arrays, 1))
    assert [str(m) for m in maps] == ["[i0, i1] if i1 < 3", "[i0, i1 - 3] if 0 <= i1 - 3 < 0", "[i0, i1 - 3] if 0 <= i1 - 3"]


def test_maps_are_spelled():
    x = param(4, 6)
    assert str(index_map(build.permute(x, (1, 0)))) == "[i1, i0]"
    assert str(index_map(build.slice_(x, (1, 0), (4, 6), (2, 1)))) == "[2*i0 + 1, i1]"
    assert str(index_map(build.flip(x, (1,)))) == "[i0, -1*i1 + 5]"
    assert str(index_map(build.reshape(x, (24,)))) == "[(i0 / 6), (i0 % 6)]"
    assert str(index_map(build.reshape(x, (4, 2, 3)))) == "[i0, 3*i1 + i2]"
    assert str(index_map(build.broadcast(x, (4, 5, 6), (0, 2)))) == "[i0, i2]"
    assert str(index_map(build.pad(x, (1, 0), (2, 3)))) == "[i0 - 1, i1] if 0 <= i0 - 1 < 4 and i1 < 6"


def test_sources_are_axes_read_in_order_and_as_a_whole():
    x = param(4, 6, 1, 5)
    maps = {
        index_map(build.permute(x, (2, 3, 0, 1))): (2, 3, None, 1),
        index_map(build.slice_(x, (1, 0, 0, 0), (4, 6, 1, 4))): (None, 1, None, None),
        index_map(build.slice_(x, (0, 0, 0, 0), (4, 6, 1, 5), (1, 2, 1, 1))): (0, None, None, 3),
        index_map(build.flip(x, (0,))): (None, 1, None, 3),
        index_map(build.pad(x, (0, 0, 1, 0), (0, 2, 0, 0))): (0, None, None, 3),
        index_map(build.reshape(x, (2, 2, 6, 5))): (None, 2, None, 3),
    }
    assert {m: m.sources for m in maps} == maps
    assert [m.shifts for m in maps] == [False, True, True, True, True, False]
    repeated = index_map(build.broadcast(x, (4, 6, 1, 5, 7), (0, 1, 2, 3)))
    assert repeated.sources == (0, 1, None, 3) and repeated.varied == {0, 1, 3} and not repeated.shifts


def test_blocks_are_axes_that_a_reshape_merges_or_splits():
    x = param(4, 6, 1, 5)
    assert index_map(build.reshape(x, (24, 5))).blocks == (((0,), (0, 1)), ((1,), (3,)))
    assert index_map(build.reshape(x, (4, 2, 1, 15))).blocks == (((0,), (0,)), ((1, 3), (1, 3)))
    assert index_map(build.reshape(x, (2, 2, 6, 1, 5))).blocks == (((0, 1), (0,)), ((2,), (1,)), ((4,), (3,)))
    through = reshape_map((24, 5), (4, 6, 5)).then(index_map(build.flip(param(4, 6, 5), (2,))))
    assert through is not None and through.blocks == (((0,), (0, 1)),) and through.shifts
    cut = reshape_map((24, 5), (4, 6, 5)).then(index_map(build.pad(param(4, 5, 5), (0, 1, 0), (0, 0, 0))))
    assert cut is not None and cut.blocks == (((1,), (2,)),) and cut.shifts


def test_reshape_there_and_back_is_the_identity():
    shapes = [((4, 6), (24,)), ((4, 6), (2, 12)), ((2, 3, 4), (6, 4)), ((5, 1, 7), (35,)), ((3, 4), (4, 3))]
    for shape, other in shapes:
        there, back = reshape_map(shape, other), reshape_map(other, shape)
        assert [f.axis for f in there.then(back).axes if f.axis is not None] == [a for a, n in enumerate(shape) if n != 1]


def test_a_loop_split_or_fused_before_a_map():
    """Loops (2, 3, 4) in the place of the axes (6, 4) make both axes of a reshape forms of loops."""
    map = reshape_map((6, 4), (2, 12))
    assert any(isinstance(atom, Digit) for form in map.axes for atom, _ in form.terms)
    split = reshape_map((2, 3, 4), (6, 4)).then(map)
    assert str(split) == "[i0, 4*i1 + i2]"
    fused = reshape_map((24,), (2, 3, 4)).then(split)
    np.testing.assert_array_equal(read(fused, numbered((2, 12))), numbered((24,)))


def test_guards_of_one_form_are_one():
    x = param(8)
    window = build.pad(build.slice_(x, (2,), (6,)), (1,), (3,))
    found = access(build.flip(build.pad(window, (2,), (0,)), (0,)))
    assert found.base is x and str(found.map) == "[-1*i0 + 8] if 3 <= i0 < 7"
    other = access(build.pad(window, (2,), (0,), fill=1))
    assert isinstance(other, Access) and other.base is window  # another fill: another read


def test_guards_with_steps():
    form = axis_form(0, -2, 7)
    for low, high, step in ((0, 3, 1), (-1, 2, 3), (None, 2, 5), (1, None, 2)):
        guard = Guard(form, low, high, step)
        reduced = joined([guard])
        points = range(-20, 20)
        assert reduced is not None
        assert [all(g.holds((i,)) for g in reduced) for i in points] == [bool(guard.holds((i,))) for i in points]
    assert joined([Guard(form, 0, 5, 3), Guard(axis_form(0), 0, 9, 4)]) is None
    both = joined([Guard(form, 0, 5, 3), Guard(axis_form(0), 0, 3)])
    assert both is not None and [i for i in range(-9, 9) if both[0].holds((i,))] == [2]
    assert joined([Guard(Affine((), 3), 0, 4)]) == () and len(joined([Guard(Affine((), 3), 0, 3)]) or ()) == 1


def test_digits_line_up_with_loops():
    assert [str(f) for f in digits(Affine(((0, 12), (1, 4), (2, 1))), (2, 3, 4), (2, 3, 4))] == ["i0", "i1", "i2"]
    assert [str(f) for f in digits(axis_form(0), (2, 3), (6,))] == ["(i0 / 3)", "(i0 % 3)"]
    assert [str(f) for f in digits(Affine(((0, 6), (1, 1))), (4, 3), (2, 3))] == ["2*i0", "i1"]


def test_extents_may_be_symbols():
    guards = Guards([40, 30])
    n, k = guards.symbols
    x = parameter(TensorType(I64, (n, k)), "x")
    node = build.pad(build.permute(build.slice_(x, (0, 9), (n, k)), (1, 0)), (20, 0), (0, n))
    map = access(node).map
    numbers = [map.shape[0], map.shape[1], map.axes[1].const, map.guards[1].high]
    assert [int(i) for i in guards.specialization(numbers).replay([100, 50])] == [61, 200, -11, 100]


def test_a_map_of_nothing_is_identity():
    x = param(3, 2)
    assert access(x) == Access(x, identity((3, 2))) and identity((3, 2)).sources == (0, 1)
