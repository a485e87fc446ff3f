"""Sparse Jacobians and Hessians: pattern from the graph, compression by colouring, values by compiled code.

The derivative along a symbolic direction is recorded once. The elements of it that depend on each element of the direction
are the exact pattern; inputs without a common output share a direction; one compiled program computes the derivative along
all directions, and gathers the values of the SciPy matrix from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from graphc.compiler.api import Compiled, capture
from graphc.core import pytree
from graphc.core.errors import TracingError, add_location
from graphc.core.pytree import TreeDef
from graphc.func.jacobian import ArgNums, Derivative, backward_derivative, forward_derivative, jacrev, jvp, with_choices
from graphc.ir.core import build
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import PARAMETER, Graph, Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import DType
from graphc.ir.sparse.colouring import cheaper, symmetric, symmetrized
from graphc.ir.sparse.dependence import Values, dependence
from graphc.ir.sparse.sparsity import Sparsity, nothing, of_pairs, stacked
from graphc.ir.transforms.vmap import batch
from graphc.tensors.context import state
from graphc.tensors.dispatch import from_array
from graphc.tensors.storage import Storage, compute
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import Captured

__all__ = ["CACHE_SIZE", "Sparsity", "hessian_sparsity", "jacobian_sparsity", "sparse_hessian", "sparse_jacobian"]

CACHE_SIZE = 64
"""How many patterns a function keeps, one for each kind of arguments; the one not used for longest goes first."""

Function = Callable[..., Any]


def jacobian_sparsity(func: Function, argnums: ArgNums = 0) -> Function:
    """Return a function that computes the sparsity pattern of the Jacobian of `func`.

    The pattern is read off the recorded derivative. Choices by known integers or bools (constants, tensors captured by
    `func`) count exactly; a choice that depends on the arguments counts as all of its alternatives.

    Args:
        func: function that returns a tensor or a pytree of tensors.
        argnums: number of the positional argument, or a tuple of numbers, as in `jacrev`.

    Returns:
        Function of the positional arguments of `func`, of which only shapes and dtypes matter. It returns a `Sparsity` with a
        row for each element of the output and a column for each element of the input, both in row-major order; for pytrees, a
        pytree as of `jacfwd`.

    Raises:
        ValueError: when called, if an argument in `argnums` is not of floats.
        RuntimeError: when called, if `func` returns anything but tensors, or `argnums` does not fit the arguments.
        TracingError: when called within a compiled or batched function.

    Example:
        >>> pattern = func.jacobian_sparsity(lambda x: x[1:] * x[:-1])(graphc.ones(3))
        >>> pattern.nnz, pattern.toarray().astype(int).tolist()
        (4, [[1, 1, 0], [0, 1, 1]])
    """

    @wraps(func, updated=())
    def sparsity(*args: Any) -> Any:
        found = _recorded(func, args, argnums)
        return found.nest([found.pattern.block(r, c) for r, c in found.blocks], argnums)

    return sparsity


def hessian_sparsity(func: Function, argnums: ArgNums = 0) -> Function:
    """Return a function that computes the sparsity pattern of the Hessian of `func`.

    Args:
        func: function that returns a 0-d float tensor.
        argnums: number of the positional argument, or a tuple of numbers, as in `jacrev`.

    Returns:
        Function of the positional arguments of `func`, of which only shapes and dtypes matter. It returns a symmetric
        `Sparsity` with a row and a column for each element of the input; for pytrees or several arguments, one for each pair.

    Raises:
        ValueError: when called, if an argument in `argnums` is not of floats.
        RuntimeError: when called, if `func` returns anything but a 0-d tensor, or `argnums` does not fit the arguments.
        TracingError: when called within a compiled or batched function.

    Example:
        >>> pattern = func.hessian_sparsity(lambda x: (x[1:] * x[:-1]).sum())(graphc.ones(3))
        >>> pattern.toarray().astype(int).tolist()
        [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """

    @wraps(func, updated=())
    def sparsity(*args: Any) -> Any:
        found = _recorded(_gradient(func, argnums), args, argnums)
        whole = symmetrized(found.pattern)
        return found.nest([whole.block(r, c) for r, c in found.blocks], argnums)

    return sparsity


def sparse_jacobian(func: Function, argnums: ArgNums = 0, pattern: Any = None, mode: str | None = None) -> Function:
    """Return a function that computes the Jacobian of `func` as a sparse matrix.

    Columns (forward mode) or rows (reverse mode) without a common nonzero share a colour, and one directional derivative
    computes all of a colour. Pattern, colouring and code are made once for each combination of shapes and dtypes. Source:
    Curtis, Powell and Reid (1974); Gebremedhin, Manne and Pothen (2005).

    Args:
        func: function that returns a float tensor or a pytree of them.
        argnums: number of the positional argument, or a tuple of numbers, as in `jacrev`.
        pattern: a `Sparsity`, SciPy matrix or 2-d array of all outputs by all inputs whose nonzeros contain those of the
            Jacobian; None reads it off the graph. A given one is checked once, by a product with a random vector.
        mode: "forward", "reverse", or None for the one that needs fewer colours.

    Returns:
        Function of the positional arguments of `func` that returns a `scipy.sparse.csr_array` with a row for each element of
        the output and a column for each element of the input, both in row-major order; for pytrees, a pytree as of `jacfwd`.

    Raises:
        ImportError: without SciPy.
        ValueError: for another mode, or a pattern that is not 2-d; when called, if the shape of the pattern does not fit, it
            lacks nonzeros of the Jacobian, or an argument in `argnums` is not of floats.
        RuntimeError: when called, if `func` returns anything but tensors, or `argnums` does not fit the arguments.
        TracingError: when called within a compiled or batched function.

    Example:
        >>> matrix = func.sparse_jacobian(lambda x: x[1:] * x[:-1])(graphc.tensor([1.0, 2.0, 3.0]))
        >>> matrix.nnz, matrix.toarray().tolist()
        (4, [[2.0, 1.0, 0.0], [0.0, 3.0, 2.0]])
    """
    if mode not in (None, "forward", "reverse"):
        raise _placed(ValueError(f"mode is 'forward', 'reverse' or None, got {mode!r}"))
    return _Sparse(func, argnums, pattern, mode, "sparse_jacobian")


def sparse_hessian(func: Function, argnums: ArgNums = 0, pattern: Any = None) -> Function:
    """Return a function that computes the Hessian of `func` as a sparse matrix.

    The colouring uses the symmetry of the matrix: an arrowhead matrix needs two directions. Source: Coleman and Moré (1984),
    star colouring.

    Args:
        func: function that returns a 0-d float tensor.
        argnums: number of the positional argument, or a tuple of numbers, as in `jacrev`.
        pattern: a `Sparsity`, SciPy matrix or 2-d array of all inputs by all inputs whose nonzeros contain those of the
            Hessian; None reads it off the graph.

    Returns:
        Function of the positional arguments of `func` that returns a `scipy.sparse.csr_array` with a row and a column for
        each element of the input; for pytrees or several arguments, one matrix for each pair.

    Raises:
        ImportError: without SciPy.
        ValueError: for a pattern that is not 2-d; when called, if its shape does not fit, it lacks nonzeros of the Hessian,
            or an argument in `argnums` is not of floats.
        RuntimeError: when called, if `func` returns anything but a 0-d tensor, or `argnums` does not fit the arguments.
        TracingError: when called within a compiled or batched function.

    Example:
        >>> matrix = func.sparse_hessian(lambda x: (x[1:] * x[:-1]).sum())(graphc.ones(3))
        >>> matrix.nnz, matrix.toarray().tolist()
        (4, [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    """
    return _Sparse(_gradient(func, argnums), argnums, pattern, "symmetric", "sparse_hessian")


def _gradient(func: Function, argnums: ArgNums) -> Function:
    """Return the gradient of a function, which has to return a 0-d float."""

    @wraps(func, updated=())
    def checked(*args: Any) -> Any:
        value = func(*args)
        if not isinstance(value, Tensor) or value.dim():
            got = f"one with {value.dim()} dims" if isinstance(value, Tensor) else str(type(value))
            raise _placed(RuntimeError(f"a Hessian is of a function that returns a 0-d Tensor, got {got}"))
        return value

    return jacrev(checked, argnums)


# -- the pattern ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Recorded:
    """What a function's derivative depends on, for one kind of arguments: the pattern of all outputs by all inputs.

    `chosen` are the tensors from outside whose values the pattern depends on, with these values.
    """

    pattern: Sparsity
    outputs: list[int]
    inputs: list[int]
    dtypes: list[DType]
    shape: TreeDef
    tree: TreeDef
    chosen: list[tuple[Captured, Any]]

    @cached_property
    def blocks(self) -> list[tuple[slice, slice]]:
        """Rows and columns of each output and input."""
        return [(r, c) for r in _slices(self.outputs) for c in _slices(self.inputs)]

    def nest(self, blocks: Sequence[Any], argnums: ArgNums) -> Any:
        """Return the nest of outputs of nests of inputs."""
        n = len(self.inputs)
        rows = [pytree.unflatten(blocks[i * n : (i + 1) * n], self.tree) for i in range(len(self.outputs))]
        return pytree.unflatten([r[0] for r in rows] if isinstance(argnums, int) else rows, self.shape)

    def holds(self) -> bool:
        """Tell whether the values that the pattern depends on are as they were."""
        return all(array is now or np.array_equal(array, now) for kept, array in self.chosen for now in [_value(kept)])


def _slices(sizes: Sequence[int]) -> list[slice]:
    ends = list(accumulate(sizes, initial=0))
    return [slice(a, b) for a, b in pairwise(ends)]


def _value(kept: Captured) -> Any:
    """Return the array of a captured tensor at this moment; None if it is gone."""
    storage = kept.source()
    if storage is not None and storage.current().value is None:
        compute([storage])
    return None if storage is None else storage.current().value


def _recorded(func: Function, args: Sequence[Any], argnums: ArgNums, given: Sparsity | None = None) -> _Recorded:
    """Record the derivative of a call, and read its pattern off unless it is given.  Raises ValueError."""
    _check_outside("its pattern is")
    made: list[Derivative] = []

    def record(*args: Any) -> list[Tensor]:
        made[:] = [forward_derivative(func, args, argnums, like_inputs=True)]
        return [Tensor._of(Storage(make(PRIMITIVES["alias"], (n,), unique=True))) for n in made[0].found if n is not None]

    graph, captures = capture(record, *args)
    (d,) = made
    sizes = [[n.type.size for n in nodes] for nodes in (d.ends, d.inputs)]
    pattern, chosen = _read(d, graph, captures) if given is None else (_fitting(given, *map(sum, sizes)), [])
    return _Recorded(pattern, sizes[0], sizes[1], [y.dtype for y in d.ends], d.shape, d.tree, chosen)


def _fitting(given: Sparsity, height: int, width: int) -> Sparsity:
    if given.shape != (height, width):
        raise _placed(
            ValueError(
                f"expected a pattern of all outputs by all inputs, {height} × {width}, got one of {given.shape[0]} × "
                f"{given.shape[1]}"
            )
        )
    return given


def _read(d: Derivative, graph: Graph, captures: Sequence[Captured]) -> tuple[Sparsity, list[tuple[Captured, Any]]]:
    """Return the pattern of a recorded derivative, and the tensors from outside whose values it depends on."""
    choosing = {k.placeholder: k for k in captures if not k.placeholder.dtype.is_float}
    given = {p: p.value for p in graph.params if p.op is PARAMETER and p.value is not None}
    values = Values({**given, **{p: _value(k) for p, k in choosing.items()}})
    width = sum(x.type.size for x in d.inputs)
    count = sum(n is not None for n in d.found)
    rows = iter(dependence(graph.results[:count], d.seeds, values))
    parts = [nothing(y.type.size, width) if n is None else next(rows) for n, y in zip(d.found, d.ends, strict=True)]
    chosen = [(k, values.given[p]) for p, k in choosing.items() if p in values.read]
    return stacked(parts), chosen


# -- the matrix -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Directions:
    """In which directions a derivative is taken, and where in it the numbers of the matrix are.

    Number k of the matrix is element `lines[k]` of the derivative in direction `groups[k]`.
    """

    mode: str
    colours: Any
    count: int
    groups: Any
    lines: Any


def _directions(pattern: Sparsity, mode: str | None) -> _Directions:
    if mode == "symmetric":
        found = symmetric(pattern)
        return _Directions(mode, found.colours, found.count, found.groups, found.rows)
    mode, found = cheaper(pattern, mode)
    along, across = (pattern.indices, pattern.rows) if mode == "forward" else (pattern.rows, pattern.indices)
    return _Directions(mode, found.colours, found.count, found.colours[along], across)


class _Plan:
    """How the matrices are computed for one kind of arguments: their patterns, the directions, the compiled program."""

    def __init__(self, func: Function, argnums: ArgNums, recorded: _Recorded, pattern: Sparsity, mode: str | None) -> None:
        self.func, self.argnums, self.recorded = func, argnums, recorded
        self.directions = _directions(pattern, mode)
        self.places = [_within(pattern, rows, columns) for rows, columns in recorded.blocks]
        self.blocks = [pattern.block(rows, columns) for rows, columns in recorded.blocks]
        self.filled = [i for i, block in enumerate(self.blocks) if block.nnz]
        self.program = Compiled(self._numbers)

    def data(self, args: Sequence[Any]) -> list[Any]:
        """Return the numbers of each matrix."""
        found = self.program(*args) if self.filled else []
        arrays = dict(zip(self.filled, [x.numpy() if isinstance(x, Tensor) else x for x in found], strict=True))
        return [arrays[i] if i in arrays else np.zeros(0, self._dtype(i).numpy) for i in range(len(self.blocks))]

    def _dtype(self, block: int) -> DType:
        return self.recorded.dtypes[block // len(self.recorded.inputs)]

    def _numbers(self, *args: Any) -> tuple[Tensor, ...]:
        """Compute the derivative in all directions, and pick the numbers of the matrices."""
        record = backward_derivative if self.directions.mode == "reverse" else forward_derivative
        d = record(self.func, args, self.argnums)
        sizes = self.recorded.inputs if self.directions.mode != "reverse" else self.recorded.outputs
        lines = self._sums(d, {s: self._basis(s, part) for s, part in zip(d.seeds, _slices(sizes), strict=True)})
        found = []
        for i in self.filled:
            node = build.gather(lines, _constant(self.directions.groups[self.places[i]]), _constant(self._line(i)))
            found.append(Tensor._of(Storage(build.cast(node, self._dtype(i)))))
        return tuple(found)

    def _basis(self, seed: Node, part: slice) -> Node:
        """Return the directions of one seed: 1 at its elements of each colour."""
        colours = _constant(self.directions.colours[part])
        shape = (self.directions.count, seed.type.size)
        mine = build.elementwise("eq", build.iota(shape, 0), build.broadcast(colours, shape, (1,)))
        return build.reshape(build.cast(mine, seed.dtype), (shape[0], *seed.shape))

    def _sums(self, d: Derivative, basis: dict[Node, Node]) -> Node:
        """Return the derivative in all directions, each as one row."""
        count, like = self.directions.count, d.inputs if self.directions.mode == "reverse" else d.ends
        dtype = max((n.dtype for n in like if n.dtype.is_float), key=lambda t: t.bytes)
        found = iter(batch([n for n in d.found if n is not None], basis, count))
        rows = []
        for node, model in zip(d.found, like, strict=True):
            size = model.type.size
            if node is None:
                rows.append(build.constant(0, dtype, (count, size)))
                continue
            made, batched = next(found)
            made = with_choices(made, basis.values())
            flat = build.reshape(made, (count, size) if batched else (1, size))
            flat = flat if batched else build.broadcast(build.reshape(flat, (size,)), (count, size), (1,))
            rows.append(build.cast(flat, dtype))
        return build.concatenate(rows, 1)

    def _line(self, block: int) -> Any:
        return self.directions.lines[self.places[block]]


def _within(pattern: Sparsity, rows: slice, columns: slice) -> Any:
    """Return the numbers of the places between rows and columns."""
    first, last = pattern.indptr[rows.start], pattern.indptr[rows.stop]
    part = pattern.indices[first:last]
    return first + np.flatnonzero((part >= columns.start) & (part < columns.stop))


def _constant(array: Any) -> Node:
    return from_array(np.ascontiguousarray(array, np.int64))


class _Sparse:
    """A function that computes sparse matrices; it keeps a plan for each kind of arguments."""

    def __init__(self, func: Function, argnums: ArgNums, pattern: Any, mode: str | None, name: str) -> None:
        _scipy(name)
        self._func, self._argnums, self._mode, self._name = func, argnums, mode, name
        self._given = None if pattern is None else _as_sparsity(pattern)
        self._plans: OrderedDict[Any, _Plan] = OrderedDict()
        self.__name__ = f"{name}_{getattr(func, '__name__', 'f')}"

    def __call__(self, *args: Any) -> Any:
        """Return the matrices for these arguments."""
        _check_outside(f"{self._name} returns SciPy matrices, which are")
        plan = self._plan(args)
        matrices = [_matrix(b, d, self._name) for b, d in zip(plan.blocks, plan.data(args), strict=True)]
        return plan.recorded.nest(matrices, self._argnums)

    def __repr__(self) -> str:
        return f"<{self._name} of {self._func!r}>"

    def _plan(self, args: Sequence[Any]) -> _Plan:
        key = _kind(args)
        plan = self._plans.get(key)
        if plan is None or not plan.recorded.holds():
            plan = self._plans[key] = self._made(args)
            if len(self._plans) > CACHE_SIZE:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return plan

    def _made(self, args: Sequence[Any]) -> _Plan:
        recorded = _recorded(self._func, args, self._argnums, self._given)
        pattern = symmetrized(recorded.pattern) if self._mode == "symmetric" else recorded.pattern
        plan = _Plan(self._func, self._argnums, recorded, pattern, self._mode)
        if self._given is not None:
            self._check_numbers(plan, args)
        return plan

    def _check_numbers(self, plan: _Plan, args: Sequence[Any]) -> None:
        """Compare the first product with a vector with the derivative in that direction.  Raises ValueError."""
        wrong = _wrong_rows(plan, args)
        if len(wrong):
            raise _placed(
                ValueError(
                    f"{self._name}: expected a pattern that has every place where the matrix is not zero, got one that lacks "
                    f"some in {len(wrong)} rows, the first of them row {wrong[0]}"
                )
            )


def _wrong_rows(plan: _Plan, args: Sequence[Any]) -> Any:
    recorded = plan.recorded
    inputs = _slices(recorded.inputs)
    random = np.random.default_rng(0)
    vector = random.uniform(0.5, 1.5, sum(recorded.inputs)) * random.choice([-1.0, 1.0], sum(recorded.inputs))
    product = np.zeros(sum(recorded.outputs))
    bound = np.zeros_like(product)
    loosest = 0.0
    for block, (rows, columns), data in zip(plan.blocks, recorded.blocks, plan.data(args), strict=True):
        terms = data.astype(np.float64) * vector[columns][block.indices]
        product[rows] += np.bincount(block.rows, terms, block.shape[0])
        bound[rows] += np.bincount(block.rows, np.abs(terms), block.shape[0])
        loosest = max(loosest, float(np.finfo(data.dtype).eps))
    wanted = _along(plan, args, [vector[c] for c in inputs])
    off = np.abs(product - wanted) > np.sqrt(loosest) * (bound + np.abs(wanted))
    return np.flatnonzero(off & np.isfinite(product) & np.isfinite(wanted))


def _along(plan: _Plan, args: Sequence[Any], vectors: Sequence[Any]) -> Any:
    """Return the derivative in one direction, all outputs after one another."""
    numbers = (plan.argnums,) if isinstance(plan.argnums, int) else plan.argnums
    chosen = tuple(args[i] for i in numbers)
    leaves, tree = pytree.flatten(chosen)
    tensors = [x if isinstance(x, Tensor) else Tensor._of(Storage(from_array(x))) for x in leaves]
    tangents = [
        Tensor._of(Storage(from_array(v.reshape(x.shape).astype(x._type.dtype.numpy))))
        for v, x in zip(vectors, tensors, strict=True)
    ]
    rest = list(args)

    def moved(*new: Any) -> Any:
        for i, x in zip(numbers, new, strict=True):
            rest[i] = x
        return plan.func(*rest)

    _, found = jvp(moved, pytree.unflatten(tensors, tree), pytree.unflatten(tangents, tree))
    return np.concatenate([x.detach().numpy().ravel().astype(np.float64) for x in pytree.flatten(found)[0]])


# -- SciPy, and what is checked ---------------------------------------------------------------------------------


def _scipy(name: str) -> Any:
    try:
        import scipy.sparse  # here, for it is an extra
    except ImportError:
        error = ImportError(f"graphc.func.{name} needs SciPy: pip install 'graphc[sparse]'")
        raise _placed(error) from None
    return scipy.sparse


def _matrix(block: Sparsity, data: Any, name: str) -> Any:
    parts = data, block.indices.astype(np.int32), block.indptr.astype(np.int32)
    return _scipy(name).csr_array(parts, shape=block.shape)


def _as_sparsity(pattern: Any) -> Sparsity:
    """Return what a user gave for a pattern.  Raises ValueError."""
    if isinstance(pattern, Sparsity):
        return pattern
    if hasattr(pattern, "tocoo"):
        places = pattern.tocoo()
        height, width = places.shape
        return of_pairs(places.row, places.col, (int(height), int(width)))
    array = np.asarray(pattern.numpy() if isinstance(pattern, Tensor) else pattern)
    if array.ndim != 2:
        raise _placed(ValueError(f"a pattern is a Sparsity, a SciPy matrix or a 2-d array, got one of {array.ndim} dimensions"))
    rows, columns = np.nonzero(array)
    return of_pairs(rows, columns, (array.shape[0], array.shape[1]))


def _kind(args: Sequence[Any]) -> Any:
    """Return what a plan depends on: shapes and dtypes of arrays, the values of everything else."""
    leaves, tree = pytree.flatten(tuple(args))
    parts: list[Any] = []
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            parts.append((leaf._type.dtype, tuple(leaf.shape)))
        else:
            parts.append((leaf.dtype, leaf.shape) if isinstance(leaf, np.ndarray) else (type(leaf), leaf))
    return tree, tuple(parts)


def _check_outside(what: str) -> None:
    if state.trace is not None:
        raise _placed(
            TracingError(
                f"{what} made outside of compiled and batched functions only: call it before, and pass what it returns"
            )
        )


def _placed(error: Exception) -> Exception:
    add_location(error)
    return error
