"""The text of a tensor, character for character as PyTorch prints it.

The steps from values to text: keep only the shown values (the edges of a large tensor), choose one number format for all of
them, lay the numbers out in nested brackets, then append `dtype=`, `grad_fn=` and the like. The tests compare with text
recorded from PyTorch itself, whose documentation of `set_printoptions` names the options.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Profile = Literal["default", "short", "full"]
Array = npt.NDArray[Any]


@dataclasses.dataclass
class PrintOptions:
    """The options of printing.

    `precision` counts digits after the point; tensors of more than `threshold` elements show only `edgeitems` elements at both
    ends of each dimension; lines are broken before `linewidth` characters; `sci_mode` forces (True) or forbids (False)
    scientific notation, None leaves the choice to the values.
    """

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}
_current = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: Profile | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed from now on.

    Args:
        precision: int, the number of digits after the decimal point (default 4).
        threshold: number, the number of elements above which a tensor is abbreviated (default 1000).
        edgeitems: int, the number of elements shown at each end of an abbreviated axis (default 3).
        linewidth: int, the number of characters before a line is broken (default 80).
        profile: "default", "short" or "full"; sets all options first.
        sci_mode: True or False to force or forbid scientific notation; None lets the values decide. Unlike the other
            options, None does not keep the former setting.

    Raises:
        ValueError: if the profile is unknown.

    Example:
        >>> graphc.set_printoptions(precision=2)
        >>> graphc.tensor([1.23456])
        tensor([1.23])
        >>> graphc.set_printoptions(profile="default")
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"profile must be one of {', '.join(map(repr, _PROFILES))}; got {profile!r}")
    base = _current if profile is None else _PROFILES[profile]
    options = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in options.items():
        setattr(_current, name, getattr(base, name) if value is None else value)
    _current.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the current options as keyword arguments for `set_printoptions`."""
    return dataclasses.asdict(_current)


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Change the printing options inside a `with` block; the arguments are those of `set_printoptions`."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


def format_tensor(
    data: Array,
    *,
    dtype_name: str | None = None,
    default_dtype_name: str = "torch.float32",
    suffixes: Sequence[str] = (),
    name: str = "tensor",
    options: PrintOptions | None = None,
) -> str:
    """Return what PyTorch prints for a tensor with the values `data`, of any shape, boolean, integer or real.

    `dtype_name` ("torch.float64") defaults to the name of `data.dtype`, and need only be given where the two differ
    (bfloat16 values held as float32). Whether `dtype=` and `size=` appear is decided here, from `default_dtype_name`,
    the current default float dtype. `suffixes` follow them: `("grad_fn=<AddBackward0>",)` or
    `("requires_grad=True",)`. `name` opens the text, `options` default to those of `set_printoptions`. Raise TypeError
    for other kinds of data.

    >>> print(format_tensor(np.array([[1.0, -2.5], [0.0, 30.0]]), suffixes=["requires_grad=True"]))
    tensor([[ 1.0000, -2.5000],
            [ 0.0000, 30.0000]], dtype=torch.float64, requires_grad=True)
    """
    if data.dtype.kind not in "biuf":
        raise TypeError(f"format_tensor prints boolean, integer and real data; got dtype {data.dtype}")
    options = options or _current
    dtype_name = dtype_name or f"torch.{data.dtype.name}"
    indent = len(name) + 1
    text = f"{name}({_values_text(data, indent, options)}"
    return _with_suffixes(text, [*_own_suffixes(data, dtype_name, default_dtype_name, options), *suffixes], indent, options)


def _own_suffixes(data: Array, dtype_name: str, default_dtype_name: str, options: PrintOptions) -> Iterator[str]:
    """Yield `size=` and `dtype=` where the values alone do not determine them."""
    hidden = data.ndim != 1 if data.size == 0 else options.edgeitems == 0
    if hidden:
        yield f"size={data.shape}"
    # without elements even an integer or boolean dtype is printed
    obvious = {default_dtype_name} if data.size == 0 else {default_dtype_name, "torch.int64", "torch.bool"}
    if dtype_name not in obvious:
        yield f"dtype={dtype_name}"


def _with_suffixes(text: str, suffixes: Sequence[str], indent: int, options: PrintOptions) -> str:
    """Append the suffixes and the closing parenthesis, starting a new line where one does not fit."""
    # PyTorch counts two characters more than the last line of values has; equal line breaks need the same count
    used = len(text) - (text.rfind("\n") + 1) + 2
    for suffix in suffixes:
        fits = used + len(suffix) + 2 <= options.linewidth
        text += f", {suffix}" if fits else ",\n" + " " * indent + suffix
        used = used + len(suffix) + 2 if fits else indent + len(suffix)
    return text + ")"


