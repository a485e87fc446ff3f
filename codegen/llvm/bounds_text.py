"""LLVM IR of the functions that check an access against the limits of its buffer, and the error they report."""

from __future__ import annotations

import ctypes
import re

__all__ = ["COUNT", "LANES", "NOTE", "OUTSIDE", "PLACE", "SCRATCH", "WORDS", "InternalError", "take_error"]

OUTSIDE = 3
"""The status of a program that would have left a buffer."""

SCRATCH = 4096
"""Bytes of `@bounds.nothing`: more than any vector."""

SITE, AT, LENGTH, SIZE, CALLER, WORDS = range(6)
"""Words of `@bounds.found`: the access, its offset and bytes, the bytes of the buffer, the caller."""


class InternalError(SystemError):
    """The compiler broke a rule of its own."""


NOTE = """define internal void @bounds.note(i64 %site, i64 %at, i64 %length, i64 %low, i64 %high) noinline {
  %before = load i64, ptr @bounds.found, align 8
  %first = icmp eq i64 %before, 0
  br i1 %first, label %write, label %end
write:
  store i64 %site, ptr @bounds.found, align 8
  %offset = sub i64 %at, %low
  %size = sub i64 %high, %low
  %p1 = getelementptr i64, ptr @bounds.found, i64 1
  store i64 %offset, ptr %p1, align 8
  %p2 = getelementptr i64, ptr @bounds.found, i64 2
  store i64 %length, ptr %p2, align 8
  %p3 = getelementptr i64, ptr @bounds.found, i64 3
  store i64 %size, ptr %p3, align 8
  br label %end
end:
  ret void
}"""

PLACE = """define internal ptr @bounds.place(ptr %p, i64 %length, i64 %low, i64 %high, i64 %site) noinline {
  %at = ptrtoint ptr %p to i64
  %end = add i64 %at, %length
  %below = icmp ult i64 %at, %low
  %above = icmp ugt i64 %end, %high
  %wrapped = icmp ult i64 %end, %at
  %either = or i1 %below, %above
  %bad = or i1 %either, %wrapped
  br i1 %bad, label %outside, label %inside
outside:
  call void @bounds.note(i64 %site, i64 %at, i64 %length, i64 %low, i64 %high)
  ret ptr @bounds.nothing
inside:
  ret ptr %p
}"""

COUNT = """define internal i64 @bounds.count(ptr %p, i64 %length, i64 %low, i64 %high, i64 %site) noinline {
  %none = icmp eq i64 %length, 0
  br i1 %none, label %empty, label %some
empty:
  ret i64 0
some:
  %q = call ptr @bounds.place(ptr %p, i64 %length, i64 %low, i64 %high, i64 %site)
  %good = icmp eq ptr %p, %q
  %count = select i1 %good, i64 %length, i64 0
  ret i64 %count
}"""

LANES = """define internal i64 @bounds.lanes.vN(
    <N x ptr> %p, <N x i8> %wanted, i64 %length, i64 %low, i64 %high, i64 %site) noinline {
  %mask = icmp ne <N x i8> %wanted, zeroinitializer
  %at = ptrtoint <N x ptr> %p to <N x i64>
  %length.1 = insertelement <N x i64> poison, i64 %length, i64 0
  %length.n = shufflevector <N x i64> %length.1, <N x i64> poison, <N x i32> zeroinitializer
  %low.1 = insertelement <N x i64> poison, i64 %low, i64 0
  %low.n = shufflevector <N x i64> %low.1, <N x i64> poison, <N x i32> zeroinitializer
  %high.1 = insertelement <N x i64> poison, i64 %high, i64 0
  %high.n = shufflevector <N x i64> %high.1, <N x i64> poison, <N x i32> zeroinitializer
  %end = add <N x i64> %at, %length.n
  %below = icmp ult <N x i64> %at, %low.n
  %above = icmp ugt <N x i64> %end, %high.n
  %either = or <N x i1> %below, %above
  %bad = and <N x i1> %either, %mask
  %any = call i1 @llvm.vector.reduce.or.vNi1(<N x i1> %bad)
  br i1 %any, label %outside, label %inside
outside:
  %places = select <N x i1> %bad, <N x i64> %at, <N x i64> zeroinitializer
  %where = call i64 @llvm.vector.reduce.umax.vNi64(<N x i64> %places)
  call void @bounds.note(i64 %site, i64 %where, i64 %length, i64 %low, i64 %high)
  ret i64 0
inside:
  ret i64 1
}"""


def take_error(found_at: int, text: str) -> InternalError:
    """Return and clear the error that a program recorded in `@bounds.found`, at the given address; `text` is its module."""
    words = (ctypes.c_int64 * WORDS).from_address(found_at)
    report = list(words)
    words[SITE] = 0
    names = dict[str, str](re.findall(r"^; (\w+ \d+): (.*)$", text, re.MULTILINE))
    where = names.get(f"call {report[CALLER] - 1}", "the program itself")
    what = names.get(f"site {report[SITE]}", "access")
    extent = f"{report[LENGTH]} bytes at {report[AT]} of {report[SIZE]}"
    return InternalError(f"internal error, please report it: {what} outside of its bounds in {where}: {extent}")
