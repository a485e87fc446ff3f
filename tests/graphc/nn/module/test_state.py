"""State dictionaries."""

from __future__ import annotations

import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.net import Net


def test_state_goes_from_one_model_to_another() -> None:
    G.manual_seed(0)
    a, b = Net(), Net()
    assert not G.equal(a.first.weight, b.first.weight)
    assert repr(b.load_state_dict(a.state_dict())) == "<All keys matched successfully>"
    x = G.randn(5, 3)
    assert G.equal(a.eval()(x), b.eval()(x))
    a.state_dict()["scale"].fill_(3.0)
    assert a.scale.tolist() == [3.0] * 4
    with pytest.raises(RuntimeError, match='Unexpected key\\(s\\) in state_dict: "x"'):
        b.load_state_dict({**a.state_dict(), "x": G.ones(1)})
    with pytest.raises(RuntimeError, match=r"size mismatch for scale: copying a param with shape torch.Size\(\[2\]\)"):
        b.load_state_dict({**a.state_dict(), "scale": G.ones(2)})
    missing = b.load_state_dict({"scale": G.ones(4)}, strict=False)
    assert "first.weight" in missing.missing_keys and b.scale.tolist() == [1.0] * 4


def test_a_loaded_state_can_be_assigned():
    model = nn.Linear(2, 1)
    model.bias.requires_grad_(False)
    state = {"weight": G.ones(1, 2, dtype=G.float64), "bias": nn.Parameter(G.ones(1))}
    model.load_state_dict(state, assign=True)
    assert model.weight.dtype is G.float64 and model.weight.requires_grad and model.bias is state["bias"]
    assert not model.bias.requires_grad
    with pytest.raises(RuntimeError, match='parameter named "bias", expected torch'):
        model.load_state_dict({"weight": G.ones(1, 2), "bias": 3})
    m = nn.Module()
    m.register_buffer("count", G.tensor(0))
    m.load_state_dict({"count": G.tensor([5])})
    assert m.count.item() == 5
