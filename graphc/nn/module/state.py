"""State dictionaries: the parameters and buffers of a module by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphc.autograd.grad_mode import no_grad
from graphc.nn.module.members import Members
from graphc.nn.parameter import Parameter, is_lazy
from graphc.tensors.tensor import Tensor

__all__ = ["IncompatibleKeys", "StateDict"]

EXTRA = "_extra_state"
"""Key of what a module returns as its extra state."""


class IncompatibleKeys(NamedTuple):
    """The names that did not match in `Module.load_state_dict`: missing_keys and unexpected_keys, two lists of strings."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class StateDict(Members):
    """Return and load state dictionaries."""

    _version: int = 1
    """Version of the format of the module's state, given to hooks as `local_metadata`."""

    def get_extra_state(self) -> Any:
        """Return what `state_dict` contains besides tensors, under the key `_extra_state`; subclasses may define it.

        Raises:
            RuntimeError: unless a subclass overrides it; `state_dict` calls only those that do.
        """
        raise RuntimeError(f"{type(self).__name__} has no extra state: it does not define get_extra_state()")

    def set_extra_state(self, state: Any) -> None:
        """Restore what `get_extra_state` returned; a subclass that defines that defines this, too.

        Args:
            state: the entry of the loaded dictionary.

        Raises:
            RuntimeError: unless a subclass overrides it; `load_state_dict` calls only those that do.
        """
        raise RuntimeError(f"{type(self).__name__} has no extra state: it does not define set_extra_state()")

    def _own_state(self) -> dict[str, Tensor]:
        buffers = {k: b for k, b in self._buffers.items() if k not in self._non_persistent}
        return {k: t for k, t in (*self._parameters.items(), *buffers.items()) if t is not None}

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Add the state of this module, without submodules; subclasses may extend it."""
        for name, tensor in self._own_state().items():
            destination[prefix + name] = tensor if keep_vars or is_lazy(tensor) else tensor.detach()
        if type(self).get_extra_state is not StateDict.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Return all parameters and persistent buffers by dotted name; they share memory with the module's.

        Args:
            destination: dictionary to add to, None for a new one.
            prefix: put before every name.
            keep_vars: whether to return the parameters themselves; else detached tensors.

        Returns:
            Ordered dictionary of tensors, or destination; modules with an extra state have an entry for it.

        Raises:
            RuntimeError: if a hook that was registered by `register_state_dict_post_hook` returns anything.

        Example:
            >>> list(nn.BatchNorm1d(3).state_dict())
            ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
        """
        entries: dict[str, Any] = destination if destination is not None else OrderedDict()
        if destination is None:
            vars(entries)["_metadata"] = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(entries, "_metadata"):
            entries._metadata[prefix[:-1]] = metadata
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(entries, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=entries, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in list(self._state_dict_hooks.values()):
            if hook(self, entries, prefix, metadata) is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return entries

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
        loading = _Loading(OrderedDict(state_dict), getattr(state_dict, "_metadata", None) or {}, assign)
        loading.load(self, loading.entries, "")
        problems = loading.problems(strict)
        if problems:
            raise RuntimeError(
                "Error(s) in loading state_dict for {}:\n\t{}".format(type(self).__name__, "\n\t".join(problems))
            )
        return loading.keys

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load the state of this module, without submodules, from the entries that begin with a prefix; may be extended."""
        for hook in list(self._load_state_dict_pre_hooks.values()):
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._own_state()
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                if is_lazy(tensor) and is_lazy(state_dict[key]):
                    continue
                problem = _load_problem(key, tensor, state_dict[key])
                if problem:
                    error_msgs.append(problem)
                else:
                    self._load_tensor(name, tensor, state_dict[key], local_metadata.get("assign_to_params_buffers", False))
            elif strict:
                missing_keys.append(key)
        extra = prefix + EXTRA
        takes_extra = type(self).set_extra_state is not StateDict.set_extra_state
        if takes_extra and extra in state_dict:
            self.set_extra_state(state_dict[extra])
        elif strict and takes_extra != (extra in state_dict):
            (missing_keys if takes_extra else unexpected_keys).append(extra)
        if strict:
            ours = [k for k in state_dict if k.startswith(prefix) and k != extra]
            unexpected_keys += [k for k in ours if not _is_known(k[len(prefix) :], own, self._modules)]

    def _load_tensor(self, name: str, own: Any, value: Tensor, assign: bool) -> None:
        """Copy a value into a parameter or buffer, or assign it; a parameter keeps `requires_grad` then."""
        new: Any = _reshaped(value, own)
        with no_grad():
            if not assign:
                own.copy_(new)
                return
            if isinstance(own, Parameter):
                new = (new if isinstance(new, Parameter) else Parameter(new)).requires_grad_(own.requires_grad)
            setattr(self, name, new)


class _Loading:
    """One call of `load_state_dict`: what is loaded, and what does not match."""

    def __init__(self, entries: dict[str, Any], metadata: Mapping[str, Any], assign: bool) -> None:
        self.entries, self.metadata, self.assign = entries, metadata, assign
        self.keys = IncompatibleKeys([], [])
        self.errors: list[str] = []

    def load(self, module: Any, entries: dict[str, Any], prefix: str) -> None:
        """Load a module and its submodules from the entries that begin with a prefix."""
        metadata = dict(self.metadata.get(prefix[:-1], {}))
        if self.assign:
            metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(entries, prefix, metadata, True, *self.keys, self.errors)
        for name, child in module._modules.items():
            if child is not None:
                below = f"{prefix}{name}."
                self.load(child, {k: v for k, v in entries.items() if k.startswith(below)}, below)
        for hook in list(module._load_state_dict_post_hooks.values()):
            if hook(module, self.keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, if "
                    "incompatible_keys need to be modified, it should be done inplace."
                )

    def problems(self, strict: bool) -> list[str]:
        """Return the errors, after the names that do not match if strict."""
        kinds = (("Unexpected", self.keys.unexpected_keys), ("Missing", self.keys.missing_keys)) if strict else ()
        names = [
            "{} key(s) in state_dict: {}. ".format(kind, ", ".join(f'"{k}"' for k in keys)) for kind, keys in kinds if keys
        ]
        return [*reversed(names), *self.errors]


def _is_known(name: str, own: Mapping[str, Any], modules: Mapping[str, Any]) -> bool:
    """Return whether a name without the module's prefix is its own, or begins with the name of a submodule."""
    first, dot, _ = name.partition(".")
    return first in (modules if dot else own)


def _reshaped(loaded: Tensor, own: Tensor) -> Tensor:
    """Return a loaded tensor of shape (1,) as 0-d if the parameter is 0-d: old files have such tensors."""
    return loaded[0] if tuple(loaded.shape) == (1,) and not own.shape else loaded


def _load_problem(key: str, own: Tensor, value: Any) -> str:
    """Return why a value cannot be loaded, "" if it can."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(value)}"
        )
    if tuple(_reshaped(value, own).shape) != tuple(own.shape):
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {own.shape}."
        )
    return ""
