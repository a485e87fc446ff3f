"""A named tuple as a pytree."""

from __future__ import annotations

from typing import Any, NamedTuple

import graphc as torch

X = torch.tensor([1.0, 2.0, 3.0])


class Pair(NamedTuple):
    a: Any
    b: Any
