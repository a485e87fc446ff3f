"""Special functions under torch.special's names."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as torch
from graphc import special
from tests import parity

X = np.array([0.2, 0.5, 0.9])


NAMES = ["digamma", "erf", "exp2", "expit", "expm1", "gammaln", "log1p", "logit", "psi", "round", "sinc"]


@pytest.mark.parametrize("name", NAMES)
def test_functions_are_torchs(name: str) -> None:
    parity.assert_same(lambda t: lambda x: getattr(t.special, name)(x), X, rtol=1e-8, compiled=False)


def test_functions_of_several_arguments() -> None:
    x = torch.tensor(X)
    assert torch.allclose(special.softmax(x, 0), special.log_softmax(x, 0).exp()) and special.xlogy(x, x).shape == (3,)
    assert torch.allclose(special.logsumexp(x, 0), x.exp().sum().log())
