"""A tour of the whole house in the order in which data flows: nodes, gradient, optimizer, code, run, and the door in front."""

from __future__ import annotations

import numpy as np

import graphc
from graphc.codegen.program.program import compile_graph
from graphc.ir.core.build import constant, elementwise, sum_
from graphc.ir.core.graph import Graph, parameter
from graphc.ir.core.types import F32, TensorType
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.pipeline import optimize
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.ir.transforms.vjp import gradients
from tests.targets import TARGET

X = np.linspace(-2, 2, 7, dtype=np.float32)
EXPECTED = 1 - np.tanh(X) ** 2


def test_tour():
    # A graph is made of nodes. Each application of a primitive is checked as it is made; equal ones are one object.
    x = parameter(TensorType(F32, (7,)), "x")
    assert x * 1 is x * 1
    loss = sum_(elementwise("tanh", x) * 1, [0])

    # The gradient is more nodes: a loop over the graph, a rule for each primitive.
    (slope,) = gradients([loss], [constant(1.0, F32)], [x])
    graph = Graph((x,), (slope,), "slope")

    # Its text is its interface: it can be read back, and it is what every dump shows.
    assert to_text(parse(to_text(graph))) == to_text(graph)

    # The optimizer is a list of passes. Multiplications by one are gone, the rest is one kernel.
    stages = optimize(graph, TARGET)
    assert len(stages["optimized"].nodes()) < len(graph.nodes())
    assert [n.op.name for n in stages["fused"].nodes()] == ["fusion"]

    # Each stage means the same: NumPy evaluates any of them ...
    for stage in stages.values():
        np.testing.assert_allclose(evaluate(stage, [X])[0], EXPECTED, rtol=1e-5)

    # ... and the last becomes loops, LLVM IR and machine code in this process.
    program = compile_graph(graph)
    assert "(vector 8" in program.stage("kernels") and "<8 x float>" in program.llvm_ir(optimized=False)
    np.testing.assert_allclose(program.run([X])[0], EXPECTED, rtol=1e-5)


def test_door():
    # What people write comes to the same: tensors record nodes, backward adds the gradient's, compile makes code.
    x = graphc.tensor(X, requires_grad=True)
    graphc.tanh(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), EXPECTED, rtol=1e-5)

    slope = graphc.compile(graphc.func.grad(lambda x: graphc.tanh(x).sum()))
    np.testing.assert_allclose(slope(X), EXPECTED, rtol=1e-5)
    assert slope.lower(X).cost().kernels == 1
