"""Views are those that NumPy has: the same offset and strides, and a copy where NumPy copies."""

from __future__ import annotations

import random

import numpy as np
import pytest

from graphc.ir.analysis.views import as_view, dense_strides, whole_buffer
from graphc.ir.core import build
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from tests.movement import EXTENTS, moved, numbered, param

KINDS = ("permute", "reshape", "reshape", "broadcast", "slice", "flip")


def numpys(node: Node, base: np.ndarray) -> np.ndarray | None:
    """Apply movement to an array as NumPy does; None where that needs a copy."""
    if node.op.name == "parameter":
        return base
    array = numpys(node.operands[0], base)
    if array is None or node.op.name != "reshape":
        return None if array is None else node.op.reference(array, **node.params)
    try:
        view = array.view()
        view.shape = node.shape
    except AttributeError:
        return None
    return view


def laid_out(rng: random.Random, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers in row-major order, in another order, or every other one along the axes."""
    array = numbered(tuple(2 * n for n in shape))[(..., *(slice(0, 2 * n, 2) for n in shape))]
    turned = numbered(shape[::-1]).transpose()
    return rng.choice((numbered(shape), array, turned))


@pytest.mark.parametrize("seed", range(60))
def test_views_are_numpys(seed):
    rng = random.Random(seed)
    for _ in range(10):
        x = param(*(rng.choice(EXTENTS) for _ in range(rng.randint(0, 4))))
        base, node = laid_out(rng, x.shape), x
        for _ in range(rng.randint(1, 4)):
            node = moved(rng, node, build.constant(0, I64, ()), KINDS)
        expected = numpys(node, base)
        strides = tuple(s // 8 for s in base.strides)
        view = as_view(node, lambda _, strides=strides: strides)
        assert (view is None) == (expected is None), str(node)
        if view is not None and expected is not None and node.type.size:
            assert view.base is x
            assert view.offset == (_address(expected) - _address(base)) // 8
            pairs = zip(node.shape, view.strides, expected.strides, strict=True)
            assert all(8 * a == b for n, a, b in pairs if n > 1), str(node)


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_fill_is_no_view():
    x = param(4, 3)
    padded = build.pad(x, (1, 0), (0, 0))
    assert as_view(build.permute(padded, (1, 0)), lambda n: dense_strides(n.shape)) is None


def test_a_whole_buffer_is_all_of_it_in_its_order():
    x = param(4, 3)
    assert whole_buffer(build.reshape(x, (2, 6))) is x and whole_buffer(x) is x
    assert whole_buffer(build.permute(x, (1, 0))) is None
    assert whole_buffer(build.slice_(x, (0, 0), (2, 3))) is None
