"""Views and shared values: a write through one name is seen through every other that torch's aliasing rules give it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc import Tensor, nn
from graphc.core.errors import TracingError
from graphc.nn import functional as F
from graphc.ops.shape.slices import narrow
from graphc.recording.context import state

RUNS: dict[str, Callable[..., Any]] = {"eager": lambda f: f, "compiled": torch.compile}


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> Any:
    return RUNS[request.param]


def grid() -> Tensor:
    return torch.arange(12.0).reshape(3, 4)


# -- parts at a place that a tensor says --------------------------------------------------------------------


def _row(a: Tensor, k: Tensor) -> None:
    a[k][1] = 50


def _zero(a: Tensor, k: Tensor) -> None:
    a[k].zero_()


def _column(a: Tensor, k: Tensor) -> None:
    a[:, k].add_(1)


def _column_of_rest(a: Tensor, k: Tensor) -> None:
    a[..., k][1:].mul_(2)


def _twice(a: Tensor, k: Tensor) -> None:
    a[k][k + 1] = 7


def _both(a: Tensor, k: Tensor) -> None:
    a[k, k] = -1
    a[k, k].sub_(1)


def _mixed(a: Tensor, k: Tensor) -> None:
    a[k, [0, 2]] = 5


def _none(a: Tensor, k: Tensor) -> None:
    a[None, k, :, None].fill_(4)


def _grown(a: Tensor, k: Tensor) -> None:
    a[k] += 10


def _narrowed(a: Tensor, k: Tensor) -> None:
    narrow(a, 0, k, 2).copy_(torch.full((2, 4), 7.0))


def _narrowed_column(a: Tensor, k: Tensor) -> None:
    a.narrow(1, k - 3, 2)[0] = 3


def _selected(a: Tensor, k: Tensor) -> None:
    a.select(1, k).zero_()
    a.select(0, -k)[:2] = 9


def _transposed(a: Tensor, k: Tensor) -> None:
    a.T[k].copy_(torch.tensor([1.0, 2.0, 3.0]))


AT: dict[Callable[..., None], Any] = {
    _row: lambda a: a.__setitem__((1, 1), 50),
    _zero: lambda a: a.__setitem__(1, 0),
    _column: lambda a: a.__setitem__((slice(None), 1), a[:, 1] + 1),
    _column_of_rest: lambda a: a.__setitem__((slice(1, None), 1), a[1:, 1] * 2),
    _twice: lambda a: a.__setitem__((1, 2), 7),
    _both: lambda a: a.__setitem__((1, 1), -2),
    _mixed: lambda a: a.__setitem__((1, slice(0, 3, 2)), 5),
    _none: lambda a: a.__setitem__(1, 4),
    _grown: lambda a: a.__setitem__(1, a[1] + 10),
    _narrowed: lambda a: a.__setitem__(slice(1, 3), 7),
    _narrowed_column: lambda a: a.__setitem__((0, slice(2, 4)), 3),
    _selected: lambda a: (a.__setitem__((slice(None), 1), 0), a.__setitem__((2, slice(0, 2)), 9)),
    _transposed: lambda a: a.__setitem__((slice(None), 1), torch.tensor([1.0, 2.0, 3.0])),
}


@pytest.mark.parametrize("write", AT, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_a_part_at_a_tensors_place_is_a_view(run: Any, write: Callable[..., None], dtype: Any) -> None:
    def changed(a: Tensor, k: Tensor) -> Tensor:
        b = a.clone()
        write(b, k)
        return b

    wanted = grid()
    AT[write](wanted)
    assert run(changed)(grid(), torch.tensor(1, dtype=dtype)).tolist() == wanted.tolist()


def test_a_write_at_a_tensors_place_changes_the_argument(run: Any) -> None:
    a = grid()
    run(_row)(a, torch.tensor(-1))
    assert a[2].tolist() == [8, 50, 10, 11]


def test_gradients_through_writes_at_a_tensors_place(run: Any) -> None:
    def gradients(x: Tensor, y: Tensor, k: Tensor) -> Any:
        a = x * 2
        a[k][1:3] = y
        a[:, k].mul_(3)
        return torch.autograd.grad((a * a).sum(), [x, y])

    x = torch.ones(3, 4, requires_grad=True)
    y = torch.tensor([1.0, 2.0], requires_grad=True)
    of_x, of_y = run(gradients)(x, y, torch.tensor(1))
    assert of_x.tolist() == [[8, 72, 8, 8], [8, 0, 0, 8], [8, 72, 8, 8]] and of_y.tolist() == [18, 4]


def test_an_integer_tensor_selects_before_index_tensors_are_read() -> None:
    """As torch's: the axis is gone, so the other index tensors stay where they are."""
    x = torch.arange(24).reshape(2, 3, 4)
    assert x[torch.tensor(1), :, [0, 2]].shape == (3, 2)
    assert torch.equal(x[torch.tensor(1), :, [0, 2]], x[1][:, [0, 2]])


