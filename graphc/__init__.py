"""A tensor compiler in Python, in PyTorch's words: `import graphc as torch`."""

from __future__ import annotations

from graphc import methods as _methods  # gives operations to Tensor
from graphc.dtypes import Size, bool, double, float, float32, float64, int, int32, int64, long, uint8
from graphc.ops.activations import *  # noqa: F403
