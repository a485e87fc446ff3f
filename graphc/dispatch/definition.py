"""An operation on tensors: its body runs on nodes, and its results are recorded as an event, as views, or as nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from graphc.core.errors import INTERNAL, TracingError, add_location, broken_rule, located, refuse, user_location
from graphc.dispatch.arguments import Interrupted, Lowering, Operands, Placeholders, Slots, body_names, tensors_in
from graphc.dispatch.keys import key_of_call, view_key
from graphc.dispatch.numbers import Numbers
from graphc.dispatch.results import full_name, made_slot, names_line, recorded_tensors, template, view_path, wrap_outputs
from graphc.ir.core.graph import Node, TypeRuleError, current, fresh_scope, toposort
from graphc.ir.core.predicates import is_constant
from graphc.ir.core.types import TensorType
from graphc.recording.context import state
from graphc.recording.numbers import arrays, varies
from graphc.recording.recording import Recording
from graphc.recording.trie import NEVER, Entry
from graphc.storage import views
from graphc.storage.operands import TENSORS
from graphc.storage.views import ViewSteps

__all__ = ["Definition"]

VIEWS_BOUND = 1000
"""How many calls of a view operation are cached."""

NOT_VIEWS: Any = ()
"""Marks calls whose results are not all views of operands."""

OF_NODES = ("type", "types", "dtype", "shape")
"""Attributes of nodes that bodies read; foreign objects lack them."""


class Definition:
    """An operation on tensors: its body on nodes, and the properties of its results."""

    def __init__(
        self,
        body: Callable[..., Any],
        name: Any,
        *,
        view: Any,
        differentiable: bool,
        saves: Any,
        varying: Sequence[str],
    ) -> None:
        self.body, self.name, self.view, self.differentiable, self.saves = body, name, view, differentiable, saves
        self.others = body_names(body)
        self.numbers = Numbers(body, varying)
        self.seen_views: dict[Any, Any] = {}
        self.names_lines = False
        """Whether errors of its programs name the source line of the call."""

    def label(self, lowered: Sequence[Any], named: dict[str, Any]) -> str:
        """Return the name of the grad_fn."""
        return self.name if isinstance(self.name, str) else self.name(*lowered, **named)

    def keeps(self, operands: Operands | Slots, lowered: Sequence[Any], named: dict[str, Any]) -> bool:
        """Return whether torch would save values for the gradient of a call."""
        if callable(self.saves):
            return bool(self.saves(*lowered, **named))
        return operands.others_require() if self.saves == "others" else bool(self.saves)

    def record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the body and record its results: as an event if possible, else as nodes."""
        return self._guarded(self._record, args, kwargs)

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        while (recording := state.fast) is not None:
            key = key_of_call(recording, self.body, args, kwargs)
            if self.names_lines and key is not None:
                key += (current.where,)
            entry = recording.entry
            if entry is None and recording is state.recording:
                state.renew()  # another thread has closed it
                continue
            if key is None or entry is None:
                break
            child = entry.children.get(key)
            inputs: Sequence[Any] = ()
            if child is None and entry.numbered:
                child, inputs = self.numbered(entry, key, args, kwargs)
            if child is None and recording.is_over(list(tensors_in((*args, *kwargs.values())))):
                recording.flush()  # the call then starts a recording, and its entry may be known
                continue
            if child is None:
                try:
                    child, inputs = self._new(recording, entry, key, args, kwargs)
                except Interrupted:
                    continue
                if recording.entry is not entry:
                    continue  # a signal handler or another thread came in between
            if child is NEVER:
                break
            tensors = recorded_tensors(recording, child)
            if recording.advance(entry, child, [t._storage for t in tensors], inputs):
                recording.flush_if_full()
                return tensors[0] if child.build is None else child.build(tensors)
        return self._on_nodes(args, kwargs)

    def numbered(self, entry: Entry, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Sequence[Any]]:
        """Return the entry of a call whose numbers are inputs, and these as arrays; None if there is no such entry."""
        numbered = self.numbers.key(key, args, kwargs) if self.numbers.names else None
        child = entry.children.get(numbered[0]) if numbered is not None else None
        if numbered is None or child is None or child is NEVER:
            return None, ()
        return child, arrays(child, numbered[1])

    def _new(
        self, recording: Recording, entry: Entry, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Entry, Sequence[Any]]:
        """Return the entry of an unseen event, and the numbers that are inputs.  Raises Interrupted."""

        def learn(args: tuple[Any, ...], kwargs: dict[str, Any], parameters: list[Node]) -> Entry:
            child = self._learn(recording, entry, args, kwargs)
            if parameters and child is not NEVER:
                child.numbers = tuple(parameters)
            return child

        numbered = self.numbers.key(key, args, kwargs) if self.numbers else None
        if numbered is None:
            recording.follow(key)
        elif entry.children.get(numbered[0]) is not NEVER and varies(recording, entry, key, numbered[0]):
            child = self.numbers.learn(learn, args, kwargs, [t._type for t in tensors_in((*args, *kwargs.values()))])
            if recording.entry is entry:
                entry.children[numbered[0]] = entry.numbered[numbered[0]] = child
            if child is not NEVER:
                return child, arrays(child, numbered[1])
        before = self.names_lines
        child = learn(args, kwargs, [])
        if recording.entry is entry:
            entry.children[key] = child
            if self.names_lines and not before:
                entry.children[(*key, current.where)] = child  # where the next call looks
            if numbered is not None:
                entry.numbered[numbered[0]] = child
        return child, ()

    def _lowered(
        self, operands: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments with nodes for tensors, keywords under the body's names."""
        lowered = [operands.lower(a) for a in args]
        return lowered, {self.others.get(k, k): operands.lower(v) for k, v in kwargs.items()}

    def _on_nodes(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        operands = Operands()
        if state.trace is not None:
            state.trace.recorded(current.where)
        lowered, named = self._lowered(operands, args, kwargs)
        result = self.body(*lowered, **named)
        name = full_name(self.label(lowered, named))
        if callable(self.view):
            return operands.tensors[0]._view_along(self.view(*lowered, **named), name)
        operands.requires = operands.requires and self.differentiable
        return wrap_outputs(result, operands, name, is_view=self.view, saves=self.keeps(operands, lowered, named))

    def _learn(self, recording: Recording, before: Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Entry:
        """Return the entry of an unseen event: run the body on the nodes of slots."""
        operands = Slots(recording)
        lowered, named = self._lowered(operands, args, kwargs)
        try:
            with fresh_scope() if self.names_lines else nullcontext():
                result = self.body(*lowered, **named)
        except TracingError:
            return NEVER  # it reads values
        if isinstance(result, Node) and not operands.slots and is_constant(result):
            return NEVER
        label = full_name(self.label(lowered, named))
        nodes: list[Node] = []
        build = template(result, nodes)
        operands.requires = operands.requires and self.differentiable
        saves = self.keeps(operands, lowered, named)
        slots = [made_slot(node, operands, label, saves=saves) for node in nodes]
        if any(s.node.types[0].grows for s in slots):
            return NEVER
        self.names_lines = self.names_lines or any(map(names_line, toposort(nodes, operands.nodes.__contains__)))
        entry = Entry(before, tuple(slots))
        entry.build = build
        return entry

    def as_views(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the results if all of them are views of operands, else None."""
        key = view_key(args, kwargs)
        if key is None:
            return None
        steps_of_views = self.seen_views.get(key)
        if steps_of_views is None:
            if len(self.seen_views) > VIEWS_BOUND:
                self.seen_views.clear()
            steps_of_views = self.seen_views[key] = self._guarded(self._learn_views, args, kwargs)
        if steps_of_views is NOT_VIEWS:
            return None
        steps, build = steps_of_views
        if build is None and args and type(args[0]) in TENSORS and steps[0][0] == 0:
            _, path, name, type_ = steps[0]
            return args[0]._view_along(path, name, type_)
        tensors = list(tensors_in((*args, *kwargs.values())))
        views = [tensors[number]._view_along(path, name, type_) for number, path, name, type_ in steps]
        return views[0] if build is None else build(views)

    def _learn_views(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        operands = Placeholders()
        lowered, named = self._lowered(operands, args, kwargs)
        try:
            result = self.view(*lowered, **named) if callable(self.view) else self.body(*lowered, **named)
        except TracingError:
            return NOT_VIEWS
        label = full_name(self.label(lowered, named))
        if callable(self.view):
            return ([_view_of(0, operands.tensors[0][0], result, label)], None) if views.is_static(result) else NOT_VIEWS
        nodes: list[Node] = []
        build = template(result, nodes)
        steps = []
        for node in nodes:
            for number, (tensor, operand) in enumerate(operands.tensors):
                path = view_path(node, operand, tensor, self.view == "strict")
                if path is not None:
                    steps.append(_view_of(number, tensor, path, label))
                    break
            else:
                return NOT_VIEWS
        return steps, build

    def _guarded(self, run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return `run(args, kwargs)`; the nodes that it creates, and its errors, get the user's line."""
        outer = current.where
        current.where = user_location()
        try:
            return run(args, kwargs)
        except TypeRuleError as error:
            raise located(broken_rule(self.body.__name__, error)) from error
        except (RuntimeError, ValueError, TypeError, IndexError, OverflowError) as error:
            add_location(error)
            raise
        except AttributeError as error:
            if error.name not in OF_NODES or isinstance(error.obj, Node):
                refuse(error, self.body.__name__, args, kwargs)
                raise
            got = f"{error.obj!r:.40} of type {type(error.obj).__name__}"
            raise located(TypeError(f"{self.body.__name__}() expected a Tensor, got {got}")) from None
        except INTERNAL as error:
            refuse(error, self.body.__name__, args, kwargs)
            raise
        finally:
            current.where = outer


def _view_of(number: int, tensor: Any, path: ViewSteps, label: str) -> tuple[int, ViewSteps, str, TensorType]:
    """Return the number of the tensor that is viewed, the steps, the name of the grad_fn, and the type of the view."""
    return number, path, label, TensorType(tensor._type.dtype, views.shape_of(tensor._type.shape, path))
