"""Relatives of Adam: Adadelta, Adamax, NAdam, RAdam."""

from __future__ import annotations

from typing import Any

from graphc.ops.create.fill import ones, zeros
from graphc.ops.indexing.masks import where
from graphc.optim.optimizer import Optimizer, check_not_negative, write, zeros_of
from graphc.tensors.tensor import Tensor

__all__ = ["Adadelta", "Adamax", "NAdam", "RAdam"]


def prepared(p: Tensor, grad: Tensor, options: dict[str, Any], decay: bool = True) -> Tensor:
    """Return the gradient with the sign of the step and the L2 penalty."""
    grad = -grad if options["maximize"] else grad
    return grad + p * options["weight_decay"] if decay and options["weight_decay"] else grad


def check_betas(betas: tuple[float, float]) -> None:
    """Raise ValueError for a decay rate outside of [0, 1)."""
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


class Adadelta(Optimizer):
    """Adadelta: steps scaled by the ratio of running root mean squares of steps and gradients.

    With the gradient g of a parameter p::

        v = rho * v + (1 - rho) * g**2
        d = sqrt(a + eps) / sqrt(v + eps) * g
        a = rho * a + (1 - rho) * d**2
        p = p - lr * d

    Source: Zeiler, "ADADELTA" (2012).

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        rho: decay rate of the means.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        capturable, foreach, differentiable: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.

    Raises:
        ValueError: if an option is out of range, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.Adadelta([w], lr=1.0)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9968, -1.9968], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        for name, value in (("learning rate", lr), ("epsilon value", eps), ("weight_decay value", weight_decay)):
            check_not_negative(name, value)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        flags = {"foreach": foreach, "maximize": maximize, "capturable": capturable, "differentiable": differentiable}
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, **flags})

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return the state before the first step.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        return {"step": zeros(()), "square_avg": zeros_of(p), "acc_delta": zeros_of(p)}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient.
            state: its state.
            options: dict of the options of its group.
        """
        grad = prepared(p, grad, options)
        rho, eps = options["rho"], options["eps"]
        square = state["square_avg"] * rho + grad * grad * (1 - rho)
        change = (state["acc_delta"] + eps).sqrt() / (square + eps).sqrt() * grad
        steps = state["acc_delta"] * rho + change * change * (1 - rho)
        moved = p - change * options["lr"]
        write([(p, moved), (state["step"], state["step"] + 1), (state["square_avg"], square), (state["acc_delta"], steps)])


class Adamax(Optimizer):
    """Adamax: Adam with the running maximum of gradients in place of their root mean square.

    With the gradient g of a parameter p::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p = p - lr / (1 - beta1**t) * m / u

    Source: Kingma and Ba, "Adam" (2015).

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        betas: decay rates of the two means.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        capturable, foreach, differentiable: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.

    Raises:
        ValueError: if an option is out of range, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.Adamax([w], lr=0.1)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.9000, -1.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        for name, value in (("learning rate", lr), ("epsilon value", eps), ("weight_decay value", weight_decay)):
            check_not_negative(name, value)
        check_betas(betas)
        flags = {"foreach": foreach, "maximize": maximize, "capturable": capturable, "differentiable": differentiable}
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, **flags})

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return the state before the first step.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        return {"step": zeros(()), "exp_avg": zeros_of(p), "exp_inf": zeros_of(p)}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient.
            state: its state.
            options: dict of the options of its group.
        """
        grad = prepared(p, grad, options)
        (beta1, beta2), step = options["betas"], state["step"] + 1
        mean = state["exp_avg"] + (grad - state["exp_avg"]) * (1 - beta1)
        largest = (state["exp_inf"] * beta2).maximum(grad.abs() + options["eps"])
        moved = p - mean / largest * (options["lr"] / (1 - beta1 ** step.double()))
        write([(p, moved), (state["step"], step), (state["exp_avg"], mean), (state["exp_inf"], largest)])


