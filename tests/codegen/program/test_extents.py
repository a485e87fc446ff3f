"""A number of a program's table that is wrong is an error before the program runs, and no address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.llvm.bounds_text import InternalError
from graphc.codegen.loops import lower
from graphc.codegen.program import specialize
from graphc.codegen.program.extents import Extents
from graphc.codegen.program.specialize import counts
from tests.codegen.program.test_specialize import CASES, SIZES

KERNELS = [name for name in CASES if name != "running sum"]
WRONG = 1 << 40


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specialize, "_structures", specialize.new_cache())
    counts.clear()


def checked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Extents, list[int], list[int]]]:
    """Return a list of what is checked from now on."""
    found: list[tuple[Extents, list[int], list[int]]] = []
    right = Extents.check

    def check(self: Extents, table: Any, facts: Any) -> None:
        found.append((self, list(table), list(facts)))
        right(self, table, facts)

    monkeypatch.setattr(Extents, "check", check)
    return found


@pytest.mark.parametrize("name", KERNELS)
def test_each_extent_stride_and_offset_of_a_replayed_table_is_checked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, arguments = CASES[name]
    compiled, found = torch.compile(function), checked(monkeypatch)
    for n in SIZES:
        compiled(*arguments(n))
    assert counts["replayed"]
    extents, table, facts = found[-1]
    assert extents.accesses
    for access in extents.accesses:
        numbers = [*table, *reversed(facts)]
        if any(numbers[n] < 1 for n, _ in access.loops):
            continue
        places = [p for n, s in access.loops if numbers[s] for p in ([n, s] if numbers[n] > 1 else [n])]
        for place in {access.offset, *places}:
            if place >= 0:
                wrong = [*table[:place], WRONG, *table[place + 1 :]]
                with pytest.raises(InternalError, match="please report it"):
                    extents.check(wrong, facts)


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "elementwise": lambda x: torch.sin(x) + 1,
    "rows": lambda x: torch.softmax(x, 1),
    "columns": lambda x: (x * x).sum(0),
    "transposed": lambda x: torch.exp(x.T).contiguous(),
    "slices": lambda x: torch.tanh(x[2:, 1:]) + x[:-2, :-1],
    "padded": lambda x: torch.nn.functional.pad(torch.exp(x), (3, 5)) * 2,
    "flipped": lambda x: torch.flip(torch.exp(x), (0, 1)) + x,
    "products": lambda x: torch.stack([x @ x.T, x @ x.T + 1]) @ x,
    "joined": lambda x: torch.cat([x, torch.exp(x)], 1),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_wrong_number_of_a_replay_raises(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, found = torch.compile(PROGRAMS[name]), checked(monkeypatch)
    for n in (20, 21, 22):
        compiled(np.ones((n, n + 10), np.float32))
    places = {p for a in found[-1][0].accesses for p in (a.offset, *(x for axis in a.loops for x in axis)) if p >= 0}
    assert places
    right = specialize.Specialization.replay
    for number, place in enumerate(sorted(places)):

        def replay(self: Any, numbers: Any, place: int = place) -> Any:
            outputs = right(self, numbers)
            if outputs is not None:
                outputs[place] = 1 << 30
            return outputs

        with monkeypatch.context() as patch:
            patch.setattr(specialize.Specialization, "replay", replay)
            with pytest.raises(InternalError, match="internal error, please report it"):
                compiled(np.ones((30 + number, 40 + number), np.float32))
    x = np.random.default_rng(0).standard_normal((25, 35)).astype(np.float32)
    np.testing.assert_allclose(compiled(x), PROGRAMS[name](torch.tensor(x)).numpy(), rtol=1e-5, atol=1e-4)


def test_a_wrong_kernel_raises_before_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lower._Lowering._moved

    def move(self: Any, node: Any, at: Any) -> Any:
        return ((at[0].plus(1),), None) if node.op.name == "flip" else right(self, node, at)

    monkeypatch.setattr(lower._Lowering, "_moved", move)
    with pytest.raises(InternalError, match="reaches elements 1 to 20 of a buffer of elements 0 to 19"):
        torch.compile(lambda a: torch.flip(a, (0,)) + a)(np.ones(20))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8, 9])
def test_empty_and_small_extents_raise_no_false_alarm(n: int) -> None:
    compiled = torch.compile(lambda x: (torch.flip(x, (0,)).sum(1), x[1:].sum(0), torch.cat([x, x[:, 1:]], 1)))
    for m in (0, 1, 5, 17, 30):
        x = np.ones((n, m))
        got = compiled(x)
        np.testing.assert_array_equal(got[0], x.sum(1))
        np.testing.assert_array_equal(got[1], x[1:].sum(0))
        assert got[2].shape == (n, m + max(m - 1, 0))
