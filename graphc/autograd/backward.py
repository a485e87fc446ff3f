"""`backward` and `grad`, as in torch.autograd, and the methods of `Tensor` that belong to them.

The engine (graphc.autograd.engine) builds the gradient nodes; this module chooses the targets and accumulates the results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.autograd.anomaly import detect_anomaly, set_detect_anomaly
from graphc.autograd.engine import Engine
from graphc.autograd.function import Function, once_differentiable
from graphc.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from graphc.autograd.hooks import RemovableHandle, call_hook, hook_step
from graphc.autograd.reverse_events import record_backward, record_grad
from graphc.core.errors import LEADS_OUT, TracingError, add_location
from graphc.ir.core.build import zeros_like
from graphc.ir.core.graph import Node
from graphc.recording.context import state
from graphc.recording.grad_fn import AccumulateGrad, GradFn
from graphc.storage.compute import compute
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = [
    "Function", "backward", "detect_anomaly", "enable_grad", "grad", "inference_mode", "no_grad", "once_differentiable",
    "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip

Tensors = Tensor | Sequence[Tensor]


def _as_tuple(tensors: Tensors) -> tuple[Tensor, ...]:
    return (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)


# -- backward ---------------------------------------------------------------------------------------------------


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of `tensors` to the `.grad` of the leaves that they depend on.

    The sum over `tensors` of the vector-Jacobian product with `grad_tensors` is accumulated: call `zero_grad` or set `.grad =
    None` between steps. Where a function has no derivative, the gradient is torch's: 0 for abs at 0, and so on.

    Args:
        tensors: float tensor, or sequence of them, that require gradients.
        grad_tensors: the cotangents: a tensor or None for each of `tensors`, of the same shape. None stands for ones and is
            allowed for tensors of one element.
        retain_graph: whether another backward pass through the same history is allowed; None means the same as
            `create_graph`.
        create_graph: whether the gradients themselves can be differentiated.
        inputs: tensor or sequence of tensors whose `.grad` is accumulated, instead of all leaves.

    Raises:
        RuntimeError: if a tensor requires no gradient; if cotangents are missing for more than one element, or their shape or
            number does not fit; if the history was freed by an earlier pass; if `inputs` is empty or one of them requires no
            gradient.
        TypeError: if a cotangent is no tensor.

    Example:
        >>> x = graphc.tensor([1.0, 2.0], requires_grad=True)
        >>> graphc.autograd.backward((x * x).sum())
        >>> x.grad
        tensor([2., 4.])
    """
    try:
        _backward(
            _as_tuple(tensors), grad_tensors, create_graph if retain_graph is None else retain_graph, create_graph, inputs
        )
    except (RuntimeError, TypeError) as error:
        add_location(error)
        raise


def _backward(outputs: tuple[Tensor, ...], grad_outputs: Any, keep: bool, create: bool, inputs: Tensors | None) -> None:
    chosen = None if inputs is None else _as_tuple(inputs)
    if record_backward(outputs, grad_outputs, keep, create, chosen):
        return
    if chosen is not None and not chosen:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    engine = Engine(outputs, grad_outputs, keep, create)
    if chosen is None and any(s.metadata and "argument" in s.metadata for s in engine.steps):
        raise TracingError(LEADS_OUT)
    if state.trace is not None and chosen is not None:
        state.trace.takes_gradients(engine.steps, chosen)
    targets = _leaves(engine.steps) if chosen is None else [t for x in chosen for t in _targets_of(x, engine.steps)]
    retained = _retained(engine.steps)
    nodes = engine.run([*targets, *retained], chosen=chosen is not None)
    grads = engine.tensors(nodes)
    touched: list[Storage] = []
    for (tensor, _), gradient in zip((*targets, *retained), grads, strict=True):
        if gradient is not None:
            touched.append(_accumulate_grad(tensor, gradient, create))
    if state.trace is None and not create:
        compute([*touched, *engine.held()])


