"""A tensor compiler in Python, in PyTorch's words: `import graphc as torch`."""

import types as _types

from graphc import amp, autograd, backends, cuda, distributions, func, jit, linalg, nn, optim, random, special, utils
from graphc.ops.methods import table as _methods
from graphc.autograd import enable_grad, inference_mode, no_grad, set_grad_enabled
from graphc.autograd.grad_mode import is_grad_enabled
from graphc.batching.vmap import vmap
from graphc.compiler.api import compile
from graphc.control_flow.api import cond, fori_loop, scan, while_loop
from graphc.core.dtypes import (
    Size,
    bool,
    double,
    dtype,
    finfo,
    float,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int,
    int32,
    int64,
    is_floating_point,
    long,
    promote_types,
    set_default_dtype,
    uint8,
)
from graphc.core.errors import TracingError
from graphc.core.errors import guard_all as _guard_all
from graphc.core.printing import set_printoptions
from graphc.core.threads import get_num_threads, set_num_threads, threads
from graphc.ops.create.data import *
from graphc.ops.create.fill import *
from graphc.ops.create.ranges import *
from graphc.ops.elementwise.arithmetic import *
from graphc.ops.elementwise.bits import *
from graphc.ops.elementwise.bounds import *
from graphc.ops.elementwise.comparison import *
from graphc.ops.elementwise.division import *
from graphc.ops.elementwise.exponential import *
from graphc.ops.elementwise.hyperbolic import *
from graphc.ops.elementwise.logic import *
from graphc.ops.elementwise.powers import *
from graphc.ops.elementwise.predicates import *
from graphc.ops.elementwise.representation import *
from graphc.ops.elementwise.rounding import *
from graphc.ops.elementwise.signs import *
from graphc.ops.elementwise.special import *
from graphc.ops.elementwise.trigonometric import *
from graphc.ops.decompositions.torch_names import *
from graphc.ops.indexing.gather import *
from graphc.ops.indexing.items import index_put
from graphc.ops.indexing.masks import argwhere, masked_fill, masked_select, nonzero, where
from graphc.ops.indexing.reductions import *
from graphc.ops.indexing.scatter import *
from graphc.ops.indexing.searching import *
from graphc.ops.indexing.slices import *
from graphc.ops.indexing.strides import *
from graphc.ops.indexing.writing import *
from graphc.ops.linear_algebra.affine import addbmm, addmm, addmv, addr, baddbmm, bilinear
from graphc.ops.linear_algebra.cholesky import *
from graphc.ops.linear_algebra.contraction import *
from graphc.ops.linear_algebra.einsum import *
from graphc.ops.linear_algebra.matrix_exponential import *
from graphc.ops.linear_algebra.matrices import *
from graphc.ops.linear_algebra.square_matrices import *
from graphc.ops.linear_algebra.triangular import *
from graphc.ops.linear_algebra.vectors import cross, ger, inner, kron, outer
from graphc.ops.nn.dropout import dropout
from graphc.ops.nn.embedding import embedding
from graphc.ops.nn.rectifiers import celu, prelu, relu, selu, threshold
from graphc.ops.nn.shrinkage import hardshrink
from graphc.ops.nn.softmax import log_softmax, softmax
from graphc.ops.queries import *
from graphc.ops.random.distributions import *
from graphc.ops.random.floats import *
from graphc.ops.random.generator import *
from graphc.ops.random.integers import *
from graphc.ops.reduce.counting import *
from graphc.ops.reduce.covariances import *
from graphc.ops.reduce.cumulative import *
from graphc.ops.reduce.differences import *
from graphc.ops.reduce.distances import cdist, cosine_similarity, dist, pairwise_distance, pdist, renorm
from graphc.ops.reduce.extremes import *
from graphc.ops.reduce.histograms import *
from graphc.ops.reduce.logic import *
from graphc.ops.reduce.moments import *
from graphc.ops.reduce.norms import *
from graphc.ops.reduce.order_statistics import *
from graphc.ops.reduce.sorting import *
from graphc.ops.reduce.sums import *
from graphc.ops.shape.axes import *
from graphc.ops.shape.diagonals import *
from graphc.ops.shape.joining import *
from graphc.ops.shape.order import *
from graphc.ops.shape.padding import *
from graphc.ops.shape.parts import *
from graphc.ops.shape.products import *
from graphc.ops.shape.ranks import *
from graphc.ops.shape.repetition import broadcast_tensors, broadcast_to, meshgrid, repeat_interleave, tile
from graphc.ops.shape.sizes import clone, flatten, ravel, reshape, squeeze, unflatten, unsqueeze
from graphc.ops.shape.slices import narrow, select
from graphc.ops.special.bessel import i0
from graphc.ops.special.errors import erfc, erfinv
from graphc.ops.special.gamma import *
from graphc.ops.special.incomplete import igamma, igammac
from graphc.ops.special.zeta import mvlgamma, polygamma
from graphc.recording.policy import EagerReport, eager_report, get_eager, set_eager
from graphc.settings import *
from graphc.tensors.devices import device
from graphc.tensors.formats import *
from graphc.tensors.tensor import Tensor
from graphc.tensors.typed import BoolTensor, ByteTensor, DoubleTensor, FloatTensor, IntTensor, LongTensor
from graphc.utils.serialization import load, save

assert _methods.METHODS, "importing the methods gives them to Tensor"

e, inf, nan, newaxis, pi = (
    2.718281828459045,
    float64.numpy.type("inf").item(),
    float64.numpy.type("nan").item(),
    None,
    3.141592653589793,
)

__version__ = "0.1.0"

_MODULES = (amp, autograd, backends, cuda, distributions, func, jit, linalg, nn, optim, random, special, utils)
__all__ = ["__version__"] + [
    name
    for name, value in list(globals().items())
    if not name.startswith("_") and (value in _MODULES if isinstance(value, _types.ModuleType) else True)
]
_guard_all(globals(), __all__)
