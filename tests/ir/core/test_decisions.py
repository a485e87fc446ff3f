"""Decisions are read back from their text, change no value, and are dropped before passes decide anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import graphc as torch
from graphc.codegen.program.program import compile_graph
from graphc.codegen.program.validation import TOGETHER
from graphc.ir.core.decisions import essential, undecided
from graphc.ir.core.graph import Graph, Node, Region
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.pipeline import FINAL, optimize
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.ir.text.verifier import VerificationError, verify
from tests.decided import PROGRAMS, states
from tests.targets import TARGET


def captured(name: str) -> Graph:
    function, types, _ = PROGRAMS[name]
    arguments = [np.zeros(shape, dtype) for shape, dtype in types]
    return parse(torch.compile(function).lower(*arguments).ir("captured"))


def arrays(graph: Graph) -> list[Any]:
    rng = np.random.default_rng(0)
    return [
        np.arange(p.type.size).reshape(p.shape)
        if p.dtype.is_int
        else (0.2 * rng.standard_normal(p.shape)).astype(p.dtype.numpy)
        for p in graph.params
    ]


def nodes_of(region: Region) -> Iterator[Node]:
    for node in region.nodes():
        yield node
        for inner in node.regions:
            yield from nodes_of(inner)


@pytest.mark.parametrize("name", PROGRAMS)
def test_decisions_are_read_back_and_change_no_value(name: str) -> None:
    graph = captured(name)
    final = optimize(graph, TARGET)[FINAL]
    text = to_text(final)
    assert [part for part in PROGRAMS[name][2] if part not in text] == []
    again = parse(text)
    verify(again, target=TARGET)
    assert to_text(again) == text
    values = arrays(graph)
    for x, y, z in zip(*(evaluate(g, values) for g in (graph, again, undecided(again))), strict=True):
        np.testing.assert_allclose(y, x, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(y, z)


@pytest.mark.parametrize("name", PROGRAMS)
def test_passes_decide_anew(name: str) -> None:
    graph = captured(name)
    final = optimize(graph, TARGET)[FINAL]
    again = optimize(parse(to_text(final)), TARGET)
    assert all(essential(n) is n.params for n in nodes_of(again["merged"]))
    assert any(essential(n) is not n.params for n in nodes_of(again[FINAL]))
    values = arrays(graph)
    for x, y in zip(compile_graph(graph).run(values), compile_graph(parse(to_text(final))).run(values), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def test_a_graph_without_decisions_is_the_same_object() -> None:
    graph = captured("states")
    assert undecided(graph) is graph


def test_the_target_decides_what_is_in_registers() -> None:
    graph = parse(torch.compile(states).lower(np.zeros((3, 2)), np.zeros((2, 2))).ir("captured"))
    four, two = replace(TARGET, register_elements=4), replace(TARGET, register_elements=4, lanes=2)
    kernels = to_text(optimize(graph, two)[FINAL])
    assert "registers" not in kernels and "fusion" in kernels
    wide = parse(to_text(optimize(graph, four)[FINAL]))
    assert "registers=4, lanes=3" in to_text(wide)
    verify(wide, target=TARGET)
    with pytest.raises(VerificationError, match="an axis of 3 elements has no lanes, which are at most 2"):
        verify(wide, target=two)
    with pytest.raises(VerificationError, match="values of 16 elements are in registers, which hold 4"):
        verify(optimize(graph, TARGET)[FINAL], target=four)


def test_an_operation_alone_has_buffers_of_its_own() -> None:
    """Where a wrong value is looked for, a concatenation is run without the kernels that write into it."""
    graph = captured("recurrent")
    program, values = compile_graph(graph), arrays(graph)
    wrong = [x + 1 for x in program.run(values)]
    difference = program.first_difference(values, wrong)
    assert difference is not None and difference.stage == "native" and difference.note == TOGETHER
