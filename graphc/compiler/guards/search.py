"""Find the Python values that a function can read: globals, cells, attributes and items that its result may depend on.

Starting at the function, the search follows code to the names it reads, and objects to those of their attributes that any of
the code names (`reads.py`).  It follows the user's code and the layers of graphc.nn, not other packages.  The result is
conservative: it contains everything the function reads, except through reflection or other packages.
"""

from __future__ import annotations

import functools
import random
import warnings
from argparse import Namespace
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from types import CellType, CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.random import Generator, RandomState

from graphc.codegen.runtime.bindings import ABSENT, VERSIONED, DictBinding, SlotBinding, cell_binding
from graphc.compiler.guards.reads import Reads, reads_of
from graphc.compiler.guards.scope import GRAPHC, HELD_IN, READ_BY_USERS, Scope, file_of, package_of, reflects
from graphc.compiler.guards.slots import OFFSETS, class_table, function_slot, hooks_slot, slot_value, table_of
from graphc.core.dtypes import DEFAULT
from graphc.ir.core.cached import cached_property
from graphc.tensors.tensor import Tensor

__all__ = ["ATOMS", "LIMIT", "Search"]

LIMIT = 50_000
"""How many objects a search visits; a function that reaches more gets a warning."""

ATOMS = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice, np.generic, Enum, CodeType)

DICTS = (dict, OrderedDict, defaultdict)

UNREAD = frozenset((
    "__repr__", "__str__", "__format__", "__dir__", "__getstate__", "__setstate__", "__reduce__", "__reduce_ex__", "__copy__",
    "__deepcopy__", "__del__", "__init_subclass__", "__class_getitem__", "__sizeof__",
))  # fmt: skip
"""Methods that no number depends on."""

MAKING = frozenset(("__init__", "__setattr__", "__delattr__", "__setitem__", "__delitem__", "__iadd__"))
"""Methods of layers that create or change them."""

RECORDS = (SimpleNamespace, Namespace)
"""Classes of objects that consist of their attributes only."""

CONTAINERS = (list, set, deque, *DICTS)


@dataclass(eq=False)
class _Space:
    """An object whose attributes may be read by name, and the names that were looked up in it.

    `attributes` are those of its class; `only` are the relevant names of its own, all if None.  Methods of a layer that
    `reflects` read attributes of the layer by names that are not in their code.
    """

    tables: list[dict[str, Any]]
    attributes: dict[str, tuple[Any, type]]
    owner: Any
    instance: bool
    only: frozenset[str] | None = None
    reflects: bool = False
    done: set[str] = field(default_factory=set)

    def every(self) -> list[str]:
        """Return all names that the object itself has."""
        keys = (k for t in self.tables for k in t if isinstance(k, str)) if self.instance else ()
        return [k for k in keys if not (self.reflects and k.startswith("_"))]


