"""Special functions under the names of torch.special; each is the function of another name in `graphc`."""

from graphc.ops.elementwise.exponential import exp2, expm1, log1p
from graphc.ops.elementwise.gamma import digamma
from graphc.ops.elementwise.gamma import digamma as psi
from graphc.ops.elementwise.gamma import lgamma as gammaln
from graphc.ops.elementwise.rounding import round
from graphc.ops.elementwise.special import erf, logit, sinc, xlogy
from graphc.ops.elementwise.special import sigmoid as expit
from graphc.ops.nn.softmax import log_softmax, softmax
from graphc.ops.reduce.norms import logsumexp

__all__ = [
    "digamma", "erf", "exp2", "expit", "expm1", "gammaln", "log1p", "log_softmax", "logit", "logsumexp", "psi", "round", "sinc",
    "softmax", "xlogy",
]  # fmt: skip
