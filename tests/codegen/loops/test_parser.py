"""Scheduled kernels: what is printed is read back, to the last instruction that is emitted."""

from __future__ import annotations

import pytest

from graphc.codegen.llvm.builder import Module
from graphc.codegen.loops.loop_ir import Kernel
from graphc.codegen.loops.parser import KernelSyntaxError, parse_kernel
from graphc.codegen.loops.printer import kernel_text
from graphc.codegen.loops.verifier import verify_kernel
from graphc.codegen.nests.nest import emit_kernel
from tests.codegen.loops.kernels import PROGRAMS, kernels_of


def emitted(kernel: Kernel) -> tuple[str, list[int]]:
    function = emit_kernel(Module(literal=kernel.plan.literal), kernel)
    return str(function.f), function.parameters


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("name", PROGRAMS)
def test_round_trip(name: str, dynamic: bool) -> None:
    kernels = kernels_of(name, dynamic=dynamic)
    assert kernels
    for kernel in kernels:
        text = kernel_text(kernel)
        again = parse_kernel(text)
        verify_kernel(again)
        assert kernel_text(again) == text
        assert emitted(again) == emitted(kernel)


def test_what_kernels_say() -> None:
    kernels = [k for name in PROGRAMS for dynamic in (True, False) for k in kernels_of(name, dynamic=dynamic)]
    texts = "\n".join(map(kernel_text, kernels))
    words = ("literal", "exact", "empty", "single", "peel", "mask", "along", "across", "blocks", "(wide)", "(row 0)", "= row 0",
             "(shuffle)", "(gather)", "(scatter)", "then", "bound", "size", "to f32", " at ", "random_bits", "index_div",
             "bool")  # fmt: skip
    assert [word for word in words if word not in texts] == []


TEXT = """\
kernel k(in0: f32, in1: i64, out out0: f32, out out1: f32) outer=1
  for i0 in 4:
    for i1 in 30: (vector 8, peel, blocks 4096)
      load0 = in0[30*i0 + i1]
      exp1 = exp load0 (row 0)
      sum_0 = sum over i1 of exp1 (wide)
    out1[i0] = sum_0
    for i1 in 30: (vector 8, peel)
      exp1 = row 0
      div2 = div exp1, sum_0
      out0[30*i0 + i1] = div2
"""


def test_a_text() -> None:
    assert kernel_text(parse_kernel(TEXT)) + "\n" == TEXT


@pytest.mark.parametrize(
    "old, new, line, what",
    [
        ("kernel k(", "kernel (", 1, "expected kernel name"),
        ("in0: f32", "in0: f31", 1, "expected a dtype, got 'f31'"),
        ("outer=1", "outer=9", 4, "expected for i0 in 8:"),
        ("for i0 in 4:", "for i0 in four:", 2, "expected for i0 in 8:"),
        ("for i0 in 4:", "for i65 in 4:", 2, "expected at most 64 loops"),
        ("    for i1 in 30: (vector 8, peel)", "    for i1 in 31: (vector 8, peel)", 8, "expected one extent for i1"),
        ("vector 8, peel,", "vector 8, peel, beside le1,", 3, "expected vector 8, peel"),
        ("vector 8,", "vectors 8,", 3, "expected vector 8, peel"),
        ("in0[30*i0 + i1]", "in0[30*i0 + i2]", 4, "expected a loop, not i2"),
        ("in0[30*i0 + i1]", "in2[30*i0 + i1]", 4, "expected a buffer, got 'in2'"),
        ("exp load0", "exp load1", 5, "expected an operand, got 'load1'"),
        ("exp load0", "expo load0", 5, "expo is no operation on elements"),
        ("exp load0", "exp load0 to f64", 5, "expected a cast to a dtype"),
        ("exp load0", "exp", 5, "expected an operand, got 'exp'"),
        ("div exp1, sum_0", "div exp1, none", 10, "expected an operand, got 'none'"),
        ("div exp1, sum_0", "and exp1, sum_0", 10, "and is defined for"),
        ("sum over i1 of exp1 (wide)", "sum over i1", 6, "expected a dtype, got 'over'"),
        ("vector 8, peel,", "vector 8,", 3, "values to unpack"),
        ("vector 8, peel,", "vector 8, peel, along le1,", 11, "le1"),
        ("vector 8, peel,", "vector 8.5, peel,", 3, "8.5"),
        ("    out1[i0] = sum_0", "    then", 7, "expected a pass without loops before 'then'"),
        ("(row 0)", "(row 1)", 9, "expected exp1 to be saved in this row before"),
        ("      exp1 = row 0", "      exp1 = row 1", 9, "expected exp1 to be saved in this row before"),
        ("      exp1 = row 0", "      load0 = row 0", 9, "expected load0 to be saved in this row before"),
        ("      exp1 = row 0", "      exp1 = exp load0 (row 0)", 9, "expected a row of its own"),
        ("      exp1 = row 0", "      exp1 = log load0", 9, "expected one meaning of exp1"),
        ("      exp1 = row 0", "    exp1 = row 0", 10, "expected a line of a pass"),
        ("out0[30*i0 + i1] = div2", "out0[30*i0 + i1 = div2", 11, "expected a value, got"),
        ("      out0[30*i0 + i1] = div2", "  out0[30*i0 + i1] = div2", 11, "the store of a reduction over outer loops"),
        ("in0[30*i0 + i1]", "in0[30*i0 + i1] (scatter)", 4, "expected a value, got"),
        ("out0[30*i0 + i1] = div2", "out0[30*i0 + i1] = div2 (gather)", 11, "expected a dtype, got"),
        ("    out1[i0] = sum_0", "    out1[i0] = sum_0 (scatter)", 7, "expected a vectorized loop"),
        ("      exp1 = exp load0 (row 0)", "      load0 = in0[30*i0 + i1] (gather)\n      load0 = in0[30*i0 + i1] (shuffle)", 6,
         "expected one way to access it, not shuffle"),
    ],
)  # fmt: skip
def test_syntax_errors(old: str, new: str, line: int, what: str) -> None:
    assert old in TEXT
    with pytest.raises(KernelSyntaxError, match=what) as raised:
        parse_kernel(TEXT.replace(old, new))
    assert raised.value.line == line


@pytest.mark.parametrize("text", ["", "\n", "kernel", "for i0 in 3:", "kernel k() outer=1", "kernel k() outer=0\nx"])
def test_no_kernel(text: str) -> None:
    with pytest.raises(KernelSyntaxError):
        parse_kernel(text)
