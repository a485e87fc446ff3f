"""Arguments, state and detached tensors of compiled functions that share their values; the expected numbers are PyTorch's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import graphc as G
from graphc.core.errors import TracingError


def calls(body: Callable[..., Any], argument: Callable[[Any, int], Any], run: Callable[..., Any], count: int = 4) -> list[Any]:
    """Return the result and the state after each of some calls of `body(state, x)`."""
    s = SimpleNamespace(a=G.tensor([1.0, 2.0]), b=G.tensor([3.0, 4.0]), n=0)
    f = run(lambda x: body(s, x))
    found = []
    for i in range(count):
        x = argument(s, i)
        found.append([f(x).tolist(), s.a.tolist(), s.b.tolist(), x.tolist(), s.n])
    return found


def returned_state(s: Any, x: Any) -> Any:
    x.add_(1)
    return s.a


def swapped(s: Any, x: Any) -> Any:
    s.a, s.b = s.b, s.a
    return s.b * 1 + x


def counted(s: Any, x: Any) -> Any:
    s.n += 1
    x.add_(s.n)
    return s.a * s.n


def replaced(s: Any, x: Any) -> Any:
    s.a.add_(1)
    s.a = s.b.detach()
    s.b.add_(1)
    return s.a * 1 + x


def written_twice(s: Any, x: Any) -> Any:
    x[0] = 7.0
    s.a[1] = 8.0
    return x + s.a


ARGUMENTS: dict[str, Callable[[Any, int], Any]] = {
    "other": lambda s, i: G.tensor([9.0, 10.0]),
    "state": lambda s, i: s.a,
    "state in turn": lambda s, i: s.a if i % 2 else G.tensor([9.0, 10.0]),
    "other in turn": lambda s, i: G.tensor([9.0, 10.0]) if i % 2 else s.a,
    "detached": lambda s, i: s.a.detach(),
    "view": lambda s, i: s.a.view(2),
    "each": lambda s, i: (s.a, s.b, s.a)[i % 3],
}


@pytest.mark.parametrize("argument", ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.parametrize("body", [returned_state, swapped, counted, replaced, written_twice])
def test_an_argument_that_is_state_too(body: Callable[..., Any], argument: Callable[[Any, int], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python values that change
        assert calls(body, argument, G.compile) == calls(body, argument, lambda f: f)


def test_the_expected_numbers() -> None:
    assert calls(returned_state, ARGUMENTS["state"], G.compile, 2)[1][0] == [3.0, 4.0]
    with pytest.warns(UserWarning, match="changes Python values"):
        calls(counted, ARGUMENTS["state in turn"], G.compile)
    found = calls(swapped, ARGUMENTS["state in turn"], G.compile)
    assert [f[0] for f in found] == [[10.0, 12.0], [6.0, 8.0], [10.0, 12.0], [6.0, 8.0]]


def test_a_function_is_not_run_twice_in_silence() -> None:
    """Which tensors it reads is hidden, so that the alias is found late; it has changed a Python value by then."""
    s = SimpleNamespace(n=0, read=lambda: None)
    hidden = {"state": G.tensor([1.0])}
    s.read = lambda: hidden.__getitem__("sta" + "te")

    @G.compile
    def f(x: Any) -> Any:
        s.n += 1
        return x * s.n + getattr(s, "re" + "ad")()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert f(G.tensor([2.0])).item() == 3
        try:
            assert f(hidden["state"]).item() == 3
        except TracingError as error:
            assert "traced twice" in str(error)
    assert s.n == 2


def test_data_of_a_tensor_that_shares_is_its_own_afterwards(run: Any) -> None:
    def detached(x: Any) -> Any:
        t = w.detach()
        t.data = x.detach().clone()
        t.add_(1)
        return t * 1, w * 1

    def of_argument(x: Any) -> Any:
        t = x.detach()
        t.data = w * 2
        t.add_(1)
        return t * 1, x * 1

    def viewed(x: Any) -> Any:
        t = w.view(2)
        t.data = x * 2
        t.add_(1)
        return t * 1, w * 1

    def beside(x: Any) -> Any:
        t = w.detach()
        t.data = x * 2
        u = w.detach()
        u.add_(1)
        return t * 1, u * 1

    for f, first, second in (
        (detached, [11.0, 21.0], [1.0, 2.0]),
        (of_argument, [3.0, 5.0], [10.0, 20.0]),
        (viewed, [21.0, 41.0], [1.0, 2.0]),
        (beside, [20.0, 40.0], [2.0, 3.0]),
    ):
        w, x = G.tensor([1.0, 2.0]), G.tensor([10.0, 20.0])
        t, other = run(f)(x)
        assert t.tolist() == first and other.tolist() == second, f.__name__
        assert w.tolist() == ([2.0, 3.0] if f is beside else [1.0, 2.0]) and x.tolist() == [10.0, 20.0]


def test_data_of_state_that_others_share_is_refused() -> None:
    w = G.tensor([1.0, 2.0])
    view = w.view(2)

    @G.compile
    def f(x: Any) -> Any:
        w.data = x * 2
        return view * 1

    with pytest.raises(TracingError, match="whose values no other tensor shares"):
        f(G.tensor([10.0, 20.0]))
    assert w.tolist() == view.tolist() == [1.0, 2.0]
    alone = G.tensor([1.0, 2.0])

    @G.compile
    def g(x: Any) -> Any:
        alone.data = x * 2
        return alone.add_(1) * 1

    assert g(G.tensor([10.0, 20.0])).tolist() == alone.tolist() == [21.0, 41.0]


@pytest.mark.parametrize("shares", [False, True])
def test_what_shares_state_after_its_data_was_assigned(shares: bool) -> None:
    source = G.tensor([1.0, 2.0])
    s = SimpleNamespace(a=source.detach() if shares else source, b=G.tensor([3.0, 4.0]))

    def f(x: Any) -> Any:
        s.a.data = x * 2
        s.a.neg_()
        s.b = s.a.detach()
        s.a[1:] = 7.0
        return s.b * 1

    assert G.compile(f)(G.tensor([10.0, 20.0])).tolist() == [-20.0, 7.0]
    assert s.b.tolist() == s.a.tolist() == [-20.0, 7.0]
    s.a[0] = 5.0
    assert s.b.tolist() == [5.0, 7.0]
    assert source.tolist() == ([1.0, 2.0] if shares else [5.0, 7.0])


@pytest.mark.parametrize("update", [lambda s: updated_item(s), lambda s: updated_attribute(s)])
def test_a_tensor_that_is_only_updated_is_looked_up_at_each_call(update: Callable[[Any], None]) -> None:
    s = SimpleNamespace(count=G.tensor([1.0, 2.0]), seen={"f": G.tensor([3.0])})

    def f(x: Any) -> Any:
        update(s)
        return x * 1

    f = G.compile(f)
    f(G.tensor(1.0))
    assert s.count.tolist() + s.seen["f"].tolist() in ([1.0, 3.0, 3.0], [2.0, 3.0, 3.5])
    s.count, s.seen = G.tensor([10.0, 20.0]), {"f": G.tensor([30.0])}
    f(G.tensor(1.0))
    assert s.count.tolist() + s.seen["f"].tolist() in ([10.0, 21.0, 30.0], [11.0, 21.0, 30.5])


def updated_item(s: Any) -> None:
    s.count[-1] += 1.0


def updated_attribute(s: Any) -> None:
    s.count += 1.0
    s.seen["f"] += 0.5
