"""A compiled trace: its program, its inputs at a call, and where its outputs are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.codegen.program.program import Program
from graphc.compiler.guards.assigned import Assigned, assign
from graphc.compiler.guards.watch import Watch
from graphc.compiler.histories import Histories
from graphc.compiler.options import Options
from graphc.compiler.results.protocol import Array, Result, guards_hold, tensor_of, value_of, write_grads, write_state
from graphc.compiler.results.shown import Arrangement
from graphc.compiler.signature import Call
from graphc.core import pytree
from graphc.core.errors import LEADS_OUT, TracingError, located
from graphc.core.pytree import TreeDef
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import Graph, Node, toposort
from graphc.recording.grad_fn import AccumulateGrad, GradFn, history
from graphc.storage.compute import compute
from graphc.storage.sharing import own, stop_sharing
from graphc.storage.storage import Storage, type_of
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import Captured

__all__ = ["ArgumentStorage", "ArgumentTensor", "CapturedStorage", "OutsideTensor", "Variant"]


@dataclass(frozen=True)
class OutsideTensor:
    """Finds an external tensor: always the same one."""

    tensor: Tensor

    def __call__(self, call: Call) -> Tensor:
        return self.tensor


@dataclass(frozen=True)
class ArgumentTensor:
    """Finds a tensor among the arguments of a call."""

    number: int

    def __call__(self, call: Call) -> Tensor:
        tensor: Tensor = call.arguments[self.number].passed
        return tensor


@dataclass(frozen=True)
class CapturedStorage:
    """A captured storage to write to, by number; `rebinds` says that it gets a value of its own."""

    number: int
    source: Callable[[], Storage | None]
    rebinds: bool

    def target(self, call: Call) -> Storage:
        """Return the storage at a call."""
        storage = self.source()
        assert storage is not None
        return storage


@dataclass(frozen=True)
class ArgumentStorage:
    """The storage of an argument to write to; a view is written through, unless the argument gets a value of its own."""

    number: int
    rebinds: bool

    def target(self, call: Call) -> Storage:
        """Return the storage at a call; an argument with a value of its own is detached from its base."""
        tensor: Tensor = call.arguments[self.number].passed
        if not tensor._view_steps:
            return tensor._storage
        shared = tensor.detach()._storage
        if self.rebinds:
            tensor._storage, tensor._view_steps, tensor._base = shared, (), None
        return shared


@dataclass(eq=False)
class Variant:
    """A trace compiled to a program, with its inputs and the destinations of its outputs."""

    graph: Graph
    forward: list[Node] | None
    strides: list[tuple[int, ...] | None]
    captures: list[Captured]
    numbers: list[tuple[Callable[[], Any], Node]]
    constants: list[Node]
    guards: list[tuple[Callable[[], Any], Any]]
    grads_read: list[tuple[ArgumentTensor | OutsideTensor, bool]]
    tree: TreeDef
    results: list[Result]
    arranged: Arrangement | None
    """How the function's result consists of these and of what shows values of theirs; None if it is these."""
    paths: list[tuple[list[int], list[ArgumentTensor | OutsideTensor]]]
    """Parameters whose history is not followed, and the tensors that it must not lead to."""
    writes: list[tuple[CapturedStorage | ArgumentStorage, Result]]
    flags: list[tuple[int, bool]]
    """Writes, by number, after which the tensor requires a gradient, or no longer does."""
    grads: list[tuple[ArgumentTensor | OutsideTensor, Result | None]]
    placeholders: dict[Tensor, int]
    options: Options
    watch: Watch
    assigned: list[Assigned]
    """Where the last leaves of the results are assigned."""
    state_like: list[tuple[int, Tensor]]
    """Arguments that alias state: they must be these very tensors."""
    outside: frozenset[Storage]
    """The external storages that the function uses; no other argument may share their values."""
    event_plan: Any = ()
    """How calls are recorded as events (graphc.compiler.event); None if they are run, () while that is not known."""
    has_run: bool = False
    """Whether a call ran it, so that the next one is not the call that was traced."""
    fast: Callable[..., Any] | None = None
    """The fast path for further calls like the first, once it is known that they have one."""

    @cached_property
    def program(self) -> Program:
        """The machine code, compiled when first needed."""
        return self.options.program(self.graph, self.strides)

    @cached_property
    def _order(self) -> list[int]:
        """The results by position, those on which the histories of others stand first."""
        nodes = toposort(r.node for r in self.results if r.has_history and r.node is not None)
        at: dict[Node | None, int] = {node: i for i, node in enumerate(nodes)}
        return sorted(range(len(self.results)), key=lambda i: at.get(self.results[i].node, -1))

    @property
    def is_ready(self) -> bool:
        """Whether a call compiles nothing."""
        return not self.graph.results or "program" in self.__dict__

    @cached_property
    def kept(self) -> frozenset[int]:
        """The numbers of outputs that become state."""
        results = [*(r for _, r in self.writes), *(r for _, r in self.grads if r is not None)]
        return frozenset(r.number for r in results if r.kind == "output")

    def holds(self, call: Call) -> bool:
        """Return whether everything that the trace depended on is unchanged."""
        if not self.watch.holds() or not self._same_aliases(call):
            return False
        if not guards_hold(self.guards, ((find(call), was_none) for find, was_none in self.grads_read)):
            return False
        for capture in self.captures:
            storage = capture.source()
            if (
                storage is None
                or type_of(storage) != capture.placeholder.types[0]
                or storage.requires_grad != capture.requires_grad
                or (storage._fn is None) != (capture.fn is None)
            ):
                return False
        return True

    def _same_aliases(self, call: Call) -> bool:
        """Return whether the same arguments share values with external storages of the function."""
        if any(call.arguments[n].passed is not tensor for n, tensor in self.state_like):
            return False
        same = {n for n, _ in self.state_like}
        roots = [a.root for n, a in enumerate(call.arguments) if not a.is_numpy and n not in same]
        if not roots and not self.assigned:
            return True
        storages = [capture.lookup() for capture in self.captures if capture.lookup is not None]
        captured_roots = [storage.place[0] for storage in storages if storage is not None]
        if self.assigned:  # what was found at different places may have become one
            fixed = {c.storage.place[0] for c in self.captures if c.lookup is None}
            if len({*captured_roots}) < len(captured_roots) or not fixed.isdisjoint(captured_roots):
                return False
        return self.outside.isdisjoint(roots) and not any(r is s for r in roots for s in captured_roots)

    def run(self, call: Call) -> Any:
        """Run the program on a call's arguments and the current state; write state back; return the results."""
        self._check_paths(call)
        storages = [capture.source() for capture in self.captures]
        arrays = [a.array for a in call.arguments]
        assert None not in storages, "the variant holds"
        arrays += _state_arrays([s for s in storages if s is not None])
        arrays += [np.asarray(getter(), node.dtype.numpy) for getter, node in self.numbers]
        arrays += [np.asarray(n.value, order="C") for n in self.constants]
        outputs = self.program.run_unchecked(arrays) if self.graph.results else []
        pick = _Picker(self, call, arrays, outputs)
        histories = self._histories(call, arrays)
        targets = [write.target(call) for write, _ in self.writes]
        for (write, _), storage in zip(self.writes, targets, strict=True):
            if write.rebinds:
                self._separate(write, storage)
        self.has_run = True
        values = [(storage, r) for storage, (_, r) in zip(targets, self.writes, strict=True) if r.fn is None]
        write_state([s for s, _ in values], [pick.array(r) for _, r in values], [(i, i) for i in range(len(values))])
        for number, requires in self.flags:
            targets[number].set_requires_grad(requires)
        if histories is not None:
            histories.replaced = {r.node: storage for storage, r in values if r.node is not None}
        computed = {i: pick.result(self.results[i], histories) for i in self._order}
        results = [computed[i] for i in range(len(self.results))]
        for storage, (write, r) in zip(targets, self.writes, strict=True):
            if r.fn is not None:
                new = pick.tensor(r, histories)
                if isinstance(write, ArgumentStorage):
                    call.arguments[write.number].passed._write_history(new._node(), new._edge(), 0)
                else:
                    storage.put(new._node(), True, new._edge())
        grads = [(find(call), r, i) for i, (find, r) in enumerate(self.grads)]
        write_grads(grads, [_NOTHING if r is None else pick.array(r) for _, r in self.grads])
        return self.arrange(results, call)

    def _check_paths(self, call: Call) -> None:
        """Refuse gradients that miss a way through what was computed outside.  Raises TracingError."""
        for ends, targets in self.paths:
            tensors = [find(call) for find in targets]
            storages = {x._storage for x in tensors}
            edges = {x._edge() for x in tensors}
            for step in history([self._outer_edge(n, call) for n in ends]):
                if step in edges or (isinstance(step, AccumulateGrad) and step.tensor._storage in storages):
                    raise located(TracingError(LEADS_OUT))

    def _outer_edge(self, number: int, call: Call) -> GradFn | None:
        first = len(call.arguments)
        if number < first:
            edge: GradFn | None = call.arguments[number].passed._edge()
            return edge
        storage = self.captures[number - first].source()
        return None if storage is None else storage.make_fn()

    def _histories(self, call: Call, arrays: Sequence[Array]) -> Histories | None:
        """Return what the histories of results stand on, None if no result has one; made before state is written."""
        results = [*self.results, *(r for _, r in self.writes)]
        if not any(r.has_history for r in results):
            return None
        return Histories(self.graph.params, self.captures, self.placeholders, results, call, arrays)

    def arrange(self, values: list[Any], call: Call) -> Any:
        """Return the function's result, of the values computed for `results`."""
        leaves = values if self.arranged is None else self.arranged(values, [a.passed for a in call.arguments])
        if self.assigned:
            new = leaves[self.tree.size :]
            assign(self.assigned, [_as_tensor(x) for x in new] if call.is_numpy else new)
        return pytree.unflatten(leaves[: self.tree.size], self.tree)

    def _separate(self, write: CapturedStorage | ArgumentStorage, storage: Storage) -> None:
        """Give a storage that `.data` was assigned to a value that nothing from before the call shares.

        When the call was traced just now, what shares with a captured storage was made after the assignment, which refuses
        storages that others share with: it shares the new value.
        """
        if self.has_run or isinstance(write, ArgumentStorage):
            own(storage)
        else:
            stop_sharing(storage)


