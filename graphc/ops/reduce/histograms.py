"""Histograms: how many elements, or which weights, fall between edges."""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import cast, constant, elementwise, full_like, iota, reduce, reshape, scatter_add, select, slice_
from graphc.ir.core.graph import Node
from graphc.ir.core.types import I64
from graphc.ops.common import Operand, checked, expand_to, torch_name
from graphc.ops.indexing.searching import position
from graphc.tensors.tensor import Tensor

__all__ = ["histc", "histogram"]


class Histogram(NamedTuple):
    """The contents of bins, and their edges."""

    hist: Tensor
    bin_edges: Tensor

    def __repr__(self) -> str:
        return f"torch.return_types.histogram(\nhist={self.hist!r},\nbin_edges={self.bin_edges!r})"


def _ends(x: Node, low: float, high: float, margin: float, name: str) -> tuple[Node, Node]:
    """Return the ends of the range: those given, or those of the data if they are equal; a single point gets a margin."""
    if low != high:
        return constant(low, x.dtype), constant(high, x.dtype)
    if x.type.size == 0:
        return constant(0, x.dtype), constant(1, x.dtype)
    flat = reshape(x, (x.type.size,))
    ends = [reduce(which, flat, (0,)) for which in ("min", "max")]
    finite = elementwise("abs", ends[0] - ends[1]) < float("inf")
    left, right = (checked(end, finite, f"torch.{name}: range of the data is not finite") for end in ends)
    single = elementwise("eq", left, right)
    return select(single, left - margin, left), select(single, right + margin, right)


def _check_values(name: str, input: Tensor) -> None:
    if not input.dtype.is_floating_point:
        raise located(NotImplementedError(f"\"{name}\" not implemented for '{torch_name(input.dtype.ir)}'"))


def _check_bins(bins: int) -> None:
    if bins <= 0:
        raise located(RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0"))


@op("Histc", differentiable=False)
def _counted(input: Node, bins: int, low: float, high: float) -> Node:
    left, right = _ends(input, low, high, 1.0, "histc")
    flat = reshape(input, (input.type.size,))
    a, b = expand_to(left, flat.shape), expand_to(right, flat.shape)
    inside = (flat >= a) & (flat <= b)
    place = cast(select(inside, (flat - a) / (b - a) * bins, 0), I64)
    place = elementwise("minimum", place, bins - 1)
    return scatter_add(constant(0, input.dtype, (bins,)), cast(inside, input.dtype), place)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Count the elements in bins of one width between min and max; the last bin holds its right edge too.

    Elements outside, and NaN, are not counted.

    Args:
        input: tensor of a float dtype.
        bins: int, the number of bins.
        min: number, the left end; if it equals max, the smallest element.
        max: number, the right end; if it equals min, the largest element.

    Returns:
        Vector of bins elements of the dtype of input.

    Raises:
        RuntimeError: if bins is not positive, or max is smaller than min or one of them not finite.
        NotImplementedError: if input is not floating point.
        CheckError: if the ends are those of the data and these are not finite, when values are computed.

    Example:
        >>> graphc.histc(graphc.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
        tensor([0., 2., 1., 0.])
    """
    _check_values("histogram_cpu", input)
    _check_bins(bins)
    if not isfinite(min) or not isfinite(max):
        raise located(RuntimeError(f"torch.histc: range of [{min}, {max}] is not finite"))
    if max < min:
        raise located(RuntimeError(f"torch.histc: max must be larger than min, got {max} and {min}"))
    return _counted(input, bins, float(min), float(max))


@op("Linspace", differentiable=False)
def _edges(input: Node, bins: int, low: float, high: float) -> Node:
    left, right = (expand_to(end, (bins + 1,)) for end in _ends(input, low, high, 0.5, "histogramdd"))
    index = iota((bins + 1,), 0, input.dtype)
    step = (right - left) / bins
    return select(index < bins * 0.5, left + index * step, right - (bins - index) * step)


@op("Histogram", differentiable=False)
def _filled(input: Node, weight: Operand, place: Node, edges: Node, density: bool) -> Node:
    bins = edges.type.size - 1
    flat = reshape(input, (input.type.size,))
    ends = [reduce(which, edges, (0,)) for which in ("min", "max")]
    inside = (flat >= expand_to(ends[0], flat.shape)) & (flat <= expand_to(ends[1], flat.shape))
    amount = full_like(flat, 1) if weight is None else cast(reshape(weight, flat.shape), input.dtype)
    at = elementwise("minimum", elementwise("maximum", place - 1, 0), bins - 1)
    counts = scatter_add(constant(0, input.dtype, (bins,)), select(inside, amount, 0), at)
    if not density:
        return counts
    widths = slice_(edges, (1,), (bins + 1,)) - slice_(edges, (0,), (bins,))
    return counts / expand_to(reduce("sum", counts, (0,)), (bins,)) / widths


def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Histogram:
    """Count the elements between edges, or add up their weights; the last bin holds its right edge too.

    Elements outside, and NaN, are not counted. There is no gradient.

    Args:
        input: tensor of a float dtype.
        bins: int, the number of bins of one width; or vector of ascending edges, of the dtype of input.
        range: pair of numbers, the ends for a number of bins; None: the smallest and the largest element.
        weight: tensor of the shape and dtype of input, added up instead of ones.
        density: whether the contents are divided by their sum and the widths of the bins.

    Returns:
        Named tuple (hist, bin_edges) of vectors of n and n + 1 elements.

    Raises:
        RuntimeError: if bins is not positive or no vector of the dtype of input, range is given with edges, descends or is
            not finite, or weight has another shape or dtype.
        NotImplementedError: if input is not floating point.
        CheckError: if the ends are those of the data and these are not finite, when values are computed.

    Example:
        >>> hist, edges = graphc.histogram(graphc.tensor([1.0, 2.0, 1.0]), bins=3, range=(0.0, 3.0))
        >>> hist, edges
        (tensor([0., 2., 1.]), tensor([0., 1., 2., 3.]))
    """
    _check_values("histogramdd", input)
    values = input.detach()
    if weight is not None and (weight.shape != input.shape or weight.dtype != input.dtype):
        got = f"{list(weight.shape)} of {weight.dtype}"
        raise located(RuntimeError(f"torch.histogram: weight should have the shape and dtype of input, got {got}"))
    if isinstance(bins, Tensor):
        edges = _given_edges(input, bins, range)
    else:
        _check_bins(bins)
        low, high = (0.0, 0.0) if range is None else (float(range[0]), float(range[1]))
        if not isfinite(low) or not isfinite(high) or high < low:
            raise located(RuntimeError(f"torch.histogramdd: range should be finite and ascending, got {range}"))
        margin = (low - 0.5, high + 0.5) if range is not None and low == high else (low, high)
        edges = _edges(values, bins, *margin)
    place = position(edges, values.reshape(-1), True)
    return Histogram(_filled(values, weight, place, edges, density), edges)


def _given_edges(input: Tensor, bins: Tensor, range: object) -> Tensor:
    if range is not None:
        raise located(RuntimeError("torch.histogram: range is for a number of bins, got edges too"))
    if bins.dim() != 1 or bins.dtype != input.dtype or not bins.numel():
        got = f"{bins.dim()} axes of {bins.dtype}"
        raise located(RuntimeError(f"torch.histogramdd: bins should be a vector of the dtype of input, got {got}"))
    return bins.detach()
