"""Batch and instance normalization, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as G
from graphc import nn
from tests.graphc.nn.reference import CLOSE, RNG, standardized


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
