"""Normalise, move, use: values that hold a reduction are read at other points than their own, on shapes whose loops may be
mistaken for one another; compiled code against the evaluator.

`python -m tests.ir.fusion.test_grouping` runs the whole matrix, the test some hundred cases of it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import graphc
import graphc.nn.functional as F
from graphc.codegen.program.program import compile_graph
from graphc.compiler.capture import capture
from tests.fuzz.noise import Reference

Function = Callable[[Any], Any]

NORMALISERS: dict[str, Function] = {
    "less the row's sum": lambda x: x - x.sum(1, keepdim=True),
    "less the column's sum": lambda x: x - x.sum(0, keepdim=True),
    "by the total": lambda x: x / (x * x).sum(),
    "softmax of rows": lambda x: x.softmax(1),
    "softmax of columns": lambda x: x.softmax(0),
    "less the greatest": lambda x: x - x.amax(1, keepdim=True),
    "layer norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "row sums": lambda x: x.sum(1, keepdim=True).expand(x.shape) * 1.0,
    "column sums and x": lambda x: x.sum(0) + x,
    "rows twice": lambda x: (y := x - x.mean(1, keepdim=True)) - y.abs().sum(1, keepdim=True),
    "rows, then columns": lambda x: (y := x - x.mean(1, keepdim=True)) / (1 + y.abs().sum(0)),
    "written row": lambda x: _with(x, 0, x.sum(1)[: x.shape[1]] if x.shape[0] >= x.shape[1] else 0.5),
    "by its first row": lambda x: (x * x[0]).sum(1, keepdim=True) + x,
    "place of the greatest": lambda x: x + x.argmax(1, keepdim=True).to(x.dtype),
}

MOVES: dict[str, Function] = {
    "none": lambda z: z,
    "flip 0": lambda z: z.flip(0),
    "flip 1": lambda z: z.flip(1),
    "roll 0": lambda z: z.roll(1, 0),
    "roll 1": lambda z: z.roll(-1, 1),
    "pad 0": lambda z: F.pad(z, (0, 0, 1, 2)),
    "pad 1": lambda z: F.pad(z, (1, 2)),
    "shift 0": lambda z: F.pad(z, (0, 0, 1, 0))[:-1],
    "shift 1": lambda z: F.pad(z, (1, 0))[:, :-1],
    "slice 0": lambda z: z[1:],
    "slice 1": lambda z: z[:, :-1],
    "every second": lambda z: z[::2, ::2],
    "transpose": lambda z: z.T,
    "gather 0": lambda z: z[graphc.arange(z.shape[0] - 1, -1, -1)],
    "gather 1": lambda z: z.gather(1, (z > 0).to(graphc.int64)),
    "a row repeated": lambda z: z[1:2].expand(z.shape) * 1.0,
    "a column repeated": lambda z: z[:, :1].expand(z.shape) * 1.0,
    "reshape": lambda z: z.reshape(z.shape[1], z.shape[0]),
    "join 0": lambda z: graphc.cat([z[1:], z[:1]]),
    "join 1": lambda z: graphc.cat([z[:, 1:], z[:, :1] * 2], 1),
    "written": lambda z: _with(z, (slice(1, None), slice(None, -1)), 0.5),
    "cumsum": lambda z: z.cumsum(1),
    "cumprod": lambda z: (1 + z * 0.01).cumprod(0),
    "diagonal": lambda z: z.tril(),
}

CONSUMERS: dict[str, Callable[[Any, Any], Any]] = {
    "as it is": lambda x, z: z,
    "scaled": lambda x, z: z * 2 + 1,
    "both": lambda x, z: (z * 1.5, _fit(x, z)),
    "with x": lambda x, z: _fit(x, z) * x,
    "sum of rows": lambda x, z: z.sum(1),
    "sum of columns": lambda x, z: z.sum(0),
    "greatest": lambda x, z: (z.amax(1), z.sum()),
    "normalised again": lambda x, z: z - z.amax(1, keepdim=True),
    "columns again": lambda x, z: z.exp() / z.exp().sum(0),
    "written into": lambda x, z: _with(x, 0, _fit(x, z)[0]),
    "with its transpose": lambda x, z: z @ z.T + z.sum(1),
    "with itself moved": lambda x, z: z + F.pad(z, (1, 0))[:, :-1] + z.flip(0),
}

SHAPES = ((3, 3), (2, 5), (5, 2), (9, 9), (20, 20), (17, 40), (40, 17), (70, 70))

Case = tuple[str, str, str, tuple[int, ...], str, bool]


def _with(x: Any, where: Any, value: Any) -> Any:
    y = x.clone()
    y[where] = value
    return y


def _fit(x: Any, z: Any) -> Any:
    """Return z as large as x: cut off, padded, or both."""
    z = z[: x.shape[0], : x.shape[1]]
    return F.pad(z, (0, x.shape[1] - z.shape[1], x.shape[0] - z.shape[0], 0))


def cases() -> Iterator[Case]:
    """Yield the matrix."""
    for gradient, dtype in ((False, "f4"), (True, "f8"), (False, "f8"), (True, "f4")):
        for n, m, c, shape in product(NORMALISERS, MOVES, CONSUMERS, SHAPES):
            yield n, m, c, shape, dtype, gradient


def function(case: Case) -> Function:
    """Return the function of a case, or its gradient."""
    normalise, move, use = NORMALISERS[case[0]], MOVES[case[1]], CONSUMERS[case[2]]

    def run(x: Any) -> Any:
        return use(x, move(normalise(x)))

    def loss(x: Any) -> Any:
        results = run(x)
        return sum((r * (r.detach() * 0.01).cos()).sum() for r in (results if isinstance(results, tuple) else (results,)))

    return graphc.func.grad(loss) if case[5] else run


def difference(case: Case) -> str | None:
    """Compile a case and return how it differs from the evaluator."""
    rng = np.random.default_rng(len(case[0]))
    x = rng.uniform(0.5, 2, case[3]).astype(case[4]) * rng.choice([-1, 1], case[3]).astype(case[4])
    try:
        graph, state = capture(function(case), graphc.tensor(x))
        assert not state
        got = compile_graph(graph, opt=0).run([x])
    except Exception as error:  # every kind is a failure
        return f"{type(error).__name__}: {error}"[:300]
    reference = Reference(graph, [x])
    return next((text for i, y in enumerate(got) if (text := reference.difference(i, y))), None)


CHOSEN = random.Random(7).sample(list(cases()), 480)


@pytest.mark.parametrize("part", range(16))
def test_compiled_cases_are_those_of_the_evaluator(part: int) -> None:
    found = {case: difference(case) for case in CHOSEN[part::16]}
    assert {case: text for case, text in found.items() if text} == {}


def main() -> int:
    """Run all cases, or every n-th from the m-th on."""
    every, first = map(int, (*sys.argv[1:], "1", "0")[:2])
    bad = 0
    for i, case in enumerate(cases()):
        text = difference(case) if i % every == first else None
        if text:
            bad += 1
            print(*case, text, sep=" | ", flush=True)
    print(f"{bad} differ")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
