"""Structured control flow: cond, while_loop, scan, fori_loop, and checkpointed calls.

A body is called once, on placeholders for its arguments, and what it records becomes a region of one node. In-place
writes to its arguments stay inside. Captured tensors are differentiated; writing to them is an error, except for random
generators, whose state is carried from one iteration to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from operator import index
from typing import Any

import numpy as np

from graphc.control_flow.body import KINDS, Body, Given, Once, Result, different, error_here, name_of, paths, sketch
from graphc.core import pytree
from graphc.core.errors import user_location
from graphc.core.pytree import TreeDef
from graphc.ir.core import build, control_flow
from graphc.ir.core.graph import Node, Region, parameter, place
from graphc.ir.core.types import BOOL, I64
from graphc.ir.transforms.checkpointing import scan_in_segments, segment_lengths
from graphc.ops.elementwise.comparison import lt
from graphc.tensors.context import state
from graphc.tensors.dispatch import PENDING_BOUND
from graphc.tensors.grad_fn import GradFn
from graphc.tensors.lazy import substitute
from graphc.tensors.storage import Storage, compute, stopped
from graphc.tensors.tensor import Tensor

__all__ = ["checkpointed", "cond", "fori_loop", "scan", "while_loop"]

ATTEMPTS = 6
"""How often the dtype of a number may change before it is taken for one that never comes to rest."""


# -- for users ------------------------------------------------------------------------------------------


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
        raise error_here(f"cond: expected pred to be a bool or a bool tensor of one element, got {got}")
    if not isinstance(operands, (tuple, list)):
        raise error_here(f"cond: expected operands to be a tuple or a list, got {type(operands).__name__}")
    leaves, tree = pytree.flatten(tuple(operands))
    tensors = [x for x in leaves if isinstance(x, (Tensor, np.ndarray))]
    given = [Given(x) for x in tensors]
    arms: list[Body] = []
    for function in (true_fn, false_fn):
        arm = Body(f"cond({name_of(function)})", given)
        arm.run(_with_arguments(function, leaves, tree, like=arms[0].tree if arms else None))
        arms.append(arm)
    return _branch(pred, given, arms)


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
    labels = [f"carried_inputs{path}" for path in paths(pytree.flatten(carried_inputs)[1])]
    return _while_of("while_loop", labels, cond_fn, body_fn, carried_inputs)


def _while_of(
    kind: str, labels: Sequence[str], cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Any
) -> Any:
    """Return what while_loop returns; `labels` say what the leaves are called in messages."""
    several = isinstance(carried_inputs, (tuple, list))
    leaves, tree = pytree.flatten(carried_inputs)
    title = f"{kind}({name_of(body_fn)})"
    given = [Given(x, f"{title}: {label}") for x, label in zip(leaves, labels, strict=True)]

    def call(function: Callable[..., Any], inner: Sequence[Tensor]) -> Any:
        nest = pytree.unflatten(inner, tree)
        return function(*nest) if several else function(nest)

    def one_pass(body: Body) -> None:
        body.run(lambda inner: _alike(call(body_fn, inner), tree, several))
        body.check_tree(tree, "carried_inputs")

    body = _stable(title, given, one_pass, labels)
    test = Body(f"{kind}({name_of(cond_fn)})", given)
    test.run(lambda inner: call(cond_fn, inner))
    return _while(given, test, body, tree)


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
    """Return what scan returns; messages begin with the title, and call what is carried by a name."""
    if not isinstance(checkpoint, (bool, int)) or (checkpoint is not True and checkpoint < 0):
        raise error_here(f"{title}: expected checkpoint to be a bool or a number of states to keep, got {checkpoint!r}")
    leaves, tree = pytree.flatten(init)
    labels = [f"{name}{path}" for path in paths(tree)]
    given = [Given(x, f"{title}: {label}") for x, label in zip(leaves, labels, strict=True)]
    items, shape = pytree.flatten(xs)
    sequences = [Given(x, f"{title}: xs{p}", along=True) for x, p in zip(items, paths(shape), strict=True)]
    items_count = _length(title, sequences, list(paths(shape)), length)

    def one_pass(body: Body) -> None:
        def pair(inner: Sequence[Tensor]) -> Any:
            carry, x = pytree.unflatten(inner[: len(given)], tree), pytree.unflatten(inner[len(given) :], shape)
            carry, y = _checked_pair(title, f(carry, x))
            return pytree.ordered_like(carry, tree), y

        body.run(pair)
        body.check_tree(tree, name, part=0)

    body = _stable(title, [*given, *sequences], one_pass, labels)
    results = _scan(given, sequences, body, items_count, reverse, _segments(title, items_count, checkpoint))
    n = len(given)
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
    bounds = [_bound(b, name) for b, name in ((lower, "lower"), (upper, "upper"))]
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
        found = pytree.flatten(result)[1]
        if found != tree:
            raise error_here(f"{title}: {different('init_val', tree, found)}")
        return i + 1, result

    step.__name__ = name_of(body_fun)
    labels = ["lower", *(f"init_val{path}" for path in paths(tree))]
    return _while_of("fori_loop", labels, lambda i, val: lt(i, end), step, (start, init_val))[1]


def checkpointed(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return `function(*args, **kwargs)`, of which a gradient keeps nothing but what it reads from outside.

    It is recorded in one run, and may write to tensors from outside, but not to its arguments.  Raises TypeError,
    TracingError.
    """
    title = f"checkpoint({name_of(function)})"
    leaves, tree = pytree.flatten((args, kwargs))
    given = [Given(x) for x in leaves if isinstance(x, (Tensor, np.ndarray))]
    call = _with_arguments(function, leaves, tree, named=True)
    body = Once(title, given)
    body.run(call)
    return _once(given, body)


