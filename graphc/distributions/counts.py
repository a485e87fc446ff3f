"""Poisson and binomially distributed numbers, in a few steps whatever their means are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.control_flow.api import while_loop
from graphc.core.dtypes import float64
from graphc.ops.create.fill import full_like
from graphc.ops.indexing.masks import where
from graphc.ops.random.floats import rand, randn
from graphc.ops.special.gamma import lgamma

__all__ = []

LARGE = 10.0
"""The mean from which on numbers are found by rejection; events below it are counted one by one."""
HUGE = 1e12
"""The mean, or number of trials, from which on numbers are normal: float64 logarithms of factorials are too coarse there."""


def poisson(rate: Any) -> Any:
    """Return Poisson distributed numbers."""
    mean = rate.detach().double()
    small = mean < LARGE
    safe = where((mean >= LARGE) & (mean < HUGE), mean, LARGE)
    b = 0.931 + 2.53 * safe.sqrt()
    hat = (safe + 0.43, b, -0.059 + 0.02483 * b, (1.1239 + 1.1328 / (b - 3.4)).log())
    many = _rejected(hat, lambda k: k * safe.log() - safe - lgamma(k + 1), _normal(mean, mean), mean == safe)
    return where(small, _arrivals(where(small, mean, 0.0)), many).to(rate.dtype)


def binomial(count: Any, probs: Any) -> Any:
    """Return how many of some trials succeed, in the dtype of the probabilities; both arguments have one shape."""
    n, p = count.detach().double(), probs.detach().double()
    rare = where(p > 0.5, 1 - p, p)
    mean = n * rare
    small, fits = mean < LARGE, (mean >= LARGE) & (n < HUGE)
    trials, q = where(fits, n, 4 * LARGE), where(fits, rare, 0.5)
    deviation = (trials * q * (1 - q)).sqrt()

    def log_prob(k: Any) -> Any:
        ways = lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
        valid = (k >= 0) & (k <= trials)
        return where(valid, ways + k * q.log() + (trials - k) * (-q).log1p(), float("-inf"))

    b = 1.15 + 2.53 * deviation
    mode = ((trials + 1) * q).floor()
    scale = ((2.83 + 5.1 / b) * deviation).log() + log_prob(mode)
    hat = (trials * q + 0.5, b, -0.0873 + 0.0248 * b + 0.01 * q, scale)
    many = _rejected(hat, log_prob, _normal(mean, mean * (1 - rare)), fits)
    k = where(small, _successes(where(small, n, 0.0), where(small, rare, 0.5)), many)
    return where(p > 0.5, n - k, k).to(probs.dtype)


def _normal(mean: Any, variance: Any) -> Any:
    """Return rounded normal numbers; the mean where it is infinite or NaN."""
    finite = mean < float("inf")
    noise = where(finite, variance, 0.0).sqrt() * randn(tuple(mean.shape), dtype=float64)
    return where(finite, (mean + noise).round(), mean)


def _arrivals(target: Any) -> Any:
    """Return how many exponentially distributed times fit into a time."""

    def arrival(count: Any, time: Any) -> Any:
        time = time - (1 - rand(tuple(target.shape), dtype=float64)).log()
        return count + (time <= target), time

    zero = full_like(target, 0.0)
    return while_loop(lambda count, time: (time <= target).any(), arrival, (zero, zero))[0]


def _successes(n: Any, p: Any) -> Any:
    """Return how many successes come in n trials: the numbers of trials from one to the next are geometrically distributed."""

    def success(count: Any, at: Any) -> Any:
        gap = (1 - rand(tuple(n.shape), dtype=float64)).log() / (-p).log1p()
        at = at + gap.ceil().clamp(min=1)
        return count + (at <= n), at

    zero = full_like(n, 0.0)
    return while_loop(lambda count, at: (at <= n).any(), success, (zero, zero))[0]


def _rejected(hat: tuple[Any, Any, Any, Any], log_prob: Callable[[Any], Any], others: Any, wanted: Any) -> Any:
    """Return counts of given probabilities where they are wanted, else other numbers.

    Source: Hörmann, "The transformed rejection method for generating Poisson random variables" (1993), and "The generation of
    binomial random variates" (1993).  The hat has a center, a width, a weight of its tails, and the logarithm of its scale.
    """
    center, b, a, scale = hat

    def attempt(value: Any, done: Any) -> Any:
        u = rand(tuple(center.shape), dtype=float64) - 0.5
        v = 1 - rand(tuple(center.shape), dtype=float64)
        inner = 0.5 - u.abs()
        k = ((2 * a / inner + b) * u + center).floor()
        fits = (k >= 0) & (v.log() + scale - (a / (inner * inner) + b).log() <= log_prob(k))
        return where(fits & ~done, k, value), done | fits

    return while_loop(lambda value, done: ~done.all(), attempt, (others, ~wanted))[0]
