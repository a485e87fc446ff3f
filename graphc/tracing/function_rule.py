"""Custom functions within a recorded body: record the function's batching rule for each batch around it."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphc.autograd.function import Call, Function
from graphc.autograd.function_rules import in_place_of
from graphc.ir.core.build import broadcast, permute
from graphc.ir.core.graph import Node, Region, parameter, toposort
from graphc.ir.core.types import TensorType
from graphc.ir.regions.builders import custom
from graphc.recording.context import state
from graphc.recording.grad_fn import TransformInput
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor
from graphc.tracing.custom_vjp import written_out
from graphc.tracing.nested import InnerTrace

__all__ = ["VmapInfo", "apply_with_rules", "placeholder_tensor", "ruled"]


class VmapInfo(NamedTuple):
    """The arguments of a batching rule: the number of elements, and the randomness mode."""

    batch_size: int
    randomness: str


class RuleTrace(InnerTrace):
    """One run of a function's batching rule."""

    def apply_function(self, call: Any) -> tuple[Any, bool]:
        """Run a custom function within the rule."""
        return apply_with_rules(call), True


def placeholder_tensor(param: Node, requires: bool) -> Tensor:
    """Return a tensor on a parameter; if it requires a gradient, the parameter is the end of its history."""
    return Tensor._of(Storage(param, requires, TransformInput(param, ()) if requires else None))


def _batchings(level: Any) -> list[tuple[Any, set[Node]]]:
    """Return the batches around a body, inner ones first, with the parameters that vary over each."""
    varying: set[Node] = set()
    batchings = []
    while isinstance(level, InnerTrace):
        varying.update(level.varying())
        if level.size is not None:
            batchings.append((level, set(varying)))
        level = level.outer
    return batchings


def apply_with_rules(call: Call) -> Any:
    """Run a custom function; return its results on a node that holds the function's rule for each batch around it.

    Which values of a body are batched is known only when the body is batched, so the rule is called now, with placeholders for
    those that may be.
    """
    result, cls, ctx = call.run(), call.function, call.ctx
    if cls.vmap is Function.vmap or ctx._dirty or call.kwargs:
        return result
    nodes = ctx._inputs
    several = isinstance(result, (tuple, list))
    outputs = list(result) if several else [result]
    values = [o._node() for o in outputs if isinstance(o, Tensor)]
    batchings = [(b, varying) for b, varying in _batchings(state.trace) if not varying.isdisjoint(toposort(nodes))]
    regions = {b.number: _batch_region(cls, b, varying, call.args, len(values)) for b, varying in batchings}
    if not regions:
        return result
    nodes_after = iter(custom(values, nodes, backward=None, forward=None, batches=regions, outer=toposort([*values, *nodes])))
    after = [
        Tensor._of(Storage(next(nodes_after), pending=o._storage.pending)) if isinstance(o, Tensor) else o for o in outputs
    ]
    ctx._constant = {id(n) for o, n in zip(outputs, after, strict=True) if id(o) in ctx._constant}
    ctx._saved = tuple(in_place_of(s, outputs, after) for s in ctx._saved)
    ctx._saved_forward = tuple(in_place_of(s, outputs, after) for s in ctx._saved_forward)
    return type(result)(after) if several else after[0]


def _batch_region(cls: type[Function], level: Any, varying: set[Node], args: tuple[Any, ...], count: int) -> Region:
    """Record the rule for a batch, outside of its level: a region from its inputs to `count` batched results."""
    inner = [a._node() for a in args if isinstance(a, Tensor)]
    batched = [not varying.isdisjoint(toposort([x])) for x in inner]
    params = [
        parameter(TensorType(x.dtype, (level.size, *x.shape)) if b else x.type) for x, b in zip(inner, batched, strict=True)
    ]
    trace, here = RuleTrace(f"{cls.__name__}.vmap", keys=False), state.trace
    trace.outer = level.outer
    state.trace = trace
    try:
        parameters = iter(zip(params, batched, strict=True))
        lifted: list[Any] = []
        dims: list[int | None] = []
        for a in args:
            param, has_axis = next(parameters) if isinstance(a, Tensor) else (None, False)
            lifted.append(a if param is None else placeholder_tensor(param, state.grad and param.dtype.is_float))
            dims.append(0 if has_axis else None)
        outputs, places = ruled(cls, cls.vmap(VmapInfo(level.size, level.randomness), tuple(dims), *lifted))
        tensors = [(o, d) for o, d in zip(outputs, places, strict=True) if isinstance(o, Tensor)]
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


def ruled(cls: type[Function], returned: Any) -> tuple[list[Any], list[int | None]]:
    """Check the results of a batching rule and return them with one dim each.  Raises RuntimeError, ValueError."""
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise RuntimeError(
            f"Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible with "
            f"the output; {cls.__name__}.vmap returned {type(returned).__name__}"
        )
    result, dims = returned
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    places = list(dims) if isinstance(dims, (tuple, list)) else [dims] * len(outputs)
    if len(places) != len(outputs):
        raise ValueError(f"{cls.__name__}.vmap returned {len(outputs)} results and {len(places)} out_dims")
    return outputs, places


def _in_front(node: Node, dim: int | None, size: int) -> Node:
    """Return a batch with a leading batch axis; an unbatched value is repeated."""
    if dim is None:
        return broadcast(node, (size, *node.shape), range(1, node.type.rank + 1))
    return permute(node, (dim % node.type.rank, *(a for a in range(node.type.rank) if a != dim % node.type.rank)))
