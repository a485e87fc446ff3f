"""Optimizers and learning rate schedules, as in torch.optim."""

from graphc.optim import lr_scheduler
from graphc.optim.adam import Adam, AdamW
from graphc.optim.adaptive import Adadelta, Adamax, NAdam, RAdam
from graphc.optim.lbfgs import LBFGS
from graphc.optim.optimizer import Optimizer
from graphc.optim.rmsprop import Adagrad, RMSprop
from graphc.optim.robust import ASGD, Rprop
from graphc.optim.sgd import SGD

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "Optimizer", "RAdam", "RMSprop",
    "Rprop", "lr_scheduler",
]  # fmt: skip
