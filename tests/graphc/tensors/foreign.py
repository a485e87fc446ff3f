"""x"""

from __future__ import annotations

from typing import Any

from graphc.tensors.tensor import Tensor


def values(x: Tensor) -> Any:
    return x.tolist()
