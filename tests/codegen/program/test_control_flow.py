"""Loops over arrays in memory, as IR text: what is changed in place, never read, passed on or stacked as it is."""

from __future__ import annotations

import re

import numpy as np
import pytest

from graphc.codegen.program.program import compile_graph
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.pipeline import optimize
from graphc.ir.text.parser import parse
from tests.targets import TARGET

LOOPS = {
    "carried values that are overwritten and never read": """
      %1: (f64[300], f64[300], f64[2,300]) = scan %x, %y, %xs {carries=2, xs=1, length=2, reverse=false}
          (%a: f64[300], %b: f64[300], %c: f64[300]) {
        %d: f64[300] = add %c, %c
        %e: f64[300] = cumsum %b {axis=0}
        %g: f64[300] = add %e, %c
        return %d, %g, %e
      }
      %r: f64[300] = result %1 {index=0}
      %s: f64[300] = result %1 {index=1}
      %t: f64[2,300] = result %1 {index=2}
      return %r, %s, %t""",
    "all carried values are overwritten": """
      %1: (f64[300], f64[300]) = scan %x, %y, %xs, %y {carries=2, xs=1, length=2, reverse=true}
          (%a: f64[300], %b: f64[300], %c: f64[300], %o: f64[300]) {
        %d: f64[300] = add %o, %c
        %e: f64[300] = cumsum %d {axis=0}
        return %d, %e
      }
      %r: f64[300] = result %1 {index=0}
      %s: f64[300] = result %1 {index=1}
      return %r, %s""",
    "a link of a chain of scatters is stacked": """
      %1: (f64[300], f64[2,300], f64[2,300]) = scan %x, %xs {carries=1, xs=1, length=2, reverse=false}
          (%a: f64[300], %c: f64[300]) {
        %i: i64[2] = constant 7
        %j: i64[2] = iota {axis=0, dtype=i64, shape=[2]}
        %u: f64[2] = slice %c {start=[4], stop=[6], step=[1]}
        %d: f64[300] = scatter %a, %u, %j
        %e: f64[300] = scatter_add %d, %u, %i
        return %e, %d, %e
      }
      %r: f64[300] = result %1 {index=0}
      %s: f64[2,300] = result %1 {index=1}
      %t: f64[2,300] = result %1 {index=2}
      return %r, %s, %t""",
    "a link of a chain is another carried value": """
      %1: (f64[300], f64[300], f64[300]) = scan %x, %y, %x, %xs {carries=3, xs=1, length=2, reverse=false}
          (%a: f64[300], %b: f64[300], %k: f64[300], %c: f64[300]) {
        %j: i64[2] = iota {axis=0, dtype=i64, shape=[2]}
        %u: f64[2] = slice %c {start=[4], stop=[6], step=[1]}
        %d: f64[300] = scatter %a, %u, %j
        %e: f64[300] = scatter_add %d, %u, %j
        %g: f64[300] = mul %c, %k
        return %e, %d, %g
      }
      %r: f64[300] = result %1 {index=0}
      %s: f64[300] = result %1 {index=1}
      %t: f64[300] = result %1 {index=2}
      return %r, %s, %t""",
    "updates are a part of what is changed": """
      %1: (f64[300], f64[300]) = scan %x, %y, %xs {carries=2, xs=1, length=2, reverse=false}
          (%a: f64[300], %b: f64[300], %c: f64[300]) {
        %i: i64[2] = constant 1
        %j: i64[2] = iota {axis=0, dtype=i64, shape=[2]}
        %u: f64[2] = slice %a {start=[0], stop=[2], step=[1]}
        %d: f64[300] = scatter_add %a, %u, %i
        %v: f64[2] = slice %d {start=[1], stop=[3], step=[1]}
        %w: f64[2] = flip %v {axes=[0]}
        %e: f64[300] = scatter_add %d, %w, %j
        %g: f64[300] = tanh %b
        %h: f64[300] = add %g, %c
        return %e, %h
      }
      %r: f64[300] = result %1 {index=0}
      %s: f64[300] = result %1 {index=1}
      return %r, %s""",
    "a large value is carried on as it is, in lanes": """
      %1: (f64[2,300], f64[5,2,300]) = scan %xs, %x {carries=1, xs=0, length=5, reverse=false}
          (%a: f64[2,300], %o: f64[300]) {
        %h: f64[2,300] = constant 0.5
        %d: f64[2,300] = mul %a, %h
        return %a, %d
      }
      %r: f64[2,300] = result %1 {index=0}
      return %r""",
    "carried values change places": """
      %1: (f64[300], f64[300], f64[2,300]) = scan %x, %y, %xs {carries=2, xs=1, length=2, reverse=false}
          (%a: f64[300], %b: f64[300], %c: f64[300]) {
        %d: f64[300] = add %c, %a
        return %b, %a, %d
      }
      %r: f64[300] = result %1 {index=0}
      %s: f64[300] = result %1 {index=1}
      %t: f64[2,300] = result %1 {index=2}
      return %r, %s, %t""",
}  # fmt: skip
HEAD = "graph f(%x: f64[300], %y: f64[300], %xs: f64[2,300]) -> ({types}) {{"


@pytest.mark.parametrize("name", LOOPS)
def test_loops_give_what_the_evaluator_does(name: str) -> None:
    body = LOOPS[name]
    types = re.findall(r"%\w: (\S*) = result", body)
    graph = parse(HEAD.format(types=", ".join(types)) + body + "\n}")
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(p.shape) * 0.5 for p in graph.params]
    want = evaluate(graph, arrays)
    for stage, after in optimize(graph, TARGET).items():
        for got, one in zip(evaluate(after, arrays), want, strict=True):
            np.testing.assert_allclose(got, one, rtol=1e-12, err_msg=stage)
    for got, one in zip(compile_graph(graph).run(arrays), want, strict=True):
        np.testing.assert_allclose(got, one, rtol=1e-12)
