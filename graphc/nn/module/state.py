"""State dictionaries: the parameters and buffers of a module by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphc.autograd.grad_mode import no_grad
from graphc.nn.module.members import Members
from graphc.nn.parameter import Parameter
from graphc.tensors.tensor import Tensor

__all__ = ["IncompatibleKeys", "StateDict"]


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
        entries = OrderedDict() if destination is None else destination
        for name, tensor in self._own_state():
            entries[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=entries, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
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
        """Replace a parameter, keeping `requires_grad`, or a buffer by the tensor itself."""
        path, _, name = key.rpartition(".")
        owner = self.get_submodule(path)
        old = getattr(owner, name)
        new = _reshaped(value, old)
        if isinstance(old, Parameter):
            new = (new if isinstance(new, Parameter) else Parameter(new)).requires_grad_(old.requires_grad)
        setattr(owner, name, new)


def _reshaped(loaded: Tensor, own: Tensor) -> Tensor:
    """Return a loaded tensor of shape (1,) as 0-d if the parameter is 0-d: old files have such tensors."""
    return loaded[0] if tuple(loaded.shape) == (1,) and not own.shape else loaded


def _load_problems(
    own: Mapping[str, Tensor], state_dict: Mapping[str, Any], missing: list[str], unexpected: list[str]
) -> list[str]:
    problems = []
    if unexpected:
        problems.append("Unexpected key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in unexpected)))
    if missing:
        problems.append("Missing key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in missing)))
    for key, tensor in own.items():
        if key not in state_dict:
            continue
        if not isinstance(state_dict[key], Tensor):
            problems.append(
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
                f"but received {type(state_dict[key])}"
            )
        elif tuple(_reshaped(state_dict[key], tensor).shape) != tuple(tensor.shape):
            problems.append(
                f"size mismatch for {key}: copying a param with shape {state_dict[key].shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
    return problems
