"""The derivative of one call of a function, for symbolic tangents or cotangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.autograd.engine import differentiate
from graphc.core import pytree
from graphc.core.errors import located
from graphc.core.pytree import TreeDef
from graphc.func.level import ArgNums, Level, as_tensor, positions, replaced
from graphc.ir.core import build
from graphc.ir.core.graph import Node, make, parameter, toposort
from graphc.ir.core.ops import PRIMITIVES
from graphc.ir.regions.substitution import RefusedError
from graphc.ir.transforms.jvp import tangents as tangents_of
from graphc.ir.transforms.vjp import gradients
from graphc.recording.grad_fn import CustomGradFn, history
from graphc.tensors.tensor import Tensor
from graphc.tracing.custom_vjp import written_out

__all__ = [
    "JVP_NAME", "Derivative", "backward_derivative", "differentiable", "forward_derivative", "output_tangents", "outputs_of",
]  # fmt: skip

JVP_NAME, VJP_NAME = "jvp(f, primals, tangents)", "vjp(f, *primals)"


@dataclass(frozen=True, eq=False)
class Derivative:
    """The derivative of one call of a function: nodes `linear` in the parameters `seeds`.

    In forward mode there is a seed for each of `inputs` and a tangent for each of `ends`, the nodes of the outputs; in
    reverse mode a seed for each of `ends` and a gradient for each of `inputs`. None stands for zeros.
    """

    level: Level
    tree: TreeDef
    outputs: list[Tensor]
    shape: TreeDef
    aux: Any
    ends: list[Node]
    seeds: list[Node]
    linear: list[Node | None]

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
    with Level(differentiable(leaves)) as level:
        result = func(*replaced(args, numbers, pytree.unflatten(level.inputs, tree)))
        outputs, shape, aux = outputs_of(result, has_aux, JVP_NAME)
        seeds = [make(PRIMITIVES["alias"], (n,), unique=True) if like_inputs else parameter(n.type) for n in level.nodes]
        tangents = output_tangents(outputs, level.nodes, seeds)
    return Derivative(level, tree, outputs, shape, aux, [o._node() for o in outputs], seeds, tangents)


def backward_derivative(
    func: Callable[..., Any], args: Sequence[Any], argnums: ArgNums, *, has_aux: bool = False
) -> Derivative:
    """Return the gradients with respect to the arguments of a function, for symbolic cotangents of its outputs."""
    numbers = _numbers(argnums, len(args))
    leaves, tree = pytree.flatten(tuple(args[i] for i in numbers))
    with Level(leaves) as level:
        result = func(*replaced(args, numbers, pytree.unflatten(level.inputs, tree)))
        outputs, shape, aux = outputs_of(result, has_aux, VJP_NAME)
        ends = _float_nodes(outputs)
        seeds = [parameter(n.type) for n in ends]
        grads = _through_history(ends, seeds, outputs, level.nodes)
    return Derivative(level, tree, outputs, shape, aux, ends, seeds, grads)


def _through_history(
    ends: Sequence[Node], seeds: Sequence[Node], outputs: Sequence[Tensor], wrt: Sequence[Node]
) -> list[Node | None]:
    """Return gradients with respect to `wrt`, with custom functions called by backwards as nodes, which batching copies."""
    steps = history(o._edge() for o in outputs)
    grads = differentiate(ends, seeds, steps, wrt)
    inner = [edge for s in steps if isinstance(s, CustomGradFn) for edge in s.grad_history]
    if not inner:
        return grads
    rest = iter(written_out([g for g in grads if g is not None], inner, set(steps).__contains__))
    return [None if g is None else next(rest) for g in grads]


def outputs_of(result: Any, has_aux: bool, name: str) -> tuple[list[Tensor], TreeDef, Any]:
    """Return the tensors a function returned, their pytree, and its aux.  Raises RuntimeError."""
    if has_aux and not (isinstance(result, tuple) and len(result) == 2):
        raise located(RuntimeError(f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"))
    value, aux = result if has_aux else (result, None)
    leaves, shape = pytree.flatten(value)
    if not leaves:
        raise located(RuntimeError(f"{name}: Expected f to be a function that has non-empty output (got output = [{value}])"))
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise located(
                RuntimeError(f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(leaf)}")
            )
    return leaves, shape, aux


def _float_nodes(outputs: Sequence[Tensor]) -> list[Node]:
    for output in outputs:
        if not output._type.dtype.is_float:
            raise located(
                RuntimeError(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                    f"{output.dtype}"
                )
            )
    return [o._node() for o in outputs]


def output_tangents(outputs: Sequence[Tensor], wrt: Sequence[Node], seeds: Sequence[Node]) -> list[Node | None]:
    """Return the tangents of outputs, also through the hooks and custom functions in their history."""
    front, known = list(wrt), list(seeds)
    for step in reversed(history(o._edge() for o in outputs)):
        if isinstance(step, CustomGradFn):
            before = tangents_of(step.inputs, front, known)
            for node, tangent in zip(step.outputs, _tangents_through(step, before), strict=True):
                if tangent is not None:
                    front.append(node)
                    known.append(tangent)
    return tangents_of([o._node() for o in outputs], front, known)


def _tangents_through(step: CustomGradFn, before: Sequence[Node | None]) -> Sequence[Node | None]:
    """Return the tangents behind a grad_fn.

    A custom function may define them by `jvp`.  Otherwise `backward` is linear in the cotangents, and its transpose gives the
    tangents: its own gradient with respect to the cotangents.  Hooks only change gradients.  Raises RuntimeError where the rule
    cannot be differentiated.
    """
    if all(t is None for t in before):
        return [None] * len(step.outputs)
    if step.hooks is not None:
        return before
    step.grad_history = []
    if step.push is not None:
        return step.push(list(before))
    open_cotangents = [make(PRIMITIVES["alias"], (build.zeros_like(o),), unique=True) for o in step.outputs]
    pairs = [(p, t) for p, t in zip(step.rule(list(open_cotangents)), before, strict=True) if p is not None and t is not None]
    roots = written_out([p for p, _ in pairs], step.grad_history, lambda s: s is step)
    try:
        tangents = gradients(roots, [t for _, t in pairs], open_cotangents)
    except RefusedError:
        tangents = [None] * len(open_cotangents)
    reached = set(toposort(roots))
    if any(g is None and c in reached for g, c in zip(tangents, open_cotangents, strict=True)):
        raise located(RuntimeError(f"{step.name()} has no forward derivative: its backward cannot be differentiated"))
    return tangents


def differentiable(leaves: Sequence[Any]) -> list[Tensor]:
    """Check that leaves are float tensors.  Raises ValueError."""
    tensors = [as_tensor(x) for x in leaves]
    for tensor in tensors:
        if not tensor._type.dtype.is_float:
            raise located(ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}"))
    return tensors


def _numbers(argnums: ArgNums, count: int) -> tuple[int, ...]:
    """Return argument numbers counted from the first.  Raises RuntimeError."""
    if not isinstance(argnums, (int, tuple)):
        raise located(RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}"))
    for i in (argnums,) if isinstance(argnums, int) else argnums:
        if not isinstance(i, int):
            raise located(RuntimeError(f"argnum must be int, got: {type(i)}"))
    numbers = positions(argnums, count)
    if not numbers:
        raise located(RuntimeError("argnums must be non-empty"))
    if len(set(numbers)) != len(numbers):
        raise located(RuntimeError(f"argnums elements must be unique, got {argnums}"))
    return numbers
