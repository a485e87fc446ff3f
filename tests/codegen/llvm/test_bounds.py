"""GRAPHC_DEBUG=bounds: an access outside of its buffer is an error with the kernel and the buffer, not a read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.llvm.bounds import CheckedModule
from graphc.codegen.llvm.bounds_text import InternalError
from graphc.codegen.nests.accesses import Accesses
from graphc.codegen.nests.padded_loops import PaddedLoops
from graphc.codegen.nests.scopes import Scopes
from graphc.codegen.program.program import compile_graph
from graphc.codegen.program.register_loops.memory import MemoryWriter
from graphc.ir.core import build
from graphc.ir.core.graph import Graph, parameter
from graphc.ir.core.types import F32, TensorType
from graphc.ir.text import debug

F = torch.nn.functional


@pytest.fixture(autouse=True)
def checked() -> Iterator[None]:
    with debug.enabling("bounds"):
        yield


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the compiler write loops that are one iteration longer than the arrays."""
    monkeypatch.setattr(Scopes, "extent", lambda self, loop: self.f.i64(self.kernel.dims[loop] + 1))


def test_what_is_right_is_right() -> None:
    for n in (0, 1, 7, 17, 33, 100):
        x = np.arange(5.0 * n, dtype=np.float32).reshape(5, n)
        got = torch.compile(lambda x: (torch.cumsum(x, 1), (x * x).sum(0), x @ x.T, F.pad(x, (2, 1))))(x)
        for a, b in zip(got, (x.cumsum(1), (x * x).sum(0), x @ x.T, np.pad(x, ((0, 0), (2, 1)))), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("n", [9, 17, 101])
@pytest.mark.parametrize(
    "name, f",
    [
        ("elementwise", lambda x: torch.tanh(x) * 2),
        ("rows", lambda x: torch.softmax(x, -1)),
        ("sums", lambda x: x.sum(0)),
        ("strided", lambda x: x[:, ::2] * 2),
        ("reversed", lambda x: x.flip(1) * x),
    ],
)
def test_loops_that_run_too_far(n: int, name: str, f: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = torch.compile(f, dynamic=False)
    longer(monkeypatch)
    with pytest.raises(InternalError, match=r"please report it: (load from|store to) .* outside of its bounds in"):
        compiled(ones(n, n))


def test_the_error_names_kernel_and_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    x = parameter(TensorType(F32, (20,)), "x")
    monkeypatch.setattr(Scopes, "extent", lambda self, loop: self.f.i64(21))
    program = compile_graph(Graph((x,), (build.apply("exp", x * 2.0),)), dynamic=False)
    with pytest.raises(InternalError) as error:
        program.run([ones(20)])
    assert "in k0_fusion" in str(error.value) and "4 bytes at 80 of 80" in str(error.value)
    monkeypatch.undo()
    with debug.enabling("bounds"):
        again = compile_graph(Graph((x,), (build.apply("exp", x * 2.0),)), dynamic=False)
    np.testing.assert_allclose(again.run([ones(20)])[0], np.exp(2 * ones(20)), rtol=1e-6)  # the error is forgotten


def test_scratch_memory_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Accesses, "_position", lambda self, stage: self.f.i64(1000))
    with pytest.raises(InternalError, match="a row of scratch memory"):
        torch.compile(lambda x: torch.softmax(x, -1), dynamic=False)(ones(3, 40))


def test_edges_of_padded_rows_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = PaddedLoops._lanes_inside
    monkeypatch.setattr(PaddedLoops, "_lanes_inside", lambda self, check, at, first, stop: checks(self, check, at, 0, None))
    with pytest.raises(InternalError, match="load from in0"):
        torch.compile(lambda x: F.pad(x, (3, 5)) * 2, dynamic=False)(ones(40))


def test_loops_in_registers_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    item = MemoryWriter._address
    monkeypatch.setattr(MemoryWriter, "_address", lambda self, x, at: self.f.element(item(self, x, at), self.f.i64(5), "float"))
    with pytest.raises(InternalError, match="the program itself"):
        torch.compile(lambda x: torch.scan(lambda c, a: (c + a, c * a), x[0], x)[1], dynamic=False)(ones(20))


def test_products_are_checked() -> None:
    """The sizes that a product is called with are one too many."""
    x, y = parameter(TensorType(F32, (20, 30)), "x"), parameter(TensorType(F32, (30, 40)), "y")
    program = compile_graph(Graph((x, y), (build.matmul(x, y),)))
    assert 30 in program.parameters
    np.testing.assert_allclose(program.run([ones(20, 30), ones(30, 40)])[0], 30)
    program.parameters[program.parameters == 30] = 31
    with pytest.raises(InternalError, match=r"in matmul\.\w+"):
        program.run([ones(20, 30), ones(30, 40)])


def test_wrong_parameters_are_no_address() -> None:
    """Every number of a program's table replaced by a larger one: an error, or numbers, and nothing is read outside."""
    x = parameter(TensorType(F32, (20, 30)), "x")
    graph = Graph((x,), (build.sum_(build.apply("exp", x), (1,)), build.apply("exp", x)))
    size = len(compile_graph(graph).parameters)
    caught = 0
    for i in range(6, size):  # the first ones say what is inside
        program = compile_graph(graph)
        program.parameters[i] = 1000
        try:
            program.run([ones(20, 30)])
        except InternalError:
            caught += 1
    assert caught


def test_pointers_without_limits_are_refused() -> None:
    f = CheckedModule().function("f", [("ptr", "x")], internal=True)
    inside = f.element(f.args[0], f.i64(3), "float")
    f.load(inside, "float")
    with pytest.raises(AssertionError, match="limits of %y in f are not known"):
        f.load(inside._replace(name="%y"), "float")


def test_empty_arrays_are_not_read() -> None:
    """What no loop moves is loaded before the loops, even if these have no iterations."""
    x = np.zeros((0,), np.int64)
    for view in (x, x[::-2], np.zeros((3, 0), np.float32), np.zeros((0, 3), np.float32).T):
        got = torch.compile(lambda x: (x + 1, x.sum(), x.expand(2, *x.shape) * 2))(view)
        assert [g.shape for g in got] == [view.shape, (), (2, *view.shape)]
