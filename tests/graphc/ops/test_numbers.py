"""Python numbers as operands, values to write, bounds and sizes: exact in every dtype, or refused as torch refuses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import Tensor, func, nn
from graphc.nn import functional as F
from graphc.utils.data import default_collate

INF, NAN = float("inf"), float("nan")
U8, I32, I64, F32, F64, BOOL = torch.uint8, torch.int32, torch.int64, torch.float32, torch.float64, torch.bool
RUNS: dict[str, Callable[..., Any]] = {"eager": lambda f: f, "compiled": torch.compile}


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> Any:
    return RUNS[request.param]


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


BOUNDS: list[Callable[[Tensor, Any], Tensor]] = [
    lambda x, v: torch.clamp(x, v, 2**20), lambda x, v: x.clamp(min=v), lambda x, v: x.clamp(max=v), torch.clamp_min,
    lambda x, v: x.clone().clamp_(0, v), torch.clamp_max,
]  # fmt: skip


@pytest.mark.parametrize("bound", range(len(BOUNDS)))
def test_bounds_out_of_range_are_refused(run: Any, bound: int) -> None:
    for dtype, value in ((I32, -(2**40)), (I32, 2**31), (U8, 300), (U8, -300), (F32, 1e300)):
        with pytest.raises(RuntimeError, match="without overflow"):
            run(lambda x, value=value: BOUNDS[bound](x, value))(torch.zeros(3, dtype=dtype))


def test_a_bound_that_is_nan_gives_nan(run: Any) -> None:
    x = torch.tensor([1.0, INF, NAN])
    for bounded in (lambda x: x.clamp(min=NAN), lambda x: x.clamp(max=NAN), lambda x: x.clamp(0, NAN)):
        assert run(bounded)(x).isnan().all()
    assert run(lambda x, low: x.clamp(min=low))(x, torch.tensor([NAN, 0.0, 0.0])).isnan().tolist() == [True, False, True]


def test_integers_of_more_than_64_bits_are_refused() -> None:
    for call in (lambda x: x + 2**64, lambda x: x * -(2**63 + 1), lambda x: x.fill_(2**64), lambda x: x == 2**70):
        with pytest.raises(OverflowError, match="64 bits"):
            call(torch.zeros(2))


def test_factors_are_checked() -> None:
    x = torch.ones(2, dtype=I32)
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.add(x, x, alpha=2**40)
    with pytest.raises(RuntimeError, match="Boolean alpha"):
        torch.sub(x, x, alpha=True)
    with pytest.raises(RuntimeError, match="with a bool tensor"):
        _ = x - True


# -- division and other values at the edge ------------------------------------------------------------------

EDGES = [0.0, -0.0, 1.0, -1.0, 0.1, -0.1, 2.0, 7.5, -7.5, 1e-300, 5e-324, -5e-324, 1e308, -1e308, 2.0**60, INF, -INF, NAN]


def _pairs(dtype: Any) -> tuple[Any, Any]:
    with np.errstate(over="ignore"):
        values = np.array(EDGES).astype(dtype)
    x, y = np.meshgrid(values, values)
    return x.ravel(), y.ravel()


def _heaviside(x: Any, y: Any) -> Any:
    return np.where(x == 0, y, np.where(x > 0, 1, 0)).astype(x.dtype)


def _remainder(x: Any, y: Any) -> Any:
    return np.where(np.isinf(y) & (x != 0) & ((x < 0) != (y < 0)), x + y, np.remainder(x, y))


BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "floor_divide": (torch.floor_divide, np.floor_divide),
    "floor": (lambda x, y: torch.div(x, y, rounding_mode="floor"), np.floor_divide),
    "remainder": (torch.remainder, _remainder),
    "fmod": (torch.fmod, np.fmod),
    "atan2": (torch.atan2, np.arctan2),
    "hypot": (torch.hypot, lambda x, y: np.where(np.isinf(x) | np.isinf(y), np.inf, np.hypot(x, y))),
    "heaviside": (torch.heaviside, _heaviside),
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_at_the_edge(run: Any, name: str, dtype: Any) -> None:
    ours, wanted = BINARY[name]
    x, y = _pairs(dtype)
    with np.errstate(all="ignore"):
        expected = wanted(x, y)
    found = run(ours)(torch.tensor(x), torch.tensor(y)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=0 if name != "atan2" else 1e-40)
    if name in ("floor_divide", "fmod"):
        signed = ~np.isnan(expected)
        assert (np.signbit(found) == np.signbit(expected))[signed].all()


def test_floor_division_of_floats_is_exact(run: Any) -> None:
    x = torch.tensor([1.0, 0.3, 1.0, -1.0, INF, -1e-300], dtype=F64)
    y = torch.tensor([0.1, 0.1, -0.1, INF, 2.0, 1.0], dtype=F64)
    assert run(torch.floor_divide)(x, y).tolist()[:4] == [9, 2, -10, -1]
    assert np.isnan(run(torch.floor_divide)(x, y)[4].item()) and run(torch.floor_divide)(x, y)[5].item() == -1
    assert run(lambda x: x // 0.1)(x)[0].item() == 9 and np.isnan(run(lambda x: x // 2)(x)[4].item())


def test_remainders_of_numbers_far_apart(run: Any) -> None:
    x, y = torch.tensor([1e308, -1e308, 1e308], dtype=F64), torch.tensor([5e-324, 5e-324, 0.1], dtype=F64)
    assert run(torch.fmod)(x, y).tolist() == [0, 0, np.fmod(1e308, 0.1)]
    assert run(torch.remainder)(x, y).tolist() == [0, 0, np.fmod(1e308, 0.1)]


def test_divisions_of_extreme_integers(run: Any) -> None:
    low = -(2**63)
    x, y = torch.tensor([low, low, low, 7, -7, 5]), torch.tensor([low, 3, -1, low, 2, -3])
    assert run(torch.fmod)(x, y).tolist() == [0, -2, 0, 7, -1, 2]
    assert run(lambda x, y: torch.div(x, y, rounding_mode="trunc"))(x, y).tolist() == [1, low // 3 + 1, low, 0, -3, -1]


# -- tensors of data ----------------------------------------------------------------------------------------


def test_dtypes_of_data() -> None:
    one, double = np.float32(1), np.float64(2)
    wanted: list[tuple[Any, Any]] = [
        ([double], F64), ([np.ones(2)], F64), ([one], F32), ([one, 1.0], F32), ([1, one], F32), ([1.0, double], F64),
        ((np.ones(2, np.float32), np.ones(2)), F64), ([[1, 2], [double, 4]], F64), ([np.int32(1)], I32),
        ([np.int32(1), 1], I64), ([True, 1], I64),
        ([True, 1.0], F32), ([torch.tensor(1.0, dtype=F64)], F64), ([np.ones(0)], F64), ([], F32),
        (range(3), I64), ([2**63 - 1, 1], I64),
    ]  # fmt: skip
    for data, dtype in wanted:
        assert torch.tensor(data).dtype is dtype, data
        assert torch.as_tensor(data).dtype is dtype, data
    assert torch.tensor([2**63 - 1, 1]).tolist() == [2**63 - 1, 1]


def test_a_series_has_the_dtype_of_its_array() -> None:
    class Series:
        def __init__(self, values: Any) -> None:
            self.values = np.asarray(values)

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return self.values

        def __len__(self) -> int:
            return len(self.values)

    assert torch.tensor(Series([1.0, 2.0])).dtype is F64 and torch.tensor([Series([1, 2])]).dtype is I64
    assert torch.tensor(Series([1.0, 2.0]), dtype=F32).dtype is F32


def test_data_out_of_range_is_refused() -> None:
    for data, dtype in ((300, U8), ([1, -256], U8), (-0.5, U8), (2**31, I32), ([[2**40]], I32), (1e300, I64), (INF, I64)):
        with pytest.raises(RuntimeError, match="without overflow"):
            torch.tensor(data, dtype=dtype)
    for data, dtype in ((NAN, I64), ([1, NAN], I32), (2**64, None), ([2**63], None)):
        with pytest.raises(ValueError, match=r"overflow|64 bits"):
            torch.tensor(data, dtype=dtype)
    assert torch.tensor([-1], dtype=U8).item() == 255 and torch.tensor(np.array([300]), dtype=U8).item() == 44


def test_collated_numbers_have_torchs_dtypes() -> None:
    assert default_collate([1.0, 2.0]).dtype is F64 and default_collate([1, 2]).dtype is I64
    assert default_collate([np.float32(1)]).dtype is F32 and default_collate([(1.0, 2)])[0].dtype is F64
    assert default_collate([{"a": 1.0}])["a"].dtype is F64 and default_collate([np.float64(1)]).dtype is F64


def test_constructors_of_tensor_types() -> None:
    assert Tensor(2, 3).shape == (2, 3) and Tensor(3).shape == (3,) and Tensor().shape == (0,)
    assert Tensor(torch.Size([2, 2])).shape == (2, 2) and Tensor(size=(2, 4)).shape == (2, 4)
    assert Tensor(np.int64(2)).shape == (2,)
    assert Tensor([2, 3]).tolist() == Tensor((2, 3)).tolist() == [2, 3] and Tensor(np.ones(2)).dtype is F32
    assert nn.Parameter(Tensor(4, 5)).shape == (4, 5)
    shared = torch.zeros(2)
    Tensor(shared).add_(1)
    assert shared.tolist() == [1, 1]
    wrong: list[Callable[[], Any]] = [
        lambda: Tensor(2.5), lambda: Tensor(True), lambda: Tensor(None), lambda: Tensor("a"), lambda: Tensor(2, "a"),
        lambda: Tensor([2, 3], [1, 2]), lambda: Tensor([1], dtype=I64), lambda: Tensor(2, device="cuda"),
        lambda: torch.LongTensor(torch.ones(2)),
    ]  # fmt: skip
    for call in wrong:
        with pytest.raises(TypeError):
            call()
    with pytest.raises(RuntimeError, match="negative dimension"):
        Tensor(2, -1)
    made = {
        torch.FloatTensor: F32, torch.DoubleTensor: F64, torch.IntTensor: I32, torch.LongTensor: I64, torch.ByteTensor: U8,
        torch.BoolTensor: BOOL,
    }  # fmt: skip
    for kind, dtype in made.items():
        assert kind([0, 1]).dtype is dtype and kind(2, 3).shape == (2, 3) and isinstance(kind(1), kind)
        assert torch.zeros(2).type(kind).dtype is dtype and torch.zeros(2, dtype=dtype).new([1]).dtype is dtype
        assert torch.zeros(2).type(f"torch.{kind.__name__}").dtype is dtype
        assert isinstance(torch.zeros(1), kind) is (dtype is F32)
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.ByteTensor([300])


def test_vjp_of_one_argument_gives_a_tuple() -> None:
    _, pull = func.vjp(lambda x: x * 2, torch.ones(2))
    found = pull(torch.ones(2))
    assert isinstance(found, tuple) and [g.tolist() for g in found] == [[2, 2]]


# -- arguments that mean something --------------------------------------------------------------------------


def test_what_is_no_probability_or_deviation_is_refused() -> None:
    x = torch.ones(2)
    wrong: list[Callable[[], Any]] = [
        lambda: torch.bernoulli(x * 1.5), lambda: torch.bernoulli(-x), lambda: torch.bernoulli(x * NAN),
        lambda: x.clone().bernoulli_(1.5), lambda: x.clone().bernoulli_(NAN), lambda: torch.normal(0.0, -1.0, (2,)),
        lambda: torch.normal(x, -1.0), lambda: torch.normal(x, -x), lambda: x.clone().normal_(0, -1),
        lambda: x.clone().uniform_(2, 1), lambda: torch.randint(0, 300, (2,), dtype=U8),
        lambda: torch.zeros(2, dtype=U8).random_(0, 300), lambda: torch.isclose(x, x, rtol=-1),
    ]  # fmt: skip
    for call in wrong:
        with pytest.raises(RuntimeError):
            call()
    with pytest.raises(NotImplementedError, match="Long"):
        torch.bernoulli(torch.tensor([1]))
    assert torch.bernoulli(torch.tensor([0.0, 1.0])).tolist() == [0, 1]
    assert torch.randint(0, 256, (100,), dtype=U8).dtype is U8


def test_activations_of_integers() -> None:
    whole, flags = torch.tensor([-1, 0, 3]), torch.tensor([True, False])
    for call in (F.leaky_relu, F.hardshrink, F.softshrink):
        with pytest.raises(NotImplementedError, match="Long"):
            call(whole)
    for call in (F.relu, F.hardtanh, F.relu6):
        with pytest.raises(RuntimeError, match="Bool"):
            call(flags)
    assert F.relu(whole).tolist() == [0, 0, 3] and F.hardtanh(whole).tolist() == [-1, 0, 1]
    for call in (lambda: F.hardtanh(whole.to(U8)), lambda: F.threshold(whole.to(U8), 0, 300)):
        with pytest.raises(RuntimeError, match=r"unsigned type|without overflow"):
            call()
    assert F.hardtanh(torch.ones(2), NAN, 1.0).isnan().all()
    with pytest.raises(TypeError, match="at least one Tensor"):
        F.gelu(2.0)


def test_products_of_bytes(run: Any) -> None:
    a, b = torch.tensor([[1, 2], [3, 4]], dtype=U8), torch.tensor([[100, 2], [3, 200]], dtype=U8)
    assert run(lambda a, b: a @ b)(a, b).tolist() == [[106, 146], [56, 38]]
    assert run(torch.bmm)(a[None], b[None]).tolist() == [[[106, 146], [56, 38]]]


def test_attention_without_features(run: Any) -> None:
    q, v = torch.zeros(1, 2, 0), torch.arange(6.0).reshape(1, 2, 3)
    assert run(F.scaled_dot_product_attention)(q, q, v).tolist() == [[[1.5, 2.5, 3.5]] * 2]
    assert run(F.scaled_dot_product_attention)(q, q, q).shape == (1, 2, 0)


def test_reading_nothing_of_nothing(run: Any) -> None:
    x, i = torch.zeros(0), torch.zeros(0, dtype=I64)
    assert run(lambda x, i: x[i])(x, i).shape == (0,) and run(torch.take)(x, i).shape == (0,)
    assert run(lambda x, i: x.index_select(0, i))(torch.zeros(0, 3), i).shape == (0, 3)


def test_functional_call_replaces_tied_tensors() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: Tensor) -> Any:
            return self.b(self.a(x))

    new, x = {"a.weight": torch.tensor([[3.0]])}, torch.ones(1, 1)
    model = Tied()
    with torch.no_grad():
        model.a.weight.fill_(2.0)
    assert func.functional_call(model, new, x).item() == 9
    assert func.functional_call(model, new, x, tie_weights=False).item() == 6
    assert model(x).item() == 4
    with pytest.raises(RuntimeError, match="Missing key"):
        func.functional_call(model, {}, x, strict=True)
    with pytest.raises(TypeError):
        func.functional_call(model, new, x, strikt=True)  # type: ignore[call-arg]


def test_factors_exponents_and_fills_out_of_range_are_refused() -> None:
    x = torch.ones(2, dtype=U8)
    wrong: list[Callable[[], Any]] = [
        lambda: x**300, lambda: x.clone().pow_(256), lambda: torch.addcmul(x, x, x, value=300),
        lambda: torch.addcdiv(torch.ones(2), torch.ones(2), torch.ones(2), value=1e300), lambda: F.pad(x, (1, 1), value=300),
        lambda: x.fill_(-1.5), lambda: torch.full((2,), -0.5, dtype=U8), lambda: torch.ones(2, dtype=I32) ** 2**40,
    ]  # fmt: skip
    for call in wrong:
        with pytest.raises(RuntimeError, match="without overflow"):
            call()
    assert torch.full((1,), -1, dtype=U8).item() == 255
    with pytest.raises(RuntimeError, match="negative integer powers"):
        _ = x**-1


def test_ranges_of_integers_are_made_of_whole_steps() -> None:
    assert torch.arange(-0.5, 2.5, dtype=I64).tolist() == [0, 1] and torch.arange(-1.5, 1.5, dtype=I64).tolist() == [-1, 0]
    assert torch.arange(0.5, 3.0, dtype=I32).tolist() == [0, 1, 2] and torch.arange(3, dtype=F64).tolist() == [0, 1, 2]
    with pytest.raises(NotImplementedError, match="Bool"):
        torch.arange(2, dtype=BOOL)
    with pytest.raises(RuntimeError, match="nonzero"):
        torch.arange(0, 1, 0.5, dtype=I64)


def test_negative_bytes_wrap(run: Any) -> None:
    assert run(lambda x: torch.abs(-x))(torch.tensor([0, 1, 255], dtype=U8)).tolist() == [0, 255, 1]


def test_f32_floor_division_at_the_bounds_of_its_short_way() -> None:
    big = np.float32(2**21)
    small, infinite = np.float32(1e-45), np.float32(np.inf)
    edges = np.array([0.0, -0.0, 1, -1, infinite, -infinite, np.nan, small, -small, 3e38, big, -big, big + 0.25, 2**29, 0.1, 7])
    edges = edges.astype("f4")
    rng = np.random.default_rng(7)
    y = rng.normal(size=4000).astype("f4")
    near = np.nextafter(y * rng.integers(-(2**23), 2**23, 4000).astype("f4"), rng.choice([-infinite, infinite], 4000))
    anything = rng.integers(0, 2**32, (2, 4000), dtype=np.uint64).astype(np.uint32).view("f4")
    pairs = [np.meshgrid(edges, edges), (near.astype("f4"), y), anything]
    alone = [(edges[i : i + 1], edges[::-1][i : i + 1]) for i in range(16)]
    for a, b in [(np.ravel(a), np.ravel(b)) for a, b in pairs] + alone:
        with np.errstate(all="ignore"):
            wanted = [np.floor_divide(a, b), np.fmod(a, b)]
        for f, want in zip((torch.floor_divide, torch.fmod), wanted, strict=True):
            got = np.asarray(torch.compile(f)(torch.from_numpy(a.copy()), torch.from_numpy(b.copy())))
            np.testing.assert_array_equal(got, want)
            np.testing.assert_array_equal(np.signbit(got)[want == 0], np.signbit(want)[want == 0])


@pytest.mark.parametrize(("exponent", "wanted"), [
    (1e-50, [0, 1, NAN]), (-1e-50, [INF, 1, NAN]), (1 + 1e-9, [0, 2, NAN]), (2 + 1e-12, [0, 4, NAN]), (16777217, [0, INF, -1]),
    (1e50, [0, INF, 1]), (-1e50, [INF, 0, 1]),
])  # fmt: skip
def test_an_exponent_is_not_rounded_to_an_integer(run: Any, exponent: float, wanted: list[float]) -> None:
    found = run(lambda x: x**exponent)(torch.tensor([0.0, 2.0, -1.0]))
    np.testing.assert_array_equal(np.asarray(found), np.array(wanted, "f4"))
