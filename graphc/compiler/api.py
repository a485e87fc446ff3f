"""Functions made native: `compile(f)` traces f once for each kind of arguments and runs machine code after that.

A call looks up a variant by the arguments' structure, dtypes, shapes, strides and `requires_grad`, by the
values of everything else, and by what the trace decided on (guards).  A variant's program takes the arguments
and all state that the function read, and returns results and all state that it wrote.
"""

from __future__ import annotations

import inspect
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, update_wrapper
from types import MethodType
from typing import Any

import numpy as np

from graphc.autograd.engine import with_late_hooks
from graphc.codegen.program.program import Program
from graphc.compiler.fast_path import MISFIT, Ready, Result, nested, overwrite, plain, used_up
from graphc.compiler.lowered import Lowered
from graphc.compiler.options import Options
from graphc.core import pytree
from graphc.core.dtypes import of_numpy
from graphc.core.errors import TracingError, add_place
from graphc.core.pytree import Tree
from graphc.ir.core.graph import PARAMETER, Graph, Node, parameter, toposort
from graphc.ir.core.types import TensorType
from graphc.tensors.context import state
from graphc.tensors.grad_fn import Barrier, GradFn, Level, history
from graphc.tensors.lazy import substitute
from graphc.tensors.storage import Storage, compute, unique, valued
from graphc.tensors.tensor import Accumulate, Tensor
from graphc.tracing.custom_vjp import written_out
from graphc.tracing.trace import Captured, Trace, no_way_out

__all__ = ["CACHE_SIZE", "Compiled", "capture", "compile"]

CACHE_SIZE = 64
"""How many variants a compiled function keeps; the one not used for longest goes first."""

Array = np.ndarray[Any, Any]


# -- arguments --------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Argument:
    """A tensor or array argument at one call: what the caller passed, and its values."""

    given: Any
    array: Array

    @property
    def is_numpy(self) -> bool:
        return not isinstance(self.given, Tensor)

    @property
    def requires_grad(self) -> bool:
        return isinstance(self.given, Tensor) and self.given.requires_grad

    @cached_property
    def strides(self) -> tuple[int, ...] | None:
        """Byte strides, None for row-major."""
        return None if self.array.flags.c_contiguous else self.array.strides


def _argument(leaf: Any) -> _Argument:
    if isinstance(leaf, Tensor):
        return _Argument(leaf, leaf._array())
    array = np.asarray(leaf)
    of_numpy(array.dtype)
    whole = all(s % array.itemsize == 0 for s in array.strides)
    if not (array.flags.aligned and array.dtype.isnative and whole):
        array = np.array(array, array.dtype.newbyteorder("="))
    return _Argument(leaf, array)


@dataclass(eq=False)
class _Call:
    """The arguments of one call, taken apart."""

    tree: Tree
    leaves: list[Any]
    arguments: list[_Argument]
    key: Any


