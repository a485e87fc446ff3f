"""Jacobians and Hessians of functions, as torch.func has them.

A Jacobian is one graph: the derivative along a symbolic direction is recorded once, and batched over all unit vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from graphc.core import pytree
from graphc.core.errors import located
from graphc.core.pytree import TreeDef
from graphc.func.derivative import backward_derivative, forward_derivative
from graphc.func.directions import for_each_unit
from graphc.func.level import ArgNums, Level
from graphc.ir.core import build
from graphc.ir.core.graph import Node

__all__ = ["hessian", "jacfwd", "jacrev"]


def jacrev(
    func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False, *, chunk_size: int | None = None
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of `func` in reverse mode.

    All rows are computed at once, by a batched vector-Jacobian product; cheaper than `jacfwd` for fewer outputs than inputs.

    Args:
        func: function that returns a float tensor or a pytree of them, or with `has_aux` a pair (outputs, aux).
        argnums: number of the positional argument, or a tuple of numbers; negative numbers count from the last. These
            arguments are float tensors, or pytrees of them.
        has_aux: whether `func` also returns a second value, which is passed through.
        chunk_size: number of rows that are computed at once, for less memory; all of them if it is None.

    Returns:
        Function of the positional arguments of `func` that returns the Jacobian, or (jacobian, aux) with `has_aux`. For an
        output of shape S and an input of shape T the Jacobian has shape S + T and element `[*i, *j]` is d output[i] / d
        input[j]. A pytree of outputs gives that pytree with, at each leaf, the pytree of inputs.

    Raises:
        ValueError: if `chunk_size` is not positive; when called, if an argument in `argnums` contains anything but tensors
            and arrays.
        RuntimeError: when called, if an argument in `argnums` or an output is not of floats, `argnums` has a number twice,
            none, or one without an argument.

    Example:
        >>> func.jacrev(lambda x: graphc.stack([x.sum(), x.prod()]))(graphc.tensor([1.0, 2.0, 3.0]))
        tensor([[1., 1., 1.],
                [6., 3., 2.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise located(ValueError("jacrev: `chunk_size` should be greater than 0."))

    @wraps(func, updated=())
    def jacobian(*args: Any) -> Any:
        d = backward_derivative(func, args, argnums, has_aux=has_aux)
        rows = [for_each_unit(g, d.seeds, x, chunk_size) for g, x in zip(d.linear, d.inputs, strict=True)]
        columns = [_blocks(_split(r, 0, d.ends), d.ends, [x]) for r, x in zip(rows, d.inputs, strict=True)]
        parts = [d.level.results(block, d.outputs, d.tree) for block in zip(*columns, strict=True)]
        return _assembled(d.level, parts, d.shape, argnums, (d.aux,) if has_aux else ())

    return jacobian


def jacfwd(func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of `func` in forward mode.

    All columns are computed at once, by a batched directional derivative; cheaper than `jacrev` for fewer inputs than
    outputs.

    Args:
        func: function that returns a tensor or a pytree of tensors, or with `has_aux` a pair (outputs, aux).
        argnums: number of the positional argument, or a tuple of numbers, as in `jacrev`.
        has_aux: whether `func` also returns a second value, which is passed through.

    Returns:
        Function of the positional arguments of `func` that returns the Jacobian as `jacrev` does, of shape S + T for an
        output of shape S and an input of shape T, or (jacobian, aux) with `has_aux`. Outputs of integers have a Jacobian of
        zeros.

    Raises:
        ValueError: when called, if an argument in `argnums` is not of floats or contains anything but tensors and arrays.
        RuntimeError: when called, if `func` returns anything but tensors, `argnums` has a number twice, none, or one without
            an argument.

    Example:
        >>> func.jacfwd(lambda x: x * x)(graphc.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """

    @wraps(func, updated=())
    def jacobian(*args: Any) -> Any:
        d = forward_derivative(func, args, argnums, has_aux=has_aux)
        columns = [_first_axis_last(for_each_unit(t, d.seeds, y, None)) for t, y in zip(d.linear, d.ends, strict=True)]
        rows = [_blocks(_split(c, y.type.rank, d.inputs), [y], d.inputs) for c, y in zip(columns, d.ends, strict=True)]
        parts = [d.level.results(row, d.outputs, d.tree) for row in rows]
        return _assembled(d.level, parts, d.shape, argnums, (d.aux,) if has_aux else ())

    return jacobian


def hessian(func: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """Return a function that computes the matrix of second derivatives of `func`: `jacfwd` of `jacrev`.

    Args:
        func: function that returns a float tensor or a pytree of them.
        argnums: number of the positional argument, or a tuple of numbers, as in `jacrev`.

    Returns:
        Function of the positional arguments of `func` that returns the Hessian, of shape S + T + T for an output of shape S
        and an input of shape T; for pytrees, the pytree of outputs of pytrees of inputs of pytrees of inputs.

    Raises:
        RuntimeError, ValueError: when called, as `jacfwd` and `jacrev` do.

    Example:
        >>> func.hessian(lambda x: (x**3).sum())(graphc.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def _split(x: Node, axis: int, parts: Sequence[Node]) -> list[Node]:
    """Split an axis into pieces with the sizes of the parts."""
    pieces, begin = [], 0
    for part in parts:
        start, stop = [0] * x.type.rank, list(x.shape)
        start[axis], stop[axis] = begin, begin + part.type.size
        pieces.append(build.slice_(x, start, stop))
        begin += part.type.size
    return pieces


def _first_axis_last(x: Node) -> Node:
    return build.permute(x, (*range(1, x.type.rank), 0))


def _blocks(pieces: Sequence[Node], outputs: Sequence[Node], inputs: Sequence[Node]) -> list[Node]:
    """Reshape pieces of a Jacobian to the shapes of their outputs and inputs, one of which is single."""
    shapes = [(*y.shape, *x.shape) for y in outputs for x in inputs]
    return [build.reshape(piece, shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _assembled(level: Level, parts: Sequence[Any], shape: TreeDef, argnums: ArgNums, aux: tuple[Any, ...]) -> Any:
    """Return the pytree of outputs of pytrees of inputs, given the latter, with the aux if there is one."""
    jacobian = pytree.unflatten([p[0] for p in parts] if isinstance(argnums, int) else parts, shape)
    return (jacobian, *level.outward(aux)) if aux else jacobian
