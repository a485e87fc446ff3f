"""Views and writes through them."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import graphc as torch
from tests.graphc.tensors.foreign import values


def test_writing_to_views_writes_to_the_base() -> None:
    x = torch.arange(12.0).reshape(3, 4)
    x[0].add_(100)
    x[:, 1] = -1
    x.T[3].mul_(10)
    x[1:, ::2].zero_()
    expected = np.arange(12, dtype=np.float32).reshape(3, 4)
    expected[0] += 100
    expected[:, 1] = -1
    expected[:, 3] *= 10
    expected[1:, ::2] = 0
    np.testing.assert_array_equal(x.numpy(), expected)


def test_views_of_views_follow_each_other() -> None:
    x = torch.zeros(2, 3, 4)
    v = x.permute(2, 0, 1)[1:3].transpose(0, 1)
    w = x.view(6, 4)
    v.fill_(7)
    assert w.sum().item() == 7 * 2 * 2 * 3
    w[5, 3] = 5
    assert x[1, 2, 3].item() == 5
    assert values(x[:, :, 1]) == [[7, 7, 7], [7, 7, 7]]


def test_a_reshape_that_strides_cannot_show_is_a_copy() -> None:
    x = torch.zeros(2, 3)
    x.T.reshape(6).fill_(1)
    assert x.sum().item() == 0
    with pytest.raises(RuntimeError, match="view size is not compatible with input tensor's size and stride"):
        x.T.view(6)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda: torch.ones(2).expand(3, 2).add_(1),
            "more than one element of the written-to tensor refers to a single memory location",
        ),
        (lambda: torch.ones(2).add_(torch.ones(3, 2)), r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"),
        (lambda: torch.ones(2, dtype=torch.int64).add_(1.5), "result type Float can't be cast to the desired output type Long"),
    ],
)
def test_writes_that_do_not_fit(act: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        act()


def test_old_results_keep_the_values_they_were_made_of() -> None:
    x = torch.ones(2)
    y = x * 3
    x.mul_(5)
    assert values(y) == [3, 3] and values(x) == [5, 5]


def test_detach_and_data_share_values() -> None:
    x = torch.ones(2, requires_grad=True)
    d = x.detach()
    d.add_(1)
    x.data.mul_(3)
    assert values(x) == [6, 6] and values(d) == [6, 6]
    assert x.is_leaf and x.requires_grad and not d.requires_grad
    x.data = torch.zeros(3)
    assert x.shape == (3,) and x.requires_grad


@pytest.mark.parametrize("allocations", range(-2, 8))
def test_views_may_be_collected_while_they_are_listed(allocations: int) -> None:
    thresholds = gc.get_threshold()
    gc.collect()
    gc.disable()
    try:
        whole = torch.zeros(64) + 1
        kept = [whole[i : i + 1] for i in range(40)]
        cycle: list[object] = [whole[:2]]
        cycle.append(cycle)
        del cycle
        gc.set_threshold(gc.get_count()[0] + allocations)
        gc.enable()
        assert len(whole._storage.live_aliases()) in (len(kept), len(kept) + 1)
    finally:
        gc.enable()
        gc.set_threshold(*thresholds)