def _take_apart(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call:
    leaves, tree = pytree.flatten((args, kwargs))
    tensors = [x for x in leaves if isinstance(x, Tensor)]
    pending = [x._storage for x in tensors if x._storage.current().value is None]
    if pending:
        compute(pending)
    arguments: list[_Argument] = []
    parts: list[Any] = []
    first: dict[int, int] = {}
    for leaf in leaves:
        if isinstance(leaf, (Tensor, np.ndarray)):
            argument = _argument(leaf)
            arguments.append(argument)
            memory = leaf._storage.root if isinstance(leaf, Tensor) else leaf
            same = (first.setdefault(id(leaf), len(first)), first.setdefault(id(memory), len(first)))
            array = argument.array
            parts.append((argument.is_numpy, array.dtype, array.shape, argument.strides, argument.requires_grad, same))
        else:
            parts.append(_by_value(leaf))
    return _Call(tree, leaves, arguments, (tree, tuple(parts), state.grad))


def _by_value(leaf: Any) -> Any:
    try:
        hash(leaf)
    except TypeError:
        raise TypeError(
            "expected arguments that are tensors, arrays, or hashable values a compiled function can be looked up by, "
            f"got {type(leaf).__name__}"
        ) from None
    return (type(leaf), leaf)


# -- what a trace leaves behind ---------------------------------------------------------------------------


@dataclass(eq=False)
class _Variant:
    """A trace made a program: how to feed it, and where its outputs go."""

    graph: Graph
    forward: list[Node] | None
    strides: list[tuple[int, ...] | None]
    captures: list[Captured]
    numbers: list[tuple[Callable[[], Any], Node]]
    constants: list[Node]
    guards: list[tuple[Callable[[], Any], Any]]
    looked: list[tuple[_Given | _Held, bool]]
    tree: Tree
    results: list[Result]
    writes: list[tuple[_Source | _ArgumentStorage, Result]]
    deposits: list[tuple[_Given | _Held, Result | None]]
    stand_ins: dict[Tensor, int]
    options: Options
    _fast: Callable[..., Any] | None = None

    @cached_property
    def program(self) -> Program:
        """The machine code, made when first needed."""
        return self.options.program(self.graph, self.strides)

    @cached_property
    def kept(self) -> frozenset[int]:
        """The numbers of outputs that become state."""
        made = [*(r for _, r in self.writes), *(r for _, r in self.deposits if r is not None)]
        return frozenset(r.number for r in made if r.kind == "output")

    def holds(self, call: _Call) -> bool:
        """Tell whether everything the trace decided on is as it was."""
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

    def run(self, call: _Call) -> Any:
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

    def fast(self, call: _Call, slow: Callable[..., Any]) -> Callable[..., Any] | None:
        """Return a function for further calls with positional arguments like these, None if there is none."""
        if self._fast is None and self._can_be_fast(call):
            if not self._is_bare or not all(type(a.given) is np.ndarray for a in call.arguments):
                self._fast = self._ready(call, slow)
            elif self._is_flat:
                self._fast = self.program.entry(slow, single=self.tree.kind is None)
            else:
                entry = self.program.entry(lambda *arrays: MISFIT, single=False)
                self._fast = nested(entry, pytree.builder(self.tree), slow)
        return self._fast

    def _can_be_fast(self, call: _Call) -> bool:
        """Tell whether a call is described by its arrays: what is written and returned is outputs, nothing has a history."""
        distinct = len({id(a.given) for a in call.arguments}) == len(call.arguments)
        simple = not any(a.requires_grad for a in call.arguments)
        found = [*(f for f, _ in self.looked), *(f for f, _ in self.deposits), *(f for f, _ in self.writes)]
        outside = all(isinstance(f, (_Held, _Source)) for f in found)
        made = [*(r for _, r in self.writes), *(r for _, r in self.deposits if r is not None)]
        to_numpy = _is_numpy(call)
        ends = all(r.kind != "parameter" and (to_numpy or r.fn is None or r.fn.dead) for r in self.results)
        ends = ends and not (to_numpy and any(r.kind == "output" and r.number in self.kept for r in self.results))
        return distinct and simple and outside and ends and bool(self.graph.results) and all(r.kind == "output" for r in made)

    @property
    def _is_bare(self) -> bool:
        """Whether the program is all there is to a call: no state, and results that are just its outputs, in order."""
        state = (self.captures, self.numbers, self.constants, self.guards, self.looked, self.writes, self.deposits)
        in_order = [(r.kind, r.number) for r in self.results] == [("output", i) for i in range(len(self.graph.results))]
        return in_order and not any(state)

    @property
    def _is_flat(self) -> bool:
        """Whether the results are one value or a tuple of values, as the program returns them."""
        return self.tree.kind is None or (self.tree.kind is tuple and all(p.kind is None for p in self.tree.parts))

    def _ready(self, call: _Call, slow: Callable[..., Any]) -> Ready:
        return Ready(
            entry=self.program.entry(lambda *arrays: MISFIT, single=False),
            slow=slow,
            tensors=tuple(not a.is_numpy for a in call.arguments),
            grad=state.grad,
            guards=self.guards,
            looked=[(f.tensor, was_none) for f, was_none in self.looked if isinstance(f, _Held)],
            captures=[(kept.found or kept.storage, kept.requires_grad) for kept in self.captures],
            numbers=[(getter, node.dtype.numpy) for getter, node in self.numbers],
            constants=[np.asarray(n.value, order="C") for n in self.constants],
            writes=[(f.number, r.number) for f, r in self.writes if isinstance(f, _Source)],
            rebound=[f.number for f, _ in self.writes if isinstance(f, _Source) and f.rebinds],
            deposits=[(f.tensor, r) for f, r in self.deposits if isinstance(f, _Held)],
            results=self.results,
            build=pytree.builder(self.tree),
            to_numpy=_is_numpy(call),
        )


def _is_numpy(call: _Call) -> bool:
    return bool(call.arguments) and all(a.is_numpy for a in call.arguments)


def _state_arrays(storages: Sequence[Storage]) -> list[Array]:
    pending = [s for s in storages if s.current().value is None]
    if pending:
        compute(pending)
    return [np.asarray(s.current().value, order="C") for s in storages]


class _Picker:
    """The values of one call, by what the results of a trace say."""

    def __init__(self, variant: _Variant, call: _Call, arrays: list[Array], outputs: list[Array]) -> None:
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
        if any(map(_is_outside, steps)):
            node = unique(node)
            return Tensor._of(Storage(node, True, Barrier(r.fn.name(), (), [node], [node], no_way_out)))
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
        if isinstance(step, Accumulate) and step.tensor not in self.variant.stand_ins:
            return [step.tensor._edge()]
        if not isinstance(step, (Accumulate, Level)) or step.node not in self.variant.graph.params:
            return []
        return [self.call.arguments[self.variant.graph.params.index(step.node)].given._edge()]


def _is_outside(step: GradFn) -> bool:
    """Tell whether a step stands for the history of a tensor made outside of what is traced."""
    return isinstance(step, Barrier) and step.outputs[0].op is PARAMETER


# -- tracing a call -----------------------------------------------------------------------------------------


class _Tracer:
    """One tracing of a function with the arguments of a call."""

    def __init__(self, function: Callable[..., Any], call: _Call, options: Options) -> None:
        self.function, self.call, self.options = function, call, options
        self.trace = Trace()
        self.params: list[Node] = []
        self.numbers: dict[Tensor, int] = {}
        self.outputs: dict[Node, int] = {}

    def run(self) -> _Variant:
        """Trace and return the variant; whatever happens, all state is as it was before."""
        state.trace = self.trace
        try:
            args, kwargs = self._stand_ins()
            leaves, tree = pytree.flatten(self.function(*args, **kwargs))
            return self._variant(leaves, tree)
        except TracingError as error:
            add_place(error)
            raise
        finally:
            state.trace = None
            self.trace.leave()

    def _stand_ins(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with tensors on placeholders, the same one for the same object."""
        made: dict[int, Tensor] = {}
        leaves: list[Any] = []
        arguments = iter(self.call.arguments)
        for leaf, name in zip(self.call.leaves, _names(self.function, self.call.tree), strict=True):
            if isinstance(leaf, (Tensor, np.ndarray)):
                leaves.append(self._stand_in(next(arguments), name, made))
            else:
                leaves.append(leaf)
        found: tuple[tuple[Any, ...], dict[str, Any]] = pytree.unflatten(leaves, self.call.tree)
        return found

    def _stand_in(self, argument: _Argument, name: str, made: dict[int, Tensor]) -> Tensor:
        array = argument.array
        node = parameter(TensorType(of_numpy(array.dtype).ir, array.shape), name)
        self.params.append(node)
        if id(argument.given) in made:
            return made[id(argument.given)]
        storage = Storage(node, argument.requires_grad)
        given = argument.given
        if isinstance(given, Tensor) and not given.is_leaf:
            storage.fn = Level(node, ())
        tensor = made[id(given)] = Tensor._of(storage)
        if isinstance(given, Tensor):
            tensor._grad = given._grad
            self.trace.stand_ins[tensor] = given
        self.numbers[tensor] = len(self.params) - 1
        return tensor

    def _variant(self, leaves: list[Any], tree: Tree) -> _Variant:
        trace = self.trace
        nodes = self._written_out([x for x in leaves if isinstance(x, Tensor)])
        results = [self._result(x, nodes) for x in leaves]
        writes: list[tuple[_Source | _ArgumentStorage, Result]] = [*self._written_arguments(), *self._written_state()]
        deposits = self._deposits()
        captures = list(trace.captures.values())
        inputs = [*self.params, *(c.placeholder for c in captures), *(n for _, n in trace.numbers)]
        constants = self._constants(inputs)
        numbers = {n: i for i, n in enumerate([*inputs, *constants])}
        produced = [n for n in self.outputs if n not in numbers]
        place = _Placement(numbers, {n: i for i, n in enumerate(produced)})
        return _Variant(
            graph=Graph(tuple(numbers), tuple(produced), re.sub(r"\W", "_", getattr(self.function, "__name__", "graph"))),
            forward=trace.forward,
            strides=[a.strides for a in self.call.arguments] + [None] * (len(numbers) - len(self.params)),
            captures=captures,
            numbers=trace.numbers,
            constants=constants,
            guards=trace.guards,
            looked=[(self._finder(s.tensor), s.original is None) for s in trace.grads.values() if s.looked],
            tree=tree,
            results=[place(r) for r in results],
            writes=[(find, place(r)) for find, r in writes],
            deposits=[(find, None if r is None else place(r)) for find, r in deposits],
            stand_ins=self.numbers,
            options=self.options,
        )

    def _constants(self, inputs: Sequence[Node]) -> list[Node]:
        """Return the arrays that the function made of nothing: further parameters.  Raises TracingError for unbound ones."""
        known = set(inputs)
        found = [n for n in toposort(self.outputs) if n.op is PARAMETER and n not in known]
        for node in found:
            if node.value is None:
                raise self.trace.escaped(node)
        return found

    def _output(self, node: Node, fn: GradFn | None = None) -> Result:
        self.outputs.setdefault(node, len(self.outputs))
        return Result("output", 0, None, node, fn)

    def _written_out(self, tensors: Sequence[Tensor]) -> dict[Tensor, Node]:
        """Return nodes for results on whose way back hooks or custom functions are: in these, what that code does."""
        chosen = [x for x in tensors if x.requires_grad and (edge := x._edge()) is not None and not edge.dead]
        edges = [x._edge() for x in chosen]
        if not any(isinstance(s, Barrier) and not _is_outside(s) for s in with_late_hooks(history(edges))):
            return {}
        return dict(zip(chosen, written_out([x._node() for x in chosen], edges, _is_outside), strict=True))

    def _result(self, leaf: Any, nodes: Mapping[Tensor, Node]) -> Result:
        if not isinstance(leaf, Tensor):
            return Result("constant", value=leaf)
        if leaf in self.numbers:
            return Result("argument", self.numbers[leaf])
        if leaf._storage in self.trace.captures and leaf._base is None:
            return Result("constant", value=leaf)
        return self._output(nodes.get(leaf, leaf._node()), leaf._edge() if leaf.requires_grad else None)

    def _finder(self, tensor: Tensor) -> _Given | _Held:
        """Return how to find, at a call, the tensor that this one was in the trace."""
        number = self.numbers.get(tensor)
        return _Held(tensor) if number is None else _Given(number)

    def _written_arguments(self) -> list[tuple[_ArgumentStorage, Result]]:
        found: list[tuple[_ArgumentStorage, Result]] = []
        for tensor, number in self.numbers.items():
            if tensor._storage.node is not self.params[number]:
                self._check_alone(number)
                rebinds = tensor._storage in self.trace.rebound
                found.append((_ArgumentStorage(number, rebinds), self._output(tensor._storage.node)))
        return found

    def _check_alone(self, number: int) -> None:
        """Refuse in-place writes to an argument that the function may see under another name too."""
        given = self.call.arguments[number].given
        if not isinstance(given, Tensor):
            raise TracingError(
                "expected a tensor to write to, got a NumPy array: arrays passed to a compiled function are only read"
            )
        storage = given._storage.root
        others = [a.given._storage.root for a in self.call.arguments if isinstance(a.given, Tensor) and a.given is not given]
        captured = [s.root for s in self.trace.captures]
        if storage in captured or storage in others:
            raise TracingError(
                "expected an argument that is written in place to be passed once, got the same memory under another name too"
            )

    def _written_state(self) -> list[tuple[_Source, Result]]:
        found: list[tuple[_Source, Result]] = []
        for number, (storage, kept) in enumerate(self.trace.captures.items()):
            if storage.node is kept.placeholder:
                continue
            if storage.requires_grad and storage.fn is not None and kept.fn is None:
                raise TracingError(
                    "expected state without history, got a tensor from outside that was written with one; detach what is kept"
                )
            rebinds = storage in self.trace.rebound
            found.append((_Source(number, kept.source, rebinds), self._output(storage.node)))
        return found

    def _deposits(self) -> list[tuple[_Given | _Held, Result | None]]:
        found: list[tuple[_Given | _Held, Result | None]] = []
        for slot in self.trace.grads.values():
            final = slot.tensor._grad
            if final is None and (slot.original is not None or not slot.looked):
                found.append((self._finder(slot.tensor), None))
            elif final is not None and final is not slot.original:
                found.append((self._finder(slot.tensor), self._output(final._node())))
        return found


def capture(function: Callable[..., Any], *args: Any) -> tuple[Graph, list[Captured]]:
    """Return what a call records, without compiling it: the graph, and the state from outside that it reads."""
    variant = _Tracer(function, _take_apart(args, {}), Options()).run()
    return variant.graph, variant.captures


@dataclass(frozen=True)
class _Placement:
    """Number the nodes of results: parameters of the graph need no output."""

    parameters: dict[Node, int]
    outputs: dict[Node, int]

    def __call__(self, r: Result) -> Result:
        if r.kind != "output" or r.node is None:
            return r
        number = self.parameters.get(r.node)
        return replace(r, number=self.outputs[r.node]) if number is None else replace(r, kind="parameter", number=number)


@dataclass(frozen=True)
class _Held:
    """Find a tensor from outside: always the same."""

    tensor: Tensor

    def __call__(self, call: _Call) -> Tensor:
        return self.tensor


@dataclass(frozen=True)
class _Given:
    """Find a tensor among the arguments of a call."""

    number: int

    def __call__(self, call: _Call) -> Tensor:
        tensor: Tensor = call.arguments[self.number].given
        return tensor


@dataclass(frozen=True)
class _Source:
    """Find a captured storage, the one of this number, at a call; `rebinds` says that it takes a value of its own."""

    number: int
    source: Callable[[], Storage | None]
    rebinds: bool

    def __call__(self, call: _Call) -> Storage:
        storage = self.source()
        assert storage is not None
        return storage


@dataclass(frozen=True)
class _ArgumentStorage:
    """Find what an argument is stored in; a view is written through, unless the argument takes values of its own."""

    number: int
    rebinds: bool

    def __call__(self, call: _Call) -> Storage:
        tensor: Tensor = call.arguments[self.number].given
        if not tensor._moves:
            return tensor._storage
        shared = tensor.detach()._storage
        if self.rebinds:
            tensor._storage, tensor._moves, tensor._base = shared, (), None
        return shared


def _names(function: Callable[..., Any], tree: Tree) -> list[str]:
    """Return a name for each leaf of the arguments: the function's own, with the path into nests."""
    positional, named = tree.parts
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    found: list[str] = []
    for i, part in enumerate(positional.parts):
        found += pytree.paths(part, names[i] if i < len(names) else f"arg{i}")
    for key, part in zip(named.keys, named.parts, strict=True):
        found += pytree.paths(part, str(key))
    return found


# -- what users hold --------------------------------------------------------------------------------------------


class Compiled:
    """A function that runs as machine code; `lower(*args)` shows every stage on the way there.

    The first call with a new kind of arguments traces and compiles it.  `__call__` is a slot that holds what has the
    calls at the moment, the native entry of a variant as a rule: no Python code stands before it.
    """

    __slots__ = ("__call__", "__dict__", "__weakref__")

    __call__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], options: Options | None = None) -> None:
        self._function = function
        self._options = options or Options()
        self._variants: OrderedDict[Any, list[_Variant]] = OrderedDict()
        self.__call__ = self._slow
        update_wrapper(self, function, updated=())

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_function":
            raise AttributeError(name)
        return getattr(self._function, name)

    def __repr__(self) -> str:
        return f"<compiled {self._function!r}>"

    def _slow(self, *args: Any, **kwargs: Any) -> Any:
        """Look a call up and run it; what the native entry cannot do alone."""
        if state.trace is not None:
            return self._function(*args, **kwargs)
        call = _take_apart(args, kwargs)
        variant = self._variant(call)
        if not kwargs and len(call.arguments) == len(args):
            self._speed_up(variant, call)
        return variant.run(call)

    def _variant(self, call: _Call) -> _Variant:
        group = self._variants.get(call.key)
        if group is None:
            group = self._variants[call.key] = []
            if len(self._variants) > CACHE_SIZE:
                self._variants.popitem(last=False)
        else:
            self._variants.move_to_end(call.key)
        for variant in reversed(group):
            if variant.holds(call):
                return variant
        variant = _Tracer(self._function, call, self._options).run()
        group.append(variant)
        del group[:-CACHE_SIZE]
        return variant

    def _speed_up(self, variant: _Variant, call: _Call) -> None:
        """Let the next calls like this one take the fast way, where there is one."""
        fast = variant.fast(call, self._slow)
        if fast is not None:
            self.__call__ = fast

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Trace and compile for these example arguments, without running, and return a view of every stage."""
        variant = self._variant(_take_apart(args, kwargs))
        return Lowered(variant.graph, variant.forward, variant.program)


def compile(
    model: Callable[..., Any] | None = None,
    *,
    dynamic: bool | None = None,
    fullgraph: bool = True,
    check_nan: bool = False,
    opt: Any = 1,
    **options: Any,
) -> Any:
    """Return a function or module that runs as machine code: called directly, or as a decorator with or without ().

    Results are Tensors, or NumPy arrays where every array passed was one.  State outside the function (parameters,
    optimizers, `.grad`, random generators) is read and written as if it ran in Python; replacing a captured tensor
    by another object is not seen, writing to it is.  Other Python values are fixed when the function is traced.

    A new shape is traced anew, in a millisecond or so, and finds its machine code where it differs in sizes above 8 only;
    with `dynamic=False` sizes are constants in the code, and each shape is compiled for itself.

    `opt` is the level of LLVM's code generator, 0 to 3: code of level 0 is made in half of the time or less and takes up to
    three times as long to run; 2 and 3 are hardly better than 1.  With `opt="auto"` it is 0 at first and, where there is
    much work in a call, 1 as soon as that is made in the background; no call waits for it.  Results may then change in
    the last bits from one call to the next.

    With `check_nan` a call whose results (or state, or gradients) hold a NaN or an infinity raises FloatingPointError
    instead, and changes no state.  The error names the first operation that made one of what was finite, the line of the
    program that it belongs to and, in loops, the turn.  Infinities that came in or stand in the program are no error, nor
    is what a `where` did not choose; a NaN that came in is one if it reaches a result.  The results are checked by the
    program itself; nothing is run op by op before something is found.

    `fullgraph` is accepted: there is never anything but the full graph.  `backend`, `mode` and `options`, of
    torch.compile, are accepted and mean nothing.  Raises TypeError for other keywords and for what cannot be called.
    """
    for name in options:
        if name not in ("backend", "mode", "options", "disable"):
            raise TypeError(f"compile() got an unexpected keyword argument '{name}'")
    if model is None:
        return lambda f: compile(f, dynamic=dynamic, fullgraph=fullgraph, check_nan=check_nan, opt=opt, **options)
    if not callable(model):
        raise TypeError(f"compile() expected a function or a module, got {type(model).__name__}")
    return model if options.get("disable") else Compiled(model, Options(dynamic is not False, check_nan, opt))