# -- what goes in ---------------------------------------------------------------------------------------


def _segments(title: str, length: int, checkpoint: bool | int) -> list[int]:
    """Return the lengths of the segments that a scan is made of.  Raises ValueError for a budget that is too small."""
    if checkpoint is False:
        return []
    try:
        return segment_lengths(length, None if checkpoint is True else checkpoint)
    except ValueError as error:
        raise error_here(f"{title}: {error}", ValueError) from None


def _bound(bound: Any, name: str) -> Any:
    """Return a bound of a loop: an int, or a 0-d i64 tensor."""
    if not isinstance(bound, Tensor):
        try:
            return index(bound)
        except TypeError:
            raise error_here(f"fori_loop: expected {name} to be an int or a tensor of one, got {bound!r}") from None
    if bound._type.size != 1 or not bound._type.dtype.is_int:
        raise error_here(f"fori_loop: expected {name} to be an int or a tensor of one integer, got {bound._type}")
    return bound.reshape(()).to(I64)


def _length(title: str, sequences: Sequence[Given], paths: Sequence[str], length: int | None) -> int:
    counts = {f"xs{p}": s.tensor.shape[0] for p, s in zip(paths, sequences, strict=True)}
    if length is not None:
        counts["length"] = index(length)
    if not counts:
        raise error_here(f"{title}: expected xs, or the length of the loop, got neither", ValueError)
    first = next(iter(counts.values()))
    if first < 0 or any(n != first for n in counts.values()):
        got = ", ".join(f"{n} in {name}" if name != "length" else f"a length of {n}" for name, n in counts.items())
        raise error_here(f"{title}: expected as many items everywhere, got {got}", ValueError)
    return int(first)


def _with_arguments(
    function: Callable[..., Any], leaves: Sequence[Any], tree: TreeDef, *, named: bool = False, like: TreeDef | None = None
) -> Callable[[Sequence[Tensor]], Any]:
    """Return a function of placeholders for the tensors among the leaves of `function`'s arguments.

    The arguments are a tuple, or a tuple and a dict where some are `named`.  Dicts among the results are in the order
    of `like`.
    """

    def call(inner: Sequence[Tensor]) -> Any:
        rest = iter(inner)
        nest = pytree.unflatten([next(rest) if isinstance(x, (Tensor, np.ndarray)) else x for x in leaves], tree)
        result = function(*nest[0], **nest[1]) if named else function(*nest)
        return result if like is None else pytree.ordered_like(result, like)

    return call


# -- bodies that keep the types of what they carry -------------------------------------------------------


