"""Modules: what they hold, how they print, what they compute and how they start."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn

REPRS = {
    "Linear(in_features=2, out_features=3, bias=False)": lambda: nn.Linear(2, 3, bias=False),
    "Embedding(3, 4, padding_idx=1)": lambda: nn.Embedding(3, 4, padding_idx=1),
    "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)": lambda: nn.LayerNorm(3),
    "RMSNorm((3,), eps=None, elementwise_affine=True)": lambda: nn.RMSNorm(3),
    "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)": lambda: nn.BatchNorm1d(3),
    "Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))": lambda: nn.Conv2d(3, 4, 3, padding=1),
    "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)": lambda: nn.MaxPool2d(2),
    "Dropout(p=0.2, inplace=False)": lambda: nn.Dropout(0.2),
    "Flatten(start_dim=1, end_dim=-1)": nn.Flatten,
    "ReLU(inplace=True)": lambda: nn.ReLU(inplace=True),
    "GELU(approximate='none')": nn.GELU,
    "LeakyReLU(negative_slope=0.01)": nn.LeakyReLU,
    "Softmax(dim=1)": lambda: nn.Softmax(dim=1),
    "Softplus(beta=1.0, threshold=20.0)": nn.Softplus,
    "CrossEntropyLoss()": nn.CrossEntropyLoss,
    "ModuleList(\n  (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)\n)": lambda: nn.ModuleList(
        [nn.Linear(2, 2) for _ in range(3)]
    ),
    (
        "Sequential(\n  (0): Sequential(\n    (0): Linear(in_features=1, "
        "out_features=2, bias=True)\n    (1): ReLU()\n  )\n  (1): Tanh()\n)"
    ): (lambda: nn.Sequential(nn.Sequential(nn.Linear(1, 2), nn.ReLU()), nn.Tanh())),
    "Parameter containing:\ntensor([1., 1.], requires_grad=True)": lambda: nn.Parameter(G.ones(2)),
}


@pytest.mark.parametrize(("text", "make"), REPRS.items(), ids=[t.split("(")[0] for t in REPRS])
def test_text_is_torchs(text: str, make: Any) -> None:
    assert repr(make()) == text


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.scale = nn.Parameter(G.ones(4))
        self.register_buffer("shift", G.zeros(4))
        self.register_buffer("scratch", G.zeros(1), persistent=False)
        self.last = self.first

    def forward(self, x: Any) -> Any:
        return self.norm(self.first(x)) * self.scale + self.shift


def test_members_by_name() -> None:
    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["scale", "first.weight", "first.bias", "norm.weight", "norm.bias"]
    assert [n for n, _ in net.named_buffers()] == [
        "shift",
        "scratch",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]
    assert [n for n, _ in net.named_modules()] == ["", "first", "norm"]
    assert list(net.state_dict())[:4] == ["scale", "shift", "first.weight", "first.bias"]
    assert "scratch" not in net.state_dict() and "last.weight" in net.state_dict()
    assert net.get_submodule("norm") is net.norm and net.get_parameter("first.bias") is net.first.bias
    del net.last
    assert not hasattr(net, "last")


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


def test_modes_hooks_and_apply() -> None:
    net = Net()
    assert net.eval() is net and not net.norm.training and net.train().norm.training
    seen: list[str] = []
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "BatchNorm1d", "Net"]
    handle = net.register_forward_hook(lambda m, args, out: out * 0)
    assert float(net(G.randn(4, 3)).abs().sum()) == 0
    handle.remove()
    assert float(net(G.randn(4, 3)).abs().sum()) > 0
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())


def test_copies_are_independent() -> None:
    net = Net()
    twin = copy.deepcopy(net)
    with G.no_grad():
        twin.scale.fill_(5.0)
    assert net.scale.tolist() == [1.0] * 4 and twin.first is twin.last
    assert net.double().first.weight.dtype is G.float64 and net.norm.num_batches_tracked.dtype is G.int64


def test_batch_norm_keeps_running_statistics() -> None:
    x = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    norm = nn.BatchNorm1d(3)
    norm(G.tensor(x))
    np.testing.assert_allclose(norm.running_mean.numpy(), 0.1 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-5)
    assert norm.num_batches_tracked.item() == 1
    expected = (x - 0.1 * x.mean(0)) / np.sqrt(0.9 + 0.1 * x.var(0, ddof=1) + 1e-5)
    np.testing.assert_allclose(norm.eval()(G.tensor(x)).detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_parameters_start_as_torchs_do() -> None:
    G.manual_seed(1)
    layer = nn.Linear(100, 200)
    for values in (layer.weight.detach().numpy(), layer.bias.detach().numpy()):
        assert np.abs(values).max() <= 0.1 and np.abs(values).max() > 0.095
        assert values.std() == pytest.approx(0.1 / math.sqrt(3), rel=0.05)
    table = nn.Embedding(50, 40, padding_idx=0).weight.detach().numpy()
    assert (table[0] == 0).all() and table[1:].std() == pytest.approx(1, rel=0.05)
    cut = nn.init.trunc_normal_(G.empty(100, 100), std=2.0, a=-2.0, b=1.0).numpy()
    assert cut.min() >= -2 and cut.max() <= 1 and cut.mean() == pytest.approx(-0.413, abs=0.03)
    wide = nn.init.xavier_normal_(G.empty(100, 300)).numpy()
    assert wide.std() == pytest.approx(math.sqrt(2 / 400), rel=0.05)
    assert nn.init.kaiming_normal_(G.empty(300, 200), nonlinearity="relu").numpy().std() == pytest.approx(0.1, rel=0.05)


def test_padding_gets_no_gradient() -> None:
    layer = nn.Embedding(4, 2, padding_idx=1)
    layer(G.tensor([[0, 1], [1, 3]])).sum().backward()
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0], [1, 1]]


def test_dropout_follows_the_mode() -> None:
    G.manual_seed(0)
    layer, x = nn.Dropout(0.5), G.ones(1000)
    assert 400 < int((layer(x) == 0).sum()) < 600
    assert layer.eval()(x) is x
    channels = nn.Dropout2d(0.5)(G.ones(1, 50, 2, 2)).numpy()
    assert set(np.unique(channels.sum((2, 3)))) == {0.0, 8.0}


def test_clip_grad_norm() -> None:
    a, b = nn.Parameter(G.ones(3)), nn.Parameter(G.ones(2))
    ((a * 3).sum() + (b * 4).sum()).backward()
    total = nn.utils.clip_grad_norm_([a, b], 1.0)
    norm = math.sqrt(27 + 32)
    assert float(total) == pytest.approx(norm)
    np.testing.assert_allclose(a.grad.numpy(), 3 / norm, rtol=1e-5)
    vector = nn.utils.parameters_to_vector([a, b])
    nn.utils.vector_to_parameters(vector.detach() * 2, [a, b])
    assert b.tolist() == [2.0, 2.0]


def test_data_loader_visits_everything_once() -> None:
    data = G.utils.data.TensorDataset(G.arange(10), G.arange(10) * 2)
    loader = G.utils.data.DataLoader(data, batch_size=4, shuffle=True)
    batches = list(loader)
    assert [len(x) for x, _ in batches] == [4, 4, 2] and len(loader) == 3
    assert sorted(v for x, _ in batches for v in x.tolist()) == list(range(10))
    assert all(G.equal(y, x * 2) for x, y in batches)
    assert len(list(G.utils.data.DataLoader(data, batch_size=4, drop_last=True))) == 2


def names(module):
    return [name for name, _ in module.named_parameters()]


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
