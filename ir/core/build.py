"""Build nodes with functions and operators: `add(x, y)`, `x * 2`, `sum_(x, (1,))`.

A Python number on either side of an operator becomes a constant of the other side's type.  Derivative rules and rewrite
rules are written with these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.ir.core.graph import Node, Region, make
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.types import BOOL, I32, I64, U8, DType, TensorType

__all__ = [
    "apply", "argsort", "broadcast", "cast", "concatenate", "constant", "cosh", "cumsum", "derived", "elementwise",
    "expand_axes", "flip", "full_like", "fusion", "gather", "iota", "magnitude", "matmul", "pad", "permute", "reduce",
    "reshape", "scatter", "scatter_add", "select", "sinh", "slice_", "sum_", "swap_last", "zeros_like",
]  # fmt: skip

Operand = Node | float | int | bool


def apply(name: str, *operands: Node, **params: Any) -> Node:
    """Apply the primitive called `name`.  Raises TypeRuleError."""
    return make(PRIMITIVES[name], operands, params)


def constant(value: float | int | bool, dtype: DType, shape: tuple[int, ...] = ()) -> Node:
    """Return a constant node: one number in every element, rounded or wrapped to `dtype`."""
    return apply("constant", value=dtype.scalar(value), dtype=dtype, shape=shape)


def full_like(x: Node, value: float | int | bool) -> Node:
    """Return a constant of the type of `x`, rounded or wrapped to its dtype."""
    return constant(value, x.dtype, x.shape)


def zeros_like(x: Node) -> Node:
    """Return a constant zero (False) of the type of `x`."""
    return full_like(x, 0)


def elementwise(name: str, *operands: Operand) -> Node:
    """Apply an elementwise primitive; numbers take the type of the first node among the operands."""
    model = next((o for o in operands if isinstance(o, Node)), None)
    if model is None:
        raise TypeError(f"{name} takes at least one Tensor, got {', '.join(type(o).__name__ for o in operands)}")
    return apply(name, *(o if isinstance(o, Node) else full_like(model, o) for o in operands))


def select(cond: Node, x: Operand, y: Operand) -> Node:
    """Return `x` where `cond` holds, else `y`; one of them may be a number."""
    model = x if isinstance(x, Node) else y
    assert isinstance(model, Node)
    return apply("select", cond, *(o if isinstance(o, Node) else full_like(model, o) for o in (x, y)))


def cast(x: Node, dtype: DType) -> Node:
    """Convert to a dtype; return `x` itself if it has that dtype."""
    return x if x.dtype is dtype else apply("cast", x, dtype=dtype)


def iota(shape: tuple[int, ...], axis: int, dtype: DType = I64) -> Node:
    """Return the index along `axis`."""
    return apply("iota", axis=axis, dtype=dtype, shape=shape)


def reshape(x: Node, shape: Sequence[int]) -> Node:
    """Change the shape; return `x` itself if it has that shape."""
    return x if x.shape == tuple(shape) else apply("reshape", x, shape=tuple(shape))


def permute(x: Node, axes: Sequence[int]) -> Node:
    """Permute the axes; return `x` itself if they are in order."""
    return x if tuple(axes) == tuple(range(x.type.rank)) else apply("permute", x, axes=tuple(axes))


def swap_last(x: Node) -> Node:
    """Transpose the last two axes."""
    n = x.type.rank
    return permute(x, (*range(n - 2), n - 1, n - 2))


def broadcast(x: Node, shape: Sequence[int], axes: Sequence[int]) -> Node:
    """Repeat along new axes: axis i of `x` becomes axis axes[i] of the result; return `x` itself if there are no new axes."""
    return x if x.shape == tuple(shape) else apply("broadcast", x, shape=tuple(shape), axes=tuple(axes))


def expand_axes(x: Node, shape: Sequence[int], axes: Sequence[int]) -> Node:
    """Undo a reduction over `axes`: repeat `x` along them to get `shape`."""
    return broadcast(x, shape, [a for a in range(len(shape)) if a not in axes])


def slice_(x: Node, start: Sequence[int], stop: Sequence[int], step: Sequence[int] | None = None) -> Node:
    """Return x[start:stop:step] along each axis; `x` itself if that is all of it."""
    step = tuple(step) if step is not None else (1,) * x.type.rank
    if tuple(stop) == x.shape and not any(start) and all(s == 1 for s in step):
        return x
    return apply("slice", x, start=tuple(start), stop=tuple(stop), step=step)


def pad(
    x: Node, low: Sequence[int], high: Sequence[int], interior: Sequence[int] | None = None, fill: float | Node = 0
) -> Node:
    """Pad around and between elements with `fill`; return `x` itself if there is nothing to add."""
    interior = tuple(interior) if interior is not None else (0,) * x.type.rank
    if not any((*low, *high, *interior)):
        return x
    value = fill if isinstance(fill, Node) else constant(fill, x.dtype)
    return apply("pad", x, value, low=tuple(low), high=tuple(high), interior=interior)


def flip(x: Node, axes: Sequence[int]) -> Node:
    """Reverse the order along axes; return `x` itself if there are none."""
    return apply("flip", x, axes=tuple(axes)) if axes else x


def concatenate(xs: Sequence[Node], axis: int) -> Node:
    """Join nodes of one dtype with equal extents except along `axis`; a single node stays itself.  Raises TypeRuleError."""
    return xs[0] if len(xs) == 1 else apply("concatenate", *xs, axis=axis)


def reduce(name: str, x: Node, axes: Sequence[int]) -> Node:
    """Reduce over axes with sum, prod, max, min, any or all; return `x` itself if there are none."""
    return apply(name, x, axes=tuple(sorted(axes))) if axes else x


def sum_(x: Node, axes: Sequence[int]) -> Node:
    """Sum over axes in the dtype of `x`; return `x` itself if there are none."""
    return reduce("sum", x, axes)


def argsort(x: Node, axis: int, descending: bool = False) -> Node:
    """Return the indices that sort `x` along an axis, stably."""
    return apply("argsort", x, axis=axis, descending=descending)


def cumsum(x: Node, axis: int) -> Node:
    """Return the running sums along an axis, in the dtype of `x`."""
    return apply("cumsum", x, axis=axis)


def gather(x: Node, *indices: Node) -> Node:
    """Return the elements of `x` at integer indices, one index tensor per leading axis; indices must be in range."""
    return apply("gather", x, *indices)


def scatter(x: Node, updates: Node, *indices: Node) -> Node:
    """Return x with x[i0, i1, …] = updates."""
    return apply("scatter", x, updates, *indices)


def scatter_add(x: Node, updates: Node, *indices: Node) -> Node:
    """Return `x` with updates added at integer indices, as `gather` reads them; updates of equal indices all count."""
    return apply("scatter_add", x, updates, *indices)


def matmul(a: Node, b: Node) -> Node:
    """Multiply matrices, [..., m, k] by [..., k, n] with equal leading axes and dtypes.  Raises TypeRuleError."""
    if a.dtype is U8 and b.dtype is U8:  # generated code multiplies wider integers; the low byte of the product is the same
        return cast(apply("matmul", cast(a, I32), cast(b, I32)), U8)
    return apply("matmul", a, b)


def fusion(operands: Sequence[Node], body: Region) -> list[Node]:
    """Apply a region as one kernel and return its results."""
    node = make(PRIMITIVES["fusion"], tuple(operands), {}, (body,))
    if len(node.types) == 1:
        return [node]
    return [apply("result", node, index=i) for i in range(len(node.types))]


# -- functions with derivatives of their own, which operations and derivative rules both need -----------------------------


def derived(rule: str, value: Node, x: Node, y: Node | None = None) -> Node:
    """Return `value`, with the derivatives with respect to `x` and `y` that a rule gives."""
    return apply("derived", value, x, x if y is None else y, rule=rule)


def magnitude(x: Node) -> Node:
    """Return |x| with derivative 1 at 0, where `abs` has 0: for formulas that are smooth there."""
    return select(x < 0, -x, x)


def sinh(x: Node) -> Node:
    """Return the hyperbolic sine: by expm1 below 1, as (e^(x/2))²/2 - e^-x/2 above, which does not overflow early."""
    a = magnitude(x)
    small = a < 1
    e = elementwise("expm1", select(small, a, zeros_like(a)))
    half = elementwise("exp", a * 0.5)
    result = select(small, (e + e / (e + 1)) * 0.5, half * 0.5 * half - elementwise("exp", -a) * 0.5)
    return derived("sinh", select(x < 0, -result, result), x)


def cosh(x: Node) -> Node:
    """Return the hyperbolic cosine without early overflow."""
    a = magnitude(x)
    half = elementwise("exp", a * 0.5)
    return derived("cosh", half * 0.5 * half + elementwise("exp", -a) * 0.5, x)


# -- operators ----------------------------------------------------------------------------------------------------------


def _binary(name: str, *, swapped: bool = False) -> Any:
    if swapped:
        return lambda self, other: elementwise(name, other, self)
    return lambda self, other: elementwise(name, self, other)


for _name, _op in (
    ("add", "add"),
    ("sub", "sub"),
    ("mul", "mul"),
    ("truediv", "div"),
    ("and", "and"),
    ("or", "or"),
    ("xor", "xor"),
):
    setattr(Node, f"__{_name}__", _binary(_op))
    setattr(Node, f"__r{_name}__", _binary(_op, swapped=True))
for _name, _op, _swap in (("lt", "lt", False), ("le", "le", False), ("gt", "lt", True), ("ge", "le", True)):
    setattr(Node, f"__{_name}__", _binary(_op, swapped=_swap))
setattr(Node, "__neg__", lambda self: apply("neg", self))  # noqa: B010 - a class that is closed to its own module
setattr(Node, "__invert__", lambda self: apply("not", self))  # noqa: B010

SCALAR_BOOL = TensorType(BOOL)
