"""Rules about reductions."""

from __future__ import annotations

import pytest

from graphc.ir.core.build import broadcast, flip, pad, permute, reduce, reshape, sum_
from tests.ir.rewrite.rules import C, Example, W, check, raw, same

EXAMPLES: list[Example] = [
    ("reduce-nothing", W, raw("sum", axes=()), same),
    ("sum-single", "f64[3,1]", lambda x: sum_(x, (1,)), lambda x: reshape(x, (3,)) + 0.0),
    ("sum-single", "i32[3,1]", lambda x: sum_(x, (1,)), lambda x: reshape(x, (3,))),
    *(("reduce-single", "f64[3,1]", lambda x, r=r: reduce(r, x, (1,)),
     lambda x: reshape(x, (3,))) for r in ("prod", "max", "min")),
    ("sum-broadcast", W, lambda x: sum_(broadcast(x, (2, 5, 3), (0, 2)), (1, 2)), lambda x: sum_(x, (1,)) * 5 + 0.0),
    ("sum-broadcast", "u8[3]", lambda x: sum_(broadcast(x, (2, 200, 3), (2,)), (1,)),
     lambda x: broadcast(x * 200, (2, 3), (1,))),
    ("reduce-broadcast", W, lambda x: reduce("max", broadcast(x, (2, 5, 3), (0, 2)), (1, 2)), lambda x: reduce("max", x, (1,))),
    ("reduce-broadcast", "bool[3]", lambda x: reduce("any", broadcast(x, (2, 5, 3), (2,)), (1,)),
     lambda x: broadcast(x, (2, 3), (1,))),
    ("reduce-permute", C, lambda x: sum_(permute(x, (1, 2, 0)), (0, 2)), lambda x: sum_(x, (0, 1))),
    ("reduce-flip", C, lambda x: reduce("max", flip(x, (0, 1)), (1,)), lambda x: reduce("max", flip(x, (0,)), (1,))),
    ("reduce-reshape", C, lambda x: sum_(reshape(x, (24,)), (0,)), lambda x: sum_(x, (0, 1, 2))),
    ("sum-pad", C, lambda x: sum_(pad(x, (1, 0, 0), (0, 2, 0), (0, 0, 1)), (1, 2)), lambda x: pad(sum_(x, (1, 2)), (1,), (0,))),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{i}-{x[0]}" for i, x in enumerate(EXAMPLES)])
def test_rule(example: Example) -> None:
    check(example)
