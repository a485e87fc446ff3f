"""The methods and operators of `Tensor` that are operations, and their in-place forms.

Importing this module adds them to the class. An in-place form `name_` writes the result of `name` into the tensor's storage,
through views into their base.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import prod
from types import FunctionType
from typing import Any

from graphc.core import dtypes
from graphc.core.errors import guard, located
from graphc.ops.create import data, fill
from graphc.ops.elementwise import (
    arithmetic,
    bits,
    bounds,
    comparison,
    division,
    exponential,
    hyperbolic,
    logic,
    powers,
    predicates,
    rounding,
    signs,
    special,
    trigonometric,
)
from graphc.ops.indexing import gather, items, masks, scatter, slices
from graphc.ops.linear_algebra import affine, matrices, square_matrices, vectors
from graphc.ops.nn import rectifiers, softmax
from graphc.ops.random import floats, integers
from graphc.ops.reduce import counting, cumulative, extremes, moments, norms, sorting, sums
from graphc.ops.reduce import logic as reduce_logic
from graphc.ops.shape import axes, diagonals, order, parts, repetition, sizes
from graphc.ops.shape import slices as shape_slices
from graphc.tensors.tensor import Tensor, device, legacy
from graphc.tensors.typed import TensorType

__all__ = ["INPLACE", "METHODS", "OPERATORS"]

MODULES: tuple[Any, ...] = (
    arithmetic, bits, bounds, comparison, division, exponential, hyperbolic, logic, powers, predicates, rounding, signs,
    special, trigonometric, gather, items, masks, scatter, slices, affine, matrices, square_matrices, vectors, rectifiers,
    softmax, integers, counting, cumulative, extremes, reduce_logic, moments, norms, sorting, sums, axes, diagonals, order,
    parts, repetition, sizes, shape_slices,
)  # fmt: skip
"""The modules whose functions are methods too."""

FUNCTIONS = frozenset((
    "bilinear", "broadcast_tensors", "celu", "elu", "getitem", "leaky_relu", "linear", "meshgrid", "one_hot", "prelu",
    "put_item", "randint", "randint_like", "randperm", "relu6", "rsub", "selu", "softmin", "std_mean", "threshold",
    "var_mean", "vecdot", "where",
))  # fmt: skip
"""Their functions that are none."""

METHODS = {name: getattr(module, name) for module in MODULES for name in module.__all__ if name not in FUNCTIONS}
"""The operations that are methods, by name."""

INPLACE = [
    "abs", "absolute", "acos", "acosh", "add", "addcdiv", "addcmul", "asin", "asinh", "atan", "atan2", "atanh",
    "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "ceil", "clamp", "clamp_max", "clamp_min", "clip",
    "copysign", "cos", "cosh", "cumprod", "cumsum", "div", "divide", "eq", "erf", "exp", "exp2", "expm1", "floor",
    "floor_divide", "fmod", "frac", "ge", "gt", "hypot", "index_add", "index_copy", "index_fill", "index_put", "le", "lerp",
    "log", "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "lt",
    "masked_fill", "mul", "multiply", "nan_to_num", "ne", "neg", "negative", "pow", "reciprocal", "relu", "remainder",
    "round", "rsqrt", "scatter", "scatter_add", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "sub", "subtract",
    "tan", "tanh", "tril", "triu", "true_divide", "trunc", "xlogy",
]  # fmt: skip
"""The methods that have an in-place form."""

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": arithmetic.add,
    "radd": arithmetic.add,
    "sub": arithmetic.sub,
    "rsub": arithmetic.rsub,
    "mul": arithmetic.mul,
    "rmul": arithmetic.mul,
    "truediv": division.div,
    "rtruediv": division.rdiv,
    "floordiv": division.floor_divide,
    "mod": division.remainder,
    "pow": powers.pow,
    "rpow": powers.rpow,
    "matmul": matrices.matmul,
    "eq": comparison.eq,
    "ne": comparison.ne,
    "lt": comparison.lt,
    "le": comparison.le,
    "gt": comparison.gt,
    "ge": comparison.ge,
    "and": bits.bitwise_and,
    "rand": bits.bitwise_and,
    "or": bits.bitwise_or,
    "ror": bits.bitwise_or,
    "xor": bits.bitwise_xor,
    "rxor": bits.bitwise_xor,
    "lshift": bits.bitwise_left_shift,
    "rshift": bits.bitwise_right_shift,
    "rfloordiv": lambda x, y: division.floor_divide(y, x),
    "rmod": lambda x, y: division.remainder(y, x),
    "rmatmul": lambda x, y: matrices.matmul(y, x),
    "rlshift": lambda x, y: bits.bitwise_left_shift(y, x),
    "rrshift": lambda x, y: bits.bitwise_right_shift(y, x),
}
"""Binary operators; those with r in front have the operands the other way round."""

IN_PLACE_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift")


def _operator(function: Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    """Let Python try the other operand, as it does for NotImplemented, if this one cannot deal with it."""

    @wraps(function)
    def method(self: Tensor, other: Any) -> Any:
        try:
            return function(self, other)
        except TypeError:
            return NotImplemented

    return method


IN_PLACE_DOCSTRING = """In-place form of `{name}`: write its result into this tensor, and return this tensor.

