"""Trade compute for memory: recompute activations in the backward pass, as in torch.utils.checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.control_flow.api import checkpointed
from graphc.core.errors import add_location
from graphc.recording.context import state

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
    """Call a function so that the backward pass recomputes its intermediate values instead of saving them.

    Only the tensors that the function reads from outside are kept. It is recorded once, so it must not branch on values of
    tensors; it may write to tensors from outside, as batch norm does, but not to its arguments. Recomputation is
    deterministic and draws the same random numbers. Without recording (in `no_grad`) the function is simply called. Source:
    Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).

    Args:
        function: function of tensors and other objects that returns a tensor or a pytree of tensors and numbers.
        *args: its positional arguments: tensors, pytrees of them, and other objects.
        use_reentrant: accepted for compatibility with torch; there is one implementation.
        determinism_check, debug, preserve_rng_state: accepted for compatibility with torch and ignored.
        **kwargs: its keyword arguments.

    Returns:
        What the function returns.

    Raises:
        ValueError: if there are keyword arguments and `use_reentrant` is true, as in torch.
        TypeError: if the function writes to an argument, or returns anything but tensors, numbers and pytrees of them.
        TracingError: if the function reads the value of a tensor, as by `if` or `.item()`.

    Example:
        >>> x = graphc.tensor([0.0, 1.0], requires_grad=True)
        >>> y = graphc.utils.checkpoint.checkpoint(lambda x: x.exp() * 2, x)
        >>> y.sum().backward()
        >>> x.grad
        tensor([2.0000, 5.4366])
    """
    if use_reentrant and kwargs:
        error = ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
        add_location(error)
        raise error
    return checkpointed(function, args, kwargs) if state.grad else function(*args, **kwargs)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """Apply functions or modules one after another, in segments of which all but the last are checkpointed.

    Args:
        functions: an `nn.Sequential`, or an iterable of functions or modules of one tensor.
        segments: number of segments; each has the same number of functions, the last one also the remainder.
        input: argument of the first function.
        use_reentrant: accepted for compatibility with torch; there is one implementation.
        preserve_rng_state: accepted for compatibility with torch and ignored.

    Returns:
        What the last function returns.

    Raises:
        TypeError, TracingError: as `checkpoint` does.

    Example:
        >>> x = graphc.tensor([0.0, 1.0], requires_grad=True)
        >>> y = graphc.utils.checkpoint.checkpoint_sequential([graphc.exp, graphc.sin, graphc.square], 2, x)
        >>> y
        tensor([0.7081, 0.1687], grad_fn=<PowBackward0>)
    """
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
