"""Record the custom derivatives in a loop body as regions of the graph.

A custom function or a hook is a `grad_fn` with Python code, called when a gradient is taken.  A body runs more often than its
code is called, and as machine code.  Within bodies the custom code is therefore called once, when the body is recorded, on
placeholders for cotangents and tangents.  Its operations become the regions of a `custom` node, which replaces the outputs of
the custom function.  The recorded gradients may have custom functions in their own history; so each order of differentiation
records the next, up to `DEPTH`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from graphc.autograd.engine import with_late_hooks
from graphc.autograd.grad_mode import enable_grad
from graphc.ir.core.build import zeros_like
from graphc.ir.core.graph import Node, Region, parameter, toposort
from graphc.ir.regions.builders import custom
from graphc.ir.regions.substitution import RefusedError, substitute
from graphc.ir.transforms.vjp import gradients
from graphc.recording.grad_fn import CustomGradFn, GradFn, history

__all__ = ["DEPTH", "written_out"]

DEPTH = 4
"""How many derivatives are recorded of a custom function whose backward calls custom functions."""

Rule = tuple[Region, Sequence[int]]


def written_out(roots: Sequence[Node], edges: Iterable[GradFn | None], is_end: Callable[[GradFn], bool]) -> list[Node]:
    """Return roots with `custom` nodes for the custom functions in their history, up to grad_fns for which `is_end` holds."""
    return _Writing(is_end).run(roots, edges, DEPTH)


class _Writing:
    """Replaces the custom functions of one body by `custom` nodes, each once.

    `scope` holds the outputs that rules may read, `open` the outputs of custom functions whose rules are being recorded.
    """

    def __init__(self, is_end: Callable[[GradFn], bool]) -> None:
        self.is_end = is_end
        self.new: dict[Node, Node] = {}
        self.done: set[GradFn] = set()
        self.scope: list[Node] = []
        self.open: list[Node] = []

    def run(self, roots: Sequence[Node], edges: Iterable[GradFn | None], depth: int) -> list[Node]:
        """Return roots with nodes for the custom functions that their history leads to, operands first."""
        steps = with_late_hooks(history(edges, self._ends))
        custom_steps = [s for s in steps if isinstance(s, CustomGradFn) and s not in self.done]
        read = set(toposort([*roots, *(node for step in custom_steps for node in step.inputs)]))
        self.done.update(custom_steps)
        outer = len(self.scope)
        self.scope += [o for step in custom_steps for o in step.outputs]
        try:
            for step in reversed(custom_steps):
                self._write(step, read, depth)
        finally:
            del self.scope[outer:]
        return self.replaced(roots)

    def replaced(self, nodes: Sequence[Node]) -> list[Node]:
        """Return nodes with finished outputs replaced by `custom` nodes; unfinished ones stay as they are."""
        return substitute(nodes, {**{o: o for o in self.scope}, **self.new})

    def pending(self) -> set[Node]:
        """Return the outputs of custom functions that have no node yet: they are computed later than the current one."""
        return {o for o in self.scope if o not in self.new and o not in self.open}

    def _ends(self, step: GradFn) -> bool:
        return step in self.done or self.is_end(step)

    def _write(self, step: CustomGradFn, read: set[Node], depth: int) -> None:
        values = self.replaced([o.operands[0] for o in step.outputs])
        inputs = self.replaced(step.inputs)
        rules = _Rules(self, step, depth)
        self.open += step.outputs
        backward, forward = rules.backward(read), rules.forward()
        del self.open[len(self.open) - len(step.outputs) :]
        known = {*toposort([*values, *inputs]), *self.scope, *(self.new[o] for o in self.scope if o in self.new)}
        nodes = custom(values, inputs, backward=backward, forward=forward, refusals=rules.refusals, outer=known)
        self.new.update(zip(step.outputs, nodes, strict=True))
        if step.hooks is not None:
            self.new[step.inputs[0]] = nodes[0]  # the readers of the tensor before the hook


class _Rules:
    """The derivatives of one custom function as regions; `refusals` are the error texts where there is none."""

    def __init__(self, writing: _Writing, step: CustomGradFn, depth: int) -> None:
        self.writing, self.step, self.depth = writing, step, depth
        self.cotangents = [parameter(o.type) for o in step.outputs]
        self.values = [parameter(o.type) for o in step.outputs]
        self.gradients: dict[int, Node] = {}
        self.refused = ["", ""]
        if not depth:
            self.refused = [f"{step.name()}: expected no more than {DEPTH} derivatives of a custom function within a loop"] * 2

    @property
    def refusals(self) -> tuple[str, str]:
        """The error texts for a missing backward and forward rule; empty where there is a rule, or no derivative flows."""
        return self.refused[0], self.refused[1]

    def backward(self, read: set[Node]) -> Rule | None:
        """Return the region from cotangents to gradients, and the numbers of the inputs that have one."""
        cotangents = [c if o in read else None for c, o in zip(self.cotangents, self.step.outputs, strict=True)]
        self.gradients = self._called(0, lambda: self.step.rule(list(cotangents)))
        return self._region([*self.cotangents, *self.values], self.gradients)

    def forward(self) -> Rule | None:
        """Return the region from tangents of the inputs to those of the values, and the numbers of the values that have one."""
        step = self.step
        tangents = [parameter(node.type) for node in step.inputs]
        float_tangents = [t if t.dtype.is_float else None for t in tangents]
        if step.hooks is not None:
            derivatives = {0: tangents[0]}
        elif step.push is not None:
            push = step.push
            derivatives = self._called(1, lambda: push(list(float_tangents)))
        else:
            derivatives = self._transposed(tangents)
        return self._region([*tangents, *self.values], derivatives)

    def _called(self, number: int, rule: Callable[[], Sequence[Node | None]]) -> dict[int, Node]:
        """Return the results of a rule, by position.  An exception in the rule is raised when that derivative is taken."""
        if self.refused[number]:
            return {}
        self.step.grad_history = []
        try:
            with enable_grad():
                derivatives = {i: node for i, node in enumerate(rule()) if node is not None}
                nodes = self.writing.run(list(derivatives.values()), self.step.grad_history, self.depth - 1)
        except Exception as error:
            kind = "" if type(error) in (RuntimeError, RefusedError) else f"{type(error).__name__}: "
            self.refused[number] = f"{kind}{error}"
            return {}
        own = dict(zip(self.step.outputs, self.values, strict=True))
        if self.step.hooks is not None:  # a hook may read values computed from the tensor before the hook
            own[self.writing.replaced(self.step.inputs)[0]] = self.values[0]
        results = substitute(nodes, own)
        if not self.writing.pending().isdisjoint(toposort(results)):
            self.refused[number] = f"{self.step.name()}: expected a rule that reads no tensors that its derivative leads to"
            return {}
        return dict(zip(derivatives, results, strict=True))

    def _transposed(self, tangents: Sequence[Node]) -> dict[int, Node]:
        """Return the tangents of the values as the gradient of backward, which is linear in the cotangents."""
        self.refused[1] = self.refused[0]
        outputs, weights = list(self.gradients.values()), [tangents[i] for i in self.gradients]
        reached = set(toposort(outputs))
        try:
            transposed = gradients(outputs, weights, self.cotangents)
        except RefusedError:
            transposed = [None] * len(self.cotangents)
        if any(g is None and c in reached for g, c in zip(transposed, self.cotangents, strict=True)):
            self.refused[1] = f"{self.step.name()} has no forward derivative: its backward cannot be differentiated"
            return {}
        by_position = {i: g for i, g in enumerate(transposed) if g is not None}
        nothing = {c: zeros_like(c) for c in self.cotangents}
        return dict(zip(by_position, substitute(list(by_position.values()), nothing), strict=True))

    def _region(self, params: Sequence[Node], derivatives: dict[int, Node]) -> Rule | None:
        return (Region(tuple(params), tuple(derivatives.values())), tuple(derivatives)) if derivatives else None