def _stable(title: str, given: Sequence[Given], one_pass: Callable[[Body], None], labels: Sequence[str]) -> Body:
    """Record a body until the carried values, which have the labels, come back with the types that they go in with."""
    for attempt in count():
        body = Body(title, given)
        one_pass(body)
        again = False
        for leaf, result, label in zip(given, body.leaves, labels, strict=False):
            found = result.fitting(leaf.type).type
            if found == leaf.type:
                continue
            higher = KINDS.index(found.dtype.kind) >= KINDS.index(leaf.type.dtype.kind)
            if leaf.weak and not found.shape and higher and attempt < ATTEMPTS:
                leaf.take(found.dtype)
                again = True
                continue
            made = f"\n  made at {result.node.where}" if result.node.where else ""
            raise error_here(
                f"{title}: expected carried values of the types they go in with, {leaf.type} at {label}, got {found}{made}"
            )
        if not again:
            return body
    raise AssertionError("a loop without end")


def _alike(result: Any, tree: TreeDef, several: bool) -> Any:
    """Take a list for a tuple, as torch does, and one tensor for a tuple of one."""
    if several and isinstance(result, Tensor) and len(tree.parts) == 1 and tree.kind in (tuple, list):
        return tree.kind([result])
    if several and isinstance(result, (tuple, list)) and not hasattr(result, "_fields") and tree.kind in (tuple, list):
        result = tree.kind(result)
    return pytree.ordered_like(result, tree)


def _checked_pair(title: str, result: Any) -> tuple[Any, Any]:
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        got = f"{type(result).__name__} of {len(result)}" if isinstance(result, (tuple, list)) else type(result).__name__
        raise error_here(f"{title}: expected a body that returns (carry, y), got {got}")
    return result[0], result[1]


# -- nodes ----------------------------------------------------------------------------------------------


def _branch(pred: Tensor, given: Sequence[Given], arms: Sequence[Body]) -> Any:
    yes, no = arms
    if yes.tree != no.tree:
        raise error_here(f"cond: expected both functions to return one structure, got {sketch(yes.tree)} and {sketch(no.tree)}")
    pairs = [_one_type(a, b, p) for a, b, p in zip(yes.leaves, no.leaves, paths(yes.tree), strict=True)]
    moved = dict.fromkeys([*yes.random, *no.random])
    regions = []
    for number, arm in enumerate(arms):
        states = [arm.random[s][1] if s in arm.random else s.current() for s in moved]
        regions.append(Region(tuple(arm.params), tuple(substitute([*(p[number] for p in pairs), *states], arm.unmoved()))))
    if not pairs and not moved:
        return pytree.unflatten([], yes.tree)
    outer = {n for arm in arms for n in arm.outer_nodes()}
    with _here():
        test = build.reshape(pred._node(), ())
        nodes = control_flow.cond(test, regions[0], regions[1], [g.node() for g in given], outer)
    results = _recorded(nodes[: len(pairs)], "Cond", given, arms)
    _move_on(moved, nodes[len(pairs) :])
    return pytree.unflatten(results, yes.tree)


def _one_type(yes: Result, no: Result, path: str) -> tuple[Node, Node]:
    first = yes.fitting(no.node.type)
    second = no.fitting(first.type)
    if first.type != second.type:
        got = f"{first.type} and {second.type} at {path}"
        raise error_here(f"cond: expected both functions to return the same types, got {got}")
    return first, second


def _while(given: Sequence[Given], test: Body, body: Body, tree: TreeDef) -> Any:
    if test.random:
        raise error_here(f"{test.title}: expected a condition that draws no random numbers: let the body draw and carry them")
    flag = test.leaves[0].node if len(test.leaves) == 1 and test.tree.kind is None else None
    if flag is None or flag.dtype is not BOOL or flag.type.size != 1:
        got = ", ".join(str(x.node.type) for x in test.leaves) or "nothing"
        raise error_here(f"{test.title}: expected the condition to return a bool tensor of one element, got {got}")
    random = body.random
    results = [*_carried(body, given), *(after for _, after in random.values())]
    drawn = [before for before, _ in random.values()]
    entered = [test.entered.get(s) for s in random]
    states = [b.key if b is not None and b.key is not None else parameter(n.type) for b, n in zip(entered, drawn, strict=True)]
    regions = (
        _region([*test.params, *states], [build.reshape(flag, ())], test),
        _region([*body.params, *drawn], results, body),
    )
    with _here():
        start = [*(g.node() for g in given), *(s.current() for s in random)]
        nodes = control_flow.while_loop(*regions, start, test.outer_nodes() | body.outer_nodes())
    made = _recorded(nodes[: len(given)], "WhileLoop", given, [body])
    _move_on(random, nodes[len(given) :])
    return pytree.unflatten(made, tree)


