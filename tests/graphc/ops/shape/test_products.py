"""Products, combinations, stacks and matrices of powers are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import parity

RNG = np.random.default_rng(8)
A, B, M = RNG.standard_normal(3), RNG.standard_normal(2), RNG.standard_normal((3, 2))


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("r", [0, 1, 2, 4])
def test_combinations(r: int, replaced: bool) -> None:
    for x in (A, np.arange(4), np.zeros(0)):
        parity.assert_same(lambda t: lambda a: t.combinations(a, r, replaced), x)


def test_products_and_stacks() -> None:
    parity.assert_same(lambda t: lambda a, b: (t.cartesian_prod(a, b, a), t.cartesian_prod(a)), A, B)
    parity.assert_same(lambda t: lambda a, m: (t.column_stack((a, m)), t.row_stack((a, a)), t.concatenate((a, a))), A, M)
    parity.assert_same(lambda t: lambda *xs: t.block_diag(*xs), M, A.astype(np.float32), np.array(2), np.zeros((2, 0)))
    parity.assert_same(lambda t: lambda: t.block_diag())


@pytest.mark.parametrize("n", [0, 1, 3])
def test_vander(n: int) -> None:
    for x in (A, np.arange(4), np.array([True, False])):
        parity.assert_same(lambda t: lambda a: (t.vander(a.detach(), n), t.vander(a.detach(), N=n, increasing=True)), x)
    parity.assert_second(lambda x: parity.G.vander(x), A)


def test_errors() -> None:
    calls: tuple[Any, ...] = (
        lambda t: t.cartesian_prod(),
        lambda t: t.cartesian_prod(t.ones(2, 2)),
        lambda t: t.cartesian_prod(t.ones(2), t.arange(2)),
        lambda t: t.combinations(t.ones(2, 2)),
        lambda t: t.combinations(t.ones(2), -1),
        lambda t: t.column_stack([]),
        lambda t: t.block_diag(t.ones(1, 1, 1)),
        lambda t: t.vander(t.ones(1, 1)),
        lambda t: t.vander(t.ones(2), -1),
    )
    for call in calls:
        parity.assert_same_error(call)
