"""Check and convert the arguments of control flow, and find stable dtypes for carried values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from operator import index
from typing import Any

import numpy as np

from graphc.control_flow.body import KINDS, Body, Input
from graphc.core import pytree
from graphc.core.errors import located
from graphc.core.pytree import TreeDef
from graphc.ir.core.types import I64
from graphc.ir.transforms.checkpointing import segment_lengths
from graphc.tensors.tensor import Tensor

__all__ = ["alike", "bound_of", "checked_pair", "length_of", "segments_of", "stable_body", "with_arguments"]

ATTEMPTS = 6
"""How often the dtype of a carried number may change before the loop is rejected."""


def segments_of(title: str, length: int, checkpoint: bool | int) -> list[int]:
    """Return the lengths of a scan's segments.  Raises ValueError for a budget that is too small."""
    if checkpoint is False:
        return []
    try:
        return segment_lengths(length, None if checkpoint is True else checkpoint)
    except ValueError as error:
        raise located(ValueError(f"{title}: {error}")) from None


def bound_of(bound: Any, name: str) -> Any:
    """Return a loop bound as an int or a 0-d i64 tensor."""
    if not isinstance(bound, Tensor):
        try:
            return index(bound)
        except TypeError:
            raise located(TypeError(f"fori_loop: expected {name} to be an int or a tensor of one, got {bound!r}")) from None
    if bound._type.size != 1 or not bound._type.dtype.is_int:
        raise located(TypeError(f"fori_loop: expected {name} to be an int or a tensor of one integer, got {bound._type}"))
    return bound.reshape(()).to(I64)


def length_of(title: str, sequences: Sequence[Input], paths: Sequence[str], length: int | None) -> int:
    """Return the number of iterations of a scan.  Raises ValueError if lengths differ or none is given."""
    counts = {f"xs{p}": s.tensor.shape[0] for p, s in zip(paths, sequences, strict=True)}
    if length is not None:
        counts["length"] = index(length)
    if not counts:
        raise located(ValueError(f"{title}: expected xs, or the length of the loop, got neither"))
    first = next(iter(counts.values()))
    if first < 0 or any(n != first for n in counts.values()):
        got = ", ".join(f"{n} in {name}" if name != "length" else f"a length of {n}" for name, n in counts.items())
        raise located(ValueError(f"{title}: expected as many items everywhere, got {got}"))
    return int(first)


def with_arguments(
    function: Callable[..., Any], leaves: Sequence[Any], tree: TreeDef, *, named: bool = False, like: TreeDef | None = None
) -> Callable[[Sequence[Tensor]], Any]:
    """Return a function of placeholders for the tensors among the leaves of `function`'s arguments.

    The arguments are a tuple, or a tuple and a dict if some are `named`.  Dicts among the results have the order of `like`.
    """

    def call(inner: Sequence[Tensor]) -> Any:
        rest = iter(inner)
        arguments = pytree.unflatten([next(rest) if isinstance(x, (Tensor, np.ndarray)) else x for x in leaves], tree)
        result = function(*arguments[0], **arguments[1]) if named else function(*arguments)
        return result if like is None else pytree.ordered_like(result, like)

    return call


def stable_body(title: str, inputs: Sequence[Input], one_pass: Callable[[Body], None], labels: Sequence[str]) -> Body:
    """Record a body until it returns the carried values with the types that it takes; `labels` name them in errors."""
    for attempt in count():
        body = Body(title, inputs)
        one_pass(body)
        again = False
        for leaf, result, label in zip(inputs, body.leaves, labels, strict=False):
            returned = result.fitting(leaf.type).type
            if returned == leaf.type:
                continue
            higher = KINDS.index(returned.dtype.kind) >= KINDS.index(leaf.type.dtype.kind)
            if leaf.weak and not returned.shape and higher and attempt < ATTEMPTS:
                leaf.take(returned.dtype)
                again = True
                continue
            origin = f"\n  made at {result.node.where}" if result.node.where else ""
            raise located(
                TypeError(
                    f"{title}: expected carried values of the types they go in with, {leaf.type} at {label}, got "
                    f"{returned}{origin}"
                )
            )
        if not again:
            return body
    raise AssertionError("a loop without end")


def alike(result: Any, tree: TreeDef, several: bool) -> Any:
    """Convert a list to a tuple, as torch does, and a single tensor to a tuple of one."""
    if several and isinstance(result, Tensor) and len(tree.parts) == 1 and tree.kind in (tuple, list):
        return tree.kind([result])
    if several and isinstance(result, (tuple, list)) and not hasattr(result, "_fields") and tree.kind in (tuple, list):
        result = tree.kind(result)
    return pytree.ordered_like(result, tree)


def checked_pair(title: str, result: Any) -> tuple[Any, Any]:
    """Return the pair (carry, y) that the body of a scan returned.  Raises TypeError for any other result."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        got = f"{type(result).__name__} of {len(result)}" if isinstance(result, (tuple, list)) else type(result).__name__
        raise located(TypeError(f"{title}: expected a body that returns (carry, y), got {got}"))
    return result[0], result[1]
