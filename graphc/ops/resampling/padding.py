"""Padding with elements of the tensor itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.core.errors import located
from graphc.dispatch.operation import op
from graphc.ir.core.build import concatenate, flip
from graphc.ir.core.graph import Node
from graphc.ops.common import expand_to
from graphc.ops.shape.padding import constant_pad_nd, padding_of
from graphc.ops.shape.slices import narrow_axis
from graphc.tensors.tensor import Tensor

__all__ = ["pad"]


def _reflected(x: Node, axis: int, count: int, before: bool) -> Node:
    n = x.shape[axis]
    part = narrow_axis(x, axis, 1, count + 1) if before else narrow_axis(x, axis, n - 1 - count, n - 1)
    return flip(part, (axis,))


def _replicated(x: Node, axis: int, count: int, before: bool) -> Node:
    n = x.shape[axis]
    edge = narrow_axis(x, axis, 0, 1) if before else narrow_axis(x, axis, n - 1, n)
    return expand_to(edge, (*x.shape[:axis], count, *x.shape[axis + 1 :]))


def _wrapped(x: Node, axis: int, count: int, before: bool) -> Node:
    n = x.shape[axis]
    return narrow_axis(x, axis, n - count, n) if before else narrow_axis(x, axis, 0, count)


MODES: dict[str, Callable[[Node, int, int, bool], Node]] = {
    "reflect": _reflected, "replicate": _replicated, "circular": _wrapped,
}  # fmt: skip
"""The elements that each mode puts before or after an axis."""


def _check(x: Node, mode: str, low: Sequence[int], high: Sequence[int]) -> None:
    """Raise RuntimeError if a mode cannot pad these axes by as much."""
    for n, before, after in zip(x.shape, low, high, strict=True):
        most = max(before, after)
        if mode == "reflect" and most >= n and (before or after):
            rule = "Padding size should be less than the corresponding input dimension"
            raise RuntimeError(f"{rule}, but got: padding ({before}, {after}) at a dimension of {n} of {list(x.shape)}")
        if mode == "circular" and most > n + min(before, 0) + min(after, 0):
            raise RuntimeError(f"Padding value causes wrapping around more than once: ({before}, {after}) around {n} elements")
        if mode == "replicate" and n == 0 and (before or after):
            raise RuntimeError(f"expected an element to replicate, got input of shape {list(x.shape)}")
        if n + before + after < (0 if n == 0 else 1):
            raise RuntimeError(f"expected at least one element after padding, got {n} with padding ({before}, {after})")


@op(lambda input, pad, mode: f"{mode.title()}ionPad{len(pad) // 2}D".replace("Replicateion", "Replication"), saves=False)
def _edge_pad(input: Node, pad: Sequence[int], mode: str) -> Node:
    low, high = padding_of(input, pad)
    _check(input, mode, low, high)
    x = input
    for axis, (before, after) in enumerate(zip(low, high, strict=True)):
        middle = narrow_axis(x, axis, max(-before, 0), x.shape[axis] - max(-after, 0))
        source = middle if mode == "circular" else x
        parts = [MODES[mode](source, axis, before, True)] if before > 0 else []
        parts.append(middle)
        parts += [MODES[mode](source, axis, after, False)] if after > 0 else []
        x = concatenate(parts, axis) if len(parts) > 1 else parts[0]
    return x


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Surround input with a constant, or with its own elements.

    Args:
        input: tensor of any shape; except for mode "constant" of one or two axes more than pad lists.
        pad: how many elements to add before and after each axis, the last axis first: [left, right, top, bottom, …];
            negative numbers cut. Axes that are not listed stay.
        mode: "constant"; "reflect" mirrors at the first and last element, "replicate" repeats them, "circular" continues at
            the other end.
        value: number to pad with in mode "constant", None for 0.

    Returns:
        Tensor of input's dtype whose extents have grown by what pad says.

    Raises:
        NotImplementedError: if mode is another word, or the rank of input does not fit a mode that is not "constant".
        ValueError: if value is given for a mode that is not "constant".
        RuntimeError: if pad has an odd length, lists more axes than input has, leaves a negative extent, or a mode has not as
            many elements as pad wants.

    Example:
        >>> F.pad(graphc.tensor([[1, 2], [3, 4]]), (1, 0))
        tensor([[0, 1, 2],
                [0, 3, 4]])
        >>> F.pad(graphc.tensor([[1, 2, 3]]), (2, 1), mode="reflect")
        tensor([[3, 2, 1, 2, 3, 2]])
    """
    if mode == "constant":
        return constant_pad_nd(input, list(pad), 0.0 if value is None else value)
    if len(pad) % 2:
        raise located(RuntimeError("Padding length must be divisible by 2"))
    if mode not in MODES:
        raise located(NotImplementedError(f"Unrecognised padding mode {mode}"))
    if value is not None and value != 0:
        raise located(ValueError(f'Padding mode "{mode}" doesn\'t take in value argument'))
    axes = len(pad) // 2
    if axes not in (1, 2, 3) or input.dim() not in (axes + 1, axes + 2):
        got = f"got {axes} axes of a tensor of shape {list(input.shape)}"
        raise located(
            NotImplementedError(f"Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now, {got}")
        )
    return _edge_pad(input, list(pad), mode)
