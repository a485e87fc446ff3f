"""The tensor itself: laziness, dtypes and shapes, looking at values, views and in-place writes, errors."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.dispatch.operation import op
from graphc.recording import lazy
from graphc.recording.lazy import clear_cache, realize
from graphc.recording.recording import PENDING_BOUND
from graphc.tensors.tensor import Tensor


def values(x: Tensor) -> Any:
    return x.tolist()


# -- dtypes, shapes, promotion ----------------------------------------------------------------------------


def test_dtypes_and_shapes_print_as_in_torch() -> None:
    x = torch.ones(2, 3)
    assert repr(x.dtype) == "torch.float32" and repr(x.shape) == "torch.Size([2, 3])"
    assert x.shape == (2, 3) and x.shape[1:] == (3,) and x.shape.numel() == 6 and repr(x.shape[:1]) == "torch.Size([2])"
    assert (x.ndim, x.dim(), x.size(-1), x.numel(), x.element_size(), x.nbytes) == (2, 2, 3, 6, 4, 24)
    assert str(x.device) == "cpu" and x.stride() == (3, 1) and x.T.stride() == (1, 3) and not x.T.is_contiguous()


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (torch.ones(2), 2, "torch.float32"),
        (torch.ones(2, dtype=torch.int32), 2, "torch.int32"),
        (torch.ones(2, dtype=torch.int32), 2.5, "torch.float32"),
        (torch.ones(2, dtype=torch.int32), torch.tensor(2), "torch.int32"),
        (torch.ones(2, dtype=torch.int32), torch.tensor(2.5, dtype=torch.float64), "torch.float64"),
        (torch.ones(2), torch.tensor(2.5, dtype=torch.float64), "torch.float32"),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), "torch.float64"),
        (torch.ones(2, dtype=torch.bool), 1, "torch.int64"),
        (torch.ones(2, dtype=torch.uint8), torch.ones(2, dtype=torch.int64), "torch.int64"),
    ],
)
def test_promotion(a: Any, b: Any, expected: str) -> None:
    assert repr((a * b).dtype) == expected
    assert repr((b * a).dtype) == expected


def test_size_indexing_out_of_range_is_an_index_error() -> None:
    with pytest.raises(IndexError, match=r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 5\)"):
        torch.ones(2, 2).size(5)


# -- errors ---------------------------------------------------------------------------------------------------


def test_an_error_has_torchs_first_line_and_the_users_place() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2, 3) + torch.ones(2, 2)
    first, place = str(caught.value).splitlines()
    assert first == "The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1"
    assert "test_tensor.py" in place and "torch.ones(2, 3) + torch.ones(2, 2)" in place


def test_foreign_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="unsupported operand type"):
        torch.ones(2) + "a"
    with pytest.raises(TypeError, match=r"can't convert np.ndarray of type complex128"):
        torch.add(torch.ones(2), np.ones(2, complex))


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


# -- laziness ---------------------------------------------------------------------------------------------------


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
    return sum(seen.program is not None for seen in lazy._seen.values())


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


# -- views and in-place writes --------------------------------------------------------------------------------


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


# -- NumPy, copies, threads -----------------------------------------------------------------------------------


def test_numpy_in_and_out() -> None:
    x = torch.tensor([[1, 2]], dtype=torch.int32)
    assert x.numpy().dtype == np.int32 and np.asarray(x).tolist() == [[1, 2]]
    assert values(torch.ones(2) + np.array([1.0, 2.0], np.float32)) == [2, 3]
    array = x.numpy()
    array[0, 0] = 9
    assert values(x) == [[1, 2]]


def test_hash_and_iteration() -> None:
    x = torch.arange(3)
    assert hash(x) == id(x) and len({x, x}) == 1
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


# -- arrays ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [torch.from_numpy, torch.as_tensor, torch.tensor, lambda a: torch.zeros(2) + a])
def test_a_tensor_does_not_see_what_is_written_to_its_array_later(make):
    array = np.ones(2)
    x = make(array)
    y = x * 2
    array[:] = 5
    assert x.tolist() == [1, 1] and y.tolist() == [2, 2]


def test_an_operation_takes_an_array_as_it_is_then():
    array = np.ones(2)
    y = torch.exp(array)
    array[:] = 5
    assert y.tolist() == [np.e, np.e]


# -- torch's other spellings ----------------------------------------------------------------------------------


def test_numpys_names_of_keywords():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.sum(axis=0, keepdims=True).tolist() == [[4, 6]]
    assert torch.max(x, axis=1).values.tolist() == [2, 4] and torch.softmax(x, axis=1).shape == (2, 2)
    assert torch.cat([x, x], axis=1).shape == (2, 4)


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


def test_limits_of_dtypes():
    assert torch.finfo(torch.float32).eps == np.finfo(np.float32).eps and torch.finfo().max == np.finfo(np.float32).max
    assert torch.iinfo(torch.uint8).max == 255 and torch.iinfo(torch.int64).min == -(2**63)
    with pytest.raises(TypeError, match="floating point input type"):
        torch.finfo(torch.int32)
    with pytest.raises(TypeError, match="integer input type"):
        torch.iinfo(torch.float64)


def test_result_type():
    x = torch.ones(2, dtype=torch.int32)
    assert torch.result_type(x, 1.0) is torch.float32 and torch.result_type(x, torch.ones(1, dtype=torch.uint8)) is torch.int32
    assert torch.scalar_tensor(2).dtype is torch.float32


def test_distances_of_rows():
    x, y = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True), torch.tensor([[0.0, 0.0]])
    assert torch.cdist(x, y).tolist() == [[0], [5]] and torch.cdist(x, y, p=1).tolist() == [[0], [7]]
    torch.cdist(x, y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0, 0], [0.6, 0.8]], rtol=1e-6)


# -- errors that the user sees --------------------------------------------------------------------------------


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


class Foreign:
    pass


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: torch.matmul(torch.ones(2, 2), [[1, 2], [3, 4]]),
            r"matmul\(\) expected a Tensor, got .* of type list",
        ),
        (lambda: torch.cat([torch.ones(2), Foreign()]), r"cat\(\) expected a Tensor, got .* of type Foreign"),
        (lambda: torch.exp(Foreign()), "expected a Tensor or a number, got Foreign"),
        (lambda: torch.tensor({1: 2}), r"expected numbers, arrays or nested sequences of them, got \{1: 2\}"),
        (lambda: torch.tensor("abc"), "expected numbers, arrays or nested sequences of them, got 'abc'"),
        (lambda: torch.ones(2).__setitem__(0, Foreign()), "expected a Tensor or a number, got Foreign"),
        (lambda: torch.ones(2).copy_("3"), "expected a Tensor or a number, got str"),
        (lambda: torch.ones(2, requires_grad=True).backward("a"), "expected gradients as Tensors or None, got str"),
        (lambda: torch.nn.Linear(2, 2)("x"), r"linear\(\) expected a Tensor, got 'x' of type str"),
    ],
)
def test_foreign_objects_are_named_with_the_users_line(call, message):
    with pytest.raises(TypeError, match=message) as caught:
        call()
    assert f"\n  at {__file__}:{call.__code__.co_firstlineno}" in str(caught.value)


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
