"""Signatures of calls: the tensors and arrays passed to the program, and the key that identifies a variant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.compiler.guards.equality import by_value
from graphc.core import pytree
from graphc.core.dtypes import of_numpy
from graphc.core.pytree import TreeDef
from graphc.ir.core.cached import cached_property
from graphc.recording.context import state
from graphc.storage.compute import compute
from graphc.tensors.tensor import Tensor

__all__ = ["Argument", "Call", "flatten_call", "names_of"]


# -- arguments --------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Argument:
    """A tensor or array argument of one call: the object passed, its values, and what of its history a trace depends on."""

    passed: Any
    array: np.ndarray[Any, Any]
    requires_grad: bool = False
    leads_on: bool = False
    """Whether it is the result of an operation through which gradients flow on."""

    @property
    def root(self) -> Any:
        """The owner of the values: the storage of a tensor, or the one below a view or a detached one."""
        return self.passed._storage.place[0] if isinstance(self.passed, Tensor) else self.passed

    @property
    def is_numpy(self) -> bool:
        """Whether the caller passed a NumPy array."""
        return not isinstance(self.passed, Tensor)

    @property
    def hooks(self) -> tuple[Any, ...]:
        """The hooks of a tensor, with their kinds: a trace calls these."""
        hooks = self.passed._hooks if isinstance(self.passed, Tensor) else None
        return tuple((kind, *group.values()) for kind, group in hooks.items() if group) if hooks else ()

    @cached_property
    def strides(self) -> tuple[int, ...] | None:
        """Byte strides, None for row-major."""
        return None if self.array.flags.c_contiguous else self.array.strides


def argument(leaf: Any) -> Argument:
    """Return a tensor or array as an argument; unaligned arrays and those of another byte order are copied."""
    if isinstance(leaf, Tensor):
        requires_grad = leaf.requires_grad
        return Argument(leaf, leaf._array(), requires_grad, requires_grad and not leaf.is_leaf)
    array = np.asarray(leaf)
    of_numpy(array.dtype)
    whole = all(s % array.itemsize == 0 for s in array.strides)
    if not (array.flags.aligned and array.dtype.isnative and whole):
        array = np.array(array, array.dtype.newbyteorder("="))
    return Argument(leaf, array)


@dataclass(eq=False)
class Call:
    """The arguments of one call, flattened."""

    tree: TreeDef
    leaves: list[Any]
    arguments: list[Argument]
    key: Any

    @property
    def is_numpy(self) -> bool:
        """Whether every array passed is a NumPy array, and there is one."""
        return bool(self.arguments) and all(a.is_numpy for a in self.arguments)


def flatten_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """Flatten the arguments of a call.  Raises TypeError for an unhashable value."""
    leaves, tree = pytree.flatten((args, kwargs))
    tensors = [x for x in leaves if isinstance(x, Tensor)]
    pending = [x._storage for x in tensors if x._storage.entered().value is None]
    if pending:
        compute(pending)
    arguments: list[Argument] = []
    parts: list[Any] = []
    first: dict[int, int] = {}
    for leaf in leaves:
        if isinstance(leaf, (Tensor, np.ndarray)):
            arg = argument(leaf)
            arguments.append(arg)
            objects = () if arg.is_numpy else (leaf, arg.root)  # arrays are only read: two names for one are two arguments
            same = [first.setdefault(id(x), len(first)) for x in objects]
            kind = (arg.is_numpy, arg.array.dtype, arg.array.shape, arg.strides, arg.requires_grad, arg.leads_on, arg.hooks)
            parts.append((*kind, *same))
        else:
            parts.append(_by_value(leaf))
    return Call(tree, leaves, arguments, (tree, _keys(tree), tuple(parts), state.grad))


def _keys(tree: TreeDef) -> tuple[Any, ...]:
    """Return the keys of all dicts of a pytree with their types: 1, 1.0 and True are equal to a dict but not to a trace."""
    return (*map(by_value, tree.keys), *(_keys(p) for p in tree.parts if p.parts))


def _by_value(leaf: Any) -> Any:
    try:
        return by_value(leaf)
    except TypeError:
        raise TypeError(
            "expected arguments that are tensors, arrays, or hashable values a compiled function can be looked up by, "
            f"got {type(leaf).__name__}"
        ) from None


def names_of(function: Callable[..., Any], tree: TreeDef) -> list[str]:
    """Return a name for each leaf of the arguments: the parameter's name with the path into its pytree."""
    positional, named = tree.parts
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    leaf_names: list[str] = []
    for i, part in enumerate(positional.parts):
        leaf_names += pytree.paths(part, names[i] if i < len(names) else f"arg{i}")
    for key, part in zip(named.keys, named.parts, strict=True):
        leaf_names += pytree.paths(part, str(key))
    return leaf_names
