"""Rules about broadcasts."""

from __future__ import annotations

import pytest

from graphc.ir.core.build import broadcast, cast, elementwise, flip, iota, permute, reshape, slice_
from graphc.ir.core.types import F32
from tests.ir.rewrite.rules import Example, V, W, check

EXAMPLES: list[Example] = [
    ("broadcast-single", "f64[2,3]", lambda x: broadcast(x, (2, 1, 3), (0, 2)), lambda x: reshape(x, (2, 1, 3))),
    ("broadcast-reshape", V, lambda x: broadcast(reshape(x, (6, 1)), (6, 4, 1), (0, 2)),
     lambda x: broadcast(x, (6, 4, 1), (0,))),
    ("permute-broadcast", W, lambda x: permute(broadcast(x, (2, 5, 3), (0, 2)), (2, 1, 0)),
     lambda x: broadcast(permute(x, (1, 0)), (3, 5, 2), (0, 2))),
    ("permute-broadcast", V, lambda x: permute(broadcast(x, (2, 6), (1,)), (1, 0)), lambda x: broadcast(x, (6, 2), (0,))),
    ("reshape-broadcast", V, lambda x: reshape(broadcast(x, (6, 2), (0,)), (1, 6, 1, 2)),
     lambda x: broadcast(x, (1, 6, 1, 2), (1,))),
    ("reshape-broadcast", "f64[1]", lambda x: reshape(broadcast(x, (6, 1), (1,)), (2, 3)),
     lambda x: broadcast(reshape(x, ()), (2, 3), ())),
    ("slice-broadcast", V, lambda x: slice_(broadcast(x, (4, 6), (1,)), (1, 2), (3, 6), (1, 2)),
     lambda x: broadcast(slice_(x, (2,), (6,), (2,)), (2, 2), (1,))),
    ("flip-broadcast", V, lambda x: flip(broadcast(x, (4, 6), (1,)), (0, 1)), lambda x: broadcast(flip(x, (0,)), (4, 6), (1,))),
    ("broadcast-iota", "i64[2,6]", lambda x: x + broadcast(iota((6,), 0), (2, 6), (1,)), lambda x: x + iota((2, 6), 1)),
    ("permute-iota", "i64[2,6]", lambda x: x + permute(iota((6, 2), 0), (1, 0)), lambda x: x + iota((2, 6), 1)),
    ("elementwise-broadcast", V, lambda x: elementwise("exp", broadcast(x, (4, 6), (1,))),
     lambda x: broadcast(elementwise("exp", x), (4, 6), (1,))),
    ("elementwise-broadcast", "f64[6] f64[]", lambda x, s: (broadcast(x, (4, 6), (1,)) + broadcast(s, (4, 6), ())) * 3,
     lambda x, s: broadcast((x + broadcast(s, (6,), ())) * 3, (4, 6), (1,))),
    ("elementwise-broadcast", V, lambda x: cast(broadcast(x, (4, 6), (1,)), F32),
     lambda x: broadcast(cast(x, F32), (4, 6), (1,))),
    ("elementwise-permute", W, lambda x: elementwise("exp", permute(x, (1, 0)) + 3.0),
     lambda x: permute(elementwise("exp", x + 3.0), (1, 0))),
    ("elementwise-permute", "f64[2,3,4] f64[4,3]", lambda x, y: permute(x, (2, 0, 1)) * broadcast(y, (4, 2, 3), (0, 2)),
     lambda x, y: permute(x * broadcast(permute(y, (1, 0)), (2, 3, 4), (1, 2)), (2, 0, 1))),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{i}-{x[0]}" for i, x in enumerate(EXAMPLES)])
def test_rule(example: Example) -> None:
    check(example)
