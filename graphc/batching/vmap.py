"""`graphc.vmap`: in_dims and out_dims, and the call of a batched function.

The function is called once, on placeholders for one element of the batch (graphc.batching.trace), and the recorded graph is
batched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from graphc.batching.trace import Batched, BatchTrace
from graphc.core import pytree
from graphc.core.errors import add_location
from graphc.core.pytree import TreeDef
from graphc.dispatch.arguments import from_array
from graphc.ops.random.generator import get_rng_state, set_rng_state
from graphc.ops.shape.joining import cat
from graphc.ops.shape.slices import narrow
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = ["vmap"]

Dims = Any
"""An int, None, or a pytree of them that is a prefix of the pytree it belongs to."""


def vmap(
    func: Callable[..., Any],
    in_dims: Dims = 0,
    out_dims: Dims = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that maps func over an axis of its arguments, vectorized.

    func is called once, on placeholders for one element of the batch, and its graph is batched.

    Args:
        func: function of pytrees of tensors that returns a pytree of tensors.
        in_dims: int, the mapped axis of all positional arguments, or a pytree prefix of them; None for what is not mapped.
            Keyword arguments are not mapped.
        out_dims: int, the position of the mapped axis in the results, or a pytree prefix of them; None for results that do
            not depend on a mapped argument.
        randomness: "error" refuses random operations; with "same" all elements share the numbers; with "different" each has
            those that a loop over func would draw.
        chunk_size: int, the number of elements mapped at a time; None maps all at once.

    Returns:
        Function of the arguments of func, with the mapped axis added to arguments and results.

    Raises:
        ValueError: if in_dims or out_dims do not fit, the extents of the mapped axes differ, or chunk_size is not positive.
        RuntimeError: if randomness is unknown, a random operation is refused, or a batch is written in place to a tensor
            without the mapped axis.
        TracingError: if func asks for the value of a batched tensor.

    Example:
        >>> a = graphc.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> graphc.vmap(graphc.dot)(a, a)
        tensor([ 5., 25.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        try:
            call = _Call(func, in_dims, out_dims, randomness, args, kwargs)
            return call.run(call.leaves, call.size) if chunk_size is None else _in_chunks(call, chunk_size)
        except (ValueError, IndexError, RuntimeError) as error:
            add_location(error)
            raise

    return mapped


# -- dims -----------------------------------------------------------------------------------------------------


def _leaf_dims_of(dims: Dims, tree: TreeDef) -> list[Any] | None:
    """Return one dim for each leaf of a pytree; None if the dims do not fit it."""
    kind = type(dims)
    container = kind in pytree.DICTS or isinstance(dims, (tuple, list))
    if not container:
        return [dims] * tree.size
    _, shape = pytree.flatten(dims)
    if shape.kind is not tree.kind or shape.keys != tree.keys or len(shape.parts) != len(tree.parts):
        return None
    children = dims.values() if kind in pytree.DICTS else dims
    spread = [_leaf_dims_of(d, part) for d, part in zip(children, tree.parts, strict=True)]
    return None if any(f is None for f in spread) else [d for f in spread if f is not None for d in f]


def _leaf_dims(dims: Dims) -> list[Any]:
    """Return the leaves of a pytree of dims, None among them."""
    if type(dims) in pytree.DICTS:
        return [d for part in dims.values() for d in _leaf_dims(part)]
    if isinstance(dims, (tuple, list)):
        return [d for part in dims for d in _leaf_dims(part)]
    return [dims]


def _name(func: Any) -> str:
    if hasattr(func, "__name__"):
        return str(func.__name__)
    if isinstance(func, partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return repr(func)


# -- a call ---------------------------------------------------------------------------------------------------


class _Call:
    """One call of a batched function: its checked arguments."""

    def __init__(
        self, func: Callable[..., Any], in_dims: Dims, out_dims: Dims, randomness: str, args: Any, kwargs: dict[str, Any]
    ) -> None:
        self.func, self.out_dims, self.randomness, self.kwargs = func, out_dims, randomness, kwargs
        self.name = _name(func)
        self.title = f"vmap({self.name}, in_dims={in_dims}, ...)(<inputs>)"
        self._check_out_dims()
        if not isinstance(in_dims, (int, tuple)):
            raise ValueError(
                f"{self.title}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
                f"got: {type(in_dims)}."
            )
        if not args:
            raise ValueError(
                f"vmap({self.name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
                "function with no inputs. The latter is unsupported."
            )
        leaves, self.tree = pytree.flatten(args)
        dims = _leaf_dims_of(in_dims, self.tree)
        if dims is None:
            raise ValueError(
                f"{self.title}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
                f"{pytree.sketch(pytree.flatten(in_dims)[1])} but inputs has structure {pytree.sketch(self.tree)}."
            )
        self.leaves = [_as_tensor(x) for x in leaves]
        self.dims = [self._axis(d, x) for d, x in zip(dims, self.leaves, strict=True)]
        self.size = self._batch_size()

    def _check_out_dims(self) -> None:
        for dim in _leaf_dims(self.out_dims):
            if dim is not None and not isinstance(dim, int):
                raise ValueError(
                    f"vmap({self.name}, ..., out_dims={self.out_dims}): `out_dims` must be an int, None or a python collection "
                    "of ints representing where in the outputs the vmapped dimension should appear."
                )

    def _axis(self, dim: Any, x: Any) -> int | None:
        """Return an argument's dim counted from the front.  Raises ValueError."""
        if dim is None:
            return None
        if not isinstance(dim, int):
            raise ValueError(
                f"{self.title}: Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{self.title}: Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot vmap over "
                "non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(
                f"{self.title}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {x.ndim} so "
                f"expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}."
            )
        return dim % x.ndim

    def _batch_size(self) -> int:
        sizes = [x.shape[d] for x, d in zip(self.leaves, self.dims, strict=True) if d is not None]
        if not sizes:
            raise ValueError("vmap: Expected at least one Tensor to vmap over")
        if any(n != sizes[0] for n in sizes):
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                f"{sizes} for the mapped dimension"
            )
        return int(sizes[0])

    def run(self, leaves: Sequence[Any], size: int) -> Any:
        """Return the results of `func` for these arguments, batches of `size` elements."""
        with BatchTrace(self.name, size, self.randomness) as level:
            inner = [x if d is None else level.take(x, d) for x, d in zip(leaves, self.dims, strict=True)]
            result = self.func(*pytree.unflatten(inner, self.tree), **self.kwargs)
            outputs, tree = pytree.flatten(result)
            dims = self.result_dims(result, outputs, tree)
            batches = level.finish(outputs)
        level.write_back()
        return pytree.unflatten(self._placed(outputs, batches, dims, size, level), tree)

    def result_dims(self, result: Any, outputs: Sequence[Any], tree: TreeDef) -> list[int | None]:
        """Return one dim per output.  Raises ValueError for dims that do not fit, and for outputs that are not tensors."""
        out_dims = self.out_dims
        alone = isinstance(result, Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1
        dims = _leaf_dims_of(out_dims[0] if alone else out_dims, tree)
        if dims is None:
            raise ValueError(
                f"vmap({self.name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
                f"`outputs`. out_dims has structure {pytree.sketch(pytree.flatten(out_dims)[1])} "
                f"but outputs has structure {pytree.sketch(tree)}."
            )
        for x, dim in [*zip(outputs, dims, strict=True), *([(None, 0)] if result is None else [])]:
            if dim is not None and not isinstance(x, Tensor):
                raise ValueError(
                    f"vmap({self.name}, ...): `{self.name}` must only return Tensors, got type {type(x)}. Did you mean to set "
                    "out_dims= to None for output?"
                )
        return dims

    def _placed(
        self,
        outputs: Sequence[Any],
        batches: Sequence[Batched | None],
        dims: Sequence[int | None],
        size: int,
        level: BatchTrace,
    ) -> list[Any]:
        """Return the outputs with the batch axis at the wanted position, as tensors of the outer level."""
        located: list[Any] = []
        for x, batched, dim in zip(outputs, batches, dims, strict=True):
            if batched is None:
                located.append(x)
                continue
            if dim is None and batched.has_axis:
                raise ValueError(f"vmap({self.name}, ...): `{self.name}` can not return a BatchedTensor when out_dim is None")
            located.append(x if dim is None and x._storage.trace is not level else batched.tensor(dim, size))
        return located


def _as_tensor(leaf: Any) -> Any:
    return Tensor._of(Storage(from_array(leaf))) if isinstance(leaf, np.ndarray) else leaf


def _in_chunks(call: _Call, chunk_size: int) -> Any:
    """Map some elements at a time, and concatenate the results."""
    start = get_rng_state() if call.randomness == "same" else None
    results: list[list[Any]] = []
    for begin in range(0, max(call.size, 1), chunk_size):
        size = min(chunk_size, call.size - begin)
        leaves = [x if d is None else narrow(x, d, begin, size) for x, d in zip(call.leaves, call.dims, strict=True)]
        if start is not None:
            set_rng_state(start)
        result = call.run(leaves, size)
        outputs, tree = pytree.flatten(result)
        results.append(outputs)
    dims = call.result_dims(result, outputs, tree)
    joined = [group[0] if d is None else cat(group, d) for group, d in zip(zip(*results, strict=True), dims, strict=True)]
    return pytree.unflatten(joined, tree)
