"""Batched functions, as torch.func.vmap makes them: call the function once, then batch the graph it recorded.

Every batched input becomes a fresh parameter node of the shape that one element has.  What the function
records on them is batched by `graphc.ir.batching`.  Nodes tell nested levels apart, so maps, gradients and
compiled functions go into one another in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from graphc import pytree
from graphc.eager import substitute
from graphc.errors import TracingError, add_place
from graphc.gradfn import Accumulate, Barrier, GradFn
from graphc.ir.batch_rules import lead
from graphc.ir.batching import batch
from graphc.ir.build import constant, elementwise, iota, permute, select
from graphc.ir.evaluate import evaluate_nodes
from graphc.ir.graph import PARAMETER, Node, parameter, toposort
from graphc.ir.types import I64, TensorType
from graphc.lift import PENDING_BOUND, from_array
from graphc.ops.random import default_generator, get_rng_state, set_rng_state
from graphc.ops.shape import cat, narrow
from graphc.pytree import Tree
from graphc.state import state
from graphc.storage import Storage, compute, stopped
from graphc.tensor import Tensor
from graphc.tracing import Trace

__all__ = ["vmap"]

Dims = Any
"""An int, None, or a nest of them that is the beginning of the nest it goes with."""

KEY = TensorType(I64, (2,))
"""The type of a random generator's state: seed and offset."""


