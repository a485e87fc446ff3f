"""Products plus a tensor are torch's."""

from __future__ import annotations

import numpy as np
import pytest

from tests import parity

RNG = np.random.default_rng(0)
A = RNG.standard_normal


@pytest.mark.parametrize(("beta", "alpha"), [(1, 1), (2, 3), (0, 1)])
def test_products_plus_a_tensor(beta: float, alpha: float) -> None:
    options = {"beta": beta, "alpha": alpha}
    for added in (A((3, 5)), A(1)):
        parity.assert_same(lambda t: lambda a, b, c: t.addbmm(a, b, c, **options), added, A((2, 3, 4)), A((2, 4, 5)))
        parity.assert_same(lambda t: lambda a, b, c: t.addr(a, b, c, **options), added, A(3), A(5))
    parity.assert_same(lambda t: lambda a, b, c: t.addr(a, b, c, **options), np.arange(2), np.arange(3), np.arange(2))
    for shape in ((3,), (2, 2), (), (2, 0)):
        parity.assert_same(
            lambda t: lambda x: (t.diagflat(x), t.diagflat(x, 1), t.diagflat(x, -2)), A(shape) if shape else np.array(1.5)
        )
    parity.assert_same_error(lambda t: t.addr(t.ones(3, 2), t.ones(3, 1), t.ones(2)))
