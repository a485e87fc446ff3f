"""The base of all layers and models: it knows its parameters, its buffers and its parts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, ClassVar, NamedTuple, TypeVar

from graphc.autograd.grad_mode import no_grad
from graphc.autograd.hooks import RemovableHandle
from graphc.core import dtypes as _dtypes
from graphc.core.errors import INTERNAL, refuse
from graphc.nn.parameter import Parameter
from graphc.tensors.tensor import Tensor

__all__ = ["IncompatibleKeys", "Module"]

M = TypeVar("M", bound="Module")


class IncompatibleKeys(NamedTuple):
    """The names that did not match in `Module.load_state_dict`: missing_keys and unexpected_keys, two lists of strings."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module:
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

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent: set[str]
    _forward_hooks: dict[int, Callable[..., Any]]
    _forward_pre_hooks: dict[int, Callable[..., Any]]

    def __init__(self) -> None:
        fields = self.__dict__
        fields["training"] = True
        for name in ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks"):
            fields[name] = {}
        fields["_non_persistent"] = set()

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
        try:
            if not self._forward_hooks and not self._forward_pre_hooks:
                return self.forward(*args, **kwargs)
            return self._hooked(args, kwargs)
        except INTERNAL as error:
            refuse(error, type(self).__name__, args, kwargs)
            raise

    def _hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook in list(self._forward_pre_hooks.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook in list(self._forward_hooks.values()):
            changed = hook(self, args, result)
            result = result if changed is None else changed
        return result

    # -- what it holds ------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            if isinstance(value, (Parameter, Module)):
                kind = "parameters" if isinstance(value, Parameter) else "module"
                raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._forget(name, self._parameters)
            self.register_parameter(name, value)
        elif name in self._parameters:
            _expect_none(value, f"parameter '{name}' (torch.nn.Parameter or None expected)")
            self._parameters[name] = None
        elif isinstance(value, Module):
            self._forget(name, self._modules)
            self._modules[name] = value
        elif name in self._modules:
            _expect_none(value, f"child module '{name}' (torch.nn.Module or None expected)")
            self._modules[name] = None
        elif name in self._buffers or (isinstance(value, Tensor) and "_is_buffer" in value.__dict__):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name: str, kept: dict[str, Any]) -> None:
        """Remove a name from every dictionary but one, in which it keeps its position."""
        for held in (self.__dict__, self._parameters, self._buffers, self._modules):
            if held is not kept:
                held.pop(name, None)
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
            held = self.__dict__.get(kind, {})
            if name in held:
                return held[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for held in (self._parameters, self._buffers, self._modules):
            if name in held:
                del held[name]
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
                f"cannot assign '{_typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
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
            raise TypeError(f"cannot assign '{_typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = tensor
        self._non_persistent.discard(name)
        if not persistent:
            self._non_persistent.add(name)

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
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        self._check_name(name, "_modules", "module")
        self._modules[name] = module

    add_module = register_module

    def _check_name(self, name: str, held: str, kind: str) -> None:
        if held not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {_typename(name)}")
        if "." in name:
            raise KeyError(
                f'{kind} name can\'t contain ".", got: {name}' if kind == "module" else f'{kind} name can\'t contain "."'
            )
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in getattr(self, held):
            raise KeyError(f"attribute '{name}' already exists")

    # -- walking through ----------------------------------------------------------------------------------

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

    def _named_members(self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        owners = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else iter([(prefix, self)])
        for path, module in owners:
            for name, member in getattr(module, kind).items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield (f"{path}.{name}" if path else name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters of the module and its submodules with their dotted names.

        Args:
            prefix: put before every name, with a dot.
            recurse: whether to include those of submodules.
            remove_duplicate: whether a parameter that has several names is yielded once.

        Returns:
            Iterator over pairs (name, parameter).

        Example:
            >>> [(name, tuple(p.shape)) for name, p in nn.Linear(3, 2).named_parameters()]
            [('weight', (2, 3)), ('bias', (2,))]
        """
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters of the module and its submodules, each once, for an optimizer.

        Args:
            recurse: whether to include those of submodules.

        Returns:
            Iterator over parameters.
        """
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers of the module and its submodules with their dotted names.

        Args:
            prefix: put before every name, with a dot.
            recurse: whether to include those of submodules.
            remove_duplicate: whether a buffer that has several names is yielded once.

        Returns:
            Iterator over pairs (name, tensor).

        Example:
            >>> [name for name, _ in nn.BatchNorm1d(3).named_buffers()]
            ['running_mean', 'running_var', 'num_batches_tracked']
        """
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers of the module and its submodules, each once.

        Args:
            recurse: whether to include those of submodules.

        Returns:
            Iterator over tensors.
        """
        return (b for _, b in self.named_buffers(recurse=recurse))

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
        path, _, name = target.rpartition(".")
        found = getattr(self.get_submodule(path), name)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return found

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

    # -- modes ----------------------------------------------------------------------------------------------

    def train(self: M, mode: bool = True) -> M:
        """Set the training mode of the module and all submodules, on which dropout and batch normalization depend.

        Args:
            mode: True for training, False for evaluation.

        Returns:
            The module.

        Raises:
            ValueError: if mode is not a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.__dict__["training"] = mode
        return self

    def eval(self: M) -> M:
        """Set evaluation mode: `train(False)`.

        Returns:
            The module.
        """
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Set whether gradients of all parameters are computed.

        Args:
            requires_grad: the new value of the parameters' attribute.

        Returns:
            The module.
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters.

        Args:
            set_to_none: whether they become None; False sets them to 0.
        """
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """Convert the floating-point parameters and buffers to a dtype, in place.

        Args:
            *args: a floating-point dtype, a tensor whose dtype is taken, or a device; every device means the CPU.
            **kwargs: the same by the names `dtype`, `device` and so on.

        Returns:
            The module.

        Raises:
            TypeError: if the dtype is not floating-point.

        Example:
            >>> nn.Linear(3, 2).to(graphc.float64).weight.dtype
            torch.float64
        """
        dtype = next(
            (
                a.dtype if isinstance(a, Tensor) else a
                for a in (*args, *kwargs.values())
                if hasattr(a, "ir") or isinstance(a, Tensor)
            ),
            None,
        )
        if dtype is None:
            return self
        if not dtype.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
        for held in chain(self.parameters(), self.buffers()):
            if held.is_floating_point():
                held.data = held.data.to(dtype)
        return self

    def float(self: M) -> M:
        """Convert the floating-point parameters and buffers to float32, in place.

        Returns:
            The module.
        """
        return self.to(_dtypes.float32)

    def double(self: M) -> M:
        """Convert the floating-point parameters and buffers to float64, in place.

        Returns:
            The module.
        """
        return self.to(_dtypes.float64)

    def cpu(self: M) -> M:
        """Return the module: it is on the CPU already.

        Returns:
            The module.
        """
        return self

    # -- hooks ------------------------------------------------------------------------------------------------

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function after every `forward`.

        Args:
            hook: function of (module, args, result); what it returns, unless None, replaces the result.

        Returns:
            Handle whose `remove()` removes the hook.

        Example:
            >>> layer = nn.ReLU()
            >>> handle = layer.register_forward_hook(lambda module, args, result: result * 10)
            >>> layer(graphc.tensor([1.0, -1.0]))
            tensor([10.,  0.])
        """
        return RemovableHandle(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function before every `forward`.

        Args:
            hook: function of (module, args); what it returns, unless None, replaces the arguments, a tuple or a single one.

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return RemovableHandle(self._forward_pre_hooks, hook)

    # -- state ------------------------------------------------------------------------------------------------

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self._parameters.items():
            if parameter is not None:
                yield name, parameter
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent:
                yield name, buffer

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return all parameters and persistent buffers by dotted name; they share memory with the module's.

        Args:
            destination: dictionary to add to, None for a new one.
            prefix: put before every name.
            keep_vars: whether to return the parameters themselves; else detached tensors.

        Returns:
            Ordered dictionary of tensors, or destination.

        Example:
            >>> list(nn.BatchNorm1d(3).state_dict())
            ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
        """
        found = OrderedDict() if destination is None else destination
        for name, tensor in self._own_state():
            found[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=found, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> IncompatibleKeys:
        """Copy values into parameters and buffers by dotted name.

        Args:
            state_dict: mapping from names to tensors, as `state_dict()` returns it.
            strict: whether every name must match.
            assign: whether the given tensors themselves become the parameters and buffers, instead of being copied.

        Returns:
            Named tuple of missing_keys and unexpected_keys.

        Raises:
            RuntimeError: if a shape differs, a value is not a tensor, or with strict a name is missing or unexpected.
            TypeError: if state_dict is not a mapping.

        Example:
            >>> nn.Linear(3, 2).load_state_dict(nn.Linear(3, 2).state_dict())
            <All keys matched successfully>
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = self.state_dict(keep_vars=True)
        missing = [k for k in own if k not in state_dict]
        unexpected = [k for k in state_dict if k not in own]
        fits = [k for k in own if k in state_dict]
        problems = _load_problems(own, state_dict, missing if strict else [], unexpected if strict else [])
        if problems:
            raise RuntimeError(
                "Error(s) in loading state_dict for {}:\n\t{}".format(type(self).__name__, "\n\t".join(problems))
            )
        with no_grad():
            for key in fits:
                if assign:
                    self._assign(key, state_dict[key])
                else:
                    own[key].copy_(_reshaped(state_dict[key], own[key]))
        return IncompatibleKeys(missing, unexpected)

    def _assign(self, key: str, value: Tensor) -> None:
        """Put a tensor itself in the place of a parameter, whose `requires_grad` stays, or of a buffer."""
        path, _, name = key.rpartition(".")
        owner = self.get_submodule(path)
        old = getattr(owner, name)
        new = _reshaped(value, old)
        if isinstance(old, Parameter):
            new = (new if isinstance(new, Parameter) else Parameter(new)).requires_grad_(old.requires_grad)
        setattr(owner, name, new)

    # -- text -------------------------------------------------------------------------------------------------

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


def _typename(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _expect_none(value: object, where: str) -> None:
    """Raise TypeError unless the value is None, the only one that may take the place of what has that name."""
    if value is not None:
        raise TypeError(f"cannot assign '{_typename(value)}' as {where}")


def _reshaped(given: Tensor, own: Tensor) -> Tensor:
    """Return what is loaded in the shape of a 0-d tensor, if it has one element along one axis, as old files have it."""
    return given[0] if tuple(given.shape) == (1,) and not own.shape else given


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def clear_grad(tensor: Tensor, set_to_none: bool) -> None:
    """Set the gradient of a tensor to None, or to zero."""
    if set_to_none:
        tensor.grad = None
    elif tensor.grad is not None:
        tensor.grad = tensor.grad.detach() * 0


def _load_problems(own: Mapping[str, Tensor], given: Mapping[str, Any], missing: list[str], unexpected: list[str]) -> list[str]:
    problems = []
    if unexpected:
        problems.append("Unexpected key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in unexpected)))
    if missing:
        problems.append("Missing key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in missing)))
    for key, tensor in own.items():
        if key not in given:
            continue
        if not isinstance(given[key], Tensor):
            problems.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
                f"but received {type(given[key])}"
            )
        elif tuple(_reshaped(given[key], tensor).shape) != tuple(tensor.shape):
            problems.append(
                f"size mismatch for {key}: copying a param with shape {given[key].shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
    return problems
