"""Each invariant of a kernel and of its schedule, by a text that breaks it."""

from __future__ import annotations

import re

import pytest

from graphc.codegen.loops.parser import parse_kernel
from graphc.codegen.loops.verifier import CHECKS, KernelVerificationError, verify_kernel

ROWS = """\
kernel k(in0: f32, in1: i64, out out0: f32, out out1: f32) outer=1
  for i0 in 40:
    for i1 in 30: (vector 8, peel, blocks 4096)
      load0 = in0[30*i0 + i1]
      exp1 = exp load0 (row 0)
      sum_0 = sum over i1 of exp1 (wide)
      max_0 = max over i1 of load0
    for i1 in 30: (vector 8, peel)
      exp1 = row 0
      sub2 = sub exp1, max_0
      div3 = div sub2, sum_0
      out0[30*i0 + i1] = div3
    out1[i0] = sum_0
"""

POINTS = """\
kernel k(in0: f32, out out0: f32, out out1: i64) outer=2
  for i0 in 40:
    for i1 in 30: (vector 16, peel, along le3, across le1)
      index0 = i0 + -1
      le1 = le 0, index0
      index2 = i1 + -2
      le3 = le 0, index2
      and4 = and le1, le3
      load5 = in0[28*i0 + i1 + -30] if and4
      select6 = select and4, load5, 0.0
      out0[30*i0 + i1] = select6
      out1[30*i0 + i1] = index2
"""

OUTER = """\
kernel k(in0: f32, out out0: f32) outer=2
  for i0 in 4:
    for i1 in 50: (blocks 256)
      for i2 in 30: (vector 16, peel)
        load0 = in0[1500*i0 + 30*i1 + i2]
        sum_0 = sum over i1 of load0 (wide)
    out0[30*i0 + i2] = sum_0
"""

LITERAL = """\
kernel k(in0: f32, in1: i64, out out0: f32, out out1: i64) outer=1 literal
  for i0 in 4:
    for i1 in 32: (vector 16, exact)
      load0 = in0[32*i0 + i1]
      sum_0 = sum over i1 of load0
      index1 = i1
      argmax_0 = argmax over i1 of load0 at index1
    out0[i0] = sum_0
    then
    out1[i0] = argmax_0
"""

TEXTS = {"rows": ROWS, "points": POINTS, "outer": OUTER, "literal": LITERAL}

