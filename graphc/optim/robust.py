"""Averaged gradient descent, and steps by the signs of gradients."""

from __future__ import annotations

from typing import Any

from graphc.ops.create.fill import ones, zeros
from graphc.ops.indexing.masks import where
from graphc.optim.adaptive import prepared
from graphc.optim.optimizer import Optimizer, check_not_negative, write, zeros_of
from graphc.tensors.tensor import Tensor

__all__ = ["ASGD", "Rprop"]


class ASGD(Optimizer):
    """ASGD: gradient descent that keeps the average of the parameters.

    With the gradient g of a parameter p::

        p = (1 - lambd * eta) * p - eta * g
        a = a + mu * (p - a)
        eta = lr / (1 + lambd * lr * t)**alpha
        mu = 1 / max(1, t - t0)

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992).

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        lambd: decay of the parameter.
        alpha: power of the decay of the learning rate.
        t0: step at which averaging begins.
        weight_decay: factor of the L2 penalty.
        capturable, foreach, differentiable: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.

    Raises:
        ValueError: if an option is out of range, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.ASGD([w], lr=0.1)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.8000, -1.6000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        for name, value in (("learning rate", lr), ("weight_decay value", weight_decay)):
            check_not_negative(name, value)
        flags = {"foreach": foreach, "maximize": maximize, "capturable": capturable, "differentiable": differentiable}
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, **flags})

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return the state before the first step.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        return {"step": zeros(()), "eta": zeros(()) + options["lr"], "mu": ones(()), "ax": zeros_of(p)}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient.
            state: its state.
            options: dict of the options of its group.
        """
        grad = prepared(p, grad, options)
        step, eta, mu = state["step"] + 1, state["eta"], state["mu"]
        moved = p * (1 - eta.double() * options["lambd"]) - grad * eta
        mean = where(mu == 1, moved, state["ax"] + (moved - state["ax"]) * mu)
        rate = options["lr"] / (1 + options["lambd"] * options["lr"] * step.double()) ** options["alpha"]
        weight = 1 / (step - options["t0"]).clamp(min=1)
        write([(p, moved), (state["step"], step), (eta, rate.to(eta.dtype)), (mu, weight), (state["ax"], mean)])


class Rprop(Optimizer):
    """Rprop: steps that grow while the gradient keeps its sign, and shrink when it changes.

    With the gradient g of a parameter p::

        f = etas[1] where g * g' > 0, etas[0] where g * g' < 0, else 1     (g' is the gradient before)
        s = min(max(s * f, step_sizes[0]), step_sizes[1])
        g = 0 where g * g' < 0
        p = p - s * sign(g)

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning" (1993).

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        etas: factors of a step after a change of sign, and after none.
        step_sizes: least and largest step.
        capturable, foreach, differentiable: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.

    Raises:
        ValueError: if an option is out of range, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.Rprop([w], lr=0.1)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        for name, value in (("learning rate", lr),):
            check_not_negative(name, value)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        flags = {"foreach": foreach, "maximize": maximize, "capturable": capturable, "differentiable": differentiable}
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, **flags})

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return the state before the first step.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        return {"step": zeros(()), "prev": zeros_of(p), "step_size": zeros_of(p) + options["lr"]}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient.
            state: its state.
            options: dict of the options of its group.
        """
        grad = -grad if options["maximize"] else grad
        (down, up), (least, most) = options["etas"], options["step_sizes"]
        same = grad * state["prev"]
        size = state["step_size"]
        size = where(same > 0, size * up, where(same < 0, size * down, size)).clamp(least, most)
        grad = where(same < 0, 0.0, grad)
        moved = p - grad.sign() * size
        write([(p, moved), (state["step"], state["step"] + 1), (state["prev"], grad), (state["step_size"], size)])
