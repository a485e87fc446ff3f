"""Operations with a gradient written by hand: torch.autograd.Function.

The forward runs without recording; its results stand on nodes of their own, and a barrier in their history
calls the backward, and in forward mode the jvp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, NamedTuple

from graphc.autograd.grad_mode import no_grad
from graphc.batching.trace import BatchTrace
from graphc.control_flow.body import batchings, stand_in
from graphc.ir.core.build import broadcast, cast, constant, permute, zeros_like
from graphc.ir.core.control_flow import RefusedError, custom
from graphc.ir.core.graph import Node, Region, make, parameter, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import TensorType
from graphc.tensors.context import state
from graphc.tensors.grad_fn import Barrier
from graphc.tensors.storage import Storage, stopped
from graphc.tensors.tensor import Tensor
from graphc.tracing.custom_vjp import written_out
from graphc.tracing.nested import InnerTrace

__all__ = ["Function", "FunctionCtx", "once_differentiable"]

RECORDED = "recorded"
"""Said of results that a gradient goes through."""


class FunctionCtx:
    """What forward leaves for backward: saved tensors, and any attributes."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._saved: tuple[Any, ...] = ()
        self._saved_forward: tuple[Any, ...] = ()
        self._forward = False
        self._inputs: Sequence[Node] = ()
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


class VmapInfo(NamedTuple):
    """What a rule for batches is told: how many elements there are, and how random numbers are drawn."""

    batch_size: int
    randomness: str


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
        ctx = FunctionCtx()
        tensors = [a for a in args if isinstance(a, Tensor)]
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        nodes, edges = [t._node() for t in tensors], tuple(t._edge() for t in tensors)
        ctx._inputs = nodes
        recording = state.grad and any(ctx.needs_input_grad)
        level = state.trace
        if isinstance(level, BatchTrace) and level.is_batched(tensors):
            overridden, inside = cls._has_batch_rule(), any(level.differentiates(t) for t in tensors)
        else:
            overridden = inside = False
        if isinstance(level, BatchTrace) and overridden:
            result = _for_a_batch(cls, level, args, cls.vmap)
            if not recording or not inside:
                return result
            with no_grad():
                cls.setup_context(ctx, args, result)
        else:
            with no_grad():
                result = cls._run_forward(ctx, args, kwargs)
            if cls.vmap is not Function.vmap and level is not None and not ctx._dirty and not kwargs:
                result = _with_batch_rules(cls, ctx, args, nodes, result)
        if not recording:
            return result
        outputs = list(result) if isinstance(result, (tuple, list)) else [result]
        step = Barrier(
            f"{cls.__name__}Backward", edges, [], nodes, lambda given: _run_backward(cls, ctx, args, kinds, step, given)
        )
        made = [_recorded(ctx, o, step) if isinstance(o, Tensor) else o for o in outputs]
        kinds = [_kind(o, step) for o in made]
        ctx._saved = tuple(_in_place_of(s, outputs, made) for s in ctx._saved)
        ctx._saved_forward = tuple(_in_place_of(s, outputs, made) for s in ctx._saved_forward)
        if cls.jvp is not Function.jvp:
            step.push = lambda given: _run_jvp(cls, ctx, args, made, step, given)
        return type(result)(made) if isinstance(result, (tuple, list)) else made[0]

    @classmethod
    def _has_batch_rule(cls) -> bool:
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

    @classmethod
    def _run_forward(cls, ctx: FunctionCtx, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if cls.setup_context is Function.setup_context:
            return cls.forward(ctx, *args, **kwargs)
        output = cls.forward(*args, **kwargs)
        cls.setup_context(ctx, args, output)
        return output


def _for_a_batch(cls: type[Function], level: BatchTrace, args: tuple[Any, ...], rule: Callable[..., Any]) -> Any:
    """Return stand-ins for the results that a rule gives for the whole batch.  Raises RuntimeError, ValueError."""
    info = VmapInfo(level.size, level.randomness)
    found = level.outside(args, lambda lifted, dims: rule(info, dims, *lifted))
    outputs, places = _ruled(cls, found)
    several = isinstance(found[0], (tuple, list))
    made = [
        o if d is None or not isinstance(o, Tensor) else level.take(o, d % o.ndim) for o, d in zip(outputs, places, strict=True)
    ]
    return type(found[0])(made) if several else made[0]


def _ruled(cls: type[Function], found: Any) -> tuple[list[Any], list[int | None]]:
    """Return what a rule for batches returned, and one dim for each.  Raises RuntimeError, ValueError."""
    if not isinstance(found, tuple) or len(found) != 2:
        raise RuntimeError(
            f"Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible with "
            f"the output; {cls.__name__}.vmap returned {type(found).__name__}"
        )
    result, dims = found
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    places = list(dims) if isinstance(dims, (tuple, list)) else [dims] * len(outputs)
    if len(places) != len(outputs):
        raise ValueError(f"{cls.__name__}.vmap returned {len(outputs)} results and {len(places)} out_dims")
    return outputs, places


def _with_batch_rules(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], nodes: list[Node], result: Any) -> Any:
    """Return results on a node that knows the rule for each batch that what is recorded here may become a part of.

    Which values of a body are batches is known when it is batched; the rule is called now, on stand-ins for what may be.
    """
    several = isinstance(result, (tuple, list))
    outputs = list(result) if several else [result]
    values = [o._node() for o in outputs if isinstance(o, Tensor)]
    found = [(b, varying) for b, varying in batchings(state.trace) if not varying.isdisjoint(toposort(nodes))]
    regions = {b.number: _batch_region(cls, b, varying, args, len(values)) for b, varying in found}
    if not regions:
        return result
    made = iter(custom(values, nodes, backward=None, forward=None, batches=regions, outer=toposort([*values, *nodes])))
    after = [Tensor._of(Storage(next(made), pending=o._storage.pending)) if isinstance(o, Tensor) else o for o in outputs]
    ctx._constant = {id(n) for o, n in zip(outputs, after, strict=True) if id(o) in ctx._constant}
    ctx._saved = tuple(_in_place_of(s, outputs, after) for s in ctx._saved)
    ctx._saved_forward = tuple(_in_place_of(s, outputs, after) for s in ctx._saved_forward)
    return type(result)(after) if several else after[0]


