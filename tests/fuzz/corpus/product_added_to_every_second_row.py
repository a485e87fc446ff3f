"""Rows written in place were read again by the product that they got."""

import numpy as np


def run(b):
    c = b.clone()
    c[1::2] += (b @ b)[1::2]
    return c, b @ c


args = [np.arange(9.0, dtype=np.float32).reshape(3, 3)]
