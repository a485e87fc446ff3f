"""Attributes of modules: parameters, buffers and submodules."""

from __future__ import annotations

import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.net import Net, names


def test_assignment_checks() -> None:
    net = Net()
    with pytest.raises(TypeError, match=r"as parameter 'scale' \(torch.nn.Parameter or None expected\)"):
        net.scale = G.ones(4)
    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        type("Bad", (nn.Module,), {"__init__": lambda self: setattr(self, "a", nn.ReLU())})()
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'nothing'"):
        _ = net.nothing
    with pytest.raises(KeyError, match="parameter name can"):
        net.register_parameter("a.b", None)
    net.shift = G.ones(4)
    assert net.state_dict()["shift"].tolist() == [1.0] * 4


def test_an_assigned_part_keeps_its_position():
    def layer(value):
        made = nn.Linear(1, 1, bias=False)
        with G.no_grad():
            made.weight.fill_(value)
        return made

    m = nn.Sequential(layer(2.0), nn.ReLU(), layer(3.0))
    m[0] = layer(-1.0)
    m[-1] = layer(5.0)
    assert names(m) == ["0.weight", "2.weight"] and [type(x) for x in m] == [nn.Linear, nn.ReLU, nn.Linear]
    assert m(G.tensor([[-2.0]])).item() == 10.0
    m[1] = nn.Identity()
    assert m(G.tensor([[2.0]])).item() == -10.0
    model = nn.Module()
    model.a, model.b, model.c = layer(1.0), layer(2.0), nn.Parameter(G.ones(1))
    model.a = layer(3.0)
    model.a.weight = nn.Parameter(G.ones(1, 1))
    assert names(model) == ["c", "a.weight", "b.weight"]
    model.a = None
    assert names(model) == ["c", "b.weight"]
    model.a = layer(4.0)
    assert names(model) == ["c", "a.weight", "b.weight"]


def test_what_takes_the_place_of_another_kind():
    m = nn.Module()
    m.x = nn.Linear(1, 1)
    m.x = nn.Parameter(G.ones(2))
    assert names(m) == ["x"] and not m._modules
    with pytest.raises(TypeError, match=r"cannot assign .*Linear' as parameter 'x' \(torch.nn.Parameter or None expected\)"):
        m.x = nn.Linear(1, 1)
    with pytest.raises(TypeError, match=r"cannot assign 'graphc.*Tensor' as parameter 'x'"):
        m.x = G.ones(2)
    m.x = None
    assert names(m) == [] and m.x is None
    m.register_buffer("b", G.zeros(2), persistent=False)
    m.b = G.ones(2)
    assert m.b.tolist() == [1.0, 1.0] and list(m.state_dict()) == []
    m.b = nn.Parameter(G.ones(3))
    assert names(m) == ["b"] and list(m.state_dict()) == ["b"] and dict(m.named_buffers()) == {}
    m.plain = 3
    m.plain = nn.Linear(1, 1)
    assert "plain" not in m.__dict__ and names(m) == ["b", "plain.weight", "plain.bias"]
    with pytest.raises(KeyError, match="attribute 'forward' already exists"):
        m.register_parameter("forward", None)
    for register in (m.register_buffer, m.add_module, m.register_parameter):
        with pytest.raises(TypeError, match="name should be a string"):
            register(3, None)
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'y'"):
        m.y = nn.Parameter._adopt(nn.Parameter(G.ones(1)) * 2)