def test_places_out_of_range_are_refused(run: Any) -> None:
    for index in (3, -4):
        with pytest.raises(IndexError):
            run(lambda a, k: a[k] * 1)(grid(), torch.tensor(index))
        with pytest.raises(IndexError):
            run(lambda a, k: a.select(0, k) * 1)(grid(), torch.tensor(index))


# -- windows, diagonals, repeated elements ------------------------------------------------------------------


def test_diagonals_are_views_of_any_strides(run: Any) -> None:
    def changed(a: Tensor) -> Tensor:
        b = a.clone()
        b.T.diagonal(1).fill_(-1)
        b[:, ::2].diagonal().mul_(10)
        b.T[1:].diagonal(-1)[0] = 99
        return b

    assert run(changed)(grid()).tolist() == [[0, 1, 99, 3], [-1, 5, 60, 7], [8, -1, 10, 11]]
    assert grid().T.diagonal().stride() == (5,)


def test_windows_are_views(run: Any) -> None:
    def changed(a: Tensor) -> Tensor:
        b = a.clone()
        b.unfold(0, 2, 2).add_(10)
        b.unfold(0, 3, 3)[1][0] = 0
        return b

    assert run(changed)(torch.arange(7.0)).tolist() == [10, 11, 12, 0, 14, 15, 6]
    x = torch.arange(5.0)
    windows = x.unfold(0, 3, 1)
    assert windows.stride() == (1, 1)
    windows[1] = torch.tensor([9.0, 8.0, 7.0])
    assert x.tolist() == [0, 9, 8, 7, 4]
    windows.copy_(torch.arange(9.0).reshape(3, 3))
    assert x.tolist() == [0, 3, 6, 7, 8]
    windows.zero_()
    assert x.tolist() == [0, 0, 0, 0, 0]
    with pytest.raises(RuntimeError, match="single memory location"):
        windows.add_(1)


def test_a_row_of_an_expanded_tensor_is_written_to_what_was_expanded(run: Any) -> None:
    def changed(x: Tensor) -> Tensor:
        y = x.clone()
        y.expand(3, 4)[0] = torch.tensor([1.0, 2.0, 3.0, 4.0])
        y.expand(2, 3, 4)[1, 2, 1:3].mul_(10)
        y.expand(3, 4).fill_(0) if len(x) == 0 else y.expand(3, 4)[:, 3][:1].add_(1)
        return y

    assert run(changed)(torch.zeros(4)).tolist() == [1, 20, 30, 5]
    wide = torch.zeros(4).expand(3, 4)
    for write in (lambda: wide.add_(1), lambda: wide[:2].copy_(torch.ones(2, 4)), lambda: wide.relu_()):
        with pytest.raises(RuntimeError, match="single memory location"):
            write()
    wide.fill_(3)  # one number is one number wherever it is written
    assert wide.tolist() == [[3] * 4] * 3


def test_results_that_are_views_of_a_later_operand() -> None:
    row, whole = torch.zeros(3), torch.zeros(2, 3)
    _, wide = torch.broadcast_tensors(whole, row)
    row.add_(1)
    assert wide.tolist() == [[1, 1, 1]] * 2 and wide.stride() == (0, 1)
    grids = torch.meshgrid(torch.zeros(2), row, indexing="ij")
    row.add_(1)
    assert grids[1].tolist() == [[2, 2, 2]] * 2
    x = torch.zeros(2)
    assert +x is x


# -- .data --------------------------------------------------------------------------------------------------


