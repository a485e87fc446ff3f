"""In-place forms: `name_` writes the result of `name` into the tensor's storage, through views into their base."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from graphc.ops.methods.docstrings import section
from graphc.tensors.tensor import Tensor

__all__ = ["INPLACE", "in_place"]

INPLACE = [
    "abs", "absolute", "acos", "acosh", "add", "addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr", "arccos",
    "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh", "baddbmm",
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "clamp",
    "clamp_max", "clamp_min", "clip", "copysign", "cos", "cosh", "cumprod", "cumsum", "deg2rad", "digamma", "div", "divide",
    "eq", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "fix", "float_power", "floor", "floor_divide", "fmod", "frac",
    "gcd", "ge", "greater", "greater_equal", "gt", "heaviside", "hypot", "i0", "igamma", "igammac", "index_add",
    "index_copy", "index_fill", "index_put", "index_reduce", "lcm", "ldexp", "le", "lerp", "less", "less_equal", "lgamma",
    "log", "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "lt",
    "masked_fill", "masked_scatter", "mul", "multiply", "mvlgamma", "nan_to_num", "ne", "neg", "negative", "nextafter",
    "not_equal", "polygamma", "pow", "put", "rad2deg", "reciprocal", "relu", "remainder", "renorm", "round", "rsqrt",
    "scatter", "scatter_add", "scatter_reduce", "sgn", "sigmoid", "sign", "sin", "sinc", "sinh", "sqrt", "square", "sub",
    "subtract", "tan", "tanh", "tril", "triu", "true_divide", "trunc", "xlogy",
]  # fmt: skip
"""The methods that have an in-place form."""

DOCSTRING = """In-place form of `{name}`: write its result into this tensor, and return this tensor.

{args}
Returns:
    This tensor; the result is converted to its dtype.

Raises:
    RuntimeError: if the result has another shape or a dtype of a higher kind (float into int, int into bool), elements of this
        tensor share memory (as after `expand`), or it is a leaf that requires a gradient while gradients are recorded.
"""


def in_place(function: Callable[..., Any], name: str) -> Callable[..., Tensor]:
    """Return the in-place form of a function, with its signature."""

    @wraps(function, updated=())  # without `nodes`, which would make it an operation
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return self._assign(function(self, *args, **kwargs))

    method.__name__ = method.__qualname__ = name
    args = re.sub(r"^    (\w+): .*\n( {8}.*\n)*", r"    \1: this tensor.\n", section(function, "Args"), count=1, flags=re.M)
    method.__doc__ = DOCSTRING.format(name=name.strip("_"), args=args)
    return method
