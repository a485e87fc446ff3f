"""Errors of matrices that are singular or not positive definite, raised by the call itself, as in torch.

Values of recorded operations are computed when they are read.  A program that tries a factorization and catches the error does
not read them where it expects the error, so these operations read their results at once, unless they are traced.
"""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar, cast

from graphc.core.errors import TracingError
from graphc.recording.context import state
from graphc.tensors.tensor import Tensor

__all__ = ["computed", "raises_at_once"]

F = TypeVar("F")


def computed(result: Any) -> Any:
    """Compute the first tensor of a result, unless it is traced, and return the result.  Raises LinAlgError."""
    first = result if isinstance(result, Tensor) else result[0]
    if state.trace is None:
        with suppress(TracingError):
            first._array()
    return result


def raises_at_once(operation: F) -> F:
    """Return an operation that computes its result at once."""
    function: Any = operation

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return computed(function(*args, **kwargs))

    return cast(F, call)
