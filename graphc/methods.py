"""What tensors can do: operations as methods and operators of Tensor, and their in-place forms.

Importing this module gives them to the class.  An in-place form `name_` writes the result of `name` where the
tensor's value is, through views to their base.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import prod
from types import FunctionType
from typing import Any

from graphc.core import dtypes
from graphc.core.errors import guard, placed
from graphc.ops import activations, comparison, creation, indexing, pointwise, products, random, reductions, shape, sorting
from graphc.tensors.tensor import Tensor, device, legacy
from graphc.tensors.typed import TensorType

__all__ = ["INPLACE", "METHODS", "OPERATORS"]

METHODS: dict[Any, str] = {
    pointwise: """abs absolute acos acosh add addcdiv addcmul arccos arcsin arctan arctan2 asin asinh atan atan2
        atanh ceil clamp clamp_max clamp_min clip copysign cos cosh deg2rad div divide erf exp exp2 expm1 float_power
        floor floor_divide fmax fmin fmod frac hypot lerp log log10 log1p log2 logaddexp logaddexp2 logit maximum
        minimum mul multiply nan_to_num neg negative positive pow rad2deg reciprocal remainder round rsqrt sgn sigmoid
        sign sin sinc sinh sqrt square sub subtract tan tanh true_divide trunc xlogy""",
    comparison: """allclose bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
        eq equal ge greater greater_equal gt heaviside isclose isfinite isinf isnan isneginf isposinf le less less_equal
        logical_and logical_not logical_or logical_xor lt ne not_equal signbit""",
    reductions: """all amax amin aminmax any argmax argmin count_nonzero cumprod cumsum logcumsumexp logsumexp max
        mean min nanmean nansum norm prod std sum var""",
    shape: """broadcast_to chunk clone contiguous diag diag_embed diagonal expand expand_as flatten flip
        fliplr flipud moveaxis movedim narrow permute ravel repeat repeat_interleave reshape reshape_as roll rot90
        select split split_with_sizes squeeze swapaxes swapdims t tile transpose tril triu unbind unflatten unfold
        unsqueeze view view_as""",
    indexing: """argwhere gather index_add index_copy index_fill index_put index_select masked_fill masked_select
        nonzero scatter scatter_add take take_along_dim""",
    sorting: "argsort bincount median msort sort topk unique",
    products: "addmm addmv baddbmm bmm cross dot ger inner kron matmul matrix_power mm mv outer trace vdot",
    activations: "log_softmax relu softmax",
    random: "bernoulli",
}
"""The operations of each family that are methods too."""

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
    "add": pointwise.add,
    "radd": pointwise.add,
    "sub": pointwise.sub,
    "rsub": pointwise.rsub,
    "mul": pointwise.mul,
    "rmul": pointwise.mul,
    "truediv": pointwise.div,
    "rtruediv": pointwise.rdiv,
    "floordiv": pointwise.floor_divide,
    "mod": pointwise.remainder,
    "pow": pointwise.pow,
    "rpow": pointwise.rpow,
    "matmul": products.matmul,
    "eq": comparison.eq,
    "ne": comparison.ne,
    "lt": comparison.lt,
    "le": comparison.le,
    "gt": comparison.gt,
    "ge": comparison.ge,
    "and": comparison.bitwise_and,
    "rand": comparison.bitwise_and,
    "or": comparison.bitwise_or,
    "ror": comparison.bitwise_or,
    "xor": comparison.bitwise_xor,
    "rxor": comparison.bitwise_xor,
    "lshift": comparison.bitwise_left_shift,
    "rshift": comparison.bitwise_right_shift,
    "rfloordiv": lambda x, y: pointwise.floor_divide(y, x),
    "rmod": lambda x, y: pointwise.remainder(y, x),
    "rmatmul": lambda x, y: products.matmul(y, x),
    "rlshift": lambda x, y: comparison.bitwise_left_shift(y, x),
    "rrshift": lambda x, y: comparison.bitwise_right_shift(y, x),
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


def _in_place(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return self._assign(function(self, *args, **kwargs))

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Do what `{name.strip('_')}` does in place; return self."
    return method


# -- methods that are not operations --------------------------------------------------------------------


def _to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return the tensor in the dtype that is among the arguments (a dtype, a tensor); devices are all the CPU."""
    wanted = kwargs.get("dtype")
    for given in (*args, kwargs.get("device"), kwargs.get("other")):
        if isinstance(given, Tensor):
            wanted = given.dtype
        elif isinstance(given, (str, device)):
            creation.check_device(given)
        elif given is not None and not isinstance(given, bool):
            wanted = given
    fresh = bool(kwargs.get("copy", False))
    return _in_dtype(self, self.dtype if wanted is None else dtypes.as_dtype(wanted), fresh)


def _in_dtype(self: Tensor, dtype: dtypes.dtype, fresh: bool = False) -> Tensor:
    if dtype.ir is self.dtype.ir and not fresh:
        return self
    return creation.converted(self, dtype.ir)  # type: ignore[no-any-return]


def _type(self: Tensor, dtype: Any = None) -> Any:
    """Return the tensor in another dtype, or without one the name of its type."""
    if dtype is None:
        return f"torch.{_TYPE_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        dtype = {f"torch.{title}Tensor": name for name, title in _TYPE_NAMES.items()}.get(dtype, dtype)
    elif isinstance(dtype, TensorType):
        dtype = dtype.dtype
    return _in_dtype(self, dtypes.as_dtype(dtype))


