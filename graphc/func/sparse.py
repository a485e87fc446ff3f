"""Sparse Jacobians and Hessians: pattern from the graph, compression by colouring, values by compiled code.

The derivative along a symbolic direction is recorded once. The elements of it that depend on each element of the direction
are the exact pattern; inputs without a common output share a direction; one compiled program computes the derivative along
all directions, and gathers the values of the SciPy matrix from it.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from graphc.core.errors import located
from graphc.func.jacobian import jacrev
from graphc.func.level import ArgNums
from graphc.func.sparse_function import SparseFunction
from graphc.func.sparse_pattern import Function, record_pattern
from graphc.ir.sparse.colouring import symmetrized
from graphc.tensors.tensor import Tensor

__all__ = ["hessian_sparsity", "jacobian_sparsity", "sparse_hessian", "sparse_jacobian"]


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
        recorded = record_pattern(func, args, argnums)
        return recorded.assembled([recorded.pattern.block(r, c) for r, c in recorded.blocks], argnums)

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
        recorded = record_pattern(_gradient(func, argnums), args, argnums)
        whole = symmetrized(recorded.pattern)
        return recorded.assembled([whole.block(r, c) for r, c in recorded.blocks], argnums)

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
        raise located(ValueError(f"mode is 'forward', 'reverse' or None, got {mode!r}"))
    return SparseFunction(func, argnums, pattern, mode, "sparse_jacobian")


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
    return SparseFunction(_gradient(func, argnums), argnums, pattern, "symmetric", "sparse_hessian")


def _gradient(func: Function, argnums: ArgNums) -> Function:
    """Return the gradient of a function that must return a 0-d float."""

    @wraps(func, updated=())
    def checked(*args: Any) -> Any:
        value = func(*args)
        if not isinstance(value, Tensor) or value.dim():
            got = f"one with {value.dim()} dims" if isinstance(value, Tensor) else str(type(value))
            raise located(RuntimeError(f"a Hessian is of a function that returns a 0-d Tensor, got {got}"))
        return value

    return jacrev(checked, argnums)