Args:
    *args: the positional arguments of `{name}`, without the first.
    **kwargs: the keyword arguments of `{name}`.

Returns:
    This tensor; the result is converted to its dtype.

Raises:
    RuntimeError: if the result has another shape or a dtype of a higher kind (float into int, int into bool), elements of this
        tensor share memory (as after `expand`), or it is a leaf that requires a gradient while gradients are recorded.
"""


def _in_place(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return self._assign(function(self, *args, **kwargs))

    method.__name__ = method.__qualname__ = name
    method.__doc__ = IN_PLACE_DOCSTRING.format(name=name.strip("_"))
    return method


# -- methods that are not operations --------------------------------------------------------------------


def _to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Convert the dtype.

    Args:
        *args: a dtype, or a tensor whose dtype is taken; a device is allowed, and is always the CPU.
        **kwargs: `dtype`, `device`, `other` (a tensor) instead; `copy=True` returns a new tensor also if nothing changes.

    Returns:
        Tensor of the same shape; this one if it has the dtype already, and no copy is asked for.

    Raises:
        RuntimeError: for a device other than the CPU.
        TypeError: if an argument is no dtype.

    Example:
        >>> graphc.tensor([1, 2]).to(graphc.float32)
        tensor([1., 2.])
    """
    wanted = kwargs.get("dtype")
    for given in (*args, kwargs.get("device"), kwargs.get("other")):
        if isinstance(given, Tensor):
            wanted = given.dtype
        elif isinstance(given, (str, device)):
            fill.check_device(given)
        elif given is not None and not isinstance(given, bool):
            wanted = given
    fresh = bool(kwargs.get("copy", False))
    return _in_dtype(self, self.dtype if wanted is None else dtypes.as_dtype(wanted), fresh)


def _in_dtype(self: Tensor, dtype: dtypes.dtype, fresh: bool = False) -> Tensor:
    if dtype.ir is self.dtype.ir and not fresh:
        return self
    return data.converted(self, dtype.ir)


def _type(self: Tensor, dtype: Any = None) -> Any:
    """Convert the dtype, or return the name of the tensor's type.

    Args:
        dtype: a dtype, a tensor type such as `graphc.DoubleTensor`, or the name of one; None asks for the name.

    Returns:
        Tensor of the same shape, this one if it has the dtype already; or a str.

    Raises:
        TypeError: if `dtype` is none of these.

    Example:
        >>> graphc.tensor([1, 2]).type(), graphc.tensor([1, 2]).type(graphc.float64)
        ('torch.LongTensor', tensor([1., 2.], dtype=torch.float64))
    """
    if dtype is None:
        return f"torch.{_TYPE_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        dtype = {f"torch.{title}Tensor": name for name, title in _TYPE_NAMES.items()}.get(dtype, dtype)
    elif isinstance(dtype, TensorType):
        dtype = dtype.dtype
    return _in_dtype(self, dtypes.as_dtype(dtype))


def _new_legacy(self: Tensor, *args: Any, **keywords: Any) -> Tensor:
    """Return a tensor of sizes or of data, in this tensor's dtype.

    Args:
        *args: sizes, for a tensor of zeros; or one sequence, array or tensor of this dtype with the data.
        **keywords: `size` or `data` instead of the positional arguments, and `device`, the CPU.

    Returns:
        Tensor of this tensor's dtype.

    Raises:
        TypeError: for anything else, and for a tensor of another dtype.
        RuntimeError: if a size is negative.

    Example:
        >>> graphc.tensor([1, 2]).new([3, 4])
        tensor([3, 4])
    """
    return legacy(Tensor, self.dtype, args, keywords, strict=True)


