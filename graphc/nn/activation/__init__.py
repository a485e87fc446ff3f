"""Activations as modules: each calls the function of the same name with the options it was constructed with."""

from graphc.nn.activation.base import Activation
from graphc.nn.activation.piecewise import Hardshrink, Hardsigmoid, Hardswish, Hardtanh, Softshrink
from graphc.nn.activation.rectifiers import CELU, ELU, SELU, LeakyReLU, PReLU, ReLU, ReLU6, Threshold
from graphc.nn.activation.smooth import GELU, GLU, LogSigmoid, Mish, Sigmoid, SiLU, Softplus, Softsign, Tanh, Tanhshrink
from graphc.nn.activation.softmax import LogSoftmax, Softmax, Softmax2d, Softmin

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "Activation", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip
