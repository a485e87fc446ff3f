"""Probability distributions, as in torch.distributions."""

from graphc.distributions import constraints, kl, transforms
from graphc.distributions.categorical import *
from graphc.distributions.continuous import *
from graphc.distributions.derived import *
from graphc.distributions.discrete import *
from graphc.distributions.distribution import *
from graphc.distributions.gammas import *
from graphc.distributions.kl import *
from graphc.distributions.multivariate import *
from graphc.distributions.transformed import *
from graphc.distributions.transforms import *

__all__ = [
    "AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ComposeTransform",
    "Dirichlet", "Distribution", "ExpTransform", "Exponential", "ExponentialFamily", "Gamma", "Geometric", "Gumbel",
    "HalfCauchy", "HalfNormal", "Independent", "IndependentTransform", "InverseGamma", "Laplace", "LogNormal",
    "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial", "MultivariateNormal", "NegativeBinomial", "Normal",
    "OneHotCategorical", "OneHotCategoricalStraightThrough", "Pareto", "Poisson", "PowerTransform", "ReshapeTransform",
    "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StickBreakingTransform", "StudentT", "TanhTransform",
    "Transform", "TransformedDistribution", "Uniform", "Weibull", "constraints", "kl", "kl_divergence", "register_kl",
    "transforms",
]  # fmt: skip
