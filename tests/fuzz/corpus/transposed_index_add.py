"""The gradient of an index_add into a transpose of what it adds."""

import numpy as np

import graphc as torch


def f(b, i):
    v1 = b.T
    return v1, torch.index_add(v1, 1, i, b)


def loss(b, i):
    first, second = f(b, i)
    return (first * first).sum() + (second * second).sum()


run = torch.func.grad(loss, (0,))
args = [np.linspace(-1, 1, 400, dtype=np.float32).reshape(20, 20), np.arange(20) // 2]
