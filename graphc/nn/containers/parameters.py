"""Containers of parameters: a list, a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphc.nn.containers.checks import iterable, pairs_of, position_of
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter
from graphc.tensors.tensor import Tensor

__all__ = ["ParameterDict", "ParameterList"]


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
        for value in list(iterable(values, "ParameterList.extend")):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)([self[i] for i in range(*index.indices(len(self)))])
        return getattr(self, str(position_of(index, len(self))))

    def __setitem__(self, index: int, value: Any) -> None:
        self._set(str(position_of(index, len(self))), value)

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
        for name, value in pairs_of(ordered, "ParameterDict"):
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
                f"Index given to ParameterDict cannot be used as a key as it is not a string (type is '{type(key).__name__}')."
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
