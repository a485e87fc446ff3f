"""Attributes of modules: parameters, buffers and submodules are in separate dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.nn.parameter import Parameter
from graphc.tensors.tensor import Tensor

__all__ = ["AttributeTables", "typename"]

_TABLES = ("_parameters", "_buffers", "_modules")

_HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks", "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip


class AttributeTables:
    """Keeps parameters, buffers and submodules in one dictionary per kind, under the attributes they are assigned to."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent: set[str]
    _forward_hooks: dict[int, Callable[..., Any]]
    _forward_pre_hooks: dict[int, Callable[..., Any]]
    _backward_hooks: dict[int, Callable[..., Any]]
    _backward_pre_hooks: dict[int, Callable[..., Any]]
    _forward_hooks_with_kwargs: dict[int, bool]
    _forward_hooks_always_called: dict[int, bool]
    _forward_pre_hooks_with_kwargs: dict[int, bool]
    _state_dict_hooks: dict[int, Callable[..., Any]]
    _state_dict_pre_hooks: dict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: dict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: dict[int, Callable[..., Any]]

    def __init__(self) -> None:
        fields = self.__dict__
        fields["training"] = True
        for name in (*_TABLES, *_HOOKS):
            fields[name] = {}
        fields["_non_persistent"] = set()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the attributes of a pickle, which may be older than some kinds of hooks."""
        self.__dict__.update(state)
        for name in _HOOKS:
            self.__dict__.setdefault(name, {})

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            if isinstance(value, (Parameter, AttributeTables)):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._forget(name, self._parameters)
            self.register_parameter(name, value)
        elif name in self._parameters:
            _expect_none(value, f"parameter '{name}' (torch.nn.Parameter or None expected)")
            self._parameters[name] = None
        elif isinstance(value, AttributeTables):
            self._forget(name, self._modules)
            self._modules[name] = value
        elif name in self._modules:
            _expect_none(value, f"child module '{name}' (torch.nn.Module or None expected)")
            self._modules[name] = None
        elif name in self._buffers or (isinstance(value, Tensor) and "_is_buffer" in value.__dict__):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name: str, other_table: dict[str, Any]) -> None:
        """Remove a name from every dictionary but one, in which it keeps its position."""
        for table in (self.__dict__, self._parameters, self._buffers, self._modules):
            if table is not other_table:
                table.pop(name, None)
        self._non_persistent.discard(name)

    def _set_buffer(self, name: str, value: Any) -> None:
        if not isinstance(value, Tensor):
            _expect_none(value, f"buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            persistent = name not in self._non_persistent
        else:
            persistent = value.__dict__.get("_persistent", name not in self._non_persistent)
        self.register_buffer(name, value, persistent)

    def __getattr__(self, name: str) -> Any:
        for kind in ("_parameters", "_buffers", "_modules"):
            table = self.__dict__.get(kind, {})
            if name in table:
                return table[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                self._non_persistent.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._buffers, *self._modules}
        return sorted(n for n in names if not n[:1].isdigit())

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name, as assigning it to an attribute does.

        Args:
            name: attribute, without a dot.
            param: the parameter, or None for a name that is known but has no value.

        Raises:
            KeyError: if the name is empty, has a dot, or is an attribute of another kind.
            TypeError: if param is not a Parameter or name is not a string.
            ValueError: if param is not a leaf tensor.
            AttributeError: if `Module.__init__` has not been called.
        """
        self._check_name(name, "_parameters", "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To express "
                f"'{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the state of the module but is not a parameter.

        Args:
            name: attribute, without a dot.
            tensor: the buffer, or None for a name that is known but has no value.
            persistent: whether `state_dict` contains it.

        Raises:
            KeyError: if the name is empty, has a dot, or is an attribute of another kind.
            TypeError: if tensor is not a Tensor or name is not a string.
            AttributeError: if `Module.__init__` has not been called.
        """
        self._check_name(name, "_buffers", "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = tensor
        self._non_persistent.discard(name)
        if not persistent:
            self._non_persistent.add(name)

    def _check_name(self, name: str, held: str, kind: str) -> None:
        if held not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(
                f'{kind} name can\'t contain ".", got: {name}' if kind == "module" else f'{kind} name can\'t contain "."'
            )
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in getattr(self, held):
            raise KeyError(f"attribute '{name}' already exists")


def typename(value: object) -> str:
    """Return the name of a value's class, with its module unless it is built in."""
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _expect_none(value: object, where: str) -> None:
    """Raise TypeError unless the value is None, the only other value that such an attribute may have."""
    if value is not None:
        raise TypeError(f"cannot assign '{typename(value)}' as {where}")
