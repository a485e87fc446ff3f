"""The tensor itself: laziness, dtypes and shapes, looking at values, views and in-place writes, errors."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import graphc as torch
from tests.graphc.tensors.foreign import values


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (lambda: torch.ones(2, 3).item(), RuntimeError, "a Tensor with 6 elements cannot be converted to Scalar"),
        (lambda: bool(torch.ones(2)), RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"),
        (lambda: bool(torch.ones(0)), RuntimeError, "Boolean value of Tensor with no values is ambiguous"),
        (lambda: float(torch.ones(2)), ValueError, "only one element tensors can be converted to Python scalars"),
        (lambda: [1][torch.tensor(0.0)], TypeError, "only integer tensors of a single element can be converted to an index"),
        (lambda: len(torch.tensor(1)), TypeError, r"len\(\) of a 0-d tensor"),
        (lambda: list(torch.tensor(1)), TypeError, "iteration over a 0-d tensor"),
    ],
)
def test_looking_at_values_that_are_not_one(act: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        act()


def test_numpy_in_and_out() -> None:
    x = torch.tensor([[1, 2]], dtype=torch.int32)
    assert x.numpy().dtype == np.int32 and np.asarray(x).tolist() == [[1, 2]]
    assert values(torch.ones(2) + np.array([1.0, 2.0], np.float32)) == [2, 3]
    array = x.numpy()
    array[0, 0] = 9
    assert values(x) == [[1, 2]]


def test_hash_and_iteration() -> None:
    x = torch.arange(3)
    assert hash(x) == hash(x) and len({x, x, torch.arange(3)}) == 2
    assert [int(v) for v in x] == [0, 1, 2] and len(x) == 3 and [10, 20, 30][x[1]] == 20


def test_deepcopy_and_pickle_keep_requires_grad() -> None:
    x = torch.ones(2, requires_grad=True)
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert y.requires_grad and y is not x and values(y) == [1, 1]
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(x * 2)


def test_threads_compute_their_own_graphs() -> None:
    found: dict[int, Any] = {}

    def work(i: int) -> None:
        x = torch.full((4,), float(i))
        for _ in range(20):
            x = x + 1
        found[i] = values(x)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {i: [i + 20.0] * 4 for i in range(8)}


@pytest.mark.parametrize("make", [torch.from_numpy, torch.as_tensor, torch.tensor, lambda a: torch.zeros(2) + a])
def test_a_tensor_does_not_see_what_is_written_to_its_array_later(make):
    array = np.ones(2)
    x = make(array)
    y = x * 2
    array[:] = 5
    assert x.tolist() == [1, 1] and y.tolist() == [2, 2]


def test_where_without_values_gives_places():
    (rows,) = torch.where(torch.tensor([0, 3, 5]) > 0)
    assert rows.tolist() == [1, 2]
    assert torch.tensor([1.0, 2.0]).where(torch.tensor([True, False]), 0.0).tolist() == [1, 0]
    with pytest.raises(TypeError, match="either both input and other, or neither"):
        torch.where(rows > 0, 1.0)


@pytest.mark.parametrize("size", [2.5, "3", None, (2, 1.0)])
def test_sizes_are_integers(size):
    with pytest.raises(TypeError, match="expected sizes or axes as integers, got"):
        torch.zeros(size)


def test_distances_of_rows():
    x, y = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True), torch.tensor([[0.0, 0.0]])
    assert torch.cdist(x, y).tolist() == [[0], [5]] and torch.cdist(x, y, p=1).tolist() == [[0], [7]]
    torch.cdist(x, y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0, 0], [0.6, 0.8]], rtol=1e-6)


def test_copy_broadcasts_to_the_target_only():
    assert torch.zeros(2, 3).copy_(torch.tensor([1.0, 2.0, 3.0])).tolist() == [[1, 2, 3], [1, 2, 3]]
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(2\) must match .* b \(3\)[\s\S]*at .*test_tensor.py"):
        torch.ones(2).copy_(torch.ones(3))
    with pytest.raises(RuntimeError, match=r"output with shape \[1\] doesn't match the broadcast shape \[3\]"):
        torch.ones(1).copy_(torch.ones(3))


def test_negative_sizes_and_classes():
    with pytest.raises(RuntimeError, match="greater or equal to 0, got -1"):
        torch.eye(-1)
    with pytest.raises(RuntimeError, match="among non-negative ones"):
        torch.nn.functional.one_hot(torch.tensor([-1]))


@pytest.mark.parametrize("run", [lambda f: f, torch.compile])
def test_shifts_by_too_many_bits(run):
    x, count = torch.tensor([5, -5, 3, -3]), torch.tensor([64, 70, -1, 63])
    assert run(lambda x, n: x << n)(x, count).tolist() == [0, 0, 0, -(2**63)]
    assert run(lambda x, n: x >> n)(x, count).tolist() == [0, -1, 0, -1]
    byte = torch.tensor([200, 200, 200], dtype=torch.uint8)
    assert run(lambda x: x >> torch.tensor([7, 8, 255], dtype=torch.uint8))(byte).tolist() == [1, 0, 0]
    assert run(lambda x: (x << 1, x << 8))(byte)[1].tolist() == [0, 0, 0]
    with pytest.raises(NotImplementedError, match="lshift_cpu"):
        torch.ones(2) << 1
