"""Causal attention written out in ordinary operations, compiled, and its gradient.

Run `python examples/attention.py`; `python -m graphc dump examples/attention.py:attention --shape 2,8,32:f32
2,8,32:f32 2,8,32:f32 --stage kernels` shows the kernels.
"""

import math

import numpy as np

import graphc


def attention(query: graphc.Tensor, key: graphc.Tensor, value: graphc.Tensor) -> graphc.Tensor:
    """Return what each position attends to among itself and those before it; all f32 (heads, positions, features)."""
    positions, features = query.shape[-2:]
    scores = query @ key.transpose(-2, -1) / math.sqrt(features)
    later = graphc.ones(positions, positions).triu(1) > 0
    weights = graphc.softmax(scores.masked_fill(later, -graphc.inf), dim=-1)
    return weights @ value


def loss(query: graphc.Tensor, key: graphc.Tensor, value: graphc.Tensor) -> graphc.Tensor:
    """Return one number, for a gradient."""
    return attention(query, key, value).square().mean()


def main() -> None:
    """Run the function and its gradient compiled, and check them."""
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((4, 64, 32), np.float32) for _ in range(3))

    out = graphc.compile(attention)(q, k, v)
    np.testing.assert_allclose(out[:, 0], v[:, 0], rtol=1e-6)  # the first position sees only itself
    print("attention", out.shape, out.dtype)

    gradients = graphc.compile(graphc.func.grad(loss, argnums=(0, 1, 2)))
    by_query, by_key, by_value = gradients(q, k, v)
    step = 1e-2 * by_value / np.abs(by_value).max()
    before, after = (float(loss(*map(graphc.tensor, (q, k, u)))) for u in (v, v + step))
    print(
        f"moving the values along the gradient: {before:.6f} -> {after:.6f}, predicted {before + (step * by_value).sum():.6f}"
    )
    print(f"gradients by query and key: {np.abs(by_query).max():.2e}, {np.abs(by_key).max():.2e} at most")
    print(gradients.lower(q, k, v).cost())


if __name__ == "__main__":
    main()
