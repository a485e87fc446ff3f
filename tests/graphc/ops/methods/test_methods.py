"""Methods of tensors: those of operations, their in-place forms, conversions, and makers of tensors like another."""

from __future__ import annotations

import inspect

import pytest

import graphc
from graphc import Tensor
from graphc.ops.methods.docstrings import section
from graphc.ops.methods.in_place import INPLACE
from graphc.ops.methods.table import FUNCTIONS, METHODS, MODULES, SPECIAL


def test_exports_are_methods_unless_they_are_listed() -> None:
    exported = {name for module in MODULES for name in module.__all__}
    assert exported == METHODS.keys() | FUNCTIONS and not METHODS.keys() & FUNCTIONS
    assert all(hasattr(Tensor, name) for name in (*METHODS, *SPECIAL, *(f"{n}_" for n in INPLACE)))
    assert not any(hasattr(Tensor, name) for name in FUNCTIONS - SPECIAL.keys())


@pytest.mark.parametrize("name", INPLACE)
def test_in_place_forms_show_the_parameters_of_their_functions(name: str) -> None:
    form, function = getattr(Tensor, f"{name}_"), METHODS.get(name) or getattr(Tensor, name)
    assert form.__name__ == f"{name}_" and str(inspect.signature(form)) == str(inspect.signature(function))
    text = inspect.getdoc(form) or ""
    assert text.startswith(f"In-place form of `{name}`: ")
    assert f"Args:\n    {next(iter(inspect.signature(function).parameters))}: this tensor.\n" in text
    assert section(form, "Args").count(": ") >= len(inspect.signature(function).parameters)


def test_makers_show_the_parameters_of_their_functions() -> None:
    assert list(inspect.signature(Tensor.new_full).parameters) == ["self", "size", "fill_value", "dtype", "keywords"]
    assert "dtype: dtype of the result; None is that of this tensor." in (inspect.getdoc(Tensor.new_full) or "")
    x = graphc.tensor([1, 2])
    assert x.new_full((2,), 3).tolist() == [3, 3] and x.new_full((2,), 3).dtype is graphc.int64
    assert x.new_zeros(1, dtype=graphc.float64).dtype is graphc.float64 and x.new_ones(size=(2, 1)).shape == (2, 1)
    assert x.new_tensor([4]).tolist() == [4] and x.new_empty(3).shape == (3,)


def test_conversions() -> None:
    x = graphc.tensor([1.5, 0.0])
    kinds = {"float": "float32", "double": "float64", "int": "int32", "long": "int64", "bool": "bool", "byte": "uint8"}
    for name, dtype in kinds.items():
        method = getattr(Tensor, name)
        assert method.__name__ == name and getattr(x, name)().dtype is getattr(graphc, dtype)
    assert x.to(graphc.float32) is x and x.to("cpu") is x and x.to(graphc.float32, copy=True) is not x
    assert x.to(graphc.float32, False, True) is not x and x.to(graphc.float32, True, False) is x
    assert x.to("cpu", graphc.float32, False, True) is not x and x.to(x, False, True) is not x
    assert x.to(graphc.tensor(1)).dtype is x.to("cpu", graphc.int64).dtype is graphc.int64
    assert x.type() == "torch.FloatTensor" and x.type("torch.LongTensor").tolist() == [1, 0]
    with pytest.raises(RuntimeError, match="cpu"):
        x.to("cuda")


def test_methods_that_take_after_another_tensor() -> None:
    x, y = graphc.tensor([[1.5], [2.5]]), graphc.tensor([[1, 2, 3], [4, 5, 6]])
    assert x.expand_as(y).tolist() == [[1.5] * 3, [2.5] * 3] and x.type_as(y).tolist() == [[1], [2]]
    assert y.reshape_as(graphc.zeros(3, 2)).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert (y.nelement(), y.ndimension()) == (6, 2)


def test_sections_of_docstrings() -> None:
    assert section(graphc.exp2, "Args") == (
        "Args:\n    input: tensor; integers and bools are converted to the default float dtype.\n"
    )
    assert section(graphc.exp2, "Raises") == ""
