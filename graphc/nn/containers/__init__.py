"""Containers of modules (a sequence, a list, a dictionary) and of parameters."""

from graphc.nn.containers.modules import ModuleDict, ModuleList, Sequential
from graphc.nn.containers.parameters import ParameterDict, ParameterList

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]
