"""Rules about movement."""

from __future__ import annotations

import pytest

from graphc.ir.core import build
from graphc.ir.core.build import apply, broadcast, concatenate, constant, flip, matmul, pad, permute, reshape, slice_
from graphc.ir.core.types import F64, I64
from tests.ir.rewrite.rules import C, Example, V, W, check, raw, same

EXAMPLES: list[Example] = [
    ("reshape-same", V, raw("reshape", shape=(6,)), same),
    ("permute-same", W, raw("permute", axes=(0, 1)), same),
    ("broadcast-same", W, raw("broadcast", shape=(2, 3), axes=(0, 1)), same),
    ("slice-same", V, raw("slice", start=(0,), stop=(6,), step=(1,)), same),
    ("pad-same", V, lambda x: apply("pad", x, constant(1, F64), low=(0,), high=(0,), interior=(0,)), same),
    ("flip-single", "f64[3,1]", lambda x: flip(x, (0, 1)), lambda x: flip(x, (0,))),
    ("concatenate-empty", "f64[3] f64[0]", lambda x, y: concatenate([y, x, y], 0), same),
    ("cumsum-single", "f64[3,1]", lambda x: build.cumsum(x, 1), same),
    ("argmax-single", "f64[3,1]", raw("argmax", axis=1), lambda x: constant(0, I64, (3,))),
    ("argsort-single", "f64[3,1]", lambda x: build.argsort(x, 1), lambda x: constant(0, I64, (3, 1))),
    ("argmin-single", "f64[3,1]", raw("argmin", axis=1), lambda x: constant(0, I64, (3,))),
    ("reshape-reshape", C, lambda x: reshape(reshape(x, (6, 4)), (4, 6)), lambda x: reshape(x, (4, 6))),
    ("reshape-reshape", C, lambda x: reshape(reshape(x, (6, 4)), (2, 3, 4)), same),
    ("permute-permute", C, lambda x: permute(permute(x, (1, 2, 0)), (0, 2, 1)), lambda x: permute(x, (1, 0, 2))),
    ("broadcast-broadcast", V, lambda x: broadcast(broadcast(x, (2, 6), (1,)), (2, 3, 6), (0, 2)),
     lambda x: broadcast(x, (2, 3, 6), (2,))),
    ("flip-flip", C, lambda x: flip(flip(x, (0, 1)), (1, 2)), lambda x: flip(x, (0, 2))),
    ("slice-slice", "f64[30]", lambda x: slice_(slice_(x, (3,), (28,), (3,)), (1,), (8,), (2,)),
     lambda x: slice_(x, (6,), (25,), (6,))),
    ("pad-pad", V, lambda x: pad(pad(x, (1,), (2,), (3,)), (4,), (0,)), lambda x: pad(x, (5,), (2,), (3,))),
    ("concatenate-concatenate", "f64[2] f64[3]", lambda x, y: concatenate([x, concatenate([y, x], 0)], 0),
     lambda x, y: concatenate([x, y, x], 0)),
    ("concatenate-slices", "f64[9]", lambda x: concatenate([slice_(x, (0,), (4,)), slice_(x, (4,), (9,))], 0), same),
    ("concatenate-slices", "f64[4,5]", lambda x: concatenate([slice_(x, (0, i), (2, i + 1)) for i in range(4)], 1),
     lambda x: slice_(x, (0, 0), (2, 4))),
    ("slice-pad", V, lambda x: slice_(pad(x, (2,), (3,)), (2,), (8,)), same),
    ("slice-pad", V, lambda x: slice_(pad(x, (2,), (3,), (1,)), (4,), (13,), (4,)), lambda x: slice_(x, (1,), (6,), (2,))),
    ("slice-pad", V, lambda x: slice_(pad(x, (2,), (3,), fill=7), (0,), (2,)), lambda x: constant(7, F64, (2,))),
    ("slice-pad", W, lambda x: slice_(pad(x, (1, 2), (0, 3)), (0, 2), (3, 4)),
     lambda x: pad(slice_(x, (0, 0), (2, 2)), (1, 0), (0, 0))),
    ("slice-concatenate", "f64[4] f64[5]", lambda x, y: slice_(concatenate([y, x, y], 0), (5,), (9,)), same),
    ("slice-concatenate", "f64[4] f64[5]", lambda x, y: slice_(concatenate([y, x, y], 0), (6,), (12,), (2,)),
     lambda x, y: slice_(concatenate([x, y], 0), (1,), (6,), (2,))),
    ("permute-matmul", "f32[2,3] f32[3,5]", lambda x, y: permute(matmul(x, y), (1, 0)),
     lambda x, y: matmul(permute(y, (1, 0)), permute(x, (1, 0)))),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{i}-{x[0]}" for i, x in enumerate(EXAMPLES)])
def test_rule(example: Example) -> None:
    check(example)
