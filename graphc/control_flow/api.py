"""Structured control flow: cond, while_loop, scan, fori_loop, and checkpointed calls.

A body is called once, on placeholders for its arguments, and the operations it records become a region of one node. In-place
writes to its arguments stay inside. Captured tensors are differentiated; writing to them is an error, except for random
generators, whose state is carried from one iteration to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.control_flow.arguments import alike, bound_of, checked_pair, length_of, segments_of, stable_body, with_arguments
from graphc.control_flow.body import Body, Input, Once, different, name_of
from graphc.control_flow.record import record_branch, record_once, record_scan, record_while
from graphc.core import pytree
from graphc.core.errors import located
from graphc.ir.core import build
from graphc.ir.core.types import BOOL, I64
from graphc.ops.elementwise.comparison import lt
from graphc.storage.storage import Storage
from graphc.tensors.tensor import Tensor

__all__ = ["checkpointed", "cond", "fori_loop", "scan", "while_loop"]


def cond(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any = ()) -> Any:
    """Return `true_fn(*operands)` if pred holds, else `false_fn(*operands)`.

    Both functions are recorded, and only the chosen one runs. Gradients flow through the chosen one alone, also to
    tensors that it reads from the enclosing scope. For a Python bool the chosen function is called directly.

    Args:
        pred: bool, or bool tensor of one element.
        true_fn: function of the operands.
        false_fn: function of the operands that returns the same structure, shapes and dtypes.
        operands: tuple or list of pytrees of tensors.

    Returns:
        The result of the chosen function, a pytree of tensors.

    Raises:
        TypeError: if pred is not a bool of one element, operands is not a tuple or a list, or the results of the two
            functions differ in structure or types.

    Example:
        >>> x = graphc.tensor(3.0)
        >>> graphc.cond(x > 0, lambda x: 2 * x, lambda x: -x, (x,))
        tensor(6.)
    """
    if isinstance(pred, (bool, np.bool_)):
        return (true_fn if pred else false_fn)(*operands)
    if not isinstance(pred, Tensor) or pred._type.dtype is not BOOL or pred._type.size != 1:
        got = f"{pred._type}" if isinstance(pred, Tensor) else type(pred).__name__
        raise located(TypeError(f"cond: expected pred to be a bool or a bool tensor of one element, got {got}"))
    if not isinstance(operands, (tuple, list)):
        raise located(TypeError(f"cond: expected operands to be a tuple or a list, got {type(operands).__name__}"))
    leaves, tree = pytree.flatten(tuple(operands))
    tensors = [x for x in leaves if isinstance(x, (Tensor, np.ndarray))]
    inputs = [Input(x) for x in tensors]
    arms: list[Body] = []
    for function in (true_fn, false_fn):
        arm = Body(f"cond({name_of(function)})", inputs)
        arm.run(with_arguments(function, leaves, tree, like=arms[0].tree if arms else None))
        arms.append(arm)
    return record_branch(pred, inputs, arms)


def while_loop(cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Any) -> Any:
    """Return carried_inputs after body_fn was applied as long as cond_fn holds.

    The gradient of the loop keeps the carried values of every iteration.

    Args:
        cond_fn: function that returns a bool tensor of one element; it may not draw random numbers.
        body_fn: function that returns the next carried values, of the same structure, shapes and dtypes.
        carried_inputs: pytree of tensors; a tuple or list is passed as several arguments, anything else as one. A Python
            number in it takes the dtype that body_fn returns.

    Returns:
        Pytree of the structure of carried_inputs.

    Raises:
        TypeError: if body_fn changes the structure or the types, or cond_fn does not return one bool.

    Example:
        >>> graphc.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, 2 * x), (0, graphc.tensor(1.0)))
        (tensor(3), tensor(8.))
    """
    labels = [f"carried_inputs{path}" for path in pytree.access_paths(pytree.flatten(carried_inputs)[1])]
    return _while_of("while_loop", labels, cond_fn, body_fn, carried_inputs)


def _while_of(
    kind: str, labels: Sequence[str], cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Any
) -> Any:
    """Return the result of while_loop; `labels` name the leaves in error messages."""
    several = isinstance(carried_inputs, (tuple, list))
    leaves, tree = pytree.flatten(carried_inputs)
    title = f"{kind}({name_of(body_fn)})"
    inputs = [Input(x, f"{title}: {label}") for x, label in zip(leaves, labels, strict=True)]

    def call(function: Callable[..., Any], inner: Sequence[Tensor]) -> Any:
        carried = pytree.unflatten(inner, tree)
        return function(*carried) if several else function(carried)

    def one_pass(body: Body) -> None:
        body.run(lambda inner: alike(call(body_fn, inner), tree, several))
        body.check_tree(tree, "carried_inputs")

    body = stable_body(title, inputs, one_pass, labels)
    test = Body(f"{kind}({name_of(cond_fn)})", inputs)
    test.run(lambda inner: call(cond_fn, inner))
    return record_while(inputs, test, body, tree)


def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    checkpoint: bool | int = False,
) -> tuple[Any, Any]:
    """Return (carry, ys) of a loop over the first axis of xs: `carry, y = f(carry, x)` in each iteration.

    The gradient keeps the carry of every iteration, or fewer with checkpoint. The semantics are those of
    `jax.lax.scan`.

    Args:
        f: function of (carry, x) that returns (carry, y); the carry keeps its structure, shapes and dtypes.
        init: pytree of tensors, the first carry. A Python number in it takes the dtype that f returns.
        xs: pytree of tensors of shape `(length, *)`, or None.
        length: int, the number of iterations; required if xs is None.
        reverse: whether to start with the last slice of xs; ys keep the order of xs.
        checkpoint: False keeps the carry of every iteration for the gradient; an int keeps at most as many and runs f
            again, up to three times in all, for the others; True keeps about 2 * sqrt(length).

    Returns:
        Tuple (carry, ys): the last carry, and the pytree of the y stacked along a new first axis.

    Raises:
        TypeError: if f does not return a pair, the carry changes its structure or types, or checkpoint is neither a bool
            nor a count.
        ValueError: if the lengths of xs differ, neither xs nor length is given, or checkpoint is too small for the length.

    Example:
        >>> graphc.scan(lambda c, x: (c + x, c * x), graphc.tensor(0.0), graphc.arange(4.0))
        (tensor(6.), tensor([0., 0., 2., 9.]))
    """
    return _scan_of(f"scan({name_of(f)})", "init", f, init, xs, length, reverse, checkpoint)


def _scan_of(
    title: str, name: str, f: Callable[..., Any], init: Any, xs: Any, length: int | None, reverse: bool, checkpoint: bool | int
) -> tuple[Any, Any]:
    """Return the result of scan; error messages begin with the title, and call the carry `name`."""
    if not isinstance(checkpoint, (bool, int)) or (checkpoint is not True and checkpoint < 0):
        raise located(TypeError(f"{title}: expected checkpoint to be a bool or a number of states to keep, got {checkpoint!r}"))
    leaves, tree = pytree.flatten(init)
    labels = [f"{name}{path}" for path in pytree.access_paths(tree)]
    inputs = [Input(x, f"{title}: {label}") for x, label in zip(leaves, labels, strict=True)]
    items, shape = pytree.flatten(xs)
    sequences = [Input(x, f"{title}: xs{p}", along=True) for x, p in zip(items, pytree.access_paths(shape), strict=True)]
    items_count = length_of(title, sequences, list(pytree.access_paths(shape)), length)

    def one_pass(body: Body) -> None:
        def pair(inner: Sequence[Tensor]) -> Any:
            carry, x = pytree.unflatten(inner[: len(inputs)], tree), pytree.unflatten(inner[len(inputs) :], shape)
            carry, y = checked_pair(title, f(carry, x))
            return pytree.ordered_like(carry, tree), y

        body.run(pair)
        body.check_tree(tree, name, part=0)

    body = stable_body(title, [*inputs, *sequences], one_pass, labels)
    results = record_scan(inputs, sequences, body, items_count, reverse, segments_of(title, items_count, checkpoint))
    n = len(inputs)
    return pytree.unflatten(results[:n], tree), pytree.unflatten(results[n:], body.tree.parts[1])


def fori_loop(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Return val after `val = body_fun(i, val)` for each i from lower to upper - 1.

    Args:
        lower: int, or integer tensor of one element, the first i.
        upper: int, or integer tensor of one element, excluded; tensors are read when the loop runs.
        body_fun: function of (i, val), i being an int64 tensor of shape (), that returns the next val, of the same
            structure, shapes and dtypes.
        init_val: pytree of tensors. A Python number in it takes the dtype that body_fun returns.

    Returns:
        Pytree of the structure of init_val.

    Raises:
        TypeError: if a bound is not an integer, or body_fun changes the structure or the types.

    Example:
        >>> graphc.fori_loop(0, 3, lambda i, x: x + i, graphc.tensor(10))
        tensor(13)
    """
    bounds = [bound_of(b, name) for b, name in ((lower, "lower"), (upper, "upper"))]
    first, last = bounds
    title = f"fori_loop({name_of(body_fun)})"
    if isinstance(first, int) and isinstance(last, int):
        positions = Tensor._of(Storage(build.iota((max(0, last - first),), 0)))

        def item(val: Any, i: Tensor) -> tuple[Any, None]:
            return body_fun(i + first if first else i, val), None

        return _scan_of(title, "init_val", item, init_val, positions, None, False, False)[0]
    tree = pytree.flatten(init_val)[1]
    start, end = (Tensor._of(Storage(build.constant(b, I64))) if isinstance(b, int) else b for b in bounds)

    def step(i: Tensor, val: Any) -> tuple[Tensor, Any]:
        result = pytree.ordered_like(body_fun(i, val), tree)
        returned = pytree.flatten(result)[1]
        if returned != tree:
            raise located(TypeError(f"{title}: {different('init_val', tree, returned)}"))
        return i + 1, result

    step.__name__ = name_of(body_fun)
    labels = ["lower", *(f"init_val{path}" for path in pytree.access_paths(tree))]
    return _while_of("fori_loop", labels, lambda i, val: lt(i, end), step, (start, init_val))[1]


def checkpointed(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return `function(*args, **kwargs)`; its gradient keeps only the tensors that it reads from outside.

    It is recorded in one run, and may write to external tensors, but not to its arguments.  Raises TypeError, TracingError.
    """
    title = f"checkpoint({name_of(function)})"
    leaves, tree = pytree.flatten((args, kwargs))
    inputs = [Input(x) for x in leaves if isinstance(x, (Tensor, np.ndarray))]
    call = with_arguments(function, leaves, tree, named=True)
    body = Once(title, inputs)
    body.run(call)
    return record_once(inputs, body)
