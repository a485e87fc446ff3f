"""A tensor compiler in Python, in PyTorch's words: `import graphc as torch`."""

import types as _types

from graphc import autograd, cuda, func, linalg, nn, optim, random, utils
from graphc import methods as _methods
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
from graphc.core.promotion import broadcast_shapes as _broadcast_shapes
from graphc.ops.activations import (
    cdist, celu, cosine_similarity, hardshrink, log_softmax, pairwise_distance, prelu, relu, selu, softmax, threshold,
)  # fmt: skip
from graphc.ops.attention import embedding
from graphc.ops.comparison import *
from graphc.ops.creation import *
from graphc.ops.indexing import (
    argwhere, gather, index_add, index_copy, index_fill, index_put, index_select, masked_fill, masked_select, nonzero, scatter,
    scatter_add, take, take_along_dim, where,
)  # fmt: skip
from graphc.ops.pointwise import *
from graphc.ops.products import (
    addmm, addmv, baddbmm, bilinear, bmm, cross, dot, einsum, ger, inner, kron, matmul, mm, mv, outer, tensordot, trace, vdot,
)  # fmt: skip
from graphc.ops.random import *
from graphc.ops.reductions import *
from graphc.ops.shape import (
    atleast_1d, atleast_2d, atleast_3d, broadcast_tensors, broadcast_to, cat, chunk, clone, concat, constant_pad_nd, diag,
    diag_embed, diagonal, dstack, flatten, flip, fliplr, flipud, hstack, meshgrid, moveaxis, movedim, narrow, permute, ravel,
    repeat_interleave, reshape, roll, rot90, select, split, split_with_sizes, squeeze, stack, swapaxes, swapdims, t, tile,
    transpose, tril, triu, unbind, unflatten, unsqueeze, vstack,
)  # fmt: skip
from graphc.ops.sorting import *
from graphc.tensors.tensor import Tensor, device
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


def is_tensor(obj: object) -> bool:  # type: ignore[valid-type]
    """Return whether an object is a tensor.

    Args:
        obj: any object.

    Returns:
        bool.

    Example:
        >>> graphc.is_tensor(graphc.ones(2)), graphc.is_tensor(np.ones(2))
        (True, False)
    """
    return isinstance(obj, Tensor)


def numel(input: Tensor) -> int:  # type: ignore[valid-type]
    """Return the number of elements of a tensor.

    Args:
        input: tensor.

    Returns:
        int.

    Example:
        >>> graphc.numel(graphc.ones(2, 3))
        6
    """
    return input.numel()


def broadcast_shapes(*shapes: tuple[int, ...]) -> Size:  # type: ignore[valid-type]
    """Return the shape to which shapes broadcast.

    Args:
        *shapes: sequences of ints.

    Returns:
        graphc.Size.

    Raises:
        RuntimeError: if the shapes do not broadcast.

    Example:
        >>> graphc.broadcast_shapes((2, 1), (3,))
        torch.Size([2, 3])
    """
    return Size(_broadcast_shapes([tuple(s) for s in shapes]))


__version__ = "0.1.0"

_MODULES = (autograd, cuda, func, linalg, nn, optim, random, utils)
__all__ = ["__version__"] + [
    name
    for name, value in list(globals().items())
    if not name.startswith("_") and (value in _MODULES if isinstance(value, _types.ModuleType) else True)
]
_guard_all(globals(), __all__)
