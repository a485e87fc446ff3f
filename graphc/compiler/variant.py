"""A compiled trace: its program, how a call feeds it, and where its outputs are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.codegen.program.program import Program
from graphc.compiler.fast_path import MISFIT, FastPath, Result, nested, overwrite, plain, used_up
from graphc.compiler.guards.watch import Watch
from graphc.compiler.options import Options
from graphc.compiler.signature import Array, Call
from graphc.core import pytree
from graphc.core.pytree import TreeDef
from graphc.ir.core.cached import cached_property
from graphc.ir.core.graph import PARAMETER, Graph, Node
from graphc.tensors.context import state
from graphc.tensors.grad_fn import CustomGradFn, GradFn, TransformInput, history
from graphc.tensors.lazy import substitute
from graphc.tensors.storage import Storage, compute, unique, valued
from graphc.tensors.tensor import AccumulateGrad, Tensor
from graphc.tracing.trace import Captured, no_way_out

__all__ = ["ArgumentStorage", "Given", "Held", "Source", "Variant", "is_outside"]


@dataclass(frozen=True)
class Held:
    """Find a tensor from outside: always the same."""

    tensor: Tensor

    def __call__(self, call: Call) -> Tensor:
        return self.tensor


@dataclass(frozen=True)
class Given:
    """Find a tensor among the arguments of a call."""

    number: int

    def __call__(self, call: Call) -> Tensor:
        tensor: Tensor = call.arguments[self.number].given
        return tensor


@dataclass(frozen=True)
class Source:
    """Find a captured storage, the one of this number, at a call; `rebinds` says that it takes a value of its own."""

    number: int
    source: Callable[[], Storage | None]
    rebinds: bool

    def __call__(self, call: Call) -> Storage:
        storage = self.source()
        assert storage is not None
        return storage


@dataclass(frozen=True)
class ArgumentStorage:
    """Find what an argument is stored in; a view is written through, unless the argument takes values of its own."""

    number: int
    rebinds: bool

    def __call__(self, call: Call) -> Storage:
        tensor: Tensor = call.arguments[self.number].given
        if not tensor._view_steps:
            return tensor._storage
        shared = tensor.detach()._storage
        if self.rebinds:
            tensor._storage, tensor._view_steps, tensor._base = shared, (), None
        return shared


@dataclass(eq=False)
class Variant:
    """A trace made a program: how to feed it, and where its outputs go."""

    graph: Graph
    forward: list[Node] | None
    strides: list[tuple[int, ...] | None]
    captures: list[Captured]
    numbers: list[tuple[Callable[[], Any], Node]]
    constants: list[Node]
    guards: list[tuple[Callable[[], Any], Any]]
    looked: list[tuple[Given | Held, bool]]
    tree: TreeDef
    results: list[Result]
    writes: list[tuple[Source | ArgumentStorage, Result]]
    deposits: list[tuple[Given | Held, Result | None]]
    placeholders: dict[Tensor, int]
    options: Options
    watch: Watch
    state_like: list[tuple[int, Tensor]]
    """Arguments that alias state: the very tensors they have to be."""
    outside: frozenset[Storage]
    """What the function uses of the outside; no other argument may share its values."""
    _fast: Callable[..., Any] | None = None

    @cached_property
    def program(self) -> Program:
        """The machine code, made when first needed."""
        return self.options.program(self.graph, self.strides)

    @property
    def is_ready(self) -> bool:
        """Whether a call compiles nothing."""
        return not self.graph.results or "program" in self.__dict__

    @cached_property
    def kept(self) -> frozenset[int]:
        """The numbers of outputs that become state."""
        made = [*(r for _, r in self.writes), *(r for _, r in self.deposits if r is not None)]
        return frozenset(r.number for r in made if r.kind == "output")

    def holds(self, call: Call) -> bool:
        """Tell whether everything the trace decided on is as it was."""
        if not self.watch.holds() or not self._same_aliases(call):
            return False
        for getter, value in self.guards:
            if getter() != value:
                return False
        for find, was_none in self.looked:
            if (find(call)._grad is None) is not was_none:
                return False
        for kept in self.captures:
            storage = kept.source()
            if storage is None or storage.node.types != kept.placeholder.types or storage.requires_grad != kept.requires_grad:
                return False
        return True

    def _same_aliases(self, call: Call) -> bool:
        """Tell whether the same arguments share values with what the function uses of the outside."""
        if any(call.arguments[n].given is not tensor for n, tensor in self.state_like):
            return False
        same = {n for n, _ in self.state_like}
        roots = [a.root for n, a in enumerate(call.arguments) if not a.is_numpy and n not in same]
        if not roots:
            return True
        found = [storage.place[0] for kept in self.captures if kept.found is not None and (storage := kept.found()) is not None]
        return self.outside.isdisjoint(roots) and not any(r is s for r in roots for s in found)

    def run(self, call: Call) -> Any:
        """Run the program on a call's arguments and the state of this moment; write state back; return the results."""
        storages = [kept.source() for kept in self.captures]
        arrays = [a.array for a in call.arguments]
        arrays += _state_arrays([s for s in storages if s is not None])
        arrays += [np.asarray(getter(), node.dtype.numpy) for getter, node in self.numbers]
        arrays += [np.asarray(n.value, order="C") for n in self.constants]
        outputs = self.program.run_unchecked(arrays) if self.graph.results else []
        pick = _Picker(self, call, arrays, outputs)
        results = [pick.result(r) for r in self.results]
        for find, made in self.writes:
            storage = find(call)
            if find.rebinds:
                storage.own()
            overwrite(storage, pick.array(made))
        for tensor_of, r in self.deposits:
            tensor_of(call)._grad = None if r is None else plain(r, pick.array(r))
        return pytree.unflatten(results, self.tree)

    def fast(self, call: Call, slow: Callable[..., Any]) -> Callable[..., Any] | None:
        """Return a function for further calls with positional arguments like these, None if there is none."""
        if self._fast is None and self._can_be_fast(call):
            if not self._is_bare or not all(type(a.given) is np.ndarray for a in call.arguments):
                self._fast = self._ready(call, slow)
            elif self._is_flat:
                self._fast = self.program.entry(slow, single=self.tree.kind is None, bindings=self.watch.bindings)
            else:
                entry = self.program.entry(lambda *arrays: MISFIT, single=False, bindings=self.watch.bindings)
                self._fast = nested(entry, pytree.builder(self.tree), slow)
        return self._fast

    def _can_be_fast(self, call: Call) -> bool:
        """Tell whether a call is described by its arrays: what is written and returned is outputs, nothing has a history."""
        tensors = [a.given for a in call.arguments if not a.is_numpy]
        distinct = len({id(x) for x in tensors}) == len(tensors)
        simple = not any(a.requires_grad for a in call.arguments)
        found = [*(f for f, _ in self.looked), *(f for f, _ in self.deposits), *(f for f, _ in self.writes)]
        outside = all(isinstance(f, (Held, Source)) for f in found)
        made = [*(r for _, r in self.writes), *(r for _, r in self.deposits if r is not None)]
        to_numpy = _is_numpy(call)
        ends = all(r.kind != "parameter" and (to_numpy or r.fn is None or r.fn.dead) for r in self.results)
        ends = ends and not (to_numpy and any(r.kind == "output" and r.number in self.kept for r in self.results))
        simple = simple and not self.state_like
        return distinct and simple and outside and ends and bool(self.graph.results) and all(r.kind == "output" for r in made)

    @property
    def _is_bare(self) -> bool:
        """Whether the program is all there is to a call: no state, and results that are just its outputs, in order."""
        state = [self.captures, self.numbers, self.constants, self.guards, self.watch.others, self.looked, self.writes]
        in_order = [(r.kind, r.number) for r in self.results] == [("output", i) for i in range(len(self.graph.results))]
        return in_order and not any(state) and not self.deposits

    @property
    def _is_flat(self) -> bool:
        """Whether the results are one value or a tuple of values, as the program returns them."""
        return self.tree.kind is None or (self.tree.kind is tuple and all(p.kind is None for p in self.tree.parts))

    def _ready(self, call: Call, slow: Callable[..., Any]) -> FastPath:
        return FastPath(
            entry=self.program.entry(lambda *arrays: MISFIT, single=False, bindings=self.watch.bindings),
            slow=slow,
            tensors=tuple(not a.is_numpy for a in call.arguments),
            several=sum(not a.is_numpy for a in call.arguments) > 1,
            grad=state.grad,
            guards=[*self.watch.others, *self.guards],
            outside=self.outside,
            looked=[(f.tensor, was_none) for f, was_none in self.looked if isinstance(f, Held)],
            captures=[(kept.found or kept.storage, kept.requires_grad) for kept in self.captures],
            numbers=[(getter, node.dtype.numpy) for getter, node in self.numbers],
            constants=[np.asarray(n.value, order="C") for n in self.constants],
            writes=[(f.number, r.number) for f, r in self.writes if isinstance(f, Source)],
            rebound=[f.number for f, _ in self.writes if isinstance(f, Source) and f.rebinds],
            deposits=[(f.tensor, r) for f, r in self.deposits if isinstance(f, Held)],
            results=self.results,
            build=pytree.builder(self.tree),
            to_numpy=_is_numpy(call),
        )


