"""Public functions that no other test names: each against NumPy or a number worked out by hand."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import linalg
from graphc.nn import functional as F
from graphc.nn import init
from graphc.optim import lr_scheduler

X = np.array([[0.25, -0.5, 0.75], [-0.125, 0.625, 0.875]])
Y = np.array([[2.0, -1.5, 0.5], [0.25, 3.0, -2.0]])
N, J = np.array([[6, -3, 2], [1, 0, 5]]), np.array([[3, 2, 2], [7, 0, 2]])
K = np.array([0.5, 2.5, 1.0])
M, V, W = np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 3.0]), np.array([0.5, 4.0])
Z = np.array([-np.inf, -0.0, np.inf, np.nan])
T = torch.tensor

CASES: dict[str, tuple[Any, Any]] = {
    "greater": (lambda: torch.greater(T(N), T(J)), N > J),
    "greater_equal": (lambda: torch.greater_equal(T(N), T(J)), N >= J),
    "less": (lambda: torch.less(T(N), T(J)), N < J),
    "less_equal": (lambda: torch.less_equal(T(N), T(J)), N <= J),
    "not_equal": (lambda: torch.not_equal(T(N), T(J)), N != J),
    "heaviside": (lambda: torch.heaviside(T(np.array([-1.0, 0, 2])), T(np.array([0.5, 0.25, 3]))), np.array([0, 0.25, 1])),
    "isneginf": (lambda: torch.isneginf(T(Z)), np.isneginf(Z)),
    "isposinf": (lambda: torch.isposinf(T(Z)), np.isposinf(Z)),
    "empty_like": (lambda: torch.empty_like(T(X)) * 0, np.zeros((2, 3))),
    "full_like": (lambda: torch.full_like(T(X), 7), np.full((2, 3), 7.0)),
    "logspace": (lambda: torch.logspace(0, 3, 4, dtype=torch.float64), np.logspace(0, 3, 4)),
    "argwhere": (lambda: torch.argwhere(T(N) > 1), np.argwhere(N > 1)),
    "nonzero": (lambda: torch.nonzero(T(N)), np.argwhere(N != 0)),
    "masked_select": (lambda: torch.masked_select(T(X), T(X) > 0), X[X > 0]),
    "index_copy": (lambda: torch.index_copy(T(X), 0, T([1]), T(Y[:1])), np.stack([X[0], Y[0]])),
    "index_fill": (lambda: torch.index_fill(T(X), 0, T([1]), 9.0), np.stack([X[0], np.full(3, 9.0)])),
    "absolute": (lambda: torch.absolute(T(X)), np.abs(X)),
    "arccos": (lambda: torch.arccos(T(X)), np.arccos(X)),
    "arcsin": (lambda: torch.arcsin(T(X)), np.arcsin(X)),
    "arctan": (lambda: torch.arctan(T(X)), np.arctan(X)),
    "arctan2": (lambda: torch.arctan2(T(X), T(Y)), np.arctan2(X, Y)),
    "clamp_max": (lambda: torch.clamp_max(T(Y), 0.5), np.minimum(Y, 0.5)),
    "clamp_min": (lambda: torch.clamp_min(T(Y), 0.5), np.maximum(Y, 0.5)),
    "clip": (lambda: torch.clip(T(Y), -1, 1), np.clip(Y, -1, 1)),
    "divide": (lambda: torch.divide(T(X), T(Y)), X / Y),
    "true_divide": (lambda: torch.true_divide(T(N), 4), (N / 4).astype(np.float32)),
    "multiply": (lambda: torch.multiply(T(X), T(Y)), X * Y),
    "subtract": (lambda: torch.subtract(T(X), T(Y), alpha=2), X - 2 * Y),
    "rsub": (lambda: torch.rsub(T(X), T(Y)), Y - X),
    "positive": (lambda: torch.positive(T(X)), X),
    "sgn": (lambda: torch.sgn(T(Y)), np.sign(Y)),
    "addmv": (lambda: torch.addmv(T(W), T(M), T(V), beta=2, alpha=3), 2 * W + 3 * (M @ V)),
    "einsum": (lambda: torch.einsum("ij,kj->ik", T(X), T(Y)), X @ Y.T),
    "ger": (lambda: torch.ger(T(V), T(W)), np.outer(V, W)),
    "vdot": (lambda: torch.vdot(T(V), T(V)), np.array(14.0)),
    "amin": (lambda: torch.amin(T(Y), 1), Y.min(1)),
    "nanmean": (lambda: torch.nanmean(T(np.array([1.0, np.nan, 4.0]))), np.array(2.5)),
    "var": (lambda: torch.var(T(X), 1, correction=0), X.var(1)),
    "atleast_1d": (lambda: torch.atleast_1d(T(3.0)), np.array([3.0], np.float32)),
    "atleast_2d": (lambda: torch.atleast_2d(T(V)), V[None]),
    "atleast_3d": (lambda: torch.atleast_3d(T(X)), X[..., None]),
    "broadcast_to": (lambda: torch.broadcast_to(T(V), (2, 3)), np.stack([V, V])),
    "concat": (lambda: torch.concat([T(X), T(Y)], 1), np.concatenate([X, Y], 1)),
    "constant_pad_nd": (lambda: torch.constant_pad_nd(T(X), (1, 0, 0, 2), 5.0), np.pad(X, ((0, 2), (1, 0)), constant_values=5)),
    "diag_embed": (lambda: torch.diag_embed(T(V)), np.diag(V)),
    "dstack": (lambda: torch.dstack([T(X), T(Y)]), np.dstack([X, Y])),
    "hstack": (lambda: torch.hstack([T(X), T(Y)]), np.hstack([X, Y])),
    "vstack": (lambda: torch.vstack([T(X), T(Y)]), np.vstack([X, Y])),
    "fliplr": (lambda: torch.fliplr(T(X)), np.fliplr(X)),
    "flipud": (lambda: torch.flipud(T(X)), np.flipud(X)),
    "moveaxis": (lambda: torch.moveaxis(T(X), 0, 1), X.T),
    "swapaxes": (lambda: torch.swapaxes(T(X), 0, 1), X.T),
    "swapdims": (lambda: torch.swapdims(T(X), 0, 1), X.T),
    "ravel": (lambda: torch.ravel(T(X).t()), X.T.ravel()),
    "tile": (lambda: torch.tile(T(V), (2, 2)), np.tile(V, (2, 2))),
    "argsort": (lambda: torch.argsort(T(Y), 1, descending=True), np.argsort(-Y, 1)),
    "pairwise_distance": (lambda: torch.pairwise_distance(T(X), T(Y)), np.linalg.norm(X - Y + 1e-6, axis=1)),
    "matrix_power": (lambda: linalg.matrix_power(T(X @ Y.T), 3), np.linalg.matrix_power(X @ Y.T, 3)),
    "matrix_norm": (lambda: linalg.matrix_norm(T(X)), np.linalg.norm(X)),
    "matrix_norm_1": (lambda: linalg.matrix_norm(T(X), 1), np.linalg.norm(X, 1)),
    "multi_dot": (lambda: linalg.multi_dot([T(X), T(Y.T), T(X)]), X @ Y.T @ X),
    "vecdot": (lambda: linalg.vecdot(T(X), T(Y)), (X * Y).sum(1)),
    "poisson_nll_loss": (lambda: F.poisson_nll_loss(T(X), T(Y)), np.mean(np.exp(X) - Y * X)),
    "poisson_nll_loss_full": (
        lambda: F.poisson_nll_loss(T(X), T(K), full=True, reduction="none"),
        np.exp(X) - K * X + [0, K[1] * np.log(K[1]) - K[1] + np.log(2 * np.pi * K[1]) / 2, 0],
    ),
    "nan_to_num": (lambda: torch.nan_to_num(T(Z)), np.nan_to_num(Z)),
    "nan_to_num_f32": (lambda: torch.nan_to_num(T(Z).float(), 2.0), np.nan_to_num(Z.astype(np.float32), nan=2.0)),
    "nan_to_num_bounds": (lambda: torch.nan_to_num(T(Z), 1.0, 5.0, -4.0), np.array([-4.0, -0.0, 5.0, 1.0])),
    "mT": (lambda: T(X).mT, X.T),
    "soft_margin_loss": (lambda: F.soft_margin_loss(T(X), T(np.sign(Y))), np.log1p(np.exp(-np.sign(Y) * X)).mean()),
    "avg_pool1d": (lambda: F.avg_pool1d(T(X[None]), 2, 1), np.stack([(X[:, :2] + X[:, 1:]) / 2])),
    "max_pool1d": (lambda: F.max_pool1d(T(X[None]), 2, 1), np.stack([np.maximum(X[:, :2], X[:, 1:])])),
    "adaptive_avg_pool2d": (lambda: F.adaptive_avg_pool2d(T(X[None, None]), (1, 3)), X.mean(0)[None, None, None]),
    "avg_pool3d": (lambda: F.avg_pool3d(T(np.arange(8.0).reshape(1, 1, 2, 2, 2)), 2), np.full((1, 1, 1, 1, 1), 3.5)),
    "max_pool3d": (lambda: F.max_pool3d(T(np.arange(8.0).reshape(1, 1, 2, 2, 2)), 2), np.full((1, 1, 1, 1, 1), 7.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_value(name: str) -> None:
    call, want = CASES[name]
    found = call().numpy()
    assert found.shape == np.shape(want) and found.dtype == np.asarray(want).dtype
    np.testing.assert_allclose(found, want, rtol=1e-12 if found.dtype.itemsize == 8 else 1e-6)


def test_several_results() -> None:
    low, high = torch.aminmax(T(Y), dim=1)
    assert low.tolist() == Y.min(1).tolist() and high.tolist() == Y.max(1).tolist()
    deviation, mean = torch.std_mean(T(Y), 1)
    np.testing.assert_allclose(deviation.numpy(), Y.std(1, ddof=1))
    np.testing.assert_allclose(mean.numpy(), Y.mean(1))
    a, b = torch.broadcast_tensors(T(V), T(X))
    assert a.tolist() == [V.tolist()] * 2 and b.tolist() == X.tolist()
    assert [p.tolist() for p in torch.split_with_sizes(T(V), [1, 2])] == [[1.0], [-2.0, 3.0]]


def test_facts_about_tensors_and_dtypes() -> None:
    assert torch.is_tensor(T(1)) and not torch.is_tensor(V) and torch.numel(T(X)) == 6
    assert torch.is_floating_point(T(1.0)) and not torch.is_floating_point(T(1))
    assert torch.promote_types(torch.int32, torch.float32) is torch.float32
    assert torch.broadcast_shapes((2, 1), (3,)) == (2, 3)
    assert torch.pi == math.pi and T(V)[torch.newaxis].shape == (1, 3)
    assert torch.get_default_dtype() is torch.float32
    try:
        torch.set_default_dtype(torch.float64)
        assert torch.ones(1).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_initializers() -> None:
    torch.manual_seed(0)
    w = torch.empty(50, 40)
    assert (init.constant_(w, 3.0).numpy() == 3).all() and (init.ones_(w).numpy() == 1).all()
    assert (init.zeros_(w).numpy() == 0).all() and (init.eye_(w).numpy() == np.eye(50, 40)).all()
    assert abs(init.uniform_(w, 1.0, 3.0).numpy().mean() - 2) < 0.1 and w.numpy().min() >= 1 and w.numpy().max() < 3
    assert abs(init.normal_(w, 5.0, 0.5).numpy().std() - 0.5) < 0.05
    assert np.abs(init.xavier_uniform_(w).numpy()).max() <= math.sqrt(6 / 90)
    assert np.abs(init.kaiming_uniform_(w, nonlinearity="relu").numpy()).max() <= math.sqrt(6 / 40)
    assert init.calculate_gain("tanh") == 5 / 3 and init.calculate_gain("relu") == math.sqrt(2)


def test_functions_that_layers_call() -> None:
    torch.manual_seed(0)
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    ones = torch.ones(1, 1, 2, 2, dtype=torch.float64)
    assert F.conv_transpose2d(T(x[..., :1, :1] + 2), ones).tolist() == [[[[2.0, 2.0], [2.0, 2.0]]]]
    cube = torch.ones(1, 1, 2, 2, 2)
    assert F.conv3d(cube * 3, cube).item() == 24 and F.conv_transpose3d(cube[..., :1, :1, :1], cube).tolist() == cube.tolist()
    for rank, drop in ((1, F.dropout1d), (2, F.dropout2d), (3, F.dropout3d)):
        kept = drop(torch.ones(50, 4, *(2,) * rank), 0.5).numpy().reshape(50, 4, -1)
        assert (kept.min(2) == kept.max(2)).all() and set(np.unique(kept)) == {0.0, 2.0}


def test_base_classes_and_version() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.5)
    assert isinstance(optimizer, torch.optim.Optimizer)
    assert isinstance(lr_scheduler.StepLR(optimizer, 1), lr_scheduler.LRScheduler)
    assert re.fullmatch(r"\d+\.\d+\.\d+", torch.__version__)


def test_anomaly_detection_is_a_switch() -> None:
    x = T([0.0], requires_grad=True)
    torch.autograd.set_detect_anomaly(True)
    try:
        with pytest.raises(RuntimeError, match="returned nan values"):
            (x.sqrt() * 0).sum().backward()
    finally:
        torch.autograd.set_detect_anomaly(False)