class NAdam(Optimizer):
    """NAdam: Adam with Nesterov momentum.

    With the gradient g of a parameter p::

        mu = beta1 * (1 - 0.96**(t * momentum_decay) / 2)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        n = (1 - mu) / (1 - product(mu)) * g + mu' / (1 - product(mu) * mu') * m     (mu' of step t + 1)
        p = p - lr * n / (sqrt(v / (1 - beta2**t)) + eps)

    Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016).

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        betas: decay rates of the two means.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        momentum_decay: decay of the momentum.
        decoupled_weight_decay: whether the decay acts on the parameter instead of the gradient.
        capturable, foreach, differentiable: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.

    Raises:
        ValueError: if an option is out of range, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.NAdam([w], lr=0.1)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.8944, -1.8944], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        for name, value in (
            ("learning rate", lr),
            ("epsilon value", eps),
            ("weight_decay value", weight_decay),
            ("momentum_decay value", momentum_decay),
        ):
            check_not_negative(name, value)
        check_betas(betas)
        flags = {"foreach": foreach, "maximize": maximize, "capturable": capturable, "differentiable": differentiable}
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                **flags,
            },
        )

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return the state before the first step.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        return {"step": zeros(()), "mu_product": ones(()), "exp_avg": zeros_of(p), "exp_avg_sq": zeros_of(p)}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient.
            state: its state.
            options: dict of the options of its group.
        """
        grad = prepared(p, grad, options, decay=not options["decoupled_weight_decay"])
        start = p * (1 - options["lr"] * options["weight_decay"]) if options["decoupled_weight_decay"] else p
        (beta1, beta2), step, decay = options["betas"], state["step"] + 1, options["momentum_decay"]
        t = step.double()
        now = beta1 * (1 - 0.5 * 0.96 ** (t * decay))
        after = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
        product = (state["mu_product"].double() * now).to(state["mu_product"].dtype)
        mean = state["exp_avg"] + (grad - state["exp_avg"]) * (1 - beta1)
        square = state["exp_avg_sq"] * beta2 + grad * grad * (1 - beta2)
        below = (square / (1 - beta2**t)).sqrt() + options["eps"]
        momentum = mean * (options["lr"] * after / (1 - product.double() * after))
        moved = start - grad / below * (options["lr"] * (1 - now) / (1 - product.double())) - momentum / below
        values = (moved, step, product, mean, square)
        write(zip((p, *(state[k] for k in ("step", "mu_product", "exp_avg", "exp_avg_sq"))), values, strict=True))


class RAdam(Optimizer):
    """RAdam: Adam whose scaling begins when the variance of the mean square is known well enough.

    With the gradient g of a parameter p::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t), rho_inf = 2 / (1 - beta2) - 1
        r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        p = p - lr * m / (1 - beta1**t) * (r * sqrt(1 - beta2**t) / (sqrt(v) + eps) if rho > 5 else 1)

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond" (2020).

    Args:
        params: iterable of leaf tensors of any shapes, of (name, tensor) pairs, or of dicts with "params" and options of the
            group.
        lr: learning rate.
        betas: decay rates of the two means.
        eps: added to the denominator.
        weight_decay: factor of the L2 penalty.
        decoupled_weight_decay: whether the decay acts on the parameter instead of the gradient.
        capturable, foreach, differentiable: accepted for compatibility with torch and ignored.
        maximize: whether to ascend instead.

    Raises:
        ValueError: if an option is out of range, or there are no parameters.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.RAdam([w], lr=0.1)
        >>> w.square().sum().backward()
        >>> optimizer.step()
        >>> w
        tensor([ 0.8000, -1.6000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        for name, value in (("learning rate", lr), ("epsilon value", eps), ("weight_decay value", weight_decay)):
            check_not_negative(name, value)
        check_betas(betas)
        flags = {"foreach": foreach, "maximize": maximize, "capturable": capturable, "differentiable": differentiable}
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                **flags,
            },
        )

    def initial_state(self, p: Tensor, options: dict[str, Any]) -> dict[str, Any]:
        """Return the state before the first step.

        Args:
            p: the parameter.
            options: dict of the options of its group.
        """
        return {"step": zeros(()), "exp_avg": zeros_of(p), "exp_avg_sq": zeros_of(p)}

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], options: dict[str, Any]) -> None:
        """Update one parameter and its state in place.

        Args:
            p: the parameter.
            grad: its gradient.
            state: its state.
            options: dict of the options of its group.
        """
        grad = prepared(p, grad, options, decay=not options["decoupled_weight_decay"])
        start = p * (1 - options["lr"] * options["weight_decay"]) if options["decoupled_weight_decay"] else p
        (beta1, beta2), step = options["betas"], state["step"] + 1
        t = step.double()
        mean = state["exp_avg"] + (grad - state["exp_avg"]) * (1 - beta1)
        square = state["exp_avg_sq"] * beta2 + grad * grad * (1 - beta2)
        limit, bias = 2 / (1 - beta2) - 1, 1 - beta2**t
        rho = limit - 2 * t * beta2**t / bias
        known = rho > 5
        safe = where(known, rho, 6.0)
        ratio = ((safe - 4) * (safe - 2) * limit / ((limit - 4) * (limit - 2) * safe)).sqrt()
        scale = where(known, (ratio * bias.sqrt()).to(p.dtype) / (square.sqrt() + options["eps"]), 1.0)
        moved = start - mean * scale * (options["lr"] / (1 - beta1**t))
        write([(p, moved), (state["step"], step), (state["exp_avg"], mean), (state["exp_avg_sq"], square)])
