"""Numbers that are written: exact in every dtype, or refused as torch refuses them; reads of nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import Tensor

INF, NAN = float("inf"), float("nan")

U8, I32, I64, F32, F64, BOOL = torch.uint8, torch.int32, torch.int64, torch.float32, torch.float64, torch.bool


def _changed(x: Tensor, write: Callable[[Tensor], Any]) -> Tensor:
    y = x.clone()
    write(y)
    return y


def _mask(x: Tensor) -> Tensor:
    return torch.tensor([True] + [False] * (len(x) - 1))


WRITES: dict[str, Callable[[Tensor, Any], Tensor]] = {
    "item": lambda x, v: _changed(x, lambda y: y.__setitem__(0, v)),
    "slice": lambda x, v: _changed(x, lambda y: y.__setitem__(slice(0, 1), v)),
    "mask": lambda x, v: _changed(x, lambda y: y.__setitem__(_mask(y), v)),
    "index": lambda x, v: _changed(x, lambda y: y.__setitem__(torch.tensor([0]), v)),
    "fill_": lambda x, v: x.clone().fill_(v),
    "full": lambda x, v: torch.full((2,), v, dtype=x.dtype),
    "full_like": torch.full_like,
    "masked_fill": lambda x, v: x.masked_fill(_mask(x), v),
    "where": lambda x, v: torch.where(_mask(x), v, x),
    "index_fill": lambda x, v: x.index_fill(0, torch.tensor([0]), v),
    "scatter": lambda x, v: x.scatter(0, torch.tensor([0]), v),
}

EXACT = [
    (F64, 0.3), (F64, 1e300), (F64, 5e-324), (F64, -0.0), (F32, INF), (I64, 2**40 + 1), (I64, 2**53 + 1), (I64, 2**63 - 1),
    (I64, -(2**63)), (I32, 2**31 - 1), (I32, -(2**31)), (I32, 2**24 + 1), (U8, 255), (BOOL, True),
]  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("dtype", "value"), EXACT, ids=str)
def test_numbers_are_written_exactly(run: Any, write: str, dtype: Any, value: Any) -> None:
    found = run(lambda x: WRITES[write](x, value))(torch.zeros(2, dtype=dtype))
    assert found.dtype is dtype and found[0].item() == value
    assert np.signbit(found[0].item()) == np.signbit(value)


def test_numpy_numbers_are_written_exactly() -> None:
    x = torch.zeros(3, dtype=F64)
    x[0], x[1] = np.float64(0.3), np.float32(0.5)
    x[2:] = [0.1]
    assert x.tolist() == [0.3, 0.5, 0.1]
    x.copy_(np.array([0.7, 1e300, 0.1]))  # type: ignore[arg-type]
    assert x.tolist() == [0.7, 1e300, 0.1]


OUT_OF_RANGE = [
    (U8, 256), (U8, 300), (U8, -256), (U8, 1e9), (U8, NAN), (I32, 2**31), (I32, -(2**31) - 1), (I32, 2**40), (I32, 1e300),
    (I32, INF), (I64, NAN), (I64, -INF), (I64, 1e19), (F32, 1e300), (F32, -3.5e38),
]  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(("dtype", "value"), OUT_OF_RANGE, ids=str)
def test_numbers_out_of_range_are_refused(run: Any, write: str, dtype: Any, value: Any) -> None:
    if write == "where" and isinstance(value, float) and not dtype.is_floating_point:
        return  # the result is a float
    with pytest.raises(RuntimeError, match="without overflow"):
        run(lambda x: WRITES[write](x, value))(torch.zeros(2, dtype=dtype))


def test_reading_nothing_of_nothing(run: Any) -> None:
    x, i = torch.zeros(0), torch.zeros(0, dtype=I64)
    assert run(lambda x, i: x[i])(x, i).shape == (0,) and run(torch.take)(x, i).shape == (0,)
    assert run(lambda x, i: x.index_select(0, i))(torch.zeros(0, 3), i).shape == (0, 3)


def test_a_list_of_lists_slices_or_tensors_is_a_tuple(run: Any) -> None:
    x = torch.arange(24.0).reshape(2, 3, 4)
    for index in ([[0, 1], [1, 0]], [slice(0, 1), 1], [None, 0], [torch.tensor([0, 1]), 1], [torch.tensor(1), torch.tensor(0)]):
        with pytest.warns(UserWarning, match="non-tuple sequence"):
            found = run(lambda x, i=index: x[i])(x)
        assert torch.equal(found, x[tuple(index)])
        written, wanted = x.clone(), x.clone()
        with pytest.warns(UserWarning, match="non-tuple sequence"):
            written[index] = -1.0
        wanted[tuple(index)] = -1.0
        assert torch.equal(written, wanted)
    assert x[[0, 1]].shape == (2, 3, 4) and x[[True, False]].shape == (1, 3, 4)


@pytest.mark.parametrize("write", [True, False])
def test_known_values_are_read_and_written_at_indices_that_are_read(write: bool) -> None:
    for k in range(4):
        x = torch.arange(12.0).reshape(4, 3)
        x.sum().item()
        expected = np.arange(12, dtype=np.float32).reshape(4, 3)
        place, mask, rows = torch.tensor(k) * 1, expected > 3 + k, [k, 0]
        masked = torch.from_numpy(mask)
        if not write:
            assert x[place].tolist() == expected[k].tolist() and x[np.int64(k), 1].item() == expected[k, 1]
            assert x[masked].tolist() == expected[mask].tolist() and x[rows].tolist() == expected[rows].tolist()
            assert x[:, [2, 0]].tolist() == expected[:, [2, 0]].tolist() and x[mask].tolist() == expected[mask].tolist()
            continue
        x[place], expected[k] = 7, 7
        x[masked], expected[mask] = -1.5, -1.5
        x[torch.tensor(rows)], expected[rows] = torch.tensor([[1.0], [2.0]]), [[1.0], [2.0]]
        x[np.int64(k), 2], expected[k, 2] = True, 1
        x[2] += 1
        expected[2] += 1
        x[rows, 0], expected[rows, 0] = 1 << 30, 1 << 30
        assert x.tolist() == expected.tolist()
        with pytest.raises(IndexError):
            x[torch.tensor(4)]
        with pytest.raises((RuntimeError, IndexError)):
            x[masked] = torch.ones(3, 5)
        with pytest.raises(IndexError):
            x[torch.tensor([4])] = 1.0
            x.tolist()


PLACES = np.array([0, 1, 1])


@pytest.mark.parametrize("wrap", [lambda x: x, torch.tensor], ids=["bool", "tensor"])
@pytest.mark.parametrize("index", [
    (True,), (None, True), (..., True), (False,), (True, PLACES), (PLACES, True), (True, True), (True, slice(None), PLACES),
    (PLACES, None, True), (PLACES, slice(None), True), (0, True), (0, True, PLACES), (True, slice(0, 2)),
])  # fmt: skip
def test_bools_are_masks_without_axes(index: tuple[Any, ...], wrap: Any) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    x = torch.tensor(values)
    ours = tuple(wrap(i) if isinstance(i, bool) else torch.tensor(i) if isinstance(i, np.ndarray) else i for i in index)
    part = x[ours]
    np.testing.assert_array_equal(part.numpy(), values[index])
    part += 100
    np.testing.assert_array_equal(x.numpy(), values)
    x[ours] += 7
    values[index] += 7
    np.testing.assert_array_equal(x.numpy(), values)


@pytest.mark.parametrize("kind", [torch.tensor, np.int64, np.int32], ids=["tensor", "int64", "int32"])
def test_bounds_of_slices_are_read(run: Any, kind: Any) -> None:
    """Each slice has its own elements, whatever other slices were read before, also where a bound is changed in place."""

    def slices(x: Tensor) -> tuple[Tensor, ...]:
        first, last = kind(1), kind(3)
        return x[first:last], x[first:], x[:last], x[::last], x[first:last, ...], x[None, first:]

    results = [r.tolist() for r in run(slices)(torch.arange(6.0))]
    assert results == [[1, 2], [1, 2, 3, 4, 5], [0, 1, 2], [0, 3], [1, 2], [[1, 2, 3, 4, 5]]]


def test_slices_with_a_changing_bound() -> None:
    x, at, found = torch.arange(6.0), torch.tensor(0), []
    for _ in range(4):
        found.append(x[at : at + 2].tolist())
        x[at:] += 10
        at += 1
    assert found == [[0, 1], [11, 12], [22, 23], [33, 34]] and x.tolist() == [10, 21, 32, 43, 44, 45]


def test_lists_of_numpy_integers_are_index_tensors(run: Any) -> None:
    x = torch.arange(12.0).reshape(3, 4)
    result = run(lambda x: x[[np.int64(0), np.int64(2)]])(x)
    assert result.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.uint32, np.uint64])
def test_arrays_of_other_integers(run: Any, dtype: Any) -> None:
    index = np.array([1, 2], dtype)
    x = torch.arange(12.0).reshape(3, 4)
    assert run(lambda x: x[index])(x).tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert run(lambda x: x[0, index])(x).tolist() == [1, 2]
    x[:, index] = 0
    assert x.tolist() == [[0, 0, 0, 3], [4, 0, 0, 7], [8, 0, 0, 11]]


def test_an_element_of_a_leaf_may_not_be_written_to_itself() -> None:
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = x[0]
