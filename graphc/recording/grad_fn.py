"""The history of tensors as users see it: `y.grad_fn`, its name and where it leads.

Gradients themselves are computed on graph nodes; these objects say which leaves a result reaches, which parts
of its history a backward has used up, and where Python code (hooks, custom functions) has a say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import ref

from graphc.ir.core.graph import Node

__all__ = ["AccumulateGrad", "BatchInput", "CustomGradFn", "GradFn", "Replaced", "TransformInput", "history"]

class GradFn:
    """One step of a history: the operation that made a tensor, and the steps its operands came from.

    A backward that does not keep the graph leaves the step `freed` if torch would have freed saved values
    there, and `dead` if it leads to such steps only: no gradient will ever be taken through it again.
    """

    __slots__ = ("__weakref__", "_name", "dead", "edges", "freed", "metadata", "owner", "saves", "where")

    def __init__(
        self, name: str, edges: tuple[GradFn | None, ...] = (), *, saves: bool, owner: Any = None, where: str = ""
    ) -> None:
        self._name = name
        self.saves = saves
        """Whether torch would keep values for this step, so that its graph can be used only once."""
        self.edges = edges
        self.freed = False
        self.dead = False
        self.owner: ref[Any] | None = None if owner is None else ref(owner)
        self.metadata: dict[str, Any] | None = None
        self.where = where

    def name(self) -> str:
        """Return torch's name of the step, such as `AddBackward0`."""
        return self._name

    def leads_to_dead(self) -> bool:
        """Tell whether the history goes on, but nowhere where a gradient could be taken."""
        edges = [e for e in self.edges if e is not None]
        return bool(edges) and all(e.dead for e in edges)

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """The steps that the operands came from, each with the number of the result it stands for."""
        return tuple((None if edge is None else edge.visible, 0) for edge in self.edges)

    @property
    def visible(self) -> GradFn:
        """The step that users see here: this one, but for the steps that hooks have put in."""
        return self

    def __repr__(self) -> str:
        return f"<{self._name} object at {id(self):#x}>"


class AccumulateGrad(GradFn):
    """The end of a history: a leaf, whose `.grad` the gradient by `node` is added to."""

    __slots__ = ("node", "tensor")

    def __init__(self, tensor: Any, node: Node) -> None:
        super().__init__("AccumulateGrad", saves=False)
        self.tensor = tensor
        self.node = node

    @property
    def variable(self) -> Any:
        """The leaf."""
        return self.tensor


class BatchInput(GradFn):
    """The placeholder of an element of a batch: `node`, whose history goes on outside of the batch."""

    __slots__ = ("node",)

    def __init__(self, node: Node, edge: GradFn) -> None:
        super().__init__(edge.name(), (edge,), saves=edge.saves)
        self.node = node


class TransformInput(GradFn):
    """The input of a function transform: `node` is what its gradient is taken by, while it is `active`."""

    __slots__ = ("active", "node")

    def __init__(self, node: Node, edges: tuple[GradFn | None, ...]) -> None:
        super().__init__("AliasBackward0", edges, saves=False)
        self.node = node
        self.active = True


Rule = Callable[[list["Node | None"]], Sequence["Node | None"]]


class CustomGradFn(GradFn):
    """A step whose gradient is computed by Python code: `rule` maps those of `outputs` to those of `inputs`.

    The graph lets nothing through here: each output is a unique node over a stop_gradient.  `made` is the history
    of the gradients that the code returned under create_graph.  `push`, if there is one, maps tangents of the inputs
    to those of the outputs; else forward mode transposes the rule.
    """

    __slots__ = ("hooks", "inputs", "made", "outputs", "push", "rule")

    def __init__(
        self, name: str, edges: tuple[GradFn | None, ...], outputs: list[Node], inputs: list[Node], rule: Rule
    ) -> None:
        super().__init__(name, edges, saves=False)  # what Python code has kept is its own affair
        self.outputs, self.inputs, self.rule = outputs, inputs, rule
        self.hooks: dict[int, Callable[..., Any]] | None = None
        self.made: list[GradFn | None] = []
        self.push: Rule | None = None

    @property
    def visible(self) -> GradFn:
        """The step that users see: the one below, if hooks have put this one in."""
        edge = self.edges[0] if self.hooks is not None else None
        return self if edge is None else edge.visible


class Replaced(CustomGradFn):
    """A step at which a value was replaced without history: gradients by the new value go to the old one."""

    __slots__ = ()


def history(roots: Iterable[GradFn | None], stop: Callable[[GradFn], bool] | None = None) -> list[GradFn]:
    """Return every step that the roots reach, users before operands.  Does not recurse.

    Steps for which `stop` holds are left out, with what only they lead to.
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
