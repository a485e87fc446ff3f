"""RMSprop and Adagrad: steps scaled by the root mean square of recent gradients, or of all of them."""

from __future__ import annotations

from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import elementwise
from graphc.ir.core.graph import Node
from graphc.ops.common import number_like
from graphc.ops.create.fill import full_like, zeros
from graphc.optim.optimizer import Optimizer, check_not_negative, write, zeros_of
from graphc.tensors.tensor import Tensor

__all__ = ["Adagrad", "RMSprop"]


@op("RmspropStep", varying=("lr",))
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
    variance = square
    if mean is not None:
        mean = mean + (grad - mean) * (1 - alpha)
        variance = square - mean * mean
    change = grad / (elementwise("sqrt", variance) + eps)
    if buffer is not None:
        change = buffer = buffer * momentum + change
    moved = p + change * -number_like(lr, p)
    return (moved, step + 1, square, *([mean] if mean is not None else []), *([buffer] if buffer is not None else []))


class RMSprop(Optimizer):
    """RMSprop: divide the gradient by a running root mean square.

    With the gradient g of a parameter p::

        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        a = alpha * a + (1 - alpha) * g           (centered only: v - a**2 is used in place of v below)
        b = momentum * b + g / (sqrt(v) + eps)
        p = p - lr * b

    Source: Hinton's lectures (2012); Graves (2013) for the centered form.

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        alpha: decay rate of the means.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        momentum: factor of the momentum buffer, 0 for none.
        centered: whether to divide by the running standard deviation instead.
        capturable, foreach, differentiable: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.

    Raises:
        ValueError: if a number among the options is negative, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.RMSprop([w], lr=0.01)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

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
        """Return step 0 (a 0-d tensor) and zeros for the means and the momentum buffer.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        state = {"step": zeros(()), "square_avg": zeros_of(p)}
        if options["centered"]:
            state["grad_avg"] = zeros_of(p)
        if options["momentum"] > 0:
            state["momentum_buffer"] = zeros_of(p)
        return state

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient, of the same shape.
            state: its state: "step", "square_avg", with centered "grad_avg", with momentum "momentum_buffer".
            options: dict of the options of its group.
        """
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


@op("AdagradStep", varying=("lr",))
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
    """Adagrad: divide the gradient by the root of the sum of all past squares.

    With the gradient g of a parameter p in step t::

        g = g + weight_decay * p
        s = s + g**2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Source: Duchi, Hazan and Singer (2011).

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        lr_decay: how fast the learning rate falls with the number of steps.
        weight_decay: factor of the L2 penalty.
        initial_accumulator_value: the initial sum of squares.
        eps: added to the denominator.
        foreach, differentiable, fused: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.

    Raises:
        ValueError: if a number among the options is negative, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.Adagrad([w], lr=0.1)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

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
        """Return step 0 (a 0-d tensor) and the initial sum of squares.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        return {"step": zeros(()), "sum": full_like(p, float(options["initial_accumulator_value"]))}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient, of the same shape.
            state: its state: "step" and "sum".
            options: dict of the options of its group.
        """
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
