"""Parametrizations: a parameter or buffer is computed from others whenever it is read, as in torch.nn.utils.parametrize."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from graphc.autograd.grad_mode import no_grad
from graphc.core.errors import guard_all as _guard_all
from graphc.nn.containers import ModuleDict
from graphc.nn.module import Module
from graphc.nn.parameter import Parameter
from graphc.nn.utils.parametrization_list import ParametrizationList, check_kept, register, set_data
from graphc.tensors.tensor import Tensor

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip


class _Cache:
    """The values computed within `cached` blocks, by module and name, and how many such blocks are open."""

    def __init__(self) -> None:
        self.depth = 0
        self.values: dict[tuple[int, str], Tensor] = {}


_cache = _Cache()


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor once within a block, when it is first read.

    Returns:
        Context manager; the values are dropped when the outermost block ends.

    Example:
        >>> class Noisy(nn.Module):
        ...     def forward(self, x):
        ...         print("computed")
        ...         return x
        >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(1, 1), "weight", Noisy(), unsafe=True)
        >>> with nn.utils.parametrize.cached():
        ...     same = layer.weight is layer.weight
        computed
        >>> same
        True
    """
    _cache.depth += 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if not _cache.depth:
            _cache.values.clear()


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Return whether a module has a parametrized tensor.

    Args:
        module: the module.
        tensor_name: name of the tensor, None for any.

    Returns:
        A bool.

    Example:
        >>> nn.utils.parametrize.is_parametrized(nn.Linear(1, 1), "weight")
        False
    """
    lists = getattr(module, "parametrizations", None)
    if not isinstance(lists, ModuleDict):
        return False
    return len(lists) > 0 if tensor_name is None else tensor_name in lists


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Module:
    """Replace a parameter or buffer by what a module computes from it, each time it is read.

    The parameter is then called `parametrizations.NAME.original` (`original0`, `original1`, … if the parametrization's
    `right_inverse` returns several tensors), and the class of the module is a subclass with a property. Several
    parametrizations of a tensor are applied in the order in which they are registered. An assignment to the attribute goes
    through their `right_inverse`.

    Args:
        module: the module that has the tensor; it is changed in place.
        tensor_name: the attribute.
        parametrization: module whose `forward` takes the original tensor, or several; it may have a `right_inverse`.
        unsafe: whether the parametrization may change shape and dtype; they are not checked then.

    Returns:
        The module.

    Raises:
        ValueError: if there is no such tensor, or, unless unsafe, if `forward` or `right_inverse` change shape or dtype.

    Example:
        >>> class Symmetric(nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
        >>> bool((layer.weight == layer.weight.T).all()), [name for name, _ in layer.named_parameters()]
        (True, ['bias', 'parametrizations.weight.original'])
    """
    for value in (module, parametrization):
        if not isinstance(value, Module):
            raise TypeError(f"register_parametrization expects modules, got {type(value).__name__}")
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            check_kept(parametrization, getattr(module, tensor_name), f"module.{tensor_name}")
        added = module.parametrizations[tensor_name].append(parametrization)
        added.unsafe = added.unsafe or unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        parametrizations = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _derive_class(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _property(tensor_name))
        module.parametrizations[tensor_name] = parametrizations
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        )
    return module


def _derive_class(module: Module) -> None:
    """Give a module a class of its own, which can have properties."""
    base = type(module)

    def copied(self: Module, memo: dict[int, Any]) -> Module:
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__.update(deepcopy(self.__dict__, memo))
        return twin

    def refused(self: Module, *args: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(). See:\n"
            "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
            "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
        )

    members: dict[str, Any] = {"__getstate__": refused, "__module__": base.__module__}
    if not hasattr(base, "__deepcopy__"):
        members["__deepcopy__"] = copied
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), members)


def _property(name: str) -> property:
    def read(self: Any) -> Any:
        if not _cache.depth:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache.values:
            _cache.values[key] = self.parametrizations[name]()
        return _cache.values[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make an ordinary parameter or buffer of a parametrized one.

    Args:
        module: the module; it is changed in place.
        tensor_name: the parametrized attribute.
        leave_parametrized: whether it gets the computed value; else it is the original tensor again.

    Returns:
        The module.

    Raises:
        ValueError: if the attribute is not parametrized, or several original tensors should be left.

    Example:
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))
        >>> nn.utils.parametrize.remove_parametrizations(layer, "weight")
        Linear(in_features=2, out_features=1, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    parametrizations = module.parametrizations[tensor_name]
    if parametrizations.is_tensor:
        original = parametrizations.original
        if leave_parametrized:
            with no_grad():
                set_data(original, getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor "
            "that is parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    register(module, tensor_name, original)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """Return the class that a module had before a tensor of it was parametrized.

    Args:
        module: the module.

    Returns:
        The class; that of the module if nothing is parametrized.

    Example:
        >>> nn.utils.parametrize.type_before_parametrizations(nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))).__name__
        'Linear'
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: Module, tensor_name: str | None = None) -> Module:
    """Register a module's parametrizations and their original tensors with another module, too.

    Args:
        from_module: the parametrized module; nothing happens if it has no parametrization.
        to_module: the module that is changed.
        tensor_name: the one tensor to transfer, None for all.

    Returns:
        The module that is changed.

    Example:
        >>> first, second = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1)), nn.Linear(2, 1)
        >>> second = nn.utils.parametrize.transfer_parametrizations_and_params(first, second)
        >>> bool((first.weight == second.weight).all())
        True
    """
    if not is_parametrized(from_module):
        return to_module
    for name in list(from_module.parametrizations) if tensor_name is None else [tensor_name]:
        source = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for parametrization in source:
            register_parametrization(to_module, name, parametrization)
        for original in source.original_names():
            setattr(to_module.parametrizations[name], original, getattr(source, original))
    return to_module


_guard_all(globals(), [n for n in __all__ if n[0].islower()])
