"""Directional derivatives, Jacobians and Hessians of functions, as torch.func has them.

A Jacobian is one graph: the derivative along a symbolic direction is built once, and batched over all unit vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import accumulate
from typing import Any

from graphc.autograd.engine import differentiate, takes_gradient
from graphc.autograd.grad_mode import enable_grad
from graphc.core import pytree
from graphc.core.dtypes import Size, of_ir
from graphc.core.errors import add_location
from graphc.core.pytree import TreeDef
from graphc.ir.core import build
from graphc.ir.core.control_flow import RefusedError
from graphc.ir.core.graph import PARAMETER, Node, make, parameter, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.transforms.jvp import tangents as tangents_of
from graphc.ir.transforms.vjp import gradients
from graphc.ir.transforms.vmap import batch
from graphc.tensors.context import state
from graphc.tensors.dispatch import from_array
from graphc.tensors.grad_fn import CustomGradFn, GradFn, TransformInput, history
from graphc.tensors.lazy import realize, substitute
from graphc.tensors.storage import Storage, stopped
from graphc.tensors.tensor import Tensor
from graphc.tracing.custom_vjp import written_out

__all__ = [
    "Derivative", "backward_derivative", "forward_derivative", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "with_choices",
]  # fmt: skip

ArgNums = int | tuple[int, ...]
JVP_NAME, VJP_NAME = "jvp(f, primals, tangents)", "vjp(f, *primals)"


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """Return the output of `func(*primals)` and its directional derivative along `tangents` (forward mode).

    The derivative is the Jacobian times the tangents. None flows through `detach`, nor through values computed in `no_grad`
    from tensors that require a gradient.

    Args:
        func: function of `primals` that returns a tensor or a pytree of tensors, or with `has_aux` a pair (output, aux).
        primals: tuple of arguments: float tensors, or pytrees of them.
        tangents: tuple of the same structure, with tensors of the same shapes; they are converted to the primals' dtypes.
        strict: whether an output that does not depend on the primals is an error; otherwise its derivative is zeros.
        has_aux: whether `func` also returns a second value, which is passed through.

    Returns:
        (output, derivative), or (output, derivative, aux) with `has_aux`; both are pytrees of the same structure, shapes and
        dtypes.

    Raises:
        RuntimeError: if `primals` is no tuple or contains no tensor, the structure or the shapes of `tangents` differ from
            it, `func` returns anything but tensors, or with `strict` something that does not depend on the primals.
        ValueError: if a primal is not of floats.

    Example:
        >>> func.jvp(lambda x: x * x, (graphc.tensor([1.0, 2.0]),), (graphc.tensor([1.0, 10.0]),))
        (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple):
        raise _error(f"{JVP_NAME}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    leaves, tree = pytree.flatten(primals)
    weights, given = pytree.flatten(tangents)
    if tree != given:
        raise _error(
            f"{JVP_NAME}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple "
            f"of 3 tensors, tangents also must be. Got primals with structure {tree} and tangents with structure {given}"
        )
    inputs, directions = _tensors(leaves, "primals"), _tensors(weights, "tangents")
    with _Transform(_differentiable(inputs)) as level:
        outputs, shape, aux = _outputs(func(*pytree.unflatten(level.inputs, tree)), has_aux, JVP_NAME)
        seeds = [_seed(n, w) for n, w in zip(level.nodes, directions, strict=True)]
        found = _pushed(outputs, level.nodes, seeds)
    if strict and None in found:
        raise _error(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. "
            "This is not allowed with strict=True."
        )
    nodes = [build.zeros_like(o._node()) if t is None else t for o, t in zip(outputs, found, strict=True)]
    derivative = level.results(nodes, [*outputs, *directions], shape)
    output = level.outward(pytree.unflatten(outputs, shape))
    return (output, derivative, level.outward(aux)) if has_aux else (output, derivative)


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
        raise _error("jacrev: `chunk_size` should be greater than 0.", ValueError)

    @wraps(func, updated=())
    def jacobian(*args: Any) -> Any:
        d = backward_derivative(func, args, argnums, has_aux=has_aux)
        rows = [_for_each_unit(g, d.seeds, x, chunk_size) for g, x in zip(d.found, d.inputs, strict=True)]
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
        columns = [_first_axis_last(_for_each_unit(t, d.seeds, y, None)) for t, y in zip(d.found, d.ends, strict=True)]
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


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the output of `func(*primals)` and its derivative there, as a function of tangents.

    `jvp` at a fixed point: everything that does not depend on the tangents is computed once.

    Args:
        func: function of `primals` that returns a tensor or a pytree of tensors.
        *primals: float tensors, or pytrees of them, at which `func` is linearized.

    Returns:
        (output, jvp_fn). `jvp_fn(*tangents)` takes pytrees like the primals, of the same shapes and dtypes, and returns the
        directional derivative, a pytree like the output. It may be called repeatedly.

    Raises:
        ValueError: if a primal is not of floats.
        RuntimeError: if `func` returns anything but tensors; by `jvp_fn`, if structure, shapes or dtypes of the tangents are
            not those of the primals.

    Example:
        >>> y, jvp_fn = func.linearize(lambda x: x * x, graphc.tensor([1.0, 2.0]))
        >>> y, jvp_fn(graphc.tensor([1.0, 0.0])), jvp_fn(graphc.tensor([0.0, 1.0]))
        (tensor([1., 4.]), tensor([2., 0.]), tensor([0., 4.]))
    """
    leaves, tree = pytree.flatten(primals)
    with _Transform(_differentiable(leaves)) as level:
        outputs, shape, _ = _outputs(func(*pytree.unflatten(level.inputs, tree)), False, JVP_NAME)
        seeds = [parameter(n.type) for n in level.nodes]
        found = _pushed(outputs, level.nodes, seeds)
    nodes = [build.zeros_like(o._node()) if t is None else t for o, t in zip(outputs, found, strict=True)]
    _compute_coefficients(nodes, seeds)

    def jvp_fn(*tangents: Any) -> Any:
        weights, given = pytree.flatten(tangents)
        if given != tree:
            raise _error(f"Expected the tangents {given} to have the same argspec as the primals {tree}")
        directions = _tensors(weights, "tangents")
        for i, (seed, weight) in enumerate(zip(seeds, directions, strict=True)):
            _check_tangent(i, seed, weight)
        moved = substitute(nodes, {s: w._node() for s, w in zip(seeds, directions, strict=True)})
        return level.results(moved, [*outputs, *directions], shape)

    return level.outward(pytree.unflatten(outputs, shape)), jvp_fn


# -- a derivative for open seeds ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Derivative:
    """The derivative of one call of a function: nodes `found` that are linear in the parameters `seeds`.

    In forward mode there is a seed for each of `inputs` and a tangent for each of `ends`, the nodes of the outputs; in
    reverse mode a seed for each of `ends` and a gradient for each of `inputs`. None stands for zeros.
    """

    level: _Transform
    tree: TreeDef
    outputs: list[Tensor]
    shape: TreeDef
    aux: Any
    ends: list[Node]
    seeds: list[Node]
    found: list[Node | None]

    @property
    def inputs(self) -> list[Node]:
        """The nodes of the inputs, of this transform alone."""
        return self.level.nodes


def forward_derivative(
    func: Callable[..., Any], args: Sequence[Any], argnums: ArgNums, *, has_aux: bool = False, like_inputs: bool = False
) -> Derivative:
    """Return the tangents of the outputs of a function, for symbolic tangents of its arguments.

    With `like_inputs` the seeds are nodes over the inputs instead of parameters, and need no values.
    """
    numbers = _numbers(argnums, len(args))
    leaves, tree = pytree.flatten(tuple(args[i] for i in numbers))
    with _Transform(_differentiable(leaves)) as level:
        result = func(*_replaced(args, numbers, pytree.unflatten(level.inputs, tree)))
        outputs, shape, aux = _outputs(result, has_aux, JVP_NAME)
        seeds = [make(PRIMITIVES["alias"], (n,), unique=True) if like_inputs else parameter(n.type) for n in level.nodes]
        found = _pushed(outputs, level.nodes, seeds)
    return Derivative(level, tree, outputs, shape, aux, [o._node() for o in outputs], seeds, found)


def backward_derivative(
    func: Callable[..., Any], args: Sequence[Any], argnums: ArgNums, *, has_aux: bool = False
) -> Derivative:
    """Return the gradients with respect to the arguments of a function, for symbolic cotangents of its outputs."""
    numbers = _numbers(argnums, len(args))
    leaves, tree = pytree.flatten(tuple(args[i] for i in numbers))
    with _Transform(leaves) as level:
        result = func(*_replaced(args, numbers, pytree.unflatten(level.inputs, tree)))
        outputs, shape, aux = _outputs(result, has_aux, VJP_NAME)
        ends = _float_nodes(outputs)
        seeds = [parameter(n.type) for n in ends]
        found = _through_history(ends, seeds, outputs, level.nodes)
    return Derivative(level, tree, outputs, shape, aux, ends, seeds, found)


def _through_history(
    ends: Sequence[Node], seeds: Sequence[Node], outputs: Sequence[Tensor], wrt: Sequence[Node]
) -> list[Node | None]:
    """Return gradients by `wrt`; the custom functions that backwards call are written out: batches copy what they return."""
    steps = history(o._edge() for o in outputs)
    found = differentiate(ends, seeds, steps, wrt)
    inner = [edge for s in steps if isinstance(s, CustomGradFn) for edge in s.made]
    if not inner:
        return found
    rest = iter(written_out([g for g in found if g is not None], inner, set(steps).__contains__))
    return [None if g is None else next(rest) for g in found]


# -- one transform ------------------------------------------------------------------------------------------


class _Transform:
    """The inputs of one transform on nodes of their own, recorded within a `with` block."""

    def __init__(self, leaves: Sequence[Any]) -> None:
        self.recording = state.grad
        self.inputs = [self._input(x) for x in leaves]
        self.nodes = [x._storage.node for x in self.inputs]
        self.steps = [x._storage.fn for x in self.inputs]
        self.mode = enable_grad()

    def _input(self, leaf: Any) -> Tensor:
        tensor = _as_tensor(leaf)
        if not tensor._type.dtype.is_float:
            raise _error("only Tensors of floating point dtype can require gradients")
        source = tensor._node()
        source = stopped(source) if tensor.requires_grad and not self.recording else source
        node = make(PRIMITIVES["alias"], (source,), unique=True, like=source)
        return Tensor._of(Storage(node, True, TransformInput(node, (tensor._edge(),)), tensor._storage.pending))

    def __enter__(self) -> _Transform:
        self.mode.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.mode.__exit__(*error)
        for step in self.steps:
            assert isinstance(step, TransformInput)
            step.active = False

    def results(self, nodes: Sequence[Node], sources: Sequence[Tensor], shape: TreeDef) -> Any:
        """Return a nest of tensors on nodes that were made of what made `sources`."""
        edges = _edges(sources)
        pending = 2 * max((s._storage.pending for s in sources), default=0) + 1
        made = [Storage(n, bool(edges), GradFn("JvpBackward0", edges) if edges else None, pending) for n in nodes]
        return self.outward(pytree.unflatten([Tensor._of(s) for s in made], shape))

    def outward(self, nest: Any) -> Any:
        """Return results without the history of this transform, but with what leads further out."""
        return pytree.tree_map(self._outward, nest)

    def _outward(self, x: Any) -> Any:
        if not isinstance(x, Tensor) or not x.requires_grad:
            return x
        open_ends = any(map(takes_gradient, history([x._edge()])))
        if open_ends and self.recording:
            return x
        node = x._node()
        return Tensor._of(Storage(stopped(node) if open_ends else node, pending=x._storage.pending))


def _edges(sources: Sequence[Tensor]) -> tuple[GradFn, ...]:
    """Return the steps that made tensors, and those that made the gradients of custom functions among them."""
    edges = [e for s in sources if (e := s._edge()) is not None]
    inner = [e for s in history(edges) if isinstance(s, CustomGradFn) for e in s.made if e is not None]
    return tuple(dict.fromkeys([*edges, *inner]))


def _outputs(result: Any, has_aux: bool, name: str) -> tuple[list[Tensor], TreeDef, Any]:
    """Return the tensors a function returned, their nest, and its aux.  Raises RuntimeError."""
    if has_aux and not (isinstance(result, tuple) and len(result) == 2):
        raise _error(f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True")
    value, aux = result if has_aux else (result, None)
    leaves, shape = pytree.flatten(value)
    if not leaves:
        raise _error(f"{name}: Expected f to be a function that has non-empty output (got output = [{value}])")
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise _error(f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(leaf)}")
    return leaves, shape, aux


def _float_nodes(outputs: Sequence[Tensor]) -> list[Node]:
    for output in outputs:
        if not output._type.dtype.is_float:
            raise _error(
                f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype {output.dtype}"
            )
    return [o._node() for o in outputs]


# -- forward through Python code ------------------------------------------------------------------------------


def _pushed(outputs: Sequence[Tensor], wrt: Sequence[Node], seeds: Sequence[Node]) -> list[Node | None]:
    """Return the tangents of outputs, also through the hooks and custom functions in their history."""
    front, known = list(wrt), list(seeds)
    for step in reversed(history(o._edge() for o in outputs)):
        if isinstance(step, CustomGradFn):
            before = tangents_of(step.inputs, front, known)
            for node, tangent in zip(step.outputs, _through(step, before), strict=True):
                if tangent is not None:
                    front.append(node)
                    known.append(tangent)
    return tangents_of([o._node() for o in outputs], front, known)


def _through(step: CustomGradFn, before: Sequence[Node | None]) -> Sequence[Node | None]:
    """Return the tangents behind a step.

    A custom function may say what they are.  Else its rule is linear in the cotangents, and what is wanted is its
    transpose: its own gradient by them.  Hooks change gradients and nothing else.  Raises RuntimeError where the rule
    cannot be differentiated.
    """
    if all(t is None for t in before):
        return [None] * len(step.outputs)
    if step.hooks is not None:
        return before
    step.made = []
    if step.push is not None:
        return step.push(list(before))
    open_cotangents = [make(PRIMITIVES["alias"], (build.zeros_like(o),), unique=True) for o in step.outputs]
    pairs = [(p, t) for p, t in zip(step.rule(list(open_cotangents)), before, strict=True) if p is not None and t is not None]
    roots = written_out([p for p, _ in pairs], step.made, lambda s: s is step)
    try:
        found = gradients(roots, [t for _, t in pairs], open_cotangents)
    except RefusedError:
        found = [None] * len(open_cotangents)
    reached = set(toposort(roots))
    if any(g is None and c in reached for g, c in zip(found, open_cotangents, strict=True)):
        raise _error(f"{step.name()} has no forward derivative: its backward cannot be differentiated")
    return found


# -- all directions at once -----------------------------------------------------------------------------------


def _for_each_unit(linear: Node | None, seeds: Sequence[Node], like: Node, chunk: int | None) -> Node:
    """Return what a node that is linear in `seeds` is for each element of them set to 1 and all others to 0.

    These values lie along a new first axis; None stands for zeros of the type of `like`.
    """
    total = sum(s.type.size for s in seeds)
    if linear is None or not total:
        return build.constant(0, like.dtype, (total, *like.shape))
    if total == 1:
        (one,) = substitute([linear], {s: build.full_like(s, 1) for s in seeds})
        return build.reshape(one, (1, *like.shape))
    size = chunk or total
    return build.concatenate([_units(linear, seeds, i, min(size, total - i)) for i in range(0, total, size)], 0)


def _units(linear: Node, seeds: Sequence[Node], start: int, count: int) -> Node:
    """Return `count` of the values from number `start` on."""
    offsets = accumulate((s.type.size for s in seeds), initial=0)
    basis = {s: _unit_vectors(s, start - offset, count) for s, offset in zip(seeds, offsets, strict=False)}
    ((found, batched),) = batch([linear], basis, count)
    if batched:
        return with_choices(found, basis.values())
    return build.broadcast(found, (count, *found.shape), range(1, found.type.rank + 1))


def with_choices(root: Node, directions: Iterable[Node]) -> Node:
    """Return a node in which products with unit vectors are replaced by selects.

    So a derivative has no 0 * inf along other directions. Directions are bools, cast and moved.
    """
    units = {_below_movement(d) for d in directions}
    new: dict[Node, Node] = {}
    for node in toposort([root]):
        if node.op.name != "mul":
            continue
        for unit, other in (node.operands, node.operands[::-1]):
            if _below_movement(unit) in units:
                new[node] = build.select(_moved_like(unit, _below_movement(unit).operands[0]), other, 0)
                break
    return substitute([root], new)[0] if new else root


def _below_movement(node: Node) -> Node:
    while node.op.name in ("reshape", "permute", "broadcast", "slice", "flip"):
        node = node.operands[0]
    return node


def _moved_like(model: Node, base: Node) -> Node:
    """Return `base` under the movement that `model` is."""
    moves = []
    while model is not _below_movement(model):
        moves.append(model)
        model = model.operands[0]
    for move in reversed(moves):
        base = make(move.op, (base,), move.params)
    return base


def _unit_vectors(seed: Node, first: int, count: int) -> Node:
    """Return `count` arrays like `seed`, of zeros but for a 1 at the flat index `first`, `first` + 1, …, if there is one."""
    shape = (count, seed.type.size)
    row, column = build.iota(shape, 0), build.iota(shape, 1)
    ones = build.cast(build.elementwise("eq", row + first if first else row, column), seed.dtype)
    return build.reshape(ones, (count, *seed.shape))


def _split(x: Node, axis: int, parts: Sequence[Node]) -> list[Node]:
    """Cut an axis into pieces as long as each of the parts has elements."""
    found, begin = [], 0
    for part in parts:
        start, stop = [0] * x.type.rank, list(x.shape)
        start[axis], stop[axis] = begin, begin + part.type.size
        found.append(build.slice_(x, start, stop))
        begin += part.type.size
    return found


def _first_axis_last(x: Node) -> Node:
    return build.permute(x, (*range(1, x.type.rank), 0))


def _blocks(pieces: Sequence[Node], outputs: Sequence[Node], inputs: Sequence[Node]) -> list[Node]:
    """Give pieces of a Jacobian the shapes of their outputs and inputs, of which one is a single one."""
    shapes = [(*y.shape, *x.shape) for y in outputs for x in inputs]
    return [build.reshape(piece, shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _assembled(level: _Transform, parts: Sequence[Any], shape: TreeDef, argnums: ArgNums, aux: tuple[Any, ...]) -> Any:
    """Return the nest of outputs of nests of inputs, given the latter, with the aux if there is one."""
    jacobian = pytree.unflatten([p[0] for p in parts] if isinstance(argnums, int) else parts, shape)
    return (jacobian, *level.outward(aux)) if aux else jacobian


# -- tangents for good ----------------------------------------------------------------------------------------


def _compute_coefficients(linear: Sequence[Node], seeds: Sequence[Node]) -> None:
    """Compute what nodes that are linear in `seeds` multiply them with, unless that is not known yet."""
    varying, needed = set(seeds), dict[Node, None]()
    for node in toposort(linear):
        if not varying.isdisjoint(node.operands):
            varying.add(node)
            needed.update((o, None) for o in node.operands if o not in varying)
    reached = toposort(needed, lambda n: n.value is not None)
    if not any(n.op is PARAMETER and n.value is None for n in reached):
        realize(list(needed))


# -- checks ---------------------------------------------------------------------------------------------------


def _error(text: str, kind: type[Exception] = RuntimeError) -> Exception:
    """Return an error that tells the user's file and line."""
    error = kind(text)
    add_location(error)
    return error


def _as_tensor(leaf: Any) -> Tensor:
    if isinstance(leaf, Tensor):
        return leaf
    if not hasattr(leaf, "dtype"):
        raise _error(f"Thing passed to transform API must be Tensor, got {type(leaf)}", ValueError)
    return Tensor._of(Storage(from_array(leaf)))


def _tensors(leaves: Sequence[Any], name: str) -> list[Tensor]:
    """Check that there are leaves and that they are tensors or arrays.  Raises RuntimeError."""
    if not leaves:
        raise _error(f"{JVP_NAME}: Expected {name} to contain at least one Tensor.")
    for leaf in leaves:
        if not hasattr(leaf, "dtype"):
            raise _error(f"{JVP_NAME}: Expected {name} to only contain Tensors, got {type(leaf)}")
    return [_as_tensor(x) for x in leaves]


def _differentiable(leaves: Sequence[Any]) -> list[Tensor]:
    """Check that leaves are tensors of floats.  Raises ValueError."""
    found = [_as_tensor(x) for x in leaves]
    for tensor in found:
        if not tensor._type.dtype.is_float:
            raise _error(f"Expected primal to be floating point or complex, but got: {tensor.dtype}", ValueError)
    return found


def _seed(node: Node, tangent: Tensor) -> Node:
    """Return the node of a tangent in the dtype of its primal.  Raises RuntimeError for another shape."""
    if tangent.shape != node.shape:
        raise _error(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
            f"supported. Tensor is of size {[*node.shape]} while the given forward gradient is of size {[*tangent.shape]}."
        )
    return build.cast(tangent._node(), node.dtype)


def _check_tangent(index: int, seed: Node, tangent: Tensor) -> None:
    pairs = (("shape", tangent.shape, Size(seed.shape)), ("dtype", tangent.dtype, of_ir(seed.dtype)))
    for what, got, wanted in pairs:
        if got != wanted:
            raise _error(
                f"tangent:{index} with {what} {got} in flattened pytree doesn't match the {what} {wanted} "
                "of the corresponding primal."
            )


def _numbers(argnums: ArgNums, count: int) -> tuple[int, ...]:
    """Return argument numbers counted from the first.  Raises RuntimeError."""
    if not isinstance(argnums, (int, tuple)):
        raise _error(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    for i in numbers:
        if not isinstance(i, int):
            raise _error(f"argnum must be int, got: {type(i)}")
        if not -count <= i < count:
            raise _error(f"Got argnum={i}, but only {count} positional inputs")
    found = tuple(i % count for i in numbers)
    if not found:
        raise _error("argnums must be non-empty")
    if len(set(found)) != len(found):
        raise _error(f"argnums elements must be unique, got {argnums}")
    return found


def _replaced(args: Sequence[Any], numbers: tuple[int, ...], chosen: Sequence[Any]) -> list[Any]:
    by_number = dict(zip(numbers, chosen, strict=True))
    return [by_number.get(i, x) for i, x in enumerate(args)]
