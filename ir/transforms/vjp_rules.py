"""Reverse-mode rules: one flat table of vector-Jacobian products, written with the IR's own operators.

A rule gets the node, the cotangent of its result, and for each operand whether its gradient is wanted; it returns one
contribution for each operand, or None.  Rules build graph nodes, so higher derivatives need nothing more.  Where a primitive
has no derivative, the value is torch's: ties share evenly, `abs` and `sign` have 0 at 0, roundings have 0 everywhere.

The Jacobian of an elementwise primitive is diagonal, hence its own transpose: reverse and forward mode
(graphc.ir.transforms.jvp_rules) share the table DIAGONAL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi, prod, sqrt

import numpy as np

from graphc.ir.core import build
from graphc.ir.core.build import elementwise, select, zeros_like
from graphc.ir.core.graph import Node
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.core.predicates import adds_updates, is_constant, is_zero
from graphc.ir.core.types import BOOL
from graphc.ir.transforms.decomposition_rules import DECOMPOSITION_VJP
from graphc.ir.transforms.derived_rules import DERIVED
from graphc.ir.transforms.matrix_rules import MATRIX_VJP

__all__ = [
    "DIAGONAL", "VJP", "Contribution", "VJPRule", "accumulated", "each", "extremal", "halves", "rows",
]  # fmt: skip

Contribution = Callable[..., Node]
VJPRule = Callable[[Node, Node, Sequence[bool]], Sequence["Node | None"]]


def each(*contributions: Contribution | None) -> VJPRule:
    """Make a rule from one function per operand, called as `f(g, y, *operands)` only where it is wanted.

    `g` is the cotangent of the result `y`.  None stands for an operand that never has a gradient; operands beyond the listed
    ones have none either.
    """

    def rule(node: Node, g: Node, wanted: Sequence[bool]) -> list[Node | None]:
        grads: list[Node | None] = [None] * len(wanted)
        for i, contribution in enumerate(contributions):
            if wanted[i] and contribution is not None:
                grads[i] = contribution(g, node, *node.operands)
        return grads

    return rule


def _zeros(g: Node, *_: Node) -> Node:
    return zeros_like(g)


def accumulated(parts: Sequence[Node]) -> Node:
    """Return the sum of the contributions to one gradient; contributions to single elements are added to these alone."""
    total, *rest = parts
    for part in rest:
        total = _plus(total, part)
    return total


def _plus(known: Node, part: Node) -> Node:
    for sparse, other in ((part, known), (known, part)):
        if adds_updates(sparse) and is_zero(sparse.operands[0]):
            return build.scatter_add(other, *sparse.operands[1:])
    return known + part


# -- elementwise ----------------------------------------------------------------------------------------


def _pow_base(g: Node, y: Node, a: Node, b: Node) -> Node:
    if is_constant(b):
        return _pow_base_constant(g, a, b.params["value"])
    # 0 * a**-1 must be 0 where b is 0, also where a**-1 is infinite or NaN; a mask anywhere else would lose
    # the derivative of this with respect to b
    harmless = ~(elementwise("le", float(np.finfo(a.dtype.numpy).tiny), elementwise("abs", a)))
    edge = elementwise("eq", b, 0) & harmless
    return g * select(edge, _cusp(edge, b), b * elementwise("pow", select(edge, 1, a), b - 1))


def _pow_base_constant(g: Node, a: Node, exponent: float) -> Node:
    if exponent == 0:
        return zeros_like(g)
    if exponent == 1:
        return g
    root = exponent == 1.5  # as in torch, where x ** 0.5 is a square root below zero too
    rest = a if exponent == 2 else elementwise("sqrt", a) if root else elementwise("pow", a, exponent - 1)
    return g * (rest * exponent)


def _pow_exponent(g: Node, y: Node, a: Node, b: Node) -> Node:
    constant = elementwise("eq", a, 0) & (b >= 0)  # as in torch: 0**b does not change with b there
    slope = y * elementwise("log", select(constant, 1, a))
    cusp = constant & (b <= 1)
    return g * select(cusp, _cusp(cusp, a), slope)


def _cusp(where: Node, x: Node) -> Node:
    """Return 0 where `x` is 0, with derivative NaN: a derivative rule whose own derivative is infinite there uses it."""
    safe = select(where, x, 1)
    return elementwise("sqrt", safe * safe)


def _unless(loses: Node, ties: Node, g: Node) -> Node:
    """Return the cotangent of one side of a maximum or minimum: zero if it loses, half at ties, all of it at NaN."""
    return select(ties, g * 0.5, select(loses, 0, g))


def _extremum_of_two(loses: Callable[[Node, Node], Node]) -> tuple[Contribution, Contribution]:
    return (
        lambda g, y, a, b: _unless(loses(a, b), elementwise("eq", a, b), g),
        lambda g, y, a, b: _unless(loses(b, a), elementwise("eq", a, b), g),
    )


DIAGONAL: dict[str, tuple[Contribution, ...]] = {
    "neg": (lambda g, y, x: -g,),
    "abs": (lambda g, y, x: g * elementwise("sign", x),),
    **{name: (_zeros,) * (op.arity or 0) for name, op in PRIMITIVES.items() if op.flat},
    "sqrt": (lambda g, y, x: g / (y * 2),),
    "rsqrt": (lambda g, y, x: g * (y * y * y * -0.5),),
    "exp": (lambda g, y, x: g * y,),
    "expm1": (lambda g, y, x: g * elementwise("exp", x),),  # y + 1 has no significant digit left below -37
    "log": (lambda g, y, x: g / x,),
    "log1p": (lambda g, y, x: g / (x + 1),),
    "sin": (lambda g, y, x: g * elementwise("cos", x),),
    "cos": (lambda g, y, x: g * -elementwise("sin", x),),
    "atan": (lambda g, y, x: g / (x * x + 1),),
    "tanh": (lambda g, y, x: g * (1 - y * y),),
    "sigmoid": (lambda g, y, x: g * (y * (1 - y)),),
    "erf": (lambda g, y, x: g * (elementwise("exp", -(x * x)) * (2 / sqrt(pi))),),
    "alias": (lambda g, y, x: g,),
    "add": (lambda g, y, a, b: g, lambda g, y, a, b: g),
    "sub": (lambda g, y, a, b: g, lambda g, y, a, b: -g),
    "mul": (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    "div": (lambda g, y, a, b: g / b, lambda g, y, a, b: -(g / b * y)),
    "remainder": (lambda g, y, a, b: g, lambda g, y, a, b: -(g * elementwise("floordiv", a, b))),
    "pow": (_pow_base, _pow_exponent),
    "maximum": _extremum_of_two(lambda mine, other: mine < other),
    "minimum": _extremum_of_two(lambda mine, other: other < mine),
}
"""For each operand of an elementwise primitive, the partial derivative times `g`: `f(g, y, *operands)`.

