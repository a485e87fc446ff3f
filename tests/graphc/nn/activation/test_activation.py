"""Activation modules call their functions with their options."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.reference import CLOSE, X, softmax, softplus

erf = np.vectorize(math.erf)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "CELU": (nn.CELU(0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x / 0.5))),
    "ELU": (nn.ELU(0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    "GELU": (nn.GELU(), lambda x: x * 0.5 * (1 + erf(x / math.sqrt(2)))),
    "GLU": (nn.GLU(1), lambda x: x[:, :3] * sigmoid(x[:, 3:])),
    "Hardshrink": (nn.Hardshrink(0.4), lambda x: np.where(np.abs(x) > 0.4, x, 0)),
    "Hardsigmoid": (nn.Hardsigmoid(), lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "Hardswish": (nn.Hardswish(), lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "Hardtanh": (nn.Hardtanh(-0.5, 0.7), lambda x: np.clip(x, -0.5, 0.7)),
    "LeakyReLU": (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "LogSigmoid": (nn.LogSigmoid(), lambda x: -softplus(-x)),
    "LogSoftmax": (nn.LogSoftmax(1), lambda x: np.log(softmax(x))),
    "Mish": (nn.Mish(), lambda x: x * np.tanh(softplus(x))),
    "PReLU": (nn.PReLU(init=0.25), lambda x: np.where(x > 0, x, 0.25 * x)),
    "ReLU": (nn.ReLU(), lambda x: np.maximum(x, 0)),
    "ReLU6": (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    "SELU": (
        nn.SELU(),
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    ),
    "SiLU": (nn.SiLU(), lambda x: x * sigmoid(x)),
    "Sigmoid": (nn.Sigmoid(), sigmoid),
    "Softmax": (nn.Softmax(0), lambda x: softmax(x, 0)),
    "Softmin": (nn.Softmin(1), lambda x: softmax(-x)),
    "Softplus": (nn.Softplus(2.0), lambda x: softplus(2 * x) / 2),
    "Softshrink": (nn.Softshrink(0.4), lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.4, 0)),
    "Softsign": (nn.Softsign(), lambda x: x / (1 + np.abs(x))),
    "Tanh": (nn.Tanh(), np.tanh),
    "Tanhshrink": (nn.Tanhshrink(), lambda x: x - np.tanh(x)),
    "Threshold": (nn.Threshold(0.1, -2.0), lambda x: np.where(x > 0.1, x, -2.0)),
    "Identity": (nn.Identity(), lambda x: x),
    "Flatten": (nn.Flatten(0), lambda x: x.reshape(-1)),
    "Unflatten": (nn.Unflatten(1, (2, 3)), lambda x: x.reshape(4, 2, 3)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    module, formula = ACTIVATIONS[name]
    module.double()
    np.testing.assert_allclose(module(G.tensor(X)).detach().numpy(), formula(X), **CLOSE)
