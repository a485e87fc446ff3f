"""Which values parameters and samples may have, as in torch.distributions.constraints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphc.ops.linear_algebra.factorizations import cholesky_ex
from graphc.tensors.tensor import Tensor

__all__ = [
    "Constraint", "boolean", "dependent", "greater_than", "greater_than_eq", "half_open_interval", "independent",
    "integer_interval", "interval", "less_than", "lower_cholesky", "multinomial", "nonnegative", "nonnegative_integer",
    "one_hot", "positive", "positive_definite", "positive_integer", "real", "real_vector", "simplex", "square", "unit_interval",
]  # fmt: skip


@dataclass(frozen=True)
class Constraint:
    """A set of values: a test of tensors, its name, and how many axes one value has.

    Args:
        name: what `repr` shows.
        test: function from a tensor to a bool tensor, True where a value is in the set.
        event_dim: number of last axes that make one value.
        is_discrete: whether the values are isolated.
    """

    name: str
    test: Callable[[Any], Any]
    event_dim: int = 0
    is_discrete: bool = False

    def check(self, value: Tensor) -> Any:
        """Return a bool tensor: which values satisfy the constraint."""
        return self.test(value)

    def __repr__(self) -> str:
        return self.name


def _shown(bound: Any) -> str:
    """Return a bound as `repr` shows it; the values of a tensor may not be known."""
    return f"tensor of shape {tuple(bound.shape)}" if isinstance(bound, Tensor) else f"{bound}"


def _rows(test: Any) -> Any:
    return test.all(-1)


def greater_than(lower_bound: Any) -> Constraint:
    """Return the constraint of numbers above a bound."""
    return Constraint(f"GreaterThan(lower_bound={_shown(lower_bound)})", lambda x: lower_bound < x)


def greater_than_eq(lower_bound: Any) -> Constraint:
    """Return the constraint of numbers from a bound on."""
    return Constraint(f"GreaterThanEq(lower_bound={_shown(lower_bound)})", lambda x: lower_bound <= x)


def less_than(upper_bound: Any) -> Constraint:
    """Return the constraint of numbers below a bound."""
    return Constraint(f"LessThan(upper_bound={_shown(upper_bound)})", lambda x: x < upper_bound)


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Return the constraint of numbers between two bounds, which are included."""
    name = f"Interval(lower_bound={_shown(lower_bound)}, upper_bound={_shown(upper_bound)})"
    return Constraint(name, lambda x: (lower_bound <= x) & (x <= upper_bound))


def half_open_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Return the constraint of numbers between two bounds, of which the upper one is excluded."""
    name = f"HalfOpenInterval(lower_bound={_shown(lower_bound)}, upper_bound={_shown(upper_bound)})"
    return Constraint(name, lambda x: (lower_bound <= x) & (x < upper_bound))


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Return the constraint of whole numbers between two bounds, which are included."""
    name = f"IntegerInterval(lower_bound={_shown(lower_bound)}, upper_bound={_shown(upper_bound)})"
    return Constraint(name, lambda x: (x % 1 == 0) & (lower_bound <= x) & (x <= upper_bound), 0, True)


def multinomial(upper_bound: Any) -> Constraint:
    """Return the constraint of counts whose sum is at most a bound."""
    return Constraint("Multinomial()", lambda x: _rows(x >= 0) & (x.sum(-1) <= upper_bound), 1, True)


def independent(base_constraint: Constraint, reinterpreted_batch_ndims: int) -> Constraint:
    """Return a constraint whose last batch axes belong to one value."""

    def test(x: Any) -> Any:
        valid = base_constraint.check(x)
        return valid.flatten(valid.dim() - reinterpreted_batch_ndims).all(-1) if reinterpreted_batch_ndims else valid

    name = f"IndependentConstraint({base_constraint}, {reinterpreted_batch_ndims})"
    return Constraint(name, test, base_constraint.event_dim + reinterpreted_batch_ndims, base_constraint.is_discrete)


def _lower(x: Any) -> Any:
    return (x.tril() == x).flatten(-2).all(-1) & (x.diagonal(0, -2, -1) > 0).all(-1)


def _definite(x: Any) -> Any:
    symmetric = ((x - x.mT).abs() <= 1e-6 + 1e-5 * x.abs()).flatten(-2).all(-1)
    return symmetric & (cholesky_ex(x).info == 0)


real = Constraint("Real()", lambda x: x == x)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = Constraint("Boolean()", lambda x: (x == 0) | (x == 1), 0, True)
nonnegative_integer = Constraint("IntegerGreaterThan(lower_bound=0)", lambda x: (x % 1 == 0) & (x >= 0), 0, True)
positive_integer = Constraint("IntegerGreaterThan(lower_bound=1)", lambda x: (x % 1 == 0) & (x >= 1), 0, True)
simplex = Constraint("Simplex()", lambda x: _rows(x >= 0) & ((x.sum(-1) - 1).abs() < 1e-6), 1)
one_hot = Constraint("OneHot()", lambda x: _rows((x == 0) | (x == 1)) & (x.sum(-1) == 1), 1, True)
real_vector = independent(real, 1)
square = Constraint("Square()", lambda x: (x == x).flatten(-2).all(-1), 2)
lower_cholesky = Constraint("LowerCholesky()", _lower, 2)
positive_definite = Constraint("PositiveDefinite()", _definite, 2)
dependent = Constraint("Dependent()", lambda x: x == x)
