"""The names that torch lacks, has otherwise or differentiates wrongly: torch, where it is installed, runs the same programs."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

__all__ = ["functional", "oracle"]

EPS = 1e-5
"""What normalization layers add to a variance."""


def oracle(torch: Any) -> Any:
    """Return torch with cond, scan, while_loop, fori_loop, and vmap as plain programs."""

    def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()) -> Any:
        return (true_fn if bool(pred) else false_fn)(*_cloned(operands)).clone()

    def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried: Any) -> Any:
        while bool(cond_fn(*_cloned(carried))):
            carried = body_fn(*_cloned(carried))
        return tuple(_cloned(carried))

    def fori_loop(start: int, stop: int, body: Callable[..., Any], carried: Any) -> Any:
        for i in range(start, stop):
            carried = body(torch.tensor(i), carried.clone())
        return carried.clone()

    def scan(f: Callable[..., Any], init: Any, xs: Any, reverse: bool = False) -> Any:
        if not len(xs):
            raise NotImplementedError("no items")
        ys: list[Any] = []
        for i in reversed(range(len(xs))) if reverse else range(len(xs)):
            init, y = f(init.clone(), xs[i].clone())
            ys.append(y)
        return init.clone(), torch.stack(ys[::-1] if reverse else ys)

    def vmap(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *xs: torch.stack([f(*(x[i].clone() for x in xs)) for i in range(len(xs[0]))])

    def grad(f: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
        """Wait for the call: what torch imports for it takes seconds."""
        return lambda *xs: torch.func.grad(f, argnums)(*xs)

    def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
        """Give the tangent the dtype of the value: torch makes that of `0.5 * x` f64 where x is a 0-d f32."""
        value, tangent = torch.func.jvp(f, primals, tangents)
        return value, tangent.to(value.dtype) if isinstance(value, torch.Tensor) else tangent

    func = _Namespace(torch.func, grad=grad, jvp=jvp)
    return _Namespace(torch, cond=cond, while_loop=while_loop, fori_loop=fori_loop, scan=scan, vmap=vmap, func=func)


def functional(torch: Any) -> Any:
    """Return torch.nn.functional with normalizations as plain expressions.

    Reverse over forward, torch's own have wrong derivatives; finite differences agree with those of the expressions.
    """

    def normalized(x: Any, dims: tuple[int, ...]) -> Any:
        variance, mean = torch.var_mean(x, dims, correction=0, keepdim=True)
        return (x - mean) * torch.rsqrt(variance + EPS)

    def layer_norm(x: Any, shape: tuple[int, ...]) -> Any:
        return normalized(x, tuple(range(x.ndim - len(shape), x.ndim)))

    def instance_norm(x: Any) -> Any:
        return normalized(x, tuple(range(2, x.ndim)))

    def batch_norm(x: Any, running_mean: None, running_var: None, training: bool) -> Any:
        if x.shape.numel() == x.shape[1]:
            raise ValueError("one value a channel")
        return normalized(x, (0, *range(2, x.ndim)))

    def group_norm(x: Any, groups: int) -> Any:
        split = x.reshape(x.shape[0], groups, -1)
        return normalized(split, (2,)).reshape(x.shape)

    names = {f.__name__: f for f in (layer_norm, instance_norm, batch_norm, group_norm)}
    return _Namespace(torch.nn.functional, **names)


def _cloned(xs: Any) -> list[Any]:
    return [x.clone() if hasattr(x, "clone") else x for x in xs]


class _Namespace(SimpleNamespace):
    def __init__(self, module: ModuleType, **names: Any) -> None:
        super().__init__(**names)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_module"], name)
