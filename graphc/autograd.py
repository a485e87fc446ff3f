"""Gradients as torch's users know them: backward(), grad(), hooks.

The gradients are nodes that graphc.ir.autodiff appends to the graph; this module decides between which
nodes, checks what torch checks, runs the Python code that has a say on the way (hooks, custom functions), and
puts the results where they belong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphc.custom_function import Function, once_differentiable
from graphc.eager import substitute
from graphc.errors import add_place
from graphc.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from graphc.gradfn import Accumulate, Barrier, GradFn, Level, history
from graphc.hooks import RemovableHandle, call_hook, hook_step
from graphc.ir.autodiff import gradients
from graphc.ir.build import cast, constant, full_like, zeros_like
from graphc.ir.graph import Node, toposort
from graphc.state import state
from graphc.storage import Storage, compute, stopped
from graphc.tensor import Tensor

__all__ = [
    "Function", "backward", "differentiate", "enable_grad", "grad", "inference_mode", "no_grad", "once_differentiable",
    "set_grad_enabled",
]  # fmt: skip

TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). "
    "Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if "
    "you need to backward through the graph a second time or if you need to access saved tensors after calling backward."
)
Tensors = Tensor | Sequence[Tensor]


# -- from nodes to nodes ------------------------------------------------------------------------------------


def differentiate(
    roots: Sequence[Node], cotangents: Sequence[Node], steps: Sequence[GradFn], wrt: Sequence[Node]
) -> list[Node | None]:
    """Return the gradient nodes by `wrt`, through the Python code of the barriers among `steps`.

    `steps` are those of the history of the roots, users first.
    """
    reroute = _Reroute(steps)
    front, weights = reroute(roots), list(cotangents)
    wrt = reroute(wrt)
    replaced: dict[Node, Node | None] = {}
    for step in steps:
        if isinstance(step, Barrier):
            given = gradients(front, weights, step.outputs)
            if all(g is None for g in given):
                continue
            step.made = []
            passed = step.rule(given)
            if step.hooks is not None:
                replaced[step.outputs[0]] = passed[0]
            for node, part in zip(step.inputs, passed, strict=True):
                if part is not None:
                    front += reroute([node], but=node)
                    weights.append(part)
    found = gradients(front, weights, wrt)
    return [replaced.get(node, g) for node, g in zip(wrt, found, strict=True)]


class _Reroute:
    """Lead what read a tensor before a hook was put on it through that hook too.

    The hook's step covers what reads its output; here nodes that read its input are rebuilt to read the output.
    """

    def __init__(self, steps: Sequence[GradFn]) -> None:
        hooked = [s for s in steps if isinstance(s, Barrier) and s.hooks is not None]
        self.instead = {s.inputs[0]: s.outputs[0] for s in hooked}
        self.fixed = {n: n for n in _ends(steps)} if hooked else {}

    def __call__(self, nodes: Sequence[Node], but: Node | None = None) -> list[Node]:
        given = {**self.fixed, **{k: v for k, v in self.instead.items() if k is not but}}
        return substitute(nodes, given) if self.instead else list(nodes)


# -- checks ---------------------------------------------------------------------------------------------------


def _as_tuple(tensors: Tensors) -> tuple[Tensor, ...]:
    return (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)


def _cotangents(outputs: Sequence[Tensor], given: Any) -> list[Tensor | None]:
    """Return one gradient or None for each output.  Raises RuntimeError for another number of them."""
    if given is None:
        return [None] * len(outputs)
    found = [given] if isinstance(given, Tensor) else list(given)
    if len(found) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(found)} gradients")
    return found


def _cotangent(index: int, output: Tensor, given: Tensor | None) -> Node:
    """Return the node of an output's cotangent, 1 where none is given.  Raises RuntimeError."""
    node = output._node()
    if given is None:
        if output.requires_grad and node.type.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        return full_like(node, 1) if node.dtype.is_float else constant(1, node.dtype, node.shape)
    if given.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{index}] has a shape of {given.shape} and output[{index}] has a shape of "
            f"{output.shape}."
        )
    return cast(given._node(), node.dtype)


