"""Every operation of the table: values, gradients twice, compiled code, strides, empty and 0-d inputs, errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import graphc as G
from tests.optable import DTYPES, EDGES, ERRORS, ROWS, SINGULAR, Row

STEP = 1e-6
ids = [r.name for r in ROWS]
smooth_rows = [r for r in ROWS if r.smooth]
elementwise_rows = [r for r in ROWS if r.elementwise]


def as_list(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (tuple, list)) else [found]


def tensors(arrays: Sequence[np.ndarray], requires_grad: bool = False) -> list[Any]:
    made = [G.tensor(a) for a in arrays]
    return [t.requires_grad_() if requires_grad and t.is_floating_point() else t for t in made]


def assert_close(found: Any, expected: Any, dtype: str, tolerance: float = 1.0) -> None:
    results, wanted = as_list(found), as_list(expected)
    assert len(results) == len(wanted)
    rtol = (1e-10 if dtype == "float64" else 1e-5) * tolerance
    for r, w in zip(results, wanted, strict=True):
        array = r.detach().numpy()
        assert array.shape == np.shape(w)
        np.testing.assert_allclose(array, w, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("r", ROWS, ids=ids)
def test_value_is_numpys(r: Row) -> None:
    for seed, dtype in ((0, "float64"), (1, "float32")):
        arrays = r.draw(seed, dtype)
        with np.errstate(all="ignore"):
            expected = r.reference(*arrays)
        assert_close(r.call(*tensors(arrays)), expected, dtype, r.tolerance)


def weighted_sum(results: Any, weights: list[np.ndarray]) -> Any:
    total = G.tensor(0.0, dtype=G.float64)
    floats = [r for r in as_list(results) if r.is_floating_point()]
    for result, weight in zip(floats, weights, strict=True):
        total = total + (result * G.tensor(weight)).sum()
    return total


def gradients(r: Row, inputs: list[Any], weights: list[np.ndarray], create_graph: bool = False) -> list[Any]:
    wrt = [t for t in inputs if t.requires_grad]
    loss = weighted_sum(r.call(*inputs), weights)
    found = (
        G.autograd.grad(loss, wrt, create_graph=create_graph, allow_unused=True) if loss.requires_grad else [None] * len(wrt)
    )
    return [G.zeros_like(t) if g is None else g for t, g in zip(wrt, found, strict=True)]


def weights_for(r: Row, arrays: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    floats = [np.asarray(w) for w in as_list(r.reference(*arrays)) if np.asarray(w).dtype.kind == "f"]
    return [rng.standard_normal(w.shape) for w in floats]


def moved(arrays: list[np.ndarray], directions: list[np.ndarray], by: float) -> list[np.ndarray]:
    steps = iter(directions)
    return [a + by * next(steps) if a.dtype.kind == "f" else a for a in arrays]


@pytest.mark.parametrize("r", smooth_rows, ids=[r.name for r in smooth_rows])
def test_gradient_is_the_difference_quotient(r: Row) -> None:
    rng = np.random.default_rng(7)
    arrays = r.draw(3)
    weights = weights_for(r, arrays, rng)
    directions = [rng.standard_normal(a.shape) for a in arrays if a.dtype.kind == "f"]

    def value(by: float) -> float:
        results = [np.asarray(w) for w in as_list(r.reference(*moved(arrays, directions, by)))]
        return float(sum((w * x).sum() for w, x in zip([x for x in results if x.dtype.kind == "f"], weights, strict=True)))

    found = gradients(r, tensors(arrays, True), weights)
    slope = sum(float((g.numpy() * d).sum()) for g, d in zip(found, directions, strict=True))
    assert slope == pytest.approx((value(STEP) - value(-STEP)) / (2 * STEP), rel=1e-5, abs=1e-7)


twice_rows = [r for r in smooth_rows if r.twice]


@pytest.mark.parametrize("r", twice_rows, ids=[r.name for r in twice_rows])
def test_second_derivative_is_the_difference_quotient_of_the_first(r: Row) -> None:
    rng = np.random.default_rng(11)
    arrays = r.draw(5)
    weights = weights_for(r, arrays, rng)
    directions = [rng.standard_normal(a.shape) for a in arrays if a.dtype.kind == "f"]
    probes = [rng.standard_normal(d.shape) for d in directions]

    def slope(by: float) -> float:
        found = gradients(r, tensors(moved(arrays, directions, by), True), weights)
        return sum(float((g.numpy() * p).sum()) for g, p in zip(found, probes, strict=True))

    inputs = tensors(arrays, True)
    first = gradients(r, inputs, weights, create_graph=True)
    along = sum(((g * G.tensor(p)).sum() for g, p in zip(first, probes, strict=True)), G.tensor(0.0, dtype=G.float64))
    wrt = [t for t in inputs if t.requires_grad]
    second = G.autograd.grad(along, wrt, allow_unused=True) if along.requires_grad else [None] * len(wrt)
    curve = sum(float((g.numpy() * d).sum()) for g, d in zip(second, directions, strict=True) if g is not None)
    assert curve == pytest.approx((slope(STEP) - slope(-STEP)) / (2 * STEP), rel=1e-5, abs=1e-6)


CHUNK = 24
chunks = [ROWS[i : i + CHUNK] for i in range(0, len(ROWS), CHUNK)]


@pytest.mark.parametrize("rows", chunks, ids=[c[0].name for c in chunks])
def test_compiled_code_computes_what_the_evaluator_does(rows: list[Row]) -> None:
    arrays = [a for r in rows for a in r.draw(9, "float32")]

    def all_of_them(*inputs: Any) -> list[Any]:
        left, results = list(inputs), []
        for r in rows:
            own, left = left[: len(r.inputs)], left[len(r.inputs) :]
            results += as_list(r.call(*own))
        return results

    eager = [r.numpy() for r in all_of_them(*tensors(arrays))]
    compiled = [r.numpy() for r in G.compile(all_of_them)(*tensors(arrays))]
    for e, c in zip(eager, compiled, strict=True):
        assert (e.dtype, e.shape) == (c.dtype, c.shape)
        np.testing.assert_allclose(c, e, rtol=4e-6, atol=4e-6)


@pytest.mark.parametrize("r", ROWS, ids=ids)
def test_strided_input(r: Row) -> None:
    arrays = r.draw(2)
    spread = [np.repeat(a[..., None], 2, -1)[..., 0] if a.ndim else a for a in arrays]
    turned = [np.ascontiguousarray(a.T).T for a in spread]
    with np.errstate(all="ignore"):
        expected = r.reference(*arrays)
    assert_close(r.call(*[G.from_numpy(a) for a in spread]), expected, "float64", r.tolerance)
    assert_close(r.call(*[G.from_numpy(a) for a in turned]), expected, "float64", r.tolerance)


@pytest.mark.parametrize("r", elementwise_rows, ids=[r.name for r in elementwise_rows])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1)], ids=str)
def test_zero_size_and_0d_inputs(r: Row, shape: tuple[int, ...]) -> None:
    arrays = [np.asarray(a) for a in r.draw(4, "float64", shape)]
    with np.errstate(all="ignore"):
        expected = r.reference(*arrays) if np.prod(shape) else np.zeros(shape)
    inputs = tensors(arrays, r.smooth)
    result = r.call(*inputs)
    assert_close(result, expected, "float64", r.tolerance)
    if r.smooth:
        for g, t in zip(gradients(r, inputs, [np.ones(shape)]), [t for t in inputs if t.requires_grad], strict=True):
            assert g.shape == t.shape


@pytest.mark.parametrize(("call", "at", "expected"), [s[1:] for s in SINGULAR], ids=[s[0] for s in SINGULAR])
def test_gradient_at_singular_points(call: Any, at: list[float], expected: list[float]) -> None:
    x = G.tensor(at, dtype=G.float64, requires_grad=True)
    call(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(("call", "inputs", "expected"), [e[1:] for e in EDGES], ids=[e[0] for e in EDGES])
def test_values_at_the_edges(call: Any, inputs: tuple[Any, ...], expected: Any) -> None:
    found = call(*(G.tensor(i) for i in inputs)).numpy()
    wanted = np.asarray(expected)
    np.testing.assert_allclose(found, wanted, rtol=2e-6)
    assert np.array_equal(np.signbit(found[found == 0]), np.signbit(wanted[wanted == 0]))


@pytest.mark.parametrize(("call", "given", "expected"), [d[1:] for d in DTYPES], ids=[f"{d[0]} {d[2]}" for d in DTYPES])
def test_element_types(call: Any, given: str, expected: str) -> None:
    assert repr(call(G.ones(3, dtype=getattr(G, given))).dtype) == f"torch.{expected}"


@pytest.mark.parametrize(("call", "error", "text"), ERRORS, ids=[e[2][:40] for e in ERRORS])
def test_bad_input_is_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value).splitlines()[0]


def test_errors_name_the_users_line() -> None:
    with pytest.raises(RuntimeError) as caught:
        G.ones(2) + G.ones(3)
    assert "test_ops.py:" in str(caught.value).splitlines()[-1]


def test_wrong_gradient_would_be_caught() -> None:
    wrong = Row("wrong", lambda x: x.detach() * x, lambda x: x * x)
    with pytest.raises(AssertionError):
        test_gradient_is_the_difference_quotient(wrong)


def test_item_assignment_as_numpy_does() -> None:
    rng = np.random.default_rng(0)
    for index in (1, (slice(None), 2), (0, slice(1, 3)), (Ellipsis, -1), ([0, 2], [1, 1]), (slice(0, 2), [3, 0])):
        a = rng.standard_normal((3, 4))
        t, value = G.tensor(a), rng.standard_normal(a[index].shape)
        a[index], t[index] = value, G.tensor(value)
        np.testing.assert_array_equal(t.numpy(), a)


def test_random_numbers() -> None:
    G.manual_seed(3)
    u, z, k = G.rand(100, 100), G.randn(100, 100), G.randint(2, 7, (1000,))
    assert float(u.min()) >= 0 and float(u.max()) < 1
    assert float(u.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(z.mean()) == pytest.approx(0, abs=0.04) and float(z.std()) == pytest.approx(1, abs=0.03)
    assert set(k.tolist()) == {2, 3, 4, 5, 6}
    assert sorted(G.randperm(50).tolist()) == list(range(50))
    G.manual_seed(3)
    assert G.equal(u, G.rand(100, 100)) and not G.equal(u, G.rand(100, 100))
    dropped = G.nn.functional.dropout(G.ones(10000), 0.25)
    assert set(np.unique(dropped.numpy()).tolist()) == {
        0.0,
        np.float32(1 / 0.75),
    }
    assert float((dropped == 0).double().mean()) == pytest.approx(0.25, abs=0.02)


def test_class_that_does_not_exist_raises_in_compiled_code() -> None:
    loss = G.compile(lambda x, t: G.nn.functional.cross_entropy(x, t, reduction="none"))
    with pytest.raises(IndexError, match="expected classes below 2"):
        loss(G.ones(3, 2), G.tensor([1, 5, -100])).numpy()
    np.testing.assert_allclose(loss(G.ones(3, 2), G.tensor([1, 0, -100])).numpy(), [np.log(2), np.log(2), 0.0], rtol=1e-6)


def test_creation() -> None:
    np.testing.assert_array_equal(G.arange(1, 8, 2).numpy(), np.arange(1, 8, 2))
    np.testing.assert_allclose(G.linspace(0, 1, 5).numpy(), np.linspace(0, 1, 5))
    np.testing.assert_array_equal(G.eye(2, 3).numpy(), np.eye(2, 3))
    assert G.full((2,), 3).dtype is G.int64 and G.full((2,), 3.0).dtype is G.float32
    assert G.zeros(2, 3, requires_grad=True).is_leaf and G.tensor([[1, 2.5]]).dtype is G.float32
    assert G.tensor(np.float64([1.0])).dtype is G.float64 and G.ones_like(G.tensor([1])).tolist() == [1]