def test_data_shares_with_what_is_assigned() -> None:
    p, shadow = nn.Parameter(torch.ones(3)), torch.zeros(3)
    own = p.data
    p.data = shadow
    shadow.add_(5)
    p.data.mul_(2)
    assert p.tolist() == shadow.tolist() == [10] * 3 and own.tolist() == [1] * 3
    p.data = own
    own.add_(1)
    assert p.tolist() == [2] * 3 and shadow.tolist() == [10] * 3 and p.is_leaf and p.requires_grad
    (p * 2).sum().backward()
    with torch.no_grad():
        p.sub_(p.grad)
    assert p.tolist() == own.tolist() == [0] * 3


def test_averages_swapped_in_and_out_by_data() -> None:
    """An exponential moving average that is evaluated in place of the weights, as training scripts do it."""
    weight = nn.Parameter(torch.tensor([1.0, 2.0]))
    average, plain = torch.zeros(2), torch.tensor([1.0, 2.0])
    mean = torch.zeros(2)
    forward = torch.compile(lambda x: (weight * x).sum())
    for iteration in range(5):
        with torch.no_grad():
            weight -= 0.25 * (iteration + 1)
            average.mul_(0.5).add_(weight, alpha=0.5)
        plain, mean = plain - 0.25 * (iteration + 1), mean * 0.5 + (plain - 0.25 * (iteration + 1)) * 0.5
        backup = weight.data
        weight.data = average
        assert forward(torch.ones(2)).item() == pytest.approx(mean.sum().item())
        weight.data = backup
        assert forward(torch.ones(2)).item() == pytest.approx(plain.sum().item())
        assert weight.tolist() == pytest.approx(plain.tolist()) and average.tolist() == pytest.approx(mean.tolist())


def test_parameters_over_one_flat_buffer() -> None:
    flat = torch.arange(6.0)
    first, second = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2, 2))
    first.data, second.data = flat[:2], flat[2:].view_as(second)
    flat.mul_(2)
    assert first.tolist() == [0, 2] and second.tolist() == [[4, 6], [8, 10]]
    (first.sum() * 3 + second.sum()).backward()
    assert first.grad.tolist() == [3, 3] and second.grad.tolist() == [[1, 1], [1, 1]]  # type: ignore[union-attr]
    with torch.no_grad():
        second.add_(100)
    assert flat.tolist() == [0, 2, 104, 106, 108, 110]


def test_views_keep_what_they_show_when_data_is_assigned() -> None:
    x = torch.arange(4.0)
    view, shared = x[1:], x.detach()
    x.data = torch.zeros(4)
    view.add_(1)
    x.add_(7)
    assert view.tolist() == [2, 3, 4] and shared.tolist() == [0, 2, 3, 4] and x.tolist() == [7] * 4
    p = nn.Parameter(torch.arange(3.0))
    view = p.view(3)
    p.data = torch.ones(3)
    (view * view).sum().backward()
    assert p.grad.tolist() == [0, 2, 4]  # type: ignore[union-attr]
    x = torch.arange(4.0)
    x.data = x.data[1:]
    assert x.tolist() == [1, 2, 3]
    x.data = x.data
    assert x.tolist() == [1, 2, 3]
    with pytest.raises(TypeError, match="data has to be a tensor"):
        x.data = 3  # type: ignore[assignment]


def test_data_in_compiled_functions() -> None:
    p, shadow = nn.Parameter(torch.ones(2)), torch.zeros(2)
    old = p.data

    @torch.compile
    def step(x: Tensor) -> Tensor:
        loss = (p * x).sum()
        (gradient,) = torch.autograd.grad(loss, [p])
        p.data = p.data - 0.5 * gradient
        return loss

    for iteration in range(3):
        assert step(torch.ones(2)).item() == 2 - iteration
    assert p.tolist() == [-0.5] * 2 and old.tolist() == [1] * 2
    p.data = shadow
    step(torch.ones(2))
    assert p.tolist() == [-0.5] * 2 and shadow.tolist() == [0] * 2  # a new value, not one written to shadow

    def swap(x: Tensor) -> Tensor:
        p.data = shadow
        return x

    with pytest.raises(TracingError, match="got one from outside"):
        torch.compile(swap)(torch.ones(2))


