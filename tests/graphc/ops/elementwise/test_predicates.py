"""Parts of numbers that are all real, and conjugates, are torch's."""

from __future__ import annotations

import numpy as np

import graphc as G
from tests import parity


def test_parts_of_real_numbers() -> None:
    x = np.array([1.5, -2.0, 0.0, -0.0, np.nan, np.inf, -np.inf])
    parity.assert_same(lambda t: lambda x: (t.angle(x), t.isreal(x), x.angle(), t.real(x) * 2), x)
    parity.assert_same(lambda t: lambda x: (t.angle(x), t.conj_physical(x)), np.array([1, -1]))
    y = G.ones(2, 3)
    assert G.real(y) is y is G.conj(y) is y.resolve_conj() is y.resolve_neg() is y.conj()
    parity.assert_same(lambda t: lambda x: (x.H, x.mH, t.adjoint(x)), np.arange(6.0).reshape(2, 3))
    parity.assert_same_error(lambda t: t.adjoint(t.ones(2)))
    parity.assert_same_error(lambda t: t.ones(2, 2, 2).H)
