"""Differentiable choices of categories."""

from __future__ import annotations

import numpy as np

import graphc as G
from graphc.nn import functional as F


def test_a_hard_choice_is_a_category_with_the_gradient_of_the_soft_one() -> None:
    logits = G.tensor([0.5, 2.0, -1.0], dtype=G.float64).expand(4000, 3).clone().requires_grad_()
    weight = G.tensor([1.0, 2.0, 4.0], dtype=G.float64)
    grads = []
    for hard in (False, True):
        G.manual_seed(7)
        y = F.gumbel_softmax(logits, tau=0.7, hard=hard)
        np.testing.assert_allclose(y.sum(-1).detach().numpy(), 1, rtol=1e-12)
        grads.append(G.autograd.grad((y * weight).sum(), logits)[0].numpy())
    np.testing.assert_allclose(grads[1], grads[0], rtol=1e-9, atol=1e-12)
    frequencies = (y > 0.5).double().mean(0).numpy()
    np.testing.assert_allclose(frequencies, np.exp([0.5, 2.0, -1.0]) / np.exp([0.5, 2.0, -1.0]).sum(), atol=0.03)
    assert F.gumbel_softmax(logits, dim=0).sum(0).shape == (3,)
