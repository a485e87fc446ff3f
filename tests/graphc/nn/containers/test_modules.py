"""Containers of modules."""

from __future__ import annotations

import pytest

from graphc import nn


def test_containers_are_edited_like_lists_and_dictionaries():
    a, b, c = nn.Linear(1, 1), nn.ReLU(), nn.Tanh()
    row = nn.Sequential({"first": a, "second": b})
    row[0] = c
    assert list(row._modules) == ["first", "second"] and list(row[:1]._modules) == ["first"]
    row.insert(1, a)
    assert list(row) == [c, a, b] and list(row._modules) == ["0", "1", "2"]
    del row[::2]
    assert list(row) == [a] and list(row._modules) == ["0"]
    row += nn.Sequential(b)
    assert list(row + row) == [a, b, a, b] and list(row * 2) == [a, b, a, b] and row.pop(-1) is b and len(row) == 1
    with pytest.raises(IndexError, match="Index out of range: 3"):
        row.insert(3, b)
    with pytest.raises(IndexError, match="index -2 is out of range"):
        row[-2] = b
    modules = nn.ModuleList([a])
    modules += [b, c]
    assert modules.pop(0) is a and list(modules._modules) == ["0", "1"] and list(modules.__add__([a])) == [b, c, a]
    modules[0] = a
    assert list(modules) == [a, c] and type(modules[:1]) is nn.ModuleList
    by_name = nn.ModuleDict([("x", a), ("y", b)])
    by_name["x"] = c
    assert list(by_name.items()) == [("x", c), ("y", b)] and by_name.pop("x") is c
    by_name.clear()
    assert len(by_name) == 0
