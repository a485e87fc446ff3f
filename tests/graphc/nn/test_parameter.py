"""Parameters."""

from __future__ import annotations

import pytest

import graphc as G
from graphc import nn
from graphc.nn.parameter import fresh


def test_parameters_are_leaves_that_modules_list():
    module = nn.Module()
    module.weight, module.plain = nn.Parameter(G.ones(2)), G.ones(2)
    assert [name for name, _ in module.named_parameters()] == ["weight"] and module.weight.is_leaf
    assert fresh(2, 3).shape == (2, 3) and fresh(1).requires_grad and not nn.Parameter(G.ones(1), False).requires_grad
    with pytest.raises(TypeError, match="expected a Tensor"):
        nn.Parameter([1.0])
