"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from graphc.ir.core.graph import Node
from graphc.ops.common import number_like
from graphc.optim.optimizer import Optimizer, check_not_negative, write, zeros_of
from graphc.tensors.dispatch import op
from graphc.tensors.tensor import Tensor
from graphc.tracing.trace import guard, paused

__all__ = ["SGD"]


@op("SgdStep")
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
    """p -= lr * g, with momentum, Nesterov's variant and weight decay, as torch.optim.SGD.

    Raises ValueError for negative options.
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
        """Return zeros for the momentum: the first step makes them the gradient."""
        return {"momentum_buffer": zeros_of(p)} if options["momentum"] and not options["dampening"] else {}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Move one parameter."""
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
