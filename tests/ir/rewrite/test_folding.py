"""Rules that fold constants."""

from __future__ import annotations

import pytest

from graphc.ir.core import build
from graphc.ir.core.build import cast, concatenate, constant, elementwise, pad, reduce, reshape
from graphc.ir.core.types import BOOL, F64, I32, U8
from tests.ir.rewrite.rules import C, Example, V, check, const, same

EXAMPLES: list[Example] = [
    ("empty", "f64[0,3]", lambda x: elementwise("exp", x), lambda x: const(x, 0)),
    ("empty", "f64[2,3] f64[3,0]", build.matmul, lambda x, y: constant(0, F64, (2, 0))),
    ("fold", "f", lambda x: x * (constant(2, F64, x.shape) - 5), lambda x: x * -3.0),
    ("fold", "u", lambda x: x & elementwise("neg", const(x, 3)), lambda x: x & 253),
    ("fold", "f", lambda x: x * cast(constant(3, I32, x.shape), F64), lambda x: x * 3.0),
    ("move-constant", V, lambda x: x + reshape(constant(3, F64, (2, 3)), (6,)), lambda x: x + 3.0),
    ("join-constants", "f64[6]", lambda x: x + pad(constant(3, F64, (2,)), (1,), (3,), fill=3), lambda x: x + 3.0),
    ("join-constants", "f64[6]", lambda x: x + concatenate([constant(3, F64, (2,)), constant(3, F64, (4,))], 0),
     lambda x: x + 3.0),
    ("choose-constant", "f64[6]", lambda x: x + reduce("max", constant(3, F64, (6, 2)), (1,)), lambda x: x + 3.0),
    ("choose-constant", "bool[6]", lambda x: x ^ reduce("any", constant(True, BOOL, (6, 0)), (1,)), same),
    ("sum-constant", "f64[6]", lambda x: x + reduce("sum", constant(-1.5, F64, (6, 2)), (1,)), lambda x: x + -3.0),
    ("sum-constant", "u8[6]", lambda x: x ^ reduce("sum", constant(100, U8, (6, 3)), (1,)), lambda x: x ^ 44),
    ("prod-constant", "i32[6]", lambda x: x ^ reduce("prod", constant(-3, I32, (6, 3)), (1,)), lambda x: x ^ -27),
    *((f"{r}-{r}", C, lambda x, r=r: reduce(r, reduce(r, x, (1,)), (1,)),
     lambda x, r=r: reduce(r, x, (1, 2))) for r in ("sum", "prod", "max", "min")),
    *((f"{r}-{r}", "bool[2,3,4]", lambda x, r=r: reduce(r, reduce(r, x, (2,)), (0,)),
     lambda x, r=r: reduce(r, x, (0, 2))) for r in ("any", "all")),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{i}-{x[0]}" for i, x in enumerate(EXAMPLES)])
def test_rule(example: Example) -> None:
    check(example)
