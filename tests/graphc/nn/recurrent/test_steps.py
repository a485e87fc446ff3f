"""The recurrence over a sequence is its steps."""

from __future__ import annotations

import numpy as np

import graphc as G
from graphc.nn.recurrent.steps import STEPS, Weights, recurrence
from tests.graphc.nn.reference import CLOSE, RNG


def test_a_recurrence_is_its_steps_and_skips_missing_items() -> None:
    weights = [G.tensor(RNG.standard_normal(s)) for s in ((8, 3), (8, 2), (8,), (8,))]
    x, valid = G.tensor(RNG.standard_normal((4, 2, 3))), [[True, True], [True, False], [True, False], [False, False]]
    start = (G.tensor(RNG.standard_normal((2, 2))), G.tensor(RNG.standard_normal((2, 2))))
    outputs, last = recurrence("LSTM", x, start, weights, G.tensor(valid).unsqueeze(-1), False)
    state = start
    for item, holds in zip(x, valid, strict=True):
        after = STEPS["LSTM"](item @ weights[0].T + weights[2], state, Weights(*weights))
        state = tuple(G.where(G.tensor(holds)[:, None], a, b) for a, b in zip(after, state, strict=True))
    for found, wanted in zip((outputs[-1], *last), (state[0], *state), strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), **CLOSE)
