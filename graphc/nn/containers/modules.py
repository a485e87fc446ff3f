"""Containers of modules: a sequence, a list, a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from graphc.nn.containers.checks import pairs_of, position_of
from graphc.nn.containers.numbered import Numbered
from graphc.nn.module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class Sequential(Numbered):
    """Apply modules one after another, each to the result of the one before.

    Indices and slices, `append`, `insert`, `+` and `*` work as for lists; a slice is a Sequential.

    Args:
        *args: modules, which are named 0, 1, 2, …; or one mapping from names to modules.

    Shapes:
        Input: that of the first module. Output: that of the last.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        >>> model(graphc.ones(5, 3)).shape, model[1]
        (torch.Size([5, 2]), ReLU())
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            self.extend(args)

    def _like(self, modules: dict[str, Any]) -> Any:
        return type(self)(modules)

    def __add__(self, other: Any) -> Sequential:
        _sequential(other)
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Any:
        _sequential(other)
        return self.extend(list(other))

    def __mul__(self, other: Any) -> Sequential:
        return Sequential(*list(self) * _repetitions(self, other))

    __rmul__ = __mul__

    def __imul__(self, other: Any) -> Any:
        return self.extend(list(self) * (_repetitions(self, other) - 1))

    def forward(self, input: Any) -> Any:
        """Apply the modules in order.

        Args:
            input: what the first module takes.

        Returns:
            What the last module returns; input itself if there are none.
        """
        for module in self:
            input = module(input)
        return input


def _sequential(other: Any) -> None:
    if not isinstance(other, Sequential):
        raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")


def _repetitions(modules: Sequential, other: Any) -> int:
    if not isinstance(other, int):
        raise TypeError(f"unsupported operand type(s) for *: {type(modules)} and {type(other)}")
    if other <= 0:
        raise ValueError(f"Non-positive multiplication factor {other} for {type(modules)}")
    return other


class ModuleList(Numbered):
    """List of modules, which become submodules named 0, 1, 2, …; it has no `forward`.

    Args:
        modules: iterable of modules, None for an empty list.

    Shapes:
        It has no inputs.

    Example:
        >>> layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
        >>> len(layers), len(list(layers.parameters()))
        (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _key(self, index: int) -> str:
        return str(position_of(index, len(self)))

    def _like(self, modules: dict[str, Any]) -> Any:
        return type(self)(modules.values())

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList(chain(self, other))

    def __iadd__(self, modules: Iterable[Module]) -> Any:
        return self.extend(modules)

    def __repr__(self) -> str:
        groups: list[tuple[int, int, str]] = []
        for i, text in enumerate(map(repr, self)):
            if groups and groups[-1][2] == text:
                groups[-1] = (groups[-1][0], i, text)
            else:
                groups.append((i, i, text))
        if not groups:
            return f"{self._get_name()}()"
        lines = [f"({a}): {t}" if a == b else f"({a}-{b}): {b - a + 1} x {t}" for a, b, t in groups]
        return f"{self._get_name()}(\n  " + "\n  ".join(line.replace("\n", "\n  ") for line in lines) + "\n)"


class ModuleDict(Module):
    """Dictionary of modules, which become submodules under their keys; it has no `forward`.

    Args:
        modules: mapping or iterable of pairs from names to modules, None for an empty dictionary.

    Shapes:
        It has no inputs.

    Example:
        >>> nn.ModuleDict({"act": nn.ReLU()})["act"]
        ReLU()
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add modules by name, in order; a module of the same name is replaced.

        Args:
            modules: mapping or iterable of pairs from names to modules.

        Raises:
            TypeError: if modules is no such iterable, or a value is not a Module.
            ValueError: if an element is not a pair.
        """
        for name, module in pairs_of(modules, "ModuleDict"):
            self[name] = module

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Remove a module and return it.

        Args:
            key: its name.

        Returns:
            The module.

        Raises:
            KeyError: if there is none of that name.
        """
        return self._modules.pop(key)

    def keys(self) -> Iterable[str]:
        """Return the names, in order of insertion."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """Return the modules, in order of insertion."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return pairs of names and modules, in order of insertion."""
        return self._modules.items()
