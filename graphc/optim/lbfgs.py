"""L-BFGS: a quasi-Newton method that keeps the last changes of gradients and parameters."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt
from typing import Any

from graphc.autograd.grad_mode import enable_grad, no_grad
from graphc.ops.create.fill import zeros
from graphc.ops.shape.joining import cat
from graphc.optim.optimizer import Optimizer
from graphc.tensors.tensor import Tensor

__all__ = ["LBFGS"]

Evaluate = Callable[[float], tuple[float, Tensor, float]]
"""The loss, its gradient and its slope along the direction, at a distance."""


def cubic_minimum(x1: float, f1: float, g1: float, x2: float, f2: float, g2: float, low: float, high: float) -> float:
    """Return the minimum in [low, high] of the cubic through two values and slopes; the middle if there is none."""
    a = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = a * a - g1 * g2
    if square < 0 or not isfinite(square):
        return (low + high) / 2
    root = sqrt(square)
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + root - a) / (g2 - g1 + 2 * root))
    else:
        place = x1 - (x1 - x2) * ((g1 + root - a) / (g1 - g2 + 2 * root))
    return min(max(place, low), high)


class Bracket:
    """A line search for the strong Wolfe conditions: bracket a minimum, then shrink the bracket.

    Source: Nocedal and Wright, "Numerical optimization" (2006), algorithms 3.5 and 3.6.
    """

    def __init__(self, evaluate: Evaluate, loss: float, gradient: Tensor, slope: float, width: float) -> None:
        self.evaluate, self.loss, self.gradient, self.slope, self.width = evaluate, loss, gradient, slope, width
        self.evaluations = 0

    def at(self, t: float) -> tuple[float, float, Tensor, float]:
        """Return the point at a distance: (t, loss, gradient, slope)."""
        self.evaluations += 1
        return (t, *self.evaluate(t))

    def search(self, t: float, change: float, most: int = 25) -> tuple[float, float, Tensor]:
        """Return a distance, and the loss and the gradient there."""
        before = (0.0, self.loss, self.gradient, self.slope)
        point = self.at(t)
        for k in range(most):
            rises = point[1] > self.loss + 1e-4 * point[0] * self.slope or (k and point[1] >= before[1])
            if rises or (abs(point[3]) > -0.9 * self.slope and point[3] >= 0):
                return self.shrink([before, point], change, most - k)
            if abs(point[3]) <= -0.9 * self.slope:
                return point[0], point[1], point[2]
            low, high = point[0] + 0.01 * (point[0] - before[0]), point[0] * 10
            (x1, f1, _, g1), (x2, f2, _, g2) = before, point
            before, point = point, self.at(cubic_minimum(x1, f1, g1, x2, f2, g2, low, high))
        return self.shrink([(0.0, self.loss, self.gradient, self.slope), point], change, 0)

    def shrink(self, ends: list[tuple[float, float, Tensor, float]], change: float, most: int) -> tuple[float, float, Tensor]:
        """Return the best point after the bracket was shrunk until a point satisfies the conditions."""
        slow = False
        low, high = (0, 1) if ends[0][1] <= ends[1][1] else (1, 0)
        for _ in range(most):
            if abs(ends[1][0] - ends[0][0]) * self.width < change:
                break
            (x1, f1, _, g1), (x2, f2, _, g2) = ends
            left, right = min(x1, x2), max(x1, x2)
            t = cubic_minimum(x1, f1, g1, x2, f2, g2, left, right)
            margin = 0.1 * (right - left)
            if min(right - t, t - left) < margin:
                if slow or t >= right or t <= left:
                    t, slow = (right - margin if abs(t - right) < abs(t - left) else left + margin), False
                else:
                    slow = True
            else:
                slow = False
            point = self.at(t)
            if point[1] > self.loss + 1e-4 * t * self.slope or point[1] >= ends[low][1]:
                ends[high] = point
                low, high = (0, 1) if ends[0][1] <= ends[1][1] else (1, 0)
                continue
            done = abs(point[3]) <= -0.9 * self.slope
            if not done and point[3] * (ends[high][0] - ends[low][0]) >= 0:
                ends[high] = ends[low]
            ends[low] = point
            if done:
                break
        return ends[low][0], ends[low][1], ends[low][2]


class LBFGS(Optimizer):
    """L-BFGS: Newton's method with an inverse Hessian that is estimated from the last steps.

    `step` needs a function that evaluates the loss again, and reads values: it is not for compiled functions, but the function
    may be compiled. Source: Nocedal, "Updating quasi-Newton matrices with limited storage" (1980).

    Args:
        params: iterable of leaf tensors of any shapes, one group.
        lr: factor of each step.
        max_iter: iterations of each call of `step`.
        max_eval: evaluations of each call of `step`, None for 5 / 4 of max_iter.
        tolerance_grad: largest element of the gradient at which to stop.
        tolerance_change: change of the loss or the parameters at which to stop.
        history_size: number of steps that are kept.
        line_search_fn: "strong_wolfe", or None for steps of length lr.

    Raises:
        ValueError: if lr is negative, or there is more than one group or no parameter.
        TypeError: if `params` is a single tensor, or contains anything but tensors.

    Example:
        >>> w = graphc.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = w.square().sum()
        ...     loss.backward()
        ...     return loss
        >>> optimizer.step(closure)
        tensor(5., grad_fn=<SumBackward0>)
        >>> bool((w.abs() < 1e-6).all())
        True
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        options = {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        }  # fmt: skip
        super().__init__(params, options)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def _gradient(self) -> Tensor:
        params = self.param_groups[0]["params"]
        flat = [zeros(p.numel(), dtype=p.dtype) if p.grad is None else p.grad.detach().reshape(-1).clone() for p in params]
        result: Tensor = cat(flat)
        return result

    def _move(self, starts: list[Tensor], t: float, direction: Tensor) -> None:
        offset = 0
        for p, start in zip(self.param_groups[0]["params"], starts, strict=True):
            part = direction[offset : offset + p.numel()].reshape(tuple(p.shape))
            p.copy_(start + part * t)
            offset += p.numel()

    def _direction(self, state: dict[str, Any], gradient: Tensor) -> Tensor:
        """Return minus the estimated inverse Hessian times the gradient."""
        q: Tensor = -gradient
        alphas: list[Any] = []
        pairs = list(zip(state["steps"], state["changes"], state["ro"], strict=True))
        for s, y, ro in reversed(pairs):
            alphas.append(s.dot(q) * ro)
            q = q - y * alphas[-1]
        q = q * state["H_diag"]
        for s, y, ro in pairs:
            q = q + s * (alphas.pop() - y.dot(q) * ro)
        return q

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Run up to max_iter iterations.

        Args:
            closure: function without arguments that resets the gradients, evaluates the loss, calls `backward` and returns the
                loss.

        Returns:
            What the first call of `closure` returned.

        Raises:
            TypeError: without a closure.
            RuntimeError: if the line search is another word.
        """
        group = self.param_groups[0]
        if closure is None:
            raise TypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        with no_grad():
            return self._iterate(group, closure)

    def _evaluate(self, closure: Callable[[], Any]) -> Any:
        with enable_grad():
            return closure()

    def _remember(self, state: dict[str, Any], gradient: Tensor, size: int) -> None:
        change = gradient - state["prev_flat_grad"]
        step = state["d"] * state["t"]
        product = change.dot(step).item()
        if product > 1e-10:
            for name, value in (("steps", step), ("changes", change), ("ro", 1 / product)):
                state[name] = [*state[name], value][-size:]
            state["H_diag"] = product / change.dot(change).item()

    def _iterate(self, group: dict[str, Any], closure: Callable[[], Any]) -> Any:
        state = self.state[group["params"][0]]
        if not state:
            state.update({"n_iter": 0, "func_evals": 0, "steps": [], "changes": [], "ro": [], "H_diag": 1.0})
        first = self._evaluate(closure)
        loss, gradient, evaluations = float(first), self._gradient(), 1
        state["func_evals"] += 1
        if gradient.abs().max().item() <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            if state["n_iter"] > 1:
                self._remember(state, gradient, group["history_size"])
            direction = self._direction(state, gradient) if state["n_iter"] > 1 else -gradient
            state["prev_flat_grad"], before = gradient, loss
            t = min(1.0, 1.0 / gradient.abs().sum().item()) * group["lr"] if state["n_iter"] == 1 else group["lr"]
            slope = gradient.dot(direction).item()
            state["d"], state["t"] = direction, t
            if slope > -group["tolerance_change"]:
                break
            starts = [p.detach().clone() for p in group["params"]]
            used = 0
            if group["line_search_fn"] is None:
                self._move(starts, t, direction)
                if iteration != group["max_iter"]:
                    loss, gradient, used = float(self._evaluate(closure)), self._gradient(), 1
            else:

                def evaluate(t: float, starts: Any = starts, direction: Any = direction) -> tuple[float, Tensor, float]:
                    self._move(starts, t, direction)
                    value = float(self._evaluate(closure))
                    return value, (g := self._gradient()), g.dot(direction).item()

                bracket = Bracket(evaluate, loss, gradient, slope, direction.abs().max().item())
                t, loss, gradient = bracket.search(t, group["tolerance_change"])
                self._move(starts, t, direction)
                used, state["t"] = bracket.evaluations, t
            evaluations += used
            state["func_evals"] += used
            if self._converged(group, gradient, direction, t, loss - before, evaluations):
                break
        return first

    def _converged(
        self, group: dict[str, Any], gradient: Tensor, direction: Tensor, t: float, change: float, evaluations: int
    ) -> bool:
        small = group["tolerance_change"]
        return bool(
            evaluations >= group["max_eval"]
            or gradient.abs().max().item() <= group["tolerance_grad"]
            or direction.abs().max().item() * t <= small
            or abs(change) < small
        )
