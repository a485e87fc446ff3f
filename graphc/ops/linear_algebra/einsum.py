"""Einstein summation."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from graphc.core.promotion import promote
from graphc.dispatch.operation import op
from graphc.ir.core.build import broadcast, permute, reshape, sum_
from graphc.ir.core.graph import Node
from graphc.ops.common import Operand, expand_to
from graphc.ops.linear_algebra.matrices import matrix_product
from graphc.ops.shape.diagonals import diagonal
from graphc.tensors.tensor import Tensor

__all__ = ["einsum"]


@op("Einsum")
def _einsum(equation: str, operands: Sequence[Operand]) -> Node:
    terms, output = _parse(equation, operands)
    xs = [_without_repeats(x, term, i) for i, (x, term) in enumerate(zip(operands, terms, strict=True))]
    _check_extents(xs)
    x, names = xs[0]
    for i, (y, other) in enumerate(xs[1:], 1):
        needed = set(output).union(*(term for _, term in xs[i + 1 :]))
        x, names = _pair(x, names, y, other, needed)
    summed = [n for n in names if n not in output]
    x = sum_(x, sorted(names.index(n) for n in summed))
    names = [n for n in names if n in output]
    return permute(x, [names.index(n) for n in output])


def einsum(equation: str, *operands: Tensor | Sequence[Tensor]) -> Tensor:
    """Sum products of elements in Einstein's notation.

    The equation names the axes of each operand, separated by commas, and after an arrow those of the result. Axes that the
    result does not name are summed over; a name that repeats within an operand selects its diagonal; `...` stands for
    broadcast axes that are not named. Without an arrow the result has the axes named once, in alphabetical order. Operands
    are contracted from left to right, by matrix products where they share a summed axis.

    Args:
        equation: string such as "bij,bjk->bik"; one letter names an axis, blanks do not matter.
        *operands: tensors, one for each term, or one list of them; where they share a summed axis, of one dtype.

    Returns:
        Tensor with the axes of the result, of the dtype of the operands.

    Raises:
        RuntimeError: if the number of operands, axes or extents does not fit the equation, the result names an axis that no
            operand has or one twice, or the dtypes differ.
        NotImplementedError: if the operands of a contraction are bool.

    Example:
        >>> graphc.einsum("ij,jk->ik", graphc.tensor([[1.0, 2.0], [3.0, 4.0]]), graphc.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[ 7., 10.],
                [15., 22.]])
        >>> graphc.einsum("ii", graphc.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor(5.)
        >>> graphc.einsum("...ij,jk->...ik", graphc.ones(5, 2, 3), graphc.ones(3, 4)).shape
        torch.Size([5, 2, 4])
    """
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    return _einsum(equation, list(tensors))


def _parse(equation: str, operands: Sequence[Node]) -> tuple[list[list[str]], list[str]]:
    """Return the axis names of each operand and of the output; axes under an ellipsis get unique names."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    texts = left.split(",")
    if len(texts) != len(operands):
        fewer = "fewer" if len(operands) < len(texts) else "more"
        raise RuntimeError(f"einsum(): {fewer} operands were provided than specified in the equation")
    extra = max(
        (x.type.rank - len(t.replace("...", "")) for t, x in zip(texts, operands, strict=True) if "..." in t), default=0
    )
    terms = [_names(t, x.type.rank, extra, i) for i, (t, x) in enumerate(zip(texts, operands, strict=True))]
    ellipsis = [f".{i}" for i in range(extra)]
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        return terms, [*ellipsis, *sorted(c for c in set(letters) if letters.count(c) == 1)]
    output = [n for part in right.replace("...", ".") for n in (ellipsis if part == "." else [part])]
    for name in output:
        if output.count(name) > 1:
            raise RuntimeError(f"einsum(): output subscript {name} appears more than once in the output")
        if not any(name in term for term in terms):
            raise RuntimeError(f"einsum(): output subscript {name} does not appear in the equation for any input operand")
    return terms, output


def _names(text: str, rank: int, extra: int, position: int) -> list[str]:
    hidden = rank - len(text.replace("...", ""))
    if "..." not in text and hidden:
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(text)}) "
            f"does not match the number of dimensions ({rank}) "
            f"for operand {position} and no ellipsis was given"
        )
    ellipsis = [f".{i}" for i in range(extra - hidden, extra)]
    return [n for part in text.replace("...", ".") for n in (ellipsis if part == "." else [part])]


