"""Trace a function with the arguments of a call, and build a variant from the recorded graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphc.autograd.engine import with_late_hooks
from graphc.compiler.aliases import AliasedError, SharedGrads, aliases, reachable
from graphc.compiler.guards.assigned import Assigned, Assignments, TensorAt, look_up
from graphc.compiler.guards.watch import Watch, watch
from graphc.compiler.histories import is_outside
from graphc.compiler.options import Options
from graphc.compiler.results.protocol import Result
from graphc.compiler.results.shown import (
    ArgumentSource,
    Arrangement,
    GradSource,
    OutsideSource,
    PlaceSource,
    Source,
    arrangement,
)
from graphc.compiler.signature import Argument, Call, flatten_call, names_of
from graphc.compiler.variant import ArgumentStorage, ArgumentTensor, CapturedStorage, OutsideTensor, Variant
from graphc.core import pytree
from graphc.core.dtypes import of_numpy
from graphc.core.errors import TracingError, add_location
from graphc.core.pytree import TreeDef
from graphc.ir.core.graph import PARAMETER, Graph, Node, parameter, toposort
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import CustomGradFn, GradFn, Replaced, TransformInput, history
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor
from graphc.tracing.custom_vjp import written_out
from graphc.tracing.trace import Captured, Trace

__all__ = ["Tracer", "capture", "trace"]


def trace(function: Callable[..., Any], call: Call, options: Options, seen: Watch, *, once: bool) -> Variant:
    """Trace a function with the arguments of a call; arguments that alias other tensors it uses are treated as state.

    Which these are is known after a trace, and the function is traced again.  With `once` arguments that alias any tensor
    it may read count from the start, since a function that changes Python values must not run twice.  Raises TracingError
    where that happens all the same.
    """
    known: frozenset[int] = reachable(call, seen) if once else frozenset()
    while True:
        tracer = Tracer(function, call, options, seen, known)
        try:
            return tracer.run()
        except AliasedError as found:
            more = frozenset(found.numbers)
        except TracingError:
            more = tracer.differentiated_aliases()
            if not more:
                raise
        known = known | more
        if not seen.holds():
            raise TracingError(_RUN_TWICE)


_RUN_TWICE = (
    "expected a function that changes no Python values, got one that does, and an argument that shares its values with a "
    "tensor that the function uses under another name: it would have to be traced twice. Pass a clone, or that tensor alone."
)


class Tracer:
    """One tracing of a function with the arguments of a call.

    `state_like` are the numbers of arguments that are passed to the function directly, as external state.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        call: Call,
        options: Options,
        watch: Watch,
        state_like: frozenset[int] = frozenset(),
    ) -> None:
        self.function, self.call, self.options = function, call, options
        self.watch, self.state_like = watch, state_like
        self.trace = Trace()
        self.params: list[Node] = []
        self.numbers: dict[Tensor, int] = {}
        self.outputs: dict[Node, int] = {}
        self.assignments = Assignments(watch)
        self.assigned: list[Assigned] = []
        self.finders: dict[Tensor, TensorAt] = {}
        """How to find the tensors that the function has replaced."""

    def differentiated_aliases(self) -> frozenset[int]:
        """Return the arguments that share values and may require a gradient, if the function takes gradients itself."""
        return frozenset() if self.trace.forward is None else aliases(self.call) - self.state_like

    def run(self) -> Variant:
        """Trace and return the variant; all state is restored, even after an exception."""
        state.trace = self.trace
        try:
            args, kwargs = self._placeholders()
            try:
                leaves, tree = pytree.flatten(self.function(*args, **kwargs))
            finally:
                self.assigned = self.assignments.take()
            variant = self._variant([*leaves, *(x for a in self.assigned for x in a.leaves)], tree)
            for assigned in self.assigned:
                assigned.forget()
            return variant
        except TracingError as error:
            add_location(error)
            raise
        finally:
            self.trace.leave()  # first: a signal handler in between suspends the remaining state
            state.trace = None

    def _placeholders(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with placeholders for tensors: the same one for the same tensor; arrays are read-only."""
        tensors: dict[int, Tensor] = {}
        leaves: list[Any] = []
        arguments = iter(self.call.arguments)
        for leaf, name in zip(self.call.leaves, names_of(self.function, self.call.tree), strict=True):
            if isinstance(leaf, (Tensor, np.ndarray)):
                leaves.append(self._placeholder_tensor(next(arguments), name, tensors))
            else:
                leaves.append(leaf)
        arguments_on_placeholders: tuple[tuple[Any, ...], dict[str, Any]] = pytree.unflatten(leaves, self.call.tree)
        return arguments_on_placeholders

    def _placeholder_tensor(self, argument: Argument, name: str, tensors: dict[int, Tensor]) -> Tensor:
        array = argument.array
        node = parameter(TensorType(of_numpy(array.dtype).ir, array.shape), name)
        self.params.append(node)
        if len(self.params) - 1 in self.state_like:
            return argument.passed  # type: ignore[no-any-return]
        if not argument.is_numpy and id(argument.passed) in tensors:
            return tensors[id(argument.passed)]
        storage = Storage(node, argument.requires_grad)
        value = argument.passed
        if argument.leads_on:
            storage._fn = TransformInput(node, ())
            storage._fn.metadata = {"argument": value}
        tensor = tensors[id(value)] = Tensor._of(storage)
        if isinstance(value, Tensor):
            tensor._grad = value._grad
            tensor._hooks = value._hooks and {kind: dict(group) for kind, group in value._hooks.items()}
            self.trace.placeholders[tensor] = value
        self.numbers[tensor] = len(self.params) - 1
        return tensor

    def _variant(self, leaves: list[Any], tree: TreeDef) -> Variant:
        trace = self.trace
        for x in leaves:
            if isinstance(x, Tensor):
                x._node()  # a tensor from outside that is returned is used, too
        self._check_aliases()
        self.finders, replaced = look_up(self.assigned, self.trace.captures, self._is_found)
        values, arranged = self._arranged(leaves)
        written = [x for x, n in self.numbers.items() if x._storage._node is not self.params[n]]
        state = {s: Tensor._of(s) for s, c in self.trace.captures.items() if s._node is not c.placeholder}
        own = filter(_has_new_history, (*written, *state.values()))
        nodes = self._written_out([*(x for x in values if isinstance(x, Tensor)), *own])
        results = [self._result(x, nodes) for x in values]
        writes: list[tuple[CapturedStorage | ArgumentStorage, Result]] = [
            *(self._written_argument(x, nodes) for x in written),
            *self._written_state(state, nodes),
        ]
        grads = self._accumulated()
        self._guard_shared_grads()
        captures = list(trace.captures.values())
        inputs = [*self.params, *(c.placeholder for c in captures), *(n for _, n in trace.numbers)]
        constants = self._constants(inputs)
        numbers = {n: i for i, n in enumerate([*inputs, *constants])}
        produced = [n for n in self.outputs if n not in numbers]
        place = _Placement(numbers, {n: i for i, n in enumerate(produced)})
        return Variant(
            graph=Graph(tuple(numbers), tuple(produced), re.sub(r"\W", "_", getattr(self.function, "__name__", "graph"))),
            forward=trace.forward,
            strides=[a.strides for a in self.call.arguments] + [None] * (len(numbers) - len(self.params)),
            captures=captures,
            numbers=trace.numbers,
            constants=constants,
            guards=trace.guards,
            grads_read=[(self._finder(s.tensor), s.original is None) for s in trace.grads.values() if s.looked],
            tree=tree,
            results=[place(r) for r in results],
            arranged=arranged,
            paths=[([numbers[n] for n in ends if n in numbers], list(map(self._finder, xs))) for ends, xs in trace.paths],
            writes=[(find, place(r)) for find, r in writes],
            flags=self._flags(writes),
            grads=[(find, None if r is None else place(r)) for find, r in grads],
            placeholders=self.numbers,
            options=self.options,
            watch=self.watch.without(replaced) if replaced else self.watch,
            assigned=self.assigned,
            state_like=[(n, self.call.arguments[n].passed) for n in sorted(self.state_like)],
            outside=self._outside(),
        )

    def _is_found(self, tensor: Tensor) -> bool:
        """Return whether a tensor that was replaced can be found by the place where it was."""
        root, steps = tensor._place()
        own_history = tensor._storage.requires_grad and tensor._storage.place[0] is not tensor._storage
        passed = any(a.root is root for a in self.call.arguments if not a.is_numpy)
        if steps or own_history or passed or not self.trace.rebound.isdisjoint((root, tensor._storage)):
            return False
        return self.assignments.only_here(tensor)

    def _constants(self, inputs: Sequence[Node]) -> list[Node]:
        """Return the arrays that the function computed without inputs, as parameters.  Raises TracingError for unbound ones."""
        known = set(inputs)
        constants = [n for n in toposort(self.outputs) if n.op is PARAMETER and n not in known]
        for node in constants:
            if node.value is None:
                raise self.trace.escaped(node)
        return constants

    def _output(self, node: Node, fn: GradFn | None = None) -> Result:
        self.outputs.setdefault(node, len(self.outputs))
        return Result("output", 0, None, node, fn)

    def _written_out(self, tensors: Sequence[Tensor]) -> dict[Tensor, Node]:
        """Return nodes for results whose history has hooks or custom functions, with their code recorded in the nodes."""
        chosen = [x for x in tensors if x.requires_grad and (edge := x._edge()) is not None and not edge.dead]
        edges = [x._edge() for x in chosen]
        if not any(isinstance(s, CustomGradFn) and not is_outside(s) for s in with_late_hooks(history(edges))):
            return {}
        return dict(zip(chosen, written_out([x._node() for x in chosen], edges, is_outside), strict=True))

    def _result(self, leaf: Any, nodes: Mapping[Tensor, Node]) -> Result:
        if not isinstance(leaf, Tensor):
            return Result("constant", value=leaf)
        number = next((n for n in self.state_like if self.call.arguments[n].passed is leaf), self.numbers.get(leaf))
        if number is not None:
            return Result("argument", number)
        if self._is_external(leaf):
            return Result("constant", value=leaf)
        return self._output(nodes.get(leaf, leaf._node()), leaf._edge() if leaf.requires_grad else None)

    def _finder(self, tensor: Tensor) -> ArgumentTensor | OutsideTensor:
        """Return how to find, at a call, a tensor of the trace."""
        number = self.numbers.get(tensor)
        return OutsideTensor(tensor) if number is None else ArgumentTensor(number)

    def _arranged(self, leaves: list[Any]) -> tuple[list[Any], Arrangement | None]:
        """Return the leaves that have to be computed, and how the result consists of them and of what shows other values."""
        if self.call.is_numpy:
            return leaves, None
        passed = {id(self.call.arguments[n].passed) for n in self.state_like}
        sources: dict[Storage, Source] = {s: OutsideSource(s) for s, c in self.trace.captures.items() if c.lookup is None}
        sources |= {x._storage: self._source(x) for x, n in self.numbers.items() if not self.call.arguments[n].is_numpy}
        sources |= {tensor._place()[0]: PlaceSource(finder) for tensor, finder in self.finders.items()}
        for slot in self.trace.grads.values():
            if slot.tensor._grad is not None:
                sources[slot.tensor._grad._storage] = GradSource(self._source(slot.tensor))
        return arrangement(
            leaves,
            lambda x: not isinstance(x, Tensor) or x in self.numbers or id(x) in passed or self._is_external(x),
            sources,
        )

    def _source(self, tensor: Tensor) -> Source:
        number = self.numbers.get(tensor)
        return OutsideSource(tensor) if number is None else ArgumentSource(number)

    def _is_external(self, x: Tensor) -> bool:
        """Return whether a tensor is one from outside, which the trace finds as itself."""
        if x in self.finders:
            return False
        capture = self.trace.captures.get(x._storage)
        return x._base is None and (capture.lookup is None if capture is not None else x._storage.trace is not self.trace)

    def _written_argument(self, tensor: Tensor, nodes: Mapping[Tensor, Node]) -> tuple[ArgumentStorage, Result]:
        storage = tensor._storage
        node = nodes.get(tensor, storage.node_in_trace())
        fn = storage._fn if _has_new_history(tensor) else None
        return ArgumentStorage(self.numbers[tensor], storage in self.trace.rebound), self._output(node, fn)

    def _outside(self) -> frozenset[Storage]:
        """Return the external storages whose values or gradients the function used."""
        held = (slot.tensor for slot in self.trace.grads.values() if slot.tensor not in self.numbers)
        return frozenset((*(s.place[0] for s in self.trace.captures), *(tensor._storage.place[0] for tensor in held)))

    def _check_aliases(self) -> None:
        """Find arguments that the function also used under another name without being able to tell.

        Raises AliasedError for these, and TracingError for a NumPy array that is written to.
        """
        written = [n for tensor, n in self.numbers.items() if tensor._storage._node is not self.params[n]]
        arguments = self.call.arguments
        if any(arguments[n].is_numpy for n in written):
            raise TracingError(
                "expected a tensor to write to, got a NumPy array: arrays passed to a compiled function are only read"
            )
        outside = self._outside()
        tensors = [(n, a) for n, a in enumerate(arguments) if not a.is_numpy and n not in self.state_like]
        aliased = {n for n, a in tensors if a.root in outside} | self.differentiated_aliases()
        for number in written:
            same = [n for n, a in tensors if a.root is arguments[number].root]
            if len({id(arguments[n].passed) for n in same}) > 1:
                aliased.update(same)
        if aliased:
            raise AliasedError(aliased)

    def _written_state(
        self, state: Mapping[Storage, Tensor], nodes: Mapping[Tensor, Node]
    ) -> list[tuple[CapturedStorage, Result]]:
        writes: list[tuple[CapturedStorage, Result]] = []
        for number, (storage, capture) in enumerate(self.trace.captures.items()):
            if storage in state:
                tensor = state[storage]
                node, fn = nodes.get(tensor, storage.node_in_trace()), storage._fn if _has_new_history(tensor) else None
                writes.append((CapturedStorage(number, capture.source, storage in self.trace.rebound), self._output(node, fn)))
        return writes

    def _flags(self, writes: Sequence[tuple[CapturedStorage | ArgumentStorage, Result]]) -> list[tuple[int, bool]]:
        """Return the writes, by number, to tensors whose requires_grad the function has set, with its value."""
        flags: list[tuple[int, bool]] = []
        captures = list(self.trace.captures.items())
        arguments = {number: tensor for tensor, number in self.numbers.items()}
        for i, (find, r) in enumerate(writes):
            if isinstance(find, ArgumentStorage):
                now, before = arguments[find.number].requires_grad, self.call.arguments[find.number].requires_grad
            else:
                now, before = captures[find.number][0].requires_grad, captures[find.number][1].requires_grad
            if now is not before and r.fn is None:
                flags.append((i, now))
        return flags

    def _guard_shared_grads(self) -> None:
        """Guard which gradients are one tensor, or one that the function reads under another name."""
        slots = [s for s in self.trace.grads.values() if s.looked and s.original is not None and s.tensor not in self.numbers]
        if slots:
            fixed = [storage for storage, capture in self.trace.captures.items() if capture.lookup is None]
            shared = SharedGrads([slot.tensor for slot in slots], fixed)
            self.trace.guards.append((shared, shared.among([slot.original for slot in slots])))

    def _accumulated(self) -> list[tuple[ArgumentTensor | OutsideTensor, Result | None]]:
        grads: list[tuple[ArgumentTensor | OutsideTensor, Result | None]] = []
        for slot in self.trace.grads.values():
            final = slot.tensor._grad
            if final is None and (slot.original is not None or not slot.looked):
                grads.append((self._finder(slot.tensor), None))
            elif final is not None and final is not slot.original:
                grads.append((self._finder(slot.tensor), self._output(final._node())))
        return grads


def _has_new_history(tensor: Tensor) -> bool:
    """Return whether the history of an argument is not the one that it came with."""
    return tensor._storage.requires_grad and _is_new(tensor._storage._fn)


def _is_new(fn: GradFn | None) -> bool:
    while isinstance(fn, Replaced):
        fn = fn.edges[0]
    return not (fn is None or isinstance(fn, TransformInput) or is_outside(fn))


def capture(function: Callable[..., Any], *args: Any) -> tuple[Graph, list[Captured]]:
    """Return the recording of a call without compiling it: the graph, and the external state that it reads."""
    variant = trace(function, flatten_call(args, {}), Options(), watch([function]), once=True)
    return variant.graph, variant.captures


@dataclass(frozen=True)
class _Placement:
    """Numbers the nodes of results: parameters of the graph need no output."""

    parameters: dict[Node, int]
    outputs: dict[Node, int]

    def __call__(self, r: Result) -> Result:
        if r.kind != "output" or r.node is None:
            return r
        number = self.parameters.get(r.node)
        return replace(r, number=self.outputs[r.node]) if number is None else replace(r, kind="parameter", number=number)
