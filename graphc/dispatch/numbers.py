"""The numbers among the arguments of an operation that may be inputs, and how such an operation is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphc.ir.core.graph import Node, parameter
from graphc.ir.core.types import F32, F64, I64, TensorType
from graphc.recording.numbers import NUMBER, may_vary
from graphc.recording.trie import NEVER, Entry

__all__ = ["Numbers"]

PLAIN = frozenset(("f32", "f64", "i64", "bool"))
"""The dtypes of operands that hold all numbers that may be inputs."""


class Numbers:
    """The arguments of an operation that may be changing numbers: the body accepts 0-d nodes for them."""

    def __init__(self, body: Callable[..., Any], names: Sequence[str]) -> None:
        code = body.__code__
        self.names = frozenset(names)
        self.positions = frozenset(i for i, n in enumerate(code.co_varnames[: code.co_argcount]) if n in names)

    def __bool__(self) -> bool:
        return bool(self.names)

    def key(self, key: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]] | None:
        """Return the key of a call with `NUMBER` for its numbers, and these; None if there are none or they are constants."""
        items = list(key)
        at, numbers = 3, []
        for i, value in enumerate(args):
            kind = type(value)
            if kind is float or kind is int:
                at += 1
                if i in self.positions:
                    if not may_vary(value):
                        return None
                    numbers.append(value)
                    items[at] = NUMBER
            at += 1
        for word, value in kwargs.items() if kwargs else ():
            kind = type(value)
            if word in self.names and (kind is float or kind is int):
                if not may_vary(value):
                    return None
                numbers.append(value)
                items[at + 1] = (kind, NUMBER)
            at += 2
        return (tuple(items), numbers) if numbers else None

    def exchanged(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], kind: Any
    ) -> tuple[tuple[Any, ...], dict[str, Any], list[Node]]:
        """Return the arguments with parameters for the numbers, of dtype `kind` for floats, and the parameters."""
        params: list[Node] = []

        def instead(value: Any) -> Any:
            if type(value) is not float and type(value) is not int:
                return value
            params.append(parameter(TensorType(kind if type(value) is float else I64), where=""))
            return params[-1]

        positional = tuple([instead(v) if i in self.positions else v for i, v in enumerate(args)])
        return positional, {w: instead(v) if w in self.names else v for w, v in kwargs.items()}, params

    def learn(
        self,
        learn: Callable[[tuple[Any, ...], dict[str, Any], list[Node]], Entry],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        types: Iterable[TensorType],
    ) -> Entry:
        """Return the entry of an event whose numbers are inputs; NEVER if they must be constants.

        `types` are those of the tensors among the arguments.
        """
        fixed = learn(args, kwargs, [])
        known = [*types, *(t for s in fixed.slots for t in s.node.types)]
        if fixed is NEVER or not all(t.dtype.name in PLAIN for t in known):
            return NEVER
        for kind in (F64, F32):
            try:
                entry = learn(*self.exchanged(args, kwargs, kind))
            except Exception:
                return NEVER
            if entry is not NEVER and _signature(entry) == _signature(fixed):
                for slot, named in zip(entry.slots, fixed.slots, strict=True):
                    slot.name = named.name  # it distinguishes numbers and tensors
                return entry
        return NEVER


def _signature(entry: Entry) -> list[Any]:
    return [(s.node.types, s.kind, s.requires, s.edges) for s in entry.slots]