class Search:
    """A search from roots: names, and the objects to look them up in, extend each other to a fixpoint."""

    def __init__(self, roots: Sequence[Any]) -> None:
        self.names: set[str] = {
            "forward", "training", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
        }  # fmt: skip
        self.grown: set[str] = set()
        self.updated: set[str] = set()
        self.read: set[str] = set()
        self.anything = False
        self.spaces: list[_Space] = []
        self.tables: dict[int, DictBinding] = {}
        self.slots: list[SlotBinding] = []
        self.lists: list[tuple[list[Any], list[Any]]] = []
        self.classes: dict[type, dict[str, tuple[Any, type]]] = {}
        self.others: list[tuple[Callable[[], Any], Any]] = []
        self.stored: set[Any] = set()
        self.items = False
        self.holders: list[tuple[Any, Set[Any] | None]] = []
        """The dicts and cells in which the function may assign, with the keys that it may; None if it is any."""
        self.kept: list[Any] = []
        self.seen: set[int] = set()
        self.waiting: deque[Any] = deque(roots)
        self.scope = Scope(package_of(roots[0]))
        self._bind(vars(DEFAULT), "ir", DEFAULT.ir)

    def run(self) -> None:
        """Visit objects and look names up until nothing is new."""
        while self._grow():
            pass

    def _grow(self) -> bool:
        """Visit queued objects, then look up new names; return whether there were any."""
        while self.waiting:
            self._visit(self.waiting.popleft())
            if len(self.kept) > LIMIT:
                self._give_up()
                return False
        before = len(self.spaces)
        some = False
        for space in self.spaces[:before]:
            wide = self.anything or space.reflects
            fresh = (self.names.union(space.every()) if wide else self.names) - space.done
            space.done |= fresh
            if fresh:
                some = True
                self._look_up(space, fresh)
        return some or bool(self.waiting) or len(self.spaces) > before

    def _give_up(self) -> None:
        self.waiting.clear()
        warnings.warn(
            f"a compiled function reaches more than {LIMIT} Python objects: changes of those found last are not seen. Pass "
            "what it needs as arguments.", UserWarning, stacklevel=2,
        )  # fmt: skip

    # -- bindings ---------------------------------------------------------------------------------------------------

    def _bind(self, table: dict[Any, Any], key: Any, value: Any, name: str = "") -> None:
        """Record an entry of a dict, and visit its value."""
        if name not in self.read and _is_unread(name, value, self.grown, self.updated):
            return
        if isinstance(value, ModuleType) and not self.scope.is_users(value.__dict__.get("__file__"), layers=False):
            return
        binding = self.tables.get(id(table))
        if binding is None:
            binding = self.tables[id(table)] = DictBinding(table, {})
            self.kept.append(table)
        if key not in binding.entries and not (binding.complete and value is ABSENT):
            binding.entries[key] = value
            self.waiting.append(value)

    # -- objects ----------------------------------------------------------------------------------------------------

    def _visit(self, x: Any) -> None:
        if isinstance(x, ATOMS) or x is ABSENT or id(x) in self.seen:
            return
        self.seen.add(id(x))
        self.kept.append(x)
        for kinds, visit in self._rules():
            if isinstance(x, kinds):
                visit(x)
                return
        self._instance(x)

    def _rules(self) -> Iterator[tuple[Any, Callable[[Any], None]]]:
        yield Tensor, self._tensor
        yield np.ndarray, self._array
        yield FunctionType, self._function
        yield MethodType, lambda x: self.waiting.extend((x.__self__, x.__func__))
        yield partial, lambda x: self.waiting.extend((x.func, *x.args, x.keywords))
        yield (staticmethod, classmethod), lambda x: self.waiting.append(x.__func__)
        yield property, lambda x: self.waiting.append(x.fget)
        yield (functools.cached_property, cached_property), lambda x: self.waiting.append(x.func)
        yield type, self._class
        yield ModuleType, self._module
        yield (tuple, frozenset), self.waiting.extend
        yield list, self._list
        yield DICTS, self._dict
        yield (set, deque), self._unordered
        yield Generator, lambda x: self._other(lambda: repr(x.bit_generator.state))
        yield RandomState, lambda x: self._other(lambda: repr(x.get_state()))
        yield random.Random, lambda x: self._other(x.getstate)

    def _other(self, getter: Callable[[], Any]) -> None:
        self.others.append((getter, getter()))

    def _tensor(self, x: Tensor) -> None:
        if x.__dict__:
            self._attributes(x, x.__dict__)
        self.slots.append(hooks_slot(x))
        if x._hooks:
            self._all_entries(x._hooks)
            for group in x._hooks.values():
                self._dict(group)

    def _array(self, x: Any) -> None:
        if x.dtype.hasobject:
            self._other(lambda: list(x.flat))
        else:
            self.others.append((lambda: x, np.array(x)))

    def _function(self, x: FunctionType) -> None:
        if x.__module__ and x.__module__.split(".")[0] == "graphc" and not self.scope.is_users(x.__code__.co_filename):
            return
        reads = reads_of(x.__code__)
        followed = self.scope.is_users(x.__code__.co_filename)
        for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True):
            if not followed or name in reads.cells:
                self._cell(name, cell, reads)
        if not followed:
            return
        self.waiting.extend((*(x.__defaults__ or ()), x.__kwdefaults__))
        self.names |= reads.attributes
        self.grown |= reads.grown
        self.updated |= reads.updated
        self.stored |= reads.stored
        self.items |= reads.items
        self.read |= reads.attributes - reads.grown - reads.updated
        self.anything |= reads.anything and not x.__code__.co_filename.startswith(GRAPHC)
        if x.__code__.co_filename.startswith(GRAPHC):
            return
        self.slots += [function_slot(x, name, offset) for name, offset in OFFSETS.items()]
        if reads.stored_globals:
            self.holders.append((x.__globals__, reads.stored_globals))
        for name in reads.globals:
            if name in x.__globals__ and not _is_unread(name, x.__globals__[name], reads.grown, reads.updated):
                self._bind(x.__globals__, name, x.__globals__[name])

    def _cell(self, name: str, cell: CellType, reads: Reads) -> None:
        if name in reads.stored:
            self.holders.append((cell, {None}))
        binding = cell_binding(cell)
        if _is_unread(name, binding.value, reads.grown, reads.updated):
            return
        self.slots.append(binding)
        self.waiting.append(binding.value)

    def _list(self, x: list[Any]) -> None:
        if type(x) is not list:
            self._other(lambda: list(x))
        else:
            self.lists.append((x, list(x)))
        self.waiting.extend(x)

    def _dict(self, x: dict[Any, Any]) -> None:
        if not isinstance(x, OrderedDict) and all(isinstance(k, (str, int)) for k in x) and (VERSIONED or len(x) < 2):
            self._all_entries(x)
        else:
            self._other(lambda: list(x.items()))
        self.holders.append((x, None))
        self.waiting.extend(x.values())

    def _all_entries(self, x: dict[Any, Any]) -> None:
        """Record all entries of a dict: there may be no others."""
        binding = self.tables.setdefault(id(x), DictBinding(x, {}))
        binding.entries, binding.complete = dict(x), True
        self.kept.append(x)

    def _unordered(self, x: Any) -> None:
        self._other(lambda: tuple(x) if isinstance(x, deque) else frozenset(x))
        self.waiting.extend(x)

    def _module(self, x: ModuleType) -> None:
        if self.scope.is_users(getattr(x, "__file__", None), layers=False):
            self.spaces.append(_Space([x.__dict__], {}, None, False))

    def _class(self, x: type) -> None:
        attributes = self._class_attributes(x)
        if attributes:
            self.spaces.append(_Space([], attributes, None, False))
            for name, (value, cls) in attributes.items():
                skipped = UNREAD if self.scope.is_users(file_of(cls), layers=False) else UNREAD | MAKING
                called = isinstance(value, (FunctionType, staticmethod, classmethod))
                if called and name.startswith("__") and name not in skipped:
                    self._in_class(attributes, name)

    def _instance(self, x: Any) -> None:
        kind, table = type(x), table_of(x)
        if hasattr(kind, "__next__"):
            self._cannot(x)
        elif hasattr(kind, READ_BY_USERS):
            self._optimizer(x)
        elif hasattr(kind, HELD_IN) or not kind.__module__.startswith("graphc."):
            self._attributes(x, table)
            self.waiting.append(kind)
        elif "_function" in (table or {}):
            self.waiting.append(vars(x)["_function"])

    def _optimizer(self, x: Any) -> None:
        """Look up the attributes of an optimizer that user code reads; its own step guards what it reads itself."""
        kind = type(x)
        names = frozenset(vars(x)) if self.scope.follows(kind) else kind._read_by_users
        if "state" in names and not any("step" in c.__dict__ and self.scope.follows(c) for c in kind.__mro__):
            names -= {"state"}
        self.spaces.append(_Space([vars(x)], self._class_attributes(type(x)), x, True, names))

    def _attributes(self, x: Any, table: dict[str, Any] | None) -> None:
        """Look up names in an object: in its dict, in a Module's tables, in its slots, in its class."""
        tables = [] if table is None else [table]
        if table is not None:
            tables += [table[k] for k in getattr(type(x), HELD_IN, ()) if k in table]
        own = self.scope.follows(type(x)) or type(x) in RECORDS or HELD_IN in type(x).__dict__
        self.holders += [(held, self.stored) for held in tables] if own else []
        attributes = self._class_attributes(type(x))
        self.spaces.append(_Space(tables, attributes, x, own, reflects=reflects(attributes)))

    def _look_up(self, space: _Space, names: set[str]) -> None:
        """Look names up in an object, and visit the values found."""
        present: set[str] = set()
        for table in space.tables:
            names = names if space.only is None else names & space.only.union(space.attributes)
            here = [n for n in names if n in table] if len(names) < len(table) else names.intersection(table)
            present.update(here)
            if self.anything and space.instance:
                self._all_entries(table)
                self.waiting.extend(table.values())
            for name in here:
                self._bind(table, name, table[name], name)
        for name in names.intersection(space.attributes):
            value = self._in_class(space.attributes, name)
            if isinstance(value, MemberDescriptorType) and space.owner is not None:
                self._slot(space.owner, value)
            elif space.instance and space.tables and name not in present and not hasattr(type(value), "__set__"):
                self._bind(space.tables[0], name, ABSENT)

    def _in_class(self, attributes: dict[str, tuple[Any, type]], name: str) -> Any:
        """Visit an attribute of a class that is followed; attributes of the user's classes are bound."""
        value, cls = attributes[name]
        if self.scope.is_users(file_of(cls), layers=False):
            self._bind(class_table(cls), name, value, name)
        else:
            self.waiting.append(value)
        return value

    def _class_attributes(self, kind: type) -> dict[str, tuple[Any, type]]:
        """Return the attributes of a class's followed bases, each with its class."""
        attributes = self.classes.get(kind)
        if attributes is None:
            attributes = self.classes[kind] = {}
            for cls in reversed([c for c in kind.__mro__ if self.scope.follows(c)]):
                attributes.update({n: (v, cls) for n, v in cls.__dict__.items() if n not in ("__dict__", "__weakref__")})
        return attributes

    def _slot(self, x: Any, descriptor: MemberDescriptorType) -> None:
        self._other(lambda: slot_value(descriptor, x))
        self.waiting.append(slot_value(descriptor, x))

    def _cannot(self, x: Any) -> None:
        if type(x).__module__ != "builtins" or isinstance(x, Iterator):
            warnings.warn(
                f"a compiled function reaches a {type(x).__name__}: what it draws from it is fixed when it is traced. Pass the "
                "values as arguments.", UserWarning, stacklevel=2,
            )  # fmt: skip


def _is_unread(name: str, value: Any, grown: Set[str], updated: Set[str]) -> bool:
    """Return whether no result depends on a value that code only appends to or updates: unless it is a tensor, or holds one."""
    if name in grown:
        return isinstance(value, CONTAINERS)
    if name not in updated or isinstance(value, Tensor):
        return False
    items = value.values() if isinstance(value, DICTS) else value if isinstance(value, CONTAINERS) else ()
    return not any(isinstance(item, Tensor) for item in items)