def _new_legacy(self: Tensor, *args: Any, **keywords: Any) -> Tensor:
    """Return a tensor of sizes or of data, in this tensor's dtype."""
    return legacy(Tensor, self.dtype, args, keywords, strict=True)


_TYPE_NAMES = {"float32": "Float", "float64": "Double", "int32": "Int", "int64": "Long", "uint8": "Byte", "bool": "Bool"}


def _converter(dtype: dtypes.dtype) -> Callable[[Tensor], Tensor]:
    def method(self: Tensor) -> Tensor:
        return _in_dtype(self, dtype)

    method.__doc__ = f"Return the tensor in {dtype}; itself if it is."
    return method


def _getitem(self: Tensor, index: Any) -> Any:
    """Return self[index]; slices and integers give a view."""
    return indexing.getitem(self, index)


def _setitem(self: Tensor, index: Any, value: Any) -> None:
    """Write a number or a tensor, broadcast and converted, at an index."""
    part, index = indexing.at_places(self, index)
    if indexing.is_basic(index):
        part = indexing.getitem(part, index)
        part.copy_(indexing.fitted(value, tuple(part.shape)) if isinstance(value, Tensor) else value)
    else:
        part._assign(indexing.put_item(part, index, value))


def _contains(self: Tensor, element: Any) -> bool:
    """Return whether any element equals the given one."""
    return bool(reductions.any(comparison.eq(self, element)))


def _fill_(self: Tensor, value: Any) -> Tensor:
    """Write one number everywhere; return self.  Raises TypeError for what is no number."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise placed(
                RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
            )
        return self.copy_(value)
    return self._assign(creation.full_like(self, value), copies=True, overlapping=True)


def _where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """Return self where the bool condition holds, else other."""
    return indexing.where(condition, self, other)  # type: ignore[no-any-return]


def _zero_(self: Tensor) -> Tensor:
    """Write zeros; return self."""
    return _fill_(self, 0)


def _uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None) -> Tensor:
    """Write uniform numbers in [from, to); return self."""
    return self._assign(random.uniform(tuple(self.shape), self.dtype.ir, from_, to, generator))


def _normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Write normal numbers; return self."""
    return self._assign(random.gaussian(tuple(self.shape), self.dtype.ir, mean, std, generator))


def _bernoulli_(self: Tensor, p: float = 0.5, *, generator: Any = None) -> Tensor:
    """Write ones with probability `p`, else zeros; return self.  Raises RuntimeError for what is no probability."""
    if not 0 <= p <= 1:
        raise placed(RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}"))
    drawn = random.bernoulli(creation.full(tuple(self.shape), float(p)), generator=generator)
    return self._assign(_in_dtype(drawn, self.dtype))


def _random_(self: Tensor, from_: int = 0, to: int | None = None, *, generator: Any = None) -> Tensor:
    """Write integers from `from` up to below `to`; return self."""
    low, high = (0, from_) if to is None and from_ else (from_, to if to is not None else 2**24)
    return self._assign(random.randint(low, high, tuple(self.shape), generator=generator, dtype=self.dtype))


def _new(maker: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, dtype: Any = None, **keywords: Any) -> Any:
        return maker(*args, dtype=dtype or self.dtype, **keywords)

    method.__doc__ = f"Do what `{maker.__name__}` does, in this tensor's dtype."
    return method


def _type_as(self: Tensor, other: Tensor) -> Tensor:
    """Return the tensor in the dtype of another one."""
    return _in_dtype(self, other.dtype)


def _cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor: it is on the CPU."""
    return self


def _is_floating_point(self: Tensor) -> bool:
    """Return whether the elements are floating-point numbers."""
    return self.dtype.is_floating_point


def _nelement(self: Tensor) -> int:
    """Return the number of elements."""
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
        "new_zeros": _new(creation.zeros),
        "new_ones": _new(creation.ones),
        "new_full": _new(creation.full),
        "new_empty": _new(creation.empty),
        "new_tensor": _new(creation.tensor),
        "is_floating_point": _is_floating_point,
        "nelement": _nelement,
        "ndimension": Tensor.dim,
        "T": property(shape.reverse_axes),
        "mT": property(shape.matrix_transpose),
        "__neg__": pointwise.neg,
        "__pos__": pointwise.positive,
        "__abs__": pointwise.abs,
        "__invert__": comparison.bitwise_not,
    }


def _guarded(value: Any) -> Any:
    return guard(value) if isinstance(value, FunctionType) and not hasattr(value, "nodes") else value


def _give_all() -> None:
    for module, names in METHODS.items():
        for name in names.split():
            setattr(Tensor, name, _guarded(getattr(module, name)))
    for name, value in _item_table().items():
        setattr(Tensor, name, _guarded(value))
    for name in INPLACE:
        setattr(Tensor, f"{name}_", _in_place(getattr(Tensor, name), f"{name}_"))
    for name, function in OPERATORS.items():
        setattr(Tensor, f"__{name}__", _operator(function))
    for name in IN_PLACE_OPERATORS:
        setattr(Tensor, f"__i{name}__", _in_place(OPERATORS[name], f"__i{name}__"))


_give_all()
