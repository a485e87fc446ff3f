"""Trade time for memory: parts of a program that a gradient computes again, as torch.utils.checkpoint has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.control_flow.api import checkpointed
from graphc.core.errors import add_place
from graphc.tensors.context import state

__all__ = ["checkpoint", "checkpoint_sequential"]


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Return `function(*args, **kwargs)`; a gradient keeps what it reads from outside, and computes the rest again.

    The function is recorded once, so it may not look at values (a Python if, `.item()`); it may write to tensors from
    outside, as batch norm does, but not to its arguments.  Random numbers are the same when they are computed again,
    whatever `preserve_rng_state` says.  The other options are torch's, and change nothing here: there is one way,
    and it is deterministic.  Raises ValueError for keyword arguments with `use_reentrant=True`, as torch does,
    TypeError and TracingError for a function that does what it may not.
    """
    if use_reentrant and kwargs:
        error = ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
        add_place(error)
        raise error
    return checkpointed(function, args, kwargs) if state.grad else function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """Send `input` through functions or modules in order, in `segments` parts; all but the last are checkpoints."""
    steps = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = max(1, len(steps) // max(1, segments))
    starts = list(range(0, len(steps), size))[: max(1, segments)]
    for number, start in enumerate(starts):
        last = number == len(starts) - 1
        part = _in_order(steps[start:] if last else steps[start : start + size])
        input = part(input) if last else checkpoint(part, input, use_reentrant=use_reentrant)
    return input


def _in_order(steps: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    def sequence(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    return sequence
