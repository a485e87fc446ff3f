"""What computes a control-flow program: NumPy and torch with Python's own loops, and graphc."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

import graphc

__all__ = ["graphc_backend", "numpy_backend", "torch_backend"]

NAMES = ("sin", "cos", "tanh", "exp", "abs", "sqrt", "where", "maximum", "minimum", "amax", "argmax", "cumsum", "flip", "roll")


def plain_loops(
    clone: Callable[[Any], Any], stack: Callable[[Sequence[Any]], Any], number: Callable[[int], Any]
) -> dict[str, Any]:
    """Return loops and branches as Python runs them; bodies get copies, as what they are given is their own."""

    def copies(xs: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(clone(x) for x in xs)

    def cond(pred: Any, yes: Callable[..., Any], no: Callable[..., Any], operands: Sequence[Any]) -> Any:
        return copies((yes if bool(pred) else no)(*copies(operands)))

    def while_loop(test: Callable[..., Any], body: Callable[..., Any], carried: Sequence[Any]) -> Any:
        carried = copies(carried)
        while bool(test(*copies(carried))):
            carried = copies(body(*copies(carried)))
        return carried

    def fori_loop(low: Any, high: Any, body: Callable[..., Any], carried: Sequence[Any]) -> Any:
        carried = copies(carried)
        for i in range(int(low), int(high)):
            carried = copies(body(number(i), copies(carried)))
        return carried

    def scan(
        f: Callable[..., Any],
        init: Sequence[Any],
        xs: Sequence[Any] | None,
        length: int | None = None,
        reverse: bool = False,
        checkpoint: bool = False,
    ) -> Any:
        count = len(xs[0]) if length is None else length  # type: ignore[index]
        carried, stacks = copies(init), []
        for i in reversed(range(count)) if reverse else range(count):
            carried, ys = f(copies(carried), None if xs is None else copies([x[i] for x in xs]))
            carried = copies(carried)
            stacks.append(copies(ys))
        stacks = stacks[::-1] if reverse else stacks
        return carried, tuple(stack(items) for items in zip(*stacks, strict=True))

    return {"cond": cond, "while_loop": while_loop, "fori_loop": fori_loop, "scan": scan}


def numpy_backend(dtype: str) -> Any:
    """Return NumPy with Python's loops."""
    loops = plain_loops(lambda x: np.array(x), lambda xs: np.stack(xs), np.int64)
    names = {name: getattr(np, name) for name in NAMES if name != "flip"}  # there it is a view
    return SimpleNamespace(
        **names, **loops, flip=lambda x, axes: np.array(np.flip(x, axes)),
        clone=lambda x: np.array(x), clamp=np.clip, cat=np.concatenate,
        zeros=lambda shape: np.zeros(shape, dtype), flt=lambda x: np.asarray(x).astype(dtype),
    )  # fmt: skip


def torch_backend(torch: Any, dtype: str) -> Any:
    """Return torch with Python's loops."""

    def clone(x: Any) -> Any:
        return x.clone() if isinstance(x, torch.Tensor) else torch.tensor(x)

    kind = getattr(torch, dtype)
    names = {name: getattr(torch, name) for name in NAMES}
    return SimpleNamespace(
        **names, **plain_loops(clone, torch.stack, torch.tensor), clone=clone, clamp=torch.clamp, cat=torch.cat,
        zeros=lambda shape: torch.zeros(shape, dtype=kind), flt=lambda x: x.to(kind),
    )  # fmt: skip


def graphc_backend(dtype: str) -> Any:
    """Return graphc."""
    kind = getattr(graphc, dtype)
    names = {name: getattr(graphc, name) for name in (*NAMES, "cond", "while_loop", "fori_loop", "scan", "clamp", "cat")}
    return SimpleNamespace(
        **names, clone=lambda x: x.clone(), zeros=lambda shape: graphc.zeros(shape, dtype=kind), flt=lambda x: x.to(kind)
    )
