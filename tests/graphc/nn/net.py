"""A model with parameters, buffers and submodules."""

from __future__ import annotations

from typing import Any

import graphc as G
from graphc import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.scale = nn.Parameter(G.ones(4))
        self.register_buffer("shift", G.zeros(4))
        self.register_buffer("scratch", G.zeros(1), persistent=False)
        self.last = self.first

    def forward(self, x: Any) -> Any:
        return self.norm(self.first(x)) * self.scale + self.shift


def names(module):
    return [name for name, _ in module.named_parameters()]
