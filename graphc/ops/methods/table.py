"""All methods of tensors that are operations; importing this module adds them to the class."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from graphc.core.errors import guard
from graphc.dispatch.operation import operator
from graphc.ops import queries
from graphc.ops.decompositions import torch_names
from graphc.ops.elementwise import (
    arithmetic,
    bits,
    bounds,
    comparison,
    division,
    exponential,
    hyperbolic,
    logic,
    powers,
    predicates,
    representation,
    rounding,
    signs,
    special,
    trigonometric,
)
from graphc.ops.indexing import gather, items, masks, reductions, scatter, slices, strides, writing
from graphc.ops.linear_algebra import affine, cholesky, matrices, matrix_exponential, square_matrices, triangular, vectors
from graphc.ops.methods import conversion, filling, placement, subscripts
from graphc.ops.methods.in_place import INPLACE, in_place
from graphc.ops.methods.operators import IN_PLACE_OPERATORS, OPERATORS
from graphc.ops.nn import rectifiers, softmax
from graphc.ops.random import distributions, integers
from graphc.ops.reduce import (
    counting,
    covariances,
    cumulative,
    differences,
    distances,
    extremes,
    histograms,
    moments,
    norms,
    order_statistics,
    sorting,
    sums,
)
from graphc.ops.reduce import logic as reduce_logic
from graphc.ops.shape import axes, diagonals, order, parts, repetition, sizes
from graphc.ops.shape import slices as shape_slices
from graphc.ops.special import bessel, errors, gamma, incomplete, zeta
from graphc.tensors.tensor import Tensor

__all__ = ["METHODS", "SPECIAL"]

MODULES: tuple[Any, ...] = (
    arithmetic, bits, bounds, comparison, division, exponential, gamma, hyperbolic, logic, powers, predicates, rounding,
    signs, special, trigonometric, torch_names, gather, items, masks, reductions, scatter, slices, strides, writing, affine,
    cholesky, matrices, matrix_exponential, square_matrices, triangular, vectors, rectifiers, softmax, distributions,
    integers, counting, covariances, cumulative, differences, distances, extremes, histograms, reduce_logic, moments, norms,
    order_statistics, sorting, sums, axes, diagonals, order, parts, repetition, sizes, shape_slices, representation,
)  # fmt: skip
"""The modules whose functions are methods too."""

FUNCTIONS = frozenset((
    "bilinear", "broadcast_tensors", "cdist", "celu", "cosine_similarity", "cumulative_trapezoid", "elu", "getitem", "gradient",
    "leaky_relu", "linear", "lu_unpack", "meshgrid", "normalize", "one_hot", "pairwise_distance", "pdist", "prelu", "put_item",
    "randint", "randint_like", "randperm", "relu6", "rsub", "selu", "softmin", "std_mean", "threshold", "trapezoid", "trapz",
    "var_mean", "vecdot", "where",
))  # fmt: skip
"""Functions of these modules that are not methods."""

METHODS = {name: getattr(module, name) for module in MODULES for name in module.__all__ if name not in FUNCTIONS}
"""The operations that are methods, by name."""

SPECIAL: dict[str, Any] = {
    **{name: getattr(module, name) for module in (conversion, filling, placement) for name in module.__all__ if name.islower()},
    **placement.PROPERTIES,
    "erfc": errors.erfc,
    "erfinv": errors.erfinv,
    "i0": bessel.i0,
    "igamma": incomplete.igamma,
    "igammac": incomplete.igammac,
    "mvlgamma": zeta.mvlgamma,
    "polygamma": conversion.polygamma,
    **conversion.CONVERTERS,
    **{maker.__name__: maker for maker in conversion.MAKERS},
    "__getitem__": subscripts.get_item,
    "__setitem__": subscripts.set_item,
    "__contains__": subscripts.contains,
    "where": subscripts.where,
    "ndimension": Tensor.dim,
    "T": property(axes.reverse_axes),
    "mT": property(axes.matrix_transpose),
    "mH": property(axes.adjoint),
    "H": property(axes.conjugate_matrix),
    **{n: getattr(queries, n) for n in ("is_conj", "is_inference", "is_neg", "is_nonzero", "is_same_size", "is_signed")},
    "__neg__": arithmetic.neg,
    "__pos__": arithmetic.positive,
    "__abs__": signs.abs,
    "__invert__": bits.bitwise_not,
    **{f"__{name}__": operator(function) for name, function in OPERATORS.items()},
}
"""Methods under other names than their functions', and methods that are not operations."""


GUARDED = frozenset((subscripts.get_item,))
"""Methods that are guarded where they can fail."""


def _guarded(value: Any) -> Any:
    unguarded = isinstance(value, FunctionType) and not hasattr(value, "nodes") and value not in GUARDED
    return guard(value) if unguarded else value


def _complete_class() -> None:
    for name, value in {**METHODS, **SPECIAL}.items():
        setattr(Tensor, name, _guarded(value))
    for name in INPLACE:
        setattr(Tensor, f"{name}_", in_place(getattr(Tensor, name), f"{name}_"))
    for name in IN_PLACE_OPERATORS:
        setattr(Tensor, f"__i{name}__", in_place(OPERATORS[name], f"__i{name}__"))


_complete_class()
