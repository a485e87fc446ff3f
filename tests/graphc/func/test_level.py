"""Results of transforms that are their arguments, or views of them, share memory as in torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import graphc
from graphc import Tensor, func

VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "itself": lambda x: x,
    "slice": lambda x: x[1:],
    "transpose": lambda x: x.t(),
    "expand": lambda x: x.expand(2, 3, 4),
    "reshape": lambda x: x.reshape(12),
}
COPIES: dict[str, Callable[[Tensor], Tensor]] = {"clone": lambda x: x.clone(), "negative": lambda x: -x}


@pytest.mark.parametrize("name", VIEWS)
def test_views_of_arguments_stay_views(name: str) -> None:
    x, t = graphc.zeros(3, 4), graphc.zeros(3, 4)
    output, tangent = func.jvp(VIEWS[name], (x,), (t,))
    pulled, _ = func.vjp(VIEWS[name], x)
    line, _ = func.linearize(VIEWS[name], x)
    x.fill_(1.0)
    t.fill_(2.0)
    for result, value in ((output, 1.0), (pulled, 1.0), (line, 1.0), (tangent, 2.0)):
        np.testing.assert_array_equal(result.numpy(), np.full(VIEWS[name](x).shape, value, np.float32))


@pytest.mark.parametrize("name", COPIES)
def test_new_values_share_nothing(name: str) -> None:
    x, t = graphc.zeros(3, 4), graphc.zeros(3, 4)
    output, tangent = func.jvp(COPIES[name], (x,), (t,))
    x.fill_(1.0)
    t.fill_(2.0)
    assert not output.any() and not tangent.any()


def test_detached_views_share_the_value_alone() -> None:
    x, t = graphc.zeros(3), graphc.ones(3)
    output, tangent = func.jvp(lambda v: v.detach(), (x,), (t,))
    x.fill_(1.0)
    t.fill_(2.0)
    assert output.tolist() == [1.0, 1.0, 1.0] and tangent.tolist() == [0.0, 0.0, 0.0]


def test_a_write_inside_of_jvp_reaches_primal_and_tangent() -> None:
    x, t = graphc.tensor([1.0, 2.0]), graphc.tensor([1.0, 1.0])
    output, tangent = func.jvp(lambda v: v.mul_(v), (x,), (t,))
    assert output.tolist() == x.tolist() == [1.0, 4.0]
    assert tangent.tolist() == t.tolist() == [2.0, 4.0]


def test_gradients_through_a_shared_output() -> None:
    x = graphc.tensor([1.0, 2.0], requires_grad=True)
    output, tangent = func.jvp(lambda v: v[1:], (x,), (x * x,))
    (output * 3 + tangent).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0.0, 7.0]
