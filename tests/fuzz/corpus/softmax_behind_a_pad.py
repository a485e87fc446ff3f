"""A reduction over a padded axis folded only what was not padding."""

import numpy as np

import graphc as torch
import graphc.nn.functional as F


def run(a):
    return torch.log_softmax(torch.tanh(F.pad(a, (3, 1))), 1)


args = [np.linspace(-2, 2, 19 * 36).reshape(19, 36)]
