"""A reduction fused with a reader under a guard folded only the guarded elements."""

import numpy as np

import graphc.nn.functional as F


def f(x, g):
    y = x.clone()
    y[1:-1] = (x / x.sum())[1:-1]
    return F.pad((x + g.sum())[:18], (2, 0)), y


run = f
args = [np.arange(20.0, dtype=np.float32), np.ones(20, np.float32)]
