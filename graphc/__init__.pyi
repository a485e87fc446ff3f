"""Types of what `graphc` exports, written by tests/stubs.py."""

import builtins
from collections.abc import Sequence
from graphc.ops.common import DTypeLike
from typing import Any
from graphc import amp as amp
from graphc import autograd as autograd
from graphc import backends as backends
from graphc import cuda as cuda
from graphc import distributions as distributions
from graphc import func as func
from graphc import jit as jit
from graphc import linalg as linalg
from graphc import nn as nn
from graphc import optim as optim
from graphc import random as random
from graphc import special as special
from graphc import utils as utils
from graphc.autograd.grad_mode import enable_grad as enable_grad
from graphc.autograd.grad_mode import inference_mode as inference_mode
from graphc.autograd.grad_mode import no_grad as no_grad
from graphc.autograd.grad_mode import set_grad_enabled as set_grad_enabled
from graphc.autograd.grad_mode import is_grad_enabled as is_grad_enabled
from graphc.batching.vmap import vmap as vmap
from graphc.compiler.api import compile as compile
from graphc.control_flow.api import cond as cond
from graphc.control_flow.api import fori_loop as fori_loop
from graphc.control_flow.api import scan as scan
from graphc.control_flow.api import while_loop as while_loop
from graphc.core.dtypes import Size as Size
from graphc.core.dtypes import bool as bool
from graphc.core.dtypes import double as double
from graphc.core.dtypes import dtype as dtype
from graphc.core.dtypes import finfo as finfo
from graphc.core.dtypes import float as float
from graphc.core.dtypes import float32 as float32
from graphc.core.dtypes import float64 as float64
from graphc.core.dtypes import get_default_dtype as get_default_dtype
from graphc.core.dtypes import iinfo as iinfo
from graphc.core.dtypes import int as int
from graphc.core.dtypes import int32 as int32
from graphc.core.dtypes import int64 as int64
from graphc.core.dtypes import is_floating_point as is_floating_point
from graphc.core.dtypes import long as long
from graphc.core.dtypes import promote_types as promote_types
from graphc.core.dtypes import set_default_dtype as set_default_dtype
from graphc.core.dtypes import uint8 as uint8
from graphc.core.errors import TracingError as TracingError
from graphc.core.printing import set_printoptions as set_printoptions
from graphc.core.threads import get_num_threads as get_num_threads
from graphc.core.threads import set_num_threads as set_num_threads
from graphc.core.threads import threads as threads
from graphc.ops.create.data import as_tensor as as_tensor
from graphc.ops.create.data import asarray as asarray
from graphc.ops.create.data import from_numpy as from_numpy
from graphc.ops.create.data import result_type as result_type
from graphc.ops.create.data import scalar_tensor as scalar_tensor
from graphc.ops.create.data import tensor as tensor
from graphc.ops.create.fill import empty as empty
from graphc.ops.create.fill import empty_like as empty_like
from graphc.ops.create.fill import full as full
from graphc.ops.create.fill import full_like as full_like
from graphc.ops.create.fill import ones as ones
from graphc.ops.create.fill import ones_like as ones_like
from graphc.ops.create.fill import zeros as zeros
from graphc.ops.create.fill import zeros_like as zeros_like
from graphc.ops.create.ranges import arange as arange
from graphc.ops.create.ranges import eye as eye
from graphc.ops.create.ranges import linspace as linspace
from graphc.ops.create.ranges import logspace as logspace
from graphc.ops.create.ranges import range as range
from graphc.ops.create.ranges import tril_indices as tril_indices
from graphc.ops.create.ranges import triu_indices as triu_indices
from graphc.ops.elementwise.arithmetic import positive as positive
from graphc.ops.elementwise.comparison import allclose as allclose
from graphc.ops.elementwise.comparison import equal as equal
from graphc.ops.elementwise.predicates import conj as conj
from graphc.ops.elementwise.predicates import conj_physical as conj_physical
from graphc.ops.elementwise.predicates import real as real
from graphc.ops.elementwise.predicates import resolve_conj as resolve_conj
from graphc.ops.elementwise.predicates import resolve_neg as resolve_neg
from graphc.ops.elementwise.representation import frexp as frexp
from graphc.ops.decompositions.torch_names import pinverse as pinverse
from graphc.ops.decompositions.torch_names import qr as qr
from graphc.ops.decompositions.torch_names import svd as svd
from graphc.ops.indexing.items import index_put as index_put
from graphc.ops.indexing.masks import argwhere as argwhere
from graphc.ops.indexing.masks import masked_select as masked_select
from graphc.ops.indexing.masks import nonzero as nonzero
from graphc.ops.indexing.masks import where as where
from graphc.ops.indexing.searching import bucketize as bucketize
from graphc.ops.indexing.searching import isin as isin
from graphc.ops.indexing.searching import searchsorted as searchsorted
from graphc.ops.indexing.strides import as_strided as as_strided
from graphc.ops.indexing.strides import as_strided_scatter as as_strided_scatter
from graphc.ops.linear_algebra.einsum import einsum as einsum
from graphc.ops.linear_algebra.square_matrices import det as det
from graphc.ops.linear_algebra.square_matrices import slogdet as slogdet
from graphc.ops.linear_algebra.triangular import lu_solve as lu_solve
from graphc.ops.linear_algebra.triangular import lu_unpack as lu_unpack
from graphc.ops.linear_algebra.triangular import triangular_solve as triangular_solve
from graphc.ops.nn.dropout import dropout as dropout
from graphc.ops.queries import broadcast_shapes as broadcast_shapes
from graphc.ops.queries import can_cast as can_cast
from graphc.ops.queries import is_complex as is_complex
from graphc.ops.queries import is_conj as is_conj
from graphc.ops.queries import is_inference as is_inference
from graphc.ops.queries import is_neg as is_neg
from graphc.ops.queries import is_nonzero as is_nonzero
from graphc.ops.queries import is_same_size as is_same_size
from graphc.ops.queries import is_signed as is_signed
from graphc.ops.queries import is_tensor as is_tensor
from graphc.ops.queries import numel as numel
from graphc.ops.random.distributions import multinomial as multinomial
from graphc.ops.random.floats import normal as normal
from graphc.ops.random.floats import rand as rand
from graphc.ops.random.floats import rand_like as rand_like
from graphc.ops.random.floats import randn as randn
from graphc.ops.random.floats import randn_like as randn_like
from graphc.ops.random.generator import Generator as Generator
from graphc.ops.random.generator import default_generator as default_generator
from graphc.ops.random.generator import get_rng_state as get_rng_state
from graphc.ops.random.generator import initial_seed as initial_seed
from graphc.ops.random.generator import manual_seed as manual_seed
from graphc.ops.random.generator import seed as seed
from graphc.ops.random.generator import set_rng_state as set_rng_state
from graphc.ops.random.integers import bernoulli as bernoulli
from graphc.ops.random.integers import randint as randint
from graphc.ops.random.integers import randint_like as randint_like
from graphc.ops.random.integers import randperm as randperm
from graphc.ops.reduce.counting import bincount as bincount
from graphc.ops.reduce.counting import unique as unique
from graphc.ops.reduce.counting import unique_consecutive as unique_consecutive
from graphc.ops.reduce.cumulative import cummax as cummax
from graphc.ops.reduce.cumulative import cummin as cummin
from graphc.ops.reduce.differences import gradient as gradient
from graphc.ops.reduce.distances import pdist as pdist
from graphc.ops.reduce.extremes import max as max
from graphc.ops.reduce.extremes import min as min
from graphc.ops.reduce.histograms import histc as histc
from graphc.ops.reduce.histograms import histogram as histogram
from graphc.ops.reduce.norms import norm as norm
from graphc.ops.reduce.order_statistics import kthvalue as kthvalue
from graphc.ops.reduce.order_statistics import mode as mode
from graphc.ops.reduce.order_statistics import nanmedian as nanmedian
from graphc.ops.reduce.order_statistics import nanquantile as nanquantile
from graphc.ops.reduce.order_statistics import quantile as quantile
from graphc.ops.reduce.sorting import argsort as argsort
from graphc.ops.reduce.sorting import median as median
from graphc.ops.reduce.sorting import msort as msort
from graphc.ops.reduce.sorting import sort as sort
from graphc.ops.reduce.sorting import topk as topk
from graphc.ops.shape.parts import dsplit as dsplit
from graphc.ops.shape.parts import hsplit as hsplit
from graphc.ops.shape.parts import tensor_split as tensor_split
from graphc.ops.shape.parts import vsplit as vsplit
from graphc.ops.shape.products import cartesian_prod as cartesian_prod
from graphc.ops.shape.products import combinations as combinations
from graphc.ops.shape.repetition import meshgrid as meshgrid
from graphc.ops.shape.sizes import ravel as ravel
from graphc.recording.policy import EagerReport as EagerReport
from graphc.recording.policy import eager_report as eager_report
from graphc.recording.policy import get_eager as get_eager
from graphc.recording.policy import set_eager as set_eager
from graphc.settings import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
from graphc.settings import get_default_device as get_default_device
from graphc.settings import get_float32_matmul_precision as get_float32_matmul_precision
from graphc.settings import set_default_device as set_default_device
from graphc.settings import set_float32_matmul_precision as set_float32_matmul_precision
from graphc.settings import typename as typename
from graphc.settings import use_deterministic_algorithms as use_deterministic_algorithms
from graphc.tensors.devices import device as device
from graphc.tensors.formats import channels_last as channels_last
from graphc.tensors.formats import channels_last_3d as channels_last_3d
from graphc.tensors.formats import contiguous_format as contiguous_format
from graphc.tensors.formats import layout as layout
from graphc.tensors.formats import memory_format as memory_format
from graphc.tensors.formats import preserve_format as preserve_format
from graphc.tensors.formats import strided as strided
from graphc.tensors.tensor import Tensor as Tensor
from graphc.tensors.typed import BoolTensor as BoolTensor
from graphc.tensors.typed import ByteTensor as ByteTensor
from graphc.tensors.typed import DoubleTensor as DoubleTensor
from graphc.tensors.typed import FloatTensor as FloatTensor
from graphc.tensors.typed import IntTensor as IntTensor
from graphc.tensors.typed import LongTensor as LongTensor
from graphc.utils.serialization import load as load
from graphc.utils.serialization import save as save
__version__: str
def add(input: Tensor | builtins.float, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor: ...
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor: ...
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor: ...
def lerp(input: Tensor, end: Tensor, weight: Tensor | builtins.float) -> Tensor: ...
def mul(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def multiply(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def neg(input: Tensor) -> Tensor: ...
def negative(input: Tensor) -> Tensor: ...
def rsub(input: Tensor | builtins.float, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor: ...
def sub(input: Tensor | builtins.float, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor: ...
def subtract(input: Tensor | builtins.float, other: Tensor | builtins.float, *, alpha: builtins.float = 1) -> Tensor: ...
def bitwise_and(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Return the bits set in both operands; for bools, their logical and.

    Args:
        input: tensor of integers or bools, or a number.
        other: tensor of integers or bools, or a number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is a float dtype.

    Example:
        >>> graphc.bitwise_and(graphc.tensor([12, 10]), 6)
        tensor([4, 2])
    """
def bitwise_left_shift(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def bitwise_not(input: Tensor) -> Tensor: ...
def bitwise_or(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Return the bits set in at least one operand; for bools, their logical or.

    Args:
        input: tensor of integers or bools, or a number.
        other: tensor of integers or bools, or a number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is a float dtype.

    Example:
        >>> graphc.bitwise_or(graphc.tensor([12, 10]), 6)
        tensor([14, 14])
    """
def bitwise_right_shift(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def bitwise_xor(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Return the bits set in exactly one operand; for bools, their exclusive or.

    Args:
        input: tensor of integers or bools, or a number.
        other: tensor of integers or bools, or a number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.
        NotImplementedError: if the promoted dtype is a float dtype.

    Example:
        >>> graphc.bitwise_xor(graphc.tensor([12, 10]), 6)
        tensor([10, 12])
    """
def clamp(input: Tensor, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Tensor: ...
def clamp_max(input: Tensor, max: Tensor | builtins.float) -> Tensor: ...
def clamp_min(input: Tensor, min: Tensor | builtins.float) -> Tensor: ...
def clip(input: Tensor, min: Tensor | builtins.float | None = None, max: Tensor | builtins.float | None = None) -> Tensor: ...
def fmax(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Return the larger of two values, elementwise; if one is NaN, the other one.

    The gradient of equal operands goes to input.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.fmax(graphc.tensor([1.0, float("nan")]), graphc.tensor([3.0, 2.0]))
        tensor([3., 2.])
    """
def fmin(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Return the smaller of two values, elementwise; if one is NaN, the other one.

    The gradient of equal operands goes to input.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.fmin(graphc.tensor([1.0, float("nan")]), graphc.tensor([3.0, 2.0]))
        tensor([1., 2.])
    """
def maximum(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Return the larger of two values, elementwise; NaN if either is NaN.

    Each of two equal operands gets half of the gradient.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.maximum(graphc.tensor([1.0, 5.0]), graphc.tensor([3.0, 2.0]))
        tensor([3., 5.])
    """
def minimum(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Return the smaller of two values, elementwise; NaN if either is NaN.

    Each of two equal operands gets half of the gradient.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.minimum(graphc.tensor([1.0, 5.0]), graphc.tensor([3.0, 2.0]))
        tensor([1., 2.])
    """
def eq(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Compare elementwise: return whether input == other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.eq(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([False,  True, False])
    """
def ge(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Compare elementwise: return whether input >= other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.ge(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([False,  True,  True])
    """
def greater(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def greater_equal(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def gt(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Compare elementwise: return whether input > other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.gt(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([False, False,  True])
    """
def isclose(input: Tensor, other: Tensor | builtins.float, rtol: builtins.float = 1e-05, atol: builtins.float = 1e-08, equal_nan: builtins.bool = False) -> Tensor: ...
def le(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Compare elementwise: return whether input <= other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.le(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([ True,  True, False])
    """
def less(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def less_equal(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def lt(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Compare elementwise: return whether input < other.

    Comparisons with NaN are false.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.lt(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([ True, False, False])
    """
def ne(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor:
    """Compare elementwise: return whether input != other.

    NaN is not equal to anything, itself included.

    Args:
        input: tensor or number.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.ne(graphc.tensor([1.0, 2.0, 3.0]), 2)
        tensor([ True, False,  True])
    """
def not_equal(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def div(input: Tensor | builtins.float, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor: ...
def divide(input: Tensor | builtins.float, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor: ...
def floor_divide(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def fmod(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def gcd(input: Tensor, other: Tensor) -> Tensor: ...
def lcm(input: Tensor, other: Tensor) -> Tensor: ...
def reciprocal(input: Tensor) -> Tensor: ...
def remainder(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def true_divide(input: Tensor | builtins.float, other: Tensor | builtins.float, *, rounding_mode: str | None = None) -> Tensor: ...
def exp(input: Tensor) -> Tensor: ...
def exp2(input: Tensor) -> Tensor: ...
def expm1(input: Tensor) -> Tensor: ...
def log(input: Tensor) -> Tensor: ...
def log1p(input: Tensor) -> Tensor: ...
def log2(input: Tensor) -> Tensor: ...
def log10(input: Tensor) -> Tensor: ...
def logaddexp(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def logaddexp2(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def acosh(input: Tensor) -> Tensor: ...
def arccosh(input: Tensor) -> Tensor: ...
def arcsinh(input: Tensor) -> Tensor: ...
def arctanh(input: Tensor) -> Tensor: ...
def asinh(input: Tensor) -> Tensor: ...
def atanh(input: Tensor) -> Tensor: ...
def cosh(input: Tensor) -> Tensor: ...
def sinh(input: Tensor) -> Tensor: ...
def tanh(input: Tensor) -> Tensor: ...
def logical_and(input: Tensor, other: Tensor | builtins.float) -> Tensor:
    """Test which elements are true in both operands.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_and(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False, False, False,  True])
    """
def logical_not(input: Tensor) -> Tensor: ...
def logical_or(input: Tensor, other: Tensor | builtins.float) -> Tensor:
    """Test which elements are true in at least one operand.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_or(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False,  True,  True,  True])
    """
def logical_xor(input: Tensor, other: Tensor | builtins.float) -> Tensor:
    """Test which elements are true in exactly one operand.

    Args:
        input: tensor of any dtype; elements that are not 0 are true, NaN included.
        other: tensor or number; its shape broadcasts with that of input.

    Returns:
        Bool tensor of the broadcast shape.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.logical_xor(graphc.tensor([0, 0, 1, 1]), graphc.tensor([0, 2, 0, 2]))
        tensor([False,  True,  True, False])
    """
def float_power(input: Tensor | builtins.float, exponent: Tensor | builtins.float) -> Tensor: ...
def pow(input: Tensor | builtins.float, exponent: Tensor | builtins.float) -> Tensor: ...
def rsqrt(input: Tensor) -> Tensor: ...
def sqrt(input: Tensor) -> Tensor: ...
def square(input: Tensor) -> Tensor: ...
def angle(input: Tensor) -> Tensor: ...
def isfinite(input: Tensor) -> Tensor: ...
def isinf(input: Tensor) -> Tensor: ...
def isnan(input: Tensor) -> Tensor: ...
def isneginf(input: Tensor) -> Tensor: ...
def isposinf(input: Tensor) -> Tensor: ...
def isreal(input: Tensor) -> Tensor: ...
def ldexp(input: Tensor, other: Tensor) -> Tensor: ...
def nextafter(input: Tensor, other: Tensor) -> Tensor: ...
def ceil(input: Tensor) -> Tensor:
    """Return the smallest integer that is at least input.

    Integers and bools are returned unchanged; the gradient is 0.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.ceil(graphc.tensor([1.5, -1.5]))
        tensor([ 2., -1.])
    """
def fix(input: Tensor) -> Tensor: ...
def floor(input: Tensor) -> Tensor:
    """Return the largest integer that is at most input.

    Integers and bools are returned unchanged; the gradient is 0.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.floor(graphc.tensor([1.5, -1.5]))
        tensor([ 1., -2.])
    """
def frac(input: Tensor) -> Tensor: ...
def round(input: Tensor, *, decimals: builtins.int = 0) -> Tensor: ...
def trunc(input: Tensor) -> Tensor:
    """Round input towards zero.

    Integers and bools are returned unchanged; the gradient is 0.

    Args:
        input: tensor.

    Returns:
        Tensor of the shape and dtype of input.

    Example:
        >>> graphc.trunc(graphc.tensor([1.5, -1.5]))
        tensor([ 1., -1.])
    """
def abs(input: Tensor) -> Tensor: ...
def absolute(input: Tensor) -> Tensor: ...
def copysign(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def nan_to_num(input: Tensor, nan: builtins.float | None = None, posinf: builtins.float | None = None, neginf: builtins.float | None = None) -> Tensor: ...
def sgn(input: Tensor) -> Tensor: ...
def sign(input: Tensor) -> Tensor: ...
def signbit(input: Tensor) -> Tensor: ...
def erf(input: Tensor) -> Tensor: ...
def heaviside(input: Tensor, values: Tensor | builtins.float) -> Tensor: ...
def logit(input: Tensor, eps: builtins.float | None = None) -> Tensor: ...
def sigmoid(input: Tensor) -> Tensor: ...
def sinc(input: Tensor) -> Tensor: ...
def xlogy(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def acos(input: Tensor) -> Tensor: ...
def arccos(input: Tensor) -> Tensor: ...
def arcsin(input: Tensor) -> Tensor: ...
def arctan(input: Tensor) -> Tensor: ...
def arctan2(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def asin(input: Tensor) -> Tensor: ...
def atan(input: Tensor) -> Tensor: ...
def atan2(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def cos(input: Tensor) -> Tensor: ...
def deg2rad(input: Tensor) -> Tensor: ...
def hypot(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def rad2deg(input: Tensor) -> Tensor: ...
def sin(input: Tensor) -> Tensor: ...
def tan(input: Tensor) -> Tensor: ...
def gather(input: Tensor, dim: builtins.int, index: Tensor, *, sparse_grad: builtins.bool = False) -> Tensor: ...
def index_select(input: Tensor, dim: builtins.int, index: Tensor) -> Tensor: ...
def take(input: Tensor, index: Tensor) -> Tensor: ...
def take_along_dim(input: Tensor, indices: Tensor, dim: builtins.int | None = None) -> Tensor: ...
def masked_fill(input: Tensor, mask: Tensor, value: Tensor | builtins.float) -> Tensor: ...
def index_reduce(input: Tensor, dim: builtins.int, index: Tensor, source: Tensor, reduce: str, *, include_self: builtins.bool = True) -> Tensor: ...
def scatter_reduce(input: Tensor, dim: builtins.int, index: Tensor, src: Tensor, reduce: str, *, include_self: builtins.bool = True) -> Tensor: ...
def scatter(input: Tensor, dim: builtins.int, index: Tensor, src: Tensor | builtins.float | None = None, *, value: Tensor | builtins.float | None = None, reduce: str | None = None) -> Tensor: ...
def scatter_add(input: Tensor, dim: builtins.int, index: Tensor, src: Tensor) -> Tensor: ...
def index_add(input: Tensor, dim: builtins.int, index: Tensor, source: Tensor, *, alpha: builtins.float = 1) -> Tensor: ...
def index_copy(input: Tensor, dim: builtins.int, index: Tensor, source: Tensor) -> Tensor: ...
def index_fill(input: Tensor, dim: builtins.int, index: Tensor, value: Tensor | builtins.float) -> Tensor: ...
def diagonal_scatter(input: Tensor, src: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor: ...
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor: ...
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: builtins.bool = False) -> Tensor: ...
def select_scatter(input: Tensor, src: Tensor, dim: builtins.int, index: builtins.int) -> Tensor: ...
def slice_scatter(input: Tensor, src: Tensor, dim: builtins.int = 0, start: builtins.int | None = None, end: builtins.int | None = None, step: builtins.int = 1) -> Tensor: ...
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor: ...
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor: ...
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor: ...
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor: ...
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: builtins.float = 1, alpha: builtins.float = 1) -> Tensor: ...
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor: ...
def cholesky(input: Tensor, upper: builtins.bool = False) -> Tensor: ...
def cholesky_inverse(input: Tensor, upper: builtins.bool = False) -> Tensor: ...
def cholesky_solve(B: Tensor, L: Tensor, upper: builtins.bool = False) -> Tensor: ...
def tensordot(a: Tensor, b: Tensor, dims: builtins.int | Sequence[Sequence[builtins.int]] = 2) -> Tensor: ...
def matrix_exp(A: Tensor) -> Tensor: ...
def bmm(input: Tensor, mat2: Tensor) -> Tensor: ...
def dot(input: Tensor, tensor: Tensor) -> Tensor: ...
def matmul(input: Tensor, other: Tensor) -> Tensor: ...
def mm(input: Tensor, mat2: Tensor) -> Tensor: ...
def mv(input: Tensor, vec: Tensor) -> Tensor: ...
def vdot(input: Tensor, tensor: Tensor) -> Tensor: ...
def inverse(input: Tensor) -> Tensor: ...
def logdet(input: Tensor) -> Tensor: ...
def matrix_power(input: Tensor, n: builtins.int) -> Tensor: ...
def trace(input: Tensor) -> Tensor: ...
def cross(input: Tensor, other: Tensor, dim: builtins.int = -1) -> Tensor: ...
def ger(input: Tensor, vec2: Tensor) -> Tensor: ...
def inner(input: Tensor, other: Tensor) -> Tensor: ...
def kron(input: Tensor, other: Tensor) -> Tensor: ...
def outer(input: Tensor, vec2: Tensor) -> Tensor: ...
def embedding(input: Tensor, weight: Tensor, padding_idx: builtins.int | None = None, max_norm: builtins.float | None = None, norm_type: builtins.float = 2.0, scale_grad_by_freq: builtins.bool = False, sparse: builtins.bool = False) -> Tensor: ...
def celu(input: Tensor, alpha: builtins.float = 1.0, inplace: builtins.bool = False) -> Tensor: ...
def prelu(input: Tensor, weight: Tensor) -> Tensor: ...
def relu(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def selu(input: Tensor, inplace: builtins.bool = False) -> Tensor: ...
def threshold(input: Tensor, threshold: builtins.float, value: builtins.float, inplace: builtins.bool = False) -> Tensor: ...
def hardshrink(input: Tensor, lambd: builtins.float = 0.5) -> Tensor: ...
def log_softmax(input: Tensor, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: DTypeLike = None) -> Tensor: ...
def softmax(input: Tensor, dim: builtins.int | None = None, _stacklevel: builtins.int = 3, dtype: DTypeLike = None) -> Tensor: ...
def corrcoef(input: Tensor) -> Tensor: ...
def cov(input: Tensor, *, correction: builtins.int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor: ...
def cumprod(input: Tensor, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor: ...
def cumsum(input: Tensor, dim: builtins.int, *, dtype: DTypeLike = None) -> Tensor: ...
def logcumsumexp(input: Tensor, dim: builtins.int) -> Tensor: ...
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: builtins.float | None = None, dim: builtins.int = -1) -> Tensor: ...
def diff(input: Tensor, n: builtins.int = 1, dim: builtins.int = -1, prepend: Tensor | None = None, append: Tensor | None = None) -> Tensor: ...
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: builtins.float | None = None, dim: builtins.int = -1) -> Tensor: ...
def trapz(y: Tensor, x: Tensor | None = None, *, dx: builtins.float | None = None, dim: builtins.int = -1) -> Tensor: ...
def cdist(x1: Tensor, x2: Tensor, p: builtins.float = 2.0) -> Tensor: ...
def cosine_similarity(x1: Tensor, x2: Tensor, dim: builtins.int = 1, eps: builtins.float = 1e-08) -> Tensor: ...
def dist(input: Tensor, other: Tensor, p: builtins.float = 2.0) -> Tensor: ...
def pairwise_distance(x1: Tensor, x2: Tensor, p: builtins.float = 2.0, eps: builtins.float = 1e-06, keepdim: builtins.bool = False) -> Tensor: ...
def renorm(input: Tensor, p: builtins.float, dim: builtins.int, maxnorm: builtins.float) -> Tensor: ...
def amax(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = (), keepdim: builtins.bool = False) -> Tensor:
    """Return the largest element, of all of them or along axes; NaN where one of them is.

    The gradient is shared equally by elements that tie.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes, and of its dtype.

    Raises:
        IndexError: if an axis is empty or out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.amax(graphc.tensor([[1, 5], [7, 3]]), dim=1)
        tensor([5, 7])
    """
def amin(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = (), keepdim: builtins.bool = False) -> Tensor:
    """Return the smallest element, of all of them or along axes; NaN where one of them is.

    The gradient is shared equally by elements that tie.

    Args:
        input: tensor.
        dim: int or tuple of ints, the axes to reduce; None or () means all.
        keepdim: whether the reduced axes stay with extent 1.

    Returns:
        Tensor of the shape of input without the reduced axes, and of its dtype.

    Raises:
        IndexError: if an axis is empty or out of range.
        RuntimeError: if an axis is given twice.

    Example:
        >>> graphc.amin(graphc.tensor([[1, 5], [7, 3]]), dim=1)
        tensor([1, 3])
    """
def aminmax(input: Tensor, *, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> tuple[Tensor, Tensor]: ...
def argmax(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
    """Return the index of the largest element, the first of those that tie; NaN counts as the largest.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None gives the index in the flattened tensor.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        int64 tensor of the shape of input without the axis, of shape () if dim is None.

    Raises:
        IndexError: if the axis, or for dim None the tensor, is empty, or the axis is out of range.

    Example:
        >>> graphc.argmax(graphc.tensor([[1, 5], [7, 3]]), dim=1)
        tensor([1, 0])
    """
def argmin(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor:
    """Return the index of the smallest element, the first of those that tie; NaN counts as the smallest.

    Args:
        input: tensor.
        dim: int, the axis to reduce; None gives the index in the flattened tensor.
        keepdim: whether the reduced axis stays with extent 1.

    Returns:
        int64 tensor of the shape of input without the axis, of shape () if dim is None.

    Raises:
        IndexError: if the axis, or for dim None the tensor, is empty, or the axis is out of range.

    Example:
        >>> graphc.argmin(graphc.tensor([[1, 5], [7, 3]]), dim=1)
        tensor([0, 1])
    """
def all(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False) -> Tensor: ...
def any(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False) -> Tensor: ...
def count_nonzero(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None) -> Tensor: ...
def std(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, unbiased: builtins.bool = True, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> Tensor: ...
def std_mean(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, unbiased: builtins.bool = True, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> tuple[Tensor, Tensor]: ...
def var(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, unbiased: builtins.bool = True, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> Tensor: ...
def var_mean(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, unbiased: builtins.bool = True, keepdim: builtins.bool = False, *, correction: builtins.float | None = None) -> tuple[Tensor, Tensor]: ...
def logsumexp(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None, keepdim: builtins.bool = False) -> Tensor: ...
def mean(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None) -> Tensor: ...
def nanmean(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False) -> Tensor: ...
def nansum(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None) -> Tensor: ...
def prod(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None) -> Tensor: ...
def sum(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None, keepdim: builtins.bool = False, *, dtype: DTypeLike = None) -> Tensor: ...
def adjoint(input: Tensor) -> Tensor: ...
def moveaxis(input: Tensor, source: builtins.int | Sequence[builtins.int], destination: builtins.int | Sequence[builtins.int]) -> Tensor: ...
def movedim(input: Tensor, source: builtins.int | Sequence[builtins.int], destination: builtins.int | Sequence[builtins.int]) -> Tensor: ...
def permute(input: Tensor, *order: builtins.int | Sequence[builtins.int], dims: Sequence[builtins.int] | None = None) -> Tensor: ...
def swapaxes(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def swapdims(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def t(input: Tensor) -> Tensor: ...
def transpose(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def diag(input: Tensor, diagonal: builtins.int = 0) -> Tensor: ...
def diag_embed(input: Tensor, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1) -> Tensor: ...
def diagflat(input: Tensor, offset: builtins.int = 0) -> Tensor: ...
def diagonal(input: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor: ...
def tril(input: Tensor, diagonal: builtins.int = 0) -> Tensor: ...
def triu(input: Tensor, diagonal: builtins.int = 0) -> Tensor: ...
def block_diag(*tensors: Tensor) -> Tensor: ...
def cat(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor: ...
def column_stack(tensors: Sequence[Tensor]) -> Tensor: ...
def concat(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor: ...
def concatenate(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor: ...
def dstack(tensors: Sequence[Tensor]) -> Tensor: ...
def hstack(tensors: Sequence[Tensor]) -> Tensor: ...
def row_stack(tensors: Sequence[Tensor]) -> Tensor: ...
def stack(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor: ...
def vstack(tensors: Sequence[Tensor]) -> Tensor: ...
def flip(input: Tensor, *along: builtins.int | Sequence[builtins.int], dims: builtins.int | Sequence[builtins.int] | None = None) -> Tensor: ...
def fliplr(input: Tensor) -> Tensor: ...
def flipud(input: Tensor) -> Tensor: ...
def roll(input: Tensor, shifts: builtins.int | Sequence[builtins.int], dims: builtins.int | Sequence[builtins.int] | None = None) -> Tensor: ...
def rot90(input: Tensor, k: builtins.int = 1, dims: Sequence[builtins.int] = (0, 1)) -> Tensor: ...
def constant_pad_nd(input: Tensor, pad: Sequence[builtins.int], value: builtins.float = 0) -> Tensor: ...
def chunk(input: Tensor, chunks: builtins.int, dim: builtins.int = 0) -> tuple[Tensor, ...]: ...
def split(tensor: Tensor, split_size_or_sections: builtins.int | Sequence[builtins.int], dim: builtins.int = 0) -> tuple[Tensor, ...]: ...
def split_with_sizes(input: Tensor, split_sizes: Sequence[builtins.int], dim: builtins.int = 0) -> tuple[Tensor, ...]: ...
def unbind(input: Tensor, dim: builtins.int = 0) -> tuple[Tensor, ...]: ...
def vander(x: Tensor, N: builtins.int | None = None, increasing: builtins.bool = False) -> Tensor: ...
def atleast_1d(input: Tensor) -> Tensor: ...
def atleast_2d(input: Tensor) -> Tensor: ...
def atleast_3d(input: Tensor) -> Tensor: ...
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]: ...
def broadcast_to(input: Tensor, size: Sequence[builtins.int]) -> Tensor: ...
def repeat_interleave(input: Tensor, repeats: builtins.int, dim: builtins.int | None = None) -> Tensor: ...
def tile(input: Tensor, *sizes: builtins.int | Sequence[builtins.int], dims: Sequence[builtins.int] | None = None) -> Tensor: ...
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor: ...
def flatten(input: Tensor, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor: ...
def reshape(input: Tensor, *sizes: builtins.int | Sequence[builtins.int], shape: Sequence[builtins.int] | None = None) -> Tensor: ...
def squeeze(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None) -> Tensor: ...
def unflatten(input: Tensor, dim: builtins.int, sizes: Sequence[builtins.int]) -> Tensor: ...
def unsqueeze(input: Tensor, dim: builtins.int) -> Tensor: ...
def narrow(input: Tensor, dim: builtins.int, start: builtins.int | Tensor, length: builtins.int) -> Tensor: ...
def select(input: Tensor, dim: builtins.int, index: builtins.int | Tensor) -> Tensor: ...
def i0(input: Tensor) -> Tensor:
    """Return the modified Bessel function of the first kind of order 0.

    Args:
        input: tensor; integers and bools are converted to the default float dtype.

    Returns:
        Tensor of the shape of input, of its dtype if that is a float dtype, else of the default one.

    Example:
        >>> graphc.special.i0(graphc.tensor([0.0, 1.0]))
        tensor([1.0000, 1.2661])
    """
def erfc(input: Tensor) -> Tensor: ...
def erfinv(input: Tensor) -> Tensor: ...
def digamma(input: Tensor) -> Tensor: ...
def lgamma(input: Tensor) -> Tensor: ...
def igamma(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def igammac(input: Tensor | builtins.float, other: Tensor | builtins.float) -> Tensor: ...
def mvlgamma(input: Tensor, p: builtins.int) -> Tensor: ...
def polygamma(n: builtins.int, input: Tensor) -> Tensor: ...
e: builtins.float
inf: builtins.float
nan: builtins.float
newaxis: None
pi: builtins.float

__all__ = [
    "BoolTensor", "ByteTensor", "DoubleTensor", "EagerReport", "FloatTensor", "Generator", "IntTensor", "LongTensor",
    "Size", "Tensor", "TracingError", "__version__", "abs", "absolute", "acos", "acosh", "add", "addbmm", "addcdiv",
    "addcmul", "addmm", "addmv", "addr", "adjoint", "all", "allclose", "amax", "amin", "aminmax", "amp", "angle", "any",
    "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "are_deterministic_algorithms_enabled", "argmax", "argmin", "argsort", "argwhere", "as_strided",
    "as_strided_scatter", "as_tensor", "asarray", "asin", "asinh", "atan", "atan2", "atanh", "atleast_1d", "atleast_2d",
    "atleast_3d", "autograd", "backends", "baddbmm", "bernoulli", "bilinear", "bincount", "bitwise_and",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "block_diag", "bmm",
    "bool", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "bucketize", "can_cast", "cartesian_prod", "cat",
    "cdist", "ceil", "celu", "channels_last", "channels_last_3d", "cholesky", "cholesky_inverse", "cholesky_solve",
    "chunk", "clamp", "clamp_max", "clamp_min", "clip", "clone", "column_stack", "combinations", "compile", "concat",
    "concatenate", "cond", "conj", "conj_physical", "constant_pad_nd", "contiguous_format", "copysign", "corrcoef",
    "cos", "cosh", "cosine_similarity", "count_nonzero", "cov", "cross", "cuda", "cummax", "cummin", "cumprod",
    "cumsum", "cumulative_trapezoid", "default_generator", "deg2rad", "det", "device", "diag", "diag_embed", "diagflat",
    "diagonal", "diagonal_scatter", "diff", "digamma", "dist", "distributions", "div", "divide", "dot", "double",
    "dropout", "dsplit", "dstack", "dtype", "e", "eager_report", "einsum", "embedding", "empty", "empty_like",
    "enable_grad", "eq", "equal", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "eye", "finfo", "fix", "flatten",
    "flip", "fliplr", "flipud", "float", "float32", "float64", "float_power", "floor", "floor_divide", "fmax", "fmin",
    "fmod", "fori_loop", "frac", "frexp", "from_numpy", "full", "full_like", "func", "gather", "gcd", "ge", "ger",
    "get_default_device", "get_default_dtype", "get_eager", "get_float32_matmul_precision", "get_num_threads",
    "get_rng_state", "gradient", "greater", "greater_equal", "gt", "hardshrink", "heaviside", "histc", "histogram",
    "hsplit", "hstack", "hypot", "i0", "igamma", "igammac", "iinfo", "index_add", "index_copy", "index_fill",
    "index_put", "index_reduce", "index_select", "inf", "inference_mode", "initial_seed", "inner", "int", "int32",
    "int64", "inverse", "is_complex", "is_conj", "is_floating_point", "is_grad_enabled", "is_inference", "is_neg",
    "is_nonzero", "is_same_size", "is_signed", "is_tensor", "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf",
    "isposinf", "isreal", "jit", "kron", "kthvalue", "layout", "lcm", "ldexp", "le", "lerp", "less", "less_equal",
    "lgamma", "linalg", "linspace", "load", "log", "log10", "log1p", "log2", "log_softmax", "logaddexp", "logaddexp2",
    "logcumsumexp", "logdet", "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "logspace",
    "logsumexp", "long", "lt", "lu_solve", "lu_unpack", "manual_seed", "masked_fill", "masked_scatter", "masked_select",
    "matmul", "matrix_exp", "matrix_power", "max", "maximum", "mean", "median", "memory_format", "meshgrid", "min",
    "minimum", "mm", "mode", "moveaxis", "movedim", "msort", "mul", "multinomial", "multiply", "mv", "mvlgamma", "nan",
    "nan_to_num", "nanmean", "nanmedian", "nanquantile", "nansum", "narrow", "ne", "neg", "negative", "newaxis",
    "nextafter", "nn", "no_grad", "nonzero", "norm", "normal", "not_equal", "numel", "ones", "ones_like", "optim",
    "outer", "pairwise_distance", "pdist", "permute", "pi", "pinverse", "polygamma", "positive", "pow", "prelu",
    "preserve_format", "prod", "promote_types", "put", "qr", "quantile", "rad2deg", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "random", "randperm", "range", "ravel", "real", "reciprocal", "relu",
    "remainder", "renorm", "repeat_interleave", "reshape", "resolve_conj", "resolve_neg", "result_type", "roll",
    "rot90", "round", "row_stack", "rsqrt", "rsub", "save", "scalar_tensor", "scan", "scatter", "scatter_add",
    "scatter_reduce", "searchsorted", "seed", "select", "select_scatter", "selu", "set_default_device",
    "set_default_dtype", "set_eager", "set_float32_matmul_precision", "set_grad_enabled", "set_num_threads",
    "set_printoptions", "set_rng_state", "sgn", "sigmoid", "sign", "signbit", "sin", "sinc", "sinh", "slice_scatter",
    "slogdet", "softmax", "sort", "special", "split", "split_with_sizes", "sqrt", "square", "squeeze", "stack", "std",
    "std_mean", "strided", "sub", "subtract", "sum", "svd", "swapaxes", "swapdims", "t", "take", "take_along_dim",
    "tan", "tanh", "tensor", "tensor_split", "tensordot", "threads", "threshold", "tile", "topk", "trace", "transpose",
    "trapezoid", "trapz", "triangular_solve", "tril", "tril_indices", "triu", "triu_indices", "true_divide", "trunc",
    "typename", "uint8", "unbind", "unflatten", "unique", "unique_consecutive", "unsqueeze",
    "use_deterministic_algorithms", "utils", "vander", "var", "var_mean", "vdot", "vmap", "vsplit", "vstack", "where",
    "while_loop", "xlogy", "zeros", "zeros_like",
]
