"""Arguments of operations: foreign objects, NumPy's names, arrays."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as torch


def test_foreign_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="unsupported operand type"):
        torch.ones(2) + "a"
    with pytest.raises(TypeError, match=r"can't convert np.ndarray of type complex128"):
        torch.add(torch.ones(2), np.ones(2, complex))


def test_an_operation_takes_an_array_as_it_is_then():
    array = np.ones(2)
    y = torch.exp(array)
    array[:] = 5
    assert y.tolist() == [np.e, np.e]


def test_numpys_names_of_keywords():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.sum(axis=0, keepdims=True).tolist() == [[4, 6]]
    assert torch.max(x, axis=1).values.tolist() == [2, 4] and torch.softmax(x, axis=1).shape == (2, 2)
    assert torch.cat([x, x], axis=1).shape == (2, 4)
