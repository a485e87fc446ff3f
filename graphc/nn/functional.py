"""What layers compute, without their parameters, as torch.nn.functional has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.core.errors import guard_all as _guard_all
from graphc.ops.activations import (
    celu,
    cosine_similarity,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_softmax,
    logsigmoid,
    mish,
    normalize,
    pairwise_distance,
    prelu,
    relu,
    relu6,
    selu,
    silu,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
)
from graphc.ops.attention import embedding, scaled_dot_product_attention
from graphc.ops.convolution import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from graphc.ops.indexing import one_hot
from graphc.ops.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from graphc.ops.normalization import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from graphc.ops.pointwise import sigmoid, tanh
from graphc.ops.products import bilinear, linear
from graphc.ops.random import channel_dropout as dropout1d
from graphc.ops.random import channel_dropout as dropout2d
from graphc.ops.random import channel_dropout as dropout3d
from graphc.ops.random import dropout
from graphc.ops.shape import constant_pad_nd

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "cosine_similarity", "cross_entropy", "dropout", "dropout1d", "dropout2d",
    "dropout3d", "elu", "embedding", "gelu", "glu", "group_norm", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "huber_loss", "instance_norm", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear", "log_softmax", "logsigmoid",
    "max_pool1d", "max_pool2d", "max_pool3d", "mish", "mse_loss", "nll_loss", "normalize", "one_hot", "pad",
    "pairwise_distance", "poisson_nll_loss", "prelu", "relu", "relu6", "rms_norm", "scaled_dot_product_attention", "selu",
    "sigmoid", "silu", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign",
    "tanh", "tanhshrink", "threshold",
]  # fmt: skip


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """Surround input with a number; `pad` lists how much before and after, last axis first; negative sizes cut.

    Raises NotImplementedError for a mode other than "constant".
    """
    if mode != "constant":
        raise NotImplementedError(f"pad: only mode 'constant' is available, got '{mode}'")
    return constant_pad_nd(input, list(pad), 0.0 if value is None else value)

_guard_all(globals(), __all__)
