"""Checks of the arguments of recurrent layers."""

from __future__ import annotations

from typing import Any

from graphc.core.errors import located
from graphc.nn.recurrent.steps import GATES, State
from graphc.tensors.tensor import Tensor

__all__ = ["check_options", "check_states"]


def check_options(
    mode: str, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool, dropout: float, proj_size: int
) -> None:
    """Raise TypeError for an argument of another type, ValueError for one out of range."""
    if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
        raise ValueError(f"dropout should be a number in range [0, 1], the probability of a zeroed element, got {dropout}")
    for name, value, kind in (("bias", bias, bool), ("batch_first", batch_first, bool), ("input_size", input_size, int),
                              ("hidden_size", hidden_size, int)):  # fmt: skip
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if proj_size and mode != "LSTM":
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if mode not in GATES:
        raise ValueError(f"Unrecognized RNN mode: {mode}")


def check_states(layer: Any, hx: Any, x: Tensor, batched: bool) -> State:
    """Return the first states (layers, N, *) of a layer for sequences `x` (L, N, *); zeros for None.  Raises RuntimeError."""
    zero: State = layer.zero_states(x.shape[1], x)
    if hx is None:
        return zero
    states = tuple(hx) if layer.mode == "LSTM" else (hx,)
    rank, names = (3 if batched else 2), ("hx", "cx")[: len(zero)]
    if len(states) != len(zero) or not all(isinstance(s, Tensor) for s in states):
        raise located(RuntimeError(f"expected {len(zero)} tensors as states, got {len(states)}"))
    if any(s.dim() != rank for s in states):
        kind = f"{'batched' if batched else 'unbatched'} {rank}-D input"
        got = ", ".join(f"{s.dim()}-D" for s in states)
        raise located(RuntimeError(f"For {kind}, {' and '.join(names)} should also be {rank}-D but got ({got}) tensors"))
    states = states if batched else tuple(s.unsqueeze(1) for s in states)
    for i, (s, z) in enumerate(zip(states, zero, strict=True)):
        if s.shape != z.shape:
            name = f"hidden[{i}]" if len(zero) > 1 else "hidden"
            raise located(RuntimeError(f"Expected {name} size {tuple(z.shape)}, got {list(s.shape)}"))
    return states