def test_a_shared_value_changes_under_a_history() -> None:
    w = torch.ones(3, requires_grad=True)
    y = w * 2
    y.detach().add_(1)
    (y * y).sum().backward()
    assert w.grad.tolist() == [12] * 3  # type: ignore[union-attr]


# -- writes that are computed later -------------------------------------------------------------------------


def test_what_was_written_with_a_history_shows_later_writes() -> None:
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    x = torch.ones(2)
    shared = x.detach()
    shared.mul_(w)
    assert shared.tolist() == x.tolist() == [3, 4]
    with torch.no_grad():
        x.add_(1)
    assert shared.tolist() == x.tolist() == [4, 5]
    assert torch.autograd.grad((shared * shared).sum(), w)[0].tolist() == [8, 10]


def test_a_trace_that_is_set_aside_keeps_its_leaves() -> None:
    x = torch.tensor([2.0, 3.0])
    leaf = x.detach().requires_grad_()

    @torch.compile
    def gradient() -> Tensor:
        loss = (leaf * leaf).sum()
        with state.trace.set_aside():
            assert (leaf * 2).tolist() == [4, 6]
        return torch.autograd.grad(loss + (leaf * leaf).sum(), leaf)[0]

    for _ in range(2):
        assert gradient().tolist() == [8, 12]
        x.mul_(1)


def test_a_write_out_of_range_fails_where_it_is_looked_at() -> None:
    x = torch.zeros(3)
    with torch.no_grad():
        x[torch.tensor([7])] = 1.0
    assert (torch.ones(2) + 1).tolist() == [2, 2]
    y = torch.zeros(2).add_(1)
    assert y.tolist() == [1, 1]
    with pytest.raises(IndexError):
        x.tolist()


def test_strides_are_torchs() -> None:
    x = torch.zeros(2, 3, 4)
    cases = [
        (x.view(6, 1, 4), (4, 4, 1)), (x.view(1, 24), (24, 1)), (x[:, :1], (12, 4, 1)), (x.transpose(0, 2), (1, 4, 12)),
        (x[:, 1].unsqueeze(0), (24, 12, 1)), (x.unfold(2, 2, 2), (12, 4, 2, 1)), (x.diagonal(0, 1, 2), (12, 5)),
    ]  # fmt: skip
    for view, strides in cases:
        assert view.stride() == strides


def test_detached_views_have_the_strides_of_what_they_share_with() -> None:
    p = nn.Parameter(torch.arange(6.0).reshape(2, 3))
    with torch.no_grad():
        turned = p.T
        turned.reshape(-1).add_(10)  # a copy
        turned[0].mul_(2)
    assert p.tolist() == [[0, 1, 2], [6, 4, 5]]
    for view in (turned, p.detach().T, p.T.detach(), p.data.T):
        assert view.stride() == (1, 3) and not view.is_contiguous()
        with pytest.raises(RuntimeError, match="view size is not compatible"):
            view.view(-1)
    x = torch.arange(4.0)
    with pytest.raises(RuntimeError, match="single memory location"):
        x.unfold(0, 3, 1).detach().mul_(2)
    with pytest.raises(RuntimeError, match="single memory location"):
        x.expand(3, 4).data.mul_(2)


def test_ravel_copies_what_does_not_lie_in_a_row() -> None:
    x = torch.arange(8.0).reshape(4, 2)[:, :1]
    x.ravel().add_(1)
    assert x.flatten().tolist() == [0, 2, 4, 6]
    x.flatten().add_(1)
    assert x.flatten().tolist() == [1, 3, 5, 7]


def test_what_a_write_replaces_gets_zeros() -> None:
    for write in (lambda a: a.zero_(), lambda a: a.fill_(2), lambda a: a.copy_(torch.ones(2)), lambda a: a.ge_(1)):
        x = torch.ones(2, requires_grad=True)
        a = x * 2
        write(a)
        assert a.requires_grad
        a.sum().backward()
        assert x.grad.tolist() == [0, 0]  # type: ignore[union-attr]


def test_bools_are_added_as_by_or() -> None:
    x = torch.tensor([True, False, False])
    index, some = torch.tensor([0, 1, 1]), torch.tensor([True, True, True])
    assert x.index_add(0, index, some).tolist() == x.scatter_add(0, index, some).tolist() == [True, True, False]