def _batch_region(cls: type[Function], level: BatchTrace, varying: set[Node], args: tuple[Any, ...], count: int) -> Region:
    """Record the rule for a batch, outside of its level: a region from its inputs to `count` results, axis in front."""
    inner = [a._node() for a in args if isinstance(a, Tensor)]
    batched = [not varying.isdisjoint(toposort([x])) for x in inner]
    params = [
        parameter(TensorType(x.dtype, (level.size, *x.shape)) if b else x.type) for x, b in zip(inner, batched, strict=True)
    ]
    trace, here = InnerTrace(f"{cls.__name__}.vmap", keys=False), state.trace
    trace.outer = level.outer
    state.trace = trace
    try:
        made = iter(zip(params, batched, strict=True))
        lifted: list[Any] = []
        dims: list[int | None] = []
        for a in args:
            param, has_axis = next(made) if isinstance(a, Tensor) else (None, False)
            lifted.append(a if param is None else stand_in(param, state.grad and param.dtype.is_float))
            dims.append(0 if has_axis else None)
        found, places = _ruled(cls, cls.vmap(VmapInfo(level.size, level.randomness), tuple(dims), *lifted))
        tensors = [(o, d) for o, d in zip(found, places, strict=True) if isinstance(o, Tensor)]
        if len(tensors) != count:
            raise RuntimeError(f"{cls.__name__}.vmap returned {len(tensors)} tensors, where forward returns {count}")
        results = [_in_front(o._node(), d, level.size) for o, d in tensors]
        if trace.changed():
            raise RuntimeError(
                f"{cls.__name__}.vmap within a loop: expected a rule that draws no random numbers and writes nowhere"
            )
        results = written_out(results, [o._edge() for o, _ in tensors if o.requires_grad], trace.is_end)
    finally:
        trace.leave()
        state.trace = here
    return Region(tuple(params), tuple(results))


def _in_front(node: Node, dim: int | None, size: int) -> Node:
    """Return a batch with its axis in front; a value that is the same for all elements as a batch."""
    if dim is None:
        return broadcast(node, (size, *node.shape), range(1, node.type.rank + 1))
    return permute(node, (dim % node.type.rank, *(a for a in range(node.type.rank) if a != dim % node.type.rank)))


def _in_place_of(saved: Any, outputs: Sequence[Any], made: Sequence[Any]) -> Any:
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
