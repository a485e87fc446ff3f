"""Tensors print as PyTorch prints them: the expected texts were recorded from it.

The tests need no PyTorch. Where it is installed, `python tests/graphc/core/test_printing.py --update` records the texts anew.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from graphc.core import printing

GOLDEN = Path(__file__).with_name("golden_printing.json")
FLOATS = ("float32", "float64")
INTEGERS = ("int64", "int32", "uint8")
Shapes = tuple[tuple[int, ...], ...]
EMPTY_SHAPES: Shapes = ((0,), (0, 3), (2, 0, 4))
SHAPES: Shapes = ((1,), (1, 1), (1, 1, 1), (2, 2, 2), (2, 3, 4), (2, 1, 2, 3), (1, 2, 1, 2, 2), (3, 30), (2, 2, 25))
LARGE_SHAPES: Shapes = (
    *((1001,), (1100,), (40, 40), (7, 200), (6, 200), (200, 6), (2, 700)),
    *((12, 12, 12), (2, 3, 400), (2, 9, 9, 9)),
)
NAN, INF = math.nan, math.inf


@dataclasses.dataclass(frozen=True)
class Case:
    """A named array, the suffix it prints with, and the options of `set_printoptions` in force."""

    name: str
    data: npt.NDArray[Any]
    suffix: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)


def _spelled(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _float_cases() -> Iterator[Case]:
    rows: dict[str, Any] = {
        "scalar": 2.5,
        "scalar-integral": 3.0,
        "scalar-small": 1.5e-7,
        "scalar-large": 123456789.0,
        "scalar-negative-zero": -0.0,
        "scalar-nan": NAN,
        "integral": [1.0, -2.0, 30.0],
        "integral-large": [1.0, 99999.0, 123456.0],
        "integral-ratio-1000": [1.0, 1000.0],
        "integral-ratio-1001": [1.0, 1001.0],
        "integral-1e8": [1e8, 2e7],
        "integral-above-1e8": [100000008.0, 2e7],
        "fractions": [0.1, -0.25, 1 / 3],
        "rounding": [0.00005, 0.00015, 0.12345, 2.00005],
        "mixed-widths": [1.5, -22.25, 333.125],
        "ratio-1000": [0.5, 500.0],
        "ratio-above-1000": [0.5, 500.5],
        "small": [1e-4, 2e-4],
        "below-1e-4": [9e-5, 2e-4],
        "exponents": [1e-10, 1.0, -1e10],
        "exponent-three-digits": [1e-38, 1e30],
        "zeros": [0.0, 0.0],
        "negative-zeros": [-0.0, 0.0, -0.0],
        "negative-zero-and-fraction": [-0.0, 0.5],
        "nan-only": [NAN, NAN],
        "inf-only": [INF, -INF],
        "nan-inf-integral": [NAN, INF, -INF, 1.0, -20.0],
        "nan-inf-fraction": [NAN, INF, -INF, 1.5],
        "nan-inf-scientific": [NAN, INF, -INF, 1e-9, 1.0, 0.0],
        "zero-and-tiny": [0.0, 1e-20],
        "matrix": [[1.0, -2.5], [0.0, 30.0]],
        "matrix-integral": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        "column": [[1.0], [2.5]],
    }
    for dtype in FLOATS:
        for name, row in rows.items():
            yield Case(f"{dtype}-{name}", np.array(row, dtype))
    yield Case("float32-denormal", np.array([1e-45, 1e-40, 0.0], "float32"))
    yield Case("float32-extremes", np.array([np.finfo("float32").max, np.finfo("float32").tiny], "float32"))
    yield Case("float64-denormal", np.array([5e-324, 1e-310]))
    yield Case("float64-extremes", np.array([np.finfo("float64").max, np.finfo("float64").tiny]))
    yield Case("float64-overflowing-ratio", np.array([1e300, 1e-300]))
    yield Case("float64-long-integers", np.array([12345678.0, 87654321.0]))
    yield Case("float16", np.array([0.5, 65504.0], "float16"))


def _integer_cases() -> Iterator[Case]:
    for dtype in INTEGERS:
        limits = np.iinfo(dtype)
        yield Case(f"{dtype}-scalar", np.array(7, dtype))
        yield Case(f"{dtype}-row", np.array([1, 20, 100], dtype))
        yield Case(f"{dtype}-limits", np.array([limits.min, 0, limits.max], dtype))
        yield Case(f"{dtype}-matrix", np.arange(12).reshape(3, 4).astype(dtype))
        yield Case(f"{dtype}-wrapped", np.arange(60).astype(dtype))
    yield Case("int64-negative", np.array([[-1, 10], [100, -1000]]))
    yield Case("int8", np.array([-128, 127], "int8"))
    yield Case("int16", np.array([-32768, 5], "int16"))
    yield Case("bool-scalar", np.array(True))
    yield Case("bool-row", np.array([True, False, True]))
    yield Case("bool-all-true", np.array([True, True]))
    yield Case("bool-matrix", np.array([[True, False], [False, False]]))
    yield Case("bool-wrapped", np.arange(30) % 3 == 0)


def _shape_cases() -> Iterator[Case]:
    for dtype in ("float32", "float64", "int64", "int32", "bool"):
        for shape in EMPTY_SHAPES:
            yield Case(f"{dtype}-empty-{_spelled(shape)}", np.zeros(shape, dtype))
    for shape in SHAPES:
        count, name = math.prod(shape), _spelled(shape)
        yield Case(f"float32-shape-{name}", (np.arange(count, dtype="float32") / 4).reshape(shape))
        yield Case(f"int64-shape-{name}", np.arange(count).reshape(shape))
    for count in (10, 11, 12, 13, 14, 1000):
        yield Case(f"float32-length-{count}", np.arange(count, dtype="float32") + 0.5)


def _summary_cases() -> Iterator[Case]:
    for shape in LARGE_SHAPES:
        count, name = math.prod(shape), _spelled(shape)
        yield Case(f"float32-summary-{name}", np.linspace(-1, 1, count, dtype="float32").reshape(shape))
        yield Case(f"int64-summary-{name}", np.arange(count).reshape(shape))
    hidden = np.ones(1100)
    hidden[500] = 1e-9
    yield Case("float64-summary-hides-small-value", hidden)
    yield Case("float64-summary-suffix", np.ones((40, 40)), "requires_grad=True")


def _suffix_cases() -> Iterator[Case]:
    for suffix in ("requires_grad=True", "grad_fn=<CloneBackward0>", "grad_fn=<SqueezeBackward1>"):
        for dtype in FLOATS:
            yield Case(f"{dtype}-{suffix}-scalar", np.array(1.5, dtype), suffix)
            yield Case(f"{dtype}-{suffix}-empty", np.zeros((0, 3), dtype), suffix)
            yield Case(f"{dtype}-{suffix}-matrix", np.ones((2, 2), dtype), suffix)
        for count in (5, 6, 7, 8, 12):
            yield Case(f"float32-{suffix}-length-{count}", np.arange(count, dtype="float32") + 0.5, suffix)
        for count in (3, 4, 5, 6):
            yield Case(f"float64-{suffix}-length-{count}", np.arange(count) + 0.5, suffix)


def _option_cases() -> Iterator[Case]:
    data = np.array([[1.23456789, -2.5, 1000.0], [0.001, 7.0, NAN]], "float32")
    asked: dict[str, dict[str, Any]] = {
        "precision-0": {"precision": 0},
        "precision-8": {"precision": 8},
        "scientific": {"sci_mode": True},
        "not-scientific": {"sci_mode": False},
        "narrow": {"linewidth": 20, "sci_mode": False},
        "threshold": {"threshold": 2, "edgeitems": 1},
        "no-edges": {"threshold": 2, "edgeitems": 0},
        "short": {"profile": "short"},
        "short-precise": {"profile": "short", "precision": 6},
    }
    for name, options in asked.items():
        yield Case(f"options-{name}", data, "requires_grad=True", options)
    for width in (44, 45, 46, 47, 51, 52, 53, 70, 71, 72, 73):
        yield Case(f"options-linewidth-{width}", np.array([0.5, 1.5]), "grad_fn=<CloneBackward0>", {"linewidth": width})
    yield Case("options-full", np.arange(1001), "", {"profile": "full"})
    yield Case("options-short-summary", np.arange(1001), "", {"profile": "short"})
    yield Case("options-no-edges-row", np.arange(8), "", {"threshold": 2, "edgeitems": 0})
    yield Case("options-integral-scientific", np.array([1.0, 20.0, 0.0, INF]), "", {"sci_mode": True})
    yield Case("options-integral-not-scientific", np.array([1.0, 2e12]), "", {"sci_mode": False})


CASES = [
    *_float_cases(),
    *_integer_cases(),
    *_shape_cases(),
    *_summary_cases(),
    *_suffix_cases(),
    *_option_cases(),
]


@pytest.fixture(scope="module")
def golden() -> dict[str, str]:
    """Return the texts recorded from PyTorch, by the name of their case."""
    texts: dict[str, str] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return texts


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_prints_as_recorded(case: Case, golden: dict[str, str]) -> None:
    with printing.printoptions(**case.options):
        got = printing.format_tensor(case.data, suffixes=[case.suffix] if case.suffix else [])
    assert got == golden[case.name]


def test_every_recorded_text_has_its_case(golden: dict[str, str]) -> None:
    assert sorted(golden) == sorted(case.name for case in CASES)


def test_strided_and_reversed_data_print_by_value() -> None:
    data = np.arange(12.0, dtype="float32").reshape(3, 4)[::-1, ::2].T
    assert printing.format_tensor(data) == printing.format_tensor(data.copy())
    assert printing.format_tensor(data) == "tensor([[ 8.,  4.,  0.],\n        [10.,  6.,  2.]])"


def test_large_tensor_is_not_read_as_a_whole() -> None:
    data = np.broadcast_to(np.float32(0.5), (7, 1 << 40))
    assert printing.format_tensor(data).startswith("tensor([[0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],\n")


def test_name_sets_the_indentation() -> None:
    assert printing.format_tensor(np.eye(2, dtype="float32"), name="Tensor3") == "Tensor3([[1., 0.],\n         [0., 1.]])"


def test_default_dtype_is_not_printed() -> None:
    data = np.array([0.5])
    assert printing.format_tensor(data, default_dtype_name="torch.float64") == "tensor([0.5000])"
    assert printing.format_tensor(data) == "tensor([0.5000], dtype=torch.float64)"


def test_given_dtype_name_is_printed() -> None:
    assert printing.format_tensor(np.ones(1, "float32"), dtype_name="torch.bfloat16") == "tensor([1.], dtype=torch.bfloat16)"


def test_explicit_options_go_before_the_current_ones() -> None:
    options = printing.PrintOptions(precision=2)
    assert printing.format_tensor(np.ones(1, "float32") / 8, options=options) == "tensor([0.12])"


def test_other_kinds_of_data_are_refused() -> None:
    with pytest.raises(TypeError, match="got dtype complex128"):
        printing.format_tensor(np.array([1j]))


def test_printoptions_restores_on_error() -> None:
    before = printing.get_printoptions()
    with pytest.raises(KeyError), printing.printoptions(precision=9, sci_mode=True):
        assert printing.get_printoptions() == {**before, "precision": 9, "sci_mode": True}
        raise KeyError
    assert printing.get_printoptions() == before


def test_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="'default', 'short', 'full'; got 'long'"):
        printing.set_printoptions(profile="long")  # type: ignore[arg-type]


def _record(case: Case) -> str:
    """Return what PyTorch prints for the case."""
    torch = importlib.import_module("torch")
    tensor = torch.from_numpy(case.data.copy())
    if case.suffix:
        tensor.requires_grad_()
    with_history = {
        "grad_fn=<CloneBackward0>": lambda: tensor.clone(),
        "grad_fn=<SqueezeBackward1>": lambda: tensor.unsqueeze(0).squeeze(0),
    }
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**case.options)
    text = repr(with_history.get(case.suffix, lambda: tensor)())
    assert case.suffix in text, f"{case.name}: PyTorch prints another suffix in {text}"
    return text


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit("usage: python tests/graphc/core/test_printing.py --update")
    recorded = {case.name: _record(case) for case in CASES}
    GOLDEN.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"recorded {len(recorded)} cases")
