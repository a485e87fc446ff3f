"""Pytrees: flatten, rebuild, map."""

from __future__ import annotations

from collections import OrderedDict, defaultdict

import pytest

from graphc.core import pytree
from tests.graphc.func.pairs import Pair


def test_pytrees() -> None:
    nest = ((1, None), [2, {"b": 3, "a": (4,)}])
    leaves, tree = pytree.flatten(nest)
    assert (
        leaves == [1, 2, 3, 4]
        and tree.size == 4
        and pytree.unflatten([10, 20, 30, 40], tree) == ((10, None), [20, {"b": 30, "a": (40,)}])
    )
    assert list(pytree.paths(tree, "x")) == ["x_0_0", "x_1_0", "x_1_1_b", "x_1_1_a_0"]
    assert pytree.tree_map(lambda a, b: a + b, nest, nest) == ((2, None), [4, {"b": 6, "a": (8,)}])
    with pytest.raises(ValueError, match="expected pytrees of one structure"):
        pytree.tree_map(lambda a, b: a, (1, 2), [1, 2])


@pytest.mark.parametrize("nest", [
    1, (), (1,), [1, (2,)], {"a": 1, 2: [3, None]}, OrderedDict(b=1, a=(2,)), defaultdict(list, x=[1]), Pair(1, [Pair(2, 3)]),
    None,
])  # fmt: skip
def test_a_builder_is_unflatten(nest):
    leaves, tree = pytree.flatten(nest)
    built = pytree.builder(tree)([-x for x in leaves])
    assert built == pytree.unflatten([-x for x in leaves], tree) and type(built) is type(nest)


def test_a_builder_of_a_nest_too_deep_for_python_to_read():
    nest = 1
    for _ in range(150):
        nest = (nest,)
    leaves, tree = pytree.flatten(nest)
    assert pytree.builder(tree)(leaves) == nest
