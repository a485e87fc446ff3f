"""One run of a function on placeholders for the elements of a batch, and the batched graph.

Every batched input becomes a fresh parameter with the shape of one element; graphc.ir.transforms.vmap batches the recorded
graph. Nodes identify nested levels, so maps, gradients and compiled functions nest in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

from graphc.batching.random_keys import furthest_key, keys_of_elements, refuse_draws
from graphc.core.errors import TracingError, location_of, set_location
from graphc.ir.core.build import permute
from graphc.ir.core.graph import Node, parameter, toposort
from graphc.ir.core.types import TensorType
from graphc.ir.transforms.vmap import batch
from graphc.ir.transforms.vmap_rules import lead
from graphc.recording.context import state
from graphc.recording.grad_fn import AccumulateGrad, BatchInput, GradFn, TransformInput
from graphc.recording.recording import PENDING_BOUND
from graphc.recording.structures import substitute
from graphc.storage.compute import compute
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor
from graphc.tracing.custom_vjp import written_out
from graphc.tracing.function_rule import VmapInfo, apply_with_rules, ruled
from graphc.tracing.nested import KEY, Before, InnerTrace

__all__ = ["BatchTrace", "Batched"]


_numbers = count()


class Batched:
    """A result: its node, whether it has a leading batch axis, and its history outside."""

    def __init__(self, node: Node, has_axis: bool, fn: GradFn | None, pending: int) -> None:
        self.node, self.has_axis, self.fn, self.pending = node, has_axis, fn, pending

    def tensor(self, dim: int | None, size: int) -> Tensor:
        """Return it as a tensor with the batch axis at `dim`, or without one.  Raises IndexError."""
        node = self.node if dim is None else _moved(self.node if self.has_axis else lead(self.node, size), dim)
        if self.fn is not None and not state.grad:
            node = stopped(node)
        has_history = self.fn is not None and state.grad
        storage = Storage(node, has_history, self.fn if has_history else None, self.pending)
        if self.pending > PENDING_BOUND and state.trace is None:
            compute([storage])
        return Tensor._of(storage)


def _moved(x: Node, dim: int) -> Node:
    """Move the leading axis to `dim`.  Raises IndexError."""
    n = x.type.rank
    if not -n <= dim < n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    rest = list(range(1, n))
    rest.insert(dim % n, 0)
    return permute(x, rest)


class BatchTrace(InnerTrace):
    """One run of a function on placeholders for the elements of a batch.  Only values that are read are computed."""

    kind = "batched function"

    def __init__(self, name: str, size: int, randomness: str) -> None:
        super().__init__(f"vmap({name})", keys=randomness == "different")
        self.name, self.randomness = name, randomness
        self.size: int = size
        self.number = next(_numbers)
        self.inputs: dict[Node, Node] = {}
        self.taken: list[tuple[Tensor, int, Node, Tensor]] = []
        self.writes: list[tuple[Tensor, int, Batched]] = []

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, TracingError) and error.unbound in self.inputs:
            raise self._asked_for(error) from None

    def take(self, x: Tensor, dim: int) -> Tensor:
        """Return the placeholder for an element of a batch."""
        node = x._node()
        key = parameter(TensorType(node.dtype, (*node.shape[:dim], *node.shape[dim + 1 :])), self.title)
        key.where = node.where
        self.inputs[key] = permute(node, (dim, *(a for a in range(node.type.rank) if a != dim)))
        edge = x._edge() if x.requires_grad else None
        fn: GradFn | None = None
        if edge is not None:
            self.edges.add(edge)
            fn = BatchInput(key, edge)
        inner = Tensor._of(Storage(key, fn is not None, fn, x._storage.pending))
        self.taken.append((x, dim, key, inner))
        return inner

    # -- custom functions with a batching rule ------------------------------------------------------------------

    def varying(self) -> Iterable[Node]:
        """Return the parameters that stand for an element."""
        return self.inputs

    def apply_function(self, call: Any) -> tuple[Any, bool]:
        """Run a custom function, by its batching rule if it has one for batched arguments.  Raises RuntimeError, ValueError."""
        if not self.is_batched(call.tensors) or not call.function.has_batch_rule():
            return apply_with_rules(call), True
        inside = any(self.differentiates(x) for x in call.tensors)
        result = self._by_rule(call)
        if call.recording and inside:
            call.set_up(result)
        return result, inside

    def _by_rule(self, call: Any) -> Any:
        """Return placeholders for the results that a function's batching rule returns for the whole batch."""
        info, function = VmapInfo(self.size, self.randomness), call.function
        returned = self.outside(call.args, lambda lifted, dims: function.vmap(info, dims, *lifted))
        outputs, places = ruled(function, returned)
        several = isinstance(returned[0], (tuple, list))
        pairs = zip(outputs, places, strict=True)
        results = [o if d is None or not isinstance(o, Tensor) else self.take(o, d % o.ndim) for o, d in pairs]
        return type(returned[0])(results) if several else results[0]

    def is_batched(self, tensors: Sequence[Tensor]) -> bool:
        """Return whether one of some tensors varies over the elements."""
        return not set(toposort([t._node() for t in tensors])).isdisjoint(self.inputs)

    def differentiates(self, x: Tensor) -> bool:
        """Return whether the function itself may take a gradient through a tensor."""
        seen: set[GradFn] = set()
        stack = [x._edge() if x.requires_grad else None]
        while stack:
            step = stack.pop()
            if step is None or step in seen or step in self.edges:
                continue
            seen.add(step)
            inside = isinstance(step, AccumulateGrad) and step.tensor._storage.trace is self
            if inside or (isinstance(step, TransformInput) and step.active):
                return True
            stack.extend(step.edges)
        return False

    def outside(self, args: Sequence[Any], rule: Callable[[list[Any], tuple[int | None, ...]], Any]) -> Any:
        """Call a rule outside of this level, on arguments that are batches there, with the dims of their batch axes."""
        tensors = [a for a in args if isinstance(a, Tensor)]
        nodes = [t._node() for t in tensors]
        keys = {b.key for b in self.entered.values() if b.key is not None}
        if not keys.isdisjoint(toposort(nodes)):
            raise RuntimeError(
                f"{self.title}: a custom function with a vmap rule cannot take random numbers that differ by element"
            )
        nodes = self._written_out(tensors)
        steps = [self._outer_step(t) for t in tensors]
        batches = iter(zip(batch(nodes, self.inputs, self.size, self.number), steps, tensors, strict=True))
        state.trace = self.outer
        try:
            lifted: list[Any] = []
            dims: list[int | None] = []
            for a in args:
                ((node, has_axis), step, tensor) = next(batches) if isinstance(a, Tensor) else ((None, False), None, None)
                dims.append(0 if has_axis else None)
                if tensor is None or node is None:
                    lifted.append(a)
                else:
                    batched = Batched(node, has_axis, step, tensor._storage.pending)
                    lifted.append(batched.tensor(dims[-1], self.size))
            return rule(lifted, tuple(dims))
        finally:
            state.trace = self

    def _asked_for(self, error: TracingError) -> TracingError:
        asked = error.asked
        assert isinstance(asked, Node)
        origin = f", made at {asked.where}" if asked.where else ""
        refused = TracingError(
            f"vmap: It looks like {self.name} looks at the value of a batched tensor (.item(), bool, print, a Python if): "
            f"expected one value for all elements of the batch, got {asked.type} for each{origin}. Choose with graphc.where, "
            "or give in_dims=None to what is not batched."
        )
        set_location(refused, location_of(error))
        return refused

    # -- the end ----------------------------------------------------------------------------------------------

    def finish(self, outputs: Sequence[Any]) -> list[Batched | None]:
        """Batch the outputs, None for values that are not tensors, and in-place writes.  Raises RuntimeError."""
        self.bind_numbers()
        changed = self.changed()
        written = [(x, dim, inner) for x, dim, key, inner in self.taken if inner._storage._node is not key]
        results = [x for x in outputs if isinstance(x, Tensor)] + [inner for _, _, inner in written]
        nodes = self._written_out(results)
        if self.randomness == "error":
            refuse_draws(nodes, changed)
        plain, batches, last_states = keys_of_elements(self.entered, changed, self.size)
        states = substitute([s.node_in_trace() for s in changed], {**plain, **last_states})
        batched = batch([*substitute(nodes, plain), *states], {**self.inputs, **batches}, self.size, self.number)
        self._write_outside(changed, batched[len(nodes) :])
        batched_results = [
            Batched(node, has, self._outer_step(x), x._storage.pending + 1)
            for x, (node, has) in zip(results, batched[: len(nodes)], strict=True)
        ]
        self.writes = [
            (x, d, m) for (x, d, _), m in zip(written, batched_results[len(batched_results) - len(written) :], strict=True)
        ]
        each = iter(batched_results)
        return [next(each) if isinstance(x, Tensor) else None for x in outputs]

    def write_back(self) -> None:
        """Write to the arguments what the function wrote to their placeholders; called outside of the level."""
        for x, dim, batched in self.writes:
            x._assign(batched.tensor(dim, self.size))

    def _write_outside(self, changed: dict[Storage, Before], batches: Sequence[tuple[Node, bool]]) -> None:
        """Apply the function's writes to external tensors, with their true random states.  Raises RuntimeError for batches."""
        for storage, before in self.entered.items():
            if before.key is not None and storage._node is before.key:
                storage.set_node(before.node)
        for (storage, before), (node, has_axis) in zip(changed.items(), batches, strict=True):
            if has_axis and before.node.type == KEY:
                node, has_axis = furthest_key(node, before.node), False
            if has_axis:
                raise RuntimeError(
                    f"vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in "
                    f"extra_args that has more elements than `self`: {self.name} writes a batch to a tensor of type "
                    f"{node.type.with_shape(node.shape[1:])} from outside, that is none. Give in_dims for it, or "
                    "write out of place."
                )
            storage.set_node(node)
            if self.outer is None:
                state.dirty.add(storage)

    def _outer_step(self, x: Tensor) -> GradFn | None:
        """Return a grad_fn from which the history outside of this level is reached; None if there is none."""
        first = x._edge() if x.requires_grad else None
        ends = self.ends(first)
        return GradFn(first.name(), tuple(ends), saves=first.saves) if first is not None and ends else None

    def _written_out(self, tensors: Sequence[Tensor]) -> list[Node]:
        """Return the nodes of tensors, with hooks and custom functions before the outside history replaced by graph nodes."""
        nodes = [x._node() for x in tensors]
        edges = [x._edge() for x in tensors if x.requires_grad]
        if not state.grad or not any(self.ends(e) for e in edges):
            return nodes
        return written_out(nodes, edges, self.is_end)
