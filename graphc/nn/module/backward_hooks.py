"""Hooks of modules that see the gradients of their inputs and outputs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from graphc.autograd.function import Function
from graphc.recording.context import state
from graphc.tensors.tensor import Tensor

__all__ = ["BackwardCall"]

Gradients = tuple[Any, ...]


class BackwardHookFunction(Function):
    """The identity of several tensors, whose gradients pass through a function."""

    @staticmethod
    def forward(ctx: Any, receive: Callable[[Gradients], Gradients], zeros: bool, *tensors: Tensor) -> Any:
        """Return the tensors; gradients that are missing are zeros, or None."""
        ctx.receive = receive
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*(t for t in tensors if not t.requires_grad))
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return what the function makes of the gradients."""
        return None, None, *ctx.receive(gradients)


class BackwardCall:
    """One call of a module with backward hooks: its outputs' gradients, then its inputs', are given to them.

    Args:
        module: the module.
        hooks: functions of (module, grad_input, grad_output), which may return other gradients of the inputs.
        pre_hooks: functions of (module, grad_output), which may return other gradients of the outputs.
    """

    def __init__(self, module: Any, hooks: Sequence[Callable[..., Any]], pre_hooks: Sequence[Callable[..., Any]]) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs: Gradients | None = None
        self.inputs = 0
        self.records_inputs = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the arguments such that their gradients are given to the hooks.

        Args:
            args: positional arguments of the module.

        Returns:
            Tuple of the same length.
        """
        self.inputs = len(args)
        result, self.records_inputs = _through(args, self._receive_inputs, zeros=True)
        return result

    def leave(self, result: Any) -> Any:
        """Return the result such that its gradients are given to the hooks.

        Args:
            result: what `forward` returned; only a tensor or a tuple with tensors has gradients for hooks.

        Returns:
            The result.
        """
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                f"but received {type(result)}",
                stacklevel=3,
            )
            return result
        values = result if isinstance(result, tuple) else (result,)
        outputs, _ = _through(values, self._receive_outputs, zeros=False)
        return outputs if isinstance(result, tuple) else outputs[0]

    def _receive_outputs(self, gradients: Gradients) -> Gradients:
        for hook in self.pre_hooks:
            changed = hook(self.module, gradients)
            if changed is not None:
                if len(changed) != len(gradients):
                    raise RuntimeError(
                        "Backward pre hook returned an invalid number of grad_output, "
                        f"got {len(changed)}, but expected {len(gradients)}"
                    )
                gradients = tuple(changed)
        self.grad_outputs = gradients
        if not self.records_inputs:
            self._call_without_inputs(gradients)
        return gradients

    def _call_without_inputs(self, gradients: Gradients) -> None:
        if self.hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
                "require gradients.",
                stacklevel=2,
            )
        for hook in self.hooks:
            changed = hook(self.module, (None,) * self.inputs, gradients)
            if changed is not None and not (isinstance(changed, tuple) and all(g is None for g in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for all "
                    "gradients."
                )
        self.grad_outputs = None

    def _receive_inputs(self, gradients: Gradients) -> Gradients:
        if self.grad_outputs is None:
            return gradients
        for hook in self.hooks:
            changed = hook(self.module, gradients, self.grad_outputs)
            if changed is not None:
                if len(changed) != len(gradients):
                    raise RuntimeError(
                        "Backward hook returned an invalid number of grad_input, "
                        f"got {len(changed)}, but expected {len(gradients)}"
                    )
                gradients = tuple(changed)
        self.grad_outputs = None
        return gradients


def _through(values: tuple[Any, ...], receive: Callable[[Gradients], Gradients], zeros: bool) -> tuple[tuple[Any, ...], bool]:
    """Return values whose tensors' gradients pass through a function, and whether there are any.

    The function takes and returns one gradient for each value, None for what is no tensor. Gradients that are missing are
    zeros, or None.
    """
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not (state.grad and any(values[i].requires_grad for i in places)):
        return values, False

    def spread(gradients: Gradients) -> Gradients:
        row: list[Any] = [None] * len(values)
        for i, gradient in zip(places, gradients, strict=True):
            row[i] = gradient
        row = list(receive(tuple(row)))
        return tuple(row[i] for i in places)

    tensors = BackwardHookFunction.apply(spread, zeros, *(values[i] for i in places))
    result = list(values)
    for i, tensor in zip(places, tensors, strict=True):
        result[i] = tensor
    return (tuple(result) if type(values) is tuple else type(values)(*result)), True
