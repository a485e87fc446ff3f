"""Compiled modules are modules: of the same class, with the same attributes, inside other modules, copied and pickled."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import graphc
from graphc import Tensor, nn, optim


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.factor = 2.0
        self.register_buffer("calls", graphc.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.scaled(self.layer(x))

    def scaled(self, x: Tensor) -> Tensor:
        return x * self.factor


class Outer(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + 1


X = graphc.tensor([[1.0, 2.0, 3.0]])


def test_it_is_a_module_of_the_same_class_with_the_same_names() -> None:
    net = Net()
    compiled = graphc.compile(net)
    assert isinstance(compiled, Net) and compiled is not net
    assert list(compiled.state_dict()) == ["calls", "layer.weight", "layer.bias"]
    assert [id(p) for p in compiled.parameters()] == [id(p) for p in net.parameters()]
    assert compiled._orig_mod is net
    assert repr(compiled) == f"<compiled {net!r}>"


def test_attributes_are_shared_both_ways() -> None:
    net = Net()
    compiled = graphc.compile(net)
    for write, read in ((net, compiled), (compiled, net)):
        write.factor += 1.0
        write.eval()
        assert read.factor == write.factor and not read.training and not read.layer.training
        write.train()
        write.extra = nn.Linear(2, 2)
        assert read.extra is write.extra
        np.testing.assert_allclose(compiled(X).detach().numpy(), (net.layer(X) * net.factor).detach().numpy(), rtol=1e-6)
        np.testing.assert_allclose(compiled(X).detach().numpy(), (net.layer(X) * net.factor).detach().numpy(), rtol=1e-6)
    assert net.calls.item() == 4.0
    assert compiled.scaled(X).tolist() == (X * 4.0).tolist()
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'other'"):
        compiled.other  # noqa: B018


def test_inside_of_another_module() -> None:
    outer = Outer(graphc.compile(Net()))
    assert [n for n, _ in outer.named_parameters()] == ["inner.layer.weight", "inner.layer.bias"]
    whole = graphc.compile(outer)
    for factor in (2.0, 5.0):
        outer.inner.factor = factor
        wanted = (outer.inner.layer(X) * factor + 1).detach().numpy()
        for _ in range(2):
            np.testing.assert_allclose(whole(X).detach().numpy(), wanted, rtol=1e-6)
            np.testing.assert_allclose(outer(X).detach().numpy(), wanted, rtol=1e-6)


def test_hooks_of_both_run() -> None:
    net = nn.Linear(3, 2)
    compiled = graphc.compile(net)
    before = compiled(X)
    handle = compiled.register_forward_hook(lambda _m, _a, result: result * 2)
    np.testing.assert_allclose(compiled(X).detach().numpy(), 2 * before.detach().numpy(), rtol=1e-6)
    handle.remove()
    np.testing.assert_array_equal(compiled(X).detach().numpy(), before.detach().numpy())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_have_parameters_of_their_own(copied: object) -> None:
    compiled = graphc.compile(Net(), check_nan=True)
    compiled(X)
    other = copied(compiled)  # type: ignore[operator]
    assert isinstance(other, Net) and other.layer.weight is not compiled.layer.weight and other._orig_mod is not other
    with graphc.no_grad():
        other.layer.weight.zero_()
        other.layer.bias.zero_()
    assert other(X).tolist() == [[0.0, 0.0]] and compiled(X).abs().sum().item() > 0
    other.factor = float("inf")
    with pytest.raises(FloatingPointError):  # the options are copied
        other(X)


def test_copy_is_shallow() -> None:
    compiled = graphc.compile(Net())
    other = copy.copy(compiled)
    other.factor = 7.0
    assert compiled.factor == 2.0 and other.layer is compiled.layer
    np.testing.assert_allclose(other(X).detach().numpy(), 3.5 * compiled(X).detach().numpy(), rtol=1e-6)


def test_special_methods_are_those_of_the_class() -> None:
    compiled = graphc.compile(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)))
    assert len(compiled) == 3 and isinstance(compiled[1], nn.ReLU) and len(list(compiled)) == 3
    compiled[1] = nn.Tanh()
    wanted = compiled[2](compiled[0](X).tanh())
    np.testing.assert_allclose(compiled(X).detach().numpy(), wanted.detach().numpy(), rtol=1e-6)


def test_training_with_the_optimizer_outside_is_that_of_the_module() -> None:
    weights = []
    for wrap in (lambda m: m, graphc.compile):
        graphc.manual_seed(0)
        model = wrap(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)))
        adam = optim.Adam(model.parameters(), lr=0.01)
        for _ in range(4):
            adam.zero_grad()
            (model(X) - 1).square().mean().backward()
            adam.step()
        weights.append(model.state_dict())
    for name, value in weights[0].items():
        np.testing.assert_allclose(weights[1][name].numpy(), value.numpy(), rtol=1e-5, atol=1e-7)


def test_a_compiled_module_is_compiled_again() -> None:
    compiled = graphc.compile(graphc.compile(Net()), check_nan=True)
    assert isinstance(compiled, Net) and type(compiled._orig_mod) is Net
    compiled.factor = float("nan")
    with pytest.raises(FloatingPointError):
        compiled(X)


def test_a_slice_is_a_module_of_the_class() -> None:
    layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    part = graphc.compile(layers)[:2]
    assert type(part) is nn.Sequential and part[0] is layers[0] and len(part) == 2


def test_the_hook_of_subclasses_is_not_called() -> None:
    known = []

    class Registered(nn.Module):
        def __init_subclass__(cls, *, name: str) -> None:
            known.append(name)

    class Double(Registered, name="double"):
        def forward(self, x: Tensor) -> Tensor:
            return x * 2

    compiled = graphc.compile(Double())
    assert compiled(X).tolist() == (X * 2).tolist() and known == ["double"]


def test_attributes_in_slots() -> None:
    class Scaled(nn.Module):
        __slots__ = ("factor",)

        def __init__(self) -> None:
            super().__init__()
            self.factor = 2.0

        def forward(self, x: Tensor) -> Tensor:
            return x * self.factor

    assert graphc.compile(Scaled())(X).tolist() == (X * 2).tolist()


def test_private_names_of_the_class_are_its_own() -> None:
    class Once(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self._warned, self._options = False, 3.0

        def forward(self, x: Tensor) -> Tensor:
            return x * 2

        def _known(self, x: Tensor) -> Tensor:
            return x * self._options

        def step(self, x: Tensor) -> Tensor:
            return self._known(x) if self._warned else x

    module = Once()
    compiled = graphc.compile(module)
    compiled(X)
    module._warned = True
    assert compiled.step(X).tolist() == (X * 3).tolist()
    compiled._options = 5.0
    assert module._options == 5.0 and module.step(X).tolist() == compiled.step(X).tolist() == (X * 5).tolist()
