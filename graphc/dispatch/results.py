"""Results of operations: their properties in a recording, and tensors for slots and nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.dispatch.arguments import Operands, Slots
from graphc.ir.core.graph import Node, current
from graphc.ir.core.predicates import is_literal, stays_within
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.grad_fn import GradFn
from graphc.recording.recording import PENDING_BOUND, Recording
from graphc.recording.trie import HISTORY, MADE, Entry, Slot
from graphc.storage import views
from graphc.storage.compute import compute
from graphc.storage.steps import chain
from graphc.storage.storage import Storage, stopped
from graphc.storage.views import ViewSteps
from graphc.tensors.tensor import Tensor

__all__ = [
    "full_name", "made_slot", "names_line", "recorded_tensor", "recorded_tensors", "template", "view_path", "wrap_outputs",
]  # fmt: skip

new_object = object.__new__


def full_name(label: str) -> str:
    """Return torch's name of a grad_fn."""
    return label if "Backward" in label else f"{label}Backward0"


def is_number(node: Node) -> bool:
    """Return whether a node is a constant, which has no operands and no history."""
    return is_literal(node) and node.value is None


# -- slots of a recording ------------------------------------------------------------------------------------------


def made_slot(node: Node, operands: Slots, name: str, *, saves: bool) -> Slot:
    """Return the properties of the result of an operation."""
    recording = operands.recording
    if operands.requires and not recording.grad:
        return Slot(MADE, stopped(node))
    if operands.requires and node.dtype.is_float and not is_number(node):
        known = recording.known()
        edges = tuple([s if known[s].requires else None for s in operands.slots])
        return Slot(MADE, node, True, name, edges, saves=saves)
    return Slot(MADE, node)


def template(result: Any, nodes: list[Node]) -> Callable[[Sequence[Any]], Any] | None:
    """Collect the nodes that a body returned; return how results are built from their tensors, None for one tensor."""
    if isinstance(result, Node):
        nodes.append(result)
        return None
    if not isinstance(result, (tuple, list)):
        return lambda tensors: result
    start = len(nodes)
    parts: list[Any] = []
    for part in result:
        first = len(nodes) - start
        build = template(part, nodes)
        parts.append((build, first, len(nodes) - start))
    kind = type(result)
    make: Callable[[Sequence[Any]], Any] = getattr(kind, "_make", kind)  # of a named tuple
    if all(build is None for build, _, _ in parts):
        return make
    return lambda tensors: make([tensors[i] if build is None else build(tensors[i:j]) for build, i, j in parts])


def names_line(node: Node) -> bool:
    """Return whether an error of an operation names the user's line."""
    return bool(node.regions) or (node.op.may_fail and not stays_within(node))


def recorded_tensor(recording: Recording, number: int, type: TensorType, requires: bool, fn: Any) -> Tensor:
    """Return a tensor for a slot."""
    storage: Storage = new_object(Storage)
    storage._node = storage.value = storage.aliases = storage.trace = None
    storage.recording = recording
    storage.slot = number
    storage.requires_grad = requires
    storage._fn = fn
    storage.pending = storage.version = 0
    tensor: Tensor = new_object(Tensor)
    tensor._storage = storage
    tensor._base = tensor._grad = tensor._hooks = tensor._view_fn = tensor._viewed = None
    tensor._view_steps = ()
    tensor._type = type
    tensor._retains = False
    tensor._view_version = 0
    return tensor


def recorded_tensors(recording: Recording, entry: Entry) -> list[Tensor]:
    """Return tensors for the results of an event."""
    number, tensors = entry.slot, []
    for slot in entry.slots:
        fn = HISTORY if slot.requires else None
        tensors.append(recorded_tensor(recording, number, slot.node.types[0], slot.requires, fn))
        number += 1
    return tensors


# -- nodes ---------------------------------------------------------------------------------------------------------


def wrap_outputs(result: Any, operands: Operands, name: str, *, is_view: bool | str, saves: bool) -> Any:
    """Return the result of a body with tensors for nodes."""
    if isinstance(result, Node):
        for base in operands.tensors if is_view else ():
            seen = _as_view(result, base, name, is_view == "strict")
            if seen is not None:
                return seen
        return _wrap(result, operands, name, saves)
    if isinstance(result, (tuple, list)):
        items = [wrap_outputs(f, operands, name, is_view=is_view, saves=saves) for f in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    return result


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
    """Return the result as a view of the operand; None if it must be a copy."""
    path = view_path(node, base._node(), base, strict)
    return None if path is None else base._view_along(path, name)


def view_path(node: Node, operand: Node, base: Tensor, strict: bool) -> ViewSteps | None:
    """Return the view steps from an operand to a result; None if it must be a copy."""
    path = chain(node, operand)
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