INPLACE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: F.relu(x, inplace=True),
    "relu at its place": lambda x: F.relu(x, True),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.5, True),
    "elu": lambda x: F.elu(x, inplace=True),
    "celu": lambda x: F.celu(x, inplace=True),
    "selu": lambda x: F.selu(x, True),
    "silu": lambda x: F.silu(x, inplace=True),
    "mish": lambda x: F.mish(x, inplace=True),
    "hardtanh": lambda x: F.hardtanh(x, inplace=True),
    "relu6": lambda x: F.relu6(x, inplace=True),
    "hardsigmoid": lambda x: F.hardsigmoid(x, inplace=True),
    "hardswish": lambda x: F.hardswish(x, inplace=True),
    "threshold": lambda x: F.threshold(x, 0.0, 7.0, True),
    "dropout": lambda x: F.dropout(x, 1.0, inplace=True),
    "dropout1d": lambda x: F.dropout1d(x, 1.0, inplace=True),
    "nn.ReLU": nn.ReLU(inplace=True),
    "nn.LeakyReLU": nn.LeakyReLU(0.5, inplace=True),
    "nn.Hardswish": nn.Hardswish(inplace=True),
    "nn.Dropout": nn.Dropout(1.0, inplace=True),
}


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_writes_to_the_input(run: Any, name: str) -> None:
    def used_again(x: Tensor) -> Any:
        y = x * 2
        z = INPLACE[name](y)
        return y, z

    y, z = run(used_again)(torch.tensor([[-4.0, -1.0, 0.25, 8.0]]))
    assert y.tolist() == z.tolist() != [[-8, -2, 0.5, 16]]
    x = torch.tensor([[-4.0, 1.0]])
    assert INPLACE[name](x) is x
    with pytest.raises(RuntimeError, match="leaf Variable"):
        INPLACE[name](torch.ones(1, 2, requires_grad=True))


SCATTERED: dict[str, Callable[[Tensor], Any]] = {
    "index_add_": lambda a: a.index_add_(1, torch.tensor([0, 0, 2]), a[:, :3].clone()),
    "index_fill_": lambda a: a.index_fill_(1, torch.tensor([1, 3]), 0.5),
    "index_copy_": lambda a: a.index_copy_(1, torch.tensor([2, 0]), a[:, :2] * 2),
    "scatter_": lambda a: a.scatter_(1, torch.tensor([[3, 1]]), 9.0),
    "scatter_add_": lambda a: a.scatter_add_(1, torch.tensor([[3, 3]]), a.clone()),
    "index_put_": lambda a: a.index_put_((torch.tensor([0]), torch.tensor([2])), torch.tensor(4.0)),
    "setitem": lambda a: a.__setitem__((slice(None), torch.tensor([0, 2])), 7.0),
    "at a tensor's place": lambda a: a[:, torch.tensor(2)].add_(3),
}


@pytest.mark.parametrize("name", SCATTERED)
@pytest.mark.parametrize(
    "reads", [lambda a: a.squeeze(0), lambda a: a.select(0, -1), lambda a: a.flatten()[1:], lambda a: a * 1]
)
def test_scattered_writes_to_an_argument_and_views_of_it(name: str, reads: Callable[[Tensor], Tensor]) -> None:
    def written(a: Tensor) -> Any:
        SCATTERED[name](a)
        return a, reads(a), reads(a.detach())

    eager, compiled = (torch.arange(1.0, 5.0).reshape(1, 4) for _ in range(2))
    expected = written(eager)
    for found, wanted in zip((*torch.compile(written)(compiled), compiled), (*expected, eager), strict=True):
        assert found.tolist() == wanted.tolist()
    only = torch.arange(1.0, 5.0).reshape(1, 4)
    assert torch.compile(lambda a: written(a)[1])(only).tolist() == expected[1].tolist() and only.tolist() == eager.tolist()


DETACHED: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (lambda z: z[1:4].detach(), lambda a: a[1:4]),
    (lambda z: z[1:4].data, lambda a: a[1:4]),
    (lambda z: z.t().detach(), lambda a: a.T),
    (lambda z: z.detach()[1:4].detach(), lambda a: a[1:4]),
    (lambda z: z.view(4, 6).data, lambda a: a.reshape(4, 6)),
    (lambda z: z[2].detach().unsqueeze(0), lambda a: a[2:3]),
]
PARTS: list[Callable[[Any], Any]] = [lambda b: b, lambda b: b[0], lambda b: b[:-1], lambda b: b.T, lambda b: b[:, 1:3]]


