"""Steps scaled by the size of recent or of all past gradients."""

from __future__ import annotations

from typing import Any

from graphc.ir.core.build import elementwise
from graphc.ir.core.graph import Node
from graphc.ops.common import number_like
from graphc.ops.creation import full_like, zeros
from graphc.optim.optimizer import Optimizer, check_not_negative, write, zeros_of
from graphc.tensors.dispatch import op
from graphc.tensors.tensor import Tensor

__all__ = ["Adagrad", "RMSprop"]


@op("RmspropStep")
def _rmsprop(
    p: Node,
    grad: Node,
    square: Node,
    mean: Node | None,
    buffer: Node | None,
    step: Node,
    lr: Any,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    maximize: bool,
) -> tuple[Node, ...]:
    """Return the new parameter, step, mean square, mean and momentum.

    Source: Hinton's lectures; Graves (2013) for the mean.
    """
    grad = -grad if maximize else grad
    grad = grad + p * weight_decay if weight_decay else grad
    square = square * alpha + grad * (1 - alpha) * grad
    spread = square
    if mean is not None:
        mean = mean + (grad - mean) * (1 - alpha)
        spread = square - mean * mean
    change = grad / (elementwise("sqrt", spread) + eps)
    if buffer is not None:
        change = buffer = buffer * momentum + change
    moved = p + change * -number_like(lr, p)
    return (moved, step + 1, square, *([mean] if mean is not None else []), *([buffer] if buffer is not None else []))


class RMSprop(Optimizer):
    """Divide gradients by a running root mean square, as torch.optim.RMSprop.  Raises ValueError for negative options."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        for name, value in (
            ("learning rate", lr),
            ("epsilon value", eps),
            ("momentum value", momentum),
            ("weight_decay value", weight_decay),
            ("alpha value", alpha),
        ):
            check_not_negative(name, value)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return step 0 and zeros."""
        state = {"step": zeros(()), "square_avg": zeros_of(p)}
        if options["centered"]:
            state["grad_avg"] = zeros_of(p)
        if options["momentum"] > 0:
            state["momentum_buffer"] = zeros_of(p)
        return state

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Move one parameter and its state."""
        new = _rmsprop(
            p,
            grad,
            state["square_avg"],
            state.get("grad_avg"),
            state.get("momentum_buffer"),
            state["step"],
            options["lr"],
            options["alpha"],
            options["eps"],
            options["weight_decay"],
            options["momentum"],
            options["maximize"],
        )
        names = [n for n in ("step", "square_avg", "grad_avg", "momentum_buffer") if n in state]
        write(zip([p, *(state[n] for n in names)], new, strict=True))


@op("AdagradStep")
def _adagrad(
    p: Node, grad: Node, total: Node, step: Node, lr: Any, lr_decay: float, eps: float, weight_decay: float, maximize: bool
) -> tuple[Node, Node, Node]:
    """Return the new parameter, step and sum of squares.  Source: Duchi et al. (2011)."""
    step = step + 1
    grad = -grad if maximize else grad
    grad = grad + p * weight_decay if weight_decay else grad
    total = total + grad * grad
    size = number_like(lr, p) / (number_like(step - 1, p) * lr_decay + 1)
    return p + grad * -size / (elementwise("sqrt", total) + eps), step, total


class Adagrad(Optimizer):
    """Divide gradients by the root of the sum of their squares, as torch.optim.Adagrad.  Raises ValueError."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        for name, value in (
            ("learning rate", lr),
            ("lr_decay value", lr_decay),
            ("weight_decay value", weight_decay),
            ("initial_accumulator_value value", initial_accumulator_value),
            ("epsilon value", eps),
        ):
            check_not_negative(name, value)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return step 0 and the sum that squares are added to."""
        return {"step": zeros(()), "sum": full_like(p, float(options["initial_accumulator_value"]))}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Move one parameter and its state."""
        new = _adagrad(
            p,
            grad,
            state["sum"],
            state["step"],
            options["lr"],
            options["lr_decay"],
            options["eps"],
            options["weight_decay"],
            options["maximize"],
        )
        write(zip([p, state["step"], state["sum"]], new, strict=True))
