"""Hooks of optimizers: functions that are called around steps, and around the reading and writing of state."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from graphc.autograd.hooks import RemovableHandle
from graphc.tracing.trace import guard

__all__ = ["OptimizerHooks", "with_hooks"]

Hook = Callable[..., Any]


class OptimizerHooks:
    """Register hooks of an optimizer; a subclass that defines `step` calls them there."""

    def __init__(self) -> None:
        self._step_pre_hooks: dict[int, Hook] = {}
        self._step_post_hooks: dict[int, Hook] = {}
        self._state_hooks: dict[str, dict[int, Hook]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let the `step` of a subclass call the hooks."""
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = with_hooks(cls.__dict__["step"])  # type: ignore[attr-defined]

    def _hooks_of(self, kind: str) -> list[Hook]:
        kinds: dict[str, dict[int, Hook]] = self.__dict__.get("_state_hooks", {})
        return list(kinds.get(kind, {}).values())

    def _register(self, kind: str, hook: Hook, prepend: bool) -> RemovableHandle:
        hooks = self._state_hooks.setdefault(kind, {})
        earlier = dict(hooks)
        handle = RemovableHandle(hooks, hook)
        if prepend:
            hooks.clear()
            hooks.update({handle.id: hook, **earlier})
        return handle

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function before every step.

        Args:
            hook: function of (optimizer, args, kwargs); it returns None, or other (args, kwargs) for `step`.

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return RemovableHandle(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function after every step.

        Args:
            hook: function of (optimizer, args, kwargs), whose result is ignored.

        Returns:
            Handle whose `remove()` removes the hook.

        Example:
            >>> w = graphc.ones(1, requires_grad=True)
            >>> optimizer = optim.SGD([w], lr=0.5)
            >>> handle = optimizer.register_step_post_hook(lambda optimizer, args, kwargs: print("done"))
            >>> optimizer.step()
            done
        """
        return RemovableHandle(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call a function before `state_dict` collects the state.

        Args:
            hook: function of the optimizer.
            prepend: whether it is called before the hooks that are registered already.

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call a function with what `state_dict` is about to return.

        Args:
            hook: function of (optimizer, state_dict); what it returns, unless None, is returned instead.
            prepend: whether it is called before the hooks that are registered already.

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call a function with what `load_state_dict` is about to load.

        Args:
            hook: function of (optimizer, state_dict), a shallow copy; what it returns, unless None, is loaded instead.
            prepend: whether it is called before the hooks that are registered already.

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return self._register("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call a function when `load_state_dict` has loaded a state.

        Args:
            hook: function of the optimizer.
            prepend: whether it is called before the hooks that are registered already.

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return self._register("load_post", hook, prepend)


def with_hooks(step: Hook) -> Hook:
    """Return a method `step` that calls the hooks, unless another one that called them calls it."""

    @wraps(step)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        hooks = guard(lambda: _step_hooks(self))
        if not hooks or type(self).step is not call:
            return step(self, *args, **kwargs)
        for hook in list(self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(f"step must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
                args, kwargs = changed
        result = step(self, *args, **kwargs)
        for hook in list(self._step_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    return call


def _step_hooks(optimizer: Any) -> tuple[Any, ...]:
    """Return the hooks of steps with their numbers; optimizers in old pickles have none."""
    own = optimizer.__dict__
    before, after = own.get("_step_pre_hooks"), own.get("_step_post_hooks")
    if not before and not after:
        return ()
    return tuple([part for hooks in (before, after) for entry in (hooks or {}).items() for part in entry])
