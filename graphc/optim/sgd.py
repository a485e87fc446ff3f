"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from graphc.dispatch.operation import op
from graphc.ir.core.graph import Node
from graphc.ops.common import number_like
from graphc.optim.optimizer import Optimizer, check_not_negative, write, zeros_of
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import guard, paused

__all__ = ["SGD"]


@op("SgdStep", varying=("lr",))
def _moved(p: Node, step: Node, lr: Any) -> Node:
    return p + step * -number_like(lr, p)


@op("SgdStep")
def _decayed(p: Node, grad: Node, weight_decay: float, maximize: bool) -> Node:
    grad = -grad if maximize else grad
    return grad + p * weight_decay if weight_decay else grad


@op("SgdStep")
def _buffer(buffer: Node, grad: Node, momentum: float, dampening: float) -> Node:
    return buffer * momentum + (grad if dampening == 0 else grad * (1 - dampening))


@op("SgdStep")
def _nesterov(grad: Node, buffer: Node, momentum: float) -> Node:
    return grad + buffer * momentum


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov momentum and weight decay.

    With the gradient g of a parameter p::

        g = g + weight_decay * p
        b = momentum * b + (1 - dampening) * g    (b = g in the first step)
        p = p - lr * b                            (lr * (g + momentum * b) with nesterov; lr * g without momentum)

    Source: Sutskever et al. (2013) for momentum and Nesterov's variant; the formula is torch's, which scales by lr after the
    momentum.

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        momentum: factor of the momentum buffer, 0 for none.
        dampening: the gradient's share is 1 - `dampening` from the second step on.
        weight_decay: factor of the L2 penalty.
        nesterov: whether to use Nesterov momentum.
        maximize: whether to ascend instead.
        foreach, differentiable, fused: accepted for compatibility with torch and ignored.

    Raises:
        ValueError: if `lr`, `momentum` or `weight_decay` is negative; if `nesterov` without momentum or with dampening; if
            there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, 2.0], requires_grad=True)
        >>> optimizer = optim.SGD([w], lr=0.1)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([0.8000, 1.6000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_not_negative("learning rate", lr)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return zeros for the momentum buffer; nothing without momentum, or with dampening: the first step then makes the
        buffer.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        return {"momentum_buffer": zeros_of(p)} if options["momentum"] and not options["dampening"] else {}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its momentum buffer in place.

        Args:
            p: the parameter.
            grad: its gradient, of the same shape.
            state: its state; "momentum_buffer" has the shape of p.
            options: dict of the options of its group.
        """
        grad = _decayed(p, grad, options["weight_decay"], options["maximize"])
        if options["momentum"]:
            grad = self._with_momentum(p, grad, state, options)
        write([(p, _moved(p, grad, options["lr"]))])

    def _with_momentum(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> Any:
        momentum = options["momentum"]
        if guard(lambda: "momentum_buffer" in state):
            buffer = _buffer(state["momentum_buffer"], grad, momentum, options["dampening"])
        else:
            buffer = grad
            state["momentum_buffer"] = self._empty_buffer(p)
        write([(state["momentum_buffer"], buffer)])
        return _nesterov(grad, buffer, momentum) if options["nesterov"] else buffer

    def _empty_buffer(self, p: Tensor) -> Any:
        with paused():
            return zeros_of(p)