def _scan(
    given: Sequence[Given], sequences: Sequence[Given], body: Body, length: int, reverse: bool, segments: Sequence[int]
) -> list[Tensor]:
    n = len(given)
    random = body.random
    params = [*body.params[:n], *(before for before, _ in random.values()), *body.params[n:]]
    results = [*_carried(body, given), *(after for _, after in random.values()), *(x.node for x in body.leaves[n:])]
    if not results:
        return []
    with _here():
        start = [*(g.node() for g in given), *(s.current() for s in random)]
        items = [s.node() for s in sequences]
        region = _region(params, results, body)
        outer = body.outer_nodes()
        nodes = scan_in_segments(region, start, items, length, segments, reverse=bool(reverse), outer=outer)
    made = _recorded([*nodes[:n], *nodes[len(start) :]], "Scan", [*given, *sequences], [body])
    _move_on(random, nodes[n : len(start)])
    return made


def _once(given: Sequence[Given], body: Once) -> Any:
    """Return what a function returned that runs once, and leave what it wrote."""
    tensors = [leaf for leaf in body.leaves if not leaf.weak]
    random = body.random
    wrote = [s for s in body.written if s not in random]
    results = [*(x.node for x in tensors), *(after for _, after in random.values()), *(body.after[s] for s in wrote)]
    with _here():
        drawn = [before for before, _ in random.values()]
        region = _region([*body.params, *drawn], results, body)
        start = [*(g.node() for g in given), *(s.current() for s in random)]
        nodes = control_flow.checkpoint(region, start, body.outer_nodes()) if results else []
    made = iter(_recorded(nodes[: len(tensors)], "Checkpoint", given, [body]))
    _move_on([*random, *wrote], nodes[len(tensors) :])
    return pytree.unflatten([leaf.number if leaf.weak else next(made) for leaf in body.leaves], body.tree)


def _carried(body: Body, given: Sequence[Given]) -> list[Node]:
    return [result.fitting(g.type) for g, result in zip(given, body.leaves, strict=False)]


def _region(params: Sequence[Node], results: Sequence[Node], body: Body) -> Region:
    """Return a region in which the states of generators that did not move on are what they are outside."""
    given = {key: node for key, node in body.unmoved().items() if key not in params}
    return Region(tuple(params), tuple(substitute(results, given)))


def _move_on(storages: Any, nodes: Sequence[Node]) -> None:
    """Leave random generators as a loop or branch leaves them."""
    for storage, node in zip(storages, nodes, strict=True):
        storage.put_value(node, storage.pending + 1)


def _recorded(nodes: Sequence[Node], name: str, given: Sequence[Given], bodies: Sequence[Body]) -> list[Tensor]:
    """Return tensors on the results of a node, with a history that leads to what it was given and what bodies read."""
    edges = [e for g in given if g.tensor.requires_grad and (e := g.tensor._edge()) is not None]
    edges += [e for body in bodies for leaf in body.leaves for e in body.ends(leaf.fn)]
    pending = max((g.tensor._storage.pending for g in given), default=0) + 1
    where = user_location()
    made = []
    for node in nodes:
        recorded = bool(edges) and state.grad and node.dtype.is_float
        step = GradFn(f"{name}Backward0", tuple(dict.fromkeys(edges)), where=where) if recorded else None
        if step is not None and state.anomaly:
            step.metadata = {"node": node}
        plain = stopped(node) if edges and not state.grad and node.dtype.is_float else node
        made.append(Storage(plain, recorded, step, pending))
    if pending > PENDING_BOUND and state.trace is None:
        compute(made)
    return [Tensor._of(s) for s in made]


class _here:
    """The user's line, as the place of the nodes that are made in a block."""

    def __enter__(self) -> None:
        self.outer = place.where
        place.where = user_location()

    def __exit__(self, *error: object) -> None:
        place.where = self.outer
