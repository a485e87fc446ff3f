"""Hooks: Python functions that observe, and may replace, the gradient of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from graphc.ir.core.graph import Node, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.recording.context import state
from graphc.recording.grad_fn import CustomGradFn
from graphc.storage.sharing import Shared
from graphc.storage.storage import Storage, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["RemovableHandle", "call_hook", "hook_step"]

_ids = count()


class RemovableHandle:
    """Handle of a registered hook; as a context manager it unregisters the hook at the end of the block.

    Args:
        hooks: dict of the registered hooks by id, to which the hook is added.
        hook: the function to call.
    """

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self.id = next(_ids)
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        """Unregister the hook; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def call_hook(hook: Callable[..., Any], gradient: Tensor) -> Tensor:
    """Return the gradient after a hook.

    Raises:
        TypeError: if the hook returns anything but a tensor or None.
        RuntimeError: if it changes the shape or the dtype.
    """
    result = hook(gradient)
    if result is None:
        return gradient
    if not isinstance(result, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
    name = getattr(hook, "__name__", type(hook).__name__)
    if result.shape != gradient.shape:
        raise RuntimeError(f"hook '{name}' has changed the size of value")
    if result.dtype is not gradient.dtype:
        titles = {"torch.float32": "torch.FloatTensor", "torch.float64": "torch.DoubleTensor"}
        was, got = (titles.get(repr(t.dtype), repr(t.dtype)) for t in (gradient, result))
        raise RuntimeError(f"hook '{name}' has changed the type of value (was {was} got {got})")
    return result


def hook_step(tensor: Tensor) -> dict[int, Callable[..., Any]]:
    """Return the hooks of the result of an operation; the first call inserts a step for them into its history."""
    edge = tensor._edge()
    if isinstance(edge, CustomGradFn) and edge.hooks is not None:
        return edge.hooks
    old = tensor._node()
    assert edge is not None
    leaf = make(PRIMITIVES["alias"], (stopped(old),), unique=True)
    step = CustomGradFn(edge.name(), edge.edges, [leaf], [old], lambda cotangents: _through(step, cotangents))
    known = edge.metadata or {}
    step.edges, step.hooks, step.metadata = (edge,), {}, {k: v for k, v in known.items() if k != "hooked"}
    edge.metadata = {"hooked": (*known.get("hooked", ()), step)}
    if tensor._base is not None:
        tensor._storage, tensor._base, tensor._view_steps = Shared(tensor._storage, tensor._view_steps), None, ()
    storage = tensor._storage
    storage.enter()
    storage.set_node(leaf)
    storage.requires_grad, storage._fn = True, step
    return step.hooks


def _through(step: CustomGradFn, cotangents: Sequence[Node | None]) -> list[Node | None]:
    (node,) = cotangents
    if node is None:
        return [None]
    gradient = Tensor._of(Storage(node, state.grad and step.edges[0] is not None, step if state.grad else None))
    for hook in list((step.hooks or {}).values()):
        gradient = call_hook(hook, gradient)
    if state.grad:
        step.grad_history.append(gradient._edge())
    return [gradient._node()]