def _leaves(steps: Sequence[GradFn]) -> list[tuple[Tensor, Node]]:
    """Return the leaves of a history with their nodes, without those that were frozen since."""
    ends = {s.node: s.tensor for s in reversed(steps) if isinstance(s, AccumulateGrad)}
    return [(tensor, node) for node, tensor in ends.items() if tensor.requires_grad]


def _targets_of(tensor: Tensor, steps: Sequence[GradFn]) -> list[tuple[Tensor, Node]]:
    """Return the nodes that represent a tensor in a history: a leaf may have been changed since."""
    if not tensor.requires_grad:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    if not tensor.is_leaf:
        return [(tensor, tensor._node())]
    nodes = dict.fromkeys(s.node for s in steps if isinstance(s, AccumulateGrad) and s.tensor is tensor)
    return [(tensor, n) for n in nodes or [tensor._node()]]


def _retained(steps: Sequence[GradFn]) -> list[tuple[Tensor, Node]]:
    retained = []
    for step in steps:
        kept = step.metadata and step.metadata.get("retains")
        tensor = kept[0]() if kept else None
        if kept and tensor is not None and tensor._edge() is step:  # else it was a view of what has been written
            retained.append((tensor, kept[1]))
    return retained


def _accumulate_grad(tensor: Tensor, gradient: Tensor, create: bool) -> Storage:
    """Add a gradient to a tensor's `.grad`, in place if it needs no history, and run the tensor's hooks."""
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
        tensor.grad = Tensor._of(Storage(node, any(edges), GradFn("AddBackward0", edges, saves=False) if any(edges) else None))
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
    """Return the gradients of `outputs` with respect to `inputs`.

    The sum over `outputs` of the vector-Jacobian product with `grad_outputs` is returned; the `.grad` of leaves stays as it
    is.

    Args:
        outputs: float tensor, or sequence of them.
        inputs: tensor, or sequence of tensors, that require gradients.
        grad_outputs: the cotangents: a tensor or None for each of `outputs`, of the same shape. None stands for ones and is
            allowed for outputs of one element.
        retain_graph: whether another backward pass through the same history is allowed; None means the same as
            `create_graph`.
        create_graph: whether the gradients themselves can be differentiated.
        only_inputs: accepted for compatibility with torch; gradients are returned for `inputs` only.
        allow_unused: whether an input that no output depends on is allowed; its gradient is None.
        is_grads_batched: not supported; must be False. Use `graphc.func.vmap` of `graphc.func.vjp`.
        materialize_grads: whether the gradient of an input that no output depends on is zeros.

    Returns:
        Tuple with the gradient for each input, of its shape and dtype.

    Raises:
        RuntimeError: if an input requires no gradient, or is not used and neither `allow_unused` nor `materialize_grads` is
            set; if cotangents are missing for more than one element, or their shape or number does not fit; if the history
            was freed.
        ValueError: if `materialize_grads` is set and `allow_unused` is False.
        NotImplementedError: if `is_grads_batched`.
        TypeError: if a cotangent is no tensor.

    Example:
        >>> x = graphc.tensor([1.0, 2.0], requires_grad=True)
        >>> (g,) = graphc.autograd.grad((x**3).sum(), x, create_graph=True)
        >>> graphc.autograd.grad(g.sum(), x)
        (tensor([ 6., 12.]),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if is_grads_batched:
        raise NotImplementedError("is_grads_batched is not supported: call grad() for each row")
    keep = create_graph if retain_graph is None else retain_graph
    try:
        grads = _grad(_as_tuple(outputs), _as_tuple(inputs), grad_outputs, keep, create_graph)
        return _complete(grads, _as_tuple(inputs), bool(allow_unused) or materialize_grads, materialize_grads)
    except (RuntimeError, TypeError) as error:
        add_location(error)
        raise


def _grad(
    outputs: tuple[Tensor, ...], inputs: tuple[Tensor, ...], grad_outputs: Any, keep: bool, create: bool
) -> list[Tensor | None]:
    recorded = record_grad(outputs, inputs, grad_outputs, keep, create)
    if recorded is not None:
        return recorded
    engine = Engine(outputs, grad_outputs, keep, create)
    if state.trace is not None:
        state.trace.takes_gradients(engine.steps, inputs)
    targets = [_targets_of(x, engine.steps) for x in inputs]
    retained = [r for r in _retained(engine.steps) if any(r[0] is x for x in inputs)]
    nodes = engine.run([*retained, *(pair for group in targets for pair in group)])
    for (tensor, _), gradient in zip(retained, engine.tensors(nodes[: len(retained)]), strict=True):
        if gradient is not None:
            _accumulate_grad(tensor, gradient, create)
    parts = iter(nodes[len(retained) :])
    sums = [_total([next(parts) for _ in group]) for group in targets]
    grads = [_hooked(x, g) for x, g in zip(inputs, engine.tensors(sums), strict=True)]
    if state.trace is None and not keep:
        compute([*(g._storage for g in grads if g is not None), *engine.held()])
    return grads


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


def _complete(grads: list[Tensor | None], inputs: tuple[Tensor, ...], unused: bool, materialize: bool) -> tuple[Any, ...]:
    for i, gradient in enumerate(grads):
        if gradient is None and not unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
    if not materialize:
        return tuple(grads)
    return tuple(Tensor._of(Storage(zeros_like(x._node()))) if g is None else g for g, x in zip(grads, inputs, strict=True))


# -- on tensors -------------------------------------------------------------------------------------------------------


def _tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of this tensor to the `.grad` of the leaves that it depends on.

    Args:
        gradient: cotangent, of the shape of this tensor; None stands for 1 and is allowed for a tensor of one element.
        retain_graph: whether another backward pass through the same history is allowed; None means the same as
            `create_graph`.
        create_graph: whether the gradients themselves can be differentiated.
        inputs: tensor or sequence of tensors whose `.grad` is accumulated, instead of all leaves.

    Raises:
        RuntimeError: if this tensor requires no gradient; if `gradient` is missing for more than one element, or has another
            shape; if the history was freed by an earlier pass; if `inputs` is empty or one of them requires no gradient.
        TypeError: if `gradient` is no tensor.

    Example:
        >>> x = graphc.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).backward(graphc.tensor([1.0, 10.0]))
        >>> x.grad
        tensor([ 2., 40.])
    """
    backward(self, None if gradient is None else [gradient], retain_graph, create_graph, inputs)


