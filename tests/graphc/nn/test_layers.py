"""Every layer, activation and loss of nn computes its formula, written out in NumPy."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import graphc as G
from graphc import nn

RNG = np.random.default_rng(5)
X = RNG.standard_normal((4, 6))
A, B = RNG.standard_normal((4, 5)), RNG.standard_normal((4, 5))
P, Q = 1 / (1 + np.exp(-A)), (B > 0).astype(float)
CLASSES = np.array([0, 3, 4, 1])
CLOSE: Any = {"rtol": 1e-10, "atol": 1e-13}
erf = np.vectorize(math.erf)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softplus(x: Any) -> Any:
    return np.log1p(np.exp(x))


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


def picked(logits: Any) -> Any:
    return np.log(softmax(logits))[np.arange(4), CLASSES]


D = np.abs(A - B)
LOG_P, LOG_Q = np.log(softmax(A)), np.log(softmax(B))
LOSSES: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "L1Loss": (nn.L1Loss(), (A, B), np.abs(A - B).mean()),
    "MSELoss": (nn.MSELoss(reduction="sum"), (A, B), ((A - B) ** 2).sum()),
    "HuberLoss": (nn.HuberLoss(delta=0.7), (A, B), np.where(D < 0.7, D**2 / 2, 0.7 * (D - 0.35)).mean()),
    "SmoothL1Loss": (nn.SmoothL1Loss(beta=0.7), (A, B), np.where(D < 0.7, D**2 / 1.4, D - 0.35).mean()),
    "BCELoss": (nn.BCELoss(), (P, Q), -(Q * np.log(P) + (1 - Q) * np.log(1 - P)).mean()),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss(), (A, Q), -(Q * np.log(P) + (1 - Q) * np.log(1 - P)).mean()),
    "KLDivLoss": (nn.KLDivLoss(reduction="batchmean"), (LOG_P, np.exp(LOG_Q)), (np.exp(LOG_Q) * (LOG_Q - LOG_P)).sum() / 4),
    "NLLLoss": (nn.NLLLoss(), (np.log(softmax(A)), CLASSES), -picked(A).mean()),
    "CrossEntropyLoss": (nn.CrossEntropyLoss(reduction="none"), (A, CLASSES), -picked(A)),
    "PoissonNLLLoss": (nn.PoissonNLLLoss(), (A, Q), (np.exp(A) - Q * A).mean()),
    "SoftMarginLoss": (nn.SoftMarginLoss(), (A, 2 * Q - 1), softplus(-(2 * Q - 1) * A).mean()),
    "CosineSimilarity": (nn.CosineSimilarity(dim=1), (A, B), (A * B).sum(1) / np.sqrt((A * A).sum(1) * (B * B).sum(1))),
    "PairwiseDistance": (nn.PairwiseDistance(p=1.0), (A, B), np.abs(A - B + 1e-6).sum(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name: str) -> None:
    module, inputs, want = LOSSES[name]
    np.testing.assert_allclose(module(*map(G.tensor, inputs)).numpy(), want, **CLOSE)


def correlated(x: Any, w: Any, bias: Any, stride: int, padding: int, dilation: int, groups: int) -> Any:
    """Return a convolution of any rank, one product of a window and a filter at a time."""
    rank = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * rank)
    extents = [dilation * (k - 1) + 1 for k in w.shape[2:]]
    outs = [(n - e) // stride + 1 for n, e in zip(x.shape[2:], extents, strict=True)]
    per, out = w.shape[1], np.zeros((x.shape[0], w.shape[0], *outs))
    for k, *at in itertools.product(range(w.shape[0]), *map(range, outs)):
        group = k // (w.shape[0] // groups)
        window = tuple(slice(i * stride, i * stride + e, dilation) for i, e in zip(at, extents, strict=True))
        piece = x[(slice(None), slice(group * per, (group + 1) * per), *window)]
        out[(slice(None), k, *at)] = (piece * w[k]).reshape(x.shape[0], -1).sum(1) + bias[k]
    return out


def transposed(x: Any, w: Any, bias: Any, stride: int, padding: int, dilation: int, groups: int, extra: int) -> Any:
    """Return a transposed convolution of any rank: each input element adds its filter to the output."""
    extents = [dilation * (k - 1) + 1 for k in w.shape[2:]]
    full = [(n - 1) * stride + e + extra for n, e in zip(x.shape[2:], extents, strict=True)]
    per, each = x.shape[1] // groups, w.shape[1]
    out = np.zeros((x.shape[0], each * groups, *full))
    for c, *at in itertools.product(range(x.shape[1]), *map(range, x.shape[2:])):
        group = c // per
        window = tuple(slice(i * stride, i * stride + e, dilation) for i, e in zip(at, extents, strict=True))
        values = x[(slice(None), c, *at)].reshape(-1, *[1] * (w.ndim - 1))
        out[(slice(None), slice(group * each, (group + 1) * each), *window)] += values * w[c]
    inside = tuple(slice(padding, n - padding) for n in full)
    return out[(slice(None), slice(None), *inside)] + bias.reshape(-1, *[1] * (x.ndim - 2))


CONVOLUTIONS = {"Conv1d": 1, "Conv2d": 2, "Conv3d": 3}
TRANSPOSED = {"ConvTranspose1d": 1, "ConvTranspose2d": 2, "ConvTranspose3d": 3}
OPTIONS = [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 2, 1), (2, 1, 2, 2), (3, 0, 1, 2)]


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("options", OPTIONS)
def test_convolution(name: str, options: tuple[int, ...]) -> None:
    stride, padding, dilation, groups = options
    rank = CONVOLUTIONS[name]
    x = RNG.standard_normal((2, 4, *(7, 6, 5)[:rank]))
    module = getattr(nn, name)(4, 6, 2, stride, padding, dilation, groups).double()
    w, b = module.weight.detach().numpy(), module.bias.detach().numpy()
    np.testing.assert_allclose(module(G.tensor(x)).detach().numpy(), correlated(x, w, b, *options), **CLOSE)


@pytest.mark.parametrize("name", TRANSPOSED)
@pytest.mark.parametrize("options", OPTIONS)
def test_transposed_convolution(name: str, options: tuple[int, ...]) -> None:
    stride, padding, dilation, groups = options
    rank, extra = TRANSPOSED[name], stride - 1
    x = RNG.standard_normal((2, 4, *(4, 3, 3)[:rank]))
    module = getattr(nn, name)(4, 6, 3, stride, padding, extra, groups, dilation=dilation).double()
    w, b = module.weight.detach().numpy(), module.bias.detach().numpy()
    want = transposed(x, w, b, stride, padding, dilation, groups, extra)
    np.testing.assert_allclose(module(G.tensor(x)).detach().numpy(), want, **CLOSE)


def pooled(x: Any, rank: int, size: int, stride: int, reduce: Any) -> Any:
    outs = [(n - size) // stride + 1 for n in x.shape[2:]]
    out = np.zeros((*x.shape[:2], *outs))
    for at in itertools.product(*map(range, outs)):
        window = tuple(slice(i * stride, i * stride + size) for i in at)
        out[(slice(None), slice(None), *at)] = reduce(x[(slice(None), slice(None), *window)], axis=tuple(range(2, 2 + rank)))
    return out


@pytest.mark.parametrize("name", ["MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d"])
def test_pooling(name: str) -> None:
    rank, reduce = int(name[-2]), np.max if name.startswith("Max") else np.mean
    x = RNG.standard_normal((2, 3, *(7, 6, 5)[:rank]))
    for size, stride in ((2, 2), (3, 1), (2, 3)):
        module = getattr(nn, name)(size, stride)
        np.testing.assert_allclose(module(G.tensor(x)).numpy(), pooled(x, rank, size, stride, reduce), **CLOSE)


@pytest.mark.parametrize("name, shape, out", [("AdaptiveAvgPool1d", (2, 3, 7), 3), ("AdaptiveAvgPool2d", (2, 3, 7, 5), (3, 2))])
def test_adaptive_pooling(name: str, shape: tuple[int, ...], out: Any) -> None:
    x = RNG.standard_normal(shape)
    outs = (out,) if isinstance(out, int) else out
    want = np.zeros((2, 3, *outs))
    for at in itertools.product(*map(range, outs)):
        window = tuple(slice(i * n // o, -(-(i + 1) * n // o)) for i, n, o in zip(at, shape[2:], outs, strict=True))
        want[(slice(None), slice(None), *at)] = x[(slice(None), slice(None), *window)].reshape(2, 3, -1).mean(2)
    np.testing.assert_allclose(getattr(nn, name)(out)(G.tensor(x)).numpy(), want, **CLOSE)


def standardized(x: Any, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize("kinds", ["BatchNorm1d InstanceNorm1d", "BatchNorm2d InstanceNorm2d", "BatchNorm3d InstanceNorm3d"])
def test_batch_and_instance_norms(kinds: str) -> None:
    rank = int(kinds[-2])
    x = RNG.standard_normal((4, 3, *(5, 4, 3)[:rank]))
    space = tuple(range(2, 2 + rank))
    batch, instance = (getattr(nn, kind)(3).double() for kind in kinds.split())
    np.testing.assert_allclose(batch(G.tensor(x)).detach().numpy(), standardized(x, (0, *space)), **CLOSE)
    np.testing.assert_allclose(instance(G.tensor(x)).detach().numpy(), standardized(x, space), **CLOSE)
    count = x.size // 3
    np.testing.assert_allclose(batch.running_mean.numpy(), 0.1 * x.mean((0, *space)), **CLOSE)
    np.testing.assert_allclose(batch.running_var.numpy(), 0.9 + 0.1 * x.var((0, *space)) * count / (count - 1), **CLOSE)
    batch.eval()
    shape = (3, *[1] * rank)
    want = (x - batch.running_mean.numpy().reshape(shape)) / np.sqrt(batch.running_var.numpy().reshape(shape) + 1e-5)
    np.testing.assert_allclose(batch(G.tensor(x)).detach().numpy(), want, **CLOSE)


def test_batch_norm_without_momentum_averages_all_batches() -> None:
    norm = nn.BatchNorm1d(3, momentum=None).double()
    batches = [RNG.standard_normal((8, 3)) + i for i in range(4)]
    for x in batches:
        norm(G.tensor(x))
    np.testing.assert_allclose(norm.running_mean.numpy(), np.mean([x.mean(0) for x in batches], 0), rtol=1e-12)
    np.testing.assert_allclose(norm.running_var.numpy(), np.mean([x.var(0, ddof=1) for x in batches], 0), rtol=1e-12)
    assert norm.num_batches_tracked.item() == 4


def test_layer_group_and_rms_norms() -> None:
    x = RNG.standard_normal((4, 6, 5))
    np.testing.assert_allclose(nn.LayerNorm(5).double()(G.tensor(x)).detach().numpy(), standardized(x, (2,)), **CLOSE)
    groups = standardized(x.reshape(4, 2, 15), (2,)).reshape(4, 6, 5)
    np.testing.assert_allclose(nn.GroupNorm(2, 6).double()(G.tensor(x)).detach().numpy(), groups, **CLOSE)
    want = x / np.sqrt((x * x).mean(2, keepdims=True) + np.finfo(float).eps)
    np.testing.assert_allclose(nn.RMSNorm(5).double()(G.tensor(x)).detach().numpy(), want, **CLOSE)


def test_linear_bilinear_embedding() -> None:
    linear, bilinear = nn.Linear(6, 3).double(), nn.Bilinear(6, 5, 3).double()
    w, b = linear.weight.detach().numpy(), linear.bias.detach().numpy()
    np.testing.assert_allclose(linear(G.tensor(X)).detach().numpy(), X @ w.T + b, rtol=1e-12)
    w, b = bilinear.weight.detach().numpy(), bilinear.bias.detach().numpy()
    want = np.einsum("bi,kij,bj->bk", X, w, A) + b
    np.testing.assert_allclose(bilinear(G.tensor(X), G.tensor(A)).detach().numpy(), want, **CLOSE)
    table = nn.Embedding(5, 3)
    np.testing.assert_array_equal(table(G.tensor(CLASSES)).detach().numpy(), table.weight.detach().numpy()[CLASSES])


@pytest.mark.parametrize("name, shape, per", [
    ("Dropout", (200, 50), ()), ("Dropout1d", (200, 50, 4), (2,)), ("Dropout2d", (200, 50, 2, 2), (2, 3)),
    ("Dropout3d", (200, 50, 2, 2, 2), (2, 3, 4)),
])  # fmt: skip
def test_dropout(name: str, shape: tuple[int, ...], per: tuple[int, ...]) -> None:
    G.manual_seed(3)
    module = getattr(nn, name)(0.25)
    y = module(G.ones(*shape)).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert not per or np.array_equal(y.min(per), y.max(per))  # whole channels
    module.eval()
    assert (module(G.ones(*shape)).numpy() == 1).all()
