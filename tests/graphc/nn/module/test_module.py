"""Modules: text, members, modes, hooks, copies."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.net import Net

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


def test_gradients_are_converted_with_their_parameters() -> None:
    layer = nn.Linear(2, 1)
    layer(G.ones(1, 2)).sum().backward()
    layer.double()
    layer(G.ones(1, 2, dtype=G.float64)).sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.dtype is G.float64
    assert layer.weight.grad.tolist() == [[2.0, 2.0]]


def test_members_by_dotted_name() -> None:
    model = nn.Sequential(nn.Sequential(nn.BatchNorm1d(2)))
    assert model.get_buffer("0.0.running_var").tolist() == [1.0, 1.0]
    with pytest.raises(AttributeError, match="`weight` is not a buffer"):
        model.get_buffer("0.0.weight")
    with pytest.raises(AttributeError, match="BatchNorm1d has no attribute `x`"):
        model.get_buffer("0.0.x")
    model.set_submodule("0.0", nn.ReLU())
    model.set_submodule("0.new", nn.Tanh())
    assert repr(model[0]) == "Sequential(\n  (0): ReLU()\n  (new): Tanh()\n)"
    with pytest.raises(AttributeError, match="Sequential has no attribute `other`"):
        model.set_submodule("0.other", nn.ReLU(), strict=True)
    with pytest.raises(ValueError, match="without a target name"):
        model.set_submodule("", nn.ReLU())


def test_what_the_cpu_cannot_do_is_refused() -> None:
    layer: Any = nn.Linear(1, 1)
    assert layer.to("cpu") is layer and layer.to_empty(device="cpu") is layer and layer.type(G.float64) is layer
    assert layer.weight.dtype is G.float64
    for call in (layer.cuda, lambda: layer.to("cuda"), lambda: layer.to_empty(device="meta"), lambda: layer.type(G.int64)):
        with pytest.raises(RuntimeError):
            call()


def test_compiled_in_place() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    twin, x = copy.deepcopy(model), G.randn(4, 2)
    model.compile()
    for _ in range(2):
        assert G.allclose(model(x), twin(x), atol=1e-6)
    assert G.allclose(model[1].running_mean, twin[1].running_mean)
    model(x).sum().backward()
    twin(x).sum().backward()
    assert all(G.allclose(p.grad, q.grad, atol=1e-5) for p, q in zip(model.parameters(), twin.parameters(), strict=True))
    handle = model.register_forward_hook(lambda m, args, out: out * 0)
    assert float(model(x).abs().sum()) == 0
    handle.remove()
    assert G.allclose(model.eval()(x), copy.deepcopy(model)(x), atol=1e-6)
