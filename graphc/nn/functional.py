"""The functions of layers, without their parameters, as in torch.nn.functional."""

from __future__ import annotations

from graphc.core.errors import guard_all as _guard_all
from graphc.nn.ctc import ctc_loss
from graphc.nn.embedding_bag import embedding_bag
from graphc.nn.in_place import celu_, elu_, hardtanh_, leaky_relu_, relu_, selu_, threshold_
from graphc.nn.response_norm import local_response_norm
from graphc.ops.elementwise.hyperbolic import tanh
from graphc.ops.elementwise.special import sigmoid
from graphc.ops.indexing.masks import one_hot
from graphc.ops.linear_algebra.affine import bilinear, linear
from graphc.ops.losses.classes import cross_entropy, nll_loss
from graphc.ops.losses.distances import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from graphc.ops.losses.labels import multilabel_margin_loss, triplet_margin_with_distance_loss
from graphc.ops.losses.margins import (
    cosine_embedding_loss,
    gaussian_nll_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_soft_margin_loss,
    triplet_margin_loss,
)
from graphc.ops.losses.probabilities import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    kl_div,
    poisson_nll_loss,
    soft_margin_loss,
)
from graphc.ops.nn.attention import scaled_dot_product_attention
from graphc.ops.nn.average_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
)
from graphc.ops.nn.batch_norm import batch_norm, instance_norm
from graphc.ops.nn.convolution import conv1d, conv2d, conv3d
from graphc.ops.nn.dropout import dropout, dropout1d, dropout2d, dropout3d
from graphc.ops.nn.embedding import embedding
from graphc.ops.nn.gumbel import gumbel_softmax
from graphc.ops.nn.max_pooling import max_pool1d, max_pool2d, max_pool3d
from graphc.ops.nn.normalization import group_norm, layer_norm, rms_norm
from graphc.ops.nn.rectifiers import celu, elu, leaky_relu, prelu, relu, relu6, selu, threshold
from graphc.ops.nn.shrinkage import hardshrink, hardtanh, softshrink, softsign, tanhshrink
from graphc.ops.nn.sigmoidal import gelu, glu, hardsigmoid, hardswish, logsigmoid, mish, silu, softplus
from graphc.ops.nn.softmax import log_softmax, softmax, softmin
from graphc.ops.nn.transposed_convolution import conv_transpose1d, conv_transpose2d, conv_transpose3d
from graphc.ops.reduce.distances import cosine_similarity, normalize, pairwise_distance, pdist
from graphc.ops.resampling.grids import affine_grid, grid_sample
from graphc.ops.resampling.interpolation import interpolate, upsample, upsample_bilinear, upsample_nearest
from graphc.ops.resampling.padding import pad
from graphc.ops.resampling.pooling import (
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)
from graphc.ops.resampling.rearranging import (
    channel_shuffle,
    fold,
    native_channel_shuffle,
    pixel_shuffle,
    pixel_unshuffle,
    unfold,
)

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "affine_grid", "avg_pool1d", "avg_pool2d", "avg_pool3d", "batch_norm", "bilinear",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "celu_", "channel_shuffle", "conv1d", "conv2d",
    "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity",
    "cross_entropy", "ctc_loss", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding",
    "embedding_bag", "fold", "gaussian_nll_loss", "gelu", "glu", "grid_sample", "group_norm", "gumbel_softmax",
    "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "hinge_embedding_loss", "huber_loss",
    "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "leaky_relu_", "linear",
    "local_response_norm", "log_softmax", "logsigmoid", "lp_pool1d", "lp_pool2d", "lp_pool3d", "margin_ranking_loss",
    "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d", "mish", "mse_loss",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "native_channel_shuffle", "nll_loss",
    "normalize", "one_hot", "pad", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss",
    "prelu", "relu", "relu6", "relu_", "rms_norm", "scaled_dot_product_attention", "selu", "selu_", "sigmoid", "silu",
    "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "threshold", "threshold_", "triplet_margin_loss", "triplet_margin_with_distance_loss", "unfold",
    "upsample", "upsample_bilinear", "upsample_nearest",
]  # fmt: skip

_guard_all(globals(), __all__)
