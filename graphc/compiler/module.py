"""Compiled modules: instances of a subclass of the module's class that share its attributes."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any

from graphc.compiler.compiled import Compiled
from graphc.compiler.options import Options

__all__ = ["CompiledModule", "compiled_module"]


class CompiledModule(Compiled):
    """Compiled module, mixed into a subclass of the module's class: it is what the module is, and its call is compiled.

    Both have one dict of attributes, so parameters, buffers, submodules, hooks and `training` are the same.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Hide the hook of the module's class: a compiled class is none of the user's."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a module that is not compiled, where a method of the module's class makes another one, such as a slice."""
        return cls.__mro__[cls.__mro__.index(Compiled) + 1](*args, **kwargs)

    def __init__(self, module: Any, options: Options | None = None) -> None:
        object.__setattr__(self, "__dict__", module.__dict__)
        self._compiled_begin(module, options)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Compiled.__slots__:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @property
    def _orig_mod(self) -> Any:
        """The module itself, under torch's name."""
        return self._compiled_function

    def __copy__(self) -> Any:
        return compiled_module(copy(self._compiled_function), self._compiled_options)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        result = memo[id(self)] = compiled_module(deepcopy(self._compiled_function, memo), self._compiled_options)
        return result

    def __reduce__(self) -> Any:
        """Pickle the original module and the options."""
        return compiled_module, (self._compiled_function, self._compiled_options)


def _slots(cls: type) -> tuple[str, ...]:
    names = cls.__dict__.get("__slots__", ())
    return (names,) if isinstance(names, str) else tuple(names)


_classes: dict[type, type] = {}
"""The compiled class of each class of modules."""


def compiled_module(module: Any, options: Options | None = None) -> Any:
    """Return a compiled module that shares the attributes of a module; a compiled function if some are in slots."""
    if isinstance(module, CompiledModule):
        module = module._compiled_function
    cls = type(module)
    if any(name not in ("__dict__", "__weakref__") for base in cls.__mro__ for name in _slots(base)):
        return Compiled(module, options)
    kind = _classes.get(cls)
    if kind is None:
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__, "__slots__": ()}
        metaclass: Any = type(cls)
        kind = _classes[cls] = metaclass(cls.__name__, (CompiledModule, cls), names)
    result = object.__new__(kind)
    CompiledModule.__init__(result, module, options)
    return result
