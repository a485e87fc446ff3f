"""The gradient history of tensors as users see it: `y.grad_fn`, its name and its operands.

Gradients themselves are computed on graph nodes; these objects record which leaves a result depends on, which parts of its
history a backward has freed, and where Python code (hooks, custom functions) takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import ref

from graphc.ir.core.graph import Node
from graphc.recording.context import state

__all__ = [
    "AccumulateGrad", "BatchInput", "CustomGradFn", "GradFn", "OuterGradFn", "Replaced", "TracedGradFn", "TransformInput",
    "history",
]  # fmt: skip

class GradFn:
    """A node of the gradient history: the operation that produced a tensor, and the grad_fns of its operands.

    A backward that does not keep the graph marks it `freed` if torch would have freed saved values, and `dead` if it leads to
    freed ones only: no gradient can be taken through it again.
    """

    __slots__ = ("__weakref__", "_name", "dead", "edges", "freed", "metadata", "owner", "saves", "where")

    def __init__(
        self, name: str, edges: tuple[GradFn | None, ...] = (), *, saves: bool, owner: Any = None, where: str = ""
    ) -> None:
        self._name = name
        self.saves = saves
        """Whether torch would save values for it, so that its graph can be used only once."""
        self.edges = edges
        self.freed = False
        self.dead = False
        self.owner: ref[Any] | None = None if owner is None else ref(owner)
        self.metadata: dict[str, Any] | None = None
        self.where = where

    def name(self) -> str:
        """Return torch's name of the operation, such as `AddBackward0`."""
        return self._name

    def leads_to_dead(self) -> bool:
        """Return whether the history continues, but no gradient can be taken anywhere in it."""
        edges = [e for e in self.edges if e is not None]
        return bool(edges) and all(e.dead for e in edges)

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """The grad_fns of the operands, each with the number of the result it stands for."""
        return tuple((None if edge is None else edge.visible, 0) for edge in self.edges)

    @property
    def visible(self) -> GradFn:
        """The grad_fn that users see: this one, unless a hook inserted it."""
        return self

    def __repr__(self) -> str:
        return f"<{self._name} object at {id(self):#x}>"


class AccumulateGrad(GradFn):
    """The end of a history: a leaf, to whose `.grad` the gradient with respect to `node` is added."""

    __slots__ = ("node", "tensor")

    def __init__(self, tensor: Any, node: Node) -> None:
        super().__init__("AccumulateGrad", saves=False)
        self.tensor = tensor
        self.node = node

    @property
    def variable(self) -> Any:
        """The leaf."""
        return self.tensor


class TracedGradFn(GradFn):
    """A grad_fn to which gradients are taken directly, past the operations between; it knows the trace that it was made in."""

    __slots__ = ("_trace",)

    def __init__(self, name: str, edges: tuple[GradFn | None, ...], *, saves: bool) -> None:
        super().__init__(name, edges, saves=saves)
        self._trace = None if state.trace is None else ref(state.trace)

    def is_of(self, trace: object) -> bool:
        """Return whether it was made in a trace."""
        return self._trace is not None and self._trace() is trace


class BatchInput(TracedGradFn):
    """The placeholder of an element of a batch: `node`, whose history continues outside of the batch."""

    __slots__ = ("node",)

    def __init__(self, node: Node, edge: GradFn) -> None:
        super().__init__(edge.name(), (edge,), saves=edge.saves)
        self.node = node


class TransformInput(TracedGradFn):
    """The input of a function transform: while it is `active`, gradients are taken with respect to `node`."""

    __slots__ = ("active", "node")

    def __init__(self, node: Node, edges: tuple[GradFn | None, ...]) -> None:
        super().__init__("AliasBackward0", edges, saves=False)
        self.node = node
        self.active = True


Rule = Callable[[list["Node | None"]], Sequence["Node | None"]]


class CustomGradFn(TracedGradFn):
    """A grad_fn with Python code: `rule` maps gradients of `outputs` to gradients of `inputs`.

    In the graph each output is a unique node over a stop_gradient.  `grad_history` is the history of the gradients that the
    code returned under create_graph.  `push`, if there is one, maps tangents of the inputs to those of the outputs; otherwise
    forward mode transposes the rule.
    """

    __slots__ = ("grad_history", "hooks", "inputs", "outputs", "push", "rule")

    def __init__(
        self, name: str, edges: tuple[GradFn | None, ...], outputs: list[Node], inputs: list[Node], rule: Rule
    ) -> None:
        super().__init__(name, edges, saves=False)  # values saved by Python code are not counted
        self.outputs, self.inputs, self.rule = outputs, inputs, rule
        self.hooks: dict[int, Callable[..., Any]] | None = None
        self.grad_history: list[GradFn | None] = []
        self.push: Rule | None = None

    @property
    def visible(self) -> GradFn:
        """The grad_fn that users see: the one below, if a hook inserted this one."""
        edge = self.edges[0] if self.hooks is not None else None
        return self if edge is None else edge.visible


class OuterGradFn(CustomGradFn):
    """The history of a tensor from outside of a compiled function that is traced: it continues at each call."""

    __slots__ = ()


class Replaced(CustomGradFn):
    """A grad_fn at which a value was replaced without history: gradients with respect to the new value go to the old one."""

    __slots__ = ()


def history(roots: Iterable[GradFn | None], stop: Callable[[GradFn], bool] | None = None) -> list[GradFn]:
    """Return every grad_fn that the roots reach, users before operands.  Does not recurse.

    Those for which `stop` holds are left out, with those that only they reach.
    """
    done: set[GradFn] = set()
    order: list[GradFn] = []
    for root in roots:
        stack = [root] if root is not None and not (stop and stop(root)) else []
        while stack:
            fn = stack[-1]
            missing = [e for e in fn.edges if e is not None and e not in done] if fn not in done else []
            missing = [e for e in missing if not stop(e)] if stop else missing
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if fn not in done:
                done.add(fn)
                order.append(fn)
    order.reverse()
    return order
