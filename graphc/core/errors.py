"""Error messages with the user's file and line."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

from graphc.codegen.program.validation import MiscompilationError
from graphc.core.dtypes import torch_name
from graphc.ir.core.graph import TypeRuleError, UndefinedDTypeError

__all__ = [
    "INTERNAL", "LEADS_OUT", "MiscompilationError", "TracingError", "add_location", "broken_rule", "guard", "guard_all",
    "is_ours", "located", "location_of", "refuse", "set_location", "user_location",
]  # fmt: skip

INTERNAL = (
    AttributeError, AssertionError, KeyError, StopIteration, ZeroDivisionError, UnboundLocalError, RecursionError,
)  # fmt: skip
"""Exceptions of code that gets arguments it does not support; public functions never raise them."""

_PACKAGE = str(Path(__file__).parent.parent)
_ROOTS = tuple(str(Path(p).resolve()) for p in (_PACKAGE, f"{_PACKAGE}/ir", f"{_PACKAGE}/codegen"))
_ours: dict[str, bool] = {}
"""Whether code of a file is."""


LEADS_OUT = (
    "expected a gradient that stays within the compiled function, got one that leads into the history of a tensor made "
    "outside; pass the leaf that it was made of as an argument, or detach it"
)
"""The message for a gradient that would have to continue outside of the compiled function."""


class TracingError(RuntimeError):
    """A traced function asked for a value that is known only when it runs.

    Raised while `graphc.compile`, `graphc.func.grad`, `graphc.vmap` or a loop body records a function that calls
    `item`, `bool`, `print` and the like on a tensor that depends on its inputs.

    Args:
        *args: the message.

    Attributes:
        asked: the graph node whose value was asked for.
        unbound: the parameter that it depends on.

    Example:
        >>> graphc.compile(lambda x: x.item())(graphc.ones(()))  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        graphc.core.errors.TracingError: expected a value that is known while a function is traced
    """

    unbound: object = None
    asked: object = None


def is_ours(code: CodeType) -> bool:
    """Return whether code belongs to this package, or to Python's import system."""
    file = code.co_filename
    ours = _ours.get(file)  # by the name, whose hash is known: that of code takes in its constants
    if ours is None:
        ours = _ours[file] = file.startswith((_PACKAGE, *_ROOTS, "<frozen"))
    return ours


def _user_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (_ours.get(frame.f_code.co_filename) or is_ours(frame.f_code)):
        frame = frame.f_back
    return frame


def user_location() -> str:
    """Return `file:line` of the innermost frame outside this package; empty if there is none."""
    frame = _user_frame()
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def add_location(error: Exception) -> None:
    """Append the user's file, line and source text to an error's message, once."""
    frame = _user_frame()
    if frame is None or location_of(error):
        return
    file, line = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(file, line).strip()
    set_location(error, f"{file}:{line}{': ' + source if source else ''}")


def set_location(error: Exception, location: str) -> None:
    """Append a location, if not empty, to an error's message; later ones are ignored."""
    if location and error.args and isinstance(error.args[0], str):
        error.args = (f"{error.args[0]}\n  at {location}", *error.args[1:])
        error._location = location  # type: ignore[attr-defined]


def location_of(error: Exception) -> str:
    """Return the location that was appended to an error's message; empty if there is none."""
    return str(getattr(error, "_location", ""))


def located(error: Exception) -> Exception:
    """Return the error with the user's file, line and source text appended to its message."""
    add_location(error)
    return error


def refuse(error: BaseException, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise TypeError with the arguments of a call if an internal error came out of the package's own code.

    An error out of a user's function that was called on the way is passed through.
    """
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if not is_ours(code) and "/numpy/" not in code.co_filename.replace("\\", "/"):
            return
        trace = trace.tb_next
    got = ", ".join([*map(_described, args), *(f"{k}={_described(v)}" for k, v in kwargs.items())])
    raise located(TypeError(f"{name}() received an invalid combination of arguments - got ({got})")) from error


def broken_rule(name: str, error: TypeRuleError) -> RuntimeError:
    """Return the error of a public function whose operands violate the type rule of a primitive."""
    name = name.lstrip("_")
    if isinstance(error, UndefinedDTypeError):
        return NotImplementedError(f"\"{name}\" not implemented for '{torch_name(error.dtype)}'")
    return RuntimeError(f"{name}(): {error}")


def _described(value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, (bool, int, float, str, type(None))):
        return f"{kind} {value!r:.20}"
    return f"{kind} of {', '.join(sorted({type(v).__name__ for v in value}))}" if isinstance(value, (list, tuple)) else kind


def guard(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a public function so that it raises TypeError, naming its arguments, where its own code fails on them.

    Operands that violate the type rule of a primitive give RuntimeError, as in torch.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeRuleError as error:
            raise located(broken_rule(getattr(function, "__name__", "call"), error)) from error
        except INTERNAL as error:
            refuse(error, getattr(function, "__name__", "call"), args, kwargs)
            raise

    return call


def guard_all(namespace: dict[str, Any], names: Sequence[str]) -> None:
    """Guard the functions of a module under their public names, except operations, which their dispatch guards."""
    for name in names:
        function: Any = namespace.get(name)
        if isinstance(function, FunctionType) and not hasattr(function, "nodes") and function.__module__.startswith("graphc"):
            own, home = function.__name__, vars(sys.modules[function.__module__])
            namespace[name] = guarded = guard(function)
            if home.get(own) is function:
                home[own] = guarded
