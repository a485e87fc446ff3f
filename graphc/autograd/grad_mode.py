"""Enable and disable the recording of gradients, per thread: context managers that are decorators, too."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from typing import Any, TypeVar, cast

from graphc.recording.context import state

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad", "set_grad_enabled"]

F = TypeVar("F", bound=Callable[..., Any])


def is_grad_enabled() -> bool:
    """Return whether operations are recorded for gradients in this thread.

    Returns:
        bool, True by default.

    Example:
        >>> with graphc.no_grad():
        ...     graphc.is_grad_enabled()
        False
    """
    if state.trace is not None:
        before = state.trace.grad
        state.trace.guards.append((lambda: state.grad, before))
    return state.grad


def is_inference_mode_enabled() -> bool:
    """Return whether `inference_mode` is active in this thread.

    Returns:
        bool, False by default.

    Example:
        >>> with graphc.inference_mode():
        ...     is_inference_mode_enabled()
        True
    """
    return state.inference


class _Mode:
    """A grad mode for a block, or around every call of a function, a generator or a coroutine."""

    mode = True

    def __init__(self) -> None:
        self._outer: list[bool] = []

    def __enter__(self) -> None:
        self._outer.append(state.grad)
        state.grad = self.mode

    def __exit__(self, *error: object) -> None:
        state.grad = self._outer.pop()

    def clone(self) -> _Mode:
        """Return a fresh mode like this one: one for each call of the decorated function."""
        return type(self)()

    def __call__(self, f: F) -> F:
        if inspect.isclass(f):
            raise TypeError(f"{type(self).__name__} decorates functions, got the class {f.__name__}")
        if inspect.isgeneratorfunction(f):
            return cast(F, self._generator(f))
        if inspect.iscoroutinefunction(f):
            return cast(F, self._coroutine(f))

        @wraps(f)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return f(*args, **kwargs)

        return cast(F, wrapped)

    def _generator(self, f: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Generator[Any, Any, Any]]:
        """Set the mode whenever the generator runs, and only then."""

        @wraps(f)
        def wrapped(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            inner = f(*args, **kwargs)
            step: Callable[[], Any] = lambda: next(inner)  # noqa: E731 - what runs next depends on what comes in
            while True:
                try:
                    with self.clone():
                        item = step()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield item
                    step = _sender(inner, sent)
                except GeneratorExit:
                    with self.clone():
                        inner.close()
                    raise
                except BaseException as error:
                    step = _thrower(inner, error)

        return wrapped

    def _coroutine(self, f: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(f)
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return await f(*args, **kwargs)

        return wrapped


def _sender(inner: Generator[Any, Any, Any], sent: Any) -> Callable[[], Any]:
    return lambda: inner.send(sent)


def _thrower(inner: Generator[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: inner.throw(error)


class no_grad(_Mode):
    """Disable the recording of gradients, for a block or for every call of a function.

    A context manager, and a decorator (with or without parentheses) of functions, generators and coroutines. Results require
    no gradient and keep no history. The mode belongs to the thread.

    Args:
        f: function to decorate; None returns a context manager.

    Raises:
        TypeError: if a class is decorated.

    Example:
        >>> x = graphc.tensor([1.0], requires_grad=True)
        >>> with graphc.no_grad():
        ...     (x * 2).requires_grad
        False
    """

    mode = False

    def __new__(cls, f: Any = None) -> Any:
        """Return the mode, or the function decorated with it."""
        self = super().__new__(cls)
        if f is None:
            return self
        self.__init__()  # type: ignore[misc]
        return self(f)


class enable_grad(_Mode):
    """Enable the recording of gradients, also inside `no_grad`, for a block or for every call of a function.

    A context manager, and a decorator (with or without parentheses) of functions, generators and coroutines.

    Args:
        f: function to decorate; None returns a context manager.

    Raises:
        TypeError: if a class is decorated.

    Example:
        >>> x = graphc.tensor([1.0], requires_grad=True)
        >>> with graphc.no_grad(), graphc.enable_grad():
        ...     (x * 2).requires_grad
        True
    """

    mode = True

    def __new__(cls, f: Any = None) -> Any:
        """Return the mode, or the function decorated with it."""
        self = super().__new__(cls)
        if f is None:
            return self
        self.__init__()  # type: ignore[misc]
        return self(f)


class set_grad_enabled(_Mode):
    """Enable or disable the recording of gradients from now on; as a context manager or decorator, only there.

    Args:
        mode: whether operations are recorded.

    Raises:
        TypeError: if a class is decorated.

    Example:
        >>> x = graphc.tensor([1.0], requires_grad=True)
        >>> with graphc.set_grad_enabled(False):
        ...     (x * 2).requires_grad
        False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.mode = mode
        self._before = state.grad
        state.grad = mode

    def __enter__(self) -> None:
        self._outer.append(self._before)
        state.grad = self.mode

    def __call__(self, f: F) -> F:
        state.grad = self._before
        return super().__call__(f)

    def clone(self) -> _Mode:
        """Return a fresh mode like this one."""
        return set_grad_enabled(self.mode)


class inference_mode(_Mode):
    """Disable the recording of gradients, as `no_grad` does, for a block or for every call of a function.

    Other than in torch, the results are ordinary tensors: they may be used in recorded operations later.

    Args:
        mode: whether to disable recording; False leaves it as it is. A function is decorated.

    Raises:
        TypeError: if a class is decorated.

    Example:
        >>> x = graphc.tensor([1.0], requires_grad=True)
        >>> with graphc.inference_mode():
        ...     (x * 2).requires_grad
        False
    """

    mode = False

    def __new__(cls, mode: Any = True) -> Any:
        """Return the mode, or the function decorated with it."""
        self = super().__new__(cls)
        if not callable(mode):
            return self
        self.__init__()  # type: ignore[misc]
        return self(mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self._on = bool(mode)
        self._inference: list[bool] = []

    def __enter__(self) -> None:
        self._outer.append(state.grad)
        self._inference.append(state.inference)
        if self._on:
            state.grad, state.inference = False, True

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        state.inference = self._inference.pop()

    def clone(self) -> _Mode:
        """Return a fresh mode like this one."""
        mode: _Mode = inference_mode(self._on)
        return mode