BROKEN = [
    ("rows", "    for i1 in 30: (vector 8, peel)\n", "    for i0 in 40: (vector 8, peel)\n", "shaped",
     "are no loops, each once"),
    ("rows", "in0: f32, in1: i64", "in0: f32, in0: i64", "shaped", "two buffers have one name"),
    ("rows", "out out1", "out1", "shaped", "out1 is stored to, but not written"),
    ("rows", "in0: f32", "out in0: f32", "shaped", "load0 reads in0, which is written"),
    ("literal", "    out1[i0] = argmax_0\n", "", "shaped", "a pass does nothing"),
    ("rows", "sub exp1, max_0", "sub exp1, f64 1.0", "syntax", "sub needs operands of one type"),
    ("rows", "out out1: f32", "out out1: f64", "typed", "sum_0 is no f64"),
    ("rows", "max over i1 of load0", "any over i1 of load0", "typed", "max_0 is no any of f32"),
    ("rows", "max over i1 of load0", "argmax over i1 of load0", "typed", "max_0 is no argmax of f32"),
    ("rows", "in0[30*i0 + i1]", "in0[30*i0 + i1] if i64 1", "typed", "load0 is no load of constant"),
    ("rows", "    out1[i0] = sum_0", "    load9 = in0[i0]\n    out1[i0 + load9] = sum_0", "typed",
     "stored at an index that is no i64"),
    ("points", "and4 = and", "and4 = bound", "typed", "and4 is no bound of le1: bool, le3: bool"),
    ("rows", "out1[i0] = sum_0", "out1[i0] = load0", "scoped", "load0 varies with loops outside of its pass"),
    ("rows", "sum over i1 of", "sum over i1, i1 of", "scoped", "sum_0 folds other loops than those of its pass"),
    ("rows", "    for i1 in 30: (vector 8, peel, blocks 4096)\n",
     "    for i2 in 3:\n      for i1 in 30: (vector 8, peel, blocks 4096)\n",
     "syntax", ""),
    ("rows", "max over i1 of load0",
     "max over i1 of exp1\n      load8 = in0[i1]\n      add9 = add load8, max_0\n      min_0 = min over i1 of add9",
     "ordered", "max_0 is read before it is known"),
    ("outer", "for i0 in 4:\n    for i1 in 50: (blocks 256)", "for i1 in 50:\n    for i0 in 4: (blocks 256)", "ordered",
     "are not the last of the outer loops"),
    ("outer", "in0: f32, out out0: f32", "in0: f32, out out0: i64", "typed", ""),
    ("rows", "out1[i0] = sum_0", "out1[0] = sum_0", "written", "out1 is not written once"),
    ("rows", "    out1[i0] = sum_0", "    load9 = in1[i0]\n    out1[load9] = sum_0", "written", "out1 is not written once"),
    ("rows", "out0[30*i0 + i1]", "out0[29*i0 + i1]", "distinct", "out0 has an element that is written twice"),
    ("rows", "    out1[i0] = sum_0", "    out1[i0] = sum_0\n    out1[i0 + 40] = sum_0", "distinct",
     "out1 is written by two stores"),
    ("rows", "for i0 in 40:", "for i0 in 40: (blocks 256)", "scheduled", "the last outer loop is in blocks if, and only if"),
    ("outer", " (blocks 256)", "", "scheduled", "the last outer loop is in blocks if, and only if"),
    ("rows", "for i0 in 40:", "for i0 in 40: (vector 8, peel)", "scheduled", "lanes are points of the last outer loop, or"),
    ("rows", "for i1 in 30: (vector 8, peel)", "for i1 in 30:", "scheduled", "lanes are points of the last outer loop, or"),
    ("points", " (vector 16, peel, along le3, across le1)", "", "", ""),
    ("rows", ", blocks 4096", "", "scheduled", "a pass is in blocks if, and only if, it has wide sums"),
    ("rows", " (wide)", "", "scheduled", "a pass is in blocks if, and only if, it has wide sums"),
    ("rows", "blocks 4096", "blocks 4092", "scheduled", "blocks of 4092 iterations are no whole vectors"),
    ("rows", "vector 8, peel)", "vector 0, peel)", "scheduled", "no whole vectors"),
    ("rows", "vector 8, peel)", "vector 12, peel)", "vectorized", "12 lanes of i1 are no power of two"),
    ("rows", "vector 8, peel)", "vector 256, peel)", "vectorized",
     "256 lanes of i1 are no power of two, or more than 512 bytes"),
    ("rows", "vector 8, peel)", "vector 128, peel)", "", ""),
    ("points", "vector 16,", "vector 128,", "vectorized", "128 lanes of i1 are no power of two, or more than 512 bytes"),
    ("rows", "vector 8, peel)", "vector 8, exact)", "covered", "the remainder of i1 cannot be exact"),
    ("rows", "vector 8, peel)", "vector 8, empty)", "covered", "the remainder of i1 cannot be empty"),
    ("rows", "vector 8, peel)", "vector 32, single)", "covered", "the remainder of i1 cannot be single"),
    ("rows", "vector 8, peel)", "vector 8, overlap)", "covered", "the remainder of i1 cannot be overlap"),
    ("rows", "vector 8, peel)", "vector 1, peel)", "covered", "the remainder of i1 cannot be peel"),
    ("rows", "vector 8, peel)", "vector 1, exact)", "", ""),
    ("rows", "vector 8, peel)", "vector 8, mask)", "", ""),
    ("literal", "vector 16, exact", "vector 64, exact", "covered", "the remainder of i1 cannot be exact"),
    ("literal", "vector 16, exact", "vector 64, single", "", ""),
    ("literal", "vector 16, exact", "vector 16, single", "covered", "the remainder of i1 cannot be single"),
    ("literal", "vector 16, exact", "vector 32, single", "covered", "the remainder of i1 cannot be single"),
    ("literal", "vector 16, exact", "vector 16, empty", "covered", "the remainder of i1 cannot be empty"),
    ("literal", "outer=1 literal", "outer=1", "scheduled|covered|accurate", ""),
    ("points", ", along le3", "", "", ""),
    ("points", ", across le1", "", "", ""),
    ("points", "along le3", "along le1", "covered", "le1 is no bounds check along i1"),
    ("points", "along le3", "along and4", "covered", "and4 is no bounds check along i1"),
    ("points", "across le1", "across le3", "covered", "le3 is no bounds check across i1"),
    ("points", "peel, along", "mask, along", "covered", "i1 is split, and has no whole vectors"),
    ("points", "vector 16, peel", "vector 1, exact", "covered", "i1 is split, and has no whole vectors"),
    ("points", "i1 in 30", "i1 in 8", "covered", "i1 is split, and has no whole vectors"),
    ("rows", "(row 0)", "", "syntax", "expected exp1 to be saved in this row before"),
    ("rows", "    for i1 in 30: (vector 8, peel, blocks 4096)\n",
     "    for i1 in 30: (vector 8, peel)\n      load0 = in0[30*i0 + i1]\n"
     "      exp1 = exp load0\n      min_0 = min over i1 of exp1\n    for i1 in 30: (vector 8, peel, blocks 4096)\n",
     "saved", "exp1 is not first computed by the pass that saves it"),
    ("rows", "exp load0 (row 0)", "exp load0 (row 0)\n      exp7 = exp exp1 (row 1)\n      min_0 = min over i1 of exp7", "",
     ""),
    ("rows", "    out1[i0] = sum_0",
     "    load8 = in0[i0]\n    exp9 = exp load8 (row 1)\n    add7 = add exp9, sum_0\n    out1[i0] = add7",
     "saved", "exp9 is saved by no pass with loops"),
    ("rows", "in0[30*i0 + i1]", "in0[30*i0 + 2*i1]", "addressed", "the lanes of load0 along i1 are not consecutive elements"),
    ("rows", "in0[30*i0 + i1]", "in0[30*i0 + 2*i1] (shuffle)", "", ""),
    ("rows", "in0[30*i0 + i1]", "in0[30*i0 + 2*i1] (gather)", "", ""),
    ("rows", "in0[30*i0 + i1]", "in0[30*i0 + i1] (gather)", "", ""),
    ("rows", "in0[30*i0 + i1]", "in0[30*i0 + 5*i1] (shuffle)", "addressed", "load0 cannot be shuffled: its stride along i1"),
    ("rows", "in0[30*i0 + i1]", "in0[30*i0 + i1] (shuffle)", "addressed", "load0 cannot be shuffled: its stride along i1"),
    ("rows", "      load0 = in0[30*i0 + i1]", "      load9 = in1[i1]\n      load0 = in0[load9]", "addressed",
     "the lanes of load0 along i1 are not consecutive elements"),
    ("rows", "      load0 = in0[30*i0 + i1]", "      load9 = in1[i1]\n      load0 = in0[2*i1 + load9] (shuffle)", "addressed",
     "load0 cannot be shuffled: its stride along i1"),
    ("rows", "      load0 = in0[30*i0 + i1]", "      load9 = in1[i0]\n      load0 = in0[2*i1 + load9] (shuffle)", "", ""),
    ("rows", "out0[30*i0 + i1] = div3", "out0[i0 + 40*i1] = div3", "addressed",
     "the lanes of out0 along i1 are not consecutive elements"),
    ("rows", "out0[30*i0 + i1] = div3", "out0[i0 + 40*i1] = div3 (scatter)", "", ""),
    ("literal", "out0[i0] = sum_0", "out0[i0] = sum_0 (scatter)", "syntax", "expected a vectorized loop"),
    ("outer", "in0[1500*i0 + 30*i1 + i2]", "in0[30*i1 + i2] (gather)", "", ""),
    ("points", "vector 16, peel, along le3, across le1)", "vector 1, exact)", "", ""),
    ("rows", "sum over i1 of exp1 (wide)", "sum over i1 of exp1", "scheduled", ""),
    ("rows", "max over i1 of load0", "sum over i1 of load0", "accurate", "max_0 may be a long sum, and is not wide"),
    ("rows", "max over i1 of load0", "max over i1 of load0 (wide)", "accurate", "max_0 is wide, and no sum of floats"),
    ("rows", "blocks 4096", "blocks 8192", "accurate", "a block of a sum is more than 4096 iterations"),
    ("outer", "blocks 256", "blocks 512", "accurate", "a block of sums over outer loops is more than 256 iterations"),
    ("outer", "blocks 256", "blocks 128", "", ""),
    ("literal", "32: (vector", "320: (vector", "accurate", "sum_0 may be a long sum, and is not wide"),
    ("rows", "for i0 in 40:", "for i0 in 40: (parallel 7)", "", ""),
    ("rows", "for i0 in 40:", "for i0 in 40: (parallel 0)", "parallel", "i0 is parallel in chunks of 0 iterations"),
    ("rows", "vector 8, peel)", "parallel 8, vector 8, peel)", "parallel", "i1 is parallel, and no outer loop"),
    ("outer", "for i0 in 4:", "for i0 in 4: (parallel 2)", "parallel", "i0 is parallel, and no outer loop"),
    ("points", "vector 16, peel, along", "parallel 16, vector 16, peel, along", "parallel", "its chunks are no whole vectors"),
    ("points", "vector 16, peel, along le3,", "parallel 8, vector 16, peel,", "parallel", "its chunks are no whole vectors"),
    ("points", "vector 16, peel, along le3,", "parallel 48, vector 16, peel,", "", ""),
    ("literal", "out0[i0] = sum_0", "out0[0] = sum_0", "written", "out0 is not written once"),
]  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_kernels_are_right(name: str) -> None:
    verify_kernel(parse_kernel(TEXTS[name]))


