"""The reference semantics of the primitives, on NumPy arrays.

Where one NumPy function has the semantics, the table in `ops` names it; the others are defined here.  Results keep the dtype
of the first operand.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from graphc.ir.core.philox import WORD, philox
from graphc.ir.core.types import DType

__all__ = [
    "CheckError", "LinAlgError", "Reference", "argsort", "broadcast", "cast", "check_error", "constant", "cumsum", "erf",
    "floordiv", "gather", "iota",
    "keep_dtype", "pad", "padded_shape", "power", "random_bits", "random_words", "reduction", "remainder", "rsqrt", "scatter",
    "scatter_add", "shift", "sigmoid", "sign", "slice_",
]  # fmt: skip

Reference = Callable[..., Any]


def keep_dtype(function: Reference) -> Reference:
    """Wrap a NumPy function so that it returns its first operand's dtype."""

    def reference(*xs: Any, **params: Any) -> Any:
        return np.asarray(function(*xs, **params)).astype(xs[0].dtype, copy=False)

    reference.__wrapped__ = function  # type: ignore[attr-defined]
    return reference


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)) without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def erf(x: Any) -> Any:
    """Return the error function, computed in f64: by a rational function in x² up to 1, and by one in x for erfc beyond.

    Source: S. Moshier, Cephes, `ndtr.c`.
    """
    x = np.asarray(x)
    values, result = x.reshape(-1), np.empty(x.size)
    for start in range(0, x.size, CHUNK):
        result[start : start + CHUNK] = _erf(values[start : start + CHUNK].astype(np.float64))
    return result.reshape(x.shape)


def _erf(x: Any) -> Any:
    size = np.abs(x)
    square = np.minimum(size, 1) ** 2
    result = x * _polynomial(square, ERF_NEAR) / _polynomial(square, ERF_NEAR_BELOW)
    far = np.flatnonzero(size > 1)
    if len(far):
        a = np.minimum(size[far], 7)
        tail = np.exp(-a * a) * _polynomial(a, ERFC_FAR) / _polynomial(a, ERFC_FAR_BELOW)
        result[far] = np.copysign(1 - tail, x[far])
    return result


def _polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """Evaluate a polynomial, given from the highest power down."""
    total = coefficients[0] * x
    for c in coefficients[1:-1]:
        total += c
        total *= x
    total += coefficients[-1]
    return total


ERF_NEAR = (
    9.60497373987051638749, 90.0260197203842689217, 2232.00534594684319226, 7003.32514112805075473, 55592.3013010394962768,
)  # fmt: skip
ERF_NEAR_BELOW = (
    1.0, 33.5617141647503099647, 521.357949780152679795, 4594.32382970980127987, 22629.0000613890934246, 49267.3942608635921086,
)  # fmt: skip
ERFC_FAR = (
    2.46196981473530512524e-10, 0.564189564831068821977, 7.46321056442269912687, 48.6371970985681366614, 196.520832956077098242,
    526.445194995477358631, 934.528527171957607540, 1027.55188689515710272, 557.535335369399327526,
)  # fmt: skip
ERFC_FAR_BELOW = (
    1.0, 13.2281951154744992508, 86.7072140885989742329, 354.937778887819891062, 975.708501743205489753, 1823.90916687909736289,
    2246.33760818710981792, 1656.66309194161350182, 557.535340817727675546,
)  # fmt: skip


def power(x: Any, y: Any) -> Any:
    """Return x to the power y with the semantics of C's pow; NumPy takes a square root for one broadcast exponent of 0.5."""
    result = np.power(x, y)
    special = (y == 0.5) & ((x == 0) | np.isneginf(x))
    return np.where(special, np.abs(x), result)


def rsqrt(x: Any) -> Any:
    """Return 1 / sqrt(x)."""
    return np.asarray(1, x.dtype) / np.sqrt(x)


def sign(x: Any) -> Any:
    """Return -1, 0 or 1; 0 for NaN."""
    return np.greater(x, 0).astype(x.dtype) - np.less(x, 0).astype(x.dtype)


def floordiv(x: Any, y: Any) -> Any:
    """Return the floor of the exact quotient; float division by 0 gives x / y, integer division by 0 gives 0."""
    return np.floor_divide(x, y)


def remainder(x: Any, y: Any) -> Any:
    """Return the remainder of floor division, with the sign of y; an integer modulo 0 is 0."""
    if x.dtype.kind != "f":
        return np.remainder(x, y)
    rest = np.fmod(x, y)
    return np.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)


def shift(function: Reference) -> Reference:
    """Reduce a shift count modulo the bit width."""

    def reference(x: Any, y: Any) -> Any:
        return function(x, y & (x.dtype.itemsize * 8 - 1)).astype(x.dtype)

    return reference


def cast(x: Any, dtype: DType) -> Any:
    """Convert as C does: floats truncate, integers wrap, bool is x != 0."""
    return x.astype(dtype.numpy)


def constant(value: Any, dtype: DType, shape: tuple[int, ...]) -> Any:
    """Return an array with one number in every element."""
    return np.full(shape, value, dtype.numpy)


def iota(axis: int, dtype: DType, shape: tuple[int, ...]) -> Any:
    """Return the index along an axis."""
    along = np.arange(shape[axis]).astype(dtype.numpy).reshape([-1 if d == axis else 1 for d in range(len(shape))])
    return np.broadcast_to(along, shape)


def random_bits(key: Any, shape: tuple[int, ...]) -> Any:
    """Return the first word of Philox-2x32-10 (ir/core/philox.py) at counter (key[1] + linear index), with key key[0]."""
    size = prod(shape)
    bits = np.empty(size, np.int32)
    for start in range(0, size, CHUNK):
        counters = np.arange(start, min(start + CHUNK, size), dtype=np.int64)
        bits[start : start + CHUNK] = random_words(key[0], key[1] + counters)
    return bits.reshape(shape)


