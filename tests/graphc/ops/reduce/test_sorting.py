"""Operations that put elements in order: values, indices, gradients, NaN, ties, and what they refuse."""

from __future__ import annotations

from typing import Any

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


@pytest.mark.parametrize("f", [torch.unique, torch.bincount])
def test_compiling_says_that_values_are_not_known(f):
    with pytest.raises(torch.TracingError, match="a value that is known while a function is traced"):
        torch.compile(f)(np.array([1, 2]))


def drawn(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> Any:
    """Return numbers with many equal ones: all that sorts in a special way among floats, extremes among integers."""
    if dtype.startswith("float"):
        special = [-np.inf, np.inf, NAN, -NAN, -0.0, 0.0, 1.0, -1.0, 1e-40, -1e-40, 3e38]
        return rng.choice(special, shape).astype(dtype)
    info = np.iinfo(dtype) if dtype != "bool" else None
    return rng.choice([0, 1] if info is None else [info.min, info.max, 0, 1, 2], shape).astype(dtype)


def in_order(x: Any, axis: int, descending: bool) -> Any:
    """Return the indices in stable order by Python's sort, NaN last or first."""

    def order(row: Any) -> list[int]:
        return sorted(range(len(row)), key=lambda i: (row[i] != row[i], 0 if row[i] != row[i] else row[i]))

    if not x.size:
        return np.zeros(x.shape, np.int64)
    if not descending:
        return np.apply_along_axis(order, axis, x)
    return x.shape[axis] - 1 - np.flip(np.apply_along_axis(order, axis, np.flip(x, axis)), axis)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("descending", [False, True])
def test_sorted_natively(dtype: str, descending: bool) -> None:
    """Short rows are merged, long ones distributed by their bytes; at sizes of one program, in any layout."""
    rng = np.random.default_rng(0)
    for axis in (0, 1, 2):
        f = torch.compile(lambda x, axis=axis: tuple(torch.sort(x, axis, descending)))
        for shape in ((3, 4, 5), (2, 39, 40), (41, 2, 100), (1, 300, 1), (0, 3, 2), (2, 0, 3)):
            x = drawn(rng, dtype, shape)
            wanted = in_order(x, axis, descending)
            for given in (x, np.asfortranarray(x), np.repeat(x, 2, 2)[:, :, ::2], x[::-1].copy()[::-1]):
                for values, indices in (f(given), torch.sort(torch.from_numpy(given), axis, descending)):
                    np.testing.assert_array_equal(indices, wanted)
                    np.testing.assert_array_equal(values, np.take_along_axis(x, wanted, axis))


def test_compiled_selections_and_their_gradients() -> None:
    x = np.random.default_rng(1).standard_normal((4, 7))
    weight = torch.arange(4.0, dtype=torch.float64)
    for f, places in (
        (lambda x: x.topk(3, 1, largest=False).values.sum(1), np.argsort(x, 1)[:, :3]),
        (lambda x: x.median(1).values, np.argsort(x, 1)[:, 3:4]),
        (lambda x: torch.sort(x, 1).values[:, -1], np.argsort(x, 1)[:, -1:]),
    ):
        wanted = np.zeros_like(x)
        np.put_along_axis(wanted, places, np.arange(4.0)[:, None], 1)
        slope = torch.func.grad(lambda x, f=f: (f(x) * weight).sum())
        np.testing.assert_array_equal(slope(torch.from_numpy(x)), wanted)
        np.testing.assert_array_equal(torch.compile(slope)(x), wanted)
        np.testing.assert_array_equal(torch.compile(torch.vmap(slope))(np.stack([x, x])), [wanted, wanted])


def test_median_of_nan_is_the_first_one() -> None:
    f = torch.compile(lambda x: tuple(x.median(0)))
    for x in ([1.0, NAN, 3.0, NAN], [2.0, 1.0], [NAN]):
        at = int(np.isnan(x).argmax()) if np.isnan(x).any() else int(np.argsort(x)[(len(x) - 1) // 2])
        value, index = f(np.array(x))
        np.testing.assert_array_equal([value, index], [x[at], at])


def test_sorted_in_each_iteration_of_a_loop() -> None:
    """Six numbers are sorted in registers, sixty in memory."""
    def body(c: Any, _: Any) -> Any:
        return (c + c.sin().sort().values).cos(), c.argsort(descending=True)

    f = torch.compile(lambda x: torch.scan(body, x, None, length=20))
    for n in (6, 60):
        x = np.random.default_rng(n).standard_normal(n)
        last, orders = f(x)
        for order in orders:
            np.testing.assert_array_equal(order, np.argsort(-x, kind="stable"))
            x = np.cos(x + np.sort(np.sin(x)))
        np.testing.assert_allclose(last, x)


def test_mlir_has_no_sort() -> None:
    with pytest.raises(NotImplementedError, match="argsort"):
        torch.compile(torch.sort).lower(np.ones(3)).mlir()