@pytest.mark.parametrize("name, old, new, rule, what", BROKEN)
def test_what_is_wrong(name: str, old: str, new: str, rule: str, what: str) -> None:
    assert TEXTS[name].count(old) == 1
    try:
        verify_kernel(parse_kernel(TEXTS[name].replace(old, new)))
    except KernelVerificationError as error:
        assert re.fullmatch(rule, error.rule) and what in str(error), (error.rule, str(error))
    except ValueError as error:
        assert rule == "syntax" and what in str(error)
    else:
        assert not rule


def test_every_invariant_is_broken() -> None:
    assert {check.__name__ for check in CHECKS} <= {rule for *_, rule, _ in BROKEN}


def test_splits_of_blocks_and_positions() -> None:
    text = POINTS.replace("outer=2", "outer=1").replace("    for", "    for").replace(
        "      out0[30*i0 + i1] = select6\n      out1[30*i0 + i1] = index2\n",
        "      max_0 = max over i1 of select6\n    out0[i0] = max_0\n    out1[i0] = i64 7\n",
    )  # fmt: skip
    verify_kernel(parse_kernel(text))
    long = text.replace("max over i1 of select6", "sum over i1 of select6 (wide)")
    long = long.replace("across le1)", "across le1, blocks 4096)")
    with pytest.raises(KernelVerificationError, match="i1 is split, and has blocks or reductions over outer loops"):
        verify_kernel(parse_kernel(long))
    first = text.replace("max_0 = max over i1 of select6", "max_0 = argmax over i1 of select6 at index2").replace(
        "out0[i0] = max_0\n    out1[i0] = i64 7", "out1[i0] = max_0\n    out0[i0] = f32 7.0"
    )
    with pytest.raises(KernelVerificationError, match="i1 is split, and positions must come in order"):
        verify_kernel(parse_kernel(first))
    verify_kernel(parse_kernel(first.replace("along le3, ", "")))