CHUNK = 1 << 12
"""Elements that are processed together, so that intermediate arrays stay in the first-level cache."""


def random_words(seed: Any, counter: Any) -> Any:
    """Return the first word of Philox-2x32-10 for arrays of i64 seeds and counters."""
    seed, counter = np.asarray(seed).astype(np.uint64), np.asarray(counter).astype(np.uint64)
    if seed.ndim:
        seed, counter = np.broadcast_arrays(seed, counter)
    with np.errstate(over="ignore"):
        word = philox(_ArrayWords(), seed, np.atleast_1d(counter))
    return word.astype(np.uint32).view(np.int32).reshape(counter.shape)


class _ArrayWords:
    """Words as arrays; results take the memory of first operands that are not read again."""

    mask, half = np.uint64(WORD), np.uint64(32)

    def low(self, x: Any) -> Any:
        return x & self.mask

    def high(self, x: Any) -> Any:
        return x >> self.half

    def xor(self, x: Any, y: Any) -> Any:
        x ^= y
        return x

    def add(self, x: Any, y: int) -> Any:
        x += np.uint64(y)
        return x

    def mul(self, x: Any, y: int) -> Any:
        x *= np.uint64(y)
        return x


def broadcast(x: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Place axis i of x at axes[i] of a shape and repeat it along the others."""
    inner = [1] * len(shape)
    for a, n in zip(axes, x.shape, strict=True):
        inner[a] = n
    return np.broadcast_to(x.reshape(inner), shape)


def slice_(x: Any, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]) -> Any:
    """Return x[start:stop:step] along each axis."""
    return x[tuple(slice(s, e, p) for s, e, p in zip(start, stop, step, strict=True))]


def padded_shape(
    shape: tuple[int, ...], low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the shape of the result of `pad`."""
    return tuple(lo + max(0, n + (n - 1) * i) + hi for n, lo, hi, i in zip(shape, low, high, interior, strict=True))


def pad(x: Any, fill: Any, low: tuple[int, ...], high: tuple[int, ...], interior: tuple[int, ...]) -> Any:
    """Pad around and between elements with `fill`."""
    out = np.full(padded_shape(x.shape, low, high, interior), fill, x.dtype)
    places = zip(x.shape, low, interior, strict=True)
    out[tuple(slice(lo, lo + (n - 1) * (i + 1) + 1 if n else lo, i + 1) for n, lo, i in places)] = x
    return out


def reduction(function: Reference) -> Reference:
    """Wrap a NumPy reduction to reduce over `axes`; sums and products of f32 accumulate in f64."""

    def reference(x: Any, axes: tuple[int, ...]) -> Any:
        if not axes:
            return x
        if function in (np.sum, np.prod):
            return np.asarray(function(x, axis=axes, dtype=_wide(x))).astype(x.dtype)
        return np.asarray(function(x, axis=axes))

    return reference


def _wide(x: Any) -> Any:
    return np.float64 if x.dtype == np.float32 else x.dtype


def argsort(x: Any, axis: int, descending: bool) -> Any:
    """Return the indices that sort along an axis, stably; NaN sorts as larger than every number."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    backwards = np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    return x.shape[axis] - 1 - backwards


def cumsum(x: Any, axis: int) -> Any:
    """Return running sums along an axis; f32 accumulates in f64."""
    return np.cumsum(x, axis, dtype=_wide(x)).astype(x.dtype)


def _check_bounds(shape: tuple[int, ...], indices: tuple[Any, ...]) -> None:
    for axis, index in enumerate(indices):
        bad = (index < 0) | (index >= shape[axis])
        if bad.any():
            raise IndexError(f"index {int(index[bad][0])} is out of bounds for dimension {axis} with size {shape[axis]}")


class CheckError(IndexError, RuntimeError):
    """Data violate a rule that an operation checks at run time, such as a class index or a probability out of range."""


class LinAlgError(CheckError):
    """A matrix is singular or not positive definite, which an operation of linear algebra does not allow.

    Example:
        >>> import graphc
        >>> try:
        ...     graphc.linalg.inv(graphc.zeros(2, 2)).tolist()
        ... except graphc.linalg.LinAlgError:
        ...     print("singular")
        singular
    """


LINEAR_ALGEBRA = ("linalg.", "torch.linalg.", "cholesky: ")
"""How the texts of rules begin whose violation is a LinAlgError."""


def check_error(*broken: str) -> CheckError:
    """Return the error of one of several rules that may have been violated."""
    kind = LinAlgError if any(text.startswith(LINEAR_ALGEBRA) for text in broken) else CheckError
    return kind("\nor ".join(broken))


def gather(x: Any, *indices: Any, check: str = "") -> Any:
    """Return x[i0, i1, …].  Raises IndexError, or CheckError with the text `check` if there is one."""
    try:
        _check_bounds(x.shape, indices)
    except IndexError:
        if check:
            raise check_error(check) from None
        raise
    return x[indices]


def scatter(x: Any, updates: Any, *indices: Any) -> Any:
    """Return a copy of x with x[i0, i1, …] = updates.  Raises IndexError."""
    _check_bounds(x.shape, indices)
    out = x.copy()
    out[indices] = updates
    return out


def scatter_add(x: Any, updates: Any, *indices: Any) -> Any:
    """Return a copy of x with x[i0, i1, …] += updates.  Raises IndexError."""
    _check_bounds(x.shape, indices)
    out = x.copy()
    np.add.at(out, indices, updates)
    return out
