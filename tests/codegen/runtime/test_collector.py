"""The garbage collector is paused during a compilation, and starts again."""

from __future__ import annotations

import gc
import os
import threading

import pytest

import graphc as torch
from graphc.codegen.program import program
from graphc.codegen.program.program import compile_graph
from graphc.codegen.runtime.collector import paused_collector
from graphc.ir.core.graph import Graph, parameter
from graphc.ir.core.types import F64, TensorType


def test_it_is_paused_in_nested_blocks_and_after_an_exception() -> None:
    with pytest.raises(KeyError), paused_collector():
        with paused_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


def test_a_disabled_collector_stays_disabled() -> None:
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_another_thread_leaves_it_as_it_is() -> None:
    states: list[bool] = []

    def run() -> None:
        with paused_collector():
            states.append(gc.isenabled())

    for wanted in (True, False):
        thread = threading.Thread(target=run)
        if wanted:
            thread.start()
            thread.join()
        else:
            with paused_collector():
                thread.start()
                thread.join()
                assert not gc.isenabled()
    assert states == [True, False] and gc.isenabled()


def test_compilations_pause_it(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[bool] = []
    real = program.program_text_of
    monkeypatch.setattr(program, "program_text_of", lambda *args: states.append(gc.isenabled()) or real(*args))
    x = parameter(TensorType(F64, (7, 3)))
    compile_graph(Graph((x,), (x * 2.5,)))
    assert states == [False] and gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_has_it_enabled() -> None:
    with paused_collector():
        child = os.fork()
        if not child:
            os._exit(0 if gc.isenabled() else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert not gc.isenabled()


def test_traces_pause_it() -> None:
    states: list[bool] = []
    torch.compile(lambda x: states.append(gc.isenabled()) or x * 2)(torch.ones(3))
    assert states == [False] and gc.isenabled()
