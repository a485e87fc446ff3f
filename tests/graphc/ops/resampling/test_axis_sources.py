"""The kernel of the cubic interpolation."""

from __future__ import annotations

import graphc as G
from graphc.dispatch.operation import op
from graphc.ops.resampling.axis_sources import cubic_weight


def test_the_cubic_kernel_is_one_at_its_center_and_sums_to_one():
    weight = op("Weight")(lambda x: cubic_weight(x, -0.75))
    assert weight(G.tensor([0.0, 1.0, -1.0, 2.0, 3.0])).tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    shares = G.linspace(0, 1, 7, dtype=G.float64)
    total = sum(weight(shares - k) for k in (-1, 0, 1, 2))
    assert G.allclose(total, G.ones_like(total), rtol=1e-14)
