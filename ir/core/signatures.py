"""What an application of a primitive is made of: how many operands and regions, and attributes of which kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.ir.core.graph import Node, Region, TypeRuleError
from graphc.ir.core.guards import Symbol
from graphc.ir.core.types import DType, TensorType

__all__ = ["RULES", "Operands", "Params", "Regions", "Rule", "Types", "check_application", "check_attributes", "signature"]

Operands = tuple[Node, ...]
Params = dict[str, Any]
Regions = tuple[Region, ...]
Types = tuple[TensorType, ...]
Rule = Callable[[Operands, Params, Regions], Types]

RULES = frozenset((
    "acos", "acosh", "asin", "asinh", "at-least", "at-most", "atan2", "atanh", "checked", "copysign", "cosh", "cross-entropy",
    "fmod", "hypot", "inverse-root", "inverse-square", "logit", "logits", "quotient", "sinc", "sinh", "xlogy",
))  # fmt: skip
"""The derivatives that a `derived` node can name: graphc.ir.transforms.derived_rules has them."""

Kind = Callable[[Any], bool]


def _is_count(value: Any) -> bool:
    return type(value) is Symbol or (type(value) is int and value >= 0)  # the rules compare symbols where it matters


def _is_counts(value: Any) -> bool:
    return type(value) is tuple and all(map(_is_count, value))


def _is_axes(value: Any) -> bool:
    return type(value) is tuple and all(map(_is_counts, value))


KINDS: dict[str, Kind] = {
    "a count": _is_count,
    "counts": _is_counts,
    "a length": lambda value: value is None or _is_count(value),
    "a flag": lambda value: type(value) is bool,
    "a dtype": lambda value: type(value) is DType,
    "a derivative": lambda value: type(value) is str and value in RULES,
    "a number": lambda value: type(value) in (bool, int, float, Symbol),
    "lists of axes": lambda value: type(value) is tuple and all(map(_is_axes, value)),
    "a text": lambda value: type(value) is str,
    "texts": lambda value: type(value) is tuple and all(type(text) is str for text in value),
}
"""What an attribute may be: integers are not negative, and no bool is one."""


def signature(least: int, most: int | None = None, regions: int | None = 0, **attributes: str) -> Callable[[Rule], Rule]:
    """Make a rule check first what it is applied to.

    That is `least` operands, or any number from there on if `most` is -1, of one result each, `regions` regions, or any
    number if that is None, and just the attributes of these names and kinds.
    """

    def checked(rule: Rule) -> Rule:
        name = rule.__name__.rstrip("_")

        def infer(operands: Operands, params: Params, given: Regions) -> Types:
            if most is not None and len(operands) < least:
                raise TypeRuleError(f"{name} takes at least {least} operand{'s'[: least != 1]}, got {len(operands)}")
            check_application(name, least if most is None else None, regions, operands, given)
            check_attributes(name, attributes, params)
            return rule(operands, params, given)

        return infer

    return checked


def check_application(name: str, arity: int | None, count: int | None, operands: Operands, regions: Regions) -> None:
    """Raise TypeRuleError if operands, of one result each, or regions are more or less than so many; None is any number."""
    if arity is not None and len(operands) != arity:
        raise TypeRuleError(f"{name} takes {arity} operand{'s'[: arity != 1]}, got {len(operands)}")
    for operand in operands:
        if len(operand.types) != 1:
            raise TypeRuleError(f"{name} takes operands of one result, got one of {len(operand.types)}")
    if count is not None and len(regions) != count:
        raise TypeRuleError(f"{name} has {count} region{'s'[: count != 1]}, got {len(regions)}")


def check_attributes(name: str, wanted: dict[str, str], params: Params) -> None:
    """Raise TypeRuleError if the parameters of a node are others than are wanted, or of another kind."""
    if params.keys() != wanted.keys():
        raise TypeRuleError(f"{name} has the parameters {', '.join(wanted) or 'of none'}, got {', '.join(params) or 'none'}")
    for key, kind in wanted.items():
        if not KINDS[kind](params[key]):
            raise TypeRuleError(f"{name} needs {kind} for {key}, got {params[key]!r}")
