"""The cost model: quantities of nodes, kernels and programs, from the weights of the ops' rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphc.codegen.program.program import compile_graph
from graphc.ir.core import build
from graphc.ir.core.cost import (
    SHARED_SINCOS,
    KernelWeight,
    elements,
    instructions,
    is_costly,
    keeping,
    op_weight,
    products,
    total_weight,
    weight,
    work_of,
)
from graphc.ir.core.graph import Graph, Node, Region, parameter
from graphc.ir.core.types import F32, F64, TensorType
from graphc.ir.fusion.fusion import fuse
from graphc.ir.regions.builders import scan
from tests.targets import TARGET


def param(*shape: int) -> Node:
    return parameter(TensorType(F32, shape), "x")


def test_a_weight_is_the_one_on_the_row():
    x = param(8)
    assert [weight(build.apply(name, x)) for name in ("exp", "sqrt", "neg")] == [16, 4, 1]
    assert weight(build.reshape(x, (2, 4))) == weight(x) == 0
    assert (op_weight("exp"), op_weight("index_div")) == (16, 1)
    assert is_costly(build.apply("exp", x)) and not is_costly(build.apply("sqrt", x))


def test_a_reduction_computes_on_its_operand_and_a_product_on_products():
    x, y = param(4, 6), param(6, 5)
    assert (elements(x + 1.0), elements(build.sum_(x, (0,)))) == (24, 24)
    assert products(build.matmul(x, y)) == 120


def test_a_kernel_computes_sine_and_cosine_of_one_angle_together():
    x, y = param(8), param(8)
    sin, cos, other = build.apply("sin", x), build.apply("cos", x), build.apply("cos", y)
    assert total_weight([sin, other]) == weight(sin) + weight(other)
    assert total_weight([sin, cos]) == weight(sin) + weight(cos) - SHARED_SINCOS
    joint = KernelWeight.of(sin).plus(KernelWeight.of(other)).plus(KernelWeight.of(cos))
    assert joint.instructions == total_weight([sin, cos, other]) and len(joint.twins) == 3


def test_no_kernel_is_heavier_than_the_heaviest():
    x = y = param(64)
    for _ in range(TARGET.kernel_cost // weight(build.apply("sin", x)) + 2):
        y = build.apply("sin", y)
    fusions = [n for n in fuse(Graph((x,), (y,)), TARGET).nodes() if n.op.name == "fusion"]
    weights = [total_weight(n.regions[0].nodes()) for n in fusions]
    assert len(weights) > 1 and max(weights) <= TARGET.kernel_cost and sum(weights) == total_weight(Graph((x,), (y,)).nodes())


def test_work_of_a_program():
    x, y = param(4, 6), param(6, 5)
    z = build.sum_(build.apply("exp", build.matmul(x, y)), (0, 1))
    graph = Graph((x, y), (z,))
    flops = 2 * 4 * 6 * 5 + 4 * 5 * (16 + 1)
    assert work_of(graph) == (flops, 2 * (20 + 20) * 4)
    assert work_of(fuse(graph, TARGET)) == (flops, 2 * 20 * 4)
    assert compile_graph(graph).cost().flops == flops


def test_a_scan_counts_each_iteration():
    c = param(4, 4)
    inner = parameter(c.type, "c")
    (loop,) = scan(Region((inner,), (build.apply("exp", build.matmul(inner, inner)),)), [c], [], 7)
    assert work_of(Graph((c,), (loop,))).flops == 7 * (2 * 64 + 16 * 16)
    assert instructions(loop, replace(TARGET, vector_bytes=32, vector_elements=8)) == 7 * (64 * 4 / 32 + 16 * 16 / 8)


@pytest.mark.parametrize("lanes", [4, 16])
def test_instructions_are_those_of_a_target(lanes):
    target = replace(
        TARGET, vector_bytes=lanes * 4, vector_elements=lanes, keeping=((1024, 0.25), (float("inf"), 2.0))
    )
    x = parameter(TensorType(F64, (32, 8)), "x")
    assert instructions(build.apply("exp", x), target) == 16 * 256 / lanes
    assert instructions(build.matmul(x, build.permute(x, (1, 0))), target) == 32 * 32 * 8 * 8 / (lanes * 4)
    assert (keeping(8, 1024, target), keeping(8, 1025, target)) == (2.0, 16.0)