_TYPE_NAMES = {"float32": "Float", "float64": "Double", "int32": "Int", "int64": "Long", "uint8": "Byte", "bool": "Bool"}


def _converter(dtype: dtypes.dtype) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return _in_dtype(self, dtype)

    method.__doc__ = f"Convert to {dtype}; return this tensor if it has that dtype already."
    return method


def _getitem(self: Tensor, index: Any) -> Any:
    """Return the elements at an index; integers, slices, None and ... give a view, tensors and lists a copy."""
    return items.getitem(self, index)


def _setitem(self: Tensor, index: Any, value: Any) -> None:
    """Write a number or a tensor, broadcast and converted to this dtype, to the elements at an index."""
    part, index = items.at_places(self, index)
    if items.is_basic(index):
        part = items.getitem(part, index)
        part.copy_(items.fitted(value, tuple(part.shape)) if isinstance(value, Tensor) else value)
    else:
        part._assign(items.put_item(part, index, value))


def _contains(self: Tensor, element: Any) -> bool:
    """Return whether any element equals the given number."""
    return bool(reduce_logic.any(comparison.eq(self, element)))


def _fill_(self: Tensor, value: Any) -> Tensor:
    """Write one number to all elements.

    Args:
        value: number or 0-d tensor; it is converted to this tensor's dtype.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if `value` is a tensor with axes, or this is a leaf that requires a gradient while gradients are
            recorded.
        TypeError: if `value` is no number.

    Example:
        >>> graphc.zeros(2).fill_(3)
        tensor([3., 3.])
    """
    if isinstance(value, Tensor):
        if value.ndim:
            raise located(
                RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
            )
        return self.copy_(value)
    return self._assign(fill.full_like(self, value), copies=True, overlapping=True)


def _where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """Return this tensor's elements where a condition holds, and those of another one elsewhere.

    Args:
        condition: bool tensor.
        other: tensor or number; the three shapes broadcast.

    Returns:
        Tensor of the broadcast shape and the promoted dtype.

    Raises:
        RuntimeError: if the shapes do not broadcast, or `condition` is not of bools.

    Example:
        >>> x = graphc.tensor([-1.0, 2.0])
        >>> x.where(x > 0, 0.0)
        tensor([0., 2.])
    """
    return masks.where(condition, self, other)


def _zero_(self: Tensor) -> Tensor:
    """Write zeros to all elements.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if this is a leaf that requires a gradient while gradients are recorded.

    Example:
        >>> graphc.ones(2).zero_()
        tensor([0., 0.])
    """
    return _fill_(self, 0)


def _uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None) -> Tensor:
    """Write random numbers, uniform in `[from_, to)`, to all elements.

    Args:
        from_: lower bound.
        to: upper bound, exclusive.
        generator: source of the random numbers; None is the default generator.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if `from_` is greater than `to`, or this tensor is not of floats.

    Example:
        >>> x = graphc.empty(3).uniform_(2, 4)
        >>> bool(((x >= 2) & (x < 4)).all())
        True
    """
    return self._assign(floats.uniform(tuple(self.shape), self.dtype.ir, from_, to, generator))


def _normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Write normally distributed random numbers to all elements.

    Args:
        mean: mean of the distribution.
        std: standard deviation.
        generator: source of the random numbers; None is the default generator.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if `std` is negative, or this tensor is not of floats.

    Example:
        >>> graphc.empty(3).normal_(1, 2).shape
        torch.Size([3])
    """
    return self._assign(floats.gaussian(tuple(self.shape), self.dtype.ir, mean, std, generator))


def _bernoulli_(self: Tensor, p: float = 0.5, *, generator: Any = None) -> Tensor:
    """Write ones with probability `p`, and zeros elsewhere.

    Args:
        p: the probability, in [0, 1].
        generator: source of the random numbers; None is the default generator.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if `p` is no probability.

    Example:
        >>> graphc.empty(3).bernoulli_(1.0)
        tensor([1., 1., 1.])
    """
    if not 0 <= p <= 1:
        raise located(RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}"))
    drawn = integers.bernoulli(fill.full(tuple(self.shape), float(p)), generator=generator)
    return self._assign(_in_dtype(drawn, self.dtype))


def _random_(self: Tensor, from_: int = 0, to: int | None = None, *, generator: Any = None) -> Tensor:
    """Write random integers, uniform in `[from_, to)`, to all elements.

    Args:
        from_: lower bound; alone, it is the upper bound and the lower one 0.
        to: upper bound, exclusive; 2**24 if neither is given.
        generator: source of the random numbers; None is the default generator.

    Returns:
        This tensor.

    Raises:
        RuntimeError: if the range is empty, or not within that of the dtype.

    Example:
        >>> x = graphc.zeros(3, dtype=graphc.int64).random_(5, 7)
        >>> bool(((x == 5) | (x == 6)).all())
        True
    """
    low, high = (0, from_) if to is None and from_ else (from_, to if to is not None else 2**24)
    return self._assign(integers.randint(low, high, tuple(self.shape), generator=generator, dtype=self.dtype))


NEW_DOCSTRING = """Call `graphc.{name}` with this tensor's dtype as the default.

