"""Train a classifier on handwritten digits, the whole step compiled: the main job without its bookkeeping.

Run `python examples/mlp_digits.py`.
"""

import numpy as np

import graphc
from graphc import nn
from graphc.cli.digits import batches, load
from graphc.nn import functional as F

graphc.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = graphc.optim.Adam(model.parameters(), lr=5e-3)


@graphc.compile
def step(x: graphc.Tensor, y: graphc.Tensor) -> graphc.Tensor:
    """Take one step on pictures f32 (n, 64) with labels i64 (n,); return the loss before it."""
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


@graphc.compile
def predict(x: graphc.Tensor) -> graphc.Tensor:
    """Return the likeliest labels, i64 (n,)."""
    return model(x).argmax(dim=1)


def main() -> None:
    """Train for ten epochs and print the loss and the accuracy on digits that were held out."""
    digits, rng = load(), np.random.default_rng(0)
    for epoch in range(10):
        losses = [step(x, y) for x, y in batches(digits.train_x, digits.train_y, 64, rng)]
        accuracy = np.mean(predict(digits.test_x) == digits.test_y)
        print(f"epoch {epoch}  loss {np.mean(losses):.4f}  accuracy {accuracy:.2%}")


if __name__ == "__main__":
    main()
