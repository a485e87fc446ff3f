"""Backward where the history continues in closed recordings: after reads in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import graphc
from graphc import Tensor


def overwritten(a: Tensor, b: Tensor) -> Tensor:
    v = graphc.asin(b)
    v.sum().item()
    v[:] = a
    return v


def copied(a: Tensor, b: Tensor) -> Tensor:
    v = graphc.asin(b)
    v.sum().item()
    v.copy_(a)
    return v


def overwritten_at_an_index(a: Tensor, b: Tensor) -> Tensor:
    v = graphc.asin(b)
    v[graphc.tensor(1) % 1] = 1.0
    v[:] = a
    return v


@pytest.mark.parametrize("f", [overwritten, copied, overwritten_at_an_index])
def test_what_is_overwritten_passes_no_zeros_on(f: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Times the infinite derivative of asin they would be NaN."""
    a = graphc.tensor([1.5, 0.5], requires_grad=True)
    b = graphc.tensor([1.5, 0.5], requires_grad=True)
    f(a, b).sum().backward()
    assert a.grad is not None and a.grad.tolist() == [1.0, 1.0]
    assert b.grad is not None and b.grad.tolist() == [0.0, 0.0]


def test_gradients_of_several_recordings_add_up() -> None:
    for _ in range(3):
        w = graphc.tensor([1.0, 2.0], requires_grad=True)
        x = w * w
        assert x.sum().item() == 5.0
        y = x * w
        assert y.sum().item() == 9.0
        x.mul_(0)  # y keeps its history
        assert x.sum().item() == 0.0
        (x + y.detach() * w + w).sum().backward()
        assert w.grad is not None and w.grad.tolist() == [2.0, 9.0]


def test_a_history_that_was_used_up_is_refused_even_where_nothing_flows() -> None:
    w = graphc.tensor([1.0, 2.0], requires_grad=True)
    v = w.exp()
    total = v.sum()
    assert total.item() > 0
    total.backward()
    with pytest.raises(RuntimeError, match="second time"):
        (total * 2).backward()