Args:
    *args: the positional arguments of `graphc.{name}`.
    dtype: dtype of the result; None is that of this tensor.
    **keywords: the keyword arguments of `graphc.{name}`.

Returns:
    What `graphc.{name}` returns.
"""


def _new(maker: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, dtype: Any = None, **keywords: Any) -> Any:
        return maker(*args, dtype=dtype or self.dtype, **keywords)

    method.__doc__ = NEW_DOCSTRING.format(name=maker.__name__)
    return method


def _type_as(self: Tensor, other: Tensor) -> Tensor:
    """Convert to the dtype of another tensor.

    Args:
        other: the tensor whose dtype is taken.

    Returns:
        Tensor of the same shape; this one if it has the dtype already.

    Example:
        >>> graphc.tensor([1, 2]).type_as(graphc.tensor(0.5))
        tensor([1., 2.])
    """
    return _in_dtype(self, other.dtype)


def _cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """Return this tensor: it is on the CPU.

    Args:
        memory_format: accepted for compatibility with torch and ignored.

    Example:
        >>> graphc.tensor([1, 2]).cpu()
        tensor([1, 2])
    """
    return self


def _is_floating_point(self: Tensor) -> bool:
    """Return whether the dtype is float32 or float64.

    Returns:
        bool.

    Example:
        >>> graphc.tensor([1.0]).is_floating_point()
        True
    """
    return self.dtype.is_floating_point


def _nelement(self: Tensor) -> int:
    """Return the number of elements, an int.

    Example:
        >>> graphc.zeros(2, 3).nelement()
        6
    """
    return prod(self.shape)


def _item_table() -> dict[str, Any]:
    """Return everything that the class is given besides operations."""
    return {
        "to": _to,
        "type": _type,
        "float": _converter(dtypes.float32),
        "double": _converter(dtypes.float64),
        "int": _converter(dtypes.int32),
        "long": _converter(dtypes.int64),
        "bool": _converter(dtypes.bool),
        "byte": _converter(dtypes.uint8),
        "type_as": _type_as,
        "cpu": _cpu,
        "__getitem__": _getitem,
        "__setitem__": _setitem,
        "__contains__": _contains,
        "where": _where,
        "fill_": _fill_,
        "zero_": _zero_,
        "uniform_": _uniform_,
        "normal_": _normal_,
        "bernoulli_": _bernoulli_,
        "random_": _random_,
        "new": _new_legacy,
        "new_zeros": _new(fill.zeros),
        "new_ones": _new(fill.ones),
        "new_full": _new(fill.full),
        "new_empty": _new(fill.empty),
        "new_tensor": _new(data.tensor),
        "is_floating_point": _is_floating_point,
        "nelement": _nelement,
        "ndimension": Tensor.dim,
        "T": property(axes.reverse_axes),
        "mT": property(axes.matrix_transpose),
        "__neg__": arithmetic.neg,
        "__pos__": arithmetic.positive,
        "__abs__": signs.abs,
        "__invert__": bits.bitwise_not,
    }


def _guarded(value: Any) -> Any:
    return guard(value) if isinstance(value, FunctionType) and not hasattr(value, "nodes") else value


def _give_all() -> None:
    for name, function in METHODS.items():
        setattr(Tensor, name, _guarded(function))
    for name, value in _item_table().items():
        if getattr(value, "__name__", "") == "method":
            value.__name__ = value.__qualname__ = name
        setattr(Tensor, name, _guarded(value))
    for name in INPLACE:
        setattr(Tensor, f"{name}_", _in_place(getattr(Tensor, name), f"{name}_"))
    for name, function in OPERATORS.items():
        setattr(Tensor, f"__{name}__", _operator(function))
    for name in IN_PLACE_OPERATORS:
        setattr(Tensor, f"__i{name}__", _in_place(OPERATORS[name], f"__i{name}__"))


_give_all()
