"""Names of torch.jit: functions and modules stay what they are; `graphc.compile` compiles."""

from __future__ import annotations

from typing import Any

__all__ = ["export", "ignore", "is_scripting", "is_tracing", "script", "trace", "unused"]


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the function or module itself.

    Args:
        obj: function, class or module.
        *args: accepted as in torch and ignored.
        **kwargs: accepted as in torch and ignored.

    Returns:
        obj.

    Example:
        >>> graphc.jit.script(len) is len
        True
    """
    return obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
    """Return the function or module itself.

    Args:
        func: function or module.
        example_inputs: accepted as in torch and ignored.
        *args: accepted as in torch and ignored.
        **kwargs: accepted as in torch and ignored.

    Returns:
        func.

    Example:
        >>> graphc.jit.trace(len, ()) is len
        True
    """
    return func


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Return the function itself, or a decorator that does.

    Args:
        drop: function, or an option of torch's that is ignored.
        **kwargs: accepted as in torch and ignored.

    Returns:
        The function, or a decorator.

    Example:
        >>> graphc.jit.ignore(len) is len
        True
    """
    return drop if callable(drop) else script


def unused(fn: Any) -> Any:
    """Return the function itself.

    Args:
        fn: function.

    Returns:
        fn.

    Example:
        >>> graphc.jit.unused(len) is len
        True
    """
    return fn


def export(fn: Any) -> Any:
    """Return the function itself.

    Args:
        fn: function.

    Returns:
        fn.

    Example:
        >>> graphc.jit.export(len) is len
        True
    """
    return fn


def is_scripting() -> bool:
    """Return False.

    Example:
        >>> graphc.jit.is_scripting()
        False
    """
    return False


def is_tracing() -> bool:
    """Return False.

    Example:
        >>> graphc.jit.is_tracing()
        False
    """
    return False
