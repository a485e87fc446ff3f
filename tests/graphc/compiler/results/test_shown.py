"""Results of compiled functions that share values with arguments, state, gradients and each other, as without `compile`."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import graphc as G


def split_scaled(s: Any, x: Any) -> Any:
    y = x * 2
    return y[1:], y[:2], y.detach()


def twice(s: Any, x: Any) -> Any:
    y = x * 2
    return y, {"same": y, "row": [y[None], 3]}


def updated(s: Any, x: Any) -> Any:
    (s.p * x).sum().backward()
    return s.p.grad, s.p.grad[1:]


def replaced_data(s: Any, x: Any) -> Any:
    s.b.data = x.detach() * 2
    return s.b.detach(), s.b[1:]


BODIES: dict[str, Callable[[Any, Any], Any]] = {
    "a view of an argument": lambda s, x: x[1:],
    "a view of a view": lambda s, x: x.view(3, 1).t()[0],
    "a detached argument": lambda s, x: x.detach(),
    "a view of state": lambda s, x: (s.b[1:], x * 2),
    "detached state": lambda s, x: (x * 2, s.b.detach()[:2]),
    "an external detached tensor": lambda s, x: (s.shared, x * 2),
    "an external view": lambda s, x: (x * 2, s.view),
    "a gradient": lambda s, x: (x * 2, s.p.grad),
    "a view of a gradient": lambda s, x: (s.p.grad[1:], x * 2),
    "a gradient computed inside": updated,
    "views of one result": split_scaled,
    "one result twice": twice,
    "state whose data was assigned": replaced_data,
    "a written argument": lambda s, x: (x.mul_(2), x[1:])[1],
}


def outcome(body: Callable[..., Any], run: Callable[..., Any]) -> list[Any]:
    """Return all values after each of three calls, each followed by writes to what was returned."""
    s = SimpleNamespace(b=G.tensor([1.0, 2.0, 3.0]), p=G.nn.Parameter(G.tensor([4.0, 5.0, 6.0])))
    s.shared, s.view = (s.b.detach(), s.b[1:]) if "external" in body.__name__ else (None, None)
    f = run(lambda x: body(s, x))
    found = []
    for call in range(3):
        s.p.grad = G.tensor([1.0, 1.0, 1.0]) * call
        x = G.tensor([7.0, 8.0, 9.0]) * (call + 1)
        leaves = flattened(f(x))
        for i, leaf in enumerate(leaves):
            leaf[0] = 100.0 + 10 * call + i
        found += [t.tolist() for t in (x, s.b, s.p, s.p.grad, *leaves)]
    return found


def flattened(value: Any) -> list[Any]:
    if isinstance(value, G.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [leaf for part in parts for leaf in flattened(part)]


@pytest.mark.parametrize("name", BODIES)
def test_writes_to_results_reach_what_they_show(name: str) -> None:
    def body(s: Any, x: Any) -> Any:
        return BODIES[name](s, x)

    body.__name__ = name
    assert outcome(body, G.compile) == outcome(body, lambda f: f)


def test_a_result_that_is_returned_twice_is_one_tensor() -> None:
    f = G.compile(lambda x: twice(None, x))
    first, second = f(G.tensor([1.0, 2.0]))
    assert second["same"] is first
    assert second["row"][1] == 3


def test_gradients_of_views_that_are_returned() -> None:
    def gradient(run: Any) -> list[float]:
        w = G.tensor([1.0, 2.0, 3.0], requires_grad=True)
        x = w * 3
        y, tail, head = run(lambda x: (x * 2, x[1:], x[:2]))(x)
        with G.no_grad():
            tail[0] = 10.0
        ((y * y).sum() + (tail * head).sum()).backward()
        return w.grad.tolist()  # type: ignore[no-any-return]

    assert gradient(G.compile) == gradient(lambda f: f)


def test_arrays_are_results_of_their_own() -> None:
    x = np.array([1.0, 2.0, 3.0])
    tail = G.compile(lambda x: x[1:])(x)
    assert isinstance(tail, np.ndarray)
    tail[:] = 5.0
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_a_gradient_is_the_one_of_the_call_with_arrays_too() -> None:
    p = G.nn.Parameter(G.tensor([4.0, 5.0]))
    f = G.compile(lambda x: (x * 2, p.grad * 1))
    for k in range(3):
        p.grad = G.tensor([1.0, 2.0]) * k
        assert np.asarray(f(np.ones(2))[1]).tolist() == [1.0 * k, 2.0 * k]


def test_a_plain_result_needs_no_arrangement() -> None:
    x = G.tensor([1.0, 2.0])
    f = G.compile(lambda x: (x * 2, x))
    doubled, same = f(x)
    assert same is x
    assert doubled.tolist() == [2.0, 4.0]
    assert f._compiled_variants.popitem()[1][0].arranged is None


def alias_of_state(s: Any, x: Any) -> Any:
    b = s.b.detach()
    b[1:] = s.p[1:] * 2
    return b


def view_of_the_alias(s: Any, x: Any) -> Any:
    return alias_of_state(s, x)[1:]


def alias_of_an_argument(s: Any, x: Any) -> Any:
    b = x.detach()
    b[1:] = s.p[1:] * 2
    return b[1:], b


def alias_of_a_result(s: Any, x: Any) -> Any:
    y = x * 3
    b, c = y.detach(), y.detach()
    b[1:] = s.p[1:] * 2
    return c, b, y[1:]


def two_aliases(s: Any, x: Any) -> Any:
    y = x * 3
    b, c = y.detach(), y.detach()[1:]
    b[1:] = s.p[1:] * 2
    c.mul_(s.p[:2])
    return b, c


def alias_of_a_gradient(s: Any, x: Any) -> Any:
    (s.p * x).sum().backward()
    return s.p.grad.detach().mul_(s.p)


def leaf_on_state(s: Any, x: Any) -> Any:
    b = s.b.detach().requires_grad_()
    return b, b * 2


def leaf_on_a_result(s: Any, x: Any) -> Any:
    y = x * 3
    b = y.detach().requires_grad_()
    return b * 2, b, y


WRITTEN = [
    alias_of_state, view_of_the_alias, alias_of_an_argument, alias_of_a_result, two_aliases, alias_of_a_gradient,
    leaf_on_state, leaf_on_a_result,
]  # fmt: skip


@pytest.mark.parametrize("body", WRITTEN, ids=lambda f: f.__name__)
def test_what_was_detached_shares_under_a_history_of_its_own(body: Callable[[Any, Any], Any]) -> None:
    def found(run: Callable[..., Any]) -> list[Any]:
        s = SimpleNamespace(p=G.nn.Parameter(G.tensor([4.0, 5.0, 6.0])))
        f = run(lambda x: body(s, x))
        seen: list[Any] = []
        for call in range(3):
            s.b, s.p.grad = G.tensor([1.0, 2.0, 3.0]), None
            x = G.tensor([7.0, 8.0, 9.0]) * (call + 1)
            leaves = flattened(f(x))
            with G.no_grad():
                for i, leaf in enumerate(leaves):
                    leaf += 10.0 * (i + 1)
                    seen.append([t.tolist() for t in (*leaves, s.b, x)])
                s.b += 0.5
                x -= 1
            seen.append([t.tolist() for t in (*leaves, s.b, x)])
            G.stack([(t * t).sum() for t in leaves if t.requires_grad]).sum().backward()
            grads = [s.p.grad, *(t.grad for t in leaves if t.is_leaf)]
            seen.append([None if g is None else g.tolist() for g in grads])
        return seen

    assert found(G.compile) == found(lambda f: f)
