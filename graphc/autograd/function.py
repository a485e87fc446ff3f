"""Operations with a gradient written by hand: torch.autograd.Function.

The forward runs without recording; its results stand on nodes of their own, and a barrier in their history
calls the backward, and in forward mode the jvp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.ir.core.build import cast, constant, zeros_like
from graphc.ir.core.control_flow import RefusedError
from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import TensorType
from graphc.tensors.context import state
from graphc.tensors.grad_fn import Barrier
from graphc.tensors.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["Call", "Function", "FunctionCtx", "in_place_of", "once_differentiable"]

RECORDED = "recorded"
"""Said of results that a gradient goes through."""


class FunctionCtx:
    """What forward leaves for backward: saved tensors, and any attributes."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._saved: tuple[Any, ...] = ()
        self._saved_forward: tuple[Any, ...] = ()
        self._forward = False
        self._inputs: list[Node] = []
        self._constant: set[int] = set()
        self._dirty: set[int] = set()
        self._materialize = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for backward, where they are `saved_tensors`."""
        self._saved = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors (or None) for jvp, where they are `saved_tensors`."""
        self._saved_forward = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What save_for_backward kept; in jvp, what save_for_forward did."""
        return self._saved_forward if self._forward else self._saved

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Say which results have no gradient."""
        self._constant.update(map(id, outputs))

    def mark_dirty(self, *inputs: Tensor) -> None:
        """Say which arguments forward has written to; they must be among the results."""
        self._dirty.update(map(id, inputs))

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether backward gets zeros (the default) or None for results that nothing depends on."""
        self._materialize = value


class Call:
    """A call of a custom function: its arguments, and the context that forward fills."""

    def __init__(self, function: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.tensors = [a for a in args if isinstance(a, Tensor)]
        self.ctx = FunctionCtx()
        self.ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        self.ctx._inputs = [x._node() for x in self.tensors]
        self.recording = state.grad and any(self.ctx.needs_input_grad)

    def run(self) -> Any:
        """Return the results of forward, without a history."""
        function, ctx = self.function, self.ctx
        with no_grad():
            if function.setup_context is Function.setup_context:
                return function.forward(ctx, *self.args, **self.kwargs)
            output = function.forward(*self.args, **self.kwargs)
            function.setup_context(ctx, self.args, output)
            return output

    def set_up(self, result: Any) -> None:
        """Fill the context for results that a rule for batches gave in place of forward."""
        with no_grad():
            self.function.setup_context(self.ctx, self.args, result)


class Function:
    """Base of operations with a gradient of their own; call them with `apply`.

    Subclasses define static methods `forward(ctx, *args)` and `backward(ctx, *grads)`; or `forward(*args)` and
    `setup_context(ctx, inputs, output)`.  Backward returns one gradient, or None, for each argument of forward.
    `jvp(ctx, *tangents)`, with one tangent or None for each argument of forward, returns one for each result;
    without it, forward mode transposes backward.  `vmap(info, in_dims, *args)` returns the results for a batch, and
    the dims of their batch axes; or `generate_vmap_rule = True` batches forward, backward and jvp as they are.
    """

    generate_vmap_rule = False

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Return the results.  Raises NotImplementedError unless a subclass says how."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep what backward needs, where forward does not get the context."""

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return the gradients by the arguments.  Raises NotImplementedError unless a subclass says how."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function "
            "to use it with backward mode AD."
        )

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Return the tangents of the results.  Raises NotImplementedError unless a subclass says how."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> Any:
        """Return (results, dims) for batches.  Raises NotImplementedError unless a subclass says how."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap static method or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call forward, and record that gradients go through backward."""
        call = Call(cls, args, kwargs)
        ctx, nodes, edges = call.ctx, call.ctx._inputs, tuple(x._edge() for x in call.tensors)
        result, recorded = (call.run(), True) if state.trace is None else state.trace.apply_function(call)
        if not (recorded and call.recording):
            return result
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        step = Barrier(
            f"{cls.__name__}Backward", edges, [], nodes, lambda given: _run_backward(cls, ctx, args, kinds, step, given)
        )
        made = [_recorded(ctx, o, step) if isinstance(o, Tensor) else o for o in outputs]
        kinds = [_kind(o, step) for o in made]
        ctx._saved = tuple(in_place_of(s, outputs, made) for s in ctx._saved)
        ctx._saved_forward = tuple(in_place_of(s, outputs, made) for s in ctx._saved_forward)
        if cls.jvp is not Function.jvp:
            step.push = lambda given: _run_jvp(cls, ctx, args, made, step, given)
        return type(result)(made) if isinstance(result, (tuple, list)) else made[0]

    @classmethod
    def has_batch_rule(cls) -> bool:
        """Tell whether batches are a matter of `vmap`.  Raises RuntimeError unless one thing says how they are computed."""
        overridden = cls.vmap is not Function.vmap
        if overridden and cls.generate_vmap_rule:
            raise RuntimeError(
                f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overriden vmap "
                "staticmethod. Please set generate_vmap_rule=False or delete the overriden vmap staticmethod to avoid "
                "ambiguity."
            )
        if not overridden and not cls.generate_vmap_rule:
            raise RuntimeError(
                f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the "
                "vmap staticmethod or set generate_vmap_rule=True."
            )
        if cls.setup_context is Function.setup_context:
            raise RuntimeError(
                "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must "
                "override the setup_context staticmethod."
            )
        return overridden


def in_place_of(saved: Any, outputs: Sequence[Any], made: Sequence[Any]) -> Any:
    """Return the recorded result for a saved one, so that second derivatives go through it."""
    return next((m for o, m in zip(outputs, made, strict=True) if o is saved), saved)


