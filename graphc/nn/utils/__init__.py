"""Helpers for training loops, and sequences of different lengths, as in torch.nn.utils."""

from graphc.core.errors import guard_all as _guard_all
from graphc.nn.utils import parametrizations, parametrize, rnn
from graphc.nn.utils.gradients import (
    clip_grad_norm_,
    clip_grad_value_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)
from graphc.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from graphc.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "get_total_norm", "parameters_to_vector", "parametrizations", "parametrize",
    "remove_spectral_norm", "remove_weight_norm", "rnn", "spectral_norm", "vector_to_parameters", "weight_norm",
]  # fmt: skip

_guard_all(globals(), ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"])
