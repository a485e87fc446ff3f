"""Newton's method for logistic regression: value, gradient and Hessian of one function, compiled together.

The Hessian's rows are gradients of the gradient's elements: transforms nest as they please, and the optimizer sees one graph.
Run `python examples/logistic_hessian.py`.
"""

import numpy as np

import graphc
from graphc.func import grad, grad_and_value


def loss(w: graphc.Tensor, x: graphc.Tensor, y: graphc.Tensor) -> graphc.Tensor:
    """Return the mean negative log-likelihood of labels y in {-1, 1}, with a small penalty on w."""
    margins = y * (x @ w)
    return graphc.log1p(graphc.exp(-margins)).mean() + 0.5e-3 * (w * w).sum()


@graphc.compile
def newton(w: graphc.Tensor, x: graphc.Tensor, y: graphc.Tensor) -> tuple[graphc.Tensor, graphc.Tensor, graphc.Tensor]:
    """Return value (), gradient (n,) and Hessian (n, n) of the loss at w (n,)."""
    gradient, value = grad_and_value(loss)(w, x, y)
    rows = [grad(lambda u, i=i: grad(loss)(u, x, y)[i])(w) for i in range(len(w))]
    return value, gradient, graphc.stack(rows)


def main() -> None:
    """Fit made-up data and print how fast Newton's method gets there."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 5))
    y = np.where(x @ [1.0, -2.0, 0.5, 0.0, 3.0] + rng.standard_normal(200) > 0, 1.0, -1.0)
    w = np.zeros(5)
    for iteration in range(8):
        value, gradient, hessian = newton(w, x, y)
        print(f"{iteration}  loss {value:.6f}  |gradient| {np.linalg.norm(gradient):.1e}")
        w -= np.linalg.solve(hessian, gradient)
    print("weights", np.round(w, 3))


if __name__ == "__main__":
    main()