_NOTHING = np.zeros(0)


def _as_tensor(x: Any) -> Any:
    """Return an array that a call computed as a tensor, and any other object as it is."""
    return Tensor._of(Storage.of_array(x)) if isinstance(x, np.ndarray) else x


def _state_arrays(storages: Sequence[Storage]) -> list[Array]:
    pending = [s for s in storages if s.array() is None]
    if pending:
        compute(pending)
    return [np.asarray(s.array(), order="C") for s in storages]


class _Picker:
    """Selects the values of one call for the results of a trace."""

    def __init__(self, variant: Variant, call: Call, arrays: list[Array], outputs: list[Array]) -> None:
        self.variant, self.call, self.arrays, self.outputs = variant, call, arrays, outputs
        self.args = [a.passed for a in call.arguments]
        self.to_numpy = call.is_numpy

    def array(self, r: Result) -> Array:
        if r.kind == "output":
            return self.outputs[r.number]
        array = self.arrays[r.number]
        foreign = r.number < len(self.call.arguments) and self.call.arguments[r.number].is_numpy
        return np.array(array) if foreign else array

    def tensor(self, r: Result, histories: Histories | None) -> Tensor:
        return histories.tensor(r, self.array(r)) if r.has_history and histories is not None else tensor_of(r, self.array(r))

    def result(self, r: Result, histories: Histories | None) -> Any:
        if r.has_history and histories is not None and not self.to_numpy:
            return self.tensor(r, histories)
        if r.kind == "parameter":
            return self.array(r) if self.to_numpy else tensor_of(r, self.array(r))
        value = value_of(r, self.args, self.outputs, self.to_numpy)
        return np.array(value) if self.to_numpy and r.kind == "output" and r.number in self.variant.kept else value
