"""The compiled function: it looks up a variant for each call, or traces one.

A call looks up a variant by the structure, dtypes, shapes, strides and `requires_grad` of the arguments, by the values
of everything else, and by the decisions of the trace (guards). The program of a variant takes the arguments and all
state that the function read, and returns the results and all state that it wrote.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable
from copy import deepcopy
from functools import update_wrapper
from types import MethodType
from typing import Any

import numpy as np
from numpy.random import get_state

from graphc.codegen.runtime.collector import paused_collector
from graphc.compiler.capture import trace
from graphc.compiler.event import record_call
from graphc.compiler.fast_path import fast_path_of
from graphc.compiler.guards.search import ATOMS
from graphc.compiler.guards.watch import Watch, watch
from graphc.compiler.interrupts import compiling
from graphc.compiler.lowered import Lowered
from graphc.compiler.options import Options
from graphc.compiler.signature import Call, flatten_call
from graphc.compiler.variant import Variant
from graphc.core.compile_notice import notice_of_compiling
from graphc.recording.context import state
from graphc.tensors.tensor import Tensor

__all__ = ["CACHE_SIZE", "Compiled"]

CACHE_SIZE = 64
"""How many variants a compiled function keeps; the one not used for longest goes first."""


WATCHES = 8
"""How many states of the Python values it reads a compiled function remembers."""

MOVES = 3
"""How many traces have to change the values they read before a warning."""


def _python_draws() -> Any:
    """Return the states of the global random generators of Python and NumPy."""
    numpy_state: Any = get_state(legacy=False)
    return (
        random.getstate(),
        repr(numpy_state["state"]["key"][:2]),
        numpy_state["state"]["pos"],
        numpy_state["has_gauss"],
        numpy_state["gauss"],
    )


class Compiled:
    """Compiled function, as `graphc.compile` returns it; `lower(*args)` shows every stage.

    The first call with a new kind of arguments traces and compiles it. `__call__` is a slot that usually holds the native entry
    of the variant called last: no Python code runs before it.

    Args:
        function: function or module.
        options: the keywords of `graphc.compile`, the default ones if None.
    """

    __slots__ = (
        "__call__",
        "__dict__",
        "__weakref__",
        "_compiled_function",
        "_compiled_moved",
        "_compiled_options",
        "_compiled_untried",
        "_compiled_variants",
        "_compiled_warned",
        "_compiled_watches",
    )  # fmt: skip

    __call__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any], options: Options | None = None) -> None:
        self._compiled_begin(function, options)
        update_wrapper(self, function, updated=())

    def _compiled_begin(self, function: Callable[..., Any], options: Options | None) -> None:
        """Start without variants."""
        self._compiled_function = function
        self._compiled_options = options or Options()
        self._compiled_variants: OrderedDict[Any, list[Variant]] = OrderedDict()
        self._compiled_watches: deque[Watch] = deque(maxlen=WATCHES)
        self._compiled_moved = 0
        self._compiled_untried = True
        self._compiled_warned = False
        self.__call__ = self._compiled_slow

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_compiled_function":
            raise AttributeError(name)
        return getattr(self._compiled_function, name)

    def __copy__(self) -> Compiled:
        return Compiled(self._compiled_function, self._compiled_options)

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        copy = memo[id(self)] = Compiled(deepcopy(self._compiled_function, memo), self._compiled_options)
        return copy

    def __reduce__(self) -> Any:
        """Pickle the original function or module; one that its module defines under its name, by that name."""
        name = getattr(self, "__qualname__", "")
        value: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in name.split("."):
            value = getattr(value, part, None)
        return name if value is self else (Compiled, (self._compiled_function, self._compiled_options))

    def __repr__(self) -> str:
        return f"<compiled {self._compiled_function!r}>"

    def _compiled_slow(self, *args: Any, **kwargs: Any) -> Any:
        """Look up a variant and run it; the slow path behind the native entry."""
        if state.trace is not None or state.compiling:
            return self._compiled_function(*args, **kwargs)
        call = flatten_call(args, kwargs)
        variant, stays = self._compiled_known(call), True
        recorded = None if variant is None else record_call(variant, call)
        if variant is not None and recorded is not None:
            return variant.arrange(recorded, call)
        if variant is None or not variant.is_ready:
            with notice_of_compiling(self._compiled_name()), compiling(), paused_collector():
                if variant is None:
                    variant, stays = self._compiled_traced(call)
                    recorded = record_call(variant, call)
                if variant.graph.results and recorded is None:
                    _ = variant.program
        if recorded is not None:
            return variant.arrange(recorded, call)
        if stays and not kwargs and len(call.arguments) == len(args):
            self._compiled_speed_up(variant, call)
        return variant.run(call)

    def _compiled_known(self, call: Call) -> Variant | None:
        """Return the latest variant that holds for a call, None if it has to be traced."""
        group = self._compiled_variants.get(call.key)
        if group is None:
            return None
        self._compiled_variants.move_to_end(call.key)
        return next((v for v in reversed(group) if v.holds(call)), None)

    def _compiled_traced(self, call: Call) -> tuple[Variant, bool]:
        """Return a new variant for a call, and whether it can serve further calls."""
        group = self._compiled_variants.setdefault(call.key, [])
        if len(self._compiled_variants) > CACHE_SIZE:
            self._compiled_variants.popitem(last=False)
        seen = self._compiled_watch(call)
        drawn = _python_draws()
        once = self._compiled_untried or self._compiled_moved > 0
        variant = trace(self._compiled_function, call, self._compiled_options, seen, once=once)
        self._compiled_untried = False
        if _python_draws() != drawn:
            self._compiled_warn("draws random numbers from Python's or NumPy's generator")
        elif not seen.holds():
            self._compiled_moved += 1
            if self._compiled_moved == MOVES:
                self._compiled_warn("changes Python values that it reads")
        else:
            group.append(variant)
            del group[:-CACHE_SIZE]
            return variant, True
        return variant, False

    def _compiled_watch(self, call: Call) -> Watch:
        """Return the Python values that a trace with these arguments may read; searched again only if they have changed."""
        objects = [x for x in call.leaves if not isinstance(x, (Tensor, np.ndarray, *ATOMS))]
        objects += [a.hooks for a in call.arguments if a.hooks]
        known = None if objects else next((w for w in self._compiled_watches if w.holds()), None)
        if known is None:
            known = watch([self._compiled_function, *objects])
            if not objects:
                self._compiled_watches.appendleft(known)
        return known

    def _compiled_warn(self, why: str) -> None:
        """Warn, once, that every call is traced separately."""
        if not self._compiled_warned:
            self._compiled_warned = True
            warnings.warn(
                f"compiled function {self._compiled_name()} {why}: it is traced again at each "
                "call, since a trace would fix them. Pass what changes as tensors, or use graphc's own random numbers.",
                UserWarning, stacklevel=4,
            )  # fmt: skip

    def _compiled_name(self) -> str:
        """Return the name of the function, or of its class if it has none, in quotes."""
        function = self._compiled_function
        return repr(getattr(function, "__name__", type(function).__name__))

    def _compiled_speed_up(self, variant: Variant, call: Call) -> None:
        """Install the fast path for further calls like this one, if it has one."""
        if variant.fast is None:
            variant.fast = fast_path_of(variant, call, self._compiled_slow)
        if variant.fast is not None:
            self.__call__ = variant.fast

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Trace and compile for example arguments, without running, and return a view of every stage.

        Args:
            *args: positional arguments of the function.
            **kwargs: keyword arguments of the function.

        Returns:
            Object whose attributes are the graph and the program at each stage.
        """
        call = flatten_call(args, kwargs)
        with notice_of_compiling(self._compiled_name()):
            variant = self._compiled_known(call) or self._compiled_traced(call)[0]
            return Lowered(variant.graph, variant.forward, variant.program)
