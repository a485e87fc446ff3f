"""Errors of compiled functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.core.errors import TracingError
from graphc.tensors.tensor import Tensor


@pytest.mark.parametrize(
    "look", [lambda x: x.item(), lambda x: bool(x), lambda x: print(x), lambda x: x.tolist(), lambda x: float(x)]
)
def test_looking_at_a_value_while_tracing(look: Any) -> None:
    @torch.compile
    def f(x: Tensor) -> Any:
        return look(x.sum())

    with pytest.raises(TracingError) as caught:
        f(np.ones(2))
    text = str(caught.value)
    assert "expected a value that is known while a function is traced, got f64[] that depends on its input x" in text
    assert "graphc.where" in text and "test_errors.py" in text and isinstance(caught.value, RuntimeError)


def test_constants_may_be_looked_at() -> None:
    @torch.compile
    def f(x: Tensor) -> Tensor:
        return x * 2 if torch.ones(2).sum() > 1 else x

    assert f(np.ones(2)).tolist() == [2, 2]


def test_an_error_while_tracing_restores_all_state() -> None:
    w = torch.ones(2, requires_grad=True)
    w.grad = kept = torch.ones(2)
    buffer = torch.zeros(2)

    @torch.compile
    def f(x: Tensor) -> None:
        buffer.add_(1)
        w.grad = None
        (w * x).sum().backward()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        f(torch.ones(2))
    assert buffer.tolist() == [0, 0] and w.grad is kept and w.tolist() == [1, 1]
    assert not torch.compile(lambda x: x)._compiled_variants
    assert (w * 2).sum().item() == 4


def test_tensors_that_escape_a_trace() -> None:
    kept: list[Tensor] = []
    f = torch.compile(lambda x: kept.append(x * 2))
    f(torch.ones(2))
    with pytest.raises(TracingError, match="Tensors made inside a compiled function can leave it as results"):
        kept[0].tolist()
    with pytest.raises(TracingError, match="Tensors made inside a compiled function"):
        kept[0] + 1


def test_gradients_into_histories_from_outside_are_refused() -> None:
    w = torch.ones(2, requires_grad=True)
    outside = w * 2
    f = torch.compile(lambda x: (x * outside).sum().backward())
    with pytest.raises(TracingError, match="leads into the history of a tensor made outside"):
        f(torch.ones(2, requires_grad=True))


def test_the_cache_is_bounded() -> None:
    f = torch.compile(lambda x, n: x + n)
    for n in range(70):
        assert f(np.zeros(1), n).tolist() == [n]
    assert len(f._compiled_variants) == 64


def test_what_cannot_be_called_is_no_function():
    with pytest.raises(TypeError, match="expected a function or a module, got int"):
        torch.compile(3)


@pytest.mark.usefixtures("auto")
def test_an_index_out_of_bounds_names_the_lines_that_may_have_read_there():
    def read(x, i):
        y = x[i]
        return y.exp()[i] + 1

    f = torch.compile(read)
    x = np.arange(3.0)
    assert f(x, np.array([2, -1, 0])).shape == (3,)
    for _ in range(2):
        with pytest.raises(IndexError) as caught:
            f(x, np.array([0, 3, 0]))
        first = read.__code__.co_firstlineno + 1
        assert str(caught.value) == (
            "index out of range in a gather, an embedding or an indexed update at one of these lines:"
            f"\n  at {__file__}:{first}, into f64[3]\n  at {__file__}:{first + 1}, into f64[3]"
        )
    with pytest.raises(IndexError, match=rf"index 3 is out of bounds for dimension 0 with size 3\n  at .*:{first}$"):
        read(torch.tensor(x), torch.tensor([0, 3, 0])).tolist()
