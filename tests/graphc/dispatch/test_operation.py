"""Operations: functions on nodes that tensors are passed to."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.core.errors import TracingError
from graphc.dispatch.operation import op
from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import F32, TensorType


@op("Twice")
def twice(input: Node, *, plus: float = 0.0) -> Node:
    """Return 2 * input + plus."""
    assert isinstance(input, Node)
    return input + input + plus


@op(lambda input, other=False: "Both" if other else "One", view=False)
def pair(input: Node, other: bool = False) -> tuple[Node, Node]:
    return input * 1.0, input * 2.0


@op("Nested")
def nested(input: Node) -> tuple[Node, tuple[Node, list[Node]], float]:
    return input * 1.0, (input * 2.0, [input * 3.0, input * 4.0]), 5.0


@op("Flag", differentiable=False)
def positive(input: Node) -> Node:
    return input > 0


def test_the_body_gets_nodes_and_the_caller_tensors(run) -> None:
    x = torch.tensor([1.0, 2.0])
    assert run(lambda x: twice(x, plus=1.0))(x).tolist() == [3.0, 5.0]
    assert twice(np.array([1.5])).tolist() == [3.0]
    assert [y.tolist() for y in pair(x)] == [[1.0, 2.0], [2.0, 4.0]]


def test_results_in_tuples_inside_tuples() -> None:
    for _ in range(3):
        one, (two, (three, four)), number = nested(torch.tensor([1.0]) + 1)
        assert [one.tolist(), two.tolist(), three.tolist(), four.tolist(), number] == [[2.0], [4.0], [6.0], [8.0], 5.0]


def test_operators_let_the_other_operand_answer() -> None:
    class Other:
        def __radd__(self, left: object) -> str:
            return "radd"

        def __lt__(self, left: object) -> str:
            return "lt"

    x = torch.tensor([1.0, 2.0])
    for _ in range(3):
        assert x + Other() == "radd" and (x > Other()) == "lt" and (x + 1).tolist() == [2.0, 3.0]
        with pytest.raises(TypeError, match="unsupported operand"):
            x - Other()


def test_the_history_has_the_operations_name() -> None:
    x = torch.tensor([1.0], requires_grad=True)
    assert twice(x).grad_fn.name() == "TwiceBackward0"
    assert pair(x, True)[0].grad_fn.name() == "BothBackward0" and pair(x)[0].grad_fn.name() == "OneBackward0"
    flags = positive(x)
    assert flags.grad_fn is None and not flags.requires_grad and flags.tolist() == [True]


def test_gradients_are_those_of_the_nodes() -> None:
    x = torch.tensor([1.0, 3.0], requires_grad=True)
    twice(x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 12.0]


def test_the_signature_is_the_users() -> None:
    assert str(inspect.signature(twice)) == "(input: 'Tensor', *, plus: 'float' = 0.0) -> 'Tensor'"
    assert twice.__name__ == "twice" and twice.__doc__ == "Return 2 * input + plus."
    assert isinstance(twice.nodes(parameter(TensorType(F32, (2,)))), Node)


def test_results_of_a_trace_have_no_value() -> None:
    def looks(x: torch.Tensor) -> torch.Tensor:
        return twice(x) if twice(x).item() > 0 else x

    with pytest.raises(TracingError):
        torch.compile(looks)(torch.tensor(1.0))


@pytest.mark.parametrize("run", [lambda f: f, torch.compile])
def test_what_saves_values_depends_on_the_operands(run: Callable[..., Any]) -> None:
    other, q = torch.tensor([[0.5, 0.6], [0.1, 0.2]]), torch.tensor([[0.5, 0.6], [0.1, 0.2]], requires_grad=True)
    free = {
        "lerp": lambda x: torch.lerp(x, q, 0.3),
        "addcmul": lambda x: torch.addcmul(x, other, other),
        "fmod": lambda x: torch.fmod(x, 2),
        "remainder": lambda x: x % other,
        "addmm": lambda x: torch.addmm(x, other, other),
        "lerp_": lambda x: x.clone().lerp_(q, 0.3),
    }
    saving = {
        "lerp": lambda x: torch.lerp(x, q, other),
        "addcmul": lambda x: torch.addcmul(x, q, other),
        "fmod": lambda x: torch.fmod(x, q),
        "addmm": lambda x: torch.addmm(x, q, other),
    }
    for f in free.values():
        x = torch.tensor([[0.3, 0.7], [0.2, 0.9]], requires_grad=True)
        y = run(f)(x)
        y.sum().backward()
        once = x.grad.tolist()
        y.sum().backward()
        assert x.grad.tolist() == [[2 * v for v in row] for row in once]
    for f in saving.values():
        x = torch.tensor([[0.3, 0.7], [0.2, 0.9]], requires_grad=True)
        y = run(f)(x)
        y.sum().backward()
        with pytest.raises(RuntimeError, match="second time"):
            y.sum().backward()
