"""What is asked of nodes with regions."""

from __future__ import annotations

import numpy as np

from graphc.ir.core import control_flow
from graphc.ir.core.graph import Graph, Region, parameter
from graphc.ir.core.types import F64, TensorType
from graphc.ir.interpret.evaluate import evaluate


def test_a_region_is_applied_to_values() -> None:
    x, y, p, q, w = (parameter(TensorType(F64), name) for name in "xypqw")
    difference, product = control_flow.applied(Region((p, q), (p - q, p * w)), [y, x])
    got = evaluate(Graph((x, y, w), (difference, product)), [np.float64(2), np.float64(5), np.float64(7)])
    assert got == [3, 35]
