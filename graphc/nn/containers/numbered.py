"""The base class of containers whose modules are named 0, 1, 2, …"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphc.nn.containers.checks import iterable, position_of
from graphc.nn.module import Module

__all__ = ["Numbered"]


class Numbered(Module):
    """Indexing, insertion and removal of modules that are named 0, 1, 2, …"""

    def _key(self, index: int) -> str:
        return list(self._modules)[position_of(index, len(self))]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._like(dict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def _like(self, modules: dict[str, Any]) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        positions = range(len(self))[index] if isinstance(index, slice) else [index]
        for key in [self._key(i) for i in positions]:
            delattr(self, key)
        self._renumber(list(self._modules.values()))

    def _renumber(self, modules: list[Any]) -> None:
        self._modules.clear()
        self._modules.update({str(i): m for i, m in enumerate(modules)})

    def append(self, module: Module) -> Any:
        """Add a module at the end.

        Args:
            module: the module.

        Returns:
            The container.

        Raises:
            TypeError: if it is not a Module.
        """
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Add modules at the end.

        Args:
            modules: iterable of modules.

        Returns:
            The container.

        Raises:
            TypeError: if modules is not iterable, or an element is not a Module.
        """
        for module in list(iterable(modules, f"{type(self).__name__}.extend")):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Add a module before an index.

        Args:
            index: position in [-length, length].
            module: the module.

        Returns:
            The container.

        Raises:
            IndexError: if the index is out of range.
            TypeError: if module is not a Module.
        """
        if not isinstance(module, Module):
            raise TypeError(f"module should be of type: {Module}, got {type(module).__name__}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key: int | slice) -> Any:
        """Remove a module, or those of a slice, and return it.

        Args:
            key: an index or a slice.

        Returns:
            The module, or a container of the removed ones.

        Raises:
            IndexError: if the index is out of range.
        """
        removed = self[key]
        del self[key]
        return removed
