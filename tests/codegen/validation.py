"""Programs and graphs that the tests of validation share."""

from __future__ import annotations

import numpy as np

from graphc.ir.core.graph import parameter
from graphc.ir.core.types import F32, TensorType


def param(*shape: int, dtype=F32, name: str = ""):
    return parameter(TensorType(dtype, shape), name)


def numbers(*shape: int, dtype=np.float32, seed: int = 0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