In reverse mode `g` is the cotangent of the result `y`, in forward mode the tangent of the operand.
"""


# -- movement -------------------------------------------------------------------------------------------


def _unslice(g: Node, y: Node, x: Node) -> Node:
    if not y.type.size:
        return zeros_like(x)
    start, step = y.params["start"], y.params["step"]
    covered = [s + (n - 1) * p + 1 for s, n, p in zip(start, y.shape, step, strict=True)]
    return build.pad(g, start, [n - c for n, c in zip(x.shape, covered, strict=True)], [p - 1 for p in step])


def _unpad(g: Node, y: Node, x: Node, fill: Node) -> Node:
    if not x.type.size:
        return zeros_like(x)
    low, step = y.params["low"], [i + 1 for i in y.params["interior"]]
    return build.slice_(g, low, [lo + (n - 1) * p + 1 for lo, n, p in zip(low, x.shape, step, strict=True)], step)


def _pad_fill(g: Node, y: Node, x: Node, fill: Node) -> Node:
    inside = build.constant(False, BOOL, x.shape)
    filled = build.apply("pad", inside, build.constant(True, BOOL), **y.params)
    return build.sum_(select(filled, g, 0), range(g.type.rank))


def _unbroadcast(g: Node, y: Node, x: Node) -> Node:
    return build.sum_(g, [a for a in range(g.type.rank) if a not in y.params["axes"]])


def _unpermute(g: Node, y: Node, x: Node) -> Node:
    axes = y.params["axes"]
    return build.permute(g, sorted(range(len(axes)), key=axes.__getitem__))


def _concatenate(node: Node, g: Node, wanted: Sequence[bool]) -> list[Node | None]:
    axis, begin = node.params["axis"], 0
    pieces: list[Node | None] = []
    for operand, want in zip(node.operands, wanted, strict=True):
        pieces.append(_piece(g, axis, begin, operand.shape[axis]) if want else None)
        begin += operand.shape[axis]
    return pieces


def _piece(g: Node, axis: int, begin: int, extent: int) -> Node:
    start, stop = [0] * g.type.rank, list(g.shape)
    start[axis], stop[axis] = begin, begin + extent
    return build.slice_(g, start, stop)


# -- reductions -----------------------------------------------------------------------------------------


def _unsum(g: Node, y: Node, x: Node) -> Node:
    return build.expand_axes(g, x.shape, y.params["axes"])


def extremal(y: Node, x: Node) -> tuple[Node, Node]:
    """Return which elements of `x` are the extremum `y`, and their number; NaN elements are, if there are any."""
    axes = y.params["axes"]
    chosen = elementwise("eq", x, build.expand_axes(y, x.shape, axes)) | elementwise("ne", x, x)
    return chosen, build.sum_(build.cast(chosen, x.dtype), axes)


def _extremum(g: Node, y: Node, x: Node) -> Node:
    """Share the cotangent evenly among the elements that are the extremum."""
    chosen, count = extremal(y, x)
    return select(chosen, build.expand_axes(g / count, x.shape, y.params["axes"]), 0)


def rows(x: Node, axes: Sequence[int]) -> Node:
    """Return `x` with `axes` moved to the end and merged."""
    kept = [a for a in range(x.type.rank) if a not in axes]
    count = prod(x.shape[a] for a in axes)
    return build.reshape(build.permute(x, (*kept, *axes)), (*(x.shape[a] for a in kept), count))


def _unprod(g: Node, y: Node, x: Node) -> Node:
    """Multiply the cotangent with the product of the other elements, without dividing.

    Products of halves go up a binary tree, cotangents come down it: exact around any number of zeros, and built from
    multiplications, so differentiable any number of times.
    """
    axes = y.params["axes"]
    order = (*(a for a in range(x.type.rank) if a not in axes), *axes)
    level = rows(x, axes)
    count = level.shape[-1]
    pairs: list[tuple[Node, Node]] = []
    while level.shape[-1] > 1:
        pairs.append(halves(level, 1))
        level = pairs[-1][0] * pairs[-1][1]
    down = build.reshape(g, (*y.shape, 1)) if count else level
    for left, right in reversed(pairs):
        down = _last(down, 0, left.shape[-1])
        down = build.concatenate((down * right, down * left), y.type.rank)
    flat = build.reshape(_last(down, 0, count), [x.shape[a] for a in order])
    return build.permute(flat, sorted(range(len(order)), key=order.__getitem__))


def halves(x: Node, fill: float) -> tuple[Node, Node]:
    """Split the last axis into two equal halves, the second padded with `fill` if the extent is odd."""
    half = (x.shape[-1] + 1) // 2
    zeros = [0] * (x.type.rank - 1)
    even = build.pad(x, (*zeros, 0), (*zeros, 2 * half - x.shape[-1]), fill=fill)
    return _last(even, 0, half), _last(even, half, 2 * half)


def _last(x: Node, start: int, stop: int) -> Node:
    return _piece(x, x.type.rank - 1, start, stop - start)


def _uncumsum(g: Node, y: Node, x: Node) -> Node:
    axis = y.params["axis"]
    return build.flip(build.cumsum(build.flip(g, (axis,)), axis), (axis,))


# -- the table ------------------------------------------------------------------------------------------


def _by_last_updates(g: Node, x: Node, indices: Sequence[Node]) -> Node:
    """Return `g` where an update is the last one for its element, and zeros elsewhere."""
    count = indices[0].type.size
    if count <= 1:
        return g
    number = build.reshape(build.iota((count,), 0), indices[0].shape)
    last = build.scatter(build.constant(0, number.dtype, x.shape[: len(indices)]), number, *indices)
    stays = elementwise("eq", build.gather(last, *indices), number)
    return select(build.broadcast(stays, g.shape, range(stays.type.rank)), g, 0)


def _derived(node: Node, g: Node, wanted: Sequence[bool]) -> list[Node | None]:
    _, x, y = node.operands
    partials = DERIVED[node.params["rule"]]
    return [None, *(p(g, node, x, y) if p is not None and w else None for p, w in zip(partials, wanted[1:], strict=True))]


VJP: dict[str, VJPRule] = {
    **{name: each(*contributions) for name, contributions in DIAGONAL.items()},
    # selecting the cotangent, rather than multiplying with the mask, keeps infinities of the other arm out
    "select": each(None, lambda g, y, c, a, b: select(c, g, 0), lambda g, y, c, a, b: select(c, 0, g)),
    "derived": _derived,
    "cast": each(lambda g, y, x: build.cast(g, x.dtype)),
    "reshape": each(lambda g, y, x: build.reshape(g, x.shape)),
    "permute": each(_unpermute),
    "broadcast": each(_unbroadcast),
    "slice": each(_unslice),
    "pad": each(_unpad, _pad_fill),
    "flip": each(lambda g, y, x: build.flip(g, y.params["axes"])),
    "concatenate": _concatenate,
    "sum": each(_unsum),
    "prod": each(_unprod),
    "max": each(_extremum),
    "min": each(_extremum),
    "cumsum": each(_uncumsum),
    "gather": each(lambda g, y, x, *indices: build.scatter_add(zeros_like(x), g, *indices)),
    "scatter": each(
        lambda g, y, x, updates, *indices: build.scatter(g, zeros_like(updates), *indices),
        lambda g, y, x, updates, *indices: _by_last_updates(build.gather(g, *indices), x, indices),
    ),
    "scatter_add": each(lambda g, *_: g, lambda g, y, x, updates, *indices: build.gather(g, *indices)),
    "matmul": each(
        lambda g, y, a, b: build.matmul(g, build.swap_last(b)),
        lambda g, y, a, b: build.matmul(build.swap_last(a), g),
    ),
    **MATRIX_VJP,
    **DECOMPOSITION_VJP,
}
"""For each differentiable primitive, the contributions of its result's cotangent to its operands' cotangents."""
