"""The signature of a primitive: how many operands and regions it takes, and the attributes it declares.

Each attribute is declared once, on the row of its primitive (graphc.ir.core.ops).  Its kind tells `make` how to check a value,
the printer and the parser how to write and read it, the structural key whether to extract its numbers, and batching how to
change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from graphc.ir.core.graph import Attribute, Node, Region, TypeRuleError
from graphc.ir.core.guards import Symbol
from graphc.ir.core.types import DType, TensorType

__all__ = [
    "AXES", "AXIS", "AXIS_MAP", "COUNT", "COUNTS", "DERIVATIVE", "DTYPE", "EXTENTS", "FLAG", "LENGTH", "LISTS_OF_AXES",
    "NUMBER", "RULES", "SHAPE", "SIZE", "STEPS", "STOPS", "TEXT", "TEXTS", "WIDTHS", "Attributes", "Layout", "Operands",
    "Params", "Regions", "Rule", "Signature", "Types", "checked", "misfit", "optional",
]  # fmt: skip

Operands = tuple[Node, ...]
Params = dict[str, Any]
Regions = tuple[Region, ...]
Types = tuple[TensorType, ...]
Rule = Callable[[Operands, Params, Regions], Types]
Attributes = Mapping[str, Attribute]

RULES = frozenset((
    "acos", "acosh", "asin", "asinh", "at-least", "at-most", "atan2", "atanh", "below-one", "checked", "copysign", "cosh",
    "cross-entropy", "difference", "exponential", "fmod", "hardsigmoid", "hardswish", "hypot", "inverse-root",
    "inverse-square", "logit", "logits", "quotient", "sinc", "sinh", "xlogy",
))  # fmt: skip
"""The derivative rules that a `derived` node can name: the keys of graphc.ir.transforms.derived_rules."""

T = TypeVar("T")

# -- kinds of attributes ----------------------------------------------------------------------------------------------


def _is_count(value: Any) -> bool:
    return type(value) is Symbol or (type(value) is int and value >= 0)  # symbols are compared by the type rules


def _is_counts(value: Any) -> bool:
    return type(value) is tuple and all(map(_is_count, value))


def _is_axes(value: Any) -> bool:
    return type(value) is tuple and all(map(_is_counts, value))


def _are_lane_axes(value: Any) -> bool:
    """Whether the value gives an axis, or None, for each operand and each result."""
    lists = type(value) is tuple and len(value) == 2 and all(type(axes) is tuple for axes in value)
    return lists and all(axis is None or _is_count(axis) for axes in value for axis in axes)


def _unchanged(value: Any, size: int) -> Any:
    return value


def _behind(axes: tuple[int, ...], size: int) -> tuple[int, ...]:
    return tuple([a + 1 for a in axes])


COUNT = Attribute("a count", _is_count)
"""A number of operands, results or loops."""
COUNTS = Attribute("counts", _is_counts)
LISTS_OF_AXES = Attribute("lists of axes", lambda value: type(value) is tuple and all(map(_is_axes, value)))
AXIS = Attribute("a count", _is_count, batched=lambda axis, size: axis + 1)
AXES = Attribute("counts", _is_counts, batched=_behind)
AXIS_MAP = Attribute("counts", _is_counts, batched=lambda axes, size: (0, *_behind(axes, size)))
"""For each axis of the operand or of the result, an axis of the other."""
SIZE = Attribute("a count", _is_count, batched=_unchanged, sizes=True)
"""An extent of the result."""
EXTENTS = Attribute("counts", _is_counts, sizes=True)
SHAPE = replace(EXTENTS, batched=lambda shape, size: (size, *shape))
STOPS = SHAPE
"""For each axis, its end."""
WIDTHS = replace(EXTENTS, batched=lambda widths, size: (0, *widths))
"""For each axis, a number of elements or a start."""
STEPS = replace(EXTENTS, batched=lambda steps, size: (1, *steps))
LENGTH = Attribute("a length", lambda value: value is None or _is_count(value), sizes=True)
NUMBER = Attribute("a number", lambda value: type(value) in (bool, int, float, Symbol), batched=_unchanged, sizes=True)
FLAG = Attribute("a flag", lambda value: type(value) is bool, batched=_unchanged)
DTYPE = Attribute("a dtype", lambda value: type(value) is DType, batched=_unchanged)
DERIVATIVE = Attribute("a derivative", lambda value: type(value) is str and value in RULES, batched=_unchanged)
TEXT = Attribute("a text", lambda value: type(value) is str, batched=_unchanged)
TEXTS = Attribute("texts", lambda value: type(value) is tuple and all(type(text) is str for text in value))

ELEMENTS = Attribute("a count", _is_count, decision=True)
"""A bound on the elements of values."""
LANES = Attribute("a count", _is_count, decision=True)
LANE_AXES = Attribute("axes of lanes", _are_lane_axes, decision=True)
OPERAND = Attribute("a count", _is_count, decision=True)
"""The number of an operand."""
OPERANDS = Attribute("counts", _is_counts, decision=True)
MARK = Attribute("a mark", lambda value: value is True, decision=True)


def optional(attribute: Attribute) -> Attribute:
    """Return the attribute as one that a node may lack, together with all other optional ones of its primitive."""
    return replace(attribute, optional=True)


# -- signatures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signature:
    """The operands of a primitive: `least` to `most` of them (None: any number), each with one result."""

    least: int
    most: int | None
    regions: int | None = 0
    """The number of regions; None is any number."""
    attributes: Attributes | None = None
    several: bool = False
    """Whether operands may have several results."""


def checked(name: str, signature: Signature, rule: Rule) -> Rule:
    """Return a type rule that first raises TypeRuleError for an application that violates the signature."""
    least, most, count, several = signature.least, signature.most, signature.regions, signature.several
    attributes = signature.attributes or {}

    def infer(operands: Operands, params: Params, regions: Regions) -> Types:
        if not least <= len(operands) or (most is not None and len(operands) > most):
            bound = "" if most == least else "at least " if len(operands) < least else "at most "
            limit = least if len(operands) < least else most
            raise TypeRuleError(f"{name} takes {bound}{limit} operand{'s'[: limit != 1]}, got {len(operands)}")
        for operand in operands:
            if len(operand.types) != 1 and not several:
                raise TypeRuleError(f"{name} takes operands of one result, got one of {len(operand.types)}")
        if count is not None and len(regions) != count:
            raise TypeRuleError(f"{name} has {count} region{'s'[: count != 1]}, got {len(regions)}")
        if params or attributes:
            _check_attributes(name, attributes, params)
        return rule(operands, params, regions)

    return infer


def _check_attributes(name: str, declared: Attributes, params: Params) -> None:
    if params.keys() != declared.keys():
        essential = {key: attribute for key, attribute in declared.items() if not attribute.decision}
        present = {key for key in params if key in essential or key not in declared}
        if present != essential.keys() and present != {key for key, attribute in essential.items() if not attribute.optional}:
            if not essential:
                raise TypeRuleError(f"{name} has no parameters, got {', '.join(params)}")
            raise TypeRuleError(f"{name} has the parameters {', '.join(essential)}, got {', '.join(params) or 'none'}")
    for key, value in params.items():
        if not declared[key].holds(value):
            raise TypeRuleError(misfit(name, key, declared[key], value))


def misfit(name: str, key: str, attribute: Attribute, value: Any) -> str:
    """Return what is wrong with a value for an attribute."""
    return f"{name} needs {attribute.kind} for {key}, got {value!r}"


class Layout(NamedTuple):
    """The layout of a loop's operands: the number of carries and of xs; the rest are captures.

    The results of the node are the final carries, then the stacked ys; those of its body are the next carries, then the ys.
    """

    carries: int
    xs: int = 0

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Layout:
        """Return the layout that the parameters of a scan or while give."""
        return cls(params["carries"], params.get("xs", 0))

    def split(self, values: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Split values, one per operand, into those of the carries, the xs and the captures."""
        n, m = self.carries, self.xs
        return values[:n], values[n : n + m], values[n + m :]

    def split_results(self, values: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
        """Split values, one per result, into those of the carries and the ys."""
        return values[: self.carries], values[self.carries :]
