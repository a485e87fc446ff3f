"""An elementwise primitive that no table knows needs a row, a derivative, an emission and an MLIR spelling: no more.

Three of them, with one operand, with two, and with an attribute, are added to a copy of the sources and used there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

LINES = {
    "ir/core/ops.py": (
        "# leaves\n",
        '_unary("softsign", "float", lambda x: x / (1 + np.abs(x)), "x / (1 + |x|).", cost=5)\n'
        '_binary("squared_difference", "float", lambda x, y: (x - y) ** 2, "(x - y) squared.", commutative=True)\n'
        '_unary("softshrink", "float", lambda x, lambd: np.where(np.abs(x) > lambd, x - np.copysign(lambd, x), 0 * x),\n'
        '       "x moved by lambd towards zero, where it is further away, else zero.", attributes={"lambd": NUMBER})\n',
    ),
    "ir/transforms/vjp_rules.py": (
        '    "alias": (lambda g, y, x: g,),\n',
        '    "softsign": (lambda g, y, x: g * (1 - elementwise("abs", y)) * (1 - elementwise("abs", y)),),\n'
        '    "squared_difference": (lambda g, y, a, b: g * (a - b) * 2, lambda g, y, a, b: g * (b - a) * 2),\n'
        '    "softshrink": (lambda g, y, x: select(elementwise("le", elementwise("abs", x), y.params["lambd"]), 0, g),),\n',
    ),
    "codegen/llvm/scalar_ops.py": (
        '    "derived": lambda f, dtype, xs: xs[0],\n',
        '    "softsign": lambda f, dtype, xs: f.fdiv(xs[0], f.add(f.intrinsic("fabs", xs[0]), f.like(1.0, xs[0]))),\n'
        '    "squared_difference": lambda f, dtype, xs: f.mul(f.sub(*xs), f.sub(*xs)),\n'
        '    "softshrink": lambda f, dtype, xs: _softshrink(f, *f.common(*xs)),\n',
    ),
    "codegen/mlir/scalars.py": (
        '    "erf": _op(float="math.erf"),\n',
        '    "softsign": lambda t, d, xs: scalar(\n'
        '        "div", t, d, xs[0], scalar("add", t, d, t.constant(1, d), scalar("abs", t, d, xs[0]))),\n'
        '    "squared_difference": lambda t, d, xs: scalar("pow", t, d, scalar("sub", t, d, *xs), t.constant(2, d)),\n'
        '    "softshrink": lambda t, d, xs: scalar(\n'
        '        "mul", t, d, scalar("sign", t, d, xs[0]),\n'
        '        scalar("maximum", t, d, scalar("sub", t, d, scalar("abs", t, d, xs[0]), xs[1]), t.constant(0, d))),\n',
    ),
}
"""What each file gets, and the line before which, once in the file, it is put."""

EMISSION = '''

def _softshrink(f: Function, x: Value, lambd: Value) -> Value:
    size = f.sub(f.intrinsic("fabs", x), lambd)
    moved = f.intrinsic("copysign", size, x)
    return f.select(f.cmp("ogt", size, f.like(0.0, x)), moved, f.mul(x, f.like(0.0, x)))


OPS: dict[str, Emit] = {'''

CHECK = '''
import numpy as np
import graphc
from graphc.ir.core.build import apply
from graphc.ir.interpret.evaluate import evaluate
from graphc.ir.text.parser import parse
from graphc.ir.text.printer import to_text
from graphc.dispatch.operation import op
from tests.graphc.ops import test_ops
from tests.optable import In, Row

softsign = op("Softsign")(lambda x: apply("softsign", x))
difference = op("SquaredDifference")(lambda x, y: apply("squared_difference", x, y))
shrink = op("Shrink")(lambda x, lambd=0.5: apply("softshrink", x, lambd=float(lambd)))
ROWS = [
    Row("softsign", softsign, lambda x: x / (1 + abs(x)), (In(low=0.5),), elementwise=True),
    Row("squared_difference", difference, lambda x, y: (x - y) ** 2, (In(), In()), elementwise=True),
    Row("shrink", lambda x: shrink(x, 0.25), lambda x: np.sign(x) * np.maximum(abs(x) - 0.25, 0), (In(low=0.5),),
        elementwise=True, twice=False),
]
for r in ROWS:
    test_ops.test_value_is_numpys(r)
    test_ops.test_gradient_is_the_difference_quotient(r)
    test_ops.test_strided_input(r)
    for shape in ((), (0,), (2, 0, 3), (1, 1)):
        test_ops.test_zero_size_and_0d_inputs(r, shape)
    if r.twice:
        test_ops.test_second_derivative_is_the_difference_quotient_of_the_first(r)
test_ops.test_compiled_code_computes_what_the_evaluator_does(ROWS)

rng = np.random.default_rng(0)
for r in ROWS:
    for dtype in (np.float32, np.float64):
        many = [rng.uniform(0.5, 2, (5, 7)).astype(dtype) for _ in r.inputs]
        ones = [np.ones_like(a) for a in many]
        near = dict(rtol=1e-5 if dtype is np.float32 else 1e-12)
        expected = r.reference(*many)
        # compile, with other sizes after it
        fast = graphc.compile(r.call)
        np.testing.assert_allclose(fast(*many), expected, **near)
        np.testing.assert_allclose(fast(*[a[:3, :2] for a in many]), expected[:3, :2], **near)
        # vmap over the first axis, over the second, and over one operand alone
        np.testing.assert_allclose(graphc.func.vmap(r.call)(*map(graphc.tensor, many)), expected, **near)
        second = graphc.func.vmap(r.call, in_dims=1)(*map(graphc.tensor, many))
        np.testing.assert_allclose(second, expected.T, **near)
        # forward mode is reverse mode
        _, tangent = graphc.func.jvp(r.call, tuple(map(graphc.tensor, many)), tuple(map(graphc.tensor, ones)))
        slopes = graphc.compile(graphc.func.grad(lambda *xs: r.call(*xs).sum(), argnums=tuple(range(len(many)))))(*many)
        np.testing.assert_allclose(tangent, sum(np.asarray(s) for s in slopes), atol=1e-6, **near)
        # a loop in registers
        start = graphc.tensor(many[0][0, :3])
        other = graphc.tensor(many[-1][0, 3:6])
        step = lambda c, _: (r.call(*(c, other)[:len(many)]), None)
        last = graphc.compile(lambda s: graphc.scan(step, s, None, length=3)[0])(start)
        want = np.asarray(start)
        for _ in range(3):
            want = r.reference(*(want, np.asarray(other))[:len(many)])
        np.testing.assert_allclose(last, want, **near)
    # text, passes, MLIR
    lowered = graphc.compile(r.call).lower(*many)
    graph = parse(lowered.ir("captured"))
    assert to_text(parse(to_text(graph))) == to_text(graph)
    np.testing.assert_allclose(evaluate(graph, many)[0], expected, rtol=1e-12)
    assert "arith." in lowered.mlir() and "define" in lowered.llvm_ir()

lowered = graphc.compile(lambda x: shrink(x, 0.25)).lower(many[0])
assert "softshrink %x {lambd=0.25}" in lowered.ir("optimized"), lowered.ir("optimized")
assert "arith.constant 0x3FD0000000000000 : f64" in lowered.mlir()
for wrong, text in (
    ("softshrink %x {lambd=[1]}", "softshrink needs a number for lambd, got (1,)"),
    ("softshrink %x", "softshrink has the parameters lambd, got none"),
    ("softsign %x {lambd=1.0}", "softsign has no parameters, got lambd"),
):
    try:
        parse("graph f(%x: f32[2]) -> (f32[2]) { %y: f32[2] = " + wrong + " return %y }")
    except ValueError as error:
        assert text in str(error), error
    else:
        raise AssertionError(wrong)
# twins: one structure, another number
a, b = (graphc.compile(lambda x, n=n: shrink(x, n)) for n in (0.25, 0.75))
x = np.linspace(-2, 2, 9)
np.testing.assert_allclose(a(x), np.sign(x) * np.maximum(abs(x) - 0.25, 0))
np.testing.assert_allclose(b(x), np.sign(x) * np.maximum(abs(x) - 0.75, 0))
print("all is well")
'''


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the three packages, to which the ops were added."""
    folder = tmp_path_factory.mktemp("sources")
    for package in ("ir", "codegen", "graphc"):
        shutil.copytree(ROOT / package, folder / package, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for file, (before, lines) in LINES.items():
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, (file, before)
        path.write_text(text.replace(before, lines + before), encoding="utf-8")
    path = folder / "codegen/llvm/scalar_ops.py"
    path.write_text(path.read_text(encoding="utf-8").replace("\n\nOPS: dict[str, Emit] = {", EMISSION), encoding="utf-8")
    return folder


@pytest.mark.parametrize("mode", ["", "check", "bounds"])
def test_ops_that_no_table_knows_work_everywhere(sources: Path, mode: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{sources}{os.pathsep}{ROOT}", "GRAPHC_DEBUG": mode}
    result = subprocess.run([sys.executable, "-c", CHECK], cwd=sources, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("all is well\n")