class _Sweep:
    """One backward: its roots and cotangents, checked, and the steps of their history."""

    def __init__(self, outputs: Sequence[Tensor], given: Any, keep: bool, create: bool) -> None:
        self.outputs, self.keep, self.create = outputs, keep, create
        weights = _cotangents(outputs, given)
        self.weights = [_cotangent(i, o, w) for i, (o, w) in enumerate(zip(outputs, weights, strict=True))]
        for i, output in enumerate(outputs):
            if not output.requires_grad:
                raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        self.steps = _with_late_hooks(history(o._edge() for o in outputs))
        self.weight_steps = history(w._edge() for w in weights if w is not None) if create else []
        if state.trace is not None:
            state.trace.begins_backward(o._node() for o in outputs)

    def run(self, targets: Sequence[tuple[Tensor, Node]]) -> list[Node | None]:
        """Return the gradient nodes, and use up the history on the way to them unless it is kept."""
        used = self._used(targets)
        if any(step.freed and (step in used or not step.edges) for step in self.steps):
            raise RuntimeError(TWICE)
        roots = [o._node() for o in self.outputs]
        outer = state.grad
        state.grad = self.create
        try:
            found = differentiate(roots, self.weights, self.steps, [n for _, n in targets])
        finally:
            state.grad = outer
        if not self.keep:
            _use_up(used, self.steps)
        return found

    def _used(self, targets: Sequence[tuple[Tensor, Node]]) -> set[GradFn]:
        """Return the steps that gradients run through on their way to the targets."""
        nodes = {n for _, n in targets}
        ends = {t._edge() for t, _ in targets if not t.is_leaf}
        ends.update(s for s in self.steps if isinstance(s, (Accumulate, Level)) and s.node in nodes)
        used: set[GradFn] = set()
        for step in reversed(self.steps):
            if any(e in ends or e in used for e in step.edges):
                used.add(step)
        return used

    def held(self) -> Iterable[Storage]:
        """Yield the storages of the outputs, and of whatever else of their history somebody still holds."""
        for step in self.steps:
            if isinstance(step, Accumulate):
                yield step.tensor._storage
            owner = step.owner() if step.owner is not None else None
            if owner is not None:
                yield owner
        for output in self.outputs:
            yield output._storage

    def tensors(self, nodes: Sequence[Node | None]) -> list[Tensor | None]:
        """Return the gradients as tensors; with a history of their own under create_graph."""
        if not self.create:
            return [None if n is None else Tensor._of(Storage(n)) for n in nodes]
        inner = history(edge for s in self.steps if isinstance(s, Barrier) for edge in s.made)
        by_node = _ends([*self.steps, *self.weight_steps, *inner])
        depends = _depending([n for n in nodes if n is not None], by_node)
        edges = tuple(dict.fromkeys(by_node.values()))
        forked = len(edges) != 1 or sum(e in edges or isinstance(e, Accumulate) for s in self.steps for e in s.edges) > 1
        return [None if n is None else Tensor._of(_recorded(n, edges, n in depends, forked)) for n in nodes]


def _with_late_hooks(steps: list[GradFn]) -> list[GradFn]:
    """Add the steps of hooks that were put on tensors after all that is in this history had read them."""
    known = set(steps)
    found: list[GradFn] = []
    for step in steps:
        hooked = step.metadata.get("hooked") if step.metadata else None
        if hooked is not None and hooked not in known:
            found.append(hooked)
        found.append(step)
    return found


def _use_up(used: set[GradFn], steps: Sequence[GradFn]) -> None:
    for step in reversed(steps):
        step.freed = step.freed or (step.saves and step in used)
        step.dead = step.freed or any(e is not None and e.dead for e in step.edges)


def _ends(steps: Iterable[GradFn]) -> dict[Node, GradFn]:
    """Map the nodes that gradients can be taken by to their steps."""
    found: dict[Node, GradFn] = {}
    for step in steps:
        if isinstance(step, Accumulate) or (isinstance(step, Level) and step.active):
            found[step.node] = step
        elif isinstance(step, Barrier):
            found.update(dict.fromkeys(step.outputs, step))
    return found


