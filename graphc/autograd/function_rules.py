"""Calls of a custom function's backward and jvp from its history: tensors for nodes, and checks of the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.autograd.function_context import FunctionCtx
from graphc.ir.core.build import cast, constant, zeros_like
from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import CustomGradFn
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["in_place_of", "kind_of", "recorded_output", "run_backward", "run_jvp"]

RECORDED = "recorded"
"""Marks results that a gradient flows through."""


def in_place_of(saved: Any, outputs: Sequence[Any], recorded: Sequence[Any]) -> Any:
    """Return the recorded result for a saved one, so that second derivatives flow through it."""
    return next((m for o, m in zip(outputs, recorded, strict=True) if o is saved), saved)


def recorded_output(ctx: FunctionCtx, output: Tensor, step: CustomGradFn) -> Tensor:
    """Return a result of forward on a distinct node with the grad_fn as its history; unchanged if it has no gradient."""
    if id(output) in ctx._constant or not output._type.dtype.is_float:
        return output
    leaf = make(PRIMITIVES["alias"], (stopped(output._node()),), unique=True)
    step.outputs.append(leaf)
    if id(output) in ctx._dirty:
        output._storage.put(leaf, True, step, output._storage.pending)
        return output
    return Tensor._of(Storage(leaf, True, step, output._storage.pending))


def kind_of(output: Any, step: CustomGradFn) -> TensorType | str | None:
    """Return what backward receives for a result: its gradient if it is `RECORDED`, zeros of a type, or None."""
    if not isinstance(output, Tensor):
        return None
    return RECORDED if output._edge() is step else output._type


def run_backward(
    run: Callable[..., Any],
    ctx: FunctionCtx,
    args: tuple[Any, ...],
    kinds: Sequence[Any],
    step: CustomGradFn,
    cotangents: Sequence[Node | None],
) -> list[Node | None]:
    """Return the gradients of a grad_fn's inputs by backward.  Raises RuntimeError for a wrong number or shape."""
    rest = iter([_cotangent(ctx, node, output, step) for node, output in zip(cotangents, step.outputs, strict=True)])
    result = run(ctx, *(next(rest) if kind is RECORDED else _no_cotangent(ctx, kind) for kind in kinds))
    grads = list(result) if isinstance(result, (tuple, list)) else [result]
    while len(grads) > len(args) and grads[-1] is None:
        grads.pop()
    if len(grads) != len(args):
        raise RuntimeError(
            f"function {step.name()} returned an incorrect number of gradients (expected {len(args)}, got {len(grads)})"
        )
    pairs = zip(args, grads, strict=True)
    return [_checked(step, i, a, g) for i, (a, g) in enumerate(pairs) if isinstance(a, Tensor)]


def run_jvp(
    run: Callable[..., Any],
    ctx: FunctionCtx,
    args: tuple[Any, ...],
    outputs: Sequence[Any],
    step: CustomGradFn,
    input_tangents: Sequence[Node | None],
) -> list[Node | None]:
    """Return the tangents of a grad_fn's outputs by jvp.  Raises RuntimeError for a wrong number or shape."""
    rest = iter(input_tangents)
    tangents = [_tangent(ctx, a, next(rest)) if isinstance(a, Tensor) else None for a in args]
    ctx._forward = True
    try:
        result = run(ctx, *tangents)
    finally:
        ctx._forward = False
    output_tangents = list(result) if isinstance(result, (tuple, list)) else [result]
    if len(output_tangents) != len(outputs):
        raise RuntimeError(
            f"{step.name().removesuffix('Backward')}'s jvp returned an invalid number of forward gradients "
            f"(expected {len(outputs)} but got {len(output_tangents)})"
        )
    recorded = [(o, t) for o, t in zip(outputs, output_tangents, strict=True) if isinstance(o, Tensor) and o._edge() is step]
    return [_checked_tangent(o, t, step) for o, t in recorded]


def _tangent(ctx: FunctionCtx, argument: Tensor, node: Node | None) -> Tensor | None:
    """Return the tangent of an argument; zeros if there is none and the context materializes them."""
    if not argument._type.dtype.is_float or (node is None and not ctx._materialize):
        return None
    return Tensor._of(Storage(zeros_like(argument._node()) if node is None else node))


def _checked_tangent(output: Tensor, tangent: Any, step: CustomGradFn) -> Node | None:
    """Return the node of a tangent that jvp returned.  Raises RuntimeError for another shape."""
    if tangent is None:
        return None
    if tangent.shape != output.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {[*output.shape]} while the given forward gradient is of size {[*tangent.shape]}."
        )
    if state.grad:
        step.grad_history.append(tangent._edge())
    return cast(tangent._node(), output._type.dtype)


def _no_cotangent(ctx: FunctionCtx, type: TensorType | None) -> Tensor | None:
    if type is None or not ctx._materialize:
        return None
    return Tensor._of(Storage(constant(0, type.dtype, type.shape)))


def _cotangent(ctx: FunctionCtx, node: Node | None, output: Node, step: CustomGradFn) -> Tensor | None:
    if node is None and not ctx._materialize:
        return None
    known = node if node is not None else zeros_like(output)
    return Tensor._of(Storage(known, state.grad, step if state.grad else None))


def _checked(step: CustomGradFn, index: int, argument: Tensor, gradient: Any) -> Node | None:
    """Return the node of a gradient that backward returned.  Raises RuntimeError for another shape."""
    if gradient is None or not argument._type.dtype.is_float:
        return None
    if gradient.shape != argument.shape:
        raise RuntimeError(
            f"Function {step.name()} returned an invalid gradient at index {index} - got {list(gradient.shape)} "
            f"but expected shape compatible with {list(argument.shape)}"
        )
    if state.grad:
        step.grad_history.append(gradient._edge())
    return cast(gradient._node(), argument._type.dtype)