@dataclasses.dataclass(frozen=True)
class _NumberFormat:
    """Write one number: a format specification, a bare point after finite numbers or none, and the common width."""

    spec: str
    point: bool = False
    width: int = 1

    def text(self, value: float) -> str:
        """Return the number, right-aligned to the width."""
        tail = "." if self.point and math.isfinite(value) else ""
        return (format(value, self.spec) + tail).rjust(self.width)

    def fitted(self, values: Array) -> _NumberFormat:
        """Return the format widened to the longest of the values."""
        return dataclasses.replace(self, width=max((len(self.text(value)) for value in values.tolist()), default=1))


def _number_format(shown: Array, options: PrintOptions) -> _NumberFormat:
    """Choose one format for all shown values, of any shape."""
    if shown.dtype.kind != "f":
        return _NumberFormat("").fitted(shown.ravel())
    # zeros, infinities and NaN do not affect the format, not even its width: "-0." may stick out
    decisive = shown[np.isfinite(shown) & (shown != 0)]
    if decisive.size and _is_scientific(decisive, options):
        return _NumberFormat(f".{options.precision}e").fitted(decisive)
    if np.all(decisive == np.ceil(decisive)):
        return _NumberFormat(".0f", point=True).fitted(decisive)
    return _NumberFormat(f".{options.precision}f").fitted(decisive)


def _is_scientific(decisive: Array, options: PrintOptions) -> bool:
    """Return whether finite nonzero values span too wide a range, or are too far from one, for plain decimals."""
    if options.sci_mode is not None:
        return options.sci_mode
    magnitudes = np.abs(decisive).astype(np.float64)
    low, high = float(magnitudes.min()), float(magnitudes.max())
    with np.errstate(over="ignore"):
        return bool(np.float64(high) / low > 1000.0) or high > 1.0e8 or low < 1.0e-4


@dataclasses.dataclass(frozen=True)
class _Layout:
    """The layout of nested lists: the number format, for each axis whether its middle is omitted, and the options."""

    number: _NumberFormat
    cut: tuple[bool, ...]
    options: PrintOptions

    def text(self, values: Any, axis: int, indent: int) -> str:
        """Return a number, or the bracketed text of a nested list over the axes from `axis` on."""
        if axis == len(self.cut):
            return self.number.text(values)
        items = [self.text(value, axis + 1, indent + 1) for value in values]
        is_row = axis == len(self.cut) - 1
        if self.cut[axis]:
            items.insert(self.options.edgeitems, " ..." if is_row and items else "...")
        body = self.row(items, indent) if is_row else self.stack(items, len(self.cut) - axis, indent)
        return f"[{body}]"

    def row(self, items: Sequence[str], indent: int) -> str:
        """Join the numbers of a row, broken into lines of equal count."""
        count = max(1, (self.options.linewidth - indent) // (self.number.width + 2))
        lines = [", ".join(items[start : start + count]) for start in range(0, len(items), count)]
        return (",\n" + " " * (indent + 1)).join(lines)

    def stack(self, items: Sequence[str], rank: int, indent: int) -> str:
        """Join the parts of a block of the given rank; matrices are separated by one blank line, higher ranks by more."""
        return ("," + "\n" * (rank - 1) + " " * (indent + 1)).join(items)


def _values_text(data: Array, indent: int, options: PrintOptions) -> str:
    """Return the nested brackets, for output from column `indent` on."""
    if data.size == 0:
        return "[]"
    summarize = data.size > options.threshold
    cut = tuple(summarize and extent > 2 * options.edgeitems for extent in data.shape)
    shown = _edges(data, cut, options.edgeitems)
    return _Layout(_number_format(shown, options), cut, options).text(shown.tolist(), 0, indent)


def _edges(data: Array, cut: Sequence[bool], count: int) -> Array:
    """Keep only the first and last `count` entries along the axes that are cut."""
    if not any(cut):
        return data
    kept = [
        [*range(count), *range(extent - count, extent)] if is_cut else range(extent)
        for extent, is_cut in zip(data.shape, cut, strict=True)
    ]
    # one index for all axes copies only the edges, however large the tensor is
    return data[np.ix_(*kept)]
