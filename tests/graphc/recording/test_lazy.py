"""Operations are recorded, and computed when a value is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.dispatch.operation import op
from graphc.recording import structures
from graphc.recording.lazy import realize
from graphc.recording.recording import PENDING_BOUND
from graphc.recording.structures import clear_cache
from tests.graphc.tensors.foreign import values


def test_an_operation_only_records() -> None:
    x = torch.ones(3) * 2 + 1
    assert x._storage.value is None and x._storage._node is None
    assert values(x) == [3, 3, 3]
    assert x._storage.make_node().value is not None and not x._storage.make_node().operands


def test_loops_on_values_work() -> None:
    y = torch.tensor([3.0, 4.0])
    while y.norm() < 1000:
        y = y * 2
    assert y.norm().item() == 1280


def test_a_chain_of_150000_operations_neither_recurses_nor_piles_up() -> None:
    add_one = op("Add")(lambda x, one: x + one)
    x, one = torch.zeros(1), torch.ones(1)
    for _ in range(150_000):
        x = add_one(x, one)
        assert x._storage.pending <= PENDING_BOUND
    assert x.item() == 150_000


def _programs() -> int:
    return sum(seen.program is not None for seen in structures._seen.values())


@pytest.mark.usefixtures("auto")
def test_first_and_later_evaluations_agree() -> None:
    clear_cache()
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 40, 40)).astype(np.float32)

    def compute() -> np.ndarray[Any, Any]:
        x, y = torch.tensor(a), torch.tensor(b)
        return ((x @ y).tanh() * x.exp()).softmax(1).numpy()  # type: ignore[no-any-return]

    first = compute()
    assert _programs() == 0
    for _ in range(1000):
        last = compute()
    assert _programs() == 1  # by now the structure has earned its compilation
    np.testing.assert_allclose(last, first, rtol=2e-5, atol=1e-7)


def test_state_changed_in_place_is_computed_with_whatever_is_computed_next() -> None:
    running, seen = torch.zeros(3), []
    for i in range(50):
        running.mul_(0.5).add_(torch.full((3,), float(i)))
        seen.append(torch.full((1,), i + 0.375).item())  # a constant that no other test holds
        assert running._storage.make_node().value is not None
    assert len(seen) == 50


def test_realize_keeps_values_on_nodes() -> None:
    x = torch.arange(4) * 3
    node = x._node()
    assert realize([node])[0].tolist() == [0, 3, 6, 9] and node.value.tolist() == [0, 3, 6, 9]
