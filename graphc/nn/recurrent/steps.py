"""One step of each kind of recurrence, and the recurrence over a whole sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from graphc.control_flow.api import scan
from graphc.nn import functional as F
from graphc.ops.indexing.masks import where
from graphc.tensors.tensor import Tensor

__all__ = ["GATES", "STEPS", "State", "Weights", "recurrence"]

State = tuple[Tensor, ...]
"""The state between two steps: (hidden,), of an LSTM (hidden, cell)."""


class Weights(NamedTuple):
    """Parameters of one direction of one layer."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    weight_hr: Tensor | None = None


def _rnn(activation: Callable[[Tensor], Tensor]) -> Callable[[Tensor, State, Weights], State]:
    def step(gates: Tensor, state: State, w: Weights) -> State:
        return (activation(gates + F.linear(state[0], w.weight_hh, w.bias_hh)),)

    return step


def _lstm(gates: Tensor, state: State, w: Weights) -> State:
    hidden, cell = state
    i, f, g, o = (gates + F.linear(hidden, w.weight_hh, w.bias_hh)).chunk(4, -1)
    cell = F.sigmoid(f) * cell + F.sigmoid(i) * F.tanh(g)
    hidden = F.sigmoid(o) * F.tanh(cell)
    return (hidden if w.weight_hr is None else F.linear(hidden, w.weight_hr)), cell


def _gru(gates: Tensor, state: State, w: Weights) -> State:
    (hidden,) = state
    reset, update, new = gates.chunk(3, -1)
    own_reset, own_update, own_new = F.linear(hidden, w.weight_hh, w.bias_hh).chunk(3, -1)
    update = F.sigmoid(update + own_update)
    new = F.tanh(new + F.sigmoid(reset + own_reset) * own_new)
    return ((hidden - new) * update + new,)


STEPS: dict[str, Callable[[Tensor, State, Weights], State]] = {
    "RNN_TANH": _rnn(F.tanh), "RNN_RELU": _rnn(F.relu), "LSTM": _lstm, "GRU": _gru,
}  # fmt: skip
"""The next state of a step, from the projected input, the state and the weights."""

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}
"""How many vectors of the hidden size the projected input of a step has."""


def recurrence(
    mode: str, x: Tensor, state: State, weights: Sequence[Tensor | None], mask: Tensor | None, reverse: bool
) -> tuple[Tensor, State]:
    """Return the hidden state of every step of a sequence (L, N, *), and the last state.

    Where `mask`, bool (L, N, 1), is false, the sequence has no item, and the state stays.  The input is projected for all
    steps at once; the rest is one `scan`.
    """
    w, step = Weights(*weights), STEPS[mode]  # type: ignore[arg-type]
    gates = F.linear(x, w.weight_ih, w.bias_ih)
    if len(x) == 1 and mask is None:
        state = step(gates[0], state, w)
        return state[0].unsqueeze(0), state

    def one(before: State, item: Any) -> tuple[State, Tensor]:
        now, valid = item if mask is not None else (item, None)
        after = step(now, before, w)
        if valid is not None:
            after = tuple(where(valid, a, b) for a, b in zip(after, before, strict=True))
        return after, after[0]

    state, outputs = scan(one, state, gates if mask is None else (gates, mask), reverse=reverse)
    return outputs, state
