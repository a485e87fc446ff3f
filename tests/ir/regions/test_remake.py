"""A node is made again only where a part of it differs."""

from __future__ import annotations

from graphc.ir.core.graph import Region, make, parameter
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import F64, TensorType
from graphc.ir.regions.remake import kept_regions, remade, same

T = TensorType(F64, (3,))


def test_equal_parts_give_the_same_node() -> None:
    x, y, a = parameter(T), parameter(T), parameter(T)
    fusion, checkpoint = PRIMITIVES["fusion"], PRIMITIVES["checkpoint"]
    node = make(checkpoint, (x,), {"barrier": False}, (Region((a,), (a + a,)),))
    assert remade(node, checkpoint, [x], {"barrier": False}, list(node.regions)) is node
    assert remade(node, checkpoint, [y], {"barrier": False}, node.regions).operands == (y,)
    assert remade(node, checkpoint, [x], {"barrier": True}, node.regions).params == {"barrier": True}
    assert remade(node, fusion, [x], {}, node.regions).op is fusion
    assert remade(None, checkpoint, [x], {"barrier": False}, node.regions).op is checkpoint


def test_regions_are_kept_one_by_one() -> None:
    a, x = parameter(T), parameter(T)
    old = make(PRIMITIVES["fusion"], (x,), {}, (Region((a,), (a + a,)),))
    (equal,) = kept_regions(old, [Region((a,), old.regions[0].results)])
    (other,) = kept_regions(old, [Region((a,), (a,))])
    assert equal is old.regions[0] and other is not old.regions[0] and other.results == (a,)
    assert kept_regions(old, []) == () and kept_regions(None, [other]) == (other,)
    assert same([a, x], (a, x)) and not same([a], [x]) and not same([a], [a, x])