def _without_repeats(x: Node, names: list[str], position: int) -> tuple[Node, list[str]]:
    """Take the diagonal of axes that share a name."""
    names = list(names)
    for name in dict.fromkeys(names):
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {name} is repeated for operand {position} but the sizes don't match, "
                    f"{x.shape[second]} != {x.shape[first]}"
                )
            x = diagonal.nodes(x, 0, first, second)
            names = [n for i, n in enumerate(names) if i not in (first, second)] + [name]
    return x, names


def _check_extents(xs: list[tuple[Node, list[str]]]) -> None:
    extents: dict[str, int] = {}
    for i, (x, names) in enumerate(xs):
        for name, n in zip(names, x.shape, strict=True):
            if extents.setdefault(name, n) not in (n, 1) and n != 1:
                raise RuntimeError(
                    f"einsum(): subscript {name} has size {n} for operand {i} which does not "
                    f"broadcast with previously seen size {extents[name]}"
                )
            extents[name] = max(extents[name], n)


def _pair(a: Node, left: list[str], b: Node, right: list[str], needed: set[str]) -> tuple[Node, list[str]]:
    """Contract two operands: sum the axes that only one has and the result lacks, then do one batched matmul."""
    a, left = _sum_alone(a, left, needed | set(right))
    b, right = _sum_alone(b, right, needed | set(left))
    a, b = _widened(a, left, b, right)
    batch = [n for n in left if n in right and n in needed]
    inner_names = [n for n in left if n in right and n not in needed]
    free_a = [n for n in left if n not in right]
    free_b = [n for n in right if n not in left]
    if not inner_names:
        return _outer(a, left, b, right, [*batch, *free_a, *free_b])
    rows = _grouped(a, left, batch, free_a, inner_names)
    columns = _grouped(b, right, batch, inner_names, free_b)
    extents = dict(zip([*left, *right], [*a.shape, *b.shape], strict=True))
    names = [*batch, *free_a, *free_b]
    return reshape(matrix_product(rows, columns), [extents[n] for n in names]), names


def _sum_alone(x: Node, names: list[str], needed: set[str]) -> tuple[Node, list[str]]:
    summed = [i for i, n in enumerate(names) if n not in needed]
    return sum_(x, summed), [n for n in names if n in needed]


def _widened(a: Node, left: list[str], b: Node, right: list[str]) -> tuple[Node, Node]:
    """Broadcast axes of extent 1 to the extent that the other operand has under the same name."""
    extents: dict[str, int] = {}
    for name, n in zip([*left, *right], [*a.shape, *b.shape], strict=True):
        extents[name] = n if extents.get(name, 1) == 1 else extents[name]
    wide_a, wide_b = (expand_to(x, tuple(extents[n] for n in names)) for x, names in ((a, left), (b, right)))
    return wide_a, wide_b


def _grouped(x: Node, names: list[str], batch: list[str], first: list[str], second: list[str]) -> Node:
    x = permute(x, [names.index(n) for n in (*batch, *first, *second)])
    k = len(batch)
    return reshape(x, (*x.shape[:k], prod(x.shape[k : k + len(first)]), prod(x.shape[k + len(first) :])))


def _outer(a: Node, left: list[str], b: Node, right: list[str], names: list[str]) -> tuple[Node, list[str]]:
    extents = dict(zip([*left, *right], [*a.shape, *b.shape], strict=True))
    shape = [extents[n] for n in names]
    factors = []
    for x, own in ((a, left), (b, right)):
        order = sorted(range(len(own)), key=lambda i, own=own: names.index(own[i]))  # type: ignore[misc]
        factors.append(broadcast(permute(x, order), shape, [names.index(own[i]) for i in order]))
    x, y = promote(*factors)
    return x * y, names
