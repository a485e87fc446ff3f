"""Names and docstrings for functions that a factory creates."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Any, TypeVar

__all__ = ["template"]

F = TypeVar("F", bound=Callable[..., Any])


def template(name: str, example: str, **words: str) -> Callable[[F], F]:
    """Name a function, fill words into its docstring, and append an example."""

    def complete(function: F) -> F:
        function.__name__ = function.__qualname__ = name
        text = cleandoc(function.__doc__ or "").format(**words)
        lines = "".join(f"    {line}\n" for line in cleandoc(example).splitlines())
        function.__doc__ = f"{text}\n\nExample:\n{lines}"
        return function

    return complete
