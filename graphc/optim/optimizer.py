"""The base class of optimizers: parameter groups, their options, and the state of each parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import chain
from operator import itemgetter
from typing import Any, ClassVar

from graphc.autograd.grad_mode import enable_grad, no_grad
from graphc.core.dtypes import float64
from graphc.nn.module import clear_grad
from graphc.ops.create.fill import zeros_like
from graphc.optim.hooks import OptimizerHooks, with_hooks
from graphc.storage.writes import take_result
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import capture_number, guard, is_compiling, paused

__all__ = ["Optimizer"]


class Optimizer(OptimizerHooks):
    """Base class of optimizers: parameters in groups with options, and a state for each parameter.

    A subclass defines `initial_state` and `update`; `step` calls `update` for every parameter that has a gradient.

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with the key "params" and options
            that override the defaults for that group.
        defaults: dict of options of groups that do not set them.

    Raises:
        TypeError: if `params` is a single tensor, or contains anything but tensors.
        ValueError: if there are no parameters, one is no leaf, or one is in two groups.

    Example:
        >>> class SignSGD(optim.Optimizer):
        ...     def update(self, p, grad, state, options):
        ...         p -= options["lr"] * grad.sign()
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = SignSGD([w], {"lr": 0.5})
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.5000, -1.5000], requires_grad=True)
    """

    _read_by_users: ClassVar[frozenset[str]] = frozenset(("param_groups", "defaults"))
    """The attributes that a compiled function guards if its own code reads them; `step` guards those it reads itself."""

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {params.type()}"
            )
        super().__init__()
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters.

        Args:
            param_group: dict with the key "params", a tensor or an iterable of tensors or (name, tensor) pairs, and options
                that override the defaults.

        Raises:
            TypeError: if anything but a tensor is among the parameters.
            ValueError: if a parameter is no leaf, or is in another group already.
        """
        params = param_group["params"]
        members = [params] if isinstance(params, Tensor) else [p[1] if isinstance(p, tuple) else p for p in params]
        for p in members:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if known & {id(p) for p in members}:
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": members})

    # -- steps ----------------------------------------------------------------------------------------------

    @with_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: function without arguments that evaluates the loss again and returns it; called first, with gradients
                recorded.

        Returns:
            What `closure` returns, or None without it.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in guard(lambda: list(self.param_groups)):
                self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        fixed = [k for k in group if k not in ("params", "lr", "initial_lr")]
        if not fixed or any(isinstance(group[k], list) for k in fixed):
            guard(lambda: [len(group), *[_frozen(group.get(k)) for k in fixed]])
        else:
            values = itemgetter("params", *fixed)  # several names, so that it returns a tuple
            guard(lambda: (len(group), values(group)[1:]))
        options = {k: v for k, v in group.items() if k != "params"}
        options["lr"] = capture_number(lambda: float(group["lr"]), float64)
        members = [p for p in guard(lambda: list(group["params"])) if p.grad is not None]
        states = [self._state_of(p, group, options) for p in members]
        if is_compiling():
            guard(lambda: [part for p in members for part in _parts(self.state.get(p, {}))])
        for p, state in zip(members, states, strict=True):
            self.update(p, p.grad, state, options)

    def _state_of(self, p: Tensor, group: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        state = self.state[p]
        if not state:
            with paused():
                state.update(self.initial_state(p, {**options, "lr": float(group["lr"])}))
        return state

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return the state that a parameter has before its first step.

        Args:
            p: the parameter.
            options: dict of the options of its group.

        Returns:
            Dict from names to tensors, empty by default.
        """
        return {}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place; called by `step` without recording gradients.

        Args:
            p: the parameter.
            grad: its gradient, of the same shape.
            state: its state, as `initial_state` returned it.
            options: dict of the options of its group; "lr" may be a 0-d tensor within a compiled function.

        Raises:
            NotImplementedError: unless a subclass overrides it.
        """
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters.

        Args:
            set_to_none: True sets `.grad` to None, False fills it with zeros.
        """
        for group in self.param_groups:
            for p in group["params"]:
                clear_grad(p, set_to_none)

    # -- state ----------------------------------------------------------------------------------------------

    def _numbers(self) -> dict[int, int]:
        members = chain.from_iterable(group["params"] for group in self.param_groups)
        return {id(p): i for i, p in enumerate(members)}

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the optimizer, as `load_state_dict` takes it.

        Returns:
            Dict with "state", the state of each parameter by its number, and "param_groups", the options of each group with
            the numbers of its parameters under "params". Tensors are shared with the optimizer.
        """
        for hook in self._hooks_of("state_dict_pre"):
            hook(self)
        numbers = self._numbers()
        state = {numbers[id(p)]: dict(s) for p, s in self.state.items()}
        groups = [
            {**{k: v for k, v in g.items() if k != "params"}, "params": [numbers[id(p)] for p in g["params"]]}
            for g in self.param_groups
        ]
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._hooks_of("state_dict_post"):
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Restore a state that `state_dict` returned, by copying it.

        Args:
            state_dict: the state, of an optimizer with groups of the same sizes.

        Raises:
            ValueError: if the number of groups or the size of a group differs.
        """
        for hook in self._hooks_of("load_pre"):
            changed = hook(self, state_dict := dict(state_dict))
            state_dict = state_dict if changed is None else changed
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, self.param_groups, strict=True)):
            raise ValueError("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        members: list[Tensor] = list(chain.from_iterable(g["params"] for g in self.param_groups))
        self.state = defaultdict(dict)
        for number, values in state_dict["state"].items():
            self.state[members[int(number)]] = {k: _copied(v) for k, v in values.items()}
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.update({k: deepcopy(v) for k, v in loaded.items() if k != "params"})
        for hook in self._hooks_of("load_post"):
            hook(self)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def _parts(state: dict[str, Any]) -> list[Any]:
    """Return the names and values of a parameter's state: a compiled function writes to these very tensors."""
    return [*state, *state.values()]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else deepcopy(value)


def zeros_of(p: Tensor) -> Any:
    """Return zeros of the shape and dtype of a parameter, without history."""
    return zeros_like(p)


def write(pairs: Iterable[tuple[Any, Any]]) -> None:
    """Write new values into tensors; all of them are computed from the old values."""
    for tensor, value in pairs:
        if not take_result(tensor, value):
            tensor._assign(value)


def check_not_negative(name: str, value: float) -> None:
    """Raise ValueError, with torch's text, for a negative option."""
    if not value >= 0.0:
        raise ValueError(f"Invalid {name}: {value}")
