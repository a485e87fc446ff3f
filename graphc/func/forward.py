"""Directional derivatives of functions, as torch.func has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from graphc.core import pytree
from graphc.core.dtypes import Size, of_ir
from graphc.core.errors import located
from graphc.func.derivative import JVP_NAME, differentiable, output_tangents, outputs_of
from graphc.func.level import Level, as_tensor
from graphc.ir.core import build
from graphc.ir.core.graph import PARAMETER, Node, parameter, toposort
from graphc.recording.lazy import realize
from graphc.recording.structures import substitute
from graphc.tensors.tensor import Tensor

__all__ = ["jvp", "linearize"]


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
        raise located(RuntimeError(f"{JVP_NAME}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."))
    leaves, tree = pytree.flatten(primals)
    tangent_leaves, structure = pytree.flatten(tangents)
    if tree != structure:
        raise located(
            RuntimeError(
                f"{JVP_NAME}: Expected primals and tangents to have the same python structure. For example, if primals is a "
                f"tuple of 3 tensors, tangents also must be. Got primals with structure {tree} and tangents with structure "
                f"{structure}"
            )
        )
    inputs, directions = _tensors(leaves, "primals"), _tensors(tangent_leaves, "tangents")
    with Level(differentiable(inputs), writes_back=True) as level:
        outputs, shape, aux = outputs_of(func(*pytree.unflatten(level.inputs, tree)), has_aux, JVP_NAME)
        seeds = [_seed(n, w) for n, w in zip(level.nodes, directions, strict=True)]
        written = [level.inputs[i] for i in level.written()]
        every = output_tangents([*outputs, *written], level.nodes, seeds)
    output_nodes = every[: len(outputs)]
    _write_back(level, directions, every[len(outputs) :])
    if strict and None in output_nodes:
        raise located(
            RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. "
                "This is not allowed with strict=True."
            )
        )
    nodes = [build.zeros_like(o._node()) if t is None else t for o, t in zip(outputs, output_nodes, strict=True)]
    derivative = level.results(nodes, [*outputs, *directions], shape)
    derivative = pytree.tree_map(partial(_shared, level, directions), pytree.unflatten(outputs, shape), derivative)
    output = level.outward(pytree.unflatten(outputs, shape))
    return (output, derivative, level.outward(aux)) if has_aux else (output, derivative)


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
    with Level(differentiable(leaves)) as level:
        outputs, shape, _ = outputs_of(func(*pytree.unflatten(level.inputs, tree)), False, JVP_NAME)
        seeds = [parameter(n.type) for n in level.nodes]
        output_nodes = output_tangents(outputs, level.nodes, seeds)
    nodes = [build.zeros_like(o._node()) if t is None else t for o, t in zip(outputs, output_nodes, strict=True)]
    _compute_coefficients(nodes, seeds)

    def jvp_fn(*tangents: Any) -> Any:
        tangent_leaves, structure = pytree.flatten(tangents)
        if structure != tree:
            raise located(RuntimeError(f"Expected the tangents {structure} to have the same argspec as the primals {tree}"))
        directions = _tensors(tangent_leaves, "tangents")
        for i, (seed, weight) in enumerate(zip(seeds, directions, strict=True)):
            _check_tangent(i, seed, weight)
        moved = substitute(nodes, {s: w._node() for s, w in zip(seeds, directions, strict=True)})
        return level.results(moved, [*outputs, *directions], shape)

    return level.outward(pytree.unflatten(outputs, shape)), jvp_fn


def _write_back(level: Level, directions: Sequence[Tensor], tangents: Sequence[Node | None]) -> None:
    """Write to the primals and their tangents what the function wrote to its inputs."""
    for i, tangent in zip(level.written(), tangents, strict=True):
        value = level.inputs[i]
        node = build.zeros_like(value._node()) if tangent is None else tangent
        new = level.results([node], [value, directions[i]], pytree.flatten(value)[1])
        level.sources[i].copy_(level.result(value))
        directions[i].copy_(new)


def _shared(level: Level, directions: Sequence[Tensor], output: Tensor, tangent: Tensor) -> Tensor:
    """Return the tangent of an output: where this is a view of a primal, the same view of the primal's tangent."""
    view = level.input_view(output, directions) if output.requires_grad else None
    return tangent if view is None or view.dtype != output.dtype else view


def _compute_coefficients(linear: Sequence[Node], seeds: Sequence[Node]) -> None:
    """Precompute the coefficients of nodes that are linear in `seeds`, unless they depend on unknown values."""
    varying, needed = set(seeds), dict[Node, None]()
    for node in toposort(linear):
        if not varying.isdisjoint(node.operands):
            varying.add(node)
            needed.update((o, None) for o in node.operands if o not in varying)
    reached = toposort(needed, lambda n: n.value is not None)
    if not any(n.op is PARAMETER and n.value is None for n in reached):
        realize(list(needed))


def _tensors(leaves: Sequence[Any], name: str) -> list[Tensor]:
    """Check that there are leaves and that they are tensors or arrays.  Raises RuntimeError."""
    if not leaves:
        raise located(RuntimeError(f"{JVP_NAME}: Expected {name} to contain at least one Tensor."))
    for leaf in leaves:
        if not hasattr(leaf, "dtype"):
            raise located(RuntimeError(f"{JVP_NAME}: Expected {name} to only contain Tensors, got {type(leaf)}"))
    return [as_tensor(x) for x in leaves]


def _seed(node: Node, tangent: Tensor) -> Node:
    """Return the node of a tangent in the dtype of its primal.  Raises RuntimeError for another shape."""
    if tangent.shape != node.shape:
        raise located(
            RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not "
                f"supported. Tensor is of size {[*node.shape]} while the given forward gradient is of size {[*tangent.shape]}."
            )
        )
    return build.cast(tangent._node(), node.dtype)


def _check_tangent(index: int, seed: Node, tangent: Tensor) -> None:
    pairs = (("shape", tangent.shape, Size(seed.shape)), ("dtype", tangent.dtype, of_ir(seed.dtype)))
    for what, got, wanted in pairs:
        if got != wanted:
            raise located(
                RuntimeError(
                    f"tangent:{index} with {what} {got} in flattened pytree doesn't match the {what} {wanted} "
                    "of the corresponding primal."
                )
            )
