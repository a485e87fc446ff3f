"""Operations that put elements in order: values, indices, gradients, NaN, ties, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as torch

NAN = float("nan")
X = torch.tensor([[3.0, 1.0, 2.0], [1.0, NAN, 1.0]])


def same(found, *expected):
    for part, want in zip(found, expected, strict=True):
        np.testing.assert_array_equal(part.detach().numpy(), want)


def test_sort_is_stable_and_nan_is_largest():
    same(torch.sort(X), [[1, 2, 3], [1, 1, NAN]], [[1, 2, 0], [0, 2, 1]])
    same(X.sort(descending=True), [[3, 2, 1], [NAN, 1, 1]], [[0, 2, 1], [1, 0, 2]])
    same(X.sort(0), [[1, 1, 1], [3, NAN, 2]], [[1, 0, 1], [0, 1, 0]])
    same([X.argsort(axis=0), torch.msort(X)], [[1, 0, 1], [0, 1, 0]], [[1, 1, 1], [3, NAN, 2]])
    assert X.sort().indices.dtype is torch.int64
    assert repr(torch.tensor([2, 1]).sort()) == "torch.return_types.sort(\nvalues=tensor([1, 2]),\nindices=tensor([1, 0]))"


def test_sort_without_elements_or_axes():
    same(torch.tensor(5.0).sort(), 5.0, 0)
    same(torch.zeros(2, 0).sort(), np.zeros((2, 0)), np.zeros((2, 0)))


def test_topk():
    same(torch.tensor([3, 1, 2]).topk(2), [3, 2], [0, 2])
    same(torch.topk(X, 1, dim=0, largest=False), [[1, 1, 1]], [[1, 0, 1]])
    with pytest.raises(RuntimeError, match="selected index k out of range: k is 4, the axis has 3 elements"):
        X.topk(4)


def test_median_is_the_lower_one_and_nan_where_any_is():
    assert torch.tensor([4, 1, 3, 2]).median().item() == 2
    assert np.isnan(X.median().item()) and np.isnan(torch.zeros(0).median().item())
    same(X.median(1), [2, NAN], [2, 1])
    same(X.median(0, keepdim=True), [[1, NAN, 1]], [[1, 1, 1]])
    with pytest.raises(IndexError, match="non-zero size"):
        torch.zeros(2, 0).median(1)


def test_gradients_go_where_values_came_from():
    x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    (x.sort().values * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100, 1, 10]
    assert torch.autograd.grad(x.median(), x)[0].tolist() == [0, 0, 1]
    assert torch.autograd.grad(x.topk(2).values.prod(), x)[0].tolist() == [2, 0, 3]


def test_unique():
    same(torch.unique(torch.tensor([2, 1, 2]), return_inverse=True, return_counts=True), [1, 2], [1, 0, 1], [1, 2])
    assert torch.tensor([NAN, NAN]).unique().numel() == 2
    assert torch.tensor([[1, 2], [1, 2]]).unique(dim=0).tolist() == [[1, 2]]


def test_bincount():
    assert torch.bincount(torch.tensor([0, 2, 2])).tolist() == [1, 0, 2]
    assert torch.tensor([0, 1]).bincount(weights=torch.tensor([0.5, 2.0]), minlength=3).tolist() == [0.5, 2, 0]
    assert torch.bincount(torch.tensor([], dtype=torch.int64)).tolist() == []
    for bad in (torch.tensor([-1]), torch.tensor([1.0]), torch.tensor([[1]])):
        with pytest.raises(RuntimeError, match="1-d non-negative integral"):
            torch.bincount(bad)


@pytest.mark.parametrize("f", [torch.sort, torch.unique, torch.median, torch.bincount, lambda x: x.topk(1)])
def test_compiling_says_that_values_are_not_known(f):
    with pytest.raises(torch.TracingError, match="a value that is known while a function is traced"):
        torch.compile(f)(np.array([1, 2]))