def _recorded(ctx: FunctionCtx, output: Tensor, step: Barrier) -> Tensor:
    if id(output) in ctx._constant or not output._type.dtype.is_float:
        return output
    leaf = make(PRIMITIVES["alias"], (stopped(output._node()),), unique=True)
    step.outputs.append(leaf)
    if id(output) in ctx._dirty:
        output._storage.put(leaf, True, step, output._storage.pending)
        return output
    return Tensor._of(Storage(leaf, True, step, output._storage.pending))


def _run_backward(
    cls: type[Function],
    ctx: FunctionCtx,
    args: tuple[Any, ...],
    kinds: Sequence[Any],
    step: Barrier,
    given: Sequence[Node | None],
) -> list[Node | None]:
    rest = iter([_weight(ctx, node, output, step) for node, output in zip(given, step.outputs, strict=True)])
    result = cls.backward(ctx, *(next(rest) if kind is RECORDED else _no_weight(ctx, kind) for kind in kinds))
    found = list(result) if isinstance(result, (tuple, list)) else [result]
    while len(found) > len(args) and found[-1] is None:
        found.pop()
    if len(found) != len(args):
        raise RuntimeError(
            f"function {step.name()} returned an incorrect number of gradients (expected {len(args)}, got {len(found)})"
        )
    pairs = zip(args, found, strict=True)
    return [_checked(step, i, a, g) for i, (a, g) in enumerate(pairs) if isinstance(a, Tensor)]


def _run_jvp(
    cls: type[Function],
    ctx: FunctionCtx,
    args: tuple[Any, ...],
    outputs: Sequence[Any],
    step: Barrier,
    given: Sequence[Node | None],
) -> list[Node | None]:
    """Return the tangents of a step's outputs by jvp.  Raises RuntimeError for another number of them, or another shape."""
    rest = iter(given)
    tangents = [_tangent(ctx, a, next(rest)) if isinstance(a, Tensor) else None for a in args]
    ctx._forward = True
    try:
        result = cls.jvp(ctx, *tangents)
    finally:
        ctx._forward = False
    found = list(result) if isinstance(result, (tuple, list)) else [result]
    if len(found) != len(outputs):
        raise RuntimeError(
            f"{cls.__name__}'s jvp returned an invalid number of forward gradients (expected {len(outputs)} "
            f"but got {len(found)})"
        )
    recorded = [(o, t) for o, t in zip(outputs, found, strict=True) if isinstance(o, Tensor) and o._edge() is step]
    return [_checked_tangent(o, t, step) for o, t in recorded]


def _tangent(ctx: FunctionCtx, argument: Tensor, node: Node | None) -> Tensor | None:
    """Return the tangent of an argument, zeros where there is none and the context wants them."""
    if not argument._type.dtype.is_float or (node is None and not ctx._materialize):
        return None
    return Tensor._of(Storage(zeros_like(argument._node()) if node is None else node))


def _checked_tangent(output: Tensor, tangent: Any, step: Barrier) -> Node | None:
    """Return the node of a tangent that jvp returned.  Raises RuntimeError for another shape."""
    if tangent is None:
        return None
    if tangent.shape != output.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {[*output.shape]} while the given forward gradient is of size {[*tangent.shape]}."
        )
    if state.grad:
        step.made.append(tangent._edge())
    return cast(tangent._node(), output._type.dtype)


def _kind(output: Any, step: Barrier) -> TensorType | str | None:
    """Return what backward is told about a result: its gradient if it is `RECORDED`, zeros of a type, or None."""
    if not isinstance(output, Tensor):
        return None
    return RECORDED if output._edge() is step else output._type


def _no_weight(ctx: FunctionCtx, type: TensorType | None) -> Tensor | None:
    if type is None or not ctx._materialize:
        return None
    return Tensor._of(Storage(constant(0, type.dtype, type.shape)))


def _weight(ctx: FunctionCtx, node: Node | None, output: Node, step: Barrier) -> Tensor | None:
    if node is None and not ctx._materialize:
        return None
    known = node if node is not None else zeros_like(output)
    return Tensor._of(Storage(known, state.grad, step if state.grad else None))


def _checked(step: Barrier, index: int, argument: Tensor, gradient: Any) -> Node | None:
    """Return the node of a gradient that backward returned.  Raises RuntimeError for another shape."""
    if gradient is None or not argument._type.dtype.is_float:
        return None
    if gradient.shape != argument.shape:
        raise RuntimeError(
            f"Function {step.name()} returned an invalid gradient at index {index} - got {list(gradient.shape)} "
            f"but expected shape compatible with {list(argument.shape)}"
        )
    if state.grad:
        step.made.append(gradient._edge())
    return cast(gradient._node(), argument._type.dtype)


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a backward that cannot be differentiated itself: a second derivative through it raises RuntimeError."""

    @wraps(backward)
    def wrapped(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            found = backward(ctx, *grads)
        if not state.grad:
            return found
        several = isinstance(found, (tuple, list))
        inputs = [*ctx._inputs, *(g._node() for g in grads if isinstance(g, Tensor))]
        marked = [_refusing(g, inputs) if isinstance(g, Tensor) else g for g in (found if several else (found,))]
        return tuple(marked) if several else marked[0]

    return wrapped


def _refusing(gradient: Tensor, inputs: list[Node]) -> Tensor:
    """Return the gradient on a node whose own derivative by what it is made of is an error."""
    leaf = make(PRIMITIVES["alias"], (stopped(gradient._node()),), unique=True)
    return Tensor._of(Storage(leaf, True, Barrier("Error", (), [leaf], inputs, _refuse)))


def _refuse(given: Sequence[Node | None]) -> Sequence[Node | None]:
    raise RefusedError("trying to differentiate twice a function that was marked with @once_differentiable")
