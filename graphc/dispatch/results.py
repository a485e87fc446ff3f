"""Results of operations: tensors for the nodes that a body returns, as views of operands where they are."""

from __future__ import annotations

from typing import Any

from graphc.dispatch.arguments import Operands
from graphc.ir.core.graph import Node, current
from graphc.ir.core.predicates import is_literal
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.recording.recording import PENDING_BOUND
from graphc.storage import views
from graphc.storage.compute import compute
from graphc.storage.storage import Storage, stopped
from graphc.storage.views import ViewSteps
from graphc.tensors.tensor import Tensor

__all__ = ["full_name", "is_number", "view_path", "wrap_outputs"]


def full_name(label: str) -> str:
    """Return the name that a step of a history has in torch."""
    return label if "Backward" in label else f"{label}Backward0"


def wrap_outputs(found: Any, operands: Operands, name: str, *, is_view: bool | str, saves: bool) -> Any:
    """Return what a body returned with tensors for nodes."""
    if isinstance(found, Node):
        for base in operands.tensors if is_view else ():
            seen = _as_view(found, base, name, is_view == "strict")
            if seen is not None:
                return seen
        return _wrap(found, operands, name, saves)
    if isinstance(found, (tuple, list)):
        items = [wrap_outputs(f, operands, name, is_view=is_view, saves=saves) for f in found]
        return type(found)(*items) if hasattr(found, "_fields") else type(found)(items)
    return found


def _wrap(node: Node, operands: Operands, name: str, saves: bool) -> Tensor:
    pending = operands.pending + 1
    if operands.requires and not state.grad:
        storage = Storage(stopped(node), pending=pending)
    elif operands.requires and node.dtype.is_float and not is_number(node):
        edges = tuple([t._edge() for t in operands.tensors])
        step = GradFn(name, edges, saves=saves, where=current.where)
        step.metadata = {"node": node} if state.anomaly else None
        storage = Storage(node, True, step, pending)
    else:
        storage = Storage(node, pending=pending)
    if pending > PENDING_BOUND and state.trace is None:
        compute([storage])
    return Tensor._of(storage)


def _as_view(node: Node, base: Tensor, name: str, strict: bool) -> Tensor | None:
    """Return the result as a view of the operand; None where it has to be a copy."""
    path = view_path(node, base._node(), base, strict)
    return None if path is None else base._view_along(path, name)


def view_path(node: Node, operand: Node, base: Tensor, strict: bool) -> ViewSteps | None:
    """Return the steps from an operand, a tensor that stands on a node, to a result; None where it has to be a copy."""
    path = views.chain(node, operand)
    if path is None:
        return None
    source, before = base._place()
    if path and views.strides(source.shape, before + path) is None:
        if strict:
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                "contiguous "
                "subspaces). Use .reshape(...) instead."
            )
        return None
    return path


def is_number(node: Node) -> bool:
    """Tell whether a node is a constant, which no operand has anything to do with."""
    return is_literal(node) and node.value is None
