"""Parametrized tensors: names, values, errors, copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import graphc as G
from graphc import nn
from graphc.nn.utils import parametrize as P


class Double(nn.Module):
    def forward(self, x: Any) -> Any:
        return x * 2

    def right_inverse(self, x: Any) -> Any:
        return x / 2


class Outer(nn.Module):
    def forward(self, x: Any, y: Any) -> Any:
        return x[:, None] * y

    def right_inverse(self, z: Any) -> Any:
        return z[:, 0] / z[0, 0], z[0]


def linear() -> nn.Linear:
    layer = nn.Linear(2, 2, bias=False)
    with G.no_grad():
        layer.weight.copy_(G.tensor([[1.0, 2.0], [2.0, 4.0]]))
    return layer


def test_parameters_are_computed_when_they_are_read() -> None:
    layer: Any = linear()
    weight = layer.weight
    assert P.register_parametrization(layer, "weight", Double()) is layer
    assert repr(layer).startswith("ParametrizedLinear(\n  in_features=2, out_features=2, bias=False\n  (parametrizations)")
    assert layer.parametrizations.weight.original is weight and weight.tolist() == [[0.5, 1.0], [1.0, 2.0]]
    assert list(layer.state_dict()) == ["parametrizations.weight.original"]
    layer(G.ones(1, 2)).sum().backward()
    assert weight.grad is not None and weight.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    P.register_parametrization(layer, "weight", Double())
    assert layer.weight.tolist() == [[2.0, 4.0], [4.0, 8.0]]
    layer.weight = G.ones(2, 2)
    assert weight.tolist() == [[0.25, 0.25], [0.25, 0.25]] and P.type_before_parametrizations(layer) is nn.Linear
    twin = copy.deepcopy(layer)
    assert twin.weight.tolist() == [[1.0, 1.0], [1.0, 1.0]] and twin.parametrizations.weight.original is not weight
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)
    P.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and layer.weight is weight and weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert not P.is_parametrized(layer) and P.is_parametrized(twin, "weight") and not P.is_parametrized(twin, "bias")


def test_several_originals() -> None:
    layer: Any = P.register_parametrization(linear(), "weight", Outer())
    assert list(layer.state_dict()) == ["parametrizations.weight.original0", "parametrizations.weight.original1"]
    assert layer.weight.tolist() == [[1.0, 2.0], [2.0, 4.0]]
    layer.weight = G.tensor([[1.0, 1.0], [3.0, 3.0]])
    assert layer.parametrizations.weight.original0.tolist() == [1.0, 3.0]
    other = P.transfer_parametrizations_and_params(layer, linear())
    assert other.parametrizations.weight.original0 is layer.parametrizations.weight.original0
    with pytest.raises(ValueError, match="Cannot leave unparametrized"):
        P.remove_parametrizations(layer, "weight", leave_parametrized=False)
    P.remove_parametrizations(layer, "weight")
    assert isinstance(layer.weight, nn.Parameter) and layer.weight.tolist() == [[1.0, 1.0], [3.0, 3.0]]


def test_buffers_and_leaving_the_original() -> None:
    layer: Any = nn.BatchNorm1d(2)
    P.register_parametrization(layer, "running_var", Double())
    assert [n for n, _ in layer.named_buffers()][-1] == "parametrizations.running_var.original"
    P.remove_parametrizations(layer, "running_var", leave_parametrized=False)
    assert layer.running_var.tolist() == [0.5, 0.5] and type(layer) is nn.BatchNorm1d


def test_cached_values_are_dropped_after_the_block() -> None:
    layer: Any = P.register_parametrization(linear(), "weight", Double())
    with P.cached():
        first = layer.weight
        assert layer.weight is first
    assert layer.weight is not first


def test_errors() -> None:
    class Flat(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.flatten()

    class Wide(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.double()

    class Text(nn.Module):
        def forward(self, x: Any) -> Any:
            return x

        def right_inverse(self, x: Any) -> Any:
            return 1

    with pytest.raises(ValueError, match="may not change the shape of the tensor"):
        P.register_parametrization(linear(), "weight", Flat())
    with pytest.raises(ValueError, match="may not change the dtype of the tensor"):
        P.register_parametrization(P.register_parametrization(linear(), "weight", Double()), "weight", Wide())
    with pytest.raises(ValueError, match="must return a Tensor or a Sequence"):
        P.register_parametrization(linear(), "weight", Text())
    with pytest.raises(ValueError, match="does not have a parameter, a buffer, or a parametrized element with name 'x'"):
        P.register_parametrization(linear(), "x", Double())
    with pytest.raises(ValueError, match="does not have a parametrization on weight"):
        P.remove_parametrizations(linear(), "weight")
    with pytest.raises(RuntimeError, match="Flat does not implement right_inverse"):
        P.register_parametrization(linear(), "weight", Flat(), unsafe=True).weight = G.ones(4)
