"""Containers of parameters."""

from __future__ import annotations

import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.net import names


def test_parameter_containers_hold_tensors_and_other_objects():
    p, q = nn.Parameter(G.ones(1)), nn.Parameter(G.ones(2))
    held = nn.ParameterList([p, 3, G.ones(3)])
    held[0] = q
    assert held[0] is q and held[1] == 3 and held[-1].requires_grad and names(held) == ["0", "2"] and len(held) == 3
    assert [type(x) for x in held[1:]] == [int, nn.Parameter]
    held += [p]
    assert held[3] is p
    with pytest.raises(IndexError, match="index 4 is out of range"):
        held[4] = p
    with pytest.raises(TypeError, match="should be called with an iterable, but got Tensor"):
        held.extend(G.ones(3))
    named = nn.ParameterDict({"b": p, "a": q, "n": 7})
    assert list(named) == ["a", "b", "n"] and names(named) == ["a", "b"] and named["n"] == 7
    named["a"] = p
    assert list(named) == ["a", "b", "n"] and named.pop("n") == 7 and named.popitem()[0] == "b" and "b" not in named
    assert list((named | {"z": q}).keys()) == ["a", "z"] and named.get("z") is None and named.setdefault("z", q) is q
    with pytest.raises(KeyError, match="training"):
        named["training"]
