"""Functions that return sparse matrices, with a plan for each kind of arguments."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.core import pytree
from graphc.core.errors import located
from graphc.func.level import ArgNums
from graphc.func.sparse_pattern import Function, check_outside, record_pattern
from graphc.func.sparse_plan import Plan, wrong_rows
from graphc.ir.sparse.colouring import symmetrized
from graphc.ir.sparse.sparsity import Sparsity, of_pairs
from graphc.tensors.tensor import Tensor

__all__ = ["CACHE_SIZE", "SparseFunction"]

CACHE_SIZE = 64
"""How many patterns a function caches, one for each kind of arguments; the least recently used one is dropped."""


class SparseFunction:
    """A function that computes sparse matrices, with a cached plan for each kind of arguments."""

    def __init__(self, func: Function, argnums: ArgNums, pattern: Any, mode: str | None, name: str) -> None:
        _scipy(name)
        self._func, self._argnums, self._mode, self._name = func, argnums, mode, name
        self._known_pattern = None if pattern is None else _as_sparsity(pattern)
        self._plans: OrderedDict[Any, Plan] = OrderedDict()
        self.__name__ = f"{name}_{getattr(func, '__name__', 'f')}"

    def __call__(self, *args: Any) -> Any:
        """Return the matrices for these arguments."""
        check_outside(f"{self._name} returns SciPy matrices, which are")
        plan = self._plan(args)
        matrices = [_matrix(b, d, self._name) for b, d in zip(plan.blocks, plan.data(args), strict=True)]
        return plan.recorded.assembled(matrices, self._argnums)

    def __repr__(self) -> str:
        return f"<{self._name} of {self._func!r}>"

    def _plan(self, args: Sequence[Any]) -> Plan:
        key = _kind(args)
        plan = self._plans.get(key)
        if plan is None or not plan.recorded.holds():
            plan = self._plans[key] = self._new_plan(args)
            if len(self._plans) > CACHE_SIZE:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return plan

    def _new_plan(self, args: Sequence[Any]) -> Plan:
        recorded = record_pattern(self._func, args, self._argnums, self._known_pattern)
        pattern = symmetrized(recorded.pattern) if self._mode == "symmetric" else recorded.pattern
        plan = Plan(self._func, self._argnums, recorded, pattern, self._mode)
        if self._known_pattern is not None:
            self._check_numbers(plan, args)
        return plan

    def _check_numbers(self, plan: Plan, args: Sequence[Any]) -> None:
        """Compare the first product with a vector with the derivative in that direction.  Raises ValueError."""
        wrong = wrong_rows(plan, args)
        if len(wrong):
            raise located(
                ValueError(
                    f"{self._name}: expected a pattern that has every place where the matrix is not zero, got one that lacks "
                    f"some in {len(wrong)} rows, the first of them row {wrong[0]}"
                )
            )


def _scipy(name: str) -> Any:
    try:
        import scipy.sparse  # imported here, since it is an optional dependency
    except ImportError:
        error = ImportError(f"graphc.func.{name} needs SciPy: pip install 'graphc[sparse]'")
        raise located(error) from None
    return scipy.sparse


def _matrix(block: Sparsity, data: Any, name: str) -> Any:
    parts = data, block.indices.astype(np.int32), block.indptr.astype(np.int32)
    return _scipy(name).csr_array(parts, shape=block.shape)


def _as_sparsity(pattern: Any) -> Sparsity:
    """Return a user's pattern as a `Sparsity`.  Raises ValueError."""
    if isinstance(pattern, Sparsity):
        return pattern
    if hasattr(pattern, "tocoo"):
        places = pattern.tocoo()
        height, width = places.shape
        return of_pairs(places.row, places.col, (int(height), int(width)))
    array = np.asarray(pattern.numpy() if isinstance(pattern, Tensor) else pattern)
    if array.ndim != 2:
        raise located(ValueError(f"a pattern is a Sparsity, a SciPy matrix or a 2-d array, got one of {array.ndim} dimensions"))
    rows, columns = np.nonzero(array)
    return of_pairs(rows, columns, (array.shape[0], array.shape[1]))


def _kind(args: Sequence[Any]) -> Any:
    """Return what a plan depends on: shapes and dtypes of arrays, and all other values."""
    leaves, tree = pytree.flatten(tuple(args))
    parts: list[Any] = []
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            parts.append((leaf._type.dtype, tuple(leaf.shape)))
        else:
            parts.append((leaf.dtype, leaf.shape) if isinstance(leaf, np.ndarray) else (type(leaf), leaf))
    return tree, tuple(parts)
