"""Containers of modules (a sequence, a list, a dictionary) and of parameters."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from graphc.nn.module import Module
from graphc.nn.parameter import Parameter
from graphc.tensors.tensor import Tensor

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _position(index: Any, count: int) -> int:
    """Return an index counted from the front.  Raises IndexError, and TypeError for what is no integer."""
    position = operator.index(index)
    if not -count <= position < count:
        raise IndexError(f"index {position} is out of range")
    return position % count


def _iterable(values: Any, where: str) -> Any:
    if not isinstance(values, Iterable) or isinstance(values, Tensor):
        raise TypeError(f"{where} should be called with an iterable, but got {type(values).__name__}")
    return values


def _pairs(values: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a mapping or of an iterable of pairs.  Raises TypeError, ValueError."""
    if isinstance(values, (Mapping, ModuleDict, ParameterDict)):
        yield from values.items()
        return
    for j, pair in enumerate(_iterable(values, f"{where}.update")):
        if not isinstance(pair, Iterable):
            raise TypeError(f"{where} update sequence element #{j} should be Iterable; is {type(pair).__name__}")
        items = tuple(pair)
        if len(items) != 2:
            raise ValueError(f"{where} update sequence element #{j} has length {len(items)}; 2 is required")
        yield items


class _Numbered(Module):
    """The part that Sequential and ModuleList share: modules named 0, 1, 2, …"""

    def _key(self, index: int) -> str:
        return list(self._modules)[_position(index, len(self))]

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
        for module in list(_iterable(modules, f"{type(self).__name__}.extend")):
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


class Sequential(_Numbered):
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


class ModuleList(_Numbered):
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
        return str(_position(index, len(self)))

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
        for name, module in _pairs(modules, "ModuleDict"):
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


class _ParameterHolder(Module):
    """The part that both containers share: tensors become parameters, other objects stay attributes."""

    def _set(self, name: str, value: Any) -> None:
        setattr(self, name, Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value)

    def _named(self) -> Iterable[tuple[Any, Any]]:
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Return one line per element."""
        rows = []
        for name, value in self._named():
            if isinstance(value, Tensor):
                size = "x".join(map(str, value.shape))
                rows.append(f"  ({name}): {type(value).__name__} containing: [{value.dtype!r} of size {size}]")
            else:
                rows.append(f"  ({name}): Object of type: {type(value).__name__}")
        return "\n".join(rows)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{type(self).__name__} should not be called.")


class ParameterList(_ParameterHolder):
    """List of parameters, which are registered under the names 0, 1, 2, …; tensors become parameters.

    Args:
        values: iterable of tensors or other objects, None for an empty list.

    Shapes:
        It has no inputs.

    Example:
        >>> weights = nn.ParameterList([graphc.zeros(2), graphc.zeros(3)])
        >>> [tuple(w.shape) for w in weights.parameters()]
        [(2,), (3,)]
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return self._size

    def _named(self) -> Iterable[tuple[int, Any]]:
        return enumerate(self)

    def append(self, value: Any) -> ParameterList:
        """Add a value at the end; a tensor becomes a parameter.

        Args:
            value: tensor or other object.

        Returns:
            The list.
        """
        self._set(str(self._size), value)
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add values at the end; tensors become parameters.

        Args:
            values: iterable, not a tensor.

        Returns:
            The list.

        Raises:
            TypeError: if values is a tensor or not iterable.
        """
        for value in list(_iterable(values, "ParameterList.extend")):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)([self[i] for i in range(*index.indices(len(self)))])
        return getattr(self, str(_position(index, len(self))))

    def __setitem__(self, index: int, value: Any) -> None:
        self._set(str(_position(index, len(self))), value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


class ParameterDict(_ParameterHolder):
    """Dictionary of parameters, which are registered under their keys; tensors become parameters.

    Args:
        parameters: mapping or iterable of pairs from names to tensors or other objects, None for an empty dictionary.

    Shapes:
        It has no inputs.

    Example:
        >>> nn.ParameterDict({"scale": graphc.ones(2)})["scale"]
        Parameter containing:
        tensor([1., 1.], requires_grad=True)
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def update(self, parameters: Any) -> None:
        """Add values by name; those of a plain dictionary in the order of their names.

        Args:
            parameters: mapping or iterable of pairs from names to tensors or other objects.

        Raises:
            TypeError: if parameters is no such iterable, or a name is not a string.
            ValueError: if an element is not a pair.
        """
        ordered = sorted(parameters.items()) if type(parameters) is dict else parameters
        for name, value in _pairs(ordered, "ParameterDict"):
            self[name] = value

    def _named(self) -> Iterable[tuple[str, Any]]:
        return self.items()

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string "
                f"(type is '{type(key).__name__}')."
            )
        self._set(key, value)
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def copy(self) -> ParameterDict:
        """Return a new dictionary of the same parameters."""
        return ParameterDict(list(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of a name, after adding a default if there is none.

        Args:
            key: the name.
            default: value to add.

        Returns:
            The value.
        """
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a name, or a default if there is none.

        Args:
            key: the name.
            default: result in place of a value.

        Returns:
            The value or the default.
        """
        if key not in self:
            return default
        return self[key]

    def clear(self) -> None:
        """Remove all values."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str) -> Any:
        """Remove a value and return it.

        Args:
            key: its name.

        Returns:
            The value.

        Raises:
            KeyError: if there is none of that name.
        """
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the value added last, and return its name and itself.

        Returns:
            The pair (name, value).

        Raises:
            KeyError: if the dictionary is empty.
        """
        if not self._keys:
            raise KeyError("popitem(): dictionary is empty")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a new dictionary with one value under every name.

        Args:
            keys: the names.
            default: the value.

        Returns:
            The new dictionary.
        """
        return ParameterDict([(key, default) for key in keys])

    def __or__(self, other: Any) -> ParameterDict:
        both = self.copy()
        both.update(other)
        return both

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def keys(self) -> Iterable[str]:
        """Return the names, in order of insertion."""
        return self._keys.keys()

    def values(self) -> Iterable[Any]:
        """Return the values, in order of insertion."""
        return [self[key] for key in self._keys]

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return pairs of names and values, in order of insertion."""
        return [(key, self[key]) for key in self._keys]
