"""Decompositions under torch's own names."""

from __future__ import annotations

from typing import Any

import numpy as np

import graphc as torch
from tests.graphc.ops.decompositions.test_orthogonal import draw


def test_qr_and_svd(run: Any) -> None:
    x = draw(4, 2)
    for some in (True, False):
        q, r = run(lambda x, some=some: x.qr(some))(x)
        np.testing.assert_allclose((q @ r).numpy(), x.numpy(), atol=1e-12)
        u, s, v = run(lambda x, some=some: x.svd(some))(x)
        np.testing.assert_allclose((u[:, :2] * s @ v.mH).numpy(), x.numpy(), atol=1e-12)
        assert q.shape == u.shape == ((4, 2) if some else (4, 4)) and v.shape == (2, 2)
    u, s, v = torch.svd(x, compute_uv=False)
    assert (u.shape, v.shape, u.any().item()) == ((4, 4), (2, 2), False) and s.shape == (2,)
    np.testing.assert_allclose(x.pinverse().numpy(), np.linalg.pinv(x.numpy()))