def _depending(roots: Sequence[Node], ends: dict[Node, GradFn]) -> set[Node]:
    """Return the nodes that depend on one of the ends in a way gradients can take."""
    found = set(ends)
    for node in toposort(roots):
        if node.op.name != "stop_gradient" and not found.isdisjoint(node.operands):
            found.add(node)
    return found


NAMES = {"matmul": "Mm", "reshape": "View", "broadcast": "Expand", "select": "Where", "cast": "ToCopy", "gather": "Index"}


def _recorded(node: Node, edges: tuple[GradFn, ...], depends: bool, forked: bool) -> Storage:
    if not depends:
        return Storage(stopped(node))
    name = NAMES.get(node.op.name, node.op.name.title().replace("_", ""))
    if name == "Add" and not forked:
        name = "Mul"  # a sum within the rule of one operation, such as pow, which torch has as a product
    return Storage(node, True, GradFn(f"{name}Backward0", edges))


# -- backward ---------------------------------------------------------------------------------------------------


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of `tensors`, weighted with `grad_tensors`, to the `.grad` of the leaves they depend on.

    `inputs` says which tensors instead of all leaves.  `create_graph` makes the gradients differentiable;
    `retain_graph`, which follows it, allows another backward through the same history.  Raises RuntimeError.
    """
    try:
        _backward(
            _as_tuple(tensors), grad_tensors, create_graph if retain_graph is None else retain_graph, create_graph, inputs
        )
    except (RuntimeError, TypeError) as error:
        add_place(error)
        raise


def _backward(outputs: tuple[Tensor, ...], given: Any, keep: bool, create: bool, inputs: Tensors | None) -> None:
    chosen = None if inputs is None else _as_tuple(inputs)
    if chosen is not None and not chosen:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    sweep = _Sweep(outputs, given, keep, create)
    targets = _leaves(sweep.steps) if chosen is None else [t for x in chosen for t in _targets_of(x, sweep.steps)]
    retained = _retained(sweep.steps)
    nodes = sweep.run([*targets, *retained])
    made = sweep.tensors(nodes)
    touched: list[Storage] = []
    for (tensor, _), gradient in zip((*targets, *retained), made, strict=True):
        if gradient is not None:
            touched.append(_deposit(tensor, gradient, create))
    if state.trace is None and not create:
        compute([*touched, *sweep.held()])


def _leaves(steps: Sequence[GradFn]) -> list[tuple[Tensor, Node]]:
    ends = {s.node: s.tensor for s in reversed(steps) if isinstance(s, Accumulate)}
    return [(tensor, node) for node, tensor in ends.items()]


def _targets_of(tensor: Tensor, steps: Sequence[GradFn]) -> list[tuple[Tensor, Node]]:
    """Return the nodes that stand for a tensor in a history: a leaf may have been changed since."""
    if not tensor.requires_grad:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    if not tensor.is_leaf:
        return [(tensor, tensor._node())]
    nodes = dict.fromkeys(s.node for s in steps if isinstance(s, Accumulate) and s.tensor is tensor)
    return [(tensor, n) for n in nodes or [tensor._node()]]


def _retained(steps: Sequence[GradFn]) -> list[tuple[Tensor, Node]]:
    found = []
    for step in steps:
        kept = step.metadata and step.metadata.get("retains")
        tensor = kept[0]() if kept else None
        if kept and tensor is not None:
            found.append((tensor, kept[1]))
    return found


def _deposit(tensor: Tensor, gradient: Tensor, create: bool) -> Storage:
    """Add a gradient to a tensor's `.grad`, in place where no history is wanted; run its hooks around that."""
    hooks = tensor._hooks or {}
    for hook in list(hooks.get("tensor", {}).values()) if tensor.is_leaf else ():
        gradient = call_hook(hook, gradient)
    if state.trace is not None:
        state.trace.reads_grad(tensor)
    old = tensor._grad
    if old is None:
        tensor.grad = gradient
    elif create:
        node = old._node() + gradient._node()
        edges = (old._edge(), gradient._edge())
        tensor.grad = Tensor._of(Storage(node, any(edges), GradFn("AddBackward0", edges) if any(edges) else None))
    else:
        old._write_value(old._node() + stopped(gradient._node()), old._storage.pending + 1)
    for hook in list(hooks.get("accumulated", {}).values()):
        with no_grad():
            hook(tensor)
    assert tensor._grad is not None or hooks
    return tensor._grad._storage if tensor._grad is not None else gradient._storage