def _register_hook(self: Tensor, hook: Callable[..., Any]) -> RemovableHandle:
    """Call a function with every gradient with respect to this tensor.

    Args:
        hook: function of the gradient, a tensor of the shape and dtype of this one; what it returns, unless None, replaces
            the gradient.

    Returns:
        Handle whose `remove()` unregisters the hook.

    Raises:
        RuntimeError: if this tensor requires no gradient; during the backward pass, if the hook changes shape or dtype.
        TypeError: during the backward pass, if the hook returns anything but a tensor or None.

    Example:
        >>> x = graphc.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([20., 40.])
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.is_leaf:
        self._hooks = self._hooks or {}
        return RemovableHandle(self._hooks.setdefault("tensor", {}), hook)
    return RemovableHandle(hook_step(self), hook)


def _register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call a function with this leaf whenever a gradient was added to its `.grad`.

    Args:
        hook: function of this tensor; what it returns is ignored.

    Returns:
        Handle whose `remove()` unregisters the hook.

    Raises:
        RuntimeError: if this tensor requires no gradient, or is no leaf.

    Example:
        >>> x = graphc.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda p: print(p.grad))
        >>> x.sum().backward()
        tensor([1., 1.])
    """
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if not self.is_leaf:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    self._hooks = self._hooks or {}
    return RemovableHandle(self._hooks.setdefault("accumulated", {}), hook)


setattr(Tensor, "backward", _tensor_backward)  # noqa: B010 - the class is complete once this module is imported
setattr(Tensor, "register_hook", _register_hook)  # noqa: B010
setattr(Tensor, "register_post_accumulate_grad_hook", _register_post_accumulate_grad_hook)  # noqa: B010
