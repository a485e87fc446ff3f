"""One level of a transform: its inputs as separate nodes, and results without the level's history.

Each level differentiates with respect to its own copies of the inputs (`alias` nodes), so nested levels are never confused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.autograd.engine import takes_gradient
from graphc.autograd.grad_mode import enable_grad
from graphc.core import pytree
from graphc.core.errors import located
from graphc.core.pytree import TreeDef
from graphc.dispatch.arguments import from_array
from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.recording.context import state
from graphc.recording.grad_fn import CustomGradFn, GradFn, OuterGradFn, TransformInput, history
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["ArgNums", "Level", "as_tensor", "positions", "replaced"]

ArgNums = int | tuple[int, ...]


def as_tensor(leaf: Any) -> Tensor:
    """Return a tensor, or an array as one.  Raises ValueError for any other object."""
    if isinstance(leaf, Tensor):
        return leaf
    if not hasattr(leaf, "dtype"):
        raise located(ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}"))
    return Tensor._of(Storage(from_array(leaf)))


def positions(argnums: ArgNums, count: int) -> tuple[int, ...]:
    """Return nonnegative argument numbers.  Raises RuntimeError if one is out of range."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in numbers:
        if not -count <= i < count:
            raise located(RuntimeError(f"Got argnum={i}, but only {count} positional inputs"))
    return tuple(i % count for i in numbers)


def replaced(args: Sequence[Any], numbers: Sequence[int], chosen: Sequence[Any]) -> list[Any]:
    """Return arguments with the numbered ones replaced."""
    by_number = dict(zip(numbers, chosen, strict=True))
    return [by_number.get(i, x) for i, x in enumerate(args)]


class Level:
    """The inputs of one transform as separate nodes; operations are recorded within a `with` block, also a later one.

    With `writes_back` the transform copies inputs that were written to their sources before it returns results.
    """

    def __init__(self, leaves: Sequence[Any], writes_back: bool = False) -> None:
        self.recording = state.grad
        self.writes_back = writes_back
        self.sources = [as_tensor(x) for x in leaves]
        self.inputs = [self._input(x) for x in self.sources]
        self.nodes = [x._storage.make_node() for x in self.inputs]
        self.steps = [x._storage.make_fn() for x in self.inputs]
        self.mode = enable_grad()

    def _input(self, tensor: Tensor) -> Tensor:
        if not tensor._type.dtype.is_float:
            raise located(RuntimeError("only Tensors of floating point dtype can require gradients"))
        source = tensor._node()
        source = stopped(source) if tensor.requires_grad and not self.recording else source
        node = make(PRIMITIVES["alias"], (source,), unique=True, like=source)
        return Tensor._of(Storage(node, True, TransformInput(node, (tensor._edge(),)), tensor._storage.pending))

    def __enter__(self) -> Level:
        self._set_active(True)
        self.mode.__enter__()
        state.transforms += 1
        return self

    def __exit__(self, *error: object) -> None:
        state.transforms -= 1
        self.mode.__exit__(*error)
        self._set_active(False)

    def _set_active(self, active: bool) -> None:
        for step in self.steps:
            assert isinstance(step, TransformInput)
            step.active = active

    def results(self, nodes: Sequence[Node], sources: Sequence[Tensor], shape: TreeDef) -> Any:
        """Return a pytree of tensors on nodes that were computed from the same inputs as `sources`."""
        edges = _edges(sources)
        pending = 2 * max((s._storage.pending for s in sources), default=0) + 1
        steps = [GradFn("JvpBackward0", edges, saves=True) if edges else None for _ in nodes]
        storages = [Storage(n, s is not None, s, pending) for n, s in zip(nodes, steps, strict=True)]
        return self.outward(pytree.unflatten([Tensor._of(s) for s in storages], shape))

    def written(self) -> list[int]:
        """Return the numbers of the inputs that were written in place."""
        return [i for i, x in enumerate(self.inputs) if x._storage.version]

    def input_view(self, x: Tensor, sources: Sequence[Tensor]) -> Tensor | None:
        """Return the view of one of `sources` that `x` is of the input with the same number; None for another value."""
        storage, steps = x._place()
        for own, source in zip(self.inputs, sources, strict=True):
            if own._storage is storage and (storage.version == 0 or self.writes_back):
                return (source if x.requires_grad else source.detach())._view_along(steps, "AliasBackward0")
        return None

    def outward(self, results: Any) -> Any:
        """Return a pytree of results without the history of this level, but with that of outer levels.

        The inputs and views of them become the arguments and views of these.
        """
        return pytree.tree_map(self._outward, results)

    def _outward(self, x: Any) -> Any:
        if isinstance(x, Tensor) and (view := self.input_view(x, self.sources)) is not None:
            return view
        return self.result(x)

    def result(self, x: Any) -> Any:
        """Return a result without the history of this level, as a value of its own."""
        if not isinstance(x, Tensor) or not x.requires_grad:
            return x
        open_ends = any(takes_gradient(s) or isinstance(s, OuterGradFn) for s in history([x._edge()]))
        if open_ends and self.recording:
            return x
        node = x._node()
        return Tensor._of(Storage(stopped(node) if open_ends else node, pending=x._storage.pending))


def _edges(sources: Sequence[Tensor]) -> tuple[GradFn, ...]:
    """Return the grad_fn nodes of tensors, and those of the gradients of custom functions among them."""
    edges = [e for s in sources if (e := s._edge()) is not None]
    inner = [e for s in history(edges) if isinstance(s, CustomGradFn) for e in s.grad_history if e is not None]
    return tuple(dict.fromkeys([*edges, *inner]))
