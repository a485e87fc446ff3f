"""`graphc.compile`: trace a function once for each signature of arguments, and run the compiled program after that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.compiler.compiled import Compiled
from graphc.compiler.guards.scope import HELD_IN
from graphc.compiler.module import compiled_module
from graphc.compiler.options import Options

__all__ = ["compile"]


def compile(
    model: Callable[..., Any] | None = None,
    *,
    dynamic: bool | None = None,
    fullgraph: bool = True,
    check_nan: bool = False,
    opt: Any = 1,
    threads: int | None = None,
    **options: Any,
) -> Any:
    """Return a function or module that runs as machine code.

    The first call with a new kind of arguments (structure, dtypes, shapes, strides, requires_grad, and the values of
    everything that is not a tensor) traces the function and compiles the graph; later calls run the program directly. A
    new shape is traced anew, but its machine code is shared where it differs in sizes above 8 only.

    State outside the function (parameters, optimizers, `.grad`, random generators) is read and written as in eager
    mode. Other Python values that the function reads (globals, closures, defaults, attributes, items, those of the
    functions and objects it uses included) are compared at each call, and a change traces it anew. Side effects on
    Python objects happen while it is traced. Results are NumPy arrays if every array passed was one, else tensors.

    Args:
        model: function or module; None returns a decorator.
        dynamic: False makes sizes constants in the machine code, so that each shape is compiled by itself; None and True
            share it between shapes.
        fullgraph: accepted; the whole function is always one graph.
        check_nan: whether a call whose results, state or gradients would hold a NaN or an infinity raises
            FloatingPointError and changes no state. The error names the first operation that made one of finite numbers,
            its source line and, in loops, the iteration. Infinities that are arguments or constants are no error.
        opt: int from 0 to 3, the level of LLVM's code generator, or "auto". Level 0 compiles in half of the time and may
            run three times as long; 2 and 3 are hardly faster than 1. "auto" starts with 0 and, where a call has enough
            work, replaces it by 1 when that was compiled in the background: the last bits of results may then change from
            one call to the next.
        threads: how many threads share the loops of the function; None is the number of `set_num_threads` at each call.
        **options: backend, mode and options are accepted and ignored; disable=True returns the model itself.

    Returns:
        Callable of the signature of model. Its method `lower(*args)` compiles for example arguments and shows every stage.
        Of a module, it is a module of the same class that shares parameters, buffers, submodules and all other attributes.

    Raises:
        TypeError: if model cannot be called, a keyword is unknown or threads is no int.
        ValueError: if opt is not a level, or threads not a number from 1 to 1024.

    Example:
        >>> @graphc.compile
        ... def f(x):
        ...     return (x * x).sum()
        >>> f(graphc.tensor([1.0, 2.0, 3.0]))
        tensor(14.)
    """
    for name in options:
        if name not in ("backend", "mode", "options", "disable"):
            raise TypeError(f"compile() got an unexpected keyword argument '{name}'")
    if model is None:
        keywords = {"dynamic": dynamic, "fullgraph": fullgraph, "check_nan": check_nan, "opt": opt, "threads": threads}
        return lambda f: compile(f, **keywords, **options)
    if not callable(model):
        raise TypeError(f"compile() expected a function or a module, got {type(model).__name__}")
    if options.get("disable"):
        return model
    chosen = Options(dynamic is not False, check_nan, opt, threads)
    return compiled_module(model, chosen) if hasattr(type(model), HELD_IN) else Compiled(model, chosen)