@pytest.mark.parametrize("known", [False, True], ids=["pending", "known"])
@pytest.mark.parametrize(("detached", "shown"), DETACHED)
@pytest.mark.parametrize("part", PARTS)
def test_views_of_detached_views_write_through(
    part: Callable[[Any], Any], detached: Callable[[Any], Any], shown: Callable[[Any], Any], known: bool
) -> None:
    z, array = torch.arange(24.0).reshape(6, 4) * 1, np.arange(24.0).reshape(6, 4)
    if known:
        z.tolist()
    base = detached(z)
    part(base).add_(100)
    part(shown(array))[...] += 100
    assert z.tolist() == array.tolist() and base.tolist() == shown(array).tolist()


def parameter() -> nn.Parameter:
    """Return a parameter that shares with a tensor which nothing else refers to."""
    return nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0]))


def test_views_of_a_parameter_stay_its_views_when_it_stops_sharing() -> None:
    p = parameter()
    v = p[1:3]
    (v * 2).sum().backward()  # the first operation: the parameter takes over the memory of the tensor it was made of
    assert p.grad is not None and p.grad.tolist() == [0.0, 2.0, 2.0, 0.0]
    with torch.no_grad():
        p.add_(10.0)
    assert v.tolist() == [12.0, 13.0]


def test_views_made_before_a_parameter_is_used() -> None:
    p = parameter()
    v, row = p[1:3], p[torch.tensor(3)]
    (p * p).sum().backward()
    with torch.no_grad():
        p.mul_(3.0)
    assert v.tolist() == [6.0, 9.0] and row.item() == 12.0
    (v.sum() + row).backward()
    assert p.grad is not None and p.grad.tolist() == [2.0, 5.0, 7.0, 9.0]


def test_views_made_before_a_parameter_is_compiled() -> None:
    p = parameter()
    v = p[1:3]
    f = torch.compile(lambda x: (p * x).sum())
    f(torch.ones(4)).backward()
    assert p.grad is not None and p.grad.tolist() == [1.0] * 4
    with torch.no_grad():
        p.add_(1.0)
    assert v.tolist() == [3.0, 4.0] and f(torch.ones(4)).item() == 14.0


def test_a_scan_and_an_index_of_one_leaf_both_give_gradients() -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).requires_grad_()
    last, _ = torch.scan(lambda c, x: (c * 0.5, x), a, a)
    (last.sum() + a[torch.tensor(5) % 2].sum()).backward()
    assert a.grad is not None and a.grad.tolist() == [[0.25, 0.25], [1.25, 1.25]]


def test_a_detached_tensor_keeps_what_was_written_before_its_source_took_other_data() -> None:
    s = SimpleNamespace(a=torch.tensor([1.0, 2.0]), b=torch.tensor([3.0, 4.0]), c=torch.tensor([5.0, 6.0]))
    for k, expected in enumerate(([3.5, 4.0], [1.75, 2.0], [10.5, 12.0])):
        x = s.a if k % 2 else torch.tensor([7.0, 8.0]) * (k + 1)
        s.a = s.c.detach()
        s.c[...] = x[...] * 0.5
        s.c.data = s.b.detach() * 1
        assert (s.a * 1).tolist() == s.a.tolist() == expected
        assert s.c.tolist() == [3.0, 4.0]


READS = {"detach": lambda w: w.detach(), "data": lambda w: w.data, "part": lambda w: w.detach()[:2], "it": lambda w: w * 1}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("wrap", [nn.Parameter, lambda x: x.detach()])
def test_a_compiled_function_reads_data_that_were_assigned_since(name: str, wrap: Callable[[Tensor], Tensor]) -> None:
    w = wrap(torch.zeros(3))
    f = torch.compile(lambda x: x - READS[name](w)[:2])
    for k in range(4):
        if k > 1:
            w.data = torch.ones(3) * k
        assert f(torch.zeros(2)).tolist() == ([0.0, 0.0] if k < 2 else [-k, -k])