def vmap(
    func: Callable[..., Any],
    in_dims: Dims = 0,
    out_dims: Dims = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that maps `func` over an axis of its positional arguments, all at once.

    `in_dims` says which axis: an int for all, or a nest like the arguments (None: the same for each element);
    `out_dims` where it is in the results.  Keyword arguments go to `func` as they are.  `randomness`: "error"
    refuses random operations, with "same" all elements share the numbers, with "different" each has those that
    a loop over `func` would draw.  `chunk_size` maps that many elements at a time.

    Raises ValueError for dims that do not fit, RuntimeError for refused randomness and for in-place writes of a
    batch to a tensor that has none, TracingError where the value of a batched tensor is asked for.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        try:
            call = _Call(func, in_dims, out_dims, randomness, args, kwargs)
            return call.run(call.leaves, call.size) if chunk_size is None else _in_chunks(call, chunk_size)
        except (ValueError, IndexError, RuntimeError) as error:
            add_place(error)
            raise

    return mapped


# -- dims -----------------------------------------------------------------------------------------------------


def _spread(dims: Dims, tree: Tree) -> list[Any] | None:
    """Return one dim for each leaf of a nest; None if the dims do not fit it."""
    kind = type(dims)
    container = kind in pytree.DICTS or isinstance(dims, (tuple, list))
    if not container:
        return [dims] * tree.size
    _, shape = pytree.flatten(dims)
    if shape.kind is not tree.kind or shape.keys != tree.keys or len(shape.parts) != len(tree.parts):
        return None
    children = dims.values() if kind in pytree.DICTS else dims
    found = [_spread(d, part) for d, part in zip(children, tree.parts, strict=True)]
    return None if any(f is None for f in found) else [d for f in found if f is not None for d in f]


def _sketch(tree: Tree) -> str:
    """Return the look of a nest, with a star for each leaf."""
    return str(pytree.unflatten(["*"] * tree.size, tree)).replace("'*'", "*")


def _leaf_dims(dims: Dims) -> list[Any]:
    """Return the leaves of a nest of dims, None among them."""
    if type(dims) in pytree.DICTS:
        return [d for part in dims.values() for d in _leaf_dims(part)]
    if isinstance(dims, (tuple, list)):
        return [d for part in dims for d in _leaf_dims(part)]
    return [dims]


def _name(func: Any) -> str:
    if hasattr(func, "__name__"):
        return str(func.__name__)
    if isinstance(func, partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return repr(func)


# -- a call ---------------------------------------------------------------------------------------------------


class _Call:
    """One call of a batched function: what it was given, checked."""

    def __init__(
        self, func: Callable[..., Any], in_dims: Dims, out_dims: Dims, randomness: str, args: Any, kwargs: dict[str, Any]
    ) -> None:
        self.func, self.out_dims, self.randomness, self.kwargs = func, out_dims, randomness, kwargs
        self.name = _name(func)
        self.title = f"vmap({self.name}, in_dims={in_dims}, ...)(<inputs>)"
        self._check_out_dims()
        if not isinstance(in_dims, (int, tuple)):
            raise ValueError(
                f"{self.title}: expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, "
                f"got: {type(in_dims)}."
            )
        if not args:
            raise ValueError(
                f"vmap({self.name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a "
                "function with no inputs. The latter is unsupported."
            )
        found, self.tree = pytree.flatten(args)
        dims = _spread(in_dims, self.tree)
        if dims is None:
            raise ValueError(
                f"{self.title}: in_dims is not compatible with the structure of `inputs`. in_dims has structure "
                f"{_sketch(pytree.flatten(in_dims)[1])} but inputs has structure {_sketch(self.tree)}."
            )
        self.leaves = [_as_tensor(x) for x in found]
        self.dims = [self._axis(d, x) for d, x in zip(dims, self.leaves, strict=True)]
        self.size = self._batch_size()

    def _check_out_dims(self) -> None:
        for dim in _leaf_dims(self.out_dims):
            if dim is not None and not isinstance(dim, int):
                raise ValueError(
                    f"vmap({self.name}, ..., out_dims={self.out_dims}): `out_dims` must be an int, None or a python collection of "
                    "ints representing where in the outputs the vmapped dimension should appear."
                )

    def _axis(self, dim: Any, x: Any) -> int | None:
        """Return an argument's dim counted from the front.  Raises ValueError."""
        if dim is None:
            return None
        if not isinstance(dim, int):
            raise ValueError(
                f"{self.title}: Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{self.title}: Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor "
                "arguments, please use None as the respective in_dim"
            )
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(
                f"{self.title}: Got in_dim={dim} for some input, but that input is a Tensor of dimensionality {x.ndim} so expected "
                f"in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}."
            )
        return dim % x.ndim

    def _batch_size(self) -> int:
        sizes = [x.shape[d] for x, d in zip(self.leaves, self.dims, strict=True) if d is not None]
        if not sizes:
            raise ValueError("vmap: Expected at least one Tensor to vmap over")
        if any(n != sizes[0] for n in sizes):
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                f"{sizes} for the mapped dimension"
            )
        return sizes[0]

    def run(self, leaves: Sequence[Any], size: int) -> Any:
        """Return the results of `func` for these arguments, batches of `size` elements."""
        with _Level(self.name, size, self.randomness) as level:
            inner = [x if d is None else level.take(x, d) for x, d in zip(leaves, self.dims, strict=True)]
            result = self.func(*pytree.unflatten(inner, self.tree), **self.kwargs)
            outputs, tree = pytree.flatten(result)
            dims = self._result_dims(result, outputs, tree)
            found = level.finish(outputs)
        level.write_back()
        return pytree.unflatten(self._placed(outputs, found, dims, size, level), tree)

    def _result_dims(self, result: Any, outputs: Sequence[Any], tree: Tree) -> list[int | None]:
        """Return one dim for each output.  Raises ValueError for dims that do not fit, and for what is no tensor."""
        given = self.out_dims
        alone = isinstance(result, Tensor) and isinstance(given, tuple) and len(given) == 1
        dims = _spread(given[0] if alone else given, tree)
        if dims is None:
            raise ValueError(
                f"vmap({self.name}, ..., out_dims={given})(<inputs>): out_dims is not compatible with the structure of "
                f"`outputs`. out_dims has structure {_sketch(pytree.flatten(given)[1])} but outputs has structure {_sketch(tree)}."
            )
        for x, dim in [*zip(outputs, dims, strict=True), *([(None, 0)] if result is None else [])]:
            if dim is not None and not isinstance(x, Tensor):
                raise ValueError(
                    f"vmap({self.name}, ...): `{self.name}` must only return Tensors, got type {type(x)}. Did you mean to set "
                    "out_dims= to None for output?"
                )
        return dims

    def _placed(
        self, outputs: Sequence[Any], found: Sequence[_Batched | None], dims: Sequence[int | None], size: int, level: _Level
    ) -> list[Any]:
        """Return the outputs with the batch axis where it is wanted, as tensors of the level outside."""
        placed: list[Any] = []
        for x, made, dim in zip(outputs, found, dims, strict=True):
            if made is None:
                placed.append(x)
                continue
            if dim is None and made.has_axis:
                raise ValueError(f"vmap({self.name}, ...): `{self.name}` can not return a BatchedTensor when out_dim is None")
            placed.append(x if dim is None and x._storage.trace is not level else made.tensor(dim, size))
        return placed


def _as_tensor(leaf: Any) -> Any:
    return Tensor._of(Storage(from_array(leaf))) if isinstance(leaf, np.ndarray) else leaf


def _in_chunks(call: _Call, chunk_size: int) -> Any:
    """Map some elements at a time, and put the results one after another."""
    ends = list(range(chunk_size, call.size, chunk_size))
    parts = [
        [x] * (len(ends) + 1) if d is None else tensor_split(x, ends, d) for x, d in zip(call.leaves, call.dims, strict=True)
    ]
    start = get_rng_state() if call.randomness == "same" else None
    results: list[list[Any]] = []
    for begin, leaves in zip([0, *ends], zip(*parts, strict=True), strict=True):
        if start is not None:
            set_rng_state(start)
        result = call.run(leaves, min(chunk_size, call.size - begin))
        outputs, tree = pytree.flatten(result)
        results.append(outputs)
    dims = call._result_dims(result, outputs, tree)
    joined = [group[0] if d is None else cat(group, d) for group, d in zip(zip(*results, strict=True), dims, strict=True)]
    return pytree.unflatten(joined, tree)


# -- a level --------------------------------------------------------------------------------------------------


class _Batched:
    """A result: its node, whether the batch axis is in front of it, and the history it has outside."""

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


class _Before:
    """What a storage from outside was when the function first looked at it."""

    def __init__(self, storage: Storage) -> None:
        self.node, self.requires_grad, self.fn = storage.node, storage.requires_grad, storage.fn
        self.key: Node | None = None

    def restore(self, storage: Storage) -> None:
        storage.node, storage.requires_grad, storage.fn = self.node, self.requires_grad, self.fn


class _Level(Trace):
    """One run of a function on stand-ins for the elements of a batch.

    Nothing is computed meanwhile but what is asked for.  Tensors made outside are read as they are; which
    ones is noted, to see afterwards what was written to them.
    """

    def __init__(self, name: str, size: int, randomness: str) -> None:
        super().__init__()
        self.name, self.size, self.randomness = name, size, randomness
        self.outer = state.trace
        self.inputs: dict[Node, Node] = {}
        self.taken: list[tuple[Tensor, int, Node, Tensor]] = []
        self.entered: dict[Storage, _Before] = {}
        self.edges: set[GradFn] = set()
        self.writes: list[tuple[Tensor, int, _Batched]] = []
        if self.outer is not None:
            self.guards, self.numbers = self.outer.guards, self.outer.numbers

    def __enter__(self) -> _Level:
        state.trace = self
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        state.trace = self.outer
        if error is not None:
            self.leave()
        if isinstance(error, TracingError) and self._title in str(error):
            raise self._asked_for(error) from None

    def take(self, x: Tensor, dim: int) -> Tensor:
        """Return the stand-in for an element of a batch."""
        node = x._node()
        key = parameter(TensorType(node.dtype, (*node.shape[:dim], *node.shape[dim + 1 :])), self._title)
        key.where = node.where
        self.inputs[key] = permute(node, (dim, *(a for a in range(node.type.rank) if a != dim)))
        edge = x._edge() if x.requires_grad else None
        fn = None
        if edge is not None:
            self.edges.add(edge)
            fn = GradFn(edge.name(), (edge,))
        inner = Tensor._of(Storage(key, fn is not None, fn, x._storage.pending))
        self.taken.append((x, dim, key, inner))
        return inner

    # -- what a trace is asked --------------------------------------------------------------------------------

    def enter(self, storage: Storage) -> None:
        """Note that a storage from outside is used."""
        if storage.trace is not self.outer:
            if self.outer is None:
                assert storage.trace is not None
                raise storage.trace.escaped(storage.node)
            self.outer.enter(storage)
        if storage in self.entered:
            return
        before = self.entered[storage] = _Before(storage)
        if storage.fn is not None:
            self.edges.add(storage.fn)
        if self.randomness == "different" and storage.node.type == KEY:
            before.key = storage.node = parameter(KEY, self._title)

    def leave(self) -> None:
        """Give every storage from outside back what it had before."""
        for storage, before in self.entered.items():
            before.restore(storage)

    def escaped(self, node: Node) -> TracingError:
        """Return the error for a tensor of this level that is used when it is over."""
        made = f" made at {node.where}" if node.where else ""
        error = TracingError(
            f"vmap: expected a tensor of the function that runs, got {node.type}{made} in an earlier run of {self.name}: "
            "tensors can leave a batched function only as results"
        )
        add_place(error)
        return error

    def reads_grad(self, tensor: Tensor) -> None:
        """Hand the note on."""
        if self.outer is not None and tensor._storage.trace is not self:
            self.outer.reads_grad(tensor)

    def writes_grad(self, tensor: Tensor) -> None:
        """Refuse to change the `.grad` of a tensor from outside: it may be a batch there."""
        if tensor._storage.trace is self:
            return
        error = RuntimeError(
            f"vmap: {self.name} writes to .grad of a tensor from outside; take gradients by graphc.func.grad or autograd.grad"
        )
        add_place(error)
        raise error

    def begins_backward(self, roots: Any) -> None:
        """Do nothing: what is recorded here is no stage of a compiled function."""

    @property
    def _title(self) -> str:
        return f"vmap({self.name})"

    def _asked_for(self, error: TracingError) -> TracingError:
        head, *rest = str(error.args[0]).split("\n")
        made = head.split(" that depends on its input")[0].split("got ")[-1]
        place = head.split(", made at ")[-1].split(". A compiled")[0] if ", made at " in head else ""
        found = TracingError(
            "\n".join((
                f"vmap: It looks like {self.name} looks at the value of a batched tensor (.item(), bool, print, a Python if): "
                f"expected one value for all elements of the batch, got {made} for each"
                f"{f', made at {place}' if place else ''}. Choose with graphc.where, or give in_dims=None to what is not batched.",
                *rest,
            ))
        )  # fmt: skip
        found._has_place = True  # type: ignore[attr-defined]
        return found

    # -- the end ----------------------------------------------------------------------------------------------

    def finish(self, outputs: Sequence[Any]) -> list[_Batched | None]:
        """Batch the outputs, None for what is no tensor, and what was written in place.  Raises RuntimeError."""
        changed = {s: b for s, b in self.entered.items() if s.node is not (b.key or b.node)}
        written = [(x, dim, inner) for x, dim, key, inner in self.taken if inner._storage.node is not key]
        results = [x for x in outputs if isinstance(x, Tensor)] + [inner for _, _, inner in written]
        nodes = [x._node() for x in results]
        self._check_random(nodes, changed)
        plain, batches, ahead = self._keys(changed)
        states = substitute([s.node for s in changed], {**plain, **ahead})
        found = batch([*substitute(nodes, plain), *states], {**self.inputs, **batches}, self.size)
        self._write_outside(changed, found[len(nodes) :])
        made = [
            _Batched(node, has, self._outer_step(x), x._storage.pending + 1)
            for x, (node, has) in zip(results, found[: len(nodes)], strict=True)
        ]
        self.writes = [(x, d, m) for (x, d, _), m in zip(written, made[len(made) - len(written) :], strict=True)]
        each = iter(made)
        return [next(each) if isinstance(x, Tensor) else None for x in outputs]

    def write_back(self) -> None:
        """Write to the arguments what the function wrote to their stand-ins; to be called outside."""
        for x, dim, made in self.writes:
            x._assign(made.tensor(dim, self.size))

    def _write_outside(self, changed: dict[Storage, _Before], found: Sequence[tuple[Node, bool]]) -> None:
        """Leave what was written to tensors from outside, with their true random states.  Raises RuntimeError for batches."""
        for storage, before in self.entered.items():
            if before.key is not None and storage.node is before.key:
                storage.node = before.node
        for storage, (node, has_axis) in zip(changed, found, strict=True):
            if has_axis:
                raise RuntimeError(
                    f"vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in "
                    f"extra_args that has more elements than `self`: {self.name} writes a batch to a tensor of type "
                    f"{node.type.with_shape(node.shape[1:])} from outside, that is none. Give in_dims for it, or write out of place."
                )
            storage.node = node
            if self.outer is None:
                state.dirty.add(storage)

    def _outer_step(self, x: Tensor) -> GradFn | None:
        """Return a step from which the history outside of this level is reached; None if there is none."""
        first = x._edge() if x.requires_grad else None
        seen: dict[GradFn, None] = {}
        ends: dict[GradFn, None] = {}
        stack = [first]
        while stack:
            step = stack.pop()
            if step is None or step in seen:
                continue
            seen[step] = None
            if step in self.edges or (isinstance(step, Accumulate) and step.tensor._storage.trace is not self):
                ends[step] = None
                continue
            if isinstance(step, Barrier):
                self._check_barrier(step)
            stack.extend(step.edges)
        return GradFn(first.name(), tuple(ends)) if first is not None and ends else None

    def _check_barrier(self, step: Barrier) -> None:
        raise RuntimeError(
            f"vmap: expected a history of graph operations, got a hook or a custom function ({step.name()}) in {self.name}; take "
            "the gradient inside of the batched function"
        )

    # -- random numbers -----------------------------------------------------------------------------------------

    def _check_random(self, roots: Sequence[Node], changed: dict[Storage, _Before]) -> None:
        """Raise RuntimeError if numbers were drawn and none may be."""
        if self.randomness != "error":
            return
        for storage, before in changed.items():
            if before.node.type == KEY and (
                storage is default_generator.state._storage or _draws(roots, storage.node, before.node)
            ):
                error = RuntimeError(
                    "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
                    "randomness flags on vmap or perform the randomness operation out of vmap"
                    f"{chr(10) + '  at ' + storage.node.where if storage.node.where else ''}"
                )
                error._has_place = True  # type: ignore[attr-defined]
                raise error

    def _keys(self, changed: dict[Storage, _Before]) -> tuple[dict[Node, Node], dict[Node, Node], dict[Node, Node]]:
        """Return what the stand-ins for random states are: those of no draw, the batches, and how far a loop would get but once."""
        plain: dict[Node, Node] = {}
        batches: dict[Node, Node] = {}
        ahead: dict[Node, Node] = {}
        for storage, before in self.entered.items():
            if before.key is None:
                continue
            words = _words(storage.node, before.key) if storage in changed else 0
            if not words:
                plain[before.key] = before.node
                continue
            many = (self.size, 2)
            turn = select(elementwise("eq", iota(many, 1), 1), iota(many, 0) * words, constant(0, I64, many))
            batches[before.key] = lead(before.node, self.size) + turn
            last = select(
                elementwise("eq", iota((2,), 0), 1), constant((self.size - 1) * words, I64, (2,)), constant(0, I64, (2,))
            )
            ahead[before.key] = before.node + last
        return plain, batches, ahead


def _draws(roots: Sequence[Node], after: Node, before: Node) -> bool:
    """Tell whether random bits among what the roots need are drawn with a state from `before` to `after`."""
    states = set(toposort([after], lambda n: n is before))
    return any(n.op.name == "random_bits" and n.operands[0] in states for n in toposort(roots))


def _words(after: Node, key: Node) -> int:
    """Return how many words a generator was moved on by; 0 if it was not a matter of moving on."""
    order = toposort([after], lambda n: n is key)
    if key not in order or any(n.op is PARAMETER and n is not key for n in order):
        return 0
    return int(evaluate_nodes([after], {key: np.zeros(2, np.int64)})[0][1])
