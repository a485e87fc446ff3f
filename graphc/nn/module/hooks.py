"""Hooks of modules: functions that are called around forward, backward, and the reading and writing of state."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from graphc.autograd.hooks import RemovableHandle
from graphc.nn.module.backward_hooks import BackwardCall
from graphc.nn.module.state import StateDict

__all__ = ["Hooks"]


class Hooks(StateDict):
    """Register hooks, and call those of forward and backward; a subclass defines `forward`."""

    forward: Callable[..., Any]

    def _hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the result of forward and the hooks; those registered with always_call run also after an exception."""
        called: set[int] = set()
        try:
            return self._call_hooks(args, kwargs, called)
        except Exception:
            for key in [k for k in self._forward_hooks if k in self._forward_hooks_always_called and k not in called]:
                self._call_silenced(key, args, kwargs)
            raise

    def _call_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any], called: set[int]) -> Any:
        for key, hook in list(self._forward_pre_hooks.items()):
            args, kwargs = _changed(hook, self, args, kwargs, key in self._forward_pre_hooks_with_kwargs)
        backward = None
        if self._backward_hooks or self._backward_pre_hooks:
            backward = BackwardCall(self, list(self._backward_hooks.values()), list(self._backward_pre_hooks.values()))
            args = backward.enter(args)
        result = self.forward(*args, **kwargs)
        for key, hook in list(self._forward_hooks.items()):
            called.add(key)
            named = (kwargs,) if key in self._forward_hooks_with_kwargs else ()
            changed = hook(self, args, *named, result)
            result = result if changed is None else changed
        return result if backward is None else backward.leave(result)

    def _call_silenced(self, key: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        named = (kwargs,) if key in self._forward_hooks_with_kwargs else ()
        try:
            self._forward_hooks[key](self, args, *named, None)
        except Exception as error:
            warnings.warn(
                "module forward hook with ``always_call=True`` raised an exception that was silenced as another error was "
                f"raised in forward: {error}",
                stacklevel=2,
            )

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call a function after every `forward`.

        Args:
            hook: function of (module, args, result); what it returns, unless None, replaces the result.
            prepend: whether it is called before the hooks that are registered already.
            with_kwargs: whether it is a function of (module, args, kwargs, result).
            always_call: whether it is called, with the result None, also after an exception.

        Returns:
            Handle whose `remove()` removes the hook.

        Example:
            >>> layer = nn.ReLU()
            >>> handle = layer.register_forward_hook(lambda module, args, result: result * 10)
            >>> layer(graphc.tensor([1.0, -1.0]))
            tensor([10.,  0.])
        """
        handle = _registered(self._forward_hooks, hook, prepend)
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call a function before every `forward`.

        Args:
            hook: function of (module, args); what it returns, unless None, replaces the arguments, a tuple or a single one.
            prepend: whether it is called before the hooks that are registered already.
            with_kwargs: whether it is a function of (module, args, kwargs), which returns None or (args, kwargs).

        Returns:
            Handle whose `remove()` removes the hook.
        """
        handle = _registered(self._forward_pre_hooks, hook, prepend)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call a function each time the gradients of a call's inputs have been computed.

        Args:
            hook: function of (module, grad_input, grad_output), tuples with an entry for each positional argument and result,
                None where there is no gradient; what it returns, unless None, replaces grad_input. Without inputs that need a
                gradient it is called when the gradients of the outputs have been computed.
            prepend: whether it is called before the hooks that are registered already.

        Returns:
            Handle whose `remove()` removes the hook.

        Example:
            >>> layer = nn.Linear(1, 1)
            >>> handle = layer.register_full_backward_hook(lambda module, grad_input, grad_output: print(grad_output))
            >>> layer(graphc.ones(1, 1, requires_grad=True)).backward()
            (tensor([[1.]]),)
        """
        return _registered(self._backward_hooks, hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call a function each time the gradients of a call's outputs have been computed.

        Args:
            hook: function of (module, grad_output); what it returns, unless None, replaces grad_output.
            prepend: whether it is called before the hooks that are registered already.

        Returns:
            Handle whose `remove()` removes the hook.

        Example:
            >>> layer = nn.Identity()
            >>> handle = layer.register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 3,))
            >>> x = graphc.ones(1, requires_grad=True)
            >>> layer(x).backward()
            >>> x.grad
            tensor([3.])
        """
        return _registered(self._backward_pre_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Refuse a hook of the last operation, which torch has deprecated: operations of graphc's graph are no functions.

        Args:
            hook: function of (module, grad_input, grad_output).

        Raises:
            NotImplementedError: always; `register_full_backward_hook` calls such a function with the module's gradients.
        """
        raise NotImplementedError(
            "register_backward_hook, which torch has deprecated, is not supported: use register_full_backward_hook"
        )

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function before `state_dict` collects the tensors of this module.

        Args:
            hook: function of (module, prefix, keep_vars).

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function when `state_dict` has collected the tensors of this module and its submodules.

        Args:
            hook: function of (module, state_dict, prefix, local_metadata) that changes state_dict in place and returns None.

        Returns:
            Handle whose `remove()` removes the hook.

        Example:
            >>> def without_bias(module, state_dict, prefix, local_metadata):
            ...     del state_dict[prefix + "bias"]
            >>> layer = nn.Linear(2, 1)
            >>> handle = layer.register_state_dict_post_hook(without_bias)
            >>> list(layer.state_dict())
            ['weight']
        """
        return RemovableHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function before `load_state_dict` copies the tensors of this module.

        Args:
            hook: function of (module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs),
                which may change state_dict and the lists.

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return RemovableHandle(self._load_state_dict_pre_hooks, partial(hook, self))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a function when `load_state_dict` has copied the tensors of this module and its submodules.

        Args:
            hook: function of (module, incompatible_keys) that may change the two lists, and returns None.

        Returns:
            Handle whose `remove()` removes the hook.
        """
        return RemovableHandle(self._load_state_dict_post_hooks, hook)


def _registered(hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any], prepend: bool) -> RemovableHandle:
    """Add a hook at the end, or at the beginning."""
    earlier = dict(hooks)
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.clear()
        hooks.update({handle.id: hook, **earlier})
    return handle


def _changed(
    hook: Callable[..., Any], module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], with_kwargs: bool
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments after a hook."""
    changed = hook(module, args, kwargs) if with_kwargs else hook(module, args)
    if changed is None:
        return args, kwargs
    if not with_kwargs:
        return (changed if isinstance(changed, tuple) else (changed,)), kwargs
    if not (isinstance(changed, tuple) and len(changed) == 2):
        raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
    return changed
