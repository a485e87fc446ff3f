"""What is recorded as events: found again without inference, computed once, kept as long as it can be looked at."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any
from weakref import ref

import numpy as np
import pytest

import graphc as torch
from graphc.dispatch import definition
from graphc.ir.core.build import constant
from graphc.ir.core.graph import parameter
from graphc.ir.core.types import F64, TensorType
from graphc.recording import lazy, recording, structures, trie
from graphc.recording.context import state


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return a list of the operations whose structure is inferred from now on."""
    names: list[str] = []
    real = definition.Definition._learn

    def learn(self: Any, *args: Any) -> Any:
        names.append(self.body.__name__)
        return real(self, *args)

    monkeypatch.setattr(definition.Definition, "_learn", learn)
    trie.new_root()
    state.renew()
    yield names


@pytest.fixture
def materialized(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets longer whenever a recording becomes nodes."""
    calls: list[int] = []
    real = recording.Recording._materialize
    monkeypatch.setattr(recording.Recording, "_materialize", lambda self: calls.append(0) or real(self))
    return calls


def parameters() -> list[Any]:
    values = np.random.RandomState(0)
    return [torch.tensor(values.randn(4, 4) * 0.3, requires_grad=True) for _ in range(3)]


X = np.arange(8.0).reshape(2, 4) / 8


def step(ps: list[Any], lr: float = 0.1) -> Any:
    h = torch.tensor(X)
    for p in ps:
        h = torch.tanh(h @ p) + h * 0.5
    loss = (h**2).mean()
    loss.backward()
    with torch.no_grad():
        for p in ps:
            p -= lr * p.grad
            p.grad = None
    return loss


def by_numpy(steps: int) -> list[float]:
    ps, losses = [p.detach().numpy() for p in parameters()], []
    for _ in range(steps):
        hs, ts = [X], []
        for p in ps:
            ts.append(np.tanh(hs[-1] @ p))
            hs.append(ts[-1] + hs[-1] * 0.5)
        losses.append((hs[-1] ** 2).mean())
        g = 2 * hs[-1] / hs[-1].size
        for i in reversed(range(3)):
            d = g * (1 - ts[i] ** 2)
            g, ps[i] = g * 0.5 + d @ ps[i].T, ps[i] - 0.1 * hs[i].T @ d
    return losses


def test_a_training_loop_is_learned_once(learned: list[str], materialized: list[int]) -> None:
    ps, losses, counts = parameters(), [], []
    for _ in range(6):
        losses.append(step(ps))
        counts.append(len(learned))
    np.testing.assert_allclose([x.item() for x in losses], by_numpy(6), rtol=1e-12)
    assert counts[1] > 0 and counts[2:] == [counts[2]] * 4 and not materialized


def test_a_look_before_backward_makes_no_nodes(learned: list[str], materialized: list[int]) -> None:
    ps, losses = parameters(), []
    for i in range(6):
        h = torch.tensor(X)
        for p in ps:
            h = torch.tanh(h @ p) + h * 0.5
        loss = (h**2).mean()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for p in ps:
                p -= 0.1 * p.grad
                p.grad = None
        if i == 2:
            learned.clear()
    np.testing.assert_allclose(losses, by_numpy(6), rtol=1e-12)
    assert not learned and not materialized


def test_a_loop_with_looks_and_one_backward_at_its_end(materialized: list[int]) -> None:
    def episode(T: Any) -> tuple[float, Any]:
        w = T.tensor(np.eye(3) * 0.5, requires_grad=True)
        h, logs = T.ones(3, dtype=T.float64), []
        for i in range(5):
            h = T.tanh(h @ w + i)
            p = T.log_softmax(h, 0)
            logs.append(p[int(p.detach().numpy().argmax())])
        total = T.stack(logs).sum()
        total.backward()
        return total.item(), w.grad.numpy()

    first = episode(torch)
    assert not materialized
    state.anomaly = True
    try:
        total, grad = episode(torch)
    finally:
        state.anomaly = False
    for found in (first, episode(torch), episode(torch)):
        np.testing.assert_allclose(found[0], total, rtol=1e-12)
        np.testing.assert_allclose(found[1], grad, rtol=1e-10)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_numbers_are_told_apart_by_type_and_bits(zero: float) -> None:
    x = torch.ones(2)
    for number in (zero, 0, False, 1.0, 1, True, float("nan"), -zero):
        wanted = np.ones(2, np.float32) * number
        for _ in range(2):
            got = (x * number).numpy()
            np.testing.assert_array_equal(got, wanted)
            np.testing.assert_array_equal(np.signbit(got), np.signbit(wanted))
    i = torch.tensor([2, 3])
    assert [(i * n).dtype for n in (2, 2.0, True)] == [torch.int64, torch.float32, torch.int64]


def test_the_modes_and_the_default_dtype_belong_to_the_structure() -> None:
    x, i = torch.ones(2, requires_grad=True), torch.tensor([1, 2])
    for _ in range(2):
        assert (x * 2).requires_grad
        with torch.no_grad():
            assert not (x * 2).requires_grad
        assert (i / 2).dtype is torch.float32
        torch.set_default_dtype(torch.float64)
        assert (i / 2).dtype is torch.float64
        torch.set_default_dtype(torch.float32)


def test_errors_come_each_time() -> None:
    x, y, row = torch.ones(2, 3), torch.ones(2), torch.ones(3)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="The size of tensor a"):
            x + y
        leaf = torch.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
            leaf += 1
        with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
            row += x


def test_an_index_out_of_bounds_names_the_line_that_reads() -> None:
    x = torch.arange(3.0)
    for _ in range(2):
        with pytest.raises(IndexError) as first:
            x[torch.tensor([5])].sum().item()
        with pytest.raises(IndexError) as second:
            x[torch.tensor([5])].sum().item()
        assert str(first.value) != str(second.value) and "test_recording.py" in str(second.value)


def test_what_does_not_depend_on_a_failed_operation_is_computed() -> None:
    x, index = torch.arange(3.0), torch.tensor([7])
    for _ in range(3):
        bad, good = x[index], x + 1
        assert good.tolist() == [1.0, 2.0, 3.0]
        with pytest.raises(IndexError):
            bad.tolist()


def test_results_that_nothing_refers_to_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[int] = []
    real = structures.Structure.run
    monkeypatch.setattr(
        structures.Structure, "run", lambda self, p, roots, a: wanted.append(len(roots)) or real(self, p, roots, a)
    )
    structures.clear_cache()
    state.recording.flush()  # of results that other tests have left pending
    wanted.clear()
    x = torch.tensor([1.0, 2.0]) * 1
    y = x * 3
    x * 5
    assert y.tolist() == [3.0, 6.0] and x.tolist() == [1.0, 2.0] and wanted == [2]


def test_memory_of_a_step_is_freed() -> None:
    ps = parameters()
    for _ in range(3):
        step(ps)
    x = torch.ones(1000)
    y = x * 2
    assert y.sum().item() == 2000
    kept = ref(x._storage)
    del x, y
    gc.collect()
    assert kept() is None
    assert all(p._storage.recording is None or p._storage.recording is state.recording for p in ps)


def test_a_second_backward_raises_and_with_retain_graph_does_not() -> None:
    for look in (False, True, False, True):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = x.exp()
        loss = y.sum()
        if look:
            loss.item()
        loss.backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            loss.backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            (y * 2).sum().backward()
        total = (x + 1).sum()
        if look:
            total.item()
        total.backward()
        total.backward()
        np.testing.assert_allclose(x.grad.numpy(), np.exp([1.0, 2.0]) + 2, rtol=1e-6)


def test_hooks_run_and_functions_are_called_each_time() -> None:
    for _ in range(3):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        seen: list[Any] = []
        x.register_hook(lambda g, seen=seen: seen.append(g.tolist()))
        y = x * 3
        y.register_hook(lambda g: g * 2)
        y.retain_grad()
        (y * y).sum().backward()
        assert x.grad.tolist() == [36.0, 72.0] and seen == [[36.0, 72.0]] and y.grad.tolist() == [12.0, 24.0]


def test_gradients_of_gradients_are_learned_once(learned: list[str], materialized: list[int]) -> None:
    w = torch.tensor([2.0, 3.0], dtype=torch.float64, requires_grad=True)
    counts = []
    for i in range(4):
        x = (torch.ones(2, dtype=torch.float64) * 3).requires_grad_()  # a result that is pending becomes a leaf
        (slope,) = torch.autograd.grad((w * x**3).sum(), x, create_graph=True)
        (curve,) = torch.autograd.grad(slope, x, torch.ones_like(slope), create_graph=True)
        (curve * curve).sum().backward()  # (6wx)²
        counts.append(len(learned))
        assert w.grad.tolist() == [2 * 18.0**2 * 2 * (i + 1), 2 * 18.0**2 * 3 * (i + 1)]
        assert x.grad.tolist() == [2 * 36.0 * 4 * 3, 2 * 36.0 * 9 * 3]
    assert counts[0] > 0 and counts[1:] == counts[1:2] * 3 and not materialized
    assert slope.requires_grad and curve.grad_fn is not None and x.is_leaf


def test_weights_updated_through_their_gradients_are_found(learned: list[str], materialized: list[int]) -> None:
    w = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    counts = []
    for _ in range(3):
        w.grad = None
        inner = w
        for _ in range(2):
            (g,) = torch.autograd.grad(inner**2, inner, create_graph=True)
            inner = inner - 0.1 * g  # 0.8 of it
        inner.backward()
        assert w.grad.item() == pytest.approx(0.64)
        counts.append(len(learned))
    assert counts[0] > 0 and counts == counts[:1] * 3 and not materialized


def test_grad_by_values_that_are_no_leaves_and_by_unused_ones() -> None:
    for _ in range(3):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y, z = x * 3, torch.tensor([1.0], requires_grad=True)
        by_y, by_z = torch.autograd.grad((y * y).sum(), [y, z], allow_unused=True, retain_graph=True)
        assert by_y.tolist() == [6.0, 12.0] and by_z is None and x.grad is None
        with pytest.raises(RuntimeError, match="not have been used"):
            torch.autograd.grad((y * y).sum(), [z], retain_graph=True)
        torch.autograd.backward([y.sum(), (x * x).sum()], inputs=[x], retain_graph=True)
        assert x.grad.tolist() == [5.0, 7.0]
        y.backward(torch.tensor([1.0, 10.0]))
        assert x.grad.tolist() == [8.0, 37.0]
        with pytest.raises(RuntimeError, match="second time"):
            y.backward(torch.tensor([1.0, 10.0]))


def test_numbers_that_change_become_inputs(learned: list[str]) -> None:
    w, counts = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True), []
    value, buffer = np.array([1.0, 2.0]), torch.zeros(2, dtype=torch.float64)
    for t in range(2, 10):
        rate, warm = 0.1 / t**0.5, torch.full((2,), 0.5 / t, dtype=torch.float64)
        loss = ((w * t + (2.5 - w) / t + warm) ** 2).sum() * (1 - 0.5**t)
        loss.backward()
        with torch.no_grad():
            w.sub_(w.grad, alpha=rate)
            buffer.fill_(rate)
        inner = value * t + (2.5 - value) / t + 0.5 / t
        assert loss.item() == pytest.approx((inner**2).sum() * (1 - 0.5**t))
        value = value - rate * 2 * inner * (t - 1 / t) * (1 - 0.5**t)
        w.grad = None
        np.testing.assert_allclose(w.detach().numpy(), value, rtol=1e-12)
        assert buffer.tolist() == [rate, rate]
        counts.append(len(learned))
    assert counts[3:] == counts[3:4] * 5


def test_numbers_that_bodies_look_for_stay_constants() -> None:
    x = torch.tensor([2.0, 3.0])
    for number in (0.5, 0.25, 0, 1, 0.0, 1.0, -0.0, float("inf"), float("nan"), -3e38, 3, 2**40):
        with np.errstate(over="ignore"):
            wanted = np.float32([2, 3]) * np.float32(number)
        assert (x * number).tolist() == pytest.approx(wanted.tolist(), nan_ok=True)
        assert (number - x).dtype is torch.float32
    small = torch.tensor([200], dtype=torch.uint8)
    for number in (20, 30, 40):
        assert (small + number).tolist() == [220, 230, 240][number // 10 - 2 :][:1]
    counts = torch.tensor([3])
    for number in (2, 5, 0.5, 0.25):
        assert (counts * number).dtype is (torch.float32 if isinstance(number, float) else torch.int64)
        assert (counts * number).item() == 3 * number


def test_gradients_of_gradients() -> None:
    for _ in range(3):
        x = torch.tensor([2.0], requires_grad=True)
        (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        assert g.item() == 12
        g.sum().backward()
        assert x.grad.item() == 12


def test_a_chain_without_a_look_is_computed_now_and_then() -> None:
    x = torch.ones(3)
    y = x
    for _ in range(3 * recording.PENDING_BOUND):
        y = y + 1
    assert len(state.recording.slots) <= recording.PENDING_BOUND + 2 and y.tolist() == [3.0 * recording.PENDING_BOUND + 1] * 3


def test_parts_of_a_large_array_are_written_in_place_but_not_where_it_is_seen() -> None:
    buffer = torch.zeros(1000, 8)
    before = buffer.clone()
    shown, copy = buffer[3], buffer.detach()
    array = buffer.numpy()
    later = buffer * 1
    for i in range(1000):
        buffer[i] = torch.full((8,), float(i))
    assert buffer.sum().item() == 8 * 999 * 1000 / 2 and buffer[:, 0].tolist() == [float(i) for i in range(1000)]
    assert before.sum().item() == 0 and later.sum().item() == 0 and not array.any()
    assert shown.tolist() == [3.0] * 8 and copy[5].tolist() == [5.0] * 8


def test_a_part_of_a_large_tensor_is_written_and_all_of_it_read() -> None:
    for made in (torch.tensor(np.zeros((1000, 8))), torch.zeros(1000, 8), torch.ones(1000, 8) * 0):
        made[1] = 3.0
        made[2] = torch.ones(8) * 2
        assert made.sum().item() == 40 and (made * 2)[1:3, 0].tolist() == [6.0, 4.0]


def test_tensors_are_handed_between_threads() -> None:
    x = torch.ones(3, requires_grad=True)
    for _ in range(20):
        pending = x * 2 + 1
        found: list[Any] = []
        thread = threading.Thread(target=lambda p=pending, f=found: f.append((p * 3).sum()))
        thread.start()
        more = pending * 2
        thread.join()
        (found[0] + more.sum()).backward()
    assert x.grad.tolist() == [20 * 10.0] * 3


def test_threads_look_at_one_pending_result_at_once() -> None:
    found: list[float] = []

    def look(pending: Any, barrier: threading.Barrier) -> None:
        barrier.wait()
        found.append((pending * 3).sum().item())

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(150):
            x = torch.ones(3, requires_grad=True)
            pending, barrier = x * 2 + 1, threading.Barrier(4)
            threads = [threading.Thread(target=look, args=(pending, barrier)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            pending.sum().backward()
            assert x.grad.tolist() == [2.0] * 3
    finally:
        sys.setswitchinterval(before)
    assert found == [27.0] * 600


def test_threads_record_at_once() -> None:
    errors: list[Any] = []

    def work(seed: int) -> None:
        try:
            for _ in range(10):
                w = torch.tensor([1.0, float(seed)], requires_grad=True)
                for _ in range(3):
                    loss = ((w * 2 - 1) ** 2).sum()
                    loss.backward()
                np.testing.assert_allclose(w.grad.numpy(), 3 * 4 * (2 * np.array([1.0, seed]) - 1))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_a_signal_handler_may_record_in_between() -> None:
    inside: list[float] = []

    def handler(*args: Any) -> None:
        inside.append((torch.ones(2) * 3 + 1).sum().item())

    outer = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.002)
    try:
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            w = torch.tensor([1.0, 2.0], requires_grad=True)
            y = w
            for _ in range(20):
                y = y * 1.5 - w
            y.sum().backward()
            np.testing.assert_allclose(w.grad.numpy(), GRADIENT, rtol=1e-5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, outer)
    assert inside and set(inside) == {8.0}


def _gradient() -> Any:
    g = np.ones(2, np.float32)
    total = np.zeros(2, np.float32)
    for _ in range(20):
        total = total - g
        g = g * np.float32(1.5)
    return total + g


GRADIENT = _gradient()


def test_what_has_been_seen_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trie, "TRIE_BOUND", 50)
    trie.new_root()  # a long sequence of an earlier test would stay beside the last ones
    x = torch.ones(2)
    for i in range(200):
        assert (x * i + i + torch.ones(i + 1).sum()).tolist() == [3.0 * i + 1] * 2
    assert trie._entries < 100


INDICES: list[Any] = [0, -1, 2, slice(1, 3), (0, 1), (slice(None), 1), (slice(0, 3, 2), slice(1, None)), (1, slice(None))]


@pytest.mark.parametrize("rows", [4, 2000])  # an event, and large enough to be written at once
@pytest.mark.parametrize("pending", [True, False])
def test_parts_are_written_as_numpy_writes_them(rows: int, pending: bool) -> None:
    for index in INDICES:
        for number in (1.0, 2.5):
            wanted = np.arange(rows * 3.0).reshape(rows, 3)
            x = torch.tensor(wanted) if not pending else torch.tensor(wanted) * 1
            alias, before, seen = x.detach(), x * 2, x[0]
            row = torch.tensor(np.array(wanted[index]) * 3 + 1) * number
            x[index] = row
            wanted[index] = (np.array(wanted[index]) * 3 + 1) * number
            assert x.tolist() == wanted.tolist() == alias.tolist() and seen.tolist() == wanted[0].tolist()
            assert before.tolist() == (np.arange(rows * 3.0).reshape(rows, 3) * 2).tolist() and x._version == 1
            x[index] = number
            wanted[index] = number
            assert x.tolist() == wanted.tolist() and x._version == 2


def test_writes_without_a_read_are_computed_once_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PENDING_BOUND", 20)
    x, row = torch.zeros(4, 3) + 1, torch.tensor([1.0, 2.0, 3.0]) * 2
    for _ in range(50):
        x[1:3] = row
        x[0].copy_(row)
        assert state.recording.entry.slot <= 25
    assert x.tolist() == [[2.0, 4.0, 6.0]] * 3 + [[1.0] * 3]


def test_writes_to_the_data_of_leaves_are_recorded(materialized: list[int]) -> None:
    w, x = torch.tensor([1.0, -2.0], requires_grad=True), torch.tensor([3.0, 0.5]) * 1
    kept, expected, total = w.data, np.array([1.0, -2.0]), np.zeros(2)
    for k in range(6):
        loss = (w * w * x).sum()
        loss.backward()
        total = total + 2 * expected * [3.0, 0.5]
        assert loss.item() == pytest.approx((expected**2 * [3.0, 0.5]).sum(), rel=1e-5) if k % 2 else True
        w.data -= 0.1 * w.grad
        expected = expected - 0.1 * total
        w.data[0] = w.data[1] * 2
        kept.mul_(0.5)
        expected = np.array([expected[1] * 2, expected[1]]) * 0.5
        np.testing.assert_allclose(kept.numpy() if k % 3 else w.detach().numpy(), expected, rtol=1e-5)
        assert w.requires_grad and w.is_leaf and w.grad_fn is None and not kept.requires_grad
        np.testing.assert_allclose(w.grad.numpy(), total, rtol=1e-5)
        with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
            w.data += torch.ones(3, 2)
    assert not materialized


def test_what_is_copied_into_data_with_a_history_gets_it() -> None:
    for _ in range(3):
        w, y = torch.ones(2, requires_grad=True), torch.tensor([2.0, 3.0], requires_grad=True)
        shared = w.data
        shared.copy_(y * 2)
        assert shared.requires_grad and w.is_leaf and w.tolist() == [4.0, 6.0]
        (shared.sum() + w.sum()).backward()
        assert y.grad.tolist() == [2.0, 2.0] and w.grad.tolist() == [1.0, 1.0]


def test_a_part_that_moves_makes_no_new_structures(learned: list[str]) -> None:
    buffer, counts = torch.zeros(16, 4), []
    for i in range(8):
        buffer[i] = torch.full((4,), i + 2.0) * 3
        with pytest.raises(IndexError):
            buffer[16] = torch.ones(4)
        with pytest.raises(RuntimeError, match="expanded size"):
            buffer[0] = torch.ones(3) * 2
        assert buffer[i].tolist() == [3.0 * (i + 2)] * 4 and buffer.sum().item() == sum(12.0 * (k + 2) for k in range(i + 1))
        counts.append(len(learned))
    assert counts[3:] == counts[3:4] * 5


def test_results_in_tuples_are_found_again(learned: list[str]) -> None:
    counts = []
    for _ in range(4):
        found = (torch.tensor([[1.0, 5.0], [7.0, 2.0]]) * 2).max(dim=0)
        assert found.values.tolist() == [14.0, 10.0] and found.indices.tolist() == [1, 0]
        counts.append(len(learned))
    assert counts[1:] == counts[1:2] * 3 and learned.count("_max_at") == 1


def test_selection_by_order_is_the_same_on_all_lines(learned: list[str]) -> None:
    lines = (
        lambda x: (x.flatten().topk(2), x.sort(dim=0)),
        lambda x: (x.flatten().topk(2), x.sort(dim=0)),
    )
    counts = []
    for scale in (2.0, 3.0, 4.0, 5.0):
        top, low = lines[int(scale) % 2](torch.tensor([[1.0, 5.0], [7.0, 2.0]]) * scale)
        assert top.values.tolist() == [7 * scale, 5 * scale] and top.indices.tolist() == [2, 1]
        assert low.indices.tolist() == [[0, 1], [1, 0]]
        counts.append(len(learned))
    assert counts[2:] == counts[2:3] * 2


def test_a_write_takes_the_history_of_a_leaf_and_of_an_older_result() -> None:
    leaf = torch.tensor([1.0, 2.0], requires_grad=True)
    shared = leaf.detach()
    shared.copy_(leaf)  # its history is its own, its memory the leaf's
    copied = torch.empty(2)
    copied.copy_(shared)
    (copied * copied).sum().backward()
    assert copied.requires_grad and leaf.grad.tolist() == [2.0, 4.0]
    total = torch.zeros(2)
    older = leaf * 3
    older.sum().item()
    total.copy_(older)
    total.add_(older)
    total.sum().backward()
    assert leaf.grad.tolist() == [8.0, 10.0]


def test_constants_are_part_of_a_structure_even_if_their_values_are_known() -> None:
    x = parameter(TensorType(F64, (3, 3)))
    programs = []
    for number in (3.0, 2.0):
        c = constant(number, F64, (3, 3))  # interned: whoever has looked at one like it has computed this one
        c.value = np.full((3, 3), number)
        programs.append(lazy.structure([x], [x + c]))
    assert programs[0] is not programs[1]
    torch.set_eager("compile")
    try:
        for number in (3.0, 2.0):
            y = parameter(TensorType(F64, (3, 3)))
            c = constant(number, F64, (3, 3))
            (got,) = lazy.Plan([0], [y], [y + c]).run([np.ones((3, 3))])
            assert (got == 1 + number).all()
    finally:
        torch.set_eager("auto")


def test_what_follows_an_update_is_learned_once_whatever_the_optimizer_did_first(learned: list[str]) -> None:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    x, labels = torch.tensor(X[:, :3]).float(), torch.tensor([0, 1])
    counts = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), labels)  # its errors name lines, which is known only afterwards
        loss.backward()
        optimizer.step()
        counts.append((learned.count("linear"), learned.count("cross_entropy")))
    assert counts == [(1, 1)] * 4


def test_a_leaf_that_was_written_is_read_with_its_new_value() -> None:
    p = torch.ones(3, requires_grad=True)
    for i in range(4):
        with torch.no_grad():
            p.mul_(2.0)
            twice = p * 2  # without a gradient it belongs to the update
        (p * p[1:].sum()).sum().backward()
        assert twice.tolist() == [2.0 ** (i + 2)] * 3
        assert p.grad is not None and p.grad.tolist() == [2 * 2.0 ** (i + 1), *[5 * 2.0 ** (i + 1)] * 2]
        p.grad = None


def test_a_view_of_a_leaf_that_shares_a_copied_value_is_recorded(learned: list[str]) -> None:
    p = torch.nn.Parameter(torch.zeros(1, 3))
    with torch.no_grad():
        p.copy_(torch.tensor([[1.0, 2.0, 3.0]]))
    y = torch.cat([p.expand(2, -1), torch.ones(1, 3)]).sum()
    y.backward()
    assert y.item() == 15.0 and p.grad.tolist() == [[2.0, 2.0, 2.0]] and "cat" in learned