# -- grad -----------------------------------------------------------------------------------------------------------


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of `outputs`, weighted with `grad_outputs`, by `inputs`; no `.grad` is touched.

    An input that nothing depends on raises RuntimeError, or gives None with `allow_unused`, or zeros with
    `materialize_grads`.  The other arguments are those of `backward`.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if is_grads_batched:
        raise NotImplementedError("is_grads_batched is not supported: call grad() for each row")
    keep = create_graph if retain_graph is None else retain_graph
    try:
        found = _grad(_as_tuple(outputs), _as_tuple(inputs), grad_outputs, keep, create_graph)
        return _complete(found, _as_tuple(inputs), bool(allow_unused) or materialize_grads, materialize_grads)
    except (RuntimeError, TypeError) as error:
        add_place(error)
        raise


def _grad(outputs: tuple[Tensor, ...], inputs: tuple[Tensor, ...], given: Any, keep: bool, create: bool) -> list[Tensor | None]:
    sweep = _Sweep(outputs, given, keep, create)
    targets = [_targets_of(x, sweep.steps) for x in inputs]
    retained = [r for r in _retained(sweep.steps) if any(r[0] is x for x in inputs)]
    nodes = sweep.run([*retained, *(pair for group in targets for pair in group)])
    for (tensor, _), gradient in zip(retained, sweep.tensors(nodes[: len(retained)]), strict=True):
        if gradient is not None:
            _deposit(tensor, gradient, create)
    parts = iter(nodes[len(retained) :])
    sums = [_total([next(parts) for _ in group]) for group in targets]
    made = [_hooked(x, g) for x, g in zip(inputs, sweep.tensors(sums), strict=True)]
    if state.trace is None and not keep:
        compute([*(g._storage for g in made if g is not None), *sweep.held()])
    return made


def _total(parts: Sequence[Node | None]) -> Node | None:
    total = None
    for part in parts:
        total = part if total is None else total if part is None else total + part
    return total


def _hooked(tensor: Tensor, gradient: Tensor | None) -> Tensor | None:
    hooks = (tensor._hooks or {}).get("tensor", {}) if tensor.is_leaf else {}
    for hook in list(hooks.values()):
        gradient = gradient if gradient is None else call_hook(hook, gradient)
    return gradient


def _complete(found: list[Tensor | None], inputs: tuple[Tensor, ...], unused: bool, materialize: bool) -> tuple[Any, ...]:
    for i, gradient in enumerate(found):
        if gradient is None and not unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
    if not materialize:
        return tuple(found)
    return tuple(Tensor._of(Storage(zeros_like(x._node()))) if g is None else g for g, x in zip(found, inputs, strict=True))


# -- on tensors -------------------------------------------------------------------------------------------------------


def _tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of this tensor, weighted with `gradient`, to the `.grad` of the leaves it depends on."""
    backward(self, None if gradient is None else [gradient], retain_graph, create_graph, inputs)


def _register_hook(self: Tensor, hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook` with every gradient by this tensor; what it returns, if not None, takes its place.

    Raises RuntimeError if the tensor requires none.
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.is_leaf:
        self._hooks = self._hooks or {}
        return RemovableHandle(self._hooks.setdefault("tensor", {}), hook)
    return RemovableHandle(hook_step(self), hook)


def _register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call `hook` with this leaf whenever a gradient has been added to its `.grad`.  Raises RuntimeError."""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if not self.is_leaf:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    self._hooks = self._hooks or {}
    return RemovableHandle(self._hooks.setdefault("accumulated", {}), hook)


setattr(Tensor, "backward", _tensor_backward)  # noqa: B010 - the class is complete once this module is imported
setattr(Tensor, "register_hook", _register_hook)  # noqa: B010
setattr(Tensor, "register_post_accumulate_grad_hook", _register_post_accumulate_grad_hook)  # noqa: B010
