"""Adam and AdamW: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, constant, elementwise, full_like
from graphc.ir.core.graph import Node
from graphc.ir.core.types import F32, F64
from graphc.ops.common import number_like
from graphc.ops.create.fill import zeros
from graphc.optim.optimizer import Optimizer, check_not_negative, write, zeros_of
from graphc.tensors.tensor import Tensor

__all__ = ["Adam", "AdamW"]


def _scalar(x: Any) -> Node:
    return cast(x, F64) if isinstance(x, Node) else constant(x, F64)


def _bias_correction(beta: float, step: Node) -> Node:
    """Return 1 - beta**step in f64."""
    steps = cast(step, F64)
    return 1 - elementwise("pow", full_like(steps, beta), steps)


@op("AdamStep", varying=("lr",))
def _step(
    p: Node,
    grad: Node,
    mean: Node,
    square: Node,
    largest: Node | None,
    step: Node,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> tuple[Node, ...]:
    """Return the new parameter, step, mean, mean square and its maximum so far.

    Source: Kingma and Ba (2015); Loshchilov and Hutter (2019) for decoupled decay; Reddi et al. (2018) for amsgrad.
    """
    beta1, beta2 = betas
    lr = _scalar(lr)
    step = step + 1
    grad = -grad if maximize else grad
    if weight_decay and decoupled:
        p = p * number_like(1 - lr * weight_decay, p)
    elif weight_decay:
        grad = grad + p * weight_decay
    mean = _towards(mean, grad, 1 - beta1)
    square = square * beta2 + grad * (1 - beta2) * grad
    top = square if largest is None else elementwise("maximum", largest, square)
    root = elementwise("sqrt", _bias_correction(beta2, step))
    denominator = elementwise("sqrt", top) * number_like(1 / root, top) + eps
    size = -(lr / _bias_correction(beta1, step))
    return p + mean * number_like(size, mean) / denominator, step, mean, square, top


def _towards(x: Node, target: Node, weight: float) -> Node:
    """Interpolate from x to target, computed from the nearer end."""
    return x + (target - x) * weight if weight < 0.5 else target - (target - x) * (1 - weight)


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    With the gradient g of a parameter p in step t::

        g = g + weight_decay * p                  (p = p - lr * weight_decay * p with decoupled_weight_decay)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2        (amsgrad: its maximum over the steps so far is used below)
        p = p - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    Source: Kingma and Ba (2015); Reddi et al. (2018) for amsgrad.

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        betas: decay rates of the means of the gradient and of its square, each in [0, 1).
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        amsgrad: whether to use the maximum of the mean squares.
        foreach, capturable, differentiable, fused: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.
        decoupled_weight_decay: whether weight decay is applied to the parameter instead of the gradient, as in AdamW.

    Raises:
        ValueError: if `lr`, `eps` or `weight_decay` is negative, a beta is out of range, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.Adam([w], lr=0.1)
        >>> w.square().sum().backward()
        >>> optimizer.step()  # the first step is lr in the direction of the sign
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_not_negative("learning rate", lr)
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        for i, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return step 0 (a 0-d float32 tensor) and zeros for the running means.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        state = {"step": zeros((), dtype=F32), "exp_avg": zeros_of(p), "exp_avg_sq": zeros_of(p)}
        return {**state, "max_exp_avg_sq": zeros_of(p)} if options["amsgrad"] else state

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient, of the same shape.
            state: its state: "step", "exp_avg", "exp_avg_sq" and, with amsgrad, "max_exp_avg_sq".
            options: dict of the options of its group.
        """
        names = ["step", "exp_avg", "exp_avg_sq"] + (["max_exp_avg_sq"] if options["amsgrad"] else [])
        new = _step(
            p,
            grad,
            state["exp_avg"],
            state["exp_avg_sq"],
            state.get("max_exp_avg_sq"),
            state["step"],
            options["lr"],
            tuple(options["betas"]),
            options["eps"],
            options["weight_decay"],
            options["decoupled_weight_decay"],
            options["maximize"],
        )
        write(zip([p, *(state[n] for n in names)], new, strict=False))


class AdamW(Adam):
    """Adam with decoupled weight decay.

    With the gradient g of a parameter p in step t::

        p = p - lr * weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2        (amsgrad: its maximum over the steps so far is used below)
        p = p - lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)

    Source: Loshchilov and Hutter (2019).

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        betas: decay rates of the means of the gradient and of its square, each in [0, 1).
        eps: added to the denominator.
        weight_decay: decay rate of the parameters, relative to `lr`.
        amsgrad: whether to use the maximum of the mean squares.
        maximize: whether to ascend instead.
        foreach, capturable, differentiable, fused: accepted for compatibility with torch and ignored.

    Raises:
        ValueError: if `lr`, `eps` or `weight_decay` is negative, a beta is out of range, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.AdamW([w], lr=0.1, weight_decay=0.5)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.8500, -1.8000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