def test_positions_over_outer_loops() -> None:
    text = OUTER.replace("out out0: f32", "out out0: i64").replace(
        "sum_0 = sum over i1 of load0 (wide)", "index1 = i1\n        sum_0 = argmax over i1 of load0 at index1"
    )
    with pytest.raises(KernelVerificationError, match="a reduction over outer loops keeps no positions"):
        verify_kernel(parse_kernel(text))


def test_one_lane_has_no_marks() -> None:
    text = POINTS.replace("out1[30*i0 + i1] = index2", "out1[30*i0 + i1] = index2 (scatter)")
    verify_kernel(parse_kernel(text))
    single = text.replace("vector 16, peel, along le3, across le1", "vector 1, exact")
    with pytest.raises(KernelVerificationError, match="an access is marked in a pass that has one lane"):
        verify_kernel(parse_kernel(single))


def test_what_is_read_from_a_row_has_lanes() -> None:
    """A row holds each lane's own value, though the values of all lanes are equal."""
    text = ROWS.replace("in1: i64, ", "in1: i64, in2: f32, ")
    saved = "\n      load7 = in1[i0] (row 1)\n      min_1 = min over i1 of load7"
    text = text.replace("= exp load0 (row 0)", f"= exp load0 (row 0){saved}")
    text = text.replace("      exp1 = row 0\n", "      exp1 = row 0\n      load7 = row 1\n      load8 = in2[load7 + i1]\n")
    text = text.replace("sub exp1, max_0", "sub exp1, load8")
    with pytest.raises(KernelVerificationError, match="the lanes of load8 along i1 are not consecutive elements"):
        verify_kernel(parse_kernel(text))
    verify_kernel(parse_kernel(text.replace("in2[load7 + i1]", "in2[load7 + i1] (gather)")))


def test_sums_over_all_loops_are_inner() -> None:
    text = OUTER[: OUTER.index("      for i2")] + "      load0 = in0[50*i0 + i1]\n      sum_0 = sum over i1 of load0 (wide)\n"
    with pytest.raises(KernelVerificationError, match="a reduction over outer loops leaves no inner ones"):
        verify_kernel(parse_kernel(text + "    out0[i0] = sum_0\n"))