def _is_numpy(call: Call) -> bool:
    return bool(call.arguments) and all(a.is_numpy for a in call.arguments)


def _state_arrays(storages: Sequence[Storage]) -> list[Array]:
    pending = [s for s in storages if s.current().value is None]
    if pending:
        compute(pending)
    return [np.asarray(s.current().value, order="C") for s in storages]


class _Picker:
    """The values of one call, by what the results of a trace say."""

    def __init__(self, variant: Variant, call: Call, arrays: list[Array], outputs: list[Array]) -> None:
        self.variant, self.call, self.arrays, self.outputs = variant, call, arrays, outputs
        self.to_numpy = _is_numpy(call)

    def array(self, r: Result) -> Array:
        if r.kind == "output":
            return self.outputs[r.number]
        array = self.arrays[r.number]
        foreign = r.number < len(self.call.arguments) and self.call.arguments[r.number].is_numpy
        return np.array(array) if foreign else array

    def result(self, r: Result) -> Any:
        if r.kind == "argument":
            return self.call.arguments[r.number].given
        if r.kind == "constant":
            return r.value
        if self.to_numpy:
            array = self.array(r)
            return np.array(array) if r.kind == "output" and r.number in self.variant.kept else array
        if r.fn is None:
            return plain(r, self.array(r))
        return self.recorded(r) if not r.fn.dead else used_up(r, self.array(r))

    def recorded(self, r: Result) -> Tensor:
        """Return a result with a history: the recorded graph on the nodes of this call, its value known."""
        assert r.node is not None and r.fn is not None
        actual = {p: self._actual(i, p) for i, p in enumerate(self.variant.graph.params)}
        (node,) = substitute([r.node], actual)
        if node.value is None:
            node.value = self.array(r)
        steps = history([r.fn])
        if any(map(is_outside, steps)):
            node = unique(node)
            return Tensor._of(Storage(node, True, CustomGradFn(r.fn.name(), (), [node], [node], no_way_out)))
        edges = tuple(edge for step in steps for edge in self._edges(step))
        return Tensor._of(Storage(node, True, GradFn(r.fn.name(), edges)))

    def _actual(self, number: int, placeholder: Node) -> Node:
        arguments, captures = self.call.arguments, self.variant.captures
        if number < len(arguments):
            given = arguments[number].given
            return given._node() if isinstance(given, Tensor) else valued(arguments[number].array, placeholder)
        storage = captures[number - len(arguments)].source() if number < len(arguments) + len(captures) else None
        return storage.current() if storage is not None else valued(self.arrays[number], placeholder)

    def _edges(self, step: GradFn) -> list[GradFn | None]:
        """Return what stands at this call for the end of a recorded history."""
        if isinstance(step, AccumulateGrad) and step.tensor not in self.variant.placeholders:
            return [step.tensor._edge()]
        if not isinstance(step, (AccumulateGrad, TransformInput)) or step.node not in self.variant.graph.params:
            return []
        return [self.call.arguments[self.variant.graph.params.index(step.node)].given._edge()]


def is_outside(step: GradFn) -> bool:
    """Tell whether a step stands for the history of a tensor made outside of what is traced."""
    return isinstance(step, CustomGradFn) and step.outputs[0].op is PARAMETER
