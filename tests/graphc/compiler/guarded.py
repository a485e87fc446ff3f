"""Checks that compiled functions notice changes of Python values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from graphc.tensors.tensor import Tensor

X = np.arange(1.0, 4.0, dtype=np.float32)


TABLE: dict[str, Any] = {"w": 1.5, "deep": {"list": [1.0, (2.0, 3.0)]}}


@dataclass
class Config:
    k: float = 2.0
    inner: Any = None
    scale: ClassVar[float] = 1.0

    @property
    def twice(self) -> float:
        return self.k * 2

    @cached_property
    def thrice(self) -> float:
        return 3.0


def plain(x: Any) -> Any:
    return x.detach().numpy() if isinstance(x, Tensor) else x
