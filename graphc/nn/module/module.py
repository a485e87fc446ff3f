"""The base class of all layers and models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from graphc.compiler.api import compile
from graphc.core.errors import INTERNAL, refuse
from graphc.nn.module.attributes import typename
from graphc.nn.module.hooks import Hooks
from graphc.nn.parameter import Parameter
from graphc.tensors.tensor import Tensor

__all__ = ["Module"]

M = TypeVar("M", bound="Module")


class Module(Hooks):
    """Base class of all layers and models: it holds parameters, buffers and submodules by the attributes they are assigned to.

    A subclass calls `super().__init__()` first, assigns `Parameter`, `Buffer` and `Module` objects to attributes, and defines
    `forward`. Calling the module calls `forward` and the hooks. `training` tells the mode, True at first.

    Shapes:
        Defined by `forward`.

    Example:
        >>> class Scale(nn.Module):
        ...     def __init__(self, factor):
        ...         super().__init__()
        ...         self.factor = nn.Parameter(graphc.tensor(factor))
        ...     def forward(self, x):
        ...         return x * self.factor
        >>> [name for name, _ in nn.Sequential(Scale(2.0), Scale(3.0)).named_parameters()]
        ['0.factor', '1.factor']
    """

    _held_in: ClassVar[tuple[str, ...]] = ("_parameters", "_buffers", "_modules")
    """The dicts that attributes are looked up in; a compiled function compares what it reads of them."""

    _modules: dict[str, Module | None]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result; every subclass defines it. Users call the module instead, which also runs its hooks.

        Args:
            *args: what the module is called with.
            **kwargs: what the module is called with by name.

        Returns:
            Whatever the subclass computes.

        Raises:
            NotImplementedError: if the subclass does not define it.
        """
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        compiled = self.__dict__.get("_compiled_call_impl")
        if compiled is not None:
            return compiled(*args, **kwargs)
        return self._call_impl(*args, **kwargs)

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result of forward and the hooks."""
        try:
            if self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
                return self._hooked(args, kwargs)
            return self.forward(*args, **kwargs)
        except INTERNAL as error:
            refuse(error, type(self).__name__, args, kwargs)
            raise

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile the call of the module, in place; copies and pickles of the module are not compiled.

        Args:
            *args: options of `graphc.compile`.
            **kwargs: the same by name.

        Example:
            >>> model = nn.Linear(2, 1)
            >>> model.compile()
            >>> model(graphc.ones(1, 2)).shape
            torch.Size([1, 1])
        """
        self.__dict__["_compiled_call_impl"] = compile(self._call_impl, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes of a copy or a pickle."""
        return {k: v for k, v in self.__dict__.items() if k != "_compiled_call_impl"}

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name, as assigning it to an attribute does.

        Args:
            name: attribute, without a dot.
            module: the submodule, or None for a name that is known but has no value.

        Raises:
            KeyError: if the name is empty, has a dot, or is an attribute of another kind.
            TypeError: if module is not a Module or name is not a string.
            AttributeError: if `Module.__init__` has not been called.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name(name, "_modules", "module")
        self._modules[name] = module

    add_module = register_module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct submodules with their names, each submodule once.

        Returns:
            Iterator over pairs (name, module).
        """
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the direct submodules, each once.

        Returns:
            Iterator over modules.
        """
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield the module and all submodules, depth first, with their dotted names.

        Args:
            memo: modules to skip; the yielded ones are added.
            prefix: name of the module itself.
            remove_duplicate: whether a module that has several names is yielded once.

        Returns:
            Iterator over pairs (name, module).

        Example:
            >>> [name for name, _ in nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh())).named_modules()]
            ['', '0', '1', '1.0']
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Yield the module and all submodules, depth first, each once.

        Returns:
            Iterator over modules.
        """
        return (module for _, module in self.named_modules())

    def get_submodule(self, target: str) -> Module:
        """Return the submodule with a dotted name.

        Args:
            target: dotted name; the empty string means the module itself.

        Returns:
            The submodule.

        Raises:
            AttributeError: if an attribute on the way does not exist or is not a Module.

        Example:
            >>> nn.Sequential(nn.Sequential(nn.ReLU())).get_submodule("0.0")
            ReLU()
        """
        module: Module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter with a dotted name.

        Args:
            target: dotted name.

        Returns:
            The parameter.

        Raises:
            AttributeError: if an attribute on the way does not exist, or the last is not a Parameter.
        """
        owner, name = self._owner_of(target)
        parameter = getattr(owner, name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer with a dotted name.

        Args:
            target: dotted name.

        Returns:
            The buffer.

        Raises:
            AttributeError: if an attribute on the way does not exist, or the last is not a buffer.

        Example:
            >>> nn.Sequential(nn.BatchNorm1d(2)).get_buffer("0.running_var")
            tensor([1., 1.])
        """
        owner, name = self._owner_of(target)
        if name not in owner._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        buffer: Tensor = getattr(owner, name)
        return buffer

    def _owner_of(self, target: str) -> tuple[Module, str]:
        """Return the module that has the attribute with a dotted name, and the name of the attribute."""
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
        return owner, name

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Replace, or add, the submodule with a dotted name.

        Args:
            target: dotted name.
            module: the new submodule.
            strict: whether there must be one already.

        Raises:
            ValueError: if the name is empty, or module is not a Module.
            AttributeError: if an attribute on the way does not exist or is not a Module.

        Example:
            >>> model = nn.Sequential(nn.Sequential(nn.ReLU()))
            >>> model.set_submodule("0.0", nn.Tanh())
            >>> model[0][0]
            Tanh()
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if strict or hasattr(owner, name):
            owner.get_submodule(name)
        setattr(owner, name, module)

    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call a function with every submodule, depth first, then with the module itself.

        Args:
            fn: function of a module; its result is ignored.

        Returns:
            The module.

        Example:
            >>> model = nn.Sequential(nn.ReLU(), nn.Tanh()).apply(lambda module: print(type(module).__name__))
            ReLU
            Tanh
            Sequential
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def extra_repr(self) -> str:
        """Return the text between the parentheses of `repr`, besides the submodules; subclasses override it.

        Returns:
            A string, "" by default.
        """
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        lines = self.extra_repr().split("\n") if self.extra_repr() else []
        parts = [f"({name}): {_indented(repr(module))}" for name, module in self._modules.items()]
        if not parts and len(lines) <= 1:
            return f"{self._get_name()}({''.join(lines)})"
        return f"{self._get_name()}(\n  " + "\n  ".join([*lines, *parts]) + "\n)"


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
